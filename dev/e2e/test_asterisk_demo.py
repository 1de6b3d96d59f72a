"""The demo with a real Asterisk: its day, what is played, started again, ended."""

import os
import subprocess
import sys
import urllib.request

import log
import pytest
from exchange import SECONDS

from lib import paths
from lib.demo_asterisk import CLICKED, Asterisk
from lib.rpc import request_json

CALLER = "+442079460202"
HEAD_BYTES = 44


@pytest.fixture(scope="module")
def demo(instance, servers, asterisk):
    """(odoo, the demo's PBX, admin): introduced, and its day played."""
    odoo = servers.start()
    pbx = Asterisk(instance, odoo.database, 0)
    admin = odoo.login("admin")
    try:
        pbx.introduce(odoo, admin)
        pbx.prepare(odoo, admin, new=True)
        yield odoo, pbx, admin
    finally:
        pbx.server.stop()
        odoo.stop()


def calls(admin, *domain):
    fields = ["direction", "outcome", "state", "number", "user_id", "talk_seconds"]
    fields += ["wait_seconds", "recording_ids", "provider_id"]
    return admin.call("pbx.call", "search_read", list(domain), fields)


def login_of(admin, call):
    [user] = admin.call("res.users", "read", [call["user_id"][0]], ["login"])
    return user["login"]


def test_the_day_is_that_of_a_company(demo):
    _odoo, _pbx, admin = demo
    found = calls(admin)
    assert {call["state"] for call in found} == {"done"}
    kinds = {(call["direction"], call["outcome"]) for call in found}
    outcomes = ("answered", "busy", "no_answer")
    assert kinds >= {("outbound", outcome) for outcome in outcomes}
    assert kinds >= {("inbound", one) for one in ("answered", "missed", "busy")}
    assert ("internal", "answered") in kinds
    [provider] = admin.call("pbx.provider", "search_read", [], ["dialect", "state"])
    assert (provider["dialect"], provider["state"]) == ("asterisk", "connected")
    assert {call["provider_id"][0] for call in found} == {provider["id"]}


def test_the_agents_click_was_lifted_and_recorded(demo):
    odoo, _pbx, admin = demo
    [call] = calls(admin, ("number", "=", CLICKED), ("direction", "=", "outbound"))
    assert (call["outcome"], login_of(admin, call)) == ("answered", "demo")
    assert call["talk_seconds"] >= 8
    [recording] = call["recording_ids"]
    heard = odoo.login("demo").get(f"/pbx/recording/{recording}")
    # A second is 16,000 bytes: all of it, and no silence.
    assert len(heard) > 16000 * (call["talk_seconds"] - 1)
    assert len(set(heard[HEAD_BYTES:])) > 100


def test_a_call_is_played_as_slowly_as_asked_for(demo):
    _odoo, pbx, admin = demo
    its = (("number", "=", CALLER), ("state", "=", "done"))
    before = len(calls(admin, *its))
    wishes = {"caller": CALLER, "extension": "101", "ring": 3, "duration": 1}
    played = pbx.server.play("answered", **wishes)
    assert played["truth"]["shown"] == ["Grace Okafor"]
    log.until(lambda: len(calls(admin, *its)) > before, 30, "the call is over")
    call = max(calls(admin, *its), key=lambda one: one["id"])
    assert (call["outcome"], login_of(admin, call)) == ("answered", "demo")
    # Who lifts and hangs up does so a bit later, on a busy machine.
    truth = played["truth"]
    waited = truth["answer"] - truth["start"]
    assert waited >= 3 and truth["talk"] >= 1
    assert abs(call["wait_seconds"] - waited) <= SECONDS
    assert abs(call["talk_seconds"] - truth["talk"]) <= SECONDS


def test_what_cannot_be_played_is_said(demo):
    _odoo, pbx, _admin = demo
    url = f"{pbx.server.url}/control/play"
    said = request_json(url, {"scenario": "sung"})
    assert said["status"] == "error" and "sung" in said["message"]
    assert {"answered", "voicemail", "pickup"} <= set(said["scenarios"])
    assert (
        "no caller"
        in request_json(url, {"scenario": "echo", "caller": CALLER})["message"]
    )
    assert request_json(url, {"scenario": "echo", "extension": "1"})["message"]
    request = urllib.request.Request(url, b'{"scenario": "sung"}')
    request.add_header("Content-Type", "application/json")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    refused.value.close()
    assert refused.value.code == 404


def test_its_page_is_served(demo):
    _odoo, pbx, admin = demo
    for path in ("/", "/static/app.js", "/shared/dom.js", "/shared/style.css"):
        assert admin.opener.open(f"{pbx.server.url}{path}").status == 200


def test_it_is_started_again_and_ended(demo, instance):
    odoo, pbx, admin = demo
    address = pbx.server.ari_url
    pbx.server.stop()
    with pytest.raises(OSError):
        request_json(f"{address}/asterisk/ping")
    again = Asterisk(instance, odoo.database, 0)
    try:
        again.introduce(odoo, admin)  # on other ports
        assert again.server.play("internal")["truth"]["outcome"] == "answered"
        [provider] = admin.call("pbx.provider", "search_read", [], ["server_url"])
        assert provider["server_url"] == again.server.ari_url != address
    finally:
        again.server.stop()


def test_another_pbx_is_no_demo():
    told = subprocess.run(
        [sys.executable, paths.DEV / "demo"],
        env={**os.environ, "PBX": "harp"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.strip() == (
        "PBX=harp is no PBX that the demo has: PBX=zadarma or PBX=asterisk or "
        "PBX=beeline."
    )
