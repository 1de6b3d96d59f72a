"""All that was told about one call: a set, so that order and repeats do not matter."""

from .event import CallEvent, event_from_json, event_to_json


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
