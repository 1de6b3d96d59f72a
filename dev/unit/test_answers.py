"""The API's answers, read: every form of a refusal, numbers without loss, links."""

import json
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from telephony import errors
from telephony.dialect import Account
from telephony.http import masking as mask
from telephony.http.answers import read_json
from telephony.http.answers import retry_after_seconds as pause
from telephony.zadarma import client
from telephony.zadarma.answers import understand


def refusal(status, message, **headers):
    data = {"status": "error", "message": message}
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    with pytest.raises(errors.PbxError) as caught:
        understand(status, CaseInsensitiveDict(headers), data)
    return caught.value


@pytest.mark.parametrize(
    "status, message, kind",
    [
        # Texts of the document and as seen live (protocol sheet 2.6, 3.2, 3.4, 3.7).
        (400, "Check phone's number", errors.BadParameter),
        (400, "Wrong parameters", errors.BadParameter),
        (404, "Wrong method name", errors.BadParameter),
        (400, 'Field "sip" could be only SIP or PBX number', errors.BadParameter),
        (401, "Auth error", errors.WrongKey),
        (401, "Not authorized", errors.WrongKey),
        (401, "", errors.WrongKey),
        (403, "Forbidden", errors.WrongKey),
        (400, "Not enough money", errors.NoMoney),
        (200, "Not enough money", errors.NoMoney),
        (400, "Requested file not found", errors.NotFound),
        (200, "Requested file not found", errors.NotFound),
        (429, "You exceeded the rate limit", errors.RateLimited),
        (200, "You exceeded the rate limit by User Limits", errors.RateLimited),
        (400, "You exceeded the rate limit", errors.RateLimited),
        (401, "Your IP is not allowed", errors.AddressNotAllowed),
        (403, "IP-address 203.0.113.7 is not in the list", errors.AddressNotAllowed),
        (401, "Access from this address is denied", errors.AddressNotAllowed),
        (500, "Internal Server Error", errors.Unreachable),
        (503, "", errors.Unreachable),
    ],
)
def test_a_refusal_is_told_apart(status, message, kind):
    error = refusal(status, message)
    assert type(error) is kind
    if message and status < 500:
        assert error.detail == message


@pytest.mark.parametrize(
    "status, data, kind",
    [
        (200, None, errors.BadAnswer),
        (200, [], errors.BadAnswer),
        (200, "OK", errors.BadAnswer),
        (404, None, errors.BadAnswer),
        (302, None, errors.BadAnswer),
        (403, None, errors.AddressNotAllowed),
        (429, None, errors.RateLimited),
        (502, None, errors.Unreachable),
        (302, {"status": "success"}, errors.BadParameter),
        (400, {"status": "success"}, errors.BadParameter),
        (400, {"status": "error", "message": ["a", {"b": 1}]}, errors.BadParameter),
        (400, {"status": "error", "data": {"phone": "wrong"}}, errors.BadParameter),
    ],
)
def test_other_answers(status, data, kind):
    with pytest.raises(kind) as caught:
        understand(status, CaseInsensitiveDict(), data)
    assert isinstance(caught.value.detail, str)


def test_a_success_is_itself():
    for data in ({"status": "success", "x": 1}, {"no": "status"}):
        assert understand(200, {}, data) is data


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({}, 60),
        ({"Retry-After": "17"}, 17),
        ({"retry-after": " 17 "}, 17),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "99999999"}, 3600),
        ({"Retry-After": "-3"}, 60),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": "٣"}, 60),
        ({"X-RateLimit-Reset": "12"}, 12),
        ({"X-RateLimit-Reset": "0"}, 60),
        ({"X-RateLimit-Reset": "99999999999"}, 60),
        ({"Retry-After": "5", "X-RateLimit-Reset": "12"}, 5),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert pause(CaseInsensitiveDict(headers)) == seconds


def test_a_date_is_read_by_the_clock_of_the_pbx():
    # Ours is wrong by a day.
    now = time.time() + 86_400
    headers = {
        "Date": formatdate(now, usegmt=True),
        "Retry-After": formatdate(now + 90, usegmt=True),
    }
    assert pause(CaseInsensitiveDict(headers)) == 90
    reset = {"Date": headers["Date"], "X-RateLimit-Reset": str(int(now) + 30)}
    assert 29 <= pause(CaseInsensitiveDict(reset)) <= 31
    past = {"Retry-After": formatdate(now - 999_999, usegmt=True)}
    assert pause(CaseInsensitiveDict(past)) == 1


@given(st.dictionaries(st.sampled_from(["Retry-After", "Date"]), st.text(max_size=40)))
def test_no_header_makes_it_trip(headers):
    assert 1 <= pause(CaseInsensitiveDict(headers)) <= 3600


@pytest.mark.parametrize(
    "written, read",
    [
        ("1779868800.123450", "1779868800.123450"),
        ("1779868800.1234567890123", "1779868800.1234567890123"),
        ("1.779868800123450E9", "1779868800.123450"),
        ("1.779868800123450e+9", "1779868800.123450"),
        ("10.30", "10.30"),
        ("1e999999999", "1e999999999"),
        ("17", 17),
        ("true", True),
    ],
)
def test_numbers_keep_every_digit(written, read):
    assert read_json(f'{{"call_id": {written}}}'.encode()) == {"call_id": read}


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"{", b"[" * 100_000, b"9" * 10_000, b"\xff", b"nul"]
)
def test_what_is_no_json_is_nothing(content):
    assert read_json(content) is None


