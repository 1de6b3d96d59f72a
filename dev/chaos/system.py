"""Two Odoo processes with workers, on one database: what a company of some size has."""

import contextlib
import itertools
import threading
from datetime import UTC, datetime, timedelta

import log
import psutil
import psycopg2

from lib import faketime, postgres
from lib import pbx as introduction
from lib.instance import Instance, name
from lib.rpc import OdooError
from lib.terminal import Stop
from server import NOWHERE, SERVICES, Odoo

from .plays import HOURS_AGO

WORKERS = 2
START_SECONDS = 120


class System:
    """The servers, started, and the PBX whose events they take."""

    def __init__(self, instance: Instance, database: str, disk=None):
        """`disk`: the `SmallDisk` of the database, where there is one."""
        self.disk = disk
        self.instance, self.database = instance, database
        self.cluster = instance.cluster
        self.servers = [
            Odoo(
                instance,
                database,
                log=instance.folder / f"{database}-{letter}.log",
                workers=WORKERS,
            )
            for letter in "ab"
        ]
        self.sql = self.servers[0].sql
        self.over = threading.Event()
        self.starts = 0
        # No two calls that come in are alike, whoever posts them.
        self.begun = datetime.now(UTC) - timedelta(hours=HOURS_AGO)
        self.numbers = itertools.count(0, 2000)
        # A server dies with the thread that started it: each has one that stays.
        self.keepers = [
            threading.Thread(target=self.keep, args=[server], daemon=True)
            for server in self.servers
        ]
        # Instances for tests do not wait for the log of transactions; this one has to.
        self.sql(f"alter database {name(database)} set synchronous_commit = on")
        # A sequence of a fresh copy would go back with the first crash: what PostgreSQL
        # has noted of it in advance is in the log of the original.
        self.cluster.sql(database, "checkpoint", user=postgres.SUPERUSER)
        for service in SERVICES:
            self.sql(
                "insert into ir_config_parameter (key, value) values (%s, %s)"
                " on conflict (key) do update set value = excluded.value",
                [service, NOWHERE],
            )

    def start(self) -> "System":
        for keeper in self.keepers:
            keeper.start()
        log.until(self.answers, START_SECONDS, "both servers answer")
        return self

    def keep(self, server: Odoo) -> None:
        """Start a server whenever it does not run, as a service manager does.

        Odoo ends by itself where it has to start a worker and the database is away.
        """
        while not self.over.wait(0.1):
            if not server.running():
                self.starts += 1
                with contextlib.suppress(Stop):  # the database is away: once more
                    server.start()

    def answers(self) -> bool:
        return all(one.running() and one.answers() for one in self.servers)

    def introduce(self) -> "System":
        """Note the address of the PBX's events, which differs by the server only."""
        first = self.servers[0]
        admin = self.admin()
        self.provider = introduction.find_provider(admin)
        address = {"external_url": first.url, "server_url": NOWHERE}
        admin.call("pbx.provider", "write", [self.provider], address)
        names = ["webhook_url", "api_secret", "tz"]
        [values] = admin.call("pbx.provider", "read", [self.provider], names)
        path = values["webhook_url"].removeprefix(first.url)
        self.urls = [server.url + path for server in self.servers]
        self.secret, self.zone = values["api_secret"], values["tz"]
        users = admin.call("res.users", "search_read", [], ["login"])
        self.users = {user["id"]: user["login"] for user in users}
        return self

    def take_numbers(self) -> int:
        """The number of the first call of another load."""
        return next(self.numbers)

    def connect(self):
        """A connection of PostgreSQL's own client."""
        where = {"host": str(self.cluster.socket), "port": postgres.PORT}
        return psycopg2.connect(dbname=self.database, user=postgres.USER, **where)

    def admin(self):
        return self.servers[0].login("admin")

    def stop(self) -> None:
        self.over.set()
        for keeper in self.keepers:
            keeper.join()
        for server in self.servers:
            self.kill(server)  # its database goes with it: nothing to save

    # ------------------------------------------------------------------ processes

    @staticmethod
    def kill(server: Odoo) -> None:
        """End a server and its workers at once."""
        process = server.process
        server.kill()
        faketime.forget(process.pid)

    @staticmethod
    def web_workers(server: Odoo) -> list[psutil.Process]:
        """The processes that answer HTTP: those that hold the server's port."""
        found = []
        for child in psutil.Process(server.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                ports = {one.laddr.port for one in child.net_connections("tcp4")}
                if server.port in ports and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
        return found

    def backends(self) -> list[int]:
        """The processes of PostgreSQL that serve the servers' connections."""
        rows = self.sql(
            """select pid from pg_stat_activity
                where datname = current_database() and pid != pg_backend_pid()
                  and backend_type = 'client backend'"""
        )
        return [pid for [pid] in rows]

    def cut_off(self) -> None:
        """End the servers' connections to the database."""
        self.cluster.sql(
            "postgres",
            "select pg_terminate_backend(pid) from pg_stat_activity"
            f" where datname = '{self.database}'",
        )

    def apply_now(self) -> None:
        """Have the job apply what waits and what failed, as the buttons do."""
        admin = self.admin()
        admin.call("pbx.event", "action_replay_failed", [])
        try:
            log.run_job(admin, "ir_cron_apply_events")
        except OdooError as error:
            if "already executing" not in str(error):
                raise
