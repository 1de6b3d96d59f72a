"""Asterisk's channel events, as neutral events of a call's legs.

Source: the CEL documentation of Asterisk 22, and calls recorded on one.
"""

import re
from datetime import datetime, timedelta

from ..event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    ENDED,
    EXTENSION,
    FAILED,
    JOINED,
    LEFT,
    MOVED,
    NO_ANSWER,
    OFFERED,
    PIPE,
    RECORDED,
    RELEASED,
    STARTED,
    TRUNK,
    CallEvent,
)
from ..failure import Failure
from ..http.answers import read_json
from ..numbers import from_pbx

KINDS = {
    "start": OFFERED,
    "CHAN_START": STARTED,
    "ANSWER": ANSWERED,
    "BRIDGE_ENTER": JOINED,
    "BRIDGE_EXIT": LEFT,
    "BLINDTRANSFER": MOVED,
    "ATTENDEDTRANSFER": MOVED,
    "PICKUP": MOVED,
    "HANGUP": RELEASED,
    "LINKEDID_END": ENDED,
    "RECORDING": RECORDED,
}
# Q.850 causes, and Asterisk's own 0 and 127. Any other one is a failure; 16 is the
# ordinary end, 26 that somebody else answered.
CAUSES = {
    0: NO_ANSWER,
    16: "",
    17: BUSY,
    18: NO_ANSWER,
    19: NO_ANSWER,
    26: "",
    127: CANCELLED,
}
# Why it failed, by its cause; ``dialstatus`` says NOANSWER of a wrong number, too.
FAILURES_BY_CAUSE = {
    1: Failure.WRONG_NUMBER,
    3: Failure.NOT_CONNECTED,
    20: Failure.PHONE_OFFLINE,
    28: Failure.WRONG_NUMBER,
    34: Failure.LINES_TAKEN,
    38: Failure.NOT_CONNECTED,
    42: Failure.LINES_TAKEN,
    50: Failure.NOT_ALLOWED,
    57: Failure.NOT_ALLOWED,
}
FAILURES = {
    "chanunavail": Failure.NOT_CONNECTED,
    "congestion": Failure.NOT_CONNECTED,
}
# Channels that join parts of Asterisk itself, and no telephone.
INTERNAL_TECHNOLOGIES = frozenset(
    (
        "announcer",
        "asyncgoto",
        "bridge",
        "cbann",
        "cbrec",
        "message",
        "multicastrtp",
        "recorder",
        "snoop",
        "surrogate",
        "unicastrtp",
    )
)
DEFAULT_TECHNOLOGY = "PJSIP"
# What a Local channel tells of the call it belongs to; it is no telephone itself.
_OF_PIPES = (JOINED, LEFT, RECORDED)
# The suffix that makes a channel of an endpoint, and the half of a Local channel.
_SERIAL = re.compile(r"-[0-9a-f]{8,}$")
# That of technologies with one of their own, by their names in lower case.
_SERIALS = {"dahdi": re.compile(r"-[0-9a-f]+$"), "iax2": re.compile(r"-\d+$")}
_HALF = re.compile(r";[12]$")
_SHORT = re.compile(r"\d{1,5}")
_TIME = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?")
_EPOCH = datetime(1970, 1, 1)
MAX_ID = 200
# What Asterisk writes where there is no channel: the target of a transfer that rings.
NO_ID = "N/A"
MAX_TEXT = 500


def read(fields, received_at, account):
    """Return the list of :class:`CallEvent` in one post; ``[]`` if it tells of none.

    :param dict fields: the post's, decoded.
    :param datetime received_at: naive UTC.
    """
    kind = KINDS.get(fields.get("event"))
    call, leg = read_id(fields.get("id")), read_id(fields.get("leg"))
    if not kind or not call or not leg:
        return []
    endpoint, role = endpoint_of(fields.get("chan", ""), account)
    if not endpoint or (role == PIPE and kind not in _OF_PIPES):
        return []
    extra = _extra(fields.get("extra", ""))
    event = CallEvent(
        kind=kind,
        ref=call,
        received_at=received_at,
        leg=leg,
        endpoint=endpoint,
        role=role,
        at=read_time(fields.get("time", "")),
        **_details(kind, role, fields, extra, account),
    )
    return [event]


