import {markRaw} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";

import {Dismissed} from "./dismissed";

// How long a card stays when its call is over, or somebody else has taken it.
const ENDED_STAYS_MS = 30_000;
const TAKEN_STAYS_MS = 4_000;
// So long after a call began to ring without any news, it is asked for.
const STALE_RING_MS = 120_000;

export const OVER = ["done", "taken"];

/** The cards of calls in this page: which are shown, and for how long. */
export class CardStack {
    /** Cards on the screen, the newest first. */
    cards = [];
    /** State and outcome of each call since this page was loaded, by its id. */
    calls = {};

    /**
     * @param {Object} alerts draw attention to what is put here
     * @param {() => Object} preferences the user's own
     */
    constructor(alerts, preferences) {
        // Not what the screen shows: nothing is drawn anew when these change.
        this.alerts = markRaw(alerts);
        this.preferences = preferences;
        this.dismissed = markRaw(new Dismissed());
        this.timers = markRaw({});
        /** What somebody is doing with cards, by their id. */
        this.held = markRaw(new Map());
        /** What is being written on calls, by their id; see call_card/note.js. */
        this.notes = markRaw(new Map());
        /** Called when a call has rung for so long that its end may have got lost. */
        this.onStaleRing = () => {};
    }

    /** Follow what other pages dismiss; called on the reactive object. */
    setup(onStaleRing) {
        this.onStaleRing = onStaleRing;
        this.dismissed.follow((id) => this.remove(id));
    }

    rings(id) {
        return this.cards.some((card) => card.id === id && card.state === "ringing");
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
            this.cards.unshift({...card});
        }
        if (isNews) {
            this.setTimer(card);
        }
        this.alerts.follow(card, before);
    }

    setTimer(card) {
        const {id, state} = card;
        browser.clearTimeout(this.timers[id]);
        if (OVER.includes(state)) {
            this.removeSoon(card);
        } else if (state === "ringing") {
            this.timers[id] = browser.setTimeout(
                () => this.onStaleRing(),
                STALE_RING_MS,
            );
        }
    }

    shows(card) {
        if (OVER.includes(card.state) || this.dismissed.has(card.id)) {
            return false;
        }
        return !(this.preferences().do_not_disturb && card.direction === "inbound");
    }

    removeSoon(card) {
        const stays = card.state === "taken" ? TAKEN_STAYS_MS : ENDED_STAYS_MS;
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
        this.alerts.leave(id);
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
