"""Phone numbers: from what a PBX or a person writes to E.164, and back.

``phonenumbers`` does the work. Nothing here raises on odd input: what is no number is
the empty text, and the empty text never matches anybody.
"""

import re
import unicodedata
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from phonenumbers.timezone import time_zones_for_number

# A PBX's own extensions have three digits, those of others up to five; no outside
# number is that short once it is international.
EXTENSION_DIGITS = 5
# Digits that are compared before a candidate is verified: the subscriber's part of
# nearly every numbering plan.
TAIL_DIGITS = 7
# E.164 allows fifteen digits.
_MAX_DIGITS = 15

_LOGIN = re.compile(r"[0-9]{3,}-([0-9]{1,5})")
_SHORT = re.compile(r"[0-9]{1,5}")
_WORD = re.compile(r"[^\W\d_]", re.UNICODE)
# What people put before an extension that follows a number ("ext. 12", "доб. 3", "#4").
_SUFFIX = re.compile(
    r"(?<=[0-9])[\s,.(-]*(?:ext|x|#|;|доб|вн).*$", re.IGNORECASE | re.DOTALL
)
# The zero that is dialled at home only, as people write it behind a country code.
_HOME_ZERO = re.compile(r"\(\s*0\s*\)")


def digits(text):
    """Return the decimal digits of ``text`` as ASCII, in order."""
    return phonenumbers.normalize_digits_only(text or "")


def _ascii(text):
    """Return ``text``, stripped, with the digits of every script as ASCII ones."""
    text = (text or "").strip()
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char, char)) for char in text)


def extension(text):
    """Return the short extension in ``text``: of ``100``, ``123456-100``; else ``""``.

    ``0`` is what a PBX writes for "none".
    """
    text = _ascii(text)
    if login := _LOGIN.fullmatch(text):
        text = login.group(1)
    if not _SHORT.fullmatch(text) or not text.strip("0"):
        return ""
    return text


def is_extension(text):
    """Tell whether ``text`` can only be an extension or another short code."""
    return bool(extension(text))


def _parse(text, country=None):
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException:
        return None


def _is_valid(number):
    return phonenumbers.is_valid_number(number)


def _e164(number):
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)
def from_pbx(text):
    """Return the party a PBX names: E.164, a short extension, or ``""`` if withheld.

    A PBX writes international numbers with or without ``+`` (or with ``00``). What has
    letters (``anonymous``), is empty or all zeros is a withheld caller. A number that
    no numbering plan knows keeps its digits behind a ``+``.
    """
    text = (text or "").strip()
    if text.lower().startswith(("sip:", "tel:")):
        text = text[4:]
    text = text.split("@", 1)[0].split(";", 1)[0]
    if short := extension(text):
        return short
    if _WORD.search(text):
        return ""
    plain = digits(text)
    if not plain.strip("0"):
        return ""
    if plain.startswith("00"):
        # No country's code begins with a zero.
        plain = plain.lstrip("0")
    number = _parse("+" + plain)
    if number is not None:
        return _e164(number)
    return "+" + plain if len(plain) <= _MAX_DIGITS else plain


def _is_international(text):
    text = text.lstrip(" (\t\N{NO-BREAK SPACE}")
    return text.startswith(("+", "\N{FULLWIDTH PLUS SIGN}", "00"))


def _read_international(text, country):
    # ``00`` is the prefix of most plans; where it is not, the plain reading stays.
    plus = "+" + re.sub(r"^\D*(?:00)?", "", text)
    number = _parse(plus) or _parse(text, country)
    if _HOME_ZERO.search(plus) and not (number and _is_valid(number)):
        without = _parse(_HOME_ZERO.sub("", plus))
        if without and _is_valid(without):
            return without
    return number


