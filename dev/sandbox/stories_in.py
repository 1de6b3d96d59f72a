"""Scenarios of calls from outside. Each returns (steps, statistics rows). Pure."""

from .events import Step, record

VOICEMAIL_SECONDS = 21
MENU_SECONDS = 9


def _talk(story, call, recording, **end):
    """The four webhooks of a conversation."""
    return [
        call.start(),
        call.internal(story.extension),
        call.answer(story.extension),
        call.end(
            "answered",
            story.duration,
            extension=story.extension,
            last_internal=story.extension,
            recording=recording,
            **end,
        ),
    ]


def _answered_row(story, recorded=True):
    return [story.row_in(story.extension, "answered", story.duration, recorded)]


def answered(story):
    call, recording = story.inbound(), story.recording()
    steps = _talk(story, call, recording)
    steps.append(record(story.pbx_call_id, recording))
    return steps, _answered_row(story)


def missed(story):
    call = story.inbound(caller_plus=False)
    steps = [
        call.start(),
        call.internal(story.extension),
        call.end("cancel", delay=15),
    ]
    return steps, [story.row_in(story.extension, "cancel")]


def busy(story):
    call = story.inbound(line_plus=True)
    steps = [call.start(), call.internal(story.extension), call.end("busy", delay=2)]
    return steps, [story.row_in(story.extension, "busy")]


def abandoned(story):
    call = story.inbound(caller_plus=False)
    steps = [call.start(), call.end("cancel", delay=7)]
    return steps, [story.row_in("0", "cancel")]


def voicemail(story):
    # The PBX itself lifted: "answered", and no extension.
    call, recording = story.inbound(), story.recording()
    steps = [
        call.start(),
        call.internal(story.extension),
        call.end("answered", VOICEMAIL_SECONDS, recording=recording, delay=40),
        record(story.pbx_call_id, recording),
    ]
    rows = [
        story.row_in(story.extension, "no answer", leg=1),
        story.row_in("0", "answered", VOICEMAIL_SECONDS, True),
    ]
    return steps, rows


def menu_answered(story):
    call = story.inbound()
    steps = [call.start(), call.end("answered", MENU_SECONDS)]
    return steps, [story.row_in("0", "answered", MENU_SECONDS)]


def _group(story):
    """Who is rung together: the one who answers is always among them."""
    rung = tuple(story.extensions)
    return rung if story.extension in rung else (story.extension, *rung)


def ring_group(story):
    call, recording = story.inbound(line_plus=True), story.recording()
    rung = _group(story)
    talk = _talk(story, call, recording)
    ringing = [call.internal(ext, 1 if i == 0 else 0) for i, ext in enumerate(rung)]
    steps = [talk[0], *ringing, *talk[2:], record(story.pbx_call_id, recording)]
    others = [ext for ext in rung if ext != story.extension]
    rows = _answered_row(story) + [
        story.row_in(ext, "cancel", leg=i) for i, ext in enumerate(others, 1)
    ]
    return steps, rows


def ring_group_missed(story):
    call = story.inbound()
    rung = tuple(story.extensions)
    ringing = [call.internal(ext, 1 if i == 0 else 0) for i, ext in enumerate(rung)]
    steps = [call.start(), *ringing, call.end("no answer", delay=30)]
    rows = [story.row_in(ext, "no answer", leg=i) for i, ext in enumerate(rung)]
    return steps, rows


def transfer(story):
    call = story.inbound()
    first, second = story.extension, story.to_extension
    before = story.duration // 2
    steps = [
        call.start(),
        call.internal(first),
        call.answer(first),
        call.internal(second, before, transfer_from=first),
        call.answer(second, 3),
        call.end(
            "answered",
            story.duration,
            extension=first,
            last_internal=second,
            recording=story.recording(1),
            delay=story.duration - before,
        ),
        record(story.pbx_call_id, story.recording(0)),
        record(story.pbx_call_id, story.recording(1), 1),
    ]
    rows = [
        story.row_in(first, "answered", before, True, leg=0),
        story.row_in(second, "answered", story.duration - before, True, leg=1),
    ]
    return steps, rows


def withheld(story):
    caller = "anonymous" if story.caller is None else story.caller
    call = story.inbound(caller=caller)
    rows = _answered_row(story, recorded=False)
    rows[0]["clid"] = {"name": caller, "number": caller}
    return _talk(story, call, ""), rows


def answer_only(story):
    # The seed's minimum: every other notification is switched off.
    call = story.inbound()
    return [call.answer(story.extension, 0)], _answered_row(story, recorded=False)


def record_before_end(story):
    call, recording = story.inbound(caller_plus=False), story.recording()
    steps = _talk(story, call, recording)
    steps.insert(3, record(story.pbx_call_id, recording, story.duration))
    steps[4] = steps[4]._replace(delay=1)
    return steps, _answered_row(story)


def record_after_end(story):
    call, recording = story.inbound(caller_plus=False), story.recording()
    steps = _talk(story, call, recording)
    steps.append(record(story.pbx_call_id, recording, 10))
    return steps, _answered_row(story)


def out_of_order(story):
    steps, rows = answered(story)
    start, internal, answer, end, recorded = steps
    return [
        step._replace(delay=0.2) for step in (recorded, end, internal, answer, start)
    ], rows


def repeated(story):
    steps, rows = answered(story)
    twice = []
    for step in steps:
        again = Step(step.event, dict(step.fields), 0)
        twice += [step, again]
    # A delivery that was thought lost comes once more when all is over.
    return [*twice, Step(steps[0].event, dict(steps[0].fields), 1)], rows


def ivr(story):
    call, recording = story.inbound(), story.recording()
    talk = _talk(story, call, recording)
    steps = [
        talk[0],
        call.ivr("menu", "2"),
        *talk[1:],
        record(story.pbx_call_id, recording),
    ]
    return steps, _answered_row(story)
