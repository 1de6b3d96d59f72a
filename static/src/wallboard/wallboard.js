import {Component, onMounted, onWillDestroy, onWillStart, useState} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";

import {partyOf} from "../common/call_facts";
import {Timer, useEachSecond} from "../common/timer";
import {FIGURES, formatFigure} from "../figures/figure_kinds";
import {WallboardFeed} from "./wallboard_feed";

const {DateTime} = luxon;

// The figures of today.
const SHOWN = [
    {name: "inbound"},
    {name: "answered", rate: "answer_rate"},
    {name: "lost"},
    {name: "service_level"},
    {name: "wait_median"},
    {name: "outbound"},
];
// What a wide screen has room for.
const MAX_CALLS = 10;
const MAX_PEOPLE = 40;
const PAGE_MS = 10_000;
// Up to so many people are shown in so many columns.
const COLUMNS = [
    [4, 2],
    [12, 3],
    [24, 4],
    [Infinity, 5],
];
// In the order in which they are counted.
const PERSON_STATES = {
    free: {label: _t("Free"), icon: "fa-check"},
    ringing: {label: _t("Ringing"), icon: "fa-bell"},
    talking: {label: _t("Talking"), icon: "fa-phone"},
    wrapping: {label: _t("Wrapping up"), icon: "fa-pencil"},
    offline: {label: _t("Offline"), icon: "fa-plug"},
    absent: {label: _t("Absent"), icon: "fa-sign-out"},
};

class TimeOfDay extends Component {
    static template = "cloud_pbx.Wallboard.TimeOfDay";
    static props = {};

    setup() {
        const desk = useService("cloud_pbx.desk");
        this.time = useEachSecond(() =>
            desk.now.toLocal().toLocaleString(DateTime.TIME_SIMPLE),
        );
    }
}

/** Calls and people as they are now, on a screen that nobody sits at. */
export class Wallboard extends Component {
    static template = "cloud_pbx.Wallboard";
    static components = {TimeOfDay, Timer};
    static props = {...standardActionServiceProps};

    setup() {
        this.ui = useService("ui");
        this.feed = useState(
            new WallboardFeed({
                orm: useService("orm"),
                bus_service: useService("bus_service"),
                desk: useService("cloud_pbx.desk"),
            }),
        );
        this.state = useState({page: 0, isFullscreen: this.isFullscreen});
        this.feed.start();
        onWillStart(() => this.feed.ask());
        const turn = browser.setInterval(() => this.state.page++, PAGE_MS);
        const onFullscreen = () => (this.state.isFullscreen = this.isFullscreen);
        onMounted(() => document.addEventListener("fullscreenchange", onFullscreen));
        onWillDestroy(() => {
            this.feed.stop();
            browser.clearInterval(turn);
            document.removeEventListener("fullscreenchange", onFullscreen);
        });
    }

    get board() {
        return this.feed.board;
    }

    get lostSince() {
        if (!this.board) {
            return _t("Connection lost.");
        }
        const time = deserializeDateTime(this.board.now);
        return _t(
            "Connection lost. As of %s.",
            time.toLocaleString(DateTime.TIME_WITH_SECONDS),
        );
    }

    // ------------------------------------------------------------------------ figures

    get figures() {
        const {today} = this.board;
        return SHOWN.map(({name, rate}) => {
            const {label} = FIGURES[name];
            const hasRate = typeof today[rate] === "number";
            return {
                name,
                label: hasRate ? `${label} ${formatFigure(rate, today[rate])}` : label,
                text: formatFigure(name, today[name]),
                isBad: name === "lost" && today.lost > 0,
            };
        });
    }

    // -------------------------------------------------------------------------- calls

    get calls() {
        const {calls} = this.board;
        return this.ui.isSmall ? calls : calls.slice(0, MAX_CALLS);
    }

    get moreCalls() {
        const more = this.board.calls.length - this.calls.length;
        return more ? _t("%s more", more) : "";
    }

    partyOf(call) {
        return partyOf(call);
    }

    /** The number, where the name stands already, and our line. */
    detailsOf(call) {
        return [call.name && call.number_readable, call.line]
            .filter(Boolean)
            .join(" · ");
    }

    stateOfCall({state}) {
        return PERSON_STATES[state === "ongoing" ? "talking" : "ringing"];
    }

    // ------------------------------------------------------------------------- people

    get pages() {
        return this.ui.isSmall
            ? 1
            : Math.max(1, Math.ceil(this.board.people.length / MAX_PEOPLE));
    }

    get page() {
        return this.state.page % this.pages;
    }

    get people() {
        const {people} = this.board;
        const first = this.page * MAX_PEOPLE;
        return this.pages > 1 ? people.slice(first, first + MAX_PEOPLE) : people;
    }

    get columns() {
        const count = Math.min(this.board.people.length, MAX_PEOPLE);
        return COLUMNS.find(([most]) => count <= most)[1];
    }

    get counts() {
        return Object.entries(PERSON_STATES)
            .map(([name, {label, icon}]) => ({
                name,
                label,
                icon,
                count: this.board.people.filter(({state}) => state === name).length,
            }))
            .filter(({count}) => count);
    }

    stateOf({state}) {
        return PERSON_STATES[state];
    }

    // --------------------------------------------------------------------- the screen

    get canFullscreen() {
        return document.fullscreenEnabled;
    }

    get isFullscreen() {
        return Boolean(document.fullscreenElement);
    }

    get fullscreenTitle() {
        return this.state.isFullscreen ? _t("Leave full screen") : _t("Full screen");
    }

    async toggleFullscreen() {
        if (this.isFullscreen) {
            await document.exitFullscreen();
        } else {
            await document.documentElement.requestFullscreen();
        }
    }

    async leave() {
        if (this.isFullscreen) {
            await document.exitFullscreen();
        }
        this.env.config.historyBack();
    }
}

registry.category("actions").add("cloud_pbx_wallboard", Wallboard);
