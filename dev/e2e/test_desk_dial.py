"""Dialling in a real browser: the button beside a number, and the phone on top."""

import time

import log
import pytest
from browser import HOSTILE
from desk_fixtures import NUMBER
from playwright.sync_api import expect

CALL = ".o_pbx_call_button"


@pytest.fixture
def clicks(agents):
    """The PBX dials as slowly as a busy page can follow, and all is over at the end."""
    click = {"story": "calltype", "outcome": "answered", "duration": 10, "speed": 0.25}
    agents.fake_pbx.pbx.post("/control/settings", {"click": click})
    yield
    # Other tests leave calls without an end.
    clicks = "select id from pbx_call where clicked_at is not null"
    going_on = f"{clicks} and state != 'done'"
    log.until(lambda: not agents.odoo.sql(going_on), 40, "all calls end")


def show_contact(agents, number, *tabs):
    contact = {"name": HOSTILE, "phone": number}
    partner = agents.admin.call("res.partner", "create", contact)
    for tab in tabs:
        tab.show("res.partner", partner)
        expect(tab.page.locator(CALL)).to_have_accessible_name(f"Call {number}")
        tab.follow(tab.page.locator(CALL), "data-phase")


def shows_all_phases(tab):
    expect(tab.page.locator(CALL)).to_have_attribute("data-phase", "ended")
    assert tab.followed() == ["waiting", "ringing", "talking", "ended"]
    expect(tab.card("done")).to_contain_text(HOSTILE)


def test_a_double_click_in_a_form(agents, clicks, tabs):
    """One dial, and the button says how it stands."""
    number = "+442079460651"
    show_contact(agents, number, tabs[0])
    tabs[0].page.locator(CALL).dblclick()
    shows_all_phases(tabs[0])
    assert agents.fake_pbx.dialled(number) == 1


def test_two_tabs_click_at_once(agents, clicks, tabs):
    number = "+442079460652"
    show_contact(agents, number, *tabs)
    at = round(time.time() * 1000) + 500
    for tab in tabs:
        tab.page.locator(CALL).evaluate(
            "(el, at) => { setTimeout(() => el.click(), at - Date.now()); }", at
        )
    for tab in tabs:
        tab.look(True)  # hidden, it would draw too seldom
    for tab in tabs:
        shows_all_phases(tab)
    assert agents.fake_pbx.dialled(number) == 1


def test_the_phone_in_the_systray(agents, clicks, tabs):
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
    assert agents.fake_pbx.dialled("+442079460653") == 1
    tab.page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_who_has_no_phone(agents, browsers):
    """Nothing is asked, nothing is shown, and a number stays what it is in Odoo."""
    names = ("group_user", "group_partner_manager")
    domain = [("module", "=", "base"), ("name", "in", names)]
    found = agents.admin.call("ir.model.data", "search_read", domain, ["res_id"])
    groups = [group["res_id"] for group in found]
    user = {"name": "Nora", "login": "nora", "password": "nora", "group_ids": groups}
    agents.admin.call("res.users", "create", user)
    tab = browsers.one("nora", f"/odoo/res.partner/{agents.partner}")
    link = tab.page.locator(".o_phone_form_link")
    expect(link).to_have_attribute("href", f"tel:{NUMBER}")
    expect(tab.page.locator("[name=function] input")).to_have_value(HOSTILE)
    time.sleep(1)  # what is asked on load is asked by then
    assert not [model for model, _method in tab.asked if model.startswith("pbx.")]
    assert tab.page.locator(f".o_pbx_phone_menu, .o_pbx_cards, {CALL}").count() == 0
