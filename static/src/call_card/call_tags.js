import {Component, useState} from "@odoo/owl";
import {x2ManyCommands} from "@web/core/orm_service";
import {useService} from "@web/core/utils/hooks";

import {inCompany} from "../common/company";

/** What a call was about, to be chosen once it is over; or that there is nothing to say. */
export class CallTags extends Component {
    static template = "cloud_pbx.CallTags";
    static props = {card: Object};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        // Odoo's own service, not the component's: that forgets what it was asked for
        // when the card is closed.
        this.orm = this.env.services.orm;
        this.state = useState({isWaiting: false});
    }

    /** One answer at a time: what is pressed meanwhile is passed over. */
    async answer(send) {
        if (this.state.isWaiting) {
            return;
        }
        const {id, company_id: companyId} = this.props.card;
        const context = inCompany(companyId);
        this.state.isWaiting = true;
        try {
            await send(id, {context});
        } finally {
            this.state.isWaiting = false;
            this.desk.ask(id);
        }
    }

    press(tag) {
        const isOn = !tag.is_on;
        const command = isOn ? x2ManyCommands.link : x2ManyCommands.unlink;
        return this.answer(async (id, options) => {
            this.desk.stack.setTag(id, tag.id, isOn);
            const values = {tag_ids: [command(tag.id)]};
            await this.orm.write("pbx.call", [id], values, options);
        });
    }

    /** What was written on the call is saved first: the card goes. */
    sayNothing() {
        return this.answer(async (id, options) => {
            await this.desk.stack.notes.get(id)?.save();
            await this.orm.call("pbx.call", "action_nothing_to_say", [[id]], options);
        });
    }

    block() {
        return this.answer(async (id, options) => {
            const method = "action_block_number";
            const action = await this.orm.call("pbx.call", method, [[id]], options);
            // The page that is open stays as it is.
            const {message, type} = action.params;
            this.env.services.notification.add(message, {type});
        });
    }
}
