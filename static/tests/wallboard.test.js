import {after, describe, expect, test} from "@odoo/hoot";
import {queryAllTexts, queryAllAttributes} from "@odoo/hoot-dom";
import {Component, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    getService,
    makeServerError,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {registry} from "@web/core/registry";
import {WebClient} from "@web/webclient/webclient";

import {ago, mockDeskServer} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");
defineMailModels();

const actions = registry.category("actions");

const FIGURES = {
    inbound: 34,
    answered: 30,
    lost: 3,
    outbound: 12,
    answer_rate: 30 / 34,
    service_level: null,
    wait_median: 75,
};

/** A board as the server writes it. */
function makeBoard(values = {}) {
    return {
        now: ago(0),
        calls: [],
        people: [makePerson(1)],
        today: FIGURES,
        promises: {open: 0, overdue: 0, oldest: false},
        ...values,
    };
}

function makePerson(id, values = {}) {
    return {
        user_id: id,
        name: `Agent ${id}`,
        state: "free",
        since: ago(60),
        phones: [`${100 + id}`],
        ...values,
    };
}

function makeCall(id, values = {}) {
    return {
        id,
        state: "ringing",
        number_readable: "+44 20 7946 0201",
        name: "Olga Petrova",
        line: "Support",
        start: ago(5),
        people: ["Anna"],
        ...values,
    };
}

/** Open the wallboard; each time that it asks is a step. */
async function openBoard(values = {}, before = null) {
    const server = mockDeskServer();
    server.board = makeBoard(values);
    onRpc("pbx.wallboard", "now", async () => {
        expect.step("ask");
        if (server.error) {
            throw server.error;
        }
        return server.answer(server.board);
    });
    await mountWithCleanup(WebClient);
    if (before) {
        await getService("action").doAction(before);
    }
    getService("action").doAction({
        type: "ir.actions.client",
        tag: "cloud_pbx_wallboard",
        target: "fullscreen",
    });
    await settle();
    expect.verifySteps(["ask"]);
    server.changed = (board) => {
        Object.assign(server.board, board, {now: ago(0)});
        server.send("cloud_pbx.wallboard", {});
    };
    return server;
}

test("it shows calls, people, figures and call-backs", async () => {
    await openBoard({
        now: ago(0),
        calls: [makeCall(1), makeCall(2, {name: "", number_readable: "", line: ""})],
        people: [makePerson(1), makePerson(2, {state: "absent", since: false})],
        promises: {open: 4, overdue: 1, oldest: ago(3725)},
    });
    expect(".o_main_navbar").toHaveCount(0);
    expect(queryAllTexts(".o_pbx_wallboard_party strong")).toEqual([
        "Olga Petrova",
        "Withheld number",
    ]);
    expect(queryAllTexts(".o_pbx_wallboard_party span")).toEqual([
        "+44 20 7946 0201 · Support",
        "",
    ]);
    expect(queryAllTexts("[data-figure] .o_pbx_wallboard_number")).toEqual([
        "34",
        "30",
        "3",
        "–",
        "1:15",
        "12",
        "4",
        "1",
        "1:02:05",
    ]);
    expect("[data-figure=answered] .o_pbx_wallboard_label").toHaveText(
        "Answered 88.2%",
    );
    expect(queryAllTexts(".o_pbx_wallboard_people li .o_pbx_wallboard_state")).toEqual([
        "Free",
        "Absent",
    ]);
    // Nobody knows since when.
    expect(".o_pbx_wallboard_people li .o_pbx_duration").toHaveCount(1);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
});

test("a wait of days is days", async () => {
    const day = 24 * 3600;
    await openBoard({
        now: ago(0),
        promises: {open: 1, overdue: 1, oldest: ago(25 * day + 3725)},
    });
    expect("[data-figure=oldest] .o_pbx_wallboard_number").toHaveText("25d");
});

test("clocks run by the server's time", async () => {
    await openBoard({
        now: ago(-3600),
        calls: [makeCall(1, {start: ago(-3595)})],
        people: [],
    });
    expect(".o_pbx_wallboard_calls .o_pbx_duration").toHaveText("0:05");
    await pass(7);
    expect(".o_pbx_wallboard_calls .o_pbx_duration").toHaveText("0:12");
    expect.verifySteps([]);
});

test("a change is shown at once, many of them once a second", async () => {
    const server = await openBoard();
    expect(".o_pbx_wallboard_calls").toHaveText(/No calls right now/);
    await pass(5);
    server.changed({calls: [makeCall(1)]});
    await settle();
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard_calls li").toHaveAttribute("data-state", "ringing");
    for (let turn = 0; turn < 3; turn++) {
        server.changed({});
        await settle();
    }
    server.changed({calls: [makeCall(1, {state: "ongoing"})]});
    await settle();
    expect.verifySteps([]);
    await pass(1);
    // The last of them is not forgotten.
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard_calls li").toHaveAttribute("data-state", "ongoing");
    await pass(5);
    expect.verifySteps([]);
});

test("what changes while it waits for an answer is asked for after it", async () => {
    const server = await openBoard();
    await pass(5);
    const answer = server.later();
    server.changed({calls: [makeCall(1)]});
    await settle();
    expect.verifySteps(["ask"]);
    server.changed({calls: [makeCall(1, {state: "ongoing"})]});
    await pass(3);
    expect.verifySteps([]);
    answer();
    await pass(1);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard_calls li").toHaveAttribute("data-state", "ongoing");
});

test("each minute it asks by itself; sooner while somebody wraps up", async () => {
    const server = await openBoard();
    await pass(59);
    expect.verifySteps([]);
    server.board.people = [makePerson(1, {state: "wrapping"})];
    await pass(2);
    expect.verifySteps(["ask"]);
    server.board.people = [makePerson(1)];
    await pass(6);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard_people li").toHaveAttribute("data-state", "free");
    await pass(50);
    expect.verifySteps([]);
});

test("it turns grey while the server is away, and recovers by itself", async () => {
    const server = await openBoard();
    await pass(5);
    server.isLost = true;
    server.changed({calls: [makeCall(1)]});
    await settle();
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "true");
    expect(".o_pbx_wallboard_notice").toHaveText(/^Connection lost. As of /);
    await pass(10);
    expect.verifySteps(["ask"]);
    server.isLost = false;
    await pass(10);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
    expect(".o_pbx_wallboard_calls li").toHaveCount(1);
    expect(".o_pbx_wallboard_notice").toHaveText("");
});

