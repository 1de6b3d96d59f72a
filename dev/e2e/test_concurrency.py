"""Events of one call at the same moment: nothing lost, nothing doubled, no waiting."""

import itertools
import json
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import log
import psycopg2
import pytest
from posting import post, session, storm

from lib import postgres

THREADS = 8
# Calls in the storm, by the server's workers.
CALLS = {0: 200, 2: 80}
PICKS = CLICKS = 12
# How long after the last answer nothing waits any more, on a busy machine.
SETTLED_SECONDS = 10
# Calls whose events come at the same instant, and calls that somebody else locks.
TIMES, LOCKED = 8, 40
# Two workers of Odoo have 16 places for those who wait; others are turned away.
AT_A_TIME = 14
# Until a new call and the login are answered meanwhile, and until the job is through.
PATIENCE_SECONDS, JOB_SECONDS = 30, 30
# The end of each storm's caller: one that is tried once more is another person's.
STORMS = itertools.count(8000)


class Kind(NamedTuple):
    """A scenario in the storm, and what its calls must be."""

    scenario: str
    outcome: str
    talk: int
    legs: list
    user: str
    recordings: int
    options: dict


KINDS = (
    Kind(
        *("ring_group", "answered", 34, ["100", "101", "102"], "admin", 1),
        {"extensions": ["100", "101", "102"]},
    ),
    Kind("transfer", "answered", 40, ["100", "101"], "demo", 2, {"duration": 40}),
    Kind("outbound", "answered", 12, ["101"], "demo", 1, {"extension": "101"}
         | {"duration": 12}),
    Kind("missed", "missed", 0, ["100"], "", 0, {}),
    Kind("click_calltype", "busy", 0, ["100"], "admin", 0, {"outcome": "busy"}),
)  # fmt: skip


class System(NamedTuple):
    """A started Odoo, a fake PBX that knows its keys, and the provider."""

    odoo: object
    pbx: object
    provider: dict


@pytest.fixture(scope="module")
def threaded(odoo, pbx, provider):
    return System(odoo, pbx, provider)


@pytest.fixture(scope="module")
def prefork(prefork):
    return System(*prefork)


@pytest.fixture(scope="module", params=["threaded", "prefork"])
def system(request):
    return request.getfixturevalue(request.param)


def rendered(system, kind, **options):
    told = {"scenario": kind.scenario, **kind.options, **options}
    return system.pbx.post("/control/render", told)


def settled(odoo):
    """Nothing waits, nothing failed, and nothing needed a second attempt."""
    log.until(lambda: not log.waiting(odoo), SETTLED_SECONDS, "all events applied")
    assert not odoo.sql("select state from pbx_event where attempts != 1")


def facts(odoo, provider, refs):
    """{call id of the PBX: (outcome, talk, legs, user, recordings)} of some calls."""
    rows = odoo.sql(
        """select call.ref, outcome, talk_seconds,
                  array(select number::text from pbx_call_leg
                         where call_id = call.id order by number),
                  coalesce(users.login, ''),
                  (select count(*) from pbx_recording where call_id = call.id),
                  call.state
             from pbx_call call left join res_users users on users.id = user_id
            where provider_id = %s and ref = any(%s)""",
        [provider["id"], refs],
    )
    assert len({row[0] for row in rows}) == len(rows), "a call is there twice"
    return {ref: tuple(rest) for ref, *rest in rows}


def expected(kind):
    return (*kind[1:6], "done")


def statuses(answers):
    return {answer.status for call in answers for answer in call}


def test_a_storm_on_each_call(system):
    dice = random.Random(system.odoo.workers)
    caller = f"+44161496{next(STORMS)}"
    contact = {"name": "Everybody", "phone": caller}
    system.odoo.login("admin").call("res.partner", "create", [contact])
    plays = []
    for number in range(CALLS[system.odoo.workers]):
        kind = KINDS[number % len(KINDS)]
        told = rendered(system, kind, caller=caller)
        plays.append((kind, told["pbx_call_id"], told["events"]))
    batches = []
    for _kind, _ref, events in plays:
        # As many as there are threads: some come twice.
        again = dice.choices(events, k=THREADS - len(events))
        batches.append(dice.sample([*events, *again], THREADS))
    said_before = len(system.odoo.log_text())
    [[before]] = system.odoo.sql("select count(*) from pbx_call")
    answers = storm(system.provider["webhook_url"], batches, THREADS)
    settled(system.odoo)
    assert statuses(answers) == {200}
    named = []
    for sent, received in zip(batches, answers, strict=True):
        for event, answer in zip(sent, received, strict=True):
            body = json.loads(answer.body)
            if event["event"] == "NOTIFY_START":
                # What is not decided in time, on a busy machine, stays the PBX's.
                named.append(bool(body))
            assert body == ({"caller_name": "Everybody"} if body else {})
            assert event["event"] == "NOTIFY_START" or not body
    assert sum(named) > len(named) / 2
    made = facts(system.odoo, system.provider, [ref for _kind, ref, _events in plays])
    assert made == {ref: expected(kind) for kind, ref, _events in plays}
    assert system.odoo.sql("select count(*) from pbx_call") == [(before + len(plays),)]
    # Odoo waits a random while before it repeats a request that met another.
    said = system.odoo.log_text()[said_before:]
    assert "try again in" not in said
    assert not re.search(r"bad query: .*pbx_", said)


