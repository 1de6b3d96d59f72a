import {browser} from "@web/core/browser/browser";

const BEAT = 1000;
// A page at work misses one now and then.
const MISSED = 2500;

/**
 * Notices that the page did not run for a while: asleep, or too busy. What it then hears
 * of may be over, and nothing but this tells, if the connection held.
 */
export class Pulse {
    /** @param {() => void} onWake told at the first beat after a gap */
    constructor(onWake) {
        this.last = Date.now();
        browser.setInterval(() => {
            // The timer may come before the messages that waited.
            if (!this.isSteady) {
                onWake();
            }
            this.last = Date.now();
        }, BEAT);
    }

    get isSteady() {
        return Date.now() - this.last < MISSED;
    }
}
