import {Component} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

/** Take the most urgent call-back, and dial it. */
export class NextButton extends Component {
    static template = "cloud_pbx.NextButton";
    static props = {class: {type: String, optional: true}};

    setup() {
        this.desk = useService("cloud_pbx.desk");
    }
}
