import {markRaw} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";

import {Dismissed} from "./dismissed";
import {hasJustBegun, JUST_BEGUN} from "./first_sight";

// How long a card stays when its call is over, or somebody else has taken it.
const ENDED_STAYS = 30_000;
const TAKEN_STAYS = 4_000;
// Nobody told the end of a ringing call for so long: it is asked for.
const STALE_RING = 120_000;

export const OVER = ["done", "taken"];

/** The cards of calls in this page: which are shown, and for how long. */
export class CardStack {
    /** Cards on the screen, the newest first. */
    cards = [];
    /** Calls of which only the number is known yet: the server is being asked. */
    announced = [];
    /** What was heard of each call since this page was loaded, by its id. */
    calls = {};

    constructor() {
        // Not what the screen shows: nobody need be told when these change.
        this.dismissed = markRaw(new Dismissed());
        this.timers = markRaw({});
        /** What somebody is doing with cards, by their id. */
        this.held = markRaw(new Map());
        /** Calls of which any message has come: only the first one tells of a new call. */
        this.heardOf = markRaw(new Set());
        /** What is being written on calls, by their id; see call_card/note.js. */
        this.notes = markRaw(new Map());
    }

    /**
     * Show at once what a message says of a new call: that there is one, and its number.
     *
     * Whether it rings here, and who it is, only the server can tell, which is asked.
     */
    announce({id, number, start}) {
        if (this.heardOf.has(id)) {
            // More has happened: so it is, where a page that slept hears all at once.
            this.forgetAnnounced([id]);
            return;
        }
        this.heardOf.add(id);
        if (id in this.calls || this.dismissed.has(id)) {
            return;
        }
        if (this.preferences.do_not_disturb || !this.pulse?.isSteady) {
            return;
        }
        // Of a call among our own phones the message has the number that was dialled:
        // to who is called, their own.
        if (number && !number.startsWith("+")) {
            return;
        }
        const listening = Date.now() - this.listensSince;
        if (hasJustBegun(start, this.now, listening)) {
            this.announced.unshift({id, number});
            browser.setTimeout(() => this.forgetAnnounced([id]), JUST_BEGUN);
        }
    }

    /** The server has been asked for these calls, or could not be reached. */
    forgetAnnounced(ids) {
        for (const id of ids) {
            const place = this.announced.findIndex((one) => one.id === id);
            if (place >= 0) {
                this.announced.splice(place, 1);
            }
        }
    }

    /** Show a card, or what has become of one that is shown. */
    put(card) {
        const {id, state, outcome, answer} = card;
        const before = this.calls[id]?.state;
        this.calls[id] = {state, outcome, answer};
        const shown = this.cards.find((one) => one.id === id);
        if (!shown && !this.shows(card)) {
            return;
        }
        const isNews = shown?.state !== state || !OVER.includes(state);
        if (shown) {
            Object.assign(shown, card);
        } else {
            const isAnnounced = this.announced.some((one) => one.id === id);
            this.forgetAnnounced([id]);
            this.cards.unshift({...card, isAnnounced});
        }
        if (isNews) {
            this.setTimer(card);
        }
        this.attention.follow(card, before);
    }

    setTimer(card) {
        const {id, state} = card;
        browser.clearTimeout(this.timers[id]);
        if (OVER.includes(state)) {
            this.removeSoon(card);
        } else if (state === "ringing") {
            this.timers[id] = browser.setTimeout(() => this.loadSoon(), STALE_RING);
        }
    }

    shows(card) {
        if (OVER.includes(card.state) || this.dismissed.has(card.id)) {
            return false;
        }
        return !(this.preferences.do_not_disturb && card.direction === "inbound");
    }

    removeSoon(card) {
        const stays = card.state === "taken" ? TAKEN_STAYS : ENDED_STAYS;
        this.timers[card.id] = browser.setTimeout(() => {
            if (this.isHeld(card.id)) {
                this.removeSoon(card); // not under the hand
            } else {
                this.remove(card.id);
            }
        }, stays);
    }

    remove(id) {
        browser.clearTimeout(this.timers[id]);
        delete this.timers[id];
        this.held.delete(id);
        this.notes.delete(id);
        this.attention.leave(id);
        const place = this.cards.findIndex((card) => card.id === id);
        if (place >= 0) {
            this.cards.splice(place, 1);
        }
    }

    /** Take a card away, in all pages of this browser. */
    dismiss(id) {
        this.dismissed.add(id);
        this.remove(id);
    }

    /** A note was saved here: nobody need ask for it. */
    setNote(id, note) {
        const card = this.cards.find((one) => one.id === id);
        if (card) {
            card.note = note;
        }
    }

    /** Keep a card, though its call be over, while `what` is done with it. */
    hold(id, what, isDone) {
        if (isDone) {
            this.held.set(id, (this.held.get(id) || new Set()).add(what));
        } else {
            this.held.get(id)?.delete(what);
        }
    }

    isHeld(id) {
        return Boolean(this.held.get(id)?.size);
    }
}
