"""All that is known of one call: the set of its events."""

from dataclasses import replace
from datetime import datetime, timedelta

from .event import START_FIELDS, CallEvent, event_from_json, event_to_json
from .folding import without_superseded

# How far a zone may be from UTC, and in which steps.
MAX_OFFSET, OFFSET_STEP = timedelta(hours=14), timedelta(minutes=15)


def _one_of(one, other):
    """Return one event of two equal ones: the earlier receipt, and all readings and
    extensions that were known at any time."""
    first, second = (
        (other, one) if other.received_at < one.received_at else (one, other)
    )
    names = {*first.known_extensions, *second.known_extensions}
    if names != set(first.known_extensions):
        first = replace(first, known_extensions=tuple(sorted(names)))
    if all(getattr(second, name) == getattr(first, name) for name in START_FIELDS):
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


def _with_one_name_each(events):
    """Name the recording of an extension alike in all events of a call.

    A PBX that names it by call and user, ``<id of the call>/<user>``, has one of each;
    but one user may have several names, and its rows ids of their own. The name that
    came first may be stored already.
    """
    named = [e for e in events if e.recording and e.extension and e.ref]
    found = {}
    for event in named:
        found.setdefault((event.ref, event.extension), []).append(event)
    renamed = {}
    for (ref, _extension), same in found.items():
        names = {event.recording for event in same}
        if len(names) > 1 and any(name.startswith(f"{ref}/") for name in names):
            first = min(same, key=lambda event: (event.received_at, event.recording))
            renamed |= {id(event): first.recording for event in same}
    if not renamed:
        return events
    joined = {}
    for event in events:
        if id(event) in renamed:
            event = replace(event, recording=renamed[id(event)])
        joined[event] = _one_of(joined[event], event) if event in joined else event
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
        known = _with_one_name_each(known)
        if any(event.endpoint for event in known):
            known = without_superseded(known)
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
