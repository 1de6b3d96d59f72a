import {_t} from "@web/core/l10n/translation";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";

import {sentenceOf} from "../common/error_text";
import {chooseNumber} from "./number_choice";

const CONFIRMATION = /\.ConfirmationNeeded$/;
const SEVERAL_NUMBERS = /\.SeveralNumbers$/;

function askUser(dialog, body) {
    return new Promise((resolve) => {
        dialog.add(
            ConfirmationDialog,
            {
                title: _t("Call this number?"),
                body,
                confirmLabel: _t("Call"),
                confirm: () => resolve(true),
                cancel: () => resolve(false),
            },
            {onClose: () => resolve(false)},
        );
    });
}

// Why the last number was not dialled: of no interest once another one is.
let closeLast = null;

/**
 * Have the server dial, and say why where it does not. What it warns of is dialled once
 * the user has confirmed it; of several numbers the user chooses one.
 *
 * @param {Object} services orm, notification, dialog
 * @param {string} number
 * @param {Object} [about]
 * @param {(isAsking: boolean) => void} [about.onAsking] while the user is asked, nothing
 * is dialled
 * @returns {Promise<number|false>} id of the call
 */
export async function requestDial(services, number, about = {}) {
    const {orm, notification, dialog} = services;
    const {resModel, resId, line, confirmed, onAsking = () => {}} = about;
    const ask = async (question) => {
        onAsking(true);
        try {
            return await question();
        } finally {
            onAsking(false);
        }
    };
    closeLast?.();
    try {
        return await orm.call("pbx.call", "dial", [number], {
            res_model: resModel || false,
            res_id: resId || false,
            line: line || false,
            ...(confirmed ? {confirmed} : {}),
        });
    } catch (error) {
        const sentence = sentenceOf(error);
        if (!sentence) {
            throw error;
        }
        if (SEVERAL_NUMBERS.test(error.exceptionName || "")) {
            const {choices} = error.data.context;
            const chosen = await ask(() => chooseNumber(dialog, choices));
            return chosen ? requestDial(services, chosen, about) : false;
        }
        if (CONFIRMATION.test(error.exceptionName || "")) {
            return (await ask(() => askUser(dialog, sentence)))
                ? requestDial(services, number, {...about, confirmed: true})
                : false;
        }
        showRefusal(notification, sentence);
        return false;
    }
}

/** Say why it was not dialled. */
function showRefusal(notification, sentence) {
    closeLast = notification.add(sentence, {
        type: "danger",
        title: _t("Not dialled"),
        sticky: sentence.length > 120,
    });
}

/**
 * Have the server call somebody back, and say why where it does not.
 *
 * @param {Object} services orm, notification
 * @param {string} method of the call-backs
 * @param {Array} args
 * @param {Object} [options]
 * @param {number|string} [options.line] the number to be shown
 * @param {Object} [options.context]
 * @returns {Promise<any>} what it answers; `null` once the user has read why it was refused
 */
export async function requestCallBack(services, method, args, options = {}) {
    const {orm, notification} = services;
    const {line, ...kwargs} = options;
    closeLast?.();
    try {
        return await orm.call("pbx.promise", method, args, {
            ...kwargs,
            ...(line ? {line} : {}),
        });
    } catch (error) {
        const sentence = sentenceOf(error);
        if (!sentence) {
            throw error;
        }
        showRefusal(notification, sentence);
        return null;
    }
}
