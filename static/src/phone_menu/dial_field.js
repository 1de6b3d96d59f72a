import {Component, useRef, useState} from "@odoo/owl";

import {DialPad} from "./dial_pad";

/** The one field for names and numbers, and the pad that writes into it. */
export class DialField extends Component {
    static template = "cloud_pbx.DialField";
    static components = {DialPad};
    static props = {
        text: String,
        isNumber: Boolean,
        isBusy: {type: Boolean, optional: true},
        onText: Function,
        onCall: Function,
    };

    setup() {
        this.input = useRef("input");
        this.state = useState({hasPad: false});
    }

    clear() {
        this.props.onText("");
        this.input.el.focus();
    }

    onKey(key) {
        // Two zeros at the beginning are what the plus sign stands for.
        if (key === "0" && this.props.text === "0") {
            this.write("+", "");
        } else {
            this.insert(key);
        }
    }

    /** Write `text` where the cursor is, as the keyboard does. */
    insert(text) {
        const {value, selectionStart, selectionEnd} = this.input.el;
        this.write(value.slice(0, selectionStart) + text, value.slice(selectionEnd));
    }

    erase() {
        const {value, selectionStart: start, selectionEnd: end} = this.input.el;
        this.write(
            value.slice(0, start === end ? Math.max(start - 1, 0) : start),
            value.slice(end),
        );
    }

    write(before, after) {
        const {el} = this.input;
        el.value = before + after;
        el.setSelectionRange(before.length, before.length);
        this.props.onText(el.value);
    }
}
