import {describe, expect, test} from "@odoo/hoot";
import {click, queryAllTexts} from "@odoo/hoot-dom";
import {animationFrame, Deferred} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";

import {
    contact,
    FIELD,
    find,
    FOUND,
    lost,
    mockPhone,
    openPanel,
    pass,
    RECENT,
    row,
    server,
    settle,
    type,
} from "./phone_menu_helpers";

describe.current.tags("desktop");

defineMailModels();
mockPhone();

describe("finding", () => {
    test("contacts are looked for once the typing pauses", async () => {
        server.find = () => [
            contact(1, "Olga Petrova", {company: "Harbour Ltd"}),
            contact(2, "Olaf", {phone: ""}),
        ];
        server.calls = [row(48)];
        await openPanel();
        await type("o");
        await pass(1000);
        expect.verifySteps([], {message: "one letter finds everybody"});
        expect(RECENT).toHaveCount(1);
        await type("ol");
        await pass(150);
        await type("olg");
        await pass(100);
        expect.verifySteps([]);
        expect(".o_pbx_phone_found .fa-spin").toHaveCount(1);
        await pass(250);
        expect.verifySteps([["find", "olg"]]);
        expect(RECENT).toHaveCount(0);
        expect(queryAllTexts(FOUND)).toEqual([
            "Olga Petrova\nHarbour Ltd\n020 7946 021",
            "Olaf\nNo phone number",
        ]);
        expect(`${FOUND} .o_pbx_phone_call`).toHaveCount(1);
        await click(".o_pbx_phone_clear");
        await animationFrame();
        expect(FIELD).toHaveValue("");
        expect(FIELD).toBeFocused();
        expect(RECENT).toHaveCount(1);
    });

    test("an answer that comes late does not replace a newer one", async () => {
        const first = new Deferred();
        const second = new Deferred();
        server.find = (text) => (text === "ol" ? first : second);
        await openPanel();
        await find("ol");
        await find("olga");
        expect.verifySteps([
            ["find", "ol"],
            ["find", "olga"],
        ]);
        second.resolve([contact(1, "Olga Petrova")]);
        await settle();
        first.resolve([contact(2, "Olaf")]);
        await settle();
        expect(queryAllTexts(`${FOUND} .o_pbx_phone_party`)).toEqual(["Olga Petrova"]);
        expect(".o_pbx_phone_found .fa-spin").toHaveCount(0);
    });

    test("an answer to what was deleted since shows nothing", async () => {
        const late = new Deferred();
        server.find = () => late;
        await openPanel();
        await find("ol");
        expect.verifySteps([["find", "ol"]]);
        await click(".o_pbx_phone_clear");
        late.resolve([contact(2, "Olaf")]);
        await settle();
        await type("x");
        expect(FOUND).toHaveCount(0);
    });

    test("nobody found, and nothing heard", async () => {
        await openPanel();
        await find("zzz");
        expect.verifySteps([["find", "zzz"]]);
        expect(".o_pbx_phone_found [role=status]").toHaveText(
            "No contact or lead has this name.",
        );
        server.fail = lost;
        await find("zz");
        expect.verifySteps([["find", "zz"]]);
        expect(".o_pbx_phone_error [role=alert]").toHaveText(
            "Odoo cannot be reached. Check your connection.",
        );
        expect(".o_pbx_phone_found [role=status]").toHaveText("");
        server.fail = null;
        server.find = () => [contact(1, "Zz Top")];
        await click(".o_pbx_phone_error button");
        await settle();
        expect.verifySteps([["find", "zz"]]);
        expect(FOUND).toHaveCount(1);
    });

    test("a contact is opened from its name", async () => {
        server.find = () => [contact(1, "Olga Petrova")];
        await openPanel();
        await find("olga");
        await click(`${FOUND} .o_pbx_phone_open`);
        await settle();
        expect.verifySteps([
            ["find", "olga"],
            ["open", "res.partner", 1, "form"],
        ]);
    });
});
