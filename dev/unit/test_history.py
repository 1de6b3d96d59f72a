"""History decides: what webhooks did not tell, told wrongly, or cannot have timed."""

from datetime import datetime, timedelta

import pytest
from cases import (
    CLIENT,
    IN,
    LINE,
    OUT,
    REC,
    REC_2,
    at,
    dials,
    end,
    out_end,
    picked_up,
    read_all,
    record,
    rings,
)
from cases import answer as answers
from cases import start as begins

from telephony.call import derive
from telephony.event import EXPIRED, LOGGED, CallEvent
from telephony.facts import CallFacts
from telephony.zadarma.events import read_disposition

NIGHT = at(50_000)


def row(extension, said, talk=0, begin=0, **more):
    """A leg as history tells it, fetched at night."""
    told = {
        "kind": LOGGED,
        "ref": IN,
        "received_at": NIGHT,
        "direction": "inbound",
        "caller": CLIENT,
        "called": LINE,
        "started": (at(begin),),
        **more,
    }
    return CallEvent(
        **told,
        extension=extension,
        talk=talk,
        disposition=read_disposition(said),
        said=said,
    )


def row_out(said, talk=0, begin=0, **more):
    told = {"ref": OUT, "direction": "outbound", "caller": "100", "called": CLIENT}
    return row("100", said, talk, begin, **{**told, **more})


def call(webhooks, *rows):
    facts = CallFacts([*read_all(webhooks), *rows])
    assert CallFacts.from_json(facts.to_json()) == facts
    assert derive(CallFacts(reversed(facts.events))) == derive(facts)
    return derive(facts)


RANG = [(1, begins()), (2, rings("100"))]
SPOKE = [*RANG, (8, answers("100")), (70, end("answered", 62, "100"))]
OUTGOING = [(1, dials()), (8, picked_up()), (70, out_end("answered", 62))]


class TestContradictions:
    """What END says of itself is not signed."""

    @pytest.mark.parametrize("told", [34, 60, 61, 63, 64])
    def test_a_talk_that_fits_is_the_one_that_was_told(self, told):
        webhooks = [*SPOKE[:-1], (70, end("answered", told, "100"))]
        found = call(webhooks, row("100", "answered", 62))
        fits = abs(told - 62) <= 2
        assert found.talk == (told if fits else 62)
        assert found.corrected is not fits

    def test_a_longer_talk_is_corrected_and_said(self):
        webhooks = [*SPOKE[:-1], (70, end("answered", 9000, "100"))]
        found = call(webhooks, row("100", "answered", 62))
        assert found.contradictions == (("talk", 9000, 62),)
        assert (found.outcome, found.talk, found.stop) == ("answered", 62, at(70))

    def test_answered_by_nobody_is_missed(self):
        webhooks = [*RANG, (70, end("answered", 62, "100"))]
        found = call(webhooks, row("100", "no answer"))
        assert found.contradictions == (("outcome", "answered", "missed"),)
        assert (found.outcome, found.talk, found.extension) == ("missed", 0, "")
        assert found.disposition == "no answer"
        assert found.answer is None

    def test_missed_and_yet_answered(self):
        found = call(
            [*RANG, (70, end("cancel"))],
            row("100", "answered", 60),
        )
        assert found.contradictions == (("outcome", "missed", "answered"),)
        assert (found.outcome, found.talk, found.extension) == ("answered", 60, "100")
        assert (found.disposition, found.answer) == ("answered", at(10))

    def test_somebody_else_spoke(self):
        webhooks = [*RANG, (70, end("answered", 62, "102"))]
        found = call(webhooks, row("100", "cancel"), row("101", "answered", 62))
        assert found.contradictions == (("extension", "102", "101"),)
        assert found.extension == "101"
        legs = {leg.extension: leg.outcome for leg in found.legs}
        assert legs == {"100": "missed", "101": "answered", "102": ""}

    @pytest.mark.parametrize(
        "said, outcome",
        [
            ("busy", "busy"),
            ("no answer", "no_answer"),
            ("cancel", "cancelled"),
            ("no money", "failed"),
            ("?", "failed"),
        ],
    )
    def test_an_outgoing_call_that_reached_nobody(self, said, outcome):
        found = call(OUTGOING, row_out(said))
        assert found.contradictions == (("outcome", "answered", outcome),)
        assert (found.outcome, found.talk, found.disposition) == (outcome, 0, said)

    def test_without_an_end_there_is_nothing_to_correct(self):
        assert not call(SPOKE[:-1], row("100", "no answer")).corrected

    def test_who_lifted_and_is_not_in_the_history_has_lifted(self):
        """An answer that names one of ours is final, unless history denies it."""
        webhooks = [*SPOKE[:-1], (70, end("answered", 62, "100"))]
        found = call(webhooks, row("", "answered", 5))
        assert (found.outcome, found.extension, found.talk) == ("answered", "100", 62)
        assert not found.corrected


