"""Recorded posts of a real Asterisk, against what the telephones themselves saw."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.asterisk import events as asterisk
from telephony.call import derive, has_left, is_with_the_pbx, result_of_leg
from telephony.dialect import Account
from telephony.event import CLICKED, EXPIRED, CallEvent
from telephony.facts import CallFacts

DATA = Path(__file__).parent / "data" / "asterisk"
RECORDED = {path.stem: json.loads(path.read_text()) for path in DATA.glob("*.json")}
# Those of one call.
STORIES = {name: story for name, story in RECORDED.items() if "truth" in story}
ACCOUNT = Account(country="GB")
SHOWN = "+442079460900"
EPOCH = datetime(1970, 1, 1)
# Two of our legs may end, and two clocks be read, in so many seconds.
CLOSE = 1.0


def moment(seconds):
    return EPOCH + timedelta(seconds=seconds) if seconds else None


def read(posts, received=None):
    """Return the events of raw posts, each received at its time, or a second apart."""
    found = []
    for place, post in enumerate(posts):
        at = received[place] if received else 2_000_000_000 + place
        fields = dict(parse_qsl(post, keep_blank_values=True))
        found += asterisk.read(fields, moment(at), ACCOUNT)
    return found


def grouped(events):
    """Return the list of lists of events that are of one call, as the log joins them.

    Those of one id, and those of one leg, are of one call.
    """
    groups = []
    for event in events:
        names = {event.ref, event.leg, *event.other_legs} - {""}
        joined = [group for group in groups if group[0] & names]
        groups = [group for group in groups if not group[0] & names]
        own = [event, *(one for group in joined for one in group[1])]
        groups.append((names.union(*(group[0] for group in joined)), own))
    return [own for _names, own in groups]


def call_of(events, also=()):
    [own] = grouped(events)
    return derive(CallFacts([*own, *also]), country="GB")


def of_odoo(story):
    """Return what Odoo itself knows: what it asked for, that Asterisk died."""
    truth, known = story["truth"], []
    if truth["ref"]:
        asked = CallEvent(
            CLICKED,
            truth["ref"],
            moment(truth["start"]),
            at=moment(truth["start"]),
            extension=truth["extension"] or "201",
            called=truth["number"],
        )
        known.append(asked)
    if story["story"] == "killed":
        known.append(CallEvent(EXPIRED, "", moment(2_000_000_000)))
    return known


def near(one, other):
    if one is None or other is None:
        return one is other
    return abs((one - other).total_seconds()) <= CLOSE


@pytest.mark.parametrize("name", sorted(STORIES))
def test_call_is_what_the_telephones_saw(name):
    story = STORIES[name]
    events = read(story["posts"], story["received"])
    truth, call = story["truth"], call_of(events, of_odoo(story))
    assert call.state == "done"
    assert (call.direction, call.outcome) == (truth["direction"], truth["outcome"])
    assert call.extension == truth["extension"]
    assert call.number == truth["number"]
    if truth["direction"] == "inbound":
        assert call.line == truth["line"]
    elif truth["direction"] == "outbound":
        # What the dialplan shows to those who are called, as soon as it has set it.
        posts = map(unquote, story["posts"])
        was_dialled = any("PJSIP/carrier" in post for post in posts)
        assert call.line == (SHOWN if was_dialled else "")
    # When Asterisk died nobody knows.
    times = ("start", "answer") if name == "killed" else ("start", "answer", "stop")
    for field in times:
        assert near(getattr(call, field), moment(truth[field])), field
    assert abs(call.talk - truth["talk"]) <= CLOSE
    assert {leg.extension for leg in call.legs} == {
        leg["extension"] for leg in truth["legs"]
    }
    spoke = {leg.extension for leg in call.legs if leg.answer}
    if truth["extension"] and truth["direction"] == "inbound":
        assert truth["extension"] in spoke


@pytest.mark.parametrize("name", sorted(STORIES))
@settings(max_examples=20)
@given(data=st.data())
def test_any_order_and_any_repeat_give_the_same_call(name, data):
    events = read(STORIES[name]["posts"])
    shuffled = data.draw(st.permutations(events))
    repeated = data.draw(st.lists(st.sampled_from(events)))
    # What is added bit by bit is folded bit by bit.
    [own] = grouped([*shuffled, *repeated])
    facts = CallFacts()
    for event in own:
        facts = CallFacts.from_json(facts.add([event]).to_json())
    assert facts == CallFacts(events)
    assert derive(facts, country="GB") == call_of(events)


@pytest.mark.parametrize("name", sorted(STORIES))
def test_every_beginning_of_a_call_can_be_derived(name):
    events = read(STORIES[name]["posts"])
    for length in range(1, len(events) + 1):
        for own in grouped(events[:length]):
            call = derive(CallFacts(own), country="GB")
            assert call.state in ("ringing", "ongoing", "done")


def test_who_hands_a_call_on_is_out_of_it():
    """Until somebody lifts it is nobody's, and then the other one's."""
    events, seen = read(STORIES["transfer"]["posts"]), []
    for length in range(1, len(events) + 1):
        facts = CallFacts(events[:length])
        call = derive(facts, country="GB")
        if call.state == "ongoing":
            seen.append((call.extension, has_left(facts, call.extension)))
    assert list(dict.fromkeys(seen)) == [
        ("201", False),
        ("201", True),
        ("202", False),
        ("202", True),
    ]


def another_day(posts):
    """The same posts as of other calls: Asterisk's ids begin with the time."""
    return [post.replace("17959", "17969") for post in posts]


