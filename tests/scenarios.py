"""A few scenarios for where the developers' fake PBX is not at hand.

A release has no ``dev/``; its tests then play these instead of all that the fake PBX
knows, by the same names and parameters. A test that needs another one is left out.
"""

import secrets
from datetime import datetime
from typing import NamedTuple
from unittest import SkipTest

NOT_HERE = "the fake PBX is not here"
RECORDING = "1779868800.1234567"
RECORDED = {"is_recorded": "1", "call_id_with_rec": RECORDING}


class Step(NamedTuple):
    event: str
    fields: dict
    delay: float


def _answered(call, ext):
    end = {"duration": "34", "disposition": "answered", "last_internal": ext}
    answer = {name: call[name] for name in ("call_start", "pbx_call_id", "caller_id")}
    return [
        ("NOTIFY_START", call, 0),
        ("NOTIFY_INTERNAL", {**call, "internal": ext}, 1),
        ("NOTIFY_ANSWER", {**answer, "destination": ext, "internal": ext}, 4),
        ("NOTIFY_END", {**call, "internal": ext, **end, **RECORDED}, 34),
        _recorded(call),
    ]


def _recorded(call):
    return (
        "NOTIFY_RECORD",
        {"pbx_call_id": call["pbx_call_id"], "call_id_with_rec": RECORDING},
        6,
    )


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
    end = {"duration": "34", "disposition": "answered", **RECORDED}
    return [
        ("NOTIFY_OUT_START", told, 0),
        ("NOTIFY_ANSWER", told, 6),
        ("NOTIFY_OUT_END", {**told, **end}, 34),
        _recorded(call),
    ]


SCENARIOS = {"answered": _answered, "missed": _missed, "outbound": _outbound}


def scenario(
    name,
    caller="+442079460201",
    line="+442079460900",
    extension="100",
    call_start=None,
    pbx_call_id=None,
    **others,
):
    """Return the list of :class:`Step` of a scenario."""
    if others or name not in SCENARIOS:
        raise SkipTest(NOT_HERE)
    now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    way = "out_" if name == "outbound" else "in_"
    call = {
        "call_start": call_start or now,
        "pbx_call_id": pbx_call_id or way + secrets.token_hex(20),
        "caller_id": caller,
        "called_did": line,
    }
    steps = SCENARIOS[name](call, extension)
    return [
        Step(event, {"event": event, **fields}, delay) for event, fields, delay in steps
    ]


def plan(name, **parameters):
    """What the PBX would list of a scenario: the fake PBX alone knows."""
    raise SkipTest(NOT_HERE)
