from . import fetch, pbx_recording
