"""A small office for the tests of routing: people, phones, a line, a caller."""

from datetime import datetime, timedelta

from telephony import routing
from telephony.routing import Caller, Facts, Line, Person, Phone, Rule, Target

# A Monday, ten o'clock.
NOW = datetime(2026, 5, 4, 10, 0)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OPEN_HOURS = ((NOW - HOUR, NOW + HOUR),)
AWAY = ((None, NOW + HOUR),)
CLOSED_HOURS = ((NOW - 3 * HOUR, NOW - HOUR), (NOW + HOUR, NOW + 3 * HOUR))

CUSTOMER = "+442079460201"
ANNA, BORIS, CLARA = 11, 12, 13
SALES, SUPPORT = 21, 22
WORK, WEEKEND = 31, 32
# Ids of extensions; numbers are 101, 102, …
DESK, MOBILE, OTHER = 41, 42, 43

MAIN_LINE = Line(51, "+442079460900", "Main", team_id=SALES, calendar_id=WORK)
KNOWN_CALLER = Caller(
    number=CUSTOMER,
    kind=routing.KNOWN,
    category_ids=frozenset((61, 62)),
    country="GB",
    name="Olga Petrova",
    salesperson_id=ANNA,
    promise_user_id=ANNA,
    last_agent_id=ANNA,
    last_talk_at=NOW - timedelta(days=3),
)


def phone(phone_id, number, **changes):
    return Phone(
        phone_id, number, **{"status": "online", "checked_at": NOW - MINUTE, **changes}
    )


def people(**changes):
    """Anna, with ``changes``, and Boris; each has a phone."""
    anna = {"id": ANNA, "name": "Anna", "phone_ids": (DESK,), **changes}
    boris = Person(BORIS, "Boris", phone_ids=(OTHER,), talked_at=NOW - HOUR)
    return {ANNA: Person(**anna), BORIS: boris}


def phones(*changed):
    """101 and 103; those in ``changed`` take their place."""
    known = [phone(DESK, "101"), phone(OTHER, "103"), *changed]
    return {one.id: one for one in known}


def facts(**changes):
    return Facts(
        **{
            "moment": NOW,
            "caller": KNOWN_CALLER,
            "line": MAIN_LINE,
            "calendars": {WORK: OPEN_HOURS, WEEKEND: CLOSED_HOURS},
            "persons": people(),
            "phones": phones(),
            "teams": {SALES: (ANNA, BORIS), SUPPORT: ()},
            **changes,
        }
    )


def rule(target=routing.USER, rule_id=1, **changes):
    """A rule; what is no condition goes to the target. Anna, if nobody is named."""
    conditions = {
        name: changes.pop(name)
        for name in tuple(changes)
        if name in Rule.__dataclass_fields__
    }
    if target == routing.USER:
        changes.setdefault("user_id", ANNA)
    conditions.setdefault("name", f"Rule {rule_id}")
    return Rule(id=rule_id, target=Target(target, **changes), **conditions)


def codes(outcome):
    return [step.code for step in outcome.steps]


def decide(rules, **changes):
    return routing.decide(rules, facts(**changes))
