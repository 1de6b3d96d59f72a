"""What strangers may post: always a refusal, quickly, and nothing is opened for it.

``HYPOTHESIS_PROFILE=hostile`` tries 20,000 documents instead of some hundred.
"""

import contextlib
import ctypes
import json
import os
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from beeline_bodies import ACCOUNT, BEELINE, CALL, LATE, URL, Leg, post
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.beeline import xml
from telephony.beeline.notification import NAMESPACE
from telephony.dialect import Delivery, Refused

USUAL = Leg().begun().text()
HEAD, TAIL = USUAL.partition("<xsi:eventID>")[0], "</xsi:Event>"
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n'
INNER = USUAL.removeprefix(HEAD).removesuffix(TAIL)
BARE = HEAD.removeprefix(DECLARED)
MANY = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "hostile" else 300
# What reaches outside the process, or reads a file.
REACHING = ("open", "os.", "socket.", "urllib.", "subprocess.", "shutil.", "glob.")
# Only while it is set, and in this thread.
_watched = threading.local()


def _note(event, arguments):
    seen = getattr(_watched, "seen", None)
    if seen is not None and event.startswith(REACHING):
        seen.append((event, arguments))


# It stays for the rest of the process, and does nothing unless it is wanted.
sys.addaudithook(_note)


@contextmanager
def nothing_opened():
    _watched.seen = []
    try:
        yield
    finally:
        seen, _watched.seen = _watched.seen, None
    assert seen == []


def outcome(body, kind="application/xml; charset=UTF-8"):
    """Return the status of a refusal, 0 for what is taken; anything else is a crash."""
    with nothing_opened():
        try:
            delivery = BEELINE.check(post(body, kind), ACCOUNT)
        except Refused as refused:
            assert 400 <= refused.status < 500
            return refused.status
    assert isinstance(delivery, Delivery)
    return 0


def with_type(declared):
    return f"{DECLARED}{declared}\n{BARE}{INNER}{TAIL}"


LAUGHS = "".join(
    f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10)
)  # fmt: skip
BILLION = f'<!DOCTYPE e [<!ENTITY lol0 "lol">{LAUGHS}]>'
EXTERNAL = '<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
REMOTE = '<!DOCTYPE e [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'
PARAMETER = '<!DOCTYPE e [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>'
QUADRATIC = f'<!DOCTYPE e [<!ENTITY a "{"a" * 30_000}">]>'
XINCLUDE = (
    '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" '
    'parse="text"/>'
)


def using(declared, entity="&x;"):
    return with_type(declared).replace("Main line", entity)


