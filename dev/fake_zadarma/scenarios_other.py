"""Scenarios of webhooks that are no calls. Each returns (steps, rows). Pure."""

import json

from .events import Step, bare


def _result(event, result, **more):
    # The signature covers this very text: it is written once.
    fields = {"event": event, **more, "result": json.dumps(result, ensure_ascii=False)}
    return [Step(event, fields, 0)], []


def sms(scenario):
    text = {
        "caller_id": bare(scenario.number),
        "caller_did": bare(scenario.line),
        "text": "Grüße, is my order ready? 1+1=2 & more",
    }
    return _result("SMS", text)


def number_lookup(scenario):
    answer = {
        "mcc": "23410",
        "mnc": "10",
        "mccName": "United Kingdom",
        "mncName": "O2",
        "ported": False,
        "roaming": False,
        "errorDescription": "No Error",
        "number": bare(scenario.number),
    }
    return _result("NUMBER_LOOKUP", [answer], success="true")


def speech_recognition(scenario):
    words = [{"s": 0.02, "e": 0.22, "w": "hello"}, {"s": 0.3, "e": 0.6, "w": "there"}]
    ids = {"call_id": scenario.recording(), "pbx_call_id": scenario.pbx_call_id}
    return _result(
        "SPEECH_RECOGNITION",
        {"words": [{"result": words, "channel": 1}]},
        lang="en-EN",
        **ids,
    )


def unknown_event(scenario):
    # The first was seen live and is documented nowhere; the second is our invention.
    call = scenario.inbound()
    return [
        call.unknown("NOTIFY_INTERNAL_END", 0, internal=scenario.extension),
        call.unknown("NOTIFY_FUTURE", 0),
    ], []
