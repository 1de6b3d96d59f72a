"""A house with two agents, and somebody whose name is full of HTML who calls them.

house   .odoo, .admin, .partner (who calls), .switchboard (see screen.py)
ring    .(*extensions, caller) -> a call, which is ended after the test
tabs    two pages of one browser, the first in sight
"""

from types import SimpleNamespace

import pytest
from screen import HOSTILE, Browsers, Switchboard

NUMBER, UNKNOWN, OTHER = (f"+4420794606{n}" for n in (41, 42, 43))


@pytest.fixture(scope="session")
def house(odoo, pbx, provider):
    """Two agents with a phone each, and a caller whose name is full of HTML."""
    admin = odoo.login("admin")
    admin.call("pbx.provider", "write", [provider["id"]], {"general_limit": 10000})
    contact = {"name": HOSTILE, "phone": NUMBER, "function": HOSTILE}
    partner = admin.call("res.partner", "create", contact)
    switchboard = Switchboard(pbx)
    yield SimpleNamespace(
        odoo=odoo, admin=admin, partner=partner, switchboard=switchboard
    )
    switchboard.online("100", "101")


@pytest.fixture
def ring(house):
    """Let phones ring; what still goes on at the end of the test is ended."""
    calls = []

    def ring(*extensions, caller=NUMBER):
        calls.append(house.switchboard.ring(caller, *extensions))
        return calls[-1]

    yield ring
    for call in calls:
        call.hang_up()


@pytest.fixture(scope="module")
def two(chromium, house):
    opened = Browsers(chromium, house.odoo)
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
        tab.close_cards()  # those of others' calls, too
        tab.show("pbx.call")
    yield two
    assert not front.browsers.told()
