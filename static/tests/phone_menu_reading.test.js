import {describe, expect, test} from "@odoo/hoot";
import {click, scroll, waitFor} from "@odoo/hoot-dom";
import {animationFrame, Deferred} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {makeServerError} from "@web/../tests/web_test_helpers";

import {
    desk,
    LISTS,
    lost,
    mockPhone,
    openPanel,
    pass,
    RECENT,
    row,
    rows,
    server,
    settle,
} from "./phone_menu_helpers";

describe.current.tags("desktop");

defineMailModels();
mockPhone();

describe("reading on", () => {
    const toEnd = () => scroll(LISTS, {y: 100_000}, {force: true});
    const ids = () =>
        [...document.querySelectorAll(RECENT)].map((el) => Number(el.dataset.call));

    test("the next page comes when the end is in sight, and no further one", async () => {
        server.calls = rows(90, 45);
        await openPanel();
        await pass(1000);
        expect(RECENT).toHaveCount(20);
        expect.verifySteps([]);
        await toEnd();
        await expect.waitForSteps([["recent", 71]]);
        await waitFor(`${RECENT}:count(40)`);
        await pass(1000);
        expect(RECENT).toHaveCount(40);
        await toEnd();
        await expect.waitForSteps([["recent", 51]]);
        await waitFor(`${RECENT}:count(45)`);
        expect(ids()).toEqual(server.calls.map(({id}) => id));
        expect(`${LISTS} .fa-spin`).toHaveCount(0);
        await toEnd();
        await pass(1000);
        expect.verifySteps([]);
    });

    test("new calls come in on top, once, and what was read stays", async () => {
        server.calls = rows(90, 45);
        await openPanel();
        await toEnd();
        await expect.waitForSteps([["recent", 71]]);
        await waitFor(`${RECENT}:count(40)`);
        server.calls.unshift(row(92), row(91));
        desk.stack.calls[92] = {state: "ringing", outcome: "", answer: false};
        desk.stack.calls[91] = {state: "done", outcome: "answered", answer: false};
        await animationFrame();
        desk.stack.calls[92].state = "ongoing";
        await pass(1000);
        expect.verifySteps(["missed", ["recent", false]]);
        expect(ids()).toEqual(server.calls.slice(0, 42).map(({id}) => id));
        await toEnd();
        await expect.waitForSteps([["recent", 51]]);
        await waitFor(`${RECENT}:count(47)`);
        expect(ids()).toEqual(server.calls.map(({id}) => id));
    });

    test("a page that is on its way is not asked for again", async () => {
        server.calls = rows(90, 70);
        await openPanel();
        server.slow = new Deferred();
        await toEnd();
        await expect.waitForSteps([["recent", 71]]);
        await scroll(LISTS, {y: 0}, {force: true});
        await toEnd();
        await toEnd();
        server.slow.resolve();
        await waitFor(`${RECENT}:count(40)`);
        await pass(1000);
        expect(RECENT).toHaveCount(40);
        expect.verifySteps([]);
    });

    test("a call that moved down meanwhile is not shown twice", async () => {
        server.calls = rows(90, 45);
        await openPanel();
        // Another leg of it was told, that began before.
        const [moved] = server.calls.splice(10, 1);
        server.calls.splice(30, 0, {...moved, start: server.calls[30].start});
        await toEnd();
        await expect.waitForSteps([["recent", 71]]);
        await settle();
        expect(RECENT).toHaveCount(39);
        expect(new Set(ids()).size).toBe(39);
    });

    test("after more new calls than a page none is left out", async () => {
        server.calls = rows(40, 30);
        await openPanel();
        server.calls = rows(80, 70);
        desk.missed = 1;
        await pass(1000);
        expect.verifySteps(["missed", ["recent", false]]);
        expect(ids()).toEqual(server.calls.slice(0, 20).map(({id}) => id));
    });

    test("a call that changed is shown as it is now", async () => {
        server.calls = [row(40, {state: "ongoing", outcome: ""})];
        await openPanel();
        expect(`${RECENT} .o_pbx_phone_end`).toHaveText("Talking");
        expect(`${RECENT} .o_pbx_phone_call`).toHaveCount(0);
        server.calls = [row(40)];
        desk.stack.calls[40] = {state: "done", outcome: "answered", answer: false};
        await pass(1000);
        expect.verifySteps(["missed", ["recent", false]]);
        expect(RECENT).toHaveCount(1);
        expect(`${RECENT} .o_pbx_phone_end`).toHaveText("1:14");
        expect(`${RECENT} .o_pbx_phone_call`).toHaveCount(1);
    });

    test("what cannot be read is said, and tried again by hand only", async () => {
        server.fail = lost;
        await openPanel();
        expect(".o_pbx_phone_error [role=alert]").toHaveText(
            "Odoo cannot be reached. Check your connection.",
        );
        expect(`${LISTS} .fa-spin`).toHaveCount(0);
        await pass(10_000);
        expect.verifySteps([]);
        server.fail = null;
        server.calls = rows(90, 45);
        await click(".o_pbx_phone_error button");
        await settle();
        expect.verifySteps(["missed", ["recent", false]]);
        expect(".o_pbx_phone_error").toHaveCount(0);
        expect(RECENT).toHaveCount(20);

        server.fail = () => {
            throw makeServerError({message: "Internal <b>matters</b>"});
        };
        await toEnd();
        await expect.waitForSteps([["recent", 71]]);
        await waitFor(".o_pbx_phone_error");
        expect(".o_pbx_phone_error [role=alert]").toHaveText(
            "Odoo could not load this.",
        );
        expect(RECENT).toHaveCount(20);
        await toEnd();
        await pass(10_000);
        expect.verifySteps([]);
        server.fail = null;
        await click(".o_pbx_phone_error button");
        await settle();
        expect.verifySteps([["recent", 71]]);
        expect(RECENT).toHaveCount(40);
    });
});
