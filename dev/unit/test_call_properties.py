"""Any order, any repeats: facts are a set, and what follows from them is pure."""

import json
import math
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import cases_inbound
import cases_outbound
import cases_partial
from cases import CALL_START, CLIENT, IN, LINE, OUT, Case, as_expected, at, read
from cases import read_all as read_webhooks
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.call import derive
from telephony.event import ENDED, EXPIRED, SPOKEN, CallEvent
from telephony.facts import CallFacts
from telephony.reading import CLOCK_SECONDS
from telephony.zadarma import events

CASES = [
    *cases_inbound.CASES,
    *cases_partial.CASES,
    *cases_outbound.CASES,
]
ANY_CASE = st.sampled_from(CASES)


@st.composite
def deliveries(draw, case: Case):
    """The case's webhooks in any order, some delivered again, and later."""
    again = draw(
        st.lists(
            st.tuples(st.sampled_from(case.told), st.integers(0, 300_000)), max_size=6
        )
    )
    repeats = [(seconds + late, fields) for (seconds, fields), late in again]
    return draw(st.permutations([*case.told, *repeats]))


@settings(max_examples=150)
@given(case=ANY_CASE, data=st.data())
def test_any_order_and_any_repeats_give_the_same_call(case, data):
    assert_the_same_call(case, data.draw(deliveries(case)))


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32))
def test_so_does_every_single_story(seed):
    random = Random(seed)
    for case in CASES:
        again = [(s + random.randrange(99), f) for s, f in case.told]
        assert_the_same_call(case, random.sample([*case.told, *again], 2 * len(again)))


def assert_the_same_call(case, webhooks):
    usual = CallFacts(read_webhooks(case.told))
    grown = CallFacts()
    for seconds, fields in webhooks:
        # One webhook, one transaction: from the database and back to it.
        grown = CallFacts.from_json(json.loads(json.dumps(grown.to_json())))
        grown = grown.add(read(seconds, fields))
    assert grown == usual and hash(grown) == hash(usual)
    assert grown.to_json() == usual.to_json()
    assert derive(grown) == derive(usual)
    assert as_expected(derive(grown)) == case.call


@given(case=ANY_CASE, data=st.data())
def test_however_events_are_applied_together(case, data):
    webhooks = data.draw(deliveries(case))
    cut = data.draw(st.integers(0, len(webhooks)))
    parts = CallFacts(read_webhooks(webhooks[cut:])).add(
        CallFacts(read_webhooks(webhooks[:cut])).events
    )
    assert parts == CallFacts(read_webhooks(webhooks))
    assert parts.add(parts.events) == parts


@given(case=ANY_CASE, data=st.data())
def test_facts_only_grow_and_answered_is_final(case, data):
    facts, final = CallFacts(), False
    for seconds, fields in data.draw(deliveries(case)):
        before, facts = facts, facts.add(read(seconds, fields))
        assert set(before.events) <= set(facts.events)
        derived = derive(facts)
        if final:
            assert (derived.state, derived.outcome) == ("done", SPOKEN)
        # While our own leg of a click alone has ended, the client's can still decide;
        # and a giving up is a guess of ours.
        ended = any(e.kind == ENDED and not e.own_leg for e in facts.events)
        final = ended and (derived.state, derived.outcome) == ("done", SPOKEN)


@given(case=ANY_CASE, data=st.data())
def test_whatever_the_clocks_say_no_time_is_negative(case, data):
    receipts = data.draw(
        st.lists(
            st.integers(-400_000_000, 400_000_000),
            min_size=len(case.told),
            max_size=len(case.told),
        )
    )
    webhooks = [
        (receipt, fields)
        for receipt, (_seconds, fields) in zip(receipts, case.told, strict=True)
    ]
    sound(derive(CallFacts(read_webhooks(webhooks))))


