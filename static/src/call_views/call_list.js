import {ListRenderer} from "@web/views/list/list_renderer";
import {listView} from "@web/views/list/list_view";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {registry} from "@web/core/registry";

import {useLiveCalls} from "./live_views";

const MESSAGES = ["cloud_pbx.call", "cloud_pbx.missed"];

export class CallListController extends listView.Controller {
    setup() {
        super.setup();
        useLiveCalls(this.model, this.env, MESSAGES);
    }

    /** A row for each call: recordings would add rows that say nothing but their ids. */
    getExportableFields() {
        return super.getExportableFields().filter(({type}) => type !== "one2many");
    }
}

/** The list of calls: a sum at its foot says what it is the sum of. */
export class CallListRenderer extends ListRenderer {
    static template = "cloud_pbx.CallListRenderer";
}

export class CallKanbanController extends kanbanView.Controller {
    setup() {
        super.setup();
        useLiveCalls(this.model, this.env, MESSAGES);
    }
}

export const callListView = {
    ...listView,
    Controller: CallListController,
    Renderer: CallListRenderer,
};

registry
    .category("views")
    .add("pbx_call_list", callListView)
    .add("pbx_call_kanban", {...kanbanView, Controller: CallKanbanController});
