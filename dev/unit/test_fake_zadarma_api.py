"""The fake PBX's API: who may ask, what is answered, in which types."""

import base64
import json
import time
from pathlib import Path

import pytest

from fake_zadarma import contract
from fake_zadarma.answers import ANSWERS
from fake_zadarma.receiver import receiver
from telephony.zadarma.signature import encode_params

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests" / "zadarma-vectors.json").read_text())
START = {"call_start": "2026-05-04 09:15:07"}
MAY = {"start": "2026-05-01 00:00:00", "end": "2026-05-31 23:59:59", "version": "2"}


@pytest.fixture
def pbx(server):
    """The same server, as if it had just been started."""
    server.reset()
    return server


@pytest.fixture(params=["spec", "live"])
def mode(request, pbx):
    pbx.account.mode = request.param
    return request.param


def play(pbx, name, **parameters):
    ready = pbx.fake.plan(name, parameters)
    pbx.fake.play(ready)
    return ready


# -- who may ask -----------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["api_signing"], ids=lambda v: v["id"])
def test_signature_vectors(pbx, vector):
    pbx.account.key, pbx.account.secret = vector["key"], vector["secret"]
    ask = (vector["http_method"], vector["method_path"], vector["signed_params"])
    right = pbx.ask(*ask, authorization=vector["expected_authorization"])
    assert right.status_code != 401
    pbx.account.secret = "another"
    wrong = pbx.ask(*ask, authorization=vector["expected_authorization"])
    assert wrong.status_code == 401
    assert wrong.json() == {"status": "error", "message": "Not authorized"}


def test_signature_is_of_hex_text_and_of_this_path(pbx):
    good = pbx.ask("GET", "/v1/info/balance/").request.headers["Authorization"]
    digest = bytes.fromhex(base64.b64decode(good.partition(":")[2]).decode())
    raw = f"key:{base64.b64encode(digest).decode()}"
    for bad in (raw, good.replace("key:", "yek:"), good + "=", "", "key:", "ключ:x"):
        asked = {"authorization": bad.encode()}
        assert pbx.ask("GET", "/v1/info/balance/", **asked).status_code == 401
    assert pbx.ask("GET", "/v1/info/balance", authorization=good).status_code == 401
    assert pbx.ask("GET", "/v1/info/balance", {}).status_code == 200


def test_order_does_not_matter_but_the_encoding_does(pbx):
    told = {"start": MAY["start"], "end": MAY["end"], "version": "2"}
    signed = pbx.ask("GET", "/v1/statistics/pbx/", told).request
    headers = {"Authorization": signed.headers["Authorization"]}
    turned = "&".join(reversed(encode_params(told).split("&")))
    address = f"{pbx.url}/v1/statistics/pbx/?"
    assert pbx.send("GET", address + turned, headers=headers).status_code == 200
    spaces = encode_params(told).replace("+", "%20")
    assert pbx.send("GET", address + spaces, headers=headers).status_code == 401


def test_a_body_without_content_type_is_not_read(pbx):
    told = {"url": "http://127.0.0.1:9/"}
    signed = pbx.ask("POST", "/v1/pbx/callinfo/url/", told).request
    headers = {"Authorization": signed.headers["Authorization"]}
    answer = pbx.send("POST", signed.url, data=signed.body.encode(), headers=headers)
    assert answer.status_code == 401


def test_multipart_is_signed_by_its_texts(pbx):
    told = {"notify_start": "false"}
    path = "/v1/pbx/callinfo/notifications/"
    signed = pbx.ask("POST", path, told).request.headers["Authorization"]
    parts = {"notify_start": (None, "false")}
    headers = {"Authorization": signed}
    answer = pbx.send("POST", pbx.url + path, files=parts, headers=headers)
    assert answer.json()["notifications"] == told


# -- what is answered ------------------------------------------------------------------


