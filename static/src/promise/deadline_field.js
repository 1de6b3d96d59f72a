import {Component, xml} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {Deadline} from "../common/deadline";

/**
 * By when to call back: a running clock as long as it is open, then whether it was in
 * time.
 */
export class DeadlineField extends Component {
    static template = xml`
        <Deadline t-if="isRunning" deadline="deadline" withMoment="props.withMoment"/>
        <span t-elif="end" class="text-muted" t-out="end"/>`;
    static components = {Deadline};
    static props = {
        ...standardFieldProps,
        withMoment: {type: Boolean, optional: true},
    };

    get data() {
        return this.props.record.data;
    }

    get deadline() {
        return this.data[this.props.name];
    }

    /** Contacts and leads have the deadline alone, and only while it is open. */
    get isRunning() {
        const {state = "open"} = this.data;
        return Boolean(this.deadline) && state === "open";
    }

    get end() {
        if (this.data.state !== "kept") {
            return "";
        }
        return this.data.in_time ? _t("In time") : _t("Late");
    }
}

registry.category("fields").add("pbx_deadline", {
    component: DeadlineField,
    displayName: _t("Time left to call back"),
    supportedTypes: ["datetime"],
    supportedOptions: [{label: _t("With the time"), name: "moment", type: "boolean"}],
    extractProps: ({options}) => ({withMoment: Boolean(options.moment)}),
});
