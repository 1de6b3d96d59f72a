"""Fetching a sound file from a PBX: streamed, bounded, and nothing but sound.

Whoever has the link can listen, so it is in no error and in no log.
"""

import itertools
import json
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from .. import errors

# Seconds to connect, and between two bytes.
TIMEOUT = (5, 15)
# Seconds for the whole file: a scheduled job must not be killed for being late.
PATIENCE = 60
MAX_REDIRECTS = 3
# What is no sound is read so far, for what it says.
_ENOUGH_TEXT = 16 * 1024
_HEAD = 12
_PIECE = 64 * 1024
_PORTS = {"http": 80, "https": 443}
# Servers that do not know the type call it bytes.
_UNTYPED = ("", "application/octet-stream", "binary/octet-stream", "application/ogg")


@dataclass(frozen=True)
class Sound:
    """What was fetched; ``size`` in bytes, ``extension`` with its dot."""

    mimetype: str
    extension: str
    size: int


def origin(url):
    """Return ``(scheme, host, port)``, or ``None`` of what is no plain web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname, port


def check_home(url, home):
    """Make sure that ``url`` lies where ``home`` does: scheme, host and port.

    :raises BadAnswer: elsewhere.
    """
    if origin(url) is None or origin(url) != origin(home):
        raise errors.BadAnswer("the recording lies on another host")


def kind_of(head):
    """Return ``(mimetype, extension)`` of a sound file's first bytes, or ``None``."""
    if head[:3] == b"ID3" or _is_mpeg_frame(head):
        return "audio/mpeg", ".mp3"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav", ".wav"
    if head[:4] == b"OggS":
        return "audio/ogg", ".ogg"
    return None


def _is_mpeg_frame(head):
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate != 15 and rate != 3


def fetch(url, home, into, max_bytes, patience=PATIENCE):
    """Write the sound file at ``url`` into a binary file; return its :class:`Sound`.

    No key, cookie or password goes along, and nothing is repeated. After an error
    ``into`` may hold a part of the file.

    :param str home: only from this scheme, host and port, redirects included.
    :param int max_bytes: of the file.
    :param float patience: seconds for all of it.
    :raises NotFound: not there, not ready yet, or empty.
    :raises RateLimited: the PBX says that it is too much.
    :raises TooLarge: larger than ``max_bytes``.
    :raises BadAnswer: no sound, or from elsewhere.
    :raises Unreachable: no answer, too slow, or cut off; asking again may help.
    """
    deadline = time.monotonic() + patience
    try:
        for _step in range(MAX_REDIRECTS + 1):
            check_home(url, home)
            # A session of its own: no cookie goes from one step to the next.
            with requests.Session() as session, _ask(session, url) as answer:
                if not answer.is_redirect:
                    return _take(answer, into, max_bytes, deadline)
                url = urljoin(url, answer.headers["Location"])
    except requests.exceptions.SSLError as error:
        raise errors.Unreachable("certificate not accepted") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        # Not chained: the exception's own text holds the link.
        raise errors.Unreachable(type(error).__name__) from None
    raise errors.BadAnswer("too many redirects")


def _ask(session, url):
    return session.get(
        url,
        headers={"Accept": "audio/*", "Accept-Encoding": "identity"},
        # Leaves out what a .netrc has for this host.
        auth=lambda request: request,
        timeout=TIMEOUT,
        allow_redirects=False,
        stream=True,
    )


def _take(answer, into, max_bytes, deadline):
    pieces = _pieces(answer, deadline)
    if answer.status_code != 200:
        raise _refusal(answer, _text(pieces, b""))
    told = answer.headers.get("Content-Length", "")
    length = int(told) if told.isdecimal() else None
    if length is not None and length > max_bytes:
        raise errors.TooLarge(f"{length} bytes")
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    if not head:
        raise errors.NotFound("the file is empty")
    kind = kind_of(head)
    mimetype = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    encoded = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
    typed = mimetype in _UNTYPED or mimetype.startswith("audio/")
    if not kind or not typed or encoded:
        raise _refusal(answer, _text(pieces, head))
    size = 0
    for piece in itertools.chain((head,), pieces):
        size += len(piece)
        if size > max_bytes:
            raise errors.TooLarge(f"more than {max_bytes} bytes")
        into.write(piece)
    if length is not None and size != length:
        raise errors.Unreachable("the file was cut off")
    return Sound(mimetype=kind[0], extension=kind[1], size=size)


def _pieces(answer, deadline):
    # As they arrive: a slow drip must not hold a worker for ever.
    while piece := answer.raw.read1(_PIECE, decode_content=False):
        if time.monotonic() > deadline:
            raise errors.Unreachable("the file comes too slowly")
        yield piece


def _text(pieces, text):
    for piece in pieces:
        text += piece
        if len(text) > _ENOUGH_TEXT:
            break
    return text


def _refusal(answer, body):
    """Return the error that an answer without sound means."""
    status = answer.status_code
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    message = str(told.get("message") or "")[:200] if isinstance(told, dict) else ""
    said = message.lower()
    if status == 429 or "rate limit" in said:
        pause = answer.headers.get("Retry-After", "")
        seconds = min(max(int(pause), 1), 3600) if pause.isdecimal() else 60
        return errors.RateLimited(message, seconds)
    if status >= 500:
        return errors.Unreachable(f"HTTP {status}")
    if status in (404, 410) or "not found" in said:
        return errors.NotFound(message or f"HTTP {status}")
    if status != 200:
        return errors.BadAnswer(message or f"HTTP {status}")
    return errors.BadAnswer(message or "no sound file")
