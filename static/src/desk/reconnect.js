import {browser} from "@web/core/browser/browser";

// A page that was hidden for so long may have slept: what it shows is asked anew.
const ASLEEP_MS = 60_000;
// The page has just asked for everything: the connection's coming up is no news.
const JUST_LOADED_MS = 10_000;

/**
 * Notice when the page is back from where it may have missed something: a connection
 * that was lost, a computer that was offline, a page that slept.
 *
 * @param {Object} bus Odoo's service
 * @param {() => void} onBack
 * @param {() => number} sinceLoaded milliseconds since everything was asked for
 * @returns {() => void} to notice it no more
 */
export function onReconnect(bus, onBack, sinceLoaded) {
    bus.addEventListener("BUS:RECONNECT", onBack);
    // Not only at the beginning: it also fires after the computer was offline.
    const onConnect = () => {
        if (sinceLoaded() > JUST_LOADED_MS) {
            onBack();
        }
    };
    bus.addEventListener("BUS:CONNECT", onConnect);
    let hiddenSince = 0;
    const onVisibility = () => {
        if (document.hidden) {
            hiddenSince = Date.now();
        } else if (hiddenSince && Date.now() - hiddenSince > ASLEEP_MS) {
            onBack();
        }
    };
    browser.addEventListener("visibilitychange", onVisibility);
    document.addEventListener("resume", onBack);
    return () => {
        bus.removeEventListener("BUS:RECONNECT", onBack);
        bus.removeEventListener("BUS:CONNECT", onConnect);
        browser.removeEventListener("visibilitychange", onVisibility);
        document.removeEventListener("resume", onBack);
    };
}
