"""Calls of the fake PBX that Odoo asks for or that a person steers."""

import re
import time

import pytest


@pytest.fixture
def pbx(server):
    server.reset()
    third = {"extensions": {"102": {"name": "Workshop"}}}
    assert server.control("POST", "/settings", third).status_code == 200
    return server


def refused(answer, status, words):
    assert answer.status_code == status, answer.text
    assert re.search(words, answer.json()["message"]), answer.json()["message"]


# -- click-to-call ---------------------------------------------------------------------


@pytest.mark.parametrize("story", ["calltype", "swapped", "plain", "two_ids"])
def test_a_click_is_told_by_webhooks_alone(pbx, hook, story):
    pbx.control("POST", "/settings", {"click": {"story": story, "speed": 0}})
    asked = {"from": "101", "to": "+442079460201", "sip": "101"}
    answer = pbx.ask("GET", "/v1/request/callback/", asked).json()
    assert set(answer) == {"status", "from", "to", "time"}
    wait_for(lambda: "NOTIFY_RECORD" in hook.events)
    starts = [g["fields"] for g in hook.received if g["event"] == "NOTIFY_OUT_START"]
    ids = {fields["pbx_call_id"] for fields in starts}
    assert len(ids) == (2 if story == "two_ids" else 1)
    assert len(starts) == (1 if story == "plain" else 2)


@pytest.mark.parametrize(
    "change, disposition",
    [
        ({"balance": 0}, "no money"),
        ({"extensions": {"100": {"online": False}}}, "failed"),
        ({"click": {"outcome": "busy", "speed": 0}}, "busy"),
    ],
)
def test_what_cannot_succeed_is_accepted_and_told_later(pbx, hook, change, disposition):
    pbx.control("POST", "/settings", {"click": {"speed": 0}})
    assert pbx.control("POST", "/settings", change).status_code == 200
    asked = {"from": "100", "to": "+442079460201"}
    assert pbx.ask("GET", "/v1/request/callback/", asked).json()["status"] == "success"
    wait_for(lambda: "NOTIFY_OUT_END" in hook.events)
    ends = [g["fields"] for g in hook.received if g["event"] == "NOTIFY_OUT_END"]
    assert disposition in [fields["disposition"] for fields in ends]


def test_a_full_login_is_accepted_and_nothing_rings(pbx, hook):
    asked = {"from": "123456-100", "to": "+442079460201"}
    assert pbx.ask("GET", "/v1/request/callback/", asked).status_code == 200
    wrong = {"from": "100", "to": "+442079460201", "sip": "123456-100"}
    refused(pbx.ask("GET", "/v1/request/callback/", wrong), 400, 'Field "sip" could')
    assert hook.events == [] and pbx.control("GET", "/calls").json() == []
    pbx.account.mode = "spec"
    assert pbx.ask("GET", "/v1/request/callback/", asked).status_code == 400


def wait_for(done):
    until = time.monotonic() + 5
    while not done():
        assert time.monotonic() < until, "it did not happen within five seconds"
        time.sleep(0.01)


# -- steered calls ---------------------------------------------------------------------


def begin(pbx, **asked):
    answer = pbx.control("POST", "/calls", asked)
    assert answer.status_code == 201, answer.text
    return answer.json()


