"""Steps of menus and sounds: what a caller who pressed a key is told."""

from dataclasses import replace

import pytest
from routing_facts import (
    ANNA,
    AWAY,
    BORIS,
    DESK,
    MAIN_LINE,
    SALES,
    SUPPORT,
    codes,
    decide,
    facts,
    people,
    phone,
    phones,
    rule,
)

from telephony import routing
from telephony.dialect import Ask, Decision, MenuStep
from telephony.routing import Choice, Menu, Target

SOUND = "0123456789abcdef"
SALES_TARGET = Target(routing.TEAM, team_id=SALES, ring_seconds=20, label="Sales")
CHOICES = (
    Choice(
        81, "1", Target(routing.TEAM, team_id=SALES, ring_seconds=20, label="Sales")
    ),
    Choice(82, "2", Target(routing.MENU_TARGET, menu_id=72, label="More")),
    Choice(83, "3", Target(routing.TEAM, team_id=SUPPORT, label="Support")),
    Choice(84, "4", Target(routing.PLAY_TARGET, sound=SOUND, pbx_target="0-2")),
    Choice(85, "5", Target(routing.PBX, pbx_target="0-1")),
    Choice(86, "6", Target(routing.HANGUP_TARGET)),
    Choice(87, "7", Target(routing.REFUSE_TARGET)),
    Choice(88, "8", Target(routing.SCENARIO_TARGET)),
    Choice(89, "9", Target(routing.MENU_TARGET, menu_id=99, label="Gone")),
    Choice(90, "12*", Target(routing.EXTENSION, extension_id=DESK)),
)
MAIN = Menu(71, "Main", SOUND, default="0-main", choices=CHOICES)
MORE = Menu(
    72,
    "More",
    "fedcba9876543210",
    timeout=3,
    attempts=1,
    digits=2,
    choices=(Choice(91, "*", Target(routing.MENU_TARGET, menu_id=71, label="Main")),),
)
MENUS = {71: MAIN, 72: MORE}
ASK_MAIN = Decision(play=SOUND, ask=Ask("m71", 5, 2, 1, "0-main"))
ASK_MORE = Decision(play=MORE.sound, ask=Ask("m72", 3, 1, 2, "hangup"))
DEFAULT = Decision(redirect="0-main", return_timeout=0)
PLAYED = rule(routing.PLAY_TARGET, 5, sound=SOUND, pbx_target="0-3")


def press(digits, name="m71", rules=(), defaulted=False, **changes):
    step = MenuStep(name, digits, defaulted)
    return decide(rules, step=step, **{"menus": MENUS, "answers": 1, **changes})


@pytest.mark.parametrize(
    "digits, decision, way, more",
    [
        (
            "1",
            Decision("Olga Petrova", "101", 20),
            ("Main", "1", "Sales"),
            {"target": "team", "person": "Anna", "number": "101"},
        ),
        ("2", ASK_MORE, ("Main", "2", "More"), {"target": "menu", "menu": "More"}),
        # Nobody is in that team, that menu is gone, there is no such choice.
        ("3", DEFAULT, ("Main", "3"), {"why": "not_reached", "number": "0-main"}),
        ("9", DEFAULT, ("Main", "9"), {"why": "not_reached", "number": "0-main"}),
        ("0", DEFAULT, ("Main", "0"), {"why": "no_choice", "number": "0-main"}),
        ("", DEFAULT, ("Main",), {"why": "no_choice", "number": "0-main"}),
        (
            "4",
            Decision(play=SOUND, ask=Ask("k84", 1, 1, 1, "0-2")),
            ("Main", "4", "0-2"),
            {"target": "play", "number": "0-2"},
        ),
        (
            "5",
            Decision("Olga Petrova", "0-1", 0),
            ("Main", "5", "0-1"),
            {"target": "pbx", "number": "0-1"},
        ),
        ("6", Decision(hangup=True), ("Main", "6"), {"target": "hangup"}),
        ("7", Decision(refuse=True), ("Main", "7"), {"target": "refuse"}),
        ("8", Decision("Olga Petrova"), ("Main", "8"), {"target": "scenario"}),
        (
            "12*",
            Decision("Olga Petrova", "101", 0),
            ("Main", "12*", "101"),
            {"target": "extension", "number": "101"},
        ),
    ],
)
def test_a_choice(digits, decision, way, more):
    # The rules are not asked anew.
    outcome = press(digits, rules=[rule()])
    assert (outcome.decision, outcome.code, outcome.rule) == (decision, "menu", None)
    assert outcome.answers_to == MenuStep("m71", digits)
    assert outcome.way == way
    pressed = {"digits": digits} if digits else {}
    assert outcome.args == {"menu": "Main", **pressed, **more}


