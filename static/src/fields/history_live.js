import {Component, onWillUnmount, xml} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {readAgain} from "../common/read_again";

/**
 * Reads the form again whenever the server says that the import went on. Shows nothing
 * itself, and asks for nothing in between.
 */
export class HistoryLive extends Component {
    static template = xml``;
    static props = {...standardWidgetProps};

    setup() {
        const bus = useService("bus_service");
        const onMessage = (payload) => this.onWentOn(payload);
        bus.subscribe("cloud_pbx.history", onMessage);
        bus.start();
        onWillUnmount(() => bus.unsubscribe("cloud_pbx.history", onMessage));
    }

    /** @param {{id: Number}} payload which import */
    async onWentOn({id}) {
        const {record} = this.props;
        if (record.resId === id && !(await record.isDirty())) {
            await readAgain(this, () => record.load());
        }
    }
}

registry.category("view_widgets").add("pbx_history_live", {component: HistoryLive});
