import {describe, expect, test} from "@odoo/hoot";
import {startBusService} from "@bus/../tests/bus_test_helpers";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    MockServer,
    mockService,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

import {
    DeskServer,
    ago,
    makeCard,
    openDesk,
    startDesk,
    states,
    STRANGER,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

describe("loading", () => {
    test("who has no phone asks nothing, even when the connection comes and goes", async () => {
        new DeskServer({phones: []}, (what) => expect.step(what));
        const desk = await startDesk();
        await startBusService();
        MockServer.env["bus.bus"]._simulateDisconnection(1006);
        await pass(300);
        expect(desk.hasPhone).toBe(false);
        expect.verifySteps([]);
    });

    test("who has one asks once", async () => {
        const {desk} = await openDesk({missed: 3, lines: [{id: 1, number: "+44"}]});
        await pass(5);
        expect.verifySteps([]);
        expect(desk.hasPhone).toBe(true);
        expect(desk.missed).toBe(3);
        expect(desk.lines).toHaveLength(1);
    });

    test("a call that goes on is there after a reload, the newest first", async () => {
        const cards = {
            1: makeCard({id: 1, state: "ongoing"}),
            2: makeCard({id: 2}),
            3: makeCard({id: 3, state: "done", outcome: "answered"}),
        };
        const {desk} = await openDesk({cards});
        expect(states(desk)).toEqual([
            [2, "ringing"],
            [1, "ongoing"],
        ]);
    });

    test("a phone that is assigned later is there without a reload, and goes so", async () => {
        const server = new DeskServer({phones: []}, (what) => expect.step(what));
        const desk = await startDesk();
        await startBusService();
        server.phones = [{id: 1, number: "100", name: "100", status: "online"}];
        server.send("cloud_pbx.desk", {});
        await pass(1);
        expect.verifySteps(["load"]);
        expect(desk.hasPhone).toBe(true);
        server.notify(makeCard());
        await settle();
        expect.verifySteps(["cards 1"]);
        expect(states(desk)).toEqual([[1, "ringing"]]);
        server.phones = [];
        server.send("cloud_pbx.desk", {});
        await pass(1);
        expect.verifySteps(["load"]);
        expect(desk.hasPhone).toBe(false);
        expect(desk.stack.cards).toHaveLength(0);
    });

    test("the missed calls are counted, and no more is asked", async () => {
        const {server, desk} = await openDesk();
        server.missed = 4;
        server.send("cloud_pbx.missed", {});
        server.send("cloud_pbx.missed", {});
        await pass(1);
        expect(desk.missed).toBe(4);
        expect.verifySteps(["count"]);
    });

    test("what could not be counted is, a while later", async () => {
        const {server, desk} = await openDesk();
        server.isLost = true;
        server.missed = 4;
        server.send("cloud_pbx.missed", {});
        await pass(1);
        expect(desk.missed).toBe(0);
        server.isLost = false;
        await pass(11);
        expect(desk.missed).toBe(4);
        expect.verifySteps(["count", "load"]);
    });

    test("several messages about the desk are one question", async () => {
        const {server} = await openDesk();
        server.send("cloud_pbx.desk", {});
        server.send("cloud_pbx.desk", {});
        await pass(1);
        expect.verifySteps(["load"]);
    });
});

describe("messages", () => {
    test("one brings the card, by one question", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        expect.verifySteps(["cards 1"]);
        expect(desk.stack.cards[0].name).toBe("Olga Petrova");
        expect(desk.stack.calls[1]).toEqual({
            state: "ringing",
            outcome: "",
            answer: false,
            rings_phone: "",
            failure_reason: "",
        });
    });

    test("those that come meanwhile are asked together next", async () => {
        const {server, desk} = await openDesk();
        const answerNow = server.later();
        server.notify(makeCard({id: 1}));
        await settle();
        server.notify(makeCard({id: 2}));
        server.notify(makeCard({id: 3}));
        server.change(2, {state: "ongoing"});
        await settle();
        expect.verifySteps(["cards 1"]);
        answerNow();
        await settle();
        expect.verifySteps(["cards 2,3"]);
        expect(states(desk)).toEqual([
            [3, "ringing"],
            [2, "ongoing"],
            [1, "ringing"],
        ]);
    });

    test("an older answer never follows a newer one", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        const answerNow = server.later();
        server.send("cloud_pbx.desk", {});
        await pass(1);
        // The desk was read while it rang; before that is here, somebody lifts.
        server.slow = null;
        server.change(1, {state: "ongoing"});
        await settle();
        answerNow();
        await settle();
        expect(states(desk)).toEqual([[1, "ongoing"]]);
        await settle();
        expect.verifySteps(["cards 1", "load", "cards 1"]);
    });

    test("one that is replayed for a call that is over shows nothing", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard({id: 1, state: "done", outcome: "missed"}));
        await settle();
        server.notify(makeCard({id: 2, state: "taken", taken_by: "Boris"}));
        await settle();
        server.send("cloud_pbx.call", {id: 3, number: "+44", start: ""});
        await settle();
        expect(desk.stack.cards).toHaveLength(0);
        expect(desk.stack.calls[1].outcome).toBe("missed");
        expect(desk.stack.calls[3]).toBe(undefined);
        await pass(300);
        expect.verifySteps(["cards 1", "cards 2", "cards 3"]);
    });
});

