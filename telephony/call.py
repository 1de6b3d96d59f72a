"""What a call is: a pure view of the set of its events.

:func:`derive` turns :class:`~.facts.CallFacts` into a :class:`Call`. All times are
naive UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime

from .bridges import BridgedReading
from .event import ANSWERED, INBOUND, INTERNAL, LOGGED, OUTBOUND, RINGING, SPOKEN
from .numbers import from_pbx
from .reading import Reading
from .recorded import recorded_events
from .verdict import MAX_SECONDS, later

# Nobody waits that many seconds: a receipt that would mean so came late.
LONGEST_WAIT = 3600


@dataclass(frozen=True)
class Leg:
    """What one extension did in a call; unknown times are ``None``."""

    extension: str
    start: datetime | None = None
    answer: datetime | None = None
    stop: datetime | None = None
    outcome: str = ""
    # Since when it had a part in the call, as well as that is known.
    first_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Call:
    """A call as far as its facts tell it."""

    ref: str
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
    # When the PBX last said something; of history alone: when the call was over.
    last_event_at: datetime
    # What history contradicts of the end: (field, reported, logged), the
    # field one of outcome, talk, extension.
    contradictions: tuple = ()
    # The end is contradicted by other events, and only history can say how it was.
    in_doubt: bool = False
    # What may be our line, where nothing certain tells it; see Reading.doubtful_lines.
    doubtful_lines: tuple = ()
    # All ids under which the PBX speaks of it, where it reports each leg; else ``()``.
    aliases: tuple = ()
    # Of a click: it is our own phone that rings, or rang, and nobody else's.
    own_phone_only: bool = False

    @property
    def corrected(self):
        """Whether history has overruled what was reported at the end."""
        return bool(self.contradictions)


def _seconds(later_one, earlier):
    if later_one is None or earlier is None:
        return 0
    return min(max(int((later_one - earlier).total_seconds()), 0), MAX_SECONDS)


def derive(facts, history_outranks=True, country=""):
    """Return the :class:`Call` that ``facts`` tell: a pure function of the set.

    :param bool history_outranks: how a call went is decided by the PBX's history where
        it tells otherwise than the events; ``False``: what events tell counts, and rows
        of the history fill what is missing.
    :param str country: two-letter region of the account: what the PBX reports as it is
        dialled at home is read there.
    :raises ValueError: no facts at all.

    Events rarely say when they happened, so times of receipt stand in for them: the
    first ANSWER for the answer, the END that wins for the stop. Told times always win;
    history (``LOGGED``) says which receipts cannot be true. The releases of all legs
    are as good as an END.
    """
    if not facts.events:
        raise ValueError("A call without any event cannot be derived.")
    if reports_legs(facts):
        return _derive_bridged(BridgedReading(facts), country)
    reading = Reading(facts, history_outranks, country)
    verdict = reading.verdict
    start = reading.start()
    answer, stop = _answer_and_stop(reading, start)
    number, line = reading.parties()
    legs = sorted(reading.legs(stop).items())
    first_at = reading.first_heard_of(start)
    return Call(
        ref=reading.ref(),
        direction=reading.direction,
        state=reading.state(),
        outcome=verdict.outcome,
        disposition=verdict.said,
        number=number,
        line=line,
        extension=reading.extension(),
        start=start,
        answer=answer,
        stop=stop,
        wait=_seconds(answer or stop, start) if reading.closed or answer else 0,
        talk=verdict.talk,
        legs=tuple(
            Leg(name, first_at=first_at.get(name, start), **leg) for name, leg in legs
        ),
        recordings=tuple(
            sorted({e.recording for e in recorded_events(reading.events)})
        ),
        last_event_at=_last_event_at(reading),
        contradictions=verdict.contradictions,
        in_doubt=reading.in_doubt(),
        doubtful_lines=reading.doubtful_lines,
    )


def reports_legs(facts):
    """Tell whether the PBX reports each leg, and the bridges between them."""
    return any(event.endpoint for event in facts.events)


def _derive_bridged(reading, country):
    number, line = reading.parties()
    if reading.direction != INTERNAL:
        number, line = (from_pbx(one, country) or one for one in (number, line))
    start, answer, stop = reading.start(), reading.answer(), reading.stop()
    until = answer or stop
    legs = sorted(reading.extension_legs().items())
    return Call(
        ref=reading.ref,
        direction=reading.direction,
        state=reading.state(),
        outcome=reading.outcome(),
        disposition=reading.disposition(),
        number=number,
        line=line,
        extension=reading.extension(),
        start=start,
        answer=answer,
        stop=stop,
        wait=_seconds(until, start),
        talk=reading.talk,
        legs=tuple(Leg(name, **values) for name, values in legs),
        recordings=tuple(sorted({e.recording for e in reading.events if e.recording})),
        last_event_at=max(event.received_at for event in reading.events),
        aliases=tuple(sorted({event.ref for event in reading.heard})),
        own_phone_only=reading.own_phone_only,
    )


def ringing_since(facts, extensions, spoke):
    """Return since when one of ``extensions`` is rung while ``spoke`` has the call.

    :param extensions: as the PBX names them; ``spoke``: who spoke last.
    :return: a moment, or ``None``: it is not, as far as the facts tell.
    """
    if reports_legs(facts):
        return BridgedReading(facts).ringing_since(extensions)
    lifted = [
        event.when
        for event in facts.events
        if event.kind == ANSWERED and event.extension == spoke
    ]
    rings = [
        event.when
        for event in facts.events
        if event.kind == RINGING and event.extension in extensions
    ]
    later_rings = [moment for moment in rings if lifted and moment > max(lifted)]
    return max(later_rings, default=None)


def may_be_heard(facts):
    """Tell whether a recording of the call may hold anything: somebody, or the PBX
    itself, has lifted. ``True`` where the PBX does not tell."""
    return not reports_legs(facts) or any(
        event.kind == ANSWERED for event in facts.events
    )


def is_with_the_pbx(facts):
    """Tell whether nobody of ours lifted, and the caller speaks to the PBX itself, such
    as its voicemail. ``False`` where the PBX does not tell."""
    if not any(event.kind == ANSWERED and event.endpoint for event in facts.events):
        return False
    return BridgedReading(facts).is_with_the_pbx()


def has_left(facts, extension):
    """Tell whether ``extension`` spoke, and is out of a call that goes on: it handed
    the call on, and nobody has lifted yet. ``False`` where the PBX does not tell."""
    if not reports_legs(facts):
        return False
    reading = BridgedReading(facts)
    spoken = [one for one in reading.conversations if extension in one.extensions]
    return (
        bool(spoken)
        and all(one.stop is not None for one in spoken)
        and reading.ringing_since({extension}) is None
    )


def result_of_leg(call, leg):
    """Return what came of a call at one extension, ``""`` while it goes on.

    ``answered``; ``elsewhere``: it rang, and a colleague answered; ``missed``: it rang,
    and nobody did; ``not_reached``: from there somebody dialled in vain.
    """
    if call.state != "done":
        return ""
    spoke = call.outcome == SPOKEN
    if leg.outcome == SPOKEN:
        return "answered"
    if call.direction == OUTBOUND:
        # Who only handed it on, or was our own leg, dialled it all the same.
        return "answered" if spoke else "not_reached"
    if call.direction == INTERNAL and leg.extension == call.extension:
        return "answered" if spoke else "not_reached"
    if call.direction == INTERNAL and spoke and not _is_known_who_lifted(call):
        return "answered"
    return "elsewhere" if spoke else "missed"


def _is_known_who_lifted(call):
    """Tell whether of an internal call the extension that lifted is known."""
    called = (leg for leg in call.legs if leg.extension != call.extension)
    return any(leg.outcome == SPOKEN for leg in called)


def rang_seconds(call, leg):
    """Return how long it rang at one extension, as far as that is known; else 0."""
    dialled = call.direction == OUTBOUND or leg.extension == call.extension
    if leg.start is None or (dialled and call.direction != INBOUND):
        return 0
    ends = (leg.answer, leg.stop, call.answer, call.stop)
    later_ones = [end for end in ends if end and end >= leg.start]
    return _seconds(min(later_ones, default=None), leg.start)


def _answer_and_stop(reading, start):
    end, verdict = reading.end, reading.verdict
    spoken = verdict.outcome == SPOKEN
    if reading.answered_unheard:
        # Nor does any event tell when it was over.
        return start, max(later(start, verdict.talk), end.when)
    stop = end.when if end else None
    answer = min((e.when for e in reading.answers), default=None)
    if not spoken and (
        reading.closed or (reading.direction == INBOUND and not verdict.speakers)
    ):
        # Nobody spoke: what lifted was a menu or a voicemail.
        answer = None
    if reading.rows and reading.closed and not (end and end.at):
        answer, stop = _as_history_allows(start, answer, stop, verdict.talk, spoken)
    if spoken and stop is not None and (answer is None or answer >= stop):
        answer = later(stop, -verdict.talk)
    return answer, stop


def _as_history_allows(start, answer, stop, talk, spoken):
    """Return ``(answer, stop)``: receipts, where they fit what history tells."""
    latest = later(start, LONGEST_WAIT)
    if answer is not None and not start <= answer <= latest:
        answer = None
    known = answer or start
    lifted = later(stop, -talk) if stop is not None else None
    if lifted is None or not start <= lifted <= latest:
        return known if spoken else None, later(known, talk)
    return answer, stop


def _last_event_at(reading):
    received = [event.received_at for event in reading.events if event.kind != LOGGED]
    return max(received or [min(row.end, row.receipt) for row in reading.all_rows])
