"""Forms that strangers post: read in linear time, or refused before they cost anything.

Nothing is proven before a form is read, so each of these costs us what it costs at all.
"""

import time

import pytest

from telephony.dialect import Refused, Request
from telephony.http import forms

MULTIPART = "multipart/form-data; boundary=b"
KIB = 1024
NAMED = b'Content-Disposition: form-data; name="x"'


def read(body, content_type=MULTIPART, **headers):
    headers = {"content-type": content_type, **headers}
    return forms.read_form(Request("POST", headers, {}, body))


def refused(body, content_type=MULTIPART, **headers):
    with pytest.raises(Refused) as caught:
        read(body, content_type, **headers)
    return caught.value.status


def part(content=b"v", head=NAMED):
    return b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + b"--b--\r\n"


def seconds(body, content_type):
    best = 60
    for _attempt in range(2):
        begun = time.process_time()
        try:
            read(body, content_type)
        except Refused:
            pass
        best = min(best, time.process_time() - begun)
    return best


def header(text):
    """A part one of whose headers repeats ``text`` up to a size."""
    return lambda size: form(part(head=NAMED + b"; x=" + text * (size // len(text))))


def content(text):
    return lambda size: form(part(text * (size // len(text))))


def plain(text):
    return lambda size: text * (size // len(text))


HOSTILE = {
    # 400 KiB of this took the standard library 34 seconds.
    "semicolons in quotes": (header(b'"a;a;a;'), MULTIPART),
    "semicolons": (header(b";"), MULTIPART),
    "parameters": (header(b";x=1"), MULTIPART),
    "quotes": (header(b'";x="'), MULTIPART),
    "backslashes": (header(b"\\"), MULTIPART),
    "escaped quotes": (header(b'\\";x="\\'), MULTIPART),
    "blanks in a header": (header(b" "), MULTIPART),
    "continued lines": (header(b"\r\n "), MULTIPART),
    "many headers": (header(b"\r\na:b"), MULTIPART),
    "nested parts": (
        plain(b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
        MULTIPART,
    ),
    "boundaries": (plain(b"--b\r\n"), MULTIPART),
    "boundaries with blanks": (plain(b"\r\n--b" + b" " * 500), MULTIPART),
    "nearly boundaries": (content(b"\r\n--"), MULTIPART),
    "line ends": (content(b"\r\n"), MULTIPART),
    "carriage returns": (content(b"\r"), MULTIPART),
    "no end of the headers": (plain(b"--b\r\nA: b\r\n"), MULTIPART),
    "a long boundary": (plain(b"x"), "multipart/form-data; boundary=" + "b" * 60_000),
    "a long content type": (plain(b"x"), 'multipart/form-data; x="' + "a;" * 30_000),
    "percent signs": (plain(b"%"), forms.URLENCODED),
    "escapes": (lambda size: b"event=" + b"%41" * (size // 3), forms.URLENCODED),
    "escapes of no UTF-8": (lambda n: b"event=" + b"%ff" * (n // 3), forms.URLENCODED),
    "letters and escapes": (
        lambda size: b"event=" + "é%41".encode() * (size // 5),
        forms.URLENCODED,
    ),
    "pluses": (plain(b"+"), forms.URLENCODED),
    "ampersands": (plain(b"&"), forms.URLENCODED),
    "equals": (plain(b"="), forms.URLENCODED),
    "a charset that is none": (plain(b"a"), f"{forms.URLENCODED}; charset=idna"),
    "a charset that unpacks": (plain(b"a"), f"{forms.URLENCODED}; charset=zlib_codec"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_as_long_takes_twice_as_long(name):
    """Squares would quadruple; less than 50 ms is not worth a measurement."""
    make, content_type = HOSTILE[name]
    once = seconds(make(250 * KIB), content_type)
    twice = seconds(make(500 * KIB), content_type)
    assert twice < 3 * once + 0.05
    assert twice < 5


class TestMultipart:
    @pytest.mark.parametrize(
        "body, fields",
        [
            (form(part()), [("x", "v")]),
            (form(part(b"")), [("x", "")]),
            (form(part(), part(b"w")), [("x", "v"), ("x", "w")]),
            (b"preamble\r\n" + form(part()) + b"epilogue", [("x", "v")]),
            (form(part()).replace(b"\r\n", b"\n"), [("x", "v")]),
            (form(part(b"a\r\n--bc\r\n--")), [("x", "a\r\n--bc\r\n--")]),
            (form(part(b"\r\n\r\n")), [("x", "\r\n\r\n")]),
            (
                form(part(head=b"CONTENT-disposition:Form-Data ;NAME=x;y=1")),
                [("x", "v")],
            ),
            (
                form(part(head=b'Content-Disposition: form-data;\r\n name="a\\"b;c"')),
                [('a"b;c', "v")],
            ),
            (
                form(part(head=NAMED + b"\r\nContent-Type: text/plain")),
                [("x", "v")],
            ),
        ],
    )
    def test_what_is_taken(self, body, fields):
        assert read(body) == fields

    def test_a_boundary_may_be_quoted(self):
        body = form(part()).replace(b"--b", b"--a b")
        assert read(body, 'multipart/form-data; boundary="a b"') == [("x", "v")]

    @pytest.mark.parametrize(
        "head",
        [
            b"Content-Disposition: form-data; name",
            b"Content-Disposition: form-data; name;",
            b"Content-Disposition: form-data",
            b"Content-Disposition: attachment; name=x",
            b"Content-Disposition:",
            b"Content-Type: text/plain",
            NAMED + b"\r\n" + NAMED,
            NAMED + b"\r\nContent-Type: multipart/mixed; boundary=b",
            NAMED + b"\r\nContent-Type: Message/RFC822",
            NAMED + b"\r\nContent-Transfer-Encoding: base64",
            NAMED + b"\r\nContent-Transfer-Encoding: quoted-printable",
            NAMED + b"\r\nX: " + b"a" * 8 * KIB,
            NAMED + b"\r\nX: \xff",
        ],
    )
    def test_headers_of_a_part_that_are_refused(self, head):
        assert refused(form(part(head=head))) == 400

    def test_headers_may_have_so_many_bytes_and_no_more(self):
        rest = forms.MAX_HEADER_BYTES - len(NAMED) - len(b"\r\nX: ")
        assert read(form(part(head=NAMED + b"\r\nX: " + b"a" * rest)))
        assert refused(form(part(head=NAMED + b"\r\nX: " + b"a" * (rest + 1)))) == 400

    def test_so_many_parts_and_no_more(self):
        assert len(read(form(*[part()] * forms.MAX_FIELDS))) == forms.MAX_FIELDS
        assert refused(form(*[part()] * (forms.MAX_FIELDS + 1))) == 400

    def test_no_part_is_looked_at_behind_the_last_one_that_is_taken(self, monkeypatch):
        split, looked_at = forms._split, []
        monkeypatch.setattr(forms, "_split", lambda p: looked_at.append(p) or split(p))
        assert refused(form(*[part()] * 3000)) == 400
        assert len(looked_at) == forms.MAX_FIELDS

    @pytest.mark.parametrize("body", [b"", part(), form(), b"--b--", b"--b\r\n--b--"])
    def test_a_form_without_an_end_or_without_parts(self, body):
        assert refused(body) == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x", "gzip, gzip"])
def test_a_compressed_body_is_not_unpacked(encoding):
    body = b"event=X"
    assert refused(body, forms.URLENCODED, **{"content-encoding": encoding}) == 415
    plain_header = {"content-encoding": " Identity "}
    assert read(body, forms.URLENCODED, **plain_header) == [("event", "X")]
