import {Component, onWillStart, onWillUpdateProps, useRef, useState} from "@odoo/owl";
import {ConversionError, parseDateTime, serializeDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useDateTimePicker} from "@web/core/datetime/datetime_picker_hook";
import {useService} from "@web/core/utils/hooks";

/** Why Odoo cannot read a moment as it is typed, `""` if it can. */
function whyUnreadable(text) {
    try {
        parseDateTime(text);
        return "";
    } catch (error) {
        if (error instanceof ConversionError) {
            return error.message;
        }
        throw error;
    }
}

/**
 * Tries the routing rules: a number, a line and a moment, and what the PBX would be told,
 * each rule with what came of it.
 */
export class RouteTrial extends Component {
    static template = "cloud_pbx.RouteTrial";
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.state = useState({
            number: "",
            line: "",
            at: false,
            atProblem: "",
            lines: [],
            result: null,
            busy: false,
        });
        this.when = useRef("start-date");
        // What was typed there, if it was not chosen from the calendar.
        this.typed = "";
        const {state} = this;
        useDateTimePicker({
            showSeconds: false,
            get pickerProps() {
                return {type: "datetime", value: state.at};
            },
            onChange: () => this.onWhen(""),
            onApply: (at) => {
                state.at = at;
            },
            onClose: () => this.checkWhen(),
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

    onWhen(typed) {
        this.typed = typed;
        this.state.atProblem = "";
    }

    /**
     * Odoo puts the earlier moment in the place of what it cannot read. Here that stays,
     * and is marked: nothing is tried for another moment than the one that was meant.
     */
    checkWhen() {
        const problem = whyUnreadable(this.typed);
        if (problem && this.when.el) {
            this.when.el.value = this.typed;
            this.state.atProblem = problem;
        }
    }

    async onSubmit() {
        // Whatever comes of this one, the earlier result is not its.
        this.state.result = null;
        this.checkWhen();
        if (this.state.atProblem) {
            this.notification.add(this.state.atProblem, {type: "danger"});
            return;
        }
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
