"""The demo's past and its day: two weeks of a small company, and some hours. Pure."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fake_pbx.past import Office

from .scenarios import plan

DATA = Path(__file__).parent / "data"
ZONE = ZoneInfo("Europe/Moscow")
SERVICE = ("101", "103", "104")
# The day is told by events: the past ends before it.
DAY = timedelta(hours=4)


def company():
    """Return the company: ``company``, ``people``, ``kinds`` and its lines."""
    return json.loads((DATA / "company.json").read_text())


def day(now):
    """Return the plans of the day's calls, oldest first.

    :param float now: seconds since the epoch.
    """
    plans = []
    for call in json.loads((DATA / "day.json").read_text())["calls"]:
        parameters = dict(call)
        start = float(int(now) - 60 * parameters.pop("minutes"))
        parameters = {
            k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()
        }
        plans.append(plan(parameters.pop("scenario"), start=start, **parameters))
    return plans


def plans(now):
    """Return the plans of the two weeks before the day, oldest first."""
    until = datetime.fromtimestamp(now, ZONE).replace(tzinfo=None) - DAY
    return [plan(call.pop("scenario"), **call) for call in _Past(until).fill()]


class _Past(Office):
    unanswered = {"missed", "group_missed"}
    rung_long = {"outbound_no_answer"}
    short = {"internal"}

    def __init__(self, until):
        data = company()
        super().__init__(until, data)
        self.lines = {name: data[name] for name in ("main", "service")}

    def add(self, kind, person, start, ring, talk):
        line, extension = person["line"], person["extension"]
        if kind.startswith("group"):
            line = "service"
        others = [name for name in ("101", "102", "103", "104") if name != extension]
        moment = start.replace(tzinfo=ZONE).astimezone(UTC).timestamp()
        ident = hashlib.sha256(str(moment).encode()).hexdigest()[:32]
        self.calls.append(
            {
                "scenario": kind,
                "caller": "" if kind == "withheld" else person["number"],
                "line": self.lines[line],
                "extension": extension,
                "extensions": tuple(self.random.sample(SERVICE, len(SERVICE))),
                "to_extension": self.random.choice(others),
                "ring": ring,
                "duration": talk,
                "start": float(int(moment)),
                "ref": str(uuid.UUID(ident)),
                # Each is fetched: not so many that the demo's start is long.
                "recorded": line == "service" and self.random.random() < 0.2,
            }
        )
