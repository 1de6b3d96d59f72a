import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {patchWithCleanup} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

import {
    claim,
    makeCard,
    mockDeskServer,
    mockPage,
    startDesk,
    STRANGER,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

let page = null;
const shown = [];

beforeEach(() => {
    page = mockPage((what) => expect.step(what));
    shown.length = 0;
    class FakeNotification {
        static permission = "granted";
        constructor(title, options) {
            Object.assign(this, {title, ...options, isOpen: true});
            shown.push(this);
        }
        close() {
            this.isOpen = false;
        }
    }
    patchWithCleanup(browser, {Notification: FakeNotification});
    Object.assign(page, {hasFocus: false, isMain: true, isHidden: true});
});

async function openDesk() {
    const server = mockDeskServer();
    await startDesk();
    return server;
}

test("it says who calls, once, and closes when somebody lifts", async () => {
    const server = await openDesk();
    server.notify(makeCard());
    await pass(0.3);
    server.change(1, {});
    await pass(0.3);
    expect(shown).toHaveLength(1);
    expect(shown[0].title).toBe("Call from Olga Petrova");
    expect(shown[0].body).toBe("+44 20 7946 0201\nSupport");
    expect(shown[0].isOpen).toBe(true);
    server.change(1, {state: "ongoing"});
    await settle();
    expect(shown[0].isOpen).toBe(false);
});

test("somebody unknown, and a number that is withheld", async () => {
    const server = await openDesk();
    server.notify(makeCard({id: 1, ...STRANGER}));
    await pass(0.3);
    server.notify(makeCard({id: 2, contact: false, number: "", number_readable: ""}));
    await pass(0.3);
    expect(shown.map(({title}) => title)).toEqual([
        "Call from +44 20 7946 0777",
        "Call from Withheld number",
    ]);
    expect(shown.map(({body}) => body)).toEqual(["Support", "Support"]);
});

test("a click on it brings the page, and closes it", async () => {
    patchWithCleanup(window, {focus: () => expect.step("focus")});
    const server = await openDesk();
    server.notify(makeCard());
    await pass(0.3);
    shown[0].onclick();
    expect.verifySteps(["focus"]);
    expect(shown[0].isOpen).toBe(false);
});

test("it closes with “do not disturb”", async () => {
    const server = await openDesk();
    server.notify(makeCard());
    await pass(0.3);
    server.preferences.do_not_disturb = true;
    server.send("cloud_pbx.desk", {});
    await pass(1);
    expect(shown[0].isOpen).toBe(false);
});

const never = {
    "the page is in sight": () => (page.isHidden = false),
    "it is not the main page": () => (page.isMain = false),
    "the user has not allowed it": () => (browser.Notification.permission = "default"),
    "the browser has no such thing": () =>
        patchWithCleanup(browser, {Notification: undefined}),
    "another page is in sight": () => claim("seen/1"),
};
for (const [why, prepare] of Object.entries(never)) {
    test(`none if ${why}`, async () => {
        const server = await openDesk();
        prepare();
        server.notify(makeCard());
        await pass(2);
        expect(shown).toHaveLength(0);
    });
}

test("a page that shows the card says so to the others", async () => {
    page.isHidden = false;
    const server = await openDesk();
    server.notify(makeCard());
    await settle();
    const told = JSON.parse(browser.localStorage.getItem("cloud_pbx.once"));
    expect("seen/1" in told).toBe(true);
});
