import {animationFrame, Deferred, mockDate} from "@odoo/hoot-mock";
import {click, press, queryAllTexts, queryFirst} from "@odoo/hoot-dom";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {
    contains,
    defineModels,
    defineParams,
    fields,
    makeMockEnv,
    makeServerError,
    mockService,
    models,
    mountWithCleanup,
    onRpc,
} from "@web/../tests/web_test_helpers";
import {describe, expect, test} from "@odoo/hoot";

import {changeOf, formatFigure} from "@cloud_pbx/figures/figure_kinds";
import {FiguresAction} from "@cloud_pbx/figures/figures_action";

describe.current.tags("desktop");

class PbxCall extends models.Model {
    _name = "pbx.call";

    direction = fields.Char();
    start = fields.Datetime();

    _views = {
        search: `<search>
            <filter name="inbound" string="Incoming" domain="[('direction', '=', 'inbound')]"/>
            <filter name="outbound" string="Outgoing" domain="[('direction', '=', 'outbound')]"/>
        </search>`,
    };
}

defineMailModels();
defineModels([PbxCall]);

const FIGURES = {
    inbound: 30,
    answered: 25,
    lost: 5,
    withheld_lost: 1,
    outbound: 24,
    reached: 21,
    answer_rate: 25 / 30,
    service_level: 0.5,
    wait_median: 13,
    wait_p90: 16,
    patience_median: 75,
    talk_seconds: 8810,
    talk_average: 192.4,
    promises: 4,
    kept: 3,
    kept_in_time: 2,
    dismissed: 0,
    open: 1,
    overdue: 0,
    kept_rate: 0.75,
    callback_median: 975,
    new_callers: 6,
    first_call_to_lead: 0.5,
    leads: 3,
    won: 1,
    won_revenue: 1200,
};
const BASE = [["state", "=", "done"]];
const LOST = [["outcome", "=", "missed"]];

function makeData(values = {}) {
    const ofCalls = (domain) => ({model: "pbx.call", field: false, domain});
    const records = Object.fromEntries(
        Object.keys(FIGURES).map((name) => [name, ofCalls([["name", "=", name]])]),
    );
    return {
        figures: FIGURES,
        period: {begin: "2026-11-24 00:00:00", end: "2026-11-30 12:00:00"},
        before: {begin: "2026-11-17 00:00:00", end: "2026-11-23 12:00:00"},
        figures_before: {...FIGURES, inbound: 20, lost: 10, answer_rate: 0.9, open: 9},
        domain: BASE,
        records: {
            ...records,
            lost: ofCalls(LOST),
            open: {
                model: "pbx.promise",
                field: "first_call_id",
                domain: [["state", "=", "open"]],
            },
            leads: {model: "crm.lead", field: "pbx_call_id", domain: [[1, "=", 1]]},
        },
        times: {
            step: "day",
            rows: ["24", "25"].map((day, place) => ({
                at: `2026-11-${day} 00:00:00`,
                begin: `2026-11-${day} 05:00:00`,
                end: `2026-11-${Number(day) + 1} 05:00:00`,
                answered: 4 + place,
                lost: place,
                outbound: 3,
            })),
        },
        // Monday at nine and ten, Tuesday at nine, Sunday at six.
        hours: [
            {weekday: 0, hour: 9, inbound: 5, lost: 1},
            {weekday: 0, hour: 10, inbound: 2, lost: 0},
            {weekday: 1, hour: 9, inbound: 1, lost: 1},
            {weekday: 6, hour: 6, inbound: 1, lost: 0},
        ],
        people: [
            {...FIGURES, key: 7, label: "Anna", domain: [["user_id", "=", 7]]},
            {
                ...FIGURES,
                key: false,
                label: "Nobody",
                domain: [["user_id", "=", false]],
                answered: 0,
                wait_median: null,
                outbound: 0,
                reached: 0,
                talk_seconds: 0,
                talk_average: null,
            },
        ],
        lines: [],
        sources: [{...FIGURES, key: false, label: "None", domain: []}],
        service_seconds: 20,
        currency_id: 1,
        ...values,
    };
}

