import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryOne} from "@odoo/hoot-dom";
import {Deferred} from "@odoo/hoot-mock";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    mockService,
    mountWithCleanup,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

import {
    claim,
    makeCard,
    mockActions,
    mockDeskServer,
    mockPage,
    startDesk,
    STRANGER,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const RING = "play call-invitation for ever";
const QUIET = "stop call-invitation";
const OPENED = "open res.partner 7";

let page = null;

beforeEach(() => {
    page = mockPage((what) => expect.step(what));
    mockActions(({res_model, res_id}) => expect.step(`open ${res_model} ${res_id}`));
});

async function openDesk(preferences) {
    const server = mockDeskServer();
    Object.assign(server.preferences, preferences);
    const desk = await startDesk();
    return {server, desk};
}

describe("tone", () => {
    test("the page with the focus rings, once, until somebody lifts", async () => {
        const {server} = await openDesk({sound: true});
        server.notify(makeCard());
        await settle();
        expect.verifySteps([RING]);
        // Another phone of the group rings as well: no news.
        server.change(1, {});
        await pass(30);
        expect.verifySteps([]);
        server.change(1, {state: "ongoing"});
        await settle();
        expect.verifySteps([QUIET]);
        server.change(1, {state: "done", outcome: "answered"});
        await settle();
        expect.verifySteps([]);
    });

    test("if no page has the focus, the main one rings, a moment later", async () => {
        Object.assign(page, {hasFocus: false, isMain: true});
        const {server} = await openDesk({sound: true});
        server.notify(makeCard());
        await settle();
        expect.verifySteps([]);
        await pass(0.3);
        expect.verifySteps([RING]);
    });

    test("a page that is neither keeps quiet", async () => {
        page.hasFocus = false;
        const {server} = await openDesk({sound: true});
        server.notify(makeCard());
        await pass(2);
        expect.verifySteps([]);
    });

    test("what another page rings for is not rung for here", async () => {
        Object.assign(page, {hasFocus: false, isMain: true});
        const {server} = await openDesk({sound: true});
        const card = makeCard();
        server.notify(card);
        await settle();
        claim(`ring/1/${card.start}`);
        await pass(2);
        expect.verifySteps([]);
    });

    test("nor is it, if the ring is over by then", async () => {
        Object.assign(page, {hasFocus: false, isMain: true});
        const {server} = await openDesk({sound: true});
        server.notify(makeCard());
        await settle();
        server.change(1, {state: "done", outcome: "missed"});
        await pass(2);
        expect.verifySteps([]);
    });

    test("nor if “do not disturb” was switched on in that moment", async () => {
        Object.assign(page, {hasFocus: false, isMain: true});
        const {server, desk} = await openDesk({sound: true});
        server.notify(makeCard());
        await settle();
        desk.preferences.do_not_disturb = true;
        await pass(2);
        expect.verifySteps([]);
    });

    test("it stops when the card is closed, or the call was taken", async () => {
        const {server, desk} = await openDesk({sound: true});
        server.notify(makeCard({id: 1}));
        await settle();
        desk.stack.dismiss(1);
        expect.verifySteps([RING, QUIET]);
        server.notify(makeCard({id: 2}));
        await settle();
        server.change(2, {state: "taken", taken_by: "Boris"});
        await settle();
        expect.verifySteps([RING, QUIET]);
    });

    test("of two that ring, the tone stops with the second", async () => {
        const {server} = await openDesk({sound: true});
        server.notify(makeCard({id: 1}));
        server.notify(makeCard({id: 2}));
        await settle();
        expect.verifySteps([RING, RING]);
        server.change(1, {state: "done", outcome: "missed"});
        await settle();
        expect.verifySteps([]);
        server.change(2, {state: "ongoing"});
        await settle();
        expect.verifySteps([QUIET]);
    });

    test("none with the sound off, with “do not disturb”, for calls of one's own", async () => {
        const {server, desk} = await openDesk({sound: false});
        server.notify(makeCard({id: 1}));
        await settle();
        Object.assign(desk.preferences, {sound: true, do_not_disturb: true});
        server.notify(makeCard({id: 2}));
        await settle();
        desk.preferences.do_not_disturb = false;
        server.notify(makeCard({id: 3, direction: "outbound"}));
        server.notify(makeCard({id: 4, state: "ongoing"}));
        await pass(2);
        expect.verifySteps([]);
    });

    for (const off of [{sound: false}, {do_not_disturb: true}]) {
        test(`switched off elsewhere, it stops: ${Object.keys(off)}`, async () => {
            const {server} = await openDesk({sound: true});
            server.notify(makeCard());
            await settle();
            expect.verifySteps([RING]);
            Object.assign(server.preferences, off);
            server.send("cloud_pbx.desk", {});
            await pass(1);
            expect.verifySteps([QUIET]);
        });
    }
});

describe("contact", () => {
    const ringAndLift = async (server, card = makeCard()) => {
        server.notify(card);
        await settle();
        expect.step("lifted");
        server.change(card.id, {state: "ongoing"});
        await settle();
    };

    test("opened when the phone rings, once", async () => {
        const {server} = await openDesk({open_contact: "ring"});
        await ringAndLift(server);
        expect.verifySteps([OPENED, "lifted"]);
    });

    test("opened when the handset is lifted, once", async () => {
        const {server} = await openDesk({open_contact: "answer"});
        await ringAndLift(server);
        server.change(1, {note: "x"});
        await settle();
        expect.verifySteps(["lifted", OPENED]);
    });

    test("never opened", async () => {
        const {server} = await openDesk({open_contact: "never"});
        await ringAndLift(server);
        expect.verifySteps(["lifted"]);
    });

    test("nobody unknown is opened, nobody whom one calls oneself", async () => {
        const {server} = await openDesk({open_contact: "ring"});
        server.notify(makeCard({id: 1, ...STRANGER}));
        server.notify(makeCard({id: 2, direction: "outbound"}));
        await pass(1);
        expect.verifySteps([]);
    });

    test("of nobody but a lead, the lead is opened", async () => {
        const {server} = await openDesk({open_contact: "ring"});
        const leads = [{id: 4, name: "Two boats", stage: "", revenue: ""}];
        server.notify(makeCard({...STRANGER, leads}));
        await pass(1);
        expect.verifySteps(["open crm.lead 4"]);
    });

    test("what is open already is not opened again", async () => {
        const {server, desk} = await openDesk({open_contact: "ring"});
        let shown = null;
        patchWithCleanup(desk.alerts.action, {
            get currentController() {
                return shown;
            },
        });
        const open = (res_model, resId) => {
            shown = {action: {res_model}, currentState: {resId}};
        };
        open("res.partner", 7);
        server.notify(makeCard({id: 1}));
        await pass(1);
        expect.verifySteps([]);
        // Another contact, or another thing with the same id.
        open("res.partner", 8);
        server.notify(makeCard({id: 2}));
        await pass(1);
        open("crm.lead", 7);
        server.notify(makeCard({id: 3}));
        await pass(1);
        expect.verifySteps([OPENED, OPENED]);
    });

    test("in one of two pages only", async () => {
        const {server} = await openDesk({open_contact: "ring"});
        claim("open/1");
        server.notify(makeCard({id: 1}));
        await pass(1);
        expect.verifySteps([]);
        Object.assign(page, {hasFocus: false, isMain: true});
        server.notify(makeCard({id: 2}));
        await settle();
        claim("open/2");
        await pass(1);
        expect.verifySteps([]);
    });

    test("Odoo's service answers one question only: tone and contact share it", async () => {
        Object.assign(page, {hasFocus: false, isHidden: true});
        let answer = null;
        mockService("multi_tab", {
            isOnMainTab() {
                answer = new Deferred();
                return answer;
            },
            unregister() {},
        });
        const {server} = await openDesk({open_contact: "ring", sound: true});
        server.notify(makeCard());
        await settle();
        answer.resolve(true);
        await pass(0.3);
        expect.verifySteps([RING, OPENED]);
        // A question that is overtaken by somebody else's has no answer at all.
        server.notify(makeCard({id: 2}));
        await pass(0.6);
        await pass(0.3);
        expect.verifySteps([RING, OPENED]);
    });

    class Page extends Component {
        static props = {};
        static template = xml`
            <input class="search" type="text"/>
            <textarea class="note"/>
            <div class="editor" contenteditable="true"/>
            <div class="status o_form_status_indicator_buttons invisible"/>
            <div class="place"/>`;
    }

    const type = (selector, text) => {
        const el = queryOne(selector);
        el.focus();
        el[selector === ".editor" ? "textContent" : "value"] = text;
    };
    const busy = {
        "types in a field": () => type(".search", "oran"),
        "writes a text": () => type(".note", "Dear Sir"),
        "writes a message": () => type(".editor", "Dear Sir"),
        "has a form that is not saved": () =>
            queryOne(".status").classList.remove("invisible"),
        "has a window open": () => queryOne(".place").classList.add("modal"),
    };
    for (const [what, prepare] of Object.entries(busy)) {
        test(`not opened while somebody ${what}`, async () => {
            const {server} = await openDesk({open_contact: "ring"});
            await mountWithCleanup(Page);
            prepare();
            server.notify(makeCard());
            await pass(1);
            expect.verifySteps([]);
        });
    }

    test("the search of the page has the focus and is empty: that is no writing", async () => {
        const {server} = await openDesk({open_contact: "ring"});
        await mountWithCleanup(Page);
        type(".search", "");
        server.notify(makeCard());
        await settle();
        expect.verifySteps([OPENED]);
    });

    test("nor is it opened if somebody begins to write in that moment", async () => {
        Object.assign(page, {hasFocus: false, isMain: true});
        const {server} = await openDesk({open_contact: "ring"});
        await mountWithCleanup(Page);
        server.notify(makeCard());
        await settle();
        type(".note", "Dear Sir");
        await pass(1);
        expect.verifySteps([]);
    });
});
