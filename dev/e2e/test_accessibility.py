"""What we put on the screen can be used by all: axe finds nothing grave in it."""

import os

import log
import pytest
from browser import HOSTILE, Browsers, FakePbx
from playwright.sync_api import expect

from lib.testing import AXE_VARIABLE

KNOWN, UNKNOWN = "+442079460671", "+442079460672"
SHARED = "+442079460205"  # two contacts of the demo data have it
GRAVE = ("serious", "critical")
PHONE = {"viewport": {"width": 390, "height": 844}}
SCREENS = {"wide": {}, "phone": PHONE, "phone, right to left": PHONE}
# Whose an element is, the nearest of these around it tells. Odoo's widgets and lists
# are Odoo's in our views too.
OURS = "[class*=o_pbx_], [class*=o_field_pbx_]"
PARTS = (
    f"{OURS}, .o_field_widget, .o_list_renderer, .o_notebook_headers, [class*=o-mail-]"
)
RUN = """async ([scope, ours, parts]) => {
    const options = {elementRef: true, resultTypes: ["violations"]};
    const {violations} = await axe.run(scope, options);
    return violations.flatMap(({id, impact, nodes}) =>
        nodes.map(({element, html, failureSummary}) => ({
            id, impact, html, failureSummary,
            ours: element.closest(parts)?.matches(ours),
        }))
    );
}"""


on_all_screens = pytest.mark.parametrize("tab", SCREENS, indirect=True)


@pytest.fixture(scope="module")
def fake_pbx(odoo, pbx, provider):
    """The fake PBX; a caller of whom much is to be shown is known."""
    admin = odoo.login("admin")
    tag = admin.call("res.partner.category", "create", {"name": HOSTILE})
    partner = admin.call(
        "res.partner",
        "create",
        {
            "name": HOSTILE,
            "phone": KNOWN,
            "function": "Managing director",
            "category_id": [tag],
            "company_name": HOSTILE,
        },
    )
    lead = {"name": HOSTILE, "partner_id": partner, "expected_revenue": 12500}
    admin.call("crm.lead", "create", {**lead, "type": "opportunity"})
    model = admin.call("ir.model", "search", [("model", "=", "res.partner")])
    activity = {"res_model_id": model[0], "res_id": partner, "summary": HOSTILE}
    admin.call("mail.activity", "create", activity)
    fake_pbx = FakePbx(pbx)
    fake_pbx.partner = partner
    earlier = fake_pbx.ring(KNOWN, "100", "101")
    earlier.answer("101")
    earlier.hang_up()
    return fake_pbx


@pytest.fixture(scope="module")
def tab(chromium, odoo, fake_pbx, request):
    """A page on a screen of ``SCREENS``; a test that names none gets a wide one."""
    opened = Browsers(chromium, odoo)
    screen = getattr(request, "param", "wide")
    # Nothing is half transparent because it is just coming.
    browser = opened.open("admin", reduced_motion="reduce", **SCREENS[screen])
    tab = opened.tab(browser)
    if "right to left" in screen:
        tab.page.evaluate("document.documentElement.dir = 'rtl'")
    yield tab
    opened.close()
    assert not opened.told()


@pytest.fixture
def check(tab):
    """Look for what is grave; of Odoo's own it is only told."""

    def check(scope):
        if not tab.page.evaluate("Boolean(window.axe)"):
            tab.page.add_script_tag(path=os.environ[AXE_VARIABLE])
        expect(tab.page.locator(scope).first).to_be_visible()
        found = tab.page.evaluate(RUN, [scope, OURS, PARTS])
        grave = [one for one in found if one["impact"] in GRAVE]
        for one in grave:
            whose = "ours" if one["ours"] else "Odoo's"
            print(f"{whose}, {one['id']}: {one['html']}\n{one['failureSummary']}\n")
        assert not [one["id"] for one in grave if one["ours"]]

    return check


@pytest.fixture
def ring(fake_pbx, tab):
    calls = []

    def ring(caller):
        calls.append(fake_pbx.ring(caller, "100", "101"))
        tab.card("ringing")
        return calls[-1]

    yield ring
    for call in calls:
        call.hang_up()
    tab.close_cards()


