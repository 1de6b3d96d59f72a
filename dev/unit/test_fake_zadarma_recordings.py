"""Recordings of the fake PBX: real files behind links that come late and end."""

import pytest

START = {"call_start": "2026-05-04 09:15:07"}


@pytest.fixture
def pbx(server):
    server.reset()
    return server


def play(pbx, name, **parameters):
    ready = pbx.fake.plan(name, parameters)
    pbx.fake.play(ready)
    return ready


def link_to(pbx, **asked):
    told = pbx.ask("GET", "/v1/pbx/record/request/", asked).json()
    return told.get("link") or told["links"][0]


@pytest.mark.parametrize("mode", ["spec", "live"])
def test_recording_is_an_mp3_that_seeks(pbx, mode):
    pbx.account.mode = mode
    ready = play(pbx, "answered", duration=60, **START)
    call_id = ready.rows[0]["call_id"]
    link = link_to(pbx, call_id=call_id)
    assert f"-{call_id}-100-2026-05-04-091507.mp3" in link
    whole = pbx.send("GET", link)
    assert whole.headers["Content-Type"] == "audio/mpeg"
    assert whole.content.startswith(b"ID3") and call_id.encode() in whole.content[:60]
    assert len(whole.content) > 50_000
    part = pbx.send("GET", link, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.content)}"


def test_a_transferred_call_has_two_recordings(pbx):
    ready = play(pbx, "transfer", **START)
    told = pbx.ask("GET", "/v1/pbx/record/request/", {"pbx_call_id": ready.pbx_call_id})
    assert len(told.json()["links"]) == 2


def test_a_recording_is_not_there_before_it_is_told_nor_forever(pbx):
    cancelled = play(pbx, "outbound_cancelled")
    asked = {"call_id": cancelled.rows[0]["call_id"]}
    refusal = pbx.ask("GET", "/v1/pbx/record/request/", asked)
    assert refusal.json()["message"] == "Requested file not found"
    pbx.account.record_ready_after = 60
    early = {"call_id": play(pbx, "answered").rows[0]["call_id"]}
    assert pbx.ask("GET", "/v1/pbx/record/request/", early).status_code == 400
    pbx.account.record_ready_after = 0
    link = link_to(pbx, pbx_call_id=play(pbx, "answered").pbx_call_id, lifetime="180")
    assert pbx.send("GET", link).status_code == 200
    pbx.account.clock_offset = 181
    assert pbx.send("GET", link).status_code == 404
