from . import (
    chatter,
    dial,
    log,
    match,
    notify,
    pbx_backfill,
    pbx_call,
    pbx_call_leg,
    pbx_call_ref,
    pbx_call_tag,
)
