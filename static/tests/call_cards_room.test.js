import {describe, expect, test} from "@odoo/hoot";
import {queryOne} from "@odoo/hoot-dom";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {mountWithCleanup} from "@web/../tests/web_test_helpers";

import {
    ago,
    change,
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    openCards,
    press,
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
    server.tell(makeCard());
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
    server.tell(makeCard({...STRANGER, looked_up: false}));
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
