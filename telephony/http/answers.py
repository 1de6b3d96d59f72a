"""Reading what any HTTP API answers: JSON without loss, and for how long to wait."""

import json
import re
import time
from datetime import UTC
from decimal import Decimal
from email.utils import parsedate_to_datetime

# Where the API does not say for how long to wait.
USUAL_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3600


# What UTF-8 or PostgreSQL cannot hold: half of a pair, such as a cut emoji, and NUL.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Real answers have five or so.
MAX_DEPTH = 50


def _number(text):
    """Return a number as text, every digit of it.

    Ids of recordings look like decimal fractions: as floats they would lose digits, and
    in their exponent form they would not be found again.
    """
    mantissa, marked, exponent = text.lower().partition("e")
    if marked and len(exponent.lstrip("+-0")) <= 2 and abs(int(exponent)) < 30:
        return format(Decimal(f"{mantissa}e{exponent}"), "f")
    return text


def _storable(value, depth=0):
    """Return what was read with only such text as can be kept, names included."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(REPLACEMENT, value)
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            _storable(name): _storable(item, depth + 1) for name, item in value.items()
        }
    return value


def read_json(content):
    """Return what ``content`` (bytes) holds; numbers with decimals are text.

    Characters that nothing can hold, and bytes that are none, are replaced: one odd
    name must not cost the rest of the answer.

    :return: any JSON value; ``None`` also for what is none.
    """
    try:
        return _storable(
            json.loads(
                content.decode("utf-8-sig", "replace"),
                parse_float=_number,
                parse_constant=str,
                strict=False,
            )
        )
    except (ValueError, RecursionError):
        return None


def retry_after_seconds(headers):
    """Return the seconds after which the API may be asked again, 1 to 3600.

    ``Retry-After`` has seconds or a date; without it ``X-RateLimit-Reset`` (no
    standard: seconds, or a Unix time) where it makes sense.

    :param headers: a mapping that does not mind the case of names.
    """
    given = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", given):
        return _bounded(int(given))
    now = _moment(headers.get("Date", "")) or time.time()
    if until := _moment(given):
        return _bounded(until - now)
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if re.fullmatch(r"[0-9]{1,12}", reset):
        reset = int(reset)
        left = reset if reset <= LONGEST_PAUSE_SECONDS else reset - now
        if 0 < left <= LONGEST_PAUSE_SECONDS:
            return _bounded(left)
    return USUAL_PAUSE_SECONDS


def _moment(text):
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _bounded(seconds):
    return min(max(-int(-seconds // 1), 1), LONGEST_PAUSE_SECONDS)
