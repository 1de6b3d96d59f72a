"""What decides where a call goes: each row of the tables, and their order."""

import json
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from routing_facts import (
    ANNA,
    AWAY,
    BORIS,
    CLARA,
    CLOSED_HOURS,
    CUSTOMER,
    DESK,
    HOUR,
    KNOWN_CALLER,
    MAIN_LINE,
    MINUTE,
    MOBILE,
    NOW,
    OPEN_HOURS,
    OTHER,
    SALES,
    SUPPORT,
    WEEKEND,
    WORK,
    codes,
    decide,
    facts,
    people,
    phone,
    phones,
    rule,
)

from telephony import routing
from telephony.dialect import DECISIONS, Ask, Decision
from telephony.routing import Caller, Menu, Outcome, Person

TO_ANNA = Decision(caller_name="Olga Petrova", redirect="101", return_timeout=0)
SCENARIO = Decision(caller_name="Olga Petrova")
WITHHELD = Caller()
STRANGER = Caller(number="+33199005501", kind=routing.UNKNOWN, country="FR")
UNASKED = Caller(number=CUSTOMER, kind="", country="GB")
MENU = Menu(71, "Main menu", "0123456789abcdef", timeout=4, attempts=3, digits=2)
SOUND = "0123456789abcdef"


# --------------------------------------------------------------------- open or closed


@pytest.mark.parametrize(
    "intervals, is_open",
    [
        ((), False),
        (((NOW, NOW + HOUR),), True),
        (((NOW - HOUR, NOW),), False),
        (((NOW - HOUR, NOW + MINUTE),), True),
        (((NOW + MINUTE, None),), False),
        (((None, None),), True),
        (((None, NOW),), False),
        (((NOW, None),), True),
        (CLOSED_HOURS, False),
        ((*CLOSED_HOURS, *OPEN_HOURS), True),
    ],
)
def test_an_interval_has_its_start_and_not_its_stop(intervals, is_open):
    assert routing.is_open(intervals, NOW) is is_open


# --------------------------------------------------------------------- the order


CLOSED_LINE = replace(MAIN_LINE, calendar_id=WEEKEND, closed_sound=SOUND)


@pytest.mark.parametrize(
    "changes, code, decision",
    [
        # One of ours goes before all, and what is blocked before the rules.
        (
            {"caller": replace(KNOWN_CALLER, is_ours=True), "is_blocked": True},
            routing.SCENARIO_CODE,
            SCENARIO,
        ),
        ({"is_blocked": True}, routing.BLOCKED, Decision(refuse=True)),
        # The rules go before the line's closed message, and that before the scenario.
        ({"line": CLOSED_LINE}, routing.ROUTE, TO_ANNA),
        (
            {"line": CLOSED_LINE, "persons": {}},
            routing.CLOSED,
            Decision(play=SOUND, ask=Ask("c51", 1, 1, 1, "hangup")),
        ),
        ({"persons": {}}, routing.SCENARIO_CODE, SCENARIO),
    ],
)
def test_the_order(changes, code, decision):
    outcome = decide([rule()], **changes)
    assert (outcome.code, outcome.decision) == (code, decision)


def test_rules_are_tried_by_sequence_and_id():
    rules = [
        rule(rule_id=3, sequence=5),
        rule(rule_id=2, sequence=20),
        rule(rule_id=9, sequence=4, line_ids=frozenset((99,))),
        rule(rule_id=1, sequence=20),
    ]
    unreached = decide(rules, persons={})
    assert [step.rule for step in unreached.steps] == [9, 3, 1, 2]
    assert codes(unreached) == ["line", "gone", "gone", "gone"]
    outcome = decide(rules)
    assert (outcome.rule, codes(outcome)) == (3, ["line", "chosen"])
    assert decide(rules[::-1]) == outcome


def test_a_chain_is_a_list():
    rules = [
        rule(routing.PROMISE, 1, name="Promise"),
        rule(routing.SALESPERSON, 2, name="Salesperson", ring_seconds=20),
        rule(routing.TEAM, 3, name="Team"),
    ]
    caller = replace(KNOWN_CALLER, promise_user_id=None)
    outcome = decide(rules, caller=caller)
    assert outcome.decision == replace(TO_ANNA, return_timeout=20)
    assert (outcome.rule, codes(outcome)) == (2, ["nobody", "chosen"])
    assert outcome.args == {
        "rule": "Salesperson",
        "target": "salesperson",
        "person": "Anna",
        "number": "101",
    }
    assert outcome.routed_to == "101"


