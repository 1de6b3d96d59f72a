"""One rule of what lies on the same server."""

import re
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def origin(url):
    """Return ``(scheme, host, port)``; ``None`` for what is no plain web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if "@" in parts.netloc or not parts.hostname or re.search(r"[\s\\\0-\x1f]", url):
        return None
    return parts.scheme, parts.hostname, port


def is_same_server(url, home):
    """Tell whether ``url`` lies on the server of ``home``.

    That is scheme, host and port; a plain server may lead to its own secure one, and
    never the other way round.
    """
    theirs, ours = origin(url), origin(home)
    if theirs is None or ours is None:
        return False
    upgraded = ours[::2] == ("http", 80) and theirs == ("https", ours[1], 443)
    return theirs == ours or upgraded
