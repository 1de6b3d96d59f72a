import {_t} from "@web/core/l10n/translation";
import {ConnectionLostError, RPCError} from "@web/core/network/rpc";

const FOR_PEOPLE = /\.(UserError|AccessError|ValidationError|MissingError)$/;

/** The sentence that an error has for the person; nothing if it is a bug. */
function sentenceOf(error) {
    if (error instanceof ConnectionLostError) {
        return _t("Odoo cannot be reached. Check your connection.");
    }
    const isForPeople =
        error instanceof RPCError && FOR_PEOPLE.test(error.exceptionName || "");
    return isForPeople ? error.data?.message : "";
}

/**
 * Have the server dial, and say why, if it does not.
 *
 * @returns {Promise<number|false>} id of the call
 */
export async function dial(orm, notification, number, {resModel, resId, line} = {}) {
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
