"""Calls as Zadarma tells them, each with what it must become: words for writing them.

A case is a list of ``(seconds, fields)``: webhooks and when each was received, counted
from the start of the call. What it must become is said by the protocol sheet and the
design, not by the code under test.
"""

from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from telephony.event import EXPIRED, CallEvent, with_known_extensions
from telephony.zadarma import events

# The account's clock is three hours ahead: a time read as UTC shows at once.
ZONE = timezone(timedelta(hours=3))
CALL_START = "2026-05-04 12:15:07"
START = datetime(2026, 5, 4, 9, 15, 7)

IN, OUT = "in_" + "5a" * 20, "out_" + "dc" * 20
OUT_2 = "out_" + "dd" * 20
CLIENT, LINE = "+442079460201", "+442079460900"
# What the PBX lists as its internal numbers.
LISTED = ("100", "101", "102")
REC, REC_2 = "1777886107.1", "1777886107.2"


class Case(NamedTuple):
    name: str
    told: tuple
    # Fields of ``Call``; times and legs in seconds after the start of the call.
    call: dict

    def __repr__(self):
        return self.name


def at(seconds):
    return None if seconds is None else START + timedelta(seconds=seconds)


def told(event, **fields):
    """Return the fields of an event; a value of ``None`` leaves the field out."""
    fields = {"event": event, "call_start": CALL_START, **fields}
    return {name: value for name, value in fields.items() if value is not None}


def start(**more):
    return told(
        "NOTIFY_START",
        **{"pbx_call_id": IN, "caller_id": CLIENT, "called_did": LINE[1:], **more},
    )


def ivr(**more):
    return {**start(**more), "event": "NOTIFY_IVR", "wait_dtmf[digits]": "2"}


def rings(extension, **more):
    # The plus comes and goes, even inside one call.
    return {
        **start(caller_id=CLIENT[1:], internal=extension, **more),
        "event": "NOTIFY_INTERNAL",
    }


def answer(extension, **more):
    return told(
        "NOTIFY_ANSWER",
        **{
            "pbx_call_id": IN,
            "caller_id": CLIENT,
            "destination": extension,
            "internal": extension,
            **more,
        },
    )


def end(disposition, duration=0, extension=None, **more):
    return {
        **start(internal=extension, disposition=disposition, **more),
        "event": "NOTIFY_END",
        "duration": str(duration),
    }


def dials(**more):
    return told(
        "NOTIFY_OUT_START",
        **{
            "pbx_call_id": OUT,
            "caller_id": LINE[1:],
            "internal": "100",
            "destination": CLIENT,
            **more,
        },
    )


def picked_up(**more):
    return {**dials(**more), "event": "NOTIFY_ANSWER"}


def out_end(disposition, duration=0, **more):
    return {
        **dials(**more),
        "event": "NOTIFY_OUT_END",
        "disposition": disposition,
        "duration": str(duration),
    }


def record(recording=REC, ref=IN):
    return {
        "event": "NOTIFY_RECORD",
        "pbx_call_id": ref,
        "call_id_with_rec": recording,
    }


def given_up(ref=IN):
    """Not from the PBX: our own job closes what was left open."""
    return {"event": "EXPIRED", "pbx_call_id": ref}


def recorded(recording=REC):
    return {"is_recorded": "1", "call_id_with_rec": recording}


def read(seconds, fields):
    """Return the neutral events of one webhook received ``seconds`` into the call."""
    if fields["event"] == "EXPIRED":
        return [CallEvent(EXPIRED, fields["pbx_call_id"], at(seconds))]
    return with_known_extensions(events.read(fields, at(seconds), ZONE), LISTED)


def read_all(webhooks):
    return [event for seconds, fields in webhooks for event in read(seconds, fields)]


def call(direction, **expected):
    """Return an expectation, complete: what is not said is empty, zero or unknown."""
    done = {"state": "done", "outcome": "", "disposition": ""}
    who = {"number": CLIENT, "line": LINE, "extension": ""}
    times = {"start": 0, "answer": None, "stop": None, "wait": 0, "talk": 0}
    more = {"direction": direction, "legs": {}, "recordings": ()}
    return {**done, **who, **times, **more, **expected}


def as_expected(derived):
    """Return a derived call in the terms of ``call()``."""
    seconds = {
        name: None if moment is None else (moment - START).total_seconds()
        for name in ("start", "answer", "stop")
        for moment in [getattr(derived, name)]
    }
    legs = {
        leg.extension: (
            leg.start and (leg.start - START).total_seconds(),
            leg.answer and (leg.answer - START).total_seconds(),
            leg.outcome,
        )
        for leg in derived.legs
    }
    names = """direction state outcome disposition number line extension wait talk
        recordings""".split()
    return {**{n: getattr(derived, n) for n in names}, **seconds, "legs": legs}
