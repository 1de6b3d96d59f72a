import {Component, xml} from "@odoo/owl";
import {RelativeTime} from "@mail/core/common/relative_time";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {formatDateTime} from "@web/core/l10n/dates";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {Voicemail} from "../player/voicemail";

/** How long ago something was: “2 hours ago”. */
export class AgeField extends Component {
    static template = xml`
        <span t-if="value" t-att-title="inFull"><RelativeTime datetime="value"/></span>`;
    static components = {RelativeTime};
    static props = {...standardFieldProps};

    get value() {
        return this.props.record.data[this.props.name];
    }

    get inFull() {
        return formatDateTime(this.value);
    }
}

registry.category("fields").add("pbx_age", {
    component: AgeField,
    displayName: _t("Age"),
    supportedTypes: ["datetime"],
});

/** How often: “×3”; once says nothing, unless each counts. */
export class TimesField extends Component {
    static template = xml`<span class="fw-bold text-nowrap" t-out="text"/>`;
    static props = {...standardFieldProps, all: {type: Boolean, optional: true}};

    get text() {
        const count = this.props.record.data[this.props.name];
        return count >= (this.props.all ? 1 : 2) ? `×${count}` : "";
    }
}

registry.category("fields").add("pbx_times", {
    component: TimesField,
    displayName: _t("Number of times"),
    supportedTypes: ["integer"],
    supportedOptions: [{label: _t("Once, too"), name: "all", type: "boolean"}],
    extractProps: ({options}) => ({all: Boolean(options.all)}),
});

/** What a caller left, in a list. */
export class VoicemailField extends Component {
    static template = xml`<Voicemail t-if="voicemail" voicemail="voicemail"/>`;
    static components = {Voicemail};
    static props = {...standardFieldProps};

    get voicemail() {
        const {data} = this.props.record;
        const recording = data[this.props.name];
        return (
            recording && {
                id: recording.id,
                seconds: data.voicemail_seconds,
                can_hear: true,
            }
        );
    }
}

registry.category("fields").add("pbx_voicemail", {
    component: VoicemailField,
    displayName: _t("Voicemail of a call"),
    supportedTypes: ["many2one"],
    fieldDependencies: [{name: "voicemail_seconds", type: "integer", readonly: true}],
});
