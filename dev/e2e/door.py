"""What stands before a server, and lets a test decide what becomes of its answers."""

import contextlib
import http.client
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
# Of one connection, and not of what is behind the door.
OWN_HEADERS = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
}
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Asked:
    """A request as it came to the door."""

    method: str
    path: str
    headers: dict
    body: bytes


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict
    body: bytes


class Door:
    """An HTTP server that gives each request to the server behind it.

    :var seen: what came, each an :class:`Asked`.
    :var slowest: the seconds that the server behind took at most for an answer.
    :var behave: a function of the request that returns what is answered: an
        :class:`Answered`, or ``None`` for none at all. It may call `.give_on(asked)`.
    """

    def __init__(self, port: int):
        self.port = port
        self.seen: list[Asked] = []
        self.slowest = 0.0
        self.behave = self.give_on
        door = self

        class Handler(BaseHTTPRequestHandler):
            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers), body)
                door.seen.append(asked)
                with contextlib.suppress(OSError):  # it did not wait for the answer
                    self.tell(door.behave(asked))

            do_GET = do_POST = do_DELETE = serve

            def tell(self, answered):
                if answered is None:
                    self.close_connection = True
                    return
                self.send_response_only(answered.status)
                for name, value in answered.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answered.body)))
                self.end_headers()
                self.wfile.write(answered.body)

            def log_message(self, *_args):
                pass

        self.handler = Handler
        self.address = (HOST, 0)
        self.server = None
        self.open()
        self.address = (HOST, self.server.server_port)
        self.url = f"http://{HOST}:{self.server.server_port}"

    # Whether somebody is there

    def open(self) -> None:
        if self.server is None:
            self.server = ThreadingHTTPServer(self.address, self.handler)
            self.server.daemon_threads = True
            serve = self.server.serve_forever
            threading.Thread(target=serve, args=[0.02], daemon=True).start()

    def shut(self) -> None:
        """Nobody listens any more: connections are refused."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    # What is answered

    def give_on(self, asked: Asked) -> Answered | None:
        """What the server behind answers; nobody there: none."""
        connection = http.client.HTTPConnection(HOST, self.port, TIMEOUT_SECONDS)
        headers = {
            name: value
            for name, value in asked.headers.items()
            if name.lower() not in OWN_HEADERS
        }
        headers["Host"] = asked.headers.get("Host", HOST)
        began = time.monotonic()
        with contextlib.closing(connection):
            try:
                connection.request(
                    asked.method, asked.path, asked.body or None, headers
                )
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                return None
            finally:
                self.slowest = max(self.slowest, time.monotonic() - began)
        headers = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in OWN_HEADERS
        }
        return Answered(answer.status, headers, body)

    @contextlib.contextmanager
    def behaving(self, behave):
        """Let it behave so for a while."""
        self.behave = behave
        try:
            yield self
        finally:
            self.behave = self.give_on

    def saying(self, status: int, body: str, kind: str = "text/plain"):
        """Have it answer this, and give nothing on, for a while."""
        answered = Answered(status, {"Content-Type": kind}, body.encode())
        return self.behaving(lambda _asked: answered)

    def late(self, seconds: float):
        """Have it answer so late, for a while; what came is given on at once."""

        def behave(asked):
            answered = self.give_on(asked)
            time.sleep(seconds)
            return answered

        return self.behaving(behave)

    @contextlib.contextmanager
    def shut_for_a_while(self):
        self.shut()
        try:
            yield self
        finally:
            self.open()
