"""Faults on request: how an API answers when something on its way is broken."""

import fnmatch
import json
import socket
import threading
import time

from flask import request
from werkzeug.wrappers import Response


def _status(status, message):
    """Return the fault that answers with a status and an error of the PBX's form."""

    def answer(_respond, fault):
        body = json.dumps(fault["error"](message))
        return Response(body, status, mimetype="application/json")

    return answer


def _html(_respond, _fault):
    page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
    return Response(page, 200, mimetype="text/html")


def _timeout(respond, fault):
    time.sleep(fault["seconds"])
    return respond()


def _truncated(respond, _fault):
    answer = respond()
    body = _bytes(answer)
    # The length of the whole, half of the bytes, then the line is cut.
    answer.response = [body[: len(body) // 2]]
    answer.headers["Content-Length"] = str(len(body))
    answer.automatically_set_content_length = False
    return answer


def _drip(respond, fault):
    answer = respond()
    body = _bytes(answer)
    pause = fault["seconds"] / max(1, len(body))

    def drops():
        for byte in body:
            time.sleep(pause)
            yield bytes([byte])

    answer.response = drops()
    answer.headers["Content-Length"] = str(len(body))
    return answer


def _wrong_types(respond, _fault):
    answer = respond()
    try:
        body = json.loads(_bytes(answer))
    except ValueError:
        return answer
    if not isinstance(body, dict):
        return Response(json.dumps(_twist(body)), mimetype="application/json")
    twisted = {
        name: value if name == "status" else _twist(value)
        for name, value in body.items()
    }
    return Response(json.dumps(twisted), answer.status, mimetype="application/json")


def _empty(_respond, _fault):
    return Response("", 200, mimetype="application/json")


def _lost(respond, fault):
    """What was asked for is done, but the answer never comes: the line is cut."""
    respond()
    time.sleep(fault["seconds"])
    line = request.environ["werkzeug.socket"]
    line.shutdown(socket.SHUT_RDWR)
    return Response("", 200)


def error_text(message):
    return {"status": "error", "message": message}


def limit_answer(form, seconds, error=error_text):
    """Return "too many requests" in one of its three forms."""
    message = "You exceeded the rate limit"
    if form == "200":
        message += " by User Limits"
    body = json.dumps(error(message))
    status = 200 if form == "200" else 429
    answer = Response(body, status, mimetype="application/json")
    if form == "429_retry_after":
        answer.headers["Retry-After"] = str(round(seconds))
    return answer


def _limit(form):
    return lambda _respond, fault: limit_answer(form, fault["seconds"], fault["error"])


KINDS = {
    "400": _status(400, "Bad Request"),
    "401": _status(401, "Unauthorized"),
    "403": _status(403, "Forbidden"),
    "500": _status(500, "Internal Server Error"),
    "503": _status(503, "Service Unavailable"),
    "html": _html,
    "timeout": _timeout,
    "truncated": _truncated,
    "drip": _drip,
    "wrong_types": _wrong_types,
    "empty": _empty,
    "lost": _lost,
    **{form: _limit(form) for form in ("429", "429_retry_after", "200")},
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind"],
    "properties": {
        "kind": {"enum": list(KINDS)},
        "method": {"type": "string"},
        "path": {"type": "string"},
        "times": {"type": "integer", "minimum": 0},
        "seconds": {"type": "number", "minimum": 0},
    },
}


class Faults:
    """The faults in wait. ``method`` and ``path`` are patterns (``/v1/statistics*``,
    all by default), ``times`` how often it strikes (1; 0: always), ``seconds`` how long
    it takes (5).

    :param error: function from a message to the JSON that the PBX answers with.
    """

    def __init__(self, error=error_text):
        self._error = error
        self._waiting = []
        self._lock = threading.Lock()

    def set(self, faults):
        defaults = {"method": "*", "path": "*", "times": 1, "seconds": 5}
        with self._lock:
            self._waiting = [{**defaults, **fault} for fault in faults]

    def as_json(self):
        with self._lock:
            return [dict(fault) for fault in self._waiting]

    def answer(self, path, respond, method=""):
        """Answer through the first fault in wait for ``path``, or plainly.

        :param respond: function that gives the true answer, for faults that spoil it;
            the others never call it, so nothing happens behind them.
        """
        fault = self._take(path.rstrip("/"), method)
        return KINDS[fault["kind"]](respond, fault) if fault else respond()

    def _take(self, path, method):
        with self._lock:
            for fault in self._waiting:
                if fnmatch.fnmatch(method, fault["method"]) and fnmatch.fnmatch(
                    path, fault["path"].rstrip("/")
                ):
                    if fault["times"] == 1:
                        self._waiting.remove(fault)
                    elif fault["times"]:
                        fault["times"] -= 1
                    return {**fault, "error": self._error}
        return None


def _bytes(answer):
    answer.direct_passthrough = False
    return answer.get_data()


def _twist(value):
    """Return something of another type, so that a reader that trusts types trips."""
    if isinstance(value, bool) or value is None:
        return "perhaps"
    if isinstance(value, str):
        return 12345
    if isinstance(value, int | float):
        return "a number"
    return {} if isinstance(value, list) else []
