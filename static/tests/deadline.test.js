import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryAllTexts} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, freezeTime, mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    allowTranslations,
    defineModels,
    fields,
    models,
    mountView,
    serverState,
} from "@web/../tests/web_test_helpers";

import {lengthInWords, momentOf, timeLeft} from "@cloud_pbx/common/deadline";

describe.current.tags("desktop");

const {DateTime} = luxon;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

class Contact extends models.Model {
    _name = "contact";

    name = fields.Char();

    _records = [{id: 1, name: "<b>Olga</b> Petrova"}];
}

class Promise_ extends models.Model {
    _name = "promise";

    name = fields.Char();
    partner_id = fields.Many2one({relation: "contact"});
    number_readable = fields.Char();
    deadline = fields.Datetime();
    state = fields.Selection({
        selection: [
            ["open", "Open"],
            ["kept", "Kept"],
            ["dismissed", "Dismissed"],
        ],
    });
    in_time = fields.Boolean();
    tries = fields.Integer();

    _records = [
        {
            id: 1,
            state: "open",
            deadline: "2026-06-16 12:20:00",
            partner_id: 1,
            tries: 1,
        },
        {id: 2, state: "open", deadline: "2026-06-16 11:00:00", tries: 3},
        {id: 3, state: "kept", deadline: "2026-06-16 11:00:00", in_time: true},
        {id: 4, state: "kept", deadline: "2026-06-16 11:00:00", in_time: false},
        {id: 5, state: "dismissed", deadline: "2026-06-16 11:00:00"},
    ].map((record) => ({
        name: record.id === 2 ? "Harriet" : "+44 20 7946 0201",
        number_readable: "+44 20 7946 0201",
        ...record,
    }));

    _compute_display_name() {
        for (const record of this) {
            record.display_name = record.name;
        }
    }
}

defineMailModels();
defineModels([Contact, Promise_]);

beforeEach(() => {
    mockDate("2026-06-16 12:00:00", 0);
    freezeTime();
});

const mountList = (field) =>
    mountView({
        type: "list",
        resModel: "promise",
        arch: `<list><field name="state" column_invisible="1"/>
            <field name="in_time" column_invisible="1"/>${field}</list>`,
    });

describe("a length of time", () => {
    for (const [milliseconds, words] of [
        [0, "0 sec"],
        [42 * SECOND + 999, "42 sec"],
        [MINUTE, "1 min, 0 sec"],
        [9 * MINUTE + 59 * SECOND, "9 min, 59 sec"],
        [10 * MINUTE + 59 * SECOND, "10 min"],
        [HOUR, "1 hr"],
        [HOUR + 5 * MINUTE + 30 * SECOND, "1 hr, 5 min"],
        [DAY, "1 day"],
        [2 * DAY + 3 * HOUR + 59 * MINUTE, "2 days, 3 hr"],
    ]) {
        test(`${words}`, () => {
            expect(lengthInWords(milliseconds)).toBe(words);
            expect(lengthInWords(-milliseconds)).toBe(words);
        });
    }

    test("what is left, and what is overdue", () => {
        allowTranslations();
        const now = DateTime.now();
        expect(String(timeLeft(now.plus({minutes: 25}), now))).toBe("25 min left");
        expect(String(timeLeft(now, now))).toBe("0 sec left");
        expect(String(timeLeft(now.minus({days: 1}), now))).toBe("1 day overdue");
    });

    test("the day is said if it is another one", () => {
        const now = DateTime.now();
        const plain = (text) => text.replace(/\s/g, " ");
        expect(plain(momentOf(now.plus({hours: 2}), now))).toBe("2:00 PM");
        expect(plain(momentOf(now.plus({hours: 14}), now))).toBe("Jun 17, 2:00 AM");
    });
});

describe("in a list", () => {
    test("a clock runs while it is open; then whether it was in time", async () => {
        await mountList(`<field name="deadline" widget="pbx_deadline"/>`);
        const cells = () => queryAllTexts(".o_data_cell");
        expect(cells()).toEqual(["20 min left", "1 hr overdue", "In time", "Late", ""]);
        expect(".o_pbx_deadline:eq(0)").not.toHaveClass("text-danger");
        expect(".o_pbx_deadline:eq(1)").toHaveClass("text-danger");
        await advanceTime(15 * MINUTE);
        await animationFrame();
        expect(cells().slice(0, 2)).toEqual([
            "5 min, 0 sec left",
            "1 hr, 15 min overdue",
        ]);
        await advanceTime(5 * MINUTE + SECOND);
        await animationFrame();
        expect(cells()[0]).toBe("1 sec overdue");
        expect(".o_pbx_deadline:eq(0)").toHaveClass("text-danger");
    });

    test("with the time itself", async () => {
        await mountList(
            `<field name="deadline" widget="pbx_deadline" options="{'moment': true}"/>`,
        );
        expect(".o_pbx_deadline:eq(0)").toHaveText(/^until 12:20\sPM, 20 min left$/);
    });

    test("in the reader's language", async () => {
        serverState.lang = "de_DE";
        await mountList(`<field name="deadline" widget="pbx_deadline"/>`);
        expect(".o_pbx_deadline:eq(1)").toHaveText("1 Std. overdue");
    });

    test("who is to be called back: the contact, another name, the number", async () => {
        await mountList(`<field name="partner_id" widget="pbx_promise_party"/>`);
        expect(queryAllTexts(".o_data_cell").slice(0, 3)).toEqual([
            "<b>Olga</b> Petrova",
            "Harriet",
            "+44 20 7946 0201",
        ]);
        expect(".o_pbx_party b").toHaveCount(0);
        expect(".o_data_row:eq(0) img").toHaveAttribute(
            "data-src",
            /res\.partner\/1\/avatar_128/,
        );
        expect(".o_data_row:eq(1) .fa-star-o").toHaveCount(1);
        expect(".o_data_row:eq(2) .fa-user-o").toHaveCount(1);
    });

    test("how often it was tried", async () => {
        await mountList(
            `<field name="tries" widget="pbx_times" options="{'all': true}"/>`,
        );
        expect(queryAllTexts(".o_data_cell").slice(0, 3)).toEqual(["×1", "×3", ""]);
    });
});