def _details(kind, role, fields, extra, account):
    """Return what else an event of this kind tells, as fields of ``CallEvent``."""
    # But for these two the dialplan has set the number that the other side is shown.
    caller = _party(fields.get("num", ""), account)
    if kind in (STARTED, OFFERED):
        text = fields.get("exten" if kind == STARTED else "line", "")
        return {"caller": caller, **_dialled(text, role, account)}
    if kind == ANSWERED:
        return {"caller": caller}
    if kind in (JOINED, LEFT):
        return {"bridge": read_id(extra.get("bridge_id")), "caller": caller}
    if kind == MOVED:
        names = (name for name in sorted(extra) if name.endswith("uniqueid"))
        return {"other_legs": tuple(filter(None, (read_id(extra[n]) for n in names)))}
    if kind == RELEASED:
        return {**_ending(extra), "caller": caller}
    if kind == RECORDED:
        return {"recording": read_id(extra.get("extra"))}
    return {}


def read_id(value):
    """Return an id that an event names, ``""`` where it names none."""
    text = value[:MAX_ID] if isinstance(value, str) else ""
    return "" if text == NO_ID else text


def _ending(extra):
    status = str(extra.get("dialstatus") or "")[:MAX_TEXT]
    cause = extra.get("hangupcause")
    if status == "CANCEL":
        disposition = CANCELLED
    elif isinstance(cause, int):
        disposition = CAUSES.get(cause, FAILED)
    else:
        disposition = ""
    said = status or (f"cause {cause}" if isinstance(cause, int) else "")
    failure = FAILURES_BY_CAUSE.get(cause, "") if disposition == FAILED else ""
    return {"disposition": disposition, "said": said, "failure": failure}


def _extra(text):
    found = read_json(text.encode())
    return found if isinstance(found, dict) else {}


def _party(text, account):
    return from_pbx(text, account.country, national_first=True)


def _dialled(text, role, account):
    """Return what was dialled, as fields of ``CallEvent``; ``s`` stands for nothing.

    Only our phones dial a prefix: a line that begins with the same digits is whole.
    """
    if not any(char.isdigit() for char in text):
        return {"called": ""}
    called = _party(text, account)
    prefix = account.options.get("asterisk_dial_prefix") or ""
    is_outside = text.startswith(prefix) and len(text) > len(prefix) + 5
    if role == TRUNK or not prefix or not is_outside:
        return {"called": called}
    by_phone = _party(text[len(prefix) :], account)
    if role == EXTENSION:
        return {"called": by_phone}
    return {"called": called, "called_by_phone": by_phone}


def read_time(text):
    """Return the naive UTC moment of ``1790000000.123``; ``None`` if it is none."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    seconds, fraction = found.groups()
    micro = int((fraction or "").ljust(6, "0"))
    try:
        return _EPOCH + timedelta(seconds=int(seconds), microseconds=micro)
    except OverflowError:
        return None


def endpoint_of(channel, account):
    """Return ``(endpoint, role)`` of a channel's name; ``("", "")``: no telephone.

    :param str channel: such as ``PJSIP/201-0000000b``.
    """
    technology, _slash, name = channel[:MAX_ID].partition("/")
    if not name or technology.lower() in INTERNAL_TECHNOLOGIES:
        return "", ""
    if technology == "Local":
        return _HALF.sub("", channel[:MAX_ID]), PIPE
    endpoint = _SERIALS.get(technology.lower(), _SERIAL).sub("", name)
    own = account.options.get("asterisk_technology") or DEFAULT_TECHNOLOGY
    if technology.lower() != own.lower():
        endpoint = f"{technology}/{endpoint}"
    return endpoint, role_of(endpoint, account)


def role_of(endpoint, account):
    """Return what an endpoint is, ``""`` where the log has to know it.

    One of another technology than that of our phones begins with it: ``SIP/201``.
    """
    patterns = trunk_patterns(account)
    names = {endpoint, endpoint.partition("/")[2]} - {""}
    if any(_matches(name, pattern) for name in names for pattern in patterns):
        return TRUNK
    return EXTENSION if patterns or _SHORT.fullmatch(endpoint) else ""


def trunk_patterns(account):
    """Return the list of endpoints that are trunks, ``*`` standing for any end."""
    text = account.options.get("asterisk_trunks") or ""
    return [part.strip() for part in text.split(",") if part.strip()]


def _matches(endpoint, pattern):
    if pattern.endswith("*"):
        return endpoint.startswith(pattern[:-1])
    return endpoint == pattern
