import {
    Component,
    onWillUnmount,
    onWillUpdateProps,
    useComponent,
    useState,
    xml,
} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {useService} from "@web/core/utils/hooks";

import {formatDuration} from "../common/duration";

const {Duration} = luxon;

const DAY_SECONDS = 24 * 60 * 60;
// From so many on nobody reads seconds, and hours do not fit.
const DAYS = 2;

/**
 * A text that depends on the time: it is read anew every second, and the component is
 * drawn anew once it is another one.
 *
 * @param {(props: Object) => string} read
 * @returns {{text: string}}
 */
export function useEachSecond(read) {
    const component = useComponent();
    const state = useState({text: read(component.props)});
    onWillUpdateProps((props) => {
        state.text = read(props);
    });
    const timer = browser.setInterval(() => {
        state.text = read(component.props);
    }, 1000);
    onWillUnmount(() => browser.clearInterval(timer));
    return state;
}

/** How long it has been since a time of the server, by the server's clock. */
export class Timer extends Component {
    static template = xml`<span class="o_pbx_duration" role="timer" aria-live="off" t-out="passed.text"/>`;
    static props = {since: String};

    setup() {
        const desk = useService("cloud_pbx.desk");
        this.passed = useEachSecond(({since}) => {
            const {seconds} = desk.now.diff(deserializeDateTime(since), "seconds");
            const passed = Math.max(0, Math.floor(seconds));
            if (passed < DAYS * DAY_SECONDS) {
                return formatDuration(passed);
            }
            const days = Math.floor(passed / DAY_SECONDS);
            return Duration.fromObject({days}).toHuman({unitDisplay: "narrow"});
        });
    }
}