REFUSED = {
    "billion laughs": using(BILLION, "&lol9;"),
    "billion laughs, not used": with_type(BILLION),
    "quadratic": using(QUADRATIC, "&a;" * 100),
    "external entity": using(EXTERNAL),
    "remote entity": using(REMOTE),
    "parameter entity": with_type(PARAMETER),
    "external document type": with_type('<!DOCTYPE e SYSTEM "http://127.0.0.1:9/d">'),
    "public document type": with_type('<!DOCTYPE e PUBLIC "-//x" "file:///dev/zero">'),
    "empty document type": with_type("<!DOCTYPE Event>"),
    "after a comment": with_type("<!-- harmless -->\n<!DOCTYPE e>"),
    "after an instruction": with_type("<?pi x?><!DOCTYPE e>"),
    "in a comment": with_type("<!-- <!DOCTYPE e> -->"),
    "in a text": USUAL.replace("Main line", "<![CDATA[<!DOCTYPE e>]]>"),
    "an entity in a text": USUAL.replace("Main line", "<![CDATA[<!ENTITY x 'y'>]]>"),
    "in small letters": with_type("<!doctype e>"),
    "with a blank": with_type("<! DOCTYPE e>"),
    "undeclared entity": USUAL.replace("Main line", "&nbsp;"),
    "attribute of an entity": with_type(EXTERNAL).replace("xsi1:type=", 'a="&x;" b='),
    "twice the root": USUAL + "<Event/>",
    "two declarations": DECLARED + USUAL,
    "text before": "x" + USUAL,
    "text behind": USUAL + "x",
    "not closed": USUAL.removesuffix(TAIL),
    "wrongly closed": USUAL.replace("</xsi:state>", "</xsi:State>"),
    "cut off": USUAL[: len(USUAL) // 2],
    "attribute twice": USUAL.replace("<xsi:call>", '<xsi:call a="1" a="2">'),
    "bare ampersand": USUAL.replace("Main line", "A & B"),
    "control character": USUAL.replace("Main line", "\x01"),
    "forbidden reference": USUAL.replace("Main line", "&#0;"),
    "half of a pair": USUAL.replace("Main line", "&#xD800;"),
    "far too large a reference": USUAL.replace("Main line", f"&#{'9' * 3000};"),
    "CDATA in CDATA": USUAL.replace("Main line", "<![CDATA[<![CDATA[]]>]]>"),
    "NUL": USUAL.replace("Main line", "\0"),
    "empty": "",
    "blank": "   ",
    "only a declaration": DECLARED,
    "another root": f"<Evil>{INNER}</Evil>",
    "a call as the root": USUAL.replace("xsi:Event ", "xsi:Events ").replace(
        TAIL, "</xsi:Events>"
    ),
    "JSON": '{"Event": {}}',
    "HTML": "<!DOCTYPE html><html><body>Event</body></html>",
    "deep": HEAD + "<a>" * 21_000,
    "deep and closed": HEAD + "<a>" * 9_000 + "</a>" * 9_000 + TAIL,
    "deeper than it may be": HEAD + "<a>" * 40 + "</a>" * 40 + TAIL,
    "wide": HEAD + "<a/>" * 15_000 + TAIL,
    "one too many": HEAD + "<a/>" * 2000 + TAIL,
    "long name": HEAD + f"<{'a' * 55_000}/>" + TAIL,
    "a million deep": "<a>" * 1_000_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    assert outcome(REFUSED[name]) == (413 if name == "a million deep" else 400)


TAKEN = {
    "as usual": USUAL,
    "comments": USUAL.replace("<xsi:call>", "<xsi:call>" + "<!-- x -->" * 3000),
    "instructions": USUAL.replace("<xsi:call>", "<xsi:call>" + "<?x y?>" * 3000),
    "style sheet": DECLARED + '<?xml-stylesheet href="http://127.0.0.1:9/"?>' + BARE
    + INNER + TAIL,
    "XInclude": USUAL.replace("<xsi:eventData", XINCLUDE + "<xsi:eventData"),
    "a schema elsewhere": USUAL.replace(
        "<xsi:Event ", '<xsi:Event xsi1:schemaLocation="u http://127.0.0.1:9/s.xsd" '
    ),
    "many attributes": USUAL.replace(
        "<xsi:call>", "<xsi:call %s>" % " ".join(f"a{n:x}=''" for n in range(6000))
    ),
    "many namespaces": USUAL.replace(
        "<xsi:call>",
        "<xsi:call %s>" % " ".join(f"xmlns:a{n:x}='urn:{n}'" for n in range(2500)),
    ),
    "namespaces bound anew": USUAL.replace(
        "<xsi:eventData",
        "".join(f'<a xmlns="urn:{n}" xmlns:xsi="urn:x{n}">' for n in range(38))
        + "</a>" * 38 + "<xsi:eventData",
    ),
    "references": USUAL.replace("Main line", "&#65;" * 900),
    "CDATA": USUAL.replace("Main line", "<![CDATA[Main line]]>"),
    "CDATA pieces": USUAL.replace("Main line", "<![CDATA[]]>" * 4000),
    "a long attribute": USUAL.replace("<xsi:call>", f'<xsi:call a="{"b" * 55_000}">'),
    "a long text that is not read": USUAL.replace(
        "<xsi:eventData", f"<xsi:other>{'x' * 55_000}</xsi:other><xsi:eventData"
    ),
    "as deep as it may be": USUAL.replace(
        "<xsi:eventData", "<a>" * 39 + "</a>" * 39 + "<xsi:eventData"
    ),
    "many elements": USUAL.replace("<xsi:eventData", "<a/>" * 1900 + "<xsi:eventData"),
    "blanks": USUAL + " " * 50_000,
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name):
    assert outcome(TAKEN[name]) == 0
    assert BEELINE.check(post(TAKEN[name]), ACCOUNT).ref == CALL


@pytest.mark.parametrize("declared", [BILLION, EXTERNAL, "<!DOCTYPE e>"])
@pytest.mark.parametrize(
    "encoding",
    ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "utf-8-sig", "cp037",
     "iso-2022-jp", "hz", "shift_jis"],
)  # fmt: skip
@pytest.mark.parametrize("tells", ["declared", "charset", "neither"])
def test_no_encoding_hides_a_document_type(declared, encoding, tells):
    name = encoding.removesuffix("-sig")
    text = with_type(declared)
    text = text.replace("UTF-8", name if tells == "declared" else "UTF-8", 1)
    if tells == "neither":
        text = text.replace(' encoding="UTF-8"', "")
    kind = "text/xml" + (f"; charset={name}" if tells == "charset" else "")
    assert outcome(text.encode(encoding), kind) == 400


@pytest.mark.parametrize(
    "encoding", ["x-unknown", "utf-32", "utf-7", "ucs-4", "cp037", "idna", "base64",
                 "rot13", "../../x", "unicode_escape", "x" * 30, "UTF-8 "],
)  # fmt: skip
@pytest.mark.parametrize("place", ["declared", "charset"])
def test_unknown_encodings(encoding, place):
    if place == "declared":
        assert outcome(USUAL.replace("UTF-8", encoding, 1)) == 400
    elif encoding.strip().lower() != "utf-8":
        assert outcome(USUAL, f"application/xml; charset={encoding}") == 400


def test_bytes_that_are_no_text():
    for body in (
        *(b"\xff", b"\xfe\xff\xd8\x00", b"\xff\xfe<", b"\x00\x00\xfe\xff"),
        *(b"\xef\xbb\xbf", b"<\0", b"\0<"),
        USUAL.encode().replace(b"Main", b"\xe0\x80\x80"),
        USUAL.encode("utf-16")[:-1],
    ):
        assert outcome(body) == 400


DOCUMENT_TYPES = (
    *("<!DOCTYPE e>", '<!DOCTYPE e SYSTEM "{}">', '<!DOCTYPE e PUBLIC "x" "{}">'),
    '<!DOCTYPE e [<!ENTITY x SYSTEM "{}">]>',
    '<!DOCTYPE e [<!ENTITY % p SYSTEM "{}"> %p;]>',
    BILLION,
)


@pytest.mark.parametrize("declared", DOCUMENT_TYPES)
def test_the_parser_alone_would_open_nothing_either(declared, canary):
    """Should the scan of the text ever miss one."""
    for place in (canary.path, f"file://{canary.path}", canary.url):
        text = using(declared.replace("{}", str(place)))
        with nothing_opened(), pytest.raises(Refused):
            xml.parse(text, "Event", NAMESPACE)
        text = USUAL.replace("<xsi:eventData", XINCLUDE + "<xsi:eventData")
        xml.parse(text.replace("file:///etc/passwd", str(place)), "Event", NAMESPACE)
        assert outcome(using(declared.replace("{}", str(place)))) == 400
    assert canary.touched() == []


def test_the_canary_itself(canary):
    canary.path.read_bytes()
    with socket.create_connection(("127.0.0.1", canary.port)):
        assert canary.touched() == ["file", "address"]


class Canary:
    """A file and an address of which nobody may take notice.

    A parser in C opens files without Python being told: the kernel is asked.
    """

    IN_OPEN, IN_NONBLOCK = 0x20, os.O_NONBLOCK

    def __init__(self, path):
        self.path = path
        path.write_text("<secret/>")
        libc = ctypes.CDLL(None, use_errno=True)
        self._watching = libc.inotify_init1(self.IN_NONBLOCK)
        assert libc.inotify_add_watch(
            self._watching, os.fsencode(path), self.IN_OPEN
        ) > 0  # fmt: skip
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/dtd"

    def touched(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            os.read(self._watching, 4096)
            found.append("file")
        with contextlib.suppress(BlockingIOError):
            self._listening.accept()[0].close()
            found.append("address")
        return found

    def close(self):
        os.close(self._watching)
        self._listening.close()


@pytest.fixture
def canary(tmp_path):
    found = Canary(tmp_path / "canary.xml")
    yield found
    found.close()


# ------------------------------------------------------------------- made-up documents

PIECES = (
    "<", ">", "/>", "</", "=", '"', "'", "&", ";", "&#", "&#x", "&amp;", "&x;", "%x;",
    "<!", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<?xml ", "<?xml?>",
    "<!DOCTYPE", "<!ENTITY", "<!ELEMENT", "[", "]", "SYSTEM ", "PUBLIC ", "\0", "\r",
    "\n", "\t", " ", "xmlns", "xmlns:", "xsi:", "xml:", "xml:space", "Event", "call",
    "<Event>", "</Event>", "<a>", "</a>", "<a/>", "<xsi:call>", "</xsi:call>",
    "encoding=", "version=", "1.0", "1.1", "UTF-16", "standalone='yes'", "\ufeff",
    "\ufffe", "\u0085", "\u2028", "é", "😀", "type", "file:///etc/passwd", "http://x/",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "utf-7")
KINDS = (
    *("text/xml", "text/xml; charset=", 'text/xml;charset="'),
    *("application/xml; charset=UTF-8", "application/xml; charset=utf-16"),
    "text/xml; charset=windows-1251",
)

pieces = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25)


@st.composite
def hostile(draw):
    """A body: something made up, or a usual document with a piece of it in it."""
    text = "".join(draw(pieces))
    how = draw(st.integers(0, 5))
    if how == 1:
        place = draw(st.integers(0, len(USUAL)))
        text = USUAL[:place] + text + USUAL[place:]
    elif how == 2:
        begin = draw(st.integers(0, len(USUAL)))
        length = draw(st.integers(0, 80))
        text = USUAL[:begin] + text + USUAL[begin + length :]
    elif how == 3:
        text = text * draw(st.integers(1, 400))
    elif how == 4:
        text = HEAD + text * draw(st.integers(1, 60)) + INNER + TAIL
    if how == 5:
        return draw(st.binary(max_size=200))
    body = text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    if draw(st.integers(0, 3)) == 0 and body:
        place = draw(st.integers(0, len(body) - 1))
        body = body[:place] + draw(st.binary(max_size=3)) + body[place + 1 :]
    return body


@given(body=hostile(), kind=st.sampled_from(KINDS))
@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
def test_anything_is_refused_or_taken(body, kind):
    assert outcome(body, kind) in (0, 400, 403, 413)


@given(body=hostile(), kind=st.sampled_from(KINDS))
@settings(max_examples=MANY // 3, suppress_health_check=list(HealthCheck))
def test_what_is_taken_can_be_read(body, kind):
    account = replace(ACCOUNT, options={"keep_log": True})
    try:
        delivery = BEELINE.check(post(body, kind), account)
    except Refused:
        return
    assert URL not in json.dumps(delivery.payload)
    for one in (delivery, *delivery.further):
        assert one.digest
        BEELINE.read(one, LATE, ACCOUNT)
