"""Fetching a sound file from a PBX: streamed, bounded, and nothing but sound.

Whoever has the link can listen, so it is in no error and in no log.
"""

import itertools
import time
from dataclasses import dataclass
from urllib.parse import urljoin

from .. import errors
from . import session
from .answers import read_json, retry_after_seconds
from .hosts import is_same_server

# Seconds for the whole file: a scheduled job must not be killed for being late.
FILE_SECONDS = 60
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
# So much of what is no sound is read, for the reason it gives.
_MAX_TEXT_BYTES = 16 * 1024
_HEAD_BYTES = 12
_PIECE_BYTES = 64 * 1024
# Servers that do not know the type call it bytes.
_UNTYPED = ("", "application/octet-stream", "binary/octet-stream", "application/ogg")


@dataclass(frozen=True)
class Sound:
    """What was fetched; ``size`` in bytes."""

    mimetype: str
    size: int


def check_home(url, home):
    """Make sure that ``url`` lies on the server of ``home``.

    :raises BadAnswer: it does not.
    """
    if not is_same_server(url, home):
        raise errors.BadAnswer("the recording lies on another host")


def kind_of(head):
    """Return the MIME type that a sound file's first bytes show, or ``None``."""
    if head[:3] == b"ID3" or _is_mpeg_frame(head):
        return "audio/mpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"OggS":
        return "audio/ogg"
    return None


def _is_mpeg_frame(head):
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate != 15 and rate != 3


def fetch(url, home, into, max_bytes, headers=None, patience=0, explain=None):
    """Write the sound file at ``url`` into a binary file; return its :class:`Sound`.

    No cookie goes along, and nothing is repeated. After an error ``into`` may hold a
    part of the file.

    :param str home: only from this server, redirects included.
    :param int max_bytes: of the file.
    :param dict headers: sent along, a key included.
    :param float patience: seconds for all of it; 0: as long as is usual.
    :param explain: as :class:`~..dialect.RecordingFile` has it.
    :raises NotFound: not there, not ready yet, or empty.
    :raises RateLimited: the PBX says that it is too much.
    :raises TooLarge: larger than ``max_bytes``.
    :raises BadAnswer: no sound, or on another server.
    :raises Unreachable: no answer, too slow, or cut off; asking again may help.
    """
    ends_at = time.monotonic() + (patience or FILE_SECONDS)
    sent = {"Accept": "audio/*", "Accept-Encoding": "identity", **(headers or {})}
    for _step in range(MAX_REDIRECTS + 1):
        check_home(url, home)
        # From here on: what has become secure stays so.
        home = url
        left = max(ends_at - time.monotonic(), 0.001)
        with (
            session.new_session() as connection,
            session.stream(
                connection, "GET", url, headers=sent, patience=left
            ) as answer,
        ):
            if answer.status_code not in _REDIRECTS or not answer.headers.get(
                "Location"
            ):
                return _take(answer, into, max_bytes, explain)
            url = _next(url, answer.headers["Location"])
    raise errors.BadAnswer("too many redirects")


def _next(url, location):
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise errors.BadAnswer("a redirect to no address") from error


def _take(answer, into, max_bytes, explain):
    pieces = _pieces(answer)
    if answer.status_code != 200:
        raise _refusal(answer, _text(pieces, b""), explain)
    given = answer.headers.get("Content-Length", "")
    length = int(given) if given.isdecimal() else None
    if length is not None and length > max_bytes:
        raise errors.TooLarge(f"{length} bytes")
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD_BYTES:
            break
    if not head:
        raise errors.NotFound("the file is empty")
    kind = kind_of(head)
    mimetype = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    encoded = answer.headers.get("Content-Encoding", "identity").lower() != "identity"
    typed = mimetype in _UNTYPED or mimetype.startswith("audio/")
    if not kind or not typed or encoded:
        raise _refusal(answer, _text(pieces, head), explain)
    size = 0
    for piece in itertools.chain((head,), pieces):
        size += len(piece)
        if size > max_bytes:
            raise errors.TooLarge(f"more than {max_bytes} bytes")
        into.write(piece)
    if length is not None and size != length:
        raise errors.Unreachable("the file was cut off")
    return Sound(mimetype=kind, size=size)


def _pieces(answer):
    while piece := answer.raw.read1(_PIECE_BYTES, decode_content=False):
        yield piece


def _text(pieces, text):
    for piece in pieces:
        text += piece
        if len(text) > _MAX_TEXT_BYTES:
            break
    return text


def _refusal(answer, body, explain):
    """Return the error that an answer without sound means."""
    status = answer.status_code
    data = read_json(body)
    if explain and (error := explain(status, answer.headers, data)):
        return error
    message = str(data.get("message") or "")[:200] if isinstance(data, dict) else ""
    text = message.lower()
    if status == 429 or "rate limit" in text:
        return errors.RateLimited(message, retry_after_seconds(answer.headers))
    if status >= 500:
        return errors.Unreachable(f"HTTP {status}")
    if status in (404, 410) or "not found" in text:
        return errors.NotFound(message or f"HTTP {status}")
    if status != 200:
        return errors.BadAnswer(message or f"HTTP {status}")
    return errors.BadAnswer(message or "no sound file")
