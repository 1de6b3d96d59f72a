import {ask, attempt, el, find, options, replace} from "/shared/dom.js";

const EVERY = 500;
const GROUPS = {in: "A customer calls", out: "We call a customer", inside: "Inside"};
// Of the demo's people, and a stranger.
const NUMBERS = [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `+44207946020${n}`),
    "+447400123401",
    "+33199005501",
    "+442079460777",
];
let shown = "";

const words = (name) => {
    const text = name.replaceAll("_", " ");
    return text[0].toUpperCase() + text.slice(1);
};

function play({name, options: known}) {
    const {caller, extension, speed} = Object.fromEntries(
        new FormData(find("#options")),
    );
    const asked = {scenario: name, extension, speed: Number(speed), wait: false};
    if (caller && known.includes("caller")) {
        asked.caller = caller;
    }
    attempt(async () => {
        await ask("POST", "/play", asked);
        await refresh();
    });
}

function drawStories(kinds) {
    const list = find("#stories");
    for (const [direction, title] of Object.entries(GROUPS)) {
        const inside = kinds.filter((kind) => kind.direction === direction);
        list.append(
            el("h3", {}, title),
            ...inside.map((kind) =>
                el(
                    "button",
                    {type: "button", title: kind.title, onclick: () => play(kind)},
                    words(kind.name),
                ),
            ),
        );
    }
}

const badge = (text, kind = "") => el("span", {class: `badge ${kind}`}, text);

const row = (kind, who, state, ...notes) =>
    el(
        "li",
        {class: `call ${kind}`},
        el("div", {class: "head"}, el("span", {class: "who"}, who), state),
        ...notes,
    );

function phone({number, name, calls}) {
    const [first] = calls;
    const state = first ? first.state : "";
    const notes = calls.map((call) =>
        el("p", {class: "hint"}, [call.name, call.number].filter(Boolean).join(" · ")),
    );
    return row(state, `${number} ${name}`, badge(state || "idle"), ...notes);
}

function story({scenario, extension, state, error, truth}) {
    const who = `${words(scenario)} · ${extension}`;
    const kind = {failed: "bad", done: "good"}[state] || "wait";
    const notes = [error];
    if (truth) {
        const talk = truth.talk ? `talked ${Math.round(truth.talk)} s` : "";
        notes.push([truth.number || "withheld", talk].filter(Boolean).join(", "));
        const names = truth.shown.filter(Boolean).map((name) => `“${name}”`);
        notes.push(names.length ? `The phones showed ${names.join(", ")}` : "");
    }
    const texts = notes.filter(Boolean).map((text) => el("p", {class: "hint"}, text));
    return row("", who, badge(truth ? truth.outcome : state, kind), ...texts);
}

async function refresh() {
    const {phones, played} = await ask("GET", "/state");
    const key = JSON.stringify([phones, played]);
    if (key === shown) {
        return;
    }
    shown = key;
    options(
        find("#options [name=extension]"),
        phones.map(({number, name}) => [number, `${number} ${name}`]),
    );
    replace(find("#phones"), phones.map(phone));
    replace(find("#played"), played.map(story));
    find("#played-empty").hidden = played.length > 0;
}

async function watch() {
    await attempt(refresh);
    setTimeout(watch, EVERY);
}

find("#numbers").append(...NUMBERS.map((value) => el("option", {value})));
attempt(async () => drawStories(await ask("GET", "/scenarios")));
watch();
