"""Webhooks of many calls at once: 1, 2 and 4 workers of Odoo, and two servers behind
nginx on one database. How many a second, and what gives; nothing lost, nothing doubled.

PostgreSQL waits for the disk here, as in production.
"""

import contextlib
import json
import os
import statistics
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import psutil

from lib import pbx, setup
from lib.servers import NginxServer
from lib.terminal import Stop, say, step
from telephony.zadarma.signature import sign_event

LOAD = Path(__file__).with_name("load.py")
SENDERS = 8
# So many calls begin between two events of one call: they go on at the same time.
OVERLAP = 40
WARM_UP = 20
APPLIED_SECONDS = 120
TALK_SECONDS = 20
# Whose processor time is told.
PARTS = ("Odoo", "PostgreSQL", "nginx", "the senders")
DISK = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class Setup(NamedTuple):
    title: str
    workers: tuple
    has_proxy: bool = False


SETUPS = (
    Setup("1 worker", (1,)),
    Setup("2 workers", (2,)),
    Setup("4 workers", (4,)),
    Setup("nginx, 1 server, 4 workers", (4,), has_proxy=True),
    Setup("nginx, 2 servers, 2 workers each", (2, 2), has_proxy=True),
)


class Calls:
    """Answered calls, each with its own caller, and their signed events."""

    def __init__(self, provider, count, first):
        self.refs, by_call = [], []
        zone = ZoneInfo(provider["tz"])
        now = datetime.now(zone)
        for number in range(first, first + count):
            ref = f"in_{os.urandom(20).hex()}"
            self.refs.append(ref)
            # Contacts of these numbers are there (see partners.py), but for each third.
            caller = f"+44161{number:07}" if number % 3 else f"+447{number:09}"
            start = now - timedelta(seconds=number % 60)
            by_call.append(list(_events(provider, ref, caller, start)))
        # As they come in time: an event of a call, and meanwhile of others.
        self.events = [
            event
            for _moment, event in sorted(
                ((place + index * OVERLAP, index), event)
                for place, events in enumerate(by_call)
                for index, event in enumerate(events)
            )
        ]


