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
    until = time.monotonic() + 20
    while not done():
        assert time.monotonic() < until, "it did not happen within 20 seconds"
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


@pytest.fixture
def by_hand(pbx):
    """Time passes when it is said to."""
    pbx.control("POST", "/settings", {"steered": {"speed": 0}})
    return pbx


@pytest.mark.parametrize(
    "reply, last, rung",
    [
        ({"redirect": "101", "return_timeout": 20}, "NOTIFY_INTERNAL", ["101"]),
        ({"redirect": "blacklist", "return_timeout": 0}, "NOTIFY_END", []),
        ({"hangup": 1}, "NOTIFY_END", []),
        (
            {"redirect": "0-1", "return_timeout": 0},
            "NOTIFY_INTERNAL",
            ["100", "101", "102"],
        ),
    ],
)
def test_a_steered_call_does_what_the_reply_says(by_hand, hook, reply, last, rung):
    hook.replies["NOTIFY_START"] = reply
    call = begin(by_hand, caller="+442079460201")
    assert hook.events[-1] == last
    assert call["ringing"] == rung
    assert call.get("redirect") == reply.get("redirect")
    (entry,) = (
        entry
        for entry in by_hand.control("GET", "/log").json()
        if entry["event"] == "NOTIFY_START"
    )
    assert "problems" not in entry
    assert {name: entry[name] for name in reply} == reply


@pytest.mark.parametrize(
    "reply, disposition, hung_up",
    [
        ({"redirect": "blacklist", "return_timeout": 0}, "busy", None),
        ({"hangup": 1}, "cancel", True),
    ],
)
def test_a_call_that_is_ended_by_the_reply(by_hand, hook, reply, disposition, hung_up):
    hook.replies["NOTIFY_START"] = reply
    call = begin(by_hand, caller="+442079460201")
    assert (call["state"], call.get("hung_up")) == ("ended", hung_up)
    assert hook.received[-1]["fields"]["disposition"] == disposition
    refused(by_hand.control("POST", f"/calls/{call['id']}/answer"), 409, "not ring")


def test_a_call_comes_back_when_nobody_lifts(by_hand, hook):
    hook.replies["NOTIFY_START"] = {"redirect": "101", "return_timeout": 20}
    call = begin(by_hand, caller="+442079460201")
    assert call["waits"] and call["return_timeout"] == 20
    back = step(by_hand, call, "timeout")
    assert back["ringing"] == ["100", "101", "102"]
    assert back["came_back"] and not back["waits"]
    # The PBX asks once: nobody is asked again.
    assert hook.events.count("NOTIFY_START") == 1
    timeout = f"/calls/{call['id']}/timeout"
    refused(by_hand.control("POST", timeout), 409, "waits for nothing")
    step(by_hand, call, "answer", extension="100")
    step(by_hand, call, "hangup")
    rows = [row["sip"] for row in by_hand.account.rows]
    assert sorted(rows) == ["100", "101", "102"]


def test_who_lifts_in_time_keeps_the_call(by_hand, hook):
    hook.replies["NOTIFY_START"] = {"redirect": "101", "return_timeout": 20}
    call = begin(by_hand, caller="+442079460201")
    assert not step(by_hand, call, "answer")["waits"]
    timeout = f"/calls/{call['id']}/timeout"
    refused(by_hand.control("POST", timeout), 409, "waits for nothing")


def test_without_a_time_it_never_comes_back(by_hand, hook):
    hook.replies["NOTIFY_START"] = {"redirect": "101", "return_timeout": 0}
    call = begin(by_hand, caller="+442079460201")
    assert call["ringing"] == ["101"] and not call["waits"]


@pytest.mark.parametrize(
    "seconds, state, ringing",
    [(20, "ringing", ["100", "102"]), (0, "ended", [])],
)
def test_a_phone_that_is_offline_does_not_ring(by_hand, hook, seconds, state, ringing):
    offline = {"extensions": {"101": {"online": False}}}
    by_hand.control("POST", "/settings", offline)
    hook.replies["NOTIFY_START"] = {"redirect": "101", "return_timeout": seconds}
    call = begin(by_hand, caller="+442079460201")
    assert (call["state"], call["ringing"]) == (state, ringing)


ASK = {"timeout": 5, "attempts": 2, "maxdigits": 1, "name": "m7", "default": "hangup"}


def menu_of(**changes):
    return {"ivr_play": "0123456789abcdef", "wait_dtmf": {**ASK, **changes}}


def test_a_menu_of_ours_asks_for_digits(by_hand, hook):
    hook.replies["NOTIFY_START"] = menu_of()
    hook.replies["NOTIFY_IVR"] = {"redirect": "100", "return_timeout": 20}
    call = begin(by_hand, caller="")
    assert (call["state"], call["caller"]) == ("menu", "")
    assert (call["play"], call["asks"]) == ("0123456789abcdef", ASK)
    pressed = step(by_hand, call, "press", digits="2")
    assert pressed["ringing"] == ["100"] and pressed["pressed"] == ["2"]
    assert "asks" not in pressed and "play" not in pressed
    # A key is the answer to the step: nothing is done by default.
    assert hook.received[1]["fields"]["wait_dtmf"] == {
        "name": "m7",
        "digits": "2",
        "default_behaviour": "",
    }
    refused(
        by_hand.control("POST", f"/calls/{call['id']}/press", {"digits": "1"}),
        409,
        "not in a menu",
    )


