import {Component, xml} from "@odoo/owl";
import {formatDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

import {useEachSecond} from "./timer";

const {DateTime, Duration} = luxon;

// As long as fewer minutes are left, each second is shown.
const LAST_MINUTES = 10;

/** A length of time with its two largest units, in the reader's words: “1 hr 5 min”. */
export function lengthInWords(milliseconds) {
    const {days, hours, minutes, seconds} = Duration.fromMillis(
        Math.floor(Math.abs(milliseconds) / 1000) * 1000,
    )
        .shiftTo("days", "hours", "minutes", "seconds")
        .toObject();
    let units = {seconds};
    if (days) {
        units = {days, ...(hours ? {hours} : {})};
    } else if (hours) {
        units = {hours, ...(minutes ? {minutes} : {})};
    } else if (minutes >= LAST_MINUTES) {
        units = {minutes};
    } else if (minutes) {
        units = {minutes, seconds};
    }
    return Duration.fromObject(units).toHuman({
        unitDisplay: "short",
        listStyle: "narrow",
    });
}

/** How long until a deadline, or since: it is the reader's own words, and no formula. */
export function timeLeft(deadline, now) {
    const milliseconds = deadline.diff(now).toMillis();
    const length = lengthInWords(milliseconds);
    return milliseconds < 0 ? _t("%s overdue", length) : _t("%s left", length);
}

/** When it is: the time alone for today, else with its day. */
export function momentOf(deadline, now) {
    if (deadline.hasSame(now.setZone(deadline.zone), "day")) {
        return deadline.toLocaleString(DateTime.TIME_SIMPLE);
    }
    const day = {month: "short", day: "numeric"};
    return deadline.toLocaleString({...day, ...DateTime.TIME_SIMPLE});
}

/** A running clock: how long until somebody is to be called back, in red once late. */
export class Deadline extends Component {
    static template = xml`
        <span class="o_pbx_deadline" t-att-class="{'text-danger fw-bold': isOverdue}"
            role="timer" aria-live="off" t-att-title="inFull" t-out="left.text"/>`;
    static props = {deadline: Object, withMoment: {type: Boolean, optional: true}};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.left = useEachSecond(({deadline, withMoment}) => {
            const {now} = this.desk;
            const left = timeLeft(deadline, now);
            return withMoment
                ? _t("until %(time)s, %(left)s", {time: momentOf(deadline, now), left})
                : String(left);
        });
    }

    get isOverdue() {
        return this.props.deadline < this.desk.now;
    }

    get inFull() {
        return formatDateTime(this.props.deadline);
    }
}