async function open(values, context = {}) {
    onRpc("pbx.overview", "read_overview", () => makeData(values));
    mockService("action", {
        doAction: ({name, res_model, domain}) =>
            expect.step([name, res_model, conditionsOf(domain)].join(" | ")),
    });
    await mountWithCleanup(FiguresAction, {
        props: {action: {context}, actionId: 1},
    });
    await animationFrame();
    await animationFrame();
}

const figure = (name) => `.o_pbx_figure[data-figure=${name}]`;
const behind = (...conditions) => JSON.stringify(conditions);
/** Of a domain in which all conditions have to hold. */
const conditionsOf = (domain) => behind(...domain.filter((part) => part !== "&"));

test("figures, and how they changed", async () => {
    await open();
    expect(".o_pbx_figures_period").toHaveText(
        "Nov 24 – 30, 2026, compared with Nov 17 – 23, 2026",
    );
    for (const [name, value, change, meaning] of [
        ["inbound", "30", "50%", "neutral"],
        ["answer_rate", "83.3%", "6.7 points", "bad"],
        ["lost", "5", "50%", "good"],
        ["wait_median", "0:13", "unchanged", "neutral"],
    ]) {
        const selector = figure(name);
        expect(`${selector} .o_pbx_figure_value`).toHaveText(new RegExp(`${value}$`));
        expect(`${selector} .o_pbx_figure_change`).toHaveText(new RegExp(`^${change}`));
        expect(`${selector} .o_pbx_figure_change`).toHaveAttribute(
            "data-meaning",
            meaning,
        );
    }
    expect(`${figure("patience_median")} .o_pbx_figure_value`).toHaveText(/1:15$/);
    expect(`${figure("service_level")} .o_pbx_figure_more`).toHaveText("within 20 s");
    expect(`${figure("answer_rate")} .o_pbx_figure_more`).toHaveText("25 of 30");
    // What is open now says nothing of the period before.
    expect(`${figure("open")} .o_pbx_figure_change`).toHaveCount(0);
});

test("each figure opens what is behind it", async () => {
    await open();
    await click(`${figure("lost")} .o_pbx_figure_value`);
    await click(`${figure("answer_rate")} [data-figure=answered]`);
    await click(`${figure("open")} .o_pbx_figure_value`);
    await click(`${figure("leads")} .o_pbx_figure_value`);
    const answered = ["name", "=", "answered"];
    const promises = ["first_call_id", "any", BASE];
    const leads = ["pbx_call_id", "any", BASE];
    expect.verifySteps([
        `Lost calls | pbx.call | ${behind(BASE[0], LOST[0])}`,
        `Answered calls | pbx.call | ${behind(BASE[0], answered)}`,
        `Open call-backs | pbx.promise | ${behind(promises, ["state", "=", "open"])}`,
        `Leads made by calls | crm.lead | ${behind(leads, [1, "=", 1])}`,
    ]);
});

test("what there is none of is a dash with a hint, and no zero", async () => {
    const figures = {
        ...FIGURES,
        lost: 0,
        patience_median: null,
        kept_rate: null,
        first_call_to_lead: null,
    };
    await open({figures});
    expect(`${figure("patience_median")} .o_pbx_figure_value`).toHaveText("–");
    expect(`${figure("patience_median")} .o_pbx_figure_more`).toHaveText(
        "No lost calls",
    );
    expect(`${figure("patience_median")} button`).toHaveCount(0);
    expect(`${figure("lost")} .o_pbx_figure_value`).toHaveText(/0$/);
    expect(`${figure("kept_rate")} .o_pbx_figure_more`).toHaveText(
        /^No call-back was due/,
    );
    expect(`${figure("new_callers")} .o_pbx_figure_more`).toHaveText("");
});

