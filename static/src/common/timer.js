import {Component, onWillUnmount, useState, xml} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {useService} from "@web/core/utils/hooks";

import {formatDuration} from "../common/duration";

/** How long it has been since a time of the server, by the server's clock. */
export class Timer extends Component {
    static template = xml`<span class="o_pbx_duration" role="timer" aria-live="off" t-out="passed"/>`;
    static props = {since: String};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.state = useState({ticks: 0});
        const timer = browser.setInterval(() => this.state.ticks++, 1000);
        onWillUnmount(() => browser.clearInterval(timer));
    }

    get passed() {
        const since = deserializeDateTime(this.props.since);
        const {seconds} = this.desk.now.diff(since, "seconds");
        // Reading the ticks draws it anew with each.
        return formatDuration(Math.max(0, Math.floor(seconds) + 0 * this.state.ticks));
    }
}
