import {markRaw} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";

import {Dismissed} from "./dismissed";

// How long a card stays when its call is over, or somebody else has taken it.
const ENDED_STAYS_MS = 30_000;
const TAKEN_STAYS_MS = 4_000;
// How long it stays once somebody said what a call was about: for a second tag.
const ANSWERED_STAYS_MS = 4_000;
// So long after a call began to ring without any news, it is asked for.
const STALE_RING_MS = 120_000;
// So many cards are in sight; the others wait behind “2 more”.
const MAX_IN_SIGHT = 3;

// What holds a card that needs not be large for it: text that is not saved yet, and that
// nobody said yet what the call was about.
export const UNSAVED = "unsaved";
const UNANSWERED = "unanswered";
const NOT_IN_HAND = [UNSAVED, UNANSWERED];

export const OVER = ["done", "taken"];

const isOver = ({state}) => OVER.includes(state);

/** What makes two calls those of one caller; nothing for a withheld number. */
function callerOf({contact, number, direction}) {
    if (contact) {
        return `contact/${contact.id}`;
    }
    return number ? `${direction === "internal" ? "phone" : "number"}/${number}` : "";
}

/** The cards of calls in this page: which are shown, how large, and for how long. */
export class CardStack {
    /** Cards on the screen, the newest first. */
    cards = [];
    /** State and outcome of each call since this page was loaded, by its id. */
    calls = {};
    /** Cards made small, by the user or for good once they were in the way. */
    small = {};
    /** The card that the user made large, or began to write in. */
    enlargedId = null;
    /** Whether the user wants to see those behind “2 more”. */
    isExpanded = false;
    /** Whether the page has room for small cards only. */
    isCramped = false;
    /** How many small cards the window has room for. */
    maxRows = Infinity;
    /** What somebody is doing with cards, by their id. */
    held = new Map();

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
        /** What is being written on calls, by their id; see call_card/note.js. */
        this.notes = markRaw(new Map());
        /** Called when a call has rung for so long that its end may have got lost. */
        this.onStaleRing = () => {};
    }

    /** Follow what other pages dismiss; called on the reactive object. */
    setup(onStaleRing) {
        this.onStaleRing = onStaleRing;
        this.dismissed.follow((id) => {
            // Closed while it went on: it asks all the same.
            if (!this.cards.some((card) => card.id === id && card.asks)) {
                this.remove(id);
            }
        });
    }

    rings(id) {
        return this.cards.some((card) => card.id === id && card.state === "ringing");
    }

    /** Show a card, or what has become of one that is shown. */
    put(card) {
        const {id, state, outcome, answer, rings_phone, failure_reason} = card;
        const before = this.calls[id]?.state;
        this.calls[id] = {state, outcome, answer, rings_phone, failure_reason};
        const shown = this.cards.find((one) => one.id === id);
        if (!shown && !this.shows(card)) {
            return;
        }
        const isNews = shown?.state !== state || !isOver(card);
        const isAnswered = shown?.asks && !card.asks;
        if (shown) {
            Object.assign(shown, card);
        } else {
            this.add(card);
        }
        this.hold(id, UNANSWERED, card.asks);
        this.mergeCallers();
        this.makeOthersSmall();
        if (isNews && this.cards.some((one) => one.id === id)) {
            this.setTimer(card);
        }
        if (isAnswered) {
            this.leaveAnswered(card);
        }
        this.alerts.follow(card, before);
    }

    /** A new call: in the place of an earlier one of the same caller, else in front. */
    add(card) {
        const caller = callerOf(card);
        const earlier = this.cards.findIndex(
            (one) =>
                caller &&
                callerOf(one) === caller &&
                isOver(one) &&
                !this.isHeld(one.id),
        );
        this.cards.splice(Math.max(earlier, 0), 0, {...card});
        if (!this.isInHand(this.enlargedId)) {
            this.enlargedId = null; // the new one is
        }
        for (const one of this.cards) {
            if (isOver(one) && !this.isInHand(one.id)) {
                this.small[one.id] = true;
            }
        }
    }

    /** Leave one card of each caller: calls that go on, else the last one. */
    mergeCallers() {
        const callers = new Set();
        const latest = [...this.cards].sort(
            (one, other) => isOver(one) - isOver(other) || other.id - one.id,
        );
        for (const card of latest) {
            const caller = callerOf(card);
            if (isOver(card) && callers.has(caller) && !this.isHeld(card.id)) {
                this.remove(card.id);
            } else if (caller) {
                callers.add(caller);
            }
        }
    }

    // ------------------------------------------------------------------ how large it is

    /** The one card that is large: as the user chose, else the latest call. */
    get largeId() {
        if (this.enlargedId !== null) {
            return this.enlargedId;
        }
        const live = this.cards.filter((card) => !isOver(card));
        const candidates = live.length
            ? live
            : this.cards.filter(({id}) => !this.small[id]);
        return Math.max(...candidates.map(({id}) => id));
    }

    /** What is over and made room once never takes it back by itself. */
    makeOthersSmall() {
        const {largeId} = this;
        for (const card of this.cards) {
            if (isOver(card) && this.canShrink(card.id) && card.id !== largeId) {
                this.small[card.id] = true;
            }
        }
    }

    isSmall(id) {
        if (this.small[id]) {
            return true;
        }
        return this.canShrink(id) && (this.isCramped || id !== this.largeId);
    }

    /** Whether it has the size that it has by itself. */
    canShrink(id) {
        return !this.small[id] && !this.isInHand(id) && id !== this.enlargedId;
    }

    setSmall(id, isSmall) {
        if (isSmall) {
            this.small[id] = true;
            this.enlargedId = this.enlargedId === id ? null : this.enlargedId;
        } else {
            delete this.small[id];
            this.enlargedId = id;
        }
    }

    // ---------------------------------------------------------------- which are in sight

    /** What one speaks on, what rings longest, what is worked in, what asks, the latest. */
    get byImportance() {
        const rank = (card) => {
            if (!isOver(card)) {
                return card.state === "ongoing" ? 0 : 1;
            }
            if (this.isInHand(card.id)) {
                return 2;
            }
            return card.asks ? 3 : 4;
        };
        return [...this.cards].sort(
            (one, other) =>
                rank(one) - rank(other) ||
                (rank(one) === 1 ? one.id - other.id : other.id - one.id),
        );
    }

    /** Those that are in sight by themselves: all that go on, if the window has room. */
    get firstOnes() {
        return this.byImportance.filter(
            (card, place) =>
                this.isInHand(card.id) ||
                (place < this.maxRows && (place < MAX_IN_SIGHT || !isOver(card))),
        );
    }

    get inSight() {
        if (this.isExpanded) {
            return this.cards;
        }
        const first = this.firstOnes.map(({id}) => id);
        return this.cards.filter(({id}) => first.includes(id));
    }

    /** How many cards there are beyond those that are in sight by themselves. */
    get moreCount() {
        return this.cards.length - this.firstOnes.length;
    }

    // ----------------------------------------------------------------- how long it stays

    setTimer(card) {
        const {id, state} = card;
        browser.clearTimeout(this.timers[id]);
        if (isOver(card)) {
            this.removeSoon(card);
        } else if (state === "ringing") {
            this.timers[id] = browser.setTimeout(
                () => this.onStaleRing(),
                STALE_RING_MS,
            );
        }
    }

    shows(card) {
        if (!card.asks && (isOver(card) || this.dismissed.has(card.id))) {
            return false;
        }
        return !(this.preferences().do_not_disturb && card.direction === "inbound");
    }

    /** Somebody said what the call was about, here or elsewhere; or that it was nothing. */
    leaveAnswered(card) {
        if (!card.tags.some((tag) => tag.is_on) && !this.isHeld(card.id)) {
            this.remove(card.id);
        } else {
            this.removeSoon(card, ANSWERED_STAYS_MS);
        }
    }

    removeSoon(card, stays = this.staysFor(card)) {
        browser.clearTimeout(this.timers[card.id]);
        this.timers[card.id] = browser.setTimeout(() => {
            if (this.isHeld(card.id)) {
                this.removeSoon(card, stays); // not under the hand
            } else {
                this.remove(card.id);
            }
        }, stays);
    }

    staysFor({state}) {
        return state === "taken" ? TAKEN_STAYS_MS : ENDED_STAYS_MS;
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
            this.setSmall(id, true);
            delete this.small[id];
        }
        if (!this.moreCount) {
            this.isExpanded = false;
        }
    }

    /** Take a card away, in all pages of this browser. */
    dismiss(id) {
        this.dismissed.add(id);
        this.remove(id);
    }

    /** What was just written is saved first; if it cannot be, the card stays. */
    async close(id) {
        const note = this.notes.get(id);
        await note?.save();
        if (!note?.isDirty) {
            this.dismiss(id);
        }
    }

    /** Those that may be closed: not as long as they ask. */
    get closable() {
        return this.cards.filter((card) => !card.asks);
    }

    async closeAll() {
        await Promise.all(this.closable.map(({id}) => this.close(id)));
    }

    /** A note was saved here: nobody need ask for it. */
    setNote(id, note) {
        const card = this.cards.find((one) => one.id === id);
        if (card) {
            card.note = note;
        }
    }

    /** A tag was pressed here: the server is being told, and the card stays a while. */
    setTag(id, tagId, isOn) {
        const card = this.cards.find((one) => one.id === id);
        const tag = card?.tags.find((one) => one.id === tagId);
        if (tag) {
            tag.is_on = isOn;
            this.removeSoon(card);
        }
    }

    /** Keep a card, though its call be over, while `what` is done with it. */
    hold(id, what, isBeingDone) {
        if (isBeingDone) {
            if (!NOT_IN_HAND.includes(what) && !this.isInHand(id)) {
                this.setSmall(id, false); // it stays large when it is left for another
            }
            this.held.set(id, (this.held.get(id) || new Set()).add(what));
        } else {
            this.held.get(id)?.delete(what);
        }
    }

    /** Whether something would be lost with the card. */
    isHeld(id) {
        return Boolean(this.held.get(id)?.size);
    }

    /** Whether somebody does something in it just now: it has to be large for that. */
    isInHand(id) {
        const held = [...(this.held.get(id) || [])];
        return held.some((what) => !NOT_IN_HAND.includes(what));
    }
}
