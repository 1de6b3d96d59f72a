"""The demo's short day: some twenty calls of all kinds within a few seconds."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CALLS = Path(__file__).parent / "data" / "day.json"
# Several calls go on at once, as in life, and the day is over sooner.
LINES = 4


def calls():
    """Return the calls of the day, as in the file: scenario, parameters, ``ring``."""
    return json.loads(CALLS.read_text())["calls"]


def _ringing(steps, seconds):
    """Return the steps with one wait: until somebody answers, or the call ends."""
    waits = [i for i, step in enumerate(steps) if step.event == "NOTIFY_ANSWER"]
    waits += [i for i, step in enumerate(steps) if step.event.endswith("_END")]
    return [
        step._replace(delay=seconds if i == waits[0] else 0)
        for i, step in enumerate(steps)
    ]


def play(pbx):
    """Play the day.

    :return: dict with ``calls`` and ``failed``: how many were played, and in how many
        of them some webhook was not answered with 200.
    """

    def one(call):
        parameters = {k: v for k, v in call.items() if k not in ("scenario", "ring")}
        ready = pbx.plan(call["scenario"], parameters)
        if call.get("ring"):
            ready.steps[:] = _ringing(ready.steps, call["ring"])
        entries = pbx.play(ready, speed=1 if call.get("ring") else 0)
        return all(entry["status"] == 200 for entry in entries)

    with ThreadPoolExecutor(LINES) as lines:
        went_well = list(lines.map(one, calls()))
    return {"calls": len(went_well), "failed": went_well.count(False)}
