"""Connect, on a started server: the PBX itself tries the address, and then rings it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from posting import session

from fake_zadarma.receiver import receiver
from lib import pbx as introduction
from lib.servers import FakePbxServer

NAMES = ["state", "last_error", "webhook_url", "balance", "former_url", "check_ids"]


@pytest.fixture(scope="module")
def odoo(workers):
    return workers


@pytest.fixture(scope="module", params=["live", "spec"])
def fresh(request, odoo, admin, instance):
    """A PBX that has never heard of this Odoo, and the keys to it."""
    provider = introduction.find_provider(admin)
    keys = ["api_key", "api_secret", "tz"]
    [values] = admin.call("pbx.provider", "read", [provider], keys)
    log = instance.folder / f"connect-{request.param}.log"
    pbx = FakePbxServer(instance.tools.venv.python, 0, log)
    pbx.options = {
        "key": values["api_key"],
        "secret": values["api_secret"],
        "mode": request.param,
        "zone": values["tz"],
    }
    pbx.start()
    # Our own limit has tests of its own.
    told = {"server_url": pbx.url, "external_url": odoo.url, "general_limit": 10000}
    admin.call("pbx.provider", "write", [provider], told)
    yield pbx, provider
    pbx.stop()


def ask(pbx, path):
    with session() as client:
        return client.get(pbx.url + path, timeout=30).json()


def press(admin, provider):
    shown = admin.call("pbx.provider", "action_connect", [provider])["params"]
    return shown, admin.call("pbx.provider", "read", [provider], NAMES)[0]


def steps(admin, provider):
    rows = admin.call(
        "pbx.check",
        "search_read",
        [("provider_id", "=", provider)],
        ["step", "state", "message"],
    )
    return {row["step"]: row["state"] for row in rows}


def test_one_press_and_the_next_call_is_in_the_log(odoo, admin, fresh):
    pbx, provider = fresh
    shown, form = press(admin, provider)
    assert shown["type"] in ("success", "warning"), shown
    assert (form["state"], form["last_error"]) == ("connected", False)
    assert "failed" not in steps(admin, provider).values()
    settings = ask(pbx, "/control/settings")
    assert settings["callinfo_url"] == form["webhook_url"]
    assert form["balance"] == "10.34 USD"
    log = ask(pbx, "/control/log?kind=api&limit=1000")
    assert log and not [entry for entry in log if entry.get("problems")]
    played = pbx.play("answered")
    assert {event["status"] for event in played["events"]} == {200}
    [call] = admin.call(
        "pbx.call",
        "search_read",
        [("ref", "=", played["pbx_call_id"])],
        ["state", "outcome"],
    )
    assert (call["state"], call["outcome"]) == ("done", "answered")


def test_each_worker_takes_what_new_keys_sign_and_what_the_old_ones_signed(
    odoo, admin, fresh
):
    pbx, provider = fresh
    press(admin, provider)
    [old] = admin.call("pbx.provider", "read", [provider], ["api_secret"])
    admin.call("pbx.provider", "write", [provider], {"api_secret": "a-new-secret"})
    try:
        for _time in range(8):  # both workers
            played = pbx.play("missed")
            assert {event["status"] for event in played["events"]} == {200}
        shown, form = press(admin, provider)
        assert (shown["type"], form["state"]) == ("danger", "error")
        assert set(steps(admin, provider).values()) == {"failed", "skipped"}
    finally:
        secret = {"api_secret": old["api_secret"]}
        admin.call("pbx.provider", "write", [provider], secret)
    assert press(admin, provider)[1]["state"] == "connected"


def test_the_address_from_before_is_kept_whatever_happens_then(admin, fresh):
    pbx, provider = fresh
    with receiver("of somebody else") as other:
        theirs = other.url.replace("/pbx/zadarma/token", "/hook/4711")
        assert pbx.post("/control/webhook", {"url": theirs})["status"] == "success"
    broken = {"kind": "500", "path": "/v1/pbx/callinfo/url", "times": 0}
    pbx.post("/control/faults", {"faults": [broken]})
    shown, form = press(admin, provider)
    assert (shown["type"], steps(admin, provider)["address"]) == ("danger", "failed")
    assert form["former_url"] == theirs
    pbx.post("/control/faults", {"faults": []})
    assert press(admin, provider)[1]["state"] == "connected"


def test_two_who_press_at_once_do_not_meet(odoo, fresh):
    _pbx, provider = fresh
    with ThreadPoolExecutor(4) as pool:
        people = list(pool.map(lambda _n: odoo.login("admin"), range(4)))
        shown = list(pool.map(lambda one: press(one, provider), people))
    kinds = {told["type"] for told, _form in shown}
    assert kinds <= {"success", "warning", "info"}, shown
    assert len(steps(people[0], provider)) == 7


def test_the_log_of_the_server_holds_no_secret(odoo, admin, fresh):
    said = odoo.log_text()
    rows = odoo.sql("select webhook_token, api_secret, api_key from pbx_provider")
    assert not [secret for secret in sum(rows, ()) if secret and secret in said]
