from . import apply, pbx_event, pbx_event_proof
