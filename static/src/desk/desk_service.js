import {EventBus, markRaw, reactive} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {ConnectionLostError} from "@web/core/network/rpc";
import {registry} from "@web/core/registry";
import {Mutex} from "@web/core/utils/concurrency";
import {session} from "@web/session";

import {inCompany} from "../common/company";
import {Alerts} from "./alerts";
import {CardStack, OVER} from "./card_stack";
import {requestCallBack, requestDial} from "./dial";
import {shownLine} from "./shown_line";
import {onReconnect} from "./reconnect";

const {DateTime} = luxon;

// Messages come several at once.
const SHORTLY_MS = 100;
// The second half of a double click would take one caller more.
const DOUBLE_CLICK_MS = 500;
// Odoo could not be reached: then it is asked again.
const RETRY_MS = 10_000;

/**
 * The agent's desk in this page: phones, preferences, and the calls that are going on.
 *
 * The bus says that a call changed, never what it is: the card is read from the server,
 * under the user's own rights, so an old message can never show an old state.
 */
export class Desk {
    isLoaded = false;
    phones = [];
    lines = [];
    preferences = {
        open_contact: "never",
        sound: true,
        do_not_disturb: false,
        card_side: "left",
        phone_id: false,
    };
    missed = 0;
    /** Whether the next call-back is being taken. */
    isTaking = false;
    /** Milliseconds that the server's clock is ahead of ours. */
    skew = 0;

    constructor(services) {
        this.services = markRaw({...services});
        const preferences = () => this.preferences;
        this.alerts = markRaw(
            new Alerts(services, {
                preferences,
                now: () => this.now,
                rings: (id) => this.stack.rings(id),
            }),
        );
        /** The cards on the screen. */
        this.stack = new CardStack(this.alerts, preferences);
        /** Says `call`, with its card, whenever the server told how a call stands. */
        this.news = markRaw(new EventBus());
        this.timers = markRaw({});
        this.wanted = markRaw(new Set());
        /** Close what is shown of calls that may not have been dialled, by their id. */
        this.doubts = markRaw(new Map());
        // One question at a time, so that an older answer never follows a newer one.
        this.questions = markRaw(new Mutex());
        this.asking = null;
        this.loadedAt = 0;
    }

    /** Begin; called on the reactive object, so that what changes is seen. */
    setup() {
        this.stack.setup(() => this.loadSoon());
        const {bus_service: bus} = this.services;
        bus.subscribe("cloud_pbx.doubt", (doubt) => this.showDoubt(doubt));
        bus.subscribe("cloud_pbx.call", ({id}) => {
            this.doubts.get(id)?.();
            this.doubts.delete(id);
            if (this.hasPhone) {
                this.ask(id);
            }
        });
        bus.subscribe("cloud_pbx.desk", () => this.loadSoon());
        bus.subscribe("cloud_pbx.missed", ({seconds}) => {
            this.countSoon();
            if (seconds) {
                // Where a call may be opened again, a missed one counts after a while.
                browser.setTimeout(() => this.count(), seconds * 1000);
            }
        });
        onReconnect(
            bus,
            () => this.catchUp(),
            () => Date.now() - this.loadedAt,
        );
        browser.addEventListener("beforeunload", (ev) => {
            const notes = [...this.stack.notes.values()];
            if (!notes.map((note) => note.sendNow()).every(Boolean)) {
                ev.preventDefault();
            }
        });
        if (session.cloud_pbx_phone) {
            bus.start();
            this.load();
        }
    }

    /** Before it is asked, the page itself says whether there is one. */
    get hasPhone() {
        return this.isLoaded
            ? this.phones.length > 0
            : Boolean(session.cloud_pbx_phone);
    }

    /** The server's time now. */
    get now() {
        return DateTime.now().plus({milliseconds: this.skew});
    }

    // ------------------------------------------------------------------- from the server

    catchUp() {
        if (this.hasPhone) {
            this.loadSoon();
        }
    }

    loadSoon(after = SHORTLY_MS) {
        browser.clearTimeout(this.timers.load);
        this.timers.load = browser.setTimeout(() => this.load(), after);
    }

    countSoon() {
        browser.clearTimeout(this.timers.count);
        this.timers.count = browser.setTimeout(() => this.count(), SHORTLY_MS);
    }

    /** Read how many missed calls wait, and whether one on the screen still does. */
    async count() {
        if (!this.hasPhone) {
            return;
        }
        const missed = await this.read("count_missed", []);
        if (missed !== null) {
            this.missed = missed;
            await this.ask(...this.due);
        }
    }

    /** Calls on the screen whose party, as far as is known here, is to be called back. */
    get due() {
        return this.stack.cards
            .filter((card) => card.to_call_back || card.promise)
            .map(({id}) => id);
    }

