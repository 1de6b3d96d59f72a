import {describe, expect, test} from "@odoo/hoot";
import {click, dblclick, edit, pointerDown} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, Deferred} from "@odoo/hoot-mock";
import {Component, reactive, useState, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    clickSave,
    contains,
    makeServerError,
    MockServer,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";

import {CallButton} from "@cloud_pbx/call_button/call_button";
import {OUTCOME_SHOWN_MS} from "@cloud_pbx/call_button/clicks";

import {
    ANNA,
    BOB,
    BUTTON,
    CAROL,
    form,
    hear,
    label,
    pbx,
    phase,
    pressOn,
    setUpPhoneField,
} from "./phone_field_helpers";

describe.current.tags("desktop");

defineMailModels();
setUpPhoneField();

test("the next record of a form has its own number and its own state", async () => {
    await form({resIds: [1, 2]});
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    await pressOn(".o_pager_next");
    expect(phase()).toBe("idle");
    pbx.answers = [101];
    await pressOn(BUTTON);
    expect.verifySteps([
        ["dial", ANNA, "person", 1],
        ["dial", BOB, "person", 2],
    ]);
    await pressOn(".o_pager_previous");
    expect(phase()).toBe("talking");
});

test("a form that saves on its way to the next record leaves the call behind", async () => {
    await form({resIds: [1, 2]});
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    await contains(".o_field_widget[name=name] input").edit("Annette");
    await pressOn(".o_pager_next");
    expect(".o_field_phone input").toHaveValue(BOB);
    expect(phase()).toBe("idle");
    await pressOn(".o_pager_previous");
    expect(phase()).toBe("talking");
    expect.verifySteps([
        ["dial", ANNA, "person", 1],
        ["save", {name: "Annette"}],
    ]);
});

test("the call of a new record that was given up is not another record's", async () => {
    const shown = reactive({record: {resModel: "person", resId: false}});
    class Place extends Component {
        static components = {CallButton};
        static props = {};
        static template = xml`
            <CallButton number="number" resModel="shown.record.resModel"
                resId="shown.record.resId" record="shown.record" fieldName="'phone'"/>`;
        setup() {
            this.number = BOB;
            this.shown = useState(shown);
        }
    }
    Object.assign(shown.record, {data: {phone: BOB}, isDirty: async () => false});
    await mountWithCleanup(Place);
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    expect(phase()).toBe("talking");
    shown.record = {resModel: "person", resId: 2};
    await animationFrame();
    expect(phase()).toBe("idle");
    expect.verifySteps([["dial", BOB, undefined, undefined]]);
});

test("what is typed is saved, then dialled", async () => {
    await form();
    await click(".o_field_phone input");
    // Without a change event: not told to the record yet.
    await edit(BOB, {confirm: false});
    await pressOn(BUTTON);
    expect.verifySteps([
        ["save", {phone: BOB}],
        ["dial", BOB, "person", 1],
    ]);
    expect(".o_form_status_indicator_buttons").toHaveClass("invisible");
    expect(label()).toBe(`Dialling…: ${BOB}`);
});

test("while it is saved nobody clicks again", async () => {
    const saving = new Deferred();
    onRpc("person", "web_save", () => saving);
    await form();
    await contains(".o_field_phone input").edit(BOB);
    await pressOn(BUTTON);
    expect(phase()).toBe("waiting");
    await pressOn(BUTTON);
    expect.verifySteps([]);
    saving.resolve();
    await animationFrame();
    expect.verifySteps([
        ["save", {phone: BOB}],
        ["dial", BOB, "person", 1],
    ]);
});

test("a click while the call goes on does not even save", async () => {
    await form();
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    expect.verifySteps([["dial", ANNA, "person", 1]]);
    await contains(".o_field_widget[name=name] input").edit("Annette");
    await pressOn(BUTTON);
    expect.verifySteps([]);
});

test("what the server made of the number is dialled", async () => {
    onRpc("person", "web_save", ({args: [ids]}) => {
        MockServer.env.person.write(ids, {phone: CAROL});
        return MockServer.env.person.web_read(ids, {name: {}, phone: {}});
    });
    await form();
    await contains(".o_field_phone input").edit("020 7946 0203");
    await pressOn(BUTTON);
    expect.verifySteps([["dial", CAROL, "person", 1]]);
});

test("a new record is saved, and the call belongs to it", async () => {
    await form({resId: false});
    expect(BUTTON).toHaveCount(0);
    await contains(".o_field_widget[name=name] input").edit("Eve");
    await contains(".o_field_phone input").edit(BOB);
    await dblclick(BUTTON);
    await animationFrame();
    const [id] = MockServer.env.person.search([["name", "=", "Eve"]]);
    expect.verifySteps([
        ["save", {name: "Eve", phone: BOB}],
        ["dial", BOB, "person", id],
    ]);
    await hear(100, {state: "ringing"});
    expect(phase()).toBe("ringing");
});

test("a new record in which nothing was typed is not saved", async () => {
    await form({resId: false, context: {default_name: "Eve", default_phone: BOB}});
    await pressOn(BUTTON);
    expect.verifySteps([["dial", BOB, undefined, undefined]]);
});

test("what cannot be saved yet is dialled all the same", async () => {
    await form({resId: false});
    await contains(".o_field_phone input").edit(BOB);
    await pressOn(BUTTON);
    expect.verifySteps([["dial", BOB, undefined, undefined]]);
    expect(".o_field_widget[name=name]").toHaveClass("o_field_invalid");
    expect(phase()).toBe("waiting");
    expect(".o_notification").toHaveCount(0);
    // Saved while they talk, it is still the same call.
    await hear(100, {state: "ongoing"});
    await contains(".o_field_widget[name=name] input").edit("Eve");
    await clickSave();
    expect.verifySteps([["save", {name: "Eve", phone: BOB}]]);
    expect(phase()).toBe("talking");
    await pressOn(BUTTON);
    await hear(100, {state: "done"});
    await advanceTime(OUTCOME_SHOWN_MS);
    await animationFrame();
    expect(phase()).toBe("idle");
});

test("what the server does not save is not dialled", async () => {
    expect.errors(1);
    onRpc("person", "web_save", () => {
        throw makeServerError({message: "No such country"});
    });
    await form();
    await contains(".o_field_phone input").edit(BOB);
    await pressOn(BUTTON);
    await animationFrame();
    expect.verifyErrors(["No such country"]);
    expect(phase()).toBe("idle");
    expect.verifySteps([]);
});

test("a number that was deleted is not dialled", async () => {
    await form();
    await click(".o_field_phone input");
    await edit("", {confirm: false});
    await pressOn(BUTTON);
    expect.verifySteps([["save", {phone: false}]]);
    expect(BUTTON).toHaveCount(0);
});

test("who goes to the next record at once dials nobody there", async () => {
    const saving = new Deferred();
    onRpc("person", "web_save", () => saving);
    await form({resIds: [1, 2]});
    await contains(".o_field_widget[name=name] input").edit("Annette");
    // The form saves on its way to the next record, and still shows this one.
    await pressOn(".o_pager_next");
    await pressOn(BUTTON);
    saving.resolve();
    await animationFrame();
    await animationFrame();
    expect(".o_field_phone input").toHaveValue(BOB);
    expect(phase()).toBe("idle");
    expect.verifySteps([["save", {name: "Annette"}]]);
});

test("a form whose record is clean is not saved", async () => {
    await form();
    await contains(".o_field_widget[name=name] input").edit("Annette");
    await clickSave();
    expect.verifySteps([["save", {name: "Annette"}]]);
    await pointerDown(".o_field_phone input");
    await pressOn(BUTTON);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("without any record it dials its number", async () => {
    await mountWithCleanup(CallButton, {props: {number: BOB}});
    await pressOn(BUTTON);
    await hear(100, {state: "ringing"});
    expect(label()).toBe(`Calling…: ${BOB}`);
    expect.verifySteps([["dial", BOB, undefined, undefined]]);
});
