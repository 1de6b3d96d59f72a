"""Rows of any types, in any order, beside any webhooks: nothing raises, all is pure."""

import json
from datetime import datetime

from cases import CLIENT, IN, OUT, at, read_all
from hypothesis import given, settings
from hypothesis import strategies as st
from test_call_properties import ANY_CASE, FORMS, RECEIPTS, WORDS, ZONES, sound
from test_history import row, row_out

from telephony.call import derive
from telephony.event import CLICKED, EXPIRED, LOGGED, OUTBOUND, REFUSED, CallEvent
from telephony.facts import CallFacts
from telephony.http import answers
from telephony.zadarma import events, statistics

# Whatever JSON may hold.
VALUES = st.one_of(
    WORDS,
    st.integers(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(
        [
            f'"{CLIENT}" <{CLIENT}>',
            "Anna (101)",
            '"Anna" <>',
            "((((",
            "<<>>",
            "1779868800.123450",
            "call failed",
            "true",
            "a\0b",
        ]
    ),
)
NAMES = """call_id sip callstart clid destination disposition seconds is_recorded
    pbx_call_id""".split()
ROWS = st.one_of(
    st.fixed_dictionaries({}, optional={name: VALUES for name in NAMES}), VALUES
)
CLICK = CallEvent(
    CLICKED, "", at(-2), OUTBOUND, called=CLIENT, extension="100", at=at(-2)
)
REFUSAL = CallEvent(REFUSED, "", at(1), said="Not enough money")
OVER = CallEvent(EXPIRED, "", datetime(2100, 1, 1))


@settings(max_examples=200)
@given(
    rows=st.lists(ROWS, max_size=5),
    forms=st.lists(st.tuples(FORMS, RECEIPTS), max_size=4),
    more=st.lists(st.sampled_from([CLICK, REFUSAL, OVER]), max_size=3),
    fetched=RECEIPTS,
    zone=ZONES,
    ref=st.sampled_from([IN, OUT, "5a1c"]),
)
def test_no_rows_make_anything_raise(rows, forms, more, fetched, zone, ref):
    rows = [{**r, "pbx_call_id": ref} if isinstance(r, dict) else r for r in rows]
    told = list(statistics.read(rows, fetched, zone))
    # A broken row does not lose its neighbours.
    assert len(told) == sum(isinstance(r, dict) for r in rows)
    for fields, receipt in forms:
        told += events.read({**fields, "pbx_call_id": ref}, receipt, zone)
    facts = CallFacts([*told, *more])
    if not facts:
        return
    assert CallFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts
    call = derive(facts)
    assert derive(CallFacts(reversed(facts.events))) == call
    sound(call)
    assert "\0" not in repr(call)
    if any(event.kind == LOGGED for event in told) and not forms:
        assert call.state == "done"


@given(
    rows=st.lists(ROWS, max_size=4),
    fetched=RECEIPTS,
    later=st.integers(0, 10**6),
    zone=ZONES,
)
def test_a_row_fetched_again_is_the_same_event(rows, fetched, later, zone):
    text = json.dumps(rows)
    first, again = (answers.read_json(text.encode()) for _ in range(2))
    once = statistics.read(first, fetched, zone)
    twice = statistics.read(again, at(later), zone)
    assert once == twice


HISTORIES = st.lists(
    st.sampled_from(
        [
            row("100", "answered", 62),
            row("100", "cancel"),
            row("101", "answered", 30, 40),
            row("", "answered", 9),
            row("101", "busy"),
            row_out("answered", 60),
            row_out("no answer"),
            row_out("answered", 66, called="", own_leg=True),
        ]
    ),
    max_size=4,
)


@settings(max_examples=300)
@given(case=ANY_CASE, history=HISTORIES, click=st.booleans(), data=st.data())
def test_history_first_or_last_or_between_is_the_same_call(case, history, click, data):
    told = [*read_all(case.told), *history, *([CLICK] if click else [])]
    usual = derive(CallFacts(told))
    sound(usual)
    grown = CallFacts()
    for event in data.draw(st.permutations([*told, *history])):
        grown = CallFacts.from_json(json.loads(json.dumps(grown.to_json())))
        grown = grown.add([event])
    assert derive(grown) == usual


@settings(max_examples=200)
@given(case=ANY_CASE, click=st.booleans())
def test_what_the_pbx_says_takes_over_from_a_click(case, click):
    told = read_all(case.told)
    alone = derive(CallFacts(told))
    both = derive(CallFacts([*told, CLICK, *([REFUSAL] if click else [])]))
    if alone.direction != OUTBOUND:
        return
    for name in "ref state outcome disposition line start answer stop talk".split():
        assert getattr(both, name) == getattr(alone, name), name
