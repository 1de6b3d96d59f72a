"""Beeline's look-alike: its scenarios, documents and truths; nothing is served."""

import re
from xml.etree import ElementTree

import pytest

from fake_beeline import document, history, past
from fake_beeline.scenarios import SCENARIOS, plan

XSI = f"{{{document.XSI}}}"
TYPE = f"{{{document.INSTANCE}}}type"
START = 1790000000.0
URL = "https://odoo.example.com/pbx/beeline/TOKEN"
SPOILT = ("doctype", "entities", "broken", "form_body")
# The example of the contract, without what is made up anew each time.
EXAMPLE = """<xsi:targetId>9000000101@ip.beeline.ru</xsi:targetId>\
<xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call>\
<xsi:callId>CALL</xsi:callId><xsi:extTrackingId>REF</xsi:extTrackingId>\
<xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state>\
<xsi:remoteParty><xsi:address countryCode="7">tel:+79000000201</xsi:address>\
<xsi:callType>Network</xsi:callType></xsi:remoteParty>\
<xsi:redirections><xsi:redirection><xsi:party><xsi:name>Main line</xsi:name>\
<xsi:address countryCode="7">tel:+79000000100</xsi:address>\
<xsi:callType>Group</xsi:callType></xsi:party><xsi:reason>hunt-group</xsi:reason>\
</xsi:redirection></xsi:redirections>\
<xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>\
9000000101@ip.beeline.ru</xsi:addressOfRecord></xsi:endpoint>\
<xsi:startTime>1790000000000</xsi:startTime></xsi:call></xsi:eventData></xsi:Event>"""


def documents(name, **parameters):
    """The documents of a scenario, parsed."""
    kind, ready = SCENARIOS[name], plan(name, start=START, **parameters)
    form = document.FORMS[kind.form]
    for step in ready.steps:
        body = document.render(step, ready.start, URL, "subscription", 7, form)
        yield ElementTree.fromstring(body)


def told(event, path):
    """The text of an element of the first call; ``None``: it is not there."""
    where = "/".join(XSI + part for part in path.split("/"))
    return event.findtext(f"{XSI}eventData/{XSI}call/{where}")


def kind(event):
    return event.find(f"{XSI}eventData").get(TYPE, "").rpartition(":")[2]


def test_an_event_is_that_of_the_contract():
    ready = plan("answered", start=START, ref="REF")
    body = document.render(ready.steps[0], START, URL, "ID", 41).decode()
    call_id = ready.steps[0].calls[0].leg.call_id
    assert re.fullmatch(r"callhalf-[0-9]+:0", call_id)
    begins, found, rest = body.partition("<xsi:targetId>")
    assert (found + rest).replace(call_id, "CALL") == EXAMPLE
    assert f"<xsi:httpContact><xsi:uri>{URL}</xsi:uri></xsi:httpContact>" in begins
    assert "<xsi:subscriptionId>ID</xsi:subscriptionId>" in begins
    assert "<xsi:sequenceNumber>41</xsi:sequenceNumber>" in begins


def test_a_call_is_told_with_exact_times():
    rings, lifts, over = documents("answered")
    states = [told(event, "state") for event in (rings, lifts, over)]
    assert states == ["Alerting", "Active", "Released"]
    assert [told(event, "answerTime") for event in (rings, lifts, over)] == [
        *(None, "1790000010000", "1790000010000")
    ]
    assert [told(one, "releaseTime") for one in (lifts, over)] == [
        *(None, "1790000063500")
    ]
    truth = plan("answered", start=START).truth.as_json(START)
    assert truth["start"] == "2026-09-21 14:13:20"
    assert truth["answer"] == "2026-09-21 14:13:30"
    assert truth["stop"] == "2026-09-21 14:14:23"
    assert (truth["wait_seconds"], truth["talk_seconds"]) == (10, 53)


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_says_what_must_come_of_it(name):
    ready = plan(name, start=START)
    truth = ready.truth
    assert ready.steps and truth.status in (200, 400, 403, 413, 415)
    offsets = [step.offset for step in ready.steps]
    assert offsets == sorted(offsets)
    if not truth.is_call:
        assert not ready.rows
        return
    # The last thing that is told is the end, and the talk fits in between.
    assert truth.stop == pytest.approx(ready.length)
    spoke = [extension for extension, did in truth.legs.items() if did]
    assert bool(spoke) == (truth.outcome == "answered") == (truth.answer is not None)
    if spoke:
        assert truth.extension in spoke
        assert truth.talk <= truth.stop - truth.answer
    targets = {step.abonent.extension for step in ready.steps}
    assert targets == set(truth.legs)


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in SPOILT])
def test_each_document_is_well_formed_and_names_its_subscription(name):
    for event in documents(name):
        assert event.tag == f"{XSI}Event"
        assert event.findtext(f"{XSI}subscriptionId") == "subscription"
        assert event.findtext(f"{XSI}httpContact/{XSI}uri") == URL
        assert event.find(f"{XSI}eventData") is not None


