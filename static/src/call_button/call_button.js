import {Component, onWillUpdateProps, toRaw, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

import {endOf} from "../common/call_facts";
import {clicksOf, keyOf, rename, startClick} from "./clicks";

const PHASES = {ringing: "ringing", ongoing: "talking"};
const ICONS = {
    idle: "fa-phone",
    waiting: "fa-circle-o-notch fa-spin",
    ringing: "fa-volume-control-phone",
    talking: "fa-microphone",
};
const COLORS = {ringing: "text-info", talking: "text-success"};
const ENDS = {
    answered: {icon: "fa-check", color: "text-success"},
    cancelled: {icon: "fa-times", color: "text-muted"},
};
const NOBODY_SPOKE = {icon: "fa-times", color: "text-warning"};

/** Dials a number with one click, and shows what becomes of it. */
export class CallButton extends Component {
    static template = "cloud_pbx.CallButton";
    static props = {
        number: String,
        resModel: {type: String, optional: true},
        resId: {type: [Number, Boolean], optional: true},
        // The record in a view, and which of its fields holds the number: what stands
        // there is dialled, and saved before.
        record: {type: Object, optional: true},
        fieldName: {type: String, optional: true},
        compact: {type: Boolean, optional: true},
    };

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.clicks = useState(clicksOf(this.desk));
        this.state = useState({saving: false});
        onWillUpdateProps((next) => {
            const isSame = toRaw(next.record) === toRaw(this.props.record);
            if (isSame && !this.props.resId && next.resId) {
                rename(this.desk, this.props, next);
            }
        });
    }

    get click() {
        return this.clicks[keyOf(this.props)];
    }

    get call() {
        return this.desk.stack.calls[this.click?.id];
    }

    get outcome() {
        return this.call?.outcome;
    }

    get phase() {
        if (this.state.saving) {
            return "waiting";
        }
        if (!this.click || this.click.isAsking) {
            return "idle";
        }
        return this.click.isOver ? "ended" : PHASES[this.call?.state] || "waiting";
    }

    get canDial() {
        return ["idle", "ended"].includes(this.phase) && !this.click?.isAsking;
    }

    get end() {
        return ENDS[this.outcome] || NOBODY_SPOKE;
    }

    get icon() {
        return this.phase === "ended" ? this.end.icon : ICONS[this.phase];
    }

    get color() {
        return this.phase === "ended" ? this.end.color : COLORS[this.phase] || "";
    }

    get text() {
        switch (this.phase) {
            case "idle":
                return _t("Call");
            case "waiting":
                return _t("Dialling…");
            case "ringing":
                return this.call?.rings_phone
                    ? _t("Lift your phone %s", this.call.rings_phone)
                    : _t("Calling…");
            case "talking":
                return _t("Talking");
        }
        return endOf({state: "done", outcome: this.outcome});
    }

    get label() {
        const {number} = this.props;
        if (this.phase === "ringing" && this.call?.rings_phone) {
            return _t("Your phone %s rings: lift it", this.call.rings_phone);
        }
        if (this.phase === "ended" && this.call?.failure_reason) {
            return this.call.failure_reason;
        }
        return this.phase === "idle"
            ? _t("Call %(number)s", {number})
            : _t("%(state)s: %(number)s", {state: this.text, number});
    }

    async onClick() {
        if (!this.canDial) {
            return;
        }
        let target;
        // At once: the second half of a double click comes before the first answer.
        this.state.saving = true;
        try {
            target = await this.readTarget();
        } finally {
            this.state.saving = false;
        }
        if (target) {
            await startClick(this.desk, target);
        }
    }

    /** Enter and space press the button, and not the row or the card around it. */
    onKeydown(ev) {
        if (["Enter", " "].includes(ev.key)) {
            ev.stopPropagation();
            if (ev.repeat) {
                ev.preventDefault();
            }
        }
    }

    /** What is to be dialled, `null` if that cannot be said. */
    async readTarget() {
        const {number, resModel, resId, record, fieldName} = this.props;
        if (!record) {
            return {number, resModel, resId};
        }
        const before = record.resId;
        // This also takes over what is just being typed.
        const isDirty = await record.isDirty();
        // Lines of another record are saved with it, and not by themselves.
        if (isDirty && record.canSaveOnUpdate && (await record.checkValidity())) {
            if (!(await record.save())) {
                return null;
            }
        }
        const typed = record.data[fieldName];
        // A form that went on to the next record shows another number than was clicked.
        if (!typed || (before && before !== record.resId)) {
            return null;
        }
        return {number: typed, resModel: record.resModel, resId: record.resId};
    }
}
