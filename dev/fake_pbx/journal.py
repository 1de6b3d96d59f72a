"""What was said in both directions: a bounded memory, newest first when read."""

import itertools
import threading
from collections import deque

KEPT = 1000


class Journal:
    """Entries are dicts; each gets an ``id`` that only grows."""

    def __init__(self, kept=KEPT):
        self._entries = deque(maxlen=kept)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, kind, **entry):
        """Remember an entry (``kind``: ``webhook`` or ``api``) and return it."""
        with self._lock:
            entry = {"id": next(self._ids), "kind": kind, **entry}
            self._entries.append(entry)
        return entry

    def read(self, kind=None, after=0, limit=KEPT):
        with self._lock:
            entries = list(self._entries)
        wanted = [
            entry
            for entry in reversed(entries)
            if entry["id"] > after and kind in (None, entry["kind"])
        ]
        return wanted[:limit]

    def clear(self):
        with self._lock:
            self._entries.clear()
