"""What a call is: every case, told in its usual order."""

from datetime import timedelta

import cases_inbound
import cases_outbound
import cases_partial
import pytest
from cases import CLIENT, IN, OUT_2, as_expected, at, read_all

from telephony.call import derive
from telephony.event import (
    ANSWERED,
    DIALLED,
    ENDED,
    OFFERED,
    RINGING,
    SPOKEN,
    CallEvent,
    with_known_extensions,
)
from telephony.facts import CallFacts

CASES = [
    *cases_inbound.CASES,
    *cases_partial.CASES,
    *cases_outbound.CASES,
]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_story(case):
    derived = derive(CallFacts(read_all(case.told)))
    assert as_expected(derived) == case.call
    assert derived.last_event_at == at(max(seconds for seconds, _fields in case.told))


def test_stories_have_names_of_their_own():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) > 100


def test_two_ids_are_one_call_named_by_the_part_that_reached_the_client():
    [case] = [s for s in CASES if s.name == "click, two ids"]
    derived = derive(CallFacts(read_all(case.told)))
    assert derived.ref == OUT_2


def test_one_id_is_the_call_s():
    derived = derive(CallFacts(read_all(cases_inbound.CASES[0].told)))
    assert derived.ref == IN


def test_no_facts_are_no_call():
    with pytest.raises(ValueError, match="without any event"):
        derive(CallFacts())


class TestFacts:
    EVENT = CallEvent(ANSWERED, IN, at(5), extension="100")

    def later(self, event, **seconds):
        return CallEvent(ANSWERED, IN, event.received_at + timedelta(**seconds))

    def test_a_repeat_keeps_the_earliest_receipt(self):
        again = CallEvent(ANSWERED, IN, at(9), extension="100")
        assert again == self.EVENT
        for order in ([self.EVENT, again], [again, self.EVENT]):
            facts = CallFacts(order)
            assert [event.received_at for event in facts.events] == [at(5)]
            assert facts == CallFacts([self.EVENT])

    def test_an_earlier_receipt_is_news(self):
        again = CallEvent(ANSWERED, IN, at(3), extension="100")
        assert CallFacts([self.EVENT]).add([again]) != CallFacts([self.EVENT])

    def test_other_contents_are_another_event(self):
        other = CallEvent(ANSWERED, IN, at(5), extension="101")
        assert len(CallFacts([self.EVENT, other])) == 2

    def test_adding_changes_nothing_in_place(self):
        facts = CallFacts([self.EVENT])
        facts.add([CallEvent(ENDED, IN, at(9))])
        assert len(facts) == 1

    def test_what_was_known_as_an_extension_stays_known(self):
        """Whether it was listed when the event came first, or when it came again."""
        dialled = CallEvent(
            DIALLED, IN, at(1), "outbound", "100", "101", extension="100"
        )
        [marked] = with_known_extensions([dialled], {"101"})
        assert marked == dialled
        assert derive(CallFacts([dialled])).direction == "outbound"
        for order in ([dialled, marked], [marked, dialled]):
            facts = CallFacts.from_json(CallFacts(order).to_json())
            assert facts == CallFacts([marked])
            assert derive(facts).direction == "internal"
            # The extension is deleted: nothing is taken away.
            assert CallFacts(with_known_extensions(facts.events, ())) == facts

    def test_what_one_event_says_of_an_extension_counts_for_all(self):
        dialled = CallEvent(
            DIALLED, IN, at(1), "outbound", "100", "101", extension="100"
        )
        rings = CallEvent(RINGING, IN, at(2), "outbound", extension="101")
        together = with_known_extensions([dialled, rings])
        for first, second in ((dialled, rings), (rings, dialled)):
            facts = CallFacts(with_known_extensions([first])).add([second])
            assert CallFacts(with_known_extensions(facts.events)) == CallFacts(together)

    @pytest.mark.parametrize("nothing", [None, [], ()])
    def test_no_json_is_no_facts(self, nothing):
        assert len(CallFacts.from_json(nothing)) == 0


class TestToldTimes:
    """A PBX that tells times to the second is believed, whenever it is heard."""

    EVENTS = [
        CallEvent(OFFERED, "1", at(100), direction="inbound", caller=CLIENT, at=at(0)),
        CallEvent(
            ANSWERED, "1", at(90), direction="inbound", extension="100", at=at(10)
        ),
        CallEvent(
            ENDED,
            "1",
            at(80),
            direction="inbound",
            extension="100",
            disposition=SPOKEN,
            talk=30,
            at=at(41),
        ),
    ]

    def test_they_win_over_receipts(self):
        derived = derive(CallFacts(self.EVENTS))
        assert derived.start == at(0)
        assert derived.answer == at(10)
        assert derived.stop == at(41)
        # Thirty, and not thirty-one: the PBX tells how long they talked.
        assert (derived.wait, derived.talk) == (10, 30)
        assert derived.last_event_at == at(100)

    def test_nothing_is_negative_though_the_told_times_are_odd(self):
        events = [
            CallEvent(OFFERED, "1", at(0), direction="inbound", at=at(500)),
            *self.EVENTS[1:],
        ]
        derived = derive(CallFacts(events))
        assert (derived.wait, derived.talk) == (0, 30)