def test_a_menu_leads_to_a_menu(by_hand, hook):
    hook.replies["NOTIFY_START"] = menu_of()
    hook.replies["NOTIFY_IVR"] = menu_of(name="m8", maxdigits=2)
    call = begin(by_hand, caller="+442079460201")
    assert step(by_hand, call, "press", digits="12")["asks"]["name"] == "m8"
    last = step(by_hand, call, "press", digits="*12")
    # No more keys than it waits for.
    assert last["pressed"] == ["1", "*1"] and last["state"] == "menu"
    keys = [got["fields"]["wait_dtmf"] for got in hook.received[1:]]
    assert [(key["name"], key["digits"]) for key in keys] == [
        ("m7", "1"),
        ("m8", "*1"),
    ]
    for digits in ("", "x", "1 2"):
        wrong = by_hand.control(
            "POST", f"/calls/{call['id']}/press", {"digits": digits}
        )
        refused(wrong, 400, "Keys are")


@pytest.mark.parametrize(
    "default, state, ringing",
    [
        ("hangup", "ended", []),
        ("0-1", "ringing", ["100", "101", "102"]),
        ("101", "ringing", ["101"]),
    ],
)
def test_without_a_key_the_pbx_does_the_default_by_itself(
    by_hand, hook, default, state, ringing
):
    hook.replies["NOTIFY_START"] = menu_of(default=default)
    # It does not wait for what it is answered then.
    hook.replies["NOTIFY_IVR"] = {"redirect": "102", "return_timeout": 0}
    call = begin(by_hand, caller="+442079460201")
    late = step(by_hand, call, "timeout")
    assert (late["state"], late["ringing"]) == (state, ringing)
    assert hook.received[1]["fields"]["wait_dtmf"] == {
        "name": "m7",
        "digits": "",
        "default_behaviour": default,
    }


def test_time_passes_by_itself(pbx, hook):
    pbx.control("POST", "/settings", {"steered": {"speed": 0.001}})
    hook.replies["NOTIFY_START"] = menu_of(default="101")
    begin(pbx, caller="+442079460201")
    wait_for(lambda: hook.events[-1] == "NOTIFY_INTERNAL")
    (call,) = pbx.control("GET", "/calls").json()
    assert call["ringing"] == ["101"]
    hook.replies["NOTIFY_START"] = {"redirect": "100", "return_timeout": 20}
    back = begin(pbx, caller="+442079460202")
    path = f"/calls/{back['id']}"
    wait_for(lambda: pbx.control("GET", path).json().get("came_back"))
    assert pbx.control("GET", path).json()["ringing"] == ["100", "101", "102"]


def test_a_caller_who_hangs_up_in_a_menu(by_hand, hook):
    hook.replies["NOTIFY_START"] = menu_of()
    call = begin(by_hand, caller="+442079460201")
    over = step(by_hand, call, "hangup")
    assert over["state"] == "ended" and not over["waits"]
    assert hook.events == ["NOTIFY_START", "NOTIFY_END"]


# What a reply may not say; the scenario goes on where nothing else can be read.
@pytest.mark.parametrize(
    "reply, words, rung",
    [
        ({"redirect": "main", "return_timeout": 0}, "which is no target", True),
        ({"redirect": "101"}, "comes with return_timeout", False),
        ({"redirect": "101", "return_timeout": 2}, "0 or at least 3", False),
        ({"return_timeout": 20}, "of a redirect", True),
        ({"redirect": 101, "return_timeout": 0}, "which is no target", True),
        ({"caller_name": 5}, "caller_name is no text", True),
        ({"hangup": True, "redirect": "101", "return_timeout": 0}, "one thing", None),
        ({"hangup": 2}, "hangup is 1", True),
        ({"refuse": 1}, "has no 'refuse'", True),
        ({"ivr_play": "welcome", "wait_dtmf": ASK}, "16 hex digits", None),
        ({"wait_dtmf": {**ASK, "name": ""}}, "wait_dtmf.name", None),
        ({"wait_dtmf": {**ASK, "default": "sales"}}, "wait_dtmf.default", None),
        ({"wait_dtmf": {**ASK, "timeout": 0}}, "wait_dtmf.timeout", None),
        ({"wait_dtmf": {**ASK, "digits": 1}}, "has no 'digits'", None),
        ({"wait_dtmf": "m7"}, "no object", True),
        (["101"], "no JSON object", True),
    ],
)
def test_what_is_wrong_with_a_reply_is_in_the_log(by_hand, hook, reply, words, rung):
    hook.replies["NOTIFY_START"] = reply
    call = begin(by_hand, caller="+442079460201")
    entries = by_hand.control("GET", "/log").json()
    (entry,) = (one for one in entries if one["event"] == "NOTIFY_START")
    assert any(words in problem for problem in entry["problems"]), entry["problems"]
    if rung is not None:
        everybody = call["ringing"] == ["100", "101", "102"]
        assert everybody is rung


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
