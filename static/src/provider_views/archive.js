import {FormController} from "@web/views/form/form_controller";
import {ListController} from "@web/views/list/list_controller";
import {_t} from "@web/core/l10n/translation";
import {formView} from "@web/views/form/form_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";

/** Say what happens to the events, where one of the records to archive is connected. */
function withEvents(props, records) {
    const connected = records.filter(
        ({data}) => data.active && data.connected_at && !data.subscribed_until,
    );
    if (connected.length) {
        props.body = _t(
            "Once archived, events are refused: new calls are neither shown nor logged. The PBX goes on sending them until you press “Disconnect”.",
        );
    } else if (records.some(({data}) => data.active && data.subscribed_until)) {
        props.body = _t(
            "Once archived, new calls are neither shown nor logged: Odoo ends the subscription at the PBX. Press “Connect” to have events again.",
        );
    }
    return props;
}

export class ProviderFormController extends FormController {
    get archiveDialogProps() {
        return withEvents(super.archiveDialogProps, [this.model.root]);
    }
}

export class ProviderListController extends ListController {
    get archiveDialogProps() {
        return withEvents(super.archiveDialogProps, this.model.root.selection);
    }
}

registry
    .category("views")
    .add("pbx_provider_form", {...formView, Controller: ProviderFormController})
    .add("pbx_provider_list", {...listView, Controller: ProviderListController});
