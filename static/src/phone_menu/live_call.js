import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";

import {Timer} from "../common/timer";

import {directionOf, endOf, iconOf, partyOf} from "../common/call_facts";

/** A call that rings or is talked on, and for how long. */
export class LiveCall extends Component {
    static template = "cloud_pbx.LiveCall";
    static components = {Timer};
    static props = {card: Object, onOpen: Function};

    get party() {
        return partyOf(this.props.card);
    }

    get icon() {
        return iconOf(this.props.card);
    }

    get direction() {
        return directionOf(this.props.card);
    }

    get isTalking() {
        return this.props.card.state === "ongoing";
    }

    /** The card's own state: how a call that was handed on stands for this user. */
    get stands() {
        if (this.props.card.rings_phone) {
            return _t("Lift your phone %s", this.props.card.rings_phone);
        }
        return endOf({state: this.props.card.state});
    }

    get since() {
        const {start, answer} = this.props.card;
        return (this.isTalking && answer) || start;
    }
}
