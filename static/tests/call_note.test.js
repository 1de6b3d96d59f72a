import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryOne} from "@odoo/hoot-dom";
import {Deferred} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {makeServerError, onRpc} from "@web/../tests/web_test_helpers";

import {change, lost, makeCard, mockDeskServer, openCards, press} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const FIELD = ".o_pbx_card_note textarea";
const STATUS = ".o_pbx_card_saved";

let server = null;
/** What comes of the next writes, one after the other: a promise, or an error. */
let fates = [];

beforeEach(() => {
    fates = [];
    server = mockDeskServer();
    onRpc("pbx.call", "write", async ({args: [[id], {note}]}) => {
        expect.step(note);
        const fate = await fates.shift();
        if (fate instanceof Error) {
            throw fate;
        }
        if (fate instanceof Response) {
            return fate;
        }
        // The server has it, and tells all pages, this one too.
        server.notify({...server.cards[id], note: note || ""});
        return true;
    });
});

/** Somebody types on: the field has this text now. */
function type(text) {
    const field = queryOne(FIELD);
    field.focus();
    field.value = text;
    field.dispatchEvent(new Event("input", {bubbles: true}));
}

const refusal = () =>
    makeServerError({type: "odoo.exceptions.AccessError", message: "Not yours."});

test("saved while it is written, a moment after the last key", async () => {
    await openCards(server, makeCard());
    type("Wants");
    await pass(0.5);
    type("Wants the offer");
    await pass(0.5);
    expect(STATUS).toHaveText("Saving…");
    expect.verifySteps([]);
    await pass(0.2);
    expect.verifySteps(["Wants the offer"]);
    expect(STATUS).toHaveText("Saved");
    await pass(60);
    expect.verifySteps([]);
    type("");
    await pass(0.7);
    expect.verifySteps([false]);
});

test("saved after four seconds at the latest, however fast one writes", async () => {
    await openCards(server, makeCard());
    for (let turn = 1; turn <= 9; turn++) {
        type("x".repeat(turn));
        await pass(0.5);
        expect.verifySteps(turn === 8 ? ["xxxxxxxx"] : []);
    }
    type("and so on");
    await pass(0.7);
    expect.verifySteps(["and so on"]);
});

test("saved at once when the field is left", async () => {
    await openCards(server, makeCard());
    type("Wants");
    queryOne(FIELD).blur();
    await settle();
    expect.verifySteps(["Wants"]);
});

test("one after the other: the latest text is the one that stays", async () => {
    const first = new Deferred();
    fates = [first];
    await openCards(server, makeCard());
    type("Wants");
    await pass(0.7);
    type("Wants the offer");
    await pass(5);
    expect.verifySteps(["Wants"]);
    first.resolve();
    await settle();
    expect.verifySteps(["Wants the offer"]);
    expect(FIELD).toHaveValue("Wants the offer");
    expect(server.cards[1].note).toBe("Wants the offer");
});

test("what cannot be saved is said, kept, and sent with the next key", async () => {
    fates = [refusal()];
    await openCards(server, makeCard());
    type("Wants");
    await pass(0.7);
    expect(STATUS).toHaveText("Not saved. It is tried again when you write on.");
    expect(STATUS).toHaveClass("text-danger");
    expect(FIELD).toHaveValue("Wants");
    expect.verifySteps(["Wants"]);
    type("Wants the offer");
    await pass(0.7);
    expect.verifySteps(["Wants the offer"]);
    expect(STATUS).toHaveText("Saved");
});

test("while Odoo cannot be reached it is tried again by itself", async () => {
    fates = [lost(), lost(), lost(), lost(), lost()];
    await openCards(server, makeCard());
    type("Wants");
    queryOne(FIELD).blur();
    await settle();
    // The call ends: its card does not go with what is not saved.
    await change(server, 1, {state: "done", outcome: "answered"});
    expect.verifySteps(["Wants"]);
    for (let turn = 1; turn < 6; turn++) {
        await pass(10);
        expect.verifySteps(["Wants"]);
    }
    expect(STATUS).toHaveText("Saved");
    await pass(31);
    await pass(31);
    expect(".o_pbx_card").toHaveCount(0);
});

