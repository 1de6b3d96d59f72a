"""Scenarios of inbound calls. Each takes a Scenario and its own name, and returns a
Plan.

What must come of it stands beside it, from what a call means. Pure.
"""

from dataclasses import replace

from . import legs
from .legs import Snapshot, Step
from .scenario import Truth

REMOTE = {"ended_by": "remoteRelease"}
LOCAL = {"ended_by": "localRelease"}
UNAVAILABLE = {**REMOTE, "cause": "Temporarily Unavailable", "cdr": "480"}
BUSY = {**REMOTE, "cause": "Busy", "cdr": "017"}
TRIED_SECONDS, NEXT_SECONDS = 18, 5  # a queue's: per abonent, until the next one


def inbound(scenario, outcome="answered", **values):
    told = {"number": scenario.number, "line": scenario.line}
    if outcome == "answered":
        told |= {
            "extension": scenario.extension,
            "answer": scenario.ring,
            "stop": scenario.over,
            "talk": scenario.talk,
            "legs": {scenario.extension: True},
        }
    return Truth("inbound", outcome, **{**told, **values})


def answered_leg(scenario, **values):
    told = {"answer": scenario.ring, "release": scenario.over, **REMOTE}
    told["recorded"] = scenario.recorded
    return scenario.rung(scenario.extension, **{**told, **values})


def answered(scenario, name):
    return scenario.plan(name, [answered_leg(scenario)], inbound(scenario))


def recorded(scenario, name):
    leg = answered_leg(scenario, recorded=True)
    return scenario.plan(name, [leg], inbound(scenario))


def missed(scenario, name):
    leg = scenario.rung(scenario.extension, release=scenario.ring, **REMOTE)
    truth = inbound(
        scenario, "missed", stop=scenario.ring, legs={scenario.extension: False}
    )
    return scenario.plan(name, [leg], truth)


def group(scenario, name):
    """All ring, the second of them answers, and the others are released without."""
    first, second, *rest = scenario.extensions
    its_legs = [
        scenario.rung(extension, release=scenario.ring, cause="Temporarily Unavailable")
        for extension in (first, *rest)
    ]
    spoke = replace(scenario, extension=second)
    its_legs.insert(1, answered_leg(spoke))
    truth = inbound(spoke, legs={one: one == second for one in scenario.extensions})
    return scenario.plan(name, its_legs, truth)


def group_missed(scenario, name):
    its_legs = [
        scenario.rung(extension, release=scenario.ring, **REMOTE)
        for extension in scenario.extensions
    ]
    truth = inbound(
        scenario,
        "missed",
        stop=scenario.ring,
        legs=dict.fromkeys(scenario.extensions, False),
    )
    return scenario.plan(name, its_legs, truth)


def queue(scenario, name):
    """Who is asked first does not lift, and the next one answers."""
    begins = TRIED_SECONDS + NEXT_SECONDS
    lifted = begins + scenario.ring
    over = lifted + scenario.duration
    first, second = scenario.extension, scenario.to_extension
    its_legs = [
        scenario.rung(first, release=TRIED_SECONDS, **UNAVAILABLE),
        scenario.rung(
            second, start=begins, answer=lifted, release=over, **REMOTE,
            recorded=scenario.recorded,
        ),
    ]  # fmt: skip
    truth = inbound(
        scenario,
        extension=second,
        answer=lifted,
        stop=over,
        legs={first: False, second: True},
    )
    return scenario.plan(name, its_legs, truth)


def queue_missed(scenario, name):
    """One is busy, the next one does not lift before the caller gives up."""
    begins = NEXT_SECONDS
    over = begins + scenario.ring
    first, second = scenario.extension, scenario.to_extension
    its_legs = [
        scenario.rung(first, release=1, **BUSY),
        scenario.rung(second, start=begins, release=over, **REMOTE),
    ]
    truth = inbound(scenario, "missed", stop=over, legs={first: False, second: False})
    return scenario.plan(name, its_legs, truth)


def busy(scenario, name):
    leg = scenario.rung(scenario.extension, release=2, **BUSY)
    truth = inbound(scenario, "busy", stop=2, legs={scenario.extension: False})
    return scenario.plan(name, [leg], truth)


def group_busy(scenario, name):
    its_legs = [
        scenario.rung(extension, release=2, **BUSY) for extension in scenario.extensions
    ]
    its = dict.fromkeys(scenario.extensions, False)
    return scenario.plan(name, its_legs, inbound(scenario, "busy", stop=2, legs=its))


def active_unanswered(scenario, name):
    """Active is a tone, too: only a time of answer says that somebody lifted."""
    leg = scenario.rung(scenario.extension, release=scenario.ring, **REMOTE)
    rings, over = legs.steps(leg)
    tone = Snapshot.at(leg, 1, state=legs.ACTIVE)
    middle = Step(1, "CallUpdatedEvent", leg.abonent, (tone,))
    truth = inbound(
        scenario, "missed", stop=scenario.ring, legs={scenario.extension: False}
    )
    return scenario.plan(name, [leg], truth, [rings, middle, over])


def withheld(scenario, name):
    leg = answered_leg(scenario, number="", withheld=True)
    return scenario.plan(name, [leg], inbound(scenario, number=""))


def sip_user(scenario, name):
    """The one who answers has a SIP phone: it is named by its login."""
    found = [
        abonent.extension
        for abonent in scenario.abonents.values()
        if abonent.user_id.startswith("SIP")
    ]
    if not found:
        raise ValueError("No abonent has a userId that begins with SIP.")
    return answered(replace(scenario, extension=found[0]), name)


def call_centre(scenario, name):
    """The caller is named by the call centre alone."""
    leg = answered_leg(scenario, redirect="", centre="Сервис", waited=25)
    return scenario.plan(name, [leg], inbound(scenario))


def held(scenario, name):
    leg = answered_leg(scenario)
    rings, lifts, over = legs.steps(leg)
    middle = scenario.ring + scenario.duration / 3
    steps = [
        Step(middle, "CallHeldEvent", leg.abonent,
             (Snapshot.at(leg, middle, state=legs.HELD),)),
        Step(middle + 5, "CallRetrievedEvent", leg.abonent,
             (Snapshot.at(leg, middle + 5),)),
    ]  # fmt: skip
    return scenario.plan(name, [leg], inbound(scenario), [rings, lifts, *steps, over])


def transfer(scenario, name):
    """Answered, then handed on: the second leg begins when the first one ends."""
    first, second = scenario.extension, scenario.to_extension
    handed = scenario.ring + scenario.duration / 2
    over = handed + scenario.ring + scenario.duration
    its_legs = [
        answered_leg(scenario, release=handed, **LOCAL),
        scenario.rung(
            second, start=handed, answer=handed + scenario.ring, release=over,
            redirect="deflection", **REMOTE,
        ),
    ]  # fmt: skip
    truth = inbound(
        scenario,
        extension=second,
        stop=over,
        talk=int(scenario.duration / 2 + scenario.duration),
        legs={first: True, second: True},
    )
    return scenario.plan(name, its_legs, truth)
