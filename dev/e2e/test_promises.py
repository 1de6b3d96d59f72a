"""Call-backs under what happens at the same moment: one of a number, none forgotten."""

import threading
from concurrent.futures import ThreadPoolExecutor

import log
import pytest
from posting import post, storm

THREADS, LOST, NUMBERS, WAITING = 12, 24, 12, 10
PHONES, TURNS = ["100", "101"], 4
# How long after the last answer nothing waits any more, on a busy machine.
SETTLED_SECONDS = 10


@pytest.fixture(scope="module", params=["threaded", "prefork"])
def system(request):
    if request.param == "prefork":
        return request.getfixturevalue("prefork")
    return tuple(map(request.getfixturevalue, ("odoo", "pbx", "provider")))


def rendered(pbx, scenario, caller, **more):
    told = {"scenario": scenario, "caller": caller, **more}
    return pbx.post("/control/render", told)


def promises(odoo, pattern):
    return odoo.sql(
        "select state, attempts from pbx_promise where number like %s order by number",
        [pattern],
    )


def settled(odoo, refs):
    log.until(lambda: not log.waiting(odoo), SETTLED_SECONDS, "all events applied")
    assert not odoo.sql(
        "select ref, error from pbx_event where attempts != 1 and ref = any(%s)",
        [refs],
    )


def test_many_lost_calls_of_one_number_at_once(system):
    odoo, pbx, provider = system
    number = "+441614961000"
    calls = [
        rendered(pbx, "missed", number, call_start=f"2026-03-05 12:00:{second:02}")
        for second in range(LOST)
    ]
    url = provider["webhook_url"]
    for call in calls:
        for event in call["events"][:-1]:
            assert post(url, event).status == 200
    ends = [call["events"][-1] for call in calls]
    batches = [ends[begin : begin + THREADS] for begin in range(0, LOST, THREADS)]
    answers = storm(url, batches, THREADS)
    assert {answer.status for batch in answers for answer in batch} == {200}
    settled(odoo, [call["pbx_call_id"] for call in calls])
    assert promises(odoo, number) == [("open", LOST)]
    assert odoo.sql(
        "select count(*), count(distinct promise_id) from pbx_call where number = %s",
        [number],
    ) == [(LOST, 1)]


def test_lost_and_spoken_with_at_the_same_moment(system):
    """Neither transaction sees the other call: still nobody waits."""
    odoo, pbx, provider = system
    url, batches, refs = provider["webhook_url"], [], []
    for index in range(NUMBERS):
        number = f"+4416149620{index:02}"
        began, again = (
            log.local(log.minutes_ago(minutes + index / 60), provider["tz"])
            for minutes in (30, 20)
        )
        lost = rendered(pbx, "missed", number, call_start=began)
        talk = rendered(pbx, "answered", number, call_start=again)
        *before, lost_end = lost["events"]
        # The last two tell of the end and of the recording.
        place = [one["event"] for one in talk["events"]].index("NOTIFY_END")
        before += talk["events"][:place]
        for event in before:
            assert post(url, event).status == 200
        batches.append([lost_end, talk["events"][place]])
        refs += [lost["pbx_call_id"], talk["pbx_call_id"]]
    answers = storm(url, batches, 2)
    assert {answer.status for batch in answers for answer in batch} == {200}
    settled(odoo, refs)
    assert promises(odoo, "+4416149620%") == [("kept", 1)] * NUMBERS


@pytest.fixture
def agents(system):
    """Logins of supervisors, each with one of the PBX's phones."""
    odoo, pbx, provider = system
    log.connect_phones(odoo, pbx, PHONES)
    admin, made = odoo.login("admin"), {}
    group = admin.call(
        "ir.model.data", "check_object_reference", "cloud_pbx", "group_pbx_manager"
    )[1]
    phones = admin.call(
        "pbx.extension",
        "search_read",
        [("provider_id", "=", provider["id"]), ("number", "in", PHONES)],
        ["id"],
    )
    for index, phone in enumerate(phones):
        login = f"next{index}"
        user = {"name": login, "login": login, "password": login}
        user["group_ids"] = [(4, group)]
        made[login] = admin.call("res.users", "create", [user])[0]
        values = {"user_ids": [(4, made[login])]}
        admin.call("pbx.extension", "write", [phone["id"]], values)
    yield list(made)
    users = list(made.values())
    admin.call("res.users", "write", users, {"pbx_extension_ids": [(5,)]})
    admin.call("res.users", "write", users, {"active": False})


def test_next_gives_no_two_agents_the_same(system, agents):
    odoo, pbx, provider = system
    for index in range(WAITING):
        call = rendered(
            pbx,
            "missed",
            f"+4416149630{index:02}",
            call_start=f"2026-03-05 15:00:{index:02}",
            extensions=["799"],
            extension="799",
        )
        for event in call["events"]:
            assert post(provider["webhook_url"], event).status == 200
    barrier = threading.Barrier(len(agents))

    def work(login):
        agent, taken = odoo.login(login), []
        barrier.wait(30)
        for _turn in range(TURNS):
            taken.append(agent.call("pbx.promise", "take_next")["promise_id"])
        return taken

    with ThreadPoolExecutor(len(agents)) as pool:
        taken = [one for some in pool.map(work, agents) for one in some]
    assert len(set(taken)) == len(agents) * TURNS
    rows = odoo.sql(
        "select user_id, count(*) from pbx_promise where id = any(%s) group by user_id",
        [taken],
    )
    assert [count for _user, count in rows] == [TURNS] * len(agents)
