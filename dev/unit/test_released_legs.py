"""Calls of which each leg is released by itself, whatever the PBX."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from telephony.call import derive
from telephony.event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    DIALLED,
    INBOUND,
    INTERNAL,
    LOGGED,
    MISSED,
    NO_ANSWER,
    OUTBOUND,
    RELEASED,
    RINGING,
    CallEvent,
)
from telephony.facts import CallFacts

ZERO = datetime(2026, 5, 4, 9, 15, 7)
CLIENT, LINE = "+79000000201", "+79000000100"


def at(seconds):
    return ZERO + timedelta(seconds=seconds)


def leg(name, extension, direction, start, answer=None, stop=None, how="", **values):
    """Return the events of one leg; times in seconds, ``how`` is its disposition."""
    caller, called = (CLIENT, LINE) if direction == INBOUND else ("", CLIENT)
    values = {"caller": caller, "called": called, **values}
    opening = RINGING if direction == INBOUND else DIALLED
    kinds = [(opening, start), (ANSWERED, answer), (RELEASED, stop)]
    return [
        CallEvent(
            kind=kind,
            ref="c-1",
            # Received late: the PBX's own times count.
            received_at=at(seconds + 4),
            at=at(seconds),
            leg=name,
            extension=extension,
            direction=direction,
            disposition=how if kind == RELEASED else "",
            **values,
        )
        for kind, seconds in kinds
        if seconds is not None
    ]


def call_of(*legs):
    events = [event for one in legs for event in one]
    call = derive(CallFacts(events), history_outranks=False)
    orders = permutations(events) if len(events) < 7 else [events[::-1], events * 2]
    for order in orders:
        assert derive(CallFacts(order), history_outranks=False) == call
    return call


def test_a_click_rings_the_own_phone_first():
    own = leg("own", "101", OUTBOUND, 0, 4, 60, own_leg=True, called="")
    outer = leg("outer", "101", OUTBOUND, 4.2, 15, 59.5)
    call = call_of(own, outer)
    assert (call.state, call.outcome, call.extension) == ("done", "answered", "101")
    assert (call.number, call.direction) == (CLIENT, OUTBOUND)
    assert (call.start, call.answer, call.stop) == (at(0), at(15), at(60))
    assert call.talk == 44
    [only] = call.legs
    assert (only.start, only.answer, only.stop) == (at(0), at(15), at(60))


def test_a_click_goes_on_while_one_of_its_legs_does():
    own = leg("own", "101", OUTBOUND, 0, 4, own_leg=True, called="")
    outer = leg("outer", "101", OUTBOUND, 4.2, 15, 59.5)
    assert call_of(own, outer).state == "ongoing"


def test_who_lifts_the_own_phone_has_reached_nobody():
    own = leg("own", "101", OUTBOUND, 0, 4, own_leg=True, called="")
    waiting = call_of(own)
    assert (waiting.state, waiting.answer) == ("ringing", None)
    outer = leg("outer", "101", OUTBOUND, 4.2, None, 30, NO_ANSWER)
    over = leg("own", "101", OUTBOUND, 0, 4, 30, own_leg=True, called="")
    call = call_of(over, outer)
    assert (call.outcome, call.answer, call.talk) == (NO_ANSWER, None, 0)
    assert call.legs[0].outcome != "answered"


def test_a_click_whose_own_phone_stays_silent():
    own = leg("own", "101", OUTBOUND, 0, None, 25, CANCELLED, own_leg=True, called="")
    call = call_of(own)
    assert (call.state, call.outcome, call.extension) == ("done", CANCELLED, "101")


def test_a_leg_that_begins_later_opens_the_call_again():
    first = leg("a", "101", INBOUND, 0, None, 18, MISSED)
    assert call_of(first).outcome == MISSED
    second = leg("b", "102", INBOUND, 23)
    assert call_of(first, second).state == "ringing"
    second = leg("b", "102", INBOUND, 23, 30, 70)
    call = call_of(first, second)
    assert (call.outcome, call.extension, call.talk) == ("answered", "102", 40)
    assert (call.start, call.wait) == (at(0), 30)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [(BUSY, MISSED, MISSED), (BUSY, BUSY, BUSY), (MISSED, MISSED, MISSED)],
)
def test_busy_is_a_call_that_was_busy_everywhere(first, second, outcome):
    call = call_of(
        leg("a", "101", INBOUND, 0, None, 1, first),
        leg("b", "102", INBOUND, 2, None, 9, second),
    )
    assert call.outcome == outcome


def test_who_was_released_last_has_the_call():
    call = call_of(
        leg("a", "101", INBOUND, 0, 10, 40),
        leg("b", "102", INBOUND, 35, 38, 90),
    )
    assert call.extension == "102"
    # Both spoke from 38 to 40: those seconds count once.
    assert call.talk == 80


def test_the_first_leg_says_which_way_a_call_went():
    out = leg("a", "101", OUTBOUND, 0, 10, 40)
    handed_on = leg("b", "102", INBOUND, 35, 38, 90)
    call = call_of(out, handed_on)
    assert (call.direction, call.number) == (OUTBOUND, CLIENT)
    came = leg("a", "101", INBOUND, 0, 10, 40)
    forwarded = leg("b", "102", OUTBOUND, 35, 38, 90)
    assert call_of(came, forwarded).direction == INBOUND


def test_both_sides_of_an_internal_call():
    sides = {"caller": "101", "called": "102"}
    call = call_of(
        leg("a", "101", INTERNAL, 0, 5, 20, **sides),
        leg("b", "102", INTERNAL, 1, 5, 20, **sides),
    )
    assert (call.direction, call.number, call.extension) == (INTERNAL, "102", "101")
    assert (call.outcome, call.talk) == ("answered", 15)


def test_an_internal_leg_of_a_call_from_outside():
    inside = {"caller": "101", "called": "102"}
    call = call_of(
        leg("a", "101", INBOUND, 0, 5, 40),
        leg("b", "102", INTERNAL, 30, 35, 80, **inside),
    )
    assert (call.direction, call.number) == (INBOUND, CLIENT)
    assert (call.extension, call.talk) == ("102", 75)


def row(extension, start, talk, how, **values):
    """Return the event of a row of the history."""
    return CallEvent(
        kind=LOGGED,
        ref="",
        received_at=at(3600),
        started=(at(start),),
        extension=extension,
        direction=INBOUND,
        caller=CLIENT,
        called=LINE,
        talk=talk,
        disposition=how,
        **values,
    )


def test_an_answer_that_history_alone_tells_of_another_extension():
    """Events of a group stopped after the first leg: history knows who answered."""
    told = leg("a", "101", INBOUND, 0, None, 18, MISSED)
    rows = [row("101", 0, 0, MISSED), row("102", 3, 45, "answered")]
    call = call_of(told, rows)
    assert (call.outcome, call.extension, call.talk) == ("answered", "102", 45)
    assert call.start <= call.answer < call.stop
    # And as soon as events tell of that leg, they count.
    heard = leg("b", "102", INBOUND, 3, None, 20, MISSED)
    assert call_of(told, rows, heard).outcome == MISSED


def test_history_never_says_that_an_answer_was_none():
    told = leg("a", "101", INBOUND, 0, 5, 18)
    call = call_of(told, [row("101", 0, 0, MISSED), row("102", 0, 0, MISSED)])
    assert (call.outcome, call.extension, call.talk) == ("answered", "101", 13)


def test_a_leg_that_leads_out_names_no_line():
    came = leg("a", "101", INBOUND, 0, 5, 60)
    forwarded = leg("b", "101", OUTBOUND, 8, 15, 60, called="+79000000999")
    call = call_of(came, forwarded)
    assert (call.direction, call.number, call.line) == (INBOUND, CLIENT, LINE)
