"""How long until the card is on the screen, in an office full of open browsers.

From the POST of the webhook that rings a phone until the painted frame that shows the
card with the caller's name. Each call is another contact's: a caller has one card,
which a second call would find there. For comparison, a bare bus message to the same
page; all by the same clock.
"""

import contextlib
import itertools
import os
import random
import statistics
import threading
import time
from datetime import datetime

import requests
from measure import Caller, ratio
from playwright.sync_api import sync_playwright
from simulated_browsers import open_browsers

from lib import debian
from lib.terminal import say

PEOPLE, GROUP = 20, 4
SAMPLES, WARM_UP = 100, 5
# On a machine that is too slow for all samples: as many as there are by then.
SECONDS = 75
# Between two calls to others, about.
PAUSE = 2.0
ME = "100"
NEXT = "([kind, count]) => pbxStamps[kind][count]"
EXPECT = "(name) => (window.pbxExpected = name)"
# Of the first contact, and of the first of those whom nobody knows.
FIRST_KNOWN, FIRST_UNKNOWN = 442079462000, 442079463000


def milliseconds():
    return time.time() * 1000


class FakePbx(Caller):
    """Rings phones together, as the PBX does: a webhook for each."""

    unknown = itertools.count(FIRST_UNKNOWN)

    def ring(self, extensions, number=None):
        """Begin a call; a function among the extensions is called in its turn.

        :param number: the caller's; none: of somebody unknown, each time another.
        """
        self.told = {
            "call_start": datetime.now(self.zone).strftime("%Y-%m-%d %H:%M:%S"),
            "pbx_call_id": f"in_{os.urandom(20).hex()}",
            "caller_id": number or f"+{next(self.unknown)}",
            "called_did": "442079460900",
        }
        self.post("NOTIFY_START", **self.told)
        for extension in extensions:
            if callable(extension):
                extension()
            else:
                self.internal(extension)

    def internal(self, extension):
        self.post("NOTIFY_INTERNAL", internal=extension, **self.told)

    def end(self):
        self.post("NOTIFY_END", duration="0", disposition="cancel", **self.told)


def make_callers(admin, count, first=FIRST_KNOWN):
    """Create so many contacts; return ``[(name, number)]``."""
    callers = [(f"Caller {first + n}", f"+{first + n}") for n in range(count)]
    values = [{"name": name, "phone": number} for name, number in callers]
    ids = admin.call("res.partner", "create", values)
    found = admin.call("res.partner", "read", ids, ["phone_sanitized"])
    assert [one["phone_sanitized"] for one in found] == [
        number for _, number in callers
    ]
    return callers


@contextlib.contextmanager
def open_page(server, admin):
    """A browser that shows Odoo's contacts, and in time a card."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=debian.browser(), args=["--no-sandbox"]
        )
        context = chromium.new_context(viewport={"width": 1366, "height": 850})
        for cookie in admin.cookies:
            told = {"name": cookie.name, "value": cookie.value, "url": server.url}
            context.add_cookies([told])
        page = context.new_page()
        page.goto(f"{server.url}/odoo/contacts")
        page.wait_for_selector(".o_data_row")
        yield page
        chromium.close()


@contextlib.contextmanager
def other_calls(provider, phones):
    """The rest of the office is called, too."""
    over = threading.Event()

    def go_on():
        fake_pbx = FakePbx(provider)
        while not over.wait(PAUSE * random.uniform(0.5, 1.5)):
            fake_pbx.ring(random.sample(phones, GROUP))
            over.wait(0.5)
            fake_pbx.end()

    caller = threading.Thread(target=go_on)
    caller.start()
    try:
        yield
    finally:
        over.set()
        caller.join()


class Samples:
    """Lets a group of phones ring again and again; in its midst the page gets a message
    that its own phone rings, or a bare one.
    """

    def __init__(self, page, fake_pbx, callers, bare_url, phones):
        self.page, self.fake_pbx, self.phones = page, fake_pbx, phones
        self.callers = iter(callers)
        self.bare_url, self.http = bare_url, requests.Session()
        self.taken = {"card": [], "bare": []}

    def take(self, kind):
        def tell():
            nonlocal sent
            sent = milliseconds()
            if kind == "card":
                self.fake_pbx.internal(ME)
            else:
                self.http.post(self.bare_url, timeout=30).raise_for_status()

        sent, taken, number = None, self.taken[kind], None
        if kind == "card":
            name, number = next(self.callers)
            self.page.evaluate(EXPECT, name)
        before, after = [random.sample(self.phones, GROUP // 2) for _ in range(2)]
        self.fake_pbx.ring([*before, tell, *after], number)
        stamp = self.page.wait_for_function(NEXT, arg=[kind, len(taken)], polling=20)
        self.fake_pbx.end()
        taken.append({name: at - sent for name, at in stamp.json_value().items()})

    def column(self, kind, name="at"):
        return [one[name] for one in self.taken[kind][WARM_UP:]]


def card(server, provider):
    """Measure, and say the times; ``{title: (the ratio's figures, aim)}``."""
    admin = server.login("admin")
    callers = make_callers(admin, WARM_UP + SAMPLES)
    bare_url = f"{server.url}/bench/message/{admin.uid}"
    with contextlib.ExitStack() as stack:
        people = stack.enter_context(
            open_browsers(server, admin, provider["id"], PEOPLE)
        )
        phones = [one.extension for one in people]
        page = stack.enter_context(open_page(server, admin))
        stack.enter_context(other_calls(provider, phones))
        samples = Samples(page, FakePbx(provider), callers, bare_url, phones)
        deadline = time.monotonic() + SECONDS
        while len(samples.taken["bare"]) < WARM_UP + SAMPLES:
            samples.take("card")
            samples.take("bare")
            if time.monotonic() > deadline:
                break
    shown = samples.column("card", "shown")
    bare, read = samples.column("bare"), samples.column("bare", "read")
    say(f"\n{len(shown)} calls and bare messages, {PEOPLE} other browsers; in ms")
    for title, times in {
        "webhook -> card with the caller's name, aim p95 <= 200": shown,
        "    of it until the message is there": samples.column("card", "received"),
        "    of it until the card is drawn": samples.column("card", "drawn"),
        "bare bus message -> page": bare,
        "    and until the page has read a name for it": read,
    }.items():
        steps = statistics.quantiles(times, n=20)
        say(f"{title:<58} p50 {steps[9]:4.0f}  p95 {steps[18]:4.0f}")
    return {
        "card with the name / bare bus message": (ratio(shown, bare), "-"),
        "card with the name / message and a name read": (ratio(shown, read), "-"),
    }
