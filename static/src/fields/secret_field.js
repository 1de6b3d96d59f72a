import {CharField, charField} from "@web/views/fields/char/char_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useState} from "@odoo/owl";

/** A password whose text can be looked at: was the right thing pasted, and all of it? */
export class SecretField extends CharField {
    static template = "cloud_pbx.SecretField";

    setup() {
        super.setup();
        this.state = useState({isShown: false});
    }

    get toggleTitle() {
        return this.state.isShown ? _t("Hide") : _t("Show");
    }

    get shownValue() {
        const value = this.props.record.data[this.props.name] || "";
        return this.state.isShown ? value : this.formattedValue;
    }

    toggle() {
        this.state.isShown = !this.state.isShown;
    }
}

export const secretField = {
    ...charField,
    component: SecretField,
    displayName: _t("Secret"),
    extractProps: (info) => ({...charField.extractProps(info), isPassword: true}),
};

registry.category("fields").add("pbx_secret", secretField);
