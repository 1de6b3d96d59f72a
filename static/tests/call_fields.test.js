import {describe, expect, test} from "@odoo/hoot";
import {queryAllAttributes, queryAllTexts, queryAttribute} from "@odoo/hoot-dom";
import {mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {defineModels, fields, models, mountView} from "@web/../tests/web_test_helpers";

import {formatDuration} from "@cloud_pbx/common/duration";

describe.current.tags("desktop");

class Contact extends models.Model {
    _name = "contact";

    name = fields.Char();

    _records = [
        {id: 1, name: "<b>Olga</b> Petrova"},
        {id: 2, name: false},
    ];
}

class Recording extends models.Model {
    _name = "recording";

    name = fields.Char();

    _records = [{id: 9, name: "rec-9"}];
}

class Call extends models.Model {
    _name = "call";

    direction = fields.Selection({
        selection: [
            ["inbound", "Incoming"],
            ["outbound", "Outgoing"],
            ["internal", "Internal"],
        ],
    });
    outcome = fields.Selection({
        selection: [
            ["answered", "Answered"],
            ["missed", "Missed"],
            ["busy", "Busy"],
        ],
    });
    state = fields.Selection({
        selection: [
            ["ringing", "Ringing"],
            ["done", "Ended"],
        ],
    });
    talk = fields.Integer({aggregator: "sum"});
    partner_id = fields.Many2one({relation: "contact"});
    number_readable = fields.Char();
    lead_contact = fields.Char();
    colleague_name = fields.Char();
    colleague_avatar = fields.Char();
    colleague_number = fields.Char();
    failure_reason = fields.Char();
    voicemail_id = fields.Many2one({relation: "recording"});
    voicemail_seconds = fields.Integer();
    missed_count = fields.Integer();
    start = fields.Datetime();

    _records = [
        {
            id: 1,
            direction: "inbound",
            outcome: "answered",
            state: "done",
            talk: 134,
            partner_id: 1,
            number_readable: "+44 20 7946 0201",
        },
        {
            id: 2,
            direction: "inbound",
            outcome: "missed",
            state: "done",
            talk: 0,
            number_readable: "+44 20 7946 0777",
        },
        {
            id: 3,
            direction: "outbound",
            outcome: "busy",
            state: "done",
            talk: 3723,
            number_readable: "+44 20 7946 0207",
            lead_contact: "Harriet Bell",
        },
        {id: 4, direction: "inbound", state: "ringing", talk: 0},
    ];
}

defineMailModels();
defineModels([Recording, Contact, Call]);

const list = (arch) => mountView({type: "list", resModel: "call", arch});

test("a duration is written as people read it", () => {
    const written = {
        0: "0:00",
        5: "0:05",
        61: "1:01",
        3599: "59:59",
        3600: "1:00:00",
        3723: "1:02:03",
        100000: "27:46:40",
        59.7: "1:00",
        [-61]: "-1:01",
        [-0.2]: "0:00",
    };
    for (const [seconds, text] of Object.entries(written)) {
        expect(formatDuration(Number(seconds))).toBe(text);
    }
    expect(formatDuration(false)).toBe("");
    expect(formatDuration(null)).toBe("");
    expect(formatDuration(NaN)).toBe("");
});

test("durations in a list, and their sum", async () => {
    await list(`<list><field name="talk" widget="pbx_duration" sum="Total"/></list>`);
    expect(queryAllTexts(".o_data_cell")).toEqual(["2:14", "0:00", "1:02:03", "0:00"]);
    expect("tfoot .o_list_number").toHaveText("1:04:17");
});

test("nothing stands where nobody spoke, if that is wanted", async () => {
    await list(
        `<list><field name="talk" widget="pbx_duration" options="{'hide_zero': true}"/></list>`,
    );
    expect(queryAllTexts(".o_data_cell")).toEqual(["2:14", "", "1:02:03", ""]);
});

test("a duration in a form cannot be edited", async () => {
    await mountView({
        type: "form",
        resModel: "call",
        resId: 1,
        arch: `<form><field name="talk" widget="pbx_duration"/></form>`,
    });
    expect(".o_field_pbx_duration").toHaveText("2:14");
    expect(".o_field_pbx_duration input").toHaveCount(0);
});

test("a duration in a kanban card", async () => {
    await mountView({
        type: "kanban",
        resModel: "call",
        arch: `<kanban><templates><t t-name="card">
                <field name="talk" widget="pbx_duration"/>
            </t></templates></kanban>`,
        domain: [["id", "=", 3]],
    });
    expect(".o_field_pbx_duration").toHaveText("1:02:03");
});

test("the arrow tells the direction, its colour the outcome, its name both", async () => {
    await list(
        `<list>
            <field name="direction" widget="pbx_direction"/>
            <field name="outcome" column_invisible="1"/>
            <field name="state" column_invisible="1"/>
        </list>`,
    );
    expect(queryAllAttributes(".o_pbx_direction", "aria-label")).toEqual([
        "Incoming: Answered",
        "Incoming: Missed",
        "Outgoing: Busy",
        "Incoming: Ringing",
    ]);
    expect(".o_pbx_direction.oi-arrow-down-left").toHaveCount(3);
    expect(".o_pbx_direction.oi-arrow-up-right.text-warning").toHaveCount(1);
    expect(".o_pbx_direction.text-success").toHaveCount(1);
    expect(".o_pbx_direction.text-danger").toHaveCount(1);
    expect(".o_pbx_direction.text-info").toHaveCount(1);
});

test("the party is the contact, else the lead, else the number, else nobody", async () => {
    await list(`<list><field name="partner_id" widget="pbx_party"/></list>`);
    expect(queryAllTexts(".o_data_cell")).toEqual([
        "<b>Olga</b> Petrova",
        "+44 20 7946 0777",
        "Harriet Bell",
        "Withheld number",
    ]);
    expect(".o_pbx_party b").toHaveCount(0, {message: "a name is text, never HTML"});
    expect(".o_pbx_party img").toHaveCount(1);
    expect(queryAttribute(".o_pbx_party img", "data-src")).toMatch(
        /\/web\/image\/res\.partner\/1\/avatar_128/,
    );
    expect(".o_pbx_party_number.o_force_ltr").toHaveCount(1);
});

test("the party with its number and without a picture", async () => {
    await mountView({
        type: "form",
        resModel: "call",
        resId: 1,
        arch: `<form>
            <field name="partner_id" widget="pbx_party" options="{'avatar': false, 'number': true}"/>
        </form>`,
    });
    expect(".o_pbx_party img").toHaveCount(0);
    expect(".o_pbx_party_number").toHaveText("+44 20 7946 0201");
});

test("a colleague has a name and a picture, and the short number", async () => {
    Call._records[3].colleague_name = "Marc Demo";
    Call._records[3].colleague_avatar = "/web/image/res.users/6/avatar_128";
    Call._records[3].colleague_number = "101";
    await list(`<list><field name="partner_id" widget="pbx_party"/></list>`);
    expect(".o_data_cell:last .o_pbx_party").toHaveText(/Marc Demo\s*101/);
    expect(queryAttribute(".o_data_cell:last img", "data-src")).toMatch(
        /res\.users\/6/,
    );
});

test("an outcome says why, and a missed one what was left", async () => {
    const reason = "There is no such number: check it.";
    Object.assign(Call._records[2], {failure_reason: reason});
    Object.assign(Call._records[1], {voicemail_id: 9, voicemail_seconds: 14});
    await list(`<list><field name="outcome" widget="pbx_outcome"/></list>`);
    expect(
        queryAllTexts(".o_data_cell").map((text) => text.replace(/\s+/g, " ")),
    ).toEqual(["Answered", "Missed Voicemail 0:14", `Busy ${reason}`, "Ringing"]);
    expect(".o_data_cell audio").toHaveAttribute("src", "/pbx/recording/9");
});

test("whom to call back: how often, how long ago, what was left", async () => {
    mockDate("2026-06-16 12:00:00", 0);
    Object.assign(Call._records[0], {missed_count: 1, start: "2026-06-16 10:00:00"});
    Object.assign(Call._records[1], {
        missed_count: 3,
        start: "2026-06-16 10:00:00",
        voicemail_id: 9,
        voicemail_seconds: 14,
    });
    await list(`<list>
        <field name="missed_count" widget="pbx_times"/>
        <field name="start" widget="pbx_age"/>
        <field name="voicemail_id" widget="pbx_voicemail"/>
    </list>`);
    expect(queryAllTexts(".o_data_row:first .o_data_cell")).toEqual([
        "",
        "2 hours ago",
        "",
    ]);
    expect(queryAllTexts(".o_data_row:eq(1) .o_data_cell")).toEqual([
        "×3",
        "2 hours ago",
        "Voicemail 0:14",
    ]);
});
