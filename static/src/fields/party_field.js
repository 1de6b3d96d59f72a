import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {imageUrl} from "@web/core/utils/urls";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {withoutNumber} from "../common/call_facts";

/**
 * Who is at the other end of a call: the contact, the lead, the colleague, the number.
 */
export class PartyField extends Component {
    static template = "cloud_pbx.PartyField";
    static props = {
        ...standardFieldProps,
        withAvatar: {type: Boolean, optional: true},
        withNumber: {type: Boolean, optional: true},
        nameOnly: {type: Boolean, optional: true},
    };
    static defaultProps = {withAvatar: true, withNumber: false, nameOnly: false};

    get data() {
        return this.props.record.data;
    }

    get partner() {
        return this.data[this.props.name];
    }

    get avatarUrl() {
        return this.partner
            ? imageUrl("res.partner", this.partner.id, "avatar_128")
            : this.data.colleague_avatar;
    }

    /** The name of whoever it is, if that is known. */
    get name() {
        if (this.partner) {
            return this.partner.display_name || _t("Unnamed");
        }
        return this.data.lead_contact || this.data.colleague_name || "";
    }

    /** A colleague is told apart from a customer by the short number. */
    get withNumber() {
        return this.props.withNumber || Boolean(this.data.colleague_name);
    }

    get number() {
        return this.data.colleague_number || this.data.number_readable || "";
    }

    /** The number stands in a column of its own; an internal call has none there. */
    get isUnknown() {
        return this.props.nameOnly && this.number && this.data.direction !== "internal";
    }

    get noNumber() {
        return withoutNumber(this.data);
    }

    get icon() {
        if (this.data.lead_contact) {
            return "fa-star-o";
        }
        const isHidden = !this.number && this.data.direction !== "outbound";
        return isHidden ? "fa-user-secret" : "fa-user-o";
    }
}

export const partyField = {
    component: PartyField,
    displayName: _t("Party of a call"),
    supportedTypes: ["many2one"],
    supportedOptions: [
        {label: _t("Avatar"), name: "avatar", type: "boolean", default: true},
        {label: _t("Number"), name: "number", type: "boolean"},
        {label: _t("Unknown instead of a number"), name: "unknown", type: "boolean"},
    ],
    isEmpty: () => false,
    fieldDependencies: [
        {name: "number_readable", type: "char", readonly: true},
        {name: "lead_contact", type: "char", readonly: true},
        {name: "colleague_name", type: "char", readonly: true},
        {name: "colleague_avatar", type: "char", readonly: true},
        {name: "colleague_number", type: "char", readonly: true},
        {name: "direction", type: "selection", readonly: true},
    ],
    extractProps: ({options}) => ({
        withAvatar: options.avatar !== false,
        withNumber: Boolean(options.number),
        nameOnly: Boolean(options.unknown),
    }),
};

registry.category("fields").add("pbx_party", partyField);
