import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

import {PartyField, partyField} from "../fields/party_field";

/** Whom to call back: the contact, the lead, the number. */
export class PromisePartyField extends PartyField {
    get avatarUrl() {
        return this.partner ? super.avatarUrl : "";
    }

    /** Who it is, if anybody knows: else the record is called by its number. */
    get name() {
        const {display_name: name, number_readable: number} = this.data;
        return this.partner?.display_name || (name === number ? "" : name);
    }

    get icon() {
        return this.name ? "fa-star-o" : "fa-user-o";
    }
}

registry.category("fields").add("pbx_promise_party", {
    ...partyField,
    component: PromisePartyField,
    displayName: _t("Whom to call back"),
    fieldDependencies: [
        {name: "number_readable", type: "char", readonly: true},
        {name: "display_name", type: "char", readonly: true},
    ],
});
