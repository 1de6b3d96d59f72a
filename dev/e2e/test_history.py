"""What happened while Odoo was away is in its log afterwards: these calls, and no more.

The table of `expected_calls` says what each call is. Events that did arrive, before or
after, change nothing about that.
"""

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor

import log
import pytest
from expected_calls import CALLS
from posting import post, session

COUNT = 100
FETCH, EVENTS = "ir_cron_fetch_history", "ir_cron_apply_events"
# What is compared, where the PBX's statistics tell it.
SHOWN = ("direction", "state", "outcome", "user", "extension", "talk")
DURATION = 34
# A call of which only ANSWER was told is a whole one for the statistics.
TABLE = {**CALLS, "answer_only": {**CALLS["answered"], "recordings": 0}}


class Outage:
    """An Odoo with a PBX of its own, and the calls that the PBX has had so far."""

    def __init__(self, odoo, pbx, provider):
        self.odoo, self.pbx, self.provider = odoo, pbx, provider
        self.calls = []
        self.dice = random.Random(7)
        self.login()
        users = self.admin.call("res.users", "search_read", [], ["login"])
        self.users = {user["id"]: user["login"] for user in users}
        # How often it may be asked is tested elsewhere, and takes minutes.
        many = {"statistics_limit": 1000, "general_limit": 10000}
        self.admin.call("pbx.provider", "write", [provider["id"]], many)

    def login(self):
        self.admin = self.odoo.login("admin")

    def happen(self, count):
        """Have the PBX play so many calls of every kind; it rings whoever is there."""
        names = list(TABLE)
        for place in range(count):
            name = names[place % len(names)]
            start = log.minutes_ago(60 + len(self.calls) * 5)
            told = {
                "scenario": name,
                "caller": f"+44161496{len(self.calls):04}",
                "call_start": log.local(start, self.provider["tz"]),
                "duration": DURATION,
            }
            if name == "withheld":
                told["caller"] = "anonymous"
            events = self.pbx.post("/control/play", told)["events"]
            refs = {event["fields"]["pbx_call_id"] for event in events}
            self.calls.append((name, refs, start, told, events))

    def begin(self):
        self.odoo.start()
        self.login()

    def settle(self):
        """Let the jobs do what they do by themselves."""
        log.run_job(self.admin, EVENTS)
        wanted = self.provider["id"]
        told = self.admin.call("pbx.provider", "action_fetch_history", [wanted])
        # What it found to be fetched has woken the other job already.
        waiting = """select 1 from pbx_recording
                      where state = 'waiting' and coalesce(attempts, 0) = 0"""
        log.until(lambda: not self.odoo.sql(waiting), 60, "recordings fetched")
        return told["params"]["message"]

    def check(self):
        """The log holds these calls, each once and right, and nothing else."""
        domain = [("provider_id", "=", self.provider["id"])]
        found = {call["ref"]: call for call in log.calls(self.admin, domain)}
        missing = [name for name, refs, *_rest in self.calls if not refs & set(found)]
        assert not missing
        assert len(found) == len(self.calls)
        for name, refs, start, *_rest in self.calls:
            [call] = [found[ref] for ref in refs if ref in found]
            expected = TABLE[name]
            spoke = expected["outcome"] == "answered"
            shown = {
                "direction": call["direction"],
                "state": call["state"],
                "outcome": call["outcome"],
                "user": call["user_id"] and self.users[call["user_id"][0]],
                "extension": call["extension_id"]
                and call["extension_id"][1].split()[0],
                "talk": call["talk_seconds"],
            }
            wanted = {
                **{key: expected[key] for key in SHOWN if key in expected},
                "talk": DURATION if spoke else 0,
            }
            assert (name, shown) == (name, wanted)
            assert (name, call["start"]) == (name, log.text(start))
            if spoke:
                assert (name, len(call["recordings"])) == (name, expected["recordings"])
        return found

    def recordings(self):
        """How many recordings there are of calls in which somebody spoke, by state."""
        return dict(
            self.odoo.sql(
                """select recording.state, count(*) from pbx_recording recording
                     join pbx_call call on call.id = recording.call_id
                    where call.outcome = 'answered' group by 1"""
            )
        )

    def everything(self):
        """All that the log holds, to see whether anything changes."""
        tables = ("pbx_call", "pbx_call_leg", "pbx_recording", "mail_message")
        return {
            table: self.odoo.sql(f"select to_jsonb(t) from {table} t order by id")
            for table in tables
        }


@pytest.fixture(scope="module")
def outage(own):
    return Outage(*own)


