import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {DateTimeInput} from "@web/core/datetime/datetime_input";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {serializeDateTime} from "@web/core/l10n/dates";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

/**
 * Tries the routing rules: a number, a line and a moment, and what the PBX would be told,
 * each rule with what came of it.
 */
export class RouteTrial extends Component {
    static template = "cloud_pbx.RouteTrial";
    static components = {DateTimeInput};
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({
            number: "",
            line: "",
            at: false,
            lines: [],
            result: null,
            busy: false,
        });
        onWillStart(() => this.loadLines(this.props.record.resId));
        onWillUpdateProps(({record}) => {
            if (record.resId !== this.props.record.resId) {
                this.state.result = null;
                this.state.line = "";
                return this.loadLines(record.resId);
            }
        });
    }

    async loadLines(providerId) {
        this.state.lines = providerId
            ? await this.orm.searchRead(
                  "pbx.line",
                  [["provider_id", "=", providerId]],
                  ["number", "name"],
              )
            : [];
    }

    nameOf(line) {
        return line.name ? `${line.name} (${line.number})` : line.number;
    }

    get reply() {
        return JSON.stringify(this.state.result.reply, null, 1);
    }

    get openness() {
        return this.state.result.is_open ? _t("Open then") : _t("Closed then");
    }

    async onSubmit() {
        const {number, line, at} = this.state;
        this.state.busy = true;
        try {
            this.state.result = await this.orm.call(
                "pbx.provider",
                "simulate",
                [[this.props.record.resId], number],
                {line: line || false, at: at ? serializeDateTime(at) : false},
            );
        } finally {
            this.state.busy = false;
        }
    }

    openRule(step) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "pbx.route",
            res_id: step.route_id,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("pbx_route_trial", {component: RouteTrial});
