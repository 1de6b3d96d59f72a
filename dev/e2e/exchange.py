"""An Odoo and a real Asterisk that know each other; what the log has of its calls."""

import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import log
from door import Door

from asterisk.lab import Lab
from lib import asterisk_pbx
from lib.rpc import Login

SECONDS = 1.0  # by which the clocks of the two sides may differ
# Of a click's own phone: tests ask Odoo several things while it rings.
RING_SECONDS = 8
PATIENCE_SECONDS = 30
# Asterisk waits three seconds for an answer, those of the way included.
LATE_SECONDS = 2
FIELDS = [
    *("ref", "direction", "outcome", "state", "number", "line", "start", "answer"),
    *("stop", "wait_seconds", "talk_seconds", "user_id", "extension_id", "leg_ids"),
    *("participant_ids", "recording_ids", "partner_id"),
]


def at(text):
    """The seconds since the epoch of a moment that Odoo tells."""
    if not text:
        return None
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def near(one, other):
    if one is None or other is None:
        return one is other
    # Odoo cuts fractions of a second off.
    return -SECONDS <= other - one <= SECONDS + 1


@dataclass
class Exchange:
    """:var provider: what `asterisk_pbx.introduce` returns.
    :var door: before Odoo, where Asterisk posts to.
    :var ari: before Asterisk's ARI, where Odoo asks.
    """

    odoo: object
    lab: Lab
    provider: dict
    admin: Login
    door: Door
    ari: Door

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder, asterisk, servers, workers=0):
        with contextlib.ExitStack() as stack:
            odoo = servers.start(workers=workers)
            stack.callback(odoo.stop)
            lab = Lab(asterisk, folder)
            stack.callback(lab.close)
            door, ari = Door(odoo.port), Door(lab.port)
            stack.callback(door.shut)
            stack.callback(ari.shut)
            lab.start()
            admin = odoo.login("admin")
            provider = asterisk_pbx.introduce(
                odoo, lab, admin, external_url=door.url, server_url=f"{ari.url}/ari"
            )
            ringing = {"asterisk_ring_seconds": RING_SECONDS}
            admin.call("pbx.provider", "write", [provider["id"]], ringing)
            yield cls(odoo, lab, provider, admin, door, ari)

    def make_quiet(self) -> None:
        """Both run, nobody talks, and nothing is kept at the PBX."""
        self.door.open()
        self.ari.open()
        for server in (self.odoo, self.lab):
            if not server.running():
                server.start()
        self.lab.wait_idle()
        self.lab.forget_failures()
        if self.lab.outbox():
            self.fetch()
        self.wait_taken()
        self.door.slowest = 0
        self.door.seen.clear()
        self.ari.seen.clear()

    # What an administrator does

    def write(self, **values) -> None:
        self.admin.call("pbx.provider", "write", [self.provider["id"]], values)

    def read(self, *names) -> dict:
        own = [self.provider["id"]]
        return self.admin.call("pbx.provider", "read", own, list(names))[0]

    def fetch(self, admin=None) -> str:
        """Press “Fetch past calls”; the words that come of it."""
        own = [self.provider["id"]]
        said = (admin or self.admin).call("pbx.provider", "action_fetch_history", own)
        return said["params"]["message"]

    def wait_taken(self, seconds=30) -> None:
        """Wait until Asterisk keeps nothing, and Odoo has applied all.

        Asterisk leaves an Odoo alone for a while that once was too slow for it, as on a
        busy machine: then what it kept meanwhile is fetched. Any other time it is not.
        """
        log.until(
            lambda: self.door.slowest > LATE_SECONDS or not self.lab.outbox(),
            seconds,
            "Asterisk keeps nothing",
        )
        if self.lab.outbox():
            self.lab.forget_failures()
            self.fetch()
        self.lab.wait_empty(seconds)
        log.wait_applied(self.odoo)

    # The log

    def last_id(self) -> int:
        domain = [("provider_id", "=", self.provider["id"])]
        found = self.admin.call("pbx.call", "search", domain, limit=1, order="id desc")
        return found[0] if found else 0

    def events(self) -> int:
        """How many events of calls the inbox has ever had of it.

        A job asks for replays when it likes to, and their ends are no matter of calls.
        """
        query = (
            "select count(*) from pbx_event"
            " where provider_id = %s and event_type != 'replayed'"
        )
        return self.odoo.sql(query, [self.provider["id"]])[0][0]

    def calls_since(self, last, count=1, patience=PATIENCE_SECONDS) -> list[dict]:
        """The calls that came after the one with the id `last`, once all are over."""
        deadline = time.monotonic() + patience
        while True:
            domain = [("provider_id", "=", self.provider["id"]), ("id", ">", last)]
            found = self.admin.call("pbx.call", "search_read", domain, FIELDS)
            over = all(call["state"] == "done" for call in found)
            if (over and len(found) == count) or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def call_of(self, truth) -> dict:
        """The one call that the log has with a story's customer, once it is over."""
        domain = [
            ("provider_id", "=", self.provider["id"]),
            ("number", "=", truth.number),
            ("start", ">=", datetime.fromtimestamp(truth.start - 5, UTC).strftime(
                log.FORMAT)),
        ]  # fmt: skip
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.admin.call("pbx.call", "search_read", domain, FIELDS)
            over = found and all(call["state"] == "done" for call in found)
            if over or time.monotonic() > deadline:
                [call] = found
                return call
            time.sleep(0.1)

    def assert_is(self, call, truth) -> None:
        """A call of the log is what the telephones saw."""
        users, admin = self.provider["users"], self.admin
        assert call["state"] == "done"
        assert call["direction"] == truth.direction
        assert call["outcome"] == truth.outcome
        assert (call["number"] or "") == truth.number
        if truth.direction == "inbound":
            assert call["line"] == truth.line
        user = call["user_id"] and call["user_id"][0]
        assert user == (bool(truth.extension) and users[truth.extension])
        assert near(at(call["start"]), truth.start)
        assert near(at(call["answer"]), truth.answer)
        assert near(at(call["stop"]), truth.stop)
        assert abs(call["talk_seconds"] - truth.talk) <= SECONDS
        waited = (truth.answer or truth.stop) - truth.start
        assert abs(call["wait_seconds"] - waited) <= SECONDS
        legs = admin.call("pbx.call.leg", "read", call["leg_ids"], ["number"])
        assert {leg["number"] for leg in legs} == {leg.extension for leg in truth.legs}
        people = {users[leg.extension] for leg in truth.legs}
        assert set(call["participant_ids"]) == people
