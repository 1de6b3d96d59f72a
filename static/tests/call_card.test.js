import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryAll, queryAllTexts, queryOne} from "@odoo/hoot-dom";
import {mockDate} from "@odoo/hoot-mock";
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
    show,
    STRANGER,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const TITLE = ".o_pbx_card_title";
const STATE = ".o_pbx_card_state";

let server = null;

beforeEach(() => {
    mockDate("2026-06-16 12:00:00", 0);
    mockActions((action) => expect.step(action));
    server = mockDeskServer();
});

const texts = (selector) =>
    queryAllTexts(selector).map((text) => text.replace(/\s+/g, " "));

const buttons = () =>
    queryAll(".o_pbx_card_actions button").map(
        (el) => el.getAttribute("aria-label") || el.textContent.trim(),
    );

describe("who it is", () => {
    test("everything that is known of somebody", async () => {
        await openCards(
            server,
            makeCard({
                contact: {
                    ...OLGA,
                    tags: [
                        {id: 1, name: "VIP", color: 2},
                        {id: 2, name: "Ships", color: 3},
                    ],
                },
                flag: "/base/static/img/country_flags/gb.png",
                zone: "America/New_York",
                leads: [
                    {id: 4, name: "Two boats", stage: "Won soon", revenue: "£ 900"},
                ],
                activities: [
                    {
                        id: 5,
                        res_model: "crm.lead",
                        res_id: 4,
                        name: "Send the offer",
                        state: "overdue",
                        deadline: "2026-06-15",
                        icon: "fa-upload",
                    },
                ],
                calls: [
                    {
                        id: 2,
                        start: "2026-06-16 09:00:00",
                        direction: "inbound",
                        outcome: "missed",
                        talk_seconds: 0,
                        note: "",
                        user: "Boris",
                    },
                    {
                        id: 3,
                        start: "2026-06-09 12:00:00",
                        direction: "outbound",
                        outcome: "answered",
                        talk_seconds: 125,
                        note: "Asked for a discount.",
                        user: "Anna",
                    },
                ],
            }),
        );
        expect(STATE).toHaveText("Incoming call");
        expect(TITLE).toHaveText("Olga Petrova");
        expect(".o_pbx_card_subtitle").toHaveText("Buyer · Harbour Ltd");
        expect(texts(".o_pbx_card .o_tag")).toEqual(["VIP", "Ships"]);
        expect(".o_pbx_card_number").toHaveText("+44 20 7946 0201");
        expect(".o_pbx_card_number img").toHaveAttribute("alt", "United Kingdom");
        expect(".o_pbx_card_line").toHaveText("Support (+44 20 7946 0900)");
        expect(".o_pbx_card span:has(> .fa-clock-o)").toHaveText(/8:00.AM/);
        expect(".o_pbx_card header img").toHaveAttribute("data-src", OLGA.avatar);
        expect(texts(".o_pbx_card_leads li")).toEqual(["Two boats Won soon £ 900"]);
        expect(texts(".o_pbx_card_activities li")).toEqual([
            "Send the offer yesterday",
        ]);
        expect(".o_pbx_card_activities .text-danger").toHaveText("yesterday");
        expect(texts(".o_pbx_card_calls li")).toEqual([
            "3 hours ago Missed Boris",
            "7 days ago Answered (2:05) Asked for a discount.",
        ]);
        expect(".o_pbx_card").toHaveAttribute(
            "aria-label",
            "Incoming call: Olga Petrova",
        );
        expect("[role=status]:first").toHaveText("Incoming call from Olga Petrova");
        expect(buttons()).toEqual([
            "Open contact",
            "Create lead",
            "Log activity",
            "Call details",
        ]);
    });

    test("the local time is that of the server's clock", async () => {
        server.ahead = 3600;
        await openCards(server, makeCard({zone: "America/New_York"}));
        expect(".o_pbx_card span:has(> .fa-clock-o)").toHaveText(/9:00.AM/);
    });

    test("no local time where the clocks show the same as here", async () => {
        await openCards(server, makeCard({zone: "Africa/Abidjan"}));
        expect(".o_pbx_card span:has(> .fa-clock-o)").toHaveCount(0);
    });

    test("somebody unknown", async () => {
        await openCards(server, makeCard(STRANGER));
        expect(TITLE).toHaveText("+44 20 7946 0777");
        expect(".o_pbx_card_number").toHaveText("United Kingdom");
        expect(".o_pbx_card_unknown").toHaveText(
            "Nobody in your contacts has this number.",
        );
        expect(buttons()).toEqual([
            "Create contact",
            "Create lead",
            "Link to an existing contact",
            "Log activity",
            "Call details",
        ]);
    });

    test("a number that is withheld can be no contact's", async () => {
        await openCards(
            server,
            makeCard({contact: false, number: "", number_readable: "", country: ""}),
        );
        expect(TITLE).toHaveText("Withheld number");
        expect(".o_pbx_card_unknown").toHaveCount(0);
        expect(button("Create contact")).toBe(undefined);
    });

    test("of a call of ours the number is unknown, not withheld", async () => {
        await openCards(
            server,
            makeCard({
                contact: false,
                direction: "outbound",
                number: "",
                number_readable: "",
                country: "",
            }),
        );
        expect(TITLE).toHaveText("Unknown number");
    });

    test("who may create nothing is offered nothing", async () => {
        const rights = {can_create_contact: false, can_create_lead: false};
        await openCards(server, makeCard({...STRANGER, ...rights}));
        expect(buttons()).toEqual([
            "Link to an existing contact",
            "Log activity",
            "Call details",
        ]);
    });

    test("a call from a colleague is neither a lead nor somebody's", async () => {
        const internal = {can_create_contact: false, can_create_lead: false};
        await openCards(server, makeCard({...STRANGER, ...internal, can_link: false}));
        expect(buttons()).toEqual(["Log activity", "Call details"]);
    });

    test("a name that the user may read, of a contact that they may not", async () => {
        await openCards(server, makeCard({contact: false, name: "Secret Ltd"}));
        expect(TITLE).toHaveText("Secret Ltd");
        expect(".o_pbx_card_unknown").toHaveCount(0);
        expect(button("Open contact")).toBe(undefined);
        expect(button("Create contact")).toBe(undefined);
    });

    test("it is looked up only when somebody lifts", async () => {
        await openCards(server, makeCard({...STRANGER, looked_up: false}));
        expect(".o_pbx_card_body p").toHaveText(
            "The caller is looked up when the call is answered.",
        );
        expect(button("Create contact")).toBe(undefined);
        expect(button("Link to an existing contact")).toBe(undefined);
        server.notify(makeCard({state: "ongoing"}));
        await settle();
        expect(TITLE).toHaveText("Olga Petrova");
    });

    test("every text stays text", async () => {
        const evil = '<img class="evil" src="x" onerror="hacked()"/>';
        const who = {
            ...OLGA,
            name: evil,
            company: evil,
            job: evil,
            tags: [{id: 1, name: evil, color: 0}],
        };
        const lead = {id: 1, name: evil, stage: evil, revenue: evil};
        const activity = {id: 1, name: evil, state: evil, deadline: "2026-06-15"};
        const call = {
            id: 9,
            start: "2026-06-16 09:00:00",
            direction: evil,
            outcome: evil,
            note: evil,
        };
        const text = {
            number_readable: evil,
            line: evil,
            line_name: evil,
            country: evil,
            flag: "x",
            zone: evil,
            note: evil,
            taken_by: evil,
            leads: [lead],
            activities: [{...activity, icon: evil}],
            calls: [call],
        };
        await openCards(
            server,
            makeCard({id: 1, ...text, contact: who, name: evil}),
            makeCard({
                id: 2,
                ...text,
                contact: false,
                candidates: [who, {...who, id: 8}],
            }),
            makeCard({id: 3, ...text}),
        );
        server.change(3, {state: "taken"});
        await settle();
        await press("Show all of this card", 1);
        expect(".evil").toHaveCount(0);
        await press("Show all of this card", 2);
        onRpc("pbx.desk", "search_contacts", () => [who]);
        await press("Link to an existing contact", 2);
        await typeSearch("evil");
        expect(".o_pbx_card_search li").toHaveText(/onerror/);
        expect(".evil").toHaveCount(0);
        expect(".o_pbx_card[data-call-id='1'] .o_pbx_card_title").toHaveText(evil);
        expect(queryAll(".o_pbx_card [onerror]")).toHaveLength(0);
    });
});

