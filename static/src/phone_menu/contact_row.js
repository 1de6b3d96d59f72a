import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";

/** A contact that was found: open it, or call it. */
export class ContactRow extends Component {
    static template = "cloud_pbx.ContactRow";
    static props = {
        contact: Object,
        isBusy: {type: Boolean, optional: true},
        onCall: Function,
        onOpen: Function,
    };

    get name() {
        return this.props.contact.name || _t("Unnamed");
    }

    get callLabel() {
        return _t("Call %s", this.name);
    }
}
