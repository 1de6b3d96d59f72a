"""Numbers: formats times countries, who is withheld, and that no text breaks anything.

Numbers are from ranges kept for fiction where the country has one.
"""

from datetime import UTC, datetime

import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from telephony import numbers, plans

LONDON, PARIS, MOSCOW = "+442079460101", "+33199005501", "+74951234567"
WASHINGTON = "+12025550143"

# (E.164, country, how people of that country type it).
TYPED = [
    (
        LONDON,
        "GB",
        """020 7946 0101|(020) 7946 0101|020-7946-0101|020.7946.0101|02079460101
        |(0)20 7946 0101|020 7946 0101 ext. 12|020 7946 0101 ext12|020 7946 0101 x12
        |020 7946 0101 #12|020 7946 0101;ext=12|٠٢٠ ٧٩٤٦ ٠١٠١|０２０ ７９４６ ０１０１
        |tel: 020 7946 0101|442079460101|44 20 7946 0101""",
    ),
    (PARIS, "FR", "01 99 00 55 01|01.99.00.55.01|0199005501|(01) 99 00 55 01"),
    ("+4930901820", "DE", "030 901820|030/901820|(030) 901820|030 90 18-20"),
    ("+493012345", "DE", "030-12345|030 12345|030/12345"),
    (
        MOSCOW,
        "RU",
        """8 (495) 123-45-67|84951234567|8-495-123-45-67|495 123 45 67|7 495 123 45 67
        |8 (495) 123-45-67 доб. 12|8 (495) 123-45-67, доб. 12|(495) 123-45-67
        |8 495 123-45-67 (доб. 12)|+7 (495) 123-45-67""",
    ),
    (
        WASHINGTON,
        "US",
        """(202) 555-0143|202-555-0143|202.555.0143|2025550143|1-202-555-0143
        |12025550143""",
    ),
    ("+390669812345", "IT", "06 6981 2345|06/69812345|0669812345"),
    ("+3612345678", "HU", "06 1 234 5678|(06-1) 234-5678|1 234 5678"),
    ("+37052101234", "LT", "8 5 210 1234|(8-5) 210 1234"),
    ("+20227351234", "EG", "02 27351234|٠٢ ٢٧٣٥١٢٣٤|(02) 2735-1234"),
    ("+81312345678", "JP", "03-1234-5678|０３－１２３４－５６７８|(03)1234-5678"),
    # Short numbering plans: what looks like 123456-100 is a number there.
    ("+50622123456", "CR", "2212-3456|2212 3456|22123456"),
    ("+85221234567", "HK", "2123-4567|2123 4567"),
    ("+3545512345", "IS", "551-2345|551 2345|5512345"),
]
STYLES = [
    (e164, country, style.strip())
    for e164, country, styles in TYPED
    for style in styles.split("|")
]
# The same in every country: written internationally.
INTERNATIONAL = [
    style.strip()
    for style in """{plus}|＋{digits}|00{digits}|00 {digits}
        |(+{cc}) {rest}|+{cc} (0) {rest}|+{cc} (0){rest}|+{cc}.{rest}|+{cc}-{rest}
        |(00{cc}){rest}|{plus} ext. 12|{plus} x12|{plus};ext=12|{plus}#12""".split("|")
]


def internationally(e164):
    parsed = phonenumbers.parse(e164)
    rest = phonenumbers.national_significant_number(parsed)
    parts = {"plus": e164, "digits": e164[1:], "cc": parsed.country_code, "rest": rest}
    for style in INTERNATIONAL:
        # In Italy the zero is part of the number, nobody puts one in brackets.
        if "(0)" not in style or not rest.startswith("0"):
            yield style.format(**parts)
    yield e164 + "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize("e164, country, typed", STYLES)
def test_a_number_typed_in_its_own_country_is_read(e164, country, typed):
    assert numbers.to_e164(typed, country) == e164
    assert numbers.to_e164(typed, country.lower()) == e164
    assert numbers.same_number(e164, typed, own=country)
    assert numbers.same_number(e164, typed, defaults=("XX", country))
    assert numbers.same_number(e164, typed)


