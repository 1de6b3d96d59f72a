import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {keyDown, queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {mockDate} from "@odoo/hoot-mock";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {mountWithCleanup} from "@web/../tests/web_test_helpers";

import {
    ago,
    button,
    change,
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    openCards,
    press,
    show,
    startDesk,
} from "./desk_helpers";
import {settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const NAME = ".o_pbx_card_title";
const BORIS = {...OLGA, id: 8, name: "Boris Ivanov", company: ""};

let server = null;

beforeEach(() => {
    mockDate("2026-06-16 12:00:00", 0);
    mockActions((action) => expect.step(action));
    server = mockDeskServer();
});

describe("in the way of nobody", () => {
    class Page extends Component {
        static props = {};
        static template = xml`
            <input class="far" style="position: fixed; top: 0; inset-inline-end: 0;"/>
            <input class="below" style="position: fixed; bottom: 5px; inset-inline-start: 5px;"/>`;
    }

    const SMALL = ".o_pbx_card_small";

    async function openPage() {
        await startDesk();
        await mountWithCleanup(Page);
        await settle();
    }

    test("the focus is never taken", async () => {
        await openPage();
        queryOne(".far").focus();
        await show(server, makeCard({contact: false, candidates: [OLGA, BORIS]}));
        expect(".far").toBeFocused();
        for (const values of [
            {state: "ongoing", answer: ago(1)},
            {contact: OLGA, name: "Olga"},
            {state: "done", outcome: "answered"},
        ]) {
            await change(server, 1, values);
            expect(".far").toBeFocused();
        }
    });

    test("it goes to the other side where somebody writes below it", async () => {
        await openPage();
        queryOne(".far").focus();
        await show(server, makeCard());
        const cards = ".o_pbx_cards";
        expect(cards).not.toHaveClass("o_pbx_cards_aside");
        queryOne(".below").focus();
        await settle();
        expect(cards).toHaveClass("o_pbx_cards_aside");
        const [card, input] = [cards, ".below"].map((selector) =>
            queryOne(selector).getBoundingClientRect(),
        );
        expect(card.left > input.right).toBe(true);
        // What has the focus in the card itself is no reason to go.
        queryOne(".o_pbx_card textarea").focus();
        await settle();
        expect(cards).toHaveClass("o_pbx_cards_aside");
    });

    test("also if it comes where somebody is writing already", async () => {
        await openPage();
        queryOne(".below").focus();
        await show(server, makeCard());
        // It is drawn, and then it goes.
        await settle();
        expect(".o_pbx_cards").toHaveClass("o_pbx_cards_aside");
        expect(".below").toBeFocused();
    });

    test("small and large again, by the mouse and by Escape", async () => {
        await openCards(server, makeCard());
        expect(button("Make this card small")).toHaveAttribute("aria-expanded", "true");
        await press("Make this card small");
        expect(SMALL).toHaveCount(1);
        expect(".o_pbx_card_body").toHaveCount(0);
        expect(NAME).toHaveText("Olga Petrova");
        await press("Show all of this card");
        expect(SMALL).toHaveCount(0);
        queryOne(".o_pbx_card textarea").focus();
        await keyDown("Escape");
        await settle();
        expect(SMALL).toHaveCount(1);
        expect(button("Show all of this card")).toBeFocused();
    });

    test("several stack; what is over makes room for what rings", async () => {
        await openCards(server, makeCard({id: 1}), makeCard({id: 2, contact: BORIS}));
        expect(queryAllTexts(NAME)).toEqual(["Boris Ivanov", "Olga Petrova"]);
        expect(SMALL).toHaveCount(0);
        await change(server, 1, {state: "done", outcome: "missed"});
        expect(`${SMALL} ${NAME}`).toHaveText("Olga Petrova");
        await press("Show all of this card", 1);
        expect(SMALL).toHaveCount(0);
        await change(server, 2, {state: "done", outcome: "missed"});
        expect(SMALL).toHaveCount(0);
    });

    test("not if somebody writes in it", async () => {
        await openCards(server, makeCard({id: 1, state: "ongoing"}));
        queryOne(".o_pbx_card textarea").focus();
        await change(server, 1, {state: "done", outcome: "answered"});
        await show(server, makeCard({id: 2, contact: BORIS}));
        expect(SMALL).toHaveCount(0);
        expect(".o_pbx_card[data-call-id='1'] textarea").toBeFocused();
    });
});
