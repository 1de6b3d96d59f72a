import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryAllTexts} from "@odoo/hoot-dom";
import {Deferred, mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {onRpc} from "@web/../tests/web_test_helpers";

import {
    ago,
    button,
    change,
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    openCards,
    press,
    STRANGER,
} from "./desk_helpers";
import {settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const STATE = ".o_pbx_card_state";
const NAME = ".o_pbx_card_title";
const BORIS = {...OLGA, id: 8, name: "Boris Ivanov", company: ""};

let server = null;

beforeEach(() => {
    mockDate("2026-06-16 12:00:00", 0);
    mockActions((action) => expect.step(action));
    server = mockDeskServer();
});

const form = (res_model, res_id) => ({
    type: "ir.actions.act_window",
    res_model,
    res_id,
    views: [[false, "form"]],
});

describe("what to do about it", () => {
    test("open the contact, the call, a lead, an activity, an earlier call", async () => {
        const activity = {id: 5, name: "Send it", state: "today", icon: ""};
        Object.assign(activity, {
            res_model: "sale.order",
            res_id: 44,
            deadline: "2026-06-16",
        });
        const call = {
            id: 3,
            start: ago(3600),
            direction: "inbound",
            note: "",
            user: "",
        };
        await openCards(
            server,
            makeCard({
                leads: [{id: 4, name: "Two boats", stage: "", revenue: ""}],
                activities: [activity],
                calls: [{...call, outcome: "answered", talk_seconds: 5}],
            }),
        );
        await press("Open contact");
        await press("Call details");
        await press("Two boats");
        await press("Send it");
        await press("1 hour ago");
        expect.verifySteps([
            form("res.partner", 7),
            form("pbx.call", 1),
            form("crm.lead", 4),
            form("sale.order", 44),
            form("pbx.call", 3),
        ]);
    });

    test("create a contact or a lead, as the server says how", async () => {
        for (const method of ["action_create_contact", "action_create_lead"]) {
            onRpc("pbx.call", method, ({args}) => ({type: method, ids: args[0]}));
        }
        await openCards(server, makeCard(STRANGER));
        await press("Create contact");
        await press("Create lead");
        expect.verifySteps([
            {type: "action_create_contact", ids: [1]},
            {type: "action_create_lead", ids: [1]},
        ]);
        // The contact is saved: the bus tells, and the card has the name.
        server.notify(makeCard());
        await settle();
        expect(NAME).toHaveText("Olga Petrova");
    });

    test("a second click meanwhile does nothing", async () => {
        const answer = new Deferred();
        onRpc("pbx.call", "action_create_contact", () => {
            expect.step("asked");
            return answer;
        });
        await openCards(server, makeCard(STRANGER));
        button("Create contact").click();
        button("Create contact").click();
        await settle();
        expect(button("Create contact")).not.toBeEnabled();
        answer.resolve({type: "opened"});
        await settle();
        expect(button("Create contact")).toBeEnabled();
        expect.verifySteps(["asked", {type: "opened"}]);
    });

    test("an activity is on the contact, else on the lead, else on the call", async () => {
        const lead = {id: 4, name: "Two boats", stage: "", revenue: ""};
        await openCards(
            server,
            makeCard({id: 1, leads: [lead]}),
            makeCard({id: 2, ...STRANGER, leads: [lead]}),
            makeCard({id: 3, ...STRANGER}),
        );
        for (const id of [3, 2, 1]) {
            await press("Log activity", id);
            if (id > 1) {
                await press("Show all of this card", id - 1);
            }
        }
        const about = (active_model, id) => ({
            type: "ir.actions.act_window",
            name: "Log activity",
            res_model: "mail.activity.schedule",
            views: [[false, "form"]],
            target: "new",
            context: {active_model, active_ids: [id]},
        });
        expect.verifySteps([
            about("pbx.call", 3),
            about("crm.lead", 4),
            about("res.partner", 7),
        ]);
    });

    test("call back a missed one, and only such a one", async () => {
        onRpc("pbx.call", "dial", ({args}) => {
            expect.step(args);
            server.cards[2] = makeCard({id: 2, direction: "outbound"});
            return 2;
        });
        await openCards(server, makeCard());
        expect(button("Call back")).toBe(undefined);
        await change(server, 1, {state: "done", outcome: "missed", to_call_back: true});
        await press("Call back");
        expect.verifySteps([["+442079460201"]]);
        expect(`[data-call-id="2"] ${STATE}`).toHaveText("Calling…");
        // It has taken the place of the missed one.
        expect(".o_pbx_card").toHaveCount(1);
        expect(button("Call back", 2)).toBe(undefined);
        await change(server, 2, {state: "done", outcome: "answered"});
        expect(button("Open contact", 2)).not.toBe(undefined);
    });

    test("who was promised a call back is called back through that", async () => {
        onRpc("pbx.promise", "action_call_back", ({args, kwargs}) => {
            expect.step([...args, kwargs.line]);
            server.cards[2] = makeCard({id: 2, direction: "outbound"});
            return 2;
        });
        await openCards(server, makeCard());
        const promise = {id: 9, deadline: ago(-600), attempts: 1, overdue: false};
        const lost = {state: "done", outcome: "missed", to_call_back: true};
        await change(server, 1, {...lost, promise: {...promise, can_open: true}});
        await press("Call back");
        expect.verifySteps([[[9], undefined]]);
        expect(`[data-call-id="2"] ${STATE}`).toHaveText("Calling…");
    });

    test("nor one with whom somebody has spoken since", async () => {
        await openCards(server, makeCard());
        await change(server, 1, {state: "done", outcome: "missed", to_call_back: true});
        expect(button("Call back")).not.toBe(undefined);
        await change(server, 1, {to_call_back: false});
        expect(button("Call back")).toBe(undefined);
    });

    test("a lead is opened where there is no contact", async () => {
        const leads = [{id: 4, name: "Two boats", stage: "", revenue: ""}];
        await openCards(server, makeCard({...STRANGER, name: "Harriet", leads}));
        await press("Open lead");
        expect.verifySteps([
            {
                type: "ir.actions.act_window",
                res_model: "crm.lead",
                res_id: 4,
                views: [[false, "form"]],
            },
        ]);
        await change(server, 1, {contact: OLGA});
        expect(button("Open lead")).toBe(undefined);
    });

    test("a click-to-call says what happens, and is given up where the PBX can", async () => {
        onRpc("pbx.call", "hang_up", ({args}) => {
            expect.step(args);
            return true;
        });
        const click = {direction: "outbound", rings_phone: "101"};
        await openCards(server, makeCard({...click, can_hang_up: true}));
        expect(STATE).toHaveText("Your phone 101 rings: lift it");
        await press("Give up");
        expect.verifySteps([[[1]]]);
        await change(server, 1, {rings_phone: ""});
        expect(STATE).toHaveText("Calling…");
        await change(server, 1, {state: "ongoing", answer: "2026-06-16 12:00:00"});
        expect(button("Hang up")).not.toBe(undefined);
        await change(server, 1, {can_hang_up: false});
        expect(button("Hang up")).toBe(undefined);
    });

    test("say that it was me, at a phone that several have", async () => {
        onRpc("pbx.call", "action_claim", ({args}) => {
            expect.step(args);
            server.cards[1] = makeCard({state: "ongoing"});
            return true;
        });
        await openCards(server, makeCard({can_claim: true}));
        expect(button("It was me")).toBe(undefined);
        await change(server, 1, {state: "ongoing"});
        await press("It was me");
        expect.verifySteps([[[1]]]);
        expect(button("It was me")).toBe(undefined);
    });

    test("close it", async () => {
        await openCards(server, makeCard());
        await press("Close this card");
        expect(".o_pbx_card").toHaveCount(0);
        await change(server, 1, {state: "ongoing"});
        expect(".o_pbx_card").toHaveCount(0);
    });
});

describe("several have the number", () => {
    const candidates = [OLGA, BORIS];

    test("they are listed, and one is chosen", async () => {
        onRpc("pbx.desk", "pick_contact", ({args}) => {
            expect.step(args);
            server.cards[1] = makeCard({contact: BORIS});
            return {};
        });
        await openCards(server, makeCard({contact: false, candidates}));
        expect(NAME).toHaveText("+44 20 7946 0201");
        expect(queryAllTexts(".o_pbx_card_candidates li")).toEqual([
            "Olga Petrova\nHarbour Ltd\nSelect",
            "Boris Ivanov\nSelect",
        ]);
        await press("Select Boris Ivanov");
        expect.verifySteps([[1, 8]]);
        expect(NAME).toHaveText("Boris Ivanov");
        expect(".o_pbx_card_candidates").toHaveCount(0);
    });
});
