import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {press as pressKey, queryAllTexts} from "@odoo/hoot-dom";
import {animationFrame} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {getService, makeMockEnv, onRpc} from "@web/../tests/web_test_helpers";
import {registry} from "@web/core/registry";

import {whomToCall} from "@cloud_pbx/phone_menu/phone_commands";

import {
    change,
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    openCards,
} from "./desk_helpers";
import {contact, desk, mockPhone, mountPhone, server} from "./phone_menu_helpers";
import {settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

test("whom one wants to call", async () => {
    await makeMockEnv();
    for (const [text, whom] of [
        ["Call Anna Bell", "Anna Bell"],
        ["call  anna", "anna"],
        ["+44 20 7946 0201", "+44 20 7946 0201"],
        ["Call 020 7946 0201", "020 7946 0201"],
        ["Anna", ""],
        ["Calls", ""],
        ["Call", ""],
        ["", ""],
    ]) {
        expect(whomToCall(text)).toBe(whom, {message: text});
    }
});

describe("command palette", () => {
    mockPhone();

    const provide = async (searchValue) => {
        const provider = registry.category("command_provider").get("cloud_pbx.call");
        const env = {services: {"cloud_pbx.desk": desk, orm: getService("orm")}};
        return provider.provide(env, {searchValue});
    };

    test("a name finds contacts and leads that have a number", async () => {
        await mountPhone();
        server.find = () => [
            contact(1, "Anna Bell"),
            contact(2, "Anna Lee", {model: "crm.lead"}),
            contact(3, "Anna Moe", {phone: ""}),
        ];
        const commands = await provide("Call Anna");
        expect(commands.map(({name}) => name)).toEqual([
            "Call Anna Bell (020 7946 021)",
            "Call Anna Lee (020 7946 022)",
        ]);
        commands[1].action();
        expect.verifySteps([
            ["find", "Anna"],
            ["dial", "020 7946 022", {resModel: "crm.lead", resId: 2}],
        ]);
    });

    test("a number is dialled as typed", async () => {
        await mountPhone();
        const [command] = await provide("+44 20 7946 0201");
        expect(command.name).toBe("Call +44 20 7946 0201");
        command.action();
        expect.verifySteps([
            ["find", "+44 20 7946 0201"],
            ["dial", "+44 20 7946 0201", undefined],
        ]);
        expect(await provide("12")).toEqual([]);
    });

    test("without a phone nobody is offered", async () => {
        await mountPhone();
        desk.hasPhone = false;
        expect(await provide("Call Anna")).toEqual([]);
    });

    test("the panel is opened by a key, and closed by it", async () => {
        await mountPhone();
        await animationFrame();
        await pressKey(["alt", "shift", "p"]);
        await settle();
        expect(".o_pbx_phone").toHaveCount(1);
        await pressKey(["alt", "shift", "p"]);
        await settle();
        expect(".o_pbx_phone").toHaveCount(0);
        const commands = getService("command").getCommands(document);
        expect(commands.map(({name}) => name)).toInclude("Phone");
        expect.verifySteps(["missed", ["recent", false]]);
    });
});

describe("card", () => {
    let cards = null;

    beforeEach(() => {
        mockActions(() => {});
        cards = mockDeskServer();
        onRpc("pbx.call", "write", () => true);
    });

    test("a key leads into the note of the call, also of a small card", async () => {
        await openCards(cards, makeCard());
        await pressKey(["alt", "shift", "k"]);
        await settle();
        expect(".o_pbx_card textarea").toBeFocused();
        await pressKey("Escape");
        await settle();
        expect(".o_pbx_card_small").toHaveCount(1);
        await pressKey(["alt", "shift", "k"]);
        await settle();
        expect(".o_pbx_card textarea").toBeFocused();
        expect(queryAllTexts(".o_pbx_card_title")).toEqual(["Olga Petrova"]);
    });

    test("of several the one that one speaks on, else that rings longest", async () => {
        const callers = [1, 2, 3].map((id) => makeCard({id, contact: {...OLGA, id}}));
        await openCards(cards, ...callers);
        const noteAt = async (id) => {
            await pressKey(["alt", "shift", "k"]);
            await settle();
            expect(`[data-call-id='${id}'] textarea`).toBeFocused();
            expect(".o_pbx_card:not(.o_pbx_card_small)").toHaveCount(1);
        };
        await noteAt(1);
        await change(cards, 2, {state: "ongoing"});
        await noteAt(2);
    });
});
