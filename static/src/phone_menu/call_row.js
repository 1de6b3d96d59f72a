import {Component} from "@odoo/owl";
import {RelativeTime} from "@mail/core/common/relative_time";
import {deserializeDateTime, formatDateTime} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

import {formatDuration} from "../common/duration";

import {Deadline} from "../common/deadline";
import {Voicemail} from "../player/voicemail";
import {canCall, directionOf, endOf, iconOf, partyOf} from "../common/call_facts";

/** A call in a list of the phone: who, when, how it ended; call again, or settle. */
export class CallRow extends Component {
    static template = "cloud_pbx.CallRow";
    static components = {Deadline, RelativeTime, Voicemail};
    static props = {
        call: Object,
        isBusy: {type: Boolean, optional: true},
        isMissed: {type: Boolean, optional: true},
        onCall: Function,
        onOpen: Function,
        onSettle: {type: Function, optional: true},
    };

    setup() {
        this.desk = useService("cloud_pbx.desk");
    }

    get party() {
        return partyOf(this.props.call);
    }

    get number() {
        const {name, number_readable: readable} = this.props.call;
        return name ? readable : "";
    }

    get icon() {
        return iconOf(this.props.call);
    }

    get direction() {
        return directionOf(this.props.call);
    }

    get canCall() {
        return canCall(this.props.call, this.desk.phones[0]);
    }

    get start() {
        return deserializeDateTime(this.props.call.start);
    }

    /** By when to call back. */
    get deadline() {
        const {deadline} = this.props.call;
        return deadline ? deserializeDateTime(deadline) : null;
    }

    get startInFull() {
        return formatDateTime(this.start);
    }

    /** Who answered, where it rang here as well; who is to call back. */
    get colleague() {
        const {outcome, mine, user, responsible, is_mine: isMine} = this.props.call;
        if (this.props.isMissed) {
            return isMine ? "" : responsible;
        }
        return outcome === "answered" && !mine ? user : "";
    }

    get colleagueLabel() {
        return this.props.isMissed ? _t("Responsible") : _t("Answered by");
    }

    /** How it ended; of a conversation how long it was. */
    get end() {
        const {outcome, talk_seconds: seconds} = this.props.call;
        return outcome === "answered" && seconds
            ? formatDuration(seconds)
            : endOf(this.props.call);
    }

    get callLabel() {
        return this.props.isMissed
            ? _t("Call back %s", this.party)
            : _t("Call %s", this.party);
    }

    get settleLabel() {
        return _t("Spoken with %s, another way", this.party);
    }

    /** How often a caller was lost. */
    get times() {
        const {attempts} = this.props.call;
        return attempts > 1 ? `×${attempts}` : "";
    }

    get timesLabel() {
        return _t("%s lost calls", this.props.call.attempts);
    }
}
