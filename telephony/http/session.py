"""An HTTP session in which an answer has a moment by which it must be there whole.

``requests`` limits only the silence between two bytes: a server that sends one byte a
second, in the head of the answer or in its body, would hold a worker for hours.
"""

import http.client
import io
import threading
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_now = threading.local()


def set_deadline(patience, pause):
    """Give this thread's next answer ``patience`` seconds, its silences ``pause``."""
    _now.until, _now.pause = time.monotonic() + patience, pause


class _Reader(io.RawIOBase):
    """What a socket sends, each wait cut to what is left."""

    def __init__(self, sock):
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self):
        return True

    def readinto(self, buffer):
        left = _now.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer comes too slowly")
        self._sock.settimeout(min(left, _now.pause))
        return self._raw.readinto(buffer)

    def close(self):
        if not self.closed:
            self._raw.close()
        return super().close()


class _Socket:
    """As much of a socket as an answer wants of it."""

    def __init__(self, sock):
        self._sock = sock

    def makefile(self, _mode):
        return io.BufferedReader(_Reader(self._sock))


class _Response(http.client.HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(_Socket(sock), *args, **kwargs)


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        made = super().init_poolmanager(*args, **kwargs)
        self._use_ours(self.poolmanager)
        return made

    def proxy_manager_for(self, *args, **kwargs):
        return self._use_ours(super().proxy_manager_for(*args, **kwargs))

    @staticmethod
    def _use_ours(manager):
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
        return manager


class _Session(requests.Session):
    def get_redirect_target(self, resp):
        # Not even to look where it leads to, which would read the body without limit.
        return None


def new_session():
    """Return a session whose answers keep to :func:`set_deadline`; follows nobody."""
    session = _Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session