@pytest.mark.parametrize(
    "name", sorted(name for name, one in STORIES.items() if not one["truth"]["ref"])
)
def test_a_second_one_is_a_call_of_its_own(name):
    posts = STORIES[name]["posts"]
    first, second = read(posts), read(another_day(posts))
    assert not {event.ref for event in first} & {event.ref for event in second}
    one, other = grouped([*first, *second])
    assert (len(one), len(other)) == (len(first), len(second))


def test_legs_in_no_bridge_do_not_hear_each_other():
    events = [replace(event, bridge="") for event in read(STORIES["answered"]["posts"])]
    call = call_of(events)
    assert (call.state, call.outcome, call.talk) == ("done", "missed", 0)


def test_a_call_whose_end_never_came():
    story = STORIES["answered"]
    events = [
        event
        for event in read(story["posts"], story["received"])
        if event.kind not in ("left", "released", "ended")
    ]
    expired = CallEvent(EXPIRED, events[0].ref, moment(2_000_000_000))
    call = derive(CallFacts([*events, expired]), country="GB")
    assert (call.state, call.outcome, call.talk) == ("done", "answered", 0)
    assert call.extension == "201"


@pytest.mark.parametrize("name", sorted(set(STORIES) - {"killed"}))
def test_a_call_that_was_closed_too_early_is_right_when_its_end_comes(name):
    story = STORIES[name]
    events = read(story["posts"], story["received"])
    known = of_odoo(story)
    for received in story["received"]:
        at = moment(received + 70)
        expired = CallEvent(EXPIRED, events[0].ref, at, at=at)
        closed, whole = call_of(events, [*known, expired]), call_of(events, known)
        assert replace(closed, last_event_at=whole.last_event_at) == whole


