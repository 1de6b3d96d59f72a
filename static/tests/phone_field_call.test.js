import {describe, expect, test} from "@odoo/hoot";
import {dblclick} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, Deferred} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";

import {OUTCOME_SHOWN_MS, NO_NEWS_MS} from "@cloud_pbx/call_button/clicks";

import {
    ANNA,
    BUTTON,
    form,
    hear,
    label,
    list,
    pbx,
    Person,
    phase,
    pressOn,
    setUpPhoneField,
} from "./phone_field_helpers";

describe.current.tags("desktop");

defineMailModels();
setUpPhoneField();

test("a double click dials once", async () => {
    await list();
    await dblclick(BUTTON);
    await animationFrame();
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("nothing is dialled before the call of the last click is over", async () => {
    const answer = new Deferred();
    pbx.answers = [answer];
    await list();
    await pressOn(BUTTON);
    expect(phase()).toBe("waiting");
    expect(`${BUTTON}:first`).toHaveAttribute("aria-disabled", "true");
    await pressOn(BUTTON);
    answer.resolve(100);
    await animationFrame();
    expect(phase()).toBe("waiting", {message: "the PBX has said nothing of it yet"});
    await pressOn(BUTTON);
    for (const state of ["ringing", "ongoing"]) {
        await hear(100, {state});
        await pressOn(BUTTON);
    }
    expect.verifySteps([["dial", ANNA, "person", 1]]);
    await hear(100, {state: "done", outcome: "busy"});
    await pressOn(BUTTON);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("nothing is said to be dialled while the user chooses a number", async () => {
    const answer = new Deferred();
    pbx.answers = [answer];
    await form();
    await pressOn(BUTTON);
    expect(phase()).toBe("waiting");
    pbx.onAsking(true);
    await animationFrame();
    expect(phase()).toBe("idle");
    await pressOn(BUTTON);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
    pbx.onAsking(false);
    await animationFrame();
    expect(phase()).toBe("waiting");
    answer.resolve(100);
    await hear(100, {state: "ringing"});
    expect(phase()).toBe("ringing");
});

test("what becomes of the call is shown, and said with the number", async () => {
    await form();
    expect(phase()).toBe("idle");
    expect(`${BUTTON} .fa-phone`).toHaveCount(1);
    await pressOn(BUTTON);
    expect(`${BUTTON} .fa-spin`).toHaveCount(1);
    expect(label()).toBe(`Dialling…: ${ANNA}`);
    await hear(100, {state: "ringing"});
    expect(phase()).toBe("ringing");
    expect(BUTTON).toHaveText("Calling…");
    expect(label()).toBe(`Calling…: ${ANNA}`);
    // A click-to-call rings our own phone first.
    pbx.desk.stack.calls[100].rings_phone = "101";
    await animationFrame();
    expect(BUTTON).toHaveText("Lift your phone 101");
    expect(label()).toBe("Your phone 101 rings: lift it");
    pbx.desk.stack.calls[100].rings_phone = "";
    pbx.desk.stack.calls[100].state = "ongoing";
    await animationFrame();
    expect(phase()).toBe("talking");
    expect(BUTTON).toHaveText("Talking");
    Object.assign(pbx.desk.stack.calls[100], {state: "done", outcome: "answered"});
    await animationFrame();
    expect(phase()).toBe("ended");
    expect(label()).toBe(`Answered: ${ANNA}`);
    expect(BUTTON).toHaveAttribute("aria-disabled", "false");
    await advanceTime(OUTCOME_SHOWN_MS - 100);
    expect(phase()).toBe("ended");
    await advanceTime(100);
    await animationFrame();
    expect(phase()).toBe("idle");
    expect(label()).toBe(`Call ${ANNA}`);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("every outcome has its words", async () => {
    await form();
    const words = {
        answered: "Answered",
        missed: "Missed",
        busy: "Busy",
        no_answer: "No answer",
        cancelled: "Cancelled",
        failed: "Failed",
        "": "Ended",
    };
    for (const [outcome, text] of Object.entries(words)) {
        await pressOn(BUTTON);
        await hear(100, {state: "done", outcome});
        expect(BUTTON).toHaveText(text);
        delete pbx.desk.stack.calls[100];
        await animationFrame();
        expect.verifySteps([["dial", ANNA, "person", 1]]);
        await advanceTime(OUTCOME_SHOWN_MS);
    }
});

test("other buttons show nothing of it, though the number be the same", async () => {
    Person._records[1].phone = ANNA;
    await list();
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    expect(phase(`${BUTTON}:eq(0)`)).toBe("talking");
    expect(phase(`${BUTTON}:eq(1)`)).toBe("idle");
    await hear(200, {state: "ringing"});
    expect(phase(`${BUTTON}:eq(1)`)).toBe("idle");
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("a click that redials is not forgotten with the first one", async () => {
    pbx.answers = [100, 101];
    await form();
    await pressOn(BUTTON);
    await hear(100, {state: "done", outcome: "busy"});
    await advanceTime(OUTCOME_SHOWN_MS - 100);
    await pressOn(BUTTON);
    await hear(101, {state: "ringing"});
    await advanceTime(OUTCOME_SHOWN_MS);
    await animationFrame();
    expect(phase()).toBe("ringing");
    expect.verifySteps([
        ["dial", ANNA, "person", 1],
        ["dial", ANNA, "person", 1],
    ]);
});

test("what was refused is not shown as a call, and can be tried again", async () => {
    pbx.answers = [false, 100];
    await form();
    await pressOn(BUTTON);
    expect(phase()).toBe("idle");
    await pressOn(BUTTON);
    await hear(100, {state: "ringing"});
    expect(phase()).toBe("ringing");
    expect.verifySteps([
        ["dial", ANNA, "person", 1],
        ["dial", ANNA, "person", 1],
    ]);
});

test("an error is no call either", async () => {
    expect.errors(1);
    pbx.answers = [new Error("Boom")];
    await form();
    await pressOn(BUTTON);
    expect.verifyErrors(["Boom"]);
    expect(phase()).toBe("idle");
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("a call of which nothing is heard does not keep the button for ever", async () => {
    await form();
    await pressOn(BUTTON);
    await advanceTime(NO_NEWS_MS - 100);
    expect(phase()).toBe("waiting");
    await advanceTime(100);
    await animationFrame();
    expect(phase()).toBe("idle");
    // One that is talking is not forgotten, nor is one that is heard of no more kept.
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    await advanceTime(NO_NEWS_MS);
    await animationFrame();
    expect(phase()).toBe("talking");
    delete pbx.desk.stack.calls[100];
    await animationFrame();
    expect(phase()).toBe("idle");
    expect.verifySteps([
        ["dial", ANNA, "person", 1],
        ["dial", ANNA, "person", 1],
    ]);
});

test("a view that is drawn anew shows the call that goes on", async () => {
    await list();
    await pressOn(BUTTON);
    await hear(100, {state: "ringing"});
    await form();
    expect(phase(".o_form_view .o_pbx_call_button")).toBe("ringing");
    await pressOn(".o_form_view .o_pbx_call_button");
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});
