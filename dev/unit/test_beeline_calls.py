"""What becomes of a call that Beeline tells of, leg by leg."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from beeline_bodies import (
    ACCOUNT,
    ANNA,
    BEELINE,
    BEN,
    CALL,
    CARL,
    DOMAIN,
    LATE,
    LINE,
    PHONES,
    PREVIOUS,
    SIP,
    ZERO,
    A,
    Leg,
    Notice,
    at,
    call_of,
    events_in,
    events_of,
    legs_of,
    ms,
    post,
    without_receipts,
)
from hypothesis import given
from hypothesis import strategies as st

from telephony.beeline import history
from telephony.call import derive
from telephony.event import RECORDED, RELEASED, RINGING, with_known_extensions
from telephony.facts import CallFacts
from telephony.rows import RowGroup, RowlessCall

CLICK = "Click-to-Dial"
UNAVAILABLE = "Temporarily Unavailable"


def essence(call):
    return (
        *(call.state, call.outcome, call.direction),
        *(call.number, call.line, call.extension),
        *(call.start, call.answer, call.stop, call.wait, call.talk),
    )


def answered():
    leg = Leg(ANNA)
    return [leg.begun(), leg.answered(10), leg.released(63.5, answer=10)]


ANSWERED = (
    *("done", "answered", "inbound", A, LINE, "101"),
    *(at(0), at(10), at(63.5), 10, 53),
)


def group():
    rung = [Leg(one) for one in (ANNA, BEN, CARL)]
    anna, ben, carl = rung
    return [
        *(leg.begun() for leg in rung),
        ben.answered(8),
        anna.released(8, by="remoteRelease"),
        carl.released(8, by="remoteRelease"),
        ben.released(40, by="localRelease", answer=8),
    ]


def queue():
    anna, ben = Leg(ANNA), Leg(BEN, start=23)
    return [
        anna.begun(),
        anna.released(18, cause=UNAVAILABLE),
        ben.begun(),
        ben.answered(31),
        ben.released(71, answer=31),
    ]


def click(same_id=False):
    ids = {"call_id": "callhalf-77:0"} if same_id else {}
    own = Leg(ANNA, CLICK, address="tel:+79000000101", start=0, **ids)
    outer = Leg(ANNA, "Originator", start=6, **ids)
    notices = [
        own.begun(),
        own.answered(5),
        outer.begun(),
        outer.answered(14),
        outer.released(50, answer=14),
    ]
    return notices if same_id else [*notices, own.released(50, answer=5)]


def internal():
    anna = Leg(ANNA, "Originator", call_type="Group", address="tel:+79000000102",
               userDN="tel:+79000000102;ext=102")  # fmt: skip
    ben = Leg(BEN, call_type="Group", address="tel:101", line="", start=1)
    return [
        *(anna.begun(), ben.begun()),
        *(ben.answered(7), anna.answered(7)),
        *(ben.released(30, answer=7), anna.released(30, answer=7)),
    ]


def outbound():
    leg = Leg(ANNA, "Originator")
    return [leg.begun(), leg.answered(9), leg.released(70, answer=9)]


STORIES = [answered, group, queue, click, lambda: click(True), internal, outbound]


class TestInbound:
    def test_answered(self):
        call = call_of(*answered())
        assert essence(call) == ANSWERED
        assert legs_of(call) == {"101": (at(0), at(10), at(63.5), "answered")}
        assert call.ref == CALL

    def test_each_event_alone_says_all_that_was_known_by_then(self):
        begun, lifted, over = answered()
        assert essence(call_of(begun))[:6] == ("ringing", "", "inbound", A, LINE, "")
        assert call_of(lifted).state == "ongoing"
        assert essence(call_of(over)) == ANSWERED
        assert essence(call_of(over, begun)) == ANSWERED

    def test_not_lifted(self):
        leg = Leg(ANNA)
        call = call_of(leg.begun(), leg.released(25, by="remoteRelease"))
        assert essence(call) == (
            *("done", "missed", "inbound", A, LINE, ""),
            *(at(0), None, at(25), 25, 0),
        )
        assert call.disposition == "remoteRelease"

    def test_a_group_of_which_one_answers(self):
        call = call_of(*group())
        assert essence(call) == (
            *("done", "answered", "inbound", A, LINE, "102"),
            *(at(0), at(8), at(40), 8, 32),
        )
        assert legs_of(call) == {
            "101": (at(0), None, at(8), "missed"),
            "102": (at(0), at(8), at(40), "answered"),
            "103": (at(0), None, at(8), "missed"),
        }

    def test_a_queue_that_goes_on_to_the_next(self):
        notices = queue()
        between = call_of(*notices[:2])
        assert (between.state, between.outcome) == ("done", "missed")
        assert call_of(*notices[:3]).state == "ringing"
        call = call_of(*notices)
        assert essence(call)[:6] == ("done", "answered", "inbound", A, LINE, "102")
        assert (call.answer, call.talk) == (at(31), 40)
        assert legs_of(call)["101"] == (at(0), None, at(18), "missed")

    def test_busy_is_only_what_is_busy_everywhere(self):
        anna, ben = Leg(ANNA), Leg(BEN, start=2)
        busy = anna.released(1, cause="Busy")
        given_up = call_of(
            anna.begun(), busy, ben.begun(), ben.released(20, by="remoteRelease")
        )
        assert given_up.outcome == "missed"
        assert {leg.extension: leg.outcome for leg in given_up.legs} == {
            "101": "busy", "102": "missed",
        }  # fmt: skip
        both = call_of(anna.begun(), busy, ben.begun(), ben.released(3, cause="busy"))
        assert (both.outcome, both.disposition) == ("busy", "busy")

    @pytest.mark.parametrize("cause", ["Forbidden", "Request Timeout", UNAVAILABLE, ""])
    @pytest.mark.parametrize("by", ["localRelease", "remoteRelease", ""])
    def test_nobody_lifted_is_missed_whatever_the_cause(self, cause, by):
        call = call_of(Leg(ANNA).released(20, cause=cause, by=by))
        assert (call.outcome, call.talk, call.answer) == ("missed", 0, None)

    def test_active_alone_is_not_answered(self):
        leg = Leg(ANNA)
        active = leg.told("CallAnsweredEvent", "Active")
        assert call_of(active).state == "ringing"
        assert call_of(leg.begun(), active, leg.released(9)).outcome == "missed"

    def test_withheld(self):
        leg = Leg(ANNA, address="", privacy="Private")
        call = call_of(leg.begun(), leg.released(9))
        assert (call.direction, call.number, call.line) == ("inbound", "", LINE)

    @pytest.mark.parametrize(
        "remote",
        [
            "<xsi:remoteParty><xsi:privacy/></xsi:remoteParty>",
            "<xsi:remoteParty><xsi:name>Unknown</xsi:name></xsi:remoteParty>",
            "<xsi:remoteParty/>",
            "",
        ],
    )
    def test_withheld_and_nothing_said_of_the_other_end(self, remote):
        leg = Leg(ANNA, address="")
        notices = [leg.begun(), leg.answered(10), leg.released(63.5, answer=10)]
        events = []
        for place, notice in enumerate(notices, start=1):
            text = re.sub("<xsi:remoteParty>.*</xsi:remoteParty>", remote,
                          notice.text())  # fmt: skip
            assert text.count("callType") == 2, "the redirection's alone"
            events += events_in(post(text))
            call = derive(CallFacts(events), False, "GB")
            assert (call.direction, call.number, call.line) == ("inbound", "", LINE)
            assert call.state == ("ringing", "ongoing", "done")[place - 1]
        assert (call.outcome, call.talk, call.extension) == ("answered", 53, "101")

    def test_nothing_said_at_a_colleague_s_end(self):
        """The leg that dialled began before, and says that it is inside."""
        anna, ben = (one.calls[0][0] for one in internal()[:2])
        ben.call_type, ben.address = "", ""
        for notices in permutations([anna.begun(), ben.begun(), ben.answered(7)]):
            call = call_of(*notices)
            assert (call.direction, call.number) == ("internal", "102")

    def test_nor_when_it_began(self):
        leg = Leg(ANNA, address="", call_type="", start=None)
        call = call_of(leg.released(9, answer=4))
        assert (call.direction, call.number, call.line) == ("inbound", "", LINE)
        assert (call.outcome, call.extension) == ("answered", "101")
        assert call_of(leg.released(9)).number == ""

    def test_who_spoke_last_has_it(self):
        anna, ben = Leg(ANNA), Leg(BEN, start=30)
        call = call_of(
            anna.begun(), anna.answered(5), ben.begun(), ben.answered(33),
            anna.released(35, answer=5), ben.released(60, answer=33),
        )  # fmt: skip
        assert (call.extension, call.talk) == ("102", 55)

    def test_a_call_centre_tells_the_caller_elsewhere(self):
        acd = (
            "<xsi:acdCallInfo><xsi:acdName>Sales</xsi:acdName>"
            "<xsi:acdNumber>9000000109</xsi:acdNumber><xsi:waitTime>7</xsi:waitTime>"
            "<xsi:callingPartyInfo><xsi:address>tel:+79000000201</xsi:address>"
            "</xsi:callingPartyInfo></xsi:acdCallInfo>"
        )
        leg = Leg(ANNA, call_type="Group", address="tel:555", line="", acd=acd)
        call = call_of(leg.begun(), leg.answered(4), leg.released(9, answer=4))
        assert essence(call)[:6] == (
            *("done", "answered", "inbound", A, "+79000000109", "101"),
        )

    def test_the_last_of_several_redirections_is_the_line(self):
        leg = Leg(ANNA)
        text = leg.begun().text().replace(
            "<xsi:redirections>",
            "<xsi:redirections><xsi:redirection><xsi:party><xsi:address>tel:"
            "9000000111</xsi:address></xsi:party></xsi:redirection>",
        )  # fmt: skip
        assert {e.called for e in events_in(post(text))} == {LINE}

    def test_an_abonent_nobody_knows_makes_a_leg_by_its_name(self):
        leg = Leg("9000000177@ip.beeline.ru")
        call = call_of(leg.begun(), leg.answered(3), leg.released(9, answer=3))
        assert (call.outcome, call.extension) == ("answered", "9000000177")

    @pytest.mark.parametrize(
        "target, extension",
        [(SIP, "104"), ("9000000102", "102"), ("103", "103"),
         ("9000000101@other.example", "101"), ("SIP00ABCD0104", "104")],
    )  # fmt: skip
    def test_all_names_of_an_abonent(self, target, extension):
        assert {e.extension for e in events_in(Leg(target).begun().post())} == {
            extension
        }


class TestOutbound:
    def test_answered(self):
        assert essence(call_of(*outbound())) == (
            *("done", "answered", "outbound", A, "", "101"),
            *(at(0), at(9), at(70), 9, 61),
        )

    @pytest.mark.parametrize(
        "cause, by, outcome",
        [
            ("Busy", "", "busy"),
            ("Busy", "localRelease", "busy"),
            ("Busy", "remoteRelease", "busy"),
            ("", "localRelease", "cancelled"),
            (UNAVAILABLE, "localRelease", "cancelled"),
            (UNAVAILABLE, "", "no_answer"),
            (UNAVAILABLE, "remoteRelease", "no_answer"),
            ("", "remoteRelease", "no_answer"),
            ("Forbidden", "", "failed"),
            ("Forbidden", "remoteRelease", "failed"),
            ("Something New", "remoteRelease", "failed"),
            ("", "", "failed"),
        ],
    )
    def test_not_reached(self, cause, by, outcome):
        leg = Leg(ANNA, "Originator")
        # The release need not repeat whom it was to.
        notices = [leg.begun(), leg.released(20, cause, by, address="")]
        call = call_of(*notices)
        assert essence(call) == (
            *("done", outcome, "outbound", A, "", "101"),
            *(at(0), None, at(20), 20, 0),
        )
        assert call.disposition == cause or by

    def test_a_colleague_has_the_same_number_as_the_ambulance(self):
        leg = Leg(ANNA, "Originator", address="tel:103")
        notices = [leg.begun(), leg.answered(9), leg.released(70, answer=9)]

        def known(*told):
            events = with_known_extensions(events_of(told), PHONES)
            return derive(CallFacts(events), False, "GB")

        for place in range(3):
            call = known(*notices[: place + 1])
            assert (call.direction, call.number) == ("outbound", "103")
            assert (call.extension, len(call.legs)) == ("101", 1)
        colleague = Leg(ANNA, "Originator", address="tel:103", call_type="Group")
        call = known(colleague.begun())
        assert (call.direction, call.number) == ("internal", "103")

    def test_a_click_to_a_colleague_is_inside(self):
        own, lifted, outer, *_rest = click()
        leg = outer.calls[0][0]
        leg.call_type, leg.address = "Group", "tel:102"
        call = call_of(own, lifted, leg.begun())
        assert (call.direction, call.number) == ("internal", "102")

    def test_a_row_of_the_history_takes_the_ambulance_for_a_colleague(self):
        leg = Leg(ANNA, "Originator", address="tel:103")
        notices = [leg.begun(), leg.answered(9), leg.released(70, answer=9)]
        facts = CallFacts(events_of(notices))
        row = history._statistics_row(
            {
                "startDate": int(ms(0)),
                "abonent": {"userId": ANNA},
                "direction": "OUTBOUND",
                "status": "PLACED",
                "phone_from": "9000000101",
                "phone_to": "103",
                "duration": 61000,
            },
            LATE,
            ACCOUNT,
            history.MILLISECONDS,
        )
        assert RowGroup([row]).claim(RowlessCall(facts)).seconds == 0
        call = derive(facts.add([row]), BEELINE.history_outranks_events, "GB")
        assert essence(call)[:6] == ("done", "answered", "outbound", "103", "", "101")
        other = replace(row, called="102")
        assert RowGroup([other]).claim(RowlessCall(facts)) is None


class TestClick:
    @pytest.mark.parametrize("same_id", [False, True])
    def test_answered(self, same_id):
        notices = click(same_id)
        call = call_of(*notices)
        assert essence(call)[:6] == ("done", "answered", "outbound", A, "", "101")
        assert (call.start, call.answer, call.stop, call.talk) == (
            *(at(0), at(14), at(50), 36),
        )
        assert len(call.legs) == 1

    @pytest.mark.parametrize("same_id", [False, True])
    def test_its_own_phone_alone_tells_no_number(self, same_id):
        own, lifted, *_rest = click(same_id)
        call = call_of(own, lifted)
        assert (call.state, call.number, call.direction) == ("ringing", "", "outbound")
        assert call.answer is None

    @pytest.mark.parametrize("same_id", [False, True])
    def test_the_other_party_is_busy(self, same_id):
        own, lifted, outer, *_rest = click(same_id)
        busy = outer.calls[0][0].released(9, "Busy")
        notices = [own, lifted, outer, busy]
        if not same_id:
            # Our own phone hears it, and hangs up.
            notices.append(own.calls[0][0].released(12, by="localRelease", answer=5))
        call = call_of(*notices)
        assert (call.state, call.outcome, call.number) == ("done", "busy", A)
        assert (call.disposition, call.answer, call.talk) == ("Busy", None, 0)

    @pytest.mark.parametrize("cause", ["Request Timeout", "Busy"])
    def test_our_own_phone_is_silent(self, cause):
        own = Leg(ANNA, CLICK, address="tel:+79000000101")
        call = call_of(own.begun(), own.released(30, cause))
        assert (call.state, call.outcome) == ("done", "cancelled")
        assert (call.disposition, call.number, call.extension) == (cause, "", "101")

    def test_lifted_and_given_up(self):
        own = Leg(ANNA, CLICK, address="tel:+79000000101")
        call = call_of(own.begun(), own.released(8, "", "localRelease", answer=4))
        assert (call.state, call.outcome, call.talk) == ("done", "cancelled", 0)

    @pytest.mark.parametrize(
        "end", [{"by": "localRelease"}, {"by": "remoteRelease"}, {}]
    )
    def test_an_end_that_does_not_say_again_whose_leg_it_is(self, end):
        own = Leg(ANNA, CLICK, address="tel:+79000000101", call_id="callhalf-7:0")
        over = Leg(ANNA, "", address="tel:+79000000101", call_id="callhalf-7:0")
        notices = [own.begun(), own.answered(4), over.released(8, answer=4, **end)]
        for order in permutations(notices):
            call = call_of(*order)
            assert (call.state, call.outcome, call.talk) == ("done", "cancelled", 0)
            assert (call.direction, call.number, call.answer) == ("outbound", "", None)


class TestInternal:
    def test_both_sides_are_one_call(self):
        call = call_of(*internal())
        assert essence(call) == (
            *("done", "answered", "internal", "102", "", "101"),
            *(at(0), at(7), at(30), 7, 23),
        )
        assert {leg.extension for leg in call.legs} == {"101", "102"}

    @pytest.mark.parametrize("target", [ANNA, BEN])
    def test_one_side_alone_says_as_much(self, target):
        call = call_of(*(one for one in internal() if one.target == target))
        assert (call.direction, call.number, call.extension) == (
            *("internal", "102", "101"),
        )
        assert (call.outcome, call.talk) == ("answered", 23)

    @pytest.mark.parametrize(
        "remote",
        [
            {"address": "tel:102"},
            {"address": "tel:+79000000102"},
            {"address": "tel:9000000102"},
            {"address": "", "userId": BEN},
            {"address": "", "userDN": "tel:+79000000102;ext=102"},
            {"address": "", "userDN": "tel:+79000000102"},
        ],
    )
    def test_a_colleague_by_any_name(self, remote):
        leg = Leg(ANNA, "Originator", call_type="Group", **remote)
        call = call_of(leg.begun())
        assert (call.direction, call.number) == ("internal", "102")

    @pytest.mark.parametrize(
        "cause, by, outcome",
        [("Busy", "", "busy"), ("", "localRelease", "cancelled"),
         (UNAVAILABLE, "", "no_answer")],
    )  # fmt: skip
    def test_not_reached(self, cause, by, outcome):
        anna, ben = internal()[:2]
        call = call_of(
            anna, ben, anna.calls[0][0].released(20, cause, by),
            ben.calls[0][0].released(20),
        )  # fmt: skip
        assert (call.direction, call.outcome) == ("internal", outcome)

    def test_a_colleague_in_a_call_from_outside_is_no_caller(self):
        """One leg from outside makes the call one from outside."""
        anna = Leg(ANNA)
        ben = Leg(BEN, call_type="Group", address="tel:101", start=20)
        call = call_of(
            anna.begun(), anna.answered(5), ben.begun(), ben.answered(25),
            anna.released(25, answer=5), ben.released(60, answer=25),
        )  # fmt: skip
        assert (call.direction, call.number, call.extension) == ("inbound", A, "102")


class TestTheSet:
    @pytest.mark.parametrize("story", STORIES)
    def test_any_order(self, story):
        notices = story()
        expected = without_receipts(call_of(*notices))
        for order in list(permutations(notices))[:: 7 if len(notices) > 5 else 1]:
            assert without_receipts(call_of(*order)) == expected

    @given(data=st.data(), story=st.sampled_from(STORIES))
    def test_any_order_repeats_and_spelling(self, data, story):
        notices = story()
        expected = without_receipts(call_of(*notices))
        places = st.integers(0, len(notices) - 1)
        drawn = data.draw(st.lists(places, max_size=5)) + list(range(len(notices)))
        events = []
        for place in data.draw(st.permutations(drawn)):
            number = data.draw(st.integers(0, 99))
            head = {"eventID": f"event-{number}", "sequenceNumber": str(number)}
            if data.draw(st.booleans()):
                head["subscriptionId"] = PREVIOUS
            how = data.draw(
                st.fixed_dictionaries(
                    {"prefix": st.sampled_from(["xsi", "", "x", "bw"]),
                     "type_prefix": st.sampled_from(["xsi1", "i"]),
                     "types": st.booleans()},
                )
            )  # fmt: skip
            request = notices[place].told_again(**head).post(**how)
            events += events_in(request, received_at=LATE)
        call = derive(CallFacts(events), False, "GB")
        assert without_receipts(call) == expected

    def test_which_way_of_two_legs_that_began_at_once(self):
        """It is inbound, unless our own leg was there before; see the contract."""
        other = {"address": "tel:+79000000202"}
        rings, dials = Leg(ANNA).begun(), Leg(ANNA, "Originator", **other).begun()
        before = Leg(ANNA, "Originator", start=-1, **other).begun()
        for order in permutations([rings, dials]):
            call = call_of(*order)
            assert (call.direction, call.number) == ("inbound", A)
        for order in permutations([rings, before]):
            assert call_of(*order).direction == "outbound"

    def test_a_part_of_the_facts_is_never_a_crash(self):
        for story in STORIES:
            notices = story()
            for size in range(1, len(notices)):
                for begin in range(len(notices) - size + 1):
                    assert call_of(*notices[begin : begin + size]).ref == CALL

    def test_which_event_number_it_was_is_no_fact(self):
        notices = answered()
        again = [n.told_again(eventID="other", sequenceNumber="3") for n in notices]
        once, twice = (CallFacts(events_of(x)) for x in (notices, [*notices, *again]))
        assert len(once) == len(twice)

    def test_the_latest_state_of_a_leg_counts_and_not_the_latest_receipt(self):
        notices = answered()
        call = call_of(notices[2], notices[1], notices[0])
        assert essence(call) == ANSWERED


class TestWhatIsRead:
    def test_states_and_times_count_and_the_type_is_a_hint(self):
        leg = Leg(ANNA)
        for kind in ("CallUpdatedEvent", "CallHeldEvent", "CallTransferredEvent", "X"):
            over = leg.told(kind, "Released", answer=10, release=63.5)
            assert essence(call_of(leg.told(kind, "Alerting"), over)) == ANSWERED

    def test_a_release_without_a_state(self):
        text = Leg(ANNA).released(9).text()
        text = text.replace("<xsi:state>Released</xsi:state>", "")
        kinds = {e.kind for e in events_in(post(text))}
        assert kinds == {RINGING, RELEASED}

    def test_several_legs_in_one_event(self):
        anna, ben = Leg(ANNA), Leg(ANNA, call_id="callhalf-2:0", start=3)
        notice = Notice(
            "CallSubscriptionEvent", [(anna, "Alerting", {}), (ben, "Alerting", {})]
        )
        delivery = BEELINE.check(notice.post(), ACCOUNT)
        assert (delivery.ref, delivery.further) == (CALL, ())
        assert len({e.leg for e in events_in(notice.post())}) == 2

    def test_several_calls_in_one_event_are_several_deliveries(self):
        one, other = Leg(ANNA, call="call-1"), Leg(ANNA, call="call-2")
        calls = [(one, "Active", {"answer": 4}), (other, "Alerting", {})]
        delivery = BEELINE.check(Notice("CallUpdatedEvent", calls).post(), ACCOUNT)
        [further] = delivery.further
        assert (delivery.ref, further.ref) == ("call-1", "call-2")
        assert delivery.digest != further.digest
        for one in (delivery, further):
            read = BEELINE.read(one, LATE, ACCOUNT)
            assert {e.ref for e in read} == {one.ref}

    def test_without_a_tracking_id_the_call_s_own_counts(self):
        leg = Leg(ANNA, call="", call_id="callhalf-5:0")
        delivery = BEELINE.check(leg.begun().post(), ACCOUNT)
        assert delivery.ref == "callhalf-5:0"

    @pytest.mark.parametrize(
        "kind", ["HookStatusEvent", "CallReleasingEvent", "CallSubscriptionEvent", "X"]
    )
    def test_what_is_about_no_call_is_kept_and_ignored(self, kind):
        delivery = BEELINE.check(Notice(kind).post(), ACCOUNT)
        assert (delivery.event_type, delivery.ref) == (kind, "")
        assert BEELINE.read(delivery, LATE, ACCOUNT) == []
        assert delivery.payload["eventID"]

    def test_recorded(self):
        leg = Leg(ANNA)
        notices = [leg.begun(), leg.answered(10),
                   leg.released(60, answer=10, recorded=True)]  # fmt: skip
        assert call_of(*notices).recordings == (f"{CALL}/{ANNA}",)
        [recorded] = [e for e in events_of(notices) if e.kind == RECORDED]
        assert recorded.extension == "101"

    def test_nothing_is_recorded_of_who_did_not_speak(self):
        for leg in (Leg(ANNA), Leg(ANNA, CLICK)):
            assert not call_of(leg.released(60, recorded=True)).recordings
        own = Leg(ANNA, CLICK).released(60, answer=4, recorded=True)
        assert not call_of(own).recordings

    def test_recorded_by_whom_it_is_whatever_the_domain(self):
        other = ANNA.replace(DOMAIN, "mpbx.example")
        over = Leg(other).released(60, answer=10, recorded=True)
        assert call_of(over).recordings == (f"{CALL}/{ANNA}",)
        stranger = f"9000000177@{DOMAIN}"
        over = Leg(stranger).released(60, answer=10, recorded=True)
        assert call_of(over).recordings == (f"{CALL}/{stranger}",)

    def test_recorded_says_the_release_and_answered_another(self):
        leg = Leg(ANNA)
        notices = [leg.begun(), leg.answered(10), leg.released(60, recorded=True)]
        for order in permutations(notices):
            assert call_of(*order).recordings == (f"{CALL}/{ANNA}",)
        # Another leg's answer says nothing of this one.
        assert not call_of(leg.released(60, recorded=True), Leg(BEN).answered(5),
                           Leg(BEN).released(60, answer=5)).recordings  # fmt: skip

    @pytest.mark.parametrize(
        "abonent",
        [
            {"extension": "101"},
            {"phone": "9000000101"},
            {"userId": ANNA, "extension": "101"},
        ],
    )
    def test_a_row_of_what_was_recorded_names_no_other(self, abonent):
        row = {
            "id": "7002", "externalId": CALL, "callId": "h", "phone": "9000000201",
            "direction": "INBOUND", "date": int(ms(0)), "duration": 50000,
            "abonent": abonent,
        }  # fmt: skip
        logged = history._record(row, LATE + timedelta(hours=1), ACCOUNT)
        told = events_of([Leg(ANNA).released(60, answer=10, recorded=True)])
        facts = CallFacts([*told, logged])
        assert derive(facts, False, "GB").recordings == (f"{CALL}/{ANNA}",)
        # What was named otherwise before stays as it was, and is not doubled.
        for known in ("7002", f"{CALL}/9000000101@mpbx.example"):
            before = replace(logged, recording=known, received_at=ZERO)
            for order in permutations([*told, logged, before]):
                facts = CallFacts()
                for one in order:
                    facts = facts.add([one])
                assert derive(facts, False, "GB").recordings == (known,)
                assert {e.recording for e in facts.events} == {"", known}

    @pytest.mark.parametrize(
        "written, number",
        [
            ("tel:+79000000201", A),
            ("tel:9000000201", A),
            ("89000000201", A),
            ("79000000201", A),
            ("sip:+79000000201@ip.beeline.ru;user=phone", A),
            ("tel:+442079460201", "+442079460201"),
            ("tel:+7 (900) 000-02-01;ext=12", A),
            ("tel:4951234567", "+74951234567"),
            ("tel:112", "112"),
            ("tel:anonymous", ""),
            ("sip:SIP00ABCD0104@ip.beeline.ru", ""),
            ("tel:", ""),
        ],
    )
    def test_numbers_are_those_of_russia(self, written, number):
        [event] = events_in(Leg(ANNA, address=written).begun().post())
        assert event.caller == number

    @pytest.mark.parametrize("start", ["", "0", "-5", "soon", "9" * 30, "1e9", "99"])
    def test_no_time_is_a_time_of_receipt(self, start):
        text = Leg(ANNA).begun().text()
        text = text.replace("1790000000000", start)
        [event] = events_in(post(text))
        assert (event.kind, event.at, event.when) == (RINGING, None, LATE)
