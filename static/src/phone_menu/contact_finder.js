import {browser} from "@web/core/browser/browser";

import {errorText} from "../common/error_text";

const TYPING_PAUSE_MS = 300;
// The server looks for nothing shorter: names, and the digits of numbers.
const MIN_TEXT = 2;
const MIN_DIGITS = 3;

/** Whether a text is a number that can be dialled, in whatever style it is written. */
export function isNumber(text) {
    return /^[+(*#\s]*\p{Nd}[\p{Nd}\s()./*#\p{Pd}]*$/u.test(text);
}

/** Whether the server looks for so short a text. */
export function isWorthSearching(text) {
    return isNumber(text)
        ? text.replace(/\P{Nd}/gu, "").length >= MIN_DIGITS
        : text.length >= MIN_TEXT;
}

/** Contacts and leads by name or number, once the user pauses; only the last question counts. */
export class ContactFinder {
    text = "";
    contacts = [];
    error = "";
    isSearching = false;

    constructor(orm) {
        this.orm = orm;
        this.asked = 0;
    }

    /** Whether what is typed is looked for, or too short for that. */
    get isActive() {
        return isWorthSearching(this.text);
    }

    search(text) {
        text = text.trim();
        if (text === this.text) {
            return;
        }
        this.text = text;
        this.stop();
        if (!this.isActive) {
            this.contacts = [];
            return;
        }
        this.isSearching = true;
        this.timer = browser.setTimeout(() => this.ask(), TYPING_PAUSE_MS);
    }

    stop() {
        browser.clearTimeout(this.timer);
        this.asked++;
        this.error = "";
        this.isSearching = false;
    }

    async ask() {
        const asked = ++this.asked;
        this.error = "";
        this.isSearching = true;
        try {
            const contacts = await this.orm.silent.call("pbx.desk", "search_callers", [
                this.text,
            ]);
            if (asked === this.asked) {
                this.contacts = contacts;
                this.isSearching = false;
            }
        } catch (error) {
            if (asked === this.asked) {
                this.contacts = [];
                this.error = errorText(error);
                this.isSearching = false;
            }
        }
    }
}
