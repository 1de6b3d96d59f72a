"""What a PBX says about a call, in no vendor's words: events, and the set of them."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from operator import attrgetter

# Kinds of events.
OFFERED = "offered"  # a call from outside reached the PBX
RINGING = "ringing"  # an extension is being rung
DIALLED = "dialled"  # an extension dials out
ANSWERED = "answered"  # somebody or something lifted
ENDED = "ended"  # the call, or one part of it, is over
# One leg is over. Where a PBX tells this of each leg, the last one ends the call.
RELEASED = "released"
RECORDED = "recorded"  # a recording can be fetched
EXPIRED = "expired"  # its end never came, and waiting was given up
LOGGED = "logged"  # one leg as the PBX's own history tells it, afterwards
# We asked the PBX to dial. ``extension`` rings first, then ``called``; ``caller`` is
# the other extension whose number is shown, if any.
CLICKED = "clicked"
REFUSED = "refused"  # the PBX did not take what we asked it to dial

INBOUND, OUTBOUND, INTERNAL = "inbound", "outbound", "internal"

# Dispositions, in neutral words; they are outcomes too.
SPOKEN = "answered"
MISSED = "missed"
BUSY = "busy"
NO_ANSWER = "no_answer"
CANCELLED = "cancelled"
FAILED = "failed"


# Between these years lies every moment of a call. Anything else is a wrong clock, or
# somebody's idea of "never".
FIRST_YEAR, LAST_YEAR = 1971, 2099
# How far a zone may be from UTC, and in which steps.
MAX_OFFSET, OFFSET_STEP = timedelta(hours=14), timedelta(minutes=15)


def is_possible(moment):
    """Tell whether a reported moment can be one of a call."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


@dataclass(frozen=True, eq=False)
class CallEvent:
    """One thing a PBX says about a call.

    Two events that differ in nothing but ``received_at`` are the same event, also where
    the same local time was read in two zones. Impossible moments are left out.
    """

    kind: str
    ref: str
    received_at: datetime
    # "inbound", "outbound", "internal", or "" when the PBX does not say.
    direction: str = ""
    # Parties as ``numbers.from_pbx`` gives them: E.164, extension, or "". Of an event
    # whose direction is "internal" both are extensions, whatever they look like.
    caller: str = ""
    called: str = ""
    # The same as the PBX wrote them, where digits differ.
    caller_reported: str = ""
    called_reported: str = ""
    # Which of the parties are extensions by what was known when the event came: those
    # that the PBX lists, or that rang before. That a number is short does not say so.
    known_extensions: tuple = field(default=(), compare=False, repr=False)
    # Who rings, dials, answers, or (at the end) spoke last; ``also`` spoke before.
    extension: str = ""
    also: tuple = ()
    # The PBX's id of this leg, in all events of the leg or in none; "": an extension
    # has one leg at a time.
    leg: str = ""
    # Who hands the call on to the extension that rings.
    handed_by: str = ""
    # The reported start of the call in UTC: two readings in an ambiguous local hour.
    started: tuple = ()
    # The same as reported, where that was a local time: ``2026-06-16 13:00:00``.
    local_start: str = ""
    # Its readings in other zones that it may be in, a tuple for each.
    other_starts: tuple = ()
    # When it happened, where the PBX says so to the second.
    at: datetime | None = None
    # Seconds of conversation, of the call or (at a release) of the leg.
    talk: int | None = None
    # Neutral disposition, and the PBX's own word.
    disposition: str = ""
    said: str = ""
    # Why it failed, where that is no word of the PBX: a value of ``Failure``.
    failure: str = ""
    recording: str = ""
    # The part of a click-to-call in which our own extension is rung first.
    own_leg: bool = False
    # The part of it that reaches the other party, where the PBX marks it as such.
    client_leg: bool = False

    def __post_init__(self):
        set_value = object.__setattr__  # the way into a frozen instance
        if self.at and not is_possible(self.at):
            set_value(self, "at", None)
        started = tuple(filter(is_possible, self.started))
        others = [
            tuple(filter(is_possible, readings)) for readings in self.other_starts
        ]
        set_value(self, "started", started)
        set_value(self, "other_starts", tuple(filter(None, others)))

    @property
    def _rest(self):
        """All that tells two events apart, but for the start."""
        return _telling(self)

    @property
    def _identity(self):
        return (*self._rest, self.local_start or self.started)

    def __eq__(self, other):
        if not isinstance(other, CallEvent):
            return NotImplemented
        if self._rest != other._rest:
            return False
        if self.local_start and other.local_start:
            return self.local_start == other.local_start
        # One of them is from before local times were kept.
        return self.started == other.started

    def __hash__(self):
        return hash(self._rest)

    @property
    def when(self):
        """Told time where there is one, else the time of receipt."""
        return self.at or self.received_at

    @property
    def readings(self):
        """All that the reported start may be, the chosen zone's first."""
        return (*self.started, *(one for zone in self.other_starts for one in zone))

    def sort_key(self):
        """Return what orders events; the same for equal ones of one receipt."""
        return (self.when, self.received_at, repr(self._identity))