def test_calls_of_an_outage_are_all_there(outage):
    outage.odoo.stop()
    outage.happen(COUNT)
    statuses = {event["status"] for *_x, events in outage.calls for event in events}
    assert not statuses & {200}, "nothing reached Odoo"
    outage.begin()
    outage.settle()
    outage.check()
    assert not outage.odoo.sql("select 1 from pbx_event")
    [[counted]] = outage.odoo.sql("select count(*) from pbx_call where from_history")
    assert counted == COUNT
    recordings = outage.recordings()
    assert set(recordings) == {"stored"}
    assert recordings["stored"] > COUNT / 3


def test_again_nothing_changes(outage):
    before = outage.everything()
    assert f"0 new, 0 completed, {COUNT} unchanged" in outage.settle()
    assert outage.everything() == before


def test_half_of_the_events_arrive(outage):
    """Some before the history is read, some after it, some never."""
    outage.odoo.stop()
    outage.happen(len(TABLE) * 2)
    outage.begin()
    late = []
    with session() as client:
        for *_call, told, events in outage.calls[COUNT:]:
            ids = {"pbx_call_id": events[0]["fields"]["pbx_call_id"]}
            if told["scenario"] == "click_two_ids":
                ids = {}  # its ids cannot be told
            if not ids:
                continue
            rendered = outage.pbx.post("/control/render", {**told, **ids})["events"]
            for event in rendered:
                chance = outage.dice.random()
                if chance < 0.3:
                    url = outage.provider["webhook_url"]
                    assert post(url, event, client).status == 200
                elif chance < 0.5:
                    late.append(event)
        outage.settle()
        outage.check()
        for event in late:
            assert post(outage.provider["webhook_url"], event, client).status == 200
    outage.check()
    before = outage.everything()
    outage.settle()
    assert outage.everything() == before


def test_history_and_events_at_the_same_moment(outage):
    """Three who tell of the same calls: what they write together is right."""
    kinds = ("start", "internal", "answer", "end", "out_start", "out_end")
    switches = [f"notify_{kind}" for kind in kinds]
    before = len(outage.calls)
    for state, count in (("false", len(TABLE) * 3), ("true", 0)):
        flags = {"notifications": dict.fromkeys(switches, state)}
        outage.pbx.post("/control/settings", flags)
        outage.happen(count)
    stories = []
    for *_call, told, events in outage.calls[before:]:
        if told["scenario"] == "click_two_ids":
            continue  # its ids cannot be told
        ids = {"pbx_call_id": events[0]["fields"]["pbx_call_id"]}
        stories.append(outage.pbx.post("/control/render", {**told, **ids})["events"])

    def tell(stories):
        with session() as client:
            return [
                post(outage.provider["webhook_url"], event, client).status
                for events in stories
                for event in events
            ]

    with ThreadPoolExecutor(3) as pool:
        tellers = [pool.submit(tell, stories[place::2]) for place in (0, 1)]
        told = outage.settle()
        assert {status for one in tellers for status in one.result()} == {200}
    assert "could not be written" not in told
    outage.settle()
    outage.check()
    assert not log.waiting(outage.odoo)


def test_a_killed_import_goes_on(outage):
    """It is killed between two parts of a page: nothing is lost, doubled, or counted
    twice.
    """
    outage.odoo.sql("delete from pbx_call")
    admin, provider = outage.admin, outage.provider["id"]
    period = {
        "provider_id": provider,
        "start": log.text(log.minutes_ago(60 * 24 * 20)),
        "stop": log.text(log.minutes_ago(0)),
    }
    with log.cron_off(outage.odoo, FETCH):
        history = admin.call("pbx.history", "create", period)
        admin.call("pbx.history", "action_start", [history])
    outage.odoo.sql(
        "update pbx_history set next_attempt_at = now() + '1 hour'"
        " where kind = 'catch_up'"
    )
    slow = """create function slow() returns trigger language plpgsql as
              $$ begin perform pg_sleep(0.02); return new; end $$;
              create trigger slow before insert on pbx_call
              for each row execute function slow()"""
    outage.odoo.sql(slow)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(log.run_job, admin, FETCH)
        some = "select 1 from pbx_call limit 1"
        log.until(lambda: outage.odoo.sql(some), 60, "a part of the page")
        os.killpg(outage.odoo.process.pid, signal.SIGKILL)
        outage.odoo.process.wait()
        assert job.exception(), "it was still at it"
    outage.odoo.sql("drop trigger slow on pbx_call; drop function slow()")
    [[written]] = outage.odoo.sql("select count(*) from pbx_call")
    assert 0 < written < len(outage.calls)
    outage.begin()
    log.run_job(outage.admin, FETCH)
    outage.check()
    names = ["state", "new_count", "completed_count", "unchanged_count", "progress"]
    [told] = outage.admin.call("pbx.history", "read", history, names)
    assert (told["state"], told["progress"]) == ("done", 100)
    assert told["new_count"] + told["completed_count"] == len(outage.calls)
    assert told["unchanged_count"] == 0
