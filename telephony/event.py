"""What a PBX says about a call, in no vendor's words."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import attrgetter

# Kinds of events.
OFFERED = "offered"  # a call from outside reached the PBX
RINGING = "ringing"  # an extension is being rung
DIALLED = "dialled"  # an extension dials out
ANSWERED = "answered"  # somebody or something lifted
ENDED = "ended"  # the call, or one part of it, is over
# One leg is over. Where a PBX tells this of each leg, the last one ends the call.
RELEASED = "released"
# Of PBXs that report each leg, whoever is at its other end (see ``endpoint``): the leg
# began, entered a bridge with others, left it.
STARTED, JOINED, LEFT = "started", "joined", "left"
# It was handed on: ``other_legs`` belong to the same call.
MOVED = "moved"
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

# What is at the other end of a leg: a phone of ours, the network, or nothing but the
# second half of the same pipe, whose two halves share their ``endpoint``.
EXTENSION, TRUNK, PIPE = "extension", "trunk", "pipe"


def is_person(extension, direction):
    """Tell whether who lifted is a person, and no menu or voicemail.

    Of an incoming call a menu or a voicemail lifts without an extension. A call that no
    person took is missed, and what was recorded of it is a voicemail.
    """
    return bool(extension) or direction != INBOUND


# Between these years lies every moment of a call. Anything else is a wrong clock, or
# somebody's idea of "never".
FIRST_YEAR, LAST_YEAR = 1971, 2099


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
    # Whom ``called`` means if this is a leg of a phone of ours, which dials a prefix
    # before numbers outside. Only where the PBX does not say what the leg is.
    called_by_phone: str = ""
    # Which of the parties are extensions by what was known when the event came: those
    # that the PBX lists, or that rang before. That a number is short does not say so.
    known_extensions: tuple = field(default=(), compare=False, repr=False)
    # Who rings, dials, answers, or (at the end) spoke last; ``also`` spoke before.
    extension: str = ""
    also: tuple = ()
    # The PBX's id of this leg, in all events of the leg or in none; "": an extension
    # has one leg at a time.
    leg: str = ""
    # What the PBX calls the device or trunk of this leg. Only where it reports each leg
    # and the bridges between them; then in all events of the call.
    endpoint: str = ""
    # EXTENSION, TRUNK, PIPE; "": an extension if one is known by that name, or a trunk.
    role: str = ""
    # The bridge that the leg enters or leaves.
    bridge: str = ""
    # Ids of further legs that belong to the same call.
    other_legs: tuple = ()
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


START_FIELDS = ("started", "local_start", "other_starts")
_NOT_TELLING = ("received_at", *START_FIELDS)
_telling = attrgetter(
    *(f.name for f in fields(CallEvent) if f.compare and f.name not in _NOT_TELLING)
)
_TIMES = ("received_at", "at")
_TUPLES = ("also", "known_extensions", "other_legs")
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
        if event.role == EXTENSION:
            found.add(event.endpoint)
    return found - {""}


def parties_of(events):
    """Return the parties that events name, without those known as extensions."""
    events = list(events)
    parties = {party for event in events for party in (event.caller, event.called)}
    return parties - extensions_in(events) - {""}


def unknown_endpoints(events):
    """Return the endpoints of which no event says what they are."""
    events = list(events)
    endpoints = {event.endpoint for event in events if not event.role}
    return endpoints - extensions_in(events) - {""}


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
        known = {event.caller, event.called, event.endpoint} & everywhere - own
        known.update(event.known_extensions)
        if known != set(event.known_extensions):
            event = replace(event, known_extensions=tuple(sorted(known)))
        marked.append(event)
    return marked


def _readings_to_json(readings):
    return [reading.isoformat() for reading in readings]


def _readings_from_json(data):
    return tuple(datetime.fromisoformat(reading) for reading in data)
