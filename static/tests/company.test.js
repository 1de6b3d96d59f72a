import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {click, queryOne} from "@odoo/hoot-dom";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    makeMockEnv,
    mockService,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";
import {user} from "@web/core/user";

import {inCompany, tickCompany} from "@cloud_pbx/common/company";
import {CallLists} from "@cloud_pbx/phone_menu/call_lists";
import {
    ago,
    change,
    makeCard,
    mockDeskServer,
    openCards,
    press,
    STRANGER,
} from "./desk_helpers";
import {missedRow} from "./phone_menu_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const company = (id) => ({
    id,
    name: `Company ${id}`,
    sequence: id,
    parent_id: false,
    child_ids: [],
});
const ticked = () => user.activeCompanies.map(({id}) => id);
const OVER = {state: "done", outcome: "answered", asks: true};
const SALE = {id: 11, name: "Sale", color: 10, is_on: false};

/** The companies that a question is about, as the server gets them. */
function answerAll() {
    onRpc("pbx.call", "*", ({method, kwargs}) => {
        expect.step([method, kwargs.context.allowed_company_ids]);
        const notification = {params: {message: "Blocked.", type: "success"}};
        return method === "action_block_number" ? notification : {type: method};
    });
    onRpc("pbx.promise", "*", ({method, kwargs}) => {
        expect.step([method, kwargs.context.allowed_company_ids]);
        return method === "action_call_back" ? 9 : true;
    });
}

// Of three companies the first is ticked; calls come in the second.
beforeEach(() => {
    serverState.companies = [1, 2, 3].map(company);
    mockService("action", {
        async doAction({type, res_model: model}) {
            expect.step([model || type, user.context.allowed_company_ids]);
        },
    });
});

test("the call's company comes first, the ticked ones stay", async () => {
    await makeMockEnv();
    expect(ticked()).toEqual([1]);
    expect(inCompany(2)).toEqual({allowed_company_ids: [2, 1]});
    expect(inCompany(1)).toEqual({allowed_company_ids: [1]});
});

test("a company is ticked once, and only one's own", async () => {
    await makeMockEnv();
    for (const id of [2, 2, 4, undefined, 1]) {
        tickCompany(id);
        expect(ticked()).toEqual([1, 2]);
    }
});

describe("a card of a company that is not ticked", () => {
    let server = null;

    beforeEach(() => {
        answerAll();
        server = mockDeskServer();
    });

    const open = (values) => openCards(server, makeCard({company_id: 2, ...values}));

    test("its note", async () => {
        await open();
        const field = queryOne(".o_pbx_card_note textarea");
        field.focus();
        field.value = "Wants the offer";
        field.dispatchEvent(new Event("input", {bubbles: true}));
        await pass(1);
        expect.verifySteps([["write", [2, 1]]]);
        expect(ticked()).toEqual([1]);
    });

    test("its tags, and that there is nothing to say", async () => {
        await open();
        await change(server, 1, {...OVER, tags: [SALE], can_block: true});
        await press("Sale");
        await click(".o_pbx_card_nothing");
        await settle();
        await press("Block this number");
        expect.verifySteps([
            ["write", [2, 1]],
            ["action_nothing_to_say", [2, 1]],
            ["action_block_number", [2, 1]],
        ]);
        expect(ticked()).toEqual([1]);
    });

    test("its end, and whose it was", async () => {
        await open({can_hang_up: true});
        await press("Give up");
        await change(server, 1, {state: "done", outcome: "answered", can_claim: true});
        await press("It was me");
        expect.verifySteps([
            ["hang_up", [2, 1]],
            ["action_claim", [2, 1]],
        ]);
        expect(ticked()).toEqual([1]);
    });

    test("what opens then is in a company that is ticked", async () => {
        await open(STRANGER);
        await press("Create lead");
        expect.verifySteps([
            ["action_create_lead", [2, 1]],
            ["action_create_lead", [1, 2]],
        ]);
        expect(ticked()).toEqual([1, 2]);
        await press("Create contact");
        await press("Log activity");
        expect.verifySteps([
            ["action_create_contact", [2, 1]],
            ["action_create_contact", [1, 2]],
            ["mail.activity.schedule", [1, 2]],
        ]);
    });

    test("the call itself opens", async () => {
        await open();
        await press("Call details");
        expect.verifySteps([["pbx.call", [1, 2]]]);
    });

    test("a call back", async () => {
        await open();
        const promise = {id: 9, deadline: ago(-600), attempts: 1, can_open: true};
        const lost = {state: "done", outcome: "missed", to_call_back: true};
        await change(server, 1, {...lost, promise});
        await press("Call back");
        expect.verifySteps([["action_call_back", [2, 1]]]);
    });
});

test("a row of the phone is settled in its company, and taken back", async () => {
    answerAll();
    onRpc("pbx.desk", "*", () => []);
    const {services} = await makeMockEnv();
    const lists = new CallLists(services.orm);
    const row = missedRow(52, {company_id: 2});
    lists.missed = [row];
    await lists.settle(row);
    patchWithCleanup(lists, {async refresh() {}});
    await lists.undoSettled();
    expect.verifySteps([
        ["action_spoken", [2, 1]],
        ["action_reopen", [2, 1]],
    ]);
});