/** Type into the search for a contact, and wait as long as it does. */
async function typeSearch(text) {
    const input = queryOne(".o_pbx_card_search input");
    input.value = text;
    input.dispatchEvent(new Event("input", {bubbles: true}));
    await pass(0.4);
}

describe("how it goes", () => {
    test("ringing, talking, ended", async () => {
        await openCards(server, makeCard());
        expect(STATE).toHaveText("Incoming call");
        expect("[role=timer]").toHaveCount(0);
        await change(server, 1, {state: "ongoing", answer: ago(65)});
        expect(STATE).toHaveText("Talking");
        expect("[role=timer]").toHaveText("1:05");
        await pass(10);
        expect("[role=timer]").toHaveText("1:15");
        await change(server, 1, {state: "done", outcome: "answered", talk_seconds: 75});
        expect(STATE).toHaveText("Ended · 1:15");
        expect("[role=timer]").toHaveCount(0);
        await pass(31);
        expect(".o_pbx_card").toHaveCount(0);
    });

    for (const ahead of [3600, -3600]) {
        test(`the timer goes by a server's clock that is ${ahead} s ahead`, async () => {
            server.ahead = ahead;
            await openCards(
                server,
                makeCard({state: "ongoing", answer: ago(65 - ahead)}),
            );
            expect("[role=timer]").toHaveText("1:05");
            await pass(10);
            expect("[role=timer]").toHaveText("1:15");
        });
    }

    test("the words for each end", async () => {
        const desk = await openCards(server);
        const ends = {
            missed: ["Missed", "text-bg-danger"],
            busy: ["Busy", "text-bg-warning"],
            no_answer: ["No answer", "text-bg-warning"],
            cancelled: ["Cancelled", "text-bg-warning"],
            failed: ["Failed", "text-bg-warning"],
            answered: ["Ended", "text-bg-secondary"],
        };
        for (const [outcome, [word, tint]] of Object.entries(ends)) {
            await show(server, makeCard({direction: "outbound"}));
            expect(STATE).toHaveText("Calling…");
            await change(server, 1, {state: "done", outcome});
            expect(STATE).toHaveText(word);
            expect(STATE).toHaveClass(tint);
            desk.stack.remove(1);
        }
    });

    test("taken by a colleague", async () => {
        await openCards(server, makeCard());
        await change(server, 1, {state: "taken", taken_by: "Boris"});
        expect(STATE).toHaveText("Taken by Boris");
        expect(".o_pbx_card textarea").toHaveCount(0);
        await pass(5);
        expect(".o_pbx_card").toHaveCount(0);
    });
});