describe("a call's life", () => {
    test("it rings, is talked on, ends, and goes after a while", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        server.change(1, {state: "ongoing", answer: "2026-06-16 12:00:10"});
        await settle();
        expect(states(desk)).toEqual([[1, "ongoing"]]);
        // However long it takes, nobody asks.
        await pass(3600);
        expect(states(desk)).toEqual([[1, "ongoing"]]);
        expect.verifySteps(["cards 1", "cards 1"]);
        server.change(1, {state: "done", outcome: "answered", talk_seconds: 3600});
        await settle();
        expect(states(desk)).toEqual([[1, "done"]]);
        await pass(29);
        expect(states(desk)).toEqual([[1, "done"]]);
        await pass(2);
        expect(desk.stack.cards).toHaveLength(0);
        expect.verifySteps(["cards 1"]);
        expect(desk.stack.calls[1].state).toBe("done");
    });

    test("taken by a colleague, it goes after four seconds", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        server.change(1, {state: "taken", taken_by: "Boris"});
        await settle();
        expect(desk.stack.cards[0].taken_by).toBe("Boris");
        await pass(3);
        expect(desk.stack.cards).toHaveLength(1);
        await pass(2);
        expect(desk.stack.cards).toHaveLength(0);
        expect.verifySteps(["cards 1", "cards 1"]);
    });

    test("one that comes back to this phone does not go", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        server.change(1, {state: "taken", taken_by: "Boris"});
        await settle();
        await pass(2);
        server.change(1, {state: "ringing", taken_by: ""});
        await settle();
        await pass(60);
        expect(states(desk)).toEqual([[1, "ringing"]]);
        expect.verifySteps(["cards 1", "cards 1", "cards 1"]);
    });

    test("a card in which somebody writes stays until they have done", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        desk.stack.hold(1, "note", true);
        server.change(1, {state: "done", outcome: "answered"});
        await settle();
        await pass(300);
        expect(desk.stack.cards).toHaveLength(1);
        desk.stack.hold(1, "note", false);
        await pass(31);
        expect(desk.stack.cards).toHaveLength(0);
        expect.verifySteps(["cards 1", "cards 1"]);
    });

    test("missed calls that may be opened again are counted after a while", async () => {
        const {server} = await openDesk();
        server.send("cloud_pbx.missed", {seconds: 25});
        await pass(1);
        expect.verifySteps(["count"]);
        // Further messages do not put it off.
        server.send("cloud_pbx.missed", {});
        await pass(23);
        expect.verifySteps(["count"]);
        await pass(2);
        expect.verifySteps(["count"]);
    });

    test("a missed one that somebody calls back is known to be so, and goes in time", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        server.notify(makeCard({state: "done", outcome: "missed", to_call_back: true}));
        await settle();
        expect.verifySteps(["cards 1", "cards 1"]);
        await pass(20);
        server.cards[1].to_call_back = false;
        server.send("cloud_pbx.missed", {});
        await pass(1);
        expect.verifySteps(["count", "cards 1"]);
        expect(desk.stack.cards[0].to_call_back).toBe(false);
        await pass(10);
        expect(desk.stack.cards).toHaveLength(0);
        expect.verifySteps([]);
    });

    test("whether a caller waits for a call back is followed", async () => {
        const {server, desk} = await openDesk();
        const promise = {id: 9, deadline: ago(-600), attempts: 1, overdue: false};
        server.notify(makeCard({promise}));
        await settle();
        server.cards[1].promise = false;
        server.send("cloud_pbx.missed", {});
        await pass(1);
        expect.verifySteps(["cards 1", "count", "cards 1"]);
        expect(desk.stack.cards[0].promise).toBe(false);
        server.send("cloud_pbx.missed", {});
        await pass(1);
        expect.verifySteps(["count"]);
    });

    test("one that was joined to another disappears", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        delete server.cards[1];
        server.send("cloud_pbx.call", {id: 1, number: "+44", start: ""});
        await settle();
        expect(desk.stack.cards).toHaveLength(0);
        expect.verifySteps(["cards 1", "cards 1"]);
    });

    test("a ring of which nothing is heard is asked for, and goes in the end", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        expect.verifySteps(["cards 1"]);
        await pass(119);
        expect.verifySteps([]);
        await pass(2);
        expect.verifySteps(["load"]);
        expect(states(desk)).toEqual([[1, "ringing"]]);
        // The server has waited long enough: its end got lost.
        patchWithCleanup(server, {
            answer(values) {
                return super.answer(
                    "phones" in values ? {...values, cards: []} : values,
                );
            },
        });
        await pass(121);
        expect(desk.stack.cards).toHaveLength(0);
        expect.verifySteps(["load", "cards 1"]);
        await pass(600);
        expect.verifySteps([]);
    });

    test("a ring whose end was never reported is over when it is asked for", async () => {
        const {server, desk} = await openDesk();
        server.notify(makeCard());
        await settle();
        server.cards[1] = makeCard({state: "done", outcome: "missed"});
        await pass(121);
        expect(states(desk)).toEqual([[1, "done"]]);
        expect.verifySteps(["cards 1", "load", "cards 1"]);
    });
});

test("a doubt about a dial goes when something is heard of the call", async () => {
    mockService("notification", {
        add: (message, {title, sticky}) => {
            expect.step([title, message, sticky]);
            return () => expect.step("closed");
        },
    });
    const {server} = await openDesk();
    server.send("cloud_pbx.doubt", {id: 5, title: "No answer", message: "Wait."});
    await settle();
    expect.verifySteps([["No answer", "Wait.", true]]);
    server.notify(makeCard({id: 4}));
    await settle();
    expect.verifySteps(["cards 4"]);
    server.notify(makeCard({id: 5, ...STRANGER}));
    await settle();
    expect.verifySteps(["closed", "cards 5"]);
});
