import {ask, attempt, el, find, replace} from "./dom.js";

const WORDS = {
    ringing: "ringing",
    talking: "talking",
    transfer: "being transferred",
    menu: "in a menu",
    ended: "ended",
};
const FORGET_AFTER = 8;
let shown = "";

const clock = (seconds) =>
    `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

function button(call, text, action, body, style = "") {
    const step = () => attempt(() => ask("POST", `/calls/${call.id}/${action}`, body));
    const key = `${call.id}-${action}-${Object.values(body).join()}`;
    return el("button", {class: style, "data-key": key, onclick: step}, text);
}

function answers(call) {
    if (!["ringing", "transfer"].includes(call.state)) {
        return [];
    }
    if (call.direction === "out") {
        return [button(call, `${call.to} answers`, "answer", {}, "primary")];
    }
    return call.ringing.map((extension) =>
        button(call, `${extension} answers`, "answer", {extension}, "primary"),
    );
}

function transfers(call, extensions) {
    if (call.direction === "out" || call.state !== "talking") {
        return [];
    }
    return extensions
        .filter((extension) => extension !== call.talking)
        .map((to) => button(call, `To ${to}`, "transfer", {to}));
}

function menu(call) {
    return call.state === "menu"
        ? ["1", "2", "3"].map((digits) =>
              button(call, `Press ${digits}`, "press", {digits}),
          )
        : [];
}

function endings(call) {
    if (call.state === "ended") {
        return [];
    }
    const waiting = call.direction === "out" && call.state === "ringing";
    const more = waiting
        ? [
              button(call, "Busy", "hangup", {disposition: "busy"}),
              button(call, "No answer", "hangup", {disposition: "no answer"}),
          ]
        : [];
    return [...more, button(call, "Hang up", "hangup", {}, "danger")];
}

function card(call, extensions) {
    const who =
        call.direction === "in"
            ? `${call.caller || "withheld"} → ${call.line}`
            : `${call.extension} → ${call.to}`;
    const notes = [];
    if (call.caller_name) {
        notes.push(el("p", {class: "name"}, `The phones show “${call.caller_name}”`));
    }
    if (call.redirect) {
        notes.push(el("p", {class: "hint"}, `Odoo sent it to ${call.redirect}`));
    }
    if (call.talking && call.state === "talking") {
        notes.push(el("p", {class: "hint"}, `Extension ${call.talking} speaks`));
    }
    const time = el("span", {"data-seconds": call.seconds}, clock(call.seconds));
    return el(
        "li",
        {class: `call ${call.state}`},
        el(
            "div",
            {class: "head"},
            el("span", {class: "who"}, who),
            el("span", {class: "badge"}, `${WORDS[call.state]} `, time),
        ),
        ...notes,
        el(
            "div",
            {class: "row"},
            ...answers(call),
            ...menu(call),
            ...transfers(call, extensions),
            ...endings(call),
        ),
    );
}

/** Draw the steered calls; nothing is touched while nothing has changed. */
export function drawCalls(calls, extensions) {
    const recent = calls.filter(
        (call, place) => call.state !== "ended" || place < FORGET_AFTER,
    );
    const key = JSON.stringify([
        recent.map((call) => ({...call, seconds: 0})),
        extensions,
    ]);
    find("#calls-empty").hidden = recent.length > 0;
    if (key !== shown) {
        shown = key;
        replace(
            find("#calls"),
            recent.map((call) => card(call, extensions)),
        );
    }
    const times = find("#calls").querySelectorAll("[data-seconds]");
    recent.forEach((call, place) => {
        times[place].textContent = clock(call.seconds);
    });
}
