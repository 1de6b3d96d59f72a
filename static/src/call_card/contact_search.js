import {Component, onWillUnmount, useState} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {useAutofocus, useService} from "@web/core/utils/hooks";

const TYPING_PAUSE_MS = 250;

/** Finds a contact, to say that it is the one who calls. */
export class ContactSearch extends Component {
    static template = "cloud_pbx.ContactSearch";
    static props = {callId: Number, pick: Function, close: Function};

    setup() {
        this.orm = useService("orm").silent;
        this.state = useState({text: "", found: [], searched: false, active: 0});
        useAutofocus({refName: "input"});
        this.desk = useService("cloud_pbx.desk");
        onWillUnmount(() => {
            browser.clearTimeout(this.timer);
            this.hold(false);
        });
    }

    hold(isDone) {
        this.desk.stack.hold(this.props.callId, "search", isDone);
    }

    onInput(ev) {
        this.state.text = ev.target.value;
        browser.clearTimeout(this.timer);
        this.timer = browser.setTimeout(() => this.search(), TYPING_PAUSE_MS);
    }

    async search() {
        const {text} = this.state;
        const found =
            text.trim().length < 2
                ? []
                : await this.orm.call("pbx.desk", "search_contacts", [text]);
        if (text === this.state.text) {
            // Answers may overtake each other.
            const searched = text.trim().length >= 2;
            Object.assign(this.state, {found, searched, active: 0});
            this.foundFor = text;
        }
    }

    onKeydown(ev) {
        const {found, active} = this.state;
        if (ev.key === "Escape") {
            ev.stopPropagation();
            this.props.close();
        } else if (ev.key === "ArrowDown" && found.length) {
            ev.preventDefault();
            this.state.active = (active + 1) % found.length;
        } else if (ev.key === "ArrowUp" && found.length) {
            ev.preventDefault();
            this.state.active = (active + found.length - 1) % found.length;
        } else if (ev.key === "Enter" && found.length) {
            ev.preventDefault();
            if (this.foundFor === this.state.text) {
                this.props.pick(found[active].id);
            }
        }
    }
}
