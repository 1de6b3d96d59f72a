"""Scenarios of outbound calls and click-to-call. Return (steps, rows). Pure."""

from .events import bare, record
from .scenario import PBX_ID

# Seconds until the extension lifts, and until the other party does.
LEG1_RING, LEG2_RING = 4, 6


def outbound(scenario):
    call, recording = scenario.outbound(), scenario.recording()
    steps = [
        call.start(),
        call.answer(),
        call.end("answered", scenario.duration, recording),
        record(scenario.pbx_call_id, recording),
    ]
    return steps, [scenario.row_out("answered", scenario.duration, True)]


def _not_reached(scenario, disposition, delay, recording="", **changes):
    call = scenario.outbound(**changes)
    steps = [call.start(), call.end(disposition, recording=recording, delay=delay)]
    return steps, [scenario.row_out(disposition, recorded=bool(recording))]


def outbound_no_answer(scenario):
    return _not_reached(scenario, "no answer", 30)


def outbound_busy(scenario):
    return _not_reached(scenario, "busy", 3, number_plus=False)


def outbound_failed(scenario):
    return _not_reached(scenario, "failed", 1)


def outbound_cancelled(scenario):
    # Seen live: given up, no talk, yet marked as recorded with an id. No file exists.
    return _not_reached(scenario, "cancel", 8, recording=scenario.recording())


def outbound_no_money(scenario):
    return _not_reached(scenario, "no money", 0.5, caller_id="0", number_plus=False)


def _second_leg(scenario, call, last=True):
    """ANSWER, OUT_END and RECORD of the leg to the other party."""
    if scenario.outcome != "answered":
        return [call.end(scenario.outcome, delay=LEG2_RING)]
    recording = scenario.recording(1)
    return [
        call.answer(LEG2_RING),
        call.end("answered", scenario.duration, recording),
        record(call.pbx_call_id, recording),
    ]


def _click_rows(scenario, second_id=None):
    """Leg 1 is a row whose ``sip`` equals its destination."""
    if scenario.outcome == "offline":
        return [scenario.row_out("failed", destination=scenario.extension)]
    spoken = scenario.outcome == "answered"
    talk = scenario.duration if spoken else 0
    ids = {"pbx_call_id": second_id} if second_id else {}
    return [
        scenario.row_out("answered", talk + LEG2_RING, destination=scenario.extension),
        scenario.row_out(scenario.outcome, talk, spoken, leg=1, **ids),
    ]


def _two_legs(scenario, first, second, second_id=None):
    if scenario.outcome == "offline":
        return [first.start(), first.end("failed", delay=1)], _click_rows(scenario)
    talk = _second_leg(scenario, second)
    # Leg 1 lasts from the moment the extension lifts, so it is the longer one.
    lifted = LEG2_RING + (scenario.duration if scenario.outcome == "answered" else 0)
    steps = [
        first.start(),
        second.start(LEG1_RING),
        *talk[:2],
        first.end("answered", lifted, delay=0),
        *talk[2:],
    ]
    return steps, _click_rows(scenario, second_id)


def click_calltype(scenario):
    first = scenario.outbound(calltype="callback_leg1")
    second = scenario.outbound(
        number_plus=False,
        internal=f"{PBX_ID}-{scenario.extension}",
        calltype="callback_leg2",
    )
    return _two_legs(scenario, first, second)


def click_swapped(scenario):
    first = scenario.outbound(
        internal=bare(scenario.number), destination=scenario.extension, calltype=""
    )
    return _two_legs(scenario, first, scenario.outbound(calltype=""))


def click_plain(scenario):
    outcome = "failed" if scenario.outcome == "offline" else scenario.outcome
    if outcome != "answered":
        return _not_reached(scenario, outcome, LEG1_RING + LEG2_RING)
    return outbound(scenario)


def click_two_ids(scenario):
    second_id = second_call_id(scenario.pbx_call_id)
    first = scenario.outbound(calltype="callback_leg1")
    second = scenario.outbound(pbx_call_id=second_id, calltype="callback_leg2")
    return _two_legs(scenario, first, second, second_id)


def second_call_id(pbx_call_id):
    """Return the id of the second leg: the first one with its last digit moved on."""
    try:
        last = f"{(int(pbx_call_id[-1], 16) + 1) % 16:x}"
    except ValueError:
        last = "0"
    return pbx_call_id[:-1] + last


def extension_to_extension(scenario):
    call = scenario.outbound(
        caller_id=scenario.extension, destination=scenario.to_extension, calltype=""
    )
    steps = [
        call.start(),
        call.answer(),
        call.end("answered", scenario.duration),
    ]
    row = scenario.row_out(
        "answered", scenario.duration, destination=scenario.to_extension
    )
    return steps, [row]
