import {ask, attempt, el, find, options, replace} from "/shared/dom.js";
import {addEntries, clearEntries, filterEntries} from "/shared/log.js";
import {about, inside} from "./entries.js";

const EVERY = 700;
const GROUPS = {
    in: "Somebody calls us",
    out: "We call",
    other: "No calls, and what is refused",
};
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `+7900000020${n}`);
// What a scenario is played with; without waits its times lie in the past.
const PACES = {
    short: {speed: 1, ring: 3, duration: 8},
    life: {speed: 1},
    none: {speed: 0},
};
let last = 0;
let run = null;
const shown = {};

const words = (name) => {
    const text = name.replaceAll("_", " ");
    return text[0].toUpperCase() + text.slice(1);
};

/** Draw a list anew, only if what it shows has changed. */
function draw(selector, things, row) {
    const key = JSON.stringify(things);
    if (shown[selector] !== key) {
        shown[selector] = key;
        replace(find(selector), things.map(row));
    }
}

function play(name) {
    const {caller, extension, line, pace, recorded} = Object.fromEntries(
        new FormData(find("#options")),
    );
    const asked = {scenario: name, extension, line, wait: false, ...PACES[pace]};
    if (caller) {
        asked.caller = caller;
    }
    if (recorded) {
        asked.recorded = true;
    }
    attempt(async () => {
        await ask("POST", "/play", asked);
        await refresh();
    });
}

function drawStories(kinds) {
    const list = find("#stories");
    for (const [direction, title] of Object.entries(GROUPS)) {
        const own = kinds.filter((kind) => kind.direction === direction);
        list.append(
            el("h3", {}, title),
            ...own.map((kind) =>
                el(
                    "button",
                    {
                        type: "button",
                        title: kind.title,
                        onclick: () => play(kind.name),
                    },
                    words(kind.name),
                ),
            ),
        );
    }
}

function subscription({subscriptionId, pattern, url}) {
    const end = (text, tell) =>
        el(
            "button",
            {
                "data-key": `${subscriptionId}-${tell}`,
                onclick: () =>
                    attempt(async () => {
                        const path = `/subscriptions/${subscriptionId}/terminate`;
                        await ask("POST", path, {tell});
                        await refresh();
                    }),
            },
            text,
        );
    return el(
        "li",
        {class: "call talking"},
        el(
            "div",
            {class: "head"},
            el("span", {class: "who"}, pattern || "the whole PBX"),
            el("span", {class: "badge", "data-until": subscriptionId}, ""),
        ),
        el("p", {class: "hint"}, url),
        el(
            "div",
            {class: "row"},
            end("End it", true),
            end("End without a word", false),
        ),
    );
}

function drawSubscriptions(live) {
    find("#subscriptions-empty").hidden = live.length > 0;
    const told = live.map(({subscriptionId, pattern, url}) => ({
        subscriptionId,
        pattern,
        url,
    }));
    draw("#subscriptions", told, subscription);
    for (const {subscriptionId, expires} of live) {
        const place = find(`[data-until="${subscriptionId}"]`);
        place.textContent = `ends in ${Math.ceil(expires / 60)} min`;
    }
}

function drawSettings({abonents, numbers}) {
    const people = Object.entries(abonents);
    const name = (one) => `${one.first_name} ${one.last_name}`.trim();
    options(
        find("#options [name=extension]"),
        people.map(([number, one]) => [number, `${number} ${name(one)}`]),
    );
    options(
        find("#options [name=line]"),
        numbers.map((number) => [number, number]),
    );
    draw("#phones", people, ([number, one]) =>
        el("li", {}, el("label", {}, `${number} ${name(one)} · ${one.user_id}`)),
    );
}

async function refresh() {
    let state = await ask("GET", `/state?after=${last}`);
    if (run && run !== state.run) {
        clearEntries();
        state = await ask("GET", "/state?after=0");
    }
    run = state.run;
    last = state.log[0]?.id ?? last;
    drawSettings(state.settings);
    drawSubscriptions(state.subscriptions);
    addEntries(state.log, {about, inside});
}

async function watch() {
    await attempt(refresh);
    setTimeout(watch, EVERY);
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

async function begin() {
    find("#numbers").append(...NUMBERS.map((value) => el("option", {value})));
    find("#day").addEventListener("click", onDay);
    find("#filter").addEventListener("change", filterEntries);
    find("#clear").addEventListener("click", () =>
        attempt(async () => {
            await ask("DELETE", "/log");
            clearEntries();
        }),
    );
    await attempt(async () => drawStories(await ask("GET", "/scenarios")));
    await watch();
}

begin();
