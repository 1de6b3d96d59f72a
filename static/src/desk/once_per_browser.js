import {browser} from "@web/core/browser/browser";

const KEY = "cloud_pbx.once";
const REMEMBERED_MS = 3600 * 1000;
// A page that the user works in acts at once; the others leave it that long.
const OTHERS_FIRST_MS = 250;
// So long the page waits for the answer whether it is the main one.
const MAIN_TAB_MS = 500;

const later = (after, value) =>
    new Promise((resolve) => browser.setTimeout(() => resolve(value), after));

function claim(what) {
    let done;
    try {
        done = JSON.parse(browser.localStorage.getItem(KEY)) || {};
    } catch {
        done = {}; // somebody else's text
    }
    if (what in done) {
        return false;
    }
    const now = Date.now();
    const kept = Object.entries(done).filter(([, at]) => now - at < REMEMBERED_MS);
    done = {...Object.fromEntries(kept), [what]: now};
    browser.localStorage.setItem(KEY, JSON.stringify(done));
    return true;
}

/** What is done once, however many pages of the browser are open. */
export class OncePerBrowser {
    /** @param {Object} multiTab Odoo's service */
    constructor(multiTab) {
        this.multiTab = multiTab;
        this.isMain = null;
    }

    /**
     * Tell whether this is the browser's main page.
     *
     * Odoo's service answers only the last of several questions asked at once: they share
     * one. Should somebody else's have overtaken ours, the claim alone decides.
     */
    isOnMainTab() {
        this.isMain ??= Promise.race([
            this.multiTab.isOnMainTab(),
            later(MAIN_TAB_MS, true),
        ]).finally(() => (this.isMain = null));
        return this.isMain;
    }

    /**
     * Tell whether this page is the one of the browser's pages that does something.
     *
     * The one that has the focus does; if none has, the browser's main one.
     */
    async actsHere(what) {
        if (document.hasFocus()) {
            return claim(what);
        }
        if (!(await this.isOnMainTab())) {
            return false;
        }
        await later(OTHERS_FIRST_MS);
        return claim(what);
    }

    /** Note that something is seen in this page, so that no other need draw attention. */
    markSeen(what) {
        claim(`seen/${what}`);
    }

    /** Tell, a moment later, whether no page of this browser shows it to anybody. */
    async isUnseen(what) {
        if (!(await this.isOnMainTab())) {
            return false;
        }
        await later(OTHERS_FIRST_MS);
        return claim(`seen/${what}`);
    }
}
