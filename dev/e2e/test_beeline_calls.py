"""Every story of Beeline's calls is one call in the log, right to the second.

What is expected stands beside each scenario of the look-alike, from what a call means.
"""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import log
import pytest
from posting import session

from fake_beeline.scenarios import SCENARIOS, plan
from lib.rpc import OdooError

KINDS = {name: plan(name).truth for name in SCENARIOS}
CALLS = [name for name, truth in KINDS.items() if truth.is_call]
IGNORED = [
    name
    for name, truth in KINDS.items()
    if not truth.is_call and truth.status == 200 and "terminated" not in name
]
REFUSED = [name for name, truth in KINDS.items() if truth.status != 200]
REPEATED = [name for name in CALLS if name != "two_calls"]
NUMBERS = itertools.count(79000001000)
CALLER = "+79000000205"


def caller():
    """A number that nobody has called from yet."""
    return f"+{next(NUMBERS)}"


def options(scenario):
    """A caller of its own, for what is not to be withheld."""
    return {} if scenario == "withheld" else {"caller": caller()}


def play(beeline, scenario, **more):
    played = beeline.pbx.play(scenario, **{**options(scenario), **more})
    assert {one["status"] for one in played["events"]} == {played["truth"]["status"]}
    return played


def at_once(work, things):
    """What `work(thing)` gives for each, several at the same time; {thing: result}."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(things, pool.map(work, things), strict=True))


@pytest.fixture(scope="module")
def stories(started_beeline):
    """({scenario: what was played}, {ref: call}, the calls that are new)."""
    beeline = started_beeline
    beeline.make_quiet()
    last, last_event = beeline.last_call(), beeline.last_event()
    played = at_once(lambda scenario: play(beeline, scenario), CALLS)
    calls = beeline.calls_of([one["ref"] for one in played.values()])
    # Nothing needed a second attempt, and nothing was left over.
    assert {event[1:] for event in beeline.events_since(last_event)} == {("done", 1)}
    return played, calls, beeline.calls(("id", ">", last))


@pytest.mark.parametrize("scenario", CALLS)
def test_a_story_is_one_call(started_beeline, stories, scenario):
    played, calls, _new = stories
    truth = played[scenario]["truth"]
    call = calls[truth["ref"]]
    started_beeline.assert_is(call, truth)
    if truth["direction"] == "internal":
        assert not (call["partner_id"] or call["lead_id"])


def test_no_story_is_more_than_one_call(stories):
    played, _calls, new = stories
    refs = {one["ref"] for one in played.values()}
    # But one, in which a second call comes.
    refs.add(f"{played['two_calls']['ref']}-second")
    assert sorted(call["ref"] for call in new) == sorted(refs)


def test_two_calls_in_one_event_are_two(stories):
    played, _calls, new = stories
    ref = f"{played['two_calls']['ref']}-second"
    [second] = [call for call in new if call["ref"] == ref]
    assert (second["direction"], second["outcome"]) == ("inbound", "missed")
    assert second["number"] == "+79000000299"
    assert (second["wait_seconds"], second["talk_seconds"]) == (8, 0)


@pytest.fixture(scope="module")
def shuffled(started_beeline):
    """{scenario: (truth, call)}: told in any order, and twice: each event once more as
    the former subscription tells it, under an id of its own."""
    beeline = started_beeline
    beeline.make_quiet()
    [former] = beeline.known()
    beeline.connect()
    assert former not in beeline.known()
    last, last_event = beeline.last_call(), beeline.last_event()

    def post(scenario):
        truth, bodies = beeline.render(scenario, **options(scenario))
        twice = bodies + [beeline.told_again(body, former) for body in bodies]
        random.Random(scenario).shuffle(twice)
        with session() as client:
            assert {beeline.post(body, client) for body in twice} == {200}
        return truth

    truths = at_once(post, REPEATED)
    calls = beeline.calls_of([truth["ref"] for truth in truths.values()])
    assert {event[1:] for event in beeline.events_since(last_event)} == {("done", 1)}
    assert len(beeline.calls(("id", ">", last))) == len(REPEATED)
    return {one: (truth, calls[truth["ref"]]) for one, truth in truths.items()}


@pytest.mark.parametrize("scenario", REPEATED)
def test_any_order_and_any_repeat_is_the_same_call(started_beeline, shuffled, scenario):
    truth, call = shuffled[scenario]
    started_beeline.assert_is(call, truth)


def test_a_call_is_opened_again_by_a_later_leg(beeline):
    truth, bodies = beeline.render("queue", caller=caller())
    rings, released, *rest = bodies
    assert [beeline.post(body) for body in (rings, released)] == [200, 200]
    between = beeline.call_of(truth["ref"])
    assert (between["outcome"], between["user_id"]) == ("missed", False)
    # Nobody is told of it yet.
    activities = [("res_model", "=", "pbx.call"), ("res_id", "=", between["id"])]
    assert not beeline.admin.call("mail.activity", "search_count", activities)
    assert {beeline.post(body) for body in rest} == {200}
    beeline.assert_is(beeline.call_of(truth["ref"], outcome="answered"), truth)
    assert not beeline.admin.call("mail.activity", "search_count", activities)


@pytest.mark.parametrize("scenario", IGNORED)
def test_what_is_no_call_is_kept_and_makes_none(beeline, scenario):
    last, last_event = beeline.last_call(), beeline.last_event()
    play(beeline, scenario)
    assert not beeline.calls(("id", ">", last))
    [kept] = beeline.events_since(last_event)
    assert kept[1:] == ("ignored", 1)


@pytest.mark.parametrize("scenario", REFUSED)
def test_what_is_not_proven_or_not_xml_is_refused(beeline, scenario):
    last, last_event = beeline.last_call(), beeline.last_event()
    before = len(beeline.odoo.log_text())
    play(beeline, scenario)
    assert not beeline.calls(("id", ">", last))
    assert not beeline.events_since(last_event)
    said = beeline.odoo.log_text()[before:]
    assert "Traceback" not in said and " ERROR " not in said


def test_the_address_alone_is_no_way_in(beeline):
    _truth, [body, *_rest] = beeline.render("answered", caller=caller())
    url = beeline.provider["webhook_url"]
    with session() as client:
        assert client.get(url, timeout=10).status_code == 404
        headers = {"Content-Type": "application/xml"}
        other = f"{url.rpartition('/')[0]}/00000000000000000000000000000000"
        for address in (other, url.replace("/beeline/", "/zadarma/")):
            answer = client.post(address, body.encode(), headers=headers, timeout=10)
            assert answer.status_code == 404
        answer = client.post(url, body.encode(), headers=headers, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")


def test_neither_token_nor_address_is_kept_with_an_event(beeline):
    last = beeline.last_event()
    beeline.write(keep_log=True)
    try:
        play(beeline, "answered")
        rows = beeline.odoo.sql(
            "select row_to_json(e)::text from pbx_event e where id > %s", [last]
        )
    finally:
        beeline.write(keep_log=False)
    assert len(rows) == 3
    token = beeline.provider["webhook_url"].rpartition("/")[2]
    for [row] in rows:
        assert "extTrackingId" in row and "httpContact" in row, row
        assert token not in row and beeline.provider["webhook_url"] not in row
    for text in (beeline.odoo.log_text(), beeline.pbx.log_text()):
        assert token not in text


# -- people ----------------------------------------------------------------------------


def test_the_caller_is_the_contact_however_the_number_was_typed(beeline):
    typed = {"name": "Кофейня «Утро»", "phone": "8 (900) 000-02-05"}
    partner = beeline.admin.call("res.partner", "create", typed)
    [russia] = beeline.admin.call("res.country", "search", [("code", "=", "RU")])
    beeline.admin.call("res.partner", "write", [partner], {"country_id": russia})
    for scenario in ("answered", "outbound", "call_centre"):
        call = beeline.call_of(play(beeline, scenario, caller=CALLER)["ref"])
        assert call["number"] == CALLER
        assert call["partner_id"][0] == partner


# -- clicks ----------------------------------------------------------------------------


def click(beeline, number, **settings):
    """Dial as the user of 101; the id of the call."""
    beeline.pbx.set(**settings)
    agent = beeline.odoo.login("abonent101")
    return agent.call("pbx.call", "dial", number)


def settled(beeline, call_id):
    """The call, once it is over."""

    def find():
        [call] = beeline.calls(("id", "=", call_id))
        return call if call["state"] == "done" else None

    return log.until(find, 25, "the click is over")


@pytest.mark.parametrize("reply", ["text", "json", "nothing"])
def test_a_click_is_one_call_of_its_user(beeline, reply):
    last, number = beeline.last_call(), caller()
    begun = datetime.now()
    call_id = click(beeline, number, click_reply=reply)
    call = settled(beeline, call_id)
    [asked] = beeline.asked("POST", "/abonents/9000000101@ip.beeline.ru/call")
    assert asked["params"]["phoneNumber"] == number[2:]
    [event, *_rest] = beeline.pbx.get("/control/log")
    assert call["ref"] == event["ref"]
    assert (call["direction"], call["outcome"]) == ("outbound", "answered")
    assert call["number"] == number
    assert call["user_id"][0] == beeline.provider["users"]["101"]
    # Of the other party's answer, not of our own phone's.
    assert (call["wait_seconds"], call["talk_seconds"]) == (10, 20)
    assert len(beeline.calls(("id", ">", last))) == 1
    # Nobody waited for the half a minute that it is told to have lasted.
    assert datetime.now() - begun < timedelta(seconds=30)


@pytest.mark.parametrize(
    "told, outcome",
    [
        ("own phone", "cancelled"),
        ("busy", "busy"),
        ("no answer", "no_answer"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_click_that_reaches_nobody(beeline, told, outcome):
    number = caller()
    call_id = click(beeline, number, click={"outcome": told})
    call = settled(beeline, call_id)
    assert (call["outcome"], call["talk_seconds"]) == (outcome, 0)
    assert (call["number"], call["answer"]) == (number, False)


def test_a_click_that_is_refused_says_why(beeline):
    beeline.fault("400", path="/abonents/*/call")
    last = beeline.last_call()
    with pytest.raises(OdooError, match="Bad Request"):
        click(beeline, caller())
    [call] = beeline.calls(("id", ">", last))
    assert (call["state"], call["outcome"]) == ("done", "failed")
    assert len(beeline.asked("POST", "/abonents/9000000101@ip.beeline.ru/call")) == 1
