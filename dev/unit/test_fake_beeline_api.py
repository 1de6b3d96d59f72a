"""Beeline's look-alike: the REST API, as the contract names it, and its settings."""

import time

import pytest
import requests

from fake_beeline.running import running

WHOLE = {
    "dateFrom": "2020-01-01T00:00:00.000Z",
    "dateTo": "2100-01-01T00:00:00.000Z",
}
NOWHERE = "http://127.0.0.1:9/pbx/beeline/TOKEN"


@pytest.fixture(scope="module")
def server():
    with running() as server:
        yield server


@pytest.fixture
def pbx(server):
    server.reset()
    server.account.retry_pauses = []
    return server


def put(pbx, **changes):
    told = {"url": NOWHERE, "expires": 86400, "subscriptionType": "BASIC_CALL"}
    return pbx.ask("PUT", "/subscription", json={**told, **changes})


def one(pbx, method, subscription_id):
    return pbx.ask(method, "/subscription", params={"subscriptionId": subscription_id})


def play(pbx, scenario, **options):
    answer = pbx.control("POST", "/play", {"scenario": scenario, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def code(answer):
    return answer.json()["errorCode"]


# -- who asks --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_is_refused(pbx, status):
    pbx.control("POST", "/settings", {"wrong_token_status": status})
    for path in ("/abonents", "/numbers", "/records", "/nothing"):
        answer = pbx.ask("GET", path, token="other")
        assert (answer.status_code, code(answer)) == (status, "AuthenticationFailed")


def test_errors_have_a_code_and_russian_words(pbx):
    answer = pbx.ask("GET", "/abonents/999")
    assert (answer.status_code, code(answer)) == (404, "UserNotFound")
    assert answer.json()["description"] == "Абонент не найден"
    pbx.account.errors_with_200 = True
    answer = pbx.ask("GET", "/abonents/999")
    assert (answer.status_code, code(answer)) == (200, "UserNotFound")


def test_more_than_the_limit_of_a_second_is_refused(pbx):
    pbx.account.requests_per_second = 3
    answers = [pbx.ask("GET", "/numbers") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "1"
    time.sleep(1.05)
    assert pbx.ask("GET", "/numbers").status_code == 200


# -- people ----------------------------------------------------------------------------


def test_abonents_and_numbers(pbx):
    listed = pbx.ask("GET", "/abonents").json()
    assert [one["extension"] for one in listed] == ["101", "102", "103", "104"]
    assert listed[0]["userId"] == "9000000101@ip.beeline.ru"
    assert listed[3]["userId"].startswith("SIP")
    phones = [one["phone"] for one in pbx.ask("GET", "/numbers").json()]
    assert phones == ["9000000100", "9000000110"]
    for name in ("101", "9000000101", "9000000101%40ip.beeline.ru"):
        assert pbx.ask("GET", f"/abonents/{name}").json() == listed[0]


def test_abonents_are_changed(pbx):
    changes = {"102": {"user_id": "SIP00ABCD0102@ip.beeline.ru", "phone": ""}}
    asked = {"abonents": {**changes, "104": None}}
    assert pbx.control("POST", "/settings", asked).status_code == 200
    listed = {one["extension"]: one for one in pbx.ask("GET", "/abonents").json()}
    assert listed.keys() == {"101", "102", "103"}
    assert listed["102"]["userId"] == "SIP00ABCD0102@ip.beeline.ru"
    assert listed["102"]["phone"] is None


# -- subscriptions ---------------------------------------------------------------------


def test_a_subscription_is_granted_shown_and_ended(pbx):
    made = put(pbx).json()
    assert made["expires"] == 86400
    shown = one(pbx, "GET", made["subscriptionId"]).json()
    assert shown["url"] == NOWHERE
    assert shown["subscriptionType"] == "BASIC_CALL"
    ended = one(pbx, "DELETE", made["subscriptionId"])
    assert (ended.status_code, ended.text) == (200, "")
    gone = one(pbx, "GET", made["subscriptionId"])
    assert (gone.status_code, code(gone)) == (404, "SubscriptionNotFound")


def test_it_ends_by_itself_after_the_granted_time(pbx):
    pbx.control("POST", "/settings", {"granted_seconds": 3})
    made = put(pbx).json()
    assert made["expires"] == 3
    assert play(pbx, "missed")["events"][0]["subscription"] == made["subscriptionId"]
    time.sleep(3.05)
    assert code(one(pbx, "GET", made["subscriptionId"])) == "SubscriptionNotFound"
    assert play(pbx, "missed")["events"][0]["skipped"] == "no live subscription"


@pytest.mark.parametrize("mode, left", [("double", 2), ("replace", 1)])
def test_a_second_put_doubles_or_replaces(pbx, mode, left):
    pbx.control("POST", "/settings", {"second_put": mode})
    put(pbx)
    last = put(pbx).json()["subscriptionId"]
    live = pbx.control("GET", "/subscriptions").json()
    assert len(live) == left and live[-1]["subscriptionId"] == last
    # Another pattern is another subscription.
    put(pbx, pattern="101")
    assert len(pbx.control("GET", "/subscriptions").json()) == left + 1


def test_a_pattern_tells_of_its_abonent_or_number_alone(pbx):
    abonent = put(pbx, pattern="9000000101@ip.beeline.ru").json()["subscriptionId"]
    number = put(pbx, pattern="9000000110").json()["subscriptionId"]
    events = play(pbx, "group")["events"]
    told = [one for one in events if not one.get("skipped")]
    assert {one["subscription"] for one in told} == {abonent}
    assert {one["target"] for one in told} == {"101"}
    events = play(pbx, "answered", extension="102", line="+79000000110")["events"]
    assert {one["subscription"] for one in events} == {number}
    assert code(put(pbx, pattern="999")) == "UserNotFound"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "odoo"},
        {"url": None},
        {"expires": 0},
        {"expires": 86401},
        {"expires": "86400"},
        {"subscriptionType": "ALL"},
    ],
)
def test_a_wrong_subscription_is_refused(pbx, wrong):
    answer = put(pbx, **wrong)
    assert (answer.status_code, code(answer)) == (400, "BadRequest")
    assert pbx.control("GET", "/subscriptions").json() == []


