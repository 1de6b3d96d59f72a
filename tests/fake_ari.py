"""An Asterisk for tests in Odoo's own process: its ARI, and what it posts.

No call is made by it; what real ones are like, the recorded posts say.
"""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

import requests

LOGIN, PASSWORD, SECRET = "odoo", "A-long_password", "Secret_of-the-signature-32-chars"
SYSTEM = {"system": {"version": "22.10.1"}}


def _sha1(text):
    return hashlib.sha1(text).hexdigest().encode()


def body_of(fields, secret=SECRET):
    """Return the body of a post, as the dialplan makes and signs it."""
    text = "&".join(
        f"{name}={quote(str(one), safe='')}" for name, one in fields.items()
    )
    body, key = text.encode(), secret.encode()
    return body + b"&sig=" + _sha1(key + _sha1(key + body))


def replayed(version="", told=0):
    at = f"{time.time():.3f}"
    return {
        "event": "replayed",
        "v": version,
        "id": "",
        "leg": "",
        "time": at,
        "told": told,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def _answer(self):
        self.server.ari.answer(self)

    do_GET = do_POST = do_DELETE = _answer


class FakeAri:
    """Started by ``with``.

    :var dict endpoints: ``{name: state}``; ``channels`` the ids of those that are up.
    :var list asked: ``(method, path, query)``, oldest first.
    :var dict faults: ``{path: (status, body)}``, or ``None`` for a connection that is
        closed without an answer, once the question was heard.
    :var dict files: ``{recording: bytes}``.
    :var tells: the fields that a replay posts at its end; ``None``: nothing.
    """

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.ari = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/ari"
        self.reset()
        return self

    def __exit__(self, *_failure):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def reset(self):
        self.password = PASSWORD
        self.endpoints = {"201": "online", "202": "offline", "carrier": "online"}
        self.channels = []
        self.asked, self.faults, self.files = [], {}, {}
        self.before_fault = lambda: None
        self.webhook_url, self.tells, self.replies = "", replayed(), []

    def path_count(self, path):
        return sum(1 for _method, asked, _query in self.asked if asked == path)

    def answer(self, web):
        parts = urlsplit(web.path)
        path, query = parts.path.removeprefix("/ari"), dict(parse_qsl(parts.query))
        self.asked.append((web.command, path, query))
        token = base64.b64encode(f"{LOGIN}:{self.password}".encode()).decode()
        if web.headers.get("Authorization") != f"Basic {token}":
            return self._send(web, 401, {"message": "Authentication required"})
        if path in self.faults:
            self.before_fault()
            if self.faults[path] is None:
                web.close_connection = True
                return None
            return self._send(web, *self.faults[path])
        if path.startswith("/recordings/stored/"):
            file = self.files.get(path.split("/")[3])
            if file is None:
                return self._send(web, 404, {"message": "Recording not found"})
            return self._send(web, 200, file)
        if (web.command, path) == ("POST", "/channels"):
            return self._create(web, query)
        if path.startswith("/channels/"):
            known = path.split("/")[2] in self.channels
            status = 200 if known else 404
            return self._send(web, status, {"id": "x"} if known else {"message": "?"})
        rows = {
            "/asterisk/info": SYSTEM,
            "/asterisk/modules/cel_custom.so": {"status": "Running"},
            "/endpoints": [
                {"technology": "PJSIP", "resource": name, "state": state}
                for name, state in self.endpoints.items()
            ],
            "/channels": [{"id": name} for name in self.channels],
        }
        return self._send(web, 200, rows[path])

    def _create(self, web, query):
        name = query["channelId"]
        if name in self.channels:
            return self._send(web, 409, {"message": "Channel exists"})
        if query["endpoint"].startswith("Local/replay@"):
            if self.tells is not None:
                threading.Thread(target=self._post, daemon=True).start()
        elif query["endpoint"].partition("/")[2] not in self.endpoints:
            return self._send(web, 500, {"error": "Allocation failed"})
        else:
            self.channels.append(name)
        return self._send(web, 200, {"id": name})

    def _post(self):
        answer = requests.post(
            self.webhook_url,
            data=body_of(self.tells),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=10,
        )
        self.replies.append((answer.status_code, answer.text))

    @staticmethod
    def _send(web, status, body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "audio/wav" if isinstance(body, bytes) else "application/json"
        web.send_response(status)
        web.send_header("Content-Type", kind)
        web.send_header("Content-Length", str(len(content)))
        web.end_headers()
        web.wfile.write(content)