test("it turns grey while the bus is away, and asks once it is back", async () => {
    await openBoard();
    await pass(12);
    const bus = getService("bus_service");
    const become = (state) => bus.trigger("BUS:WORKER_STATE_UPDATED", state);
    // For a moment: it reconnects by itself.
    become("DISCONNECTED");
    await pass(1);
    become("CONNECTED");
    await pass(5);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
    expect.verifySteps([]);
    become("DISCONNECTED");
    await pass(1);
    become("CONNECTING");
    await pass(3);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "true");
    expect.verifySteps(["ask"]);
    // The figures can still be read, but nobody tells of changes.
    await pass(11);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "true");
    become("CONNECTED");
    bus.trigger("BUS:RECONNECT");
    await pass(1);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
});

test("an answer that never comes makes it grey as well", async () => {
    const server = await openBoard();
    const answer = server.later();
    await pass(61);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
    await pass(10);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "true");
    answer();
    await settle();
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
});

test("a fault of the server is reported once", async () => {
    expect.errors(1);
    const server = await openBoard();
    await pass(5);
    server.error = makeServerError({message: "No table"});
    server.changed({});
    await settle();
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "true");
    await pass(11);
    expect.verifySteps(["ask", "ask"]);
    expect.verifyErrors(["No table"]);
    server.error = null;
    await pass(11);
    expect.verifySteps(["ask"]);
    expect(".o_pbx_wallboard").toHaveAttribute("data-lost", "false");
});

test("forty people fit; more of them take turns", async () => {
    const people = Array.from({length: 45}, (_one, place) => makePerson(place + 1));
    const server = await openBoard({people: people.slice(0, 40)});
    expect(".o_pbx_wallboard_people li").toHaveCount(40);
    expect(".o_pbx_wallboard_page").toHaveCount(0);
    await pass(5);
    server.changed({people});
    await settle();
    expect.verifySteps(["ask"]);
    const shown = () =>
        queryAllAttributes(".o_pbx_wallboard_people li", "data-user-id").map(Number);
    const first = shown();
    await pass(10);
    const second = shown();
    expect([first.length, second.length].sort()).toEqual([40, 5]);
    expect(new Set([...first, ...second]).size).toBe(45);
    await pass(10);
    expect(shown()).toEqual(first);
});

test("more calls than there is room for are counted", async () => {
    const calls = Array.from({length: 14}, (_one, place) => makeCall(place + 1));
    await openBoard({calls});
    expect(".o_pbx_wallboard_calls li").toHaveCount(10);
    expect(".o_pbx_wallboard_more").toHaveText("4 more");
    expect(".o_pbx_wallboard_calls h2 .o_pbx_wallboard_count").toHaveText("14");
});

test("who leaves it is back, and hears no more of it", async () => {
    class Page extends Component {
        static template = xml`<div class="o_test_page"/>`;
        static props = ["*"];
    }
    actions.add("test_page", Page);
    after(() => actions.remove("test_page"));
    const server = await openBoard({}, "test_page");
    expect(".o_test_page").toHaveCount(0);
    await contains(".o_pbx_wallboard_leave").click();
    await settle();
    expect(".o_test_page").toHaveCount(1);
    expect(".o_main_navbar").toHaveCount(1);
    await pass(5);
    server.changed({});
    await pass(70);
    expect.verifySteps([]);
});
