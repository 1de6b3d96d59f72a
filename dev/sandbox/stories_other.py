"""Scenarios of webhooks that are no calls. Each returns (steps, rows). Pure."""

import json

from .events import Step, bare


def _result(event, result, **more):
    # The signature covers this very text: it is written once.
    fields = {"event": event, **more, "result": json.dumps(result, ensure_ascii=False)}
    return [Step(event, fields, 0)], []


def sms(story):
    text = {
        "caller_id": bare(story.number),
        "caller_did": bare(story.line),
        "text": "Grüße, is my order ready? 1+1=2 & more",
    }
    return _result("SMS", text)


def number_lookup(story):
    answer = {
        "mcc": "23410",
        "mnc": "10",
        "mccName": "United Kingdom",
        "mncName": "O2",
        "ported": False,
        "roaming": False,
        "errorDescription": "No Error",
        "number": bare(story.number),
    }
    return _result("NUMBER_LOOKUP", [answer], success="true")


def speech_recognition(story):
    words = [{"s": 0.02, "e": 0.22, "w": "hello"}, {"s": 0.3, "e": 0.6, "w": "there"}]
    ids = {"call_id": story.recording(), "pbx_call_id": story.pbx_call_id}
    return _result(
        "SPEECH_RECOGNITION",
        {"words": [{"result": words, "channel": 1}]},
        lang="en-EN",
        **ids,
    )


def unknown_event(story):
    # The first was seen live and is documented nowhere; the second is our invention.
    call = story.inbound()
    return [
        call.unknown("NOTIFY_INTERNAL_END", 0, internal=story.extension),
        call.unknown("NOTIFY_FUTURE", 0),
    ], []
