import {after, beforeEach, describe, expect, test} from "@odoo/hoot";
import {
    click,
    dblclick,
    edit,
    keyDown,
    keyUp,
    pointerDown,
    press,
    queryAllTexts,
    queryFirst,
    queryOne,
} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, Deferred} from "@odoo/hoot-mock";
import {Component, reactive, useState, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    clickSave,
    contains,
    defineModels,
    fields,
    makeServerError,
    MockServer,
    mockService,
    models,
    mountView,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import {applyInheritance} from "@web/core/template_inheritance";
import {getTemplate, registerTemplate} from "@web/core/templates";
import {formPhoneField, PhoneField} from "@web/views/fields/phone/phone_field";

import {CallButton} from "@cloud_pbx/call_button/call_button";
import {OUTCOME_SHOWN, PATIENCE} from "@cloud_pbx/call_button/clicks";

describe.current.tags("desktop");

const ANNA = "+44 20 7946 0201";
const BOB = "+44 20 7946 0202";
const CAROL = "+44 20 7946 0203";
const BUTTON = ".o_pbx_call_button";

class Person extends models.Model {
    _name = "person";

    name = fields.Char({required: true});
    phone = fields.Char();
    child_ids = fields.One2many({relation: "person", relation_field: "parent_id"});
    parent_id = fields.Many2one({relation: "person"});

    _records = [
        {id: 1, name: "Anna", phone: ANNA, child_ids: [3]},
        {id: 2, name: "Bob", phone: BOB},
        {id: 3, name: "Carol", phone: CAROL, parent_id: 1},
        {id: 4, name: "Dan", phone: false},
    ];
}

class Shop extends models.Model {
    _name = "shop";

    hotline = fields.Char();

    _records = [{id: 7, hotline: "00 800 123 456"}];
}

defineMailModels();
defineModels([Person, Shop]);

/**
 * The desk of an agent. `answers` has what `dial` gives, one after the other: the id of
 * a call, `false` for a refusal (the service has told why), an error, or a promise.
 */
let desk = null;
let answers = [];

beforeEach(() => {
    answers = [];
    desk = reactive({
        hasPhone: true,
        phones: [],
        lines: [],
        preferences: {},
        missed: 0,
        cards: [],
        announced: [],
        calls: {},
        async dial(number, {resModel, resId}) {
            expect.step(["dial", number, resModel, resId]);
            const answer = await (answers.length ? answers.shift() : 100);
            if (answer instanceof Error) {
                throw answer;
            }
            return answer;
        },
    });
    mockService("cloud_pbx.desk", () => desk);
    onRpc("person", "web_save", ({args: [, values]}) => {
        expect.step(["save", values]);
    });
});

const FIELD = `<field name="phone" widget="phone"/>`;

const form = (values = {}) =>
    mountView({
        type: "form",
        resModel: "person",
        resId: 1,
        arch: `<form><sheet><group><field name="name"/>${FIELD}</group></sheet></form>`,
        ...values,
    });

const list = (values = {}) =>
    mountView({
        type: "list",
        resModel: "person",
        arch: `<list><field name="name"/>${FIELD}</list>`,
        selectRecord: () => expect.step("opened"),
        ...values,
    });

const kanban = (values = {}) =>
    mountView({
        type: "kanban",
        resModel: "person",
        arch: `<kanban><templates><t t-name="card">
            <field name="name"/>${FIELD}</t></templates></kanban>`,
        selectRecord: () => expect.step("opened"),
        ...values,
    });

/** Something was heard of a call. */
async function hear(id, call) {
    desk.calls[id] = {outcome: "", answer: false, ...call};
    await animationFrame();
}

async function pressOn(target) {
    await click(target);
    await animationFrame();
}

const phase = (target = BUTTON) => queryFirst(target).dataset.phase;
const label = (target = BUTTON) => queryFirst(target).getAttribute("aria-label");

// ---------------------------------------------------------------------- where it stands

test("in a form it stands for Odoo's link, and dials the field's number", async () => {
    await form();
    expect(".o_field_phone input").toHaveValue(ANNA);
    expect(".o_field_phone a").toHaveCount(0);
    expect(BUTTON).toHaveCount(1);
    expect(BUTTON).toHaveText("Call");
    expect(label()).toBe(`Call ${ANNA}`);
    await pressOn(BUTTON);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("a form that cannot be edited shows number and button, and no link", async () => {
    await form({readonly: true});
    expect(".o_field_phone a, .o_field_phone input").toHaveCount(0);
    expect(".o_pbx_phone_number").toHaveText(ANNA);
    expect(BUTTON).toHaveText("Call");
    await pressOn(BUTTON);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("each row of a list has its own, and a click does not open the row", async () => {
    await list();
    queryFirst(".o_data_row").addEventListener("mousedown", () => expect.step("down"));
    expect(queryAllTexts(".o_pbx_phone_number")).toEqual([ANNA, BOB, CAROL]);
    expect(BUTTON).toHaveCount(3, {message: "there is none where no number is"});
    expect(".o_field_phone a").toHaveCount(0);
    expect(`${BUTTON}:first`).toHaveText("");
    await pressOn(BUTTON);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
    await click(`${BUTTON}:eq(1)`, {button: 1});
    await pressOn(".o_pbx_phone_number:eq(1)");
    expect.verifySteps(["opened"]);
});

test("each card of a kanban has its own, and a click does not open the card", async () => {
    await kanban();
    expect(BUTTON).toHaveCount(3);
    expect(".o_field_phone a").toHaveCount(0);
    await pressOn(`${BUTTON}:eq(2)`);
    expect.verifySteps([["dial", CAROL, "person", 3]]);
    await pressOn(".o_kanban_record:eq(2)");
    expect.verifySteps(["opened"]);
});

for (const [what, view] of Object.entries({row: list, card: kanban})) {
    test(`the keyboard presses the button, and not the ${what}`, async () => {
        await view();
        queryFirst(BUTTON).focus();
        await press("Enter");
        await animationFrame();
        expect.verifySteps([["dial", ANNA, "person", 1]]);
    });
}

test("a key that is held down dials once, whatever the PBX says", async () => {
    answers = [false];
    await form();
    queryFirst(BUTTON).focus();
    await keyDown("Enter");
    await animationFrame();
    expect(phase()).toBe("idle");
    const [again] = await keyDown("Enter");
    expect(again.repeat).toBe(true);
    expect(again.defaultPrevented).toBe(true);
    await keyUp("Enter");
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("in an editable list a click does not edit the row", async () => {
    await list({arch: `<list editable="bottom"><field name="name"/>${FIELD}</list>`});
    await pressOn(BUTTON);
    expect(".o_selected_row").toHaveCount(0);
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("in the lines of a form each line is dialled", async () => {
    await form({
        arch: `<form><field name="name"/><field name="child_ids">
            <list><field name="name"/>${FIELD}</list></field></form>`,
    });
    await contains(".o_field_widget[name=name] input").edit("Annette");
    await pressOn(BUTTON);
    expect.verifySteps([["dial", CAROL, "person", 3]]);
    expect(".modal").toHaveCount(0);
});

test("a line that was edited is dialled as it stands, and not saved alone", async () => {
    await form({
        arch: `<form><field name="name"/><field name="child_ids">
            <list editable="bottom">${FIELD}</list></field></form>`,
    });
    await pressOn(".o_pbx_phone_number");
    await contains(".o_selected_row input").edit(BOB);
    await pressOn(".o_field_widget[name=name] input");
    expect(".o_selected_row").toHaveCount(0);
    await pressOn(BUTTON);
    expect.verifySteps([["dial", BOB, "person", 3]]);
});

test("any model, any field", async () => {
    await mountView({
        type: "form",
        resModel: "shop",
        resId: 7,
        arch: `<form><field name="hotline" widget="phone"/></form>`,
    });
    await pressOn(BUTTON);
    expect.verifySteps([["dial", "00 800 123 456", "shop", 7]]);
});

test("a number is text, whatever it holds", async () => {
    Person._records[0].phone = "<b>100</b>";
    await list();
    expect(".o_pbx_phone_number:first").toHaveText("<b>100</b>");
    expect(".o_field_phone b").toHaveCount(0);
    expect(label()).toBe("Call <b>100</b>");
});

test("an option of the field leaves it as Odoo has it", async () => {
    const field = `<field name="phone" widget="phone" options="{'enable_call': false}"/>`;
    await form({arch: `<form>${field}</form>`});
    expect(BUTTON).toHaveCount(0);
    expect(".o_field_phone a").toHaveText("Call");
    await list({arch: `<list>${field}</list>`});
    expect(BUTTON).toHaveCount(0);
    expect(".o_list_view .o_field_phone a[href^='tel:']").toHaveCount(3);
});

// ----------------------------------------------------------------------- without a phone

describe("without a phone", () => {
    const shape = () =>
        [...queryOne(".o_phone_content:first").children].map((el) =>
            [el.tagName, ...el.classList].join("."),
        );

    beforeEach(() => {
        desk.hasPhone = false;
        onRpc(({model}) => {
            if (model.startsWith("pbx.")) {
                expect.step(`asked ${model}`);
            }
        });
    });

    test("a form has Odoo's link", async () => {
        await form();
        expect(shape()).toEqual([
            "INPUT.o_input",
            "A.o_phone_form_link.ms-3.d-inline-flex.align-items-center",
        ]);
        expect(".o_field_phone a").toHaveText("Call");
        expect(".o_field_phone a").toHaveAttribute("href", "tel:+442079460201");
        expect.verifySteps([]);
    });

    for (const [where, view] of Object.entries({
        "a form that cannot be edited": () => form({readonly: true}),
        "a list": list,
        "a kanban": kanban,
    })) {
        test(`in ${where} numbers are Odoo's links`, async () => {
            await view();
            expect(shape()).toEqual(["A.o_form_uri"]);
            expect(".o_field_phone a:first").toHaveText(ANNA);
            expect(".o_field_phone a:first").toHaveAttribute(
                "href",
                "tel:+442079460201",
            );
            expect.verifySteps([]);
        });
    }

    test("the button comes and goes with the phone", async () => {
        await form();
        desk.hasPhone = true;
        await animationFrame();
        expect(BUTTON).toHaveCount(1);
        expect(".o_field_phone a").toHaveCount(0);
        desk.hasPhone = false;
        await animationFrame();
        expect(BUTTON).toHaveCount(0);
        expect(".o_field_phone a").toHaveCount(1);
    });
});

// ---------------------------------------------------------------------------- one call

test("a double click dials once", async () => {
    await list();
    await dblclick(BUTTON);
    await animationFrame();
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("nothing is dialled before the call of the last click is over", async () => {
    const answer = new Deferred();
    answers = [answer];
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

test("what becomes of the call is shown, and said with the number", async () => {
    await form();
    expect(phase()).toBe("idle");
    expect(`${BUTTON} .fa-phone`).toHaveCount(1);
    await pressOn(BUTTON);
    expect(`${BUTTON} .fa-spin`).toHaveCount(1);
    expect(label()).toBe(`Dialling…: ${ANNA}`);
    await hear(100, {state: "ringing"});
    expect(phase()).toBe("ringing");
    expect(BUTTON).toHaveText("Ringing");
    expect(label()).toBe(`Ringing: ${ANNA}`);
    desk.calls[100].state = "ongoing";
    await animationFrame();
    expect(phase()).toBe("talking");
    expect(BUTTON).toHaveText("Talking");
    Object.assign(desk.calls[100], {state: "done", outcome: "answered"});
    await animationFrame();
    expect(phase()).toBe("ended");
    expect(label()).toBe(`Answered: ${ANNA}`);
    expect(BUTTON).toHaveAttribute("aria-disabled", "false");
    await advanceTime(OUTCOME_SHOWN - 100);
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
        delete desk.calls[100];
        await animationFrame();
        expect.verifySteps([["dial", ANNA, "person", 1]]);
        await advanceTime(OUTCOME_SHOWN);
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
    answers = [100, 101];
    await form();
    await pressOn(BUTTON);
    await hear(100, {state: "done", outcome: "busy"});
    await advanceTime(OUTCOME_SHOWN - 100);
    await pressOn(BUTTON);
    await hear(101, {state: "ringing"});
    await advanceTime(OUTCOME_SHOWN);
    await animationFrame();
    expect(phase()).toBe("ringing");
    expect.verifySteps([
        ["dial", ANNA, "person", 1],
        ["dial", ANNA, "person", 1],
    ]);
});

test("what was refused is not shown as a call, and can be tried again", async () => {
    answers = [false, 100];
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
    answers = [new Error("Boom")];
    await form();
    await pressOn(BUTTON);
    expect.verifyErrors(["Boom"]);
    expect(phase()).toBe("idle");
    expect.verifySteps([["dial", ANNA, "person", 1]]);
});

test("a call of which nothing is heard does not keep the button for ever", async () => {
    await form();
    await pressOn(BUTTON);
    await advanceTime(PATIENCE - 100);
    expect(phase()).toBe("waiting");
    await advanceTime(100);
    await animationFrame();
    expect(phase()).toBe("idle");
    // One that is talking is not forgotten, nor is one that is heard of no more kept.
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    await advanceTime(PATIENCE);
    await animationFrame();
    expect(phase()).toBe("talking");
    delete desk.calls[100];
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

// ------------------------------------------------------------------- the number to dial

test("the next record of a form has its own number and its own state", async () => {
    await form({resIds: [1, 2]});
    await pressOn(BUTTON);
    await hear(100, {state: "ongoing"});
    await pressOn(".o_pager_next");
    expect(phase()).toBe("idle");
    answers = [101];
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
    await advanceTime(OUTCOME_SHOWN);
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
    expect(label()).toBe(`Ringing: ${BOB}`);
    expect.verifySteps([["dial", BOB, undefined, undefined]]);
});

// --------------------------------------------------------------------- beside the SMS one

/** As the addon "sms", which this one does not need, extends the same templates. */
function mockSms() {
    class SendSMSButton extends Component {
        static template = xml`<a class="o_field_phone_sms" href="sms:1">SMS</a>`;
        static props = ["*"];
    }
    const extend = (name, xpath) => {
        const parse = (text) =>
            new DOMParser().parseFromString(text, "text/xml").documentElement;
        const parent = new XMLSerializer().serializeToString(getTemplate(name));
        const extension = `<t>${xpath}</t>`;
        const extended = applyInheritance(parse(parent), parse(extension), "");
        extended.setAttribute("t-name", `${name}.sms`);
        const unregister = registerTemplate(
            `${name}.sms`,
            "/cloud_pbx/static/tests/phone_field.test.js",
            new XMLSerializer().serializeToString(extended),
        );
        after(unregister);
        return `${name}.sms`;
    };
    const button = `<t t-if="props.record.data[props.name].length > 0"><SendSMSButton t-props="props"/></t>`;
    patchWithCleanup(PhoneField, {
        components: {...PhoneField.components, SendSMSButton},
        template: extend(
            "web.PhoneField",
            `<xpath expr="//div[hasclass('o_phone_content')]//a" position="after">${button}</xpath>`,
        ),
    });
    patchWithCleanup(formPhoneField.component, {
        template: extend(
            "web.FormPhoneField",
            `<xpath expr="//div[hasclass('o_phone_content')]" position="inside">${button}</xpath>`,
        ),
    });
}

for (const [where, view, parts] of [
    ["a form", form, ["o_input", "o_pbx_call_button"]],
    [
        "a form that cannot be edited",
        () => form({readonly: true}),
        ["o_pbx_phone_number", "o_pbx_call_button"],
    ],
    ["a list", list, ["o_pbx_phone_number", "o_pbx_call_button"]],
]) {
    test(`in ${where} an SMS button stands beside it`, async () => {
        mockSms();
        const shape = () =>
            [...queryOne(".o_phone_content:first").children].map(
                (el) => el.classList[0],
            );
        await view();
        expect(shape()).toEqual([...parts, "o_field_phone_sms"]);
        desk.hasPhone = false;
        await animationFrame();
        expect(shape().at(-1)).toBe("o_field_phone_sms");
        expect(BUTTON).toHaveCount(0);
    });
}
