import {describe, expect, test, waitFor} from "@odoo/hoot";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    makeServerError,
    mockService,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {MainComponentsContainer} from "@web/core/main_components_container";

import {lost, makeCard, openDesk, states} from "./desk_helpers";
import {settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

describe("dialling", () => {
    const mockNotification = () =>
        mockService("notification", {
            add: (sentence, {type}) => expect.step(`${type}: ${sentence}`),
        });

    test("the state is known at once, and the card is asked for", async () => {
        const {server, desk} = await openDesk();
        onRpc("pbx.call", "dial", ({args, kwargs}) => {
            const {res_model, res_id, line} = kwargs;
            expect.step([...args, res_model, res_id, line]);
            server.cards[5] = makeCard({id: 5, direction: "outbound"});
            return 5;
        });
        const about = {resModel: "res.partner", resId: 7, line: "+442079460900"};
        expect(await desk.dial("020 7946 0201", about)).toBe(5);
        expect(desk.stack.calls[5].state).toBe("ringing");
        await settle();
        expect(states(desk)).toEqual([[5, "ringing"]]);
        expect(await desk.dial("100")).toBe(5);
        await settle();
        expect.verifySteps([
            ["020 7946 0201", "res.partner", 7, "+442079460900"],
            "cards 5",
            ["100", false, false, false],
            "cards 5",
        ]);
    });

    test("what the server refuses is said in its words", async () => {
        mockNotification();
        const {desk} = await openDesk();
        onRpc("pbx.call", "dial", () => {
            throw makeServerError({
                type: "odoo.exceptions.UserError",
                message: "Your phone 100 is off.",
            });
        });
        expect(await desk.dial("020 7946 0201")).toBe(false);
        expect(desk.stack.calls).toEqual({});
        expect.verifySteps(["danger: Your phone 100 is off."]);
    });

    for (const [button, id, steps] of [
        ["Call", 5, [false, true]],
        ["Cancel", false, [false]],
    ]) {
        test(`what the server warns of is asked for: ${button}`, async () => {
            mockNotification();
            const {server, desk} = await openDesk();
            await mountWithCleanup(MainComponentsContainer);
            onRpc("pbx.call", "dial", ({kwargs}) => {
                expect.step(kwargs.confirmed || false);
                if (kwargs.confirmed) {
                    server.cards[5] = makeCard({id: 5, direction: "outbound"});
                    return 5;
                }
                throw makeServerError({
                    type: "odoo.addons.cloud_pbx.models.call.dial.ConfirmationNeeded",
                    message: "It is on the phone blacklist. Call anyway?",
                });
            });
            const dialled = desk.dial("020 7946 0201");
            await waitFor(".modal");
            expect(".modal-body").toHaveText(
                "It is on the phone blacklist. Call anyway?",
            );
            await contains(`.modal-footer button:contains("${button}")`).click();
            expect(await dialled).toBe(id);
            await settle();
            expect.verifySteps(id ? [...steps, "cards 5"] : steps);
        });
    }

    for (const [text, steps, id] of [
        ["+44 7400 123456", [false, "+447400123456"], 5],
        ["then 12", [false, "+442079460201 ext. 12"], 5],
        [null, [false], false],
    ]) {
        test(`of several numbers one is chosen: ${text}`, async () => {
            mockNotification();
            const {server, desk} = await openDesk();
            await mountWithCleanup(MainComponentsContainer);
            const typed = "020 7946 0201 ext. 12 / 07400 123456";
            onRpc("pbx.call", "dial", ({args: [number]}) => {
                expect.step(number !== typed && number);
                if (number !== typed) {
                    server.cards[5] = makeCard({id: 5, direction: "outbound"});
                    return 5;
                }
                throw makeServerError({
                    type: "odoo.addons.cloud_pbx.models.call.dial.SeveralNumbers",
                    message: "It holds more than one number. Choose one.",
                    context: {
                        choices: [
                            {
                                number: "+442079460201 ext. 12",
                                readable: "+44 20 7946 0201",
                                extension: "12",
                            },
                            {
                                number: "+447400123456",
                                readable: "+44 7400 123456",
                                extension: "",
                            },
                        ],
                    },
                });
            });
            const asking = [];
            const onAsking = (isAsking) => asking.push(isAsking);
            const dialled = desk.dial(typed, {onAsking});
            await waitFor(".modal");
            expect(".o_pbx_number_choice").toHaveCount(2);
            expect(asking).toEqual([true]);
            await contains(
                text ? `.modal button:contains("${text}")` : ".modal .btn-close",
            ).click();
            expect(await dialled).toBe(id);
            expect(asking).toEqual([true, false]);
            await settle();
            expect.verifySteps(id ? [...steps, "cards 5"] : steps);
        });
    }

    test("without a connection nothing is dialled, and that is said", async () => {
        mockNotification();
        const {desk} = await openDesk();
        onRpc("pbx.call", "dial", () => lost());
        expect(await desk.dial("020 7946 0201")).toBe(false);
        expect.verifySteps(["danger: Odoo cannot be reached. Check your connection."]);
    });

    test("a bug is no sentence for the person", async () => {
        mockNotification();
        const {desk} = await openDesk();
        onRpc("pbx.call", "dial", () => {
            throw makeServerError({type: "ValueError", message: "invalid literal"});
        });
        await expect(desk.dial("020 7946 0201")).rejects.toThrow("invalid literal");
        expect.verifySteps([]);
    });
});
