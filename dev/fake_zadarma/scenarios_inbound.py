"""Scenarios of calls from outside. Each returns (steps, statistics rows). Pure."""

from .events import Step, record

VOICEMAIL_SECONDS = 21
MENU_SECONDS = 9


def _talk(scenario, call, recording, **end):
    """The four webhooks of a conversation."""
    return [
        call.start(),
        call.internal(scenario.extension),
        call.answer(scenario.extension),
        call.end(
            "answered",
            scenario.duration,
            extension=scenario.extension,
            last_internal=scenario.extension,
            recording=recording,
            **end,
        ),
    ]


def _answered_row(scenario, recorded=True):
    return [
        scenario.row_in(scenario.extension, "answered", scenario.duration, recorded)
    ]


def answered(scenario):
    call, recording = scenario.inbound(), scenario.recording()
    steps = _talk(scenario, call, recording)
    steps.append(record(scenario.pbx_call_id, recording))
    return steps, _answered_row(scenario)


def missed(scenario):
    call = scenario.inbound(caller_plus=False)
    steps = [
        call.start(),
        call.internal(scenario.extension),
        call.end("cancel", delay=15),
    ]
    return steps, [scenario.row_in(scenario.extension, "cancel")]


def busy(scenario):
    call = scenario.inbound(line_plus=True)
    steps = [call.start(), call.internal(scenario.extension), call.end("busy", delay=2)]
    return steps, [scenario.row_in(scenario.extension, "busy")]


def abandoned(scenario):
    call = scenario.inbound(caller_plus=False)
    steps = [call.start(), call.end("cancel", delay=7)]
    return steps, [scenario.row_in("0", "cancel")]


def voicemail(scenario):
    # The PBX itself lifted: "answered", and no extension.
    call, recording = scenario.inbound(), scenario.recording()
    steps = [
        call.start(),
        call.internal(scenario.extension),
        call.end("answered", VOICEMAIL_SECONDS, recording=recording, delay=40),
        record(scenario.pbx_call_id, recording),
    ]
    rows = [
        scenario.row_in(scenario.extension, "no answer", leg=1),
        scenario.row_in("0", "answered", VOICEMAIL_SECONDS, True),
    ]
    return steps, rows


def menu_answered(scenario):
    call = scenario.inbound()
    steps = [call.start(), call.end("answered", MENU_SECONDS)]
    return steps, [scenario.row_in("0", "answered", MENU_SECONDS)]


def _group(scenario):
    """Who is rung together: the one who answers is always among them."""
    rung = tuple(scenario.extensions)
    return rung if scenario.extension in rung else (scenario.extension, *rung)


def ring_group(scenario):
    call, recording = scenario.inbound(line_plus=True), scenario.recording()
    rung = _group(scenario)
    talk = _talk(scenario, call, recording)
    ringing = [call.internal(ext, 1 if i == 0 else 0) for i, ext in enumerate(rung)]
    steps = [talk[0], *ringing, *talk[2:], record(scenario.pbx_call_id, recording)]
    others = [ext for ext in rung if ext != scenario.extension]
    rows = _answered_row(scenario) + [
        scenario.row_in(ext, "cancel", leg=i) for i, ext in enumerate(others, 1)
    ]
    return steps, rows


def ring_group_missed(scenario):
    call = scenario.inbound()
    rung = tuple(scenario.extensions)
    ringing = [call.internal(ext, 1 if i == 0 else 0) for i, ext in enumerate(rung)]
    steps = [call.start(), *ringing, call.end("no answer", delay=30)]
    rows = [scenario.row_in(ext, "no answer", leg=i) for i, ext in enumerate(rung)]
    return steps, rows


def transfer(scenario):
    call = scenario.inbound()
    first, second = scenario.extension, scenario.to_extension
    before = scenario.duration // 2
    steps = [
        call.start(),
        call.internal(first),
        call.answer(first),
        call.internal(second, before, transfer_from=first),
        call.answer(second, 3),
        call.end(
            "answered",
            scenario.duration,
            extension=first,
            last_internal=second,
            recording=scenario.recording(1),
            delay=scenario.duration - before,
        ),
        record(scenario.pbx_call_id, scenario.recording(0)),
        record(scenario.pbx_call_id, scenario.recording(1), 1),
    ]
    rows = [
        scenario.row_in(first, "answered", before, True, leg=0),
        scenario.row_in(second, "answered", scenario.duration - before, True, leg=1),
    ]
    return steps, rows


def withheld(scenario):
    caller = "anonymous" if scenario.caller is None else scenario.caller
    call = scenario.inbound(caller=caller)
    rows = _answered_row(scenario, recorded=False)
    rows[0]["clid"] = {"name": caller, "number": caller}
    return _talk(scenario, call, ""), rows


def answer_only(scenario):
    # The seed's minimum: every other notification is switched off.
    call = scenario.inbound()
    return [call.answer(scenario.extension, 0)], _answered_row(scenario, recorded=False)


def record_before_end(scenario):
    call, recording = scenario.inbound(caller_plus=False), scenario.recording()
    steps = _talk(scenario, call, recording)
    steps.insert(3, record(scenario.pbx_call_id, recording, scenario.duration))
    steps[4] = steps[4]._replace(delay=1)
    return steps, _answered_row(scenario)


def record_after_end(scenario):
    call, recording = scenario.inbound(caller_plus=False), scenario.recording()
    steps = _talk(scenario, call, recording)
    steps.append(record(scenario.pbx_call_id, recording, 10))
    return steps, _answered_row(scenario)


def out_of_order(scenario):
    steps, rows = answered(scenario)
    start, internal, answer, end, recorded = steps
    return [
        step._replace(delay=0.2) for step in (recorded, end, internal, answer, start)
    ], rows


def repeated(scenario):
    steps, rows = answered(scenario)
    twice = []
    for step in steps:
        again = Step(step.event, dict(step.fields), 0)
        twice += [step, again]
    # A delivery that was thought lost comes once more when all is over.
    return [*twice, Step(steps[0].event, dict(steps[0].fields), 1)], rows


def ivr(scenario):
    call, recording = scenario.inbound(), scenario.recording()
    talk = _talk(scenario, call, recording)
    steps = [
        talk[0],
        call.ivr("menu", "2"),
        *talk[1:],
        record(scenario.pbx_call_id, recording),
    ]
    return steps, _answered_row(scenario)
