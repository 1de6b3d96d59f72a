"""The many forms in which Zadarma refuses: by HTTP, and with HTTP 200."""

import json
import re

from .. import errors
from ..http.answers import retry_after_seconds

_LONGEST_DETAIL = 200

_WORDS = re.compile(r"[^\W_]+")


def understand(status, headers, data):
    """Return ``data`` if it is a success.

    :param int status: of HTTP.
    :param headers: a mapping that does not mind the case of names.
    :param data: as ``read_json`` gives it.
    :raises PbxError: what went wrong, whichever way it says so: by HTTP, or with HTTP
        200 and ``status`` *error* (seen live for rate limits).
    """
    message = ""
    if isinstance(data, dict):
        if 200 <= status < 300 and str(data.get("status")).lower() != "error":
            return data
        message = _message(data)
    if status == 429:
        raise errors.RateLimited(message, retry_after_seconds(headers))
    if status >= 500:
        raise errors.Unreachable(f"HTTP {status}")
    if not isinstance(data, dict):
        if status == 403:
            # A wrong key is refused in JSON: this question did not get that far.
            raise errors.AddressNotAllowed("HTTP 403")
        raise errors.BadAnswer(f"HTTP {status}, and no JSON object")
    raise _refusal(status, headers, message)


def _message(data):
    message = data.get("message") or data.get("data") or ""
    if not isinstance(message, str):
        message = json.dumps(message, ensure_ascii=False)
    return " ".join(message.split())[:_LONGEST_DETAIL]


def _refusal(status, headers, message):
    """Return the error that a message of the PBX means (texts: sheets of the API)."""
    text = message.lower()
    words = set(_WORDS.findall(text))
    if "rate limit" in text or "too many requests" in text:
        return errors.RateLimited(message, retry_after_seconds(headers))
    if "not enough money" in text or "no money" in text:
        return errors.NoMoney(message)
    if "ip" in words or ("address" in words and words & {"allowed", "denied"}):
        return errors.AddressNotAllowed(message)
    if "not found" in text:
        return errors.NotFound(message)
    if "auth" in text or status in (401, 403):
        return errors.WrongKey(message)
    return errors.BadParameter(message or f"HTTP {status}")
