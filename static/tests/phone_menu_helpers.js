import {beforeEach, expect} from "@odoo/hoot";
import {click, edit, queryOne} from "@odoo/hoot-dom";
import {advanceTime, animationFrame, mockDate} from "@odoo/hoot-mock";
import {reactive} from "@odoo/owl";
import {mockService, mountWithCleanup, onRpc} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

import {PhoneMenu} from "@cloud_pbx/phone_menu/phone_menu";

const {DateTime} = luxon;

export const TOGGLER = ".o_pbx_phone_menu button";
export const FIELD = ".o_pbx_phone_input";
export const LISTS = ".o_pbx_phone_lists";
export const MISSED = ".o_pbx_phone_missed li";
export const RECENT = ".o_pbx_phone_recent li";
export const FOUND = ".o_pbx_phone_found li";

/** A call as the server sends it: outgoing, `id` minutes after nine. */
export function row(id, values = {}) {
    const start = DateTime.utc(2026, 6, 16, 9).plus({minutes: id});
    return {
        id,
        company_id: 1,
        start: start.toFormat("yyyy-MM-dd HH:mm:ss"),
        direction: "outbound",
        state: "done",
        outcome: "answered",
        name: "",
        partner_id: false,
        number: `+4420794602${id}`,
        number_readable: `+44 20 7946 02${id}`,
        talk_seconds: 74,
        user: "Mitchell Admin",
        mine: true,
        to_call_back: false,
        failure_reason: "",
        voicemail: false,
        ...values,
    };
}

export const missedRow = (id, values = {}) =>
    row(id, {
        direction: "inbound",
        outcome: "missed",
        talk_seconds: 0,
        mine: false,
        user: "",
        to_call_back: true,
        ids: [id],
        promise_id: 1000 + id,
        attempts: 1,
        deadline: "2026-06-16 12:25:00",
        overdue: false,
        responsible: "Mitchell Admin",
        is_mine: true,
        ...values,
    });

export const contact = (id, name, values = {}) => ({
    id,
    model: "res.partner",
    name,
    company: "",
    phone: `020 7946 02${id}`,
    avatar: "/web/static/img/placeholder.png",
    ...values,
});

export const rows = (last, count) =>
    Array.from({length: count}, (_, i) => row(last - i));

/** A server that cannot be reached. */
export const lost = () => new Response("", {status: 502});

/**
 * What the server has: `calls`, `missed`, `find(text)`. With `fail` it answers that
 * instead, and with the promise `slow` later. What it is asked is a step.
 */
export const server = {};

/** The desk of an agent; `answers` has what `dial` gives, one after the other. */
export const desk = reactive({
    get now() {
        return DateTime.now();
    },
});

const newServer = () => ({
    calls: [],
    missed: [],
    find: () => [],
    fail: null,
    slow: null,
});

const newDesk = () => ({
    hasPhone: true,
    phones: [{id: 1, number: "100", name: "100 Reception", status: "online"}],
    lines: [{id: 1, number: "+442079460900", name: "Main line"}],
    preferences: {
        open_contact: "never",
        sound: true,
        do_not_disturb: false,
        phone_id: false,
    },
    missed: 0,
    isTaking: false,
    stack: {cards: [], calls: {}, inSight: [], moreCount: 0},
    answers: [],
    async dial(number, about) {
        const {onAsking, ...options} = about || {};
        this.onAsking = onAsking;
        expect.step(["dial", number, about && options]);
        return this.answers.length ? this.answers.shift() : 500;
    },
    async callBack(promiseId) {
        expect.step(["call back", promiseId]);
        return this.answers.length ? this.answers.shift() : true;
    },
    async takeNext() {
        expect.step("next");
        return {promise_id: 1, call_id: 500};
    },
    async setPreferences(values) {
        expect.step(["preferences", values]);
        Object.assign(this.preferences, values);
    },
    async load() {
        expect.step("load");
    },
    countSoon() {
        expect.step("count");
    },
});

/** Each test of the file begins with a new server and a new desk, on a noon in June. */
export function mockPhone() {
    beforeEach(() => {
        mockDate("2026-06-16 12:00:00", 0);
        browser.localStorage.clear();
        Object.assign(server, newServer());
        Object.assign(desk, newDesk());
        mockService("cloud_pbx.desk", () => desk);
        // Not the calls' other place on the screen.
        registry.category("main_components").remove("cloud_pbx.CallCards");
        mockService("action", {
            async doAction({res_model, res_id, views}) {
                expect.step(["open", res_model, res_id, views[0][1]]);
            },
        });
        mockServer();
    });
}

function mockServer() {
    onRpc("pbx.desk", "recent", async ({args: [before, limit]}) => {
        expect.step(["recent", before && before[1]]);
        await server.slow;
        if (server.fail) {
            return server.fail();
        }
        const rest = server.calls.filter(
            ({start, id}) =>
                !before || start < before[0] || (start === before[0] && id < before[1]),
        );
        return {calls: rest.slice(0, limit), more: rest.length > limit};
    });
    onRpc("pbx.desk", "missed_calls", () => {
        expect.step("missed");
        return server.fail ? server.fail() : server.missed;
    });
    onRpc("pbx.desk", "search_callers", ({args: [text]}) => {
        expect.step(["find", text]);
        return server.fail ? server.fail() : server.find(text);
    });
    onRpc("pbx.promise", "action_spoken", ({args: [ids]}) => {
        expect.step(["settled", ids]);
        return server.fail ? server.fail() : true;
    });
    onRpc("pbx.promise", "action_reopen", ({args: [ids]}) => {
        expect.step(["undone", ids]);
        return true;
    });
}

export const mountPhone = () => mountWithCleanup(PhoneMenu);

/** Let questions and answers arrive, and what they bring be drawn. */
export async function settle() {
    for (let turn = 0; turn < 4; turn++) {
        await animationFrame();
    }
}

export async function pass(milliseconds) {
    await animationFrame();
    await advanceTime(milliseconds);
    await settle();
}

/** Open the panel, and have it read what it shows. */
export async function openPanel() {
    await mountPhone();
    await click(TOGGLER);
    await settle();
    await pass(10);
    expect.verifySteps(["missed", ["recent", false]]);
}

export async function type(text) {
    await click(FIELD);
    await edit(text);
    await animationFrame();
}

export async function find(text) {
    await type(text);
    await pass(300);
}

export const label = () => queryOne(TOGGLER).getAttribute("aria-label");
