"""What strangers send to our addresses, byte by byte: refused, briefly and quietly."""

import contextlib
import re
import socket
import time
from urllib.parse import urlsplit

import log
import pytest
from posting import post, render, session

# More than a server has connections to its database.
SLOW_SENDERS = 80
KIB = 1024
HUGE = "1" + "0" * 30
ENDLESS = "9" * 5000
# Odoo's own: the access log, and what it says of each page that wants a login.
ONE_LINE = re.compile(r" werkzeug: | INFO \S+ odoo\.http: Session expired")
FORM = "Content-Type: application/x-www-form-urlencoded"
PARTS = "Content-Type: multipart/form-data; boundary=b"

# Names that a Python function may have for itself.
NAMES = ("self args kwargs cls dialect token recording_id download endpoint request "
         "params env context db debug lang __class__ csrf_token").split()  # fmt: skip
QUERIES = [
    *(f"?{name}=1" for name in NAMES),
    "?" + "&".join(f"a{i}=1" for i in range(5000)),
    "?zd_echo=%00",
    "?zd_echo=%ff",
    "?zd_echo[]=1",
    "?" + "%" * 20_000,
    "?%00=%00",
    "?=",
    "?" + "x" * 60_000,
]
PATHS = [
    *(f"/pbx/zadarma/{token}" for token in ("x", "%00", "%ff%fe", "x" * 60_000, "%2f",
      "..", "%0a", "%F0%9F%98%80", HUGE)),
    *(f"/pbx/{name}/x" for name in ("%00", "%ff", "d" * 9000, "__class__", "recording",
      "..%2f", "zadarma%00")),
    *(f"/pbx/recording/{id_}" for id_ in ("0", "-1", "1", HUGE, ENDLESS, "x", "%00",
      "%ff", "1e5", "%D9%A1", "1%0a", "+1", " 1".replace(" ", "%20"))),
    "/pbx", "/pbx/", "/pbx/zadarma", "/pbx/zadarma/", "/pbx/zadarma/x/y", "//pbx//x//y",
    "/pbx/recording", "/pbx/recording/", "/pbx/recording/1/2", "/pbx/%70/x?a",
]  # fmt: skip
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "POST", "BREW"]
HEADERS = [
    *(f"Range: bytes={text}" for text in ("-0", "0-", f"{HUGE}-{HUGE}", f"-{HUGE}",
      "5-1", "x", "0-0," * 500, f"0-{ENDLESS}")),
    "Range: lines=0-1",
    f"If-Range: {HUGE}", "If-None-Match: *", "If-Modified-Since: nonsense",
    *(f"Cookie: session_id={text}" for text in ("x", "../../etc/passwd", "a" * 9000,
      "\xff")),
    *(f"Cookie: {text}" for text in ("=", ";;;", "\xff=\xff", "a" * 30_000)),
    *(f"Accept-Language: {text}" for text in ("x" * 9000, "en-\xff", "de_DE@euro", "*",
      "-", "en;q=nan", "zh-Hans-CN-x")),
    *(f"X-Odoo-Database: {text}" for text in ("nonsense", "postgres", "\xff", "a b'c",
      "x" * 9000)),
    *(f"X-Forwarded-{text}" for text in ("Host: \xff", "For: x", "Proto: x")),
    "Signature: \xff", "Signature: " + "s" * 60_000, "Authorization: \xff",
    "Origin: \xff", "Upgrade: websocket", "Expect: 100-continue", "User-Agent: \xff",
    "If-Match: " + "a," * 9000, "X-Empty:", "Accept: " + "a/b," * 9000,
]  # fmt: skip
HOSTS = ["", "[", "\xff", "a" * 9000, "a b", "x:99999999", ":", "[::1]:x", "é." * 500]


def body(text, *headers):
    content = text if isinstance(text, bytes) else text.encode("latin-1")
    return (*headers, f"Content-Length: {len(content)}"), content


