import {beforeEach, expect} from "@odoo/hoot";
import {click, queryFirst} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {reactive} from "@odoo/owl";
import {
    defineModels,
    fields,
    mockService,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";

export const ANNA = "+44 20 7946 0201";
export const BOB = "+44 20 7946 0202";
export const CAROL = "+44 20 7946 0203";
export const BUTTON = ".o_pbx_call_button";

export class Person extends models.Model {
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

/**
 * What a test has of the PBX: the agent's `desk`, and the `answers` that its `dial`
 * gives, one after the other: the id of a call, `false` for a refusal (the service has
 * said why), an error, or a promise.
 */
export const pbx = {desk: null, answers: []};

/** Each test begins with a desk of its own, as clicks are remembered by desk. */
export function setUpPhoneField() {
    defineModels([Person, Shop]);
    beforeEach(() => {
        pbx.answers = [];
        pbx.desk = newDesk();
        mockService("cloud_pbx.desk", () => pbx.desk);
        onRpc("person", "web_save", ({args: [, values]}) => {
            expect.step(["save", values]);
        });
    });
}

const newDesk = () =>
    reactive({
        hasPhone: true,
        phones: [],
        lines: [],
        preferences: {},
        missed: 0,
        stack: {cards: [], calls: {}, inSight: [], moreCount: 0},
        async dial(number, {resModel, resId, onAsking}) {
            pbx.onAsking = onAsking;
            expect.step(["dial", number, resModel, resId]);
            const answer = await (pbx.answers.length ? pbx.answers.shift() : 100);
            if (answer instanceof Error) {
                throw answer;
            }
            return answer;
        },
    });

export const FIELD = `<field name="phone" widget="phone"/>`;

export const form = (values = {}) =>
    mountView({
        type: "form",
        resModel: "person",
        resId: 1,
        arch: `<form><sheet><group><field name="name"/>${FIELD}</group></sheet></form>`,
        ...values,
    });

export const list = (values = {}) =>
    mountView({
        type: "list",
        resModel: "person",
        arch: `<list><field name="name"/>${FIELD}</list>`,
        selectRecord: () => expect.step("opened"),
        ...values,
    });

export const kanban = (values = {}) =>
    mountView({
        type: "kanban",
        resModel: "person",
        arch: `<kanban><templates><t t-name="card">
            <field name="name"/>${FIELD}</t></templates></kanban>`,
        selectRecord: () => expect.step("opened"),
        ...values,
    });

/** Something was heard of a call. */
export async function hear(id, call) {
    pbx.desk.stack.calls[id] = {outcome: "", answer: false, ...call};
    await animationFrame();
}

export async function pressOn(target) {
    await click(target);
    await animationFrame();
}

export const phase = (target = BUTTON) => queryFirst(target).dataset.phase;
export const label = (target = BUTTON) => queryFirst(target).getAttribute("aria-label");
