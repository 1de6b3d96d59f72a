import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {MockServer, mountWithCleanup, onRpc} from "@web/../tests/web_test_helpers";
import {MainComponentsContainer} from "@web/core/main_components_container";

import {
    ago,
    makeCard,
    mockDeskServer,
    mockPage,
    openListening,
    press,
    startDesk,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const SIGHT = ".o_pbx_first_sight:not([hidden])";
const CARD = ".o_pbx_card";
const SPOKEN = ".o-main-components-container [role=status]:first";

let server = null;
let desk = null;

/** A page that has listened for a minute, or so many seconds. */
async function openPage(values, listened = 60) {
    mockPage((what) => expect.step(what));
    server = mockDeskServer(values, (what) => expect.step(what));
    desk = await openListening(listened);
    expect.verifySteps(["load"]);
}

beforeEach(() => {
    mockDate("2026-06-16 12:00:00", 0);
});

describe("before the server has answered", () => {
    test("the number is there, and nothing that is not known", async () => {
        await openPage({preferences: {open_contact: "ring", sound: true}});
        expect(SIGHT).toHaveCount(0);
        const answerNow = server.later();
        server.tell(makeCard({start: ago(0)}));
        await settle();
        expect(SIGHT).toHaveCount(1);
        expect(`${SIGHT} h2`).toHaveText("+442079460201");
        expect(`${SIGHT} .badge`).toHaveText("Phone call");
        expect(SIGHT).toHaveAttribute("data-call-id", "1");
        expect(`${SIGHT} button`).toHaveCount(0);
        expect(CARD).toHaveCount(0);
        // Not heard, said or opened: whether it rings here, is not known.
        expect(SPOKEN).toHaveText("");
        expect.verifySteps(["cards 1"]);
        answerNow();
        await settle();
        expect(SIGHT).toHaveCount(0);
        expect(`${CARD} h2`).toHaveText("Olga Petrova");
        expect(SPOKEN).toHaveText("Incoming call from Olga Petrova");
        expect.verifySteps(["play call-invitation for ever"]);
    });

    test("the card takes its place; others come from below", async () => {
        await openPage();
        server.tell(makeCard({id: 1, start: ago(0)}));
        server.tell(makeCard({id: 2, start: ago(100)}));
        await settle();
        expect(`${CARD}[data-call-id="1"]`).not.toHaveClass("o_pbx_card_comes");
        expect(`${CARD}[data-call-id="2"]`).toHaveClass("o_pbx_card_comes");
        expect.verifySteps(["cards 1", "cards 2"]);
    });

    test("several stack, the newest first", async () => {
        await openPage();
        server.later();
        server.tell(makeCard({id: 1, start: ago(1)}));
        server.tell(makeCard({id: 2, start: ago(0), number: ""}));
        await settle();
        expect(queryAllTexts(`${SIGHT} h2`)).toEqual([
            "Withheld number",
            "+442079460201",
        ]);
        expect.verifySteps(["cards 1"]);
    });

    test("a number that is no number stays text", async () => {
        await openPage();
        server.later();
        server.tell(makeCard({start: ago(0), number: "+<b>1</b>"}));
        await settle();
        expect(`${SIGHT} h2`).toHaveText("+<b>1</b>");
        expect(`${SIGHT} b`).toHaveCount(0);
        expect.verifySteps(["cards 1"]);
    });

    test("nothing is added to the page for it, and no class changes", async () => {
        await openPage();
        server.later();
        const changes = [];
        const observer = new MutationObserver((records) => changes.push(...records));
        observer.observe(queryOne(".o_pbx_cards"), {
            attributes: true,
            characterData: true,
            childList: true,
            subtree: true,
        });
        server.tell(makeCard({start: ago(0)}));
        await settle();
        observer.disconnect();
        expect(SIGHT).toHaveCount(1);
        expect([
            ...new Set(changes.map(({type, attributeName}) => attributeName || type)),
        ]).toEqual(["hidden", "data-call-id", "characterData"]);
        expect.verifySteps(["cards 1"]);
    });
});

describe("it goes, where the server says", () => {
    for (const [what, values] of [
        ["that it is over", {state: "done", outcome: "missed"}],
        ["that a colleague has taken it", {state: "taken", taken_by: "Boris"}],
    ]) {
        test(what, async () => {
            await openPage();
            const answerNow = server.later();
            server.tell(makeCard({start: ago(2), ...values}));
            await settle();
            expect(SIGHT).toHaveCount(1);
            answerNow();
            await settle();
            expect(SIGHT).toHaveCount(0);
            expect(CARD).toHaveCount(0);
            expect.verifySteps(["cards 1"]);
        });
    }

    test("that there is none", async () => {
        await openPage();
        server.send("cloud_pbx.call", {id: 9, number: "+44", start: ago(0)});
        await settle();
        expect(SIGHT).toHaveCount(0);
        expect(CARD).toHaveCount(0);
        expect.verifySteps(["cards 9"]);
    });

    test("nothing, since it cannot be reached; later it is there", async () => {
        await openPage();
        server.isLost = true;
        server.tell(makeCard({start: ago(0)}));
        await settle();
        expect(SIGHT).toHaveCount(0);
        expect(desk.announced).toHaveLength(0);
        server.isLost = false;
        await pass(11);
        expect(CARD).toHaveCount(1);
        expect.verifySteps(["cards 1", "load", "cards 1"]);
    });

    test("that it has a bug", async () => {
        expect.errors(1);
        await openPage();
        onRpc("pbx.desk", "cards", () => {
            throw new Error("a bug");
        });
        server.tell(makeCard({start: ago(0)}));
        await settle();
        expect(desk.announced).toHaveLength(0);
        expect.verifyErrors(["a bug"]);
    });
});

describe("nothing is shown before it is asked", () => {
    /** Tell of a call while the server keeps its answers back. */
    async function tell(values) {
        server.later();
        server.tell(makeCard(values));
        await settle();
    }

    test("of a call that began some time ago", async () => {
        await openPage();
        await tell({start: ago(16)});
        expect(SIGHT).toHaveCount(0);
        await tell({id: 2, start: ago(14)});
        expect(SIGHT).toHaveCount(1);
        expect.verifySteps(["cards 1"]);
    });

    test("of one that began before the page was there", async () => {
        await openPage({}, 5);
        await tell({start: ago(6)});
        expect(SIGHT).toHaveCount(0);
        await tell({id: 2, start: ago(4)});
        expect(SIGHT).toHaveCount(1);
        expect.verifySteps(["cards 1"]);
    });

    test("of one that began while the page did not run", async () => {
        await openPage();
        desk.pulse.last -= 4000; // as if no timer had run for so long
        await tell({start: ago(3)});
        expect(SIGHT).toHaveCount(0);
        await pass(2);
        await tell({id: 2, start: ago(0)});
        expect(SIGHT).toHaveCount(1);
        expect.verifySteps(["cards 1"]);
    });

    test("of one of which more was told meanwhile", async () => {
        await openPage();
        server.later();
        server.tell(makeCard({start: ago(3)}));
        server.tell(makeCard({start: ago(3), state: "done", outcome: "missed"}));
        await settle();
        expect(SIGHT).toHaveCount(0);
        expect.verifySteps(["cards 1"]);
    });

    test("of one that began while the connection was lost", async () => {
        await openPage();
        MockServer.env["bus.bus"]._simulateDisconnection(1006);
        await pass(5);
        await pass(1);
        expect.verifySteps(["load"]);
        await tell({start: ago(10)});
        expect(SIGHT).toHaveCount(0);
        await tell({id: 2, start: ago(0)});
        expect(SIGHT).toHaveCount(1);
        expect.verifySteps(["cards 1"]);
    });

    test("of a call that is known", async () => {
        await openPage();
        await tell({start: ago(0)});
        server.slow.resolve();
        server.slow = null;
        await settle();
        expect(CARD).toHaveCount(1);
        await tell({start: ago(0), state: "ongoing"});
        expect(SIGHT).toHaveCount(0);
        expect.verifySteps(["cards 1", "cards 1"]);
    });

    test("of one that was closed", async () => {
        await openPage();
        server.tell(makeCard({start: ago(0)}));
        await settle();
        await press("Close this card");
        delete desk.calls[1];
        await tell({start: ago(0)});
        expect(SIGHT).toHaveCount(0);
        expect.verifySteps(["cards 1", "cards 1"]);
    });

    test("to who does not want to be disturbed", async () => {
        await openPage({preferences: {do_not_disturb: true}});
        await tell({start: ago(0)});
        expect(SIGHT).toHaveCount(0);
        expect.verifySteps(["cards 1"]);
    });

    test("of one without a time", async () => {
        await openPage();
        server.later();
        server.send("cloud_pbx.call", {id: 1, number: "+44", start: ""});
        await settle();
        expect(SIGHT).toHaveCount(0);
        expect.verifySteps(["cards 1"]);
    });
});

test("the time is the server's, not that of the browser's clock", async () => {
    await openPage({ahead: 3600});
    server.later();
    server.tell(makeCard({id: 1, start: ago(0)}));
    await settle();
    expect(SIGHT).toHaveCount(0);
    server.tell(makeCard({id: 2, start: ago(-3600)}));
    await settle();
    expect(`${SIGHT}[data-call-id="2"]`).toHaveCount(1);
    expect.verifySteps(["cards 1"]);
});

test("who has no phone has nothing of it in the page", async () => {
    mockPage(() => {});
    await startDesk();
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    expect(".o_pbx_cards").toHaveCount(0);
});
