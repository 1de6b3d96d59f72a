"""Under which keys a typed phone number is looked up.

An index of callers holds the keys of every contact; a caller's number is looked up
among them by equality. What equality cannot decide is read once more, by whoever looks.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from . import numbers

# What people put between two numbers. A dash, a slash or a dot may stand within one.
_BETWEEN = re.compile(r"[;,|\n/]|:::|\s(?:or|oder|ou|и|или|або)\s", re.IGNORECASE)
# A row with more digits than one number has at home holds several.
_MAX_OF_ONE = 13
_GROUP = re.compile(r"[0-9]+")
_MAX_GROUPS = 30
# The operator's zeros behind a stem.
_OPERATOR = re.compile(r"\D0{1,3}\s*$")

CERTAIN, POSSIBLE, STEM, NATIONAL = "certain", "possible", "stem", "national"


class Key(NamedTuple):
    """One way to be found.

    ``kind`` is ``certain`` (whoever calls from ``number``), ``possible`` (the text may
    mean another number, too), ``stem`` (perhaps whoever calls from ``number`` and some
    more digits), or ``national``: a number in ``typed`` ends in ``tail``, and is read
    by whoever looks it up, since nothing says in which country.
    """

    kind: str
    number: str = ""
    tail: str = ""
    typed: str = ""


@lru_cache(maxsize=4096)
def keys_of(text, country=""):
    """Return the set of :class:`Key` of what a person typed into one field.

    :param str country: two-letter region of whose number it is, ``""`` if nobody knows.
    """
    keys = set()
    for one in numbers.read_typed(text, country or None):
        kind = CERTAIN if one.certainty == numbers.EXACT else POSSIBLE
        keys.add(Key(kind, one.number))
        if one.stem:
            # The operator's zero may be the last one of what stands before the dash.
            stems = {one.stem, one.stem.removesuffix("0")}
            keys |= {Key(STEM, stem) for stem in stems}
    if not country:
        keys |= _national_keys(text)
    return frozenset(keys)


def _national_keys(text):
    """Return the keys of what no country says how to read."""
    tails = set()
    for part in (text, *_BETWEEN.split(text)):
        if "+" not in part:
            tails |= {numbers.tail(part), numbers.tail(_OPERATOR.sub("", part))}
    for row in numbers.rows_of_digits(text):
        tails |= {numbers.tail(end) for end in _possible_ends(row)}
    return {Key(NATIONAL, tail=tail, typed=text) for tail in tails if tail}


def _possible_ends(row):
    """Return a row of digits up to each place at which a number in it may end."""
    if len(numbers.digits(row)) <= _MAX_OF_ONE:
        return [row]
    groups = list(_GROUP.finditer(row))[:_MAX_GROUPS]
    return [row[: group.end()] for group in groups]


def certainty(number, typed, countries):
    """Return how surely ``typed``, read in one of ``countries``, is ``number``.

    :return: ``numbers.EXACT``, ``numbers.CANDIDATE`` or ``""``.
    """
    countries = tuple(countries) or (numbers.country_of(number),)
    return numbers.certainty_of(number, numbers.read_typed(typed, None, countries))
