import {Component, useEffect, useRef, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useBus, useService} from "@web/core/utils/hooks";

import {CallCard} from "./call_card";

/** The cards of all calls that are going on, above every page of Odoo. */
export class CallCards extends Component {
    static template = "cloud_pbx.CallCards";
    static components = {CallCard};
    static props = {};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.ui = useService("ui");
        this.root = useRef("root");
        this.state = useState({aside: false});
        useBus(this.ui.bus, "active-element-changed", () => this.makeRoom());
        const onFocus = () => this.makeRoom();
        useEffect(
            () => {
                document.addEventListener("focusin", onFocus);
                this.makeRoom();
                return () => document.removeEventListener("focusin", onFocus);
            },
            () => [this.desk.cards.length, this.desk.announced.length],
        );
    }

    get isEmpty() {
        return !this.desk.cards.length && !this.desk.announced.length;
    }

    /** What is announced; there is always one, which waits unseen. */
    get firstSights() {
        const {announced} = this.desk;
        return announced.length ? announced : [{}];
    }

    numberOf({id, number}) {
        return id ? number || _t("Withheld number") : "";
    }

    /** Where somebody writes, no card is in the way: it goes to the other side. */
    makeRoom() {
        const root = this.root.el;
        const at = document.activeElement;
        if (!root || this.isEmpty || !at || at === document.body || root.contains(at)) {
            return;
        }
        if (!at.isContentEditable && !/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) {
            return;
        }
        const [mine, theirs] = [root, at].map((el) => el.getBoundingClientRect());
        const meets =
            mine.left < theirs.right &&
            theirs.left < mine.right &&
            mine.top < theirs.bottom &&
            theirs.top < mine.bottom;
        if (meets) {
            this.state.aside = !this.state.aside;
        }
    }

    /** For those who hear the page: what has just changed, in a sentence. */
    get spoken() {
        return this.desk.cards
            .map((card) => {
                const who = card.name || card.number_readable || _t("Withheld number");
                const words = {
                    ringing:
                        card.direction === "inbound"
                            ? _t("Incoming call from %s", who)
                            : _t("Calling %s", who),
                    ongoing: _t("Talking with %s", who),
                    taken: _t("Taken by %s", card.taken_by),
                    done: _t("The call with %s has ended", who),
                };
                return words[card.state];
            })
            .join(". ");
    }
}

registry.category("main_components").add("cloud_pbx.CallCards", {Component: CallCards});
