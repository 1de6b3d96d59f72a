"""The demo's past: two weeks of office hours of a small company. Pure.

The same calls for the same moment: what was made up once can be made up again.
"""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fake_pbx.past import Office

from .events import TIME_FORMAT
from .scenarios import SCENARIOS, plan

CALLS = Path(__file__).parent / "data" / "past.json"
RECORD = "NOTIFY_RECORD"
SUPPORT = ("101", "102", "103")


def calls(until):
    """Return the calls of the two weeks before a moment, oldest first.

    :param datetime until: naive, in the account's zone.
    :return: a list of dicts: ``scenario``, its parameters, and ``ring``, the seconds
        until somebody lifts or the call ends, and ``recorded``.
    """
    return _Past(until, json.loads(CALLS.read_text())).fill()


class _Past(Office):
    unanswered = {"missed", "ring_group_missed", "voicemail", "abandoned", "busy"}
    rung_long = {"outbound_no_answer"}
    short = {"extension_to_extension"}

    def __init__(self, until, data):
        super().__init__(until, data)
        self.lines = {name: data[name] for name in ("main", "support")}

    def add(self, kind, person, start, ring, talk):
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
