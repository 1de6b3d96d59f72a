"""A few scenarios for where the developers' fake PBX is not at hand.

A release has no ``dev/``; its tests then play these instead of all that the fake PBX
knows, by the same names and parameters.
"""

from datetime import datetime
from typing import NamedTuple


class Step(NamedTuple):
    event: str
    fields: dict
    delay: float


def _answered(call, ext):
    end = {"duration": "34", "disposition": "answered", "last_internal": ext}
    recorded = {"is_recorded": "1", "call_id_with_rec": "1779868800.1234567"}
    answer = {name: call[name] for name in ("call_start", "pbx_call_id", "caller_id")}
    return [
        ("NOTIFY_START", call, 0),
        ("NOTIFY_INTERNAL", {**call, "internal": ext}, 1),
        ("NOTIFY_ANSWER", {**answer, "destination": ext, "internal": ext}, 4),
        ("NOTIFY_END", {**call, "internal": ext, **end, **recorded}, 34),
        (
            "NOTIFY_RECORD",
            {
                "pbx_call_id": call["pbx_call_id"],
                "call_id_with_rec": "1779868800.1234567",
            },
            6,
        ),
    ]


def _missed(call, ext):
    return [
        ("NOTIFY_START", call, 0),
        ("NOTIFY_INTERNAL", {**call, "internal": ext}, 1),
        ("NOTIFY_END", {**call, "duration": "0", "disposition": "cancel"}, 15),
    ]


def _outbound(call, ext):
    told = {
        "call_start": call["call_start"],
        "pbx_call_id": call["pbx_call_id"],
        "caller_id": call["called_did"],
        "internal": ext,
        "destination": call["caller_id"],
    }
    end = {"duration": "34", "disposition": "answered", "is_recorded": "0"}
    return [
        ("NOTIFY_OUT_START", told, 0),
        ("NOTIFY_ANSWER", told, 6),
        ("NOTIFY_OUT_END", {**told, **end}, 34),
    ]


SCENARIOS = {"answered": _answered, "missed": _missed, "outbound": _outbound}


def scenario(
    name,
    caller="+442079460201",
    line="+442079460900",
    extension="100",
    call_start=None,
    pbx_call_id=None,
):
    """Return the list of :class:`Step` of a scenario."""
    now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    way = "out_" if name == "outbound" else "in_"
    call = {
        "call_start": call_start or now,
        "pbx_call_id": pbx_call_id or way + "0" * 40,
        "caller_id": caller,
        "called_did": line,
    }
    steps = SCENARIOS[name](call, extension)
    return [
        Step(event, {"event": event, **fields}, delay) for event, fields, delay in steps
    ]