def to_e164(text, country=None):
    """Return the E.164 form of a number that a person typed, or ``""``.

    :param str country: two-letter region in which national forms are read.

    Also numbers that ``phonenumbers`` calls invalid, as long as it can read them: a new
    range is in use before the library knows it.
    """
    text = _ascii(text)
    if _SHORT.fullmatch(text) or not digits(text).strip("0"):
        return ""
    country = country.upper() if country else None
    if _is_international(text):
        number = _read_international(text, country)
    else:
        number = _parse(text, country)
        # ``2212-3456`` is a number in some countries and has the form of a login.
        if _LOGIN.fullmatch(text) and not (number and _is_valid(number)):
            return ""
    return _e164(number) if number is not None else ""


def is_possible(number):
    """Tell whether an E.164 number can be dialled: neither too short nor too long."""
    parsed = _parse(number) if number and number.startswith("+") else None
    return bool(parsed) and phonenumbers.is_possible_number(parsed)


@lru_cache(maxsize=4096)
def canonical(number):
    """Return an E.164 number in the numbering plan of today.

    Plans change (Brazil's mobiles grew a ninth digit, Mexico's lost their first one),
    and both forms stay in use. Odoo teaches ``phonenumbers`` to write the new one;
    without it, and in all other countries, the number is returned as it is.
    """
    number = number or ""
    again = _parse(readable(number)) if number.startswith("+") else None
    return _e164(again) if again else number


def country_of(number):
    """Return the two-letter region of an E.164 number, or ``""``."""
    parsed = _parse(number) if number and number.startswith("+") else None
    return (phonenumbers.region_code_for_number(parsed) or "") if parsed else ""


def zone_of(number, now):
    """Return the IANA zone in which the owner of an E.164 number lives, or ``""``.

    :param datetime now: aware; where the number's country has several zones, one is
        named only if all their clocks show the same then.
    """
    parsed = _parse(number) if number and number.startswith("+") else None
    if parsed is None:
        return ""
    offsets, zones = set(), []
    for name in time_zones_for_number(parsed):
        try:
            offsets.add(now.astimezone(ZoneInfo(name)).utcoffset())
        except (ZoneInfoNotFoundError, ValueError):
            continue  # the numbers' tables are newer or older than this machine's zones
        zones.append(name)
    if len(offsets) != 1:
        return ""
    # Of several names of one clock, that of most people in the country.
    region = phonenumbers.region_code_for_number(parsed)
    example = phonenumbers.example_number(region) if region else None
    usual = time_zones_for_number(example) if example else ()
    return next((name for name in usual if name in zones), zones[0])


def readable(number):
    """Return ``number`` as people write it internationally; odd text unchanged."""
    parsed = _parse(number) if number and number.startswith("+") else None
    if parsed is None:
        return number or ""
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def tail(text):
    """Return the last digits by which candidates are looked up; ``""`` if too few.

    An extension written behind the number does not count.
    """
    plain = digits(_SUFFIX.sub("", _ascii(text)))
    return plain[-TAIL_DIGITS:] if len(plain) >= TAIL_DIGITS else ""


@lru_cache(maxsize=4096)
def same_number(number, typed, own=None, defaults=()):
    """Tell whether what a person typed is ``number``.

    :param str number: E.164.
    :param str typed: any style, any country.
    :param str own: region of whoever has the number. When it is known no other is
        tried: equal last digits in two countries are two people.
    :param tuple defaults: regions to try in this order when ``own`` is unknown; without
        any, the caller's.
    """
    typed = _ascii(typed)
    if not number or is_extension(number) or _SHORT.fullmatch(typed):
        return False
    number = canonical(number)
    plain = digits(_SUFFIX.sub("", typed))
    if _is_international(typed):
        # The digits alone count where no numbering plan knows the number.
        read = canonical(to_e164(typed, own))
        return number in (read, "+" + plain.removeprefix("00"))
    regions = (own,) if own else tuple(d for d in defaults if d)
    regions = regions or (country_of(number),)
    parsed = [p for p in (_parse(typed, r.upper()) for r in regions if r) if p]
    for reading in parsed:
        if _is_valid(reading):
            return canonical(_e164(reading)) == number
    if any(canonical(_e164(reading)) == number for reading in parsed):
        return True
    # Typed internationally, but without the plus.
    return bool(plain) and number in ("+" + plain, plain)
