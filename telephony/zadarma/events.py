"""Zadarma's webhooks: from the raw request to neutral events.

Source: the official SDKs for the signed events and their fields, integrators'
observations for what no document tells (direction, legs of a click-to-call, transfer).
"""

import re

from .. import numbers
from ..dialect import MenuStep, Refused
from ..event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    DIALLED,
    ENDED,
    FAILED,
    INBOUND,
    NO_ANSWER,
    OFFERED,
    OUTBOUND,
    RECORDED,
    RINGING,
    SPOKEN,
    CallEvent,
)
from ..failure import Failure
from ..http import forms
from ..local_time import local_text, readings_of

MAX_ID = 200
MAX_FIELD = 1000
# The caller finished a step that a reply of ours set.
STEP = "NOTIFY_IVR"
IDS = ("pbx_call_id", "call_id_with_rec", "call_id")

# The PBX's words. What is not here is a failure under a word of its own.
DISPOSITIONS = {
    "answered": SPOKEN,
    "busy": BUSY,
    "cancel": CANCELLED,
    "no answer": NO_ANSWER,
    "no answered": NO_ANSWER,
}
# Why it failed: the words of its events and of its statistics.
FAILURES = {
    "no money": Failure.NO_MONEY,
    "no money, no limit": Failure.NO_MONEY,
    "no limit": Failure.LIMIT,
    "no day limit": Failure.LIMIT,
    "line limit": Failure.LINES_TAKEN,
    "unallocated number": Failure.WRONG_NUMBER,
    "failed": Failure.NOT_CONNECTED,
    "call failed": Failure.NOT_CONNECTED,
}
KINDS = {
    "NOTIFY_START": OFFERED,
    "NOTIFY_IVR": OFFERED,
    "NOTIFY_INTERNAL": RINGING,
    "NOTIFY_ANSWER": ANSWERED,
    "NOTIFY_END": ENDED,
    "NOTIFY_OUT_START": DIALLED,
    "NOTIFY_OUT_END": ENDED,
    "NOTIFY_RECORD": RECORDED,
}


def parse_form(request):
    """Return the form fields of ``request`` as ``{name: text}``.

    Nested names (``wait_dtmf[name]``) stay as they came; of repeated ones the last
    counts, as in PHP.

    :raises Refused: 415, 413 or 400.
    """
    fields = dict(forms.read_form(request))
    for name, value in fields.items():
        if "\0" in name or "\0" in value:
            raise Refused(400, "a NUL character")
        if name in IDS:
            limit = MAX_ID
        else:
            limit = forms.MAX_BODY_BYTES if name == "result" else MAX_FIELD
        if len(value) > limit or len(name) > MAX_ID:
            raise Refused(400, "a field is too long")
    if not fields.get("event"):
        raise Refused(400, "no event")
    return fields


def read_step(fields):
    """Return the :class:`MenuStep` that the fields of ``STEP`` tell.

    A step that waited for no key has no name.
    """
    return MenuStep(
        name=fields.get("wait_dtmf[name]", "").strip(),
        digits=fields.get("wait_dtmf[digits]", "").strip(),
        # Any text says so; which one, no document tells.
        defaulted=bool(fields.get("wait_dtmf[default_behaviour]", "").strip()),
    )


