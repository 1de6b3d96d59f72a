"""Events that are no calls, what is to be refused, two calls in one event. Pure."""

from dataclasses import replace

from .legs import Snapshot, Step
from .scenario import Truth
from .scenarios_inbound import answered, answered_leg

KIB = 1024
LONG_BYTES = 70 * KIB
DOCTYPE = b'<!DOCTYPE Event SYSTEM "http://127.0.0.1:9/event.dtd">'
ENTITIES = b"""<!DOCTYPE Event [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>"""
XML = "application/xml; charset=UTF-8"


def _ignored(scenario, name, event, target=True):
    abonent = scenario.abonent(scenario.extension) if target else None
    step = Step(0, event, abonent)
    return scenario.plan(name, [], Truth(), [step])


def hook_status(scenario, name):
    return _ignored(scenario, name, "HookStatusEvent")


def unknown_type(scenario, name):
    return _ignored(scenario, name, "VoiceMailMessageSummaryEvent")


def call_subscription(scenario, name):
    """What tells the calls of the moment after a PUT: there is none."""
    return _ignored(scenario, name, "CallSubscriptionEvent", target=False)


def terminated(scenario, name):
    """The PBX ends the subscription; see also ``/control/subscriptions``."""
    return _ignored(scenario, name, "SubscriptionTerminatedEvent", target=False)


def terminated_former(scenario, name):
    plan = terminated(scenario, name)
    plan.steps[:] = [replace(step, subscription="former") for step in plan.steps]
    return plan


def _refused(scenario, name, status, spoil=None, subscription="current"):
    step = answered(scenario, name).steps[0]
    step = replace(step, spoil=spoil, subscription=subscription)
    return scenario.plan(name, [], Truth(status=status), [step])


def wrong_subscription(scenario, name):
    return _refused(scenario, name, 403, subscription="unknown")


def no_subscription(scenario, name):
    return _refused(scenario, name, 403, subscription="none")


def _with_prologue(prologue):
    def spoil(document):
        return document.replace(b"?>\n", b"?>\n" + prologue, 1), XML

    return spoil


def doctype(scenario, name):
    return _refused(scenario, name, 400, _with_prologue(DOCTYPE))


def entities(scenario, name):
    def spoil(document):
        document, kind = _with_prologue(ENTITIES)(document)
        return document.replace(b"CallReceivedEvent", b"&d;"), kind

    return _refused(scenario, name, 400, spoil)


def broken(scenario, name):
    return _refused(scenario, name, 400, lambda document: (document[:-20], XML))


def too_long(scenario, name):
    def spoil(document):
        return document + b" " * (LONG_BYTES - len(document)), XML

    return _refused(scenario, name, 413, spoil)


def form_body(scenario, name):
    kind = "application/x-www-form-urlencoded"
    return _refused(scenario, name, 415, lambda _document: (b"event=call", kind))


def two_calls(scenario, name):
    """While one call is held, a second one comes to the same phone: an event tells of
    both. ``truth`` is that of the first; the second one is never told otherwise until
    its end."""
    leg = answered_leg(scenario)
    rings, lifts, over = (
        Step(offset, event, leg.abonent, (Snapshot.at(leg, offset),))
        for offset, event in (
            (0, "CallReceivedEvent"),
            (scenario.ring, "CallAnsweredEvent"),
            (scenario.over, "CallReleasedEvent"),
        )
    )
    middle = scenario.ring + scenario.duration / 2
    second = scenario.rung(
        scenario.extension,
        ref=f"{scenario.ref}-second",
        number="+79000000299",
        start=middle,
        release=middle + 8,
        ended_by="remoteRelease",
    )
    calls = (Snapshot.at(leg, middle), Snapshot.at(second, middle))
    both = Step(middle, "CallUpdatedEvent", leg.abonent, calls)
    ends = Step(
        middle + 8,
        "CallReleasedEvent",
        leg.abonent,
        (Snapshot.at(second, middle + 8),),
    )
    plan = answered(scenario, name)
    steps = sorted([rings, lifts, both, ends, over], key=lambda step: step.offset)
    return replace(plan, steps=steps, rows=[*plan.rows, scenario.row(second)])
