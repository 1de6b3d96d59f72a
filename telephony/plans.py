"""Numbering plans: which numbers are valid, and which two spellings are one phone.

``phonenumbers`` brings the plans; here they are asked for speed, without losing a
digit, and completed by what it does not tell: plans that changed, and plans that
several countries share.
"""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, ValidationResult

# E.164 allows fifteen digits, country code included.
MAX_DIGITS = 15
_CODES = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
# All numbers of these beginnings are of that country, whatever part of them the library
# has heard of.
_WHOLE_RANGES = {
    "262": re.compile(r"(?:26[239]|639|69[23])[0-9]{6}"),
    "590": re.compile(r"(?:590|69[01])[0-9]{6}"),
    "594": re.compile(r"[56]94[0-9]{6}"),
    "596": re.compile(r"(?:596|69[67])[0-9]{6}"),
}
_TYPES = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


def _moved(digits, prefixes):
    """Return the rules of numbers that kept their last digits behind another prefix.

    :param int digits: how many of them.
    :param dict prefixes: ``{former: of today}``; that of today with the country's code.
    """
    return [
        (rf"{former}(\d{{{digits}}})", rf"{present}\1")
        for former, present in prefixes.items()
    ]


# One phone that is written in two ways, both of which plans know (or knew lately): the
# second one is what we keep. {country code: [(national number, whole number)]}.
_ONE_PHONE = {
    # Until 2019 mobiles were dialled with a 1 from abroad.
    "52": [(r"1(\d{10})", r"52\1")],
    # The ninth digit of mobiles, 2012 to 2016.
    "55": [(r"([1-9]{2})([689]\d{7})", r"55\g<1>9\2")],
    # The same ten digits are the same phone: the 9 tells callers from abroad that it is
    # a mobile, and callers' numbers come with and without it.
    "54": [(r"((?:11|[23]\d)\d{8})", r"549\1")],
    # The area code 0549 of Italy is San Marino.
    "39": [(r"(0549\d{6})", r"378\1")],
    "378": [(r"([89]\d{5})", r"3780549\1")],
    # Gabon wrote a zero before eight digits until 2019, and could until 2024: it became
    # a digit of each operator's.
    "241": [
        (r"0?(1\d{6})", r"2411\1"),
        (r"0?([256]\d{6})", r"2416\1"),
        (r"0?([47]\d{6})", r"2417\1"),
    ],
    # Palestinian mobiles are reached under Israel's code too.
    "972": [(r"(5[69]\d{7})", r"970\1")],
    # The plan of France holds overseas departments that have codes of their own.
    "33": [
        (r"((?:26[239]|639|69[23])\d{6}|268[89]\d{5}|7092\d{5})", r"262\1"),
        (r"((?:590|69[01])\d{6}|5987\d{5}|70904\d{4})", r"590\1"),
        (r"([56]94\d{6}|5988\d{5})", r"594\1"),
        (r"((?:596|69[67])\d{6}|5989\d{5}|7091\d{5})", r"596\1"),
    ],
}
# The same the other way round: what else a number that we keep is written as.
_ALSO = {
    "52": [(r"(\d{10})", r"521\1")],
    "55": [(r"([1-9]{2})9([689]\d{7})", r"55\1\2")],
    "54": [(r"9(\d{10})", r"54\1")],
    "378": [(r"(0549\d{6})", r"39\1"), (r"0549([89]\d{5})", r"378\1")],
    "241": [(r"[167]([1-7]\d{6})", r"2410\1")],
    "970": [(r"(5[69]\d{7})", r"972\1")],
    **{code: [(r"(\d{9})", r"33\1")] for code in ("262", "590", "594", "596")},
}
# Numbers that no plan knows any more, and what they became. A rule counts only where
# its result is valid.
_FORMER = {
    # France: Saint-Pierre-et-Miquelon (see above for the others), and mobiles.
    "33": [
        (r"508(\d{6})", r"508\1"),
        (r"(708\d{6})", r"508\1"),
        (r"(709\d{6})", r"262\1"),
        (r"(709\d{6})", r"590\1"),
        (r"(709\d{6})", r"594\1"),
        (r"(709\d{6})", r"596\1"),
    ],
    # Mexico: long distance, mobiles within the country.
    "52": [(r"(?:01|02|044|045)(\d{10})", r"52\1"), (r"1(\d{10})", r"52\1")],
    # Benin 2024, Ivory Coast 2021, Colombia 2021 (landlines).
    "229": [(r"(\d{8})", r"22901\1")],
    "225": [
        (r"(2[0-9]8\d{5}|3[0-9]8\d{5})", r"22521\1"),
        (r"(2[0-9]0\d{5}|3[0-9]0\d{5})", r"22525\1"),
        (r"([23][0-9][1-79]\d{5})", r"22527\1"),
        (r"([04-9][0-3]\d{6})", r"22501\1"),
        (r"([04-9][4-6]\d{6})", r"22505\1"),
        (r"([04-9][7-9]\d{6})", r"22507\1"),
    ],
    "57": [(r"([1245678][2-9]\d{6})", r"5760\1")],
    # Ukraine: 8 was dialled before the area's 0. Russia: 0 became 4 (2005).
    "380": [(r"80(\d{9})", r"380\1")],
    "7": [
        # Kazakhstan left the codes that Russia has now (2007).
        (r"3((?:1\d|2[1-9]|36)\d{7})", r"77\1"),
        (r"011([1-9]\d{6})", r"7401\1"),
        (r"0(\d{9})", r"74\1"),
    ],
    # Kosovo had codes of others until 2018. Where those have numbers that begin alike
    # nothing tells whose one is.
    "381": [(r"(38\d{6})", r"383\1")],
    "386": [(r"(49\d{6})", r"383\1")],
    # Vietnam: mobiles 2018, areas 2017.
    "84": [
        *_moved(
            7,
            {"120": "8470", "121": "8479", "122": "8477", "126": "8476", "128": "8478"},
        ),
        (r"12([345])(\d{7})", r"848\1\2"),
        *_moved(7, {"127": "8481", "129": "8482"}),
        (r"16([2-9])(\d{7})", r"843\1\2"),
        (r"18([68])(\d{7})", r"845\1\2"),
        (r"199(\d{7})", r"8459\1"),
        (r"([48]\d{8})", r"842\1"),
    ],
    # Ecuador 2012, Egypt 2011, Saudi Arabia 2013 (landlines).
    "593": [(r"([89])(\d{7})", r"5939\1\2")],
    "20": [
        (r"1([0-2])(\d{7})", r"201\g<1>\1\2"),
        *_moved(
            7,
            {"14": "20114", "16": "20106", "17": "20127", "18": "20128", "19": "20109"},
        ),
    ],
    "966": [(r"([1-46-7]\d{7})", r"9661\1")],
    # Morocco 2009, Algeria 2008, Cameroon 2014, Mauritius 2013, Qatar 2010.
    "212": [(r"([23]\d{7})", r"2125\1"), (r"([14-7]\d{7})", r"2126\1")],
    "213": [(r"([567])(\d{7})", r"213\1\1\2")],
    "237": [(r"([5-9]\d{7})", r"2376\1"), (r"([23]\d{7})", r"2372\1")],
    "230": [(r"([79]\d{6})", r"2305\1")],
    "974": [(r"([4-7])(\d{6})", r"974\1\1\2")],
    # Georgia 2011, Costa Rica 2008.
    "995": [(r"([579]\d{7})", r"9955\1"), (r"32(\d{6})", r"995322\1")],
    "506": [(r"([38]\d{6})", r"5068\1"), (r"([24-7]\d{6})", r"5062\1")],
    # Zurich 2007. Areas of Great Britain, 2000.
    "41": [(r"1(\d{7})", r"4144\1")],
    "44": [
        *_moved(7, {"171": "44207", "181": "44208"}),
        *_moved(6, {"1203": "442476", "1222": "442920", "1232": "442890"}),
        *_moved(6, {"1703": "442380", "1705": "442392"}),
    ],
}
# Changes in which one number before may be several numbers today.
_PERHAPS = {
    # Manila 2019: a digit for each operator. Chile: Santiago 2012, mobiles.
    "63": [(r"2(\d{7})", f"632{digit}\\1") for digit in "87356"],
    "56": [(r"2(\d{7})", r"5622\1"), (r"([4-9]\d{7})", r"569\1")],
    # Honduras 2010, Latvia 2008.
    "504": [(r"(\d{7})", f"504{digit}\\1") for digit in "2398"],
    "371": [(r"([67]\d{6})", r"3716\1"), (r"([5689]\d{6})", r"3712\1")],
}
# What was dialled before numbers at home.
_FORMER_PREFIXES = {"UA": "8"}
# How a neighbour is dialled by a code of its own in the national plan.
# {region: [(digits as dialled, whole number)]}.
_NEIGHBOURS = {
    "IE": [(r"048(\d{8})", r"4428\1")],
    "MY": [(r"02([3689]\d{7})", r"65\1")],
    "SG": [(r"020([1-9]\d{7,9})", r"60\1")],
    "KE": [(r"006(\d{9})", r"256\1"), (r"007(\d{9})", r"255\1")],
    "TZ": [(r"005(\d{9})", r"254\1"), (r"006(\d{9})", r"256\1")],
    "UG": [(r"005(\d{9})", r"254\1"), (r"007(\d{9})", r"255\1")],
}


