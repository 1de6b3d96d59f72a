import {Component, useEffect, useRef, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useBus, useService} from "@web/core/utils/hooks";

import {partyOf} from "../common/call_facts";
import {takesText} from "../desk/writing";
import {CallCard} from "./call_card";

// Pixels above a field in which a card can stand.
const MIN_ROOM = 160;

/** The cards of all calls that are going on, above every page of Odoo. */
export class CallCards extends Component {
    static template = "cloud_pbx.CallCards";
    static components = {CallCard};
    static props = {};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.ui = useService("ui");
        this.root = useRef("root");
        this.state = useState({aside: false, lift: 0});
        useBus(this.ui.bus, "active-element-changed", () => this.makeRoom());
        const onFocus = () => this.makeRoom();
        useEffect(
            (root) => {
                if (!root) {
                    return;
                }
                // A card that grows may come to lie on a field that was free.
                const observer = new ResizeObserver(() => this.makeRoom());
                observer.observe(root);
                return () => observer.disconnect();
            },
            () => [this.root.el],
        );
        useEffect(
            () => {
                document.addEventListener("focusin", onFocus);
                this.makeRoom();
                return () => document.removeEventListener("focusin", onFocus);
            },
            () => [this.desk.stack.cards.length],
        );
    }

    get isEmpty() {
        return !this.desk.stack.cards.length;
    }

    /** Where somebody writes, no card is in the way: it goes to the other side, or above. */
    makeRoom() {
        const root = this.root.el;
        const at = document.activeElement;
        if (!root || this.isEmpty || !at || !takesText(at) || root.contains(at)) {
            return;
        }
        const [mine, theirs] = [root, at].map((el) => el.getBoundingClientRect());
        const {innerWidth: width, innerHeight: height} = window;
        const meets = ({left, right}, top, bottom) =>
            left < theirs.right &&
            theirs.left < right &&
            top < theirs.bottom &&
            theirs.top < bottom;
        // As it lies when it is not lifted; what is on the screen, since the state may be
        // ahead of it.
        const lift = parseFloat(root.style.getPropertyValue("--o-pbx-lift")) || 0;
        const isAside = root.classList.contains("o_pbx_cards_aside");
        const [top, bottom] = [mine.top, mine.bottom].map((y) => y + lift);
        if (!meets(mine, top, bottom)) {
            this.state.lift = 0;
        } else if (
            !meets({left: width - mine.right, right: width - mine.left}, top, bottom)
        ) {
            Object.assign(this.state, {aside: !isAside, lift: 0});
        } else if (theirs.top > MIN_ROOM) {
            // As wide as the page: it goes above.
            this.state.lift = Math.round(height - theirs.top);
        }
    }

    /** For those who hear the page: what has just changed, in a sentence. */
    get spoken() {
        return this.desk.stack.cards
            .map((card) => {
                const who = partyOf(card);
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
