import {_t} from "@web/core/l10n/translation";
import {ConnectionLostError, RPCError} from "@web/core/network/rpc";

const FOR_PEOPLE =
    /\.(UserError|AccessError|ValidationError|MissingError|ConfirmationNeeded|SeveralNumbers)$/;

/** The sentence that an error has for the person; nothing if it is a bug. */
export function sentenceOf(error) {
    if (error instanceof ConnectionLostError) {
        return _t("Odoo cannot be reached. Check your connection.");
    }
    const isForPeople =
        error instanceof RPCError && FOR_PEOPLE.test(error.exceptionName || "");
    return isForPeople ? error.data?.message : "";
}

/** What to show in the place of something that could not be read. */
export function errorText(error) {
    return error instanceof ConnectionLostError
        ? sentenceOf(error)
        : _t("Odoo could not load this.");
}
