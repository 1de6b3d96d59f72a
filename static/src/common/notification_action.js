import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

// Time enough to read the name and to see that it was the wrong one.
const UNDO_STAYS_MS = 10_000;

let closeLast = null;

function show(env, message, options) {
    closeLast?.();
    closeLast = env.services.notification.add(message, options);
}

/**
 * What came of a button, as a message. The one before goes: what it said may be settled
 * by now, such as a key that was not accepted.
 */
export function showNotification(env, {params}) {
    const {message, type, sticky, next} = params;
    show(env, message, {type, sticky});
    return next;
}

registry.category("actions").add("cloud_pbx_notification", showNotification);

/** Missed calls were dismissed in a list: it can be undone as long as this stands. */
export function showDismissed(env, {params}) {
    const {ids, message, next} = params;
    const undo = async () => {
        closeLast?.();
        closeLast = null;
        await env.services.orm.call("pbx.call", "action_undo_called_back", [ids]);
        env.bus.trigger("CLOUD_PBX:MISSED");
    };
    const buttons = ids.length ? [{name: _t("Undo"), onClick: undo}] : [];
    show(env, message, {type: "success", buttons, autocloseDelay: UNDO_STAYS_MS});
    return next;
}

registry.category("actions").add("cloud_pbx_dismissed", showDismissed);
