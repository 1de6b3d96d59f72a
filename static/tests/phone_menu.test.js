import {describe, expect, test} from "@odoo/hoot";
import {click, press, queryAllTexts, queryOne, select} from "@odoo/hoot-dom";
import {animationFrame, mockPermission} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {patchWithCleanup} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

import {
    desk,
    FIELD,
    label,
    mockPhone,
    mountPhone,
    openPanel,
    pass,
    RECENT,
    row,
    server,
    settle,
    TOGGLER,
} from "./phone_menu_helpers";

describe.current.tags("desktop");

defineMailModels();
mockPhone();

describe("in the systray", () => {
    test("who has no phone sees none, and nothing is asked", async () => {
        desk.hasPhone = false;
        desk.phones = [];
        await mountPhone();
        await pass(1000);
        expect(TOGGLER).toHaveCount(0);
        expect(".o_pbx_phone_menu").toHaveCount(0);
        expect.verifySteps([]);
    });

    test("a phone that is assigned appears, and goes with its panel", async () => {
        desk.hasPhone = false;
        await mountPhone();
        desk.hasPhone = true;
        await animationFrame();
        expect(TOGGLER).toHaveCount(1);
        await click(TOGGLER);
        await settle();
        await pass(10);
        expect.verifySteps(["missed", ["recent", false]]);
        Object.assign(desk, {hasPhone: false, phones: []});
        await settle();
        expect(TOGGLER).toHaveCount(0);
        expect(".o_pbx_phone").toHaveCount(0);
    });

    test("closed, it asks for nothing, whatever happens", async () => {
        desk.missed = 2;
        await mountPhone();
        desk.missed = 3;
        desk.stack.calls[7] = {state: "ringing", outcome: "", answer: false};
        await pass(1000);
        expect(TOGGLER).toHaveCount(1);
        expect.verifySteps([]);
    });

    test("it counts the callers to call back, and says so", async () => {
        await mountPhone();
        const told = [];
        for (const missed of [0, 1, 3, 99, 100]) {
            desk.missed = missed;
            await animationFrame();
            told.push([queryAllTexts(".o_pbx_phone_counter").join(), label()]);
        }
        expect(told).toEqual([
            ["", "Phone"],
            ["1", "Phone, 1 caller to call back"],
            ["3", "Phone, 3 callers to call back"],
            ["99", "Phone, 99 callers to call back"],
            ["99+", "Phone, 99+ callers to call back"],
        ]);
    });

    test("do not disturb is seen and said", async () => {
        desk.missed = 2;
        await mountPhone();
        expect(".o_pbx_phone_menu .fa-bell-slash").toHaveCount(0);
        desk.preferences.do_not_disturb = true;
        await animationFrame();
        expect(".o_pbx_phone_menu .fa-bell-slash").toHaveCount(1);
        expect(label()).toBe("Phone, do not disturb, 2 callers to call back");
    });

    test("it opens on a click, closes on Escape, and the focus comes back", async () => {
        await mountPhone();
        expect(TOGGLER).toHaveAttribute("aria-expanded", "false");
        queryOne(TOGGLER).focus();
        await click(TOGGLER);
        await settle();
        expect(".o_pbx_phone[role=dialog]").toHaveAttribute("aria-label", "Phone");
        expect(TOGGLER).toHaveAttribute("aria-expanded", "true");
        expect(FIELD).toBeFocused();
        await press("Escape");
        await settle();
        expect(".o_pbx_phone").toHaveCount(0);
        expect(TOGGLER).toHaveAttribute("aria-expanded", "false");
        expect(TOGGLER).toBeFocused();
        await click(TOGGLER);
        await settle();
        expect(".o_pbx_phone").toHaveCount(1);
        await click(TOGGLER);
        await settle();
        expect(".o_pbx_phone").toHaveCount(0);
        await pass(1000);
        // What was asked for when it was open, and nothing afterwards.
        const asked = ["missed", ["recent", false]];
        expect.verifySteps([...asked, ...asked]);
    });
});

