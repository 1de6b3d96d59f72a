"""Scenarios: what the PBX sends about each kind of call. Pure, standard library.

>>> plan("answered", caller="+79000000201").truth.talk
53
"""

from dataclasses import fields
from typing import NamedTuple

from . import scenarios_inbound, scenarios_other, scenarios_outbound
from .scenario import Scenario


class Kind(NamedTuple):
    """A scenario: what a person reads, how it is built, and how it is written.

    ``form``: of its documents; ``backwards``: their numbers go down.
    """

    direction: str
    title: str
    build: object
    form: str = "usual"
    backwards: bool = False


def _kinds(direction, module, titles):
    return {
        name: Kind(direction, title, getattr(module, name))
        for name, title in titles.items()
    }


SCENARIOS = {
    **_kinds(
        "in",
        scenarios_inbound,
        {
            "answered": "Inbound, answered",
            "recorded": "Inbound, answered and recorded",
            "missed": "Inbound, nobody answers, the caller gives up",
            "group": "Inbound, all phones ring, the second one answers",
            "group_missed": "Inbound, all phones ring, nobody answers",
            "queue": "Inbound, the first does not lift, the next one answers",
            "queue_missed": "Inbound, one is busy, the next one does not lift",
            "busy": "Inbound, the phone is busy",
            "group_busy": "Inbound, every phone is busy",
            "active_unanswered": "Inbound, active without an answer",
            "withheld": "Inbound, the caller withholds the number",
            "sip_user": "Inbound, answered at a SIP phone",
            "call_centre": "Inbound, through the call centre",
            "held": "Inbound, held and taken up again",
            "transfer": "Inbound, answered, then transferred",
        },
    ),
    **_kinds(
        "out",
        scenarios_outbound,
        {
            "outbound": "Outbound, answered",
            "outbound_busy": "Outbound, busy",
            "outbound_cancelled": "Outbound, we give up",
            "outbound_no_answer": "Outbound, nobody answers",
            "outbound_no_cause": "Outbound, ended without a cause",
            "outbound_failed": "Outbound, forbidden",
            "outbound_tone": "Outbound, active without an answer",
            "click": "Click-to-call",
            "click_one_leg": "Click-to-call, told as one leg",
            "click_own_silent": "Click-to-call, our own phone is not lifted",
            "internal": "From one abonent to another",
            "internal_missed": "From one abonent to another, who does not lift",
        },
    ),
    "default_namespace": Kind(
        "in", "Inbound, in XML without prefixes", scenarios_inbound.answered,
        form="default_namespace",
    ),
    "other_prefixes": Kind(
        "in", "Inbound, in XML with other prefixes", scenarios_inbound.answered,
        form="other_prefixes",
    ),
    "no_attributes": Kind(
        "in", "Inbound, in XML without attributes", scenarios_inbound.answered,
        form="no_attributes",
    ),
    "backwards": Kind(
        "in", "Inbound, the events' numbers go backwards", scenarios_inbound.answered,
        backwards=True,
    ),
    **_kinds(
        "other",
        scenarios_other,
        {
            "two_calls": "Two calls of one phone in one event",
            "hook_status": "A phone is off the hook",
            "unknown_type": "An event of another type, without a call",
            "call_subscription": "No call goes on at this moment",
            "terminated": "The PBX says that the subscription has ended",
            "terminated_former": "The PBX says that a former subscription has ended",
            "wrong_subscription": "Refused: a subscription nobody knows",
            "no_subscription": "Refused: no subscription is named",
            "doctype": "Refused: XML with a DOCTYPE",
            "entities": "Refused: XML with entities",
            "broken": "Refused: broken XML",
            "too_long": "Refused: 70 KiB",
            "form_body": "Refused: a form",
        },
    ),
}  # fmt: skip
PARAMETERS = tuple(field.name for field in fields(Scenario) if field.name != "abonents")


def plan(name, **parameters):
    """Build a scenario; raises ValueError with a sentence."""
    if name not in SCENARIOS:
        raise ValueError(f"There is no scenario {name!r}: see GET /control/scenarios.")
    if wrong := parameters.keys() - {*PARAMETERS, "abonents"}:
        raise ValueError(f"A scenario has no parameter {', '.join(sorted(wrong))}.")
    return SCENARIOS[name].build(Scenario(**parameters).filled(), name)