class TestOutcomes:
    @pytest.mark.parametrize(
        "rows, outcome",
        [
            ([("100", "busy")], "busy"),
            ([("100", "busy"), ("101", "busy")], "busy"),
            ([("100", "busy"), ("101", "no answer")], "missed"),
            ([("100", "call failed")], "failed"),
            ([("100", "failed"), ("101", "cancel")], "missed"),
            ([("", "answered")], "missed"),
            ([("100", "no answered")], "missed"),
            ([("", "answered"), ("100", "answered")], "answered"),
            ([("100", "a word of tomorrow")], "failed"),
            ([("", "cancel")], "missed"),
        ],
    )
    def test_of_a_call_from_outside(self, rows, outcome):
        found = call([], *(row(*leg, talk=5) for leg in rows))
        assert found.outcome == outcome
        assert found.talk == (5 if outcome == "answered" else 0)

    def test_of_two_tries_the_one_that_reached_them(self):
        found = call([], row_out("busy"), row_out("answered", 30, 20))
        assert (found.outcome, found.talk) == ("answered", 30)
        found = call([], row_out("busy"), row_out("no answer", 0, 20))
        assert found.outcome == "no_answer"

    def test_our_own_leg_counts_while_nothing_else_is_known(self):
        own = row_out("answered", 66, called="", own_leg=True)
        assert call([], own).talk == 66
        assert call([], own, row_out("busy", 0, 4)).outcome == "busy"
        webhooks = [(5, dials()), (20, out_end("busy"))]
        found = call(webhooks, own)
        assert (found.outcome, found.corrected) == ("busy", False)


class TestTalk:
    @pytest.mark.parametrize(
        "rows, talk",
        [
            # A transfer told under the call's start, or each leg under its own.
            ([("100", 20, 0), ("101", 30, 0)], 50),
            ([("100", 20, 0), ("101", 30, 25)], 50),
            # Spoken to twice.
            ([("100", 20, 0), ("101", 30, 25), ("100", 10, 60)], 60),
            # One leg told while it lasted and when it was over.
            ([("100", 20, 0), ("100", 50, 0)], 50),
            # Or told in two lists, a moment apart, the talk alike or not.
            ([("100", 53, 0), ("100", 53, 2)], 53),
            ([("100", 20, 0), ("100", 50, 2)], 50),
            ([("100", 50, 0), ("100", 20, 2)], 50),
            ([("100", 53, 0), ("100", 53, 2), ("101", 30, 60)], 83),
            # Two that spoke beside each other, for long.
            ([("100", 900, 0), ("101", 800, 50)], 900),
        ],
    )
    def test_of_several_legs(self, rows, talk):
        found = call([], *(row(ext, "answered", s, b) for ext, s, b in rows))
        assert found.talk == talk

    def test_a_recording_told_later_makes_no_second_leg(self):
        once, then = (row("100", "answered", 20, recording=r) for r in ("", REC))
        found = call([], once, then)
        assert (found.talk, found.recordings) == (20, (REC,))

    def test_end_may_tell_the_longest_or_the_sum(self):
        rows = row("100", "answered", 20), row("101", "answered", 30, 25)
        for told in (30, 50):
            over = end("answered", told, "100", last_internal="101")
            found = call([*RANG, (70, over)], *rows)
            assert (found.talk, found.corrected) == (told, False)
            assert found.extension == "101"

    @pytest.mark.parametrize("told, kept", [(50, 50), (62, 62), (63, 63), (90, 50)])
    def test_end_may_count_the_pauses_of_a_transfer(self, told, kept):
        over = end("answered", told, "100", last_internal="101")
        rows = row("100", "answered", 20), row("101", "answered", 30, 30)
        found = call([*RANG, (90, over)], *rows)
        assert (found.talk, found.corrected) == (kept, told != kept)

    def test_unknown_seconds_are_those_of_the_end(self):
        found = call(SPOKE, row("100", "answered", None))
        assert (found.talk, found.corrected) == (62, False)
        assert call([], row("100", "answered", None)).talk == 0


