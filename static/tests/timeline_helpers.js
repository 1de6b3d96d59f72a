import {queryAll, queryAllTexts} from "@odoo/hoot-dom";
import {mockDate} from "@odoo/hoot-mock";
import {defineModels, fields, models, mountView} from "@web/../tests/web_test_helpers";

export const DAY = "2026-06-16";
const ANNA = 201;
export const BORIS = 202;

class Colleague extends models.Model {
    _name = "colleague";

    name = fields.Char();

    _records = [
        {id: ANNA, name: "Anna"},
        {id: BORIS, name: "<b>Boris</b>"},
    ];
}

class Extension extends models.Model {
    _name = "pbx.extension";

    name = fields.Char();

    _records = [
        {id: 1, name: "100"},
        {id: 2, name: "101"},
        {id: 3, name: "102 Warehouse"},
    ];
}

class Leg extends models.Model {
    _name = "leg";

    call_id = fields.Many2one({relation: "call"});
    shown_number = fields.Char();
    extension_id = fields.Many2one({relation: "pbx.extension"});
    user_id = fields.Many2one({relation: "colleague"});
    start = fields.Datetime();
    answer = fields.Datetime();
    stop = fields.Datetime();
    outcome = fields.Selection({
        selection: [
            ["answered", "Answered"],
            ["missed", "Missed"],
        ],
    });
}

class Call extends models.Model {
    _name = "call";

    name = fields.Char();
    direction = fields.Selection({
        selection: [
            ["inbound", "Incoming"],
            ["outbound", "Outgoing"],
            ["internal", "Internal"],
        ],
    });
    state = fields.Selection({
        selection: [
            ["ringing", "Ringing"],
            ["ongoing", "Talking"],
            ["done", "Ended"],
        ],
    });
    outcome = fields.Selection({
        selection: [
            ["answered", "Answered"],
            ["missed", "Missed"],
            ["busy", "Busy"],
            ["no_answer", "No answer"],
            ["cancelled", "Cancelled"],
            ["failed", "Failed"],
        ],
    });
    number = fields.Char();
    extension_id = fields.Many2one({relation: "pbx.extension"});
    start = fields.Datetime();
    answer = fields.Datetime();
    stop = fields.Datetime();
    talk_seconds = fields.Integer();
    leg_ids = fields.One2many({relation: "leg", relation_field: "call_id"});
}

export function defineStoryModels() {
    defineModels([Colleague, Extension, Leg, Call]);
}

/** `0:12` is twelve seconds after noon. */
export const at = (time) => time && `${DAY} 12:${time.padStart(5, "0")}`;

const PHONES = {
    100: {user_id: ANNA, extension_id: 1},
    101: {user_id: BORIS, extension_id: 2},
    102: {extension_id: 3},
};

/** A call that began at noon, and its legs by their number: [start, answer, more]. */
export function has(call, legs) {
    const times = {
        start: at("0:00"),
        answer: at(call.answer) || false,
        stop: at(call.stop) || false,
    };
    Call._records = [
        {
            id: 1,
            direction: "inbound",
            state: "done",
            talk_seconds: 0,
            ...call,
            ...times,
        },
    ];
    Leg._records = Object.entries(legs).map(
        ([number, [start, answer, more]], index) => ({
            id: index + 1,
            call_id: 1,
            shown_number: number,
            ...PHONES[number],
            start: at(start) || false,
            answer: at(answer) || false,
            ...more,
            stop: at(more?.stop) || false,
        }),
    );
    Call._records[0].leg_ids = Leg._records.map(({id}) => id);
}

export const ANSWERED = {
    outcome: "answered",
    answer: "0:12",
    stop: "1:57",
    talk_seconds: 105,
};
export const SPOKE = {outcome: "answered"};

export async function mountStory(call, legs) {
    mockDate(`${DAY} 12:02:00`, 0);
    has(call, legs);
    await mountView({
        type: "form",
        resModel: "call",
        resId: 1,
        arch: `<form>
            <field name="name"/>
            <field name="leg_ids" widget="pbx_timeline" readonly="1"/>
        </form>`,
    });
}

export const sentences = () => queryAllTexts(".o_pbx_timeline_phone .visually-hidden");
export const verdicts = () => queryAllTexts(".o_pbx_timeline_verdict");

/** The parts of each phone: kind, whether its end is known, percents of the axis. */
export function parts() {
    const percent = (el, side) => Math.round(parseFloat(el.style[side]));
    return queryAll(".o_pbx_timeline_phone").map((row) =>
        [...row.querySelectorAll(".o_pbx_timeline_part")].map((el) => {
            const kind = el.classList.contains("o_pbx_timeline_talk") ? "talk" : "ring";
            const open = el.classList.contains("o_pbx_timeline_open") ? "?" : "";
            const from = percent(el, "insetInlineStart");
            return `${kind} ${from}-${from + percent(el, "inlineSize")}${open}`;
        }),
    );
}