def test_nothing_is_known_and_nothing_is_set_up():
    assert routing.decide((), routing.Facts(NOW)) == Outcome()


# --------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    "condition, changes, code",
    [
        ({"line_ids": frozenset((51, 52))}, {}, ""),
        ({"line_ids": frozenset((52,))}, {}, "line"),
        ({"line_ids": frozenset((52,))}, {"line": None}, "line"),
        ({}, {"line": None}, ""),
        ({"caller": "known"}, {}, ""),
        ({"caller": "known"}, {"caller": STRANGER}, "caller"),
        ({"caller": "known"}, {"caller": WITHHELD}, "caller"),
        ({"caller": "known"}, {"caller": UNASKED}, "unasked"),
        ({"caller": "unknown"}, {}, "caller"),
        ({"caller": "unknown"}, {"caller": STRANGER}, ""),
        # Unknown does not include withheld.
        ({"caller": "unknown"}, {"caller": WITHHELD}, "caller"),
        ({"caller": "unknown"}, {"caller": UNASKED}, "unasked"),
        ({"caller": "withheld"}, {}, "caller"),
        ({"caller": "withheld"}, {"caller": WITHHELD}, ""),
        ({"caller": "withheld"}, {"caller": Caller(kind="")}, ""),
        # A number that was told is not withheld: nobody has to be looked up for that.
        ({"caller": "withheld"}, {"caller": UNASKED}, "caller"),
        ({"caller": "any"}, {"caller": UNASKED}, ""),
        ({"caller": "any"}, {"caller": WITHHELD}, ""),
        ({"category_ids": frozenset((62, 63))}, {}, ""),
        ({"category_ids": frozenset((63,))}, {}, "tag"),
        ({"category_ids": frozenset((62,))}, {"caller": STRANGER}, "tag"),
        ({"category_ids": frozenset((62,))}, {"caller": WITHHELD}, "tag"),
        ({"category_ids": frozenset((62,))}, {"caller": UNASKED}, "unasked"),
        ({"countries": frozenset(("GB", "IE"))}, {}, ""),
        ({"countries": frozenset(("GB",))}, {"caller": UNASKED}, ""),
        ({"countries": frozenset(("GB",))}, {"caller": STRANGER}, "country"),
        ({"countries": frozenset(("GB",))}, {"caller": WITHHELD}, "country"),
        ({"moment": "open"}, {}, ""),
        ({"moment": "closed"}, {}, "moment"),
        ({"moment": "open", "calendar_id": WEEKEND}, {}, "moment"),
        ({"moment": "closed", "calendar_id": WEEKEND}, {}, ""),
        # Its own calendar, else the line's, else the company's, else always open.
        ({"moment": "open"}, {"calendar_id": WEEKEND}, ""),
        ({"moment": "open"}, {"line": None, "calendar_id": WEEKEND}, "moment"),
        ({"moment": "open"}, {"line": None, "calendar_id": WORK}, ""),
        ({"moment": "open"}, {"line": None}, ""),
        ({"moment": "closed"}, {"line": None}, "moment"),
        ({"moment": "open"}, {"calendars": {}}, "moment"),
    ],
)
def test_a_condition(condition, changes, code):
    outcome = decide([rule(**condition)], **changes)
    assert codes(outcome) == [code or "chosen"]
    assert (outcome.rule == 1) is (not code)


FAILING = {
    "line": {"line_ids": frozenset((52,))},
    "caller": {"caller": "unknown"},
    "tag": {"category_ids": frozenset((63,))},
    "country": {"countries": frozenset(("FR",))},
    "moment": {"moment": "closed"},
}


def test_the_first_condition_that_does_not_hold_is_the_reason():
    names = list(FAILING)
    for place, name in enumerate(names):
        conditions = {}
        for later in names[place:]:
            conditions.update(FAILING[later])
        assert codes(decide([rule(**conditions)])) == [name]


@pytest.mark.parametrize("target", routing.OF_THE_CALLER)
def test_who_is_not_looked_up_has_no_people(target):
    rules = [rule(target), rule(rule_id=2)]
    outcome = decide(rules, caller=UNASKED)
    assert codes(outcome) == ["unasked", "chosen"]
    # No name, since nobody looked for it.
    assert outcome.decision == Decision(redirect="101", return_timeout=0)
    assert codes(decide(rules, caller=WITHHELD)) == ["nobody", "chosen"]


