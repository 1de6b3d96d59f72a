"""Beeline's look-alike: what it sends, and how it is steered."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest
import requests

from fake_beeline import document
from fake_beeline.cli import main
from fake_beeline.running import running
from fake_beeline.scenarios import SCENARIOS

XSI = f"{{{document.XSI}}}"


class Receiver(ThreadingHTTPServer):
    """:var received: ``(content type, body)`` of each event.
    :var statuses: what is answered next; 200 when there is none left.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.received, self.statuses = [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/pbx/beeline/TOKEN"

    def parsed(self):
        return [ElementTree.fromstring(body) for _kind, body in self.received]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["Content-Type"], body))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def receiving():
    server = Receiver()
    serve = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serve.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def server():
    with running() as server:
        yield server


@pytest.fixture
def pbx(server):
    server.reset()
    return server


@pytest.fixture
def hook(pbx):
    with receiving() as hook:
        subscribe(pbx, hook)
        yield hook


def subscribe(pbx, hook):
    told = {"url": hook.url, "expires": 600, "subscriptionType": "BASIC_CALL"}
    return pbx.ask("PUT", "/subscription", json=told).json()["subscriptionId"]


def play(pbx, scenario, **options):
    answer = pbx.control("POST", "/play", {"scenario": scenario, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def texts(hook, name):
    return [event.findtext(f"{XSI}{name}") for event in hook.parsed()]


def test_every_scenario_is_listed_and_sent(pbx, hook):
    listed = pbx.control("GET", "/scenarios").json()
    assert [one["name"] for one in listed] == list(SCENARIOS)
    for one in listed:
        hook.received.clear()
        if not pbx.control("GET", "/subscriptions").json():
            subscribe(pbx, hook)
        played = play(pbx, one["name"])
        assert {event["status"] for event in played["events"]} == {200}
        assert len(hook.received) == len(played["events"]) > 0
        assert played["truth"]["status"] in (200, 400, 403, 413, 415)


def test_events_are_xml_and_numbered(pbx, hook):
    play(pbx, "answered")
    assert {kind for kind, _body in hook.received} == {"application/xml; charset=UTF-8"}
    numbers = list(map(int, texts(hook, "sequenceNumber")))
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert len(set(texts(hook, "eventID"))) == 3
    hook.received.clear()
    play(pbx, "backwards")
    numbers = list(map(int, texts(hook, "sequenceNumber")))
    assert numbers == sorted(numbers, reverse=True) and len(set(numbers)) == 3


def test_each_live_subscription_is_told(pbx, hook):
    play(pbx, "missed")
    [first] = set(texts(hook, "subscriptionId"))
    second = subscribe(pbx, hook)
    hook.received.clear()
    play(pbx, "missed")
    assert sorted(texts(hook, "subscriptionId")) == sorted([first, second] * 2)
    pbx.control("POST", f"/subscriptions/{first}/terminate", {"tell": False})
    hook.received.clear()
    play(pbx, "missed")
    assert set(texts(hook, "subscriptionId")) == {second}


def test_an_ended_subscription_says_so(pbx, hook):
    [one] = pbx.control("GET", "/subscriptions").json()
    path = f"/subscriptions/{one['subscriptionId']}/terminate"
    assert pbx.control("POST", path).status_code == 200
    assert b"SubscriptionTerminatedEvent" in hook.received[-1][1]
    assert pbx.control("GET", "/subscriptions").json() == []
    assert pbx.control("POST", path).status_code == 404
    second = subscribe(pbx, hook)
    # Of one that has ended before, while another one is live.
    hook.received.clear()
    play(pbx, "terminated_former")
    assert texts(hook, "subscriptionId") == [one["subscriptionId"]]
    [live] = pbx.control("GET", "/subscriptions").json()
    assert live["subscriptionId"] == second


def test_the_first_event_may_overtake_the_answer(pbx):
    with receiving() as hook:
        pbx.control("POST", "/settings", {"first_event": "before"})
        made = subscribe(pbx, hook)
        assert texts(hook, "subscriptionId") == [made]


def test_what_was_not_taken_is_sent_again(pbx, hook):
    pbx.control("POST", "/settings", {"retry_pauses": [0.05, 0.05]})
    hook.statuses = [503, 500]
    play(pbx, "hook_status")
    while len(pbx.control("GET", "/log").json()) < 3:
        pass
    assert len({body for _kind, body in hook.received}) == 1
    attempts = [one.get("attempt") for one in pbx.control("GET", "/log").json()]
    assert attempts == [3, 2, None]
    # A refusal is none.
    hook.statuses, hook.received[:] = [403], []
    play(pbx, "hook_status")
    play(pbx, "hook_status")
    assert len(hook.received) == 2


def test_any_order_and_twice(pbx, hook):
    order = play(pbx, "answered", order=[2, 0])["events"]
    assert [one["state"] for one in order] == ["Released", "Alerting"]
    shuffled = play(pbx, "answered", shuffle=1)["events"]
    states = [one["state"] for one in shuffled]
    assert sorted(states) == sorted(["Alerting", "Active", "Released"] * 2)
    assert states != sorted(states)
    wrong = pbx.control("POST", "/play", {"scenario": "answered", "order": [7]})
    assert wrong.status_code == 400 and "3 events" in wrong.json()["message"]


def test_rendered_events_are_not_sent(pbx, hook):
    asked = {"scenario": "answered", "subscription": "other", "start": 1790000000}
    rendered = pbx.control("POST", "/render", asked).json()
    assert hook.received == []
    assert [one["offset"] for one in rendered["events"]] == [0, 10, 63.5]
    body = rendered["events"][0]["body"]
    assert "<xsi:subscriptionId>other</xsi:subscriptionId>" in body
    assert rendered["truth"]["start"] == "2026-09-21 14:13:20"


def test_the_history_is_told_by_a_third(pbx, hook):
    calls = pbx.control("POST", "/history").json()["calls"]
    told = {call["ref"] for call in calls if call["told"]}
    refs = {one["ref"] for one in pbx.control("GET", "/log").json()}
    assert refs == told and len(calls) == 3 * len(told)
    assert (len(pbx.account.rows), len(pbx.account.records)) == (40, 12)


def test_the_day_is_played(pbx, hook):
    day = pbx.control("POST", "/day").json()
    assert day["failed"] == 0 and day["calls"] > 20
    assert len(set(texts(hook, "subscriptionId"))) == 1


@pytest.mark.parametrize(
    "path, body, words",
    [
        ("/play", {}, "'scenario' is a required property"),
        ("/play", {"scenario": "sung"}, "no scenario 'sung'"),
        ("/play", {"scenario": "answered", "extension": "9"}, "extension '9'"),
        ("/play", {"scenario": "answered", "ring": -1}, "ring"),
        ("/settings", {"second_put": "perhaps"}, "second_put"),
        ("/settings", {"tempo": 1}, "tempo"),
        ("/settings", {"abonents": dict.fromkeys(("101", "102", "103", "104"))}, "one"),
        ("/faults", {"faults": [{"kind": "fire"}]}, "fire"),
    ],
)
def test_what_is_wrong_is_one_sentence(pbx, path, body, words):
    answer = pbx.control("POST", path, body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "error" and words in answer.json()["message"]


def test_the_page_is_served(pbx):
    for path in ("", "static/app.js", "static/entries.js", "shared/log.js", "healthz"):
        assert requests.get(f"{pbx.url}/{path}", timeout=5).status_code == 200


def test_the_command_line(pbx, hook, capsys):
    server = ["--server", pbx.url]
    assert main(["play", "missed", "--caller", "+79000000299", *server]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "CallReceivedEvent 101" in out[1] and " 200 " in out[1]
    assert main(["subscriptions", *server]) == 0
    assert capsys.readouterr().out.rstrip().endswith("all")
    assert main(["scenarios", *server]) == 0
    assert "sip_user" in capsys.readouterr().out
    assert main(["log", "--json", *server]) == 0
    with pytest.raises(SystemExit, match="no scenario|invalid choice|2"):
        main(["play", "sung", *server])
