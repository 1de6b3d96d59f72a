"""What the builders of scenarios share: parameters, legs, what must come of it.

Pure, but for the default start of a call and its ids.
"""

import itertools
import random
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from . import legs
from .abonents import digits, office

MAIN_LINE = "+79000000100"
LEGS = itertools.count(random.randrange(1_000_000, 9_000_000))
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def moment_text(moment):
    """Return seconds since the epoch as a text in UTC, in whole seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime(TIME_FORMAT)


@dataclass(frozen=True)
class Truth:
    """What must come of a scenario. Times are seconds from its beginning.

    :var str extension: who spoke; of an outbound call who dialled; ``""``: nobody.
    :var str number: the other party, E.164; of an internal call the one called.
    :var dict legs: ``{extension: whether it spoke}``.
    :var str status: what the webhook answers to every event.
    :var bool is_call: something is to be seen in the log of calls.
    """

    direction: str = ""
    outcome: str = ""
    extension: str = ""
    number: str = ""
    line: str = ""
    answer: float | None = None
    stop: float | None = None
    legs: dict = field(default_factory=dict)
    talk: int = 0
    recordings: int = 0
    state: str = "done"
    status: int = 200
    ref: str = ""

    @property
    def is_call(self):
        return bool(self.direction)

    def as_json(self, start):
        """As the log of calls has it; times are texts in UTC, in whole seconds.

        :param float start: beginning of the call, seconds since the epoch.
        """
        if not self.is_call:
            return {"status": self.status, "is_call": False}

        def moment(offset):
            return None if offset is None else moment_text(start + offset)

        waited = self.stop if self.answer is None else self.answer
        return {
            "status": self.status,
            "is_call": True,
            "ref": self.ref,
            "direction": self.direction,
            "state": self.state,
            "outcome": self.outcome,
            "extension": self.extension,
            "number": self.number,
            "line": self.line,
            "start": moment(0),
            "answer": moment(self.answer),
            "stop": moment(self.stop),
            "wait_seconds": int(waited),
            "talk_seconds": self.talk,
            "legs": dict(self.legs),
            "recordings": self.recordings,
        }


@dataclass(frozen=True)
class Plan:
    """A scenario with all its parameters filled in.

    :var float start: beginning, seconds since the epoch.
    :var list steps: :class:`~.legs.Step`, in the order in which they are sent.
    :var list rows: statistics, and ``records`` the recorded calls, as the API lists
        them (but for the unit of ``seconds``); see :meth:`Scenario.plan`.
    """

    name: str
    ref: str
    start: float
    steps: list
    truth: Truth
    rows: list = field(default_factory=list)
    records: list = field(default_factory=list)

    @property
    def length(self):
        return max((step.offset for step in self.steps), default=0)


@dataclass(frozen=True)
class Scenario:
    """The parameters of a scenario.

    :var caller: the party outside, E.164; ``None``: a default.
    :var line: our number that is called.
    :var extension: who answers or dials; ``extensions``: who is rung together, the
        second of them answers; ``to_extension``: who is called, or gets the call.
    :var ring: seconds until somebody lifts, or the call is given up.
    :var duration: seconds of talk.
    :var start: seconds since the epoch; ``None``: now.
    :var ref: ``extTrackingId``; ``None``: a new one.
    :var outcome: of a click: ``answered``, ``busy``, ``no answer``, ``own phone``.
    :var form: how documents are written, see ``document.FORMS``.
    """

    caller: str | None = None
    line: str = MAIN_LINE
    extension: str = "101"
    extensions: tuple = ("101", "102", "103")
    to_extension: str = "102"
    ring: float = 10
    duration: float = 53.5
    start: float | None = None
    ref: str | None = None
    outcome: str = "answered"
    recorded: bool = False
    abonents: dict = field(default_factory=office, repr=False)

    @property
    def number(self):
        return "+79000000201" if self.caller is None else self.caller

    @property
    def over(self):
        """When a call that was answered is over."""
        return self.ring + self.duration

    @property
    def talk(self):
        return int(self.duration)

    def filled(self):
        """Return the scenario with what was left open filled in."""
        start = float(int(time.time())) if self.start is None else self.start
        return replace(self, start=start, ref=self.ref or str(uuid.uuid4()))

    def abonent(self, extension):
        """Return an abonent; raises ValueError with a sentence."""
        if extension not in self.abonents:
            raise ValueError(f"There is no abonent with the extension {extension!r}.")
        return self.abonents[extension]

    # -- legs --------------------------------------------------------------------------

    def leg(self, extension, **values):
        call_id = f"callhalf-{next(LEGS)}:0"
        told = {"line": self.line, "ref": self.ref, "call_id": call_id}
        return legs.Leg(self.abonent(extension), **{**told, **values})

    def rung(self, extension, **values):
        """A leg of an inbound call from outside, over the main line's group."""
        told = {"number": self.number, "redirect": "hunt-group"}
        return self.leg(extension, **{**told, **values})

    def dialled(self, extension, **values):
        """The leg of who calls somebody outside."""
        told = {"personality": legs.ORIGINATOR, "number": self.number}
        return self.leg(extension, **{**told, **values})

    def clicked(self, extension, **values):
        """The leg to our own phone, of a call that a program asked for. The address in
        it is that of the phone itself."""
        told = {
            "personality": legs.CLICK,
            "number": self.abonent(extension).number or extension,
        }
        return self.leg(extension, **{**told, **values})

    # -- what the API lists afterwards -------------------------------------------------

    def row(self, leg, **values):
        """The statistics row of a leg: ``seconds`` is its talk."""
        spoke = 0 if leg.answer is None else leg.release - leg.answer
        other = leg.other.extension if leg.other else digits(leg.number)
        own = digits(leg.line) if leg.inbound and not leg.other else leg.abonent.phone
        ends = (other, own) if leg.inbound else (own, other)
        return {
            "start": self.start + leg.start,
            "abonent": leg.abonent,
            "internal": leg.other is not None,
            "direction": "INBOUND" if leg.inbound else "OUTBOUND",
            "answered": leg.answer is not None,
            "phone_from": ends[0] or None,
            "phone_to": ends[1] or None,
            "seconds": spoke,
            **values,
        }

    def record(self, leg):
        """The row of a leg that was recorded."""
        return {
            "external_id": leg.ref,
            "call_id": leg.call_id,
            "abonent": leg.abonent,
            "phone": digits(leg.number),
            "direction": "INBOUND" if leg.inbound else "OUTBOUND",
            "start": self.start + leg.start,
            "seconds": leg.release - leg.answer,
        }

    def plan(self, name, its_legs, truth, steps=None, addressed_at_end=True):
        """Return the :class:`Plan` of a call with these legs.

        :param steps: its events, where they are not those of the legs' plain lives.
        """
        if steps is None:
            lives = [legs.steps(leg, addressed_at_end) for leg in its_legs]
            steps = sorted(itertools.chain(*lives), key=lambda step: step.offset)
        listed = [leg for leg in its_legs if leg.personality != legs.CLICK]
        recorded = [leg for leg in listed if leg.recorded and leg.answer is not None]
        return Plan(
            name,
            self.ref,
            self.start,
            steps,
            replace(truth, ref=self.ref, recordings=len(recorded)),
            [self.row(leg) for leg in listed],
            [self.record(leg) for leg in recorded],
        )
