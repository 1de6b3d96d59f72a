import {_t} from "@web/core/l10n/translation";
import {Component} from "@odoo/owl";

import {changeOf, FIGURES, formatFigure} from "./figure_kinds";

/** One figure: its value, which opens what is behind it, and how it changed. */
export class Figure extends Component {
    static template = "cloud_pbx.Figure";
    static props = {
        name: String,
        figures: Object,
        before: {type: [Object, {value: null}], optional: true},
        currencyId: {type: Number, optional: true},
        hint: {type: String, optional: true},
        // Other figures that say more about it, each in a few words.
        more: {type: Array, element: String, optional: true},
        open: Function,
    };
    static defaultProps = {more: [], hint: ""};

    get kind() {
        return FIGURES[this.props.name];
    }

    get label() {
        return this.kind.label.toString();
    }

    get isNone() {
        return this.props.figures[this.props.name] === null;
    }

    get text() {
        return this.textOf(this.props.name, this.props.figures);
    }

    textOf(name, figures) {
        return formatFigure(name, figures[name], this.props.currencyId);
    }

    get hint() {
        return this.isNone ? this.kind.none || "" : this.props.hint;
    }

    /** What else there is to say, without what there is nothing of. */
    get details() {
        const {figures, more} = this.props;
        return more
            .filter((name) => figures[name])
            .map((name) => ({
                name,
                text: FIGURES[name].phrase(this.textOf(name, figures), figures),
            }));
    }

    get change() {
        const {name, figures, before} = this.props;
        const change = before && changeOf(name, figures[name], before[name]);
        // Nothing, and nothing before, is nothing to speak of.
        if (!change || (!change.direction && !figures[name])) {
            return null;
        }
        const earlier = this.textOf(name, before);
        const icons = {1: "fa-caret-up", [-1]: "fa-caret-down"};
        const words = {1: _t("more"), [-1]: _t("less"), 0: ""};
        const meanings = {good: _t("better"), bad: _t("worse"), neutral: ""};
        return {
            ...change,
            icon: icons[change.direction],
            tooltip: _t("Period before: %s", earlier),
            spoken: [words[change.direction], meanings[change.meaning]]
                .filter(Boolean)
                .join(", "),
        };
    }
}
