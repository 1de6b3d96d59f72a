"""Odoo or Asterisk is away, slow or broken: no call is lost, and none comes twice.

What is expected is what the telephones saw.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import log
import pytest
from exchange import at, near

from asterisk import stories

CALLS = 20
# What Asterisk writes of a call that one phone lifts, and of one that none does.
OF_ANSWERED, OF_GIVEN_UP = 11, 5
# For so long a call waits for Odoo at the most (cloud_pbx_extensions.conf).
TIMEOUT_SECONDS = 3
# Odoo's jobs look around once a minute, or when they are woken.
WOKEN_SECONDS = 25


def check_all(exchange, truths, last):
    """The log has these calls, none of them twice, and Asterisk keeps nothing."""
    exchange.wait_taken()
    found = exchange.calls_since(last, len(truths))
    assert len(found) == len(truths)
    calls = {call["number"]: call for call in found}
    assert calls.keys() == {truth.number for truth in truths}
    for truth in truths:
        exchange.assert_is(calls[truth.number], truth)
    assert exchange.lab.outbox() == 0


def wait_kept(exchange, count):
    """Wait until Asterisk has written down all of calls that are over."""
    exchange.lab.wait_idle()
    log.until(lambda: exchange.lab.outbox() >= count, 30, f"{count} records are kept")
    assert exchange.lab.outbox() == count


def short(exchange, **options):
    """A call whose times differ enough from none."""
    return stories.play(exchange.lab, "answered", **{"wait": 0.5, "talk": 1, **options})


def test_a_gap_is_closed_by_the_next_call(exchange):
    # First of all: the job is woken at once, but not once more within a few seconds.
    lab, last = exchange.lab, exchange.last_id()
    with exchange.door.saying(503, "unavailable"):
        missed = short(exchange)
        wait_kept(exchange, OF_ANSWERED)
    # As half a minute later: it posts again, and says that it held posts back.
    lab.set_global("PBX_DOWN", str(int(time.time()) - 1))
    next_one = short(exchange)
    lab.wait_empty(WOKEN_SECONDS)
    check_all(exchange, [missed, next_one], last)


def test_odoo_is_stopped_for_twenty_calls(exchange):
    lab, last = exchange.lab, exchange.last_id()
    exchange.odoo.stop()
    truths = stories.many(lab, CALLS)
    lab.wait_idle()
    wait_kept(exchange, CALLS * OF_ANSWERED)
    exchange.odoo.start()
    said = exchange.fetch()
    check_all(exchange, truths, last)
    reports = exchange.read("asterisk_replayed_count", "asterisk_replayed_at", "hint")
    assert reports["asterisk_replayed_at"]
    # It was done in time, or went on by itself.
    assert (
        "continues automatically" in said
        or str(reports["asterisk_replayed_count"]) in said
    )
    # A second time, there is nothing to tell.
    assert "had kept no events" in exchange.fetch()
    assert len(exchange.calls_since(last, CALLS)) == CALLS


def test_asterisk_is_killed_while_they_talk(exchange):
    last = exchange.last_id()
    truth = stories.play(exchange.lab, "killed")
    [call] = exchange.calls_since(last, patience=1)
    assert (call["state"], call["outcome"]) == ("ongoing", False)
    # Asked at once, it may still be told of.
    exchange.fetch()
    [call] = exchange.calls_since(last, patience=0)
    assert call["state"] == "ongoing"
    # A minute later, as the database sees it.
    exchange.odoo.sql(
        "update pbx_call set last_event_at = last_event_at - interval '61 seconds'"
        " where id = %s",
        [call["id"]],
    )
    assert "1 calls whose end" in exchange.fetch()
    [call] = exchange.calls_since(last)
    assert (call["state"], call["outcome"]) == ("done", "answered")
    assert call["user_id"][0] == exchange.provider["users"][truth.extension]
    assert near(at(call["answer"]), truth.answer)
    assert call["talk_seconds"] == 0  # nobody knows


def test_asterisk_is_restarted_with_records_that_it_keeps(exchange):
    lab, last = exchange.lab, exchange.last_id()
    with exchange.door.saying(503, "unavailable"):
        truths = [short(exchange)]
        wait_kept(exchange, OF_ANSWERED)
        lab.wait_saved(OF_ANSWERED)
        lab.kill()
        lab.start()
        assert lab.outbox() == OF_ANSWERED
        lab.rx("module reload cel")
        lab.rx("module reload cel_custom.so")
        truths.append(short(exchange))
        wait_kept(exchange, 2 * OF_ANSWERED)
    exchange.fetch()
    check_all(exchange, truths, last)


@pytest.mark.parametrize("fault", ["late", "503", "html", "refused", "silent"])
def test_odoo_does_not_take_what_is_posted(exchange, fault):
    door, last = exchange.door, exchange.last_id()
    faulty = {
        # Odoo takes it, and nobody waits for the answer any more.
        "late": lambda: door.late(3.5),
        "503": lambda: door.saying(503, "The inbox cannot be written."),
        "html": lambda: door.saying(200, "<html><p>ok</p></html>", "text/html"),
        "refused": door.shut_for_a_while,
        "silent": lambda: door.behaving(lambda _asked: None),
    }[fault]
    with faulty():
        first = short(exchange)
        wait_kept(exchange, OF_ANSWERED)
        asked = len(door.seen)
        second = stories.play(exchange.lab, "given_up", wait=0.5)
        wait_kept(exchange, OF_ANSWERED + OF_GIVEN_UP)
    # A call waits for Odoo once, then it is left alone for half a minute.
    assert first.legs[0].start - first.start < 2 * TIMEOUT_SECONDS
    assert second.legs[0].start - second.start < TIMEOUT_SECONDS
    assert len(door.seen) == asked
    exchange.fetch()
    check_all(exchange, [first, second], last)


def test_two_replays_at_once_while_calls_go_on(exchange):
    lab, last = exchange.lab, exchange.last_id()
    with exchange.door.saying(503, "unavailable"):
        truths = stories.many(lab, 5)
        wait_kept(exchange, 5 * OF_ANSWERED)
    names = ["transfer", "attended", "group", "outbound"]
    admins = [exchange.admin.again() for _ in range(2)]
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(stories.play, lab, name) for name in names]
        time.sleep(0.5)
        said = list(pool.map(exchange.fetch, admins))
        truths += [call.result() for call in calls]
    # Both were told of the one replay that there was.
    assert not [text for text in said if "cannot" in text]
    lab.wait_idle()
    check_all(exchange, truths, last)


def test_records_of_a_call_that_goes_on_come_before_its_end(exchange):
    """Odoo comes back in the middle of a call: its beginning is told by the replay."""
    lab, last = exchange.lab, exchange.last_id()
    with exchange.door.saying(503, "unavailable"):
        customer, ring = stories.connect(lab, lab.fresh_number(), "phone", 0.5)
    exchange.fetch()
    [call] = log.until(
        lambda: exchange.calls_since(last, patience=0), 30, "the call is known"
    )
    assert call["state"] == "ongoing"
    time.sleep(1)
    ring.hang_up()
    truth = stories.inbound(customer, call["number"], [ring], by=ring)
    check_all(exchange, [truth], last)
