import {_t} from "@web/core/l10n/translation";
import {Component, useExternalListener, useRef, useState} from "@odoo/owl";
import {Domain} from "@web/core/domain";
import {localization} from "@web/core/l10n/localization";
import {useService} from "@web/core/utils/hooks";

import {FIGURES} from "./figure_kinds";

const {DateTime, Info} = luxon;

// Hours that are shown in any case: most have a working day.
const [FIRST_HOUR, LAST_HOUR] = [8, 17];
// The darkest cell: a number on it is still easy to read.
const DARKEST_PERCENT = 70;
const NO_DAY = {year: 2000, month: 1, day: 1};
const MOVES = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
};

/** When calls come in, or are lost: weekdays and hours, as a table with colours. */
export class HeatMap extends Component {
    static template = "cloud_pbx.HeatMap";
    static props = {
        hours: Array,
        domain: Array,
        open: Function,
    };

    setup() {
        this.ui = useService("ui");
        this.table = useRef("table");
        this.state = useState({name: "inbound", place: null, isSmall: this.ui.isSmall});
        useExternalListener(window, "resize", () => {
            this.state.isSmall = this.ui.isSmall;
        });
    }

    get choices() {
        return ["inbound", "lost"].map((name) => ({
            name,
            label: FIGURES[name].label.toString(),
        }));
    }

    get hours() {
        const busy = this.props.hours.map(({hour}) => hour);
        const [first, last] = [
            Math.min(FIRST_HOUR, ...busy),
            Math.max(LAST_HOUR, ...busy),
        ];
        return [...Array(last - first + 1).keys()].map((step) => {
            // Not of today: that may be the day of which the clock skips an hour.
            const hour = DateTime.fromObject({...NO_DAY, hour: first + step});
            return {value: first + step, label: hour.toLocaleString({hour: "numeric"})};
        });
    }

    get weekdays() {
        const [short, long] = [Info.weekdays("short"), Info.weekdays("long")];
        return [...Array(7).keys()].map((step) => {
            // Monday is 0, but where the week starts Monday is 1.
            const value = (localization.weekStart - 1 + step) % 7;
            return {value, label: short[value], name: long[value]};
        });
    }

    /** On a phone the hours go down, and the week across. */
    get rows() {
        return this.state.isSmall ? this.hours : this.weekdays;
    }

    get columns() {
        return this.state.isSmall ? this.weekdays : this.hours;
    }

    cellOf(row, column) {
        const [weekday, hour] = this.state.isSmall ? [column, row] : [row, column];
        const found = this.props.hours.find(
            (one) => one.weekday === weekday.value && one.hour === hour.value,
        );
        const count = found ? found[this.state.name] : 0;
        const part = count / this.most;
        return {
            count,
            tabindex: -1,
            place: `${row.value}-${column.value}`,
            weekday,
            hour,
            label: _t("%(weekday)s, %(hour)s: %(inbound)s incoming, %(lost)s lost", {
                weekday: weekday.name,
                hour: hour.label,
                inbound: found?.inbound || 0,
                lost: found?.lost || 0,
            }),
            style: count
                ? `--o-pbx-heat: ${Math.round(8 + part * (DARKEST_PERCENT - 8))}%`
                : "",
        };
    }

    get most() {
        return Math.max(1, ...this.props.hours.map((one) => one[this.state.name]));
    }

    /** The rows with their cells; of these one can be reached by Tab, the others from
     * there by arrows. */
    get lines() {
        const {columns} = this;
        const lines = this.rows.map((row) => ({
            ...row,
            cells: columns.map((column) => this.cellOf(row, column)),
        }));
        const full = lines.flatMap(({cells}) => cells).filter(({count}) => count);
        const {place} = this.state;
        const reachable = full.find((cell) => cell.place === place) || full[0];
        if (reachable) {
            reachable.tabindex = 0;
        }
        return lines;
    }

    openCell({weekday, hour}) {
        const time = [
            ["start_weekday", "=", weekday.value],
            ["start_hour", "=", hour.value],
        ];
        const domain = Domain.and([this.props.domain, time]).toList({});
        this.props.open(this.state.name, domain, `${weekday.name}, ${hour.label}`);
    }

    onKeydown(event) {
        const move = MOVES[event.key];
        const cell = event.target.closest("td");
        if (!move || !cell) {
            return;
        }
        event.preventDefault();
        const [down, right] = move;
        const across = localization.direction === "rtl" ? -right : right;
        let [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
        const {rows} = this.table.el;
        while (rows[row]?.cells[column]) {
            row += down;
            column += across;
            const button = rows[row]?.cells[column]?.querySelector("button");
            if (button) {
                this.state.place = button.dataset.place;
                button.focus();
                return;
            }
        }
    }
}
