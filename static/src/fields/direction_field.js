import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {arrowOf, colorOf} from "../common/call_facts";

function labelOf(record, name) {
    const selection = record.fields[name]?.selection || [];
    return selection.find(([value]) => value === record.data[name])?.[1] || "";
}

/** Where a call went, as an arrow in the colour of how it ended. */
export class DirectionField extends Component {
    static template = "cloud_pbx.DirectionField";
    static props = {...standardFieldProps};

    get icon() {
        return arrowOf({direction: this.props.record.data[this.props.name]});
    }

    get color() {
        return colorOf(this.props.record.data);
    }

    get label() {
        const {record, name} = this.props;
        const direction = labelOf(record, name);
        const end = labelOf(record, record.data.outcome ? "outcome" : "state");
        if (!direction || !end) {
            return direction || end;
        }
        return _t("%(direction)s: %(end)s", {direction, end});
    }
}

export const directionField = {
    component: DirectionField,
    displayName: _t("Direction of a call"),
    supportedTypes: ["selection"],
    isEmpty: () => false,
    fieldDependencies: [
        {name: "outcome", type: "selection", selection: []},
        {name: "state", type: "selection", selection: []},
    ],
};

registry.category("fields").add("pbx_direction", directionField);
