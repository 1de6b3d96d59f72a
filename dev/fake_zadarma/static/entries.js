import {el} from "/shared/dom.js";
import {block} from "/shared/log.js";

function sides(fields) {
    const from = fields.caller_id ?? "";
    const internal = fields.internal ?? "";
    if (fields.result || fields.event === "NOTIFY_RECORD") {
        return fields.result ?? fields.call_id_with_rec;
    }
    if (fields.event.startsWith("NOTIFY_OUT")) {
        return `${internal} → ${fields.destination}`;
    }
    const to = fields.called_did ?? fields.destination ?? "";
    const rings = internal && ![from, to].includes(internal) ? ` · ${internal}` : "";
    return from || to ? `${from || "withheld"} → ${to}${rings}` : "";
}

/** What the line of an entry says besides its event. */
export function about(entry) {
    if (entry.kind === "api") {
        const params = Object.entries(entry.params || {})
            .filter(([name]) => name !== "format")
            .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
        return [params.join(" ")];
    }
    const parts = [sides(entry.fields)];
    if (entry.fields.disposition) {
        parts.push(` · ${entry.fields.disposition} ${entry.fields.duration} s`);
    }
    if (entry.caller_name) {
        parts.push(" · shows ", el("b", {}, `“${entry.caller_name}”`));
    }
    if (entry.redirect) {
        parts.push(" · goes to ", el("b", {}, String(entry.redirect)));
    }
    if (entry.wait_dtmf) {
        parts.push(" · asks for ", el("b", {}, String(entry.wait_dtmf.name)));
    }
    if (entry.hangup) {
        parts.push(" · ends");
    }
    const key = entry.fields.wait_dtmf;
    if (key) {
        parts.push(
            ` · ${key.name}: ${key.digits || `no key, ${key.default_behaviour}`}`,
        );
    }
    if (entry.skipped || entry.error) {
        parts.push(` · ${entry.skipped || entry.error}`);
    }
    return parts;
}

/** What is shown of an entry that is opened. */
export function inside(entry) {
    const api = entry.kind === "api";
    return el(
        "div",
        {class: "inside"},
        block(api ? "Parameters" : "Fields sent", api ? entry.params : entry.fields),
        block(api ? "Our answer" : "Odoo's reply", entry.reply),
        entry.problems
            ? block("Not as the contract says", entry.problems.join("\n"), true)
            : null,
        entry.url ? block("Address", entry.url, true) : null,
    );
}
