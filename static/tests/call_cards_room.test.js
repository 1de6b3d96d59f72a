import {describe, expect, test} from "@odoo/hoot";
import {queryOne} from "@odoo/hoot-dom";
import {advanceTime} from "@odoo/hoot-mock";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {mountWithCleanup} from "@web/../tests/web_test_helpers";

import {MainComponentsContainer} from "@web/core/main_components_container";

import {
    ago,
    change,
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    openCards,
    press,
    show,
    startDesk,
    STRANGER,
} from "./desk_helpers";
import {settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

let server = null;

class Page extends Component {
    static props = {};
    static template = xml`
        <input class="wide" style="position: fixed; bottom: 5px; left: 0; width: 100vw;"/>
        <input class="above" style="position: fixed; bottom: 420px; inset-inline-start: 5px;"/>`;
}

const meets = (one, other) => {
    const [mine, theirs] = [one, other].map((s) => queryOne(s).getBoundingClientRect());
    return (
        mine.left < theirs.right &&
        theirs.left < mine.right &&
        mine.top < theirs.bottom &&
        theirs.top < mine.bottom
    );
};

test("a field as wide as the page is not covered: it goes above", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    await startDesk();
    await mountWithCleanup(Page);
    queryOne(".wide").focus();
    server.notify(makeCard());
    await settle();
    await settle();
    expect(meets(".o_pbx_card", ".wide")).toBe(false);
});

test("nor is one that was free before the card grew", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    await startDesk();
    await mountWithCleanup(Page);
    queryOne(".above").focus();
    server.notify(makeCard({...STRANGER, looked_up: false}));
    await settle();
    await settle();
    const before = meets(".o_pbx_card", ".above");
    const lead = (id) => ({id, name: "Two boats", stage: "", revenue: ""});
    const call = (id) => ({
        id,
        start: ago(3600),
        direction: "inbound",
        note: "",
        user: "",
        outcome: "answered",
        talk_seconds: 5,
    });
    await change(server, 1, {
        looked_up: true,
        contact: OLGA,
        name: "Olga",
        state: "ongoing",
        answer: ago(1),
        leads: [lead(1), lead(2), lead(3)],
        calls: [call(4), call(5), call(6)],
        candidates: [1, 2, 3, 4, 5].map((id) => ({...OLGA, id})),
    });
    await settle();
    expect([before, meets(".o_pbx_card", ".above")]).toEqual([false, false]);
});

test("a new call does not take the search away", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    await openCards(server, makeCard({...STRANGER, state: "ongoing"}));
    await change(server, 1, {state: "done", outcome: "answered"});
    await press("Link to an existing contact");
    expect(".o_pbx_card_search input").toBeFocused();
    await change(server, 2, makeCard({id: 2}));
    expect(".o_pbx_card_search input").toBeFocused();
});

test("it stands at the side that was chosen, and never over the page's buttons", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    server.preferences.card_side = "right";
    class Form extends Component {
        static props = {};
        static template = xml`
            <div class="o_action_manager">
                <div class="o_control_panel" style="position: fixed; top: 0; left: 0; right: 0; height: 90px;"/>
                <div class="o_form_statusbar" style="position: fixed; top: 90px; left: 0; right: 0; height: 50px;"/>
            </div>`;
    }
    await startDesk();
    await mountWithCleanup(Form, {noMainContainer: true});
    const lead = (id) => ({id, name: "Two boats", stage: "", revenue: ""});
    const many = Array.from({length: 6}, (_, index) => index + 1);
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    for (const id of many) {
        const contact = {...OLGA, id};
        await show(
            server,
            makeCard({id, contact, state: "ongoing", leads: many.map(lead)}),
        );
    }
    await press("Show all of this card", 1);
    const cards = queryOne(".o_pbx_cards").getBoundingClientRect();
    expect(Math.round(cards.right)).toBe(window.innerWidth);
    expect(meets(".o_pbx_cards", ".o_form_statusbar")).toBe(false);
});

test("a form can be scrolled on by the cards' height, as long as there are any", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    await openCards(server, makeCard());
    const room = () => document.documentElement.style.getPropertyValue("--o-pbx-room");
    const {height} = queryOne(".o_pbx_cards").getBoundingClientRect();
    await advanceTime(200);
    expect(parseInt(room())).toBeWithin(height - 1, height + 1);
    await press("Close this card");
    await settle();
    await advanceTime(200);
    expect(room()).toBe("");
});

test("it is scrolled on at its end; no page's layout changes", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    class Forms extends Component {
        static props = {};
        static template = xml`
            <div class="o_action_manager"><div class="o_form_view o_base_settings_view"><div class="o_content settings-page" style="height: 300px; overflow: auto;">
                <div class="o_form_renderer d-block h-100"><div class="o_setting_container d-flex h-100 settings"/></div>
            </div></div>
            <div class="o_form_view"><div class="o_content scrolled" style="height: 300px; overflow: auto;">
                <div class="o_form_renderer d-flex flex-column"><div class="o_form_sheet" style="height: 2000px;"/></div>
            </div></div></div>`;
    }
    await startDesk();
    await mountWithCleanup(Forms, {noMainContainer: true});
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    const layout = () =>
        [".settings", ".settings-page"].map((selector) => {
            const {clientHeight, scrollHeight} = queryOne(selector);
            return [clientHeight, scrollHeight];
        });
    const before = layout();
    const end = () => queryOne(".scrolled").scrollHeight;
    const endBefore = end();
    await show(server, makeCard());
    await advanceTime(200);
    expect(layout()).toEqual(before);
    const {height} = queryOne(".o_pbx_cards").getBoundingClientRect();
    expect(end() - endBefore).toBeWithin(height - 1, height + 1);
});
