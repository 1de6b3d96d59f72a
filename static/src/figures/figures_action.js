import {Component, useSubEnv} from "@odoo/owl";
import {getDefaultConfig} from "@web/views/view";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {WithSearch} from "@web/search/with_search/with_search";

import {Figures} from "./figures";

/** The page *Overview*: figures of the calls that the search bar of Odoo finds. */
export class FiguresAction extends Component {
    static template = "cloud_pbx.FiguresAction";
    static components = {Figures, WithSearch};
    static props = {...standardActionServiceProps};

    setup() {
        useSubEnv({config: {...getDefaultConfig(), ...this.env.config}});
        const {action, globalState} = this.props;
        this.search = {
            resModel: "pbx.call",
            context: action.context || {},
            searchViewId: false,
            loadIrFilters: true,
            // Groups are the page's own.
            searchMenuTypes: ["filter", "favorite"],
            // What was searched, when one comes back.
            globalState,
        };
    }
}

registry.category("actions").add("cloud_pbx.figures", FiguresAction);
