"""Posting events as a PBX does: a failure is told in the result, never raised."""

import time
from dataclasses import dataclass

import requests


@dataclass(frozen=True)
class Delivery:
    """What came of a request. ``status`` is ``None`` when there was no answer."""

    status: int | None
    reply: object
    ms: int
    error: str | None = None


def session():
    """Return a client. A PBX keeps no cookie between two events, and no proxy of this
    machine stands between it and us."""
    client = requests.Session()
    client.trust_env = False
    return client


def deliver(url, body, headers, timeout):
    """POST an event and return the :class:`Delivery`."""
    begun = time.monotonic()
    try:
        with session() as client:
            answer = client.post(
                url,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        return Delivery(None, None, _since(begun), reason(error))
    return Delivery(answer.status_code, _body(answer), _since(begun))


def reason(error):
    """Return a sentence on why there was no answer."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection (is the server running at this address?)"
    return str(error)


def _body(answer):
    try:
        return answer.json()
    except ValueError:
        return answer.text[:2000]


def _since(begun):
    return round((time.monotonic() - begun) * 1000)
