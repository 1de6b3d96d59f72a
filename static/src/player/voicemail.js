import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";

import {formatDuration} from "../common/duration";
import {Player} from "./player";

/** What a caller left who was missed: how long it is, and a player. */
export class Voicemail extends Component {
    static template = "cloud_pbx.Voicemail";
    static components = {Player};
    static props = {
        /** `{id, seconds, can_hear}`: of the recording. */
        voicemail: Object,
    };

    get text() {
        const {seconds} = this.props.voicemail;
        return seconds ? _t("Voicemail %s", formatDuration(seconds)) : _t("Voicemail");
    }

    get url() {
        return `/pbx/recording/${this.props.voicemail.id}`;
    }
}
