"""What one post of Asterisk costs, beside a bare route, and late in a long call."""

import hashlib
import itertools
import json
import time
from urllib.parse import urlencode

import requests
from measure import Bare, in_turn, ratio

SECRET = "of-this-benchmark"
NUMBER = "+442079460201"
# A queue of ten phones, each rung every five seconds: two thousand posts and more.
PHONES, ROUNDS_OF_QUEUE = 10, 110
FEW = 20


def make_provider(server):
    """Enter an Asterisk that does not exist; return its webhook address."""
    admin = server.login("admin")
    [country] = admin.call("res.country", "search", [("code", "=", "GB")])
    values = {
        "name": "Asterisk",
        "dialect": "asterisk",
        "login": "odoo",
        "api_key": "unused",
        "api_secret": SECRET,
        "country_id": country,
        "external_url": server.url,
    }
    provider = admin.call("pbx.provider", "create", values)
    for number in range(PHONES):
        name = str(201 + number)
        extension = {"provider_id": provider, "number": name, "login": name}
        admin.call("pbx.extension", "create", extension)
    [read] = admin.call("pbx.provider", "read", [provider], ["webhook_url"])
    return read["webhook_url"]


class Channel:
    """Posts events of legs as Asterisk does, one after another, and times them."""

    serial = itertools.count(1)

    def __init__(self, url):
        self.url, self.http = url, requests.Session()

    def begin(self):
        """Let the events that follow be of a new call."""
        self.call = f"{time.time():.0f}.{next(self.serial)}"

    def leg(self):
        return f"{time.time():.0f}.{next(self.serial)}"

    def post(self, event, leg, channel, **fields):
        """Return the seconds that one post took; anything but `ok` is an error."""
        fields = {
            "event": event,
            "v": "0",
            "id": self.call,
            "leg": leg,
            "time": f"{time.time():.3f}",
            "chan": channel,
            **fields,
        }
        body = urlencode(fields)
        inner = hashlib.sha1(f"{SECRET}{body}".encode()).hexdigest()
        signature = hashlib.sha1(f"{SECRET}{inner}".encode()).hexdigest()
        began = time.perf_counter()
        answer = self.http.post(
            self.url,
            data=f"{body}&sig={signature}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=30,
        )
        took = time.perf_counter() - began
        if answer.text != "ok":
            raise AssertionError(f"{event}: {answer.status_code} {answer.text}")
        return took

    def answered(self):
        """One answered call; return ``{event: seconds}``."""
        self.begin()
        line, phone, leg = "PJSIP/carrier-00000000", "PJSIP/201-00000001", self.leg()
        bridge = json.dumps({"bridge_id": f"b{leg}"})
        ended = json.dumps({"hangupcause": 16, "dialstatus": ""})
        return {
            "CHAN_START, line": self.post(
                "CHAN_START", self.call, line, num=NUMBER, exten="442079460900"
            ),
            "CHAN_START, phone": self.post("CHAN_START", leg, phone, exten="s"),
            "ANSWER": self.post("ANSWER", leg, phone),
            "BRIDGE_ENTER": self.post("BRIDGE_ENTER", leg, phone, extra=bridge)
            + self.post("BRIDGE_ENTER", self.call, line, extra=bridge),
            "BRIDGE_EXIT": self.post("BRIDGE_EXIT", leg, phone, extra=bridge),
            "HANGUP": self.post("HANGUP", leg, phone, extra=ended)
            + self.post("HANGUP", self.call, line, extra=ended),
            "LINKEDID_END": self.post("LINKEDID_END", self.call, line),
        }


def against_a_bare_route(server, url, rounds):
    """Return ``{title: (figures, aim)}``: rates of each post, over a bare create."""
    channel, bare = Channel(url), Bare(server.url, "call")

    def one_round():
        return {**channel.answered(), "bare": bare.post()}

    times = in_turn(one_round, rounds)
    twice = ("BRIDGE_ENTER", "HANGUP")
    return {
        f"{name} per second / bare create of a call": (
            ratio(times["bare"], [t / (2 if name in twice else 1) for t in taken]),
            "-",
        )
        for name, taken in times.items()
        if name != "bare"
    }


def in_a_long_queue(url):
    """Return ``{title: (figures, aim)}``: the last posts of a long call, over early
    ones of a short one, taken in turn."""
    long, short = Channel(url), Channel(url)
    late, early = [], []
    long.begin()
    long.post("CHAN_START", long.call, "PJSIP/carrier-00000000", num=NUMBER)
    count = 0
    for number in range(ROUNDS_OF_QUEUE):
        is_late = number >= ROUNDS_OF_QUEUE - FEW // 2
        if is_late:
            short.begin()
            short.post("CHAN_START", short.call, "PJSIP/carrier-00000000", num=NUMBER)
        for channel, taken in (
            ((long, late), (short, early)) if is_late else ((long, []),)
        ):
            taken += _round(channel)
        count += 2 * PHONES
    title = f"a post of a call with {count:,} before it / of one with {2 * PHONES}"
    return {title: (ratio(late, early), "<= 1.50")}


def _round(channel):
    """Ring all phones once; return the seconds of each post."""
    legs = [(channel.leg(), f"PJSIP/{201 + n}-00000001") for n in range(PHONES)]
    taken = [channel.post("CHAN_START", leg, name, exten="s") for leg, name in legs]
    over = json.dumps({"hangupcause": 0})
    return taken + [channel.post("HANGUP", leg, name, extra=over) for leg, name in legs]
