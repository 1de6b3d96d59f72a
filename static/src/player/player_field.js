import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {formatDateTime} from "@web/views/fields/formatters";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {formatDuration} from "../common/duration";
import {Player} from "./player";

const {DateTime} = luxon;

export function canHear(recording) {
    return ["stored", "linked"].includes(recording.data.state);
}

/** What became of a recording that cannot be heard, in words. */
export function fate({data}) {
    const {state, error, next_attempt_at: next} = data;
    if (state === "expired") {
        return _t("Deleted: its time to be kept is over.");
    }
    if (state === "failed") {
        return _t("Not fetched: %s", error || "");
    }
    const when =
        next && next > DateTime.now()
            ? formatDateTime(next, {showSeconds: false})
            : _t("in a moment");
    return error
        ? _t("Not fetched yet: %(reason)s Next attempt: %(when)s.", {
              reason: error,
              when,
          })
        : _t("At the PBX. It will be fetched: %s.", when);
}

/** Who is heard in a recording, and for how long. */
function aboutOf({data: {speaker, talk_seconds: seconds}}) {
    return [speaker, seconds && formatDuration(seconds)].filter(Boolean).join(", ");
}

/** A recording: its player, or what became of it. */
export class PlayerField extends Component {
    static template = "cloud_pbx.PlayerField";
    static components = {Player};
    static props = {...standardFieldProps};

    get url() {
        return `/pbx/recording/${this.props.record.resId}`;
    }

    get canHear() {
        return canHear(this.props.record);
    }

    get fate() {
        return fate(this.props.record);
    }

    get isBad() {
        return this.props.record.data.state === "failed";
    }
}

const FATE_FIELDS = [
    {name: "error", type: "text"},
    {name: "next_attempt_at", type: "datetime"},
];

registry.category("fields").add("pbx_player", {
    component: PlayerField,
    displayName: _t("Recording of a call"),
    supportedTypes: ["selection"],
    isEmpty: () => false,
    fieldDependencies: FATE_FIELDS,
});

/** The recordings of a call, small, for a list of calls. */
export class PlayersField extends Component {
    static template = "cloud_pbx.PlayersField";
    static components = {Player};
    static props = {...standardFieldProps};

    get recordings() {
        const {records} = this.props.record.data[this.props.name];
        return records.map((recording) => ({
            id: recording.resId,
            url: `/pbx/recording/${recording.resId}`,
            canHear: canHear(recording),
            about: records.length > 1 ? aboutOf(recording) : "",
            isBad: recording.data.state === "failed",
            fate: fate(recording),
        }));
    }
}

registry.category("fields").add("pbx_players", {
    component: PlayersField,
    displayName: _t("Recordings of a call"),
    supportedTypes: ["one2many"],
    relatedFields: [
        {name: "state", type: "selection", selection: []},
        {name: "speaker", type: "char"},
        {name: "talk_seconds", type: "integer"},
        ...FATE_FIELDS,
    ],
});
