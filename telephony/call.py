"""What a call is: events as a PBX tells them, facts as a set of events, one pure view.

A :class:`CallEvent` says what happened. :class:`CallFacts` is a *set* of events, so the
order in which they came, and how often, does not matter. :func:`derive` turns facts
into a :class:`Call`. All times are naive UTC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

# The words and the shape of events belong to what is offered here.
from .event import (  # noqa: F401
    ANSWERED,
    BUSY,
    CANCELLED,
    DIALLED,
    ENDED,
    EXPIRED,
    FAILED,
    INBOUND,
    INTERNAL,
    KINDS,
    MISSED,
    NO_ANSWER,
    OFFERED,
    OUTBOUND,
    RECORDED,
    RINGING,
    SPOKEN,
    CallEvent,
    event_from_json,
    event_to_json,
)
from .numbers import is_extension

# A four-byte integer holds this; no call does.
MAX_SECONDS = 2**31 - 1


class CallFacts:
    """All that was told about one call: a set of events, immutable.

    A repeated event keeps the earliest receipt, so that the set, not the order in which
    it grew, decides what is derived.
    """

    def __init__(self, events=()):
        known = {}
        for event in events:
            before = known.get(event)
            if before is None or event.received_at < before.received_at:
                known[event] = event
        # Replacing a dict's value keeps the older key: rebuild from the values.
        self.events = tuple(sorted(known.values(), key=CallEvent.sort_key))

    def add(self, events):
        """Return facts with ``events`` added."""
        return CallFacts((*self.events, *events))

    def __eq__(self, other):
        # Receipts count here, unlike in the equality of single events.
        return isinstance(other, CallFacts) and self.to_json() == other.to_json()

    def __hash__(self):
        return hash(self.events)

    def __len__(self):
        return len(self.events)

    def to_json(self):
        """Return a list of plain dicts, the same for equal facts."""
        return [event_to_json(event) for event in self.events]

    @classmethod
    def from_json(cls, data):
        """Return the facts that ``to_json`` wrote; ``None`` and ``[]`` are no facts."""
        return cls(event_from_json(item) for item in data or ())


@dataclass(frozen=True)
class Leg:
    """What one extension did in a call; unknown times are ``None``."""

    extension: str
    start: datetime | None = None
    answer: datetime | None = None
    stop: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True)
class Call:
    """A call as far as its facts tell it."""

    ref: str
    refs: tuple
    direction: str
    state: str  # ringing, ongoing, done
    outcome: str  # "" until done
    disposition: str  # the PBX's own word
    number: str  # the outside party (of an internal call: who was called)
    line: str  # our number that was called or shown
    extension: str  # who spoke; outbound: who dialled
    start: datetime
    answer: datetime | None
    stop: datetime | None
    wait: int  # seconds until answered, or until given up
    talk: int  # seconds
    legs: tuple
    recordings: tuple
    last_event_at: datetime


def _seconds(later, earlier):
    if later is None or earlier is None:
        return 0
    return min(max(int((later - earlier).total_seconds()), 0), MAX_SECONDS)


def _first(values, default=""):
    return next((value for value in values if value), default)


class _Reading:
    """The facts of one call, sorted by what they say."""

    def __init__(self, facts):
        self.events = facts.events
        # A click-to-call first rings our own extension; that part tells the fate of
        # the call only as long as nothing is told of the part that follows.
        # An ANSWER that does not say whose it is tells of no second part.
        outer = [e for e in self.events if not e.own_leg and e.kind != EXPIRED]
        second = any(e.kind not in (ANSWERED, RECORDED) for e in outer)
        self.told = outer if second else self.events
        self.direction = self._direction()
        self.answers = self._answers()
        self.end = self._end()

    def of(self, *kinds):
        return [event for event in self.told if event.kind in kinds]

    def _direction(self):
        told = {event.direction for event in self.events}
        if INBOUND in told:
            direction = INBOUND
        elif OUTBOUND in told:
            direction = OUTBOUND
        else:
            answers = [e for e in self.events if e.kind == ANSWERED]
            if not answers:
                return ""
            # Only ANSWER was told, by a PBX whose ids do not tell the direction.
            outbound = any(not e.caller or is_extension(e.caller) for e in answers)
            direction = OUTBOUND if outbound else INBOUND
        callers = {e.caller for e in self.told if e.caller}
        called = {e.called for e in self.told if e.called}
        parties = called if direction == OUTBOUND else callers | called
        own_leg_only = all(e.own_leg for e in self.told)
        if parties and all(map(is_extension, parties)) and not own_leg_only:
            if direction == OUTBOUND or (callers and called):
                return INTERNAL
        return direction

    def _answers(self):
        answers = self.of(ANSWERED)
        if self.direction == INBOUND:
            # A menu may lift before a person does.
            return [e for e in answers if e.extension] or answers
        # And our own phone before the other party does.
        return [e for e in answers if not e.own_leg] or answers

    def _end(self):
        """The END that wins: an answered one, then the longest."""
        ends = self.of(ENDED)
        if not ends:
            return None
        return min(
            ends, key=lambda e: (e.disposition != SPOKEN, -(e.talk or 0), e.sort_key())
        )

    @property
    def closed(self):
        return self.end is not None or any(e.kind == EXPIRED for e in self.events)

    def speakers(self):
        """Extensions that spoke, the last one first."""
        named = []
        if self.end is not None:
            spoken = [self.end] + [
                e for e in self.of(ENDED) if e.disposition == SPOKEN and e != self.end
            ]
            for event in spoken:
                if event.disposition == SPOKEN:
                    named += [event.extension, *event.also]
        named += [e.extension for e in reversed(self.answers)]
        return list(dict.fromkeys(name for name in named if name))

    def outcome(self):
        if not self.closed:
            return ""
        disposition = self.end.disposition if self.end else ""
        if self.direction == INBOUND:
            if self.speakers():
                return SPOKEN
            if disposition in (BUSY, FAILED):
                return disposition
            # Given up, not answered, or answered by a menu or a voicemail.
            return MISSED
        if self.end is None:
            return SPOKEN if self.answers else FAILED
        return disposition or FAILED

    def start(self):
        first = min(event.received_at for event in self.events)
        # Of two readings of an ambiguous hour the one nearest to receipt.
        told = [
            min(event.started, key=lambda reading: (abs(reading - first), reading))
            for event in self.events
            if event.started
        ]
        told += [e.at for e in self.events if e.at and e.kind in (OFFERED, DIALLED)]
        return min(told) if told else first

    def parties(self):
        """The outside party and our line."""
        # The event that opens a call is the one that knows best who it is about.
        order = (OFFERED, DIALLED, ENDED, RINGING, ANSWERED)
        rank = {kind: place for place, kind in enumerate(order)}
        told = sorted(self.told, key=lambda e: rank.get(e.kind, len(order)))
        told += [e for e in self.events if e not in told]
        callers = [e.caller for e in told]
        called = [e.called for e in told]
        outside = [text for text in called if not is_extension(text)]
        if self.direction == INBOUND:
            return _first(callers), _first(outside)
        if self.direction == INTERNAL:
            return _first(called), ""
        line = _first(text for text in callers if not is_extension(text))
        return _first(outside), line

    def extension(self, outcome):
        if self.direction == INBOUND:
            spoke = outcome == SPOKEN or not self.closed
            return _first(self.speakers()) if spoke else ""
        dialled = [
            e.extension
            for e in (*self.of(DIALLED), *self.events)
            if e.kind in (DIALLED, ANSWERED)
        ]
        ended = [self.end.extension] if self.end else []
        callers = [e.caller for e in self.told if is_extension(e.caller)]
        if self.direction == INTERNAL:
            # Told as an inbound call, its END names who was called.
            return _first([*callers, *dialled, *ended])
        return _first([*ended, *dialled, *callers])

    def state(self):
        if self.closed:
            return "done"
        opening = [e for e in self.told if e.kind in (OFFERED, RINGING, DIALLED)]
        if not opening:
            return "ongoing"
        if not self.answers:
            return "ringing"
        if self.direction == INBOUND and not self.speakers():
            # A menu lifted; a phone that began to ring after that still rings.
            rang = [e.when for e in self.of(RINGING)]
            if rang and max(rang) > max(e.when for e in self.answers):
                return "ringing"
        return "ongoing"

    def legs(self, outcome):
        legs = {}
        stop = self.end.when if self.end else None
        for event in self.events:
            if event.kind in (EXPIRED, RECORDED):
                continue
            names = [event.extension, *event.also]
            if self.direction == INTERNAL:
                names += [n for n in (event.caller, event.called) if is_extension(n)]
            for name in filter(None, names):
                leg = legs.setdefault(name, {})
                if event.kind in (RINGING, DIALLED):
                    leg.setdefault("start", event.when)
                elif event.kind == ANSWERED and not event.own_leg:
                    # One that came late says that, and not when, the phone was lifted.
                    if stop is None or event.when < stop:
                        leg.setdefault("answer", event.when)
        spoke = self.speakers() if outcome == SPOKEN else []
        for name, leg in legs.items():
            if name in spoke:
                leg["outcome"] = SPOKEN
        return tuple(Leg(name, **leg) for name, leg in sorted(legs.items()))


def derive(facts):
    """Return the :class:`Call` that ``facts`` tell: a pure function of the set.

    :raises ValueError: no facts at all.

    Events rarely say when they happened, so times of receipt stand in for them: the
    first ANSWER for the answer, the END that wins for the stop. Told times always win.
    """
    if not facts.events:
        raise ValueError("A call without any event cannot be derived.")
    reading = _Reading(facts)
    end, outcome = reading.end, reading.outcome()
    start = reading.start()
    stop = end.when if end else None
    answer = min((e.when for e in reading.answers), default=None)
    talk = 0
    if outcome == SPOKEN:
        talk = min(max((end.talk if end else 0) or 0, 0), MAX_SECONDS)
        if stop is not None and (answer is None or answer >= stop):
            answer = stop - timedelta(seconds=talk)
    elif reading.closed or (reading.direction == INBOUND and not reading.speakers()):
        # Nobody spoke: what lifted was a menu or a voicemail.
        answer = None
    number, line = reading.parties()
    # The id of the part that reached the other party names the call.
    refs = [e.ref for e in (*reading.told, *reading.events) if e.ref]
    return Call(
        ref=_first(refs),
        refs=tuple(sorted(set(refs))),
        direction=reading.direction,
        state=reading.state(),
        outcome=outcome,
        disposition=end.said if end else "",
        number=number,
        line=line,
        extension=reading.extension(outcome),
        start=start,
        answer=answer,
        stop=stop,
        wait=_seconds(answer or stop, start) if reading.closed or answer else 0,
        talk=talk,
        legs=reading.legs(outcome),
        recordings=tuple(sorted({e.recording for e in reading.events if e.recording})),
        last_event_at=max(event.received_at for event in reading.events),
    )
