"""One rule of what lies on the same server: for the API, recordings and redirects."""

import re
from urllib.parse import urlsplit

import idna

_PORTS = {"http": 80, "https": 443}


def origin(url):
    """Return ``(scheme, host, port)``; ``None`` for what is no plain web address.

    Hosts are compared as they are looked up: without regard to case, a final dot, and
    in which form letters beyond ASCII are written.
    """
    # Libraries disagree about what these mean, so that nobody knows who would be asked.
    if re.search(r"[\s\\\0-\x1f\x7f]", url):
        return None
    try:
        parts = urlsplit(url)
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        host = _looked_up(parts.hostname or "")
    except (ValueError, KeyError):
        return None
    if "@" in parts.netloc or not host or not port:
        return None
    return parts.scheme, host, port


def _looked_up(host):
    if not host.isascii():
        # As requests does it: another library may come to another host.
        host = idna.encode(host, uts46=True).decode()
    return host.removesuffix(".")


def is_same_server(url, home):
    """Tell whether ``url`` lies on the server of ``home``.

    That is scheme, host and port. A plain server may lead to its own secure one, at the
    usual port or at the same one; never the other way round.
    """
    theirs, ours = origin(url), origin(home)
    if theirs is None or ours is None:
        return False
    return theirs == ours or _is_upgrade(theirs, ours)


def _is_upgrade(theirs, ours):
    (scheme, host, port), (our_scheme, our_host, our_port) = theirs, ours
    return (
        (our_scheme, scheme) == ("http", "https")
        and host == our_host
        and port in (443, our_port)
    )
