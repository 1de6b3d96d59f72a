import {expect} from "@odoo/hoot";
import {click, queryAll, waitUntil} from "@odoo/hoot-dom";
import {Deferred} from "@odoo/hoot-mock";
import {
    makeMockEnv,
    MockServer,
    mockService,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
    serverState,
} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";
import {serializeDateTime} from "@web/core/l10n/dates";
import {MainComponentsContainer} from "@web/core/main_components_container";
import {session} from "@web/session";

import {holdTime, pass, settle} from "./settle_helpers";

const {DateTime} = luxon;

export const OLGA = {
    id: 7,
    name: "Olga Petrova",
    company: "Harbour Ltd",
    is_company: false,
    phone: "020 7946 0201",
    avatar: "/web/image/res.partner/7/avatar_128?unique=1",
    job: "Buyer",
    tags: [],
    country: "United Kingdom",
};

/** A card as the server sends it: Olga is calling. */
export function makeCard(values = {}) {
    const contact = "contact" in values ? values.contact : OLGA;
    return {
        id: 1,
        company_id: 1,
        state: "ringing",
        taken_by: "",
        direction: "inbound",
        outcome: "",
        disposition: "",
        number: "+442079460201",
        number_readable: "+44 20 7946 0201",
        line: "+44 20 7946 0900",
        line_name: "Support",
        start: ago(5),
        answer: false,
        stop: false,
        talk_seconds: 0,
        note: "",
        can_claim: false,
        can_create_contact: true,
        can_create_lead: true,
        can_link: true,
        to_call_back: false,
        country: "United Kingdom",
        flag: "",
        zone: "",
        failure_reason: "",
        voicemail: false,
        rings_phone: "",
        can_hang_up: false,
        owner: "",
        last_spoken: false,
        promise: false,
        tags: [],
        asks: false,
        can_block: false,
        is_blocked: false,
        name: contact ? contact.name : "",
        contact,
        candidates: [],
        leads: [],
        activities: [],
        calls: [],
        looked_up: true,
        ...values,
    };
}

/** The server's way to write the time so many seconds ago. */
export function ago(seconds) {
    return serializeDateTime(DateTime.now().minus({seconds}));
}

/** Somebody unknown, in the terms of `makeCard`. */
export const STRANGER = {
    contact: false,
    number: "+442079460777",
    number_readable: "+44 20 7946 0777",
};

/**
 * What the server has of the desk, and says of it: `server.cards` by id. What it is
 * asked is a step: `load`, `cards 1,2`.
 */
export class DeskServer {
    phones = [{id: 1, number: "100", name: "100", status: "online"}];
    lines = [];
    preferences = {
        open_contact: "never",
        sound: false,
        do_not_disturb: false,
        card_side: "left",
        phone_id: false,
    };
    missed = 0;
    cards = {};
    /** Seconds that its clock is ahead of the browser's. */
    ahead = 0;
    /** Whether it cannot be reached. */
    isLost = false;
    slow = null;

    constructor(values, step) {
        holdTime();
        Object.assign(this, values);
        onRpc("pbx.desk", "overview", async () => {
            step("load");
            return this.answer({
                phones: this.phones,
                lines: this.lines,
                preferences: this.preferences,
                missed: this.missed,
                cards: Object.values(this.cards)
                    .filter(
                        ({state, asks}) =>
                            asks || ["ringing", "ongoing"].includes(state),
                    )
                    .sort((one, other) => other.id - one.id),
                now: ago(-this.ahead),
            });
        });
        onRpc("pbx.desk", "count_missed", async () => {
            step("count");
            return this.answer(this.missed);
        });
        onRpc("pbx.desk", "cards", async ({args: [ids]}) => {
            step(`cards ${ids}`);
            const cards = ids.filter((id) => id in this.cards);
            return this.answer({
                cards: cards.map((id) => this.cards[id]),
                now: ago(-this.ahead),
            });
        });
    }