def step(pbx, call, action, **asked):
    answer = pbx.control("POST", f"/calls/{call['id']}/{action}", asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_person_steers_an_inbound_call(pbx, hook):
    hook.replies["NOTIFY_START"] = {"caller_name": "Olga Petrova"}
    call = begin(pbx, caller="+442079460201", line="+442079460900")
    assert call["caller_name"] == "Olga Petrova"
    assert call["ringing"] == ["100", "101", "102"] and call["state"] == "ringing"
    refused(
        pbx.control("POST", f"/calls/{call['id']}/answer", {"extension": "999"}),
        409,
        "999 does not ring. Ringing: 100, 101, 102",
    )
    assert step(pbx, call, "answer", extension="101")["state"] == "talking"
    assert step(pbx, call, "transfer", to="102")["ringing"] == ["102"]
    assert step(pbx, call, "answer")["talking"] == "102"
    assert step(pbx, call, "hangup")["state"] == "ended"
    refused(pbx.control("POST", f"/calls/{call['id']}/hangup"), 409, "is over already")
    rings = ["NOTIFY_INTERNAL"] * 3
    talk = ["NOTIFY_ANSWER", "NOTIFY_INTERNAL", "NOTIFY_ANSWER", "NOTIFY_END"]
    assert hook.events == ["NOTIFY_START", *rings, *talk, "NOTIFY_RECORD"]
    moved, end = hook.received[5]["fields"], hook.received[7]["fields"]
    assert (moved["transfer_from"], moved["internal"]) == ("101", "102")
    assert (end["internal"], end["last_internal"]) == ("101", "102")
    assert end["disposition"] == "answered" and int(end["duration"]) >= 1
    assert [c["id"] for c in pbx.control("GET", "/calls").json()] == [call["id"]]
    assert len(pbx.account.rows) == 3


@pytest.mark.parametrize(
    "reply, last, rung",
    [
        ({"redirect": "101", "return_timeout": 20}, "NOTIFY_INTERNAL", ["101"]),
        ({"redirect": "blacklist", "return_timeout": 0}, "NOTIFY_END", []),
        ({"hangup": 1}, "NOTIFY_END", []),
        ({"redirect": "0-1"}, "NOTIFY_INTERNAL", ["100", "101", "102"]),
    ],
)
def test_a_steered_call_does_what_the_reply_says(pbx, hook, reply, last, rung):
    hook.replies["NOTIFY_START"] = reply
    call = begin(pbx, caller="+442079460201")
    assert hook.events[-1] == last
    assert call["ringing"] == rung
    assert call.get("redirect") == reply.get("redirect")


def test_a_menu_of_ours_asks_for_digits(pbx, hook):
    hook.replies["NOTIFY_START"] = {"ivr_play": "0" * 16, "wait_dtmf": {"name": "main"}}
    hook.replies["NOTIFY_IVR"] = {"redirect": "100"}
    call = begin(pbx, caller="")
    assert (call["state"], call["caller"]) == ("menu", "")
    assert step(pbx, call, "press", digits="2")["ringing"] == ["100"]
    asked = hook.received[1]["fields"]["wait_dtmf"]
    assert (asked["name"], asked["digits"]) == ("main", "2")


def test_a_person_steers_an_outbound_call(pbx, hook):
    call = begin(pbx, extension="100", to="442079460203")
    assert (call["direction"], call["ringing"]) == ("out", ["+442079460203"])
    step(pbx, call, "answer")
    refused(
        pbx.control("POST", f"/calls/{call['id']}/transfer", {"to": "101"}),
        409,
        "Only an inbound call",
    )
    step(pbx, call, "hangup")
    busy = begin(pbx, extension="100", to="442079460203")
    step(pbx, busy, "hangup", disposition="busy")
    ends = [g["fields"] for g in hook.received if g["event"] == "NOTIFY_OUT_END"]
    assert [fields["disposition"] for fields in ends] == ["answered", "busy"]
    assert {"answered", "busy"} == {row["disposition"] for row in pbx.account.rows}


def test_a_click_can_be_steered_too(pbx, hook):
    pbx.control("POST", "/settings", {"click": {"auto": False}})
    pbx.ask("GET", "/v1/request/callback/", {"from": "100", "to": "442079460201"})
    (call,) = pbx.control("GET", "/calls").json()
    assert (call["extension"], call["to"]) == ("100", "+442079460201")


def test_offline_phones_do_not_ring(pbx, hook):
    offline = {"extensions": {"100": {"online": False}, "102": None}}
    pbx.control("POST", "/settings", offline)
    assert begin(pbx, caller="+442079460201")["ringing"] == ["101"]
    status = pbx.ask("GET", "/v1/pbx/internal/100/status/").json()
    assert status["is_online"] == "false"
    assert pbx.ask("GET", "/v1/pbx/internal/").json()["numbers"] == [100, 101]


def test_an_unknown_call_is_a_sentence(pbx):
    refused(pbx.control("POST", "/calls/77/answer"), 404, "There is no call 77")
    refused(
        pbx.control("POST", "/calls", {"extension": "100"}), 400, "Say whom to call"
    )
