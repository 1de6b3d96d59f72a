"""What a call keeps of the decisions about it."""

from dataclasses import replace

from ...telephony import routing

# They ring a phone that rings for nobody else then.
PHONES = frozenset(
    (*routing.OF_THE_CALLER, routing.USER, routing.TEAM, routing.EXTENSION)
)
# They say nothing of where a call went that was routed before.
SILENT = frozenset((routing.SCENARIO_CODE, routing.FAILED))


def route_values(call, decisions):
    """Return the values that decisions give a call.

    :param call: what is known of it, perhaps nothing.
    :param list decisions: as ``Outcome.to_json``, in the order in which they were made.
    """
    values, kept, is_blocked = {}, call.route_outcome, call.is_blocked
    for decision in decisions:
        code, rule = decision["code"], decision.get("rule")
        if kept and code in SILENT:
            continue
        # What a menu says, or what follows a message, comes of the rule before it.
        follows = not rule or decision.get("answers_to")
        before = kept if kept and follows else {}
        steps, new = before.get("steps", []), decision.get("steps", [])
        if new and steps[-len(new) :] == new:
            steps = steps[: -len(new)]  # the event was applied before
        kept = {
            **decision,
            "rule": rule or before.get("rule"),
            "steps": [*steps, *new],
        }
        is_blocked = is_blocked or _is_refused(decision)
        values = {
            "route_code": code,
            "route_outcome": kept,
            "routed_to": decision.get("decision", {}).get("redirect") or False,
            # One that was removed since decides no more.
            "route_id": call.env["pbx.route"].browse(kept["rule"]).exists().id,
            "is_blocked": is_blocked,
        }
    return values


def phone_of(outcome):
    """Return the number of the phone that a call is sent to, ``""`` for none."""
    return outcome.routed_to if outcome.args.get("target") in PHONES else ""


def as_kept(outcome):
    """Return an outcome as a JSON-able dict, without what the caller is called."""
    decision = replace(outcome.decision, caller_name="")
    return replace(outcome, decision=decision).to_json()


def with_name(outcome, name):
    """Return a kept outcome with the caller's name, where phones are to show it."""
    decision = outcome.decision
    if not name or decision.refuse or decision.hangup or decision.ask:
        return outcome
    return replace(outcome, decision=replace(decision, caller_name=name))


def _is_refused(decision):
    """Tell whether the caller's number was blocked, also where the PBX cannot be told
    to refuse it."""
    return decision["code"] == routing.BLOCKED or any(
        step.get("target") == routing.REFUSE_TARGET and not step.get("rule")
        for step in decision.get("steps", ())
    )
