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
 * @returns {Promise<number|false>} id of the call
 */
export async function requestDial(services, number, about = {}) {
    const {orm, notification, dialog} = services;
    const {resModel, resId, line, confirmed} = about;
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
            const chosen = await chooseNumber(dialog, error.data.context.choices);
            return chosen ? requestDial(services, chosen, about) : false;
        }
        if (CONFIRMATION.test(error.exceptionName || "")) {
            return (await askUser(dialog, sentence))
                ? requestDial(services, number, {...about, confirmed: true})
                : false;
        }
        closeLast = notification.add(sentence, {
            type: "danger",
            title: _t("Not dialled"),
            sticky: sentence.length > 120,
        });
        return false;
    }
}