def read_duration(text):
    """Return whole seconds, or ``None`` for what is no duration."""
    text = (text or "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def read_disposition(word):
    """Return the neutral disposition for the PBX's word; ``""`` for no word."""
    word = (word or "").strip().lower()
    return DISPOSITIONS.get(word, FAILED) if word else ""


def _direction(event, ref):
    # The id knows best: an inbound call that is forwarded tells outbound events too.
    if ref.startswith("in_"):
        return INBOUND
    if ref.startswith("out_"):
        return OUTBOUND
    if event.startswith("NOTIFY_OUT_"):
        return OUTBOUND
    return (
        INBOUND
        if event in ("NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_END", "NOTIFY_IVR")
        else ""
    )


def read_party(name, text, country):
    """Return the values of an event that name a party: read, and as reported."""
    text = (text or "").strip()
    party = numbers.from_pbx(text, country)
    reported = text if party and numbers.digits(party) != numbers.digits(text) else ""
    return {
        name: party,
        f"{name}_reported": "" if numbers.extension(text) else reported,
    }


def _answer(values, fields, country):
    if values["direction"] == OUTBOUND:
        _outbound(values, fields, country)
        return
    destination = fields.get("destination", "")
    inner = numbers.extension(fields.get("internal"))
    party = read_party("called", destination, country)
    if not values["direction"] and numbers.is_short(values["caller"]):
        # Who dials has a short number; whom, it may have too.
        values["direction"] = OUTBOUND
        _outbound(values, fields, country)
        return
    if not inner:
        # The extension may stand only at the end of the destination.
        inner = numbers.extension(destination)
        inner = inner or numbers.extension(destination.rpartition("-")[2])
        party = {"called": inner} if inner else party
    if not values["direction"] and numbers.is_extension(party["called"]):
        values["direction"] = INBOUND
    values.update(party, extension=inner)


def _outbound(values, fields, country):
    internal, destination = fields.get("internal", ""), fields.get("destination", "")
    inner = numbers.extension(internal)
    party = read_party("called", destination, country)
    called = party["called"]
    calltype = fields.get("calltype", "").strip().lower()
    own_leg = calltype == "callback_leg1"
    if not inner and internal and numbers.is_extension(called):
        # The first leg of a click-to-call, reported with its two ends swapped.
        inner, own_leg = called, True
        party = read_party("called", internal, country)
        called = party["called"]
    if inner and called == inner:
        # It is rung itself: its own leg, also where no word says so. Not so when
        # another extension calls it.
        colleague = numbers.is_extension(values["caller"]) and values["caller"] != inner
        own_leg = own_leg or not colleague
        party = {"called": ""} if own_leg else party
    values.update(
        party,
        extension=inner,
        own_leg=own_leg,
        client_leg=calltype == "callback_leg2",
    )


def _speakers(values, fields):
    """Who spoke: the last one is the extension, the one before is not forgotten."""
    first = values["extension"] or numbers.extension(fields.get("internal"))
    last = numbers.extension(fields.get("last_internal")) or first
    values["extension"] = last
    if first and first != last:
        values["also"] = (first,)


def read(fields, received_at, zone, country=""):
    """Return the events that a webhook's fields tell: a list of none or one.

    :param dict fields: as ``parse_form`` gives them.
    :param datetime received_at: naive UTC.
    :param tzinfo zone: the account's zone, in which ``call_start`` is written.
    :param str country: the account's two-letter country: a number may be reported as it
        is dialled there.
    """
    event, ref = fields.get("event", ""), fields.get("pbx_call_id", "").strip()
    kind = KINDS.get(event)
    if kind is None or not ref:
        return []
    local_start = local_text(fields.get("call_start"))
    values = {
        "direction": _direction(event, ref),
        **read_party("caller", fields.get("caller_id"), country),
        **read_party("called", fields.get("called_did"), country),
        "extension": "",
        "started": readings_of(local_start, zone),
        "local_start": local_start,
    }
    nobody = dict.fromkeys(
        ("caller", "called", "caller_reported", "called_reported"), ""
    )
    if kind == RECORDED:
        values.update(nobody)
    elif event.startswith("NOTIFY_OUT_"):
        _outbound(values, fields, country)
        if values["direction"] == INBOUND:
            # To whom an inbound call is forwarded is not who called, nor our line.
            values.update(nobody)
    elif kind == ANSWERED:
        _answer(values, fields, country)
    elif kind == RINGING:
        values["extension"] = numbers.extension(fields.get("internal"))
        values["handed_by"] = numbers.extension(fields.get("transfer_from"))
    if kind == ENDED:
        _speakers(values, fields)
        values.update(
            talk=read_duration(fields.get("duration")),
            disposition=read_disposition(fields.get("disposition")),
            said=fields.get("disposition", "").strip(),
        )
    if kind == RECORDED or fields.get("is_recorded", "").strip() in ("1", "true"):
        values["recording"] = fields.get("call_id_with_rec", "").strip()
    return [CallEvent(kind=kind, ref=ref, received_at=received_at, **values)]
