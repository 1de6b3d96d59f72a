"""The account: token, abonents, numbers, subscriptions, and how the PBX behaves."""

import itertools
import secrets
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fake_pbx.faults import Faults
from fake_pbx.journal import Journal

from .abonents import digits, office

LONGEST_SECONDS = 86400
FORMER_KEPT = 50


@dataclass
class Subscription:
    """:var str pattern: an abonent or a number; ``""``: the whole PBX.
    :var float until: time of :func:`time.time` at which it ends by itself.
    """

    url: str
    kind: str
    pattern: str
    until: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sequence: int = 40

    def next_sequence(self, backwards=False):
        self.sequence += -1 if backwards else 1
        return self.sequence

    @property
    def seconds_left(self):
        return max(0, round(self.until - time.time()))

    def as_json(self):
        return {
            "subscriptionId": self.id,
            "url": self.url,
            "subscriptionType": self.kind,
            "pattern": self.pattern,
            "expires": self.seconds_left,
        }


def error_text(message, code="InternalServerError"):
    """An error as the API tells it."""
    return {"errorCode": code, "description": message}


class Account:
    """State of one account. Everything here may be read and written by many threads;
    compound changes take :attr:`lock`."""

    def __init__(self, token):
        self.token = token
        # Tells a page that the server behind it was started anew.
        self.run = secrets.token_hex(4)
        self.abonents = office()
        self.numbers = ["+79000000100", "+79000000110"]
        # -- what the documents are silent about
        self.wrong_token_status = 401
        self.errors_with_200 = False
        self.granted_seconds = LONGEST_SECONDS  # at most
        self.second_put = "double"
        self.first_event = "none"  # a CallSubscriptionEvent before or after the PUT
        self.click_reply = "text"
        self.statistics_unit = "ms"
        self.answered_word = "RECEIVED"
        # A row at each side of a call between two abonents, or at who dialled alone.
        self.internal_rows = "both"
        # A recording is refused so often, and for so many seconds after the release.
        self.record_refusals = 0
        self.record_ready_after = 0.0
        # Requests within any second; more are refused with 429. 0: no limit.
        self.requests_per_second = 0
        # -- how events are sent
        self.form = ""  # see document.FORMS; empty: as the scenario says
        self.webhook_timeout = 10.0
        self.retry_pauses = [1.0, 5.0]  # seconds, after no answer or a 5xx
        self.click = {
            "outcome": "answered",
            "ring": 3.0,
            "duration": 8.0,
            "speed": 1.0,
            "auto": True,
        }
        self.subscriptions = {}
        self.former = deque(maxlen=FORMER_KEPT)
        self.rows, self.records = [], []
        self.record_ids = itertools.count(5_000_001)
        self._hits = deque()
        self.faults, self.journal = Faults(error_text), Journal()
        self.lock = threading.RLock()

    def now_text(self):
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def abonent(self, pattern):
        """Return the abonent of a userId, phone or extension, or ``None``."""
        found = [one for one in self.abonents.values() if pattern in one.names]
        return found[0] if found else None

    # -- subscriptions -----------------------------------------------------------------

    def live(self):
        """Return the subscriptions that go on, oldest first."""
        with self.lock:
            for one in list(self.subscriptions.values()):
                if one.until <= time.time():
                    self.end(one.id)
            return list(self.subscriptions.values())

    def subscribe(self, url, kind, pattern, seconds):
        """Begin a subscription and return it."""
        granted = min(seconds, self.granted_seconds, LONGEST_SECONDS)
        with self.lock:
            if self.second_put == "replace":
                for one in self.live():
                    if one.pattern == pattern:
                        self.end(one.id)
            made = Subscription(url, kind, pattern, time.time() + granted)
            self.subscriptions[made.id] = made
        return made

    def end(self, subscription_id):
        """End a subscription; ``None`` where there is none."""
        with self.lock:
            ended = self.subscriptions.pop(subscription_id, None)
            if ended:
                self.former.append(ended)
        return ended

    def hears(self, subscription, step):
        """Tell whether a subscription is told of a step: by its pattern."""
        pattern = subscription.pattern
        if not pattern or step.abonent is None:
            return True
        if pattern in step.abonent.names:
            return True
        lines = {digits(snapshot.leg.line) for snapshot in step.calls}
        return digits(pattern) in lines

    # -- limits ------------------------------------------------------------------------

    def allowed(self):
        """Count a request; tell whether it is within the limit of a second."""
        now = time.monotonic()
        with self.lock:
            while self._hits and self._hits[0] <= now - 1:
                self._hits.popleft()
            self._hits.append(now)
            limit = self.requests_per_second
            return not limit or len(self._hits) <= limit

    # -- recordings --------------------------------------------------------------------

    def keep(self, plan):
        """Keep what the API lists of a call that was played."""
        with self.lock:
            for row in plan.rows:
                internal = row["internal"] and row["direction"] == "INBOUND"
                if not (internal and self.internal_rows == "caller"):
                    self.rows.append(row)
            for record in plan.records:
                ready = time.time() + self.record_ready_after
                kept = {
                    **record,
                    "id": str(next(self.record_ids)),
                    "refusals": self.record_refusals,
                    "ready": ready,
                }
                self.records.append(kept)

    def sound_of(self, wanted):
        """Return the record that ``wanted(record)`` tells and which is ready.

        :return: the record; ``None``: there is none, or it is not ready yet.
        """
        with self.lock:
            for record in self.records:
                if wanted(record):
                    if record["refusals"] or record["ready"] > time.time():
                        record["refusals"] = max(record["refusals"] - 1, 0)
                        return None
                    return record
        return None
