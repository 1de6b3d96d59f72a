"""The load as a process, and what it was answered."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import log

from lib.paths import DEV

ANSWERED_SECONDS = 120
# Until the events of the calls that have begun are taken, once nothing dies any more.
OVER_SECONDS = 180


@dataclass
class Call:
    """A call as it was posted."""

    scenario: str
    once: bool
    events: list[dict]
    taken: set[int] = field(default_factory=set)  # places of events that got a 200
    over: bool = False

    @property
    def refs(self) -> set[str]:
        return {event["pbx_call_id"] for event in self.events}


class Ledger:
    """Reads what the load writes, as far as it has come."""

    def __init__(self, path: Path):
        self.path = path
        self.path.touch()
        self.position = 0
        self.calls: dict[int, Call] = {}
        self.statuses: Counter = Counter()

    def read(self) -> "Ledger":
        with self.path.open("rb") as stream:
            stream.seek(self.position)
            for line in stream:
                if not line.endswith(b"\n"):
                    break  # half written
                self.position += len(line)
                self._note(*json.loads(line))
        return self

    def _note(self, what, number, *rest):
        if what == "call":
            self.calls[number] = Call(*rest)
        elif what == "over":
            self.calls[number].over = True
        else:
            place, status = rest
            self.statuses[status] += 1
            if status == 200:
                self.calls[number].taken.add(place)

    @property
    def taken(self) -> int:
        """How many answers were 200."""
        return self.read().statuses[200]

    def over(self, once: bool) -> dict[int, Call]:
        """The calls of which nothing more will be posted, by number."""
        calls = self.read().calls.items()
        return {n: call for n, call in calls if call.over and call.once == once}


class Load:
    """The process that posts, and its ledger."""

    def __init__(self, system, seed: int, senders: int = 4):
        path = system.instance.folder / "ledger"
        path.unlink(missing_ok=True)
        self.ledger = Ledger(path)
        self.about = {
            "urls": system.urls,
            "secret": system.secret,
            "zone": system.zone,
            "begun": system.begun.isoformat(),
            "first": system.take_numbers(),
            "seed": seed,
            "ledger": str(path),
            "senders": senders,
        }
        self.process = None

    def __enter__(self):
        words = [sys.executable, DEV / "chaos/load.py"]
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, words)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        with self.process.stdin as stream:
            stream.write(json.dumps(self.about).encode())
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_for(self, count: int) -> None:
        """Wait until `count` more events were answered with 200."""
        wanted = self.ledger.taken + count
        what = f"{count} more events taken; the answers: {self.ledger.statuses}"
        log.until(lambda: self.ledger.taken >= wanted, ANSWERED_SECONDS, what)

    def finish(self) -> None:
        """Begin no more calls; wait until those that began are posted."""
        self.process.terminate()
        assert self.process.wait(OVER_SECONDS) == 0
        assert all(call.over for call in self.ledger.read().calls.values())
