import {Component, onWillUnmount} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";

const LONG_PRESS = 600;

/** The keys of a phone. What they mean is up to the field they write into. */
export class DialPad extends Component {
    static template = "cloud_pbx.DialPad";
    static props = {
        canCall: Boolean,
        isBusy: {type: Boolean, optional: true},
        onKey: Function,
        onPlus: Function,
        onErase: Function,
        onCall: Function,
    };

    keys = [
        {key: "1", letters: ""},
        {key: "2", letters: "ABC"},
        {key: "3", letters: "DEF"},
        {key: "4", letters: "GHI"},
        {key: "5", letters: "JKL"},
        {key: "6", letters: "MNO"},
        {key: "7", letters: "PQRS"},
        {key: "8", letters: "TUV"},
        {key: "9", letters: "WXYZ"},
        {key: "*", letters: ""},
        {key: "0", letters: "+"},
        {key: "#", letters: ""},
    ];

    setup() {
        onWillUnmount(() => this.release());
    }

    press(key) {
        this.wasLong = false;
        if (key === "0") {
            this.timer = browser.setTimeout(() => {
                this.wasLong = true;
                this.props.onPlus();
            }, LONG_PRESS);
        }
    }

    release() {
        browser.clearTimeout(this.timer);
    }

    onClick(key) {
        this.release();
        if (this.wasLong) {
            this.wasLong = false; // that was the plus sign
        } else {
            this.props.onKey(key);
        }
    }
}
