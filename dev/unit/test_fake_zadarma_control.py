"""The fake PBX's control: addresses, scenarios over real HTTP, steered calls."""

import re

import pytest

from fake_zadarma import wire
from fake_zadarma.receiver import receiver
from fake_zadarma.scenarios import SCENARIOS, scenario

FIXED = {"call_start": "2026-05-04 09:15:07"}


@pytest.fixture
def pbx(server):
    server.reset()
    return server


def refused(answer, status, words):
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == "error"
    assert re.search(words, answer.json()["message"]), answer.json()["message"]


# -- zd_echo ---------------------------------------------------------------------------


def test_an_address_must_echo_a_random_text(pbx):
    with receiver("secret") as hook:
        for _ in range(5):
            answer = pbx.control("POST", "/webhook", {"url": hook.url})
            assert answer.json() == {"status": "success", "url": hook.url}
        assert len(set(hook.echoed)) == 5
        for text in hook.echoed:
            assert re.fullmatch(r"[A-Za-z0-9_.-]{8,64}", text)
        settings = pbx.control("GET", "/settings").json()
        assert settings["callinfo_url"] == settings["webhooks_url"] == hook.url


@pytest.mark.parametrize(
    "echo, words",
    [
        (lambda text: (404, text.encode()), "answered 404 to zd_echo, it must be 200"),
        (lambda text: (200, text.encode() + b"\n"), "did not return the text"),
        (lambda text: (200, b""), "did not return the text"),
        (lambda text: (302, text.encode()), "answered 302"),
    ],
)
def test_a_wrong_echo_is_refused_and_changes_nothing(pbx, echo, words):
    with receiver("secret") as hook:
        hook.echo = echo
        refused(pbx.control("POST", "/webhook", {"url": hook.url}), 400, words)
        api = pbx.ask("POST", "/v1/pbx/callinfo/url/", {"url": hook.url})
        refused(api, 400, words)
    assert pbx.ask("GET", "/v1/pbx/callinfo/").json()["url"] == ""


def test_an_address_that_is_none_is_a_sentence(pbx):
    refused(pbx.control("POST", "/webhook", {}), 400, "the address of the webhook")
    refused(pbx.control("POST", "/webhook", {"url": "odoo"}), 400, "must begin with")
    nowhere = {"url": "http://127.0.0.1:9/"}
    refused(pbx.control("POST", "/webhook", nowhere), 400, "could not be reached")


def test_an_address_with_a_query_keeps_it(pbx):
    with receiver("secret") as hook:
        url = f"{hook.url}?db=demo"
        assert pbx.control("POST", "/webhook", {"url": url}).status_code == 200
        assert len(hook.echoed[0]) >= 8


def test_the_two_addresses_are_two(pbx):
    with receiver("secret") as calls, receiver("secret") as others:
        pbx.ask("POST", "/v1/pbx/callinfo/url/", {"url": calls.url})
        pbx.ask("POST", "/v1/pbx/webhooks/url/", {"url": others.url})
        pbx.control("POST", "/play", {"scenario": "missed"})
        pbx.control("POST", "/play", {"scenario": "sms"})
        assert set(calls.events) == {"NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_END"}
        assert others.events == ["SMS"]


# -- scenarios -------------------------------------------------------------------------


