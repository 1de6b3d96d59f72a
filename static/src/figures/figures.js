import {_t} from "@web/core/l10n/translation";
import {ActionHelper} from "@web/views/action_helper";
import {
    Component,
    markup,
    onWillStart,
    onWillUpdateProps,
    useRef,
    useState,
} from "@odoo/owl";
import {Domain} from "@web/core/domain";
import {escape} from "@web/core/utils/strings";
import {KeepLast} from "@web/core/utils/concurrency";
import {Layout} from "@web/search/layout";
import {SearchBar} from "@web/search/search_bar/search_bar";
import {useSearchBarToggler} from "@web/search/search_bar/search_bar_toggler";
import {useService} from "@web/core/utils/hooks";
import {useSetupAction} from "@web/search/action_hook";

import {errorText, sentenceOf} from "../common/error_text";
import {CallsByTime} from "./calls_by_time";
import {Figure} from "./figure";
import {FIGURES} from "./figure_kinds";
import {FigureTable} from "./figure_table";
import {HeatMap} from "./heat_map";

const {DateTime, Interval} = luxon;

/** The first figures of the page; `more`: what is told beside them. */
const CALLS = [
    {name: "inbound"},
    {name: "answer_rate", more: ["answered"]},
    {name: "lost", more: ["withheld_lost"]},
    {name: "outbound", more: ["reached"]},
    {name: "service_level"},
    {name: "wait_median", more: ["wait_p90"]},
    {name: "patience_median"},
    {name: "talk_seconds", more: ["talk_average"]},
];
const CALL_BACKS = [
    {name: "promises"},
    {name: "kept_rate", more: ["kept_in_time"]},
    {name: "callback_median", hint: _t("median")},
    {name: "open"},
    {name: "overdue"},
    {name: "dismissed"},
];
const NEW_CALLERS = [
    {name: "new_callers", more: ["first_call_to_lead"]},
    {name: "leads"},
    {name: "won"},
    {name: "won_revenue"},
];
const LINE_COLUMNS = [
    "inbound",
    "answer_rate",
    "lost",
    "wait_median",
    "new_callers",
    "leads",
    "won_revenue",
];
const TABLES = [
    {
        name: "people",
        title: _t("People"),
        columns: [
            "answered",
            "wait_median",
            "outbound",
            "reached",
            "talk_seconds",
            "talk_average",
        ],
    },
    {name: "lines", title: _t("Lines"), columns: LINE_COLUMNS},
    {name: "sources", title: _t("Sources"), columns: LINE_COLUMNS},
];
const ONE_SECOND = {seconds: 1};

/** Figures of the calls of a search, and whatever is behind each of them. */
export class Figures extends Component {
    static template = "cloud_pbx.Figures";
    static components = {
        ActionHelper,
        CallsByTime,
        Figure,
        FigureTable,
        HeatMap,
        Layout,
        SearchBar,
    };
    static props = {
        domain: Array,
        state: {type: Object, optional: true},
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.searchBarToggler = useSearchBarToggler();
        this.display = {controlPanel: {}};
        // Who comes back sees what was there, until it has been read again.
        const data = this.props.state?.data || null;
        this.state = useState({data, error: "", isReading: true});
        useSetupAction({
            rootRef: useRef("root"),
            getLocalState: () => ({data: this.state.data}),
        });
        this.open = this.open.bind(this);
        onWillStart(() => {
            // The page is there at once, its figures when they have been read.
            this.read(this.props.domain);
        });
        onWillUpdateProps((next) => {
            if (JSON.stringify(next.domain) !== JSON.stringify(this.props.domain)) {
                this.read(next.domain);
            }
        });
    }

    async read(domain = this.props.domain) {
        Object.assign(this.state, {isReading: true, error: ""});
        try {
            // An answer that was overtaken by another question never comes.
            this.state.data = await this.keepLast.add(
                this.orm.call("pbx.overview", "read_overview", [domain]),
            );
        } catch (error) {
            this.state.data = null;
            this.state.error = sentenceOf(error) || errorText(error);
        }
        this.state.isReading = false;
    }

