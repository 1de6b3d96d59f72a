import {Component, onWillUnmount, useEffect, useRef, useState} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {useCommand} from "@web/core/commands/command_hook";
import {localization} from "@web/core/l10n/localization";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useBus, useService} from "@web/core/utils/hooks";

import {partyOf} from "../common/call_facts";
import {takesText} from "../desk/writing";
import {CallCard} from "./call_card";

// Above a field in which a card can stand.
const MIN_ROOM_PX = 160;
// A page's buttons: of the page, of a form, of its stages.
const KEPT_FREE =
    ".o_main_navbar, .o_action_manager .o_control_panel, .o_action_manager .o_form_statusbar";

/** The cards of all calls that are going on, above every page of Odoo. */
export class CallCards extends Component {
    static template = "cloud_pbx.CallCards";
    static components = {CallCard};
    static props = {};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.ui = useService("ui");
        this.root = useRef("root");
        this.state = useState({flipped: false, lift: 0, top: 0});
        const onChange = () => this.makeRoom();
        useBus(this.ui.bus, "active-element-changed", onChange);
        useCommand(_t("Note on the call"), () => this.goToNote(), {
            category: "smart_action",
            hotkey: "alt+shift+k",
            global: true,
            // Also from within a text that somebody writes.
            hotkeyOptions: {bypassEditableProtection: true},
            isAvailable: () => !this.isEmpty,
        });
        // The page's own buttons are others now.
        useBus(this.env.bus, "ACTION_MANAGER:UI-UPDATED", () => this.followPage());
        // What grows may come to lie on a field, or on buttons, that were free.
        this.observer = new ResizeObserver(onChange);
        onWillUnmount(() => {
            this.observer.disconnect();
            this.leaveRoom(0);
            browser.cancelAnimationFrame(this.frame);
        });
        // A form that is scrolled takes its buttons along, or leaves them behind.
        const onScroll = () => {
            browser.cancelAnimationFrame(this.frame);
            this.frame = browser.requestAnimationFrame(onChange);
        };
        useEffect(
            (count) => {
                this.followPage();
                if (!count) {
                    return;
                }
                const listeners = [
                    [document, "focusin", onChange],
                    [document, "scroll", onScroll],
                    [window, "resize", onScroll],
                ];
                listeners.forEach(([target, type, react]) =>
                    target.addEventListener(type, react, true),
                );
                return () =>
                    listeners.forEach(([target, type, react]) =>
                        target.removeEventListener(type, react, true),
                    );
            },
            () => [this.desk.stack.cards.length, this.root.el],
        );
    }

    get isEmpty() {
        return !this.desk.stack.cards.length;
    }

    /** Whether the cards stand where a line of text ends. */
    get isAside() {
        return this.isAsideByChoice !== this.state.flipped;
    }

    /** The same, as long as nobody writes there. */
    get isAsideByChoice() {
        const isRight = this.desk.preferences.card_side === "right";
        return isRight !== (localization.direction === "rtl");
    }

    get moreText() {
        const {isExpanded, moreCount} = this.desk.stack;
        return isExpanded ? _t("Show fewer") : _t("%s more", moreCount);
    }

    /** Go to the card that matters most, and into its note. */
    async goToNote() {
        const {stack} = this.desk;
        const [card] = stack.byImportance;
        if (!card) {
            return;
        }
        stack.setSmall(card.id, false);
        // It may only be drawn now.
        await new Promise((resolve) => browser.requestAnimationFrame(resolve));
        const el = this.root.el?.querySelector(`[data-call-id="${card.id}"]`);
        (el?.querySelector("textarea") || el?.querySelector("button"))?.focus();
    }

    /** Watch the page that is open now, as long as there are cards. */
    followPage() {
        this.observer.disconnect();
        this.leaveRoom(0);
        if (this.root.el && !this.isEmpty) {
            this.observer.observe(this.root.el);
            for (const el of document.querySelectorAll(KEPT_FREE)) {
                this.observer.observe(el);
            }
            this.makeRoom();
        }
    }

    /** A form can be scrolled on by so much: what the cards hide comes out above them. */
    leaveRoom(height) {
        const {style} = document.documentElement;
        if (height) {
            style.setProperty("--o-pbx-room", `${Math.ceil(height)}px`);
        } else {
            style.removeProperty("--o-pbx-room");
        }
    }

    /** Where the page's buttons end. */
    get pageTop() {
        const bottoms = [...document.querySelectorAll(KEPT_FREE)]
            .map((el) => el.getBoundingClientRect())
            .filter(({height}) => height)
            .map(({bottom}) => bottom);
        return Math.max(0, ...bottoms.filter((y) => y < window.innerHeight / 2));
    }

    /** Where somebody writes, no card is in the way: it goes to the other side, or above. */
    makeRoom() {
        const root = this.root.el;
        if (!root || this.isEmpty) {
            return;
        }
        this.state.top = Math.ceil(this.pageTop);
        this.leaveRoom(root.getBoundingClientRect().height);
        const at = document.activeElement;
        if (!at || !takesText(at) || root.contains(at)) {
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
            const flipped = isAside === this.isAsideByChoice;
            Object.assign(this.state, {flipped, lift: 0});
        } else if (theirs.top > MIN_ROOM_PX) {
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
