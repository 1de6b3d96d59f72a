import {IntegerField, integerField} from "@web/views/fields/integer/integer_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A whole number that may be left empty: 0 is none. */
export class OptionalIntegerField extends IntegerField {
    get formattedValue() {
        return this.value ? String(this.value) : "";
    }
}

export const optionalIntegerField = {
    ...integerField,
    component: OptionalIntegerField,
    displayName: _t("Number, may be empty"),
    isEmpty: (record, name) => !record.data[name],
};

registry.category("fields").add("pbx_optional_integer", optionalIntegerField);