def enlarge(tab):
    """On a phone a card comes small."""
    if not tab.card().locator(".o_pbx_card_body").count():
        tab.button("Show all of this card").click()


@on_all_screens
def test_a_known_caller(tab, ring, check):
    call = ring(KNOWN)
    enlarge(tab)
    check(".o_pbx_cards")
    tab.button("Make this card small").click()
    check(".o_pbx_cards")
    tab.page.keyboard.press("Alt+Shift+K")
    expect(tab.card().get_by_role("textbox")).to_be_focused()
    call.answer("100")
    tab.card("ongoing").get_by_role("textbox").fill(HOSTILE)
    expect(tab.card().get_by_text("Saved", exact=True)).to_be_visible()
    check(".o_pbx_cards")
    call.hang_up()
    tab.card("done")
    check(".o_pbx_cards")


@on_all_screens
def test_several_matches_and_a_colleague(tab, ring, check):
    call = ring(SHARED)
    enlarge(tab)
    expect(tab.card()).to_contain_text("Who is it?")
    check(".o_pbx_cards")
    call.answer("101")
    tab.card("taken")
    check(".o_pbx_cards")


@on_all_screens
def test_an_unknown_caller_and_a_search(tab, ring, check):
    call = ring(UNKNOWN)
    enlarge(tab)
    check(".o_pbx_cards")
    tab.button("Link to an existing contact").click()
    check(".o_pbx_cards")
    tab.page.keyboard.type("Whit")
    expect(tab.page.get_by_role("option").first).to_be_visible()
    check(".o_pbx_cards")
    tab.page.keyboard.type(" and nobody")
    expect(tab.card()).to_contain_text("No contact with this name or number")
    check(".o_pbx_cards")
    call.hang_up()
    expect(tab.card("done")).to_contain_text("Call back")
    check(".o_pbx_cards")


PANEL = ".o_pbx_phone_popover"


@on_all_screens
def test_the_phone_in_the_systray(tab, ring, check):
    check(".o_pbx_phone_menu")
    tab.page.locator(".o_pbx_phone_menu button").click()
    expect(tab.page.locator(f"{PANEL} .o_pbx_phone_recent li").first).to_be_visible()
    check(PANEL)
    tab.button("Dial pad").click()
    check(PANEL)
    tab.button("Dial pad").click()
    tab.page.get_by_role("textbox", name="Name or number").fill("Whit")
    expect(tab.page.locator(f"{PANEL} .o_pbx_phone_found li").first).to_be_visible()
    check(PANEL)
    tab.page.get_by_role("textbox", name="Name or number").fill("")
    ring(KNOWN).answer("100")
    expect(tab.page.locator(PANEL)).to_contain_text("Talking")
    check(PANEL)
    tab.page.keyboard.press("Escape")


@on_all_screens
def test_call_backs(tab, ring, check):
    ring(KNOWN).hang_up()
    ring_again = ring(KNOWN)
    enlarge(tab)
    expect(tab.card("ringing")).to_contain_text("promised until")
    check(".o_pbx_cards")
    ring_again.hang_up()
    tab.card("done")
    tab.close_cards()
    tab.act("cloud_pbx.pbx_promise_action")
    shown = tab.page.locator(".o_action_manager .o_pbx_deadline")
    expect(shown.first).to_be_visible()
    check(".o_pbx_next")
    check(".o_content")
    tab.page.locator(".o_data_row, .o_kanban_record").first.click()
    expect(tab.page.locator(".o_form_view .o_pbx_deadline")).to_be_visible()
    # The labels below are Odoo's, and pale on a phone.
    check(".o_form_view .oe_title")
    tab.page.locator(".o_pbx_phone_menu button").click()
    expect(tab.page.locator(f"{PANEL} .o_pbx_phone_missed li").first).to_be_visible()
    check(PANEL)
    tab.page.keyboard.press("Escape")


