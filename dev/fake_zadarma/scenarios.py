"""Scenarios: what a Zadarma PBX sends about each kind of call. Pure, standard library.

>>> for step in scenario("answered", caller="+442079460201"):
...     print(step.event, step.fields, step.delay)
"""

from dataclasses import fields
from typing import NamedTuple

from . import scenarios_inbound, scenarios_other, scenarios_outbound
from .events import Step
from .scenario import Plan, Scenario


class Kind(NamedTuple):
    """A scenario: what a person reads, and how it is built."""

    direction: str
    title: str
    build: object


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
            "answered": "Inbound, answered and recorded",
            "missed": "Inbound, nobody answers, the caller gives up",
            "busy": "Inbound, the extension is busy",
            "abandoned": "Inbound, the caller hangs up in the menu",
            "voicemail": "Inbound, ends in the voicemail",
            "menu_answered": "Inbound, answered by a menu, no extension",
            "ring_group": "Inbound, several extensions ring, one answers",
            "ring_group_missed": "Inbound, several extensions ring, nobody answers",
            "transfer": "Inbound, answered, then transferred",
            "withheld": "Inbound, the caller withholds the number",
            "ivr": "Inbound, through a menu that our reply set",
            "answer_only": "Inbound, only NOTIFY_ANSWER is switched on",
            "record_before_end": "Inbound, the recording is told before the end",
            "record_after_end": "Inbound, the recording is told late",
            "out_of_order": "Inbound, the webhooks come in the wrong order",
            "repeated": "Inbound, every webhook comes twice or more",
        },
    ),
    **_kinds(
        "out",
        scenarios_outbound,
        {
            "outbound": "Outbound, answered and recorded",
            "outbound_no_answer": "Outbound, nobody answers",
            "outbound_busy": "Outbound, busy",
            "outbound_failed": "Outbound, failed",
            "outbound_cancelled": "Outbound, given up by the agent",
            "outbound_no_money": "Outbound, the balance is empty",
            "click_calltype": "Click-to-call, legs told by calltype, one id",
            "click_swapped": "Click-to-call, leg 1 with its numbers swapped",
            "click_plain": "Click-to-call, told as an ordinary outbound call",
            "click_two_ids": "Click-to-call, each leg with an id of its own",
            "extension_to_extension": "One extension calls another",
        },
    ),
    **_kinds(
        "in",
        scenarios_other,
        {
            "sms": "An SMS arrives",
            "number_lookup": "The result of a number lookup",
            "speech_recognition": "The transcript of a call",
            "unknown_event": "Events that nobody documents",
        },
    ),
}
PARAMETERS = tuple(field.name for field in fields(Scenario))


def plan(name, **parameters):
    """Build a scenario with its statistics rows.

    :param str name: one of :data:`SCENARIOS`.
    :param parameters: see :class:`~.scenario.Scenario`; what is left out has a default.
    :rtype: Plan
    :raises ValueError: unknown name or parameter, said in one sentence.
    """
    if name not in SCENARIOS:
        known = ", ".join(SCENARIOS)
        raise ValueError(f"There is no scenario {name!r}. There are: {known}.")
    unknown = sorted(set(parameters) - set(PARAMETERS))
    if unknown:
        raise ValueError(
            f"A scenario has no parameter {', '.join(unknown)}."
            f" It has: {', '.join(PARAMETERS)}."
        )
    kind = SCENARIOS[name]
    scenario = Scenario(**parameters).filled(kind.direction)
    steps, rows = kind.build(scenario)
    return Plan(name, scenario.pbx_call_id, steps, rows)


def scenario(name, **parameters):
    """Return the webhooks of a scenario, a list of :class:`Step`; see :func:`plan`."""
    return plan(name, **parameters).steps


__all__ = ["PARAMETERS", "SCENARIOS", "Plan", "Step", "plan", "scenario"]
