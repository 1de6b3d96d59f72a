import {_t} from "@web/core/l10n/translation";
import {formatList} from "@web/core/l10n/utils";

import {formatDuration} from "../common/duration";

const SECOND = 1000;

const write = (milliseconds) => formatDuration(Math.floor(milliseconds / SECOND));
const length = ({from, to}) => write(to - from);
const isShort = ({from, to}) => to - from < SECOND;

/** Why nobody spoke, where the call's outcome tells it. */
const IN_VAIN = {
    busy: {icon: "fa-ban text-warning", clause: () => _t("it was busy")},
    no_answer: {icon: "fa-times text-warning", clause: () => _t("nobody answered")},
    cancelled: {
        icon: "fa-times text-muted",
        clause: () => _t("hung up before anybody answered"),
    },
    failed: {
        icon: "fa-exclamation-triangle text-warning",
        clause: () => _t("the call failed"),
    },
};

function ringClause({ring, dialled, spoke}, isOver) {
    if (ring?.going || (!isOver && !ring && !spoke)) {
        return dialled ? _t("is waiting") : _t("is ringing");
    }
    if (!ring) {
        return "";
    }
    if (dialled) {
        return ring.open || isShort(ring) ? "" : _t("waited for %s", length(ring));
    }
    if (isShort(ring)) {
        return _t("rang");
    }
    return ring.open
        ? _t("rang for up to %s", length(ring))
        : _t("rang for %s", length(ring));
}

function talkClause({talk, talked}) {
    if (!talk) {
        return _t("spoke");
    }
    if (talk.going) {
        return _t("has been talking for %s", length(talk));
    }
    if (talked !== null) {
        return _t("spoke for %s", write(talked));
    }
    return isShort(talk) ? _t("spoke") : _t("spoke for up to %s", length(talk));
}

/**
 * What a phone did, in one sentence: all that the picture shows, for those who do not see
 * it.
 *
 * @param {import("./timeline").Phone} phone
 * @param {{name: string, next: string, outcome: string, isOver: boolean}} about who it
 *  is, who went on, how the call ended
 */
export function sentence(phone, {name, next, outcome, isOver}) {
    const clauses = [phone.dialled && _t("dialled"), ringClause(phone, isOver)];
    if (phone.spoke) {
        clauses.push(talkClause(phone));
    } else if (phone.dialled || IN_VAIN[outcome]) {
        clauses.push(IN_VAIN[outcome]?.clause());
    } else if (isOver || phone.ring?.open) {
        clauses.push(_t("did not answer"));
    }
    if (next) {
        clauses.push(_t("then %(name)s took over", {name: next}));
    }
    return _t("%(name)s: %(timeline)s", {
        name,
        timeline: formatList(clauses.filter(Boolean), {style: "unit"}),
    });
}

/**
 * The same in a word and an icon.
 *
 * @param {Phone} phone
 * @param {{outcome: string, isOver: boolean, label: string}} about `label`: the outcome,
 *  as the screens call it
 */
export function verdict(phone, {outcome, isOver, label}) {
    const {ring, talk, talked, spoke, dialled} = phone;
    if (talk?.going) {
        return {icon: "fa-phone text-success", text: _t("Talking")};
    }
    if (spoke) {
        const text = talked === null ? _t("Spoke") : _t("Spoke for %s", write(talked));
        return {icon: "fa-check text-success", text};
    }
    if (!isOver && !ring?.open) {
        const text = dialled ? _t("Waiting") : _t("Ringing");
        return {icon: "fa-bell text-info", text};
    }
    if (dialled || IN_VAIN[outcome]) {
        return {icon: IN_VAIN[outcome]?.icon || "fa-times text-muted", text: label};
    }
    const color = outcome === "answered" || !isOver ? "text-muted" : "text-danger";
    return {icon: `fa-times ${color}`, text: _t("Not answered")};
}
