import {deserializeDateTime} from "@web/core/l10n/dates";

// A call that began longer ago may have been taken, or be over.
export const JUST_BEGUN = 15_000;

/**
 * Whether a message is of a call that began while this page was listening, and so lately
 * that it will ring still: not one that was kept for a page that slept.
 *
 * @param {string} start of the call, as the server writes it
 * @param {DateTime} now by the server's clock
 * @param {number} listening for how many milliseconds the page has missed no message
 */
export function hasJustBegun(start, now, listening) {
    const ago = now.diff(deserializeDateTime(start)).toMillis();
    return Math.abs(ago) < JUST_BEGUN && ago < listening;
}