def _compiled(table):
    return {
        key: [(re.compile(pattern, re.ASCII), new) for pattern, new in rules]
        for key, rules in table.items()
    }


_ONE_PHONE, _FORMER = _compiled(_ONE_PHONE), _compiled(_FORMER)
_ALSO = _compiled(_ALSO)
_PERHAPS, _NEIGHBOURS = _compiled(_PERHAPS), _compiled(_NEIGHBOURS)


def split(digits):
    """Return country code and national number of international ``digits``, as texts.

    Both are empty if no country has the code. No digit is lost.
    """
    for length in (1, 2, 3):
        if digits[:1] != "0" and int(digits[:length] or 0) in _CODES:
            return digits[:length], digits[length:]
    return "", ""


@cache
def _validity(code):
    """Return ``[(leading digits or None, general form, forms of numbers)]``."""
    found = []
    for region in _CODES[int(code)]:
        data = _metadata(region, code)
        if data is None:
            continue
        general = data.general_desc.national_number_pattern
        leading = data.leading_digits
        found.append(
            (
                re.compile(leading, re.ASCII) if leading else None,
                re.compile(general or r"\d+", re.ASCII),
                re.compile(_forms(data), re.ASCII),
            )
        )
    return found


def _metadata(region, code):
    if region == "001":
        return PhoneMetadata.metadata_for_nongeo_region(int(code))
    return PhoneMetadata.metadata_for_region(region)


