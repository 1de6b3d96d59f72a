"""A plain HTTP server in Odoo's place: keeps what is posted, answers as it is told."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"


@dataclass
class Receiver:
    """Answers ``ok`` to all but ``start``, as Odoo does.

    :var posts: each body with the time at which it came, in their order.
    :var status: what it answers; other than 200 it takes nothing.
    :var start: what it answers to ``start``.
    """

    posts: list[tuple[float, bytes]] = field(default_factory=list)
    status: int = 200
    start: bytes = b"{}"

    def __post_init__(self):
        self.changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = receiver.take(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://{HOST}:{self.server.server_port}/pbx/asterisk/lab"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> tuple[int, bytes]:
        with self.changed:
            if self.status != 200:
                return self.status, b"unavailable"
            self.posts.append((time.time(), body))
            self.changed.notify_all()
        return 200, self.start if body.startswith(b"event=start&") else b"ok"

    def wait_for(self, beginning: bytes, seconds: float = 30) -> bytes:
        """Wait for a post that begins so; the first one."""

        def found():
            return next((b for _at, b in self.posts if b.startswith(beginning)), None)

        with self.changed:
            body = self.changed.wait_for(found, seconds)
        if not body:
            raise AssertionError(f"{beginning} is not posted within {seconds} s")
        return body

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