@pytest.mark.parametrize("e164", [row[0] for row in TYPED])
@pytest.mark.parametrize("country", ["GB", "US", "RU", "IT", "DE", None])
def test_a_number_typed_internationally_is_read_anywhere(e164, country):
    for typed in internationally(e164):
        assert numbers.to_e164(typed, country) == e164, typed
        assert numbers.same_number(e164, typed, own=country), typed


@pytest.mark.parametrize("e164", [row[0] for row in TYPED])
def test_what_the_pbx_tells_has_no_country(e164):
    plain = e164[1:]
    for told in (e164, plain, "00" + plain, f" {e164} ", f"sip:{plain}@pbx.example"):
        assert numbers.from_pbx(told) == e164


@pytest.mark.parametrize("e164, _country, typed", STYLES)
def test_the_tail_of_a_typed_number_is_that_of_the_call(e164, _country, typed):
    assert numbers.tail(typed) == numbers.tail(e164)


@pytest.mark.parametrize("e164", [row[0] for row in TYPED])
def test_the_tail_of_an_internationally_typed_number(e164):
    for typed in internationally(e164):
        assert numbers.tail(typed) == e164[-numbers.TAIL_DIGITS :], typed


def test_text_before_a_number_does_not_hide_its_tail():
    assert numbers.tail("Fax: 020 7946 0101") == "9460101"
    assert numbers.tail("") == numbers.tail(None) == numbers.tail("12345") == ""


@pytest.mark.parametrize(
    "told, short",
    [
        ("100", "100"),
        ("123456-100", "100"),
        (" 100 ", "100"),
        ("12345-99", "99"),
        ("12345", "12345"),
        ("123456", ""),
        ("0", ""),
        ("000", ""),
        ("123456-0", ""),
        ("+100", ""),
        ("100a", ""),
        ("-100", ""),
        ("", ""),
        (None, ""),
        ("442079460101", ""),
        ("+442079460101", ""),
        ("anonymous", ""),
        ("١٠٠", "100"),
    ],
)
def test_extensions(told, short):
    assert numbers.extension(told) == short
    assert numbers.is_extension(told) is bool(short)
    if short:
        assert numbers.from_pbx(told) == short
        assert numbers.to_e164(told, "GB") == ""


def test_an_extension_matches_nobody():
    for own in ("GB", None):
        assert not numbers.same_number("100", "100", own)
        assert not numbers.same_number("100", "+44 20 7946 0100", own)
        assert not numbers.same_number("+44100", "100", own)


WITHHELD = [None, "", " ", "0", "00", "000", "-", "+", "?"]
WITHHELD += ["anonymous", "Anonymous", "unknown", "private", "unavailable", "скрыт"]
WITHHELD += ["anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid"]


@pytest.mark.parametrize("told", WITHHELD)
def test_a_withheld_caller_is_no_number_and_matches_nobody(told):
    assert numbers.from_pbx(told) == ""
    assert numbers.to_e164(told, "GB") == numbers.to_e164(told) == ""
    assert numbers.tail(told) == numbers.readable("") == numbers.country_of("") == ""
    for typed in ("", "0", "anonymous", LONDON, told):
        assert not numbers.same_number(numbers.from_pbx(told), typed, "GB")
    assert not numbers.same_number(LONDON, told, "GB")


@pytest.mark.parametrize("told", ["anonymous123456", "user 442079460101", "x100"])
def test_a_name_with_digits_in_it_is_no_number_of_a_pbx(told):
    assert numbers.from_pbx(told) == ""


@pytest.mark.parametrize(
    "told",
    [
        "999999999999",
        "+999123456789",
        "+44000000000",
        "442000000000000",
        "+1555",
        "00999123456789",
        "12345678901234567890",
        "+7999",
        "+12025550143000",
    ],
)
def test_a_number_that_no_plan_knows_is_kept_and_is_itself(told):
    number = numbers.from_pbx(told)
    assert number.lstrip("+") == numbers.digits(told).removeprefix("00")
    assert numbers.from_pbx(number) == number
    if number.startswith("+"):
        assert numbers.same_number(number, number, own="GB")
    assert not numbers.same_number(number, told[:-1] + "8")


