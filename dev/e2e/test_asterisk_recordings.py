"""Recordings of a real Asterisk: fetched when they are there, heard by who may."""

import io
import urllib.error
import wave

import log
import pytest
from door import Answered, Door

from asterisk import stories

JOB = "ir_cron_fetch_recordings"
# The head of a WAV file in which nothing is recorded yet.
HEAD_BYTES = 44


@pytest.fixture(scope="module")
def recorded(started_exchange):
    """(what the telephones saw, the call, its recording, the file) of one call.

    Odoo fetches when a test wants it to.
    """
    exchange = started_exchange
    exchange.make_quiet()
    with log.cron_off(exchange.odoo, JOB):
        truth = stories.play(exchange.lab, "recorded")
        exchange.lab.wait_idle()
        exchange.wait_taken()
        call = exchange.call_of(truth)
        [recording] = call["recording_ids"]
        yield truth, call, recording, file_of(exchange, recording)


def file_of(exchange, recording):
    """Where Asterisk has put it."""
    [row] = exchange.admin.call("pbx.recording", "read", [recording], ["ref"])
    return exchange.lab.recordings / f"{row['ref']}.wav"


def fetch(exchange, recording):
    """Let the job try it now; (state, why not)."""
    exchange.odoo.sql(
        """update pbx_recording set claimed_until = null,
                  next_attempt_at = now() at time zone 'utc' - interval '1 second'
            where id = %s and state = 'waiting'""",
        [recording],
    )
    log.run_job(exchange.admin, JOB)
    names = ["state", "error"]
    [row] = exchange.admin.call("pbx.recording", "read", [recording], names)
    return row["state"], row["error"]


def test_it_waits_until_the_file_is_there(exchange, recorded):
    truth, call, recording, file = recorded
    exchange.assert_is(call, truth)
    aside = file.rename(file.with_suffix(".aside"))
    assert fetch(exchange, recording) == (
        "waiting",
        "The PBX does not have it, or not yet.",
    )
    file.write_bytes(aside.read_bytes()[:HEAD_BYTES])
    assert fetch(exchange, recording)[0] == "waiting"
    aside.rename(file)


def test_the_login_goes_to_asterisk_alone(exchange, recorded):
    _truth, _call, recording, _file = recorded
    elsewhere = Door(exchange.lab.port)
    led = {"Location": f"{elsewhere.url}/ari/recordings/stored/x/file"}
    with exchange.ari.behaving(lambda _asked: Answered(302, led, b"")):
        state, why = fetch(exchange, recording)
    elsewhere.shut()
    assert state == "waiting"
    assert "another host" in why
    assert not elsewhere.seen
    assert [asked.path.rpartition("/")[2] for asked in exchange.ari.seen] == ["file"]
    assert all("Authorization" in asked.headers for asked in exchange.ari.seen)


def test_it_is_stored_and_heard_by_who_may(exchange, recorded):
    _truth, call, recording, file = recorded
    assert fetch(exchange, recording) == ("stored", False)
    url = f"/pbx/recording/{recording}"
    # Who spoke.
    heard = exchange.odoo.login("agent201").get(url)
    assert heard == file.read_bytes()
    assert len(heard) > HEAD_BYTES and (heard[:4], heard[8:12]) == (b"RIFF", b"WAVE")
    with wave.open(io.BytesIO(heard)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        frames = sound.readframes(sound.getnframes())
    assert abs(seconds - call["talk_seconds"]) < 1.5
    loud = [int.from_bytes(frames[n : n + 2], "little", signed=True)
            for n in range(0, len(frames), 2)]  # fmt: skip
    assert max(map(abs, loud)) > 1000
    # A colleague who had no part in it, and a stranger.
    colleague = exchange.odoo.login("agent203")
    with pytest.raises(urllib.error.HTTPError) as refused:
        colleague.get(url)
    refused.value.close()
    assert refused.value.code == 404
    colleague.cookies.clear()
    assert b"RIFF" not in colleague.get(url)[:4]