def _forms(data):
    kinds = [getattr(data, name) for name in _TYPES]
    forms = [k.national_number_pattern for k in kinds if k is not None]
    return "|".join(f"(?:{form})" for form in forms if form)


def is_valid(digits):
    """Tell whether international ``digits`` are a number of any plan, as they are."""
    code, national = split(digits)
    if not national or not national.isascii() or len(digits) > MAX_DIGITS + 2:
        return False
    if code in _WHOLE_RANGES and _WHOLE_RANGES[code].fullmatch(national):
        return True
    plans = _validity(code)
    for leading, general, forms in plans:
        if leading is not None and len(plans) > 1:
            if leading.match(national):
                return bool(general.fullmatch(national) and forms.fullmatch(national))
        elif general.fullmatch(national) and forms.fullmatch(national):
            return True
    return False


def possibility(digits, kind=None):
    """Return the ``ValidationResult`` of international ``digits``.

    :param kind: a ``PhoneNumberType``, if as a number of that kind alone.
    """
    code, national = split(digits)
    if not code:
        return ValidationResult.INVALID_COUNTRY_CODE
    if not national or len(digits) > MAX_DIGITS + 2:
        short = not national
        return ValidationResult.TOO_SHORT if short else ValidationResult.TOO_LONG
    zeros = len(national) - len(national.lstrip("0"))
    zeros = min(zeros, len(national) - 1)
    number = PhoneNumber(
        country_code=int(code),
        national_number=int(national),
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    if kind is not None:
        return phonenumbers.is_possible_number_for_type_with_reason(number, kind)
    return phonenumbers.is_possible_number_with_reason(number)


def _apply(rules, text):
    for pattern, new in rules:
        if found := pattern.fullmatch(text):
            digits = found.expand(new)
            if is_valid(digits):
                return digits
    return ""


@lru_cache(maxsize=8192)
def canonical(digits):
    """Return international ``digits`` in the plan of today: one spelling per phone.

    Only where the rule is unique; other digits are returned as they are.
    """
    code, national = split(digits)
    if not national:
        return digits
    if found := _apply(_ONE_PHONE.get(code, ()), national):
        return found
    if is_valid(digits):
        return digits
    rules = _FORMER.get(code, ())
    # The library leaves the zero where what follows is no number of today.
    found = _apply(rules, national) or (
        _apply(rules, national[1:]) if national.startswith("0") else ""
    )
    if found:
        return _apply(_ONE_PHONE.get(code, ()), split(found)[1]) or found
    return digits


@lru_cache(maxsize=8192)
def spellings(digits):
    """Return all that international ``digits`` may be written as, the canonical form
    first: what plans know as one phone."""
    kept = canonical(digits)
    code, national = split(kept)
    found = {kept: None, digits: None}
    for pattern, new in _ALSO.get(code, ()):
        if match := pattern.fullmatch(national):
            other = match.expand(new)
            if canonical(other) == kept:
                found[other] = None
    return tuple(found)


def perhaps(digits):
    """Return the numbers that invalid international ``digits`` may have become."""
    code, national = split(digits)
    found = (_apply([rule], national) for rule in _PERHAPS.get(code, ()))
    return tuple(filter(None, found))


def of_neighbour(digits, region):
    """Return the international digits that ``region`` dials by a code for its
    neighbour, or ``""``."""
    return _apply(_NEIGHBOURS.get(region, ()), digits)


@cache
def _home(region):
    """Return what plain dialling in a region needs: code, prefix, exit codes, form."""
    data = PhoneMetadata.metadata_for_region(region)
    parsing = data.national_prefix_for_parsing
    prefix = data.national_prefix or ""
    return (
        str(data.country_code),
        prefix if parsing == prefix else "",
        re.compile(parsing, re.ASCII) if parsing else None,
        re.compile(data.international_prefix or "(?!)", re.ASCII),
        re.compile(data.general_desc.national_number_pattern, re.ASCII),
    )


def is_home_prefix(digits, region):
    """Tell whether digits are what is, or was, dialled before numbers at home."""
    _code, _prefix, parsing, _exits, _general = _home(region)
    return bool(parsing and parsing.fullmatch(digits)) or (
        digits == _FORMER_PREFIXES.get(region)
    )


def begins_with_exit_code(digits, region):
    """Tell whether digits are dialled in ``region`` as a foreign number."""
    _code, _prefix, _parsing, exits, _general = _home(region)
    return bool(exits.match(digits))


def at_home(digits, region):
    """Return the international digits of a number as it is plainly dialled in
    ``region``.

    ``""`` for all that needs a closer look, which the library takes: exit codes,
    carriers' codes, the country's own code without a plus.
    """
    code, prefix, parsing, exits, general = _home(region)
    if exits.match(digits):
        return ""
    if prefix and digits.startswith(prefix):
        found = code + digits[len(prefix) :]
        return found if not general.fullmatch(digits) and is_valid(found) else ""
    if parsing is not None and parsing.match(digits):
        return ""
    return code + digits if is_valid(code + digits) else ""


# ------------------------------------------------------------- beginnings of numbers

# Stands for any digit that was not written, in patterns that are open for it.
_ANY = "x"
# Digits of the longest code by which a neighbour is dialled.
_NEIGHBOUR = 3
# One sign of a number in a pattern of the library; what is counted is none.
_SIGN = re.compile(r"\{[0-9,]+\}|\\d|\[[0-9-]+\]|[0-9]")


def _opened(pattern):
    """Return a pattern that takes :data:`_ANY` where it takes a digit.

    Each digit of a number is taken by one sign of the pattern: digits with enough of
    :data:`_ANY` behind them fit if any number that begins with them does.
    """

    def sign(found):
        text = found[0]
        if text.startswith("{"):
            return text
        return f"[{text.strip('[]')}{_ANY}]"

    return re.compile(_SIGN.sub(sign, pattern), re.ASCII)


@cache
def _opened_plan(region, code):
    """Return ``(leading digits, general form, forms, lengths)`` of a region's numbers,
    opened; ``None`` for one without any."""
    data = _metadata(region, code)
    if data is None:
        return None
    return (
        _opened(data.leading_digits or ""),
        _opened(data.general_desc.national_number_pattern or r"\d+"),
        _opened(_forms(data)),
        data.general_desc.possible_length,
    )


def regions_of(code):
    """Return the two-letter regions that share a country's code."""
    regions = _CODES.get(int(code), ()) if code else ()
    return tuple(one for one in regions if one != "001")


def _begins_in(national, region, code):
    plan = _opened_plan(region, code)
    if plan is None:
        return False
    leading, general, forms, lengths = plan
    for length in lengths:
        whole = national.ljust(length, _ANY)
        if leading.match(whole) and general.fullmatch(whole) and forms.fullmatch(whole):
            return True
    return False


@cache
def _opened_rules(code):
    rules = _ONE_PHONE.get(code, ())
    return tuple((_opened(pattern.pattern), new) for pattern, new in rules)


@lru_cache(maxsize=8192)
def begins(digits, region=None):
    """Tell whether any number begins with international ``digits``.

    :param str region: whether one of that region does; by default one of any country.
    """
    code, national = split(digits)
    if not code:
        # Perhaps the beginning of a country's code.
        return not region and any(str(one).startswith(digits) for one in _CODES)
    regions = _CODES[int(code)]
    if region:
        return region in regions and _begins_in(national, region, code)
    if any(_begins_in(national, one, code) for one in regions):
        return True
    if code in _WHOLE_RANGES and next(_rewritten(national, _opened_range(code)), None):
        return True
    return any(begins(one) for one in _rewritten(national, _opened_rules(code)))


@cache
def _opened_range(code):
    return ((_opened(_WHOLE_RANGES[code].pattern), code),)


def _rewritten(national, rules):
    """Yield the international beginnings that rules make of the beginning of a
    national number."""
    for rule, new in rules:
        for length in range(len(national), MAX_DIGITS + 1):
            if found := rule.fullmatch(national.ljust(length, _ANY)):
                yield found.expand(new).rstrip(_ANY)
                break


def begun_at_neighbour(digits, region):
    """Return what ``digits`` begin, where ``region`` dials its neighbour by a code of
    its own: a list of international beginnings."""
    if len(digits) <= _NEIGHBOUR:
        return []
    return list(_rewritten(digits, _opened_neighbours(region)))


@cache
def _opened_neighbours(region):
    rules = _NEIGHBOURS.get(region, ())
    return tuple((_opened(pattern.pattern), new) for pattern, new in rules)
