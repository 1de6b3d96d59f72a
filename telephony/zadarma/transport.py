"""One question to Zadarma's API: from the signature to the JSON of the answer."""

import os
import re
import ssl
import threading
import time
from collections import OrderedDict
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3

from .. import errors
from ..dialect import GENERAL, Exchange
from ..http import masking as mask
from ..http import session as deadline
from . import answers, signature

# Seconds to connect, and between two bytes of the answer.
TIMEOUT = (5, 15)
# Seconds for the whole answer.
PATIENCE = 30
# An answer of a thousand statistics rows has about 300 kB.
MAX_ANSWER = 8 * 1024 * 1024
# Accounts whose connections are kept open, in one process.
MAX_SESSIONS = 32

_sessions = OrderedDict()
_lock = threading.Lock()


def _forget():
    """What a parent process had opened, or held, is not ours."""
    global _lock
    _lock = threading.Lock()
    _sessions.clear()


if hasattr(os, "register_at_fork"):  # not where there is no fork
    os.register_at_fork(after_in_child=_forget)


class _Signed(requests.auth.AuthBase):
    """Our own header. Without this, a ``.netrc`` of the server's user would win."""

    def __init__(self, header):
        self.header = header

    def __call__(self, request):
        request.headers["Authorization"] = self.header
        return request


def _new_session():
    session = deadline.new_session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _session(account):
    """Return the account's session; the longest unused one is forgotten."""
    name = (account.server_url, account.key)
    with _lock:
        session = _sessions.pop(name, None) or _new_session()
        _sessions[name] = session
        while len(_sessions) > MAX_SESSIONS:
            _sessions.popitem(last=False)
    return session


def ask(account, method, path, read, params=None, bucket=GENERAL, once=False):
    """Return what ``read`` makes of the answer.

    :param read: takes the answer's JSON object; raises ``BadAnswer`` or ``NotFound``
        where that is not what was asked for.
    :param str path: with version and final slash, as it is signed and requested.
    :param dict params: sent as the query (GET) or the form body (the others); flags as
        the text ``true``/``false``; ``None`` is dropped.
    :param bool once: it must not reach the PBX twice. Any other GET is tried again when
        the connection breaks before an answer, which is how a connection that was kept
        open too long ends.
    :raises PbxError: see :mod:`~..errors`; ``RateLimited`` also where ``account.wire``
        does not let it pass.
    """
    again = method == "GET" and not once
    while True:
        # What counts among statistics counts in general too: the wire knows.
        account.wire.may_ask(bucket)
        try:
            return _ask(account, method, path, read, params or {}, bucket, once)
        except _Broken as broken:
            if not again:
                raise errors.Unreachable(broken.detail) from broken
            again = False


class _Broken(errors.Unreachable):
    """The connection was made, and ended without an answer."""


def _ask(account, method, path, read, params, bucket, once):
    begun = time.monotonic()
    status, content, data, error = 0, b"", None, None
    try:
        status, headers, content = _send(account, method, path, params, once)
        data = answers.read_json(content)
        return read(answers.understand(status, headers, data))
    except errors.PbxError as raised:
        # The PBX may repeat in its text what it was asked.
        raised.detail = mask.clean(raised.detail, account)
        raised.args = (raised.detail,)
        error = raised
        raise
    finally:
        account.wire.was_asked(
            Exchange(
                method=method,
                path=path,
                asked=mask.asked(params, account),
                status=status,
                answered=mask.answered(data, content, account),
                seconds=time.monotonic() - begun,
                bucket=bucket,
                error=error,
            )
        )


def _send(account, method, path, params, once):
    """Return ``(status, headers, content)`` of the answer, whatever it says."""
    if not account.secret or not re.fullmatch(r"[!-~]+", account.key):
        # What was copied with a blank, or not at all, cannot even be sent.
        raise errors.WrongKey("the key or the secret is empty, or no key at all")
    # Built once: the text that is signed is the text that is sent.
    query = signature.encode_params({**params, "format": "json"})
    signed = signature.sign_encoded(path, query, account.secret)
    url = account.server_url.rstrip("/") + path
    body, headers = None, {}
    if method == "GET":
        url = f"{url}?{query}"
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = query.encode()
    # What must not be repeated goes over a connection of its own: one that was kept
    # open may turn out to be closed, and nobody could tell what had arrived.
    session = _new_session() if once else _session(account)
    patience = account.patience or PATIENCE
    connect, pause = (min(patience, seconds) for seconds in TIMEOUT)
    deadline.set_deadline(patience, pause)
    try:
        with session.request(
            method,
            url,
            data=body,
            headers=headers,
            auth=_Signed(f"{account.key}:{signed}"),
            timeout=(connect, pause),
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code, answer.headers, _read(answer)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error) from None
    finally:
        if once:
            session.close()


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
        return _Broken("the connection was closed")
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
    chunks, size = [], 0
    while chunk := answer.raw.read(65536, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise errors.BadAnswer("the answer is too large")
    length = answer.headers.get("Content-Length", "")
    if "Content-Encoding" not in answer.headers and length.isdecimal():
        if int(length) != size:
            raise errors.Unreachable("the answer was cut off")
    return b"".join(chunks)
