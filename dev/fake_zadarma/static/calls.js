import {ask, attempt, el, find, replace} from "/shared/dom.js";

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

const KEYS = [..."123456789*0#"];

/** Keys to press in a menu that Odoo's reply has set, and the patience to press none. */
function menu(call) {
    if (call.state !== "menu") {
        return [];
    }
    const {timeout, attempts, maxdigits} = call.asks;
    const none = button(
        call,
        `No key (${timeout * attempts} s)`,
        "timeout",
        {},
        "quiet",
    );
    if (maxdigits === 1) {
        return [...KEYS.map((digits) => button(call, digits, "press", {digits})), none];
    }
    const field = el("input", {
        maxlength: maxdigits,
        pattern: "[0-9*#]+",
        required: true,
        "aria-label": "Keys",
        "data-key": `${call.id}-keys`,
        placeholder: `up to ${maxdigits} keys`,
    });
    const press = (event) => {
        event.preventDefault();
        attempt(() => ask("POST", `/calls/${call.id}/press`, {digits: field.value}));
    };
    return [
        el("form", {class: "row", onsubmit: press}, field, el("button", {}, "Press")),
        none,
    ];
}

/** Where Odoo sent it, somebody may be slow to lift. */
function patience(call) {
    return call.waits && call.state === "ringing"
        ? [button(call, `Nobody lifts (${call.return_timeout} s)`, "timeout", {})]
        : [];
}

/** What Odoo's reply made of the call, in sentences. */
function obeyed(call) {
    const sentences = [];
    if (call.pressed) {
        sentences.push(`Keys pressed: ${call.pressed.join(", ")}`);
    }
    if (call.play) {
        sentences.push(`The caller hears sound ${call.play}`);
    }
    if (call.asks) {
        const {name, maxdigits} = call.asks;
        const next = call.asks.default;
        sentences.push(
            `Odoo asks for ${maxdigits === 1 ? "a key" : `up to ${maxdigits} keys`}` +
                ` (step ${name}); without one: ${next || "the scenario"}`,
        );
    }
    if (call.redirect === "blacklist") {
        sentences.push("Odoo refused it: the caller hears “busy”");
    } else if (call.redirect) {
        const back = call.return_timeout
            ? `for ${call.return_timeout} s`
            : "and it does not come back";
        sentences.push(`Odoo sent it to ${call.redirect}, ${back}`);
    }
    if (call.came_back) {
        sentences.push("It came back: the PBX's own scenario goes on");
    }
    if (call.hung_up) {
        sentences.push("Odoo ended it");
    }
    return sentences.map((text) => el("p", {class: "hint"}, text));
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
    notes.push(...obeyed(call));
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
            ...patience(call),
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
