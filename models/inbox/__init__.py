from . import apply, pbx_event
