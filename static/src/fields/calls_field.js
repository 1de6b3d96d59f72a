import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {X2ManyField, x2ManyField} from "@web/views/fields/x2many/x2many_field";

/**
 * The calls of a contact or a lead. A click opens the call itself, where a note can be
 * written, and not a window to look at it.
 */
export class CallsField extends X2ManyField {
    async openRecord(record, options = {}) {
        await this.switchToForm(record, options);
    }
}

export const callsField = {
    ...x2ManyField,
    component: CallsField,
    displayName: _t("Calls"),
};

registry.category("fields").add("pbx_calls", callsField);
