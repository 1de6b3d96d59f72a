import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {press as pressKey, queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {makeServerError, mockService, onRpc} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

import {
    button,
    change,
    makeCard,
    mockDeskServer,
    OLGA,
    openCards,
    press,
    show,
    startDesk,
    states,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const TAGS = [
    {id: 11, name: "Sale", color: 10, is_on: false},
    {id: 12, name: "Spam", color: 9, is_on: false},
];
const BORIS = {...OLGA, id: 8, name: "Boris Ivanov"};
const CARD = ".o_pbx_card";
const TAG = ".o_pbx_card_tag";
const FIELD = ".o_pbx_card_note textarea";
const TALK = {state: "ongoing", answer: "2026-06-16 12:00:00"};
const OVER = {state: "done", outcome: "answered", talk_seconds: 60, tags: TAGS};
const ASKS = {...OVER, asks: true};

let server = null;
let refusal = null;

/** What the server makes of a tag that is put or taken. */
function withTag(card, id, isOn) {
    const tags = card.tags.map((tag) => (tag.id === id ? {...tag, is_on: isOn} : tag));
    const isAnswered = tags.some((tag) => tag.is_on);
    return {...card, tags, asks: card.isAsking && !isAnswered};
}

beforeEach(() => {
    refusal = null;
    server = mockDeskServer();
    onRpc("pbx.call", "write", ({args: [[id], {tag_ids: commands, note}]}) => {
        if (note) {
            expect.step(note);
            return true;
        }
        const [[command, tagId]] = commands;
        expect.step(`${command === 4 ? "put" : "take"} ${tagId}`);
        if (refusal) {
            throw refusal;
        }
        server.notify(withTag(server.cards[id], tagId, command === 4));
        return true;
    });
    onRpc("pbx.call", "action_nothing_to_say", ({args: [[id]]}) => {
        expect.step(`nothing ${id}`);
        server.change(id, {asks: false, isAsking: false});
        return true;
    });
});

const ask = (values = {}) => ({...ASKS, isAsking: true, ...values});

const pressed = () =>
    Object.fromEntries(
        TAGS.map(({name}) => [name, button(name).getAttribute("aria-pressed")]),
    );

describe("offer", () => {
    test("none as long as the call goes on, then a button for each", async () => {
        await openCards(server, makeCard());
        await change(server, 1, TALK);
        expect(TAG).toHaveCount(0);
        await change(server, 1, OVER);
        expect(queryAllTexts(TAG)).toEqual(["Sale", "Spam"]);
        expect(pressed()).toEqual({Sale: "false", Spam: "false"});
        expect(".o_pbx_card_nothing").toHaveCount(0);
        expect(button("Close this card")).not.toBe(undefined);
    });

    test("put and taken again, and the card goes half a minute later", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, OVER);
        await pass(25);
        await press("Sale");
        expect.verifySteps(["put 11"]);
        expect(pressed()).toEqual({Sale: "true", Spam: "false"});
        await pass(25);
        await press("Sale");
        expect.verifySteps(["take 11"]);
        expect(pressed()).toEqual({Sale: "false", Spam: "false"});
        await pass(25);
        expect(CARD).toHaveCount(1);
        await pass(10);
        expect(CARD).toHaveCount(0);
    });

    test("by the keyboard; the focus stays where it is", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, OVER);
        button("Spam").focus();
        await pressKey("Enter");
        await settle();
        expect.verifySteps(["put 12"]);
        expect(button("Spam")).toBeFocused();
    });

    test("what the server refuses is not shown as said", async () => {
        expect.errors(1);
        await openCards(server, makeCard(TALK));
        await change(server, 1, OVER);
        refusal = makeServerError({
            type: "odoo.exceptions.AccessError",
            message: "Not yours.",
        });
        await press("Sale");
        expect.verifySteps(["put 11"]);
        expect(pressed()).toEqual({Sale: "false", Spam: "false"});
        expect.verifyErrors(["Not yours."]);
    });

    test("what is put elsewhere is shown here", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, OVER);
        server.notify(withTag(server.cards[1], 12, true));
        await settle();
        expect(pressed()).toEqual({Sale: "false", Spam: "true"});
    });
});