def test_forms_differ_in_prefixes_alone():
    plain = [step for step in documents("answered")]
    for name in ("default_namespace", "other_prefixes", "no_attributes"):
        others = list(documents(name))
        for one, other in zip(plain, others, strict=True):
            assert [element.tag for element in one.iter()] == [
                element.tag for element in other.iter()
            ]
    assert all(kind(event) for event in documents("other_prefixes"))
    untyped = [event for event in documents("no_attributes")]
    assert not any(element.attrib for event in untyped for element in event.iter())


def test_what_is_released_may_name_nobody():
    begins, over = documents("outbound_busy")
    assert told(begins, "remoteParty/address") == "tel:+79000000201"
    assert told(over, "remoteParty/address") is None
    assert told(over, "releaseCause/internalReleaseCause") == "Busy"


def test_active_is_not_answered():
    for name in ("active_unanswered", "outbound_tone"):
        events = list(documents(name))
        assert "Active" in [told(event, "state") for event in events]
        assert {told(event, "answerTime") for event in events} == {None}


def test_the_leg_of_a_click_names_our_own_phone():
    events = list(documents("click"))
    own = [one for one in events if told(one, "personality") == "Click-to-Dial"]
    others = [one for one in events if told(one, "personality") == "Originator"]
    address = "remoteParty/address"
    assert {told(one, address) for one in own} == {"tel:+79000000101"}
    assert {told(one, address) for one in others} == {"tel:+79000000201"}
    assert len({told(one, "extTrackingId") for one in events}) == 1
    assert told(own[1], "answerTime") < told(others[1], "answerTime")


def test_a_call_between_two_is_told_by_both():
    events = list(documents("internal"))
    assert {told(one, "remoteParty/callType") for one in events} == {"Group"}
    people = {one.findtext(f"{XSI}targetId").partition("@")[0] for one in events}
    assert people == {"9000000101", "9000000102"}
    assert len({told(one, "extTrackingId") for one in events}) == 1


def test_a_withheld_caller_has_no_address():
    for event in documents("withheld"):
        assert told(event, "remoteParty/privacy")
        assert told(event, "remoteParty/address") is None


def test_spoilt_documents_are_spoilt():
    [step] = plan("too_long").steps
    assert len(step.spoil(b"<a/>")[0]) == 70 * 1024
    [step] = plan("form_body").steps
    assert step.spoil(b"")[1] == "application/x-www-form-urlencoded"
    for name in ("doctype", "entities"):
        [step] = plan(name).steps
        body, kind = step.spoil(document.render(step, START, URL, "", 1))
        assert b"<!DOCTYPE" in body and kind == document.CONTENT_TYPE
    [step] = plan("broken").steps
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(step.spoil(document.render(step, START, URL, "", 1))[0])


@pytest.mark.parametrize("name", ["sung", ""])
def test_what_is_no_scenario_is_said(name):
    with pytest.raises(ValueError, match="no scenario"):
        plan(name)


def test_wrong_parameters_are_said():
    with pytest.raises(ValueError, match="no parameter"):
        plan("answered", tempo=2)
    with pytest.raises(ValueError, match="'999'"):
        plan("answered", extension="999")
    with pytest.raises(ValueError, match="outcome of a click"):
        plan("click", outcome="sung")


def test_the_history_has_forty_rows_of_which_a_third_is_told():
    calls = history.calls(START)
    assert sum(len(call.plan.rows) for call in calls) == 40
    assert sum(len(call.plan.records) for call in calls) == 12
    assert sum(call.told for call in calls) * 3 == len(calls)
    assert len({call.plan.truth.number for call in calls}) >= 29
    recorded = [call.told for call in calls if call.plan.records]
    assert any(recorded) and not all(recorded)


def test_the_past_is_the_same_again_and_ends_before_the_day():
    plans = past.plans(START)
    assert [one.ref for one in plans] == [one.ref for one in past.plans(START)]
    assert len(plans) > 80
    assert len({one.start for one in plans}) == len(plans)
    day = past.day(START)
    assert max(one.start for one in plans) < min(one.start for one in day)
    assert all(one.start + one.length < START for one in day)
    assert {one.name for one in day} >= {"group", "queue", "click", "internal"}