# --------------------------------------------------------------------- targets


NOT_BORIS = {ANNA: people()[ANNA]}
TARGETS = {
    "promise": (rule(routing.PROMISE), {}, "101"),
    "salesperson": (rule(routing.SALESPERSON), {}, "101"),
    "last_agent": (rule(routing.LAST_AGENT), {}, "101"),
    "user": (rule(routing.USER, user_id=BORIS), {}, "103"),
    "team": (rule(routing.TEAM, team_id=SALES), {}, "101"),
    "team of the line": (rule(routing.TEAM), {}, "101"),
    "extension": (rule(routing.EXTENSION, extension_id=OTHER), {}, "103"),
    "pbx": (rule(routing.PBX, pbx_target="0-main"), {}, "0-main"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_that_is_called(name):
    made, changes, redirect = TARGETS[name]
    made = replace(made, target=replace(made.target, ring_seconds=15))
    outcome = decide([made, rule(rule_id=2)], **changes)
    assert outcome.decision == Decision("Olga Petrova", redirect, 15)
    assert (outcome.code, outcome.rule, codes(outcome)) == ("route", 1, ["chosen"])
    assert outcome.routed_to == outcome.args["number"] == redirect


@pytest.mark.parametrize(
    "made, changes, code",
    [
        (
            rule(routing.PROMISE),
            {"caller": replace(KNOWN_CALLER, promise_user_id=None)},
            "nobody",
        ),
        (rule(routing.SALESPERSON), {"caller": STRANGER}, "nobody"),
        (rule(routing.LAST_AGENT), {"caller": STRANGER}, "nobody"),
        (rule(routing.LAST_AGENT, days=2), {}, "nobody"),
        (rule(routing.LAST_AGENT, days=3), {}, "chosen"),
        (rule(routing.USER, user_id=None), {}, "nobody"),
        (rule(routing.USER, user_id=CLARA), {}, "gone"),
        (rule(routing.TEAM, team_id=SUPPORT), {}, "nobody"),
        (rule(routing.TEAM), {"line": None}, "nobody"),
        (rule(routing.TEAM), {"teams": {}}, "nobody"),
        (rule(routing.EXTENSION, extension_id=99), {}, "gone"),
        (rule(routing.EXTENSION), {}, "gone"),
        (rule(routing.PBX), {}, "unable"),
        (rule(routing.MENU_TARGET, menu_id=99), {}, "gone"),
        (rule(routing.PLAY_TARGET), {}, "unable"),
        (rule("something new"), {}, "unable"),
    ],
)
def test_a_target_that_is_not_there(made, changes, code):
    outcome = decide([made], **changes)
    assert codes(outcome) == [code]


@pytest.mark.parametrize(
    "made, decision",
    [
        (
            rule(routing.MENU_TARGET, menu_id=71),
            Decision(play=MENU.sound, ask=Ask("m71", 4, 3, 2, "hangup")),
        ),
        (
            rule(routing.PLAY_TARGET, 5, sound=SOUND),
            Decision(play=SOUND, ask=Ask("r5", 1, 1, 1, "hangup")),
        ),
        (
            rule(routing.PLAY_TARGET, 5, sound=SOUND, pbx_target="0-1"),
            Decision(play=SOUND, ask=Ask("r5", 1, 1, 1, "0-1")),
        ),
        (rule(routing.HANGUP_TARGET), Decision(hangup=True)),
        (rule(routing.REFUSE_TARGET), Decision(refuse=True)),
        (rule(routing.SCENARIO_TARGET), SCENARIO),
    ],
)
def test_a_target_without_people(made, decision):
    outcome = decide([made, rule(rule_id=9)], menus={71: MENU})
    assert outcome.decision == decision
    # The scenario as a target, too, asks no further rule.
    assert (outcome.code, outcome.rule) == ("route", made.id)
    assert codes(outcome) == ["chosen"] and outcome.routed_to == ""


@pytest.mark.parametrize("sequence", [(1, 2), (2, 1)])
def test_the_longest_idle_of_a_team_comes_first(sequence):
    idle = {1: NOW - HOUR, 2: NOW - 2 * HOUR}
    first, second = (idle[number] for number in sequence)
    persons = {
        ANNA: Person(ANNA, "Anna", phone_ids=(DESK,), talked_at=first),
        BORIS: Person(BORIS, "Boris", phone_ids=(OTHER,), talked_at=second),
    }
    outcome = decide([rule(routing.TEAM)], persons=persons)
    assert outcome.routed_to == ("101" if sequence == (2, 1) else "103")
    # Who never talked is idle for longer than anybody else.
    never = {**persons, BORIS: replace(persons[BORIS], talked_at=None)}
    assert decide([rule(routing.TEAM)], persons=never).routed_to == "103"
    nobody_did = {key: replace(one, talked_at=None) for key, one in persons.items()}
    assert decide([rule(routing.TEAM)], persons=nobody_did).routed_to == "101"


def test_a_team_is_asked_one_after_the_other():
    team = rule(routing.TEAM)
    one_left = decide([team], phones=phones(phone(DESK, "101", is_busy=True)))
    assert (one_left.routed_to, codes(one_left)) == ("103", ["chosen"])
    assert [(look.name, look.code) for look in one_left.steps[0].looks] == [
        ("Anna", "busy"),
        ("Boris", "chosen"),
    ]
    busy = [phone(DESK, "101", is_busy=True), phone(OTHER, "103", is_busy=True)]
    assert codes(decide([team], phones=phones(*busy))) == ["busy"]
    mixed = decide([team], persons=people(absences=AWAY), phones=phones(busy[1]))
    assert codes(mixed) == ["nobody"]
    assert [look.code for look in mixed.steps[0].looks] == ["absent", "busy"]


# --------------------------------------------------------------------- people


# In the order in which they are looked at; each is what it takes for its code.
REASONS = {
    "gone": ({"is_agent": False}, {}, {}),
    "absent": ({"absences": AWAY}, {}, {}),
    "off_hours": ({"hours": CLOSED_HOURS}, {}, {}),
    "no_phone": ({"phone_ids": ()}, {}, {}),
    "is_caller": ({}, {"caller_id": CUSTOMER}, {}),
    "offline": ({}, {"status": "offline"}, {}),
    "sent": ({}, {}, {"sent": frozenset(("101",))}),
    "busy": ({}, {"is_busy": True}, {}),
    "wrapping": ({"talked_at": NOW - MINUTE}, {}, {"wrap_up_seconds": 61}),
    "chosen": ({}, {}, {}),
}


def with_reasons(names):
    person, of_phone, others = {}, {}, {}
    for name in names:
        for values, more in zip((person, of_phone, others), REASONS[name], strict=True):
            values.update(more)
    return {
        "persons": people(**person),
        "phones": phones(phone(DESK, "101", **of_phone)),
        **others,
    }


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_alone(name):
    outcome = decide([rule()], **with_reasons([name]))
    assert codes(outcome) == [name]
    assert outcome.steps[0].looks[0].code == name
    assert outcome.steps[0].looks[0].name == "Anna"


@pytest.mark.parametrize("name", REASONS)
def test_the_first_reason_that_fits_is_told(name):
    names = list(REASONS)
    changes = with_reasons(names[names.index(name) :])
    assert codes(decide([rule()], **changes)) == [name]


def test_who_is_not_known_here_is_gone():
    assert codes(decide([rule()], persons={})) == ["gone"]
    # A phone of another provider is none here.
    assert codes(decide([rule()], phones={})) == ["no_phone"]


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"status": "offline", "checked_at": NOW - 14 * MINUTE}, "offline"),
        ({"status": "offline", "checked_at": NOW - 15 * MINUTE}, "chosen"),
        ({"status": "offline", "checked_at": None}, "chosen"),
        ({"status": "unknown", "checked_at": NOW}, "chosen"),
        ({"status": "online", "checked_at": NOW - HOUR}, "chosen"),
    ],
)
def test_an_old_offline_is_tried_all_the_same(changes, code):
    changed = phones(phone(DESK, "101", **changes))
    assert codes(decide([rule()], phones=changed)) == [code]
    to_desk = rule(routing.EXTENSION, extension_id=DESK)
    assert codes(decide([to_desk], phones=changed)) == [code]


