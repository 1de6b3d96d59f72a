"""The card in a real browser: several pages, sleep, a server that ends."""

import time

import log
import pytest
from browser import CONNECTED, HOSTILE
from desk_fixtures import OTHER, UNKNOWN
from playwright.sync_api import expect

DESK = "odoo.__WOWL_DEBUG__.root.env.services['cloud_pbx.desk']"
FORM = ".o_form_view"
RECONNECTED_MS = 90_000
# Odoo's Discuss says in the console that it could not be reached.
DISCUSS = r"(mail|discuss|web/dataset/call_kw/(mail|discuss)\.)"
OUTAGE = [r"net::ERR_\w+", f'^ConnectionLostError: Connection to "/{DISCUSS}']


def shows_seconds(tab, call):
    """The card counts the seconds of the talk; a page that is busy, by and by."""
    log.until(
        lambda: abs(tab.timer() - call.seconds()) <= 2, 10, "the talk's own seconds"
    )


def test_a_call_from_ring_to_end(ring, tabs):
    tab = tabs[0]
    tab.no_card()
    call = ring("100")
    card = tab.card("ringing")
    expect(card).to_contain_text("Incoming call")
    expect(card.get_by_role("heading")).to_have_text(HOSTILE)
    call.answer("100")
    tab.card("ongoing")
    shows_seconds(tab, call)
    call.hang_up()
    tab.card("done")


@pytest.fixture
def opens_contact(agents, tabs):
    """The contact of a caller is opened by itself, and the pages know it."""
    write = ("res.users", "write", [agents.admin.uid])
    agents.admin.call(*write, {"pbx_open_contact": "ring"})
    for tab in tabs:
        tab.page.wait_for_function(f"{DESK}.preferences.open_contact === 'ring'")
    yield
    agents.admin.call(*write, {"pbx_open_contact": "never"})


def happened(tab):
    """How often it was heard, told to the desktop, and the contact opened."""
    return tab.heard(), len(tab.notified()), tab.page.locator(FORM).count()


def test_two_tabs_of_one_browser(ring, tabs, opens_contact):
    """Both show the card, one makes the noise; what is closed in one is closed."""
    main, used = tabs  # not the one that Odoo would take
    main.look(False)
    used.look(True)
    before = [happened(tab) for tab in tabs]
    ring("100")
    for tab in tabs:
        tab.card("ringing")
    expect(used.page.locator(FORM)).to_be_visible()
    heard, notified, opened = before[1]
    log.until(lambda: used.heard() > heard, 10, "it is heard")
    time.sleep(0.5)  # the other would act later
    assert happened(used) == (heard + 1, notified, opened + 1)
    assert happened(main) == before[0]
    main.button("Close this card").click()
    for tab in tabs:
        tab.no_card()


def test_two_tabs_that_nobody_looks_at(ring, tabs, opens_contact):
    """One of them, whichever, rings, tells the desktop, and opens the contact."""

    def together():
        return [sum(all_of) for all_of in zip(*map(happened, tabs), strict=True)]

    expected = [count + 1 for count in together()]
    tabs[0].look(False)
    ring("100")
    for tab in tabs:
        tab.card("ringing")
    log.until(lambda: together() == expected, 10, "it is heard, told and opened")
    time.sleep(0.5)
    assert together() == expected


def test_two_agents(ring, tabs, browsers):
    """The card is on the screens of those whose phones ring, until one has lifted."""
    admin, demo = tabs[0], browsers.one("demo")
    first = ring("100")
    admin.card("ringing")
    time.sleep(0.5)
    assert demo.cards.count() == 0
    first.hang_up()
    admin.card("done")
    admin.close_cards()
    second = ring("100", "101", caller=UNKNOWN)
    admin.card("ringing")
    demo.card("ringing")
    second.answer("101")
    demo.card("ongoing")
    expect(admin.card("taken")).to_contain_text("Taken by Marc Demo")
    # In one of the two tabs, whichever that is.
    heard = sum(tab.heard() for tab in tabs)
    second.hand_to("100")
    admin.card("ringing")
    log.until(
        lambda: sum(tab.heard() for tab in tabs) == heard + 1, 10, "it rings once more"
    )


def test_a_mouse_that_rests_where_contacts_are_found(ring, tabs):
    """What is found comes to lie under it; Enter still means the first one."""
    tab = tabs[0]
    ring("100", caller=UNKNOWN)
    link = tab.card("ringing").get_by_role("button", name="Link to an existing")
    box = link.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    link.click()
    tab.page.get_by_role("combobox", name="Search for a contact").fill("Whit")
    options = tab.page.get_by_role("option")
    expect(options).to_have_count(3)
    time.sleep(0.3)  # a browser tells soon what came under the mouse
    boxes = [option.bounding_box() for option in options.all()]
    [under] = [
        place for place, one in enumerate(boxes) if 0 <= y - one["y"] < one["height"]
    ]
    assert under, "the mouse rests on another one"
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    tab.page.mouse.move(x + 2, y)
    expect(options.nth(under)).to_have_attribute("aria-selected", "true")


def was_away(ring, tab, leave, come_back):
    """What happened while the page could not hear of it is as true as the rest."""
    seen = ring("100")
    tab.card("ringing")
    leave()
    seen.hang_up()
    ring("100", caller=UNKNOWN).hang_up()
    on = ring("100", caller=OTHER)
    on.answer("100")
    come_back()
    # It tries again ever more seldom, the longer the server was away.
    tab.page.wait_for_function(CONNECTED, timeout=RECONNECTED_MS)
    for text, state in (("7946 0643", "ongoing"), (HOSTILE, "done")):
        card = tab.cards.filter(has_text=text)
        expect(card).to_have_attribute("data-state", state)
    assert tab.page.locator("[data-state=ringing]").count() == 0
    shows_seconds(tab, on)


def test_a_page_that_sleeps(ring, tabs):
    """All it was sent meanwhile is delivered when it wakes up, long out of date."""
    protocol = tabs[0].page.context.new_cdp_session(tabs[0].page)
    protocol.send("Debugger.enable")
    was_away(
        *(ring, tabs[0], lambda: protocol.send("Debugger.pause")),
        lambda: protocol.send("Debugger.resume"),
    )
    expect(tabs[0].cards).to_have_count(2)
    protocol.detach()


def test_offline(ring, browsers):
    browsers.harmless += OUTAGE
    tab = browsers.one("admin")
    offline = tab.page.context.set_offline
    was_away(ring, tab, lambda: offline(True), lambda: offline(False))
    expect(tab.cards).to_have_count(2)


def test_reloaded_in_mid_call_with_a_wrong_clock(ring, browsers):
    tabs = [browsers.one("admin") for _ in range(2)]
    for tab, hours in zip(tabs, (-1, 1), strict=True):
        tab.page.clock.install(time=time.time() + hours * 3600)
    call = ring("100")
    call.answer("100")
    for tab in tabs:
        tab.card("ongoing")
    for tab in tabs:
        shows_seconds(tab, call)
        tab.page.reload()
        shows_seconds(tab, call)
        expect(tab.card()).to_contain_text(HOSTILE)


def test_odoo_restarts(agents, ring, browsers):
    browsers.harmless += OUTAGE
    tab = browsers.one("admin")

    def restart():
        agents.odoo.kill()
        agents.odoo.start()

    was_away(ring, tab, restart, lambda: None)