class TestLongQueue:
    """Ten phones are rung every five seconds, for two thousand events and more."""

    def rounds(self, count):
        line = {"id": "1700000000.0", "chan": "PJSIP/carrier-00000000"}
        yield {**line, "event": "CHAN_START", "leg": "1700000000.0",
               "time": "1700000000.000", "num": "02079460201",
               "exten": "02079460900"}  # fmt: skip
        yield {**line, "event": "ANSWER", "leg": "1700000000.0",
               "time": "1700000000.100", "num": "02079460201"}  # fmt: skip
        serial = 0
        for number in range(count):
            for phone in range(10):
                serial += 1
                leg = {
                    "id": "1700000000.0",
                    "leg": f"1700000000.{serial}",
                    "chan": f"PJSIP/{201 + phone}-{serial:08x}",
                }
                began = 1700000001 + 5 * number
                yield {**leg, "event": "CHAN_START", "time": f"{began}.{phone:03}",
                       "num": str(201 + phone), "exten": "s"}  # fmt: skip
                cause = 17 if phone == 0 else 0
                yield {**leg, "event": "HANGUP", "time": f"{began + 4}.{phone:03}",
                       "extra": json.dumps({"hangupcause": cause})}  # fmt: skip

    def events(self, count):
        return [
            event
            for place, fields in enumerate(self.rounds(count))
            for event in asterisk.read(fields, moment(1700000000 + place), ACCOUNT)
        ]

    def test_facts_stay_few(self):
        facts = CallFacts(self.events(100))
        assert len(self.events(100)) > 2000
        assert len(facts) < 100

    @given(data=st.data())
    def test_folding_in_any_order_comes_to_the_same(self, data):
        events = self.events(6)
        shuffled = data.draw(st.permutations(events))
        cut = data.draw(st.integers(0, len(events)))
        folded = CallFacts(shuffled[:cut]).add(shuffled[cut // 2 :])
        assert folded == CallFacts(events)

    def test_the_call_is_as_without_folding(self):
        events = self.events(100)
        call = derive(CallFacts(events), country="GB")
        assert (call.state, call.direction, call.line) == (
            "ringing", "inbound", "+442079460900",
        )  # fmt: skip
        first = call.legs[0]
        assert first.start == moment(1700000001)
        assert first.stop == moment(1700000000 + 5 * 99 + 5)
        assert len(call.legs) == 10

    def test_a_phone_that_lifts_late(self):
        """Its answer comes by a replay, when later rounds have superseded the leg."""
        events = self.events(50)
        leg = {"id": "1700000000.0", "leg": "1700000000.25", "num": "205"}
        line = {"id": "1700000000.0", "leg": "1700000000.0"}
        trunk, phone = "PJSIP/carrier-00000000", "PJSIP/205-00000019"
        bridge = json.dumps({"bridge_id": "b"})
        late = [
            {**leg, "event": "ANSWER", "time": "1700000013.000", "chan": phone},
            {**leg, "event": "BRIDGE_ENTER", "time": "1700000013.000", "chan": phone,
             "extra": bridge},
            {**line, "event": "BRIDGE_ENTER", "time": "1700000013.000", "chan": trunk,
             "extra": bridge},
            {**leg, "event": "BRIDGE_EXIT", "time": "1700000014.000", "chan": phone,
             "extra": bridge},
        ]  # fmt: skip
        late = [
            event
            for fields in late
            for event in asterisk.read(fields, moment(1800000000), ACCOUNT)
        ]
        one = CallFacts(events).add(late)
        other = CallFacts(late).add(events)
        assert one == other
        call = derive(one, country="GB")
        assert (call.extension, call.talk) == ("205", 1)


@pytest.mark.parametrize("name", ["click", "click_busy"])
def test_a_click_that_is_not_odoos_tells_whom_it_called(name):
    """Another program had the phone rung: only the leg outside tells the number."""
    story = STORIES[name]
    call = call_of(read(story["posts"]))
    assert (call.direction, call.number) == ("outbound", story["truth"]["number"])
    assert (call.outcome, call.extension) == (story["truth"]["outcome"], "201")


def with_the_pbx(name):
    """Return the moments of a story, as places of posts, in which that is so."""
    posts = STORIES[name]["posts"]
    return [
        place
        for place in range(1, len(posts) + 1)
        if is_with_the_pbx(CallFacts(read(posts[:place])))
    ]


def test_the_voicemail_lifts_when_our_phones_have_rung_in_vain():
    posts = [
        dict(parse_qsl(post, keep_blank_values=True))
        for post in STORIES["voicemail"]["posts"]
    ]
    lifts = next(n for n, post in enumerate(posts) if post["event"] == "ANSWER")
    assert with_the_pbx("voicemail")[0] == lifts + 1
    assert len(posts) not in with_the_pbx("voicemail"), "it is over"


# A menu and a queue lift before any phone rings, and it rings again.
@pytest.mark.parametrize(
    "name", ["answered", "group", "menu", "queue", "queue_rounds", "queue_given_up"]
)
def test_somebody_of_ours_may_still_lift(name):
    assert not with_the_pbx(name)


class TestClick:
    """Clicks that meet nobody outside; as a real Asterisk posts them."""

    OWN = "odoo-1"

    def posted(self, event, second, leg=OWN, phone="201", **extra):
        return {
            "event": event,
            "id": self.OWN,
            "leg": leg,
            "time": f"{1790000000 + second}.000",
            "chan": f"PJSIP/{phone}-00000001",
            "exten": "s",
            "extra": json.dumps(extra),
        }

    def click(self, called, *posts, known=()):
        asked = CallEvent(
            CLICKED, self.OWN, moment(1790000000), extension="201", called=called
        )
        asked = replace(asked, at=asked.received_at, known_extensions=tuple(known))
        events = [asked]
        for post in posts:
            events += asterisk.read(post, moment(1790000060), ACCOUNT)
        return derive(CallFacts(events), country="GB")

    def lifted(self, called, cause, known=(), source="dialplan/builtin"):
        """Our own phone was lifted, and no other one was ever rung."""
        return self.click(
            called,
            self.posted("CHAN_START", 0),
            self.posted("ANSWER", 1),
            self.posted("HANGUP", 3, hangupcause=cause, hangupsource=source),
            self.posted("LINKEDID_END", 3),
            known=known,
        )

    # No route, no such extension in the dialplan.
    @pytest.mark.parametrize("cause", [3, 0])
    def test_the_pbx_has_no_way(self, cause):
        call = self.lifted("+442079460201", cause)
        assert (call.direction, call.outcome) == ("outbound", "failed")

    def test_the_colleagues_phone_is_offline(self):
        call = self.lifted("203", 3, known=("203",))
        assert (call.direction, call.outcome) == ("internal", "failed")

    def test_the_colleagues_voicemail_answers(self):
        call = self.lifted("203", 16, known=("203",), source="PJSIP/201-00000001")
        assert (call.direction, call.outcome, call.talk) == ("internal", "answered", 0)

    def test_we_hang_up_before_anything_rings(self):
        assert self.lifted("+442079460201", 16).outcome == "cancelled"

    def test_nobody_speaks_because_our_own_phone_is_lifted(self):
        started, lifted = self.posted("CHAN_START", 0), self.posted("ANSWER", 1)
        call = self.click("203", started, lifted, known=("203",))
        assert (call.direction, call.state) == ("internal", "ringing")

    def test_a_number_that_rings_colleagues(self):
        """``600`` is nobody's own number: that it is inside, the phones say."""
        other, bridge = {"leg": "1.2", "phone": "202"}, {"bridge_id": "one"}
        call = self.click(
            "600",
            self.posted("CHAN_START", 0),
            self.posted("ANSWER", 1),
            self.posted("CHAN_START", 1, **other),
            self.posted("ANSWER", 2, **other),
            self.posted("BRIDGE_ENTER", 2, **other, **bridge),
            self.posted("BRIDGE_ENTER", 2, **bridge),
            self.posted("HANGUP", 7, hangupcause=16),
            self.posted("HANGUP", 7, **other, hangupcause=16),
            self.posted("LINKEDID_END", 7),
        )
        assert (call.direction, call.outcome, call.talk) == ("internal", "answered", 5)
        assert (call.number, call.extension) == ("600", "201")


class Told:
    """Posts of one call, each `(second, event, leg)` with what else it tells.

    :var dict legs: `{leg: channel}`; the first one begins the call.
    """

    def __init__(self, **legs):
        self.legs, self.first = legs, next(iter(legs))
        self.events = []

    def __call__(self, second, event, leg, num="", exten="s", ref="", **extra):
        fields = {
            "event": event,
            "id": ref or self.first,
            "leg": leg,
            "time": f"{1790000000 + second:.3f}",
            "chan": self.legs[leg],
            "num": num,
            "exten": exten,
            "extra": json.dumps(extra),
        }
        received = moment(1790000000 + second)
        self.events += asterisk.read(fields, received, ACCOUNT)
        return self

    def enter(self, second, *legs, bridge="one"):
        for leg in legs:
            self(second, "BRIDGE_ENTER", leg, bridge_id=bridge)
        return self

    def hang_up(self, second, *legs, cause=16, bridge="", **extra):
        for leg in legs:
            if bridge:
                self(second, "BRIDGE_EXIT", leg, bridge_id=bridge)
            self(second, "HANGUP", leg, hangupcause=cause, **extra)
        return self

    @property
    def call(self):
        return derive(CallFacts(self.events), country="GB")


CARRIER, ANNA, BORIS = (f"PJSIP/{name}-00000001" for name in ("carrier", "201", "202"))


class TestTwoContacts:
    """The phone and the app of one person ring at once, as one endpoint."""

    def ringing(self):
        told = Told(line=CARRIER, desk=ANNA, app="PJSIP/201-00000002")
        told(0, "CHAN_START", "line", num="02079460201", exten="02079460900")
        told(0, "CHAN_START", "desk")(0.1, "CHAN_START", "app")
        return told

    def talking(self, lifts, other):
        told = self.ringing()(2, "ANSWER", lifts)(2, "ANSWER", "line")
        told.hang_up(2, other, cause=26)
        return told.enter(2, "line", lifts)

    @pytest.mark.parametrize(("lifts", "other"), [("desk", "app"), ("app", "desk")])
    def test_who_talks_is_not_free(self, lifts, other):
        told = self.talking(lifts, other)
        [leg] = told.call.legs
        assert (told.call.state, leg.answer, leg.stop) == (
            "ongoing", moment(1790000002), None,
        )  # fmt: skip
        told.hang_up(9, lifts, "line", bridge="one")
        [leg] = told.call.legs
        assert (told.call.state, leg.stop) == ("done", moment(1790000009))
        assert told.call.talk == 7

    @pytest.mark.parametrize("refuses", ["desk", "app"])
    def test_one_refuses_and_the_other_rings_on(self, refuses):
        told = self.ringing().hang_up(1, refuses, cause=17)
        [leg] = told.call.legs
        assert (told.call.state, leg.stop, leg.outcome) == ("ringing", None, "")

    @pytest.mark.parametrize(("lifts", "other"), [("desk", "app"), ("app", "desk")])
    def test_after_rounds_of_a_queue(self, lifts, other):
        told = self.ringing().hang_up(1, "desk", "app", cause=0)
        for number in range(1, 6):
            again = {f"{leg}{number}": told.legs[leg] for leg in ("desk", "app")}
            told.legs.update(again)
            for leg in again:
                told(5 * number, "CHAN_START", leg)
            if number < 5:
                told.hang_up(5 * number + 4, *again, cause=0)
        told(27, "ANSWER", f"{lifts}5").hang_up(27, f"{other}5", cause=26)
        told.enter(27, "line", f"{lifts}5")
        [leg] = told.call.legs
        assert (told.call.state, leg.stop) == ("ongoing", None)


class TestFromAPipe:
    """Another program has a phone rung as ``Local/201@from-internal``; as recorded."""

    def told(self, **legs):
        half = "Local/201@from-internal-00000001"
        pipe = {"one": f"{half};1", "two": f"{half};2"}
        told = Told(**pipe, phone=ANNA, line=CARRIER, **legs)
        told(0, "CHAN_START", "one", exten="201")
        return told(0, "CHAN_START", "two", exten="201")

    def lifted(self):
        told = self.told()(0, "CHAN_START", "phone", num="201")
        told(1, "ANSWER", "phone", num="201").enter(1, "phone", "two")
        return told(1, "CHAN_START", "line")

    def test_the_customer_answers(self):
        told = self.lifted()
        assert told.call.direction == "outbound"
        told(3, "ANSWER", "line", num="442079460100")
        told.enter(3, "line", "one", bridge="another")
        told.hang_up(9, "line", "one", bridge="another")
        told.hang_up(9, "two", "phone", bridge="one")(9, "LINKEDID_END", "line")
        call = told.call
        assert (call.direction, call.outcome) == ("outbound", "answered")
        assert (call.number, call.extension) == ("+442079460100", "201")
        assert (call.answer, call.talk) == (moment(1790000003), 6)

    def test_the_customer_is_busy(self):
        told = self.lifted().hang_up(2, "line", cause=17, num="442079460100")
        told.hang_up(2, "two", "phone", bridge="one")(2, "LINKEDID_END", "phone")
        call = told.call
        assert (call.direction, call.outcome) == ("outbound", "busy")
        assert (call.number, call.extension) == ("+442079460100", "201")

    def test_the_phone_refuses(self):
        told = self.told()(0, "CHAN_START", "phone", num="201")
        told.hang_up(1, "phone", "one", "two", cause=17)(1, "LINKEDID_END", "two")
        call = told.call
        assert (call.direction, call.outcome) == ("internal", "failed")
        assert (call.number, call.extension) == ("", "201")

    def test_of_several_phones_the_one_that_lifts_calls(self):
        told = self.told(other=BORIS)(0, "CHAN_START", "phone", num="201")
        told(0, "CHAN_START", "other", num="202")(1, "ANSWER", "other")
        told.hang_up(1, "phone", cause=26).enter(1, "other", "two")
        assert told.call.extension == "202"

    def test_the_customer_is_called_first_and_does_not_lift(self):
        told = self.told()(0, "CHAN_START", "line")
        told.hang_up(9, "line", cause=19, num="442079460100")
        told(9, "LINKEDID_END", "one")(9, "LINKEDID_END", "line")
        call = told.call
        assert (call.direction, call.outcome) == ("outbound", "no_answer")
        assert (call.number, call.line) == ("+442079460100", "")

    def test_nothing_but_pipes_is_no_call(self):
        told = self.told().hang_up(1, "one", "two")(1, "LINKEDID_END", "two")
        assert told.events == []


class TestWithinAMillisecond:
    """A leg enters a bridge and leaves it at times that Asterisk tells as one."""

    def ringing(self):
        told = Told(line=CARRIER, anna=ANNA, boris=BORIS)
        told(0, "CHAN_START", "line", num="02079460201", exten="02079460900")
        for leg in ("anna", "boris"):
            told(0, "CHAN_START", leg)(1, "ANSWER", leg)
        return told(1, "ANSWER", "line")

    def left(self, told, second, leg):
        return told(second, "BRIDGE_EXIT", leg, bridge_id="one")

    def test_who_came_and_left_at_once_spoke_with_nobody(self):
        told = self.ringing().enter(2, "line", "boris", "anna")
        self.left(told, 2, "anna")
        told.hang_up(9, "line", "boris", bridge="one")
        call = told.call
        assert (call.extension, call.talk) == ("202", 7)
        assert {leg.extension: leg.outcome for leg in call.legs}["202"] == "answered"
        assert not next(leg.answer for leg in call.legs if leg.extension == "201")

    def test_who_left_and_came_again_stayed(self):
        told = self.ringing().enter(2, "line", "anna")
        self.left(told, 4, "anna").enter(4, "anna")
        assert told.call.state == "ongoing"
        told.hang_up(9, "line", "anna", bridge="one")
        assert (told.call.extension, told.call.talk) == ("201", 7)

    def test_who_came_and_was_hung_up_at_once_spoke_with_nobody(self):
        told = self.ringing().enter(2, "line", "boris", "anna").hang_up(2, "anna")
        told.hang_up(9, "line", "boris", bridge="one")
        assert (told.call.extension, told.call.talk) == ("202", 7)


def test_who_only_rang_in_an_internal_call_did_not_answer():
    carla = "PJSIP/203-00000001"
    told = Told(anna=ANNA, boris=BORIS, carla=carla)
    told(0, "CHAN_START", "anna", num="201", exten="320")
    told(0, "CHAN_START", "boris")(0, "CHAN_START", "carla")
    told(2, "ANSWER", "carla").hang_up(2, "boris", cause=26)
    told(2, "ANSWER", "anna").enter(2, "carla", "anna")
    told.hang_up(9, "anna", "carla", bridge="one")
    call = told.call
    assert (call.direction, call.outcome, call.extension) == (
        "internal", "answered", "201",
    )  # fmt: skip
    assert {leg.extension: result_of_leg(call, leg) for leg in call.legs} == {
        "201": "answered", "202": "elsewhere", "203": "answered",
    }  # fmt: skip


class TestInsideAndOutside:
    """A phone of ours dials inside, and a phone outside rings, too; as recorded."""

    def told(self, dialled, **legs):
        told = Told(anna=ANNA, boris=BORIS, mobile=CARRIER, **legs)
        return told(0, "CHAN_START", "anna", num="201", exten=dialled)

    def talk(self, told, second, *legs, num="", bridge="one"):
        told(second, "ANSWER", legs[1], num=num)
        return told.enter(second, *legs, bridge=bridge)

    def group(self, lifts, other, dialled="300"):
        told = self.told(dialled)
        told(0, "CHAN_START", "boris")(0, "CHAN_START", "mobile")
        assert told.call.state == "ringing"
        self.talk(told, 2, "anna", lifts, num="300").hang_up(2, other, cause=26)
        ongoing = told.call
        assert (ongoing.state, ongoing.direction) == (
            "ongoing", "internal" if lifts == "boris" else "outbound",
        )  # fmt: skip
        return told.hang_up(9, "anna", lifts, bridge="one").call

    def test_a_colleague_lifts(self):
        call = self.group("boris", "mobile")
        assert (call.direction, call.outcome, call.talk) == ("internal", "answered", 7)
        assert (call.number, call.line, call.extension) == ("300", "", "201")
        assert {leg.extension: leg.outcome for leg in call.legs} == {
            "201": "answered", "202": "answered",
        }  # fmt: skip

    def test_the_phone_outside_lifts(self):
        call = self.group("mobile", "boris")
        assert (call.direction, call.outcome, call.talk) == ("outbound", "answered", 7)
        # Nothing tells which number that was.
        assert (call.number, call.extension) == ("300", "201")

    def test_a_number_of_ours_that_leads_outside_is_nobodys_outside(self):
        call = self.group("mobile", "boris", dialled="202")
        assert (call.direction, call.outcome, call.number) == (
            "outbound", "answered", "",
        )  # fmt: skip

    def test_nobody_lifts(self):
        told = self.told("300")(0, "CHAN_START", "boris")
        told(0, "CHAN_START", "mobile").hang_up(5, "boris", "mobile", cause=0)
        told.hang_up(5, "anna", cause=19)
        call = told.call
        assert (call.direction, call.outcome) == ("outbound", "no_answer")

    @pytest.mark.parametrize("dialled", ["202", "300"])
    def test_a_colleague_hands_it_on_outside(self, dialled):
        told = self.told(dialled)(0, "CHAN_START", "boris")
        self.talk(told, 1, "anna", "boris")
        assert told.call.direction == "internal"
        told.hang_up(3, "boris", bridge="one")
        told(3, "BRIDGE_EXIT", "anna", bridge_id="one")(3, "CHAN_START", "mobile")
        self.talk(told, 4, "anna", "mobile", num="+442079460100", bridge="another")
        told.hang_up(9, "anna", "mobile", bridge="another")
        call = told.call
        assert (call.direction, call.outcome) == ("outbound", "answered")
        assert (call.number, call.extension) == ("+442079460100", "201")
        assert (call.answer, call.talk) == (moment(1790000004), 5)

    def test_a_short_number_outside_is_one(self):
        told = self.told("112")(0, "CHAN_START", "mobile")
        self.talk(told, 1, "anna", "mobile", num="112")
        told.hang_up(9, "anna", "mobile", bridge="one")
        assert (told.call.direction, told.call.number) == ("outbound", "112")

    def test_who_dials_outside_and_meets_a_colleague_dialled_outside(self):
        told = self.told("02079460201")(0, "CHAN_START", "mobile")
        told.hang_up(1, "mobile", cause=17)(1, "CHAN_START", "boris")
        self.talk(told, 2, "anna", "boris")
        told.hang_up(9, "anna", "boris", bridge="one")
        assert (told.call.direction, told.call.number) == ("outbound", "+442079460201")
