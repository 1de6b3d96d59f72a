import {Component} from "@odoo/owl";
import {deserializeDate, deserializeDateTime} from "@web/core/l10n/dates";

import {arrowOf, endOf} from "../common/call_facts";
import {formatDuration} from "../common/duration";

/** Why they may be calling: open leads, open activities, the last calls. */
export class CallReasons extends Component {
    static template = "cloud_pbx.CallReasons";
    static props = {card: Object, open: Function};

    when(start) {
        return deserializeDateTime(start).toRelative();
    }

    /** “tomorrow”, “in 5 days”: never “next month” for what is due in five days. */
    deadline(activity) {
        return deserializeDate(activity.deadline).toRelativeCalendar({unit: "days"});
    }

    outcome(call) {
        const label = endOf(call);
        return call.talk_seconds
            ? `${label} (${formatDuration(call.talk_seconds)})`
            : label;
    }

    arrow(call) {
        return arrowOf(call);
    }

    tint(call) {
        return call.outcome === "missed" ? "text-danger" : "text-muted";
    }

    activityTint(activity) {
        return {overdue: "text-danger", today: "text-warning"}[activity.state] || "";
    }
}
