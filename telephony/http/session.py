"""HTTP sessions in which an answer has a moment by which it must be there whole.

``requests`` limits only the silence between two bytes: a server that sends one byte a
second, in the head of the answer or in its body, would hold a worker for hours.

No session keeps a cookie, follows a redirect, or sends what a ``.netrc`` has.
"""

import contextlib
import http.client
import io
import os
import ssl
import threading
import time
import zlib
from collections import OrderedDict
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from .. import errors

# Seconds to connect, and of silence between two bytes of the answer.
TIMEOUT_SECONDS = (5, 15)
# Seconds for a whole answer.
ANSWER_SECONDS = 30
# An answer of a thousand statistics rows has about 300 kB.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
# Accounts whose connections are kept open, in one process.
MAX_SESSIONS = 32


class Answer(NamedTuple):
    """What came back; ``headers`` do not mind the case of names."""

    status: int
    headers: object
    content: bytes


class ConnectionBroken(errors.Unreachable):
    """The connection was made, and ended without an answer."""


# ------------------------------------------------------------------------- deadlines

_now = threading.local()


def _set_deadline(whole_seconds, silence_seconds):
    """Limit this thread's next answer, as a whole and each silence in it."""
    _now.until = time.monotonic() + whole_seconds
    _now.silence_seconds = silence_seconds


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
        self._sock.settimeout(min(left, _now.silence_seconds))
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


# -------------------------------------------------------------------------- sessions


class _Session(requests.Session):
    def get_redirect_target(self, resp):
        # Not even to look where it leads to, which would read the body without limit.
        return None


class _WithoutNetrc(requests.auth.AuthBase):
    """Sends the headers as they are: a ``.netrc`` of the server's user would win."""

    def __init__(self, headers):
        self.headers = headers

    def __call__(self, request):
        request.headers.update(self.headers)
        return request


def new_session():
    """Return a session that keeps nothing and follows nobody."""
    session = _Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


_sessions = OrderedDict()
_lock = threading.Lock()


def _forget_sessions():
    """Drop what a parent process had opened, or held."""
    global _lock
    _lock = threading.Lock()
    _sessions.clear()


if hasattr(os, "register_at_fork"):  # not where there is no fork
    os.register_at_fork(after_in_child=_forget_sessions)


def _shared_session(account):
    """Return the account's session; the longest unused one is forgotten."""
    name = (account.server_url, account.key)
    with _lock:
        session = _sessions.pop(name, None) or new_session()
        _sessions[name] = session
        while len(_sessions) > MAX_SESSIONS:
            _sessions.popitem(last=False)
    return session


@contextlib.contextmanager
def session_for(account, once=False):
    """Give the account's session, or with ``once`` one that ends with its answer."""
    session = new_session() if once else _shared_session(account)
    try:
        yield session
    finally:
        if once:
            session.close()


# --------------------------------------------------------------------------- sending


@contextlib.contextmanager
def stream(session, method, url, *, headers=None, data=None, patience=0):
    """Send a request, and give the answer, whose body is still to be read.

    :param dict headers: what is sent along, a key included.
    :param bytes data: the body.
    :param float patience: seconds for the whole answer; 0: as long as is usual.
    :raises Unreachable: no complete answer; ``ConnectionBroken``: none at all, on a
        connection that was there.
    """
    seconds = patience or ANSWER_SECONDS
    connect, silence = (min(seconds, limit) for limit in TIMEOUT_SECONDS)
    _set_deadline(seconds, silence)
    try:
        with session.request(
            method,
            url,
            data=data,
            auth=_WithoutNetrc(headers or {}),
            timeout=(connect, silence),
            allow_redirects=False,
            stream=True,
        ) as answer:
            yield answer
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error) from None


def send(session, method, url, **how):
    """Return the :class:`Answer`, whatever it says; see :func:`stream`.

    :raises BadAnswer: it is larger than any real one.
    """
    with stream(session, method, url, **how) as answer:
        return Answer(answer.status_code, answer.headers, _read(answer))


def _unreachable(error):
    """Return the error for a failure of the network.

    Its own text, and the chain behind it, hold the address with the query: they are not
    passed on.
    """
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    known = [e for e in (reason, inner, error) if isinstance(e, Exception)]
    for kinds, detail in _NOT_SENT:
        if any(isinstance(e, kinds) for e in known):
            return errors.Unreachable(detail, sent=False)
    if any(_is_certificate(e) for e in known):
        return errors.Unreachable("certificate not accepted", sent=False)
    if any(isinstance(e, _TIMEOUTS) for e in known):
        return errors.Unreachable("no answer in time")
    if isinstance(error, requests.ConnectionError) and reason is None:
        # Not while connecting: the other side closed what was open.
        return ConnectionBroken("the connection was closed")
    return errors.Unreachable(f"no complete answer: {type(error).__name__}")


_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
# Of these the PBX has not heard anything.
_NOT_SENT = (
    # Newer versions alone tell it apart.
    (getattr(urllib3.exceptions, "NameResolutionError", ()), "no such name"),
    # Before the next: to urllib3 it is a time-out of connecting, too.
    (urllib3.exceptions.NewConnectionError, "no connection"),
    (
        (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError),
        "no connection in time",
    ),
    (
        (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError),
        "no connection through the proxy",
    ),
    # What requests does not take for an address.
    ((ValueError, urllib3.exceptions.LocationParseError), "no web address"),
)


def _is_certificate(error):
    """Tell whether ``error`` is about a certificate, at any depth of its arguments."""
    if isinstance(error, ssl.CertificateError):
        return True
    return any(isinstance(e, Exception) and _is_certificate(e) for e in error.args)


def _read(answer):
    """Return the whole body, unpacked; never more than ``MAX_ANSWER_BYTES`` of it."""
    content, size, unpack = bytearray(), 0, _unpacker(answer)
    while piece := answer.raw.read(65536, decode_content=False):
        size += len(piece)
        # One byte more than is taken, which tells.
        content += unpack(piece, MAX_ANSWER_BYTES + 1 - len(content))
        if max(size, len(content)) > MAX_ANSWER_BYTES:
            raise errors.BadAnswer("the answer is too large")
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) != size:
        raise errors.Unreachable("the answer was cut off")
    return bytes(content)


def _unpacker(answer):
    """Return ``unpack(bytes, most)``, which gives ``most`` bytes of it at the most.

    Packed answers are not asked for, but may come. The library's own unpacking is not
    used: older versions of it make gigabytes of a few kilobytes before we see any.
    """
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return lambda piece, _most: piece
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise errors.BadAnswer("the answer is packed in a way that was not asked for")
    # Either head is recognised.
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(piece, most):
        try:
            return unpacking.decompress(piece, most)
        except zlib.error as error:
            raise errors.BadAnswer("the answer cannot be unpacked") from error

    return unpack
