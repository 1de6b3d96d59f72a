import {beforeEach, describe, expect, test} from "@odoo/hoot";
import {queryAll, queryOne} from "@odoo/hoot-dom";
import {Component, useState, xml} from "@odoo/owl";
import {defineMailModels} from "@mail/../tests/mail_test_helpers";
import {mountWithCleanup, patchWithCleanup} from "@web/../tests/web_test_helpers";

import {findPlace} from "@cloud_pbx/call_card/placement";
import {MainComponentsContainer} from "@web/core/main_components_container";
import {utils as uiUtils} from "@web/core/ui/ui_service";

import {
    change,
    makeCard,
    mockActions,
    mockDeskServer,
    OLGA,
    press,
    show,
    startDesk,
} from "./desk_helpers";
import {pass, settle} from "./settle_helpers";

describe.current.tags("desktop");

defineMailModels();

const BAR = ".o-mail-Chatter-topbar";
const STACK = ".o_pbx_cards";
const SMALL = ".o_pbx_card_small";

let server = null;

beforeEach(() => {
    mockActions(() => {});
    server = mockDeskServer();
});

/** What of these is hidden by a card, or by the buttons above the cards. */
function hidden(selector) {
    const boxes = queryAll(".o_pbx_card, .o_pbx_cards_bar .btn").map((el) =>
        el.getBoundingClientRect(),
    );
    return queryAll(selector).filter((el) => {
        const {left, right, top, bottom} = el.getBoundingClientRect();
        return boxes.some(
            (box) =>
                box.left < right &&
                left < box.right &&
                box.top < bottom &&
                top < box.bottom,
        );
    });
}

/** A page as Odoo draws one, of absolute boxes; `page.state.boxes` can be changed. */
async function openPage(boxes) {
    class Page extends Component {
        static props = {};
        static template = xml`
            <div class="o_action_manager"><div class="o_form_view">
                <div class="o_control_panel" style="position: fixed; inset: 0 0 auto 0; height: 90px;"/>
                <t t-foreach="state.boxes" t-as="box" t-key="box_index">
                    <button t-if="box.isButton" t-att-class="box.name" t-attf-style="position: fixed; #{box.style}">Go</button>
                    <div t-else="" t-att-class="box.name" t-attf-style="position: fixed; #{box.style}"/>
                </t>
            </div></div>`;
        setup() {
            this.state = useState({boxes});
        }
    }
    await startDesk();
    const page = await mountWithCleanup(Page, {noMainContainer: true});
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    return page;
}

const bar = {
    name: "o-mail-Chatter-topbar",
    style: "bottom: 60px; left: 0; right: 0; height: 32px;",
};

test("the chatter's buttons are not covered: it stands above them, at its side", async () => {
    await openPage([bar]);
    await show(server, makeCard());
    await settle(); // it is drawn, and then it goes
    expect(hidden(BAR)).toHaveLength(0);
    expect(STACK).not.toHaveClass("o_pbx_cards_aside");
    expect(SMALL).toHaveCount(0);
});

test("nor when the chatter comes later than the card, or moves", async () => {
    const page = await openPage([]);
    await show(server, makeCard());
    const bottom = () => Math.round(queryOne(STACK).getBoundingClientRect().bottom);
    expect(bottom()).toBe(window.innerHeight);
    page.state.boxes = [bar];
    await pass(0.5);
    expect(hidden(BAR)).toHaveLength(0);
    // What is free may stay where it is.
    const before = bottom();
    page.state.boxes = [];
    await pass(0.5);
    expect(bottom()).toBe(before);
});

test("a phone field is not covered: it stands at the other side", async () => {
    await openPage([
        {
            name: "o_field_widget o_field_phone",
            style: "left: 20px; width: 300px; top: 100px; bottom: 0;",
        },
    ]);
    await show(server, makeCard());
    await settle();
    expect(hidden(".o_field_phone")).toHaveLength(0);
    expect(STACK).toHaveClass("o_pbx_cards_aside");
    expect(SMALL).toHaveCount(0);
});

test("where buttons are everywhere it is small, and large where the user wants it", async () => {
    // A grid that leaves 130 pixels free between two rows.
    const rows = Array.from({length: Math.ceil(window.innerHeight / 180)}, (_, at) => ({
        name: "every",
        isButton: true,
        style: `top: ${at * 180}px; left: 0; right: 0; height: 50px;`,
    }));
    await openPage(rows);
    await show(server, makeCard());
    await settle();
    expect(SMALL).toHaveCount(1);
    expect(hidden(".every")).toHaveLength(0);
    await press("Show all of this card");
    await settle();
    expect(SMALL).toHaveCount(0);
    expect(".o_pbx_card_body").toHaveCount(1);
});