    /** As it is now, even if it comes later. */
    async answer(values) {
        const answer = JSON.parse(JSON.stringify(values));
        const isLost = this.isLost;
        await this.slow;
        return isLost ? lost() : answer;
    }

    /** Answer no more; the function that is returned has it answer what was asked. */
    later() {
        const slow = new Deferred();
        this.slow = slow;
        return () => {
            this.slow = null;
            slow.resolve();
        };
    }

    /** A call changed, or began: it is kept, and the bus says so. */
    notify(card) {
        this.cards[card.id] = card;
        this.send("cloud_pbx.call", {id: card.id});
    }

    /** The same call, and what is new of it. */
    change(id, values) {
        this.notify({...this.cards[id], ...values});
    }

    send(type, payload) {
        MockServer.env["bus.bus"]._sendone(serverState.partnerId, type, payload);
    }
}

/** What comes when Odoo cannot be reached. */
export function lost() {
    return new Response("", {status: 502});
}

/** A desk's server for somebody who has a phone. */
export function mockDeskServer(values = {}, step = () => {}) {
    patchWithCleanup(session, {cloud_pbx_phone: true});
    return new DeskServer(values, step);
}

/** The page's services; what a test does not change keeps quiet. */
export async function startDesk() {
    const {services} = await makeMockEnv();
    const {bus_service: bus} = services;
    if (session.cloud_pbx_phone) {
        await waitUntil(() => bus.workerState === "CONNECTED", {timeout: 5000});
    }
    await settle();
    return services["cloud_pbx.desk"];
}

/** Somebody's desk, loaded; what is asked from now on is a step. */
export async function openDesk(values) {
    const server = mockDeskServer(values, (what) => expect.step(what));
    const desk = await startDesk();
    expect.verifySteps(["load"]);
    return {server, desk};
}

/** What is shown, in short. */
export const states = (desk) => desk.stack.cards.map(({id, state}) => [id, state]);

/**
 * How this page stands among the browser's pages, to be changed by a test; sounds are
 * steps.
 */
export function mockPage(step) {
    const page = {hasFocus: true, isMain: false, isHidden: false};
    mockService("mail.sound_effects", {
        play: (name, {loop}) => step(`play ${name}${loop ? " for ever" : ""}`),
        stop: (name) => step(`stop ${name}`),
    });
    mockService("multi_tab", {
        isOnMainTab: async () => page.isMain,
        unregister() {},
    });
    patchWithCleanup(document, {
        hasFocus: () => page.hasFocus,
        get hidden() {
            return page.isHidden;
        },
    });
    return page;
}

/** What another page of this browser has done already. */
export function claim(what) {
    const done = JSON.stringify({[what]: Date.now()});
    browser.localStorage.setItem("cloud_pbx.once", done);
}

/** Actions are steps, instead of being done. */
export function mockActions(step) {
    mockService("action", {
        async doAction(action) {
            step(action);
        },
    });
}

/** Open a page that has listened for so many seconds, whatever it shows. */
export async function openListening(seconds = 60) {
    const desk = await startDesk();
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    await pass(seconds);
    return desk;
}

/** Open a page on which these cards are, above whatever it shows. */
export async function openCards(server, ...cards) {
    const desk = await startDesk();
    await mountWithCleanup(MainComponentsContainer, {noMainContainer: true});
    await show(server, ...cards);
    return desk;
}

/** Have these calls begin or change, one after the other. */
export async function show(server, ...cards) {
    await settle();
    for (const card of cards) {
        server.notify(card);
        await settle();
    }
}

/** The same call, and what is new of it. */
export async function change(server, id, values) {
    await show(server, {...server.cards[id], ...values});
}

/** A button of a card, by the name that is read out. */
export function button(name, card = 1) {
    const found = queryAll(`.o_pbx_card[data-call-id="${card}"] button`).filter(
        (el) => (el.getAttribute("aria-label") || el.textContent.trim()) === name,
    );
    if (found.length > 1) {
        throw new Error(`${found.length} buttons are called ${name}`);
    }
    return found[0];
}

export async function press(name, card) {
    await click(button(name, card));
    await settle();
}