@pytest.mark.parametrize(
    "number, typed, own, defaults",
    [
        # Both end in 460101 or more (lesson 12).
        ("+12029460101", "020 7946 0101", "GB", ()),
        (LONDON, "(202) 946-0101", "US", ()),
        (LONDON, "+1 202 946 0101", None, ("GB",)),
        (LONDON, "001 202 946 0101", "GB", ()),
        ("+33279460101", "020 7946 0101", "GB", ("FR",)),
        ("+33279460101", "020 7946 0101", None, ("GB", "FR")),
        # What is a number at home is not tried as one of the next country.
        ("+4330901820", "030 901820", None, ("DE", "AT")),
        # Its country is known, so no default is tried.
        (LONDON, "020 7946 0101", "IE", ("GB",)),
        (LONDON, "020 7946 0102", "GB", ()),
    ],
)
def test_equal_last_digits_are_not_the_same_number(number, typed, own, defaults):
    assert not numbers.same_number(number, typed, own, defaults)


EXAMPLES = [
    example
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (example := phonenumbers.example_number(region))
    # Where a whole number has five digits it cannot be told from an extension.
    and example.national_number >= 10**numbers.EXTENSION_DIGITS
]


@settings(max_examples=300)
@given(data=st.data(), one=st.sampled_from(EXAMPLES), other=st.sampled_from(EXAMPLES))
def test_never_the_same_across_countries(data, one, other):
    assume(one.country_code != other.country_code)
    tail = str(one.national_number)[-numbers.TAIL_DIGITS :]
    # A number of the other country that ends as this one does.
    head = str(other.national_number)[: -len(tail)]
    number = f"+{other.country_code}{head}{tail}"
    form = data.draw(st.sampled_from(["INTERNATIONAL", "NATIONAL", "E164"]))
    typed = phonenumbers.format_number(
        one, getattr(phonenumbers.PhoneNumberFormat, form)
    )
    # Without the plus and without a country the very digits may be meant.
    assume(numbers.digits(typed) != number[1:])
    own = phonenumbers.region_code_for_number(one)
    assume(own is not None)
    assert not numbers.same_number(number, typed, own)
    assert not numbers.same_number(number, typed, None, (own,))


@given(number=st.sampled_from(EXAMPLES))
def test_every_country_s_own_way_of_writing(number):
    e164, international, national = (
        phonenumbers.format_number(number, form) for form in (0, 1, 2)
    )
    own = phonenumbers.region_code_for_number(number)
    known = numbers.canonical(e164)
    for typed in (e164, international, national):
        assert numbers.to_e164(typed, own) == known
        assert numbers.same_number(e164, typed, own)
    assert numbers.from_pbx(e164[1:]) == numbers.from_pbx("00" + e164[1:]) == known
    assert numbers.country_of(e164) == own
    assert numbers.to_e164(numbers.readable(known)) == known


TEXTS = st.one_of(
    st.none(),
    st.text(),
    st.text(st.characters(codec=None), max_size=30),
    st.text("0123456789+-() .,;#*x", max_size=40),
    st.from_regex(r"[+0]*\d{1,20}(-\d{1,6})?", fullmatch=True),
)
COUNTRIES = st.one_of(st.none(), st.sampled_from(["GB", "us", "XX", "", "1"]))


@settings(max_examples=200)
@given(text=TEXTS, other=TEXTS, country=COUNTRIES)
def test_no_text_makes_anything_raise(text, other, country):
    short = numbers.extension(text)
    assert short == "" or (short.isascii() and short.isdigit() and len(short) <= 5)
    told = numbers.from_pbx(text)
    assert told == "" or told.removeprefix("+").isascii()
    kept = numbers.is_feature_code(told)
    assert told == "" or told.removeprefix("+").isdigit() or kept
    typed = numbers.to_e164(text, country)
    assert typed == "" or (typed.startswith("+") and typed[1:].isdigit())
    assert len(numbers.tail(text)) in (0, numbers.TAIL_DIGITS)
    assert numbers.digits(text).isdigit() or not numbers.digits(text)
    assert numbers.readable(text) or not text
    assert isinstance(numbers.country_of(text), str)
    assert isinstance(numbers.zone_of(text, datetime.now(UTC)), str)
    for number in (text, told):
        answer = numbers.same_number(number, other, country, (country, "GB"))
        assert answer in (True, False)
    if told.startswith("+") and plans.is_valid(told[1:]):
        assert numbers.same_number(told, told, country)