def test_both_legs_of_a_click_at_the_same_moment(system):
    """Two ids, so two locks: still one call."""
    batches = []
    for number in range(CLICKS):
        told = {"scenario": "click_two_ids", "caller": f"+441614967{number:03}"}
        batches.append(system.pbx.post("/control/render", told)["events"])
    answers = storm(system.provider["webhook_url"], batches, len(batches[0]))
    settled(system.odoo)
    assert statuses(answers) == {200}
    admin = system.odoo.login("admin")
    found = log.calls(admin, [("number", "=like", "+441614967%")])
    assert len(found) == CLICKS
    assert {(call["outcome"], call["talk_seconds"]) for call in found} == {
        ("answered", 34)
    }
    assert {(*call["legs"], len(call["recordings"])) for call in found} == {("100", 1)}


def test_first_calls_to_a_line_at_the_same_moment(system):
    """They make one line, which all of them have; the PBX does not list it."""
    lines = [f"+442079461{number:03}" for number in range(TIMES)]
    batches = [
        [
            rendered(
                system,
                KINDS[3],
                caller=f"+441614959{place}{number:02}",
                line=line,
            )["events"][0]
            for place in range(THREADS)
        ]
        for number, line in enumerate(lines)
    ]
    said_before = len(system.odoo.log_text())
    assert statuses(storm(system.provider["webhook_url"], batches, THREADS)) == {200}
    settled(system.odoo)
    found = system.odoo.sql(
        """select line.number, count(*), count(distinct line.id),
                  bool_or(line.from_pbx is true)
             from pbx_call call left join pbx_line line on line.id = call.line_id
            where call.line = any(%s) group by line.number order by line.number""",
        [lines],
    )
    assert found == [(line, THREADS, 1, False) for line in lines]
    said = system.odoo.log_text()[said_before:]
    assert not re.search(r"bad query: .*pbx_", said)


