"""What holds for every decision, whatever the rules and the facts are."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from telephony import routing
from telephony.dialect import DECISIONS, MenuStep
from telephony.routing import (
    Caller,
    Choice,
    Facts,
    Line,
    Menu,
    Outcome,
    Person,
    Phone,
    Rule,
    Target,
)

NOW = datetime(2026, 5, 4, 10, 0)
IDS = some.integers(1, 4)
MAYBE_ID = some.none() | IDS
# As many numbers as there are phones, and a few places of the PBX.
NUMBERS = some.sampled_from(("100", "101", "102", "+442079460201"))
PLACES = some.sampled_from(("", "0-1", "0-main", "100", "hangup"))
SOUNDS = some.sampled_from(("", "0123456789abcdef"))
DIGITS = some.sampled_from(("", "1", "2", "*"))
MOMENTS = some.none() | some.sampled_from(
    [NOW + timedelta(minutes=minutes) for minutes in (-999, -20, -1, 0, 1, 30)]
)
INTERVALS = some.lists(some.tuples(MOMENTS, MOMENTS), max_size=2).map(tuple)
ID_SETS = some.frozensets(IDS, max_size=2)


def mapping(values):
    return some.dictionaries(IDS, values, max_size=4)


targets = some.builds(
    Target,
    target=some.sampled_from((*routing.TARGETS, "unheard of")),
    user_id=MAYBE_ID,
    extension_id=MAYBE_ID,
    team_id=MAYBE_ID,
    menu_id=MAYBE_ID,
    pbx_target=PLACES,
    sound=SOUNDS,
    days=some.integers(-1, 30),
    ring_seconds=some.integers(0, 60),
    label=some.sampled_from(("", "Sales")),
)
rules = some.builds(
    Rule,
    id=IDS,
    name=some.just("Rule"),
    target=targets,
    sequence=some.integers(0, 3),
    line_ids=ID_SETS,
    caller=some.sampled_from(("any", "any", "known", "unknown", "withheld")),
    category_ids=ID_SETS,
    countries=some.frozensets(some.sampled_from(("GB", "FR")), max_size=1),
    moment=some.sampled_from(("always", "always", "open", "closed")),
    calendar_id=MAYBE_ID,
)
rule_lists = some.lists(rules, max_size=6, unique_by=lambda rule: rule.id)
phones = some.builds(
    Phone,
    id=IDS,
    number=NUMBERS,
    status=some.sampled_from(("online", "offline", "unknown", "?")),
    checked_at=MOMENTS,
    caller_id=some.just("") | NUMBERS,
    is_busy=some.booleans(),
    is_shared=some.booleans(),
)
persons = some.builds(
    Person,
    id=IDS,
    name=some.sampled_from(("Anna", "Boris")),
    is_agent=some.booleans(),
    absences=INTERVALS,
    hours=some.none() | INTERVALS,
    phone_ids=some.lists(IDS, max_size=3).map(tuple),
    preferred_phone_id=MAYBE_ID,
    talked_at=MOMENTS,
    is_busy=some.booleans(),
    deputy_id=MAYBE_ID,
)
choices = some.builds(Choice, id=IDS, digits=DIGITS, target=targets)
menus = some.builds(
    Menu,
    id=IDS,
    name=some.sampled_from(("Main", "More")),
    sound=SOUNDS,
    timeout=some.integers(0, 9),
    attempts=some.integers(0, 3),
    digits=some.integers(0, 3),
    default=PLACES,
    choices=some.lists(choices, max_size=4).map(tuple),
)
callers = some.builds(
    Caller,
    number=some.just("") | NUMBERS,
    kind=some.sampled_from(("known", "unknown", "withheld", "")),
    is_ours=some.sampled_from((False, False, False, True)),
    category_ids=ID_SETS,
    country=some.sampled_from(("", "GB", "FR")),
    name=some.sampled_from(("", "Olga")),
    salesperson_id=MAYBE_ID,
    promise_user_id=MAYBE_ID,
    last_agent_id=MAYBE_ID,
    last_talk_at=MOMENTS,
)
lines = some.builds(
    Line,
    id=IDS,
    name=some.just("Main"),
    team_id=MAYBE_ID,
    calendar_id=MAYBE_ID,
    closed_sound=SOUNDS,
    closed_target=PLACES,
)
steps = some.builds(
    MenuStep,
    name=some.builds("{}{}".format, some.sampled_from("mrck?"), IDS) | some.text(),
    digits=DIGITS,
    defaulted=some.booleans(),
)
# Keys are the ids, as whoever collects the facts has them.
all_facts = some.builds(
    Facts,
    moment=some.just(NOW),
    now=MOMENTS,
    caller=callers,
    line=some.none() | lines,
    calendars=mapping(INTERVALS),
    calendar_id=MAYBE_ID,
    persons=mapping(persons).map(
        lambda found: {key: replace(one, id=key) for key, one in found.items()}
    ),
    phones=mapping(phones).map(
        lambda found: {key: replace(one, id=key) for key, one in found.items()}
    ),
    teams=mapping(some.lists(IDS, max_size=4).map(tuple)),
    menus=mapping(menus).map(
        lambda found: {key: replace(one, id=key) for key, one in found.items()}
    ),
    wrap_up_seconds=some.integers(0, 120),
    can=some.just(frozenset(DECISIONS)) | some.frozensets(some.sampled_from(DECISIONS)),
    is_blocked=some.sampled_from((False, False, False, True)),
    step=some.none() | steps,
    sent=some.frozensets(NUMBERS | PLACES, max_size=2),
    answers=some.sampled_from((0, 1, 19, 20, 99)),
    way=some.lists(some.sampled_from(("Main", "1")), max_size=3).map(tuple),
)
# Those of a new call that the rules are asked about.
new_calls = all_facts.map(
    lambda one: replace(
        one,
        step=None,
        answers=0,
        is_blocked=False,
        caller=replace(one.caller, is_ours=False),
    )
)


@given(rule_lists, all_facts)
def test_a_decision_is_one_thing_that_the_pbx_can_be_told(rules_, facts):
    outcome = routing.decide(rules_, facts)
    decision = outcome.decision
    things = [
        bool(decision.redirect),
        decision.refuse,
        decision.hangup,
        decision.ask is not None,
    ]
    assert sum(things) <= 1
    # The way out of a step was there before; all else the PBX says it can.
    if not facts.step:
        needs = {
            name
            for name, there in zip(DECISIONS, [*things, things[-1]], strict=True)
            if there
        }
        assert needs <= facts.can
    assert outcome.code in {"blocked", "route", "closed", "menu", "scenario"}
    assert not decision.play or decision.ask


@given(rule_lists, all_facts)
def test_a_call_is_never_sent_where_it_was_sent_before(rules_, facts):
    outcome = routing.decide(rules_, facts)
    assert outcome.routed_to not in facts.sent - {""}


@given(rule_lists, new_calls)
def test_the_first_rule_that_holds_and_reaches_somebody_decides(rules_, facts):
    outcome = routing.decide(rules_, facts)
    in_order = sorted(rules_, key=lambda rule: (rule.sequence, rule.id))
    alone = [routing.decide([rule], facts) for rule in in_order]
    deciding = [one for one in alone if one.rule]
    if deciding:
        first = deciding[0]
        assert (outcome.rule, outcome.decision) == (first.rule, first.decision)
        assert outcome.code == "route"
    else:
        assert outcome.rule is None and outcome.code in ("closed", "scenario")
    # What was passed over has the reason that it has by itself.
    tried = [step for step in outcome.steps if step.rule]
    expected = [one.steps[0] for one in alone]
    assert tried == expected[: len(tried)]
    assert [step.code for step in tried].count("chosen") == (1 if deciding else 0)


@given(rule_lists, all_facts)
def test_only_those_who_are_named_beforehand_are_looked_at(rules_, facts):
    wanted = routing.candidates(rules_, replace(facts, persons={}, phones={}))
    known = {
        user_id
        for user_id in wanted.user_ids
        for user_id in (
            user_id,
            user_id in facts.persons and facts.persons[user_id].deputy_id,
        )
        if user_id
    }
    phone_ids = set(wanted.extension_ids)
    for user_id in known & set(facts.persons):
        phone_ids.update(facts.persons[user_id].phone_ids)
    fewer = replace(
        facts,
        persons={key: facts.persons[key] for key in known & set(facts.persons)},
        phones={key: facts.phones[key] for key in phone_ids & set(facts.phones)},
    )
    assert routing.decide(rules_, fewer) == routing.decide(rules_, facts)


@given(rule_lists, all_facts)
def test_an_outcome_comes_back_from_json(rules_, facts):
    outcome = routing.decide(rules_, facts)
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@given(rule_lists, new_calls, some.lists(DIGITS, min_size=25, max_size=25))
@settings(max_examples=50)
def test_a_call_that_asks_again_and_again_comes_to_an_end(rules_, facts, keys):
    sent, places, count = set(), [], 0
    for digits in keys:
        outcome = routing.decide(rules_, replace(facts, answers=count))
        if outcome.routed_to and outcome is not facts.last:
            sent.add(outcome.routed_to)
            places.append(outcome.routed_to)
        ask = outcome.decision.ask
        step = MenuStep(ask.name, digits) if ask else facts.step
        count += 1
        facts = replace(facts, step=step, sent=frozenset(sent), last=outcome)
        assert count <= routing.MAX_ANSWERS or outcome.args["why"] == "too_many"
    assert len(set(places)) == len(places)
    assert outcome.decision == routing.Decision()
