"""What is posted in Asterisk's name: who may, and what is made of odd records."""

import random
import time

import log
import pytest
from by_hand import FORM, ByHand, Inbound, sign
from exchange import at, near

from asterisk import stories
from asterisk.config import LINES

LINE = LINES["phone"]
NAME = 'Іван "Ко" O\'Neill, Ltd (вул. Мазепи: 5) 📞'
LIMIT = 64 * 1024
WOKEN_SECONDS = 25
# A queue that rings three phones every five seconds, for half an hour.
ROUNDS, ROUND_SECONDS = 334, 5
# As JSON in the database.
MOST_BYTES = 40_000


@pytest.fixture
def hand(exchange):
    return ByHand(exchange)


def call_of(exchange, ref):
    """The one call that has this id, once it is applied."""
    log.wait_applied(exchange.odoo)
    domain = [("provider_id", "=", exchange.provider["id"]), ("ref", "=", ref)]
    [call] = log.calls(exchange.admin, domain)
    return call


# Who may post


def refused(hand):
    """{what is wrong: (expected status, what `post` takes)}."""
    body = hand.body("CHAN_START", "1.1", time.time(), "PJSIP/201-00000001", "1.1")
    good = sign(body, hand.secret)
    digits = good[-40:]
    large = body + b"&x=" + b"x" * LIMIT
    altered = {
        f"byte {place}": (403, [good[:place] + b"0" + good[place + 1 :]])
        for place in random.Random(3).sample(range(6, len(good) - 40), 5)
        if good[place : place + 1] not in b"0&="
    }
    odd_forms = {
        "json": {"Content-Type": "application/json"},
        "text": {"Content-Type": "text/plain"},
        "parts": {"Content-Type": "multipart/form-data; boundary=b"},
        "compressed": {**FORM, "Content-Encoding": "gzip"},
        "no type": {"Content-Type": ""},
    }
    return {
        "unsigned": (403, [body]),
        "another secret": (403, [sign(body, "another-secret")]),
        "an empty secret": (403, [sign(body, "")]),
        "an empty signature": (403, [body + b"&sig="]),
        "capitals": (403, [body + b"&sig=" + digits.upper()]),
        "not last": (403, [good + b"&x=1"]),
        "not last, twice": (403, [good + b"&sig=" + digits]),
        "in front": (403, [b"sig=" + digits + b"&" + body]),
        "a blank behind": (403, [good + b" "]),
        "one digit less": (403, [good[:-1]]),
        **altered,
        "too large": (413, [sign(large, hand.secret)]),
        **{name: (415, [good, headers]) for name, headers in odd_forms.items()},
        "unknown address": (404, [good, FORM, "", hand.url[:-3] + "xyz"]),
        "another dialect": (
            404,
            [good, FORM, "", hand.url.replace("/asterisk/", "/zadarma/")],
        ),
        "GET": (404, [b"", {}, "", hand.url, "GET"]),
        "GET, verification": (404, [b"", {}, "", f"{hand.url}?zd_echo=ok", "GET"]),
        "PUT": (405, [good, FORM, "", hand.url, "PUT"]),
        "HEAD": (404, [b"", {}, "", hand.url, "HEAD"]),
    }


def test_without_proof_nothing_is_kept(exchange, hand):
    before, wrong = exchange.events(), {}
    for name, (expected, [body, *rest]) in refused(hand).items():
        headers, _unsigned, *where = [*rest, FORM, ""][: max(2, len(rest))]
        status, text = hand.post(body, headers, "", *where)
        if status != expected or text.strip() == "ok" or text[:1] == "{":
            wrong[name] = status, text[:100]
    assert not wrong
    assert exchange.events() == before


def test_an_exchange_that_is_switched_off_takes_nothing(exchange, hand):
    body = hand.body("CHAN_START", "1.2", time.time(), "PJSIP/201-00000001", "1.2")
    before = exchange.events()
    exchange.write(active=False)
    try:
        status, text = hand.post(body)
    finally:
        exchange.write(active=True)
    assert status == 403 and text != "ok"
    assert exchange.events() == before


def test_the_same_post_again_changes_nothing(exchange, hand):
    now = time.time()
    call = Inbound(hand, "02079461201", LINE, now - 30)
    call.talk(call.ring("201", now - 30), "201", now - 20, now - 10)
    assert hand.post_all(call.bodies) == {(200, "ok")}
    first = call_of(exchange, call.call)
    assert (first["outcome"], first["talk_seconds"]) == ("answered", 10)
    count = exchange.events()
    for _time in range(2):
        assert hand.post_all(reversed(call.bodies)) == {(200, "ok")}
    assert call_of(exchange, call.call) == first
    assert exchange.events() == count


def test_a_changed_secret_loses_nothing(exchange):
    """The old one is good for a day; what comes later waits for the new files."""
    lab, last = exchange.lab, exchange.last_id()
    replayed_at = exchange.read("asterisk_replayed_at")["asterisk_replayed_at"]
    time.sleep(1)  # Odoo tells moments in seconds
    secret = f"new-secret-{time.time():.0f}"
    exchange.write(api_secret=secret)
    # Asked at once, with the old files: the former secret signs it.
    log.until(
        lambda: (
            exchange.read("asterisk_replayed_at")["asterisk_replayed_at"] != replayed_at
        ),
        WOKEN_SECONDS,
        "a replay after the change",
    )
    truths = [stories.play(lab, "answered", wait=0.3, talk=1)]
    lab.wait_idle()
    exchange.wait_taken()
    shown = exchange.read("asterisk_outdated", "hint")
    assert shown["asterisk_outdated"] and "older files" in shown["hint"]
    # A day later.
    exchange.write(former_secret_until="2020-01-01 00:00:00")
    truths.append(stories.play(lab, "answered", wait=0.3, talk=1))
    lab.wait_idle()
    assert len(exchange.calls_since(last, 1)) == 1
    lab.install(
        exchange.admin.call("pbx.provider", "asterisk_files", [exchange.provider["id"]])
    )
    exchange.fetch()
    truths.append(stories.play(lab, "answered", wait=0.3, talk=1))
    exchange.wait_taken()
    assert not exchange.read("asterisk_outdated")["asterisk_outdated"]
    assert len(exchange.calls_since(last, 3)) == 3
    for truth in truths:
        exchange.assert_is(exchange.call_of(truth), truth)


