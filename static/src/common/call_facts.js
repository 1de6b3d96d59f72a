import {_t} from "@web/core/l10n/translation";

const ICONS = {
    inbound: "oi-arrow-down-left",
    outbound: "oi-arrow-up-right",
    internal: "oi-arrows-h",
};
const COLORS = {
    answered: "text-success",
    missed: "text-danger",
    busy: "text-warning",
    no_answer: "text-warning",
    failed: "text-warning",
    cancelled: "text-muted",
};
const DIRECTIONS = {
    inbound: _t("Incoming"),
    outbound: _t("Outgoing"),
    internal: _t("Internal"),
};
const OUTCOMES = {
    answered: _t("Answered"),
    missed: _t("Missed"),
    busy: _t("Busy"),
    no_answer: _t("No answer"),
    cancelled: _t("Cancelled"),
    failed: _t("Failed"),
};
const STATES = {
    ringing: _t("Ringing"),
    ongoing: _t("Talking"),
    done: _t("Ended"),
};

export function arrowOf({direction}) {
    return ICONS[direction] || "oi-arrows-h";
}

export function colorOf({outcome}) {
    return COLORS[outcome] || "text-info";
}

/** Where a call went and how it ended, as an arrow in a colour. */
export function iconOf(call) {
    return `${arrowOf(call)} ${colorOf(call)}`;
}

/** How a call ended, or how it stands. */
export function endOf({outcome, state}) {
    return String(OUTCOMES[outcome] || STATES[state] || "");
}

export function directionOf({direction}) {
    return String(DIRECTIONS[direction] || "");
}

/** Why there is no number: a caller hides it, of a call of ours it was not reported. */
export function withoutNumber({direction}) {
    return direction === "outbound" ? _t("Unknown number") : _t("Withheld number");
}

/** Who is at the other end. */
export function partyOf(call) {
    return (
        call.name || call.number_readable || call.number || String(withoutNumber(call))
    );
}

/**
 * Whether one can call again: not while it rings, a short number only where the PBX of
 * the phone that dials takes those, and no code such as *98.
 *
 * @param {Object} call
 * @param {Object} [phone] that dials, as the desk has it
 */
export function canCall({number, direction, state}, phone) {
    if (!number || state !== "done" || /[*#]/.test(number)) {
        return false;
    }
    const isShort = direction === "internal" || /^[0-9]{1,6}$/.test(number);
    return !isShort || Boolean(phone?.dials_short_numbers);
}