def every_call(url, pbx_call_id, call_id):
    """One good request of each method that is played."""
    period = {"start": MAY["start"], "end": MAY["end"]}
    number, flags = {"number": "442079460900"}, {"notify_start": "true"}
    return [
        ("GET /v1/info/balance", {}),
        ("GET /v1/info/timezone", {}),
        ("GET /v1/info/price", {"number": "+442079460201"}),
        ("GET /v1/sip", {}),
        ("GET /v1/sip/{00001}/status", {}),
        ("GET /v1/direct_numbers", {}),
        ("GET /v1/direct_numbers/number", number),
        ("GET /v1/webrtc/get_key", {"sip": "123456-100"}),
        ("GET /v1/request/callback", {"from": "100", "to": "+442079460201"}),
        ("GET /v1/request/callback", {"from": "442079460201", "to": "00001"}),
        ("GET /v1/pbx/internal", {}),
        ("GET /v1/pbx/internal/{100}/status", {}),
        ("GET /v1/pbx/internal/{100}/info", {}),
        ("GET /v1/pbx/record/request", {"pbx_call_id": pbx_call_id}),
        ("GET /v1/pbx/record/request", {"call_id": call_id, "lifetime": "180"}),
        ("GET /v1/pbx/callinfo", {}),
        ("GET /v1/pbx/webhooks", {}),
        ("POST /v1/pbx/callinfo/url", {"url": url}),
        ("POST /v1/pbx/webhooks/url", {"url": url}),
        ("POST /v1/pbx/callinfo/notifications", flags),
        ("POST /v1/pbx/webhooks/hooks", {"sms": "false"}),
        ("GET /v1/pbx/callinfo", {}),
        ("DELETE /v1/pbx/callinfo/url", {}),
        ("DELETE /v1/pbx/webhooks/url", {}),
        ("GET /v1/statistics/pbx", {**period, "version": "2"}),
        ("GET /v1/statistics/pbx", {"version": "1", "call_type": "in"}),
        ("GET /v1/statistics", period),
        ("GET /v1/statistics", {**period, "cost_only": "true"}),
        ("GET /v1/statistics", {}),
    ]


@pytest.mark.parametrize("slash", ["", "/"])
def test_every_answer_is_as_the_contract_says(pbx, mode, slash):
    told = {**START, "caller": "+442079460201"}
    ready = [play(pbx, name, **told) for name in ("transfer", "withheld", "outbound")]
    ready.append(play(pbx, "outbound_failed", **told))
    first = ready[0]
    with receiver("secret") as hook:
        asked = every_call(hook.url, first.pbx_call_id, first.rows[0]["call_id"])
        for name, params in asked:
            method, path = name.replace("{", "").replace("}", "").split()
            operation = contract.find(method, path + slash)
            answer = pbx.ask(method, path + slash, {**params, "format": "json"})
            assert answer.status_code == 200, (name, answer.text)
            assert answer.json()["status"] == "success"
            assert contract.check_answer(operation, answer.json(), mode) == [], name
    played = {contract.find(*name.split()).name for name, _params in asked}
    assert {name.replace("{100}", "{pbxsip}") for name in played} == set(ANSWERS)
    assert not [e for e in pbx.account.journal.read("api") if e.get("problems")]


def test_errors_are_as_the_contract_says(pbx, mode):
    wrong = [
        ("GET", "/v1/info/price/", {}, 400),
        ("GET", "/v1/info/price/", {"number": "12"}, 400),
        ("GET", "/v1/request/callback/", {"from": "100", "to": "101"}, 400),
        ("GET", "/v1/statistics/pbx/", {**MAY, "limit": "1001"}, 400),
        ("GET", "/v1/statistics/pbx/", {**MAY, "start": "yesterday"}, 400),
        ("GET", "/v1/pbx/internal/10/status/", {}, 400),
        ("GET", "/v1/pbx/internal/999/status/", {}, 400),
        ("GET", "/v1/pbx/record/request/", {}, 400),
        ("GET", "/v1/pbx/record/request/", {"call_id": "1.2", "lifetime": "179"}, 400),
        ("GET", "/v1/pbx/record/request/", {"call_id": "1.2"}, 400),
        ("GET", "/v1/info/balance/", {"format": "xml"}, 400),
        ("POST", "/v1/pbx/callinfo/notifications/", {"notify_start": "1"}, 400),
        ("POST", "/v1/pbx/callinfo/notifications/", {}, 400),
        ("GET", "/v1/no/such/thing/", {}, 404),
        ("POST", "/v1/info/balance/", {}, 404),
        ("GET", "/v1/esim/devices/", {}, 501),
    ]
    balance = contract.find("GET", "/v1/info/balance")
    for method, path, params, status in wrong:
        answer = pbx.ask(method, path, params)
        assert answer.status_code == status, (path, answer.text)
        assert contract.check_answer(balance, answer.json(), mode, status) == []
    assert pbx.ask("GET", "/v1/no/such/").json()["message"] == "Wrong method name"
    price = pbx.ask("GET", "/v1/info/price/", {"number": "12"}).json()
    assert price["message"] == "Check phone's number"


