"""Beginnings of phone numbers, as people write them: to E.164.

A whole number is read by its length, too: ``8 485 222 33 44`` is dialled with the 8 of
Russia, ``848 522 23 34`` is not. A beginning has none, so that it is read only where
one reading is left: whatever else it could mean is somebody else's number.
"""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneMetadata

from . import numbers, plans

# The zero that is dialled at home only, where people write it behind another number.
_HOME_ZERO = re.compile(r"(?<=[0-9])([^0-9]*)\(\s*0\s*\)")
# The first digits behind a plus, and what stands behind them.
_FIRST = re.compile(r"[\s(\[]*\+[\s(\[]*([0-9]+)([^0-9]?)")
_EXAMPLE = "4479"
# An exit code with which no country's numbers begin.
_EXIT = "810"
# Where mobiles have a 15 behind the area code that is dialled at home only.
_MARKS_MOBILES = {"54": "AR"}
# How well a beginning fits: into the country's plan, into that of one that shares its
# code, into none.
_HERE, _SHARED, _NOWHERE = 2, 1, 0


@dataclass(frozen=True)
class Beginning:
    """A beginning, read.

    :var str number: E.164 with which all of its numbers begin, ``""`` if that is not
        sure.
    :var str example: how it may be written so that it is; perhaps another one.
    """

    number: str = ""
    example: str = ""


def read(text, countries=()):
    """Return the :class:`Beginning` that a person typed.

    :param countries: two-letter regions in which a national form may be meant; one that
        is another beginning in each of two is not sure.
    """
    text = numbers.ascii_text(text)
    regions = [one for one in countries if one in phonenumbers.SUPPORTED_REGIONS]
    digits = numbers.digits(text)
    # "+44 (0)20": with and without what is in brackets.
    shorter = numbers.digits(_HOME_ZERO.sub(r"\1", text))
    if "+" in text and not _is_plus_before_home(text, regions):
        digits, shorter = digits.removeprefix("00"), shorter.removeprefix("00")
        exits = _exit_behind_plus(digits, shorter, regions)
        return _one_of(_behind_plus(digits, shorter, exits), _EXAMPLE)
    found = []
    for region in regions:
        found += _dialled_in(region, digits, shorter)
    if not regions:
        found += _behind_exit("00", digits, shorter)
    if not found and not digits.startswith("0"):
        # The plus was left out.
        found += _international(digits, shorter)
    return _one_of(found, _guess(digits, regions))


def _one_of(found, guess):
    """Return the beginning that all readings are; else the first one as example."""
    found = list(dict.fromkeys(found))
    example = f"+{(found or [guess])[0]}"
    return Beginning(example if len(found) == 1 else "", example)


def _guess(digits, regions):
    """Return how a beginning may look that has no reading."""
    if not regions:
        return _EXAMPLE
    code = phonenumbers.country_code_for_region(regions[0])
    guess = f"{code}{digits.lstrip('0')}"
    return guess if plans.begins(guess) else _EXAMPLE


def _is_plus_before_home(text, regions):
    """Tell whether a plus stands before what is dialled at home: ``+8 (495)``."""
    found = _FIRST.match(text)
    if not found:
        return False
    first, stands_apart = found.groups()
    if first.startswith("0"):
        return not first.startswith("00")
    if not stands_apart or plans.split(first)[0]:
        return False
    return any(plans.is_home_prefix(first, region) for region in regions)


def _plan(region):
    return PhoneMetadata.metadata_for_region(region)


# ------------------------------------------------------------------- international


def _behind_plus(digits, shorter, exits):
    """Return the readings of what stands behind a plus.

    It is taken as it is, if no plan knows it: a PBX may have reported such a number.
    """
    found = _international(digits, shorter, exits)
    return found or ([shorter] if len(shorter) <= plans.MAX_DIGITS else [])


def _international(digits, shorter, others=()):
    """Return the readings of digits that begin with a country's code.

    :param others: readings that count as well where the digits are not as they should
        be.
    """
    readings = [*_without_mark_of_mobiles(shorter), shorter, digits]
    found = [one for one in readings if plans.begins(one)]
    if found:
        return found
    return [*others, *filter(plans.begins, _without_home_prefix(shorter))]


def _exit_behind_plus(digits, shorter, regions):
    """Return the readings of a plus before what is dialled abroad: ``+810 44``."""
    if not any(plans.begins_with_exit_code(_EXIT, region) for region in regions):
        return []
    return _behind_exit(_EXIT, digits, shorter)


def _without_mark_of_mobiles(digits):
    """Yield digits as mobiles are called from abroad: ``54 9 11``, not ``54 11 15``."""
    code, national = plans.split(digits)
    if code in _MARKS_MOBILES:
        for rest in _called_from_abroad(national, _MARKS_MOBILES[code]):
            yield code + rest


def _called_from_abroad(digits, region):
    # The mark may have begun.
    for written in (digits, f"{digits}5"):
        found = re.match(_plan(region).national_prefix_for_parsing, written)
        if found and found.lastindex:
            rule = _plan(region).national_prefix_transform_rule
            yield found.expand(rule) + written[found.end() :]
            return


def _without_home_prefix(digits):
    """Yield digits without what is dialled at home only: ``44 020``."""
    code, national = plans.split(digits)
    for region in plans.regions_of(code):
        prefix = _plan(region).national_prefix
        if prefix and national.startswith(prefix):
            yield code + national[len(prefix) :]


def _behind_exit(exit_code, digits, shorter):
    if not digits.startswith(exit_code):
        return []
    return _international(digits[len(exit_code) :], shorter[len(exit_code) :])


# ------------------------------------------------------------------------ national


def _dialled_in(region, digits, shorter):
    """Return the readings of what is dialled in a region."""
    found = [*plans.begun_at_neighbour(digits, region), *_at_home(digits, region)]
    data = _plan(region)
    exits = re.match(data.international_prefix or "(?!)", digits)
    for exit_code in dict.fromkeys((exits[0] if exits else "00", "00")):
        found += _behind_exit(exit_code, digits, shorter)
    return found


def _at_home(digits, region):
    """Return the readings as a national number, with and without its prefix."""
    code = str(phonenumbers.country_code_for_region(region))
    plain = code + digits
    stripped = {
        one: _fit(one, region)
        for one in (code + rest for rest in _behind_prefix(digits, region))
    }
    best = max(stripped.values(), default=_NOWHERE)
    here = [one for one, fit in stripped.items() if fit == best and fit]
    fit = _fit(plain, region)
    if fit and not (best == _HERE and fit == _SHARED):
        # Who begins with the prefix means the country's own numbers, rather than those
        # of another one with the same code.
        here.append(plain)
    return here


def _fit(digits, region):
    if plans.begins(digits, region):
        return _HERE
    return _SHARED if plans.begins(digits) else _NOWHERE


def _behind_prefix(digits, region):
    """Yield what follows the prefix that a region dials before its own numbers."""
    if region in _MARKS_MOBILES.values():
        yield from _called_from_abroad(digits, region)
    data = _plan(region)
    parsing = data.national_prefix_for_parsing
    found = re.match(parsing, digits) if parsing else None
    # Rules that take all of it are for whole numbers of a town.
    if found and 0 < found.end() < len(digits):
        rule = data.national_prefix_transform_rule
        becomes = found.expand(rule) if rule and found.lastindex else ""
        yield becomes + digits[found.end() :]
    prefix = data.national_prefix
    if not prefix and parsing and parsing.startswith("0"):
        prefix = "0"  # which only whole numbers are known by
    if prefix and digits.startswith(prefix):
        yield digits[len(prefix) :]
