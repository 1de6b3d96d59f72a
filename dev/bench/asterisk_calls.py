"""Real calls: how many in a minute until something gives, and how soon a card shows."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from card import EXPECT, NEXT, FakePbx, make_callers, milliseconds, open_page

from asterisk.config import LINES
from asterisk.lab import Lab
from lib import asterisk_pbx, setup
from lib.terminal import say

PHONES = tuple(str(201 + n) for n in range(40))
NAMES = {number: f"Phone {number}" for number in PHONES}
ME = PHONES[0]
# Calls at a time; each rings for a moment, is lifted, and lasts a second.
STEPS, STEP_SECONDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), 12
WAIT, TALK = 0.3, 1.0
# Asterisk's posts are behind by no more than this, or there are too many.
BEHIND_SECONDS = 3
SAMPLES, WARM_UP = 60, 5


class Exchange:
    """A real Asterisk that is connected with a server."""

    def __init__(self, server, folder):
        self.server, self.admin = server, server.login("admin")
        self.lab = Lab(setup.telephones(), folder, phones=NAMES)
        self.lab.start()
        self.provider = asterisk_pbx.introduce(server, self.lab, self.admin)
        domain = [("provider_id", "=", self.provider["id"]), ("number", "=", ME)]
        [mine] = self.admin.call("pbx.extension", "search", domain)
        values = {"user_ids": [(6, 0, [self.admin.uid])]}
        self.admin.call("pbx.extension", "write", [mine], values)

    def close(self):
        self.lab.close()


def _one_call(lab, phone):
    """A phone calls the next one, which lifts."""
    others = lab.phones[phone]
    number = lab.fresh_number()
    own = others.call(number)
    customer = lab.carrier.ring(number)
    time.sleep(WAIT)
    customer.answer()
    time.sleep(TALK)
    customer.hang_up()
    own.wait("over")


def calls_per_minute(exchange):
    """Raise the number of calls at a time until posts fall behind; say what gave."""
    lab, best = exchange.lab, 0
    for together in STEPS:
        count, failed, until = 0, [], time.monotonic() + STEP_SECONDS

        def go_on(phone, until=until, failed=failed):
            done = 0
            while time.monotonic() < until:
                try:
                    _one_call(lab, phone)
                except AssertionError as error:
                    failed.append(str(error))
                    continue
                done += 1
            return done

        with ThreadPoolExecutor(together) as pool:
            count = sum(pool.map(go_on, PHONES[1 : together + 1]))
        rate = 60 * count / STEP_SECONDS
        behind = _seconds_behind(lab)
        say(
            f"{together:3} calls at a time: {rate:4.0f} a minute, "
            f"posts {behind:4.1f} s behind, {len(failed)} calls failed"
        )
        if failed:
            say(f"    the first: {failed[0]}")
        if behind > BEHIND_SECONDS or failed:
            say(f"what gave: {'calls' if failed else 'the posts, one by one'}")
            break
        best = max(best, rate)
    say(f"{'real calls a minute, one worker':<58} {best:4.0f}")


def _seconds_behind(lab):
    began = time.monotonic()
    while lab.outbox():
        if time.monotonic() - began > 30:
            break
        time.sleep(0.1)
    return time.monotonic() - began


def until_the_card(exchange, provider):
    """Say how long it takes from the INVITE, and from the look-alike's webhook, until
    the card with the caller's name is painted, by turns."""
    callers = make_callers(exchange.admin, 2 * (SAMPLES + WARM_UP), first=442079464000)
    fake_pbx, taken = FakePbx(provider), {"asterisk": [], "look-alike": []}
    with open_page(exchange.server, exchange.admin) as page:
        for count, (name, number) in enumerate(callers):
            kind = "asterisk" if count % 2 else "look-alike"
            page.evaluate(EXPECT, name)
            if kind == "asterisk":
                sent = milliseconds()
                end = exchange.lab.carrier.call(LINES["phone"], number).hang_up
            else:
                fake_pbx.ring([], number)
                sent = milliseconds()
                fake_pbx.internal("100")
                end = fake_pbx.end
            stamp = page.wait_for_function(NEXT, arg=["card", count], polling=20)
            end()
            taken[kind].append(stamp.json_value()["shown"] - sent)
            time.sleep(0.2)
    for title, times in {
        "SIP INVITE -> card with the caller's name, aim p95 < 500": taken["asterisk"],
        "the look-alike's webhook -> the same": taken["look-alike"],
    }.items():
        steps = statistics.quantiles(times[WARM_UP:], n=20)
        say(f"{title:<58} p50 {steps[9]:4.0f}  p95 {steps[18]:4.0f}  ms")
