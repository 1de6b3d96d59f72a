"""Promises: each row of what happens, and that no order of it matters."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.promise import (
    DISMISSED,
    DISMISSED_BY_HAND,
    KEPT,
    OPEN,
    REOPENED,
    SPOKEN_WITH,
    Act,
    PastCall,
    PromiseSettings,
    follow,
)

NOON = datetime(2026, 11, 30, 12)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def call(call_id, minutes, direction="inbound", outcome="missed", **values):
    """A call that starts at a minute after noon, and lasts one if nobody spoke."""
    start = at(minutes)
    values.setdefault("stop", start + timedelta(seconds=60))
    if outcome == "answered":
        values.setdefault("answer", start + timedelta(seconds=10))
        values.setdefault("talk", 50)
    values.setdefault("reported_at", values["stop"])
    return PastCall(call_id, direction, outcome, start, **values)


def talk(call_id, minutes, direction="outbound", **values):
    return call(call_id, minutes, direction, "answered", user_id=7, **values)


def states(calls, acts=(), settings=None):
    return [
        (one.state, one.attempts, one.tries) for one in follow(calls, acts, settings)
    ]


LOST = call(1, 0)
SPOKEN = Act(SPOKEN_WITH, at(5), 8, note="by e-mail", calls=(1,))
NOT_NEEDED = Act(DISMISSED_BY_HAND, at(5), 8, "not_needed", calls=(1,))
SPAM = Act(DISMISSED_BY_HAND, at(5), 8, "spam", calls=(1,), tagged_call_id=1)
TABLE = {
    "tagged as spam": ([LOST], [SPAM], [(DISMISSED, 1, 0)]),
    "tagged as spam, and reported later, what was lost before": (
        [LOST, call(2, 2)],
        [SPAM],
        [(DISMISSED, 1, 0), (OPEN, 1, 0)],
    ),
    "dismissed by hand, and reported later, what was lost before": (
        [LOST, call(2, 2)],
        [NOT_NEEDED],
        [(DISMISSED, 2, 0)],
    ),
    "a missed call": ([LOST], [], [(OPEN, 1, 0)]),
    "a caller who heard busy": ([call(1, 0, outcome="busy")], [], [(OPEN, 1, 0)]),
    "a call that failed": ([call(1, 0, outcome="failed")], [], [(OPEN, 1, 0)]),
    "an answered call": ([talk(1, 0, "inbound")], [], []),
    "our own call in vain": ([call(1, 0, "outbound", "no_answer")], [], []),
    "our own call that failed": ([call(1, 0, "outbound", "failed")], [], []),
    "an internal call": ([call(1, 0, "internal", "missed")], [], []),
    "excluded": ([call(1, 0, is_excluded=True)], [], []),
    "another lost call": ([LOST, call(2, 9, outcome="busy")], [], [(OPEN, 2, 0)]),
    "told 72 h later": ([call(1, 0, reported_at=at(1 + 72 * 60))], [], [(OPEN, 1, 0)]),
    "told more than 72 h later": ([call(1, 0, reported_at=at(2 + 72 * 60))], [], []),
    "called back in vain": (
        [LOST, call(2, 5, "outbound", "no_answer"), call(3, 9, "outbound", "busy")],
        [],
        [(OPEN, 1, 2)],
    ),
    "somebody's voicemail": ([LOST, talk(2, 5, talk=4)], [], [(OPEN, 1, 1)]),
    "five seconds are a talk": ([LOST, talk(2, 5, talk=5)], [], [(KEPT, 1, 0)]),
    "a short incoming talk": (
        [LOST, talk(2, 5, "inbound", talk=4)],
        [],
        [(OPEN, 1, 0)],
    ),
    "a talk of 0 seconds": ([LOST, talk(2, 5, talk=0)], [], [(OPEN, 1, 1)]),
    "a talk of no told length": ([LOST, talk(2, 5, talk=None)], [], [(KEPT, 1, 0)]),
    "we call back": ([LOST, talk(2, 5)], [], [(KEPT, 1, 0)]),
    "they call again": ([LOST, talk(2, 5, "inbound")], [], [(KEPT, 1, 0)]),
    "from another number": (
        [LOST, talk(2, 5, "inbound", is_other_number=True)],
        [],
        [(KEPT, 1, 0)],
    ),
    "lost from another number": ([call(2, 5, is_other_number=True)], [], []),
    "a talk before": ([talk(2, -5), LOST], [], [(OPEN, 1, 0)]),
    "a call from before that is answered later": (
        [LOST, talk(2, -1, answer=at(1), stop=at(3))],
        [],
        [(KEPT, 1, 0)],
    ),
    "a talk that goes on meanwhile": (
        [LOST, talk(2, -5, answer=at(-4), stop=at(9))],
        [],
        [(OPEN, 1, 0)],
    ),
    "lost again after a talk": (
        [LOST, talk(2, 5), call(3, 9)],
        [],
        [(KEPT, 1, 0), (OPEN, 1, 0)],
    ),
    "tries after the talk are none": (
        [LOST, talk(2, 5), call(3, 9, "outbound", "busy")],
        [],
        [(KEPT, 1, 0)],
    ),
    "another of the company rings on while we speak": (
        [LOST, call(3, 8, stop=at(10)), talk(2, 9)],
        [],
        [(KEPT, 1, 0), (OPEN, 1, 0)],
    ),
    "it rings for a moment more": (
        [LOST, call(3, 8.9, stop=at(9.3)), talk(2, 9)],
        [],
        [(KEPT, 2, 0)],
    ),
    "only that one was lost": (
        [call(3, 8, stop=at(10)), talk(2, 9)],
        [],
        [(OPEN, 1, 0)],
    ),
    "spoken with, another way": ([LOST], [SPOKEN], [(KEPT, 1, 0)]),
    "dismissed": ([LOST], [NOT_NEEDED], [(DISMISSED, 1, 0)]),
    "lost again after it was dismissed": (
        [LOST, call(2, 9)],
        [NOT_NEEDED],
        [(DISMISSED, 1, 0), (OPEN, 1, 0)],
    ),
    "rang on while it was dismissed": (
        [LOST, call(2, 4.5)],
        [NOT_NEEDED],
        [(DISMISSED, 1, 0), (OPEN, 1, 0)],
    ),
    "reopened": (
        [LOST],
        [NOT_NEEDED, Act(REOPENED, at(6), 8, calls=(1,))],
        [(OPEN, 1, 0)],
    ),
    "reopened and kept": (
        [LOST, talk(2, 9)],
        [NOT_NEEDED, Act(REOPENED, at(6), 8, calls=(1,))],
        [(KEPT, 1, 0)],
    ),
    "reopened though they spoke": (
        [LOST, talk(2, 5)],
        [Act(REOPENED, at(7), 8, calls=(1,))],
        [(OPEN, 1, 0)],
    ),
    "not reopened while another is open": (
        [LOST, call(2, 9)],
        [NOT_NEEDED, Act(REOPENED, at(12), 8, calls=(1,))],
        [(DISMISSED, 1, 0), (OPEN, 1, 0)],
    ),
    "dismissed after a talk": ([LOST, talk(2, 2)], [NOT_NEEDED], [(KEPT, 1, 0)]),
    "the clock of the PBX is ahead": (
        [call(1, 7), call(2, 9)],
        [NOT_NEEDED],
        [(DISMISSED, 1, 0), (OPEN, 1, 0)],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_happens(name):
    calls, acts, expected = TABLE[name]
    assert states(calls, acts) == expected
    assert states(calls[::-1], acts[::-1]) == expected


def test_opened_by_its_first_call():
    [promise] = follow([LOST, call(2, 9)])
    assert promise.first_call_id == 1
    assert promise.opened_at == promise.due_from == LOST.stop
    assert promise.last_attempt_at == at(9)
    assert promise.parts == ((1, "lost"), (2, "lost"))
    assert promise.closed_at is None


def test_the_time_counts_from_when_it_was_reported():
    late = replace(LOST, reported_at=at(120))
    assert follow([late])[0].due_from == at(120)
    assert follow([late])[0].opened_at == LOST.stop
    soon = replace(LOST, reported_at=LOST.stop + timedelta(seconds=59))
    assert follow([soon])[0].due_from == LOST.stop
    # An earlier call that is found later does not put it off.
    assert follow([late, call(2, 9)])[0].due_from == call(2, 9).stop


def test_kept_by_who_spoke():
    [promise] = follow([LOST, call(3, 3, "outbound", "no_answer"), talk(2, 5)])
    assert promise.closed_at == talk(2, 5).answer
    assert (promise.closed_call_id, promise.closed_by_id) == (2, 7)
    assert promise.parts == ((1, "lost"), (3, "try"), (2, "kept"))
    assert promise.last_try_at == at(3)


def test_kept_by_hand():
    [promise] = follow([LOST], [SPOKEN])
    assert (promise.closed_at, promise.closed_by_id) == (at(5), 8)
    assert promise.closed_call_id is None
    assert promise.act == SPOKEN


def test_how_long_a_talk_has_to_be():
    short = [LOST, talk(2, 5, talk=20)]
    assert states(short, settings=PromiseSettings(min_talk=21)) == [(OPEN, 1, 1)]
    assert states(short, settings=PromiseSettings(min_talk=20)) == [(KEPT, 1, 0)]
    nothing = [LOST, talk(2, 5, talk=0)]
    assert states(nothing, settings=PromiseSettings(min_talk=0)) == [(KEPT, 1, 0)]


def test_acts_are_kept_as_json():
    assert Act.from_json(SPOKEN.to_json()) == SPOKEN


# ------------------------------------------------------------------ whatever happens

MINUTES = st.integers(0, 60)


@st.composite
def histories(draw):
    """Calls of one number, and what people did."""
    calls = []
    for number in range(draw(st.integers(1, 8))):
        direction = draw(st.sampled_from(["inbound", "outbound", "internal"]))
        outcome = draw(
            st.sampled_from(["answered", "missed", "busy", "failed", "no_answer"])
        )
        start, rang, lasted = (
            draw(MINUTES),
            draw(st.integers(0, 90)),
            draw(st.integers(0, 300)),
        )
        stop = at(start) + timedelta(seconds=rang + lasted)
        calls.append(
            PastCall(
                number + 1,
                direction,
                outcome,
                at(start),
                stop,
                answer=at(start) + timedelta(seconds=rang)
                if outcome == "answered"
                else None,
                talk=draw(st.sampled_from([None, lasted])),
                reported_at=stop + timedelta(hours=draw(st.sampled_from([0, 5, 100]))),
                is_excluded=draw(st.booleans()) and draw(st.booleans()),
                is_other_number=draw(st.booleans()) and draw(st.booleans()),
            )
        )
    ids = [one.id for one in calls]
    acts = [
        Act(
            draw(st.sampled_from([SPOKEN_WITH, DISMISSED_BY_HAND, REOPENED])),
            at(draw(MINUTES)),
            draw(st.integers(1, 3)),
            calls=tuple(draw(st.sets(st.sampled_from(ids)))),
            tagged_call_id=draw(st.sampled_from([None, *ids])),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    return calls, acts


@given(histories(), st.randoms(use_true_random=False))
def test_no_order_matters(history, chance: random.Random):
    calls, acts = history
    promises = follow(calls, acts)
    chance.shuffle(calls)
    chance.shuffle(acts)
    assert follow(calls, acts) == promises


@given(histories())
def test_nobody_is_lost(history):
    """Each lost call is in one promise, and only one is open: the others are closed by
    something that came after."""
    calls, acts = history
    promises = follow(calls, acts)
    lost = [call_id for promise in promises for call_id in promise.lost_ids]
    assert sorted(lost) == sorted(one.id for one in calls if one.makes_promise)
    assert len([one for one in promises if one.state == OPEN]) <= 1
    by_id = {one.id: one for one in calls}
    for promise in promises:
        assert promise.attempts == len(promise.lost_ids) >= 1
        if promise.closed_call_id:
            talk = by_id[promise.closed_call_id]
            assert talk.is_talk(PromiseSettings())
            assert all(
                by_id[i].start < promise.closed_at or acts for i in promise.lost_ids
            )


@given(histories())
def test_open_means_nobody_spoke_since(history):
    calls, _acts = history
    for promise in follow(calls):
        if promise.state == OPEN:
            first = next(one for one in calls if one.id == promise.first_call_id)
            assert not [
                one
                for one in calls
                if one.is_talk(PromiseSettings())
                and one.answer > first.start
                and one.answer + timedelta(seconds=15) >= first.stop
            ]


def test_acts_as_they_are_kept():
    for act in (SPAM, NOT_NEEDED):
        assert Act.from_json(act.to_json()) == act
    # As a version wrote them that knew of no tags.
    values = NOT_NEEDED.to_json()
    values.pop("tagged_call_id")
    assert Act.from_json(values) == NOT_NEEDED
