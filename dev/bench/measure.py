"""Two kinds of requests in turn, so that a drifting machine hits both alike."""

import os
import statistics
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import requests

from telephony.zadarma.signature import sign_event

# Of a caller whose contact there is.
KNOWN = "+442079460201"


class Caller:
    """Posts events of fresh calls, as the PBX does, and times them."""

    def __init__(self, provider, number=KNOWN):
        self.url = provider["webhook_url"]
        self.secret = provider["api_secret"]
        self.zone = ZoneInfo(provider["tz"])
        self.number = number
        self.session = requests.Session()
        # Each call has a second of its own: parties and start are signed as one text.
        self.begun = datetime.now(self.zone)

    def post(self, event, **fields):
        """Return the seconds one event took; anything but 200 is an error."""
        fields = {"event": event, **fields}
        headers = {"Signature": sign_event(event, fields, self.secret)}
        began = time.perf_counter()
        answer = self.session.post(self.url, data=fields, headers=headers, timeout=30)
        took = time.perf_counter() - began
        answer.raise_for_status()
        return took

    def call(self):
        """One answered call; return ``{event: seconds}``."""
        self.begun -= timedelta(seconds=1)
        common = {
            "call_start": self.begun.strftime("%Y-%m-%d %H:%M:%S"),
            "pbx_call_id": f"in_{os.urandom(20).hex()}",
            "caller_id": self.number,
        }
        inbound = {**common, "called_did": "442079460900"}
        end = {"internal": "100", "duration": "20", "disposition": "answered"}
        return {
            "NOTIFY_START": self.post("NOTIFY_START", **inbound),
            "NOTIFY_INTERNAL": self.post("NOTIFY_INTERNAL", internal="100", **inbound),
            "NOTIFY_ANSWER": self.post(
                "NOTIFY_ANSWER", internal="100", destination="100", **common
            ),
            "NOTIFY_END": self.post("NOTIFY_END", **inbound, **end),
        }


class Bare:
    """Posts to the route that makes one ORM ``create``."""

    def __init__(self, server_url, model):
        self.url = f"{server_url}/bench/{model}"
        self.session = requests.Session()

    def post(self):
        began = time.perf_counter()
        self.session.post(
            self.url, data={"number": "+442079460999"}, timeout=30
        ).raise_for_status()
        return time.perf_counter() - began


def ratio(numerator, denominator):
    """Median of pairwise ratios, and the spread of the middle half."""
    pairs = sorted(a / b for a, b in zip(numerator, denominator, strict=True))
    low, middle, high = statistics.quantiles(pairs, n=4)
    return middle, low, high


def in_turn(measure, rounds, warm_up=10):
    """Call ``measure`` (which returns ``{name: seconds}``) and gather lists."""
    for _ in range(warm_up):
        measure()
    gathered = {}
    for _ in range(rounds):
        for name, seconds in measure().items():
            gathered.setdefault(name, []).append(seconds)
    return gathered
