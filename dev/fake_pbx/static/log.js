import {el, find} from "/shared/dom.js";

const KEPT = 300;
const LONGEST = 40;

function badge(entry) {
    if (entry.skipped) {
        return el("span", {class: "badge"}, "not sent");
    }
    if (entry.status === null) {
        return el("span", {class: "badge bad"}, "failed");
    }
    const good =
        entry.status < 300 &&
        entry.reply?.status !== "error" &&
        !entry.reply?.errorCode;
    return el("span", {class: `badge ${good ? "good" : "bad"}`}, String(entry.status));
}

const pretty = (value) =>
    value === null || value === undefined || value === ""
        ? "(empty)"
        : typeof value === "string"
          ? value
          : JSON.stringify(value, null, 1);

/** A titled part of an opened entry. */
export const block = (title, value, full) =>
    el(
        "div",
        {class: full ? "full" : ""},
        el("h3", {}, title),
        el("pre", {}, pretty(value)),
    );

/** A path that fits: of a long one the beginning and the end. */
const short = (path) =>
    path.length > LONGEST ? `${path.slice(0, 12)}…${path.slice(-12)}` : path;

function row(entry, {about, inside}) {
    const api = entry.kind === "api";
    const what = api ? `${entry.method} ${short(entry.path)}` : entry.event;
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

/**
 * Put new entries (newest first) on top of the list. `about` gives what the line of an
 * entry says besides its event, `inside` what is shown when it is opened.
 */
export function addEntries(entries, words) {
    const list = find("#log");
    list.prepend(...entries.map((entry) => row(entry, words)));
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
