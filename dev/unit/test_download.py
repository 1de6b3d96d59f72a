"""Fetching a sound file: from real small servers that misbehave, and the fake PBX."""

import http.server
import io
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from fake_zadarma.running import running
from telephony import errors
from telephony.http import session
from telephony.http import sound as download
from telephony.http.hosts import is_same_server

MP3 = b"ID3\x03\0\0\0\0\0\0" + b"\xff\xfb\x90\x00" + b"s" * 5000
WAV = b"RIFF\x24\0\0\0WAVEfmt " + b"s" * 100
OGG = b"OggS\0\2" + b"s" * 100
LIMIT = 1024 * 1024


@contextmanager
def answering(answer):
    """Serve with ``answer(handler)``; yield the address and the requests' headers."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            self.close_connection = True
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client had enough

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serve = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serve.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def saying(body, mimetype="audio/mpeg", status=200, length=None, **headers):
    def answer(handler):
        handler.send_response(status)
        if mimetype:
            handler.send_header("Content-Type", mimetype)
        if length is not False:
            handler.send_header("Content-Length", str(length or len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def fetch(url, home=None, limit=LIMIT, **more):
    into = io.BytesIO()
    sound = download.fetch(url, home or url, into, limit, **more)
    assert len(into.getvalue()) == sound.size
    return sound, into.getvalue()


@pytest.mark.parametrize(
    ("body", "told", "mimetype"),
    [
        (MP3, "audio/mpeg", "audio/mpeg"),
        (MP3, "audio/mp3; charset=binary", "audio/mpeg"),
        (MP3[10:], "application/octet-stream", "audio/mpeg"),
        (WAV, "audio/x-wav", "audio/wav"),
        (OGG, "application/ogg", "audio/ogg"),
        # The bytes decide, not what the server takes them for.
        (WAV, "audio/mpeg", "audio/wav"),
        (MP3, "", "audio/mpeg"),
    ],
)
def test_sound_is_known_by_its_bytes(body, told, mimetype):
    with answering(saying(body, told)) as (url, _seen):
        sound, content = fetch(url)
    assert sound.mimetype == mimetype
    assert content == body


def test_nothing_secret_goes_along(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    def answer(handler):
        if handler.path == "/first":
            saying(b"", status=302, Location="/second", Set_Cookie="a=b")(handler)
        else:
            saying(MP3)(handler)

    with answering(answer) as (url, seen):
        fetch(f"{url}/first", url)
    assert [path for path, _headers in seen] == ["/first", "/second"]
    for _path, headers in seen:
        assert not {"Authorization", "Cookie"} & set(headers)


@pytest.mark.parametrize(
    ("body", "mimetype", "status", "error"),
    [
        (b"<html>502</html>", "text/html", 200, errors.BadAnswer),
        (b"<html>502</html>", "audio/mpeg", 200, errors.BadAnswer),
        # Sound that calls itself a page is not passed on as sound.
        (MP3, "text/html", 200, errors.BadAnswer),
        (
            b'{"status":"error","message":"x"}',
            "application/json",
            200,
            errors.BadAnswer,
        ),
        (
            b'{"status":"error","message":"Requested file not found"}',
            "application/json",
            200,
            errors.NotFound,
        ),
        (b"gone", "text/plain", 404, errors.NotFound),
        (b"gone", "text/plain", 410, errors.NotFound),
        (b"", "audio/mpeg", 200, errors.NotFound),
        (b"no", "text/plain", 403, errors.BadAnswer),
        (b"later", "text/plain", 503, errors.Unreachable),
        (b"much", "text/plain", 429, errors.RateLimited),
        (
            b'{"status":"error","message":"You exceeded the rate limit by User"}',
            "application/json",
            200,
            errors.RateLimited,
        ),
        (MP3, "audio/mpeg", 206, errors.BadAnswer),
    ],
)
def test_what_is_no_sound(body, mimetype, status, error):
    with answering(saying(body, mimetype, status)) as (url, _seen):
        with pytest.raises(error) as caught:
            fetch(url)
    assert url not in str(caught.value)


def test_a_pause_that_is_told_is_kept():
    with answering(saying(b"", status=429, Retry_After="7")) as (url, _seen):
        with pytest.raises(errors.RateLimited) as caught:
            fetch(url)
    assert caught.value.retry_after == 7


def test_redirects_stay_within_the_host():
    def answer(handler):
        step = int(handler.path.strip("/"))
        where = {**dict.fromkeys(range(10), f"/{step + 1}"), 50: evil, 60: evil_user}
        where[70] = "http://["
        if step in where:
            saying(b"", status=302, Location=where[step])(handler)
        else:
            saying(MP3)(handler)

    with answering(saying(MP3)) as (evil, reached), answering(answer) as (url, _seen):
        evil_user = url.replace("127.0.0.1", f"127.0.0.1@{evil[7:]}")
        assert fetch(f"{url}/7", url)[1] == MP3
        for path in ("6", "50", "60", "70"):
            with pytest.raises(errors.BadAnswer):
                fetch(f"{url}/{path}", url)
        assert not reached


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("http://pbx.example/a", "https://pbx.example"),
        ("https://pbx.example:8443/a", "https://pbx.example"),
        ("https://pbx.example.evil/a", "https://pbx.example"),
        ("https://user@pbx.example/a", "https://pbx.example"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("//pbx.example/a", "https://pbx.example"),
        ("https://pbx.example:port/a", "https://pbx.example"),
        ("", ""),
    ],
)
def test_elsewhere_is_not_asked(url, home):
    with pytest.raises(errors.BadAnswer):
        download.fetch(url, home, io.BytesIO(), LIMIT)


@pytest.mark.parametrize(
    ("url", "home", "same"),
    [
        ("https://pbx.example/a", "http://pbx.example", True),
        ("https://pbx.example/a", "http://pbx.example:8080", True),
        ("https://pbx.example:8080/a", "http://pbx.example:8080", True),
        ("http://pbx.example:8080/a", "http://pbx.example:8080/api", True),
        ("https://pbx.example:8443/a", "http://pbx.example", False),
        ("http://pbx.example/a", "https://pbx.example", False),
        ("http://pbx.example:443/a", "https://pbx.example", False),
        ("http://pbx.example:8080/a", "http://pbx.example", False),
        ("https://other.example/a", "http://pbx.example", False),
        ("https://sub.pbx.example/a", "http://pbx.example", False),
        ("https://PBX.Example./a", "https://pbx.example", True),
        ("https://pbx.example/a", "https://pbx.example.:443", True),
        ("https://pbx.example../a", "https://pbx.example", False),
        ("https://xn--bcher-kva.example/a", "https://bücher.example", True),
        ("https://BÜCHER.example/a", "http://xn--bcher-kva.example", True),
        # One library takes the two for one host, and the one that asks does not.
        ("https://faß.example/a", "https://fass.example", False),
        ("https://pbx。example/a", "https://pbx.example", True),
        ("https://pbx.example@evil.example/a", "https://pbx.example", False),
        ("https://pbx.example:x@pbx.example/a", "https://pbx.example", False),
        ("https://evil.example\\@pbx.example/a", "https://pbx.example", False),
        ("https://pbx.example\t/a", "https://pbx.example", False),
        ("https://pbx.example%2f/a", "https://pbx.example", False),
        ("https://pbx.example:0/a", "https://pbx.example", False),
        ("https://pbx.example:99999/a", "https://pbx.example", False),
        ("https:pbx.example/a", "https://pbx.example", False),
        ("https://[pbx.example/a", "https://pbx.example", False),
        ("ftp://pbx.example/a", "ftp://pbx.example", False),
        ("HTTPS://pbx.example/a", "https://pbx.example", True),
        # Inside the own network only where the PBX itself is there.
        ("http://127.0.0.1/a", "http://10.0.0.5", False),
        ("http://10.0.0.5/a", "http://10.0.0.5", True),
        ("http://2130706433/a", "http://127.0.0.1", False),
        ("http://[::1]:8080/a", "http://[::1]:8080", True),
        ("http://169.254.169.254/a", "https://pbx.example", False),
    ],
)
def test_one_rule_of_what_is_the_same_server(url, home, same):
    assert is_same_server(url, home) is same
    if not same:
        with pytest.raises(errors.BadAnswer):
            download.fetch(url, home, io.BytesIO(), LIMIT)


def test_what_has_become_secure_stays_so(monkeypatch):
    """The server is plain, the link secure: its redirect does not lead back."""
    asked = []

    @contextmanager
    def stream(_session, _method, url, **_how):
        asked.append(url)
        plain = {"Location": "http://pbx.example/b"}
        yield SimpleNamespace(status_code=302, headers=plain)

    monkeypatch.setattr(session, "stream", stream)
    with pytest.raises(errors.BadAnswer):
        download.fetch("https://pbx.example/a", "http://pbx.example", io.BytesIO(), 9)
    assert asked == ["https://pbx.example/a"]


def test_home_is_the_same_with_its_usual_port_and_any_path():
    download.check_home("https://PBX.example/v1/a.mp3", "https://pbx.example:443/api/")


def test_size_is_limited_as_told_and_as_counted():
    with answering(saying(MP3)) as (url, _seen):
        assert fetch(url, limit=len(MP3))
        with pytest.raises(errors.TooLarge):
            fetch(url, limit=len(MP3) - 1)

    with answering(saying(MP3, length=False)) as (url, _seen):
        with pytest.raises(errors.TooLarge):
            fetch(url, limit=len(MP3) - 1)


def test_a_cut_off_file_is_noticed():
    with answering(saying(MP3, length=len(MP3) + 1)) as (url, _seen):
        with pytest.raises(errors.Unreachable):
            fetch(url)

    def chunked(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "audio/mpeg")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"1000\r\n" + MP3[:200])

    with answering(chunked) as (url, _seen), pytest.raises(errors.Unreachable):
        fetch(url)


def test_a_slow_drip_ends():
    def drip(handler):
        saying(MP3[:20], length=len(MP3))(handler)
        for place in range(20, len(MP3)):
            handler.wfile.write(MP3[place : place + 1])
            time.sleep(0.05)

    with answering(drip) as (url, _seen):
        before = time.monotonic()
        with pytest.raises(errors.Unreachable):
            fetch(url, patience=0.5)
        assert time.monotonic() - before < 3


def test_a_slow_head_ends():
    """No library limits the head of an answer as a whole."""

    def drip(handler):
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)

    with answering(drip) as (url, _seen):
        before = time.monotonic()
        with pytest.raises(errors.Unreachable):
            fetch(url, patience=0.5)
        assert time.monotonic() - before < 3


def test_a_key_goes_to_its_own_server_alone():
    key = {"Authorization": "Basic secret"}

    def answer(handler):
        if handler.path == "/first":
            saying(b"", status=302, Location="/second")(handler)
        elif handler.path == "/away":
            saying(b"", status=302, Location=f"{evil}/a")(handler)
        else:
            saying(MP3)(handler)

    with answering(saying(MP3)) as (evil, reached), answering(answer) as (url, seen):
        fetch(f"{url}/first", url, headers=key)
        with pytest.raises(errors.BadAnswer):
            fetch(f"{url}/away", url, headers=key)
    assert [headers["Authorization"] for _path, headers in seen] == ["Basic secret"] * 3
    assert not reached


def test_silence_ends(monkeypatch):
    monkeypatch.setattr(session, "TIMEOUT_SECONDS", (0.5, 0.5))
    with answering(lambda _handler: time.sleep(2)) as (url, _seen):
        with pytest.raises(errors.Unreachable):
            fetch(url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/secret-link"
    with pytest.raises(errors.Unreachable) as caught:
        fetch(closed)
    # No cause either: a traceback would show the link.
    assert "secret-link" not in repr(caught.value) and caught.value.__cause__ is None


def test_an_encoded_answer_is_refused():
    with answering(saying(MP3, Content_Encoding="gzip")) as (url, _seen):
        with pytest.raises(errors.BadAnswer):
            fetch(url)


# ------------------------------------------------------------------- the fake PBX


@pytest.fixture(scope="module")
def server():
    with running() as server:
        yield server


@pytest.fixture
def link(server):
    server.reset()
    ready = server.fake.plan("answered", {"duration": 20})
    server.fake.play(ready)
    asked = {"call_id": ready.rows[0]["call_id"]}
    told = server.ask("GET", "/v1/pbx/record/request/", asked).json()
    return told.get("link") or told["links"][0]


def test_a_recording_of_the_fake_pbx(server, link):
    sound, content = fetch(link, server.url)
    assert sound.mimetype == "audio/mpeg" and content[:3] == b"ID3"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("500", errors.Unreachable),
        ("html", errors.BadAnswer),
        ("truncated", errors.Unreachable),
        ("drip", errors.Unreachable),
        ("timeout", errors.Unreachable),
        ("empty", errors.NotFound),
        ("429", errors.RateLimited),
        ("429_retry_after", errors.RateLimited),
        ("200", errors.RateLimited),
    ],
)
def test_faults_of_the_fake_pbx(server, link, fault, error, monkeypatch):
    monkeypatch.setattr(session, "TIMEOUT_SECONDS", (1, 1))
    path = "/v1/pbx/record/download/*"
    server.account.faults.set([{"kind": fault, "path": path, "seconds": 5}])
    with pytest.raises(error):
        fetch(link, server.url, patience=1)
    # And it was the fault alone.
    assert fetch(link, server.url)[0].size


def test_a_link_that_ended(server, link):
    server.account.clock_offset = 1801
    with pytest.raises(errors.NotFound):
        fetch(link, server.url)
