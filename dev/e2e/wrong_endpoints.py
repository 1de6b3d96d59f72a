"""Small servers where a wrong webhook address may lead to. All are real, on 127.0.0.1.

Each is a context manager that gives its base address.
"""

import contextlib
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lib import certificate

HOST = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """Answers every POST in the same way."""

    status, location = 200, ""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """The address holds a token: nothing is logged."""


@contextlib.contextmanager
def answering(status: int, location: str = "", tls: ssl.SSLContext | None = None):
    """A server that answers `status`; `location` is put before the path."""
    options = {"status": status, "location": location}
    server = ThreadingHTTPServer((HOST, 0), type("Always", (Handler,), options))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}
    )
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def silent():
    """A server that takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        yield f"http://{HOST}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def closed():
    """An address where nobody listens."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://{HOST}:{port}"


def self_signed(folder) -> ssl.SSLContext:
    """A certificate for this very address that nobody else vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate.self_signed(folder, HOST))
    return context