test("what is written elsewhere comes in, unless somebody writes here", async () => {
    await openCards(server, makeCard({note: "From Boris."}));
    expect(FIELD).toHaveValue("From Boris.");
    await change(server, 1, {note: "From Boris again."});
    expect(FIELD).toHaveValue("From Boris again.");
    queryOne(FIELD).focus();
    await change(server, 1, {note: "From Boris once more."});
    expect(FIELD).toHaveValue("From Boris again.");
    queryOne(FIELD).blur();
    await settle();
    expect(FIELD).toHaveValue("From Boris once more.");
    expect.verifySteps([]);
});

test("an older text of one's own, told late, does not come back", async () => {
    await openCards(server, makeCard());
    const answerNow = server.later();
    type("Wants");
    await pass(0.7);
    // “Wants” was asked for and is on its way; meanwhile:
    server.slow = null;
    type("Wants the offer");
    await pass(0.7);
    expect.verifySteps(["Wants", "Wants the offer"]);
    answerNow();
    await settle();
    expect(FIELD).toHaveValue("Wants the offer");
});

test("text that is not saved yet outlives making the card small", async () => {
    const first = new Deferred();
    fates = [first, refusal()];
    await openCards(server, makeCard());
    type("Wants");
    await press("Make this card small");
    expect.verifySteps(["Wants"]);
    await press("Show all of this card");
    expect(FIELD).toHaveValue("Wants");
    type("Wants the offer");
    first.resolve();
    await settle();
    expect.verifySteps(["Wants the offer"]);
    await press("Make this card small");
    expect.verifySteps(["Wants the offer"]);
    await press("Show all of this card");
    expect(FIELD).toHaveValue("Wants the offer");
    expect(server.cards[1].note).toBe("Wants the offer");
});

test("closing the card sends what was typed, also after what is on its way", async () => {
    const first = new Deferred();
    fates = [first];
    await openCards(server, makeCard());
    type("Wants");
    await pass(0.7);
    type("Wants the offer");
    await press("Close this card");
    first.resolve();
    await settle();
    expect.verifySteps(["Wants", "Wants the offer"]);
    expect(server.cards[1].note).toBe("Wants the offer");
    expect(".o_pbx_card").toHaveCount(0);
});

test("a card whose note cannot be saved is not closed over it", async () => {
    fates = [refusal(), refusal()];
    await openCards(server, makeCard());
    type("Wants");
    await press("Close this card");
    expect(FIELD).toHaveValue("Wants");
    expect(STATUS).toHaveClass("text-danger");
    expect.verifySteps(["Wants", "Wants"]);
    await press("Close this card");
    expect(".o_pbx_card").toHaveCount(0);
    expect.verifySteps(["Wants"]);
});

test("what was typed is sent when a colleague takes the call", async () => {
    await openCards(server, makeCard());
    type("Wants");
    await change(server, 1, {state: "taken", taken_by: "Boris"});
    expect(FIELD).toHaveCount(0);
    expect.verifySteps(["Wants"]);
    await pass(5);
    expect(".o_pbx_card").toHaveCount(0);
});

test("an ended card gives way to one that rings; its note is kept, and is said", async () => {
    fates = [refusal(), refusal()];
    await openCards(server, makeCard({state: "ongoing"}));
    type("Wants the offer");
    queryOne(FIELD).blur();
    await settle();
    await change(server, 1, {state: "done", outcome: "answered"});
    const stranger = {contact: false, number: "+442079460777", name: ""};
    await change(server, 2, makeCard({id: 2, ...stranger}));
    const ended = "[data-call-id='1']";
    expect(`${ended}.o_pbx_card_small`).toHaveCount(1);
    expect(`${ended} .o_pbx_card_note_mark`).toHaveText("Wants the offer\nNot saved");
    // It is not gone with the time, nor with what it says.
    await pass(31);
    await press("Show all of this card");
    expect(`${ended} textarea`).toHaveValue("Wants the offer");
    expect.verifySteps(["Wants the offer", "Wants the offer", "Wants the offer"]);
    expect(server.cards[1].note).toBe("Wants the offer");
});

test("a small card shows the note that was saved", async () => {
    await openCards(server, makeCard({note: "From Boris."}));
    await press("Make this card small");
    expect(".o_pbx_card_note_mark").toHaveText("From Boris.");
    await change(server, 1, {note: ""});
    expect(".o_pbx_card_note_mark").toHaveCount(0);
});

test("nothing is sent by looking at it", async () => {
    await openCards(server, makeCard({note: "From Boris."}));
    queryOne(FIELD).focus();
    queryOne(FIELD).blur();
    await press("Make this card small");
    await press("Close this card");
    expect.verifySteps([]);
});
