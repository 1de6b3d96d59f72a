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
import {findPlace, KEPT_FREE, readObstacles, WRITING} from "./placement";

// A page is drawn in many steps; it is looked at when some of them are done.
const PAGE_CHANGED_MS = 150;
// The first frame with a card is painted by then.
const ROOM_AFTER_MS = 100;
// Pages on which cards are small: there a large one hides what is worked with.
const TIGHT_PAGE = ".o_action_manager .o-mail-Discuss";
// A small card, and the buttons above the cards, with their distances.
const ROW_PX = 52;
const BAR_PX = 56;
// Of a card's text at least so much is seen; its buttons always.
const LEAST_BODY_PX = 80;

/** The cards of all calls that are going on, above every page of Odoo. */
export class CallCards extends Component {
    static template = "cloud_pbx.CallCards";
    static components = {CallCard};
    static props = {};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.ui = useService("ui");
        this.root = useRef("root");
        // `place`: see placement.js; none until the cards are measured.
        this.state = useState({place: null, top: 0});
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
        useBus(this.env.bus, "ACTION_MANAGER:UI-UPDATED", () => this.followPage(true));
        // What a page draws later may lie below: a chatter, another record, a composer.
        this.pageObserver = new MutationObserver(() => {
            this.pageTimer ??= browser.setTimeout(() => {
                this.pageTimer = undefined;
                this.makeRoom();
            }, PAGE_CHANGED_MS);
        });
        onWillUnmount(() => {
            this.unfollowPage();
            browser.clearTimeout(this.roomTimer);
            document.documentElement.style.removeProperty("--o-pbx-room");
        });
        const nextFrame = (react) => {
            let frame;
            onWillUnmount(() => browser.cancelAnimationFrame(frame));
            return () => {
                browser.cancelAnimationFrame(frame);
                frame = browser.requestAnimationFrame(react);
            };
        };
        // What grows may come to lie on a field, or on buttons, that were free. It reports
        // all it begins to observe as well: not before what has just come is painted.
        this.observer = new ResizeObserver(nextFrame(onChange));
        // A form that is scrolled takes its buttons along, or leaves them behind.
        const onScroll = nextFrame(() => this.followScroll());
        const onResize = nextFrame(() => this.makeRoom({anew: true}));
        useEffect(
            (count) => {
                this.followPage();
                if (!count) {
                    return;
                }
                const listeners = [
                    [document, "focusin", onChange],
                    [document, "scroll", onScroll],
                    [window, "resize", onResize],
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
        useEffect(
            () => this.makeRoom({anew: true}),
            () => [this.desk.preferences.card_side],
        );
        // However many cards there are, those that ring are in sight.
        useEffect(
            () => this.showRinging(),
            () => [this.ringingIds.join()],
        );
    }

    get isEmpty() {
        return !this.desk.stack.cards.length;
    }

    /** Whether the cards stand where a line of text ends. */
    get isAside() {
        const isRight = this.state.place?.isAtRight ?? this.isRightByChoice;
        return isRight !== (localization.direction === "rtl");
    }

    get isRightByChoice() {
        return this.desk.preferences.card_side === "right";
    }

    get ringingIds() {
        const {cards} = this.desk.stack;
        return cards.filter(({state}) => state === "ringing").map(({id}) => id);
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
        // It may only be drawn now, in a frame that is asked for after this turn: ours has
        // to be asked for later.
        await new Promise((resolve) => browser.setTimeout(resolve));
        await new Promise((resolve) => browser.requestAnimationFrame(resolve));
        const el = this.cardEl(card.id);
        (el?.querySelector("textarea") || el?.querySelector("button"))?.focus();
    }

    showRinging() {
        for (const id of this.ringingIds) {
            this.cardEl(id)?.scrollIntoView({block: "nearest"});
        }
    }

    cardEl(id) {
        return this.root.el?.querySelector(`[data-call-id="${id}"]`);
    }

    /**
     * Watch the page that is open now, as long as there are cards.
     *
     * @param {boolean} [isNew] another page than before
     */
    followPage(isNew = false) {
        this.unfollowPage();
        const {stack} = this.desk;
        if (this.isTight !== this.wasTight) {
            this.wasTight = this.isTight;
            stack.isCramped = this.isTight;
        }
        if (this.root.el && !this.isEmpty) {
            this.observer.observe(this.root.el);
            for (const el of document.querySelectorAll(KEPT_FREE)) {
                this.observer.observe(el);
            }
            const page = document.querySelector(".o_action_manager");
            if (page) {
                this.pageObserver.observe(page, {childList: true, subtree: true});
            }
            this.makeRoom({anew: isNew || !this.state.place});
        } else {
            this.state.place = null;
            stack.isCramped = this.isTight;
        }
    }

    unfollowPage() {
        this.observer.disconnect();
        this.pageObserver.disconnect();
        browser.clearTimeout(this.pageTimer);
        this.pageTimer = undefined;
        this.leaveRoom(0);
    }

    /** Whether there is room for small cards only, but for the user's choice. */
    get isTight() {
        return this.ui.isSmall || Boolean(document.querySelector(TIGHT_PAGE));
    }

    /** A form can be scrolled on by so much: what the cards hide comes out above them. */
    leaveRoom(height) {
        const room = height ? `${Math.ceil(height)}px` : "";
        if (room === this.room) {
            return;
        }
        this.room = room;
        browser.clearTimeout(this.roomTimer);
        // The whole page follows a property of its root: the cards are seen before.
        this.roomTimer = browser.setTimeout(() => {
            const {style} = document.documentElement;
            if (room) {
                style.setProperty("--o-pbx-room", room);
            } else {
                style.removeProperty("--o-pbx-room");
            }
        }, ROOM_AFTER_MS);
    }

    /** Where the page's buttons end. */
    get pageTop() {
        const bottoms = [...document.querySelectorAll(KEPT_FREE)]
            .map((el) => el.getBoundingClientRect())
            .filter(({height}) => height)
            .map(({bottom}) => bottom);
        return Math.max(0, ...bottoms.filter((y) => y < window.innerHeight / 2));
    }

    followScroll() {
        if (!this.root.el || this.isEmpty) {
            return;
        }
        this.state.top = Math.ceil(this.pageTop);
        if (this.writtenIn) {
            this.makeRoom();
        }
    }

    /** Where somebody writes on the page. */
    get writtenIn() {
        const at = document.activeElement;
        return at && takesText(at) && !this.root.el.contains(at) ? at : null;
    }

    /**
     * Stand where the cards hide least of the page: its buttons, and where somebody
     * writes, never if it can be helped.
     *
     * @param {Object} [how]
     * @param {boolean} [how.anew] on another page, or in another window: where they were
     * does not count
     */
    makeRoom({anew = false} = {}) {
        const root = this.root.el;
        if (!root || this.isEmpty) {
            return;
        }
        this.state.top = Math.ceil(this.pageTop);
        this.leaveRoom(window.innerHeight - root.getBoundingClientRect().top);
        const {stack} = this.desk;
        const room = window.innerHeight - this.state.top - BAR_PX;
        stack.maxRows = Math.max(1, Math.floor(room / ROW_PX));
        const shown = stack.inSight.map(({id}) => id).join();
        const isSame = !anew && shown === this.shownBefore;
        const at = document.activeElement;
        const isWrittenIn = root.contains(at) && takesText(at);
        if (isWrittenIn) {
            at.scrollIntoView({block: "nearest"}); // its card may be smaller now
        }
        // Not away from under the hand.
        if (this.state.place && (isWrittenIn || (isSame && root.matches(":hover")))) {
            return;
        }
        if (shown !== this.shownBefore) {
            stack.isCramped = this.isTight;
            this.shownBefore = shown;
        }
        const obstacles = readObstacles(this.ui.isSmall);
        if (this.writtenIn) {
            const {left, right, top, bottom} = this.writtenIn.getBoundingClientRect();
            obstacles.push({left, right, top, bottom, cost: WRITING});
        }
        const {innerWidth: width, innerHeight: height} = window;
        const place = findPlace(
            {width, height, top: this.state.top, obstacles, isTight: this.isTight},
            {width: root.offsetWidth, ...this.measure()},
            this.isRightByChoice,
            anew ? null : this.state.place,
        );
        if (JSON.stringify(place) !== JSON.stringify(this.state.place)) {
            this.state.place = place;
        }
        stack.isCramped = place.isSmall;
    }

    /** How high the cards want to be: as they are, and when all that can be are small. */
    measure() {
        const root = this.root.el;
        const {stack} = this.desk;
        const list = root.querySelector(".o_pbx_cards_list");
        const large = {};
        large.wanted = root.offsetHeight + list.scrollHeight - list.clientHeight;
        large.least = large.wanted;
        const small = {...large};
        let canShrink = false;
        for (const body of root.querySelectorAll(".o_pbx_card_body")) {
            const most = parseFloat(getComputedStyle(body).maxHeight) || Infinity;
            const wanted = Math.min(body.scrollHeight, most);
            const least = Math.min(wanted, LEAST_BODY_PX);
            large.wanted += wanted - body.offsetHeight;
            large.least += least - body.offsetHeight;
            const {callId} = body.closest(".o_pbx_card").dataset;
            if (stack.canShrink(Number(callId))) {
                canShrink = true;
                const {offsetHeight: actions} = body.nextElementSibling;
                small.wanted -= body.offsetHeight + actions;
                small.least -= body.offsetHeight + actions;
            } else {
                small.wanted += wanted - body.offsetHeight;
                small.least += least - body.offsetHeight;
            }
        }
        if (canShrink) {
            this.largeSize = large;
            return {large, small};
        }
        return stack.isCramped ? {large: this.largeSize || large, small} : {large};
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
                    done: card.asks
                        ? _t("The call with %s has ended: what was it about?", who)
                        : _t("The call with %s has ended", who),
                };
                return words[card.state];
            })
            .join(". ");
    }
}

registry.category("main_components").add("cloud_pbx.CallCards", {Component: CallCards});
