import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {imageUrl} from "@web/core/utils/urls";
import {formatDateTime} from "@web/views/fields/formatters";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

import {makeTimeline} from "./timeline";
import {sentence, verdict} from "./timeline_texts";

const {DateTime} = luxon;

// In a list of calls, a call is no longer than this.
const SHOWN_IN_SMALL = 3;

const millis = (moment) => (moment ? moment.toMillis() : null);

/** The phones of a call as a small timeline: who rang, who spoke, who went on. */
export class TimelineField extends Component {
    static template = "cloud_pbx.TimelineField";
    static props = {
        ...standardFieldProps,
        compact: {type: Boolean, optional: true},
    };

    get timeline() {
        const {data, fields} = this.props.record;
        const legs = data[this.props.name].records;
        const {from, to, isOver, phones} = makeTimeline(
            callOf(data),
            legs.map((leg) => legOf(leg.data)),
            millis(DateTime.now()),
        );
        const about = {
            isOver,
            outcome: data.outcome,
            label: labelOf(fields.outcome, data.outcome),
        };
        const names = legs.map(({data: leg}) => fullName(leg));
        return {
            times: timesOf(data, isOver),
            answerAt: data.answer && percent(millis(data.answer) - from, to - from),
            kinds: ["ring", "talk"].filter((kind) => phones.some((p) => p[kind])),
            rows: phones.map((phone, index) => ({
                ...personOf(legs[index]),
                ...verdict(phone, about),
                spoke: phone.spoke,
                dialled: phone.dialled,
                sentence: sentence(phone, {
                    ...about,
                    name: names[index],
                    next: phone.next && names[phones.indexOf(phone.next)],
                }),
                parts: ["ring", "talk"]
                    .filter((kind) => phone[kind])
                    .map((kind) => ({kind, ...drawn(phone[kind], from, to)})),
            })),
        };
    }

    /** Of many phones those that spoke, and some of the others, in their order. */
    inSmall(rows) {
        const first = [...rows]
            .sort((a, b) => b.spoke - a.spoke)
            .slice(0, SHOWN_IN_SMALL);
        return {
            rows: rows.filter((row) => first.includes(row)),
            others: rows.filter((row) => !first.includes(row)),
        };
    }

    get nobody() {
        return this.props.record.data.state === "done"
            ? _t("No phone rang.")
            : _t("No phone rings yet.");
    }
}

const percent = (part, whole) => `${(100 * part) / (whole || 1)}%`;

/** Logical sides: where one reads from the right, time runs to the left. */
function drawn(part, from, to) {
    const place = `inset-inline-start: ${percent(part.from - from, to - from)}`;
    const size = `inline-size: ${percent(part.to - part.from, to - from)}`;
    const sure = percent((part.sure ?? part.from) - part.from, part.to - part.from);
    return {
        open: part.open,
        style: [place, size, part.open && `--o-pbx-timeline-sure: ${sure}`]
            .filter(Boolean)
            .join("; "),
    };
}

function callOf(data) {
    return {
        direction: data.direction,
        state: data.state,
        outcome: data.outcome,
        number: data.number,
        extension: data.extension_id && data.extension_id.id,
        start: millis(data.start),
        answer: millis(data.answer),
        stop: millis(data.stop),
        talk: data.talk_seconds || 0,
    };
}

function legOf(data) {
    return {
        number: data.shown_number,
        extension: data.extension_id && data.extension_id.id,
        outcome: data.outcome,
        start: millis(data.start),
        answer: millis(data.answer),
        stop: millis(data.stop),
    };
}

function personOf({resId, data}) {
    const {user_id: user, extension_id: extension, shown_number: number} = data;
    return {
        id: resId,
        name: user ? user.display_name || _t("Unnamed") : "",
        number: user || !extension ? number : extension.display_name,
        avatarUrl: user && imageUrl("res.users", user.id, "avatar_128"),
    };
}

function fullName({user_id: user, extension_id: extension, shown_number: number}) {
    if (!user) {
        return extension ? extension.display_name : number;
    }
    const name = user.display_name || _t("Unnamed");
    return _t("%(name)s (%(number)s)", {name, number});
}

function labelOf(field, outcome) {
    return field.selection.find(([value]) => value === outcome)?.[1] || "";
}

function timesOf({start, answer, stop}, isOver) {
    const write = (moment) =>
        formatDateTime(moment, {showDate: false, showSeconds: true});
    return [
        {name: "start", label: _t("Start"), text: write(start)},
        {name: "answer", label: _t("Answered"), text: write(answer)},
        {name: "stop", label: _t("End"), text: isOver ? write(stop) : _t("now")},
    ].filter(
        // Who lifted at once needs no second time that reads the same.
        ({text}, place, all) =>
            text && all.findIndex((other) => other.text === text) === place,
    );
}

const CALL_FIELDS = [
    {name: "direction", type: "selection", selection: []},
    {name: "state", type: "selection", selection: []},
    {name: "outcome", type: "selection", selection: []},
    {name: "number", type: "char"},
    {name: "extension_id", type: "many2one", relation: "pbx.extension"},
    {name: "start", type: "datetime"},
    {name: "answer", type: "datetime"},
    {name: "stop", type: "datetime"},
    {name: "talk_seconds", type: "integer"},
];
const LEG_FIELDS = [
    {name: "shown_number", type: "char"},
    {name: "user_id", type: "many2one", relation: "res.users"},
    {name: "extension_id", type: "many2one", relation: "pbx.extension"},
    {name: "outcome", type: "selection", selection: []},
    {name: "start", type: "datetime"},
    {name: "answer", type: "datetime"},
    {name: "stop", type: "datetime"},
];

export const timelineField = {
    component: TimelineField,
    displayName: _t("Timeline of a call"),
    supportedTypes: ["one2many"],
    supportedOptions: [{label: _t("Compact"), name: "compact", type: "boolean"}],
    isEmpty: () => false,
    fieldDependencies: CALL_FIELDS,
    relatedFields: LEG_FIELDS,
    extractProps: ({options}) => ({compact: Boolean(options.compact)}),
};

registry.category("fields").add("pbx_timeline", timelineField);
