import {el} from "/shared/dom.js";
import {block} from "/shared/log.js";

/** What the line of an entry says besides its event. */
export function about(entry) {
    if (entry.kind === "api") {
        const params = Object.entries(entry.params || {}).map(
            ([name, value]) => `${name}=${value}`,
        );
        return [params.join(" ")];
    }
    const parts = [[entry.target, entry.number].filter(Boolean).join(" · ")];
    if (entry.state) {
        parts.push(` · ${entry.state}`);
    }
    if (entry.attempt) {
        parts.push(` · attempt ${entry.attempt}`);
    }
    if (entry.skipped || entry.error) {
        parts.push(` · ${entry.skipped || entry.error}`);
    }
    return parts;
}

/** An element on each line, so that a person can read it. */
const lines = (xml) => xml.replaceAll(/>(?=<)/g, ">\n");

/** What is shown of an entry that is opened. */
export function inside(entry) {
    const api = entry.kind === "api";
    return el(
        "div",
        {class: "inside"},
        api
            ? block("Parameters", entry.params)
            : block("Document", lines(entry.body), true),
        block(api ? "Our answer" : "Odoo's reply", entry.reply),
        block("Address", api ? entry.path : entry.url, true),
    );
}