def test_what_a_person_picks_meanwhile_is_kept(system):
    """A person picks the contact while the rest of the call's events come in."""
    admin, agent = system.odoo.login("admin"), system.odoo.login("demo")
    [picked] = admin.call("res.partner", "create", [{"name": "Picked by a person"}])
    url = system.provider["webhook_url"]
    ways = (pick_in_the_form, pick_among_several) * (PICKS // 2)
    for count, way in enumerate(ways):
        number = f"+441614966{count:03}"
        known = {"name": "Known by the number", "phone": number}
        admin.call("res.partner", "create", [known])
        told = {"scenario": "transfer", "caller": number, "extension": "101"}
        told["to_extension"] = "102"
        events = system.pbx.post("/control/render", told)
        start, internal, *rest = events["events"]
        assert {post(url, event).status for event in (start, internal)} == {200}
        [call] = agent.call("pbx.call", "search", [("ref", "=", events["pbx_call_id"])])
        barrier = threading.Barrier(len(rest) + 1)

        def send(event, barrier=barrier):
            with session() as client:
                barrier.wait()
                return post(url, event, client).status

        with ThreadPoolExecutor(len(rest)) as pool:
            sent = [pool.submit(send, event) for event in rest]
            barrier.wait()
            way(agent, call, picked)
            assert {one.result() for one in sent} == {200}
        [now] = log.calls(admin, [("id", "=", call)])
        assert (now["partner_id"][0], now["partner_source"]) == (picked, "picked")
        assert (now["outcome"], now["talk_seconds"]) == ("answered", 34)
        assert sorted(now["legs"]) == ["101", "102"]
        assert len(now["recordings"]) == 2
    settled(system.odoo)


def pick_in_the_form(agent, call, partner):
    agent.call("pbx.call", "write", [call], {"partner_id": partner, "note": "Called"})


def pick_among_several(agent, call, partner):
    context = {"pbx_call_id": call}
    agent.call("res.partner", "action_pbx_pick", [partner], context=context)


# ------------------------------------------------------------------ the same instant


def test_one_delivery_many_times_at_once_is_one_row(system):
    """And one signed text under many ids at once is one call, whoever comes first."""
    told = [
        rendered(system, KINDS[3], caller=f"+441614965{number:03}")
        for number in range(TIMES)
    ]
    repeats = [[one["events"][0]] * THREADS for one in told]
    url = system.provider["webhook_url"]
    assert statuses(storm(url, repeats, THREADS)) == {200}
    refs = [one["pbx_call_id"] for one in told]
    rows = "select ref, count(*) from pbx_event where ref = any(%s) group by ref"
    assert set(system.odoo.sql(rows, [refs])) == {(ref, 1) for ref in refs}
    forged = []
    for number in range(TIMES):
        start = f"2026-03-05 12:00:{number:02}"
        options = {"caller": f"+441614964{number:03}", "call_start": start}
        forged.append(
            [
                rendered(system, KINDS[3], **options)["events"][-1]
                for _thread in range(THREADS)
            ]
        )
    assert statuses(storm(url, forged, THREADS)) == {200}
    settled_but_held(system.odoo)
    found = system.odoo.sql(
        "select number, count(*) from pbx_call where number like '+441614964%%'"
        " group by number"
    )
    assert sorted(found) == [(f"+441614964{number:03}", 1) for number in range(TIMES)]
    [[held]] = system.odoo.sql("select count(*) from pbx_event where awaits_history")
    assert held == TIMES * (THREADS - 1)


def settled_but_held(odoo):
    log.until(lambda: not log.waiting(odoo), SETTLED_SECONDS, "all events applied")


# --------------------------------------------------------------------- a locked row


class Locked:
    """Rows that a session of PostgreSQL's own client holds."""

    def __init__(self, odoo, query, params):
        where = {"host": str(odoo.instance.cluster.socket), "port": postgres.PORT}
        self.connection = psycopg2.connect(
            dbname=odoo.database, user=postgres.USER, **where
        )
        self.query, self.params = query, params

    def __enter__(self):
        with self.connection.cursor() as cursor:
            cursor.execute(self.query, self.params)

    def __exit__(self, *error):
        self.connection.close()


def test_locked_calls_stop_nobody(prefork):
    """Two workers, forty ENDs of calls that somebody else holds."""
    odoo, url = prefork.odoo, prefork.provider["webhook_url"]
    told = [
        rendered(prefork, KINDS[3], caller=f"+441614963{number:03}")
        for number in range(LOCKED)
    ]
    refs = [one["pbx_call_id"] for one in told]
    assert {post(url, one["events"][0]).status for one in told} == {200}
    fresh = rendered(prefork, KINDS[3], caller="+441614962001")
    query = "select 1 from pbx_call where ref = any(%s) for update"
    with log.cron_off(odoo, "ir_cron_apply_events"):
        with Locked(odoo, query, [refs]), ThreadPoolExecutor(AT_A_TIME) as pool:
            ends = [pool.submit(post, url, one["events"][-1]) for one in told]
            time.sleep(0.5)  # they are at the door
            began = time.monotonic()
            assert post(url, fresh["events"][0]).status == 200
            with session() as client:
                assert (
                    client.get(f"{odoo.url}/web/login", timeout=60).status_code == 200
                )
            took = time.monotonic() - began
            assert {one.result().status for one in ends} == {200}
            assert took < PATIENCE_SECONDS
            [[state]] = odoo.sql(
                "select state from pbx_call where ref = %s", [fresh["pbx_call_id"]]
            )
            assert state == "ringing"
            count = "select count(*) from pbx_event where ref = any(%s) and state = %s"
            assert odoo.sql(count, [refs, "pending"]) == [(LOCKED,)]
            # The job goes past them, too: what came last is applied.
            waits = rendered(prefork, KINDS[3], caller="+441614962002")
            odoo.sql(
                """insert into pbx_event (provider_id, event_type, ref, payload,
                                          received_at, state)
                   values (%s, %s, %s, %s, now() at time zone 'utc', 'pending')""",
                [
                    prefork.provider["id"],
                    waits["events"][0]["event"],
                    waits["pbx_call_id"],
                    json.dumps(waits["events"][0]["fields"]),
                ],
            )
            began = time.monotonic()
            log.run_job(odoo.login("admin"), "ir_cron_apply_events")
            assert time.monotonic() - began < JOB_SECONDS
            mine = "select state from pbx_event where ref = %s"
            assert odoo.sql(mine, [waits["pbx_call_id"]]) == [("done",)]
            log.run_job(odoo.login("admin"), "ir_cron_close_calls")
        log.run_job(odoo.login("admin"), "ir_cron_apply_events")
    states = "select distinct state from pbx_call where ref = any(%s)"
    assert odoo.sql(states, [refs]) == [("done",)]
    # None was tried so often, or for so long, that it failed.
    assert not odoo.sql("select 1 from pbx_event where state = 'failed'")
