import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

import {chooseLine, shownLine} from "../desk/shown_line";

const STATUSES = {
    online: {word: _t("Online"), icon: "fa-circle text-success"},
    offline: {word: _t("Offline"), icon: "fa-circle text-danger"},
    unknown: {word: _t("Unknown"), icon: "fa-circle-o text-muted"},
};

/** Who one is to the PBX: which phone dials, which number is shown, do not disturb. */
export class PhoneSettings extends Component {
    static template = "cloud_pbx.PhoneSettings";
    static props = {};

    setup() {
        this.desk = useService("cloud_pbx.desk");
        this.permission = useService("mail.notification.permission");
        this.state = useState({line: shownLine(this.desk)});
    }

    /** The phone that dials. */
    get phone() {
        const {phones, preferences} = this.desk;
        return phones.find(({id}) => id === preferences.phone_id) || phones[0];
    }

    get status() {
        return STATUSES[this.phone?.status] || STATUSES.unknown;
    }

    optionOf({name, status}) {
        const {word} = STATUSES[status] || STATUSES.unknown;
        return _t("%(phone)s: %(status)s", {phone: name, status: word});
    }

    lineName({name, number}) {
        // Without a name of its own the server writes the number, readably.
        return /\p{L}/u.test(name) ? _t("%(name)s (%(number)s)", {name, number}) : name;
    }

    async onPhone(ev) {
        await this.prefer(ev, {phone_id: Number(ev.target.value) || false});
        // The numbers that may be shown are those of the phone's own PBX.
        this.state.line = shownLine(this.desk);
    }

    onLine(ev) {
        // The first is the phone's own, whichever phone dials later.
        const id = Number(ev.target.value);
        chooseLine(id !== this.desk.lines[0].id && id);
        this.state.line = shownLine(this.desk);
    }

    onQuiet(ev) {
        return this.prefer(ev, {do_not_disturb: ev.target.checked});
    }

    async prefer({target}, values) {
        try {
            await this.desk.setPreferences(values);
        } catch (error) {
            const {do_not_disturb: isQuiet, phone_id: phone} = this.desk.preferences;
            if (target.type === "checkbox") {
                target.checked = isQuiet;
            } else {
                target.value = phone || "";
            }
            throw error;
        }
    }
}