# What is told


def test_records_of_older_files(exchange, hand):
    version, hand.version = hand.version, "0ld0ld00"
    now = time.time()
    call = Inbound(hand, "02079461202", LINE, now - 9)
    call.talk(call.ring("201", now - 9), "201", now - 6, now - 3)
    assert hand.post_all(call.bodies) == {(200, "ok")}
    # They are applied all the same.
    assert call_of(exchange, call.call)["talk_seconds"] == 3
    shown = exchange.read("asterisk_outdated", "hint")
    assert shown["asterisk_outdated"] and "older files" in shown["hint"]
    # One of the files in use says that these are in order.
    hand.version = version
    hand.post(hand.body("ECHO", "1.3", time.time(), "PJSIP/201-00000001", "1.3"))
    assert not exchange.read("asterisk_outdated")["asterisk_outdated"]


@pytest.mark.parametrize("minutes_off", [-10, 10])
def test_a_clock_that_is_off_is_told_of_and_not_corrected(exchange, hand, minutes_off):
    off = time.time() + 60 * minutes_off
    call = Inbound(hand, f"0207946{1300 + minutes_off}", LINE, off)
    leg = call.ring("201", off + 1)
    call.add("start", call.call, off, "carrier", num="02079461203", line=LINE)
    call.talk(leg, "201", off + 4, off + 9)
    answers = hand.post_all(call.bodies)
    assert {text for _status, text in answers if text[:1] != "{"} == {"ok"}
    found = call_of(exchange, call.call)
    assert (found["state"], found["outcome"]) == ("done", "answered")
    assert (found["wait_seconds"], found["talk_seconds"]) == (4, 5)
    assert near(at(found["start"]), off) and near(at(found["stop"]), off + 9)
    hint = exchange.read("hint")["hint"] or ""
    assert "off by about" in hint and "NTP" in hint
    # The clock was set: the next replay says so.
    exchange.fetch()
    assert "NTP" not in (exchange.read("hint")["hint"] or "")


def test_two_thousand_records_of_one_call(exchange, hand):
    """Three phones ring for half an hour, round by round; then the second lifts."""
    start = time.time() - ROUNDS * ROUND_SECONDS - 60
    call = Inbound(hand, "02079461204", LINES["queue_rounds"], start)
    for number in range(ROUNDS):
        begun = start + number * ROUND_SECONDS
        for name in ("201", "202", "203"):
            leg = call.ring(name, begun)
            call.hang_up(leg, name, begun + 4, 17 if name == "201" else 0)
    lifted = start + ROUNDS * ROUND_SECONDS
    call.talk(call.ring("202", lifted - 2), "202", lifted, lifted + 30)
    assert len(call.bodies) > 2000
    assert hand.post_all(call.bodies) == {(200, "ok")}
    found = call_of(exchange, call.call)
    assert (found["state"], found["outcome"]) == ("done", "answered")
    assert found["user_id"][0] == exchange.provider["users"]["202"]
    assert abs(found["wait_seconds"] - ROUNDS * ROUND_SECONDS) <= 1
    assert (found["talk_seconds"], len(found["legs"])) == (30, 3)
    answered = {name for name, leg in found["legs"].items() if leg["answer"]}
    assert answered == {"202"}
    [[size]] = exchange.odoo.sql(
        "select length(facts::text) from pbx_call where id = %s", [found["id"]]
    )
    assert size < MOST_BYTES
    [[states]] = exchange.odoo.sql(
        "select array_agg(distinct state) from pbx_event where ref = %s", [call.call]
    )
    assert states == ["done"]


def test_records_of_one_and_the_same_moment(exchange, hand):
    """Two calls, and all legs of each, begin, lift and end in the same milliseconds."""
    start = round(time.time(), 3) - 20
    calls = []
    for number in ("02079461205", "02079461206"):
        call = Inbound(hand, number, LINES["group"], start)
        legs = {name: call.ring(name, start) for name in ("201", "202", "203")}
        for name in ("201", "203"):
            call.hang_up(legs[name], name, start + 5, 26)
        call.talk(legs["202"], "202", start + 5, start + 15)
        calls.append(call)
    bodies = [body for call in calls for body in call.bodies]
    random.Random(5).shuffle(bodies)
    assert hand.post_all(bodies) == {(200, "ok")}
    for call in calls:
        found = call_of(exchange, call.call)
        assert found["user_id"][0] == exchange.provider["users"]["202"]
        assert (found["wait_seconds"], found["talk_seconds"]) == (5, 10)
        outcomes = {name: leg["outcome"] for name, leg in found["legs"].items()}
        assert outcomes == {"201": "missed", "202": "answered", "203": "missed"}


def test_the_display_shows_the_name_of_the_contact(exchange):
    number = exchange.lab.fresh_number()
    partner = exchange.admin.call(
        "res.partner", "create", {"name": NAME, "phone": number}
    )
    truth = stories.play(exchange.lab, "group", caller=number, wait=0.5, talk=1)
    assert truth.shown == [NAME]
    call = exchange.call_of(truth)
    exchange.assert_is(call, truth)
    assert call["partner_id"][0] == partner
