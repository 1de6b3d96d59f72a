"""Scenarios of outbound calls, clicks and calls between two abonents. Pure."""

from dataclasses import replace

from . import legs
from .legs import Snapshot, Step
from .scenario import Truth
from .scenarios_inbound import BUSY, LOCAL, REMOTE, UNAVAILABLE

FORBIDDEN = {**REMOTE, "cause": "Forbidden", "cdr": "403"}
OWN_PHONE_SILENT = {"cause": "Request Timeout", "cdr": "111"}
OWN_RING = 4  # seconds until our own phone is lifted, in a click
OWN_SILENT = 20


def outbound_truth(scenario, outcome="answered", **values):
    defaults = {
        "extension": scenario.extension,
        "number": scenario.number,
        "legs": {scenario.extension: outcome == "answered"},
    }
    if outcome == "answered":
        defaults |= {
            "answer": scenario.ring,
            "stop": scenario.over,
            "talk": scenario.talk,
        }
    return Truth("outbound", outcome, **{**defaults, **values})


def outbound(scenario, name):
    leg = scenario.dialled(
        scenario.extension,
        answer=scenario.ring,
        release=scenario.over,
        recorded=scenario.recorded,
        **LOCAL,
    )
    return scenario.plan(name, [leg], outbound_truth(scenario))


def _not_reached(scenario, name, outcome, end, addressed_at_end=True):
    leg = scenario.dialled(scenario.extension, release=scenario.ring, **end)
    truth = outbound_truth(scenario, outcome, stop=scenario.ring)
    return scenario.plan(name, [leg], truth, addressed_at_end=addressed_at_end)


def outbound_busy(scenario, name):
    """What is released names the other party no more."""
    return _not_reached(scenario, name, "busy", BUSY, addressed_at_end=False)


def outbound_cancelled(scenario, name):
    return _not_reached(scenario, name, "cancelled", LOCAL)


def outbound_no_answer(scenario, name):
    return _not_reached(scenario, name, "no_answer", UNAVAILABLE)


def outbound_no_cause(scenario, name):
    return _not_reached(scenario, name, "no_answer", REMOTE)


def outbound_failed(scenario, name):
    return _not_reached(scenario, name, "failed", FORBIDDEN)


def outbound_tone(scenario, name):
    """Active without an answer, such as the busy tone of a far network."""
    leg = scenario.dialled(scenario.extension, release=scenario.ring, **REMOTE)
    begins, over = legs.steps(leg)
    tone = Snapshot.at(leg, 2, state=legs.ACTIVE)
    middle = Step(2, "CallAnsweredEvent", leg.abonent, (tone,))
    truth = outbound_truth(scenario, "no_answer", stop=scenario.ring)
    return scenario.plan(name, [leg], truth, [begins, middle, over])


def click(scenario, name):
    """Our own phone rings first; the other party is rung when it is lifted.

    ``outcome``: ``answered``; of the other party ``busy``, ``no answer``; ``cancelled``
    by our user; ``own phone``: it is not lifted.
    """
    extension, lifted = scenario.extension, OWN_RING
    if scenario.outcome == "own phone":
        own = scenario.clicked(extension, release=OWN_SILENT, **OWN_PHONE_SILENT)
        truth = outbound_truth(scenario, "cancelled", stop=OWN_SILENT)
        # Nobody dialled yet: no event names the other party.
        return scenario.plan(name, [own], replace(truth, number=""))
    ends = {
        "answered": ("answered", LOCAL),
        "busy": ("busy", BUSY),
        "no answer": ("no_answer", UNAVAILABLE),
        "cancelled": ("cancelled", LOCAL),
    }
    if scenario.outcome not in ends:
        known = ", ".join([*ends, "own phone"])
        raise ValueError(f"The outcome of a click is one of: {known}.")
    outcome, end = ends[scenario.outcome]
    answer = lifted + scenario.ring if outcome == "answered" else None
    over = lifted + scenario.ring + (scenario.duration if answer else 0)
    its_legs = [
        scenario.clicked(extension, answer=lifted, release=over, **LOCAL),
        scenario.dialled(
            extension, start=lifted, answer=answer, release=over, **end,
            recorded=scenario.recorded,
        ),
    ]  # fmt: skip
    truth = outbound_truth(scenario, outcome, answer=answer, stop=over)
    return scenario.plan(name, its_legs, truth)


def click_one_leg(scenario, name):
    """As a click, but the leg to our own phone goes on as that to the other party."""
    plan = click(replace(scenario, outcome="answered"), name)
    [own, other] = dict.fromkeys(step.calls[0].leg.call_id for step in plan.steps)

    def one_leg(step):
        [snapshot] = step.calls
        leg = replace(snapshot.leg, call_id=own)
        return replace(step, calls=(replace(snapshot, leg=leg),))

    # It is released once, as the leg that it is then.
    steps = [
        one_leg(step)
        for step in plan.steps
        if step.event != "CallReleasedEvent" or step.calls[0].leg.call_id == other
    ]
    return replace(plan, steps=steps)


def click_own_silent(scenario, name):
    return click(replace(scenario, outcome="own phone"), name)


def internal(scenario, name):
    """Both sides are told: two legs of one call."""
    first, second = scenario.extension, scenario.to_extension
    both = {"call_type": legs.GROUP, "answer": scenario.ring, "release": scenario.over}
    its_legs = [
        scenario.dialled(
            first, **both, **LOCAL, other=scenario.abonent(second), number=second
        ),
        scenario.rung(
            second, **both, **REMOTE, other=scenario.abonent(first), number=first,
            redirect="",
        ),
    ]  # fmt: skip
    truth = Truth(
        "internal",
        "answered",
        extension=first,
        number=second,
        answer=scenario.ring,
        stop=scenario.over,
        talk=scenario.talk,
        legs={first: True, second: True},
    )
    return scenario.plan(name, its_legs, truth)


def internal_missed(scenario, name):
    first, second = scenario.extension, scenario.to_extension
    both = {"call_type": legs.GROUP, "release": scenario.ring}
    its_legs = [
        scenario.dialled(
            first, **both, **LOCAL, other=scenario.abonent(second), number=second
        ),
        scenario.rung(
            second, **both, **REMOTE, other=scenario.abonent(first), number=first,
            redirect="",
        ),
    ]  # fmt: skip
    truth = Truth(
        "internal",
        "cancelled",
        extension=first,
        number=second,
        stop=scenario.ring,
        legs={first: False, second: False},
    )
    return scenario.plan(name, its_legs, truth)
