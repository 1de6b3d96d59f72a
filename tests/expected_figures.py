"""The figures once more, in plain Python over plain rows, by the contract's words.

Nothing here knows how the addon computes them.
"""

import math
from datetime import UTC, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

LOST = ("missed", "busy", "failed")
# Monday first, as in Python.
MONDAY, SUNDAY = 0, 6
ONE_OF = ("line_id", "team_id", "user_id", "source_id", "campaign_id", "provider_id")
PERIODS = ("hour", "day", "week", "month")
GROUPS = (*PERIODS, "hour_of_day", "weekday", *ONE_OF)


class Row(NamedTuple):
    """A call, as the log has it; ids, ``False`` where there is none."""

    id: int
    company_id: int
    number: str | bool
    direction: str
    state: str
    outcome: str
    is_blocked: bool
    start: object
    wait_seconds: int
    talk_seconds: int
    lead_id: int
    line_id: int
    team_id: int
    user_id: int
    source_id: int
    campaign_id: int
    provider_id: int


def counted(rows):
    """Return those that figures are about: C."""
    return [
        row
        for row in rows
        if row.state == "done" and row.direction != "internal" and not row.is_blocked
    ]


def percentile(values, share):
    """Return the smallest value that at least this share of all do not exceed."""
    values = sorted(values)
    if not values:
        return None
    return values[math.ceil(share * len(values)) - 1]


def rate(part, whole):
    return part / whole if whole else None


def expected(calls, log, promises, leads, service_seconds, now):
    """Return the figures of ``calls``.

    :param calls: rows of C.
    :param log: all rows of all companies, whoever may see them.
    :param promises: dicts, of all companies.
    :param leads: dicts that the reader may see; ``None``: not all leads are for them.
    :param dict service_seconds: by company.
    """
    ids = {call.id for call in calls}
    incoming = [call for call in calls if call.direction == "inbound"]
    answered = [call for call in incoming if call.outcome == "answered"]
    lost = [call for call in incoming if call.outcome in LOST]
    outgoing = [call for call in calls if call.direction == "outbound"]
    reached = [call for call in outgoing if call.outcome == "answered"]
    in_time = [
        call
        for call in answered
        if call.wait_seconds <= service_seconds[call.company_id]
    ]
    talks = [call.talk_seconds for call in answered + reached]
    mine = [promise for promise in promises if promise["first_call_id"] in ids]
    state = {
        name: [promise for promise in mine if promise["state"] == name]
        for name in ("open", "kept", "dismissed")
    }
    kept_in_time = [promise for promise in state["kept"] if promise["in_time"]]
    overdue = [promise for promise in state["open"] if promise["deadline"] < now]
    not_due = len(state["open"]) - len(overdue)
    return {
        "inbound": len(incoming),
        "answered": len(answered),
        "lost": len(lost),
        "withheld_lost": sum(not call.number for call in lost),
        "outbound": len(outgoing),
        "reached": len(reached),
        "answer_rate": rate(len(answered), len(incoming)),
        "service_level": rate(len(in_time), len(incoming)),
        "wait_median": percentile([call.wait_seconds for call in answered], 0.5),
        "wait_p90": percentile([call.wait_seconds for call in answered], 0.9),
        "patience_median": percentile([call.wait_seconds for call in lost], 0.5),
        "talk_seconds": sum(talks),
        "talk_average": rate(sum(talks), len(talks)),
        "promises": len(mine),
        "kept": len(state["kept"]),
        "kept_in_time": len(kept_in_time),
        "dismissed": len(state["dismissed"]),
        "open": len(state["open"]),
        "overdue": len(overdue),
        "kept_rate": rate(
            len(kept_in_time), len(mine) - len(state["dismissed"]) - not_due
        ),
        "callback_median": percentile(
            [
                # A talk may begin a moment before the lost call has ended.
                max(
                    0,
                    int((promise["closed_at"] - promise["opened_at"]).total_seconds()),
                )
                for promise in state["kept"]
            ],
            0.5,
        ),
        **_of_callers(ids, log),
        **_of_leads(ids, leads),
    }


def _of_callers(ids, log):
    by_caller = {}
    for row in sorted(log, key=lambda row: (row.start, row.id)):
        if row.number:
            by_caller.setdefault((row.company_id, row.number), []).append(row)
    new = [
        theirs
        for theirs in by_caller.values()
        if theirs[0].id in ids and theirs[0].direction == "inbound"
    ]
    to_lead = [theirs for theirs in new if any(row.lead_id for row in theirs)]
    return {
        "new_callers": len(new),
        "first_call_to_lead": rate(len(to_lead), len(new)),
    }


def _of_leads(ids, leads):
    if leads is None:
        return dict.fromkeys(("leads", "won", "won_revenue"))
    mine = [lead for lead in leads if lead["pbx_call_id"] in ids]
    won = [lead for lead in mine if lead["won_status"] == "won"]
    return {
        "leads": len(mine),
        "won": len(won),
        "won_revenue": float(sum(lead["revenue"] for lead in won)),
    }


def key_of(call, group_by, zone, first_weekday=SUNDAY):
    """Return in which group a call is.

    :param first_weekday: with which weeks begin; an American's with Sunday.
    """
    if group_by in ONE_OF:
        return getattr(call, group_by)
    local = call.start.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    if group_by == "hour":
        return local.strftime("%Y-%m-%dT%H:00:00")
    if group_by == "hour_of_day":
        return local.hour
    if group_by == "weekday":
        return local.weekday()
    day = local.date()
    if group_by == "week":
        day -= timedelta(days=(day.weekday() - first_weekday) % 7)
    elif group_by == "month":
        day = day.replace(day=1)
    return day.isoformat()
