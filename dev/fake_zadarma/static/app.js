import {ask, attempt, el, find, options, replace} from "/shared/dom.js";
import {about, inside} from "./entries.js";
import {addEntries, clearEntries, filterEntries} from "/shared/log.js";
import {drawCalls} from "./calls.js";

const EVERY = 700;
const NUMBERS = [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `+44207946020${n}`),
    "+442079460777",
    "+33199005501",
    "anonymous",
];
let last = 0;
let run = null;
let phonesShown = "";

const data = (form) => Object.fromEntries(new FormData(form));

function drawPhones(extensions) {
    const key = JSON.stringify(extensions);
    if (key === phonesShown) {
        return;
    }
    phonesShown = key;
    const rows = Object.entries(extensions).map(([number, {name, online}]) => {
        const change = (event) =>
            attempt(() =>
                ask("POST", "/settings", {
                    extensions: {[number]: {online: event.target.checked}},
                }),
            );
        const box = el("input", {
            type: "checkbox",
            checked: online,
            "data-key": `phone-${number}`,
            onchange: change,
        });
        const state = el(
            "span",
            {class: `badge ${online ? "good" : ""}`},
            online ? "online" : "offline",
        );
        return el("li", {}, el("label", {}, box, `${number} ${name}`, state));
    });
    replace(find("#phones"), rows);
}

function drawSettings(settings) {
    const extensions = Object.entries(settings.extensions);
    options(
        find("#dial [name=line]"),
        Object.entries(settings.lines).map(([n, name]) => [n, `${name} +${n}`]),
    );
    options(
        find("#dial [name=extension]"),
        extensions.map(([n, {name}]) => [n, `${n} ${name}`]),
    );
    drawPhones(settings.extensions);
    const field = find("#webhook-url");
    if (
        document.activeElement !== field &&
        field.dataset.saved !== settings.callinfo_url
    ) {
        field.value = field.dataset.saved = settings.callinfo_url;
    }
    const note = find("#webhook-state");
    if (!note.classList.contains("bad")) {
        note.textContent = settings.callinfo_url
            ? `Checked with zd_echo. Mode ${settings.mode}, zone ${settings.zone}.`
            : "Not set yet: nothing is sent. Odoo's Connect sets it too.";
    }
}

async function refresh() {
    try {
        let state = await ask("GET", `/state?after=${last}`);
        if (run && run !== state.run) {
            clearEntries();
            state = await ask("GET", "/state?after=0");
        }
        run = state.run;
        last = state.log[0]?.id ?? last;
        drawSettings(state.settings);
        drawCalls(state.calls, Object.keys(state.settings.extensions));
        addEntries(state.log, {about, inside});
    } catch (error) {
        const note = find("#webhook-state");
        note.textContent = error.message;
    }
}

async function watch() {
    await refresh();
    setTimeout(watch, EVERY);
}

function onDial(event) {
    event.preventDefault();
    const {direction, caller, line, extension, to} = data(event.target);
    const asked = direction === "in" ? {caller, line} : {extension, to};
    attempt(async () => {
        await ask("POST", "/calls", asked);
        await refresh();
        find("#calls button")?.focus();
    });
}

function onDirection() {
    const direction = find("#dial [name=direction]:checked").value;
    for (const part of document.querySelectorAll("#dial [data-for]")) {
        part.hidden = part.dataset.for !== direction;
    }
}

function onPlay(event) {
    event.preventDefault();
    const {scenario, caller, speed} = data(event.target);
    const asked = {scenario, speed: Number(speed), wait: false};
    attempt(() => ask("POST", "/play", caller ? {...asked, caller} : asked));
}

function onDay(event) {
    const button = event.target;
    button.disabled = true;
    button.textContent = "Playing…";
    attempt(() => ask("POST", "/day")).finally(() => {
        button.disabled = false;
        button.textContent = "Play a short day";
    });
}

function onWebhook(event) {
    event.preventDefault();
    const note = find("#webhook-state");
    note.classList.remove("bad");
    note.textContent = "Asking…";
    ask("POST", "/webhook", data(event.target)).catch((error) => {
        note.classList.add("bad");
        note.textContent = error.message;
    });
}

async function begin() {
    find("#numbers").append(...NUMBERS.map((value) => el("option", {value})));
    find("#dial").addEventListener("submit", onDial);
    find("#dial").addEventListener("change", onDirection);
    find("#play").addEventListener("submit", onPlay);
    find("#day").addEventListener("click", onDay);
    find("#webhook").addEventListener("submit", onWebhook);
    find("#filter").addEventListener("change", filterEntries);
    find("#clear").addEventListener("click", () =>
        attempt(async () => {
            await ask("DELETE", "/log");
            clearEntries();
        }),
    );
    onDirection();
    attempt(async () => {
        const kinds = await ask("GET", "/scenarios");
        const groups = {in: "Inbound and messages", out: "Outbound and click-to-call"};
        const select = find("#play [name=scenario]");
        for (const [direction, label] of Object.entries(groups)) {
            const inside = kinds.filter((kind) => kind.direction === direction);
            const rows = inside.map(({name, title}) =>
                el("option", {value: name}, title),
            );
            select.append(el("optgroup", {label}, ...rows));
        }
    });
    await watch();
}

begin();
