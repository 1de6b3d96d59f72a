"""The lab itself: a real Asterisk starts, telephones speak, the outbox is emptied."""

import hashlib
import urllib.parse

import pytest

from asterisk import stories
from telephony.asterisk import files
from telephony.dialect import Account

# Asterisk's own times are cut off, or rounded.
CLOCK_SECONDS = 0.01
# Records of a call that no phone lifts.
OF_GIVEN_UP = 5
SECRET = "of-this-test-and-of-nothing-else"


@pytest.fixture(scope="module")
def started(lab, receiver):
    lab.start()  # without the files: they come while it runs, as in a company
    account = Account(
        login="odoo",
        key="password",
        secret=SECRET,
        webhook_url=receiver.url,
        options={files.RECORDINGS: str(lab.recordings)},
    )
    lab.install(files.render(account))
    return lab


@pytest.fixture(autouse=True)
def fresh(started, receiver):
    started.wait_idle()
    started.wait_empty()
    receiver.posts.clear()


def fields(body: bytes) -> dict:
    return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))


def signed(body: bytes) -> bool:
    text, _, signature = body.rpartition(b"&sig=")
    inner = hashlib.sha1(SECRET.encode() + text).hexdigest().encode()
    return hashlib.sha1(SECRET.encode() + inner).hexdigest() == signature.decode()


def test_it_is_the_series_that_the_tests_are_made_for(started):
    assert started.rx("core show version").startswith("Asterisk 22.")
    status, endpoints = started.ari("GET", "/endpoints")
    found = {one["resource"]: one["state"] for one in endpoints}
    assert status == 200
    assert found == dict.fromkeys((*started.phones, "carrier"), "online")


def test_a_call_is_told_as_it_was(started, receiver):
    truth = stories.play(started, "answered", wait=0.5, talk=1)
    receiver.wait_for(b"event=LINKEDID_END&")
    bodies = [body for _at, body in receiver.posts]
    assert all(map(signed, bodies))
    told = [fields(body) for body in bodies]
    [called] = [one for one in told if one["event"] == "start"]
    assert (called["num"], f"+{called['line']}") == (truth.number, truth.line)
    times = {}
    for one in told:
        times.setdefault(one["event"], float(one["time"]))
    # Each step of a telephone comes before what Asterisk makes of it.
    [leg] = truth.legs
    in_order = [
        *(truth.start, times["CHAN_START"], leg.start),
        *(leg.answer, times["BRIDGE_ENTER"]),
        *(leg.stop, times["LINKEDID_END"], receiver.posts[-1][0]),
    ]
    assert in_order == pytest.approx(sorted(in_order), abs=CLOCK_SECONDS)
    started.wait_empty()


def test_the_display_shows_what_is_answered(started, receiver):
    receiver.start = '{"caller_name": "Іван \\"Ко\\" O\'Neill, Ltd"}'.encode()
    truth = stories.play(started, "answered", wait=0, talk=0.2)
    assert truth.shown == ['Іван "Ко" O\'Neill, Ltd']


def test_sound_is_recorded(started, receiver):
    truth = stories.play(started, "recorded", talk=1)
    assert truth.recorded
    started.wait_idle()
    [told] = {fields(receiver.wait_for(b"event=RECORDING&"))["leg"]}
    sound = (started.recordings / f"{told}.wav").read_bytes()
    assert sound[:4] == b"RIFF" and sound[8:12] == b"WAVE"
    assert len(set(sound[44:])) > 16  # not silence


def test_what_was_refused_is_told_again(started, receiver):
    receiver.status = 503
    stories.play(started, "given_up", wait=0.3)
    started.wait_idle()
    started.wait_saved(OF_GIVEN_UP)
    kept = started.outbox()
    assert kept == OF_GIVEN_UP and not receiver.posts
    started.kill()
    started.start()
    assert started.outbox() == kept
    receiver.status = 200
    started.replay()
    told = fields(receiver.wait_for(b"event=replayed&"))["told"]
    assert int(told) == len(receiver.posts) - 1 == kept
    started.wait_empty()