# -- faults ----------------------------------------------------------------------------


def test_the_next_puts_are_not_available(pbx):
    faults = [{"kind": "503", "method": "PUT", "path": "/subscription", "times": 2}]
    pbx.control("POST", "/faults", {"faults": faults})
    assert pbx.ask("GET", "/abonents").status_code == 200
    assert [put(pbx).status_code for _ in range(3)] == [503, 503, 200]
    assert len(pbx.control("GET", "/subscriptions").json()) == 1


def test_a_lost_answer_is_done_all_the_same(pbx):
    faults = [{"kind": "lost", "method": "PUT", "seconds": 0}]
    pbx.control("POST", "/faults", {"faults": faults})
    with pytest.raises(requests.ConnectionError):
        put(pbx)
    assert len(pbx.control("GET", "/subscriptions").json()) == 1


@pytest.mark.parametrize("kind", ["500", "401", "429_retry_after"])
def test_faults_speak_as_the_api_does(pbx, kind):
    pbx.control("POST", "/faults", {"faults": [{"kind": kind}]})
    assert "errorCode" in pbx.ask("GET", "/abonents").json()


def test_wrong_types_of_a_list(pbx):
    pbx.control("POST", "/faults", {"faults": [{"kind": "wrong_types"}]})
    assert pbx.ask("GET", "/abonents").json() == {}


# -- clicks ----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "nothing"])
def test_a_click_is_answered_in_three_ways(pbx, form):
    pbx.control("POST", "/settings", {"click_reply": form, "click": {"speed": 0}})
    answer = pbx.ask(
        "POST",
        "/abonents/9000000101%40ip.beeline.ru/call",
        params={"phoneNumber": "9000000201"},
    )
    assert answer.status_code == 200
    events = []
    while len(events) < 6:
        events = pbx.control("GET", "/log").json()
    [ref] = {one["ref"] for one in events}
    told = {"text": ref, "json": f'"{ref}"', "nothing": ""}
    assert answer.text == told[form]


def test_a_click_needs_an_abonent_and_a_number(pbx):
    for path in ("/abonents/999/call?phoneNumber=9000000201", "/abonents/101/call"):
        assert pbx.ask("POST", path).status_code in (400, 404)
    assert pbx.control("GET", "/log").json() == []


# -- past calls ------------------------------------------------------------------------


