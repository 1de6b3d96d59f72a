import {describe, expect, test} from "@odoo/hoot";
import {
    click,
    dblclick,
    pointerDown,
    pointerUp,
    press,
    queryAllTexts,
    queryOne,
} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, Deferred} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";

import {
    contact,
    desk,
    FIELD,
    find,
    FOUND,
    MISSED,
    missedRow,
    mockPhone,
    openPanel,
    pass,
    server,
    settle,
    type,
} from "./phone_menu_helpers";

describe.current.tags("desktop");

defineMailModels();
mockPhone();

describe("dialling", () => {
    test("a number by the keyboard", async () => {
        await openPanel();
        await type("+44 (20) 7946-0201");
        expect(".o_pbx_phone_typed").toHaveText("Call +44 (20) 7946-0201");
        await press("Enter");
        await settle();
        expect.verifySteps([["dial", "+44 (20) 7946-0201", {line: undefined}]]);
        expect(FIELD).toHaveValue("");
        expect(FIELD).toBeFocused();
        await press("Enter");
        await settle();
        expect.verifySteps([], {message: "there is nothing to dial"});
    });

    test("once, however often it is asked for meanwhile", async () => {
        const slow = new Deferred();
        desk.answers = [slow];
        await openPanel();
        await type("020 7946 0201");
        await press("Enter");
        await press("Enter");
        await click(".o_pbx_phone_typed");
        await animationFrame();
        expect(".o_pbx_phone_typed .fa-spin").toHaveCount(1);
        expect.verifySteps([["dial", "020 7946 0201", {line: undefined}]]);
        slow.resolve(500);
        await settle();
        expect(FIELD).toHaveValue("");
    });

    test("the panel may be closed before the PBX answers", async () => {
        const slow = new Deferred();
        desk.answers = [slow];
        await openPanel();
        await type("020 7946 0201");
        await press("Enter");
        await press("Escape");
        await settle();
        expect(".o_pbx_phone").toHaveCount(0);
        slow.resolve(500);
        await pass(1000);
        expect.verifySteps([["dial", "020 7946 0201", {line: undefined}]]);
    });

    test("a number that is refused stays to be mended", async () => {
        desk.answers = [false];
        await openPanel();
        await type("12345");
        await press("Enter");
        await settle();
        expect(FIELD).toHaveValue("12345");
        expect(".o_pbx_phone_typed .fa-spin").toHaveCount(0);
        await pass(1000);
        await press("Enter");
        await settle();
        expect.verifySteps([
            ["dial", "12345", {line: undefined}],
            ["find", "12345"],
            ["dial", "12345", {line: undefined}],
        ]);
    });

    test("names are not dialled", async () => {
        await openPanel();
        for (const text of ["3CX Ltd", "0800 FLOWERS", "+", "*"]) {
            await type(text);
            await press("Enter");
            await settle();
            expect(".o_pbx_phone_typed").toHaveCount(0);
        }
        expect.verifySteps([]);
    });

    test("by the pad", async () => {
        await openPanel();
        expect(".o_pbx_dial_pad").toHaveCount(0);
        await click(".o_pbx_phone_pad_toggle");
        await animationFrame();
        expect(".o_pbx_phone_pad_toggle").toHaveAttribute("aria-expanded", "true");
        expect(queryAllTexts(".o_pbx_dial_pad .btn").slice(0, 12)).toEqual([
            ...["1", "2\nABC", "3\nDEF", "4\nGHI", "5\nJKL", "6\nMNO"],
            ...["7\nPQRS", "8\nTUV", "9\nWXYZ", "*", "0\n+", "#"],
        ]);
        expect(".o_pbx_dial_call").not.toBeEnabled();
        const key = (text) => click(`.o_pbx_dial_pad .btn:contains(${text})`);
        await key(4);
        await key("*");
        await key(0);
        await key(0);
        expect(FIELD).toHaveValue("4*00", {message: "zeros, not at the beginning"});
        for (let digit = 0; digit < 4; digit++) {
            await click(".o_pbx_dial_erase");
        }
        await click(".o_pbx_dial_erase");
        expect(FIELD).toHaveValue("");
        for (const text of ["0", "0", "4", "4"]) {
            await key(text);
            await animationFrame();
        }
        expect(FIELD).toHaveValue("+44");
        // Where the cursor is.
        queryOne(FIELD).setSelectionRange(1, 2);
        await key(9);
        expect(FIELD).toHaveValue("+94");
        await key(8);
        expect(FIELD).toHaveValue("+984");
        await click(".o_pbx_dial_erase");
        expect(FIELD).toHaveValue("+94");
        await animationFrame();
        await click(".o_pbx_dial_call");
        await settle();
        expect.verifySteps([["dial", "+94", {line: undefined}]]);
        expect(FIELD).toHaveValue("");
    });

    test("a long press of 0 is the plus sign", async () => {
        await openPanel();
        await click(".o_pbx_phone_pad_toggle");
        await animationFrame();
        const zero = ".o_pbx_dial_pad .btn:contains(0)";
        await pointerDown(zero);
        await advanceTime(700);
        expect(FIELD).toHaveValue("+");
        await pointerUp(zero);
        expect(FIELD).toHaveValue("+", {message: "the end of the press is no zero"});
        await click(zero);
        expect(FIELD).toHaveValue("+0");
    });

    test("a contact, by arrow keys and Enter", async () => {
        server.find = () => [
            contact(1, "Olga Petrova"),
            contact(2, "Olaf", {phone: ""}),
            contact(3, "Oliver"),
        ];
        await openPanel();
        await find("ol");
        await press("Enter");
        expect(`${FOUND}:eq(0) .o_pbx_phone_call`).toBeFocused({
            message: "Enter shows first whom it will call",
        });
        expect.verifySteps([["find", "ol"]]);
        await press("ArrowDown");
        expect(`${FOUND}:eq(1) .o_pbx_phone_open`).toBeFocused();
        await press("ArrowDown");
        await press("ArrowDown");
        expect(`${FOUND}:eq(2) .o_pbx_phone_call`).toBeFocused({
            message: "the end is the end",
        });
        for (let step = 0; step < 4; step++) {
            await press("ArrowUp");
        }
        expect(FIELD).toBeFocused();
        await press("ArrowDown");
        await press("Enter");
        await settle();
        expect.verifySteps([
            [
                "dial",
                "020 7946 021",
                {resModel: "res.partner", resId: 1, line: undefined},
            ],
        ]);
        expect(FIELD).toHaveValue("");
    });

    test("Enter before the answer goes to nobody who was found before", async () => {
        server.find = (text) => (text === "ol" ? [contact(1, "Olga Petrova")] : []);
        await openPanel();
        await find("ol");
        expect(FOUND).toHaveCount(1);
        await type("oliver");
        await press("Enter");
        await press("Enter");
        expect(FIELD).toBeFocused();
        await pass(300);
        expect.verifySteps([
            ["find", "ol"],
            ["find", "oliver"],
        ]);
    });

    test("call back with one click", async () => {
        server.missed = [missedRow(50, {name: "Olga Petrova"})];
        const slow = new Deferred();
        desk.answers = [slow];
        await openPanel();
        const button = `${MISSED} .o_pbx_phone_call`;
        expect(button).toHaveAttribute("aria-label", "Call back Olga Petrova");
        await dblclick(button);
        await animationFrame();
        expect(`${button} .fa-spin`).toHaveCount(1);
        expect.verifySteps([["call back", 1050]]);
        slow.resolve(true);
        await settle();
        expect(`${button} .fa-spin`).toHaveCount(0);
    });

    test("a double click does not hit what comes under the pointer", async () => {
        server.find = () => [contact(1, "Olga Petrova")];
        server.missed = [missedRow(51), missedRow(50)];
        await openPanel();
        await find("olga");
        await click(`${FOUND} .o_pbx_phone_call`);
        await settle();
        expect(MISSED).toHaveCount(2);
        await click(`${MISSED}:eq(0) .o_pbx_phone_call`);
        await click(`${MISSED}:eq(0) .o_pbx_phone_settle`);
        await click(`${MISSED}:eq(0) .o_pbx_phone_open`);
        await settle();
        expect.verifySteps([
            ["find", "olga"],
            [
                "dial",
                "020 7946 021",
                {resModel: "res.partner", resId: 1, line: undefined},
            ],
        ]);
        await pass(600);
        await click(`${MISSED}:eq(0) .o_pbx_phone_call`);
        expect.verifySteps([["call back", 1051]]);
    });
});
