"""Two companies, two cloud PBXs, one Odoo: nothing crosses over."""

import http.client
import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

import log
import pytest
from posting import post, render, session

NUMBER, LINE = "+442896496001", "+442896496900"
TYPED = "028 9649 6001"


class Side(NamedTuple):
    """One company, its PBX, its contact with NUMBER, and the agent at 101."""

    company: int
    provider: int
    url: str
    secret: str
    contact: int
    name: str
    agent: object
    uid: int

    def play(self, scenario, **parameters):
        """Post a scenario; the answers' statuses and START's reply."""
        events = render(scenario, self.secret, **parameters)
        with session() as client:
            answers = [post(self.url, event, client) for event in events]
        return {answer.status for answer in answers}, answers[0].body


@pytest.fixture(scope="module")
def country(admin):
    return admin.call("res.country", "search", [("code", "=", "GB")])[0]


def contact(admin, name, company, country):
    values = {"name": name, "phone": TYPED, "company_id": company}
    return admin.call("res.partner", "create", [values | {"country_id": country}])[0]


@pytest.fixture(scope="module")
def first(odoo, admin, provider, country):
    names = ["company_id", "api_secret"]
    [values] = admin.call("pbx.provider", "read", [provider["id"]], names)
    company, name = values["company_id"][0], "Known in the first"
    agent = odoo.login("demo")
    found = contact(admin, name, company, country)
    keys = provider["webhook_url"], values["api_secret"]
    return Side(company, provider["id"], *keys, found, name, agent, agent.uid)


@pytest.fixture(scope="module")
def second(odoo, admin, first, country):
    company = admin.call("res.company", "create", [{"name": "Second company"}])[0]
    domain = [("model", "=", "res.groups"), ("name", "=", "group_pbx_user")]
    [group] = admin.call("ir.model.data", "search_read", domain, ["res_id"])
    user = {
        **{"name": "Agent of the second", "login": "second", "password": "second"},
        **{"company_id": company, "company_ids": [company]},
        "group_ids": [(4, group["res_id"])],
    }
    uid = admin.call("res.users", "create", [user])[0]
    secret = secrets.token_hex(8)
    values = {
        **{"name": "PBX of the second", "company_id": company, "user_id": uid},
        **{"country_id": country, "tz": "Europe/London", "external_url": odoo.url},
        **{"api_key": secrets.token_hex(8), "api_secret": secret},
    }
    provider = admin.call("pbx.provider", "create", [values])[0]
    phone = {"number": "101", "provider_id": provider, "user_ids": [(4, uid)]}
    admin.call("pbx.extension", "create", [phone])
    [values] = admin.call("pbx.provider", "read", [provider], ["webhook_url"])
    name = "Known in the second"
    found = contact(admin, name, company, country)
    agent = odoo.login("second")
    keys = values["webhook_url"], secret
    return Side(company, provider, *keys, found, name, agent, uid)


def the_call(admin, side, ref):
    [call] = log.calls(admin, [("provider_id", "=", side.provider), ("ref", "=", ref)])
    return call


def test_the_same_call_id_is_two_calls(odoo, admin, first, second):
    same = {
        **{"pbx_call_id": "in_" + "7" * 40, "caller": NUMBER, "line": LINE},
        **{"extension": "101", "call_start": log.local(log.minutes_ago(3), "UTC")},
    }
    [[before]] = odoo.sql("select count(*) from pbx_call")
    mixed = zip(
        render("answered", first.secret, **same),
        render("answered", second.secret, duration=7, **same),
        strict=True,
    )
    for one, other in mixed:
        for side, event in ((first, one), (second, other)):
            answer = post(side.url, event)
            assert answer.status == 200
            start = event["event"] == "NOTIFY_START"
            assert (side.name in answer.body) == start
    assert odoo.sql("select count(*) from pbx_call") == [(before + 2,)]
    for side, talk in ((first, 34), (second, 7)):
        call = the_call(admin, side, same["pbx_call_id"])
        assert call["company_id"][0] == side.company
        assert call["partner_id"][0] == side.contact
        assert call["user_id"][0] == side.uid
        assert call["participant_ids"] == [side.uid]
        assert (call["outcome"], call["talk_seconds"]) == ("answered", talk)
        assert list(call["legs"]) == ["101"]
        assert len(call["recordings"]) == 1
        assert len(log.inbox(odoo, side.provider, [same["pbx_call_id"]])) == 5