@pytest.mark.parametrize(
    "ago, seconds, code",
    [
        (timedelta(seconds=29), 30, "wrapping"),
        (timedelta(seconds=30), 30, "chosen"),
        (timedelta(), 0, "chosen"),
        # The clock of the PBX may be ahead, but not for long.
        (timedelta(seconds=-2), 30, "wrapping"),
        (timedelta(days=-1), 30, "chosen"),
    ],
)
def test_wrapping_up(ago, seconds, code):
    persons = people(talked_at=NOW - ago)
    outcome = decide([rule()], persons=persons, wrap_up_seconds=seconds)
    assert codes(outcome) == [code]


def test_phones_are_as_they_are_now_whatever_time_is_tried():
    offline = phones(phone(DESK, "101", status="offline", checked_at=NOW))
    later = NOW + 30 * MINUTE
    at_once = decide([rule()], phones=offline, moment=later, now=NOW)
    assert codes(at_once) == ["offline"]
    assert codes(decide([rule()], phones=offline, moment=later)) == ["chosen"]
    wrapping = {"persons": people(talked_at=NOW), "wrap_up_seconds": 60}
    assert codes(decide([rule()], **wrapping, moment=later, now=NOW)) == ["wrapping"]


@pytest.mark.parametrize(
    "number, caller_id, code",
    [
        (CUSTOMER, CUSTOMER, "is_caller"),
        (CUSTOMER, "", "chosen"),
        ("101", "", "is_caller"),
        # Who withholds his number is not everybody whose phone shows none.
        ("", "", "chosen"),
    ],
)
def test_nobody_is_called_by_himself(number, caller_id, code):
    caller = replace(KNOWN_CALLER, number=number)
    changed = phones(phone(DESK, "101", caller_id=caller_id))
    assert codes(decide([rule()], caller=caller, phones=changed)) == [code]


