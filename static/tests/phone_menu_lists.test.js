import {describe, expect, test} from "@odoo/hoot";
import {click, queryAllTexts} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {makeServerError} from "@web/../tests/web_test_helpers";

import {
    contact,
    desk,
    FIELD,
    find,
    FOUND,
    label,
    LISTS,
    MISSED,
    missedRow,
    mockPhone,
    openPanel,
    pass,
    RECENT,
    row,
    server,
    settle,
} from "./phone_menu_helpers";

describe.current.tags("desktop");

defineMailModels();
mockPhone();

describe("lists", () => {
    test("missed calls on top, then the recent ones", async () => {
        server.missed = [
            missedRow(50, {
                name: "Olga Petrova",
                number_readable: "+44 20 7946 0201",
                deadline: "2026-06-16 12:25:30",
            }),
        ];
        server.calls = [
            row(48, {name: "Anders", talk_seconds: 3723}),
            row(47, {
                direction: "inbound",
                outcome: "answered",
                mine: false,
                user: "Marc",
            }),
            row(46, {direction: "outbound", outcome: "no_answer", talk_seconds: 0}),
            row(45, {direction: "inbound", number: "", number_readable: ""}),
            row(44, {direction: "internal", number: "101", number_readable: "101"}),
        ];
        await openPanel();
        expect(queryAllTexts("h2")).toEqual(["To call back 1", "Recent"]);
        expect(MISSED).toHaveCount(1);
        expect(`${MISSED} .o_pbx_phone_party`).toHaveText("Olga Petrova");
        expect(`${MISSED} .o_pbx_party_number`).toHaveText("+44 20 7946 0201");
        expect(`${MISSED} .o_pbx_phone_time`).toHaveText("2 hours ago");
        expect(`${MISSED} .o_pbx_phone_deadline`).toHaveText("25 min left");
        expect(queryAllTexts(`${RECENT} .o_pbx_phone_party`)).toEqual([
            "Anders",
            "+44 20 7946 0247",
            "+44 20 7946 0246",
            "Withheld number",
            "101",
        ]);
        expect(queryAllTexts(`${RECENT} .o_pbx_phone_end`)).toEqual([
            "1:02:03",
            "Marc",
            "No answer",
            "1:14",
            "1:14",
        ]);
        const icons = [...document.querySelectorAll(`${RECENT} .o_pbx_direction`)];
        expect(icons.map((el) => el.getAttribute("aria-label"))).toEqual([
            "Outgoing",
            "Incoming",
            "Outgoing",
            "Incoming",
            "Internal",
        ]);
        expect(`${RECENT}:eq(2) .o_pbx_direction`).toHaveClass("oi-arrow-up-right");
        expect(`${RECENT}:eq(2) .o_pbx_direction`).toHaveClass("text-warning");
        // Neither a withheld number nor a short one can be dialled from here.
        expect(`${RECENT} .o_pbx_phone_call`).toHaveCount(3);
        expect(`${RECENT}:eq(0) .o_pbx_phone_call`).toHaveAttribute(
            "aria-label",
            "Call Anders",
        );
    });

    test("names are text", async () => {
        const name = "<b>Bold</b><img src=x onerror=alert(1)>";
        desk.phones[0].name = name;
        desk.stack.cards = [
            {
                ...{id: 1, state: "ringing", direction: "inbound", answer: false},
                ...{name, number: "+44", start: "2026-06-16 11:59:00"},
                number_readable: name,
            },
        ];
        server.missed = [missedRow(50, {name, number_readable: name})];
        server.calls = [row(48, {name, mine: false, user: name})];
        server.find = () => [contact(1, name, {company: name, phone: name})];
        await openPanel();
        expect(queryAllTexts(".o_pbx_phone_party")).toEqual([name, name, name]);
        expect(".o_pbx_phone :is(b, img)").toHaveCount(0);
        await find("bold");
        expect.verifySteps([["find", "bold"]]);
        expect(`${FOUND} .o_pbx_phone_party`).toHaveText(name);
        expect(".o_pbx_phone b").toHaveCount(0);
        expect(".o_pbx_phone img:not(.o_pbx_phone_avatar)").toHaveCount(0);
    });

    test("a voicemail can be heard, and a failure says why", async () => {
        const voicemail = {id: 9, seconds: 14, can_hear: true};
        server.missed = [missedRow(52, {voicemail})];
        server.calls = [
            row(51, {outcome: "failed", failure_reason: "There is no such number."}),
        ];
        await openPanel();
        expect(`${MISSED} .o_pbx_voicemail`).toHaveText(/Voicemail 0:14/);
        expect(`${MISSED} audio`).toHaveAttribute("src", "/pbx/recording/9");
        expect(RECENT).toHaveText(/There is no such number\./);
    });

    test("empty lists explain themselves", async () => {
        await openPanel();
        expect(".o_pbx_phone_missed").toHaveCount(0);
        expect(`${LISTS} p`).toHaveText(
            "No calls yet. Those that you make and take are listed here.",
        );
        expect(`${LISTS} .fa-spin`).toHaveCount(0);
    });

    test("of many missed calls a few are shown until all are asked for", async () => {
        server.missed = Array.from({length: 12}, (_, i) => missedRow(60 - i));
        await openPanel();
        expect(MISSED).toHaveCount(5);
        expect(".o_pbx_phone_all").toHaveText("Show 7 more");
        await click(".o_pbx_phone_all");
        await animationFrame();
        expect(MISSED).toHaveCount(12);
        expect(".o_pbx_phone_all").toHaveCount(0);
    });

    test("how much time is left runs, and turns red", async () => {
        server.missed = [
            missedRow(50, {deadline: "2026-06-16 12:30:30"}),
            missedRow(49, {
                ...{deadline: "2026-06-16 10:15:00", overdue: true},
                ...{responsible: "Marc Demo", is_mine: false},
            }),
        ];
        await openPanel();
        const clock = `${MISSED} .o_pbx_deadline`;
        expect(queryAllTexts(clock)).toEqual(["30 min left", "1 hr, 45 min overdue"]);
        expect(`${clock}:eq(0)`).not.toHaveClass("text-danger");
        expect(`${clock}:eq(1)`).toHaveClass("text-danger");
        // Who calls back is said if it is somebody else.
        expect(`${MISSED}:eq(0) .o_pbx_phone_end`).toHaveCount(0);
        expect(`${MISSED}:eq(1) .o_pbx_phone_end`).toHaveText("Marc Demo");
        await pass(41.5 * 60_000);
        expect(`${clock}:eq(0)`).toHaveText("11 min overdue");
        expect(`${clock}:eq(0)`).toHaveClass("text-danger");
    });

    test("a call-back is opened, and the panel makes room for it", async () => {
        server.missed = [missedRow(50)];
        await openPanel();
        await click(`${MISSED} .o_pbx_phone_open`);
        await settle();
        expect.verifySteps([["open", "pbx.promise", 1050, "form"]]);
        expect(".o_pbx_phone").toHaveCount(0);
    });

    test("the next one is taken from here", async () => {
        server.missed = [missedRow(50)];
        await openPanel();
        await click(".o_pbx_phone_missed .o_pbx_next");
        expect.verifySteps(["next"]);
        desk.isTaking = true;
        await animationFrame();
        expect(".o_pbx_next").toHaveAttribute("aria-disabled", "true");
        expect(".o_pbx_next .fa-spin").toHaveCount(1);
    });

    test("a call is opened, and the panel makes room for it", async () => {
        server.calls = [row(48)];
        await openPanel();
        await click(`${RECENT} .o_pbx_phone_open`);
        await settle();
        expect.verifySteps([["open", "pbx.call", 48, "form"]]);
        expect(".o_pbx_phone").toHaveCount(0);
    });

    test("calls that go on are above, with their time", async () => {
        const card = {
            direction: "inbound",
            outcome: "",
            name: "Olga Petrova",
            number: "+442079460201",
            number_readable: "+44 20 7946 0201",
            start: "2026-06-16 11:59:20",
        };
        desk.stack.cards = [
            {...card, id: 3, state: "ringing", answer: false},
            {...card, id: 2, state: "ongoing", answer: "2026-06-16 11:59:50"},
            {...card, id: 1, state: "done", answer: false, outcome: "missed"},
            {...card, id: 4, state: "taken", answer: false},
        ];
        server.calls = [row(3, {state: "ringing", outcome: ""}), row(1)];
        await openPanel();
        expect(queryAllTexts(".o_pbx_phone_live .o_pbx_duration")).toEqual([
            "0:40",
            "0:10",
        ]);
        expect(".o_pbx_phone_live:eq(0)").toHaveText(/Ringing/);
        expect(".o_pbx_phone_live:eq(1)").toHaveText(/Talking/);
        expect(queryAllTexts(RECENT).length).toBe(1, {message: "not shown twice"});
        await pass(5000);
        expect(queryAllTexts(".o_pbx_phone_live .o_pbx_duration")).toEqual([
            "0:45",
            "0:15",
        ]);
        await click(".o_pbx_phone_live:eq(1) .o_pbx_phone_open");
        expect.verifySteps([["open", "pbx.call", 2, "form"]]);
    });
});

