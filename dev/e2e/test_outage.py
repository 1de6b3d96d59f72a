"""What was answered with 200 is in the inbox, whatever breaks; what is not is 503."""

import contextlib
import itertools
import os
import signal
import threading
import time

import log
import psycopg2
import pytest
from posting import post, render, session

from lib import pbx as introduction
from lib import postgres

pytestmark = pytest.mark.after_tests

# Threads that post calls while the plug is pulled, and after how many answers it is.
POSTERS, ENOUGH = 4, 40
LATER = {503}


class Street:
    """A started Odoo on a database of its own, and calls coming in."""

    def __init__(self, odoo):
        self.odoo = odoo
        self.callers = itertools.count(4_900_000)
        self.admin = odoo.login("admin")
        self.provider = introduction.find_provider(self.admin)
        address = {"external_url": odoo.url}
        self.admin.call("pbx.provider", "write", [self.provider], address)
        names = ["webhook_url", "api_secret"]
        [values] = self.admin.call("pbx.provider", "read", [self.provider], names)
        self.url, self.secret = values["webhook_url"], values["api_secret"]

    def events(self, scenario="answered", **parameters):
        parameters.setdefault("caller", f"+44161{next(self.callers):07}")
        return render(scenario, self.secret, **parameters)

    def inbox(self):
        """{(event, id of the call): state} of all that is in the inbox."""
        rows = self.odoo.sql("select event_type, ref, state from pbx_event")
        return {(event, ref): state for event, ref, state in rows}

    def settle(self):
        """Let the job do what is left."""
        log.run_job(self.odoo.login("admin"), "ir_cron_apply_events")
        assert not log.waiting(self.odoo)

    def cut_off(self, cluster):
        """End Odoo's connections to its database."""
        cluster.sql(
            "postgres",
            "select pg_terminate_backend(pid) from pg_stat_activity"
            f" where datname = '{self.odoo.database}'",
        )

    def kill(self):
        """The process dies as in a power cut, with all that it was doing."""
        os.killpg(self.odoo.process.pid, signal.SIGKILL)
        self.odoo.process.wait()


@pytest.fixture(scope="module")
def street(servers):
    # Comes last (see conftest.py): the database goes down, and nobody needs the others.
    for server in servers.started:
        server.kill()
    odoo = servers.start()
    yield Street(odoo)
    odoo.stop()


def key(event):
    return event["event"], event["fields"]["pbx_call_id"]