@pytest.mark.parametrize("default", ["hangup", ""])
def test_the_default_may_be_the_end(default):
    menus = {71: replace(MAIN, default=default)}
    outcome = press("0", menus=menus)
    assert outcome.decision == Decision(hangup=True)
    assert outcome.args == {"menu": "Main", "digits": "0", "why": "no_choice"}


def test_a_choice_is_a_step_with_its_reasons():
    persons = people(absences=AWAY)
    busy = phones(phone(43, "103", is_busy=True))
    outcome = press("1", persons=persons, phones=busy)
    assert outcome.decision == DEFAULT and codes(outcome) == ["nobody"]
    (step,) = outcome.steps
    assert (step.rule, step.name, step.digits) == (None, "Main", "1")
    assert [(look.user_id, look.code) for look in step.looks] == [
        (ANNA, "absent"),
        (BORIS, "busy"),
    ]


def test_the_pbx_has_done_the_default_by_itself():
    for name in ("m71", "r5", "c51"):
        line = replace(MAIN_LINE, closed_sound=SOUND)
        outcome = press("", name, [PLAYED], defaulted=True, line=line)
        assert outcome.decision == Decision()
        assert outcome.args["why"] == "defaulted"


OF_RULE = {"rule": "Rule 5", "target": "play"}
OF_CHOICE = {"menu": "Main", "digits": "4", "target": "play"}
SOUNDS = {
    "r5": ("route", "0-3", OF_RULE),
    "c51": ("closed", "0-4", {"line": "Main"}),
    "k84": ("menu", "0-2", OF_CHOICE),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_after_a_sound_the_end_is_that_of_its_default(name):
    code, place, args = SOUNDS[name]
    line = replace(MAIN_LINE, closed_sound=SOUND, closed_target="0-4")
    outcome = press("5", name, [rule(), PLAYED], line=line)
    assert outcome.decision == Decision(redirect=place, return_timeout=0)
    assert (outcome.code, outcome.rule) == (code, 5 if name == "r5" else None)
    assert outcome.args == {**args, "number": place}
    sent = press("5", name, [rule(), PLAYED], line=line, sent=frozenset((place,)))
    assert sent.decision == Decision()
    assert sent.args == {**args, "number": place, "why": "sent"}


def test_a_line_without_a_name_is_called_by_its_number():
    line = replace(MAIN_LINE, name="", closed_sound=SOUND)
    assert press("", "c51", line=line).args == {"line": "+442079460900"}


def test_the_way_to_a_message_is_that_of_its_choice():
    assert press("", "k84", way=("First", "1")).way == ("First", "1")
    assert press("", "k84").way == ("Main", "4")


def test_after_a_sound_that_ends_the_call_it_ends():
    played = rule(routing.PLAY_TARGET, 5, sound=SOUND)
    assert press("5", "r5", [played]).decision == Decision(hangup=True)
    assert press("5", "c51").decision == Decision(hangup=True)


@pytest.mark.parametrize(
    "name",
    ["", "menu", "m99", "m", "m071", "x71", "r1", "r99", "c99", "k81", "k99", "m7 1",
     "m" + "9" * 30],
)  # fmt: skip
def test_a_name_that_is_nobodys_says_nothing(name):
    outcome = press("1", name, [rule(), PLAYED], way=("Main",))
    assert outcome.decision == Decision()
    assert (outcome.code, outcome.args) == ("scenario", {"why": "no_menu"})
    assert outcome.way == ("Main",)
    assert press("1", "c51", line=None).code == "scenario"


def test_the_way_grows_from_menu_to_menu():
    first = decide([rule(routing.MENU_TARGET, menu_id=71)], menus=MENUS)
    assert (first.way, first.decision, first.code) == (("Main",), ASK_MAIN, "route")
    second = press("2", way=first.way)
    assert second.way == ("Main", "2", "More")
    third = press("*", "m72", way=second.way, answers=2)
    assert third.way == ("Main", "2", "More", "*", "Main")
    # A menu may be asked again: it is the caller who goes back.
    assert third.decision == ASK_MAIN
    last = press("1", way=third.way, answers=3)
    assert last.way == ("Main", "2", "More", "*", "Main", "1", "Sales")


def test_a_circle_of_menus_ends():
    way, name, count = (), "m71", 0
    while True:
        digits = "2" if name == "m71" else "*"
        outcome = press(digits, name, way=way, answers=count)
        if not outcome.decision.ask:
            break
        way, name, count = outcome.way, outcome.decision.ask.name, count + 1
    assert count == routing.MAX_ANSWERS
    assert outcome.decision == Decision() and outcome.args == {"why": "too_many"}


def again(outcome, digits, name, **changes):
    """The same step once more: the answer may not have come."""
    sent = frozenset((outcome.routed_to,)) - {""}
    return press(digits, name, last=outcome, sent=sent, answers=2, **changes)


@pytest.mark.parametrize("digits", ["1", "2", "3", "4", "5", "6", "7", "8", "0", ""])
def test_a_step_that_is_told_again_is_answered_alike(digits):
    outcome = press(digits)
    assert again(outcome, digits, "m71") == outcome
    # Nobody has to be known for it.
    step = MenuStep("m71", digits)
    wanted = routing.candidates([], facts(menus=MENUS, step=step, last=outcome))
    assert not wanted.user_ids and not wanted.extension_ids


def test_another_step_is_answered_by_itself():
    outcome = press("1")
    assert again(outcome, "5", "m71").routed_to == "0-1"
    # An answer to a call that began is none to a step.
    first = decide([rule(routing.MENU_TARGET, menu_id=71)], menus=MENUS)
    assert again(first, "1", "m71").routed_to == "101"


def test_a_menu_that_leads_to_itself_comes_to_an_end():
    round_ = Menu(
        73, "Round", SOUND, choices=(Choice(99, "1", Target("menu", menu_id=73)),)
    )
    last, count = None, 0
    while not last or last.decision.ask:
        last = press("1", "m73", menus={73: round_}, last=last, answers=count)
        count += 1
    assert count == routing.MAX_ANSWERS + 1
    assert last.way[:3] == ("Round", "1", "Round")


def test_an_event_that_comes_again_is_answered_alike():
    kept = decide([rule()])
    changes = {"repeated": kept, "sent": frozenset(("101",)), "answers": 1}
    assert decide([rule(rule_id=9)], **changes) == kept
    wanted = routing.candidates([rule()], facts(**changes))
    assert not wanted.user_ids


def test_a_menu_sends_nowhere_twice():
    assert press("1", sent=frozenset(("101",))).routed_to == "103"
    both = frozenset(("101", "103"))
    assert press("1", sent=both).decision == DEFAULT
    outcome = press("5", sent=frozenset(("0-1", "0-main")))
    assert outcome.decision == Decision() and outcome.code == "menu"


def test_whose_facts_a_step_needs():
    def wanted(digits, name="m71"):
        step = MenuStep(name, digits)
        return routing.candidates([rule()], facts(menus=MENUS, step=step))

    assert wanted("1").user_ids == {ANNA, BORIS}
    assert wanted("12*").extension_ids == {DESK}
    for nobody in (wanted("2"), wanted("0"), wanted("1", "m99"), wanted("1", "r5")):
        assert not nobody.user_ids and not nobody.extension_ids