DESK_ONLINE = phone(DESK, "102")
MOBILE_ONLINE = phone(MOBILE, "101")


@pytest.mark.parametrize(
    "desk, mobile, preferred, number",
    [
        # The one that he dials with, online or not asked.
        ({}, {}, DESK, "102"),
        ({}, {}, MOBILE, "101"),
        ({"status": "unknown"}, {}, DESK, "102"),
        # Not where it is known to be offline: he has another one.
        ({"status": "offline"}, {}, DESK, "101"),
        # Online before unknown, that before what was offline long ago.
        ({}, {"status": "unknown"}, None, "102"),
        ({"status": "unknown"}, {"status": "offline", "checked_at": None}, None, "102"),
        # Then the lowest number.
        ({}, {}, None, "101"),
        ({"number": "99"}, {"number": "100"}, None, "99"),
        ({"number": "alice"}, {"number": "100"}, None, "100"),
        # One of them calls.
        ({"caller_id": CUSTOMER}, {}, DESK, "101"),
        # He speaks on one of them: he is busy.
        ({"is_busy": True}, {}, MOBILE, ""),
        # Somebody speaks on the one that they share: he is not.
        ({"is_busy": True, "is_shared": True}, {}, DESK, "101"),
    ],
)
def test_one_of_several_phones(desk, mobile, preferred, number):
    both = phones(replace(DESK_ONLINE, **desk), replace(MOBILE_ONLINE, **mobile))
    persons = people(phone_ids=(DESK, MOBILE), preferred_phone_id=preferred)
    outcome = decide([rule()], phones=both, persons=persons)
    assert outcome.routed_to == number
    assert codes(outcome) == ["chosen" if number else "busy"]


def test_all_phones_of_a_person():
    persons = people(phone_ids=(DESK, MOBILE))
    offline = [phone(DESK, "102", status="offline"), phone(MOBILE, "101")]
    assert decide([rule()], persons=persons, phones=phones(*offline)).routed_to == "101"
    offline[1] = replace(offline[1], status="offline")
    assert codes(decide([rule()], persons=persons, phones=phones(*offline))) == [
        "offline"
    ]
    shared = {"is_busy": True, "is_shared": True}
    busy = [phone(DESK, "102", **shared), phone(MOBILE, "101", **shared)]
    assert codes(decide([rule()], persons=persons, phones=phones(*busy))) == ["busy"]
    elsewhere = people(is_busy=True)
    assert codes(decide([rule()], persons=elsewhere)) == ["busy"]


# --------------------------------------------------------------------- deputies


