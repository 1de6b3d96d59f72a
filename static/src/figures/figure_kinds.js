import {_t} from "@web/core/l10n/translation";
import {formatInteger, formatMonetary} from "@web/views/fields/formatters";
import {formatFloat} from "@web/core/utils/numbers";

import {formatDuration} from "../common/duration";

/**
 * What each figure is called, how it is written, whether more of it is better (`good`: 1)
 * or worse (-1), what is listed behind it, and why there is none.
 */
export const FIGURES = {
    inbound: {
        label: _t("Incoming calls"),
        title: _t("Incoming calls"),
        kind: "count",
    },
    answered: {
        label: _t("Answered"),
        title: _t("Answered calls"),
        kind: "count",
        good: 1,
        phrase: (value, {inbound}) =>
            _t("%(part)s of %(all)s", {part: value, all: formatInteger(inbound)}),
    },
    lost: {label: _t("Lost"), title: _t("Lost calls"), kind: "count", good: -1},
    withheld_lost: {
        label: _t("Lost without a number"),
        title: _t("Lost calls without a number"),
        kind: "count",
        good: -1,
        phrase: (value) => _t("%s without a number", value),
    },
    outbound: {
        label: _t("Outgoing calls"),
        title: _t("Outgoing calls"),
        kind: "count",
    },
    reached: {
        label: _t("Reached"),
        title: _t("Outgoing calls that reached somebody"),
        kind: "count",
        phrase: (value) => _t("%s reached somebody", value),
    },
    answer_rate: {
        label: _t("Answered"),
        title: _t("Answered calls"),
        kind: "rate",
        good: 1,
        none: _t("No incoming calls"),
    },
    service_level: {
        label: _t("Answered in time"),
        title: _t("Calls answered in time"),
        kind: "rate",
        good: 1,
        none: _t("No incoming calls"),
    },
    wait_median: {
        label: _t("Median wait"),
        title: _t("Answered calls"),
        kind: "duration",
        good: -1,
        none: _t("No answered calls"),
    },
    wait_p90: {
        label: _t("Wait of 9 in 10"),
        title: _t("Answered calls"),
        kind: "duration",
        good: -1,
        none: _t("No answered calls"),
        phrase: (value) => _t("9 of 10 within %s", value),
    },
    patience_median: {
        label: _t("Patience"),
        title: _t("Lost calls"),
        kind: "duration",
        none: _t("No lost calls"),
    },
    talk_seconds: {
        label: _t("Talk"),
        title: _t("Calls with a talk"),
        kind: "duration",
    },
    talk_average: {
        label: _t("Average talk"),
        title: _t("Calls with a talk"),
        kind: "duration",
        none: _t("Nobody spoke"),
        phrase: (value) => _t("%s on average", value),
    },
    promises: {label: _t("Call-backs"), title: _t("Call-backs"), kind: "count"},
    kept: {label: _t("Kept"), title: _t("Kept call-backs"), kind: "count", good: 1},
    kept_in_time: {
        label: _t("Kept in time"),
        title: _t("Call-backs kept in time"),
        kind: "count",
        good: 1,
        phrase: (value) => _t("%s in time", value),
    },
    dismissed: {
        label: _t("Dismissed"),
        title: _t("Dismissed call-backs"),
        kind: "count",
    },
    // What is open now says nothing of the period before.
    open: {
        label: _t("Open"),
        title: _t("Open call-backs"),
        kind: "count",
        isPresent: true,
    },
    overdue: {
        label: _t("Overdue"),
        title: _t("Overdue call-backs"),
        kind: "count",
        isPresent: true,
    },
    kept_rate: {
        label: _t("Kept in time"),
        title: _t("Call-backs"),
        kind: "rate",
        good: 1,
        none: _t("No call-back was due"),
    },
    callback_median: {
        label: _t("Called back after"),
        title: _t("Kept call-backs"),
        kind: "duration",
        good: -1,
        none: _t("No call-back was kept"),
    },
    new_callers: {
        label: _t("New callers"),
        title: _t("First calls of new callers"),
        kind: "count",
        good: 1,
    },
    first_call_to_lead: {
        label: _t("New callers with a lead"),
        title: _t("First calls of new callers"),
        kind: "rate",
        good: 1,
        none: _t("No new callers"),
        phrase: (value) => _t("%s have a lead", value),
    },
    leads: {
        label: _t("Leads"),
        title: _t("Leads made by calls"),
        kind: "count",
        good: 1,
    },
    won: {label: _t("Won"), title: _t("Won leads"), kind: "count", good: 1},
    won_revenue: {
        label: _t("Revenue won"),
        title: _t("Won leads"),
        kind: "money",
        good: 1,
    },
};

export const NO_VALUE = "–";

function formatNumber(value, decimals = 0) {
    return formatFloat(value, {digits: [16, decimals], trailingZeros: false});
}

function formatPercent(value) {
    return _t("%s%", formatNumber(value * 100, 1));
}

const FORMATS = {
    count: (value) => formatInteger(value),
    rate: formatPercent,
    duration: formatDuration,
    money: (value, currencyId) => formatMonetary(value, {currencyId, digits: [16, 0]}),
};

/** A figure as people read it; a dash where there is none, which is not zero. */
export function formatFigure(name, value, currencyId) {
    const isNone = value === null || value === undefined;
    return isNone ? NO_VALUE : FORMATS[FIGURES[name].kind](value, currencyId);
}

/**
 * How a figure changed, for people to read.
 *
 * @returns {{text: string, direction: number, meaning: string} | null} nothing where there
 *  is nothing to compare; `meaning` is "good", "bad" or "neutral"
 */
export function changeOf(name, value, before) {
    const {kind, good, isPresent} = FIGURES[name];
    if (isPresent || typeof value !== "number" || typeof before !== "number") {
        return null;
    }
    const difference = value - before;
    const direction = Math.sign(difference);
    const amount = Math.abs(difference);
    let text;
    if (!direction) {
        text = _t("unchanged");
    } else if (kind === "rate") {
        text = _t("%s points", formatNumber(amount * 100, 1));
    } else if (kind === "duration" && name !== "talk_seconds") {
        text = formatDuration(amount);
    } else if (before) {
        text = formatPercent(Math.round((amount / Math.abs(before)) * 100) / 100);
    } else {
        text = FORMATS[kind](amount);
    }
    const meanings = {[good]: "good", [-good]: "bad"};
    return {text, direction, meaning: (direction && meanings[direction]) || "neutral"};
}
