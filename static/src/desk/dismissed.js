import {browser} from "@web/core/browser/browser";

const KEY = "cloud_pbx.dismissed";
// Longer than any card is shown.
const REMEMBERED_MS = 12 * 3600 * 1000;

/** Cards that were closed by hand: in one page of a browser, hence in all of them. */
export class Dismissed {
    /** @param {(id: number) => void} onDismissed called with what another page closed */
    follow(onDismissed) {
        browser.addEventListener("storage", ({key}) => {
            if (key === KEY) {
                Object.keys(this.read()).forEach((id) => onDismissed(Number(id)));
            }
        });
    }

    read() {
        try {
            return JSON.parse(browser.localStorage.getItem(KEY)) || {};
        } catch {
            return {}; // somebody else's text
        }
    }

    has(id) {
        return id in this.read();
    }

    add(id) {
        const now = Date.now();
        const kept = Object.entries(this.read()).filter(
            ([, at]) => now - at < REMEMBERED_MS,
        );
        const all = {...Object.fromEntries(kept), [id]: now};
        browser.localStorage.setItem(KEY, JSON.stringify(all));
    }
}
