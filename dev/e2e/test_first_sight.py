"""What the message alone shows, while the server is being asked who calls."""

import time

import pytest
from browser import HOSTILE
from desk_fixtures import NUMBER, UNKNOWN
from playwright.sync_api import expect

SIGHT = ".o_pbx_first_sight"


class Gate:
    """Questions of a page for cards, which wait until they may go."""

    def __init__(self, page):
        self.held, self.is_open = [], False
        page.route("**/pbx.desk/cards", self.on_question)

    def on_question(self, route):
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self):
        self.is_open = True
        while self.held:
            self.held.pop().continue_()


@pytest.fixture
def gate(tabs):
    """That of the first page."""
    gate = Gate(tabs[0].page)
    yield gate
    gate.open()
    tabs[0].page.unroute_all(behavior="wait")


def test_number_first_then_all_of_it(ring, tabs, gate):
    tab = tabs[0]
    sight = tab.page.locator(f"{SIGHT}:visible")
    expect(sight).to_have_count(0)
    call = ring("100")
    expect(sight).to_have_text(f"Phone call {NUMBER}")
    assert tab.cards.count() == 0
    # Another page of the browser has its answer, and rings.
    tabs[1].card("ringing")
    gate.open()
    expect(tab.card("ringing").get_by_role("heading")).to_have_text(HOSTILE)
    expect(sight).to_have_count(0)
    call.hang_up()
    tab.card("done")


def test_it_is_over_before_the_answer(ring, tabs, gate):
    tab = tabs[0]
    call = ring("100", caller=UNKNOWN)
    sight = tab.page.locator(f"{SIGHT}:visible")
    expect(sight).to_have_count(1)
    call.hang_up()
    expect(sight).to_have_count(0)
    gate.open()


def test_a_page_that_sleeps_shows_no_call_that_is_over(ring, tabs):
    """Not for a moment: it hears at once that it began and that it has ended."""
    tab = tabs[0]
    tab.follow(tab.page.locator(SIGHT), "hidden")
    protocol = tab.page.context.new_cdp_session(tab.page)
    protocol.send("Debugger.enable")
    protocol.send("Debugger.pause")
    ring("100", caller=UNKNOWN).hang_up()
    ring("100").hang_up()
    time.sleep(3)
    protocol.send("Debugger.resume")
    protocol.detach()
    awake = ring("100")
    tab.card("ringing")
    awake.hang_up()
    assert tab.followed() == [None, ""]  # that of the call which did ring
