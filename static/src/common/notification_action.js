import {registry} from "@web/core/registry";

let closeLast = null;

/**
 * What came of a button, as a message. The one before goes: what it said may be settled
 * by now, such as a key that was not accepted.
 */
export function showNotification(env, {params}) {
    const {message, type, sticky, next} = params;
    closeLast?.();
    closeLast = env.services.notification.add(message, {type, sticky});
    return next;
}

registry.category("actions").add("cloud_pbx_notification", showNotification);
