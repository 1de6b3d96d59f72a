import {ListRenderer} from "@web/views/list/list_renderer";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";

/** The list of calls: a sum at its foot says what it is the sum of. */
export class CallListRenderer extends ListRenderer {
    static template = "cloud_pbx.CallListRenderer";
}

export const callListView = {...listView, Renderer: CallListRenderer};

registry.category("views").add("pbx_call_list", callListView);
