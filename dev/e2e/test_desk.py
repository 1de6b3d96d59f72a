"""The card in a real browser: several pages, sleep, a server that ends, clicks."""

import time
from types import SimpleNamespace

import log
import pytest
from playwright.sync_api import expect
from screen import HOSTILE, Browsers, Switchboard

NUMBER, UNKNOWN, OTHER = (f"+4420794606{n}" for n in (41, 42, 43))
DESK = "odoo.__WOWL_DEBUG__.root.env.services['cloud_pbx.desk']"
FORM, CALL = ".o_form_view", ".o_pbx_call_button"
# Odoo's Discuss says in the console that it could not be reached.
DISCUSS = r"(mail|discuss|web/dataset/call_kw/(mail|discuss)\.)"
OUTAGE = [r"net::ERR_\w+", f'^ConnectionLostError: Connection to "/{DISCUSS}']


@pytest.fixture(scope="module")
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


def test_a_call_from_ring_to_end(ring, tabs):
    tab = tabs[0]
    tab.no_card()
    call = ring("100")
    card = tab.card("ringing")
    expect(card).to_contain_text("Incoming call")
    expect(card.get_by_role("heading")).to_have_text(HOSTILE)
    call.answer("100")
    tab.card("ongoing")
    assert abs(tab.timer() - call.seconds()) <= 2
    call.hang_up()
    tab.card("done")


@pytest.fixture
def opens_contact(house, tabs):
    """The contact of a caller is opened by itself, and the pages know it."""
    write = ("res.users", "write", [house.admin.uid])
    house.admin.call(*write, {"pbx_open_contact": "ring"})
    for tab in tabs:
        tab.page.wait_for_function(f"{DESK}.preferences.open_contact === 'ring'")
    yield
    house.admin.call(*write, {"pbx_open_contact": "never"})


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
    time.sleep(0.5)  # the other would act later
    heard, notified, opened = before[1]
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
    for text, state in (("7946 0643", "ongoing"), (HOSTILE, "done")):
        card = tab.cards.filter(has_text=text)
        expect(card).to_have_attribute("data-state", state)
    assert tab.page.locator("[data-state=ringing]").count() == 0
    assert abs(tab.timer() - on.seconds()) <= 2


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
        assert abs(tab.timer() - call.seconds()) <= 2
        tab.page.reload()
        assert abs(tab.timer() - call.seconds()) <= 2
        expect(tab.card()).to_contain_text(HOSTILE)


@pytest.fixture
def clicks(house):
    """The PBX dials as slowly as one can follow, and all is over at the end."""
    click = {"story": "calltype", "outcome": "answered", "duration": 10, "speed": 0.1}
    house.switchboard.pbx.post("/control/settings", {"click": click})
    yield
    going_on = "select id from pbx_call where state != 'done'"
    log.until(lambda: not house.odoo.sql(going_on), 20, "all calls end")


def show_contact(house, number, *tabs):
    contact = {"name": HOSTILE, "phone": number}
    partner = house.admin.call("res.partner", "create", contact)
    for tab in tabs:
        tab.show("res.partner", partner)
        expect(tab.page.locator(CALL)).to_have_accessible_name(f"Call {number}")
        tab.follow(tab.page.locator(CALL), "data-phase")


def shows_all_phases(tab):
    expect(tab.page.locator(CALL)).to_have_attribute("data-phase", "ended")
    assert tab.followed() == ["waiting", "ringing", "talking", "ended"]
    expect(tab.card("done")).to_contain_text(HOSTILE)


def test_a_double_click_in_a_form(house, clicks, tabs):
    """One dial, and the button says how it stands."""
    number = "+442079460651"
    show_contact(house, number, tabs[0])
    tabs[0].page.locator(CALL).dblclick()
    shows_all_phases(tabs[0])
    assert house.switchboard.dialled(number) == 1


def test_two_tabs_click_at_once(house, clicks, tabs):
    number = "+442079460652"
    show_contact(house, number, *tabs)
    at = round(time.time() * 1000) + 500
    for tab in tabs:
        tab.page.locator(CALL).evaluate(
            "(el, at) => { setTimeout(() => el.click(), at - Date.now()); }", at
        )
    for tab in tabs:
        tab.look(True)  # hidden, it would draw too seldom
    for tab in tabs:
        shows_all_phases(tab)
    assert house.switchboard.dialled(number) == 1


def test_the_phone_in_the_systray(house, clicks, tabs):
    tab = tabs[0]
    assert ("pbx.desk", "recent") not in tab.asked
    tab.page.locator(".o_pbx_phone_menu button").click()
    panel = tab.page.get_by_role("dialog", name="Phone")
    expect(panel).to_contain_text(HOSTILE)  # among the recent calls
    expect(panel.get_by_role("textbox")).to_be_focused()
    tab.page.keyboard.type("020 7946 0653")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Enter")
    live = panel.get_by_role("region", name="Calls going on")
    expect(live).to_contain_text("7946 0653")
    expect(live).to_contain_text("Talking")
    tab.card("ongoing")
    assert house.switchboard.dialled("+442079460653") == 1
    tab.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_who_has_no_phone(house, browsers):
    """Nothing is asked, nothing is shown, and a number stays what it is in Odoo."""
    names = ("group_user", "group_partner_manager")
    domain = [("module", "=", "base"), ("name", "in", names)]
    found = house.admin.call("ir.model.data", "search_read", domain, ["res_id"])
    groups = [group["res_id"] for group in found]
    user = {"name": "Nora", "login": "nora", "password": "nora", "group_ids": groups}
    house.admin.call("res.users", "create", user)
    tab = browsers.one("nora", f"/odoo/res.partner/{house.partner}")
    link = tab.page.locator(".o_phone_form_link")
    expect(link).to_have_attribute("href", f"tel:{NUMBER}")
    expect(tab.page.locator("[name=function] input")).to_have_value(HOSTILE)
    time.sleep(1)  # what is asked on load is asked by then
    assert not [model for model, _method in tab.asked if model.startswith("pbx.")]
    assert tab.page.locator(f".o_pbx_phone_menu, .o_pbx_cards, {CALL}").count() == 0


def test_odoo_restarts(house, ring, browsers):
    browsers.harmless += OUTAGE
    tab = browsers.one("admin")

    def restart():
        house.odoo.kill()
        house.odoo.start()

    was_away(ring, tab, restart, lambda: None)
