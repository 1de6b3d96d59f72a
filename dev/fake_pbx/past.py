"""Two weeks of office hours of a small company: when who calls whom, and how. Pure.

The same calls for the same moment: what was made up once can be made up again.
"""

import random
from datetime import datetime, time, timedelta

DAYS = 14
OPENS, CLOSES = time(8, 55), time(17, 40)
# The last call is over for so long.
MARGIN = timedelta(minutes=30)
# Minutes between two calls: the office is quiet early, at lunch and late.
PAUSES_MINUTES = {8: 30, 9: 28, 10: 22, 11: 25, 12: 55, 13: 60, 14: 25, 15: 28, 16: 40}
LATE_PAUSE_MINUTES = 50
# So many of those who were missed are called back; of the last two days, fewer.
CALLED_BACK, CALLED_BACK_LATELY = 0.95, 0.5
LATELY = timedelta(days=3)


class Office:
    """The calls that were made up so far: one after the other, none at once.

    Subclasses say which kinds somebody is called back after, and which have nobody
    lifting, and have ``add``.

    :param datetime until: naive, in the office's zone.
    :param dict data: ``people``, dicts with their ``weight``; ``kinds``, weights by
        name of the scenario.
    """

    unanswered = frozenset()  # missed: called back
    rung_long = frozenset()  # nobody lifts
    short = frozenset()  # colleagues among each other

    def __init__(self, until, data):
        self.until, self.calls = until, []
        self.people, self.kinds = data["people"], data["kinds"]
        self.random = random.Random(f"{until:%Y-%m-%d}")

    def fill(self):
        """Make up the two weeks, and return the calls, oldest first."""
        for days in range(DAYS, -1, -1):
            day = self.until.date() - timedelta(days=days)
            if day.weekday() < 5:
                self._add_day(day)
        return self.calls

    def add(self, kind, person, start, ring, talk):
        """Append a call to ``calls``. ``ring`` and ``talk`` are seconds."""
        raise NotImplementedError

    def _add_day(self, day):
        now = datetime.combine(day, OPENS) + self._minutes(12)
        closes = min(datetime.combine(day, CLOSES), self.until - MARGIN)
        while now < closes:
            kind = self._one_of(self.kinds, self.kinds.values())
            person = self._one_of(self.people, [p["weight"] for p in self.people])
            over = self._add(kind, person, now)
            if kind in self.unanswered and self._is_called_back(now):
                now = over + timedelta(minutes=self.random.uniform(3, 25))
                if now < closes:
                    over = self._add("outbound", person, now)
            pause = PAUSES_MINUTES.get(over.hour, LATE_PAUSE_MINUTES)
            now = over + self._minutes(pause)

    def _add(self, kind, person, start):
        """Add a call; return when it is over."""
        ring, talk = self._ring(kind), self._talk(kind)
        self.add(kind, person, start, ring, talk)
        return start + timedelta(seconds=ring + talk)

    def _is_called_back(self, start):
        lately = self.until - start < LATELY
        share = CALLED_BACK_LATELY if lately else CALLED_BACK
        return self.random.random() < share

    def _one_of(self, things, weights):
        return self.random.choices(list(things), list(weights))[0]

    def _minutes(self, mean):
        return timedelta(minutes=mean * self.random.uniform(0.3, 1.7))

    def _ring(self, kind):
        if kind in self.unanswered or kind in self.rung_long:
            return self.random.randint(14, 38)
        return self.random.randint(3, 19)

    def _talk(self, kind):
        if kind in self.short:
            return self.random.randint(12, 150)
        return min(int(self.random.lognormvariate(4.9, 0.8)) + 15, 1500)
