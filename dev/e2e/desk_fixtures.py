"""Two agents with a phone each, and somebody whose name is full of HTML who calls them.

agents  .odoo, .admin, .partner (who calls), .fake_pbx (see browser.py)
ring    .(*extensions, caller) -> a call, which is ended after the test
tabs    two pages of one browser, the first in sight
"""

from types import SimpleNamespace

import pytest
from browser import HOSTILE, Browsers, FakePbx

NUMBER, UNKNOWN, OTHER = (f"+4420794606{n}" for n in (41, 42, 43))


@pytest.fixture(scope="session")
def agents(odoo, pbx, provider):
    """Two agents with a phone each, and a caller whose name is full of HTML."""
    admin = odoo.login("admin")
    admin.call("pbx.provider", "write", [provider["id"]], {"general_limit": 10000})
    contact = {"name": HOSTILE, "phone": NUMBER, "function": HOSTILE}
    partner = admin.call("res.partner", "create", contact)
    fake_pbx = FakePbx(pbx)
    yield SimpleNamespace(odoo=odoo, admin=admin, partner=partner, fake_pbx=fake_pbx)
    fake_pbx.online("100", "101")


@pytest.fixture
def ring(agents):
    """Let phones ring; what still goes on at the end of the test is ended."""
    calls = []

    def ring(*extensions, caller=NUMBER):
        calls.append(agents.fake_pbx.ring(caller, *extensions))
        return calls[-1]

    yield ring
    for call in calls:
        call.hang_up()


@pytest.fixture(scope="module")
def two(chromium, agents):
    opened = Browsers(chromium, agents.odoo)
    browser = opened.open("admin")
    yield [opened.tab(browser), opened.tab(browser)]
    opened.close()


@pytest.fixture
def tabs(two, ring):
    """Two pages of one browser, the first in sight; the same for many tests."""
    front, behind = two
    front.look(True)
    behind.look(False)
    for tab in two:
        # What an earlier test left, if it broke off.
        if tab.page.get_by_role("dialog", name="Phone").count():
            tab.page.keyboard.press("Escape")
        tab.asked.clear()
        tab.close_cards()  # those of others' calls, too
        tab.show("pbx.call")
    yield two
    assert not front.browsers.told()
