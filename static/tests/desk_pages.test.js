import {describe, expect, test} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    MockServer,
    mockService,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

import {makeCard, OLGA, openDesk, states, STRANGER} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

describe("closing", () => {
    test("closed in this page, it stays away", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        desk.stack.dismiss(1);
        expect(desk.stack.cards).toHaveLength(0);
        server.change(1, {state: "ongoing"});
        await settle();
        await desk.load();
        expect(desk.stack.cards).toHaveLength(0);
        expect(desk.stack.calls[1].state).toBe("ongoing");
        expect.verifySteps(["cards 1", "cards 1", "load"]);
    });

    test("closed in another page, it goes here too", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard({id: 1}));
        server.notify(makeCard({id: 2}));
        await settle();
        const key = "cloud_pbx.dismissed";
        window.dispatchEvent(new StorageEvent("storage", {key: "other"}));
        expect(desk.stack.cards).toHaveLength(2);
        patchWithCleanup(browser.localStorage, {
            getItem(name) {
                return name === key
                    ? JSON.stringify({1: Date.now()})
                    : super.getItem(name);
            },
        });
        window.dispatchEvent(new StorageEvent("storage", {key}));
        expect(states(desk)).toEqual([[2, "ringing"]]);
        server.change(1, {state: "ongoing"});
        await settle();
        expect(states(desk)).toEqual([[2, "ringing"]]);
        expect.verifySteps(["cards 1", "cards 2", "cards 1"]);
    });

    test("somebody else's text in the storage does no harm", async () => {
        browser.localStorage.setItem("cloud_pbx.dismissed", "{what?");
        browser.localStorage.setItem("cloud_pbx.once", "null");
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        expect(desk.stack.cards).toHaveLength(1);
        desk.stack.dismiss(1);
        expect(desk.stack.dismissed.has(1)).toBe(true);
        expect.verifySteps(["cards 1"]);
    });
});

describe("do not disturb", () => {
    const preferences = {
        open_contact: "never",
        sound: true,
        do_not_disturb: true,
        phone_id: false,
    };

    test("nobody who calls is shown, whom one calls oneself is", async () => {
        const {server, desk} = await openDesk({preferences});
        server.notify(makeCard({id: 1}));
        server.notify(makeCard({id: 2, direction: "outbound"}));
        await settle();
        expect(states(desk)).toEqual([[2, "ringing"]]);
        server.change(1, {state: "ongoing"});
        await settle();
        expect(states(desk)).toEqual([[2, "ringing"]]);
        expect.verifySteps(["cards 1", "cards 2", "cards 1"]);
    });

    test("preferences are kept by the server", async () => {
        const {server, desk} = await openDesk();
        onRpc("pbx.desk", "set_preferences", ({args: [values]}) => {
            expect.step(values);
            return Object.assign(server.preferences, values);
        });
        await desk.setPreferences({do_not_disturb: true});
        expect(desk.preferences.do_not_disturb).toBe(true);
        expect(desk.preferences.open_contact).toBe("never");
        server.phones = [{id: 2, number: "101", name: "101", status: "online"}];
        await desk.setPreferences({phone_id: 2});
        expect(desk.phones[0].number).toBe("101");
        expect.verifySteps([{do_not_disturb: true}, {phone_id: 2}, "load"]);
    });
});

describe("catching up", () => {
    test("after the connection was lost", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard({id: 1}));
        server.notify(makeCard({id: 2, ...STRANGER}));
        await settle();
        expect.verifySteps(["cards 1", "cards 2"]);
        // Meanwhile one ended, one was joined to another, and one began.
        server.cards[1] = makeCard({id: 1, state: "done", outcome: "missed"});
        delete server.cards[2];
        server.cards[3] = makeCard({
            id: 3,
            state: "ongoing",
            contact: {...OLGA, id: 8},
        });
        MockServer.env["bus.bus"]._simulateDisconnection(1006);
        await pass(5);
        await pass(1);
        expect.verifySteps(["load", "cards 2,1"]);
        expect(states(desk)).toEqual([
            [3, "ongoing"],
            [1, "done"],
        ]);
    });

    test("when the computer was offline: Odoo then connects anew", async () => {
        const {server, desk} = await openDesk();
        await pass(60);
        window.dispatchEvent(new Event("offline"));
        await settle();
        server.cards[1] = makeCard();
        window.dispatchEvent(new Event("online"));
        await pass(6);
        await pass(1);
        expect.verifySteps(["load"]);
        expect(states(desk)).toEqual([[1, "ringing"]]);
    });

    test("when the page was out of sight for long enough to have slept", async () => {
        const {server, desk} = await openDesk();
        let hidden = false;
        patchWithCleanup(document, {
            get hidden() {
                return hidden;
            },
        });
        const show = (isShown) => {
            hidden = !isShown;
            document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
        };
        show(false);
        await pass(50);
        show(true);
        await pass(1);
        expect.verifySteps([]);
        show(false);
        server.cards[1] = makeCard();
        await pass(61);
        show(true);
        await pass(1);
        expect.verifySteps(["load"]);
        expect(states(desk)).toEqual([[1, "ringing"]]);
        document.dispatchEvent(new Event("resume"));
        await pass(1);
        expect.verifySteps(["load"]);
    });

    test("a question that got lost is asked again, without a word", async () => {
        mockService("dialog", {add: () => expect.step("dialog")});
        mockService("notification", {add: () => expect.step("notification")});
        const {server, desk} = await openDesk();
        server.isLost = true;
        server.notify(makeCard());
        await settle();
        expect.verifySteps(["cards 1"]);
        await pass(11);
        expect.verifySteps(["load"]);
        server.cards[1] = makeCard({state: "done", outcome: "missed"});
        server.isLost = false;
        server.cards[2] = makeCard({id: 2});
        await pass(11);
        expect.verifySteps(["load", "cards 1"]);
        expect(states(desk)).toEqual([[2, "ringing"]]);
        expect(desk.stack.calls[1].outcome).toBe("missed");
        await pass(60);
        expect.verifySteps([]);
    });
});
