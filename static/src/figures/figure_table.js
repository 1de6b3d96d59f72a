import {_t} from "@web/core/l10n/translation";
import {Component, useState} from "@odoo/owl";

import {FIGURES, formatFigure} from "./figure_kinds";

// More are shown when asked for.
const FEW = 10;

/** Figures of people, lines or sources, a row for each. */
export class FigureTable extends Component {
    static template = "cloud_pbx.FigureTable";
    static props = {
        title: String,
        columns: {type: Array, element: String},
        rows: Array,
        currencyId: Number,
        open: Function,
        openCalls: Function,
    };

    setup() {
        this.state = useState({showsAll: false});
    }

    get columns() {
        return this.props.columns.map((name) => ({
            name,
            label: FIGURES[name].label.toString(),
        }));
    }

    /** Those with the most calls first; who has none of what is shown is left out. */
    get allRows() {
        const {columns, rows} = this.props;
        const sizeOf = (row) =>
            columns.includes("inbound") ? row.inbound : row.answered + row.outbound;
        return rows
            .filter((row) => columns.some((name) => row[name]))
            .sort((one, other) => sizeOf(other) - sizeOf(one));
    }

    get rows() {
        return this.state.showsAll ? this.allRows : this.allRows.slice(0, FEW);
    }

    get moreText() {
        return this.allRows.length > this.rows.length
            ? _t("Show all %s", this.allRows.length)
            : "";
    }

    labelOf(row) {
        return row.label || _t("None");
    }

    textOf(name, row) {
        return formatFigure(name, row[name], this.props.currencyId);
    }

    hintOf(name) {
        return FIGURES[name].none?.toString();
    }
}
