"""An Odoo and the look-alike of Beeline that know each other.

beeline   a `Beeline`, one for all tests: its Odoo is threaded and its own. Each test
          finds it connected, with no fault and the settings of the beginning
"""

import contextlib
import re
import time
import uuid
from dataclasses import dataclass

import log
import psycopg2
import pytest
import requests
from posting import session

from lib import beeline_pbx, postgres
from lib.rpc import Login

CLICK = {"outcome": "answered", "ring": 6, "duration": 20, "speed": 0, "auto": True}
SETTINGS = {
    "granted_seconds": 86400,
    "second_put": "double",
    "first_event": "none",
    "click_reply": "text",
    "click": CLICK,
    "statistics_unit": "ms",
    "internal_rows": "both",
    "record_refusals": 0,
    "wrong_token_status": 401,
    "errors_with_200": False,
    "form": "",
    "retry_pauses": [],
}
PATIENCE_SECONDS = 30
TIMES = ("start", "answer", "stop", "wait_seconds", "talk_seconds")


@dataclass
class Beeline:
    """:var provider: what `beeline_pbx.introduce` returns."""

    odoo: object
    pbx: object
    provider: dict
    admin: Login

    @classmethod
    @contextlib.contextmanager
    def started(cls, servers, workers=0, **values):
        """One with an Odoo of its own; `values`: of the provider."""
        odoo = servers.start(workers=workers)
        admin = odoo.login("admin")
        python, instance = odoo.instance.tools.venv.python, odoo.instance
        path = instance.folder / f"{odoo.database}-beeline.log"
        # Our own limit of a minute is tested elsewhere; that of a second stays.
        values = {"general_limit": 10000, "statistics_limit": 10000, **values}
        pbx, provider = beeline_pbx.introduce(odoo, python, path, admin, **values)
        try:
            yield cls(odoo, pbx, provider, admin)
        finally:
            pbx.stop()
            odoo.stop()

    @property
    def id(self):
        return self.provider["id"]

    def make_quiet(self):
        """Odoo runs, the PBX has no fault, and both know of one subscription."""
        if not self.odoo.running():
            self.odoo.start()
            self.admin = self.odoo.login("admin")
        self.pbx.post("/control/faults")
        self.pbx.set(**SETTINGS)
        self.wait_for_jobs()
        if len(self.live()) != 1 or self.known() != self.live():
            for one in self.live():
                self.end(one)
            self.connect()
        self.clear_log()

    # What an administrator does

    def write(self, **values):
        self.admin.call("pbx.provider", "write", [self.id], values)

    def read(self, *names):
        return self.admin.call("pbx.provider", "read", [self.id], list(names))[0]

    def connect(self):
        """Press “Connect”; the state that comes of it."""
        message = "at this moment"
        while "at this moment" in message:  # a job is at it
            self.wait_for_jobs()
            shown = self.admin.call("pbx.provider", "action_connect", [self.id])
            message = shown["params"]["message"]
        return self.read("state", "last_error")

    def steps(self):
        """The check list: {step: state}."""
        domain = [("provider_id", "=", self.id)]
        rows = self.admin.call("pbx.check", "search_read", domain, ["step", "state"])
        return {row["step"]: row["state"] for row in rows}

    def fetch(self):
        """Press “Fetch past calls” until all was read."""
        before = None
        while before != (now := self.admin.call("pbx.call", "search_count", [])):
            before = now
            said = self.admin.call("pbx.provider", "action_fetch_history", [self.id])
        return said["params"]["message"]

    # What the PBX knows

    def live(self):
        """The ids of its live subscriptions, oldest first."""
        return [one["subscriptionId"] for one in self.pbx.get("/control/subscriptions")]

    def end(self, subscription, tell=False):
        path = f"/control/subscriptions/{subscription}/terminate"
        self.pbx.post(path, {"tell": tell})

    def asked(self, method="", path=""):
        """The requests that it got since the log was cleared, oldest first."""
        found = self.pbx.get("/control/log?kind=api&limit=1000")[::-1]
        return [
            one for one in found if one["path"] == path and one["method"] == method
        ] if path else found  # fmt: skip

    def puts(self):
        return self.asked("PUT", "/subscription")

    def turns(self):
        """When each question of the last minute was allowed to leave, oldest first."""
        query = (
            "select sent from pbx_rate where provider_id = %s and bucket = 'general'"
        )
        [[sent]] = self.odoo.sql(query, [self.id])
        return sorted(sent)

    def clear_log(self):
        requests.delete(f"{self.pbx.url}/control/log", timeout=10).raise_for_status()

    def fault(self, kind, **more):
        self.pbx.post("/control/faults", {"faults": [{"kind": kind, **more}]})

    # What Odoo keeps

    def subscription(self):
        """The row of what was subscribed, as a dict; ``None``: there is none."""
        query = "select to_jsonb(s) from pbx_subscription s where provider_id = %s"
        rows = self.odoo.sql(query, [self.id])
        return rows[0][0] if rows else None

    def known(self):
        """The ids that Odoo takes for the ones that stand."""
        row = self.subscription()
        current = (row and row["details"] or {}).get("current", {})
        return [one["id"] for one in current.values()]

    def make_due(self):
        """The time has come at which it is renewed: the job is woken as then."""
        self.odoo.sql(
            "update pbx_subscription set until = until - (renew_at - %(now)s),"
            " renew_at = %(now)s where provider_id = %(id)s",
            {"now": log.minutes_ago(0), "id": self.id},
        )
        self.wake_at_once()

    def wake_at_once(self):
        """Let the times pass for which the job that renews was to be woken."""
        job = (
            "select res_id from ir_model_data where module = 'cloud_pbx'"
            " and name = 'ir_cron_keep_alive'"
        )
        moved = self.odoo.sql(
            "update ir_cron_trigger set call_at = now() at time zone 'UTC'"
            f" where cron_id = ({job}) returning id"
        )
        assert moved, "nothing wakes the job"
        self.look_for_jobs()

    def look_for_jobs(self):
        """Have Odoo look for jobs that are due now, and not within a minute."""
        where = {
            "host": str(self.odoo.instance.cluster.socket),
            "port": postgres.PORT,
            "user": postgres.USER,
        }
        # As Odoo does when a job is to run at once.
        notify = "select pg_notify('cron_trigger', %s)"
        with contextlib.closing(
            psycopg2.connect(dbname="postgres", **where)
        ) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(notify, [self.odoo.database])

    def wait_for_jobs(self):
        """Wait until no job is at it: to press “Connect” would do nothing meanwhile."""
        others = (
            "select 1 from pg_stat_activity where datname = current_database()"
            " and xact_start is not null and pid != pg_backend_pid()"
        )
        log.until(lambda: not self.odoo.sql(others), PATIENCE_SECONDS, "jobs are done")

    def last_call(self):
        return self.odoo.sql("select coalesce(max(id), 0) from pbx_call")[0][0]

    def last_event(self):
        return self.odoo.sql("select coalesce(max(id), 0) from pbx_event")[0][0]

    def events_since(self, last):
        """[(type, state, attempts)] of the inbox's rows after the one with this id."""
        return self.odoo.sql(
            "select event_type, state, attempts from pbx_event where id > %s"
            " order by id",
            [last],
        )

    def calls(self, *domain):
        domain = [("provider_id", "=", self.id), *domain]
        return log.calls(self.admin, domain)

    def calls_of(self, refs):
        """{id: call} of these ids, once all are there and over."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.calls(("ref", "in", list(refs)))
            over = {one["ref"]: one for one in found if one["state"] == "done"}
            if len(over) == len(refs) or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        missing = sorted(set(refs) - set(over))
        assert missing == []
        assert len(found) == len(refs)
        return over

    def call_of(self, ref, **wanted):
        """The one call with this id, once `wanted` of it is so (state: done)."""
        wanted = wanted or {"state": "done"}

        def find():
            found = self.calls(("ref", "=", ref))
            so = [one for one in found if all(one[k] == v for k, v in wanted.items())]
            return so if len(so) == len(found) == 1 else None

        [call] = log.until(find, PATIENCE_SECONDS, f"{wanted} of {ref}")
        return call

    def assert_is(self, call, truth):
        """A call of the log is what the scenario says that must come of it."""
        users = self.provider["users"]
        speaker = truth["extension"]
        shown = {
            name: call[name]
            for name in ("direction", "state", "outcome", "number", "line", *TIMES)
        }
        expected = {name: truth[name] or False for name in shown}
        for name in ("wait_seconds", "talk_seconds"):
            expected[name] = truth[name]
        assert shown == expected
        assert call["ref"] == truth["ref"]
        spoke = {n: leg["outcome"] == "answered" for n, leg in call["legs"].items()}
        assert spoke == truth["legs"]
        user = call["user_id"] and call["user_id"][0]
        assert user == (bool(speaker) and users[speaker])
        extension = call["extension_id"] and call["extension_id"][1].split()[0]
        assert extension == (speaker or False)
        people = {users[one] for one in truth["legs"]}
        assert set(call["participant_ids"]) == people
        assert len(call["recordings"]) == truth["recordings"]

    # Sending events by hand

    def render(self, scenario, **options):
        """(truth, bodies of the events) of a scenario, not sent."""
        asked = {"scenario": scenario, "subscription": self.known()[0], **options}
        rendered = self.pbx.post("/control/render", asked)
        return rendered["truth"], [event["body"] for event in rendered["events"]]

    def post(self, body, client=None):
        """Send an event; the status of the answer."""
        headers = {"Content-Type": "application/xml; charset=UTF-8"}
        url = self.provider["webhook_url"]
        with contextlib.ExitStack() as stack:
            client = client or stack.enter_context(session())
            answer = client.post(url, data=body.encode(), headers=headers, timeout=60)
        return answer.status_code

    def told_again(self, body, subscription):
        """The same event, as another subscription is told of it."""
        old = self.known()[0]
        body = body.replace(old, subscription)
        assert subscription in body
        return re.sub(r"(?<=eventID>)[^<]+", str(uuid.uuid4()), body, count=1)


@pytest.fixture(scope="session")
def started_beeline(servers):
    with Beeline.started(servers) as beeline:
        yield beeline


@pytest.fixture
def beeline(started_beeline):
    started_beeline.make_quiet()
    return started_beeline
