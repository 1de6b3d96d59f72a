"""A click is a fact too: what we asked for, until the PBX says anything."""

import pytest
from cases import CLIENT, OUT, at, dials, out_end
from test_history import NIGHT, OUTGOING, call, row_out

from telephony.event import CLICKED, EXPIRED, REFUSED, CallEvent


class TestClicks:
    CLICK = CallEvent(
        CLICKED, "", at(0), "outbound", called=CLIENT, extension="100", at=at(0)
    )
    NO = CallEvent(REFUSED, "", at(2), said="Not enough money")

    def test_it_rings_before_anything_is_told(self):
        found = call([], self.CLICK)
        assert found.ref == ""
        assert (found.state, found.outcome) == ("ringing", "")
        assert (found.direction, found.number, found.line) == ("outbound", CLIENT, "")
        assert (found.extension, found.start) == ("100", at(0))
        assert [leg.extension for leg in found.legs] == ["100"]

    def test_a_refusal_is_its_end(self):
        found = call([], self.CLICK, self.NO)
        assert (found.state, found.outcome) == ("done", "failed")
        assert found.disposition == "Not enough money"
        assert (found.number, found.extension, found.talk) == (CLIENT, "100", 0)

    def test_nothing_followed(self):
        found = call([], self.CLICK, CallEvent(EXPIRED, "", NIGHT))
        assert (found.state, found.outcome) == ("done", "failed")
        assert (found.start, found.stop) == (at(0), None)

    @pytest.mark.parametrize("said", [[], [NO]])
    def test_the_pbx_takes_over(self, said):
        """Also where it had said no, or where its answer was lost."""
        for part in (OUTGOING[:1], OUTGOING[:2], OUTGOING, OUTGOING[1:], OUTGOING[2:]):
            found, alone = call(part, self.CLICK, *said), call(part)
            for name in (
                "ref state outcome disposition number line extension start answer "
                "stop wait talk legs recordings"
            ).split():
                assert getattr(found, name) == getattr(alone, name), name

    def test_it_is_no_second_part_beside_our_own_leg(self):
        own = {"calltype": "callback_leg1", "destination": "100"}
        part = [(1, dials(**own)), (2, out_end("failed", **own))]
        found = call(part, self.CLICK)
        assert (found.state, found.outcome) == ("done", "failed")
        # No webhook told whom it was to reach: we know.
        assert found.number == CLIENT

    def test_history_closes_it(self):
        found = call([], self.CLICK, row_out("answered", 62, 4))
        assert (found.state, found.outcome, found.talk) == ("done", "answered", 62)
        assert (found.start, found.ref) == (at(4), OUT)
        [leg] = found.legs
        assert (leg.start, leg.answer, leg.stop) == (at(4), at(4), at(66))

    def test_that_nothing_was_heard_is_said_until_something_is(self):
        over = CallEvent(EXPIRED, "", at(180), said="Nothing was heard")
        assert call([], self.CLICK, over).disposition == "Nothing was heard"
        assert call(OUTGOING, self.CLICK, over).disposition == "answered"

    def test_the_phone_that_rings_is_named_and_not_the_one_whose_number_is_shown(self):
        """The PBX tells of the extension that "makes" the call."""
        click = CallEvent(
            CLICKED,
            "",
            at(0),
            "outbound",
            caller="105",
            called=CLIENT,
            extension="101",
            at=at(0),
        )
        for count in range(len(OUTGOING) + 1):
            part = OUTGOING[:count]
            told = [(second, {**said, "internal": "105"}) for second, said in part]
            found = call(told, click)
            assert (found.direction, found.extension) == ("outbound", "101")
            assert [leg.extension for leg in found.legs] == ["101"]
            assert found.number == CLIENT
