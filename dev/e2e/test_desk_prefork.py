"""The card where Odoo has workers, and a process of its own for the websocket."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import log
import pytest
from browser import CONNECTED, Browsers, FakePbx
from playwright.sync_api import expect
from proxy import Proxy

KNOWN = "+442079460201"  # in the demo data
NAME = "Amelia Whitlock"
RECONNECTED_MS = 90_000
# While the websocket's process is being replaced.
GONE = [r"WebSocket connection to .* failed", r"net::ERR_\w+"]


@pytest.fixture(scope="module")
def agents(prefork):
    odoo, pbx, _provider = prefork
    proxy = Proxy(odoo.port, odoo.websocket_port)
    front = SimpleNamespace(url=proxy.url, login=odoo.login)
    yield SimpleNamespace(odoo=odoo, front=front, fake_pbx=FakePbx(pbx))
    proxy.close()


@pytest.fixture
def browsers(chromium, agents):
    opened = Browsers(chromium, agents.front)
    yield opened
    opened.close()
    assert not opened.told()


def test_a_call_on_two_desks(agents, browsers):
    admin, demo = browsers.one("admin"), browsers.one("demo")
    call = agents.fake_pbx.ring(KNOWN, "100", "101")
    for tab in (admin, demo):
        expect(tab.card("ringing").get_by_role("heading")).to_have_text(NAME)
    call.answer("101")
    demo.card("ongoing")
    expect(admin.card("taken")).to_contain_text("Taken by Marc Demo")
    demo.card().get_by_role("textbox").fill("Ropes")
    expect(demo.card().get_by_text("Saved", exact=True)).to_be_visible()
    call.hang_up()
    demo.card("done")


def websocket_process(odoo):
    """Return the id of the process that serves the websocket."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if b"gevent" in words and odoo.database.encode() in words:
            return int(entry.name)
    return None


def test_the_websocket_s_process_is_killed(agents, browsers):
    """Odoo starts another, the page connects to it, and asks how things stand."""
    browsers.harmless += GONE
    tab = browsers.one("admin")
    call = agents.fake_pbx.ring(KNOWN, "100")
    tab.card("ringing")
    killed = websocket_process(agents.odoo)
    os.kill(killed, signal.SIGKILL)
    call.answer("100")
    log.until(
        lambda: websocket_process(agents.odoo) not in (None, killed),
        *(60, "another process serves the websocket"),
    )
    tab.page.wait_for_function(CONNECTED, timeout=RECONNECTED_MS)
    tab.card("ongoing")
    call.hang_up()
    tab.card("done")
