import {Component, onWillUpdateProps, useState, xml} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

import {noteOf} from "./note";

/** What a small card shows of its call's note: that there is one, and if it is not saved. */
export class NoteMark extends Component {
    static template = xml`
        <div t-if="note.text.trim()" class="o_pbx_card_note_mark d-flex gap-2 small text-muted">
            <span class="text-truncate text-start" dir="auto" t-att-title="note.text">
                <i class="fa fa-pencil me-1" role="img" aria-label="Note"/>
                <t t-out="note.text"/>
            </span>
            <span
                t-if="note.isDirty"
                class="flex-shrink-0 ms-auto"
                t-att-class="{'text-danger': note.error}"
                role="status"
            >
                <t t-if="note.error">Not saved</t>
                <t t-else="" t-out="note.status"/>
            </span>
        </div>`;
    static props = {callId: Number, companyId: Number, note: String};

    setup() {
        const desk = useService("cloud_pbx.desk");
        // As in the note's field: Odoo's own service outlives the card.
        const {orm} = this.env.services;
        this.note = useState(noteOf(desk, orm.silent, this.props));
        this.note.take(this.props.note);
        onWillUpdateProps(({note}) => this.note.take(note));
    }
}