@pytest.mark.parametrize("reason", ["absent", "off_hours"])
def test_a_deputy_stands_in(reason):
    person = REASONS[reason][0]
    outcome = decide([rule()], persons=people(**person, deputy_id=BORIS))
    assert (outcome.routed_to, codes(outcome)) == ("103", ["chosen"])
    assert outcome.args["person"] == "Boris" and outcome.args["deputy_of"] == "Anna"
    looks = outcome.steps[0].looks
    assert [(look.name, look.code) for look in looks] == [
        ("Anna", reason),
        ("Boris", "chosen"),
    ]
    assert looks[1].deputy_of == "Anna"


@pytest.mark.parametrize("reason", set(REASONS) - {"absent", "off_hours", "chosen"})
def test_a_deputy_is_for_who_is_away(reason):
    changes = with_reasons([reason])
    anna = replace(changes["persons"][ANNA], deputy_id=BORIS)
    changes["persons"] = {**changes["persons"], ANNA: anna}
    assert codes(decide([rule()], **changes)) == [reason]


def test_a_deputy_has_no_deputy():
    persons = people(absences=AWAY, deputy_id=BORIS)
    persons[BORIS] = replace(persons[BORIS], absences=AWAY, deputy_id=CLARA)
    persons[CLARA] = Person(CLARA, "Clara", phone_ids=(OTHER,))
    outcome = decide([rule()], persons=persons)
    # The reason is why he himself is not reached.
    assert codes(outcome) == ["absent"]
    assert [look.name for look in outcome.steps[0].looks] == ["Anna", "Boris"]
    himself = people(absences=AWAY, deputy_id=ANNA)
    assert len(decide([rule()], persons=himself).steps[0].looks) == 1


def test_in_a_team_a_colleague_goes_before_a_deputy():
    persons = people(absences=AWAY, deputy_id=CLARA)
    persons[CLARA] = Person(CLARA, "Clara", phone_ids=(MOBILE,))
    changes = {"persons": persons, "phones": phones(phone(MOBILE, "104"))}
    assert decide([rule(routing.TEAM)], **changes).routed_to == "103"
    changes["phones"][OTHER] = phone(OTHER, "103", is_busy=True)
    outcome = decide([rule(routing.TEAM)], **changes)
    assert (outcome.routed_to, outcome.args["deputy_of"]) == ("104", "Anna")


# --------------------------------------------------------------------- an extension


@pytest.mark.parametrize("reason", REASONS)
def test_an_extension_is_looked_at_alone(reason):
    outcome = decide(
        [rule(routing.EXTENSION, extension_id=DESK)], **with_reasons([reason])
    )
    looked_at = reason in ("offline", "busy", "sent")
    assert codes(outcome) == [reason if looked_at else "chosen"]


# --------------------------------------------------------------------- what it can say


@pytest.mark.parametrize(
    "made, needs",
    [
        *((made, {"redirect"}) for made, _changes, _number in TARGETS.values()),
        (rule(routing.MENU_TARGET, menu_id=71), {"play", "ask"}),
        (rule(routing.PLAY_TARGET, sound=SOUND), {"play", "ask"}),
        (rule(routing.HANGUP_TARGET), {"hangup"}),
        (rule(routing.REFUSE_TARGET), {"refuse"}),
        (rule(routing.SCENARIO_TARGET), set()),
    ],
)
def test_what_a_dialect_cannot_say(made, needs):
    for can in (set(), *({name} for name in DECISIONS), set(DECISIONS)):
        outcome = decide([made], can=frozenset(can), menus={71: MENU})
        assert codes(outcome) == ["chosen" if needs <= can else "unable"]


def test_a_pbx_that_cannot_refuse_goes_on_with_the_rules():
    outcome = decide([rule()], is_blocked=True, can=frozenset(("redirect",)))
    assert (outcome.code, outcome.decision) == ("route", TO_ANNA)
    assert [(step.rule, step.code) for step in outcome.steps] == [
        (None, "unable"),
        (1, "chosen"),
    ]


# --------------------------------------------------------------------- closed


@pytest.mark.parametrize(
    "line, changes, code",
    [
        ({}, {}, "closed"),
        ({"closed_sound": ""}, {}, "scenario"),
        ({"calendar_id": WORK}, {}, "scenario"),
        ({"calendar_id": None}, {}, "scenario"),
        ({"calendar_id": None}, {"calendar_id": WEEKEND}, "closed"),
        ({}, {"can": frozenset(("redirect",))}, "scenario"),
        ({"closed_target": "0-1"}, {"sent": frozenset(("0-1",))}, "scenario"),
    ],
)
def test_the_closed_message_of_a_line(line, changes, code):
    outcome = decide([], line=replace(CLOSED_LINE, **line), **changes)
    assert outcome.code == code
    if code == "closed":
        assert outcome.args == {"line": "Main"} and outcome.rule is None


