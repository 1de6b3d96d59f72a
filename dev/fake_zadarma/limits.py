"""Rate limits: so many requests in any window; statistics have a count of their own."""

import threading
import time
from collections import deque
from typing import NamedTuple

FORMS = ("429", "429_retry_after", "200")


class Verdict(NamedTuple):
    allowed: bool
    limit: int
    remaining: int
    reset: int  # seconds until one more is allowed


class Limiter:
    """Counts accepted requests, always; refuses only when ``enabled``.

    The real windows are not documented. A sliding one is the strictest reading: who
    keeps to it keeps to every other.
    """

    def __init__(self, clock=time.monotonic):
        self.enabled = False
        self.general = 100
        self.statistics = 3
        self.window = 60.0
        self.form = "429"
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = {"general": deque(), "statistics": deque()}

    def configure(self, **settings):
        """Change settings; what was counted so far is forgotten."""
        with self._lock:
            for name, value in settings.items():
                setattr(self, name, value)
            for seen in self._seen.values():
                seen.clear()

    def as_json(self):
        names = ("enabled", "general", "statistics", "window", "form")
        return {name: getattr(self, name) for name in names}

    def hit(self, bucket):
        """Count a request of ``general`` or ``statistics`` and judge it."""
        with self._lock:
            now, seen, limit = self._clock(), self._seen[bucket], getattr(self, bucket)
            while seen and seen[0] <= now - self.window:
                seen.popleft()
            allowed = len(seen) < limit or not self.enabled
            if allowed:
                seen.append(now)
            oldest = seen[0] if seen else now
            reset = max(1, round(oldest + self.window - now))
            return Verdict(allowed, limit, max(0, limit - len(seen)), reset)