def sound(call):
    """Assert what holds for every call, however odd its facts are."""
    assert call.state in ("ringing", "ongoing", "done")
    assert bool(call.outcome) == (call.state == "done")
    assert call.direction in ("", "inbound", "outbound", "internal")
    assert call.wait >= 0 and call.talk >= 0
    # What the database's columns hold.
    assert call.wait < 2**31 and call.talk < 2**31
    if call.outcome != SPOKEN and call.state == "done":
        assert call.talk == 0 and call.answer is None
    if call.answer and call.stop:
        assert call.answer <= call.stop
    names = [leg.extension for leg in call.legs]
    assert len(names) == len(set(names)) and all(names)
    for leg in call.legs:
        assert not leg.answer or not call.stop or leg.answer < call.stop
    assert json.dumps([call.number, call.line, call.extension, call.disposition])


WORDS = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "100",
            "101",
            "123456-100",
            CLIENT,
            CLIENT[1:],
            LINE,
            "anonymous",
            "answered",
            "busy",
            "cancel",
            "no answer",
            "callback_leg1",
            "callback_leg2",
            CALL_START,
            "2026-10-25 01:30:00",
            "0000-00-00 00:00:00",
            "9999-12-31 23:59:59",
            "0001-01-01 00:00:00",
            "2026-02-30 00:00:00",
            "9" * 30,
            "-5",
            "1e3",
            "٣",
            IN,
            OUT,
            "5a1c",
        ]
    ),
    st.text(max_size=20),
    st.integers().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
)
NAMES = """call_start pbx_call_id caller_id called_did internal destination duration
    disposition last_internal status_code is_recorded call_id_with_rec calltype
    transfer_from""".split()
KINDS = [*events.KINDS, "SMS", "NOTIFY_INTERNAL_END", "NOTIFY_FUTURE", ""]
FORMS = st.fixed_dictionaries(
    {"event": st.one_of(st.sampled_from(KINDS), st.text(max_size=10))},
    optional={name: WORDS for name in NAMES},
)
RECEIPTS = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1))
ZONES = st.sampled_from(
    [ZoneInfo(name) for name in ("UTC", "Europe/London", "Australia/Lord_Howe")]
)


@settings(max_examples=100)
@given(
    forms=st.lists(st.tuples(FORMS, RECEIPTS), max_size=6),
    zone=ZONES,
    ref=st.sampled_from([None, IN, OUT, "5a1c"]),
    given_up=st.booleans(),
)
def test_no_form_makes_anything_raise(forms, zone, ref, given_up):
    told = []
    for fields, receipt in forms:
        if ref:
            fields = {**fields, "pbx_call_id": ref}
        read = events.read(fields, receipt, zone)
        assert len(read) <= 1
        told += read
    if given_up:
        told.append(CallEvent(EXPIRED, ref or "", datetime(2100, 1, 1)))
    facts = CallFacts(told)
    if not facts:
        return
    assert CallFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts
    assert CallFacts(reversed(told)) == facts
    call = derive(facts)
    assert call == derive(CallFacts(reversed(told)))
    sound(call)


@given(seconds=st.integers(0, 2**40), late=st.integers(0, 10))
def test_a_talk_of_any_length_is_a_whole_number_the_database_can_hold(seconds, late):
    over = cases_inbound.end("answered", seconds, "100")
    derived = derive(CallFacts(read_webhooks([(1, over), (1 + late, over)])))
    # It was received a second after the start: nobody talked longer than that, and what
    # the clocks may differ by.
    known = seconds if len(str(seconds)) < 10 else 0
    known = known if known <= 1 + CLOCK_SECONDS else 1
    assert derived.talk == known and derived.stop == at(1)
    assert derived.answer == at(1) - timedelta(seconds=known)


def test_repeats_do_not_cost_more_than_they_are():
    # A forged flood of repeats stays one event.
    webhooks = [cases_inbound.LIFTED] * 2000
    facts = CallFacts(read_webhooks(webhooks))
    assert len(facts) == 1
    assert math.isclose(len(json.dumps(facts.to_json())), 400, abs_tol=200)