@given(st.binary(max_size=60))
def test_no_bytes_make_it_trip(content):
    read_json(content)


@pytest.mark.parametrize(
    "server, link, taken",
    [
        ("https://api.zadarma.com", "https://api.zadarma.com/v1/a.mp3", True),
        ("https://api.zadarma.com/", "https://API.zadarma.com/v1/a.mp3", True),
        ("https://api.zadarma.com", "https://api.zadarma.com:443/v1/a.mp3", True),
        ("http://127.0.0.1:8070", "http://127.0.0.1:8070/a.mp3", True),
        ("http://api.example.com", "https://api.example.com/a.mp3", True),
        ("https://api.zadarma.com", "http://api.zadarma.com/a.mp3", False),
        ("https://api.zadarma.com", "https://api.zadarma.com:8443/a.mp3", False),
        ("https://api.zadarma.com", "https://api.zadarma.com.evil.net/a", False),
        ("https://api.zadarma.com", "https://api.zadarma.com@evil.net/a", False),
        ("https://api.zadarma.com", "https://x:y@api.zadarma.com/a", False),
        ("https://api.zadarma.com", "https://evil.net\\@api.zadarma.com/a", False),
        ("https://api.zadarma.com", "//api.zadarma.com/a", False),
        ("https://api.zadarma.com", "file:///etc/passwd", False),
        ("https://api.zadarma.com", "https://api.zadarma.com/a\r\nHost: b", False),
        ("https://api.zadarma.com", "https://[::1", False),
        ("http://127.0.0.1:8070", "http://127.0.0.1:22/", False),
        ("http://127.0.0.1:8070", "http://169.254.169.254/latest", False),
    ],
)
def test_a_recording_comes_from_the_pbx_alone(server, link, taken):
    for data in ({"link": link}, {"links": [link]}, {"link": "", "links": [link]}):
        if taken:
            assert client._link(server, data) == link
        else:
            with pytest.raises(errors.BadAnswer):
                client._link(server, data)


@pytest.mark.parametrize("data", [{}, {"link": None}, {"links": []}, {"link": ""}])
def test_no_link_is_not_found(data):
    with pytest.raises(errors.NotFound):
        client._link("https://api.zadarma.com", data)


class TestMask:
    ACCOUNT = Account(
        key="k3y/+=", secret="s3cr3t", webhook_url="https://crm.example.com/pbx/z/t0k3n"
    )

    @pytest.mark.parametrize(
        "text, shown",
        [
            ("k3y/+= and s3cr3t", "*** and ***"),
            ("k3y%2F%2B%3D", "***"),
            ("path /pbx/z/t0k3n?x", "path /pbx/z/***?x"),
            ("at https://a.example/b?c=d, then", "at *** then"),
            (r"at https:\/\/a.example\/b, then", "at *** then"),
            ("a\0b", "a b"),
            ("442079460201", "442079460201"),
        ],
    )
    def test_texts(self, text, shown):
        assert mask.clean(text, self.ACCOUNT) == shown

    def test_fields_at_any_depth(self):
        data = {"a": [{"Password": "x", "link": "y"}], "links": ["z"], "url": ""}
        told = mask.answered(data, b"", self.ACCOUNT)
        assert told == (
            '{"a": [{"Password": "***", "link": "***"}], "links": "***", "url": ""}'
        )

    def test_an_account_without_keys_hides_no_single_letters(self):
        assert mask.clean("all of it", Account(key="a", secret="")) == "all of it"


HALF = b"\\ud83d"


@pytest.mark.parametrize(
    "content, read",
    [
        (b'"Anna ' + HALF + b'"', "Anna \ufffd"),
        (b'"\\ude00 Anna"', "\ufffd Anna"),
        (b'"\\ude00\\ud83d"', "\ufffd\ufffd"),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b'"US\\u0000D"', "US\ufffdD"),
        (b'"US\0D"', "US\ufffdD"),
        (b'"one\ntwo\tthree"', "one\ntwo\tthree"),
        (b'"Gr\xfc\xdfe"', "Gr\ufffd\ufffde"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'\xef\xbb\xbf"x"', "x"),
        (
            b'{"' + HALF + b'": {"\\u0000": ["' + HALF + b'"]}}',
            {"\ufffd": {"\ufffd": ["\ufffd"]}},
        ),
        (b'{"a": {"b": [1, null, true, 1.50]}}', {"a": {"b": [1, None, True, "1.50"]}}),
        (b"[" * 3 + b"]" * 3, [[[]]]),
        (b"[" * 60 + b"]" * 60, None),
        (b"[" * 100_000, None),
        (b"1e0000099999999", "1e0000099999999"),
        (b"1.5e-00000000000000002", "0.015"),
    ],
)
def test_what_nothing_can_hold_is_replaced(content, read):
    assert read_json(content) == read


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_every_answer_can_be_stored(value):
    text = json.dumps(value, ensure_ascii=True).encode()
    kept = json.dumps(read_json(text), ensure_ascii=False)
    assert "\\u0000" not in kept and kept.encode()