test("leads and revenue are left out for those who may not see them", async () => {
    const hidden = {leads: null, won: null, won_revenue: null};
    const figures = {...FIGURES, ...hidden};
    await open({
        figures,
        lines: [{...figures, key: 3, label: "Support", domain: []}],
    });
    expect(figure("leads")).toHaveCount(0);
    expect(figure("won_revenue")).toHaveCount(0);
    expect(figure("new_callers")).toHaveCount(1);
    expect("[aria-label=Lines] td[data-figure=leads]").toHaveCount(0);
    expect("[aria-label=Lines] td[data-figure=new_callers]").toHaveCount(1);
});

test("without a period there is no comparison", async () => {
    await open({before: null, figures_before: null});
    expect(".o_pbx_figures_period").toHaveText(
        "Nov 24 – 30, 2026. Select one period to compare it with the one before.",
    );
    expect(".o_pbx_figure_change").toHaveCount(0);
});

test("without calls in the period before there is no comparison", async () => {
    await open({figures_before: {...FIGURES, inbound: 0, outbound: 0}});
    expect(".o_pbx_figures_period").toHaveText(/There were no calls in Nov 17 – 23/);
    expect(".o_pbx_figure_change").toHaveCount(0);
});

test("an empty log says what to do, an empty search something else", async () => {
    const figures = {...FIGURES, inbound: 0, outbound: 0};
    const help = "<p>Connect your cloud PBX</p>";
    let answer = {figures, help};
    onRpc("pbx.overview", "read_overview", () => answer);
    await mountWithCleanup(FiguresAction, {props: {action: {}, actionId: 1}});
    await animationFrame();
    await animationFrame();
    expect(".o_view_nocontent").toHaveText("Connect your cloud PBX");
    expect(".o_pbx_figure").toHaveCount(0);
    answer = {figures, help: false};
    await contains(".o_searchview_dropdown_toggler").click();
    await contains(".o_menu_item:contains(Incoming)").click();
    await animationFrame();
    expect(".o_view_nocontent").toHaveText(/^No calls found/);
});

test("what cannot be read is said, and read again on request", async () => {
    let isBroken = true;
    onRpc("pbx.overview", "read_overview", () => {
        if (isBroken) {
            throw makeServerError({type: "ValueError", message: "secret"});
        }
        return makeData();
    });
    await mountWithCleanup(FiguresAction, {props: {action: {}, actionId: 1}});
    await animationFrame();
    await animationFrame();
    expect(".o_pbx_figures [role=alert]").toHaveText(/Odoo could not load this/);
    expect(".o_pbx_figures [role=alert]").not.toHaveText(/secret/);
    isBroken = false;
    await click(".o_pbx_figures [role=alert] button");
    await animationFrame();
    await animationFrame();
    expect(".o_pbx_figures [role=alert]").toHaveCount(0);
    expect(figure("inbound")).toHaveCount(1);
});

test("an answer that was overtaken is dropped; meanwhile the old figures stay", async () => {
    const answers = {
        all: makeData(),
        inbound: new Deferred(),
        outbound: new Deferred(),
    };
    onRpc("pbx.overview", "read_overview", ({args: [domain]}) => {
        const text = JSON.stringify(domain);
        const kinds = ["outbound", "inbound"].filter((kind) => text.includes(kind));
        expect.step(kinds[0] || "all");
        return answers[kinds[0] || "all"];
    });
    await mountWithCleanup(FiguresAction, {props: {action: {}, actionId: 1}});
    await animationFrame();
    await animationFrame();
    await contains(".o_searchview_dropdown_toggler").click();
    await contains(".o_menu_item:contains(Incoming)").click();
    expect(".o_pbx_figures_page").toHaveAttribute("aria-busy", "true");
    expect(`${figure("inbound")} .o_pbx_figure_value`).toHaveText(/30$/);
    await contains(".o_menu_item:contains(Outgoing)").click();
    answers.outbound.resolve(makeData({figures: {...FIGURES, inbound: 2}}));
    await animationFrame();
    await animationFrame();
    expect(`${figure("inbound")} .o_pbx_figure_value`).toHaveText(/2$/);
    answers.inbound.resolve(makeData({figures: {...FIGURES, inbound: 1}}));
    await animationFrame();
    await animationFrame();
    expect(`${figure("inbound")} .o_pbx_figure_value`).toHaveText(/2$/);
    expect(".o_pbx_figures_page").toHaveAttribute("aria-busy", "false");
    expect.verifySteps(["all", "inbound", "outbound"]);
});