BODIES = [
    *(body(f"event=NOTIFY_START&{name}=1", FORM) for name in NAMES),
    body("&".join(["event=X", *(f"a{i}=1" for i in range(90_000))]), FORM),
    body("event=X&a=" + "%" * 500 * KIB, FORM),
    body("event=X", FORM + "; charset=idna"),
    body("event=X", FORM + "; charset=zlib_codec"),
    body("event=X", FORM, "Content-Encoding: gzip"),
    body("event=X", "Content-Type: " + "a/b;" * 9000),
    body("event=X", "Content-Type: \xff"),
    body("event=X", "Content-Type: application/json"),
    body('{"params": 1}', "Content-Type: application/json"),
    body("--b\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--b--", PARTS),
    body("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", PARTS),
    body("--b\r\nx: " + '"a;a;' * 100 * KIB + "\r\n\r\nx\r\n--b--", PARTS),
    body("--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 3000, PARTS),
    body("--b--", PARTS),
    body("x", "Content-Type: multipart/form-data; boundary=" + "b" * 9000),
    (("Content-Length: -1", FORM), b"event=X"),
    (("Content-Length: x", FORM), b"event=X"),
    ((f"Content-Length: {HUGE}", FORM), b""),
    (("Content-Length: 99", FORM), b"event=X"),
    (("Transfer-Encoding: chunked", FORM), b"7\r\nevent=X\r\n0\r\n\r\n"),
    (("Transfer-Encoding: chunked", FORM), b"nonsense\r\nevent=X\r\n0\r\n\r\n"),
    (("Transfer-Encoding: chunked", FORM), b"-1\r\nevent=X\r\n0\r\n\r\n"),
    (("Transfer-Encoding: chunked", FORM), b"7\r\nevent=X"),
    (("Transfer-Encoding: chunked", FORM), b"7\r\nevent=XX\r\n0\r\n\r\n"),
    (("Transfer-Encoding: nonsense", FORM), b"event=X"),
]


def encode(text):
    return text.encode("latin-1", "replace")


class Stranger:
    """Speaks to a started server without a library that would know better."""

    def __init__(self, odoo):
        self.odoo = odoo
        parts = urlsplit(odoo.url)
        self.address = parts.hostname, parts.port
        self.host = parts.netloc

    def connect(self):
        return socket.create_connection(self.address, timeout=60)

    def head(self, method, path, headers, host=None):
        host = self.host if host is None else host
        lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host else [])]
        return encode("\r\n".join([*lines, *headers, "", ""]))

    def send(self, method, path, headers=(), content=b"", host=None):
        """Return the status of what is answered; 0: nothing is."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(self.head(method, path, headers, host) + content)
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while b"\r\n" not in answer and (more := connection.recv(KIB)):
                    answer += more
        found = re.match(rb"HTTP/1\.[01] ([0-9]{3})", answer)
        return int(found[1]) if found else 0

    def noise(self):
        """The lines of the server's log that are more than one for each request."""
        lines = self.odoo.log_text().splitlines()
        # The jobs of calls from before have their own say.
        lines = [line for line in lines if ".ir_cron: Job " not in line]
        return [line for line in lines if not ONE_LINE.search(line)]


@pytest.fixture(scope="module")
def stranger(odoo):
    return Stranger(odoo)


@pytest.fixture(scope="module")
def token(odoo):
    [[token]] = odoo.sql("select webhook_token from pbx_provider limit 1")
    return token


@pytest.fixture(scope="module")
def requests_of_strangers(token):
    """Each as ``(method, path, headers, content, host)``."""
    webhooks = "/pbx/zadarma/x", f"/pbx/zadarma/{token}"
    found = [(method, path, (), b"", None) for path in PATHS for method in METHODS[::7]]
    for path in (*webhooks, "/pbx/recording/1"):
        found += [(method, path, (), b"", None) for method in METHODS]
        found += [("GET", path + query, (), b"", None) for query in QUERIES]
    for path in (webhooks[1], "/pbx/recording/1"):
        found += [("GET", path, (header,), b"", None) for header in HEADERS]
        found += [("GET", path, (), b"", host) for host in HOSTS]
    return found + [("POST", path, *sent, None) for path in webhooks for sent in BODIES]


