import {
    Component,
    onMounted,
    onPatched,
    onWillUnmount,
    useEffect,
    useRef,
    useState,
} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {_t} from "@web/core/l10n/translation";
import {hasTouch} from "@web/core/browser/feature_detection";
import {useService} from "@web/core/utils/hooks";

import {CallLists} from "./call_lists";
import {CallRow} from "./call_row";
import {ContactRow} from "./contact_row";
import {ContactFinder, isNumber} from "./contact_finder";
import {DialField} from "./dial_field";
import {LiveCall} from "./live_call";
import {NextButton} from "../promise/next_button";
import {PhoneSettings} from "./phone_settings";
import {partyOf} from "../common/call_facts";
import {tickCompany} from "../common/company";
import {shownLine} from "../desk/shown_line";

// Of many missed calls so many are shown, not to bury the recent ones.
const FEW_MISSED = 5;
// A call that comes in comes in several messages within a second.
const REFRESH_PAUSE_MS = 300;
const DOUBLE_CLICK_MS = 500;
// Before its end, at which a list is read on.
const AHEAD_PX = 100;

/** What the phone in the systray opens: dial, search, call back, see what was. */
export class PhonePanel extends Component {
    static template = "cloud_pbx.PhonePanel";
    static components = {
        CallRow,
        ContactRow,
        DialField,
        LiveCall,
        NextButton,
        PhoneSettings,
    };
    static props = {close: {type: Function, optional: true}};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.action = useService("action");
        const orm = useService("orm");
        this.lists = useState(new CallLists(orm));
        this.finder = useState(new ContactFinder(orm));
        this.state = useState({
            text: "",
            hasAllMissed: false,
            dialling: "",
        });
        this.doneAt = 0;
        this.panel = useRef("panel");
        this.room = useRef("room");
        this.end = useRef("end");

