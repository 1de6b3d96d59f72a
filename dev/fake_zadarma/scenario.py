"""What the builders of scenarios share: parameters, number styles, statistics.

Pure, but for the default start of a call.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .events import TIME_FORMAT, Inbound, Outbound, bare, plus, recording_id

PBX_ID = 123456
# {number of the party outside: local times at which it had a call}
_begun = {}


def free_start(now, number):
    """Return the start of a call with a party outside as text: ``now``, or the latest
    second before in which that party had none.

    Nobody calls twice in a second. Parties and start are what is signed of an event, so
    that two such calls could not be told apart.
    """
    taken = _begun.setdefault(number, set())
    while (text := now.strftime(TIME_FORMAT)) in taken:
        now -= timedelta(seconds=1)
    taken.add(text)
    return text


@dataclass(frozen=True)
class Plan:
    """A scenario with all its parameters filled in.

    :var steps: list of :class:`~.events.Step`, in the order in which they are sent.
    :var rows: one statistics row (dict) per leg, as ``statistics.py`` reads them.
    """

    name: str
    pbx_call_id: str
    steps: list
    rows: list


@dataclass(frozen=True)
class Scenario:
    """The parameters of a scenario.

    :var caller: the party outside, who calls or is called; ``None``: a default.
    :var line: our number that is called or shown.
    :var extension: who answers or dials; ``extensions``: who is rung together;
        ``to_extension``: who is called or gets a transfer.
    :var duration: seconds of conversation.
    :var call_start: local time of the account's ``zone``, any text (tests send bad
        ones); ``None``: now.
    :var pbx_call_id: ``None``: random, ``in_`` or ``out_`` and 40 hex digits.
    :var outcome: of a click-to-call: a disposition, or ``offline`` when the extension
        itself cannot be rung.
    """

    caller: str | None = None
    line: str = "+442079460900"
    extension: str = "100"
    extensions: tuple = ("100", "101")
    to_extension: str = "101"
    duration: int = 34
    call_start: str | None = None
    pbx_call_id: str | None = None
    outcome: str = "answered"
    zone: str = "Europe/London"

    @property
    def number(self):
        return "+442079460201" if self.caller is None else self.caller

    def filled(self, direction):
        """Return the scenario with what was left open filled in."""
        start = self.call_start
        if start is None:
            start = free_start(datetime.now(ZoneInfo(self.zone)), self.number)
        random_id = f"{direction}_{secrets.token_hex(20)}"
        return replace(
            self,
            call_start=start,
            pbx_call_id=self.pbx_call_id or random_id,
        )

    # -- calls in the number styles seen live: with and without plus, mixed ----------

    def inbound(self, caller_plus=True, line_plus=False, caller=None):
        number = self.number if caller is None else caller
        return Inbound(
            self.pbx_call_id,
            self.call_start,
            plus(number) if caller_plus else bare(number),
            plus(self.line) if line_plus else bare(self.line),
        )

    def outbound(self, number_plus=True, **changes):
        fields = {
            "pbx_call_id": self.pbx_call_id,
            "call_start": self.call_start,
            "caller_id": bare(self.line),
            "internal": self.extension,
            "destination": plus(self.number) if number_plus else bare(self.number),
            "calltype": "normal",
        }
        return Outbound(**{**fields, **changes})

    def recording(self, leg=0):
        return recording_id(self.pbx_call_id, self.call_start, self.zone, leg)

    # -- statistics: one row per leg -------------------------------------------------

    def row_in(self, extension, disposition, seconds=0, recorded=False, leg=0, **more):
        """A leg of an inbound call; ``extension`` "0" where nobody was rung."""
        return {
            "call_id": self.recording(leg),
            "sip": extension,
            "callstart": self.call_start,
            "clid": {"name": plus(self.number), "number": self.number},
            "destination": bare(self.line),
            "disposition": disposition,
            "seconds": seconds,
            "is_recorded": recorded,
            "pbx_call_id": self.pbx_call_id,
            **more,
        }

    def row_out(self, disposition, seconds=0, recorded=False, leg=0, **more):
        """A leg of an outbound call: the caller's id is a label with the extension."""
        return {
            "call_id": self.recording(leg),
            "sip": self.extension,
            "callstart": self.call_start,
            "clid": {"name": f"Extension {self.extension}", "number": self.extension},
            "destination": bare(self.number),
            "disposition": disposition,
            "seconds": seconds,
            "is_recorded": recorded,
            "pbx_call_id": self.pbx_call_id,
            **more,
        }