test("what is searched at first comes from the action", async () => {
    onRpc("pbx.overview", "read_overview", ({args: [domain]}) => {
        expect.step(JSON.stringify(domain));
        return makeData();
    });
    await mountWithCleanup(FiguresAction, {
        props: {action: {context: {search_default_inbound: 1}}, actionId: 1},
    });
    await animationFrame();
    expect(".o_facet_value").toHaveText("Incoming");
    expect.verifySteps([JSON.stringify([["direction", "=", "inbound"]])]);
});

test("calls by time are bars, and a table whose numbers open their calls", async () => {
    await open();
    expect(".o_pbx_by_time canvas").toHaveCount(1);
    await click(".o_pbx_by_time button[aria-label=Table]");
    await animationFrame();
    expect(".o_pbx_by_time canvas").toHaveCount(0);
    expect(queryAllTexts(".o_pbx_by_time tbody th")).toEqual([
        "Tue, Nov 24, 2026",
        "Wed, Nov 25, 2026",
    ]);
    expect(queryAllTexts(".o_pbx_by_time tbody td")).toEqual([
        ...["4", "0", "3"],
        ...["5", "1", "3"],
    ]);
    await click(".o_pbx_by_time tbody tr:eq(1) td:eq(1) button");
    const time = [
        ["start", ">=", "2026-11-25 05:00:00"],
        ["start", "<", "2026-11-26 05:00:00"],
    ];
    expect.verifySteps([
        `Lost calls, Wed, Nov 25, 2026 | pbx.call | ${behind(BASE[0], ...time, LOST[0])}`,
    ]);
    await click(".o_pbx_by_time button[aria-label=Chart]");
    await animationFrame();
    expect(".o_pbx_by_time canvas").toHaveCount(1);
});

