import {_t} from "@web/core/l10n/translation";

import {sentenceOf} from "../common/error_text";

/**
 * Have the server dial, and say why where it does not.
 *
 * @returns {Promise<number|false>} id of the call
 */
export async function requestDial(
    orm,
    notification,
    number,
    {resModel, resId, line} = {},
) {
    try {
        return await orm.call("pbx.call", "dial", [number], {
            res_model: resModel || false,
            res_id: resId || false,
            line: line || false,
        });
    } catch (error) {
        const sentence = sentenceOf(error);
        if (!sentence) {
            throw error;
        }
        notification.add(sentence, {
            type: "danger",
            title: _t("Not dialled"),
            sticky: sentence.length > 120,
        });
        return false;
    }
}
