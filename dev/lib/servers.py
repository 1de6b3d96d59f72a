"""Odoo and the fake PBX as processes: start, wait until they answer, stop."""

import contextlib
import functools
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from . import nginx
from .certificate import self_signed
from .instance import Instance
from .paths import DEV
from .rpc import Login, request_json
from .terminal import Stop, tail

HOST = "127.0.0.1"
START_SECONDS = 90
STOP_SECONDS = (4, 20)


def free_port() -> int:
    """A port nobody listens on, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Server:
    """A process that serves HTTP on `port`. Subclasses say how it is started."""

    title = "The server"
    health = "/"
    # It dies of it with the command that started it, even if that is killed.
    parting_signal = "TERM"

    def __init__(self, port: int, log: Path):
        self.port, self.log = port, log
        self.url = f"http://{HOST}:{port}"
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict | None:
        return None

    def start(self) -> "Server":
        """Start and wait until it answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", self.parting_signal, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C reaches us, and we stop it in order
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                why = "does not answer" if code is None else f"ended with code {code}"
                self.stop()
                raise Stop(f"{self.title} {why}. Its log ({self.log}):\n{self.tail()}")
            time.sleep(0.1)
        return self

    def tail(self) -> str:
        return tail(self.log)

    def answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url + self.health, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask it to end, ask again (to Odoo that means: now), in the end make it."""
        for patience in STOP_SECONDS:
            if not self.running():
                return
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        self.kill()

    def kill(self) -> None:
        """End it and its workers at once, as a crash does."""
        if self.running():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log_text(self) -> str:
        """All it has logged so far."""
        return self.log.read_text(errors="replace")


class OdooServer(Server):
    """A real Odoo that serves one database of an instance.

    `workers` 0 is threaded (serves the websocket too); more is prefork.
    """

    title = "Odoo"
    health = "/web/health"

    def __init__(self, instance: Instance, database: str, port=0, log=None, workers=0):
        log = log or instance.folder / f"{database}-server.log"
        super().__init__(port or free_port(), log)
        self.instance, self.database, self.workers = instance, database, workers
        self.variables: dict[str, str] = {}  # of its environment, besides the usual
        self.websocket_port = free_port() if workers else self.port

    def command(self) -> list[str]:
        return self.instance.odoo_command(
            *("-c", self.instance.conf, "-d", self.database),
            *("--db-filter", f"^{re.escape(self.database)}$"),
            *("--http-port", self.port, "--workers", self.workers),
            *("--gevent-port", self.websocket_port),
        )

    def environment(self) -> dict:
        return self.instance.environment() | self.variables

    def login(self, user: str = "admin", password: str | None = None) -> Login:
        """Log a user in; the password is the name unless told."""
        return Login(self.url, self.database, user, password or user)


class NginxServer(Server):
    """nginx with the configuration of docs/deploy, before Odoo servers with workers.

    `url` is that of plain HTTP, `https_url` the one to use; its certificate is signed
    by nobody but itself.
    """

    title = "nginx"
    health = "/nginx-health"

    def __init__(self, program: nginx.Nginx, folder: Path, odoo: list[OdooServer]):
        """`folder`: where it has its files; made anew."""
        super().__init__(free_port(), folder.with_suffix(".log"))
        self.program, self.folder = program, folder
        self.https_port = free_port()
        self.https_url = f"https://{nginx.DOMAIN}:{self.https_port}"
        folder.mkdir()
        self.certificate, _key = self_signed(folder, nginx.DOMAIN, "127.0.0.1")
        ports = [(one.port, one.websocket_port) for one in odoo]
        self.conf = folder / "nginx.conf"
        self.conf.write_text(
            nginx.configuration(folder, self.port, self.https_port, ports)
        )

    def command(self, *arguments) -> list[str]:
        options = nginx.options(self.folder)
        return self.program.command("-c", self.conf, "-g", options, *arguments)


class PlayingServer(Server):
    """A PBX with a control API, which plays calls."""

    health = "/healthz"

    def post(self, path: str, body=None):
        """POST to its control API; the JSON answer."""
        return request_json(self.url + path, body or {})

    def play(self, scenario: str, **options):
        """Let it play a call; what happened (see dev/fake_zadarma, dev/asterisk)."""
        return self.post("/control/play", {"scenario": scenario, **options})


class FakePbxServer(PlayingServer):
    """The fake PBX (dev/fake_zadarma)."""

    title = "The look-alike PBX"
    program = "fake_zadarma"

    def __init__(self, python: Path, port: int, log: Path, **options):
        """`options`: the fake PBX's own (key, secret, mode, zone)."""
        super().__init__(port or free_port(), log)
        self.python, self.options = python, options

    def command(self) -> list[str]:
        words = [str(self.python), str(DEV / self.program), "serve"]
        for name, value in {"port": self.port, **self.options}.items():
            words += [f"--{name}", str(value)]
        return words


class BeelineServer(FakePbxServer):
    """The look-alike of Beeline (dev/fake_beeline); its option is `token`."""

    title = "The look-alike Beeline"
    program = "fake_beeline"

    @property
    def server_url(self) -> str:
        """The base of its API."""
        return f"{self.url}/apis/portal"

    def get(self, path: str):
        """GET of its control API; the JSON answer."""
        return request_json(self.url + path)

    def set(self, **settings) -> dict:
        return self.post("/control/settings", settings)


class AsteriskServer(PlayingServer):
    """A real Asterisk with telephones and a control API (dev/asterisk).

    To whom introduces it to Odoo, it is what `asterisk.lab.Lab` is.
    """

    title = "Asterisk"

    def __init__(self, python: Path, port: int, log: Path, folder: Path):
        """`folder`: where Asterisk has its files; made anew."""
        super().__init__(port or free_port(), log)
        self.python, self.folder = python, folder

    def command(self) -> list[str]:
        words = ["--port", self.port, "--folder", self.folder]
        return list(map(str, [self.python, DEV / "asterisk", *words]))

    @functools.cached_property
    def about(self) -> dict:
        return request_json(f"{self.url}/control/server")

    @property
    def ari_url(self) -> str:
        return self.about["url"]

    @property
    def recordings(self) -> str:
        return self.about["recordings"]

    @property
    def names(self) -> dict[str, str]:
        """{number: name} of its telephones."""
        return self.about["phones"]

    def install(self, files: dict[str, str]) -> None:
        self.post("/control/files", {"files": files})