    get data() {
        return this.state.data;
    }

    /** What is said where there are no calls. */
    get emptyHelp() {
        const {help} = this.data;
        if (help) {
            return markup(help);
        }
        const title = escape(_t("No calls found"));
        const text = escape(_t("Choose another period, or remove a filter."));
        return markup(
            `<p class="o_view_nocontent_empty_folder">${title}</p><p>${text}</p>`,
        );
    }

    get isEmpty() {
        return Boolean(this.data) && !this.data.period;
    }

    /** What the period before had, if there was any call to compare with. */
    get before() {
        const {figures_before: before} = this.data;
        return before?.inbound || before?.outbound ? before : null;
    }

    get periodText() {
        const {period, before} = this.data;
        const shown = textOfPeriod(period);
        if (!before) {
            return _t(
                "%s. Select one period to compare it with the one before.",
                shown,
            );
        }
        const names = {period: shown, before: textOfPeriod(before)};
        return this.before
            ? _t("%(period)s, compared with %(before)s", names)
            : _t(
                  "%(period)s. There were no calls in %(before)s to compare with.",
                  names,
              );
    }

    get calls() {
        const {service_seconds: seconds} = this.data;
        const hints = {
            service_level: seconds && _t("within %s s", seconds),
            patience_median: _t("Median wait of lost callers"),
        };
        return CALLS.map(({name, more}) => ({name, more, hint: hints[name] || ""}));
    }

    get callBacks() {
        return CALL_BACKS.map((one) => ({...one, hint: one.hint?.toString()}));
    }

    get newCallersTitle() {
        return this.isShown("leads") ? _t("New callers and leads") : _t("New callers");
    }

    get newCallers() {
        return NEW_CALLERS.filter(({name}) => this.isShown(name));
    }

    get tables() {
        return TABLES.filter(({name}) => this.hasRows(name)).map((table) => ({
            ...table,
            title: table.title.toString(),
            columns: table.columns.filter((name) => this.isShown(name)),
        }));
    }

    /** Leads and revenue are for those who may see all leads. */
    isShown(name) {
        return FIGURES[name].none || this.data.figures[name] !== null;
    }

    /** A table in which nothing is told apart says nothing new. */
    hasRows(name) {
        return this.data[name].some(({key}) => key);
    }

    /**
     * Open what is behind a figure.
     *
     * @param {string} name of the figure
     * @param {Array} [domain] of calls: those of a line, or of a day
     * @param {string} [where] how these are called
     */
    open(name, domain = this.data.domain, where = "") {
        const {model, field, domain: condition} = this.data.records[name];
        const base = field ? [[field, "any", domain]] : domain;
        const title = FIGURES[name].title.toString();
        this.show(model, Domain.and([base, condition]), title, where);
    }

    openCalls(domain, where) {
        this.show("pbx.call", new Domain(domain), _t("Calls"), where);
    }

    show(model, domain, title, where) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name: where ? `${title}, ${where}` : title,
            res_model: model,
            views: ["list", "kanban", "form"].map((view) => [false, view]),
            mobile_view_mode: "kanban",
            domain: domain.toList({}),
            // Lost leads were made as well.
            context: model === "crm.lead" ? {active_test: false} : {},
        });
    }
}

/** A period of the reader's clock as people write it: 1 – 30 Nov 2026. */
function textOfPeriod({begin, end}) {
    const from = DateTime.fromSQL(begin);
    const until = DateTime.fromSQL(end).minus(ONE_SECOND);
    const isOfDays = from.equals(from.startOf("day"));
    const format = isOfDays ? DateTime.DATE_MED : DateTime.DATETIME_MED;
    return Interval.fromDateTimes(from, until).toLocaleString(format);
}