class TestTimes:
    def test_of_history_alone(self):
        found = call([], row("100", "cancel", 0, 3), row("101", "answered", 62, 3))
        assert (found.start, found.answer, found.stop) == (at(3), at(3), at(65))
        assert (found.wait, found.talk, found.last_event_at) == (0, 62, at(65))
        legs = {leg.extension: leg for leg in found.legs}
        assert legs["100"].start == legs["100"].stop == at(3)
        assert legs["100"].answer is None and legs["100"].outcome == "missed"
        assert (legs["101"].answer, legs["101"].stop) == (at(3), at(65))

    def test_told_times_stay(self):
        found = call(SPOKE, row("100", "answered", 62, 2))
        assert (found.start, found.answer, found.stop) == (at(0), at(8), at(70))
        assert found.last_event_at == at(70)

    def test_an_end_that_came_hours_late(self):
        late = [(s, f) for s, f in SPOKE[:-1]] + [(20_000, SPOKE[-1][1])]
        found = call(late, row("100", "answered", 62))
        assert (found.answer, found.stop, found.wait) == (at(8), at(70), 8)

    def test_all_came_hours_late(self):
        late = [(s + 20_000, f) for s, f in SPOKE]
        found = call(late, row("100", "answered", 62))
        assert (found.start, found.answer, found.stop) == (at(0), at(0), at(62))
        assert found.wait == 0

    def test_all_came_too_early(self):
        """A clock was set back."""
        early = [(s - 20_000, f) for s, f in SPOKE]
        found = call(early, row("100", "answered", 62))
        assert (found.start, found.answer, found.stop) == (at(0), at(0), at(62))

    def test_a_missed_call_whose_end_came_late(self):
        found = call([*RANG, (20_000, end("cancel"))], row("100", "cancel"))
        assert (found.stop, found.wait) == (at(0), 0)

    def test_without_history_receipts_are_all_there_is(self):
        late = [*SPOKE[:-1], (20_000, SPOKE[-1][1])]
        assert call(late).stop == at(20_000)

    def test_the_hour_that_autumn_has_twice(self):
        twice = (datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 1, 30))
        told = row("100", "cancel", started=twice)
        assert call([], told).start == twice[1]
        ring = CallEvent(
            "ringing",
            IN,
            twice[0] + timedelta(seconds=3),
            direction="inbound",
            extension="100",
            started=twice,
        )
        assert derive(CallFacts([told, ring])).start == twice[0]

    def test_no_start_at_all(self):
        found = call([], row("100", "answered", 5, started=()))
        assert found.start == NIGHT
        assert call(SPOKE, row("100", "answered", 62, started=())).start == at(0)


class TestOpen:
    """History may tell a part of a call that still goes on."""

    HANDED_ON = [*SPOKE[:-1], (20, rings("101")), (25, answers("101"))]

    def test_it_closes_a_call_whose_end_never_came(self):
        for part in (RANG, SPOKE[:-1], self.HANDED_ON):
            found = call(part, row("100", "answered", 10), row("101", "answered", 9))
            assert (found.state, found.outcome) == ("done", "answered")

    def test_who_still_speaks_keeps_it_open(self):
        soon = {"received_at": at(60)}
        first = row("100", "answered", 10, **soon)
        found = call(self.HANDED_ON, first)
        assert (found.state, found.outcome, found.corrected) == ("ongoing", "", False)
        found = call(self.HANDED_ON, first, row("101", "answered", 300, 20))
        assert (found.state, found.talk, found.extension) == ("done", 310, "101")

    def test_but_not_for_ever(self):
        found = call(self.HANDED_ON, row("100", "answered", 10))
        assert (found.state, found.extension) == ("done", "101")

    def test_a_giving_up_closes_it_with_what_is_known(self):
        first = row("100", "answered", 10, received_at=at(60))
        over = CallEvent(EXPIRED, IN, NIGHT)
        found = call(self.HANDED_ON, first, over)
        assert (found.state, found.outcome) == ("done", "answered")

    def test_an_end_closes_it_whatever_history_knows(self):
        first = row("100", "answered", 10, received_at=at(60))
        over = (90, end("answered", 75, "100", last_internal="101"))
        found = call([*self.HANDED_ON, over], first)
        # The second leg is not in the history yet: nothing is wrong with the end.
        assert (found.state, found.talk, found.corrected) == ("done", 75, False)
        assert found.extension == "101"

    def test_a_group_of_which_one_row_is_told(self):
        rang = [*RANG, (2, rings("101")), (2, rings("102"))]
        assert call(rang, row("100", "answered", 30)).state == "done"
        assert call(rang, row("", "cancel")).outcome == "missed"


def test_recordings_are_those_of_both():
    found = call(
        [*SPOKE, (80, record(REC))],
        row("100", "answered", 62, recording=REC),
        row("101", "cancel", recording=REC_2),
    )
    assert found.recordings == (REC, REC_2)