_STARTS = ("started", "local_start", "other_starts")
_NOT_TELLING = ("received_at", *_STARTS)
_telling = attrgetter(
    *(f.name for f in fields(CallEvent) if f.compare and f.name not in _NOT_TELLING)
)
_TIMES = ("received_at", "at")
_TUPLES = ("also", "known_extensions")
_DEFAULTS = {
    f.name: f.default for f in fields(CallEvent) if f.name not in ("kind", "ref")
}


def event_to_json(event):
    """Return a plain dict without what is at its default."""
    data = {"kind": event.kind, "ref": event.ref}
    for name, default in _DEFAULTS.items():
        value = getattr(event, name)
        if value == default:
            continue
        if name in _TIMES:
            value = value.isoformat()
        elif name == "started":
            value = _readings_to_json(value)
        elif name == "other_starts":
            value = [_readings_to_json(readings) for readings in value]
        elif name in _TUPLES:
            value = list(value)
        data[name] = value
    return data


def event_from_json(data):
    """Return the event that ``event_to_json`` wrote; unknown names are passed over."""
    values = {name: value for name, value in data.items() if name in _DEFAULTS}
    for name in _TIMES:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    values["started"] = _readings_from_json(values.get("started", ()))
    values["other_starts"] = tuple(
        _readings_from_json(readings) for readings in values.get("other_starts", ())
    )
    for name in _TUPLES:
        values[name] = tuple(values.get(name, ()))
    return CallEvent(kind=data["kind"], ref=data["ref"], **values)


def extensions_in(events):
    """Return the extensions that events name as such, or that were known."""
    found = set()
    for event in events:
        found.update((event.extension, event.handed_by))
        found.update((*event.also, *event.known_extensions))
    return found - {""}


def parties_of(events):
    """Return the parties that events name, without those known as extensions."""
    events = list(events)
    parties = {party for event in events for party in (event.caller, event.called)}
    return parties - extensions_in(events) - {""}


def with_known_extensions(events, names=()):
    """Return the list of events, each marked with those parties that are extensions.

    What one event of a call says counts for all, so that their order does not matter;
    what was known before stays.

    :param names: extensions by what is known now.
    """
    events = list(events)
    everywhere = extensions_in(events) | set(names)
    marked = []
    for event in events:
        own = {"", event.extension, *event.also}
        known = {event.caller, event.called} & everywhere - own
        known.update(event.known_extensions)
        if known != set(event.known_extensions):
            event = replace(event, known_extensions=tuple(sorted(known)))
        marked.append(event)
    return marked


def _readings_to_json(readings):
    return [reading.isoformat() for reading in readings]


def _readings_from_json(data):
    return tuple(datetime.fromisoformat(reading) for reading in data)


def _one_of(one, other):
    """Return one event of two equal ones: the earlier receipt, and all readings and
    extensions that were known at any time."""
    first, second = (
        (other, one) if other.received_at < one.received_at else (one, other)
    )
    names = {*first.known_extensions, *second.known_extensions}
    if names != set(first.known_extensions):
        first = replace(first, known_extensions=tuple(sorted(names)))
    if all(getattr(second, name) == getattr(first, name) for name in _STARTS):
        return first
    readings = {first.started: None}
    for event in (first, second):
        readings.update(dict.fromkeys((event.started, *event.other_starts)))
    others = tuple(zone for zone in readings if zone and zone != first.started)
    return replace(
        first, other_starts=others, local_start=first.local_start or second.local_start
    )


def _is_reading_of(event, local_start):
    """Tell whether an event's start can be a local time that it did not keep."""
    local = datetime.fromisoformat(local_start)
    return any(
        abs(local - reading) <= MAX_OFFSET and not (local - reading) % OFFSET_STEP
        for reading in event.started
    )


def _with_local_starts(events):
    """Join events that kept no local time with the same ones that did.

    Facts from before local times were kept know the reading in the zone of then.
    """
    texts = {}
    for event in events:
        if event.local_start:
            texts.setdefault(event._rest, []).append(event)
    if not texts:
        return events
    joined = {event: event for event in events}
    for event in events:
        if event.local_start or not event.started:
            continue
        for same in texts.get(event._rest, ()):
            if _is_reading_of(event, same.local_start):
                del joined[event]
                joined[same] = _one_of(event, joined[same])
                break
    return list(joined.values())


class CallFacts:
    """All that is known of one call: a set of events, immutable.

    A repeated event keeps the earliest receipt, and the extensions that were known at
    any time, so that the set, not the order in which it grew, decides what is derived.
    """

    def __init__(self, events=()):
        known = {}
        for event in events:
            known[event] = _one_of(known[event], event) if event in known else event
        # Replacing a dict's value keeps the older key: only the values count.
        known = _with_local_starts(list(known.values()))
        self.events = tuple(sorted(known, key=CallEvent.sort_key))

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