class Stream:
    """Calls coming in without a pause; remembers what was answered."""

    def __init__(self, street):
        self.street = street
        self.over = threading.Event()
        # (event, answer's status), in the order of the answers.
        self.answers = []
        self.threads = [threading.Thread(target=self.run) for _ in range(POSTERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        with session() as client:
            while not self.over.is_set():
                for event in self.street.events():
                    status = post(self.street.url, event, client).status
                    self.answers.append((event, status))
                    if not status:
                        time.sleep(0.2)

    def wait_for(self, count, status=200):
        """Wait until `count` more answers had this status."""
        wanted = self.count(status) + count
        log.until(lambda: self.count(status) >= wanted, 60, f"{count} times {status}")

    def count(self, status):
        return sum(1 for _event, got in list(self.answers) if got == status)

    def taken(self):
        return {key(event) for event, status in self.answers if status == 200}

    def statuses(self):
        return {status for _event, status in self.answers}


def check_all_there(street, stream):
    """Everything that was answered with 200 is in the inbox, and becomes a call."""
    taken = stream.taken()
    assert len(taken) > ENOUGH
    assert taken <= set(street.inbox())
    street.settle()
    inbox = street.inbox()
    assert {inbox[one] for one in taken} == {"done"}
    events_of = {}
    for event, ref in taken:
        events_of.setdefault(ref, set()).add(event)
    rows = street.odoo.sql(
        "select ref, outcome, talk_seconds, user_id is not null from pbx_call"
    )
    calls = {ref: tuple(rest) for ref, *rest in rows}
    assert len(calls) == len(rows)
    assert events_of.keys() <= calls.keys()
    whole = [ref for ref, events in events_of.items() if "NOTIFY_END" in events]
    assert {calls[ref] for ref in whole} == {("answered", 34, True)}


def test_a_killed_server_loses_nothing(street):
    with Stream(street) as stream:
        for _round in range(2):
            stream.wait_for(ENOUGH)
            street.kill()
            stream.wait_for(1, status=0)
            street.odoo.start()
        stream.wait_for(ENOUGH)
    assert stream.statuses() == {0, 200}
    check_all_there(street, stream)


def test_what_waited_when_the_server_died_is_applied_later(street):
    """One event is being applied, and cannot; the next is answered at once."""
    start, _internal, _answer, end, *_rest = street.events()
    ref = key(start)[1]
    with locked(street, "pbx_call"):
        first = threading.Thread(target=post, args=(street.url, start))
        first.start()
        # START is in the inbox; its answer waits behind the lock.
        log.until(lambda: key(start) in street.inbox(), 20, "START in the inbox")
        assert post(street.url, end).status == 200
        street.kill()
        first.join()
    street.odoo.start()
    inbox = street.inbox()
    assert (inbox[key(start)], inbox[key(end)]) == ("pending", "pending")
    assert not street.odoo.sql("select 1 from pbx_call where ref = %s", [ref])
    street.settle()
    query = "select outcome, talk_seconds from pbx_call where ref = %s"
    assert street.odoo.sql(query, [ref]) == [("answered", 34)]


@contextlib.contextmanager
def locked(street, table):
    """Nobody else can write to the table."""
    where = {"host": str(street.odoo.instance.cluster.socket), "port": postgres.PORT}
    name, user = street.odoo.database, postgres.USER
    connection = psycopg2.connect(dbname=name, user=user, **where)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"lock table {table} in exclusive mode")
        yield
    finally:
        connection.close()


def test_an_inbox_that_somebody_holds_is_503(street):
    """Told at once: Odoo does not try again and again, and keep a worker meanwhile."""
    [event, *_rest] = street.events("missed")
    before = len(street.odoo.log_text())
    with locked(street, "pbx_event"):
        assert post(street.url, event).status == 503
    assert "tries left" not in street.odoo.log_text()[before:]
    assert key(event) not in street.inbox()
    assert post(street.url, event).status == 200


def test_events_open_no_connections_of_their_own(street, cluster):
    """Odoo opens one to `postgres` whenever it looks for its databases."""

    def opened():
        [[count]] = cluster.sql(
            "postgres",
            "select sessions from pg_stat_database where datname = 'postgres'",
        )
        return int(count)

    with session() as client:
        before = opened()
        events = [event for _call in range(10) for event in street.events()]
        assert {post(street.url, event, client).status for event in events} == {200}
        # Odoo opens one to wake a job, too: after each call, for its recording.
        assert opened() - before < len(events) / 2


def test_a_database_that_is_away_is_503(street, cluster):
    events = street.events()
    cluster.stop()
    try:
        refused = [post(street.url, event).status for event in events]
        with session() as client:
            echo = client.get(street.url, params={"zd_echo": "hello"}, timeout=60)
            heard = client.get(f"{street.odoo.url}/pbx/recording/1", timeout=60)
    finally:
        cluster.start()
    assert set(refused) == LATER
    assert echo.status_code == 503
    assert heard.status_code == 503
    assert "recording" in heard.text and "inbox" not in heard.text
    assert not set(map(key, events)) & set(street.inbox())
    assert {post(street.url, event).status for event in events} == {200}
    assert {street.inbox()[key(event)] for event in events} == {"done"}


def test_a_crashed_database_loses_nothing(street, cluster):
    # Instances for tests do not wait for the log of transactions; this one has to.
    name = street.odoo.database
    street.odoo.sql(f"alter database {name} set synchronous_commit = on")
    street.odoo.stop()
    street.odoo.start()
    with Stream(street) as stream:
        stream.wait_for(ENOUGH)
        cluster.kill()
        stream.wait_for(5, status=503)
        cluster.start()
        stream.wait_for(ENOUGH)
    assert stream.statuses() <= {200, 503}
    check_all_there(street, stream)


@contextlib.contextmanager
def refusing(odoo, table, what):
    """A rule of the database that lets nobody insert or update; `what` it says."""
    odoo.sql(
        f"""create function refuse() returns trigger language plpgsql as $$
            begin raise exception '{what}'; end $$;
            create trigger refuse before insert or update on {table}
            for each row execute function refuse()"""
    )
    try:
        yield
    finally:
        odoo.sql(f"drop trigger refuse on {table}; drop function refuse()")


def test_an_inbox_that_cannot_be_written_is_503(street):
    number = "+441614967777"
    events = street.events(caller=number)
    before = street.inbox()
    with refusing(street.odoo, "pbx_event", "disk full"):
        assert {post(street.url, event).status for event in events} == LATER
    assert street.inbox() == before
    # What could not be kept is not in the log either.
    assert number not in street.odoo.log_text()
    assert {post(street.url, event).status for event in events} == {200}


def test_a_database_with_no_connection_left_is_503(street, cluster):
    [event, *_rest] = street.events("missed")
    name = street.odoo.database
    cluster.sql("postgres", f"alter database {name} connection limit 0")
    street.cut_off(cluster)
    try:
        assert post(street.url, event).status == 503
    finally:
        cluster.sql("postgres", f"alter database {name} connection limit -1")
    assert post(street.url, event).status == 200


def test_a_database_that_is_being_restored_is_503(street, cluster):
    [event, *_rest] = street.events("missed")
    name = street.odoo.database

    def rename(old, new):
        cluster.sql("postgres", f"alter database {old} allow_connections false")
        street.cut_off(cluster)
        cluster.sql("postgres", f"alter database {old} rename to {new}")
        cluster.sql("postgres", f"alter database {new} allow_connections true")

    rename(name, f"{name}_aside")
    try:
        assert post(street.url, event).status == 503
    finally:
        rename(f"{name}_aside", name)
    assert post(street.url, event).status == 200


def test_a_bug_in_the_handling_loses_nothing(street):
    """Whatever breaks behind the inbox: 200, a reason to read, and a second try."""
    events = street.events()
    ref = key(events[0])[1]
    with refusing(street.odoo, "pbx_call", "a bug of ours"):
        assert {post(street.url, event).status for event in events} == {200}
    rows = street.odoo.sql(
        """select state, error, next_attempt_at > now() at time zone 'utc'
             from pbx_event where ref = %s""",
        [ref],
    )
    assert len(rows) == len(events)
    for state, error, later in rows:
        assert (state, later) == ("failed", True)
        assert "a bug of ours" in error
    due = "update pbx_event set next_attempt_at = received_at - interval '1 minute'"
    street.odoo.sql(f"{due} where ref = %s", [ref])
    street.settle()
    query = "select outcome, talk_seconds from pbx_call where ref = %s"
    assert street.odoo.sql(query, [ref]) == [("answered", 34)]


def test_the_log_holds_no_secret(street):
    text = street.odoo.log_text()
    assert street.secret not in text
    assert street.url.rpartition("/")[2] not in text
