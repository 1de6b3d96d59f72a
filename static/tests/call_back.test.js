import {describe, expect, test} from "@odoo/hoot";
import {click, queryAllTexts} from "@odoo/hoot-dom";
import {mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    makeServerError,
    mockService,
    onRpc,
    serverState,
} from "@web/../tests/web_test_helpers";

import {
    makeCard,
    mockActions,
    mockDeskServer,
    openCards,
    openDesk,
    states,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const refused = () => {
    throw makeServerError({
        type: "odoo.exceptions.UserError",
        message: "Your phone 100 is off.",
    });
};

describe("the next one", () => {
    const mockNotification = () =>
        mockService("notification", {
            add: (sentence, {type}) => expect.step(`${type}: ${sentence}`),
        });

    test("is dialled, once for a double click", async () => {
        const {server, desk} = await openDesk();
        let call = 4;
        onRpc("pbx.promise", "take_next", () => {
            expect.step("next");
            call++;
            server.cards[call] = makeCard({id: call, direction: "outbound"});
            return {promise_id: 9, call_id: call};
        });
        const taken = [desk.takeNext(), desk.takeNext()];
        expect(desk.isTaking).toBe(true);
        expect(await Promise.all(taken)).toEqual([{promise_id: 9, call_id: 5}, false]);
        expect(await desk.takeNext()).toBe(false);
        await settle();
        expect.verifySteps(["next", "cards 5"]);
        expect(states(desk)).toEqual([[5, "ringing"]]);
        await pass(1);
        expect(desk.isTaking).toBe(false);
        await desk.takeNext();
        await settle();
        expect.verifySteps(["next", "cards 6"]);
    });

    test("there is none", async () => {
        mockNotification();
        const {desk} = await openDesk();
        onRpc("pbx.promise", "take_next", () => false);
        expect(await desk.takeNext()).toBe(false);
        expect.verifySteps(["info: Nobody waits for a call back."]);
    });

    test("what the server refuses is said in its words", async () => {
        mockNotification();
        const {desk} = await openDesk();
        onRpc("pbx.promise", "take_next", refused);
        onRpc("pbx.promise", "action_call_back", refused);
        expect(await desk.takeNext()).toBe(false);
        expect(await desk.callBack(9)).toBe(false);
        const said = "danger: Your phone 100 is off.";
        expect.verifySteps([said, said]);
        expect(desk.stack.calls).toEqual({});
    });
});

describe("the card", () => {
    const LINE = ".o_pbx_card_promise";
    const promise = {
        id: 9,
        deadline: "2026-06-16 14:30:00",
        attempts: 2,
        overdue: false,
        can_open: true,
    };
    const said = () => queryAllTexts(LINE).map((text) => text.replace(/\s/g, " "));

    async function openCard(values) {
        mockDate("2026-06-16 12:00:00", 0);
        mockActions((action) => expect.step(action));
        const server = mockDeskServer();
        await openCards(server, makeCard({promise, ...values}));
    }

    test("says until when, and which attempt it is", async () => {
        await openCard();
        expect(said()).toEqual(["promised until 2:30 PM, 3rd attempt"]);
        expect(LINE).not.toHaveClass("text-danger");
        await click(`${LINE} button`);
        expect.verifySteps([
            {
                type: "ir.actions.act_window",
                res_model: "pbx.promise",
                res_id: 9,
                views: [[false, "form"]],
            },
        ]);
    });

    for (const [attempts, words] of [
        [1, "2nd"],
        [10, "11th"],
        [20, "21st"],
    ]) {
        test(`${words} attempt`, async () => {
            await openCard({promise: {...promise, attempts}});
            expect(LINE).toHaveText(new RegExp(`, ${words} attempt$`));
        });
    }

    test("a call that was lost is counted already", async () => {
        const server = mockDeskServer();
        mockDate("2026-06-16 12:00:00", 0);
        await openCards(server, makeCard({promise}));
        server.change(1, {
            state: "done",
            outcome: "missed",
            promise: {...promise, attempts: 3},
        });
        await settle();
        expect(said()).toEqual(["promised until 2:30 PM, 3rd attempt"]);
    });

    test("of a call of ours only until when", async () => {
        await openCard({direction: "outbound"});
        expect(said()).toEqual(["promised until 2:30 PM"]);
    });

    test("what is overdue is red", async () => {
        const deadline = "2026-06-16 11:30:00";
        await openCard({promise: {...promise, deadline, overdue: true}});
        expect(said()).toEqual(["promised until 11:30 AM: overdue, 3rd attempt"]);
        expect(LINE).toHaveClass("text-danger");
    });

    test("whoever may not see it cannot open it", async () => {
        await openCard({promise: {...promise, can_open: false}});
        expect(`${LINE} button`).toHaveCount(0);
        expect(said()).toEqual(["promised until 2:30 PM, 3rd attempt"]);
    });

    test("a language without ordinals of its own has one form", async () => {
        serverState.lang = "de_DE";
        await openCard({promise: {...promise, attempts: 1}});
        expect(LINE).toHaveText(/, 2th attempt$/);
    });

    test("nobody waits", async () => {
        await openCard({promise: false});
        expect(LINE).toHaveCount(0);
    });
});
