from . import (
    pbx_recording,
    fetch,
    pbx_recording_hear,
    pbx_recording_keep,
    pbx_call_recording,
)
