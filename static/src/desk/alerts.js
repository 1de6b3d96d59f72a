import {browser} from "@web/core/browser/browser";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";

import {partyOf} from "../common/call_facts";
import {OncePerBrowser} from "./once_per_browser";
import {hasText, takesText} from "./writing";

const RING_TONE = "call-invitation";
// A call that was answered longer ago is known to who answered it.
const JUST_BEGUN_MS = 15_000;
// An open window, or a form with something that is not saved.
const UNFINISHED = ".modal, .o_form_status_indicator_buttons:not(.invisible)";

/**
 * Whether somebody is writing, or chooses in a window: nothing is opened then.
 *
 * An empty field is no sign of it: on most pages that of the search has the focus.
 */
function isBusy() {
    const at = document.activeElement;
    if (document.querySelector(UNFINISHED)) {
        return true;
    }
    return Boolean(at) && takesText(at) && hasText(at);
}

/**
 * Draws attention to a call: a tone, a notification of the desktop, the contact's form.
 * Each of them once, however many pages of the browser are open.
 */
export class Alerts {
    /**
     * @param {Object} services
     * @param {Object} desk what it needs to know: `preferences()`, `now()`, and whether a
     * call still rings, `rings(id)`
     */
    constructor(services, desk) {
        this.desk = desk;
        this.action = services.action;
        this.once = new OncePerBrowser(services.multi_tab);
        this.sounds = services["mail.sound_effects"];
        /** Calls for which this page rings. */
        this.rings = new Set();
        this.notifications = new Map();
    }

    /**
     * @param {Object} card as it is now
     * @param {string} [before] its state before, `undefined` for a new one
     */
    follow(card, before) {
        const {id, state, direction} = card;
        if (state !== "ringing") {
            this.leave(id);
        }
        if (direction !== "inbound" || this.desk.preferences().do_not_disturb) {
            return;
        }
        if (state === "ringing" && before !== "ringing") {
            this.ring(card);
            this.notify(card);
            this.open(card, "ring");
        } else if (
            state === "ongoing" &&
            before !== "ongoing" &&
            (before || this.hasJustBegun(card.answer))
        ) {
            this.open(card, "answer");
        }
    }

    /** Whether a call was answered so lately that its contact is still of use. */
    hasJustBegun(answer) {
        const ago = this.desk.now().diff(deserializeDateTime(answer)).toMillis();
        return Math.abs(ago) < JUST_BEGUN_MS;
    }

    stillRings(id) {
        return this.desk.rings(id);
    }

    get maySound() {
        const {sound, do_not_disturb: quiet} = this.desk.preferences();
        return sound && !quiet;
    }

    async ring({id, start, answer}) {
        if (!this.maySound) {
            return;
        }
        // Handed on to who was rung before, a call rings here once more.
        const which = answer ? `handed/${answer}` : start;
        const isHere = await this.once.actsHere(`ring/${id}/${which}`);
        if (isHere && this.stillRings(id) && this.maySound) {
            this.rings.add(id);
            this.sounds.play(RING_TONE, {loop: true});
        }
    }

    /** A notification of the desktop, if no page of this browser is in sight. */
    async notify(card) {
        const ring = card.answer ? `${card.id}/${card.answer}` : card.id;
        if (!document.hidden) {
            this.once.markSeen(ring);
            return;
        }
        const {Notification} = browser;
        if (!Notification || Notification.permission !== "granted") {
            return;
        }
        if (!(await this.once.isUnseen(ring)) || !this.stillRings(card.id)) {
            return;
        }
        const title = _t("Call from %s", partyOf(card));
        const notification = this.makeNotification(title, {
            body: [card.name && card.number_readable, card.line_name || card.line]
                .filter(Boolean)
                .join("\n"),
            icon: card.contact?.avatar || "/cloud_pbx/static/description/icon.png",
            tag: `cloud_pbx/${card.id}`,
        });
        if (!notification) {
            return;
        }
        notification.onclick = () => {
            window.focus();
            notification.close();
        };
        this.notifications.set(card.id, notification);
    }

    /** Chrome on Android has the class, and throws when it is used. */
    makeNotification(title, options) {
        try {
            return new browser.Notification(title, options);
        } catch (error) {
            if (error instanceof TypeError) {
                return null;
            }
            throw error;
        }
    }

    /** Open the caller: the contact, else the lead. */
    async open({id, contact, leads}, when) {
        const lead = leads?.[0];
        if (this.desk.preferences().open_contact !== when || !(contact || lead)) {
            return;
        }
        const resModel = contact ? "res.partner" : "crm.lead";
        const {id: resId} = contact || lead;
        if (
            (await this.once.actsHere(`open/${id}`)) &&
            !isBusy() &&
            !this.isOpen(resModel, resId)
        ) {
            this.action.doAction({
                type: "ir.actions.act_window",
                res_model: resModel,
                res_id: resId,
                views: [[false, "form"]],
            });
        }
    }

    /** Whether the page shows this record's form already. */
    isOpen(resModel, resId) {
        const {action, currentState} = this.action.currentController || {};
        return action?.res_model === resModel && currentState?.resId === resId;
    }

    /** The call rings no more, or its card was closed. */
    leave(id) {
        this.notifications.get(id)?.close();
        this.notifications.delete(id);
        if (this.rings.delete(id) && !this.rings.size) {
            this.sounds.stop(RING_TONE);
        }
    }

    /** The user's preferences have changed, maybe while it rings. */
    applyPreferences() {
        if (this.desk.preferences().do_not_disturb) {
            [...this.rings, ...this.notifications.keys()].forEach((id) =>
                this.leave(id),
            );
        } else if (!this.maySound && this.rings.size) {
            this.rings.clear();
            this.sounds.stop(RING_TONE);
        }
    }
}