test("the week of the heat map begins as in the language", async () => {
    defineParams({lang_parameters: {week_start: 7}});
    await open();
    expect(queryAllTexts(".o_pbx_heat_map tbody th [aria-hidden]")).toEqual([
        ...["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    ]);
    // From the earliest call to the end of a working day.
    expect(".o_pbx_heat_map thead th").toHaveCount(12);
    expect(".o_pbx_heat_map thead th:first").toHaveText("6 AM");
    expect(queryAllTexts(".o_pbx_heat_map tbody tr:eq(1) button")).toEqual(["5", "2"]);
});

test("the heat map has an hour that the clock skips today", async () => {
    mockDate("2026-03-29 12:00:00", "Europe/London");
    const hours = [{weekday: 0, hour: 1, inbound: 5, lost: 1}];
    await open({hours});
    expect(queryAllTexts(".o_pbx_heat_map thead th").slice(0, 3)).toEqual([
        "1 AM",
        "2 AM",
        "3 AM",
    ]);
});

test("the heat map is walked by arrows, and opens calls", async () => {
    defineParams({lang_parameters: {week_start: 1}});
    await open();
    const reachable = ".o_pbx_heat_map button[tabindex='0'][data-place]";
    expect(reachable).toHaveCount(1);
    expect(reachable).toHaveText("5");
    expect(reachable).toHaveAttribute("aria-label", "Monday, 9 AM: 5 incoming, 1 lost");
    queryFirst(reachable).focus();
    await press("ArrowRight");
    await animationFrame();
    expect(document.activeElement).toHaveText("2");
    await press("ArrowRight");
    expect(document.activeElement).toHaveText("2");
    await press("ArrowLeft");
    await press("ArrowDown");
    await animationFrame();
    expect(document.activeElement).toHaveAttribute(
        "aria-label",
        "Tuesday, 9 AM: 1 incoming, 1 lost",
    );
    expect(reachable).toHaveCount(1);
    await press("Enter");
    const cell = [
        ["start_weekday", "=", 1],
        ["start_hour", "=", 9],
    ];
    const inbound = ["name", "=", "inbound"];
    await click(".o_pbx_heat_map [role=group] button:contains(Lost)");
    await animationFrame();
    expect(queryAllTexts(".o_pbx_heat_map tbody button")).toEqual(["1", "1"]);
    await click(".o_pbx_heat_map tbody button:first");
    const monday = [["start_weekday", "=", 0], cell[1]];
    expect.verifySteps([
        `Incoming calls, Tuesday, 9 AM | pbx.call | ${behind(BASE[0], ...cell, inbound)}`,
        `Lost calls, Monday, 9 AM | pbx.call | ${behind(BASE[0], ...monday, LOST[0])}`,
    ]);
});

test("tables: the most calls first, few rows, and each number opens its calls", async () => {
    const lines = [...Array(12).keys()].map((place) => ({
        ...FIGURES,
        key: place + 1,
        label: `Line ${place}`,
        inbound: place,
        domain: [["line_id", "=", place + 1]],
    }));
    await open({lines});
    // Nobody answered nothing: that is no row. One source is no table.
    expect(queryAllTexts("[aria-label=People] tbody th")).toEqual(["Anna"]);
    expect("[aria-label=Sources]").toHaveCount(0);
    const table = "[aria-label=Lines]";
    expect(`${table} tbody tr`).toHaveCount(10);
    expect(`${table} tbody th:first`).toHaveText("Line 11");
    await click(`${table} > button`);
    await animationFrame();
    expect(`${table} tbody tr`).toHaveCount(12);
    expect(`${table} > button`).toHaveCount(0);
    await click(`${table} tbody th:first button`);
    await click(`${table} tbody tr:first td[data-figure=lost] button`);
    const line = ["line_id", "=", 12];
    expect.verifySteps([
        `Calls, Line 11 | pbx.call | ${behind(line)}`,
        `Lost calls, Line 11 | pbx.call | ${behind(line, LOST[0])}`,
    ]);
});

test("how figures are written", async () => {
    await makeMockEnv();
    for (const [name, value, text] of [
        ["inbound", 1234, "1,234"],
        ["inbound", 0, "0"],
        ["answer_rate", 1, "100%"],
        ["answer_rate", 0.8333, "83.3%"],
        ["answer_rate", 0, "0%"],
        ["wait_median", 0, "0:00"],
        ["talk_seconds", 8810, "2:26:50"],
        ["talk_average", 192.4, "3:12"],
        ["wait_median", null, "–"],
    ]) {
        expect(String(formatFigure(name, value))).toBe(text);
    }
});

test("how changes are written, and whether they are good", async () => {
    await makeMockEnv();
    for (const [name, value, before, text, direction, meaning] of [
        ["inbound", 30, 20, "50%", 1, "neutral"],
        ["lost", 5, 10, "50%", -1, "good"],
        ["lost", 10, 5, "100%", 1, "bad"],
        ["lost", 3, 0, "3", 1, "bad"],
        ["answer_rate", 0.9, 0.855, "4.5 points", 1, "good"],
        ["wait_median", 70, 10, "1:00", 1, "bad"],
        ["callback_median", 60, 120, "1:00", -1, "good"],
        ["talk_seconds", 90, 60, "50%", 1, "neutral"],
        ["won_revenue", 100, 400, "75%", -1, "bad"],
        ["lost", 5, 5, "unchanged", 0, "neutral"],
    ]) {
        const change = changeOf(name, value, before);
        expect(String(change.text)).toBe(text);
        expect([change.direction, change.meaning]).toEqual([direction, meaning]);
    }
    expect(changeOf("wait_median", null, 5)).toBe(null);
    expect(changeOf("wait_median", 5, null)).toBe(null);
    expect(changeOf("overdue", 5, 1)).toBe(null);
});