describe("who I am to the PBX", () => {
    const STATUS = ".o_pbx_phone_status";

    test("one phone: its name and state", async () => {
        await openPanel();
        expect(".o_pbx_phone_own").toHaveText("100 Reception");
        expect(".o_pbx_phone select").toHaveCount(0);
        const told = [];
        for (const status of ["online", "offline", "unknown"]) {
            desk.phones[0].status = status;
            await animationFrame();
            told.push([
                queryOne(STATUS).textContent.trim(),
                queryOne(`${STATUS} i`).className.replace("fa small ", ""),
            ]);
        }
        expect(told).toEqual([
            ["Online", "fa-circle text-success"],
            ["Offline", "fa-circle text-danger"],
            ["Unknown", "fa-circle-o text-muted"],
        ]);
    });

    test("several phones: one is chosen to dial", async () => {
        desk.phones.push({id: 2, number: "102", name: "102 Home", status: "offline"});
        await openPanel();
        const choice = ".o_pbx_phone_choice";
        expect(choice).toHaveAttribute("aria-label", "Phone that dials");
        expect(queryAllTexts(`${choice} option`)).toEqual([
            "Whichever is online",
            "100 Reception: Online",
            "102 Home: Offline",
        ]);
        expect(choice).toHaveValue("");
        expect(STATUS).toHaveText("Online");
        await click(choice);
        await select("2");
        await settle();
        expect.verifySteps([["preferences", {phone_id: 2}]]);
        expect(choice).toHaveValue("2");
        expect(STATUS).toHaveText("Offline");
        await select("");
        await settle();
        expect.verifySteps([["preferences", {phone_id: false}]]);
    });

    test("the number that is shown is chosen, and kept for the next time", async () => {
        desk.lines.push({id: 2, number: "+442079460901", name: "+44 20 7946 0901"});
        server.calls = [row(48)];
        await openPanel();
        const choice = "#o_pbx_phone_line";
        expect(queryAllTexts(`${choice} option`)).toEqual([
            "Main line (+442079460900)",
            "+44 20 7946 0901",
        ]);
        expect(choice).toHaveValue("1");
        await click(choice);
        await select("2");
        await click(`${RECENT} .o_pbx_phone_call`);
        await settle();
        expect.verifySteps([["dial", "+442079460248", {line: 2}]]);
        await click(TOGGLER);
        await settle();
        await click(TOGGLER);
        await settle();
        await pass(10);
        expect(choice).toHaveValue("2");
        expect.verifySteps(["missed", ["recent", false]]);
        await pass(1000);
        await click(choice);
        await select("1");
        await click(`${RECENT} .o_pbx_phone_call`);
        await settle();
        expect.verifySteps([["dial", "+442079460248", {line: undefined}]]);
    });

    test("a chosen number that is there no more is not asked for", async () => {
        desk.lines.push({id: 2, number: "+442079460901", name: "Support"});
        server.calls = [row(48)];
        await openPanel();
        await click("#o_pbx_phone_line");
        await select("2");
        desk.lines.pop();
        await animationFrame();
        expect("#o_pbx_phone_line").toHaveCount(0);
        await click(`${RECENT} .o_pbx_phone_call`);
        expect.verifySteps([["dial", "+442079460248", {line: undefined}]]);
    });

    test("do not disturb", async () => {
        await openPanel();
        const box = ".o_pbx_phone [role=switch]";
        expect(box).not.toBeChecked();
        await click(box);
        await settle();
        expect.verifySteps([["preferences", {do_not_disturb: true}]]);
        expect(box).toBeChecked();
        expect(label()).toBe("Phone, do not disturb");
        expect(".o_pbx_phone_settings small").toHaveText(/The phone itself rings/);
    });

    test("what could not be kept is not shown as if it were", async () => {
        expect.errors(1);
        desk.setPreferences = async () => {
            throw new Error("not kept");
        };
        await openPanel();
        await click(".o_pbx_phone [role=switch]");
        await settle();
        expect(".o_pbx_phone [role=switch]").not.toBeChecked();
        expect.verifyErrors(["not kept"]);
    });

    test("notifications of the desktop are offered until they are decided on", async () => {
        mockPermission("notifications", "prompt");
        patchWithCleanup(browser.Notification, {
            async requestPermission() {
                expect.step("asked");
                return "granted";
            },
        });
        await openPanel();
        expect(".o_pbx_phone_allow").toHaveText("Allow desktop notifications");
        await click(".o_pbx_phone_allow");
        await settle();
        expect.verifySteps(["asked"]);
        expect(".o_pbx_phone_allow").toHaveCount(0);
    });
});
