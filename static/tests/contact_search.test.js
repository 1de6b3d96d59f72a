import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {keyDown, queryAll, queryAllTexts, queryFirst, queryOne} from "@odoo/hoot-dom";
import {Deferred, mockDate} from "@odoo/hoot-mock";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {onRpc} from "@web/../tests/web_test_helpers";

import {
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    openCards,
    press,
    STRANGER,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const NAME = ".o_pbx_card_title";
const BORIS = {...OLGA, id: 8, name: "Boris Ivanov", company: ""};

let server = null;

beforeEach(() => {
    mockDate("2026-06-16 12:00:00", 0);
    mockActions((action) => expect.step(action));
    server = mockDeskServer();
});

describe("link to an existing contact", () => {
    const INPUT = ".o_pbx_card_search input";
    const FOUND = ".o_pbx_card_search [role=option]";

    async function typeSearch(text) {
        const input = queryOne(INPUT);
        input.value = text;
        input.dispatchEvent(new Event("input", {bubbles: true}));
        await pass(0.4);
    }

    beforeEach(() => {
        onRpc("pbx.desk", "pick_contact", ({args}) => {
            expect.step(args);
            server.cards[1] = makeCard({contact: BORIS});
            return {};
        });
    });

    test("found by typing, chosen by keys", async () => {
        onRpc("pbx.desk", "search_contacts", ({args}) => {
            expect.step(args);
            return [OLGA, BORIS];
        });
        await openCards(server, makeCard(STRANGER));
        await press("Link to an existing contact");
        expect(INPUT).toBeFocused();
        await typeSearch("o");
        expect(FOUND).toHaveCount(0);
        expect.verifySteps([]);
        await typeSearch("or");
        expect.verifySteps([["or"]]);
        expect(FOUND).toHaveCount(2);
        expect(`${FOUND}[aria-selected=true]`).toHaveText(/Olga/);
        const names = [];
        for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) {
            await keyDown(key);
            await settle();
            names.push(
                queryFirst(`${FOUND}[aria-selected=true] span span`).textContent,
            );
        }
        expect(names).toEqual(["Boris Ivanov", "Olga Petrova", "Boris Ivanov"]);
        expect(INPUT).toHaveAttribute("aria-activedescendant", "o_pbx_found_8");
        await keyDown("Enter");
        await settle();
        expect.verifySteps([[1, 8]]);
        expect(NAME).toHaveText("Boris Ivanov");
        expect(INPUT).toHaveCount(0);
    });

    test("by the mouse", async () => {
        onRpc("pbx.desk", "search_contacts", () => [OLGA, BORIS]);
        await openCards(server, makeCard(STRANGER));
        await press("Link to an existing contact");
        await typeSearch("bor");
        queryAll(FOUND)[1].click();
        await settle();
        expect.verifySteps([[1, 8]]);
    });

    test("answers that overtake each other", async () => {
        const first = new Deferred();
        onRpc("pbx.desk", "search_contacts", ({args: [text]}) =>
            text === "ol" ? first : [BORIS],
        );
        await openCards(server, makeCard(STRANGER));
        await press("Link to an existing contact");
        await typeSearch("ol");
        await typeSearch("bor");
        expect(queryAllTexts(`${FOUND} span span:first-child`)).toEqual([
            "Boris Ivanov",
        ]);
        first.resolve([OLGA]);
        await settle();
        expect(queryAllTexts(`${FOUND} span span:first-child`)).toEqual([
            "Boris Ivanov",
        ]);
    });

    test("nobody is found; Escape gives it up, and the card stays as it is", async () => {
        onRpc("pbx.desk", "search_contacts", () => []);
        await openCards(server, makeCard(STRANGER));
        await press("Link to an existing contact");
        await typeSearch("xyz");
        expect(".o_pbx_card_search p").toHaveText(
            "No contact with this name or number.",
        );
        await keyDown("Escape");
        await settle();
        expect(INPUT).toHaveCount(0);
        expect(".o_pbx_card_body").toHaveCount(1);
    });
});