test("the stack is as high as the window at most, its buttons lie over no card", async () => {
    await openPage([]);
    const leads = [1, 2, 3].map((id) => ({id, name: "Boats", stage: "", revenue: ""}));
    const ids = [1, 2, 3, 4, 5];
    for (const id of ids) {
        await show(
            server,
            makeCard({id, contact: {...OLGA, id}, state: "ongoing", leads}),
        );
        if (id < 4) {
            await change(server, id, {state: "done", outcome: "answered"});
        }
    }
    for (const id of [3, 4]) {
        await press("Show all of this card", id);
    }
    await settle();
    const overlapping = () => {
        const {top, bottom} = queryOne(".o_pbx_cards_list").getBoundingClientRect();
        const buttons = queryOne(".o_pbx_cards_bar").getBoundingClientRect();
        return [top >= buttons.bottom, buttons.top >= 90, bottom <= window.innerHeight];
    };
    expect(overlapping()).toEqual([true, true, true]);
    queryOne(".o_pbx_cards_more").click();
    await settle();
    expect(".o_pbx_card").toHaveCount(5);
    expect(overlapping()).toEqual([true, true, true]);
});

test("what rings is in sight, and where somebody writes too", async () => {
    await openPage([]);
    for (const id of [1, 2, 3]) {
        await show(server, makeCard({id, contact: {...OLGA, id}, state: "ongoing"}));
    }
    queryOne("[data-call-id='3'] textarea").focus();
    await change(server, 3, {state: "done", outcome: "answered"});
    for (const id of [4, 5, 6, 7]) {
        await show(server, makeCard({id, contact: {...OLGA, id}}));
    }
    for (const id of [4, 5, 6, 7]) {
        expect(`[data-call-id="${id}"]`).toHaveCount(1);
    }
    expect("[data-call-id='3'] textarea").toBeFocused();
    const list = queryOne(".o_pbx_cards_list").getBoundingClientRect();
    const last = queryOne("[data-call-id='7']").getBoundingClientRect();
    expect(last.bottom <= list.bottom + 1 && last.top >= list.top).toBe(true);
});

/** Have so many ring at once, each of another caller. */
async function ring(count) {
    const ids = Array.from({length: count}, (_, index) => index + 1);
    for (const id of ids) {
        await show(server, makeCard({id, contact: {...OLGA, id}}));
    }
    await settle();
    return ids;
}

/** Whether each of these is in the window and in the list of cards, as a whole. */
function isWhole(selector) {
    const list = queryOne(".o_pbx_cards_list").getBoundingClientRect();
    return queryAll(selector).every((el) => {
        const {top, bottom} = el.getBoundingClientRect();
        return top >= list.top - 1 && bottom <= list.bottom + 1 && bottom - top > 10;
    });
}

/**
 * Wait until something is so: browsers tell late that a size has changed, and on a busy
 * machine some frames later.
 */
async function soon(isSo) {
    for (let turn = 0; turn < 40 && !isSo(); turn++) {
        await settle();
    }
    return isSo();
}

test("whatever rings is in sight, as a row at least, above what is to be seen", async () => {
    const low = Math.round(window.innerHeight * 0.75);
    await openPage([
        {...bar, style: `top: ${low}px; left: 0; right: 0; height: 32px;`},
    ]);
    await ring(6);
    expect(".o_pbx_card").toHaveCount(6);
    expect(await soon(() => isWhole(".o_pbx_card"))).toBe(true);
    expect(await soon(() => isWhole(".o_pbx_card_title, .o_pbx_card_state"))).toBe(
        true,
    );
    expect(await soon(() => !hidden(BAR).length)).toBe(true);
});

test("beyond what the window can show it is said how many more there are", async () => {
    await openPage([]);
    const ids = await ring(Math.ceil(window.innerHeight / 44) + 2);
    const more = parseInt(queryOne(".o_pbx_cards_more").textContent);
    expect(queryAll(".o_pbx_card").length + more).toBe(ids.length);
    expect(await soon(() => isWhole(".o_pbx_card"))).toBe(true);
});

test("the buttons of the large card are in sight, whatever it says", async () => {
    await openPage([]);
    const leads = [1, 2, 3].map((id) => ({id, name: "Boats", stage: "", revenue: ""}));
    for (const id of [1, 2, 3, 4]) {
        await show(server, makeCard({id, contact: {...OLGA, id}, leads}));
    }
    await press("Show all of this card", 2);
    expect(".o_pbx_card:not(.o_pbx_card_small)").toHaveCount(1);
    expect("[data-call-id='2'] .o_pbx_card_actions").toHaveCount(1);
    expect(await soon(() => isWhole(".o_pbx_card_actions"))).toBe(true);
});

