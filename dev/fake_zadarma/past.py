"""The demo's past: two weeks of office hours of a small company. Pure.

The same calls for the same moment: what was made up once can be made up again.
"""

import hashlib
import json
import random
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from .events import TIME_FORMAT
from .scenarios import SCENARIOS, plan

CALLS = Path(__file__).parent / "data" / "past.json"
DAYS = 14
OPENS, CLOSES = time(8, 55), time(17, 40)
RECORD = "NOTIFY_RECORD"
# The last call is over for so long.
MARGIN = timedelta(minutes=30)
# Minutes between two calls: the office is quiet early, at lunch and late.
PAUSES_MINUTES = {8: 30, 9: 28, 10: 22, 11: 25, 12: 55, 13: 60, 14: 25, 15: 28, 16: 40}
LATE_PAUSE_MINUTES = 50
UNANSWERED = {"missed", "ring_group_missed", "voicemail", "abandoned", "busy"}
SUPPORT = ("101", "102", "103")
# So many of those who were missed are called back; of the last two days, fewer.
CALLED_BACK, CALLED_BACK_LATELY = 0.95, 0.5
LATELY = timedelta(days=3)


def calls(until):
    """Return the calls of the two weeks before a moment, oldest first.

    :param datetime until: naive, in the account's zone.
    :return: a list of dicts: ``scenario``, its parameters, and ``ring``, the seconds
        until somebody lifts or the call ends, and ``recorded``.
    """
    past = _Past(until)
    for days in range(DAYS, -1, -1):
        day = until.date() - timedelta(days=days)
        if day.weekday() < 5:
            past.add_day(day)
    return past.calls


class _Past:
    """The calls that were made up so far: one after the other, none at once."""

    def __init__(self, until):
        self.until, self.calls = until, []
        data = json.loads(CALLS.read_text())
        self.lines = {name: data[name] for name in ("main", "support")}
        self.people, self.kinds = data["people"], data["kinds"]
        self.random = random.Random(f"{until:%Y-%m-%d}")

    def add_day(self, day):
        now = datetime.combine(day, OPENS) + self._minutes(12)
        closes = min(datetime.combine(day, CLOSES), self.until - MARGIN)
        while now < closes:
            kind = self._one_of(self.kinds, self.kinds.values())
            person = self._one_of(self.people, [p["weight"] for p in self.people])
            over = self._add(kind, person, now)
            if kind in UNANSWERED and self._is_called_back(now):
                now = over + timedelta(minutes=self.random.uniform(3, 25))
                if now < closes:
                    over = self._add("outbound", person, now)
            pause = PAUSES_MINUTES.get(over.hour, LATE_PAUSE_MINUTES)
            now = over + self._minutes(pause)

    def _add(self, kind, person, start):
        """Add a call; return when it is over."""
        ring, talk = self._ring(kind), self._talk(kind)
        extension = person["extension"]
        if kind.startswith("ring_group"):
            line, extension = "support", self.random.choice(SUPPORT[1:])
        else:
            line = person["line"]
        others = [name for name in ("100", *SUPPORT) if name != extension]
        start_text = start.strftime(TIME_FORMAT)
        ident = hashlib.sha1(start_text.encode(), usedforsecurity=False).hexdigest()
        self.calls.append(
            {
                "scenario": kind,
                "caller": None if kind == "withheld" else person["number"],
                "line": self.lines[line],
                "extension": extension,
                "extensions": SUPPORT,
                "to_extension": self.random.choice(others),
                "duration": talk,
                "call_start": start_text,
                "pbx_call_id": f"{SCENARIOS[kind].direction}_{ident}",
                "ring": ring,
                "recorded": line == "support" or kind == "voicemail",
            }
        )
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
        if kind in UNANSWERED or kind == "outbound_no_answer":
            return self.random.randint(14, 38)
        return self.random.randint(3, 19)

    def _talk(self, kind):
        if kind == "extension_to_extension":
            return self.random.randint(12, 150)
        return min(int(self.random.lognormvariate(4.9, 0.8)) + 15, 1500)


def planned(call, zone):
    """Return the :class:`~.scenario.Plan` of a call that :func:`calls` gave.

    Its steps' delays are those of life, the recording only where one was made.
    """
    about = {k: v for k, v in call.items() if k not in ("ring", "recorded")}
    ready = plan(about.pop("scenario"), zone=zone, **about)
    ready.steps[:] = _ringing(ready.steps, call["ring"])
    if not call["recorded"]:
        ready.steps[:] = [_unrecorded(s) for s in ready.steps if s.event != RECORD]
        ready.rows[:] = [{**row, "is_recorded": False} for row in ready.rows]
    return ready


def _ringing(steps, seconds):
    """Return steps of which the first answer, or else the end, comes so late."""
    waits = [i for i, step in enumerate(steps) if step.event == "NOTIFY_ANSWER"]
    waits += [i for i, step in enumerate(steps) if step.event.endswith("_END")]
    before = sum(step.delay for step in steps[: waits[0]])
    ring = max(seconds - before, 1)
    return [
        step._replace(delay=ring) if i == waits[0] else step
        for i, step in enumerate(steps)
    ]


def _unrecorded(step):
    fields = {k: v for k, v in step.fields.items() if k != "call_id_with_rec"}
    if "is_recorded" in fields:
        fields["is_recorded"] = "0"
    return step._replace(fields=fields)


def moments(ready, zone):
    """Return ``(step, moment)`` of each step, the moments in UTC and aware."""
    fields = ready.steps[0].fields
    start = datetime.strptime(fields["call_start"], TIME_FORMAT)
    moment, found = start.replace(tzinfo=ZoneInfo(zone)), []
    for step in ready.steps:
        moment += timedelta(seconds=step.delay)
        found.append((step, moment))
    return found
