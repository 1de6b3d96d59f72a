"""What is asked of Asterisk over ARI, and what is made of its answers."""

import base64
import io
import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from faulty_server import Noting, once, served

from telephony import dialect, errors
from telephony.asterisk.ari import dialled_as
from telephony.dialect import Account
from telephony.http import sound

ASTERISK = dialect.get("asterisk")
LOGIN, PASSWORD = "odoo", "Wonderful_pass-1"
BASIC = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
NUMBER = "+442079460201"


def account_at(url, **more):
    options = more.pop("options", {})
    return Account(
        **{"key": PASSWORD, "login": LOGIN, **more},
        secret="a-secret-of-32-characters",
        server_url=f"{url}/ari",
        webhook_url="https://odoo.example.com/pbx/asterisk/t0ken-t0ken",
        country="GB",
        options=options,
        wire=Noting(),
    )


def answer(body, status=200, reason="OK"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n\r\n"
    return once(head.encode() + body)


def asked(server):
    """Return ``(method, path, query, headers)`` of the one request that came."""
    [request] = server.requests
    first, *lines = request.strip().split("\r\n")
    method, target, _version = first.split(" ")
    parts = urlsplit(target)
    headers = {
        name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
    }
    return method, parts.path, dict(parse_qsl(parts.query)), headers


SYSTEM = {"system": {"version": "22.10.1", "entity_id": "02:42"}}


def test_info_tells_that_login_and_password_are_right():
    with served(answer(SYSTEM)) as server:
        ASTERISK.verify_access(account_at(server))
        method, path, query, headers = asked(server)
    assert (method, path, query) == ("GET", "/ari/asterisk/info", {"only": "system"})
    assert headers["authorization"] == f"Basic {BASIC}"


REFUSED = {"message": "Authentication required"}
BOOTING = b"<html><h1>503 Service Unavailable</h1>Asterisk not booted</html>"


@pytest.mark.parametrize(
    "talk, kind, word",
    [
        (answer(REFUSED, 401, "Unauthorized"), errors.WrongKey, "Authentication"),
        (answer(BOOTING, 503, "x"), errors.Unreachable, "not booted"),
        (answer(b"<html>404</html>", 404, "x"), errors.BadAnswer, "404"),
        (answer(b"<html>Welcome</html>"), errors.BadAnswer, "JSON"),
        (answer({}), errors.BadAnswer, "version"),
        (answer([]), errors.BadAnswer, "version"),
        (answer({"system": {"version": 1}}), errors.BadAnswer, "version"),
        (answer({"message": "denied"}, 403, "x"), errors.BadParameter, "denied"),
        (answer({"error": "Oops"}, 500, "x"), errors.Unreachable, "Oops"),
    ],
)
def test_what_can_be_wrong(talk, kind, word):
    with served(talk, talk) as server, pytest.raises(errors.PbxError) as caught:
        ASTERISK.verify_access(account_at(server))
    assert type(caught.value) is kind and word in caught.value.detail


def test_nobody_is_there():
    with served() as server:
        pass
    with pytest.raises(errors.Unreachable) as caught:
        ASTERISK.verify_access(account_at(server))
    assert not caught.value.sent


@pytest.mark.parametrize("login, key", [("", "x"), ("x", ""), ("a:b", "x"), ("ä", "x")])
def test_what_cannot_be_a_login_is_not_sent(login, key):
    with served() as server, pytest.raises(errors.WrongKey):
        ASTERISK.verify_access(account_at(server, login=login, key=key))
    assert server.requests == []


def test_nothing_secret_is_noted():
    with served(answer(REFUSED, 401, "x")) as server:
        account = account_at(server)
        with pytest.raises(errors.WrongKey):
            ASTERISK.verify_access(account)
    [exchange] = account.wire.noted
    for text in (repr(exchange), repr(account), str(exchange.error)):
        assert PASSWORD not in text and BASIC not in text
        assert account.secret not in text and "t0ken" not in text


ENDPOINTS = [
    {"technology": "PJSIP", "resource": "201", "state": "online", "channel_ids": []},
    {"technology": "PJSIP", "resource": "202", "state": "offline"},
    {"technology": "PJSIP", "resource": "203", "state": "unknown"},
    {"technology": "PJSIP", "resource": "reception", "state": "online"},
    {"technology": "PJSIP", "resource": "123456", "state": "online"},
    {"technology": "PJSIP", "resource": "400", "state": "online"},
    {"technology": "IAX2", "resource": "204", "state": "online"},
    {"technology": "PJSIP"},
    "nonsense",
]


def test_extensions():
    with served(answer(ENDPOINTS)) as server:
        account = account_at(server, options={"asterisk_trunks": "carrier, 40*"})
        found = ASTERISK.fetch_extensions(account)
        assert asked(server)[:2] == ("GET", "/ari/endpoints")
    assert [(one.number, one.login, one.online) for one in found] == [
        ("", "123456", True),
        ("201", "201", True),
        ("202", "202", False),
        ("203", "203", None),
        ("", "reception", True),
    ]
    assert all(one.detailed for one in found)


def test_another_technology():
    with served(answer(ENDPOINTS)) as server:
        account = account_at(server, options={"asterisk_technology": "iax2"})
        [one] = ASTERISK.fetch_extensions(account)
    assert one.login == "204"


@pytest.mark.parametrize(
    "name, online",
    [("201", True), ("202", False), ("203", errors.BadAnswer), ("9", errors.NotFound)],
)
def test_who_is_online(name, online):
    with served(answer(ENDPOINTS)) as server:
        account = account_at(server)
        if isinstance(online, bool):
            assert ASTERISK.fetch_online(account, name) is online
        else:
            with pytest.raises(online):
                ASTERISK.fetch_online(account, name)


# --------------------------------------------------------------------------- dialling


def test_a_click():
    with served(answer({"id": "odoo-1"})) as server:
        account = account_at(server)
        ref = ASTERISK.dial(account, "anna", NUMBER, ref="odoo-1", shown="201")
        method, path, query, _headers = asked(server)
    assert ref == "odoo-1" and (method, path) == ("POST", "/ari/channels")
    assert query == {
        "endpoint": "PJSIP/anna",
        "context": "from-internal",
        "extension": "442079460201",
        "priority": "1",
        "timeout": "20",
        "channelId": "odoo-1",
        "callerId": '"442079460201" <201>',
    }


def test_own_settings_of_dialling():
    options = {
        "asterisk_technology": "SIP",
        "asterisk_context": "phones",
        "asterisk_ring_seconds": 45,
        "asterisk_dial_format": "national",
        "asterisk_dial_prefix": "9",
    }
    with served(answer({})) as server:
        ASTERISK.dial(account_at(server, options=options), "201", NUMBER, ref="x")
        query = asked(server)[2]
    assert query["endpoint"] == "SIP/201" and query["context"] == "phones"
    assert query["extension"] == "902079460201" and query["timeout"] == "45"


def test_ids_are_ours_and_cannot_be_guessed():
    ids = {ASTERISK.new_call_ref() for _ in range(50)}
    assert len(ids) == 50
    assert all(one.startswith("odoo-") and len(one) > 20 for one in ids)


def test_the_same_id_again_was_dialled():
    with served(answer({"message": "Channel exists"}, 409, "Conflict")) as server:
        assert ASTERISK.dial(account_at(server), "201", NUMBER, ref="odoo-1")


def test_an_endpoint_that_is_not_there():
    talk = answer({"error": "Allocation failed"}, 500, "Internal Server Error")
    with served(talk) as server, pytest.raises(errors.NoPhone) as caught:
        ASTERISK.dial(account_at(server), "999", NUMBER, ref="odoo-1")
    assert "Allocation failed" in caught.value.detail


def test_while_it_boots_nothing_is_dialled():
    talk = answer(b"<h1>503</h1>Asterisk not booted", 503, "Service Unavailable")
    with served(talk) as server, pytest.raises(errors.Unreachable) as caught:
        ASTERISK.dial(account_at(server), "201", NUMBER, ref="odoo-1")
    assert not caught.value.sent


def test_a_click_is_sent_once():
    def hang_up(peer):
        peer.hear()

    with served(hang_up, answer({})) as server:
        with pytest.raises(errors.Unreachable) as caught:
            ASTERISK.dial(account_at(server), "201", NUMBER, ref="odoo-1")
        assert len(server.requests) == 1 and caught.value.sent


@pytest.mark.parametrize("number", ["", "abc", "1,2", "${X}", "1&2"])
def test_only_numbers_are_dialled(number):
    with served() as server, pytest.raises(errors.BadParameter):
        ASTERISK.dial(account_at(server), "201", number, ref="odoo-1")
    assert server.requests == []


@pytest.mark.parametrize(
    "number, written, prefix, dialled",
    [
        (NUMBER, "digits", "", "442079460201"),
        (NUMBER, "e164", "", "+442079460201"),
        (NUMBER, "national", "", "02079460201"),
        (NUMBER, "national", "9", "902079460201"),
        (NUMBER, "e164", "9", "9+442079460201"),
        ("+4930901820", "national", "", "004930901820"),
        ("+4930901820", "digits", "0", "04930901820"),
        ("202", "e164", "9", "202"),
        ("112", "digits", "9", "112"),
        ("*97", "digits", "9", "*97"),
        ("0630000017", "digits", "9", "90630000017"),
    ],
)
def test_how_a_number_is_written(number, written, prefix, dialled):
    assert dialled_as(number, "GB", written, prefix) == dialled


def test_whether_a_call_was_dialled():
    talks = answer({"id": "odoo-1"}), answer({"message": "Channel not found"}, 404, "x")
    for talk, known in zip(talks, (True, False), strict=True):
        with served(talk) as server:
            assert ASTERISK.has_call(account_at(server), "odoo/1") is known
            assert asked(server)[:2] == ("GET", "/ari/channels/odoo%2F1")


def test_hanging_up():
    with served(once(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        ASTERISK.hang_up(account_at(server), "1790000000.12")
        assert asked(server)[:2] == ("DELETE", "/ari/channels/1790000000.12")


# ------------------------------------------------------------------- replay and legs


def test_a_replay():
    with served(answer({"id": "cloud-pbx-replay"})) as server:
        ASTERISK.request_replay(account_at(server))
        method, path, query, _headers = asked(server)
    assert (method, path) == ("POST", "/ari/channels")
    assert query == {
        "endpoint": "Local/replay@cloud-pbx/n",
        "context": "cloud-pbx",
        "extension": "idle",
        "priority": "1",
        "timeout": "60",
        "channelId": "cloud-pbx-replay",
    }


def test_one_that_runs_is_as_good():
    with served(answer({"message": "exists"}, 409, "Conflict")) as server:
        ASTERISK.request_replay(account_at(server))


def test_whether_one_runs():
    for status, running in ((200, True), (404, False)):
        with served(answer({"id": "x"}, status, "x")) as server:
            assert ASTERISK.is_replaying(account_at(server)) is running
            assert asked(server)[1] == "/ari/channels/cloud-pbx-replay"


def test_live_legs():
    rows = [{"id": "1.1", "state": "Up"}, {"id": "1.2"}, {"name": "x"}, "x"]
    rows.append({"id": "cloud-pbx-replay", "name": "Local/replay@cloud-pbx-0001;1"})
    with served(answer(rows)) as server:
        assert ASTERISK.fetch_live_legs(account_at(server)) == {"1.1", "1.2"}
    with served(answer({})) as server, pytest.raises(errors.BadAnswer):
        ASTERISK.fetch_live_legs(account_at(server))


# ------------------------------------------------------------------------ recordings


@pytest.mark.parametrize(
    "folder, path",
    [
        ("", "1790000000.12"),
        ("/var/spool/asterisk/recording", "1790000000.12"),
        ("/var/spool/asterisk/recording/", "1790000000.12"),
        ("/var/spool/asterisk/recording/odoo", "odoo%2F1790000000.12"),
        ("/srv/calls", "1790000000.12"),
        ("/srv/recording/asterisk/recording", "1790000000.12"),
        ("/srv/recording/asterisk/recording/sales/", "sales%2F1790000000.12"),
        ("/var/spool/asterisk/recording/a/recording", "a%2Frecording%2F1790000000.12"),
    ],
)
def test_where_a_recording_is(folder, path):
    account = account_at("http://pbx", options={"asterisk_recordings": folder})
    file = ASTERISK.fetch_recording(account, "1.1", "1790000000.12")
    assert file.url == f"http://pbx/ari/recordings/stored/{path}/file"
    assert file.headers == {"Authorization": f"Basic {BASIC}"}
    assert file.empty_bytes == 44
    assert BASIC not in repr(file)


def test_a_recording_is_fetched_with_the_login():
    wave = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 100
    head = f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {len(wave)}"
    with served(once(f"{head}\r\n\r\n".encode() + wave)) as server:
        account = account_at(server)
        file = ASTERISK.fetch_recording(account, "1.1", "1.1")
        into = io.BytesIO()
        sound.fetch(file.url, account.server_url, into, 1000, file.headers)
        assert asked(server)[3]["authorization"] == f"Basic {BASIC}"
    assert into.getvalue() == wave
