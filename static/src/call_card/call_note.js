import {
    Component,
    onMounted,
    onWillUnmount,
    onWillUpdateProps,
    useEffect,
    useRef,
    useState,
} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

import {noteOf} from "./note";

/** The field for a call's note. */
export class CallNote extends Component {
    static template = "cloud_pbx.CallNote";
    static props = {callId: Number, companyId: Number, note: String};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.field = useRef("field");
        // Odoo's own service, not the component's: that forgets what it was asked for
        // when the card is closed.
        const {orm} = this.env.services;
        this.note = useState(noteOf(this.desk, orm.silent, this.props));
        this.note.take(this.props.note);
        useEffect(
            (el, text) => {
                // As high as the text, within bounds that the style sheet sets.
                el.style.height = "auto";
                el.style.height = text ? `${el.scrollHeight + 2}px` : "";
            },
            () => [this.field.el, this.note.text],
        );
        onMounted(() => this.note.save());
        onWillUpdateProps(({note}) => this.note.take(note));
        onWillUnmount(() => {
            this.note.setFocus(false);
            this.note.save();
        });
    }

    onInput(ev) {
        this.note.type(ev.target.value);
        this.note.hold();
    }

    onFocus() {
        this.note.setFocus(true);
    }

    async onBlur() {
        this.note.setFocus(false);
        await this.note.save();
        this.note.take(this.props.note);
    }
}
