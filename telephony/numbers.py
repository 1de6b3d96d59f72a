"""Phone numbers: from what a PBX or a person writes to E.164, and back.

``phonenumbers`` does the work, ``plans`` what it does not know. Nothing here raises on
odd input: what is no number is the empty text, and the empty text never matches
anybody.

How a number is found again: ``read_typed`` gives for each text the numbers under which
its owner is looked up, ``from_pbx`` gives the number that is looked up, and both are
``canonical``: equal texts are one phone. Besides, a number with a ``stem`` is the
head of
a block: :func:`stems_of` gives the heads that a caller may belong to, so that one
look-up
by equality finds the blocks too.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import (
    Leniency,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    PhoneNumberType,
    ValidationResult,
)
from phonenumbers.timezone import time_zones_for_number

from . import plans

# A PBX's own extensions have three digits, those of others up to five; no outside
# number is that short once it is international.
EXTENSION_DIGITS = 5
# Emergency calls, services and short codes; no international number is that short.
SHORT_DIGITS = 6
# Digits that are compared before a candidate is verified: the subscriber's part of
# nearly every numbering plan.
TAIL_DIGITS = 7
# A field of a contact is not longer, nor has it more numbers, than makes sense.
MAX_TEXT = 250
MAX_NUMBERS = 10
# Digits behind a stem (extensions reached by dialling through).
STEM_DIGITS = 5

EXACT, CANDIDATE = "exact", "candidate"
# Why a text is not dialled.
NO_NUMBER, LOCAL, SHORT, FEATURE, INVALID, SEVERAL = (
    "no_number",
    "local",
    "short",
    "feature",
    "invalid",
    "several",
)
# No town has longer numbers.
_LOCAL_DIGITS = 8
# E.164 allows fifteen digits.
_MAX_DIGITS = plans.MAX_DIGITS
_LOGIN = re.compile(r"[0-9]{3,}-([0-9]{1,5})")
_SHORT = re.compile(r"[0-9]{1,5}")
_DASHES = r"\-\N{HYPHEN}-\N{HORIZONTAL BAR}\N{MINUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
# What stands between the digits of one number.
_INSIDE = rf"\s().\[\]/~{_DASHES}\N{{ZERO WIDTH SPACE}}\N{{LEFT-TO-RIGHT MARK}}"
_PLAIN = re.compile(rf"[\s(\[]*\+?[0-9{_INSIDE}]*")
# An extension behind a number: of a word ("ext. 12", "доб. 3"), a sign, or a pause.
_LETTERS_MORE = r"[^\W\d_]*"
_EXTENSION = rf"""
    [\s,.;:()\[\]{_DASHES}]*
    (?: (?:ext{_LETTERS_MORE}|press|x|\N{{MULTIPLICATION SIGN}}
          |доб{_LETTERS_MORE}|вн{_LETTERS_MORE}|дод{_LETTERS_MORE}|вътр{_LETTERS_MORE}
          |int(?:er{_LETTERS_MORE})?|anexo|ramal|poste
          |dw|durchwahl|app(?:arat)?|nst|nebenstelle|toestel|tst|lok(?:al{_LETTERS_MORE})?
          |ankn(?:ytning)?|alanumero|wew{_LETTERS_MORE}|dahili|klapka|linka|mell[eé]k
          |εσωτ{_LETTERS_MORE}|שלוחה|داخلي|تحويلة
          |内線|內線|内线|分机|分機|转|轉|내선) [\s.:=#№{_DASHES}]*
      | \s*\#\s* | \s*[pw]\s* | \s*,{{2,}}\s*
      | ;\s* (?![0-9]+\s*/|[0-9]{{5}}) )
    (?P<extension>[0-9]{{1,7}}) \)? (?![\s.({_DASHES}]*[0-9])
"""
# Digits that begin a time, or count something: "9am", "9:30", "2nd".
_COUNT = r"(?<=\s)[0-9]{1,2}(?:[ap]\.?m\b|h\b|hrs?\b|uhr\b|:[0-5]|st\b|nd\b|rd\b|th\b)"
# A number in a text, with the extension behind it.
_RUN = re.compile(
    rf"""(?P<number>\+?[\s(\[]*[0-9](?:[{_INSIDE}]*(?!{_COUNT})[0-9])*)(?:{_EXTENSION})?""",
    re.IGNORECASE | re.VERBOSE,
)
# ``030 901820-0``: the operator of a block of numbers that begin alike.
_STEM = re.compile(rf"[0-9]\s*[{_DASHES}]\s*(0{{1,3}})\s*$")
# Numbers that end in letters of a telephone's keys: ``1-800-FLOWERS``.
_LETTERS = re.compile(r"\+?[0-9\s().-]{0,12}[A-Z]{2}[A-Z0-9-]*")
_FIRST_DIGITS = re.compile(r"[\s(]*\+[\s(]*([0-9]+)")
# What is dialled to a PBX or a network itself: ``*98``, ``#31#``.
_FEATURE = re.compile(r"(?=.*[*#])(?=.*[0-9])[0-9*#][0-9*#+]*")
_WORD = re.compile(r"[^\W\d_]", re.UNICODE)
# What people put before an extension that follows a number ("ext. 12", "доб. 3", "#4").
_SUFFIX = re.compile(
    r"(?<=[0-9])[\s,.(-]*(?:ext|x|#|;|доб|вн).*$", re.IGNORECASE | re.DOTALL
)
# ``030 901820-21/22``: two endings of one number.
_ENDINGS = re.compile(
    rf"(?P<head>.*[0-9]\s*[{_DASHES}]\s*)(?P<first>[0-9]{{1,4}})"
    rf"(?P<others>(?:\s*/\s*[{_DASHES}]?\s*[0-9]{{1,4}})+)",
    re.DOTALL,
)
# As a PBX writes a number, whatever stands around it.
_RUN_OF_DIGITS = re.compile(r"\+?[0-9]+")
# Signs of full width, as East Asian keyboards write them.
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0xFE62: "+"}
# What stands before the numbers of a list ("1) …"), and how long somebody is there.
_NOISE = re.compile(r"(?:^|(?<=[\s,;]))\d{1,2}\)(?=\s*[+(0-9])|(?<!\S)24\s?/\s?7(?!\S)")
# Between two numbers, where a slash or a dash within one has no blanks around it.
_BETWEEN = re.compile(rf"\s+[/{_DASHES}]+\s+|\s*[\n\r\t]\s*|\.\s+(?=[+(0-9])")
# No number has as many groups of digits as two of them may have.
_MAX_GROUPS = 12
# A group of so few digits beside words is none of the number's: "9am", "2nd floor".
_STRAY_DIGITS = 4
# The zero that is dialled at home only, as people write it behind a country code.
_HOME_ZERO = re.compile(r"\(\s*0\s*\)")


def digits(text):
    """Return the decimal digits of ``text`` as ASCII, in order."""
    return phonenumbers.normalize_digits_only(text or "")


def ascii_text(text):
    """Return ``text``, stripped, with the digits of every script as ASCII ones."""
    text = (text or "").strip()
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(char, char)) for char in text.translate(_WIDE)
    )


def extension(text):
    """Return the short extension in ``text``: of ``100``, ``123456-100``; else ``""``.

    ``0`` is what a PBX writes for "none".
    """
    text = ascii_text(text)
    if login := _LOGIN.fullmatch(text):
        text = login.group(1)
    if not _SHORT.fullmatch(text) or not text.strip("0"):
        return ""
    return text


def is_plain(text):
    """Tell whether a text has digits, and what people write between them, alone."""
    return bool(_PLAIN.fullmatch(ascii_text(text)))


def is_extension(text):
    """Tell whether ``text`` has the form of an extension, as 112 has it too."""
    return bool(extension(text))


def is_short(text):
    """Tell whether ``text`` is a short number: an extension, 112, a service.

    Whether it is an extension, its shortness does not say.
    """
    text = ascii_text(text)
    return text.isdigit() and 0 < len(text) <= SHORT_DIGITS and bool(text.strip("0"))


def is_feature_code(text):
    """Tell whether ``text`` is dialled to the PBX or the network itself: ``*98``."""
    return bool(_FEATURE.fullmatch(ascii_text(text)))


def _parse(text, country=None):
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException:
        return None


def _e164(number):
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


# ---------------------------------------------------------------------- from a PBX


@lru_cache(maxsize=8192)
def from_pbx(text, country=None, national_first=False):
    """Return the party a PBX names, in one spelling per phone.

    :param str country: two-letter region of the account.
    :param bool national_first: the network writes numbers as they are dialled in
        ``country``: digits without ``+`` are read there before anything else.
    :return: E.164, a short number or a feature code as it came, or ``""`` if withheld.

    A PBX writes international numbers with or without ``+`` (or with ``00``). What is
    valid so is that number; else what is valid in the account's country; else all
    digits
    stay, behind a ``+`` where they do not begin with a zero: no country's code does.
    Short ones stay short, behind a ``+`` as well.
    What has letters (``anonymous``), is empty or all zeros is a withheld caller.
    """
    text = ascii_text(text)
    if text.lower().startswith(("sip:", "tel:")):
        text = text[4:]
    text = text.split("@", 1)[0].split(";", 1)[0].strip()
    if short := extension(text):
        return short
    if is_feature_code(text):
        return text
    if _WORD.search(text):
        return ""
    plain = digits(text)
    if not plain.strip("0"):
        return ""
    region = _region(country)
    if len(plain) <= SHORT_DIGITS:
        # Six digits are a whole number in a few countries. A plus is written before
        # any number: it makes no longer one of 112.
        whole = _has_short_numbers(region) and _reported_at_home(plain, region)
        whole = whole or ("+" in text and _full(plain))
        return "+" + whole if whole else plain
    at_home = ""
    if national_first and "+" not in text:
        # Not dialled: written with the country's own code, whatever it is at home.
        is_full = region and plain.startswith(str(_code(region))) and _full(plain)
        at_home = is_full or _reported_at_home(plain, region)
    found = at_home or _reported(plain, region)
    if found:
        return "+" + found
    if plain.startswith("0"):
        # Dialled at home, and nobody knows where that is; or no number at all.
        rest = plain.removeprefix("00")
        if rest != plain and not rest.startswith("0"):
            plain = rest
            if found := _reported_at_home(plain, region):
                return "+" + found
    if plain.startswith("0") or len(plain) > _MAX_DIGITS:
        return plain
    return "+" + plain


def _full(plain):
    """Return valid international digits as the plan of today has them, or ``""``."""
    found = plans.canonical(plain)
    return found if plans.is_valid(found) else ""


@lru_cache(maxsize=256)
def _has_short_numbers(region):
    """Tell whether whole numbers of a region are as short as services elsewhere."""
    example = region and phonenumbers.example_number(region)
    return bool(example) and (
        EXTENSION_DIGITS
        < len(phonenumbers.national_significant_number(example))
        <= SHORT_DIGITS
    )


def _reported(plain, region):
    """Return the valid international digits that a PBX means by ``plain``."""
    tries = [plain] if not plain.startswith("0") else []
    if plain.startswith("00"):
        tries.append(plain[2:])
    for international in tries:
        if found := _full(international):
            return found
    return _reported_at_home(plain, region)


def _reported_at_home(plain, region):
    """Return the valid international digits that ``plain`` means in ``region``."""
    if not region:
        return ""
    return _full(_national(plain, region))


@lru_cache(maxsize=8192)
def canonical(number):
    """Return an E.164 number in the numbering plan of today; other text unchanged.

    Plans change (Brazil's mobiles grew a ninth digit, Mexico's lost their first
    one), and
    both forms stay in use: this is the one by which a phone is known. Applied again it
    changes nothing.
    """
    number = number or ""
    if not is_international(number):
        return number
    return "+" + plans.canonical(number[1:])


def is_international(number):
    """Tell whether a text is a plus and digits."""
    plain = number[1:]
    return number.startswith("+") and plain.isascii() and plain.isdigit()


def spellings(number):
    """Return all forms in which a PBX, or a person, may have an E.164 number, the
    :func:`canonical` one first; of other text only itself."""
    if not is_international(number):
        return (number,)
    return tuple(f"+{one}" for one in plans.spellings(number[1:]))


def is_dialled_in_two_ways(number):
    """Tell whether two spellings of an E.164 number may reach different phones."""
    return len([one for one in spellings(number) if _keeps_spelling(one[1:])]) > 1


def _keeps_spelling(international):
    """Tell whether digits are dialled as they are, although another form is kept."""
    return international.startswith("54") and plans.is_valid(international)


# ------------------------------------------------------------------- from a person


@dataclass(frozen=True, slots=True)
class TypedNumber:
    """One number in what a person typed.

    :var str number: E.164, as :func:`canonical` gives it: what is compared.
    :var str extension: what is dialled when somebody has lifted ("12"), or ``""``.
    :var str certainty: ``EXACT``, or ``CANDIDATE`` where the text can mean other
        numbers
        too.
    :var bool dialable: a whole number, and no guess.
    :var str dialled: E.164 as it is dialled; differs from ``number`` in Argentina.
    :var str stem: E.164 with which all numbers of its block begin, or ``""``.
    """

    number: str
    extension: str = ""
    certainty: str = EXACT
    dialable: bool = True
    dialled: str = ""
    stem: str = ""


@dataclass(frozen=True, slots=True)
class DialReading:
    """What a click on a text dials.

    :var str number: E.164 to be dialled; ``""`` if there is a ``problem``.
    :var str extension: to be dialled after it, or ``""``.
    :var str problem: ``""``, or why nothing is dialled: ``NO_NUMBER``, ``LOCAL``
        (its area
        code is missing), ``SHORT``, ``FEATURE``, ``INVALID``, ``SEVERAL``.
    :var tuple choices: the :class:`TypedNumber` s that can be dialled.
    """

    number: str = ""
    extension: str = ""
    problem: str = ""
    choices: tuple = ()


def read_typed(text, country=None, fallbacks=()):
    """Return the numbers in what a person typed, a tuple of :class:`TypedNumber`.

    :param str country: two-letter region of whose number it is. Where it is known no
        other is tried: equal digits in two countries are two people.
    :param fallbacks: regions to try in this order when ``country`` is unknown.

    The country's own exit codes and plan come first, ``00`` is ``+`` only where they
    give
    nothing valid. Several numbers, words and extensions are told apart. What is only
    local
    is left out: no caller has such a number.
    """
    text = ascii_text(text)[:MAX_TEXT]
    if not text:
        return ()
    regions = (_region(country),) if country else tuple(map(_region, fallbacks))
    return _read_typed(text, tuple(filter(None, regions)))


def dialable(text, country=None, fallbacks=()):
    """Return the :class:`DialReading` of a text that somebody clicks or enters.

    Arguments as those of :func:`read_typed`. Invalid numbers are dialled only if
    they were
    typed with ``+`` and could be numbers: a new range is in use before the library
    knows it.
    """
    text = ascii_text(text)[:MAX_TEXT]
    found = [one for one in read_typed(text, country, fallbacks) if one.dialable]
    # ``2125550123#12`` is a number and its extension, ``*21*…#`` is for the network.
    has_extension = text[:1].isdigit() and any(one.extension for one in found)
    if is_feature_code(text) and not has_extension:
        return DialReading(problem=FEATURE)
    if len(found) == 1:
        one = found[0]
        return DialReading(one.dialled, one.extension, choices=(one,))
    if found:
        return DialReading(problem=SEVERAL, choices=tuple(found))
    plain = digits(text)
    if not plain.strip("0") or "@" in text:
        return DialReading(problem=NO_NUMBER)
    regions = [_region(one) for one in ([country] if country else fallbacks)]
    is_local = any(_is_local(plain, region) for region in regions)
    if is_short(text):
        # Six digits are a service in some countries, and in many towns somebody's
        # number.
        is_service = any(_is_service(plain, region) for region in regions)
        if is_service or not is_local or len(plain) <= EXTENSION_DIGITS:
            return DialReading(problem=SHORT)
    return DialReading(problem=LOCAL if is_local else INVALID)


def is_written_in(text, number, country=None):
    """Tell whether a PBX has written ``number`` somewhere in a text, such as an event.

    :param str number: E.164.
    :param str country: two-letter region of the account, whose national form counts.
    """
    number = canonical(number)
    tail = number[-TAIL_DIGITS:]
    runs = {run for run in _RUN_OF_DIGITS.findall(text or "") if run.endswith(tail)}
    return any(
        canonical(from_pbx(run, country, national_first)) == number
        for run in runs
        for national_first in (False, True)
    )


def stems_of(number):
    """Return the stems under which the block of an E.164 number may be kept."""
    if not number or not number.startswith("+"):
        return ()
    stems = (number[:-cut] for cut in range(1, STEM_DIGITS + 1))
    return tuple(stem for stem in stems if len(stem) > TAIL_DIGITS)


def certainty_of(number, typed):
    """Return how surely ``number`` is one of ``typed``: ``EXACT``, ``CANDIDATE``,
    ``""``.

    :param str number: E.164 of a caller.
    :param typed: as :func:`read_typed` gives it.
    """
    number = canonical(number)
    found = {one.certainty for one in typed if one.number == number}
    if EXACT in found:
        return EXACT
    stems = stems_of(number)
    blocks = any(one.stem in stems for one in typed if one.stem)
    return CANDIDATE if found or blocks else ""


def _region(country):
    """Return the two-letter region, ``""`` for none that has numbers."""
    region = (country or "").upper()
    return region if region in phonenumbers.SUPPORTED_REGIONS else ""


@lru_cache(maxsize=8192)
def _read_typed(text, regions):
    found = {}
    for one in _numbers_in(text, regions):
        known = found.get(one.number)
        if known is None or (known.certainty, known.stem) == (CANDIDATE, ""):
            found[one.number] = one
        if len(found) >= MAX_NUMBERS:
            break
    return tuple(found.values())


def _numbers_in(text, regions):
    """Yield the numbers of a text, those that are typed without any doubt first."""
    if _PLAIN.fullmatch(text):
        if endings := _with_endings(text, regions):
            yield from endings
            return
        reading = _read_one(text, regions)
        if reading.valid and not (reading.is_bare and _several(text, regions)):
            yield from _with_stem(reading, text, regions)
            return
        if _LOGIN.fullmatch(text):
            return  # how a PBX writes an extension
        parts = _without_noise(text)
        if len(parts) > 1:
            for part in parts:
                yield from _numbers_in(part, regions)
            return
        yield from _parts_of(text, "", regions, reading)
        return
    if _LETTERS.fullmatch(text):
        for region in regions or (None,):
            parsed = _parse(text, region)
            if parsed and phonenumbers.is_valid_number(parsed):
                yield _typed(_reading(_e164(parsed)[1:]))
                return
    for run in _RUN.finditer(text):
        number = run["number"]
        reading = _read_one(number, regions)
        if number.startswith("+ ") and run.start():
            # "… + …": one number and another.
            at_home = _read_one(number[1:], regions)
            if at_home.valid and not at_home.is_bare:
                number, reading = number[1:], at_home
        # In a few countries numbers are as short as extensions.
        if len(digits(number)) <= EXTENSION_DIGITS and not reading.valid:
            continue
        extension_ = run["extension"] or ""
        if reading.valid and not (reading.is_bare and _several(number, regions)):
            for one in _with_stem(reading, number, regions):
                yield _replace(one, extension=extension_)
        else:
            yield from _parts_of(number, extension_, regions, reading, in_words=True)


def _parts_of(text, extension_, regions, whole, in_words=False):
    """Yield the numbers in a row of digits that is not one valid number.

    :param bool in_words: words stand beside it, and perhaps digits that belong to them.
    """
    found = _between(text, regions)
    if not found:
        parts = [part for part in text.split("/") if digits(part)]
        parts = parts if len(parts) > 1 else _groups(text, regions)
        readings = [_read_one(part, regions) for part in parts]
        found = [reading for reading in readings if reading.valid]
        if len(found) < len(parts):
            # The middle of a number may look like one of another country, and the end
            # of one with a plus like one at home.
            broken = "+" in parts[0] and not readings[0].valid
            found = [one for one in found if not (one.is_bare or broken)]
    if not found and in_words:
        found = _without_strays(text, regions)
    if found:
        for reading in found:
            yield _replace(_typed(reading), extension=extension_)
        return
    for region in regions or (None,):
        inside = list(_inside(text, region))
        for plain in inside:
            yield _replace(_typed(_reading(plain)), extension=extension_)
        if inside:
            return
    if whole.digits and (whole.has_plus or whole.possible):
        yield TypedNumber(
            number="+" + whole.digits,
            extension=extension_,
            dialable=whole.has_plus and whole.possible,
            dialled="+" + whole.dialled,
        )
    for plain in (*plans.perhaps(whole.digits), *_without_code(whole, regions)):
        number = "+" + plain
        yield TypedNumber(number, extension_, CANDIDATE, False, number)


def _inside(text, region):
    """Yield the international digits of the numbers that the library finds in a text.

    None at home behind a plus: its digits belong to the number that begins there.
    """
    end = 0
    for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
        if "+" not in text[end : match.start]:
            yield _e164(match.number)[1:]
            end = match.end


def _without_code(whole, regions):
    """Yield the numbers meant by ``+510 867 5432`` if the country's code is missing."""
    for region in regions if whole.has_plus else ():
        at_home = _home_reading(whole.digits, region)
        if at_home.valid and not whole.digits.startswith(str(_code(region))):
            yield at_home.digits


def _without_noise(text):
    """Return what stands before, between and behind the marks of a list."""
    parts, begin = [], 0
    for mark in _NOISE.finditer(text):
        before = text[: mark.start()]
        if before.count("(") == before.count(")"):
            parts.append(text[begin : mark.start()].strip())
            begin = mark.end()
    return [*parts, text[begin:].strip()]


def _between(text, regions):
    """Return the readings of numbers with a slash or a dash and blanks between them.

    ``[]`` if not all of them are valid.
    """
    parts = [part for part in _BETWEEN.split(text) if digits(part)]
    readings = [_read_one(part, regions) for part in parts] if len(parts) > 1 else []
    return readings if all(reading.valid for reading in readings) else []


def _without_strays(text, regions):
    """Return the reading of a number without the few digits before or behind it."""
    groups = text.split()
    for rest, strays in (
        (groups[:-1], groups[-1:]),
        (groups[1:], groups[:1]),
        (groups[1:-1], groups[:1] + groups[-1:]),
    ):
        are_few = all(0 < len(digits(one)) <= _STRAY_DIGITS for one in strays)
        if rest and are_few and not any("+" in one for one in strays):
            reading = _read_one(" ".join(rest), regions)
            if reading.valid:
                return [reading]
    return []


def _groups(text, regions):
    """Return the parts of a text in which numbers follow each other with a space.

    As few as possible, each of them a number; of several ways that in which they begin
    like numbers do and are as long as each other. ``[]`` if there is no way.
    """
    groups = text.split()
    if len(groups) > _MAX_GROUPS:
        return []
    best = {0: (0, 0, 0, [])}
    for end in range(1, len(groups) + 1):
        for begin in range(end):
            part = " ".join(groups[begin:end])
            if begin not in best or len(digits(part)) > _MAX_DIGITS + 3:
                continue
            reading = _read_one(part, regions)
            if begin and not _may_follow(part, reading, text):
                continue
            if reading.valid and not reading.is_bare:
                count, odd, squares, parts = best[begin]
                odd += not part.startswith(("+", "0", "("))
                squares += len(digits(part)) ** 2
                way = (count + 1, odd, squares, [*parts, part])
                best[end] = min(best.get(end, way), way)
    return best.get(len(groups), best[0])[-1]


def _may_follow(part, reading, text):
    """Tell whether a number may stand behind others in ``text``.

    Behind a plus its beginning is seen, or both are of one country: else it is the end
    of the number with the plus.
    """
    return (
        "+" not in text
        or part.startswith(("+", "0", "("))
        or digits(text).startswith(plans.split(reading.digits)[0] or "0")
    )


def _several(text, regions):
    """Return the readings of the numbers that stand in what may be read as one.

    ``()`` if it is not surely several: all of them have to be numbers at home.
    """
    if found := _between(text, regions):
        return found
    for parts in (text.split("/"), _groups(text, regions)):
        readings = [_read_one(part, regions) for part in parts]
        if len(parts) > 1 and all(one.valid and not one.is_bare for one in readings):
            return readings
    return ()


def _with_endings(text, regions):
    """Return the numbers of ``030 901820-21/22``, which begin alike."""
    found = _ENDINGS.fullmatch(text) if "/" in text else None
    if not found:
        return []
    endings = [found["first"], *map(digits, found["others"].split("/")[1:])]
    if len(set(map(len, endings))) > 1:
        return []
    readings = [_read_one(found["head"] + ending, regions) for ending in endings]
    if not all(reading.valid for reading in readings):
        return []
    return [_typed(reading) for reading in readings]


def _replace(one, **changes):
    if all(getattr(one, name) == value for name, value in changes.items()):
        return one
    values = {name: getattr(one, name) for name in TypedNumber.__slots__}
    return TypedNumber(**{**values, **changes})


def _with_stem(reading, text, regions):
    """Yield the number, and the head of its block if it is typed as its operator."""
    zeros = _STEM.search(text)
    if zeros:
        stem = _read_one(text[: zeros.start(1)], regions)
        if stem.valid and reading.digits.startswith(stem.digits):
            stem_number = "+" + stem.digits
            yield _replace(_typed(reading), stem=stem_number)
            yield TypedNumber(
                stem_number, dialable=False, dialled=stem_number, stem=stem_number
            )
            return
    yield _typed(reading)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One row of digits, read: canonical international digits, and as dialled."""

    digits: str = ""
    dialled: str = ""
    valid: bool = False
    possible: bool = False
    has_plus: bool = False
    # International, and written without a plus.
    is_bare: bool = False
    certainty: str = EXACT


def _typed(reading):
    return TypedNumber(
        number="+" + reading.digits,
        certainty=reading.certainty,
        dialable=reading.certainty == EXACT,
        dialled="+" + reading.dialled,
    )


def _reading(international, **more):
    """Return the reading of international digits, in the plan of today."""
    found = plans.canonical(international)
    valid = plans.is_valid(found)
    # Two spellings that both reach the phone: the one that was typed is dialled.
    keeps = valid and _keeps_spelling(international)
    dialled = international if keeps else found
    possible = valid or (
        plans.possibility(found) == ValidationResult.IS_POSSIBLE
        and len(found) <= _MAX_DIGITS
        and (more.get("has_plus") or not _lacks_area_code(found))
    )
    return _Reading(found, dialled, valid, possible, **more)


_NOTHING = _Reading()
_LOCAL_ONLY = ValidationResult.IS_POSSIBLE_LOCAL_ONLY
# More digits than a number of the country has, or as many as none has.
_TOO_LONG = (ValidationResult.TOO_LONG, ValidationResult.INVALID_LENGTH)


def _read_one(text, regions):
    """Return the reading of one row of digits, the first valid one.

    If none is valid, the first that could be a number of its country.
    """
    plain = digits(text)
    if not plain.strip("0"):
        return _NOTHING
    has_plus = "+" in text
    without_zero = ""
    if _HOME_ZERO.search(text):
        without_zero = digits(_HOME_ZERO.sub("", text))
    first = _NOTHING
    if has_plus and not plain.startswith("0"):
        readings = _behind_plus(text, plain, without_zero, regions)
    else:
        readings = _readings(plain, without_zero, has_plus, regions)
    for reading in readings:
        if reading.valid:
            return reading
        if not first.possible and (reading.possible or not first.digits):
            first = reading
    return first


def _behind_plus(text, plain, without_zero, regions):
    """Yield readings of what has a plus, as it is before all.

    A plus may stand before what is dialled before numbers, and stands apart then.
    """
    match = _FIRST_DIGITS.match(text)
    first = match[1] if match else ""
    if not plans.split(first)[0]:  # ``+8 (495) …``: no country's code
        for region in regions:
            if plans.is_home_prefix(first, region):
                reading = _home_reading(plain, region)
                if reading.valid:
                    yield reading
    yield from _international(plain, without_zero, has_plus=True)
    if first in ("810", plain) and plain.startswith("810"):
        # ``+810 44 …``: other exit codes begin with a zero, or are a carrier's.
        for region in regions:
            if plans.begins_with_exit_code("810", region):
                yield _home_reading(plain, region)


def _readings(plain, without_zero, has_plus, regions):
    for region in regions:
        reading = _home_reading(plain, region)
        if has_plus and plans.begins_with_exit_code(plain, region):
            reading = replace(reading, has_plus=True)
        yield reading
        if without_zero:
            yield _home_reading(without_zero, region)
    if plain.startswith("00"):
        yield from _international(plain[2:], without_zero[2:], has_plus=has_plus)
    elif not plain.startswith("0"):
        yield from _without_plus(plain, without_zero, regions)


def _home_reading(plain, region):
    found = _national(plain, region)
    reading = _reading(found) if found else _NOTHING
    if reading.valid:
        return reading
    data = PhoneMetadata.metadata_for_region(region)
    if plain.startswith("0") and data.national_prefix is None:
        # People put a zero first where it is not, or no longer, dialled.
        without = _reading(f"{data.country_code}{plain[1:]}")
        if without.valid:
            return without
    return reading


def _international(plain, without_zero, **more):
    yield _reading(plain, **more)
    if without_zero and without_zero != plain:
        yield _reading(without_zero, **more)
    parsed = _parse("+" + plain)
    if parsed and _e164(parsed)[1:] != plain:
        # The zero that is dialled at home only.
        again = _reading(_e164(parsed)[1:], **more)
        if again.valid:
            yield again


def _without_plus(plain, without_zero, regions):
    """Yield readings of an international number whose plus was left out."""
    for reading in _international(plain, without_zero):
        if reading.valid:
            longer = all(
                plans.possibility(f"{_code(region)}{plain}") in _TOO_LONG
                for region in regions
            )
            sure = EXACT if regions and longer else CANDIDATE
            yield replace(reading, is_bare=True, certainty=sure)


def _code(region):
    return phonenumbers.country_code_for_region(region)


def _national(plain, region):
    """Return the international digits of what is dialled in ``region``, or ``""``."""
    if found := plans.of_neighbour(plain, region):
        return found
    if found := plans.at_home(plain, region):
        return found
    parsed = _parse(plain, region)
    return _e164(parsed)[1:] if parsed else ""


def _is_service(plain, region):
    """Tell whether digits are a short number that a region's plan knows: ``116123``."""
    number = region and PhoneNumber(
        country_code=_code(region), national_number=int(plain)
    )
    return bool(number) and phonenumbers.is_valid_short_number_for_region(
        number, region
    )


def _is_local(plain, region):
    if not region:
        return False
    found = _national(plain, region)
    if plans.possibility(found) in (_LOCAL_ONLY, ValidationResult.TOO_SHORT):
        return True
    return _lacks_area_code(found) or _is_as_long_as_local(plain, region)


def _is_as_long_as_local(plain, region):
    """Tell whether digits are as long as numbers within a town, where these differ.

    The library knows where: not everywhere does it know how long they are.
    """
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.FIXED_LINE)
    if not example or not phonenumbers.length_of_geographical_area_code(example):
        return False
    lengths = PhoneMetadata.metadata_for_region(region).fixed_line.possible_length
    is_short = len(plain) <= SHORT_DIGITS
    # Services of six digits begin with a one, such as 116117.
    return (
        EXTENSION_DIGITS < len(plain) <= _LOCAL_DIGITS
        and len(plain) < lengths[-1]
        and not plain.startswith(("0", "1") if is_short else "0")
    )


def _lacks_area_code(international):
    """Tell whether digits are as long as a service may be, but not in any town."""
    return plans.possibility(international, PhoneNumberType.FIXED_LINE) == _LOCAL_ONLY


def to_e164(text, country=None):
    """Return the E.164 form of a number that a person typed, or ``""``.

    :param str country: two-letter region in which national forms are read.

    A text with several numbers is not one.
    """
    read = read_typed(text, country)
    sure = [one for one in read if one.dialable]
    return (sure or read)[0].number if read and len(sure) < 2 else ""


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


def rows_of_digits(text):
    """Return the rows of digits in a text that are not international, each perhaps
    more than one number, without words and extensions."""
    found = (run["number"] for run in _RUN.finditer(ascii_text(text)[:MAX_TEXT]))
    # A plus with a blank behind it stands between two.
    found = (row[1:] if row.startswith("+ ") else row for row in found)
    return [row for row in found if "+" not in row]


def tail(text):
    """Return the last digits by which candidates are looked up; ``""`` if too few.

    An extension written behind the number does not count.
    """
    plain = digits(_SUFFIX.sub("", ascii_text(text)))
    return plain[-TAIL_DIGITS:] if len(plain) >= TAIL_DIGITS else ""


def same_number(number, typed, own=None, defaults=()):
    """Tell whether what a person typed is ``number``.

    :param str number: E.164.
    :param str typed: any style, any country.
    :param str own: region of whoever has the number. When it is known no other is
        tried: equal last digits in two countries are two people.
    :param tuple defaults: regions to try in this order when ``own`` is unknown; without
        any, the caller's.
    """
    if not number:
        return False
    defaults = tuple(d for d in defaults if d) or (country_of(number),)
    read = read_typed(typed, own, defaults)
    return certainty_of(number, read) == EXACT
