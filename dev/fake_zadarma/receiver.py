"""A webhook receiver for the fake PBX's own tests: echoes, checks, remembers.

Standard library alone, so that what is sent is read by code that we did not write.
"""

import email.parser
import email.policy
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

from telephony.zadarma.signature import sign_event

from .forms import nested


class Receiver(ThreadingHTTPServer):
    """:var received: list of dicts: event, fields, headers, body, signed, at.
    :var replies: event name to the JSON reply; default ``{}``.
    :var failing: callers (``caller_id``) of whom every webhook is answered with 500.
    :var echo: function from the text of ``zd_echo`` to (status, bytes).
    """

    daemon_threads = True

    def __init__(self, secret):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret, self.received, self.replies = secret, [], {}
        self.failing, self.echoed = set(), []
        self.echo = lambda text: (200, text.encode())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/pbx/zadarma/token"

    @property
    def events(self):
        return [event["event"] for event in self.received]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = parse_qs(urlsplit(self.path).query).get("zd_echo", [""])[0]
        self.server.echoed.append(text)
        self._reply(*self.server.echo(text), "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = _fields(self.headers["Content-Type"], body)
        expected = sign_event(fields["event"], fields, self.server.secret)
        self.server.received.append(
            {
                "event": fields["event"],
                "fields": fields,
                "headers": dict(self.headers),
                "body": body,
                "signed": self.headers.get("Signature") == expected,
                "at": time.monotonic(),
            }
        )
        reply = self.server.replies.get(fields["event"], {})
        text = json.dumps(reply).encode()
        failing = fields.get("caller_id") in self.server.failing
        self._reply(500 if failing else 200, text, "application/json")

    def _reply(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def _fields(content_type, body):
    if content_type.startswith("multipart/"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            head + body
        )
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(
                decode=True
            ).decode()
            for part in message.iter_parts()
        }
    return nested(parse_qsl(body.decode(), keep_blank_values=True))


@contextmanager
def receiver(secret):
    """Serve on a free port for the length of a ``with`` block."""
    server = Receiver(secret)
    # Asked often whether it shall end: a test does not wait for it.
    serve = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serve.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