def test_scenarios_are_listed(pbx):
    listed = pbx.control("GET", "/scenarios").json()
    assert [kind["name"] for kind in listed] == list(SCENARIOS)
    assert all(kind["title"] for kind in listed)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_arrives_as_it_was_built(pbx, hook, name):
    told = {**FIXED, "pbx_call_id": "in_" + "ab" * 20, "caller": "+442079460202"}
    played = pbx.control("POST", "/play", {"scenario": name, **told}).json()
    assert played["pbx_call_id"] == told["pbx_call_id"]
    expected = [step.fields for step in scenario(name, **told)]
    assert [entry["fields"] for entry in played["events"]] == expected
    assert [got["fields"] for got in hook.received] == expected
    assert all(got["signed"] for got in hook.received)
    for entry in played["events"]:
        assert entry["status"] == 200 and entry["reply"] == {}
        assert isinstance(entry["ms"], int) and entry["event"]
    agent = {got["headers"]["User-Agent"] for got in hook.received}
    multipart = hook.received[0]["event"] in wire.MULTIPART_EVENTS
    assert agent == {"Zadarma API" if multipart else "Zadarma API v1"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_rendered_requests_are_those_that_are_sent(pbx, hook, method):
    told = {"scenario": "ivr", **FIXED, "pbx_call_id": "in_" + "ab" * 20}
    if method == "GET":
        query = "&".join(f"{name}={value}" for name, value in told.items())
        ready = pbx.control("GET", f"/render?{query}").json()
    else:
        ready = pbx.control("POST", "/render", told).json()
    assert hook.received == []
    for request in ready["events"]:
        body, headers = request["body"].encode(), request["headers"]
        assert pbx.send("POST", hook.url, data=body, headers=headers).ok
    assert all(got["signed"] for got in hook.received)
    rendered = [request["fields"] for request in ready["events"]]
    pbx.control("POST", "/play", told)
    assert [got["fields"] for got in hook.received] == rendered * 2


def test_speed_waits(pbx, hook):
    pbx.control("POST", "/play", {"scenario": "busy", "speed": 0.1})
    times = [got["at"] for got in hook.received]
    assert times[1] - times[0] > 0.09 and times[2] - times[1] > 0.19
    asked = {"scenario": "missed", "speed": 30, "wait": False}
    begun = pbx.control("POST", "/play", asked)
    assert begun.status_code == 202 and begun.json()["pbx_call_id"].startswith("in_")


def test_mistakes_in_what_is_asked_are_sentences(pbx):
    for asked, words in (
        ({}, "'scenario' is a required property"),
        ({"scenario": "nope"}, "There is no scenario 'nope'"),
        ({"scenario": "missed", "colour": "red"}, "'colour' was unexpected"),
        ({"scenario": "missed", "duration": "long"}, "duration: 'long' is not"),
        ({"scenario": "missed", "speed": -1}, "speed: -1 is less"),
    ):
        refused(pbx.control("POST", "/play", asked), 400, words)
    text = pbx.send("POST", f"{pbx.url}/control/play", data="scenario=missed")
    refused(text, 400, "Send a JSON object")
    refused(pbx.control("GET", "/log?limit=x"), 400, "limit must be a whole number")
    refused(pbx.control("POST", "/settings", {"zone": "Mars"}), 400, "no time zone")
    refused(pbx.control("POST", "/settings", {"mode": "fast"}), 400, "mode: 'fast'")


def test_a_switched_off_notification_is_not_sent(pbx, hook):
    off = {"notify_internal": "false", "notify_answer": "false"}
    pbx.ask("POST", "/v1/pbx/callinfo/notifications/", off)
    played = pbx.control("POST", "/play", {"scenario": "answered"}).json()
    assert hook.events == ["NOTIFY_START", "NOTIFY_END", "NOTIFY_RECORD"]
    skipped = {e["event"]: e["skipped"] for e in played["events"] if "skipped" in e}
    assert skipped["NOTIFY_ANSWER"] == "notify_answer is switched off"


def test_what_does_not_answer_is_told_and_the_call_goes_on(pbx):
    with receiver("secret") as hook:
        pbx.control("POST", "/webhook", {"url": hook.url})
    played = pbx.control("POST", "/play", {"scenario": "answered"}).json()["events"]
    assert [entry["status"] for entry in played] == [None] * 5
    assert "no connection" in played[0]["error"]
    ids = {"pbx_call_id": played[0]["pbx_call_id"]}
    assert pbx.ask("GET", "/v1/pbx/record/request/", ids).json()["links"]


def test_past_calls_are_kept_and_their_webhooks_given(pbx, hook):
    made = pbx.control("POST", "/past", {}).json()
    assert not hook.received
    assert all("Signature" in sent["headers"] for sent in made["deliveries"])
    sent = [sent["fields"] for sent in made["deliveries"]]
    refs = {fields["pbx_call_id"] for fields in sent}
    assert len(refs) == made["calls"]
    starts = [fields["call_start"] for fields in sent if "call_start" in fields]
    period = {"start": min(starts), "end": max(starts), "version": "2"}
    rows = pbx.ask("GET", "/v1/statistics/pbx/", period).json()["stats"]
    assert {row["pbx_call_id"] for row in rows} == refs
    ready = [f["call_id_with_rec"] for f in sent if f["event"] == "NOTIFY_RECORD"]
    asked = pbx.ask("GET", "/v1/pbx/record/request/", {"call_id": ready[0]})
    assert len(asked.json()["links"]) == 1


def test_the_day_is_short_and_complete(pbx, hook):
    hook.failing = {"+33199005501"}
    told = pbx.control("POST", "/day", {})
    assert told.json() == {"calls": 21, "failed": 1}
    assert told.elapsed.total_seconds() < 10
    assert all(got["signed"] for got in hook.received)
    assert len({got["fields"]["pbx_call_id"] for got in hook.received}) == 21
    log = pbx.control("GET", "/log?limit=1000").json()
    assert len(log) == len(hook.received)
    ids = [entry["id"] for entry in log]
    assert ids == sorted(ids, reverse=True)
    failed = {entry["fields"]["caller_id"] for entry in log if entry["status"] == 500}
    assert failed == hook.failing
    assert pbx.control("DELETE", "/log").ok
    assert pbx.control("GET", "/log").json() == []
