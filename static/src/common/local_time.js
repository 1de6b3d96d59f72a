import {Component, onWillUnmount, useState, xml} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;

/** What time it is where the caller lives, if that is another one than here. */
export class LocalTime extends Component {
    static template = xml`
        <span t-if="time" class="text-nowrap" t-att-title="title">
            <i class="fa fa-clock-o me-1" aria-hidden="true"/><t t-out="time"/>
        </span>`;
    static props = {zone: String};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.state = useState({minutes: 0});
        const timer = browser.setInterval(() => this.state.minutes++, 60_000);
        onWillUnmount(() => browser.clearInterval(timer));
    }

    get time() {
        // Reading the minutes draws it anew with each.
        const here = this.desk.now.plus(0 * this.state.minutes);
        const there = here.setZone(this.props.zone);
        if (!this.props.zone || !there.isValid || there.offset === here.offset) {
            return "";
        }
        return there.toLocaleString(DateTime.TIME_SIMPLE);
    }

    get title() {
        return _t("Local time of the caller (%s)", this.props.zone);
    }
}