describe("more that is known", () => {
    test("whose customer it is, and who spoke last with them", async () => {
        const last_spoken = {user: "Ben", start: ago(3 * 24 * 3600)};
        await openCards(server, makeCard({owner: "Anna", last_spoken}));
        expect(".o_pbx_card_owner").toHaveText(/Salesperson: Anna/);
        expect(".o_pbx_card_owner").toHaveText(/Spoke last with Ben, 3 days ago/);
        // Now they have spoken.
        await change(server, 1, {state: "done", outcome: "answered", talk_seconds: 9});
        expect(".o_pbx_card_owner").toHaveText("Salesperson: Anna");
    });

    test("no gap where nothing is known of the number", async () => {
        const values = {...STRANGER, country: "", flag: ""};
        await openCards(server, makeCard(values));
        expect(".o_pbx_card_number").toHaveCount(0);
        const [line, name] = [".o_pbx_card_line", ".o_pbx_card_unknown"].map(
            (selector) => queryOne(selector).getBoundingClientRect().left,
        );
        expect(line).toBe(name);
        await change(server, 1, {country: "Spain"});
        expect(".o_pbx_card_number").toHaveText("Spain");
    });

    test("why it failed, on a small card too", async () => {
        const reason = "The PBX account has no money: tell the administrator.";
        await openCards(server, makeCard({direction: "outbound"}));
        await change(server, 1, {
            state: "done",
            outcome: "failed",
            failure_reason: reason,
        });
        expect(".o_pbx_card_failure").toHaveText(reason);
        await press("Make this card small");
        expect(".o_pbx_card_failure").toHaveText(reason);
    });

    test("the extension behind the number, on a small card too, until it is over", async () => {
        await openCards(server, makeCard({direction: "outbound", then_dial: "12"}));
        expect(".o_pbx_card_then_dial").toHaveText("then 12");
        await press("Make this card small");
        expect(".o_pbx_card_then_dial").toHaveText("then 12");
        await change(server, 1, {state: "done", outcome: "answered"});
        expect(".o_pbx_card_then_dial").toHaveCount(0);
    });

    test("a voicemail, and its player once it can be heard", async () => {
        const voicemail = {id: 9, seconds: 14, can_hear: false};
        await openCards(server, makeCard());
        await change(server, 1, {state: "done", outcome: "missed", voicemail});
        expect(".o_pbx_voicemail").toHaveText("Voicemail 0:14");
        expect(".o_pbx_voicemail audio").toHaveCount(0);
        await change(server, 1, {voicemail: {...voicemail, can_hear: true}});
        expect(".o_pbx_voicemail audio").toHaveAttribute("src", "/pbx/recording/9");
    });

    test("what is due in five days is not due next month", async () => {
        mockDate("2026-06-28 12:00:00", 0);
        const due = (id, deadline) => ({id, name: "Call", state: "planned", deadline});
        await openCards(
            server,
            makeCard({
                activities: [
                    due(1, "2026-07-03"),
                    due(2, "2026-06-29"),
                    due(3, "2026-06-20"),
                ],
            }),
        );
        expect(queryAllTexts(".o_pbx_card_activities span")).toEqual([
            "in 5 days",
            "tomorrow",
            "8 days ago",
        ]);
    });
});
