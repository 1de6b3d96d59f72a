import {describe, expect, test} from "@odoo/hoot";
import {keyDown, queryOne} from "@odoo/hoot-dom";
import {Component, xml} from "@odoo/owl";
import {startBusService} from "@bus/../tests/bus_test_helpers";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

import {
    ago,
    change,
    DeskServer,
    makeCard,
    mockActions,
    mockDeskServer,
    mockPage,
    OLGA,
    openCards,
    press,
    startDesk,
    STRANGER,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const CARD = ".o_pbx_card";

let server = null;

test("who has no phone asks nothing, whatever the bus says", async () => {
    new DeskServer({phones: []}, (what) => expect.step(what));
    const own = await startDesk();
    await startBusService();
    const s = new DeskServer({phones: []}, (what) => expect.step(what));
    s.send("cloud_pbx.missed", {});
    s.send("cloud_pbx.call", {id: 1});
    await pass(2);
    expect(own.hasPhone).toBe(false);
    expect.verifySteps([]);
});

test("a search in a card that is over is not taken from under the hand", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    onRpc("pbx.desk", "search_contacts", () => [OLGA]);
    await openCards(server, makeCard({...STRANGER, state: "ongoing"}));
    await change(server, 1, {state: "done", outcome: "answered"});
    await press("Link to an existing contact");
    for (let turn = 0; turn < 5; turn++) {
        await pass(7);
        expect(".o_pbx_card_search input").toHaveCount(1);
        const input = queryOne(".o_pbx_card_search input");
        input.value = `Ol${turn}`;
        input.dispatchEvent(new Event("input", {bubbles: true}));
    }
    expect(".o_pbx_card_search input").toHaveCount(1);
});

test("Enter does not pick what was found for an earlier text", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    const BORIS = {...OLGA, id: 8, name: "Boris Ivanov", company: ""};
    onRpc("pbx.desk", "search_contacts", ({args: [text]}) =>
        text === "ol" ? [OLGA] : [BORIS],
    );
    onRpc("pbx.desk", "pick_contact", ({args}) => {
        expect.step(args);
        return {};
    });
    await openCards(server, makeCard(STRANGER));
    await press("Link to an existing contact");
    const input = queryOne(".o_pbx_card_search input");
    const type = (text) => {
        input.value = text;
        input.dispatchEvent(new Event("input", {bubbles: true}));
    };
    type("ol");
    await pass(0.4);
    type("boris");
    await settle();
    await keyDown("Enter");
    await settle();
    expect.verifySteps([]);
});

test("where a notification cannot be made, the card is there all the same", async () => {
    const page = mockPage(() => {});
    page.isHidden = true;
    page.hasFocus = false;
    page.isMain = true;
    class Notification {
        static permission = "granted";
        constructor() {
            throw new TypeError(
                "Failed to construct 'Notification': Illegal constructor. Use ServiceWorkerRegistration.showNotification() instead.",
            );
        }
    }
    patchWithCleanup(browser, {Notification});
    server = mockDeskServer();
    await openCards(server, makeCard());
    await pass(2);
    expect(CARD).toHaveCount(1);
});

test("what was not opened when it was lifted is not opened by a page loaded later", async () => {
    mockPage(() => {});
    mockActions((action) => expect.step(action.res_model));
    server = mockDeskServer({
        preferences: {
            open_contact: "answer",
            sound: false,
            do_not_disturb: false,
            phone_id: false,
        },
    });
    server.cards[1] = makeCard({state: "ongoing", answer: ago(600), start: ago(610)});
    await startDesk();
    await pass(2);
    expect.verifySteps([]);
});

test("words that are not saved are sent when the page is left", async () => {
    mockActions(() => {});
    server = mockDeskServer();
    patchWithCleanup(navigator, {
        sendBeacon: () => {
            expect.step("sent");
            return true;
        },
    });
    onRpc("pbx.call", "write", () => {
        expect.step("sent");
        return true;
    });
    await openCards(server, makeCard());
    const field = queryOne(".o_pbx_card_note textarea");
    field.focus();
    field.value = "Wants the offer";
    field.dispatchEvent(new Event("input", {bubbles: true}));
    window.dispatchEvent(new Event("beforeunload", {cancelable: true}));
    window.dispatchEvent(new Event("pagehide"));
    document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
    await settle();
    expect.verifySteps(["sent"]);
    onRpc("pbx.call", "write", () => true); // as the field goes
});

test("somebody writes in a frame: nothing is opened", async () => {
    mockPage(() => {});
    mockActions((action) => expect.step(action.res_model));
    server = mockDeskServer({
        preferences: {
            open_contact: "ring",
            sound: false,
            do_not_disturb: false,
            phone_id: false,
        },
    });
    await startDesk();
    class Page extends Component {
        static props = {};
        static template = xml`<iframe class="editor" srcdoc="&lt;p&gt;Dear&lt;/p&gt;"/>`;
    }
    await mountWithCleanup(Page, {noMainContainer: true});
    const frame = queryOne(".editor");
    await new Promise((resolve) =>
        frame.contentDocument?.readyState === "complete"
            ? resolve()
            : frame.addEventListener("load", resolve),
    );
    frame.focus();
    expect(document.activeElement).toBe(frame);
    server.notify(makeCard());
    await settle();
    await pass(1);
    expect.verifySteps([]);
});

test("a question that fails takes no other call's card away", async () => {
    mockActions(() => {});
    expect.errors(1);
    server = mockDeskServer();
    await openCards(server);
    let fails = true;
    onRpc("pbx.desk", "cards", () => {
        if (fails) {
            fails = false;
            throw new Error("One card cannot be made.");
        }
    });
    const answer = server.later();
    server.notify(makeCard({...STRANGER, id: 1}));
    await settle();
    server.notify(makeCard({id: 2})); // while the first one is being asked for
    await settle();
    answer();
    await pass(2);
    expect(`${CARD}[data-call-id="2"]`).toHaveCount(1);
    expect.verifyErrors([/One card cannot be made/]);
});
