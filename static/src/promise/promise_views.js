import {registry} from "@web/core/registry";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {ListRenderer} from "@web/views/list/list_renderer";
import {listView} from "@web/views/list/list_view";

import {useLiveCalls} from "../call_views/live_views";
import {NextButton} from "./next_button";

// Lost, called back, taken: the number in the top bar follows the same one.
const MESSAGES = ["cloud_pbx.missed"];

export class PromiseListController extends listView.Controller {
    static components = {...listView.Controller.components, NextButton};

    setup() {
        super.setup();
        useLiveCalls(this.model, this.env, MESSAGES);
    }
}

export class PromiseListRenderer extends ListRenderer {
    /** A player says itself what it does; the recording's id says nothing. */
    getCellTitle(column, record) {
        return column.widget === "pbx_voicemail"
            ? undefined
            : super.getCellTitle(column, record);
    }
}

export class PromiseKanbanController extends kanbanView.Controller {
    static components = {...kanbanView.Controller.components, NextButton};

    setup() {
        super.setup();
        useLiveCalls(this.model, this.env, MESSAGES);
    }
}

registry
    .category("views")
    .add("pbx_promise_list", {
        ...listView,
        Controller: PromiseListController,
        Renderer: PromiseListRenderer,
        buttonTemplate: "cloud_pbx.PromiseButtons",
    })
    .add("pbx_promise_kanban", {
        ...kanbanView,
        Controller: PromiseKanbanController,
        buttonTemplate: "cloud_pbx.PromiseButtons",
    });
