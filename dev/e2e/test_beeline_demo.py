"""The demo with the look-alike of Beeline: its past, its day, started again."""

import pytest

from fake_beeline.past import company
from lib import beeline_pbx
from lib.demo_beeline import DESKS, Beeline
from lib.rpc import request_json

pytestmark = pytest.mark.after_tests


@pytest.fixture(scope="module")
def demo(instance, servers):
    """(odoo, the demo's PBX, admin): introduced, and its calls are there."""
    odoo = servers.start()
    pbx = Beeline(instance, odoo.database, 0)
    admin = odoo.login("admin")
    try:
        pbx.introduce(odoo, admin)
        pbx.prepare(odoo, admin, new=True)
        yield odoo, pbx, admin
    finally:
        pbx.server.stop()
        odoo.stop()


def calls(admin, *domain):
    fields = ["ref", "direction", "outcome", "state", "number", "user_id", "start"]
    fields += ["recording_ids", "provider_id", "partner_id"]
    return admin.call("pbx.call", "search_read", list(domain), fields)


def test_two_weeks_and_a_day_of_one_pbx(demo):
    _odoo, pbx, admin = demo
    [provider] = admin.call(
        "pbx.provider", "search_read", [], ["dialect", "state", "last_error"]
    )
    assert (provider["dialect"], provider["state"]) == ("beeline", "connected")
    found = calls(admin, ("provider_id", "=", provider["id"]))
    assert {call["state"] for call in found} == {"done"}
    kinds = {(call["direction"], call["outcome"]) for call in found}
    outcomes = ("answered", "busy", "no_answer", "cancelled")
    assert kinds >= {("outbound", outcome) for outcome in outcomes}
    assert kinds >= {("inbound", one) for one in ("answered", "missed", "busy")}
    assert ("internal", "answered") in kinds
    # Each once: what the look-alike says that it has played.
    words = pbx.played.split()
    past, day = int(words[3]), int(words[9])
    assert len(found) == past + day > 120
    made_up = [call for call in found if call["ref"].startswith("row/")]
    assert 50 < len(made_up) < past


def test_people_of_the_company_and_their_customers(demo):
    _odoo, _pbx, admin = demo
    extensions = admin.call(
        "pbx.extension",
        "search_read",
        [("provider_id.dialect", "=", "beeline")],
        ["number", "name", "user_ids"],
    )
    assert {one["number"] for one in extensions} == set(DESKS)
    for one in extensions:
        [user] = admin.call("res.users", "read", one["user_ids"], ["login", "name"])
        assert (user["login"], user["name"]) == (DESKS[one["number"]], one["name"])
    known = [one["number"] for one in company()["people"] if "name" in one]
    found = calls(admin, ("number", "in", known))
    assert {call["number"] for call in found} == set(known)
    assert all(call["partner_id"] for call in found)
    assert admin.call("res.company", "read", [1], ["name"])[0]["name"].startswith("ООО")


def test_recordings_are_there(demo):
    _odoo, _pbx, admin = demo
    rows = admin.call("pbx.recording", "search_read", [], ["state"])
    assert len(rows) > 5 and {row["state"] for row in rows} == {"stored"}
    assert admin.get(f"/pbx/recording/{rows[0]['id']}").startswith(b"ID3")
    failed = [("error_code", "!=", False)]
    assert not admin.call("pbx.request", "search", failed)


def test_a_played_call_comes(demo):
    _odoo, pbx, admin = demo
    played = pbx.server.play("group", caller="+79000000206")
    assert {event["status"] for event in played["events"]} == {200}
    [call] = calls(admin, ("ref", "=", played["ref"]))
    assert call["outcome"] == "answered" and call["partner_id"]
    for path in ("/", "/static/app.js", "/static/entries.js", "/shared/log.js"):
        assert admin.opener.open(f"{pbx.server.url}{path}").status == 200


def test_it_is_started_again_and_connected(demo, instance):
    odoo, pbx, admin = demo
    before = len(calls(admin))
    pbx.server.stop()
    again = Beeline(instance, odoo.database, 0)
    try:
        again.introduce(odoo, admin)  # on another port
        again.prepare(odoo, admin, new=False)
        live = request_json(f"{again.server.url}/control/subscriptions")
        assert len(live) == 1
        again.server.play("missed", caller="+79000000201")
        assert len(calls(admin)) == before + 1
        [provider] = admin.call(
            "pbx.provider", "search_read", [], ["server_url", "external_url"]
        )
        assert provider["server_url"] == again.server.server_url
        where = beeline_pbx.where(odoo, again.server)
        assert provider["external_url"] == where["external_url"]
        assert len(admin.call("res.company", "search", [])) == 1
    finally:
        again.server.stop()
