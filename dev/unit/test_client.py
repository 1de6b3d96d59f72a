"""The API's client against the look-alike, in both modes, and against a broken one."""

import socket
from datetime import datetime, timedelta

import pytest

from sandbox.running import running
from telephony import errors
from telephony.dialect import Account
from telephony.zadarma import client as client_module
from telephony.zadarma.client import STATISTICS, Client, Extension, Line, is_true

KEY, SECRET = "4f9ac67f67961b71ab48", "5fa0200ffca68e1517d4"


@pytest.fixture(scope="module", params=["live", "spec"])
def server(request):
    with running(KEY, SECRET, mode=request.param) as server:
        server.mode = request.param
        yield server


@pytest.fixture
def pbx(server):
    server.reset()
    server.control("POST", "/settings", {"mode": server.mode})
    return server


@pytest.fixture
def client(pbx):
    made = Client(Account(key=KEY, secret=SECRET, server_url=pbx.url))
    made.session.trust_env = False
    return made


def asked(pbx):
    """What the look-alike was asked, oldest first, each without a contract problem."""
    log = pbx.control("GET", "/log?kind=api").json()
    for entry in log:
        assert not entry.get("problems"), entry
    return list(reversed(log))


def test_the_account_is_read(pbx, client):
    pbx.control("POST", "/settings", {"balance": 12.5})
    assert client.balance() == ("12.5", "USD")
    assert client.utc_offset().startswith("UTC")
    assert len(asked(pbx)) == 2


def test_extensions_and_lines_have_one_form_in_both_modes(pbx, client):
    _pbx_id, listed = client.extension_numbers()
    assert listed == ["100", "101"]
    pbx.account.extensions["101"]["online"] = False
    found = client.extension("101")
    assert isinstance(found, Extension)
    assert (found.number, found.name, found.online) == ("101", "Sales", False)
    lines = client.lines()
    assert [line.number for line in lines] == ["+442079460900", "+442079460901"]
    assert all(isinstance(line, Line) for line in lines)
    asked(pbx)


def test_notifications_are_set_as_text_flags(pbx, client):
    client.set_notifications({"notify_start": True, "notify_end": False})
    _url, flags = client.notifications()
    assert flags["notify_start"] is True
    assert flags["notify_end"] is False
    asked(pbx)


def test_an_address_that_does_not_echo_is_refused(client):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    with pytest.raises(errors.BadParameter):
        client.set_webhook_url(closed)


def test_past_calls_keep_every_digit_of_their_ids(pbx, client):
    pbx.control("POST", "/play", {"scenario": "answered"})
    today = datetime.now()
    rows = client.statistics(today - timedelta(days=2), today + timedelta(days=2))
    told = pbx.account.rows
    assert len(rows) == len(told)
    for row in rows:
        assert isinstance(row["call_id"], str)
        assert row["call_id"].partition(".")[2]


def test_a_callback_names_the_short_extension_and_keeps_the_plus(pbx, client):
    pbx.control("POST", "/settings", {"click": {"auto": False}})
    client.callback("100", "+442079460201")
    [entry] = asked(pbx)
    assert "callback" in entry["path"]


def test_a_recording_that_is_not_there_is_not_found(client):
    with pytest.raises(errors.NotFound):
        client.recording_link("1779868800.1234567")


# -- errors ----------------------------------------------------------------------------


def test_a_wrong_secret_is_a_wrong_key(pbx):
    wrong = Client(Account(key=KEY, secret="other", server_url=pbx.url))
    with pytest.raises(errors.WrongKey) as caught:
        wrong.balance()
    assert "other" not in str(caught.value)


@pytest.mark.parametrize(
    "form, pause", [("429", 60), ("429_retry_after", None), ("200", 60)]
)
def test_every_form_of_too_many_is_a_rate_limit(pbx, client, form, pause):
    limits = {"enabled": True, "form": form}
    pbx.control("POST", "/settings", {"limits": limits})
    days = datetime(2026, 5, 1), datetime(2026, 5, 2)
    for _ in range(3):
        client.statistics(*days)
    with pytest.raises(errors.RateLimited) as caught:
        client.statistics(*days)
    assert 1 <= caught.value.retry_after <= 3600
    if pause:
        assert caught.value.retry_after == pause


@pytest.mark.parametrize(
    "kind, error",
    [
        ("500", errors.Unreachable),
        ("html", errors.BadAnswer),
        ("truncated", (errors.Unreachable, errors.BadAnswer)),
        ("empty", errors.BadAnswer),
        ("429", errors.RateLimited),
        ("200", errors.RateLimited),
    ],
)
def test_a_broken_answer_is_a_readable_error(pbx, client, kind, error):
    fault = {"kind": kind, "path": "/v1/pbx/internal*", "times": 1}
    pbx.control("POST", "/faults", {"faults": [fault]})
    with pytest.raises(error):
        client.extension_numbers()
    assert client.extension_numbers()[1] == ["100", "101"]


def test_a_silent_server_is_unreachable(pbx, client, monkeypatch):
    monkeypatch.setattr(client_module, "TIMEOUT", (0.3, 0.3))
    fault = {"kind": "timeout", "path": "/v1/info/balance*", "times": 1, "seconds": 1}
    pbx.control("POST", "/faults", {"faults": [fault]})
    with pytest.raises(errors.Unreachable):
        client.balance()


def test_a_slow_drip_ends(pbx, client, monkeypatch):
    monkeypatch.setattr(client_module, "PATIENCE", 0.3)
    fault = {"kind": "drip", "path": "/v1/info/balance*", "times": 1, "seconds": 20}
    pbx.control("POST", "/faults", {"faults": [fault]})
    with pytest.raises(errors.Unreachable):
        client.balance()


def test_nobody_there_is_unreachable_and_tells_no_secret():
    lonely = Client(Account(key=KEY, secret=SECRET, server_url="http://127.0.0.1:9"))
    lonely.session.trust_env = False
    with pytest.raises(errors.Unreachable) as caught:
        lonely.balance()
    assert KEY not in str(caught.value)


def test_the_gate_is_asked_before_the_pbx(pbx):
    def shut(bucket):
        raise errors.RateLimited(bucket, retry_after=7)

    gated = Client(Account(key=KEY, secret=SECRET, server_url=pbx.url), gate=shut)
    with pytest.raises(errors.RateLimited, match=STATISTICS):
        gated.statistics(datetime(2026, 5, 1), datetime(2026, 5, 2))
    assert not asked(pbx)


@pytest.mark.parametrize("value", ["true", "True", "1", 1, True])
def test_true_in_every_form(value):
    assert is_true(value)


@pytest.mark.parametrize("value", ["false", "0", 0, False, None, ""])
def test_false_in_every_form(value):
    assert not is_true(value)
