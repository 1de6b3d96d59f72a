import {Component, useRef, useState} from "@odoo/owl";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";

import {endOf, withoutNumber} from "../common/call_facts";
import {inCompany, tickCompany} from "../common/company";
import {momentOf} from "../common/deadline";
import {formatDuration} from "../common/duration";
import {CallNote} from "./call_note";
import {CallReasons} from "./call_reasons";
import {CallTags} from "./call_tags";
import {ContactSearch} from "./contact_search";
import {LocalTime} from "../common/local_time";
import {NoteMark} from "./note_mark";
import {Voicemail} from "../player/voicemail";
import {Timer} from "../common/timer";

// By the rules of the reader's language: a language that has one form has them all alike.
const ATTEMPTS = {
    one: (count) => _t("%sst attempt", count),
    two: (count) => _t("%snd attempt", count),
    few: (count) => _t("%srd attempt", count),
    other: (count) => _t("%sth attempt", count),
};

function isLive({state}) {
    return ["ringing", "ongoing"].includes(state);
}

/** One call: who it is, why they may be calling, and what to do about it. */
export class CallCard extends Component {
    static template = "cloud_pbx.CallCard";
    static components = {
        CallNote,
        CallReasons,
        CallTags,
        ContactSearch,
        LocalTime,
        NoteMark,
        Timer,
        Voicemail,
    };
    static props = {card: Object};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.orm = useService("orm");
        this.action = useService("action");
        this.toggle = useRef("toggle");
        this.state = useState({linking: false, waiting: false});
    }

    get card() {
        return this.props.card;
    }

    get isLive() {
        return isLive(this.card);
    }

    get isSmall() {
        return this.desk.stack.isSmall(this.card.id);
    }

    toggleSize() {
        this.desk.stack.setSmall(this.card.id, !this.isSmall);
    }

    get isMissed() {
        return this.card.state === "done" && this.card.outcome === "missed";
    }

    get title() {
        const {name, number_readable: number, candidates, contact} = this.card;
        if (!name && candidates.length > 1) {
            return number;
        }
        return contact?.name || name || number || this.noNumber;
    }

    /** A tooltip lies over what is below: only where the name is cut. */
    showWholeName({target}) {
        target.title = target.scrollWidth > target.clientWidth ? this.title : "";
    }

    /** Company and job, as far as the name does not say so. */
    get subtitle() {
        const {contact} = this.card;
        if (!contact) {
            return "";
        }
        return [contact.job, contact.company].filter(Boolean).join(" · ");
    }

    /** The number leads to a switchboard: what to dial once somebody answers. */
    get thenDialText() {
        return _t("then %s", this.card.then_dial);
    }

    get stateLabel() {
        const {state, direction, outcome, taken_by: by, talk_seconds: talk} = this.card;
        if (state === "ringing" && this.card.rings_phone) {
            return _t("Your phone %s rings: lift it", this.card.rings_phone);
        }
        if (state === "ringing") {
            return direction === "inbound" ? _t("Incoming call") : _t("Calling…");
        }
        if (state === "ongoing") {
            return _t("Talking");
        }
        if (state === "taken") {
            return _t("Taken by %s", by);
        }
        const label = outcome === "answered" ? _t("Ended") : endOf(this.card);
        return talk ? `${label} · ${formatDuration(talk)}` : label;
    }

    /** Odoo's own colours of information and success are too light for white letters. */
    get stateClass() {
        const {state, outcome} = this.card;
        if (state === "ringing") {
            return "bg-info-subtle text-info-emphasis";
        }
        if (state === "ongoing") {
            return "bg-success-subtle text-success-emphasis";
        }
        if (state === "done" && outcome !== "answered") {
            return outcome === "missed" ? "text-bg-danger" : "text-bg-warning";
        }
        return "text-bg-secondary";
    }

    get icon() {
        const {state, direction} = this.card;
        if (!this.isLive) {
            return state === "taken" ? "fa-user" : "fa-phone";
        }
        return direction === "inbound" ? "fa-phone o_pbx_rings" : "fa-phone";
    }

    get avatar() {
        return this.card.contact?.avatar;
    }

    get line() {
        const {line, line_name: name} = this.card;
        return name && line ? `${name} (${line})` : name || line;
    }

    get number() {
        return this.card.number_readable || this.noNumber;
    }

    get noNumber() {
        return withoutNumber(this.card);
    }

    get more() {
        return _t("Show all of this card");
    }

    get less() {
        return _t("Make this card small");
    }

    thisIs({name}) {
        return _t("Select %s", name);
    }

    /** Who is known from a lead alone. */
    get lead() {
        return !this.card.contact && this.card.leads[0];
    }

    get ownerText() {
        return _t("Salesperson: %s", this.card.owner);
    }

    get lastSpokenText() {
        const {user: name, start} = this.card.last_spoken;
        return _t("Spoke last with %(user)s, %(when)s", {
            user: name,
            when: deserializeDateTime(start).toRelative(),
        });
    }

    /** Not once they have spoken: that is the last time then. */
    get hasLastSpoken() {
        const {last_spoken: last, state, outcome} = this.card;
        return Boolean(last) && !(state === "done" && outcome === "answered");
    }

    /** By when the caller was promised a call back, and how often they have tried. */
    get promiseText() {
        const {promise} = this.card;
        const time = momentOf(deserializeDateTime(promise.deadline), this.desk.now);
        const until = promise.overdue
            ? _t("promised until %s: overdue", time)
            : _t("promised until %s", time);
        const which = this.attempt;
        return which > 1 ? `${until}, ${this.nth(which)}` : until;
    }

    /** The caller's attempts to reach us: what rings is counted once it is lost. */
    get attempt() {
        const {direction, promise} = this.card;
        if (direction !== "inbound") {
            return 0;
        }
        return promise.attempts + (this.isLive ? 1 : 0);
    }

    nth(count) {
        const rules = new Intl.PluralRules(user.lang || "en", {type: "ordinal"});
        return (ATTEMPTS[rules.select(count)] || ATTEMPTS.other)(count);
    }

    openPromise() {
        return this.once(() => this.open("pbx.promise", this.card.promise.id));
    }

    get hangUpText() {
        return this.card.state === "ringing" ? _t("Give up") : _t("Hang up");
    }

    get isUnknown() {
        return this.card.looked_up && !this.card.contact && !this.card.name;
    }

    // -------------------------------------------------------------------------- actions

    /** One thing at a time: a second click waits for the first one. */
    async once(what) {
        if (this.state.waiting) {
            return;
        }
        this.state.waiting = true;
        try {
            await what();
        } finally {
            this.state.waiting = false;
        }
    }

    /** Have the server do something with the call. */
    ask(method) {
        const {id, company_id: companyId} = this.card;
        const context = inCompany(companyId);
        return this.orm.call("pbx.call", method, [[id]], {context});
    }

    /** Open a form of the call's company. */
    doAction(action) {
        tickCompany(this.card.company_id);
        return this.action.doAction(action);
    }

    open(resModel, resId) {
        return this.doAction({
            type: "ir.actions.act_window",
            res_model: resModel,
            res_id: resId,
            views: [[false, "form"]],
        });
    }

    openContact() {
        return this.once(() => this.open("res.partner", this.card.contact.id));
    }

    openLead() {
        return this.once(() => this.open("crm.lead", this.lead.id));
    }

    hangUp() {
        return this.once(() => this.ask("hang_up"));
    }

    openCall() {
        return this.once(() => this.open("pbx.call", this.card.id));
    }

    createFrom(method) {
        return this.once(async () => {
            await this.doAction(await this.ask(method));
        });
    }

    /** Said of the contact, of the lead if there is none, or of the call itself. */
    logActivity() {
        const {id, contact, leads} = this.card;
        let about = ["pbx.call", id];
        if (contact) {
            about = ["res.partner", contact.id];
        } else if (leads.length) {
            about = ["crm.lead", leads[0].id];
        }
        return this.once(() =>
            this.doAction({
                type: "ir.actions.act_window",
                name: _t("Log activity"),
                res_model: "mail.activity.schedule",
                views: [[false, "form"]],
                target: "new",
                context: {active_model: about[0], active_ids: [about[1]]},
            }),
        );
    }

    pick(partnerId) {
        return this.once(async () => {
            await this.orm.call("pbx.desk", "pick_contact", [this.card.id, partnerId]);
            this.state.linking = false;
            this.desk.ask(this.card.id);
        });
    }

    claim() {
        return this.once(async () => {
            await this.ask("action_claim");
            this.desk.ask(this.card.id);
        });
    }

    callBack() {
        const {company_id: companyId, number, promise} = this.card;
        return this.once(() =>
            promise
                ? this.desk.callBack(promise.id, companyId)
                : this.desk.dial(number),
        );
    }

    close() {
        return this.desk.stack.close(this.card.id);
    }

    onKeydown(ev) {
        if (ev.key === "Escape" && !this.state.linking) {
            ev.stopPropagation();
            // What had the focus goes: the next key is for this card still.
            this.toggle.el.focus();
            this.desk.stack.setSmall(this.card.id, true);
        }
    }
}
