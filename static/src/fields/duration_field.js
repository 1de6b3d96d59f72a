import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {formatDuration} from "../common/duration";

/** A whole number of seconds, shown as a duration; the PBX reports it, nobody edits it. */
export class DurationField extends Component {
    static template = "cloud_pbx.DurationField";
    static props = {
        ...standardFieldProps,
        hideZero: {type: Boolean, optional: true},
    };

    get formattedValue() {
        const seconds = this.props.record.data[this.props.name];
        return seconds || !this.props.hideZero ? formatDuration(seconds) : "";
    }
}

export const durationField = {
    component: DurationField,
    displayName: _t("Duration of a call"),
    supportedTypes: ["integer"],
    supportedOptions: [
        {
            label: _t("Hide zero"),
            name: "hide_zero",
            type: "boolean",
            help: _t("Show nothing where nobody spoke."),
        },
    ],
    isEmpty: () => false,
    extractProps: ({options}) => ({hideZero: Boolean(options.hide_zero)}),
};

registry.category("fields").add("pbx_duration", durationField);
// Sums and averages, in lists, pivots and graphs.
registry.category("formatters").add("pbx_duration", formatDuration);