def test_a_call_back_and_its_dialogs(odoo, tab, check):
    admin = odoo.login("admin")
    [promise] = admin.call("pbx.promise", "search", [("state", "=", "open")], limit=1)
    for button in ("Spoken with…", "Dismiss…"):
        tab.show("pbx.promise", promise)
        expect(tab.page.locator(".o_form_view .o_pbx_deadline")).to_be_visible()
        check(".o_content")
        tab.button(button).click()
        expect(tab.page.locator(".modal [name=note]").first).to_be_visible()
        check(".modal")
        tab.page.keyboard.press("Escape")


@on_all_screens
def test_the_overview(tab, check):
    tab.act("cloud_pbx.pbx_figures_action")
    page = tab.page.locator(".o_pbx_figures_page[aria-busy=false]")
    expect(page.locator("button.o_pbx_figure_value").first).to_be_visible()
    check(".o_pbx_figures_page")
    tab.button("Table").click()
    expect(tab.page.locator(".o_pbx_by_time_table")).to_be_visible()
    heat_map = tab.page.locator(".o_pbx_heat_map")
    heat_map.get_by_role("button", name="Lost", exact=True).click()
    check(".o_pbx_figures_page")
    # By keys alone.
    tab.page.locator("[data-figure=inbound] button").first.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator(".o_list_view, .o_kanban_view").first).to_be_visible()


@on_all_screens
def test_the_wallboard(tab, ring, check):
    call = ring(KNOWN)
    tab.close_cards()
    tab.act("cloud_pbx.pbx_wallboard_action")
    board = tab.page.locator(".o_pbx_wallboard")
    ringing = board.locator(".o_pbx_wallboard_calls li[data-state=ringing]")
    expect(ringing).to_contain_text(HOSTILE)
    check(".o_pbx_wallboard")
    call.answer("101")
    talking = board.locator(".o_pbx_wallboard_people li[data-state=talking]")
    expect(talking).to_be_visible()
    check(".o_pbx_wallboard")
    tab.button("Leave the wallboard").click()
    expect(board).to_have_count(0)


def test_the_settings(tab, check):
    tab.act("cloud_pbx.pbx_settings_action")
    page = ".app_settings_block[data-key=cloud_pbx]"
    expect(tab.page.locator(f"{page} [name=pbx_audit]")).to_contain_text("missing: 0")
    check(page)


def test_a_contact_to_call_back(fake_pbx, tab, check):
    tab.show("res.partner", fake_pbx.partner)
    expect(tab.page.locator(".o_pbx_promise_line")).to_be_visible()
    check(".o_pbx_promise_line")


def test_a_call_with_a_recording(odoo, pbx, tab, check):
    played = pbx.play("transfer", caller=KNOWN)
    ready = """select call_id from pbx_recording where state = 'stored'
        and call_id = (select id from pbx_call where ref = %s)"""
    found = log.until(
        lambda: odoo.sql(ready, [played["pbx_call_id"]]), 30, "it is fetched"
    )
    tab.show("pbx.call", found[0][0])
    expect(tab.page.locator(".o_pbx_timeline")).to_be_visible()
    check(".o_content")
    tab.page.get_by_role("tab", name="Recordings").click()
    expect(tab.page.locator(".o_pbx_player").first).to_be_visible()
    check(".o_content")


def test_a_contact(fake_pbx, tab, check):
    tab.show("res.partner", fake_pbx.partner)
    expect(tab.page.locator(".o_pbx_call_button")).to_be_visible()
    check(".o_content")
    tab.page.get_by_role("tab", name="Calls").click()
    player = tab.page.locator("[name=pbx_last_call_ids] .o_pbx_player")
    expect(player.first).to_be_visible()
    check(".o_content")


@pytest.mark.parametrize("model", ["res.partner", "pbx.call"])
def test_a_list(tab, check, model):
    tab.show(model)
    expect(tab.page.locator(".o_list_view .o_data_row").first).to_be_visible()
    check(".o_content")


def test_my_preferences(odoo, tab, check):
    admin = odoo.login("admin")
    action = admin.call("res.users", "action_get")
    tab.act({**action, "res_id": admin.uid})  # as the menu of the user does
    expect(tab.page.locator("[name=pbx_sound] input")).to_be_visible()
    check(".o_form_view")