def _events(provider, ref, caller, start):
    common = {
        "call_start": start.strftime("%Y-%m-%d %H:%M:%S"),
        "pbx_call_id": ref,
        "caller_id": caller,
    }
    inbound = {**common, "called_did": "442079460900"}
    end = {"internal": "100", "duration": TALK_SECONDS, "disposition": "answered"}
    for event, fields in (
        ("NOTIFY_START", inbound),
        ("NOTIFY_INTERNAL", {**inbound, "internal": "100"}),
        ("NOTIFY_ANSWER", {**common, "internal": "100", "destination": "100"}),
        ("NOTIFY_END", {**inbound, **end}),
    ):
        fields = {"event": event, **{name: str(it) for name, it in fields.items()}}
        headers = {
            "Signature": sign_event(event, fields, provider["api_secret"]),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        yield urlencode(fields), headers


def measure(instance, sql_of, make_server, database, rounds):
    """Say what each setup does; raises Stop where an event is lost or doubled."""
    with on_disk(instance.cluster):
        numbers, results = 1, {}
        for one in SETUPS:
            with running(instance, make_server, one) as (servers, proxy):
                provider = introduce(servers[0], proxy)
                sql = sql_of(instance, database)
                # Each worker has its caches.
                for count, is_counted in ((WARM_UP, False), (rounds, True)):
                    calls = Calls(provider, count, numbers)
                    numbers += count
                    result = Run(instance, servers, proxy, provider).of(calls)
                    check(sql, calls, result)
                    if is_counted:
                        results[one.title] = result
                        say(f"{one.title:<34} {result.sentence()}")
    return results


@contextlib.contextmanager
def on_disk(cluster):
    """A cluster that can be made again does not wait for its disk; now it does."""
    before = cluster.settings
    cluster.stop()
    cluster.settings = {**before, **DISK}
    cluster.start()
    try:
        yield
    finally:
        cluster.stop()
        cluster.settings = before
        cluster.start()


@contextlib.contextmanager
def running(instance, make_server, one):
    """The servers of a setup, and nginx or None."""
    servers, proxy = [make_server(workers) for workers in one.workers], None
    try:
        with step(f"starting: {one.title}"):
            for server in servers:
                server.start()
            if one.has_proxy:
                folder = instance.folder / f"nginx-{len(servers)}"
                proxy = NginxServer(setup.proxy(), folder, servers).start()
        yield servers, proxy
    finally:
        for server in (*servers, *filter(None, [proxy])):
            server.stop()


def introduce(server, proxy):
    admin = server.login("admin")
    provider = pbx.find_provider(admin)
    address = proxy.https_url if proxy else server.url
    admin.call("pbx.provider", "write", [provider], {"external_url": address})
    [values] = admin.call("pbx.provider", "read", [provider], pbx.FIELDS)
    return values


class Run:
    """One load, and the processor time that everybody spent meanwhile."""

    def __init__(self, instance, servers, proxy, provider):
        self.provider, self.proxy = provider, proxy
        self.parts = {
            "Odoo": [server.process.pid for server in servers],
            "PostgreSQL": [instance.cluster.pid()],
            "nginx": [proxy.process.pid] if proxy else [],
        }

    def of(self, calls):
        task = {
            "url": self.provider["webhook_url"],
            "certificate": str(self.proxy.certificate) if self.proxy else "",
            "senders": SENDERS,
            "events": calls.events,
        }
        before, machine = self._spent(), psutil.cpu_times()
        done = subprocess.run(
            [psutil.Process().exe(), LOAD],
            input=json.dumps(task),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        answer = json.loads(done.stdout)
        after, idle = self._spent(), psutil.cpu_times().idle - machine.idle
        spent = {name: after[name] - before[name] for name in before}
        return Result(
            answer["statuses"],
            answer["seconds"],
            answer["took"],
            {**spent, "the senders": answer["processor"]},
            idle,
        )

    def _spent(self):
        return {name: sum(map(processor, pids)) for name, pids in self.parts.items()}


def processor(pid):
    """Seconds of processor time of a process, and of all that it has started."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    spent = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            spent += times.user + times.system
    return spent


class Result(NamedTuple):
    statuses: list
    seconds: list
    took: float
    spent: dict
    idle: float

    def sentence(self):
        count, cores = len(self.statuses), psutil.cpu_count()
        steps = statistics.quantiles(self.seconds, n=20)
        each = ", ".join(
            f"{name} {1000 * self.spent[name] / count:.1f}"
            for name in PARTS
            if self.spent[name] > 0.01
        )
        ours, all_of_it = sum(self.spent.values()), self.took * cores
        others = max(all_of_it - self.idle - ours, 0)
        return (
            f"{count / self.took:4.0f} events a second, p50 {1000 * steps[9]:.0f} and "
            f"p95 {1000 * steps[18]:.0f} ms; ms of a core for each event: {each}; "
            f"of {cores} cores {100 * ours / all_of_it:.0f} % busy with it, "
            f"{100 * others / all_of_it:.0f} % with other things"
        )


def check(sql, calls, result):
    """Nothing lost, nothing doubled, nothing failed."""
    if set(result.statuses) != {200}:
        refused = {one: result.statuses.count(one) for one in set(result.statuses)}
        raise Stop(f"Not every event was taken: {refused}.")
    waiting = "select count(*) from pbx_event where ref = any(%s) and state <> 'done'"
    deadline = time.monotonic() + APPLIED_SECONDS
    while (left := sql(waiting, [calls.refs])[0][0]) and time.monotonic() < deadline:
        time.sleep(0.1)
    [[events, distinct]] = sql(
        "select count(*), count(distinct digest) from pbx_event where ref = any(%s)",
        [calls.refs],
    )
    [[made, right]] = sql(
        "select count(*), count(*) filter (where state = 'done' and outcome ="
        " 'answered' and talk_seconds = %s) from pbx_call where ref = any(%s)",
        [TALK_SECONDS, calls.refs],
    )
    sent, expected = len(calls.events), len(calls.refs)
    found = (left, events, distinct, made, right)
    if found != (0, sent, sent, expected, expected):
        raise Stop(
            f"Of {sent} events of {expected} calls {events} are kept ({distinct} "
            f"different), {left} are not applied; {made} calls, {right} of them right."
        )
