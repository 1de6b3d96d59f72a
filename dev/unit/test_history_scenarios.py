"""Every call that the fake PBX plays: told by webhooks, by history, and by both."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from unittest.mock import ANY
from zoneinfo import ZoneInfo

import pytest

from fake_zadarma.running import running
from fake_zadarma.scenarios import SCENARIOS, plan
from telephony import dialect
from telephony.call import derive
from telephony.dialect import Account
from telephony.event import with_known_extensions
from telephony.facts import CallFacts
from telephony.zadarma import events

ZADARMA = dialect.get("zadarma")
# What the PBX lists as its internal numbers.
LISTED = ("100", "101", "102")
KEY, SECRET = "4f9ac67f67961b71ab48", "5fa0200ffca68e1517d4"
ZONE = ZoneInfo("Europe/London")
# Summer time: a local time read as UTC shows at once.
CALL_START = "2026-06-01 10:15:00"
START = datetime(2026, 6, 1, 9, 15)
NIGHT = START + timedelta(hours=14)
CLIENT = "+442079460201"


def inbound(outcome="missed", extension="", talk=0, number=CLIENT):
    return "inbound", outcome, number, extension, talk


def outbound(outcome, talk=0, number=CLIENT):
    return "outbound", outcome, number, "100", talk


# What each is, as the protocol sheet and the design have it: section 7, outcomes.
TRUTH = {
    ("answered", None): inbound("answered", "100", 34),
    ("missed", None): inbound(),
    ("busy", None): inbound("busy"),
    ("abandoned", None): inbound(),
    ("voicemail", None): inbound(),
    ("menu_answered", None): inbound(),
    ("ring_group", None): inbound("answered", "100", 34),
    ("ring_group_missed", None): inbound(),
    ("transfer", None): inbound("answered", "101", 34),
    ("withheld", None): inbound("answered", "100", 34, number=""),
    ("ivr", None): inbound("answered", "100", 34),
    ("answer_only", None): inbound("answered", "100", 34),
    ("record_before_end", None): inbound("answered", "100", 34),
    ("record_after_end", None): inbound("answered", "100", 34),
    ("out_of_order", None): inbound("answered", "100", 34),
    ("repeated", None): inbound("answered", "100", 34),
    ("outbound", None): outbound("answered", 34),
    ("outbound_no_answer", None): outbound("no_answer"),
    ("outbound_busy", None): outbound("busy"),
    ("outbound_failed", None): outbound("failed"),
    ("outbound_cancelled", None): outbound("cancelled"),
    ("outbound_no_money", None): outbound("failed"),
    ("extension_to_extension", None): ("internal", "answered", "101", "100", 34),
    **{
        (f"click_{case}", told): outbound(outcome, talk)
        for case in ("calltype", "swapped", "plain", "two_ids")
        for told, outcome, talk in (
            ("answered", "answered", 34),
            ("busy", "busy", 0),
            ("no answer", "no_answer", 0),
            ("offline", "failed", 0),
        )
    },
}


def test_no_scenario_is_forgotten():
    calls = {name for name in SCENARIOS if plan(name).rows}
    assert calls == {name for name, _outcome in TRUTH}


@pytest.fixture(scope="module", params=["live", "spec"])
def pbx(request):
    with running(KEY, SECRET, mode=request.param) as server:
        server.mode = request.param
        yield server


@pytest.fixture(params=TRUTH, ids=lambda key: "-".join(filter(None, key)))
def told(request, pbx):
    """``(truth, events of webhooks, events of the history)`` of a scenario."""
    name, outcome = request.param
    more = {"outcome": outcome} if outcome else {}
    ready = plan(name, call_start=CALL_START, caller=None, **more)
    pbx.reset()
    pbx.account.mode = pbx.mode
    pbx.fake.keep_rows(ready.rows)
    account = Account(key=KEY, secret=SECRET, server_url=pbx.url, zone=ZONE)
    page = ZADARMA.fetch_history(account, START - timedelta(days=1), NIGHT)
    assert page.next is None and page.rows == len(ready.rows) == len(page.events)
    live, seconds = [], 1.0
    for step in ready.steps:
        seconds += step.delay
        live += events.read(step.fields, START + timedelta(seconds=seconds), ZONE)
    marked = (with_known_extensions(told, LISTED) for told in (live, page.events))
    return TRUTH[request.param], *marked


def essence(call):
    return call.direction, call.outcome, call.number, call.extension, call.talk


def test_webhooks_alone(told):
    truth, live, _history = told
    call = derive(CallFacts(live))
    if len(live) > 1:
        assert essence(call) == truth
    else:
        assert call.state == "ongoing"  # of the seed's minimum no END is told
    assert not call.corrected


def test_history_alone(told):
    truth, live, history = told
    if truth[1] == "failed" and all(event.own_leg for event in history):
        # Our own phone was not reached; whom it was to reach, no row tells.
        truth = (*truth[:2], "", *truth[3:])
    call = derive(CallFacts(history))
    assert essence(call) == truth
    assert (call.state, call.start, call.wait) == ("done", START, 0)
    assert call.stop == START + timedelta(seconds=call.talk)
    assert call.answer == (START if call.outcome == "answered" else None)
    recorded = {event.recording for event in live if event.recording}
    # A file that never was is marked as recorded in webhooks alone, and the reverse.
    assert set(call.recordings) <= recorded or not recorded
    assert {leg.extension for leg in call.legs} >= {call.extension} - {""}
    rung = {event.extension for event in history}
    for leg in call.legs:
        assert leg.start == (START if leg.extension in rung else None)


def test_both(told):
    truth, live, history = told
    call = derive(CallFacts(live + history))
    assert essence(call) == truth
    assert call.state == "done" and not call.corrected
    assert call.last_event_at == derive(CallFacts(live)).last_event_at


def test_what_webhooks_timed_stays(told):
    _truth, live, history = told
    alone, both = derive(CallFacts(live)), derive(CallFacts(live + history))
    assert both.start == alone.start
    possible = not alone.answer or alone.answer >= alone.start
    if alone.state == "done" and possible:
        assert (both.answer, both.stop, both.wait) == (
            alone.answer,
            alone.stop,
            alone.wait,
        )


def test_in_any_order_and_told_again(told):
    _truth, live, history = told
    usual = derive(CallFacts(live + history))
    again = [
        event.__class__(
            **{**vars(event), "received_at": event.received_at + timedelta(hours=1)}
        )
        for event in live + history
    ]
    for seed in range(5):
        mixed = Random(seed).sample([*live, *history, *again], 2 * len(again))
        assert derive(CallFacts(mixed)) == usual
        grown = CallFacts()
        for event in mixed:
            grown = CallFacts.from_json(grown.to_json()).add([event])
        assert derive(grown) == usual


def test_whatever_webhook_was_lost(told):
    """History completes what is told in part: each event away, and all from one on."""
    truth, live, history = told
    parts = [live[:i] + live[i + 1 :] for i in range(len(live))]
    parts += [live[:i] for i in range(len(live))] + [live[i:] for i in range(len(live))]
    for part in parts:
        call = derive(CallFacts(part + history))
        assert call.state == "done"
        expected = truth if part == live else (*truth[:2], ANY, *truth[3:])
        assert expected == essence(call), part
        assert not call.corrected


def test_legs_do_not_lose_their_order(told):
    _truth, _live, history = told
    receipts = [event.received_at for event in history]
    assert all(a < b for a, b in pairwise(receipts))
    assert max(receipts) <= datetime.now(UTC).replace(tzinfo=None) + timedelta(
        seconds=1
    )
