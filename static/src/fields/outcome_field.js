import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {BadgeField, badgeField} from "@web/views/fields/badge/badge_field";

import {Voicemail} from "../player/voicemail";

/**
 * How a call ended; of a failed one why, of a missed one what the caller left. Of one that
 * still goes on, that it rings or is spoken.
 */
export class OutcomeField extends BadgeField {
    static template = "cloud_pbx.OutcomeField";
    static components = {...BadgeField.components, Voicemail};

    get formattedValue() {
        const {data, fields} = this.props.record;
        const name = data[this.props.name] ? this.props.name : "state";
        return Object.fromEntries(fields[name].selection)[data[name]] || "";
    }

    /** Odoo's own green is too light for white letters. */
    get badgeClass() {
        const own = super.badgeClass;
        return own === "text-bg-success"
            ? "bg-success-subtle text-success-emphasis"
            : own;
    }

    get reason() {
        return this.props.record.data.failure_reason;
    }

    get voicemail() {
        const {voicemail_id: recording, voicemail_seconds: seconds} =
            this.props.record.data;
        return recording && {id: recording.id, seconds, can_hear: true};
    }
}

registry.category("fields").add("pbx_outcome", {
    ...badgeField,
    component: OutcomeField,
    supportedTypes: ["selection"],
    isEmpty: () => false,
    fieldDependencies: [
        {name: "failure_reason", type: "char", readonly: true},
        {name: "voicemail_id", type: "many2one", relation: "pbx.recording"},
        {name: "voicemail_seconds", type: "integer", readonly: true},
        {
            name: "state",
            type: "selection",
            readonly: true,
            selection: [
                ["ringing", _t("Ringing")],
                ["ongoing", _t("Talking")],
                ["done", _t("Ended")],
            ],
        },
    ],
});
