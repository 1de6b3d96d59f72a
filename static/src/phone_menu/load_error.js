import {_t} from "@web/core/l10n/translation";
import {ConnectionLostError} from "@web/core/network/rpc";

/** Say in a sentence why something could not be read. */
export function sentenceOf(error) {
    return error instanceof ConnectionLostError
        ? _t("Odoo cannot be reached. Check your connection.")
        : _t("Odoo could not answer this.");
}
