/* global Chart */
import {_t} from "@web/core/l10n/translation";
import {Component, onWillStart, useEffect, useRef, useState} from "@odoo/owl";
import {cookie} from "@web/core/browser/cookie";
import {Domain} from "@web/core/domain";
import {getColor, getCustomColor} from "@web/core/colors/colors";
import {loadBundle} from "@web/core/assets";
import {localization} from "@web/core/l10n/localization";

import {FIGURES} from "./figure_kinds";

const {DateTime} = luxon;

const SERIES = [
    // Odoo's blue, red and teal of graphs.
    {name: "answered", color: 2, stack: "inbound"},
    {name: "lost", color: 1, stack: "inbound"},
    {name: "outbound", color: 0, stack: "outbound"},
];
const TITLES = {
    hour: _t("By hour"),
    day: _t("By day"),
    week: _t("By week"),
    month: _t("By month"),
};
const DAY = {day: "numeric", month: "short"};
const SHORT = {
    hour: {hour: "numeric", weekday: "short"},
    day: DAY,
    week: DAY,
    month: {month: "short", year: "numeric"},
};
const LONG_DAY = {...DAY, weekday: "short", year: "numeric"};
const LONG = {
    hour: {...LONG_DAY, hour: "numeric"},
    day: LONG_DAY,
    week: {...DAY, year: "numeric"},
    month: {month: "long", year: "numeric"},
};

/** Answered, lost and outgoing calls over time, as bars or as a table. */
export class CallsByTime extends Component {
    static template = "cloud_pbx.CallsByTime";
    static props = {
        times: Object,
        domain: Array,
        open: Function,
    };

    setup() {
        this.canvas = useRef("canvas");
        this.state = useState({isTable: false});
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.props.times, this.state.isTable],
        );
    }

    get title() {
        return TITLES[this.props.times.step].toString();
    }

    get series() {
        return SERIES.map(({name}) => ({name, label: FIGURES[name].label.toString()}));
    }

    labelOf({at}, formats = LONG) {
        const {step} = this.props.times;
        const text = DateTime.fromSQL(at).toLocaleString(formats[step]);
        return step === "week" && formats === LONG ? _t("Week of %s", text) : text;
    }

    openAt(name, row) {
        const {domain, open} = this.props;
        const time = [
            ["start", ">=", row.begin],
            ["start", "<", row.end],
        ];
        open(name, Domain.and([domain, time]).toList({}), this.labelOf(row));
    }

    get config() {
        const {rows} = this.props.times;
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#111827", "#E4E4E4");
        const grid = getCustomColor(scheme, "rgba(0,0,0,.1)", "rgba(255,255,255,.15)");
        const isRtl = localization.direction === "rtl";
        const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        return {
            type: "bar",
            data: {
                labels: rows.map((row) => this.labelOf(row, SHORT)),
                datasets: SERIES.map(({name, color, stack}) => ({
                    label: FIGURES[name].label.toString(),
                    data: rows.map((row) => row[name]),
                    backgroundColor: getColor(color, scheme, "sm"),
                    stack,
                    borderRadius: 3,
                    maxBarThickness: 40,
                })),
            },
            options: {
                animation: isCalm ? false : {duration: 400},
                maintainAspectRatio: false,
                interaction: {mode: "index", intersect: false},
                onClick: (event, _found, chart) => this.onClick(event, chart),
                onHover: (event, found) => {
                    event.native.target.style.cursor = found.length ? "pointer" : "";
                },
                plugins: {
                    legend: {
                        position: "top",
                        align: "end",
                        rtl: isRtl,
                        labels: {color: text, boxWidth: 12, boxHeight: 12},
                    },
                    tooltip: {
                        rtl: isRtl,
                        callbacks: {
                            title: ([{dataIndex}]) => this.labelOf(rows[dataIndex]),
                        },
                    },
                },
                scales: {
                    x: {
                        stacked: true,
                        reverse: isRtl,
                        grid: {display: false},
                        border: {display: false},
                        ticks: {color: text, maxRotation: 0, autoSkipPadding: 12},
                    },
                    y: {
                        stacked: true,
                        beginAtZero: true,
                        position: isRtl ? "right" : "left",
                        grid: {color: grid},
                        border: {display: false},
                        ticks: {color: text, precision: 0, maxTicksLimit: 6},
                    },
                },
            },
        };
    }

    draw() {
        if (!this.canvas.el) {
            return undefined;
        }
        const chart = new Chart(this.canvas.el, this.config);
        return () => chart.destroy();
    }

    /** Open the bar that was hit; beside it, all that came in at that time, if any did. */
    onClick(event, chart) {
        const find = (mode, intersect) =>
            chart.getElementsAtEventForMode(event, mode, {intersect}, true)[0];
        const near = find("index", false);
        if (!near) {
            return;
        }
        const row = this.props.times.rows[near.index];
        const hit = find("nearest", true);
        const name = hit ? SERIES[hit.datasetIndex].name : "inbound";
        if (hit || row.answered || row.lost) {
            this.openAt(name, row);
        }
    }
}
