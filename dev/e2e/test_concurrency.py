"""Events of one call at the same moment: nothing lost, nothing doubled, no waiting."""

import json
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import log
import pytest
from posting import post, session, storm

THREADS = 8
# Calls in the storm, by the server's workers.
CALLS = {0: 200, 2: 80}
PICKS = CLICKS = 12
# How long after the last answer nothing waits any more.
SETTLED_SECONDS = 2


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
    caller = "+441614968000"
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
    for sent, received in zip(batches, answers, strict=True):
        for event, answer in zip(sent, received, strict=True):
            known = event["event"] == "NOTIFY_START"
            told = {"caller_name": "Everybody"} if known else {}
            assert json.loads(answer.body) == told
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
