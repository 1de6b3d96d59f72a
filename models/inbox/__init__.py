from . import (
    pbx_event,
    apply,
    pbx_event_replay,
)
