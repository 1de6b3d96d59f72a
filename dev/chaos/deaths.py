"""Who dies in a round: killed at once, and back when the method returns."""

import os
import signal

import log

from lib.terminal import Stop

READY_SECONDS = 120


class Deaths:
    """Kills one of a system's processes; `dice` says which."""

    KINDS = ("worker", "odoo", "backend", "postmaster", "immediate", "power")

    def __init__(self, system, dice):
        self.system, self.dice = system, dice

    def cause(self, kind: str) -> None:
        """Returns when the dead are back."""
        getattr(self, kind)()

    def worker(self) -> None:
        """A process of Odoo that answers HTTP. Odoo starts another one."""
        server = self.dice.choice(self.system.servers)
        workers = log.until(
            lambda: self.system.web_workers(server), READY_SECONDS, "a worker"
        )
        self.dice.choice(workers).kill()

    def odoo(self) -> None:
        """One of the two servers, with all its processes."""
        self.system.kill(self.dice.choice(self.system.servers))
        self._wait_for_servers()

    def backend(self) -> None:
        """One connection's process: PostgreSQL ends all others, and recovers."""
        pids = log.until(self.system.backends, READY_SECONDS, "a connection")
        os.kill(self.dice.choice(pids), signal.SIGKILL)
        log.until(self._answers, READY_SECONDS, "PostgreSQL recovered")
        self._wait_for_servers()

    def _answers(self) -> bool:
        """Not only ready: the crash may not have been noticed yet."""
        try:
            return bool(self.system.cluster.sql("postgres", "select 1"))
        except Stop:
            return False

    def postmaster(self) -> None:
        """PostgreSQL's first process; the others end when they notice."""
        os.kill(self.system.cluster.pid(), signal.SIGKILL)
        self._start_database()

    def immediate(self) -> None:
        """PostgreSQL is stopped as by `pg_ctl stop -m immediate`."""
        self.system.cluster.stop(immediately=True)
        self._start_database()

    def power(self) -> None:
        """Everything at once."""
        for server in self.system.servers:
            self.system.kill(server)
        self.system.cluster.kill()
        self._start_database()

    def _wait_for_servers(self) -> None:
        log.until(self.system.answers, READY_SECONDS, "both servers answer")

    def _start_database(self) -> None:
        self.system.cluster.start()
        log.until(self._answers, READY_SECONDS, "PostgreSQL recovered")
        self._wait_for_servers()
