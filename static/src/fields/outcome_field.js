import {registry} from "@web/core/registry";
import {BadgeField, badgeField} from "@web/views/fields/badge/badge_field";

import {Voicemail} from "../player/voicemail";

/** How a call ended; of a failed one why, of a missed one what the caller left. */
export class OutcomeField extends BadgeField {
    static template = "cloud_pbx.OutcomeField";
    static components = {...BadgeField.components, Voicemail};

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
    fieldDependencies: [
        {name: "failure_reason", type: "char", readonly: true},
        {name: "voicemail_id", type: "many2one", relation: "pbx.recording"},
        {name: "voicemail_seconds", type: "integer", readonly: true},
    ],
});
