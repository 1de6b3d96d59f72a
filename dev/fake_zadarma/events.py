"""The webhooks of one call, field by field. Pure.

Field names and their order are those of the official SDKs and of captured traffic:
an optional field is left out, never sent empty, and every value is text.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

# Q.931 causes told with the PBX's words. Only 16, 17 and 19 were seen live.
STATUS_CODES = {
    "answered": "16",
    "cancel": "16",
    "busy": "17",
    "no answer": "19",
    "unallocated number": "1",
    "no money": "21",
}
OTHER_FAILURE = "38"


class Step(NamedTuple):
    """One webhook of a scenario.

    ``fields`` are the form fields as sent, ``event`` included; ``delay`` is the number
    of seconds since the step before, at speed 1.
    """

    event: str
    fields: dict
    delay: float


def plus(number):
    """Write a phone number with its plus; what is no number stays as it is."""
    return f"+{number}" if number.isdigit() and len(number) > 5 else number


def bare(number):
    """Write a phone number without its plus."""
    return number[1:] if number[:1] == "+" and number[1:].isdigit() else number


def recording_id(pbx_call_id, call_start, zone, leg=0):
    """Return the id of a leg, in Asterisk's form: ``1779868800.1234567``.

    It follows from the call alone, so that a scenario is the same whenever it is built
    from the same parameters. It never ends in a zero, which a reader that takes the
    API's JSON number for a float would lose by our fault and not by its own.
    """
    digest = hashlib.sha1(f"{pbx_call_id}/{leg}".encode(), usedforsecurity=False)
    number = int(digest.hexdigest()[:8], 16)
    try:
        start = datetime.strptime(call_start, TIME_FORMAT)
        seconds = int(start.replace(tzinfo=ZoneInfo(zone)).timestamp())
    except ValueError:
        # A test may ask for a start that nobody can read; an id is needed all the same.
        seconds = 1_700_000_000 + number % 10_000_000
    digits = number % 900_000 + 100_000
    return f"{seconds}.{digits}{number % 9 + 1}"


def _step(event, delay, *groups):
    fields = {"event": event}
    for group in groups:
        fields.update((name, value) for name, value in group.items() if value != "")
    return Step(event, fields, delay)


def _outcome(disposition, duration, last_internal, recording):
    return {
        "duration": str(duration),
        "disposition": disposition,
        "last_internal": last_internal,
        "status_code": STATUS_CODES.get(disposition, OTHER_FAILURE),
        "is_recorded": "1" if recording else "0",
        "call_id_with_rec": recording,
    }


def record(pbx_call_id, recording, delay=6):
    """The recording can be fetched: two ids, no time, no number, no link."""
    ids = {"pbx_call_id": pbx_call_id, "call_id_with_rec": recording}
    return _step("NOTIFY_RECORD", delay, ids)


@dataclass(frozen=True)
class Inbound:
    """A call from outside. ``caller_id`` may be any text, ``""`` too."""

    pbx_call_id: str
    call_start: str
    caller_id: str
    called_did: str

    def _told(self):
        return {
            "call_start": self.call_start,
            "pbx_call_id": self.pbx_call_id,
            "caller_id": self.caller_id,
            "called_did": self.called_did,
        }

    def start(self, delay=0):
        return self._about("NOTIFY_START", delay)

    def internal(self, extension, delay=1, transfer_from=""):
        transfer = {
            "internal": extension,
            "transfer_from": transfer_from,
            "transfer_type": "blind" if transfer_from else "",
        }
        return self._about("NOTIFY_INTERNAL", delay, transfer)

    def ivr(self, name, digits, delay=4, default_behaviour=""):
        answer = {
            "name": name,
            "digits": digits,
            "default_behaviour": default_behaviour,
        }
        return self._about("NOTIFY_IVR", delay, {"wait_dtmf": answer})

    def answer(self, extension, delay=4):
        fields = {
            "call_start": self.call_start,
            "pbx_call_id": self.pbx_call_id,
            "caller_id": self.caller_id,
            "destination": extension,
            "internal": extension,
        }
        return self._about("NOTIFY_ANSWER", delay, replace=fields)

    def end(
        self,
        disposition,
        duration=0,
        extension="",
        last_internal="",
        recording="",
        delay=None,
    ):
        outcome = _outcome(disposition, duration, last_internal, recording)
        wait = duration if delay is None else delay
        return self._about("NOTIFY_END", wait, {"internal": extension}, outcome)

    def unknown(self, event, delay=1, **more):
        """An event nobody documents, told with START's fields and ``more``."""
        return self._about(event, delay, more)

    def _about(self, event, delay, *groups, replace=None):
        step = _step(event, delay, replace or self._told(), *groups)
        # A withheld caller may be told as an empty field: present, but empty.
        if self.caller_id == "":
            step.fields["caller_id"] = ""
        return step


@dataclass(frozen=True)
class Outbound:
    """A call, or one leg of a click-to-call, that an extension makes."""

    pbx_call_id: str
    call_start: str
    caller_id: str
    internal: str
    destination: str
    calltype: str = "normal"

    def _told(self):
        return {
            "call_start": self.call_start,
            "pbx_call_id": self.pbx_call_id,
            "caller_id": self.caller_id,
            "internal": self.internal,
            "destination": self.destination,
        }

    def start(self, delay=0):
        calltype = {"calltype": self.calltype}
        return _step("NOTIFY_OUT_START", delay, self._told(), calltype)

    def answer(self, delay=6):
        fields = {
            "call_start": self.call_start,
            "pbx_call_id": self.pbx_call_id,
            "caller_id": self.caller_id,
            "destination": self.destination,
            "internal": self.internal,
        }
        return _step("NOTIFY_ANSWER", delay, fields)

    def end(self, disposition, duration=0, recording="", delay=None):
        outcome = _outcome(disposition, duration, "", recording)
        wait = duration if delay is None else delay
        calltype = {"calltype": self.calltype}
        return _step("NOTIFY_OUT_END", wait, self._told(), outcome, calltype)
