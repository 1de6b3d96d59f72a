import {after, beforeEach, describe, expect, test} from "@odoo/hoot";
import {
    click,
    keyDown,
    keyUp,
    press,
    queryAllTexts,
    queryFirst,
    queryOne,
} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    mountView,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import {applyInheritance} from "@web/core/template_inheritance";
import {getTemplate, registerTemplate} from "@web/core/templates";
import {formPhoneField, PhoneField} from "@web/views/fields/phone/phone_field";

import {
    ANNA,
    BOB,
    BUTTON,
    CAROL,
    FIELD,
    form,
    kanban,
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
    pbx.answers = [false];
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
        pbx.desk.hasPhone = false;
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
        pbx.desk.hasPhone = true;
        await animationFrame();
        expect(BUTTON).toHaveCount(1);
        expect(".o_field_phone a").toHaveCount(0);
        pbx.desk.hasPhone = false;
        await animationFrame();
        expect(BUTTON).toHaveCount(0);
        expect(".o_field_phone a").toHaveCount(1);
    });
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
        pbx.desk.hasPhone = false;
        await animationFrame();
        expect(shape().at(-1)).toBe("o_field_phone_sms");
        expect(BUTTON).toHaveCount(0);
    });
}