def test_after_the_closed_message_the_call_goes_to_a_target():
    line = replace(CLOSED_LINE, closed_target="0-main")
    outcome = decide([], line=line)
    assert outcome.decision.ask == Ask("c51", 1, 1, 1, "0-main")
    assert outcome.args == {"line": "Main", "number": "0-main"}
    assert outcome.routed_to == ""


# --------------------------------------------------------------------- loops


@pytest.mark.parametrize("name", TARGETS)
def test_a_call_is_never_sent_twice_to_one_place(name):
    made, changes, redirect = TARGETS[name]
    outcome = decide(
        [made], **changes, sent=frozenset((redirect,)), persons=NOT_BORIS | people()
    )
    assert outcome.routed_to != redirect
    if not name.startswith("team"):
        assert codes(outcome) == ["sent"]


def test_nothing_is_no_place():
    # Earlier answers that sent it nowhere forbid nothing.
    assert decide([rule(routing.HANGUP_TARGET)], sent=frozenset(("",))).rule == 1
    played = rule(routing.PLAY_TARGET, sound=SOUND)
    assert decide([played], sent=frozenset(("",))).rule == 1


@pytest.mark.parametrize("answers, code", [(19, "route"), (20, "scenario")])
def test_twenty_answers_are_enough(answers, code):
    outcome = decide([rule()], answers=answers)
    assert outcome.code == code
    if code == "scenario":
        assert outcome.decision == Decision() and outcome.args == {"why": "too_many"}


# --------------------------------------------------------------------- who is needed


def test_whose_facts_have_to_be_known():
    rules = [
        rule(routing.PROMISE, 1),
        rule(routing.USER, 2, user_id=CLARA, line_ids=frozenset((99,))),
        rule(routing.TEAM, 3),
        rule(routing.EXTENSION, 4, extension_id=MOBILE),
        rule(routing.HANGUP_TARGET, 5),
        rule(routing.EXTENSION, 6, extension_id=OTHER),
    ]
    wanted = routing.candidates(rules, facts(persons={}, phones={}))
    # Not of a rule whose conditions do not hold, nor behind one that decides.
    assert wanted.user_ids == {ANNA, BORIS}
    assert wanted.extension_ids == {MOBILE}
    for changes in (
        {"is_blocked": True},
        {"answers": 20},
        {"caller": replace(KNOWN_CALLER, is_ours=True)},
    ):
        nobody = routing.candidates(rules, facts(**changes))
        assert not nobody.user_ids and not nobody.extension_ids


# --------------------------------------------------------------------- as JSON


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(),
        routing.failed("late"),
        decide([rule(ring_seconds=0)]),
        decide([rule()], persons=people(absences=AWAY, deputy_id=BORIS)),
        decide([rule()], is_blocked=True),
        decide([rule(routing.MENU_TARGET, menu_id=71)], menus={71: MENU}),
        decide([], line=CLOSED_LINE),
        Outcome(Decision(play="x", ask=Ask("m1", timeout=0, attempts=0, digits=0))),
    ],
)
def test_an_outcome_is_kept_as_json(outcome):
    text = json.dumps(outcome.to_json())
    assert Outcome.from_json(json.loads(text)) == outcome
    later = {**json.loads(text), "something": "of a later version"}
    assert Outcome.from_json(later) == outcome


def test_nothing_is_kept_of_what_is_empty():
    assert Outcome().to_json() == {"code": "scenario"}
    assert decide([rule()]).to_json() == {
        "decision": {
            "caller_name": "Olga Petrova",
            "redirect": "101",
            "return_timeout": 0,
        },
        "rule": 1,
        "code": "route",
        "args": {"rule": "Rule 1", "target": "user", "person": "Anna", "number": "101"},
        "steps": [
            {
                "rule": 1,
                "name": "Rule 1",
                "code": "chosen",
                "target": "user",
                "looks": [
                    {
                        "code": "chosen",
                        "name": "Anna",
                        "user_id": ANNA,
                        "number": "101",
                    }
                ],
            }
        ],
    }


def test_what_is_given_is_not_changed():
    with pytest.raises(FrozenInstanceError):
        rule().name = "other"
