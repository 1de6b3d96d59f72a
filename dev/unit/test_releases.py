"""Calls that no event ends: each leg is released by itself, in any order."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_call_properties import sound

from telephony.call import derive
from telephony.event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    DIALLED,
    ENDED,
    EXPIRED,
    FAILED,
    INBOUND,
    INTERNAL,
    LOGGED,
    NO_ANSWER,
    OFFERED,
    OUTBOUND,
    RELEASED,
    RINGING,
    SPOKEN,
    CallEvent,
)
from telephony.facts import CallFacts

CLIENT, LINE = "+442079460201", "+442079460900"
ZERO = datetime(2026, 5, 4, 9, 15, 7)
PARTIES = {
    INBOUND: {"caller": CLIENT, "called": LINE},
    OUTBOUND: {"caller": LINE, "called": CLIENT},
    INTERNAL: {"caller": "anna", "called": "ben"},
}


def at(seconds):
    return ZERO + timedelta(seconds=seconds)


def event(kind, seconds, extension="", direction=INBOUND, exact=True, **values):
    return CallEvent(
        kind=kind,
        ref="7",
        received_at=at(seconds),
        at=at(seconds) if exact else None,
        direction=direction,
        extension=extension,
        **{**PARTIES[direction], **values},
    )


def rings(seconds, extension, **values):
    return event(RINGING, seconds, extension, **values)


def lifts(seconds, extension, **values):
    return event(ANSWERED, seconds, extension, **values)


def gone(seconds, extension, disposition="", **values):
    return event(RELEASED, seconds, extension, disposition=disposition, **values)


def dials(seconds, extension, direction=OUTBOUND, **values):
    return event(DIALLED, seconds, extension, direction=direction, **values)


def call(state, outcome="", talk=0, stop=None, extension=""):
    return (state, outcome, talk, stop and at(stop), extension)


def as_call(derived):
    return (
        derived.state,
        derived.outcome,
        derived.talk,
        derived.stop,
        derived.extension,
    )


OUT = {"direction": OUTBOUND}
IN_HOUSE = {"direction": INTERNAL}
CASES = {
    "one leg, answered": (
        [rings(0, "anna"), lifts(10, "anna"), gone(63.5, "anna")],
        call("done", "answered", 53, 63.5, "anna"),
    ),
    "the caller gives up": (
        [rings(0, "anna"), gone(20, "anna")],
        call("done", "missed", 0, 20),
    ),
    "a group, one of it answers": (
        [
            *(rings(0, name) for name in ("anna", "ben", "carl")),
            lifts(5, "ben"),
            gone(5, "anna", CANCELLED),
            gone(5, "carl", CANCELLED),
            gone(65, "ben", SPOKEN),
        ],
        call("done", "answered", 60, 65, "ben"),
    ),
    "a queue, between two phones": (
        [rings(0, "anna"), gone(18, "anna", NO_ANSWER)],
        call("done", "missed", 0, 18),
    ),
    "a queue, at the second phone": (
        [rings(0, "anna"), gone(18, "anna", NO_ANSWER), rings(23, "ben")],
        call("ringing"),
    ),
    "a queue, answered at the second phone": (
        [
            rings(0, "anna"),
            gone(18, "anna", NO_ANSWER),
            rings(23, "ben"),
            lifts(30, "ben"),
            gone(90, "ben"),
        ],
        call("done", "answered", 60, 90, "ben"),
    ),
    "the same phone is rung again": (
        [rings(0, "anna"), gone(18, "anna", NO_ANSWER), rings(23, "anna")],
        call("ringing"),
    ),
    "the same phone is rung again and answers": (
        [
            rings(0, "anna"),
            gone(18, "anna", NO_ANSWER),
            rings(23, "anna"),
            lifts(30, "anna"),
            gone(90, "anna"),
        ],
        call("done", "answered", 60, 90, "anna"),
    ),
    "handed on": (
        [
            rings(0, "anna"),
            lifts(10, "anna"),
            rings(40, "ben"),
            lifts(50, "ben"),
            gone(50, "anna"),
            gone(80, "ben"),
        ],
        call("done", "answered", 70, 80, "ben"),
    ),
    "handed on with a pause in which nobody speaks": (
        [
            rings(0, "anna"),
            lifts(10, "anna"),
            gone(40, "anna"),
            rings(41, "ben"),
            lifts(50, "ben"),
            gone(80, "ben"),
        ],
        call("done", "answered", 60, 80, "ben"),
    ),
    "all are busy": (
        [
            rings(0, "anna"),
            rings(0, "ben"),
            gone(1, "anna", BUSY),
            gone(2, "ben", BUSY),
        ],
        call("done", "busy", 0, 2),
    ),
    "one is busy, the other does not lift": (
        [rings(0, "anna"), rings(0, "ben"), gone(1, "anna", BUSY), gone(9, "ben")],
        call("done", "missed", 0, 9),
    ),
    "a menu lifts and nobody else": (
        [lifts(1, "", leg="menu"), gone(9, "", SPOKEN, leg="menu")],
        call("done", "missed", 0, 9),
    ),
    "a release alone": ([gone(9, "anna")], call("done", "missed", 0, 9)),
    "a leg of which the release is not told": (
        [rings(0, "anna"), rings(0, "ben"), gone(9, "anna")],
        call("ringing"),
    ),
    "and which was given up": (
        [rings(0, "anna"), rings(0, "ben"), gone(9, "anna"), event(EXPIRED, 9999)],
        call("done", "missed"),
    ),
    "an END ends all the same": (
        [
            rings(0, "anna"),
            rings(0, "ben"),
            gone(9, "anna"),
            event(ENDED, 12, disposition=CANCELLED, talk=0),
        ],
        call("done", "missed", 0, 12),
    ),
    "outbound": (
        [dials(0, "anna"), lifts(8, "anna", **OUT), gone(70, "anna", **OUT)],
        call("done", "answered", 62, 70, "anna"),
    ),
    "outbound, busy": (
        [dials(0, "anna"), gone(3, "anna", BUSY, **OUT)],
        call("done", "busy", 0, 3, "anna"),
    ),
    "outbound, and nobody says why not": (
        [dials(0, "anna"), gone(3, "anna", **OUT)],
        call("done", "failed", 0, 3, "anna"),
    ),
    "outbound, in two legs with ids of their own": (
        [
            dials(0, "anna", leg="a"),
            rings(1, "", leg="b", **OUT),
            lifts(8, "", leg="b", **OUT),
            gone(70, "", SPOKEN, leg="b", **OUT),
            gone(71, "anna", leg="a", **OUT),
        ],
        call("done", "answered", 62, 71, "anna"),
    ),
    "talk that the PBX tells": (
        [rings(0, "anna"), lifts(10, "anna"), gone(75, "anna", SPOKEN, talk=60)],
        call("done", "answered", 60, 75, "anna"),
    ),
    "in the house": (
        [
            dials(0, "anna", **IN_HOUSE),
            rings(1, "ben", **IN_HOUSE),
            lifts(6, "ben", **IN_HOUSE),
            gone(30, "ben", **IN_HOUSE),
            gone(31, "anna", **IN_HOUSE),
        ],
        call("done", "answered", 24, 31, "anna"),
    ),
    "in the house, busy": (
        [
            dials(0, "anna", **IN_HOUSE),
            rings(1, "ben", **IN_HOUSE),
            gone(2, "ben", BUSY, **IN_HOUSE),
            gone(3, "anna", **IN_HOUSE),
        ],
        call("done", "busy", 0, 3, "anna"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_case_in_any_order(name):
    events, expected = CASES[name]
    random = Random(name)
    for _try in range(20):
        some = random.sample([*events, *events], 2 * len(events))
        assert as_call(derive(CallFacts(some))) == expected


def test_a_leg_with_an_id_that_is_released_stays_so():
    # Receipts alone tell: what came late is no leg that started later.
    late = [
        gone(5, "anna", exact=False, leg="a"),
        rings(6, "anna", exact=False, leg="a"),
    ]
    assert derive(CallFacts(late)).state == "done"
    again = [*late, rings(6, "anna", exact=False, leg="b")]
    assert derive(CallFacts(again)).state == "ringing"


def test_an_answer_that_is_heard_late_opens_nothing():
    events = [rings(0, "anna", exact=False), gone(9, "anna", SPOKEN, exact=False),
              lifts(10, "anna", exact=False)]  # fmt: skip
    derived = derive(CallFacts(events))
    assert (derived.state, derived.outcome) == ("done", "answered")


def test_a_leg_s_end_is_its_own():
    events, _expected = CASES["a queue, at the second phone"]
    legs = {
        leg.extension: (leg.start, leg.stop, leg.outcome)
        for leg in derive(CallFacts(events)).legs
    }
    assert legs == {"anna": (at(0), at(18), "missed"), "ben": (at(23), None, "")}


def test_the_outside_world_makes_a_call_no_internal_one():
    # One leg of a call from outside was handed on inside the house.
    events = [rings(0, "anna"), dials(20, "anna", direction=INTERNAL)]
    derived = derive(CallFacts(events))
    assert (derived.direction, derived.number) == ("inbound", CLIENT)


def test_internal_is_believed_whatever_the_parties_look_like():
    parties = {"caller": CLIENT, "called": LINE}
    derived = derive(CallFacts([dials(0, "anna", direction=INTERNAL, **parties)]))
    assert (derived.direction, derived.number, derived.line) == ("internal", LINE, "")
    assert [leg.extension for leg in derived.legs] == ["anna"]


def test_an_extension_that_is_a_name_is_no_line_of_ours():
    events = [dials(0, "anna", caller="anna"), gone(3, "anna", caller="anna", **OUT)]
    derived = derive(CallFacts(events))
    assert (derived.number, derived.line, derived.extension) == (CLIENT, "", "anna")


class TestHistoryThatDoesNotOutrank:
    EVENTS, _CALL = CASES["one leg, answered"]

    def row(self, disposition, talk=300, extension="anna"):
        return CallEvent(
            kind=LOGGED, ref="7", received_at=at(9999), direction=INBOUND,
            extension=extension, started=(at(0),), talk=talk, disposition=disposition,
            **PARTIES[INBOUND],
        )  # fmt: skip

    def derive(self, *events):
        return derive(CallFacts(events), history_outranks=False)

    @pytest.mark.parametrize("disposition", [SPOKEN, NO_ANSWER, BUSY, FAILED])
    def test_what_events_tell_of_the_end_counts(self, disposition):
        derived = self.derive(*self.EVENTS, self.row(disposition))
        assert derived == self.derive(*self.EVENTS)
        assert not derived.corrected

    def test_otherwise_history_does(self):
        told = derive(CallFacts([*self.EVENTS, self.row(NO_ANSWER)]))
        assert (told.outcome, told.corrected) == ("missed", True)

    def test_its_rows_end_a_call_whose_end_was_not_told(self):
        derived = self.derive(*self.EVENTS[:2], self.row(SPOKEN, 50))
        assert (derived.state, derived.outcome, derived.talk) == (
            "done",
            "answered",
            50,
        )

    def test_and_say_how_it_went_where_the_release_does_not(self):
        events = [rings(0, "anna"), gone(63, "anna")]
        assert self.derive(*events).outcome == "missed"
        derived = self.derive(*events, self.row(SPOKEN, 50))
        assert (derived.outcome, derived.talk, derived.stop) == (
            "answered",
            50,
            at(63),
        )

    def test_and_how_long_it_was_where_the_end_does_not(self):
        end = event(ENDED, 63, "anna", disposition=SPOKEN)
        derived = self.derive(self.EVENTS[0], end, self.row(SPOKEN, 50))
        assert (derived.talk, derived.extension) == (50, "anna")

    def test_history_alone(self):
        row = self.row(SPOKEN, 50)
        assert self.derive(row) == derive(CallFacts([row]))


EVENTS = st.builds(
    event,
    kind=st.sampled_from(
        [OFFERED, RINGING, DIALLED, ANSWERED, RELEASED, RELEASED, ENDED, LOGGED]
    ),
    seconds=st.integers(-100, 5000),
    extension=st.sampled_from(["", "anna", "ben", "100"]),
    direction=st.sampled_from(list(PARTIES)),
    exact=st.booleans(),
    leg=st.sampled_from(["", "", "a", "b"]),
    talk=st.sampled_from([None, 0, 7, 2**40]),
    disposition=st.sampled_from(["", SPOKEN, BUSY, NO_ANSWER, CANCELLED, FAILED]),
    own_leg=st.sampled_from([False, False, True]),
)


@settings(max_examples=200)
@given(events=st.lists(EVENTS, min_size=1, max_size=8), data=st.data())
def test_order_and_repeats_never_matter(events, data):
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    mixed = data.draw(st.permutations([*events, *again]))
    grown = CallFacts()
    for one in mixed:
        grown = CallFacts.from_json(grown.add([one]).to_json())
    for outranks in (True, False):
        derived = derive(CallFacts(events), outranks)
        assert derive(grown, outranks) == derived
        sound(derived)


@given(case=st.sampled_from(list(CASES)), data=st.data())
def test_each_case_by_receipts_alone_is_a_function_of_the_set(case, data):
    events, _expected = CASES[case]
    late = data.draw(st.lists(st.integers(0, 600), min_size=len(events),
                              max_size=len(events)))  # fmt: skip
    events = [
        CallEvent(**{**vars(one), "at": None, "received_at": at(seconds)})
        for one, seconds in zip(events, late, strict=True)
    ]
    derived = derive(CallFacts(events))
    assert derive(CallFacts(data.draw(st.permutations(events)))) == derived
    sound(derived)
