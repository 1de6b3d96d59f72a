"""Two workers of Odoo, and an Asterisk that posts, replays and is asked at once."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import log
import pytest
from by_hand import ByHand, Inbound
from exchange import Exchange

from asterisk import stories
from asterisk.config import LINES

KEPT, BY_HAND = 5, 8
NAMES = [
    *("answered", "group", "transfer", "attended", "queue", "outbound", "click"),
    "given_up",
]


@pytest.fixture(scope="module")
def workers_exchange(instance, servers, asterisk):
    folder = instance.folder / "asterisk-workers"
    with Exchange.started(folder, asterisk, servers, workers=2) as exchange:
        # Odoo's own jobs meet each other when a database is new, and say so.
        exchange.odoo.sql(
            "update ir_cron set active = false where id not in (select res_id from"
            " ir_model_data where model = 'ir.cron' and module = 'cloud_pbx')"
        )
        # Clicks may have to wait for a worker.
        exchange.write(asterisk_ring_seconds=20)
        yield exchange


class Taken:
    """What came through a door and was taken."""

    def __init__(self, door):
        self.door, self.bodies = door, set()

    def __call__(self, asked):
        answered = self.door.give_on(asked)
        is_of_calls = not asked.body.startswith(b"event=replayed&")
        if is_of_calls and answered and answered.status == 200:
            self.bodies.add(asked.body)
        return answered


def make_calls(hand):
    """Calls with two phones, each its own seconds; {id: (seconds, bodies)}."""
    calls, now = {}, time.time()
    for number in range(BY_HAND):
        start = now - 300 - number
        call = Inbound(hand, f"0207946{2000 + number}", LINES["group"], start)
        first, second = call.ring("201", start), call.ring("202", start + 0.2)
        call.hang_up(first, "201", start + 6, 26)
        call.talk(second, "202", start + 6, start + 16 + number)
        calls[call.call] = 10 + number, call.bodies
    return calls


def test_nothing_is_lost_or_doubled(workers_exchange):
    exchange = workers_exchange
    lab, last = exchange.lab, exchange.last_id()
    logged = len(exchange.odoo.log_text())
    with exchange.door.saying(503, "unavailable"):
        truths = stories.many(lab, KEPT)
        lab.wait_idle()
    hand, agent = ByHand(exchange), exchange.odoo.login("agent201")
    made = make_calls(hand)
    bodies = [body for _seconds, bodies in made.values() for body in bodies]
    twice = bodies + bodies
    random.Random(8).shuffle(twice)
    admins = [exchange.admin.again() for _ in range(2)]
    taken, before = Taken(exchange.door), exchange.events()

    def click(number, _extension, _ref):
        call = agent.call("pbx.call", "dial", number)
        return exchange.admin.call("pbx.call", "read", [call], ["ref"])[0]["ref"]

    with exchange.door.behaving(taken), ThreadPoolExecutor(4) as pool:
        lab.forget_failures()
        played = pool.submit(stories.play_all, lab, NAMES, click=click)
        posted = pool.submit(hand.post_all, twice)
        list(pool.map(exchange.fetch, admins))
        truths += played.result().values()
        assert posted.result() == {(200, "ok")}
        lab.wait_idle()
        lab.forget_failures()
        exchange.fetch()
        exchange.wait_taken()
    # Every call, once, as it was.
    count = len(truths) + len(made)
    assert len(exchange.calls_since(last, count)) == count
    for truth in truths:
        exchange.assert_is(exchange.call_of(truth), truth)
    domain = [("ref", "in", list(made))]
    found = {call["ref"]: call for call in log.calls(exchange.admin, domain)}
    told = {ref: call["talk_seconds"] for ref, call in found.items()}
    assert told == {ref: seconds for ref, (seconds, _bodies) in made.items()}
    assert {call["user_id"][0] for call in found.values()} == {
        exchange.provider["users"]["202"]
    }
    # Every event that was taken, once, and applied.
    assert exchange.events() - before == len(taken.bodies) + len(set(bodies))
    [[states]] = exchange.odoo.sql("select array_agg(distinct state) from pbx_event")
    assert set(states) <= {"done", "ignored"}
    said = exchange.odoo.log_text()[logged:].splitlines()
    assert not [line for line in said if " ERROR " in line or " CRITICAL " in line]
    assert not [line for line in said if line.startswith("Traceback")]
