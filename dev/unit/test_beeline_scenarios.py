"""What the look-alike plays, read by the dialect: what must come of it stands there."""

import random
from datetime import timedelta

import pytest
from beeline_bodies import ACCOUNT, BEELINE, CURRENT, LATE, PREVIOUS, URL

from fake_beeline import document, history
from fake_beeline.scenarios import SCENARIOS, plan
from telephony.call import derive
from telephony.dialect import Refused, Request
from telephony.facts import CallFacts

START = 1790000000.0
NAMED = {"former": PREVIOUS, "none": "", "unknown": "7c0d2e00-9999"}


def requests_of(ready, form):
    """Yield what is posted for the steps of a plan."""
    kind = SCENARIOS[ready.name]
    written = document.FORMS[form or kind.form]
    for place, step in enumerate(ready.steps):
        number = 90 - place if kind.backwards else 40 + place
        named = NAMED.get(step.subscription, CURRENT)
        body = document.render(step, ready.start, URL, named, number, written)
        kind_of_body = document.CONTENT_TYPE
        if step.spoil:
            body, kind_of_body = step.spoil(body)
        yield Request("POST", {"content-type": kind_of_body}, {}, body)


def essence(call):
    def text(moment):
        return moment and moment.replace(microsecond=0).isoformat(" ")

    return {
        "ref": call.ref,
        "direction": call.direction,
        "state": call.state,
        "outcome": call.outcome,
        "extension": call.extension,
        "number": call.number,
        "line": call.line,
        "start": text(call.start),
        "answer": text(call.answer),
        "stop": text(call.stop),
        "wait_seconds": call.wait,
        "talk_seconds": call.talk,
        "legs": {leg.extension: leg.outcome == "answered" for leg in call.legs},
        "recordings": len(call.recordings),
    }


def expected(ready):
    truth = ready.truth.as_json(ready.start)
    kept = {name: truth[name] for name in truth if name not in ("status", "is_call")}
    if kept["outcome"] != "answered" and kept["direction"] == "inbound":
        kept["extension"] = ""
    return kept


def read(requests, received_at=LATE):
    """Return ``{ref: [events]}`` of all that requests tell."""
    found = {}
    for place, request in enumerate(requests):
        delivery = BEELINE.check(request, ACCOUNT)
        for one in (delivery, *delivery.further):
            moment = received_at + timedelta(seconds=place)
            found.setdefault(one.ref, []).extend(BEELINE.read(one, moment, ACCOUNT))
    return found


CALLS = [name for name in SCENARIOS if plan(name, start=START).truth.is_call]
REFUSED = [name for name in SCENARIOS if plan(name, start=START).truth.status != 200]


@pytest.mark.parametrize("form", [None, *document.FORMS])
@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_what_it_must_be(name, form):
    ready = plan(name, start=START)
    requests = list(requests_of(ready, form))
    found = read(requests)
    call = derive(CallFacts(found[ready.ref]), False)
    assert essence(call) == expected(ready)
    again = [*requests, *requests_of(ready, "other_prefixes")]
    random.Random(name).shuffle(again)
    assert essence(derive(CallFacts(read(again)[ready.ref]), False)) == expected(ready)


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_be_refused_is(name):
    ready = plan(name, start=START)
    for request in requests_of(ready, None):
        with pytest.raises(Refused) as caught:
            BEELINE.check(request, ACCOUNT)
        assert caught.value.status == ready.truth.status


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {*CALLS, *REFUSED}))
def test_the_rest_is_kept_and_tells_of_no_call(name):
    found = read(requests_of(plan(name, start=START), None))
    assert found == {"": []}


def test_two_calls_in_one_event():
    ready = plan("two_calls", start=START)
    found = read(requests_of(ready, None))
    assert set(found) == {ready.ref, f"{ready.ref}-second"}
    second = derive(CallFacts(found[f"{ready.ref}-second"]), False)
    assert (second.outcome, second.number) == ("missed", "+79000000299")


def test_all_calls_of_a_past_can_be_read():
    for past in history.calls(START):
        found = read(requests_of(past.plan, None))
        assert essence(derive(CallFacts(found[past.plan.ref]), False)) == expected(
            past.plan
        )