    /** Read all of it anew. */
    async load() {
        this.loadedAt = Date.now();
        const overview = await this.read("overview", []);
        if (!overview) {
            return;
        }
        const {phones, lines = [], preferences, missed = 0, cards = [], now} = overview;
        Object.assign(this, {isLoaded: true, phones, lines, missed});
        this.setOwn(preferences);
        if (!phones.length) {
            [...this.stack.cards].forEach((card) => this.stack.remove(card.id));
            return;
        }
        this.setClock(now);
        [...cards].reverse().forEach((card) => this.stack.put(card));
        const live = new Set(cards.map((card) => card.id));
        // Not live any more, or missed, and somebody may have called back.
        const over = this.stack.cards
            .filter(({id, state}) => !live.has(id) && !OVER.includes(state))
            .map((card) => card.id);
        await this.ask(...over, ...this.due);
        for (const {id, state} of [...this.stack.cards]) {
            if (over.includes(id) && state === "ringing") {
                this.stack.remove(id); // in silence for so long that its end got lost
            }
        }
    }

    /** Ask for the cards of some calls; what is asked meanwhile goes along next time. */
    ask(...ids) {
        ids.forEach((id) => this.wanted.add(id));
        if (this.wanted.size) {
            this.asking ??= this.askAll().finally(() => (this.asking = null));
        }
        return this.asking;
    }

    async askAll() {
        while (this.wanted.size) {
            const asked = [...this.wanted];
            this.wanted.clear();
            let answer;
            try {
                answer = await this.read("cards", [asked]);
            } catch (error) {
                if (this.wanted.size) {
                    this.loadSoon(); // what came meanwhile is asked all the same
                }
                throw error;
            }
            if (!answer) {
                asked.forEach((id) => this.wanted.add(id));
                return;
            }
            this.take(answer, asked);
        }
    }

    /** Show what the server says of the calls it was asked for. */
    take({cards, now}, asked) {
        this.setClock(now);
        const byId = new Map(cards.map((card) => [card.id, card]));
        for (const id of asked) {
            if (byId.has(id)) {
                this.stack.put(byId.get(id));
                this.news.trigger("call", byId.get(id));
            } else {
                // Joined to another call, or not for this user any more.
                this.stack.remove(id);
                delete this.stack.calls[id];
            }
        }
    }

    /** Ask the desk; without a connection nothing: a while later all is read anew. */
    async read(method, args) {
        try {
            return await this.questions.exec(() =>
                this.services.orm.silent.call("pbx.desk", method, args),
            );
        } catch (error) {
            if (error instanceof ConnectionLostError) {
                this.loadSoon(RETRY_MS);
                return null;
            }
            throw error;
        }
    }

    setClock(now) {
        this.skew = now ? deserializeDateTime(now).diff(DateTime.now()).toMillis() : 0;
    }

    // ------------------------------------------------------------------------ to the PBX

    /**
     * Dial a number with the user's phone, showing the number that the user chose.
     *
     * @returns {Promise<number|false>} id of the call; `false` once the user has read why
     * it was refused.
     */
    async dial(number, about) {
        const line = shownLine(this);
        const id = await requestDial(this.services, number, {line, ...about});
        if (id) {
            this.showDialled(id);
        }
        return id;
    }

    showDialled(id) {
        this.stack.calls[id] ||= {state: "ringing", outcome: "", answer: false};
        this.ask(id);
    }

    /**
     * Dial whoever waits for a call-back.
     *
     * @param {number} promiseId
     * @param {number} companyId its company
     * @returns {Promise<boolean>} whether the PBX dials
     */
    async callBack(promiseId, companyId) {
        const options = {line: shownLine(this), context: inCompany(companyId)};
        const args = [[promiseId]];
        const method = "action_call_back";
        const id = await requestCallBack(this.services, method, args, options);
        if (typeof id === "number") {
            this.showDialled(id);
        }
        return id !== null;
    }

    /**
     * Take the most urgent call-back, and dial it; one at a time.
     *
     * @returns {Promise<Object|false>} `{promise_id, call_id}`, `false` for none
     */
    async takeNext() {
        if (this.isTaking) {
            return false;
        }
        this.isTaking = true;
        try {
            const options = {line: shownLine(this)};
            const method = "take_next";
            const taken = await requestCallBack(this.services, method, [], options);
            if (taken) {
                this.showDialled(taken.call_id);
            } else if (taken === false) {
                const {notification} = this.services;
                notification.add(_t("Nobody waits for a call back."), {type: "info"});
            }
            return taken || false;
        } finally {
            browser.setTimeout(() => (this.isTaking = false), DOUBLE_CLICK_MS);
        }
    }

    /** Nobody knows whether the PBX dials: said until something is heard of the call. */
    showDoubt({id, title, message}) {
        const {notification} = this.services;
        const options = {title, type: "warning", sticky: true};
        this.doubts.set(id, notification.add(message, options));
    }

    async setPreferences(values) {
        const {orm} = this.services;
        this.setOwn(await orm.call("pbx.desk", "set_preferences", [values]));
        if ("phone_id" in values) {
            await this.load();
        }
    }

    setOwn(preferences) {
        Object.assign(this.preferences, preferences || {});
        this.alerts.applyPreferences();
    }
}

export const deskService = {
    dependencies: [
        "action",
        "bus_service",
        "dialog",
        "mail.sound_effects",
        "multi_tab",
        "notification",
        "orm",
    ],
    start(env, services) {
        const desk = reactive(new Desk(services));
        desk.setup();
        return desk;
    },
};

registry.category("services").add("cloud_pbx.desk", deskService);