def test_statistics_have_a_row_per_phone(pbx):
    truth = play(pbx, "group")["truth"]
    rows = pbx.ask("GET", "/v2/statistics", params=WHOLE).json()
    told = [(one["abonent"]["extension"], one["status"]) for one in rows]
    assert sorted(told) == [("101", "MISSED"), ("102", "RECEIVED"), ("103", "MISSED")]
    assert {one["phone_from"] for one in rows} == {truth["number"][2:]}
    assert sorted(one["duration"] for one in rows) == [0, 0, 53500]
    pbx.control("POST", "/settings", {"statistics_unit": "s"})
    rows = pbx.ask("GET", "/v2/statistics", params=WHOLE).json()
    assert max(one["duration"] for one in rows) in (53, 54)
    who = {**WHOLE, "userId": "9000000103@ip.beeline.ru"}
    assert len(pbx.ask("GET", "/v2/statistics", params=who).json()) == 1
    # Nothing of it tells which call it was.
    assert not any(truth["ref"] in str(row) for row in rows)


def test_statistics_are_paged(pbx):
    pbx.control("POST", "/past")
    pages = []
    while not pages or len(pages[-1]) == 100:
        asked = {**WHOLE, "page": len(pages), "pageSize": 100}
        pages.append(pbx.ask("GET", "/v2/statistics", params=asked).json())
    assert sum(map(len, pages)) == len(pbx.account.rows) > 100
    starts = [row["startDate"] for page in pages for row in page]
    assert starts == sorted(starts)


def test_records_are_paged_with_the_last_rows_id(pbx):
    for place in range(12):
        play(pbx, "recorded", start=1790000000 + 10 * place)
    pbx.account.records *= 10  # 120 rows
    ids = iter(range(1, 121))
    pbx.account.records = [{**one, "id": str(next(ids))} for one in pbx.account.records]
    first = pbx.ask("GET", "/records", params=WHOLE).json()
    assert [one["id"] for one in first] == [str(i) for i in range(1, 101)]
    rest = pbx.ask("GET", "/records", params={**WHOLE, "id": "100"}).json()
    # The last row comes again.
    assert [one["id"] for one in rest] == [str(i) for i in range(100, 121)]


def test_a_recording_is_ready_after_some_refusals(pbx):
    pbx.control("POST", "/settings", {"record_refusals": 2})
    ref = play(pbx, "recorded")["ref"]
    [row] = pbx.ask("GET", "/records", params=WHOLE).json()
    assert (row["externalId"], row["duration"]) == (ref, 53500)
    path = f"/v2/records/{ref}/9000000101%40ip.beeline.ru/download"
    for _ in range(2):
        assert code(pbx.ask("GET", path)) == "RecordNotFound"
    sound = pbx.ask("GET", path)
    assert sound.headers["Content-Type"] == "audio/mpeg"
    assert sound.content.startswith(b"ID3")
    same = pbx.ask("GET", f"/v2/records/{row['id']}/download")
    assert same.content == sound.content
    assert code(pbx.ask("GET", f"/v2/records/{ref}/102/download")) == "RecordNotFound"


def test_a_recording_is_ready_after_some_seconds(pbx):
    pbx.control("POST", "/settings", {"record_ready_after": 2})
    ref = play(pbx, "recorded")["ref"]
    path = f"/v2/records/{ref}/101/download"
    assert code(pbx.ask("GET", path)) == "RecordNotFound"
    time.sleep(2.05)
    assert pbx.ask("GET", path).headers["Content-Type"] == "audio/mpeg"


def test_wrong_dates_are_refused(pbx):
    for path in ("/records", "/v2/statistics"):
        for text in ("", "yesterday", "2026-05-04"):
            answer = pbx.ask("GET", path, params={**WHOLE, "dateTo": text})
            assert code(answer) == "BadRequest"


def test_the_log_has_the_time_of_each_request(pbx):
    before = time.time()
    pbx.ask("GET", "/abonents")
    put(pbx)
    newest, oldest = pbx.control("GET", "/log?kind=api").json()
    assert (newest["method"], newest["path"]) == ("PUT", "/subscription")
    assert newest["params"]["subscriptionType"] == "BASIC_CALL"
    assert before <= oldest["time"] <= newest["time"] <= time.time()
    assert oldest["authorized"] is True
