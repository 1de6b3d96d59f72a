import {Component, onWillUnmount, useExternalListener, xml} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {useBus, useService} from "@web/core/utils/hooks";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

import {isHearing} from "../player/player";
import {readAgain} from "../common/read_again";

/**
 * Reads the form of a contact or a lead again when the desk hears of a call of it: the
 * number of calls, and the last ones. Shows nothing itself, and asks for nothing.
 */
export class CallsLive extends Component {
    static template = xml``;
    static props = {...standardWidgetProps};

    setup() {
        const desk = useService("cloud_pbx.desk");
        useBus(desk.news, "call", ({detail: card}) => this.onCall(card));
        // Whom it says to call back may be settled by now.
        const bus = useService("bus_service");
        const onSettled = () => this.waits && this.reload();
        bus.subscribe("cloud_pbx.missed", onSettled);
        onWillUnmount(() => bus.unsubscribe("cloud_pbx.missed", onSettled));
        // What was put off while somebody listened.
        this.isDue = false;
        useExternalListener(document, "ended", () => this.isDue && this.reload(), {
            capture: true,
        });
    }

    /** @param {Object} card of a call; a company has the calls of its contacts */
    isOfThis({contact, leads = []}) {
        const {resModel, resId} = this.props.record;
        const ids =
            resModel === "crm.lead"
                ? leads.map(({id}) => id)
                : [contact?.id, contact?.company_id];
        return Boolean(resId) && ids.includes(resId);
    }

    get waits() {
        return Boolean(this.props.record.data.pbx_promise_id);
    }

    async onCall(card) {
        if (this.isOfThis(card)) {
            await this.reload();
        }
    }

    /** Not under somebody who listens to one of the calls, or writes. */
    async reload() {
        const {record} = this.props;
        const isDirty = await record.isDirty();
        this.isDue = isHearing();
        if (!this.isDue && !isDirty) {
            await readAgain(this, () => record.load());
        }
    }
}

registry.category("view_widgets").add("pbx_calls_live", {component: CallsLive});
