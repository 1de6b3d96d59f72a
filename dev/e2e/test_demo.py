"""The demo with the look-alike of Zadarma: what it says of its calls is so."""

import pytest

from lib.demo_zadarma import CALLS_NOW, Zadarma

pytestmark = pytest.mark.after_tests


@pytest.fixture(scope="module")
def demo(instance, servers):
    """(the demo's PBX, admin): introduced, and its calls are there."""
    odoo = servers.start()
    pbx = Zadarma(instance, odoo.database, 0)
    admin = odoo.login("admin")
    try:
        pbx.introduce(odoo, admin)
        pbx.prepare(odoo, admin, new=True)
        yield pbx, admin
    finally:
        if pbx.server:
            pbx.server.stop()
        odoo.stop()


def test_it_says_how_many_calls_the_list_has(demo):
    pbx, admin = demo
    # As the menu opens it.
    [action] = admin.call(
        "ir.actions.act_window", "search_read", [("path", "=", "calls")], ["domain"]
    )
    assert not action["domain"]
    shown = admin.call("pbx.call", "web_search_read", [], {"start": {}})["length"]
    assert pbx.played == f"two weeks with {shown} calls"
    # Those of this moment are among them, and nothing waits.
    since = [("start", ">=", "now -15M")]
    assert admin.call("pbx.call", "search_count", since) >= len(CALLS_NOW)
    waits = [("state", "in", ("pending", "failed"))]
    assert admin.call("pbx.event", "search_count", waits) == 0
