"""The two servers know each other: a call played in the PBX is a call in Odoo."""

import re


def test_a_played_call_stands_in_the_log(odoo, pbx, provider):
    played = pbx.play("answered")
    assert {event["status"] for event in played["events"]} == {200}
    [call] = odoo.login("admin").call(
        "pbx.call",
        "search_read",
        [("ref", "=", played["pbx_call_id"])],
        ["provider_id", "direction", "state", "outcome"],
    )
    assert call["provider_id"][0] == provider["id"]
    assert call["direction"] == "inbound"
    assert (call["state"], call["outcome"]) == ("done", "answered")


def test_the_address_is_the_started_server(odoo, provider):
    token = provider["webhook_url"].removeprefix(f"{odoo.url}/pbx/zadarma/")
    assert re.fullmatch(r"[\w-]{20,}", token)


def test_workers_serve_too(servers):
    prefork = servers.start(workers=1)
    assert prefork.login("demo").call("pbx.call", "search_count", []) == 0
    assert prefork.sql("select count(*) from pbx_call where id = %s", [-1]) == [(0,)]
