"""Real servers for the tests: Odoo processes on databases of their own."""

import contextlib
import itertools
import subprocess
from pathlib import Path

import psycopg2
import pytest

from lib import postgres, setup
from lib.instance import Instance
from lib.servers import OdooServer
from lib.testing import PRISTINE

COUNTER = itertools.count(1)
# Odoo's own modules ask services of odoo.com about leads and companies; here nobody is
# there to be asked.
NOWHERE = "http://127.0.0.1:9"
SERVICES = ("iap.endpoint", "enrich.endpoint", "iap.partner_autocomplete.endpoint")


def take_instance(folder: str | None) -> Instance:
    """The instance this run made; `folder` is what the runner told."""
    if not folder:
        pytest.exit("Run these by `make test T=dev/e2e`: they need its databases.", 4)
    return Instance(Path(folder), setup.everything())


class Odoo(OdooServer):
    """A started Odoo whose database the test can look into."""

    def sql(self, query: str, params=None) -> list[tuple]:
        """Run a statement, committed at once; its rows ([] when it gives none)."""
        where = {"host": str(self.instance.cluster.socket), "port": postgres.PORT}
        with contextlib.closing(
            psycopg2.connect(dbname=self.database, user=postgres.USER, **where)
        ) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, params)
                return cursor.fetchall() if cursor.description else []

    def shell(self, program: str) -> str:
        """What a program says in an Odoo shell, a process of its own; it has `env`."""
        instance = self.instance
        return subprocess.run(
            instance.odoo_command("shell", "-c", instance.conf, "-d", self.database),
            input=program,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=instance.environment(),
            cwd="/",
            check=False,
        ).stdout


class Servers:
    """Starts Odoo processes, and takes them and their databases away at the end."""

    def __init__(self, instance: Instance):
        self.instance = instance
        self.started: list[Odoo] = []

    def start(self, workers: int = 0, source: str = PRISTINE, kind=Odoo) -> Odoo:
        """A started Odoo on a new copy of the database `source`.

        `workers` 0 is threaded; more is prefork, whose HTTP port has no websocket.
        `kind`: another class, or what makes one.
        """
        database = f"e2e{next(COUNTER)}"
        self.instance.clone(database, source)
        log = self.instance.folder / f"{database}.log"
        server = kind(self.instance, database, log=log, workers=workers)
        for service in SERVICES:
            server.sql(
                "insert into ir_config_parameter (key, value) values (%s, %s)"
                " on conflict (key) do update set value = excluded.value",
                [service, NOWHERE],
            )
        self.started.append(server)
        server.start()
        return server

    def close(self) -> None:
        while self.started:
            server = self.started.pop()
            server.kill()  # its database goes with it: nothing to save
            self.instance.drop(server.database)