def test_types_drift_between_the_modes(pbx):
    ready = play(pbx, "answered", caller="442079460201", extension="100", **START)
    row = pbx.ask("GET", "/v1/statistics/pbx/", MAY).json()["stats"][0]
    call_id = ready.rows[0]["call_id"]
    assert (row["call_id"], row["sip"], row["is_recorded"]) == (call_id, "100", "true")
    assert row["clid"] == '"+442079460201" <442079460201>'
    pbx.account.mode = "spec"
    answer = pbx.ask("GET", "/v1/statistics/pbx/", MAY)
    row = json.loads(answer.text, parse_float=str)["stats"][0]
    assert (row["call_id"], row["sip"], row["is_recorded"]) == (call_id, 100, True)
    assert row["clid"] == 442079460201 and f'"{call_id}"' not in answer.text


def test_statistics_have_a_row_per_leg_and_pages(pbx):
    first = play(pbx, "ring_group", extensions=["100", "101", "102"], **START)
    play(pbx, "outbound", call_start="2026-05-05 09:00:00")
    play(pbx, "click_calltype", call_start="2026-05-03 09:00:00")
    play(pbx, "answered", call_start="2026-06-01 00:00:00")
    rows = pbx.ask("GET", "/v1/statistics/pbx/", MAY).json()["stats"]
    assert len(rows) == 6
    assert [row["callstart"] for row in rows] == sorted(r["callstart"] for r in rows)
    group = [row for row in rows if row["pbx_call_id"] == first.pbx_call_id]
    assert [row["disposition"] for row in group] == ["answered", "cancel", "cancel"]
    click = rows[0]
    assert (click["sip"], click["destination"]) == ("100", 100)
    paged = {**MAY, "skip": "1", "limit": "2"}
    assert pbx.ask("GET", "/v1/statistics/pbx/", paged).json()["stats"] == rows[1:3]
    only = pbx.ask("GET", "/v1/statistics/pbx/", {**MAY, "call_type": "out"}).json()
    assert len(only["stats"]) == 3


def test_too_long_a_period_is_cut(pbx):
    asked = {**MAY, "end": "2026-12-31 00:00:00"}
    told = pbx.ask("GET", "/v1/statistics/pbx/", asked).json()
    assert (told["start"], told["end"]) == (
        "2026-05-01 00:00:00",
        "2026-05-31 00:00:00",
    )


def test_time_is_that_of_the_account(pbx):
    # 2026-07-01 12:00 UTC is summer in London, and half past in Kolkata.
    pbx.account.clock_offset = 1782907200 - time.time()
    told = pbx.ask("GET", "/v1/info/timezone/").json()
    assert told["datetime"][:16] == "2026-07-01 13:00" and told["timezone"] == "UTC+1"
    pbx.account.zone = "Asia/Kolkata"
    assert pbx.ask("GET", "/v1/info/timezone/").json()["timezone"] == "UTC+5:30"


# -- the contract itself ---------------------------------------------------------------


@pytest.mark.parametrize("one", contract.corrections(), ids=lambda one: one["call"])
def test_each_correction_says_why_and_changes_something(one):
    assert len(one["reason"]) > 20
    assert set(one["modes"]) <= set(contract.MODES)
    there = contract.uncorrected(one["call"], one["part"])
    *parents, last = one["at"].split("/")
    for key in parents:
        there = there[int(key) if isinstance(there, list) else key]
    assert there.get(last, "nothing") != one.get("value", "nothing")


@pytest.mark.parametrize(
    "call, body",
    [
        ("GET /v1/pbx/callinfo", {"url": "nowhere"}),
        ("GET /v1/pbx/internal", {"status": "success", "pbx_id": 1, "numbers": ["1"]}),
        ("GET /v1/info/balance", {"status": "success", "balance": "1"}),
    ],
)
def test_the_contract_refuses_what_is_wrong(call, body):
    operation = contract.find(*call.split())
    assert contract.check_answer(operation, body, "live")


def test_what_a_client_sends_wrongly_is_noted(pbx):
    pbx.ask("GET", "/v1/info/balance/", {"colour": "red", "format": "json"})
    (entry,) = pbx.account.journal.read("api")
    assert entry["problems"] == ["colour: the contract has no such parameter"]
    assert entry["status"] == 200
