"""Reading the API's answers: JSON without loss, and the many forms of a refusal."""

import json
import re
import time
from datetime import UTC
from decimal import Decimal
from email.utils import parsedate_to_datetime

from .. import errors

# Seconds to wait where the PBX does not say how long; it counts by the minute.
USUAL_PAUSE = 60
LONGEST_PAUSE = 3600
_LONGEST_DETAIL = 200

_WORDS = re.compile(r"[^\W_]+")


def _number(text):
    """Return a number as text, every digit of it.

    Ids of recordings look like decimal fractions: as floats they would lose digits, and
    in their exponent form they would not be found again.
    """
    mantissa, marked, exponent = text.lower().partition("e")
    if marked and abs(int(exponent[:6])) < 30:
        return format(Decimal(f"{mantissa}e{exponent}"), "f")
    return text


def read_json(content):
    """Return what ``content`` (bytes) holds; numbers with decimals are text.

    :return: any JSON value; ``None`` also for what is none.
    """
    try:
        return json.loads(content, parse_float=_number, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def understand(status, headers, data):
    """Return ``data`` if it is a success.

    :param int status: of HTTP.
    :param headers: a mapping that does not mind the case of names.
    :param data: as ``read_json`` gives it.
    :raises PbxError: what went wrong, whichever way it is told: by HTTP, or with HTTP
        200 and ``status`` *error* (seen live for rate limits).
    """
    message = ""
    if isinstance(data, dict):
        if 200 <= status < 300 and str(data.get("status")).lower() != "error":
            return data
        message = _message(data)
    if status == 429:
        raise errors.RateLimited(message, pause(headers))
    if status >= 500:
        raise errors.Unreachable(f"HTTP {status}")
    if not isinstance(data, dict):
        if status == 403:
            # Who has the wrong key is told so in JSON: this one did not get that far.
            raise errors.AddressNotAllowed("HTTP 403")
        raise errors.BadAnswer(f"HTTP {status}, and no JSON object")
    raise _refusal(status, headers, message)


def _message(data):
    told = data.get("message") or data.get("data") or ""
    if not isinstance(told, str):
        told = json.dumps(told, ensure_ascii=False)
    return " ".join(told.split())[:_LONGEST_DETAIL]


def _refusal(status, headers, message):
    """Return the error that a message of the PBX means (texts: sheets of the API)."""
    text = message.lower()
    words = set(_WORDS.findall(text))
    if "rate limit" in text or "too many requests" in text:
        return errors.RateLimited(message, pause(headers))
    if "not enough money" in text or "no money" in text:
        return errors.NoMoney(message)
    if "ip" in words or ("address" in words and words & {"allowed", "denied"}):
        return errors.AddressNotAllowed(message)
    if "not found" in text:
        return errors.NotFound(message)
    if "auth" in text or status in (401, 403):
        return errors.WrongKey(message)
    return errors.BadParameter(message or f"HTTP {status}")


def pause(headers):
    """Return the seconds after which the PBX may be asked again, 1 to 3600.

    ``Retry-After`` has seconds or a date; without it ``X-RateLimit-Reset`` (not
    documented: seconds, or a Unix time) where it makes sense.
    """
    told = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", told):
        return _bounded(int(told))
    now = _moment(headers.get("Date", "")) or time.time()
    if until := _moment(told):
        return _bounded(until - now)
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if re.fullmatch(r"[0-9]{1,12}", reset):
        left = int(reset) if int(reset) <= LONGEST_PAUSE else int(reset) - now
        if 0 < left <= LONGEST_PAUSE:
            return _bounded(left)
    return USUAL_PAUSE


def _moment(text):
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _bounded(seconds):
    return min(max(-int(-seconds // 1), 1), LONGEST_PAUSE)