        onMounted(() => (hasTouch() ? this.panel.el : this.field).focus());
        useEffect(
            () => this.refreshSoon(),
            () => [this.desk.missed, this.heard],
        );
        useEffect(
            () => this.readOn(),
            () => [this.end.el, this.lists.readings],
        );
        onPatched(() => this.focusNext());
        onWillUnmount(() => {
            browser.clearTimeout(this.timer);
            this.finder.stop();
        });
    }

    get field() {
        return this.panel.el?.querySelector(".o_pbx_phone_input");
    }

    /** All that was heard of calls, to see whether it changed. */
    get heard() {
        return Object.entries(this.desk.stack.calls)
            .map(([id, {state, outcome}]) => `${id} ${state} ${outcome}`)
            .join();
    }

    refreshSoon() {
        browser.clearTimeout(this.timer);
        const wait = this.lists.isLoaded ? REFRESH_PAUSE_MS : 0;
        this.timer = browser.setTimeout(() => this.lists.refresh(), wait);
    }

    /** Read the next page when the end of this one is nearly in sight. */
    readOn() {
        const [end, room] = [this.end.el, this.room.el];
        if (end) {
            const {top} = end.getBoundingClientRect();
            if (top < room.getBoundingClientRect().bottom + AHEAD_PX) {
                this.lists.loadMore();
            }
        }
    }

    // ------------------------------------------------------------------- what is shown

    get live() {
        return this.desk.stack.cards.filter(({state}) =>
            ["ringing", "ongoing"].includes(state),
        );
    }

    get missed() {
        const {missed} = this.lists;
        return this.state.hasAllMissed ? missed : missed.slice(0, FEW_MISSED);
    }

    /** Those that are over: what goes on is above. */
    get recent() {
        const live = new Set(this.live.map(({id}) => id));
        return this.lists.calls.filter(({id}) => !live.has(id));
    }

    get moreMissedText() {
        return _t("Show %s more", this.moreMissed);
    }

    get moreMissed() {
        return this.lists.missed.length - this.missed.length;
    }

    get typed() {
        return this.state.text.trim();
    }

    get isNumber() {
        return isNumber(this.typed);
    }

    /** Whether what is typed stands instead of the calls. */
    get isFinding() {
        return this.isNumber || this.finder.isActive;
    }

    get hasNothingFound() {
        const {isActive, isSearching, error, contacts} = this.finder;
        return isActive && !isSearching && !error && !contacts.length && !this.isNumber;
    }

    setText(text) {
        this.state.text = text;
        this.finder.search(text);
    }

    /** What was looked for has been found; meanwhile the panel may have been closed. */
    clear() {
        if (this.field) {
            this.setText("");
            this.field.focus();
        }
    }

    // --------------------------------------------------------------------- keyboard

    onKeydown(ev) {
        const isField = ev.target === this.field;
        if (ev.target.tagName === "SELECT" || ev.isComposing) {
            return;
        }
        if (ev.key === "ArrowDown" || ev.key === "ArrowUp") {
            this.move(ev.key === "ArrowDown" ? 1 : -1);
            ev.preventDefault();
        } else if (ev.key === "Enter" && isField) {
            this.onEnter();
            ev.preventDefault();
        } else if (
            !isField &&
            !ev.ctrlKey &&
            !ev.metaKey &&
            !ev.altKey &&
            (/^[^ ]$/u.test(ev.key) || ev.key === "Backspace")
        ) {
            // Whatever is typed goes into the field; the key itself follows the focus.
            this.field.focus();
        }
    }

    onEnter() {
        if (this.isNumber) {
            this.dialTyped();
        } else if (this.isFinding && !this.finder.isSearching) {
            // Whom one calls has to be seen before: the next Enter calls.
            this.move(1);
        }
    }

    /** Go to the next place one can call from, or back to the field. */
    move(step) {
        const places = [
            this.field,
            ...this.panel.el.querySelectorAll(".o_pbx_phone_place"),
        ];
        const at = places.indexOf(document.activeElement);
        const next = at < 0 ? 0 : at + step;
        places[Math.min(Math.max(next, 0), places.length - 1)].focus();
    }

    // --------------------------------------------------------------------- what is done

    /**
     * @param {string} key which button was used
     * @param {string} number
     * @param {Object} [options] what it is about
     */
    async dial(key, number, options = {}) {
        if (this.state.dialling || this.isTooSoon) {
            return false;
        }
        this.state.dialling = key;
        try {
            const line = shownLine(this.desk) || undefined;
            // Nothing is dialled while the user chooses one of several numbers.
            const onAsking = (isAsking) => (this.state.dialling = isAsking ? "" : key);
            return await this.desk.dial(number, {...options, line, onAsking});
        } finally {
            this.state.dialling = "";
            this.doneAt = Date.now();
        }
    }

    /** Call back whoever was lost: an unassigned one is taken by that. */
    async callBack({id, promise_id: promiseId, company_id: companyId}) {
        if (this.state.dialling || this.isTooSoon) {
            return;
        }
        this.state.dialling = `missed/${id}`;
        try {
            await this.desk.callBack(promiseId, companyId);
        } finally {
            this.state.dialling = "";
            this.doneAt = Date.now();
        }
    }

    async dialTyped() {
        if (await this.dial("typed", this.typed)) {
            this.clear();
        }
    }

    dialCall({id, number}) {
        return this.dial(`recent/${id}`, number);
    }

    async dialContact(contact) {
        const options = {resModel: contact.model, resId: contact.id};
        if (await this.dial(this.keyOf(contact), contact.phone, options)) {
            this.clear();
        }
    }

    keyOf({model, id}) {
        return `${model}/${id}`;
    }

    async settle(call) {
        if (this.isTooSoon) {
            return;
        }
        this.doneAt = Date.now();
        const at = this.lists.missed.findIndex(({id}) => id === call.id);
        this.desk.missed = Math.max(this.desk.missed - 1, 0);
        this.next = this.lists.missed[at + 1] || this.lists.missed[at - 1] || call;
        try {
            await this.lists.settle(call);
        } catch (error) {
            this.desk.load();
            throw error;
        }
    }

    get settledText() {
        return _t("Spoken with %s", partyOf(this.lists.lastSettled));
    }

    async undoSettled() {
        await this.lists.undoSettled();
        this.desk.countSoon();
        this.field?.focus();
    }

    /** The button that had the focus went away: that of the next row gets it. */
    focusNext() {
        if (this.next) {
            const row = `.o_pbx_phone_missed [data-call="${this.next.id}"]`;
            const el = this.panel.el.querySelector(`${row} .o_pbx_phone_settle`);
            (el || this.field).focus();
            this.next = null;
        }
    }

    /**
     * Whether this may be the second half of a double click, on whatever has come under
     * the pointer since.
     */
    get isTooSoon() {
        return Date.now() - this.doneAt < DOUBLE_CLICK_MS;
    }

    open(resModel, resId, companyId) {
        if (this.isTooSoon) {
            return;
        }
        tickCompany(companyId);
        this.props.close?.();
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: resModel,
            res_id: resId,
            views: [[false, "form"]],
        });
    }
}
