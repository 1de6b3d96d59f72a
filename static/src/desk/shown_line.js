import {browser} from "@web/core/browser/browser";
import {user} from "@web/core/user";

const key = () => `cloud_pbx.line/${user.userId}`;

/**
 * The number that those who are called see, as this user chose it in this browser.
 *
 * @param {Object} desk
 * @returns {number|false} `false`: the usual one of the phone that dials
 */
export function shownLine(desk) {
    const chosen = Number(browser.localStorage.getItem(key()));
    return desk.lines.some(({id}) => id === chosen) ? chosen : false;
}

export function chooseLine(id) {
    if (id) {
        browser.localStorage.setItem(key(), id);
    } else {
        browser.localStorage.removeItem(key());
    }
}
