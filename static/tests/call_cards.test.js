import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {click, keyDown, queryAll, queryAllTexts, queryOne} from "@odoo/hoot-dom";
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
const ANNA = {...OLGA, id: 9, name: "Anna Bell", company: ""};
const MORE = ".o_pbx_cards_more";

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

    test("one is large: the call that came last; what is over stays small", async () => {
        await openCards(server, makeCard({id: 1}), makeCard({id: 2, contact: BORIS}));
        expect(queryAllTexts(NAME)).toEqual(["Boris Ivanov", "Olga Petrova"]);
        expect(`${SMALL} ${NAME}`).toHaveText("Olga Petrova");
        await change(server, 1, {state: "done", outcome: "missed"});
        await change(server, 2, {state: "done", outcome: "missed"});
        // The last one as it ended; the other does not spring open again.
        expect(`${SMALL} ${NAME}`).toHaveText("Olga Petrova");
        await press("Show all of this card", 1);
        expect(`${SMALL} ${NAME}`).toHaveText("Boris Ivanov");
        await show(server, makeCard({id: 3, contact: ANNA}));
        expect(SMALL).toHaveCount(2);
        await change(server, 3, {state: "done", outcome: "missed"});
        expect(SMALL).toHaveCount(2);
    });

    test("a call that goes on is large again when the other is over", async () => {
        const talking = {id: 1, state: "ongoing", answer: ago(60)};
        await openCards(server, makeCard(talking), makeCard({id: 2, contact: BORIS}));
        expect(`${SMALL} ${NAME}`).toHaveText("Olga Petrova");
        await change(server, 2, {state: "done", outcome: "missed"});
        expect(`${SMALL} ${NAME}`).toHaveText("Boris Ivanov");
    });

    test("what somebody writes in is the large one", async () => {
        await openCards(server, makeCard({id: 1, state: "ongoing"}));
        queryOne(".o_pbx_card textarea").focus();
        await change(server, 1, {state: "done", outcome: "answered"});
        await show(server, makeCard({id: 2, contact: BORIS}));
        expect(`${SMALL} ${NAME}`).toHaveText("Boris Ivanov");
        // Nor does it shrink under a click that takes the focus from its note.
        queryOne(".o_pbx_card[data-call-id='1'] textarea").blur();
        await settle();
        expect(`${SMALL} ${NAME}`).toHaveText("Boris Ivanov");
        queryOne(".o_pbx_card[data-call-id='1'] textarea").focus();
        expect(".o_pbx_card[data-call-id='1'] textarea").toBeFocused();
    });
});

describe("a busy day", () => {
    const missed = {state: "done", outcome: "missed"};
    const strangers = (count) =>
        Array.from({length: count}, (_, index) =>
            makeCard({
                id: index + 1,
                contact: false,
                number: `+4420794607${10 + index}`,
                number_readable: `+44 20 7946 07${10 + index}`,
            }),
        );

    test("three cards and how many more there are; all are closed at once", async () => {
        await openCards(server);
        for (const card of strangers(20)) {
            await show(server, card);
            await change(server, card.id, missed);
        }
        expect(".o_pbx_card").toHaveCount(3);
        expect(`.o_pbx_card:not(.o_pbx_card_small)`).toHaveCount(1);
        expect(MORE).toHaveText("17 more");
        await click(MORE);
        await settle();
        expect(".o_pbx_card").toHaveCount(20);
        const {top} = queryOne(".o_pbx_cards").getBoundingClientRect();
        expect(top >= 0).toBe(true);
        await click(".o_pbx_cards_close");
        await settle();
        expect(".o_pbx_card").toHaveCount(0);
    });

    test("what rings is in sight, however many have come since", async () => {
        await openCards(server, makeCard({id: 1, contact: ANNA}));
        for (const card of strangers(5)) {
            await show(server, {...card, id: card.id + 1});
            await change(server, card.id + 1, missed);
        }
        expect(queryAllTexts(NAME)).toInclude("Anna Bell");
        expect(".o_pbx_card").toHaveCount(3);
    });

    test("the call that one speaks on is in sight, the first, whatever rings", async () => {
        const talk = {id: 1, contact: ANNA, state: "ongoing", answer: ago(60)};
        await openCards(server, makeCard(talk));
        for (const card of strangers(6)) {
            await show(server, {...card, id: card.id + 1});
        }
        expect(".o_pbx_card").toHaveCount(7);
        const bottoms = queryAll(".o_pbx_card").map(
            (el) => el.getBoundingClientRect().bottom,
        );
        const talking = queryOne("[data-call-id='1']").getBoundingClientRect();
        expect(talking.bottom).toBe(Math.max(...bottoms));
        expect(MORE).toHaveCount(0);
    });

    test("one caller has one card: whoever calls again, or is called back", async () => {
        await openCards(server, makeCard({id: 1}));
        await change(server, 1, missed);
        await show(server, makeCard({id: 2, contact: BORIS, number: "+442079460777"}));
        await change(server, 2, missed);
        // Olga from another of her phones.
        await show(server, makeCard({id: 3, number: "+442079460888"}));
        expect(queryAllTexts(NAME)).toEqual(["Boris Ivanov", "Olga Petrova"]);
        await change(server, 3, missed);
        await show(server, makeCard({id: 4, direction: "outbound"}));
        expect(queryAllTexts(NAME)).toEqual(["Boris Ivanov", "Olga Petrova"]);
        expect(".o_pbx_card[data-call-id='4'][data-state='ringing']").toHaveCount(1);
        await change(server, 4, {state: "done", outcome: "no_answer"});
        expect(".o_pbx_card").toHaveCount(2);
    });

    test("two calls of one number at once are two; so are withheld numbers", async () => {
        const cards = [makeCard({id: 1}), makeCard({id: 2})];
        const desk = await openCards(server, ...cards);
        expect(".o_pbx_card").toHaveCount(2);
        const hidden = {contact: false, number: "", number_readable: ""};
        for (const id of [3, 4]) {
            await show(server, makeCard({id, ...hidden}));
            await change(server, id, missed);
        }
        expect(desk.stack.cards).toHaveLength(4);
    });

    test("a note that is being written keeps its card", async () => {
        await openCards(server, makeCard({id: 1, state: "ongoing"}));
        queryOne(".o_pbx_card textarea").focus();
        await change(server, 1, {state: "done", outcome: "answered"});
        await show(server, makeCard({id: 2}));
        expect(".o_pbx_card").toHaveCount(2);
        expect(".o_pbx_card[data-call-id='1'] textarea").toBeFocused();
    });
});
