"""One question over the network, to real servers that behave oddly."""

import gzip
import os
import socket
import ssl
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from fake_account import CLIENT, KEY, ZADARMA, asked
from faulty_server import BALANCE, OK, Noting, account_at, answer, hang_up, once, served

from telephony import errors
from telephony.dialect import GENERAL, Account
from telephony.http import session

# -- the connection --------------------------------------------------------------------


def test_a_connection_is_kept_and_used_again():
    def twice(peer):
        for _ in range(2):
            peer.hear()
            peer.say(answer())

    with served(twice) as url:
        for _ in range(2):
            assert ZADARMA.fetch_balance(account_at(url)).amount == "1.5"
        assert len(url.requests) == 2


def test_accounts_do_not_share_one():
    with served(once(answer()), once(answer())) as url:
        ZADARMA.fetch_balance(account_at(url))
        ZADARMA.fetch_balance(Account(key="other", secret="x", server_url=url))
        assert len(url.requests) == 2


def test_old_accounts_are_forgotten():
    for number in range(session.MAX_SESSIONS + 20):
        session._shared_session(Account(key=f"k{number}", server_url="https://a"))
    assert len(session._sessions) == session.MAX_SESSIONS


def test_a_worker_does_not_speak_on_its_parent_s_connections():
    code = """if True:
        import os
        from telephony.dialect import Account
        from telephony.http import session
        session._shared_session(Account(key="k", server_url="https://a"))
        with session._lock:
            child = os.fork()
            if not child:
                session._lock.acquire(timeout=5)
                os._exit(len(session._sessions))
        assert len(session._sessions) == 1
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.stdout.strip() == "0", done.stderr


def test_cookies_are_not_kept():
    def twice(peer):
        for _ in range(2):
            peer.hear()
            peer.say(answer(head=b"Set-Cookie: who=me; Path=/\r\n"))

    with served(twice) as url:
        for _ in range(2):
            ZADARMA.fetch_balance(account_at(url))
        assert "cookie" not in "".join(url.requests).lower()


def test_a_netrc_does_not_take_the_place_of_our_key(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", os.fspath(netrc))
    with served(once(answer())) as url:
        ZADARMA.fetch_balance(account_at(url))
        [head] = url.requests
    assert f"Authorization: {KEY}:" in head and "Basic" not in head


@pytest.mark.parametrize("status", [b"301", b"302", b"307", b"308"])
def test_nobody_is_followed_elsewhere(status):
    moved = answer(head=b"Location: http://127.0.0.1:1/\r\n").replace(b"200", status)
    with served(once(moved)) as url:
        with pytest.raises(errors.PbxError) as caught:
            ZADARMA.fetch_balance(account_at(url))
        assert not isinstance(caught.value, errors.Unreachable)
        assert len(url.requests) == 1


def test_connecting_makes_the_pbx_try_the_address(pbx, account):
    def echo(peer):
        peer.hear()
        text = peer.requests[-1].split("zd_echo=")[1].split()[0]
        peer.say(answer(text.encode()))

    with served(echo) as url:
        address = f"{url}/pbx/zadarma/t0k3n"
        ZADARMA.connect(Account(**{**vars(account), "webhook_url": address}))
        assert pbx.account.callinfo_url == address
        assert len(url.requests) == 1
    [entry] = asked(pbx)
    assert (entry["method"], entry["params"]["url"]) == ("POST", address)


@pytest.mark.parametrize(
    "key, secret",
    [("", "x"), ("x", ""), ("ключ", "x"), ("a b", "x"), ("a\r\nB: c", "x")],
)
def test_what_is_no_key_is_not_sent(key, secret):
    wire = Noting()
    with served(once(answer())) as url:
        with pytest.raises(errors.WrongKey):
            ZADARMA.fetch_balance(Account(key, secret, server_url=url, wire=wire))
        assert not url.requests
    assert isinstance(wire.noted[0].error, errors.WrongKey)


# -- tried again, or not ---------------------------------------------------------------


def test_a_question_whose_connection_broke_is_asked_again():
    wire = Noting()
    with served(hang_up, once(answer())) as url:
        assert ZADARMA.fetch_balance(account_at(url, wire)).amount == "1.5"
    # Each try is counted and noted.
    assert wire.buckets == [GENERAL, GENERAL]
    assert [(e.status, bool(e.error)) for e in wire.noted] == [(0, True), (200, False)]


def test_once():
    wire = Noting()
    with served(hang_up, hang_up, hang_up) as url:
        with pytest.raises(errors.Unreachable):
            ZADARMA.fetch_balance(account_at(url, wire))
        assert len(url.requests) == 2
    assert len(wire.noted) == 2


def test_and_not_past_the_limit():
    with served(hang_up, once(answer())) as url:
        with pytest.raises(errors.RateLimited):
            ZADARMA.fetch_balance(account_at(url, Noting(limit=1)))
        assert len(url.requests) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda account: ZADARMA.dial(account, "100", CLIENT),
        lambda account: ZADARMA.connect(account),
        lambda account: ZADARMA.disconnect(account),
        lambda account: ZADARMA.switch_notifications(account, {"end": True}),
    ],
)
def test_what_has_an_effect_is_sent_once(act):
    with served(hang_up, once(answer(b'{"status":"success"}'))) as url:
        with pytest.raises(errors.Unreachable):
            act(
                account_at(url, webhook_url="https://crm.example.com/pbx/zadarma/t0k3n")
            )
        assert len(url.requests) == 1


def test_a_click_does_not_use_a_connection_that_may_be_stale():
    with served(once(answer()), once(answer(b'{"status":"success"}'))) as url:
        ZADARMA.fetch_balance(account_at(url))
        assert ZADARMA.dial(account_at(url), "100", CLIENT) == ""
        assert len(url.requests) == 2


# -- time ------------------------------------------------------------------------------


def drip(data, pause=0.05):
    def talk(peer):
        peer.hear()
        for byte in data:
            peer.say(bytes([byte]))
            time.sleep(pause)

    return talk


@pytest.mark.parametrize(
    "data",
    [
        answer(b" " * 500 + BALANCE),
        # In the head, which no library's time-out limits as a whole.
        b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 500,
        b"HTTP/1.1 " + b"1" * 500,
        OK % (3, b"Transfer-Encoding: chunked\r\n", b"1\r\n \r\n" * 100),
    ],
)
def test_a_drip_ends(data, monkeypatch):
    monkeypatch.setattr(session, "ANSWER_SECONDS", 0.5)
    begun = time.monotonic()
    with served(drip(data)) as url:
        with pytest.raises(errors.Unreachable):
            ZADARMA.fetch_balance(account_at(url))
        assert time.monotonic() - begun < 10  # it drips for more than 20


def test_silence_ends(monkeypatch):
    monkeypatch.setattr(session, "TIMEOUT_SECONDS", (0.3, 0.3))
    with served(lambda peer: time.sleep(1)) as url:
        with pytest.raises(errors.Unreachable, match="no answer in time"):
            ZADARMA.fetch_balance(account_at(url))


def test_nobody_there_is_told_without_our_key():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    wire = Noting()
    with pytest.raises(errors.Unreachable) as caught:
        ZADARMA.fetch_balance(account_at(f"http://127.0.0.1:{port}", wire))
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    # Nothing was sent, and nobody has changed that in the meantime.
    assert caught.value.detail == "no connection" and not caught.value.sent
    assert len(wire.noted) == 1


def test_whether_it_was_sent_is_known(monkeypatch):
    monkeypatch.setattr(session, "TIMEOUT_SECONDS", (0.3, 0.3))
    wait = lambda peer: time.sleep(0.6)  # noqa: E731
    for talk in (hang_up, wait, once(b"HTTP/1.1 500 Oh\r\n\r\n"), once(answer()[:-5])):
        with served(talk) as url:
            with pytest.raises(errors.Unreachable) as caught:
                ZADARMA.dial(account_at(url), "100", CLIENT)
            assert caught.value.sent
    for url in ("https://no-such-name.invalid", "nonsense", "http://127.0.0.1:9"):
        with pytest.raises(errors.Unreachable) as caught:
            ZADARMA.dial(account_at(url), "100", CLIENT)
        assert not caught.value.sent


def test_who_is_no_pbx_gets_no_key(tmp_path):
    """A certificate that nobody has signed for that name."""
    file = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *"openssl req -x509 -newkey rsa:2048 -nodes -days 1".split(),
            *f"-subj /CN=other.example -keyout {file}.key -out {file}".split(),
        ],
        capture_output=True,
        check=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, f"{file}.key")
    heard = []

    def talk(peer):
        with context.wrap_socket(peer.connection, server_side=True) as secure:
            heard.append(secure.recv(4096))

    with served(talk) as url:
        with pytest.raises(errors.Unreachable) as caught:
            ZADARMA.dial(account_at(url.replace("http:", "https:")), "100", CLIENT)
    assert caught.value.detail == "certificate not accepted" and not caught.value.sent
    assert not any(heard)


def test_who_waits_waits_shorter():
    begun = time.monotonic()
    for talk in (drip(answer(), 0.1), lambda peer: time.sleep(1)):
        with served(talk) as url:
            with pytest.raises(errors.Unreachable):
                ZADARMA.fetch_balance(account_at(url, patience=0.3))
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "url", ["", "api.example.com", "ftp://x", "http://", "http://[::1", "https://a b"]
)
def test_no_address_at_all_is_a_readable_error(url):
    with pytest.raises(errors.Unreachable):
        ZADARMA.fetch_balance(account_at(url))


# -- size and form ---------------------------------------------------------------------


def test_an_endless_answer_is_cut(monkeypatch):
    monkeypatch.setattr(session, "MAX_ANSWER_BYTES", 100_000)
    with served(once(answer(b" " * 300_000 + BALANCE))) as url:
        with pytest.raises(errors.BadAnswer):
            ZADARMA.fetch_balance(account_at(url))


def packed(body, encoding="gzip", times=1):
    for _time in range(times):
        body = zlib.compress(body) if encoding == "deflate" else gzip.compress(body)
    return answer(body, b"Content-Encoding: %s\r\n" % encoding.encode())


def test_no_packed_answer_is_asked_for():
    with served(once(answer())) as url:
        ZADARMA.fetch_balance(account_at(url))
        assert "accept-encoding: identity" in url.requests[0].lower()


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", " GZIP "])
def test_a_packed_answer_is_read_all_the_same(encoding):
    with served(once(packed(BALANCE, encoding))) as url:
        assert ZADARMA.fetch_balance(account_at(url)).amount == "1.5"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_a_packing_that_nobody_wants_is_no_answer(encoding):
    with served(once(packed(BALANCE, encoding))) as url:
        with pytest.raises(errors.BadAnswer):
            ZADARMA.fetch_balance(account_at(url))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip, gzip"])
def test_a_bomb_is_never_unpacked(encoding):
    """A gigabyte from a megabyte, or from less: hardly more than the limit is made."""
    piece = b" " * 1024 * 1024
    packing = zlib.compressobj(wbits=15 if encoding == "deflate" else 31)
    bomb = b"".join(packing.compress(piece) for _mebibyte in range(256))
    bomb += packing.flush()
    head = b"Content-Encoding: %s\r\n" % encoding.encode()
    tracemalloc.start()
    try:
        with served(once(answer(bomb, head))) as url:
            with pytest.raises(errors.BadAnswer):
                ZADARMA.fetch_balance(account_at(url))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * session.MAX_ANSWER_BYTES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + BALANCE,
        OK % (5, b"Content-Encoding: gzip\r\n", b"plain"),
        answer(b"[" * 100_000),
        answer(b"9" * 100_000),
        answer(b"[1, 2]"),
        answer(b'{"status": "error"}'),
        answer(b"\xff\xfe\x00"),
        answer(b'{"status":"success","balance":1e999999999}'),
        answer(b'{"status":"success","balance":NaN}'),
    ],
)
def test_what_is_no_answer_is_an_error_of_ours(data):
    wire = Noting()
    with served(once(data), once(data)) as url:
        with pytest.raises(errors.PbxError):
            ZADARMA.fetch_balance(account_at(url, wire))
    assert all(isinstance(e.error, errors.PbxError) for e in wire.noted)
