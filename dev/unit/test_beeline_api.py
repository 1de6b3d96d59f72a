"""What is asked of Beeline's API, and what is made of its answers."""

import io
import json
from dataclasses import replace

import pytest
from beeline_account import BEELINE, TOKEN, account_at, asked, spoil
from beeline_bodies import ANNA, URL, A
from faulty_server import once, served

from fake_beeline.running import running
from telephony import errors
from telephony.beeline import party
from telephony.beeline.client import Client
from telephony.dialect import Extension, Line
from telephony.http import sound

TOKEN_HEADER = "x-mpbx-api-auth-token"
MAX_BYTES = 1_000_000


@pytest.fixture(scope="module")
def server():
    with running(TOKEN) as server:
        yield server


@pytest.fixture
def pbx(server):
    server.reset()
    server.account.click["auto"] = False
    return server


@pytest.fixture
def account(pbx):
    return account_at(pbx.server_url)


def answer(body=b"", status=200, reason="OK", head=""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    return once(head.encode() + body)


def headers_of(request):
    lines = request.strip().split("\r\n")[1:]
    pairs = (line.split(": ", 1) for line in lines)
    return {name.lower(): value for name, value in pairs}


def fetch(found, home, into=None):
    """Fetch a recording as the job does."""
    return sound.fetch(
        found.url,
        home,
        into or io.BytesIO(),
        MAX_BYTES,
        found.headers,
        explain=found.explain,
    )


class TestPeopleAndNumbers:
    def test_abonents(self, pbx, account):
        pbx.control("POST", "/settings", {"abonents": {"104": {"first_name": ""}}})
        found = BEELINE.verify_access(account)
        assert found == BEELINE.fetch_extensions(account)
        assert found[0] == Extension(
            number="101",
            name="Анна Соколова",
            caller_id="+79000000101",
            login=ANNA,
            detailed=True,
        )
        sip = found[-1]
        assert (sip.number, sip.caller_id, sip.name) == ("104", "", "Ким")
        assert sip.login.startswith("SIP00ABCD0104@")

    def test_what_abonents_may_lack(self):
        rows = [
            {"userId": "9000000107@ip.beeline.ru", "phone": None, "extension": None},
            {"extension": "108", "firstName": None, "lastName": " Last "},
            {"phone": "9000000109", "extension": 109},
            {},
            None,
            {"userId": ["odd"], "extension": {"odd": 1}},
        ]
        with served(answer(rows)) as server:
            found = BEELINE.fetch_extensions(account_at(server))
        assert [(one.number, one.login, one.name) for one in found] == [
            ("", "9000000107@ip.beeline.ru", ""),
            ("108", "108", "Last"),
            ("109", "9000000109", ""),
        ]

    def test_lines(self, account):
        assert BEELINE.fetch_lines(account) == [
            Line("+79000000100"),
            Line("+79000000110"),
        ]

    def test_lines_that_are_odd(self):
        rows = [{"phone": "9000000100"}, {"phone": "9000000100"}, {"phone": None}, {},
                7, {"phone": "88005553535"}, {"phone": "none"}]  # fmt: skip
        with served(answer(rows)) as server:
            found = BEELINE.fetch_lines(account_at(server))
        assert [one.number for one in found] == ["+79000000100", "+78005553535"]


ERROR = {"errorCode": "UserNotFound", "description": "Абонент не найден"}


class TestErrors:
    @pytest.mark.parametrize(
        "talk, kind, word",
        [
            (answer(ERROR, 404, "x"), errors.NotFound, "Абонент не найден"),
            (answer(ERROR), errors.NotFound, "UserNotFound"),
            (answer({"errorCode": "Odd"}, 400, "x"), errors.BadParameter, "Odd"),
            (answer({"errorCode": "Odd"}), errors.BadParameter, "Odd"),
            (answer({"errorCode": "Odd"}, 500, "x"), errors.Unreachable, "Odd"),
            # What it says comes before the status.
            (answer(ERROR, 500, "x"), errors.NotFound, "Абонент не найден"),
            (answer(ERROR, 503, "x", "Retry-After: 9\r\n"), errors.NotFound, "User"),
            (answer(b"no such list", 400, "x"), errors.BadAnswer, "HTTP 400"),
            (answer({"errorCode": "InvalidToken"}), errors.WrongKey, "InvalidToken"),
            (answer({"errorCode": "TooManyRequests"}), errors.RateLimited, "TooMany"),
            (answer(b"", 401, "x"), errors.WrongKey, "HTTP 401"),
            (answer(b"<html>", 403, "x"), errors.WrongKey, "HTTP 403"),
            # Each PBX has abonents: what answers so is something else.
            (answer(b"", 404, "x"), errors.BadAnswer, "HTTP 404"),
            (answer(b"", 503, "x"), errors.Unreachable, "HTTP 503"),
            (answer(b"", 302, "x", "Location: /login\r\n"), errors.BadAnswer, "302"),
            (answer(b"<html>Welcome</html>"), errors.BadAnswer, "list"),
            (answer({}), errors.BadAnswer, "list"),
            (answer(b""), errors.BadAnswer, "list"),
            (answer(b'"text"'), errors.BadAnswer, "list"),
        ],
    )
    def test_what_can_be_wrong(self, talk, kind, word):
        with served(talk, talk) as server, pytest.raises(errors.PbxError) as caught:
            BEELINE.fetch_extensions(account_at(server))
        assert type(caught.value) is kind and word in caught.value.detail

    @pytest.mark.parametrize("status", [429, 503])
    def test_when_it_may_be_asked_again(self, status):
        talk = answer(b"", status, "x", "Retry-After: 17\r\n")
        with served(talk) as server, pytest.raises(errors.RateLimited) as caught:
            BEELINE.fetch_extensions(account_at(server))
        assert caught.value.retry_after == 17

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_wrong_token(self, pbx, account, status):
        pbx.account.wrong_token_status = status
        with pytest.raises(errors.WrongKey, match="Неверный ключ доступа"):
            BEELINE.verify_access(replace(account, key="another"))
        pbx.account.errors_with_200 = True
        with pytest.raises(errors.WrongKey):
            BEELINE.verify_access(replace(account, key="another"))

    @pytest.mark.parametrize("key", ["", "with blank", "клюQ", "a\r\nb"])
    def test_what_is_no_token_is_not_sent(self, key):
        with served() as server, pytest.raises(errors.WrongKey):
            BEELINE.fetch_extensions(account_at(server, key=key))
        assert server.requests == []


class TestIsItThere:
    GONE = {"errorCode": "SubscriptionNotFound", "description": "Подписка не найдена"}

    @pytest.mark.parametrize(
        "talk",
        [
            answer(GONE, 404, "x"),
            answer(GONE),
            answer(GONE, 500, "x"),
            answer(b"no such subscription", 400, "x"),
            answer(b"", 410, "x"),
            answer({"message": "gone"}, 422, "x"),
        ],
    )
    def test_gone(self, talk):
        with served(talk, talk) as server:
            client = Client(account_at(server))
            assert client.has_subscription("one") is False
            client.unsubscribe("one")  # nothing is left to do

    @pytest.mark.parametrize(
        "talk, error",
        [
            (answer(b"", 401, "x"), errors.WrongKey),
            (answer(b"", 403, "x"), errors.WrongKey),
            (answer(b"", 429, "x"), errors.RateLimited),
            (answer(b"", 408, "x"), errors.BadAnswer),
            (answer(b"", 302, "x", "Location: /login\r\n"), errors.BadAnswer),
            (answer(b"", 500, "x"), errors.Unreachable),
            (answer({"errorCode": "Odd"}, 503, "x"), errors.Unreachable),
        ],
    )
    def test_not_known(self, talk, error):
        with served(talk, talk) as server, pytest.raises(errors.PbxError) as caught:
            Client(account_at(server)).has_subscription("one")
        assert type(caught.value) is error


class TestClick:
    @pytest.mark.parametrize("reply", ["text", "json"])
    def test_the_reply_names_the_call(self, pbx, account, reply):
        pbx.account.click_reply = reply
        ref = BEELINE.dial(account, "101", A)
        [entry] = asked(pbx, "POST")
        assert entry["path"] in (
            "/abonents/9000000101@ip.beeline.ru/call",
            "/abonents/9000000101%40ip.beeline.ru/call",
        )
        assert entry["params"] == {"phoneNumber": "9000000201"}
        assert ref == entry["reply"]

    def test_the_reply_says_nothing(self, pbx, account):
        pbx.account.click_reply = "nothing"
        assert BEELINE.dial(account, "101", A) == ""

    @pytest.mark.parametrize(
        "body, ref",
        [
            (b"5b1f0c2e-7a43-4d0e-9f10-3c2b1a000001", "5b1f0c2e-7a43-4d0e-9f10-"
             "3c2b1a000001"),
            (b'"callhalf-9000001:0"', "callhalf-9000001:0"),
            (b"  'abc_123.4' \n", "abc_123.4"),
            (b"1234567", "1234567"),
            (b"OK", ""),
            (b'"accepted"', ""),
            (b"true", ""),
            (b"null", ""),
            (b"", ""),
            (b"12345", ""),
            (b'{"externalId": "5b1f0c2e-7a43"}', ""),
            (b'["5b1f0c2e-7a43"]', ""),
            (b"<html>it works</html>", ""),
            (b"a1" * 101, ""),
        ],
    )  # fmt: skip
    def test_what_a_reply_may_be(self, body, ref):
        with served(answer(body)) as server:
            assert BEELINE.dial(account_at(server), "101", A) == ref

    def test_it_is_sent_once_with_the_user_id_encoded(self):
        with served(answer(b"", 500, "x"), answer(b"")) as server:
            with pytest.raises(errors.Unreachable):
                BEELINE.dial(account_at(server), "102", "+442079460201")
        [request] = server.requests
        first = request.partition("\r\n")[0]
        assert first == (
            "POST /abonents/9000000102%40ip.beeline.ru/call?phoneNumber=442079460201 "
            "HTTP/1.1"
        )

    @pytest.mark.parametrize(
        "extension, user_id",
        [("101", ANNA), ("104", "SIP00ABCD0104@ip.beeline.ru"), ("107", "107")],
    )
    def test_by_which_name_an_extension_is_asked_for(self, account, extension, user_id):
        assert party.user_id_of(extension, account) == user_id

    def test_nobody_of_that_name(self, account):
        with pytest.raises(errors.NotFound, match="Абонент не найден"):
            BEELINE.dial(account, "999", A)

    @pytest.mark.parametrize(
        "number, written",
        [(A, "9000000201"), ("+74951234567", "4951234567"),
         ("+442079460201", "442079460201"), ("+86123456789", "86123456789"),
         ("+77011234567", "77011234567"), ("+76271234567", "76271234567"),
         ("112", "112"), ("89000000201", "9000000201")],
    )  # fmt: skip
    def test_ten_digits_for_russia_alone(self, number, written):
        assert party.ten_digits(number) == written


class TestRecordings:
    def test_it_comes_when_it_is_ready(self, pbx, account):
        pbx.account.record_refusals = 2
        played = pbx.control("POST", "/play", {"scenario": "recorded"}).json()
        name = f"{played['ref']}/{ANNA}"
        found = BEELINE.fetch_recording(account, played["ref"], name)
        assert TOKEN not in repr(found)
        into = io.BytesIO()
        for with_200 in (True, False):
            pbx.account.errors_with_200 = with_200
            with pytest.raises(errors.NotFound, match="RecordNotFound"):
                fetch(found, account.server_url, into)
        assert into.getvalue() == b""
        got = fetch(found, account.server_url, into)
        assert (got.mimetype, got.size) == ("audio/mpeg", len(into.getvalue()))

    def test_the_token_is_needed(self, pbx, account):
        found = BEELINE.fetch_recording(account, "x", f"x/{ANNA}")
        with pytest.raises(errors.WrongKey):
            fetch(replace(found, headers={}), account.server_url)
        assert not asked(pbx)[0]["authorized"]

    @pytest.mark.parametrize(
        "talk, kind",
        [
            (answer({"errorCode": "NotReady"}), errors.NotFound),
            (answer({"errorCode": "NotReady"}, 400, "x"), errors.NotFound),
            (answer(b"", 404, "x"), errors.NotFound),
            (answer({"errorCode": "InvalidToken"}), errors.WrongKey),
            (answer(b"", 401, "x"), errors.WrongKey),
            (answer(b"<html>", 403, "x"), errors.WrongKey),
            (answer({"errorCode": "Odd"}, 500, "x"), errors.Unreachable),
            (answer(b"", 503, "x"), errors.Unreachable),
            (answer(b"", 429, "x", "Retry-After: 9\r\n"), errors.RateLimited),
            (answer(b"<html>"), errors.BadAnswer),
            (answer({"odd": 1}), errors.BadAnswer),
        ],
    )
    def test_what_comes_instead_of_sound(self, talk, kind):
        with served(talk) as server, pytest.raises(errors.PbxError) as caught:
            found = BEELINE.fetch_recording(account_at(server), "x", f"x/{ANNA}")
            fetch(found, server)
        assert type(caught.value) is kind

    @pytest.mark.parametrize(
        "name, path",
        [
            (f"5b1f/{ANNA}", "5b1f/9000000101%40ip.beeline.ru"),
            (f"a/b?c/{ANNA}", "a%2Fb%3Fc/9000000101%40ip.beeline.ru"),
            ("5000001", "5000001"),
        ],
    )
    def test_where_it_lies(self, name, path):
        account = account_at("https://cloudpbx.beeline.ru/apis/portal/")
        found = BEELINE.fetch_recording(account, "", name)
        assert found.url == (
            f"https://cloudpbx.beeline.ru/apis/portal/v2/records/{path}/download"
        )

    def test_the_token_goes_to_no_other_host(self):
        with served(answer(b"")) as other:
            moved = f"Location: {other}/elsewhere\r\n"
            with served(answer(b"", 302, "x", moved)) as server:
                account = account_at(server)
                found = BEELINE.fetch_recording(account, "x", f"x/{ANNA}")
                with pytest.raises(errors.BadAnswer, match="another host"):
                    fetch(found, server)
        assert other.requests == []
        assert headers_of(server.requests[0])[TOKEN_HEADER] == TOKEN

    def test_nor_does_any_question_follow(self):
        with served(answer(b"")) as other:
            moved = f"Location: {other}/elsewhere\r\n"
            with served(answer(b"", 307, "x", moved)) as server:
                with pytest.raises(errors.BadAnswer):
                    BEELINE.fetch_extensions(account_at(server))
        assert other.requests == []


class TestTheLog:
    def test_no_token_and_no_address(self, pbx, account):
        BEELINE.fetch_extensions(account)
        memory = BEELINE.connect(account).values
        account = replace(account, memory=memory)
        BEELINE.has_subscription(account)
        BEELINE.dial(account, "101", A)
        spoil(pbx, "html", "/numbers")
        with pytest.raises(errors.BadAnswer):
            BEELINE.fetch_lines(account)
        noted = account.wire.noted
        assert [one.method for one in noted] == ["GET", "PUT", "GET", "POST", "GET"]
        for one in noted:
            shown = repr(one) + str(one.error)
            assert TOKEN not in shown
            for secret in (URL, URL.rpartition("/")[2]):
                assert secret not in shown
        assert "url=***" in noted[1].asked and "expires=86400" in noted[1].asked
        assert '"url": "***"' in noted[2].answered

    def test_an_error_that_repeats_what_was_asked(self):
        body = {"errorCode": "Odd", "description": f"{URL} {TOKEN}"}
        with served(answer(body, 400, "x")) as server:
            with pytest.raises(errors.BadParameter) as caught:
                BEELINE.connect(account_at(server))
        assert TOKEN not in str(caught.value) and "TEST-TOKEN" not in str(caught.value)


class TestSettings:
    @pytest.mark.parametrize(
        "values, doubted",
        [
            ({}, False),
            ({"key": "токен"}, True),
            ({"key": "two words"}, True),
        ],
    )
    def test_what_is_wrong_at_a_glance(self, values, doubted):
        assert bool(BEELINE.doubt_settings(account_at("https://x", **values))) is (
            doubted
        )

    def test_options_that_are_not_set(self, pbx):
        account = account_at(pbx.server_url, options=dict.fromkeys(BEELINE.options))
        assert BEELINE.connect(account).values["current"]
        account = replace(account, options={"beeline_expires": 0})
        assert BEELINE.connect(account).values["current"]
