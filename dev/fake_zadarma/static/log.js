import {el, find} from "./dom.js";

const KEPT = 300;

function badge(entry) {
    if (entry.skipped) {
        return el("span", {class: "badge"}, "not sent");
    }
    if (entry.status === null) {
        return el("span", {class: "badge bad"}, "failed");
    }
    const good = entry.status < 300 && entry.reply?.status !== "error";
    return el("span", {class: `badge ${good ? "good" : "bad"}`}, String(entry.status));
}

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

function about(entry) {
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
    if (entry.skipped || entry.error) {
        parts.push(` · ${entry.skipped || entry.error}`);
    }
    return parts;
}

const pretty = (value) =>
    value === null || value === undefined || value === ""
        ? "(empty)"
        : typeof value === "string"
          ? value
          : JSON.stringify(value, null, 1);

const block = (title, value, full) =>
    el(
        "div",
        {class: full ? "full" : ""},
        el("h3", {}, title),
        el("pre", {}, pretty(value)),
    );

function inside(entry) {
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

function row(entry) {
    const api = entry.kind === "api";
    const what = api ? `${entry.method} ${entry.path}` : entry.event;
    const details = el(
        "details",
        {},
        el(
            "summary",
            {},
            el("time", {title: entry.at}, entry.at.slice(11)),
            badge(entry),
            el("span", {class: "what"}, what),
            el("span", {class: "about"}, ...about(entry)),
            el("span", {class: "ms"}, entry.skipped ? "" : `${entry.ms} ms`),
        ),
    );
    // The inside is made when it is first looked at: the list may be long.
    const open = () => details.append(inside(entry));
    details.addEventListener("toggle", open, {once: true});
    return el("li", {"data-kind": entry.kind}, details);
}

/** Put new entries (newest first) on top of the list. */
export function addEntries(entries) {
    const list = find("#log");
    list.prepend(...entries.map(row));
    while (list.children.length > KEPT) {
        list.lastElementChild.remove();
    }
    filterEntries();
}

export function filterEntries() {
    const kind = find("#filter input:checked").value;
    let visible = 0;
    for (const item of find("#log").children) {
        item.hidden = kind !== "all" && item.dataset.kind !== kind;
        visible += item.hidden ? 0 : 1;
    }
    find("#log-empty").hidden = visible > 0;
}

export function clearEntries() {
    find("#log").replaceChildren();
    filterEntries();
}