describe("ask", () => {
    test("it stays until a tag is chosen, and goes a moment later", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, ask());
        expect(".o_pbx_card_tags").toHaveText(/What was it about\?/);
        expect(button("Close this card")).toBe(undefined);
        await pass(3600);
        expect(CARD).toHaveCount(1);
        await press("Sale");
        expect.verifySteps(["put 11"]);
        await pass(2);
        await press("Spam");
        expect.verifySteps(["put 12"]);
        await pass(3);
        expect(CARD).toHaveCount(1);
        await pass(30);
        expect(CARD).toHaveCount(0);
    });

    test("or until there is nothing to say; a note is saved before", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, ask());
        const field = queryOne(FIELD);
        field.value = "Wants the offer";
        field.dispatchEvent(new Event("input", {bubbles: true}));
        await press("Nothing to say");
        expect.verifySteps(["Wants the offer", "nothing 1"]);
        expect(CARD).toHaveCount(0);
    });

    test("an answer in another page closes it here", async () => {
        for (const answer of [
            () => server.notify(withTag(server.cards[1], 11, true)),
            () => server.change(1, {asks: false}),
        ]) {
            const desk = await openOnce();
            await change(server, 1, makeCard(ask()));
            expect(states(desk)).toEqual([[1, "done"]]);
            answer();
            await pass(5);
            expect(states(desk)).toEqual([]);
        }
    });

    let desk = null;
    async function openOnce() {
        desk = desk || (await openCards(server));
        await show(server, makeCard(TALK));
        return desk;
    }

    test("taken back at once, it asks again", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, ask());
        await press("Sale");
        await pass(2);
        await press("Sale");
        expect.verifySteps(["put 11", "take 11"]);
        await pass(600);
        expect(CARD).toHaveCount(1);
    });

    test("never in the way of the next ring: small below it, and it asks still", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, ask());
        await show(server, makeCard({id: 2, contact: BORIS, number: "+442079460777"}));
        expect(".o_pbx_card_small .o_pbx_card_title").toHaveText("Olga Petrova");
        expect(".o_pbx_card_small .o_pbx_card_asks").toHaveCount(1);
        expect(".o_pbx_card:not(.o_pbx_card_small) h2").toHaveText("Boris Ivanov");
        await change(server, 2, {state: "done", outcome: "missed"});
        await pass(60);
        expect(".o_pbx_card_title").toHaveText("Olga Petrova");
        await press("Show all of this card");
        await press("Nothing to say");
        expect.verifySteps(["nothing 1"]);
        expect(CARD).toHaveCount(0);
    });

    test("the same caller again does not take its place", async () => {
        const opened = await openCards(server, makeCard(TALK));
        await change(server, 1, ask());
        await show(server, makeCard({id: 2}));
        await change(server, 2, {state: "done", outcome: "missed"});
        expect(states(opened)).toEqual([
            [2, "done"],
            [1, "done"],
        ]);
    });

    test("“Close all” leaves it, and so does a click in another page", async () => {
        const opened = await openCards(server, makeCard({...TALK, id: 1}));
        await show(server, makeCard({id: 2, contact: BORIS, number: "+442079460777"}));
        await change(server, 1, ask());
        await change(server, 2, {state: "done", outcome: "missed"});
        opened.stack.closeAll();
        await settle();
        expect(states(opened)).toEqual([[1, "done"]]);
        expect(".o_pbx_cards_close").toHaveCount(0);
        const dismissed = JSON.stringify({1: Date.now(), 2: Date.now()});
        browser.localStorage.setItem("cloud_pbx.dismissed", dismissed);
        window.dispatchEvent(
            new StorageEvent("storage", {
                key: "cloud_pbx.dismissed",
                newValue: dismissed,
            }),
        );
        await settle();
        expect(states(opened)).toEqual([[1, "done"]]);
    });

    test("a page that is loaded asks, and what was closed while it went on", async () => {
        browser.localStorage.setItem("cloud_pbx.dismissed", JSON.stringify({1: 1}));
        server.cards[1] = makeCard(ask());
        const opened = await startDesk();
        expect(states(opened)).toEqual([[1, "done"]]);
    });
});

describe("spam", () => {
    const spam = {
        ...OVER,
        tags: [TAGS[0], {...TAGS[1], is_on: true}],
        can_block: true,
    };

    test("its number is blocked with one press", async () => {
        mockService("notification", {
            add: (message, {type}) => expect.step(`${type}: ${message}`),
        });
        onRpc("pbx.call", "action_block_number", ({args: [[id]]}) => {
            server.change(id, {is_blocked: true});
            return {params: {message: "It is blocked.", type: "success", next: {}}};
        });
        await openCards(server, makeCard(TALK));
        await change(server, 1, spam);
        await press("Block this number");
        expect.verifySteps(["success: It is blocked."]);
        expect(".o_pbx_card_block").toHaveCount(0);
        expect(".o_pbx_card_tags").toHaveText(/This number is blocked\./);
    });

    test("not by those who may not", async () => {
        await openCards(server, makeCard(TALK));
        await change(server, 1, {...spam, can_block: false});
        expect(".o_pbx_card_block").toHaveCount(0);
    });
});