test("buttons in the lists of a sheet are not covered", async () => {
    class Sheet extends Component {
        static props = {};
        static template = xml`
            <div class="o_action_manager"><div class="o_form_view"><div class="o_form_sheet">
                <div class="o_field_widget o_list_renderer"><div class="o_data_row">
                    <button class="fetch" style="position: fixed; left: 10px; width: 60px; bottom: 10px;">Fetch</button>
                </div></div>
            </div></div></div>`;
    }
    await startDesk();
    await mountWithCleanup(Sheet, {noMainContainer: true});
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    await show(server, makeCard());
    await settle();
    expect(hidden(".fetch")).toHaveLength(0);
});

test("in Discuss rows, beside the conversations and above the composer", async () => {
    class Discuss extends Component {
        static props = {};
        static template = xml`
            <div class="o_action_manager"><div class="o-mail-Discuss">
                <div class="o-mail-DiscussSidebar" style="position: fixed; left: 0; width: 300px; top: 46px; bottom: 0;"/>
                <div class="o-mail-DiscussContent-header" style="position: fixed; left: 300px; right: 0; top: 46px; height: 50px;"/>
                <div class="o-mail-Composer" style="position: fixed; left: 300px; right: 0; bottom: 0; height: 70px;"/>
            </div></div>`;
    }
    await startDesk();
    await mountWithCleanup(Discuss, {noMainContainer: true});
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    await ring(3);
    expect(SMALL).toHaveCount(3);
    for (const part of ["DiscussSidebar", "DiscussContent-header", "Composer"]) {
        expect(hidden(`.o-mail-${part}`)).toHaveLength(0);
    }
});

test("on a telephone rows at the bottom, whatever the page has there", async () => {
    patchWithCleanup(uiUtils, {isSmall: () => true});
    await openPage([bar]);
    await ring(2);
    expect(SMALL).toHaveCount(2);
    const {bottom} = queryOne(STACK).getBoundingClientRect();
    expect(Math.round(bottom)).toBe(window.innerHeight);
});

describe("which place is chosen", () => {
    const page = (...obstacles) => ({width: 1366, height: 768, top: 100, obstacles});
    const cards = {
        width: 384,
        large: {wanted: 360, least: 260},
        small: {wanted: 80, least: 80},
    };
    const button = (left, top, right, bottom) => ({
        left,
        top,
        right,
        bottom,
        cost: 1000,
    });
    const atLeft = {isAtRight: false, lift: 0, isSmall: false};

    test("the side that was chosen, at the bottom", () => {
        expect(findPlace(page(), cards, false)).toEqual(atLeft);
        expect(findPlace(page(), cards, true)).toEqual({...atLeft, isAtRight: true});
    });

    test("the other side where the chosen one is full of buttons", () => {
        const full = [150, 350, 550, 740].map((top) => button(0, top, 200, top + 20));
        expect(findPlace(page(...full), cards, false).isAtRight).toBe(true);
    });

    test("where it was, as long as no button is hidden there", () => {
        const was = {isAtRight: true, lift: 50, isSmall: false};
        expect(findPlace(page(), cards, false, was)).toEqual(was);
        const over = button(1000, 600, 1100, 620);
        expect(findPlace(page(over), cards, false, was)).toEqual(atLeft);
    });

    test("small rather than cut off, and cut off nowhere but at the edge", () => {
        const low = {...page(), height: 340};
        expect(findPlace(low, cards, false).isSmall).toBe(true);
        expect(findPlace({...low, height: 150}, cards, false)).toEqual({
            isAtRight: false,
            lift: 0,
            isSmall: true,
        });
    });

    test("small on a tight page, but for the user's choice", () => {
        const tight = {...page(), isTight: true};
        expect(findPlace(tight, cards, false).isSmall).toBe(true);
        const {small, ...chosen} = cards;
        expect(findPlace(tight, chosen, false)).toEqual(atLeft);
        expect(small.wanted).toBe(80);
    });

    test("small only for a button's sake, and large again when there is room", () => {
        const field = {left: 0, top: 300, right: 1366, bottom: 700, cost: 10};
        expect(findPlace(page(field), cards, false)).toEqual(atLeft);
        const rows = [140, 340, 540, 748].map((top) => button(0, top, 1366, top + 20));
        const small = findPlace(page(...rows), cards, false);
        expect(small.isSmall).toBe(true);
        expect(findPlace(page(), cards, false, small)).toEqual(atLeft);
    });
});
