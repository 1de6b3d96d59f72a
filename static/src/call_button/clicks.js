import {reactive, toRaw} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {effect} from "@web/core/utils/reactive";

// For so long a button says how its call ended.
export const OUTCOME_SHOWN_MS = 5000;
// So long without any news of a call its button can be used again.
export const NO_NEWS_MS = 60_000;

const GOING_ON = ["ringing", "ongoing"];

const clicksByDesk = new WeakMap();

/**
 * The clicks whose calls are not over, by what was clicked. They are kept outside of the
 * buttons: a view that is read again draws new ones, which have to show the same.
 */
export function clicksOf(desk) {
    const known = toRaw(desk);
    if (!clicksByDesk.has(known)) {
        clicksByDesk.set(known, reactive({}));
    }
    return clicksByDesk.get(known);
}

function isGoingOn({state}) {
    return GOING_ON.includes(state);
}

/** @param {{number: string, resModel?: string, resId?: number | false}} target */
export function keyOf({number, resModel, resId}) {
    return [resModel || "", resId || "", number].join("/");
}

/** What was clicked is called otherwise now: a new record was saved. */
export function rename(desk, from, to) {
    const clicks = clicksOf(desk);
    const click = clicks[keyOf(from)];
    if (click) {
        delete clicks[click.key];
        click.key = keyOf(to);
        clicks[click.key] = click;
    }
}

/** Have the desk dial, unless an earlier click on the same is still going on. */
export async function startClick(desk, target) {
    // Not the caller's own view of the desk: it may be gone before the call is over.
    const shared = reactive(desk);
    const clicks = clicksOf(shared);
    const key = keyOf(target);
    if (clicks[key] && !clicks[key].isOver) {
        return;
    }
    clicks[key] = {key, id: false, isAsking: false, isKnown: false, isOver: false};
    const click = clicks[key];
    const forget = () => {
        // There may be a newer click on the same.
        if (toRaw(clicks[click.key]) === toRaw(click)) {
            delete clicks[click.key];
        }
    };
    const {number, resModel, resId} = target;
    const onAsking = (isAsking) => (click.isAsking = isAsking);
    try {
        click.id = await shared.dial(number, {
            ...(resId ? {resModel, resId} : {}),
            onAsking,
        });
    } finally {
        if (!click.id) {
            forget();
        }
    }
    if (click.id) {
        follow(shared, click, forget);
    }
}

function follow(desk, click, forget) {
    browser.setTimeout(() => click.isKnown || forget(), NO_NEWS_MS);
    effect(
        ({stack: {calls}}) => {
            if (click.isOver) {
                return;
            }
            const call = calls[click.id];
            if (call && !isGoingOn(call)) {
                click.isOver = true;
                browser.setTimeout(forget, OUTCOME_SHOWN_MS);
            } else if (!call && click.isKnown) {
                // Nothing more will be heard of it.
                click.isOver = true;
                forget();
            }
            click.isKnown = Boolean(call);
        },
        [desk],
    );
}
