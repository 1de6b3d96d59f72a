"""Scenarios of outbound calls and click-to-call. Return (steps, rows). Pure."""

from .events import bare, record
from .story import PBX_ID

# Seconds until the extension lifts, and until the other party does.
LEG1_RING, LEG2_RING = 4, 6


def outbound(story):
    call, recording = story.outbound(), story.recording()
    steps = [
        call.start(),
        call.answer(),
        call.end("answered", story.duration, recording),
        record(story.pbx_call_id, recording),
    ]
    return steps, [story.row_out("answered", story.duration, True)]


def _not_reached(story, disposition, delay, recording="", **changes):
    call = story.outbound(**changes)
    steps = [call.start(), call.end(disposition, recording=recording, delay=delay)]
    return steps, [story.row_out(disposition, recorded=bool(recording))]


def outbound_no_answer(story):
    return _not_reached(story, "no answer", 30)


def outbound_busy(story):
    return _not_reached(story, "busy", 3, number_plus=False)


def outbound_failed(story):
    return _not_reached(story, "failed", 1)


def outbound_cancelled(story):
    # Seen live: given up, no talk, yet marked as recorded with an id. No file exists.
    return _not_reached(story, "cancel", 8, recording=story.recording())


def outbound_no_money(story):
    return _not_reached(story, "no money", 0.5, caller_id="0", number_plus=False)


def _second_leg(story, call, last=True):
    """ANSWER, OUT_END and RECORD of the leg to the other party."""
    if story.outcome != "answered":
        return [call.end(story.outcome, delay=LEG2_RING)]
    recording = story.recording(1)
    return [
        call.answer(LEG2_RING),
        call.end("answered", story.duration, recording),
        record(call.pbx_call_id, recording),
    ]


def _click_rows(story, second_id=None):
    """Leg 1 is a row whose ``sip`` equals its destination."""
    if story.outcome == "offline":
        return [story.row_out("failed", destination=story.extension)]
    spoken = story.outcome == "answered"
    talk = story.duration if spoken else 0
    ids = {"pbx_call_id": second_id} if second_id else {}
    return [
        story.row_out("answered", talk + LEG2_RING, destination=story.extension),
        story.row_out(story.outcome, talk, spoken, leg=1, **ids),
    ]


def _two_legs(story, first, second, second_id=None):
    if story.outcome == "offline":
        return [first.start(), first.end("failed", delay=1)], _click_rows(story)
    talk = _second_leg(story, second)
    # Leg 1 lasts from the moment the extension lifts, so it is the longer one.
    lifted = LEG2_RING + (story.duration if story.outcome == "answered" else 0)
    steps = [
        first.start(),
        second.start(LEG1_RING),
        *talk[:2],
        first.end("answered", lifted, delay=0),
        *talk[2:],
    ]
    return steps, _click_rows(story, second_id)


def click_calltype(story):
    first = story.outbound(calltype="callback_leg1")
    second = story.outbound(
        number_plus=False,
        internal=f"{PBX_ID}-{story.extension}",
        calltype="callback_leg2",
    )
    return _two_legs(story, first, second)


def click_swapped(story):
    first = story.outbound(
        internal=bare(story.number), destination=story.extension, calltype=""
    )
    return _two_legs(story, first, story.outbound(calltype=""))


def click_plain(story):
    outcome = "failed" if story.outcome == "offline" else story.outcome
    if outcome != "answered":
        return _not_reached(story, outcome, LEG1_RING + LEG2_RING)
    return outbound(story)


def click_two_ids(story):
    second_id = second_call_id(story.pbx_call_id)
    first = story.outbound(calltype="callback_leg1")
    second = story.outbound(pbx_call_id=second_id, calltype="callback_leg2")
    return _two_legs(story, first, second, second_id)


def second_call_id(pbx_call_id):
    """Return the id of the second leg: the first one with its last digit moved on."""
    try:
        last = f"{(int(pbx_call_id[-1], 16) + 1) % 16:x}"
    except ValueError:
        last = "0"
    return pbx_call_id[:-1] + last


def extension_to_extension(story):
    call = story.outbound(
        caller_id=story.extension, destination=story.to_extension, calltype=""
    )
    steps = [
        call.start(),
        call.answer(),
        call.end("answered", story.duration),
    ]
    row = story.row_out("answered", story.duration, destination=story.to_extension)
    return steps, [row]
