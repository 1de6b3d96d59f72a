"""What happens to a system without a death: calls come in meanwhile, and afterwards."""

import contextlib
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

import log
import psutil
import psycopg2

from lib import faketime, postgres
from lib.terminal import Stop

REFUSED_SECONDS, READY_SECONDS = 120, 120
# Events that are refused meanwhile.
REFUSED = 8
# What an event needs, from its arrival to the card; nobody else may even read them.
TABLES = (
    *("pbx_event", "pbx_event_proof", "pbx_call", "pbx_call_leg", "pbx_recording"),
    *("pbx_extension", "pbx_line", "pbx_promise", "res_partner", "mail_activity"),
)
# A file may be as large as one of the log of transactions, and a little larger.
FILE_BYTES = 17 * 2**20
# What PostgreSQL logs of a full disk, and where it cannot go on.
NO_ROOM, PANIC = "No space left on device", "PANIC"
# Of a row that is kept as it is, not apart from its table.
ROW_BYTES = 1900
# Senders at each server, and how they send: more than it has workers.
SLOW_SENDERS, SLOW_BYTES, BYTE_SECONDS = 6, 10, 0.4
RIGHT = "+0"
CLOCK_STEPS = ("+1h", "-1h", RIGHT)
ENOUGH = 12


class Cases:
    """Each is a method that returns when it is over."""

    NAMES = (
        *("full_disk", "full_file", "read_only", "locked"),
        *("slow_bodies", "wrong_clocks"),
    )

    def __init__(self, system, load):
        self.system, self.load = system, load

    def _wait_refused(self) -> None:
        wanted = self.load.ledger.read().statuses[503] + REFUSED
        refused = lambda: self.load.ledger.read().statuses[503] >= wanted  # noqa: E731
        log.until(refused, REFUSED_SECONDS, "events are refused")

    # ---------------------------------------------------------------- the database

    def full_disk(self) -> None:
        """PostgreSQL's disk is full; at last there is no room for its own log either.

        Then it stops, until somebody makes room and starts it.
        """
        cluster, disk = self.system.cluster, self.system.disk
        before = cluster.log.stat().st_size
        disk.fill()
        try:
            self._wait_logged(before, NO_ROOM)
            self._wait_refused()
            while cluster.pid():
                # The next file of its log is begun, until there is none.
                with contextlib.suppress(Stop):
                    statement = "select pg_switch_wal()"
                    cluster.sql("postgres", statement, user=postgres.SUPERUSER)
                time.sleep(0.05)
            self._wait_logged(before, PANIC)
        finally:
            disk.make_room()
        cluster.start()
        log.until(self.system.answers, READY_SECONDS, "both servers answer")
        # A call-back that found no room is made by its job, whose turn comes later.
        log.run_job(self.system.admin(), "ir_cron_promises")

    def _wait_logged(self, position: int, words: str) -> None:
        """Wait until PostgreSQL has written a message, behind a position of its log."""

        def logged():
            with self.system.cluster.log.open(errors="replace") as stream:
                stream.seek(position)
                return words in stream.read()

        log.until(logged, REFUSED_SECONDS, f"PostgreSQL logs {words!r}")

    def full_file(self) -> None:
        """The inbox's file cannot grow: what a full disk is where nobody may mount one.

        PostgreSQL's processes may write no larger file (RLIMIT_FSIZE), and the inbox
        has reached that size.
        """
        self.system.sql(
            """insert into pbx_event (provider_id, event_type, payload, received_at,
                                      state)
               select %s, 'BALLAST', repeat('x', %s), now() - interval '1 day', 'done'
                 from generate_series(1, %s)""",
            [self.system.provider, ROW_BYTES, FILE_BYTES // ROW_BYTES * 11 // 10],
        )
        self._limit_files(FILE_BYTES)
        try:
            self._wait_refused()
        finally:
            self._limit_files("unlimited")
        # What is new finds room in their place.
        self.system.sql("delete from pbx_event where event_type = 'BALLAST'")

    def _limit_files(self, size: int | str) -> None:
        """Of the server, for connections to come, and of those that there are."""
        cluster = self.system.cluster
        # As their owner: root may lack the right to limit somebody else's.
        words = [*cluster.as_owner(), "prlimit", f"--fsize={size}:unlimited", "--pid"]
        for pid in (cluster.pid(), *self.system.backends()):
            done = subprocess.run([*words, str(pid)], capture_output=True, text=True)
            # A connection may have ended meanwhile.
            assert not done.returncode or not psutil.pid_exists(pid), done.stderr

    def read_only(self) -> None:
        """The database is a copy that only reads, until it is made the first one."""
        cluster = self.system.cluster
        cluster.stop()
        (cluster.data / "standby.signal").touch()
        cluster.start()
        self._wait_refused()
        cluster.sql("postgres", "select pg_promote()", user=postgres.SUPERUSER)
        log.until(self.system.answers, READY_SECONDS, "both servers answer")

    def locked(self, seconds: float = 30) -> None:
        """Somebody holds all tables that events need."""
        with contextlib.closing(self.system.connect()) as connection:
            with connection.cursor() as cursor:
                # In the way of those who wait for each other, as anybody else is.
                while True:
                    try:
                        cursor.execute(f"lock table {', '.join(TABLES)}")
                        break
                    except psycopg2.errors.DeadlockDetected:
                        connection.rollback()
            time.sleep(seconds)

    # ------------------------------------------------------------------- the clock

    def wrong_clocks(self) -> None:
        """One server's clock is an hour fast, steps back by two hours, and is right.

        Then the database's clock does the same.
        """
        faketime.bring()
        server, cluster = self.system.servers[1], self.system.cluster
        clocks = []
        for name, owner in (("server", server), ("database", cluster)):
            clocks.append(self.system.instance.folder / f"clock-{name}")
            clocks[-1].write_text(RIGHT)
            owner.variables = faketime.variables(clocks[-1])
        self.system.kill(server)
        cluster.stop()
        cluster.start()
        log.until(self.system.answers, READY_SECONDS, "both servers answer")
        for clock in clocks:
            for step in CLOCK_STEPS:
                clock.write_text(step)
                self.load.wait_for(ENOUGH)

    # ------------------------------------------------------------------ slow senders

    def slow_bodies(self) -> None:
        """More senders than workers, each byte of theirs takes its time."""
        senders = [
            threading.Thread(target=self._drip, args=[url])
            for url in self.system.urls * SLOW_SENDERS
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    @staticmethod
    def _drip(url: str) -> None:
        parts = urlsplit(url)
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Length: {SLOW_BYTES}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        address = (parts.hostname, parts.port)
        # Whoever has enough of it may hang up.
        with contextlib.suppress(OSError):
            with socket.create_connection(address, timeout=60) as connection:
                connection.sendall(head.encode())
                for _byte in range(SLOW_BYTES):
                    connection.sendall(b"x")
                    time.sleep(BYTE_SECONDS)
                connection.recv(1000)