def test_agents_see_their_own_company(admin, first, second):
    ref = "in_" + "7" * 40
    for side, other in ((first, second), (second, first)):
        found = side.agent.call("pbx.call", "search_read", [("ref", "=", ref)], ["id"])
        assert [call["id"] for call in found] == [the_call(admin, side, ref)["id"]]
        for model in ("pbx.call", "pbx.call.leg", "pbx.recording", "pbx.extension"):
            field = "provider_id" if model != "pbx.recording" else "company_id"
            theirs = other.provider if field == "provider_id" else other.company
            assert not side.agent.call(model, "search_count", [(field, "=", theirs)])


def test_a_secret_signs_for_its_own_provider_only(odoo, first, second):
    [[before]] = odoo.sql("select count(*) from pbx_event")
    for side, other in ((first, second), (second, first)):
        for event in render("answered", other.secret):
            assert post(side.url, event).status == 403
    assert odoo.sql("select count(*) from pbx_event") == [(before,)]


def test_a_pick_is_remembered_by_its_company_only(admin, first, second):
    number = "+442896496002"
    for side in (first, second):
        assert side.play("missed", caller=number, extension="101") == ({200}, "{}")
    domain = [("provider_id", "=", first.provider), ("number", "=", number)]
    [call] = first.agent.call("pbx.call", "search", domain)
    first.agent.call("pbx.call", "write", [call], {"partner_id": first.contact})
    assert first.name in first.play("missed", caller=number)[1]
    assert second.play("missed", caller=number) == ({200}, "{}")


def test_a_line_of_one_is_a_caller_for_the_other(admin, first, second):
    line = "+442896496009"
    assert first.play("missed", caller="+442896496008", line=line)[0] == {200}
    theirs = {"name": "The first company", "phone": line, "company_id": second.company}
    admin.call("res.partner", "create", [theirs])
    assert "The first company" in second.play("missed", caller=line)[1]


def test_earlier_calls_go_to_contacts_of_their_company(admin, first, second, country):
    number = "+442896496003"
    for side in (first, second):
        assert side.play("missed", caller=number) == ({200}, "{}")
    values = {"name": "Later", "phone": number, "company_id": first.company}
    [partner] = admin.call("res.partner", "create", [values])

    def owners():
        found = log.calls(admin, [("number", "=", number)])
        return {call["company_id"][0]: call["partner_id"] for call in found}

    log.until(lambda: owners()[first.company], 60, "the first's call is collected")
    assert owners()[first.company][0] == partner
    assert owners()[second.company] is False


# Ways to write the address, or to ask for it, that are all wrong.
DETOURS = (
    *("{path}/", "{path}/more", "/{path}", "{path}?{token}", "{path}%0a", "{path}%2f"),
    *("/pbx/beeline/{token}", "/pbx/zadarma//{token}", "/pbx/{token}", "/PBX{path}"),
    *("/pbx%2Fzadarma%2F{token}", "/web/login?redirect={path}"),
)


def ask(url, method, path, body=b"", headers=None):
    """A request as it is written, without a client that mends the path."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_log_is_told_nothing(odoo, first, second):
    """After all of the above, and after everything else that can be sent wrongly."""
    marker = "+442896496066"
    for side in (first, second):
        path = urlsplit(side.url).path
        token = path.rpartition("/")[2]
        [start, *_rest] = render("answered", side.secret, caller=marker)
        form, headers = start["body"].encode(), start["headers"]
        for detour in DETOURS:
            where = detour.format(path=path, token=token)
            for method in ("GET", "POST"):
                assert ask(odoo.url, method, where, form, headers) < 500
        for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
            assert ask(odoo.url, method, path, form, headers) < 500
        for bad in bad_requests(form, headers, marker):
            assert 400 <= ask(odoo.url, "POST", path, *bad) < 500
        for scenario in ("sms", "speech_recognition", "number_lookup"):
            assert side.play(scenario, caller=marker)[0] == {200}
    words = [marker.lstrip("+"), "order ready"]  # of a call, and of the SMS
    for side in (first, second):
        words += [side.secret, side.url.rpartition("/")[2]]
    lines = odoo.log_text().splitlines()
    assert not [line for line in lines if any(word in line for word in words)]


def bad_requests(form, headers, marker):
    """Bodies and headers that must be refused, each with something to tell."""
    unsigned = {name: headers[name] for name in headers if name != "Signature"}
    yield form, unsigned
    yield form, {**headers, "Signature": "x" * 56}
    yield form, {**headers, "Content-Type": "application/json"}
    yield b"caller_id=" + marker.encode(), headers
    yield form + b"&note=" + b"x" * 1001, headers
    yield form + b"&note=\xff\xfe", headers
    yield form + b"&note=%00", headers
    yield form + b"&note=" + b"x" * (1024 * 1024), headers