def test_bad_input_is_never_a_server_error(stranger, odoo, requests_of_strangers):
    rows = "select (select count(*) from pbx_event), (select count(*) from pbx_call)"
    before, kept = len(stranger.noise()), odoo.sql(rows)
    began = time.monotonic()
    wrong = {}
    for request in requests_of_strangers:
        status = stranger.send(*request)
        # 501: a method that HTTP servers do not have. 0: no HTTP at all.
        if status >= 500 and status != 501:
            wrong[str(request)[:200]] = status
    assert not wrong
    assert odoo.sql(rows) == kept
    noise = stranger.noise()[before:]
    assert not [line for line in noise if "Traceback" in line or " ERROR " in line]
    # One a minute for each kind of refusal, and each database named by a stranger.
    minutes = 1 + (time.monotonic() - began) // 60
    assert len(noise) < 60 * minutes, "\n".join(noise)


@pytest.fixture(scope="module")
def listener(odoo):
    """Somebody who may hear recordings, and one that there is."""
    admin = odoo.login("admin")
    client = session()
    page = client.get(f"{odoo.url}/web/login").text
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    form = {"login": "admin", "password": "admin", "csrf_token": csrf}
    assert client.post(f"{odoo.url}/web/login", data=form).status_code == 200
    assert admin.uid
    return client.cookies["session_id"]


def test_a_listener_s_bad_input_is_no_server_error(stranger, odoo, listener):
    cookie = f"Cookie: session_id={listener}"
    [[known]] = odoo.sql("select coalesce(min(id), 1) from pbx_recording")
    before = len(stranger.noise())
    paths = [path for path in PATHS if path.startswith("/pbx/recording")]
    wrong = {}
    for path, headers in (
        *((path, ()) for path in paths),
        *((f"/pbx/recording/{known}{query}", ()) for query in QUERIES),
        *(
            (f"/pbx/recording/{known}", (header,))
            for header in HEADERS
            if not header.startswith(("Cookie", "X-Odoo-Database", "Upgrade"))
        ),
    ):
        status = stranger.send("GET", path, (cookie, *headers))
        # 502, 503: no PBX answers here, which is said in so many words.
        if status >= 500 and status not in (502, 503):
            wrong[f"{path} {headers}"[:200]] = status
    assert not wrong
    noise = stranger.noise()[before:]
    assert not [line for line in noise if "Traceback" in line]


def test_slow_senders_keep_no_connection_from_others(stranger, odoo, admin, token):
    """They have as many of the server's threads as they like, but not its database."""
    [[secret]] = odoo.sql(
        "select api_secret from pbx_provider where webhook_token = %s", [token]
    )
    url = f"{odoo.url}/pbx/zadarma/{token}"
    head = stranger.head(
        "POST", f"/pbx/zadarma/{token}", (FORM, "Content-Length: 100000")
    )
    with contextlib.ExitStack() as opened:
        for _sender in range(SLOW_SENDERS):
            connection = opened.enter_context(stranger.connect())
            connection.sendall(head + b"event=")
        # All at once they may have used them up for a moment, each for its look-up.
        echo = f"/pbx/zadarma/{token}?zd_echo=x"
        log.until(lambda: stranger.send("GET", echo) == 200, 30, "an answer")
        events = render("answered", secret, caller="+442896496123")
        assert {post(url, event).status for event in events} == {200}
        with session() as client:
            assert client.get(f"{odoo.url}/web/login", timeout=30).status_code == 200
    log.run_job(admin, "ir_cron_apply_events")
    assert log.calls(admin, [("number", "=", "+442896496123")])
