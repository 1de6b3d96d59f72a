"""What a webhook costs: over a route that writes one row by SQL, and in memory."""

import itertools
import os
import statistics
import threading
from datetime import datetime, timedelta
from pathlib import Path

from measure import Bare, Caller, in_turn, ratio

from lib.terminal import say

# How many a worker takes while its memory is watched.
WEBHOOKS = int(os.environ.get("B_WEBHOOKS", 100_000))
EVENTS = ("NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_ANSWER", "NOTIFY_END")
AIMED = ("NOTIFY_START", "NOTIFY_END")
# How often its memory is read, and after which of these readings it is warm.
READINGS, WARM = 20, 4


def against_one_row(server, provider, number, rounds):
    """Return ``{title: (figures, aim)}``: events per second over bare rows per second.

    Of a caller who is a contact, and of one whom nobody knows.
    """
    callers = {
        "a contact": Caller(provider, number),
        "a stranger": Caller(provider, "+442079460777"),
    }
    for caller in callers.values():
        # Other benchmarks' calls began in the seconds before now.
        caller.begun -= timedelta(hours=2)
    row = Bare(server.url, "row")

    def one_round():
        return {
            "row": row.post(),
            **{
                (event, whose): seconds
                for whose, caller in callers.items()
                for event, seconds in caller.call().items()
            },
        }

    times = in_turn(one_round, rounds)
    say(f"a bare row by SQL: {_ms(times['row'])}")
    return {
        f"{event} of {whose} ({_ms(times[event, whose])}) / bare row": (
            ratio(times["row"], times[event, whose]),
            ">= 0.50" if event in AIMED else "-",
        )
        for whose in callers
        for event in EVENTS
    }


def _ms(seconds):
    return f"{1000 * statistics.median(seconds):.1f} ms"


# ---------------------------------------------------------------------------- memory


def memory(servers, provider):
    """Return ``{title: (figures, aim)}``: the memory of workers after many webhooks,
    over what it was once they were warm.

    :param servers: ``{title: server}`` of one database, each with one process that
        takes webhooks and nothing that replaces it.
    """
    watched = [
        Watched(title, server, provider, place)
        for place, (title, server) in enumerate(servers.items())
    ]
    for one in watched:
        one.start()
    for one in watched:
        one.join()
    return {one.title_of_growth: (one.growth(), "<= 1.02") for one in watched}


class Watched(threading.Thread):
    """Posts webhooks to one server, and reads its memory now and then."""

    def __init__(self, title, server, provider, place):
        super().__init__(name=title)
        self.title, self.pid = title, worker_of(server.process.pid)
        path = provider["webhook_url"].removeprefix(provider["server"])
        self.caller = Day({**provider, "webhook_url": server.url + path}, place)
        self.readings = []

    def run(self):
        for _ in range(READINGS):
            self.caller.post_many(WEBHOOKS // READINGS)
            self.readings.append(resident(self.pid))
        text = " ".join(f"{kib / 1024:.0f}" for kib in self.readings)
        say(f"{self.title}, MiB each {WEBHOOKS // READINGS:,} webhooks: {text}")

    @property
    def title_of_growth(self):
        return f"memory of {self.title} after {WEBHOOKS:,} webhooks / warm"

    def growth(self):
        warm = self.readings[WARM - 1]
        later = [one / warm for one in self.readings[WARM:]]
        return later[-1], min(later), max(later)


class Day(Caller):
    """All sorts of calls, each of another number, and what is refused.

    :param int place: among those who post at the same time.
    """

    def __init__(self, provider, place):
        super().__init__(provider)
        self.numbers = itertools.count(place * WEBHOOKS)

    def post_many(self, count):
        """Post about so many webhooks."""
        for number in itertools.islice(self.numbers, count // 10):
            self.number = f"+44207{number:07}"
            # Within the hours in which browsers are told of calls.
            self.begun = datetime.now(self.zone) - timedelta(seconds=number % 7200)
            self.call()
            self.number = f"+44208{number:07}"
            self.lost_call()
            self.refused()

    def lost_call(self):
        fields = {
            "call_start": self.begun.strftime("%Y-%m-%d %H:%M:%S"),
            "pbx_call_id": f"in_{os.urandom(20).hex()}",
            "caller_id": self.number,
            "called_did": "442079460900",
        }
        self.post("NOTIFY_START", **fields)
        # Received twice.
        for _ in range(2):
            end = {"duration": "0", "disposition": "cancel", "internal": "100"}
            self.post("NOTIFY_END", **fields, **end)

    def refused(self):
        """A wrong signature, an address that was never one, and no event."""
        url = self.url.rpartition("/")[0] + "/" + os.urandom(16).hex()
        for address, status in ((self.url, 403), (url, 404)):
            fields = {"event": "NOTIFY_START", "caller_id": self.number}
            answer = self.session.post(address, data=fields, timeout=30)
            assert answer.status_code == status, answer.status_code
        answer = self.session.post(self.url, data=b"{", timeout=30)
        assert answer.status_code == 415, answer.status_code


def worker_of(pid):
    """Return the process that takes webhooks: the server, or its one worker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    [worker] = [
        child
        for child in children
        if b"gevent" not in Path(f"/proc/{child}/cmdline").read_bytes()
    ] or [pid]
    return worker


def resident(pid):
    """Return the memory that a process has now, in KiB.

    Without what it has of files: programs and libraries, which the kernel takes away
    and reads again as it likes.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0])
