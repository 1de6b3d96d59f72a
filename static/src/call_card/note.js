import {markRaw, reactive} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {_t} from "@web/core/l10n/translation";
import {ConnectionLostError} from "@web/core/network/rpc";

import {inCompany} from "../common/company";
import {UNSAVED} from "../desk/card_stack";

// After the last key, and at the latest while somebody types on and on.
const SAVE_SOON_MS = 600;
const SAVE_LATEST_MS = 4000;
// Odoo could not be reached.
const RETRY_MS = 10_000;

/**
 * A call's note while it is written here: what is typed is saved by and by.
 *
 * It outlives the field, so that what is not saved yet is still there when a card was made
 * small, and is sent when it was closed.
 */
export class Note {
    saved = "";
    error = "";
    saving = null;
    hasFocus = false;

    constructor(desk, orm, {callId, companyId, note: text}) {
        this.desk = desk;
        this.orm = markRaw(orm);
        this.callId = callId;
        this.companyId = companyId;
        this.text = text;
        this.written = text;
    }

    get isDirty() {
        return this.text !== this.written;
    }

    get status() {
        if (this.error) {
            return this.error;
        }
        return this.isDirty || this.saving ? _t("Saving…") : this.saved;
    }

    /** Somebody types. */
    type(text) {
        this.text = text;
        browser.clearTimeout(this.soon);
        this.soon = browser.setTimeout(() => this.save(), SAVE_SOON_MS);
        this.latest ??= browser.setTimeout(() => this.save(), SAVE_LATEST_MS);
    }

    /** What is written elsewhere comes here, unless somebody writes here too. */
    take(text) {
        if (!this.hasFocus && !this.isDirty && !this.saving) {
            this.text = text;
            this.written = text;
        }
    }

    setFocus(hasFocus) {
        this.hasFocus = hasFocus;
        this.hold();
    }

    /** The card stays as long as there is something to do here. */
    hold() {
        this.desk.stack.hold(this.callId, "note", this.hasFocus);
        this.desk.stack.hold(this.callId, UNSAVED, this.isDirty);
    }

    /** Save what is not saved; one after the other, so that the latest text stays. */
    async save() {
        browser.clearTimeout(this.soon);
        browser.clearTimeout(this.latest);
        this.latest = undefined;
        if (this.isDirty) {
            this.saving ??= this.send();
        }
        await this.saving;
    }

    /**
     * The page is being left, where other questions are cancelled.
     *
     * @returns {boolean} whether nothing gets lost
     */
    sendNow() {
        if (!this.isDirty) {
            return true;
        }
        if (this.error) {
            return false; // it could not be sent before
        }
        const params = {
            model: "pbx.call",
            method: "write",
            args: [[this.callId], {note: this.text || false}],
            kwargs: {},
        };
        const body = JSON.stringify({jsonrpc: "2.0", method: "call", params});
        return navigator.sendBeacon(
            "/web/dataset/call_kw/pbx.call/write",
            new Blob([body], {type: "application/json"}),
        );
    }

    async send() {
        try {
            while (this.isDirty) {
                const {text} = this;
                const values = {note: text || false};
                const context = inCompany(this.companyId);
                await this.orm.write("pbx.call", [this.callId], values, {context});
                this.written = text;
                this.saved = _t("Saved");
                this.error = "";
                this.desk.stack.setNote(this.callId, text);
            }
        } catch (error) {
            // The text stays in the field.
            this.error = _t("Not saved. It is tried again when you write on.");
            if (error instanceof ConnectionLostError) {
                this.soon = browser.setTimeout(() => this.save(), RETRY_MS);
            }
        } finally {
            this.saving = null;
            this.hold();
        }
    }
}

/** The note of a call on the desk, as it is written in this page. */
export function noteOf(desk, orm, props) {
    const {callId} = props;
    if (!desk.stack.notes.has(callId)) {
        desk.stack.notes.set(callId, reactive(new Note(desk, orm, props)));
    }
    return desk.stack.notes.get(callId);
}