describe("settled", () => {
    test("row and count go at once, and the next row is at hand", async () => {
        server.missed = [
            missedRow(52, {name: "Olga"}),
            missedRow(51, {name: "Oliver"}),
        ];
        desk.missed = 2;
        await openPanel();
        const button = `${MISSED}:eq(0) .o_pbx_phone_settle`;
        expect(button).toHaveAttribute("aria-label", "Spoken with Olga, another way");
        await click(button);
        await animationFrame();
        expect.verifySteps([["settled", [1052]]]);
        expect(queryAllTexts(`${MISSED} .o_pbx_phone_party`)).toEqual(["Oliver"]);
        expect(button).toBeFocused();
        expect(label()).toBe("Phone, 1 caller to call back");
        // An answer from before does not bring it back.
        await pass(1000);
        expect.verifySteps(["missed", ["recent", false]]);
        expect(MISSED).toHaveCount(1);
        await click(button);
        await animationFrame();
        expect(MISSED).toHaveCount(0);
        expect(label()).toBe("Phone");
        expect(FIELD).toBeFocused();
        expect.verifySteps([["settled", [1051]]]);
    });

    test("a caller goes with all lost calls, and comes back with them", async () => {
        const olga = missedRow(52, {name: "Olga", ids: [52, 49, 47], attempts: 3});
        server.missed = [olga, missedRow(51, {name: "Oliver"})];
        desk.missed = 2;
        await openPanel();
        expect("h2:eq(0)").toHaveText("To call back 2");
        expect(`${MISSED}:eq(0) .o_pbx_phone_times`).toHaveText("×3");
        expect(`${MISSED}:eq(1) .o_pbx_phone_times`).toHaveCount(0);
        await click(`${MISSED}:eq(0) .o_pbx_phone_settle`);
        await animationFrame();
        expect.verifySteps([["settled", [1052]]]);
        expect(label()).toBe("Phone, 1 caller to call back");
        expect(".o_pbx_phone_undo").toHaveText(/Olga/);
        await click(".o_pbx_phone_undo button");
        await settle();
        expect.verifySteps([["undone", [1052]], "missed", ["recent", false], "count"]);
        expect(queryAllTexts(`${MISSED} .o_pbx_phone_party`)).toEqual([
            "Olga",
            "Oliver",
        ]);
        expect(".o_pbx_phone_undo").toHaveCount(0);
        await pass(1000);
        expect.verifySteps(["missed", ["recent", false]]);
    });

    test("what the server refused is there again", async () => {
        expect.errors(1);
        server.missed = [missedRow(52)];
        desk.missed = 1;
        await openPanel();
        server.fail = () => {
            throw makeServerError({message: "Not this one."});
        };
        await click(`${MISSED} .o_pbx_phone_settle`);
        await settle();
        expect(MISSED).toHaveCount(1);
        expect.verifySteps([["settled", [1052]], "load"]);
        expect.verifyErrors(["RPC_ERROR: Not this one."]);
    });
});
