"""Figures of calls: how many, how fast, and what became of them.

Nothing is added up beforehand: each figure is read from the calls themselves, so that
it is right at once, and for any domain. See docs/figures.md for what each one means.
"""

from collections import defaultdict
from datetime import time, timedelta
from typing import NamedTuple

import babel.dates
from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, date_utils, format_time
from odoo.tools.misc import get_lang

from ...telephony.promise import LOST_OUTCOMES
from .local_time import local_time, part_of_time, to_utc

LOST = tuple(sorted(LOST_OUTCOMES))
# The calls that figures are about.
COUNTED = (
    Domain("state", "=", "done")
    & Domain("direction", "!=", "internal")
    & Domain("is_blocked", "=", False)
)
# More of them are no figures any more. The hours of a year are fewer.
MAX_GROUPS = 10_000
SEES_ALL_LEADS = "sales_team.group_sale_salesman_all_leads"
# Periods, and how they follow each other.
PERIODS = {
    "hour": relativedelta(hours=1),
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
}
# As Odoo labels its own groups; there 1 and 13 o'clock look alike.
PERIOD_FORMATS = {"hour": "HH:00 dd MMM", "day": "dd MMM yyyy", "month": "MMMM yyyy"}
# Parts of the time, by the field of calls that finds them.
PARTS = {"hour_of_day": "start_hour", "weekday": "start_weekday"}
RECORDS = ("line_id", "team_id", "user_id", "source_id", "campaign_id", "provider_id")
GROUPS = (*PERIODS, *PARTS, *RECORDS)
# What is counted of calls.
COUNTS = (
    *("calls", "inbound", "answered", "answered_soon", "lost", "withheld_lost"),
    *("outbound", "reached", "talk_seconds"),
)
PROMISES = ("promises", "kept", "kept_in_time", "dismissed", "open", "overdue")
LEADS = ("leads", "won", "won_revenue")
NOTHING = {
    **dict.fromkeys((*COUNTS, *PROMISES, "new_callers", "callers_with_lead"), 0),
    **dict.fromkeys(("wait_median", "wait_p90", "patience_median")),
    "callback_median": None,
    **{"leads": 0, "won": 0, "won_revenue": 0.0},
}
# What the index of calls by number has.
BY_NUMBER = frozenset(
    ("number", "company_id", "start", "id", "direction", "state", "is_blocked")
)
# By what the first call of a caller is found.
FIRST = ("number", "company_id", "start")
# So few calls are looked up one by one without further thought, such as a month's of an
# office of fifty; of more, looking up one takes as long as passing so many.
FEW, PASSED_PER_LOOKUP = 100_000, 6


class Counted(NamedTuple):
    """What is known of the calls once they are counted.

    :var int first_id: no call has a lower one, none a higher one than ``last_id``: what
        belongs to a month's calls need not be looked for among that of all years.
    """

    inbound: int
    first_id: int
    last_id: int


class Figures:
    """The figures of some calls, or of each group of them.

    A plain class: it carries what one run needs.

    :param calls: the model ``pbx.call``, in the reader's environment.
    :param domain: of calls. Those count that are over, that were not internal, and
        whose number was not blocked.
    :param group_by: one of :data:`GROUPS`, or nothing.
    """

    def __init__(self, calls, domain, group_by=None):
        self.calls, self.env = calls, calls.env
        self.group_by = group_by or None
        if self.group_by not in (None, *GROUPS):
            raise UserError(
                self.env._(
                    "Calls cannot be grouped by “%(group)s”, only by: %(groups)s.",
                    group=group_by,
                    groups=", ".join(GROUPS),
                )
            )
        self.domain = Domain(domain or Domain.TRUE) & COUNTED
        self.sees_leads = self.env.su or self.env.user.has_group(SEES_ALL_LEADS)
        # Administrators who take no calls see their number, and none of the calls.
        self.counts_only = not calls.has_access("read") and self.env.user.has_group(
            "base.group_system"
        )
        if self.counts_only:
            self.domain &= Domain("company_id", "in", self.env.companies.ids)
            self.sees_leads = False  # which would name the call they came from

    def read(self):
        """Return a dict of figures, or, grouped, a list of them."""
        groups = self._of_calls()
        if any(group["calls"] for group in groups.values()):
            counted = Counted(
                inbound=sum(group["inbound"] for group in groups.values()),
                first_id=min(group["first_id"] for group in groups.values()),
                last_id=max(group["last_id"] for group in groups.values()),
            )
            found = [self._of_promises(counted), self._of_callers(counted)]
            if self.sees_leads:
                found.append(self._of_leads(counted))
            for figures in found:
                for key, values in figures.items():
                    groups[key] |= values
        if not self.group_by:
            return _with_rates(groups[None])
        labels = self._labels(groups)
        return [
            {
                "key": self._key_for_readers(key),
                "label": labels[key],
                "domain": list(self.domain & self._domain_of_group(key)),
                **_with_rates(groups[key]),
            }
            for key in self._in_order(groups, labels)
        ]

    # ---------------------------------------------------------------------- statements

    def _query(self):
        """Return the query of the calls, and a function that gives their columns."""
        query = self.calls._search(self.domain, bypass_access=self.counts_only)

        def column(name):
            return self.calls._field_to_sql(self.calls._table, name, query)

        return query, column

    def _group_of(self, column):
        """Return the SQL expression of the group that a call belongs to."""
        if not self.group_by:
            return SQL("NULL")
        if self.group_by in RECORDS:
            return column(self.group_by)
        if self.group_by in PARTS:
            return part_of_time(self.env, PARTS[self.group_by], column("start"))
        start = local_time(self.env, column("start"))
        if self.group_by == "week":
            shift = timedelta(days=_first_weekday(self.env))
            return SQL(
                "date_trunc('week', %(start)s - %(shift)s) + %(shift)s",
                start=start,
                shift=shift,
            )
        return SQL("date_trunc(%s, %s)", self.group_by, start)

    def _rows(self, select, *more):
        """Return the rows of a statement, as dicts.

        :param SQL select: its first column is the group; all others are aggregates, but
            for those named in ``more``.
        """
        by = [SQL("1"), *more] if self.group_by else more
        if by:
            select = SQL("%s GROUP BY %s", select, SQL(", ").join(by))
        return self.env.execute_query_dict(select)

    def _of_calls(self):
        """Return the figures of calls and their times.

        The calls are counted by how long somebody waited first: an aggregate that
        PostgreSQL can share out, where sorting all of them for each percentile is not.
        """
        query, column = self._query()
        tally = SQL(
            """%(group)s AS key,
               %(company_id)s AS company_id,
               %(direction)s AS direction,
               %(outcome)s AS outcome,
               coalesce(%(wait_seconds)s, 0) AS wait,
               count(*) AS calls,
               count(nullif(%(number)s, '')) AS numbers,
               coalesce(sum(%(talk_seconds)s), 0) AS talk,
               min(%(id)s) AS first_id,
               max(%(id)s) AS last_id""",
            group=self._group_of(column),
            **{
                name: column(name)
                for name in (
                    *("id", "company_id", "direction", "outcome", "number"),
                    *("wait_seconds", "talk_seconds"),
                )
            },
        )
        query.groupby = SQL("1, 2, 3, 4, 5")
        select = SQL(
            """SELECT key,
                      sum(calls) AS calls,
                      sum(calls) FILTER (WHERE is_inbound) AS inbound,
                      sum(calls) FILTER (WHERE is_answered) AS answered,
                      sum(calls) FILTER (WHERE is_lost) AS lost,
                      sum(calls - numbers) FILTER (WHERE is_lost) AS withheld_lost,
                      sum(calls) FILTER (WHERE is_outbound) AS outbound,
                      sum(calls) FILTER (WHERE is_reached) AS reached,
                      sum(calls) FILTER (WHERE is_answered AND wait <= service)
                          AS answered_soon,
                      min(wait) FILTER (WHERE is_answered
                          AND 2 * answered_until >= answered_in_all) AS wait_median,
                      min(wait) FILTER (WHERE is_answered
                          AND 10 * answered_until >= 9 * answered_in_all) AS wait_p90,
                      min(wait) FILTER (WHERE is_lost
                          AND 2 * lost_until >= lost_in_all) AS patience_median,
                      sum(talk) FILTER (WHERE is_answered OR is_reached)
                          AS talk_seconds,
                      min(first_id) AS first_id,
                      max(last_id) AS last_id
                 FROM (SELECT *,
                              sum(calls) FILTER (WHERE is_answered) OVER until
                                  AS answered_until,
                              sum(calls) FILTER (WHERE is_answered) OVER in_all
                                  AS answered_in_all,
                              sum(calls) FILTER (WHERE is_lost) OVER until
                                  AS lost_until,
                              sum(calls) FILTER (WHERE is_lost) OVER in_all
                                  AS lost_in_all
                         FROM (SELECT tally.*,
                                      coalesce(%(service)s, 0) AS service,
                                      direction = 'inbound' AS is_inbound,
                                      direction = 'outbound' AS is_outbound,
                                      direction = 'inbound' AND outcome = 'answered'
                                          AS is_answered,
                                      direction = 'inbound' AND outcome IN %(lost)s
                                          AS is_lost,
                                      direction = 'outbound' AND outcome = 'answered'
                                          AS is_reached
                                 FROM (%(tally)s) tally
                                 LEFT JOIN res_company company
                                   ON company.id = tally.company_id) named
                       WINDOW until AS (PARTITION BY key ORDER BY wait),
                              in_all AS (PARTITION BY key)) counted
                GROUP BY key""",
            service=_column(self.env["res.company"], "company", "pbx_service_seconds"),
            lost=LOST,
            tally=query.select(tally),
        )
        rows = self.env.execute_query_dict(SQL("%s LIMIT %s", select, MAX_GROUPS + 1))
        if len(rows) > MAX_GROUPS:
            raise UserError(
                self.env._(
                    "These calls make more than %s groups. Select a shorter time, or "
                    "longer periods.",
                    MAX_GROUPS,
                )
            )
        nothing = NOTHING if self.sees_leads else NOTHING | dict.fromkeys(LEADS)
        groups = {} if self.group_by else {None: dict(nothing)}
        for row in rows:
            for name in COUNTS:
                row[name] = int(row[name] or 0)
            groups[row["key"]] = nothing | row
        return groups

    def _of_promises(self, counted):
        """Return the figures of call-backs whose first lost call is one of these.

        Of all of them: who reads the call sees there what became of it, whoever calls
        back.
        """
        query, column = self._query()
        # The first call of a call-back is a lost one: they have an index of their own.
        query.add_where(SQL("%s = 'inbound'", column("direction")))
        query.add_where(SQL("%s IN %s", column("outcome"), LOST))
        select = SQL(
            """SELECT %(group)s AS key,
                      count(*) AS promises,
                      count(*) FILTER (WHERE %(state)s = 'kept') AS kept,
                      count(*) FILTER (WHERE %(state)s = 'kept' AND %(in_time)s)
                          AS kept_in_time,
                      count(*) FILTER (WHERE %(state)s = 'dismissed') AS dismissed,
                      count(*) FILTER (WHERE %(state)s = 'open') AS open,
                      count(*) FILTER (WHERE %(state)s = 'open'
                                         AND %(deadline)s < %(now)s) AS overdue,
                      -- A talk may have begun a moment before the lost call had ended.
                      percentile_disc(0.5) WITHIN GROUP (ORDER BY greatest(
                          0, extract(epoch FROM %(closed_at)s - %(opened_at)s)))
                          FILTER (WHERE %(state)s = 'kept') AS callback_median
                 FROM %(calls)s call
                 JOIN pbx_promise promise ON %(first_call_id)s = call.id
                WHERE %(first_call_id)s BETWEEN %(first_id)s AND %(last_id)s""",
            group=self._group_outside(),
            calls=query.subselect(
                SQL("%s AS id, %s AS key", column("id"), self._group_of(column))
            ),
            now=fields.Datetime.now(),
            first_id=counted.first_id,
            last_id=counted.last_id,
            **{
                name: _column(self.env["pbx.promise"], "promise", name)
                for name in (
                    *("first_call_id", "state", "in_time", "deadline"),
                    *("opened_at", "closed_at"),
                )
            },
        )
        found = {row["key"]: row for row in self._rows(select)}
        for row in found.values():
            if row["callback_median"] is not None:
                row["callback_median"] = int(row["callback_median"])
        return found

    def _of_callers(self, counted):
        """Return how many called their company for the first time ever.

        Whether they had called before does not depend on who may see those calls.
        """
        query, column = self._query()
        query.add_where(SQL("%s = 'inbound'", column("direction")))
        group = self._group_of(column)
        if not self._are_many(counted.inbound):
            first = self._first_one_by_one(query, column, group)
        elif _is_known_by_number(self.calls, query, group):
            first = self._first_of_all(query, column, group)
        else:
            first = self._first_among_all(query, column, group)
        select = SQL(
            """SELECT %(group)s AS key,
                      count(*) AS new_callers,
                      count(*) FILTER (WHERE call.has_lead) AS callers_with_lead
                 FROM %(first)s call""",
            group=self._group_outside(),
            first=first,
        )
        return {row["key"]: row for row in self._rows(select)}

    def _are_many(self, inbound):
        """Tell whether these are so much of the log that passing all of it takes less
        time than looking up each caller."""
        if inbound < FEW:
            return False
        [[calls]] = self.env.execute_query(
            SQL("SELECT reltuples FROM pg_class WHERE oid = 'pbx_call'::regclass")
        )
        # PostgreSQL's own estimate; -1 if it has none.
        return 0 < calls < PASSED_PER_LOOKUP * inbound

    def _first_one_by_one(self, query, column, group):
        """Each caller's first call, looked up; then whether that is one of these."""
        query.add_where(SQL("%s > ''", column("number")))
        calls = query.subselect(
            SQL(
                "%s, %s AS key",
                SQL(", ").join(map(column, ("id", *FIRST))),
                group,
            )
        )
        # In the order of the index, in which two look-ups take as long as one without.
        return SQL(
            """(SELECT call.key, EXISTS (
                           SELECT FROM pbx_call linked
                            WHERE %(linked_number)s = call.number
                              AND %(linked_company_id)s = call.company_id
                              AND %(linked_lead_id)s IS NOT NULL) AS has_lead
                  FROM (SELECT DISTINCT ON (number, company_id) *
                          FROM %(calls)s any_call
                         ORDER BY number, company_id, start, id) call
                 CROSS JOIN LATERAL (
                       SELECT earliest.id FROM pbx_call earliest
                        WHERE %(number)s = call.number
                          AND %(company_id)s = call.company_id
                        ORDER BY %(start)s, %(id)s LIMIT 1) first
                 WHERE call.id = first.id)""",
            calls=calls,
            **_columns(self.calls, "earliest", ("id", *FIRST)),
            **{
                f"linked_{name}": _column(self.calls, "linked", name)
                for name in ("number", "company_id", "lead_id")
            },
        )

    def _first_of_all(self, query, column, group):
        """All first calls, in the order of the index; then those that count."""
        return self._with_lead(
            SQL(
                """SELECT %(number)s, %(company_id)s, %(group)s AS key
                     FROM %(first)s pbx_call
                    WHERE %(condition)s""",
                number=column("number"),
                company_id=column("company_id"),
                group=group,
                # What is asked of calls is asked of these, which have their name.
                first=self._all_first(sorted(BY_NUMBER)),
                condition=query.where_clause,
            )
        )

    def _first_among_all(self, query, column, group):
        """All first calls, in the order of the index; then which of these they are."""
        return self._with_lead(
            SQL(
                """SELECT call.key, earliest.number, earliest.company_id
                     FROM %(calls)s call
                     JOIN %(first)s earliest ON earliest.id = call.id""",
                calls=query.subselect(SQL("%s, %s AS key", column("id"), group)),
                first=self._all_first(("number", "company_id", "id")),
            )
        )

    def _all_first(self, names):
        """Return the subquery of all callers' first calls, with these columns."""
        return SQL(
            """(SELECT DISTINCT ON (%(number)s, %(company_id)s) %(columns)s
                  FROM pbx_call one
                 WHERE %(number)s > ''
                 ORDER BY %(number)s, %(company_id)s, %(start)s, %(id)s)""",
            columns=SQL(", ").join(_column(self.calls, "one", name) for name in names),
            **_columns(self.calls, "one", ("id", *FIRST)),
        )

    def _with_lead(self, first):
        return SQL(
            """(SELECT first.key, linked.number IS NOT NULL AS has_lead
                  FROM (%(first)s) first
                  LEFT JOIN (SELECT DISTINCT %(number)s, %(company_id)s
                               FROM pbx_call with_lead
                              WHERE %(lead_id)s IS NOT NULL) linked
                    ON linked.number = first.number
                   AND linked.company_id = first.company_id)""",
            first=first,
            **_columns(self.calls, "with_lead", ("number", "company_id", "lead_id")),
        )

    def _of_leads(self, counted):
        """Return the figures of leads that came from these calls, lost ones as well."""
        query, column = self._query()
        leads = self.env["crm.lead"].with_context(active_test=False)
        lead_query = leads._search(
            [
                ("pbx_call_id", ">=", counted.first_id),
                ("pbx_call_id", "<=", counted.last_id),
            ]
        )
        lead = {
            name: leads._field_to_sql(leads._table, name, lead_query)
            for name in ("pbx_call_id", "won_status", "company_id")
        }
        # Few calls have leads: each lead looks for its call. Left to itself PostgreSQL
        # reads all calls.
        query.add_where(SQL("%s = lead.call_id", column("id")))
        query.limit = 1
        # Not by the model, which would convert it.
        revenue = _column(leads, leads._table, "expected_revenue")
        select = SQL(
            """SELECT %(group)s AS key,
                      lead.company_id,
                      count(*) AS leads,
                      count(*) FILTER (WHERE lead.is_won) AS won,
                      coalesce(sum(lead.revenue) FILTER (WHERE lead.is_won), 0)
                          AS won_revenue
                 FROM %(leads)s lead
                CROSS JOIN LATERAL %(call)s call""",
            group=self._group_outside(),
            call=query.subselect(SQL("%s AS key", self._group_of(column))),
            leads=lead_query.subselect(
                SQL(
                    "%(pbx_call_id)s AS call_id, %(company_id)s AS company_id, "
                    "%(won_status)s = 'won' AS is_won, %(revenue)s AS revenue",
                    revenue=revenue,
                    **lead,
                )
            ),
        )
        found = defaultdict({"leads": 0, "won": 0, "won_revenue": 0.0}.copy)
        for row in self._rows(select, SQL("lead.company_id")):
            figures = found[row["key"]]
            figures["leads"] += row["leads"]
            figures["won"] += row["won"]
            figures["won_revenue"] += self._converted(
                float(row["won_revenue"]), row["company_id"]
            )
        return found

    def _converted(self, amount, company_id):
        """Return an amount of a lead of a company in the reader's company's currency,
        by today's rate."""
        company = self.env.company
        # sudo: a currency, of a company whose leads the reader sees
        currency = self.env["res.company"].sudo().browse(company_id).currency_id
        currency = currency or company.currency_id
        return currency._convert(amount, company.currency_id, company)

    # -------------------------------------------------------------------------- groups

    def _group_outside(self):
        """Return the SQL expression of the group in what is made of a subquery."""
        return SQL("call.key") if self.group_by else SQL("NULL")

    def _key_for_readers(self, key):
        if self.group_by == "hour":
            return key.isoformat()
        if self.group_by in PERIODS:
            return key.date().isoformat()
        return key if self.group_by in PARTS else key or False

    def _domain_of_group(self, key):
        if self.group_by in PERIODS:
            begin = to_utc(self.env, key)
            end = to_utc(self.env, key + PERIODS[self.group_by])
            return Domain("start", ">=", fields.Datetime.to_string(begin)) & Domain(
                "start", "<", fields.Datetime.to_string(end)
            )
        name = PARTS.get(self.group_by, self.group_by)
        return Domain(name, "=", self._key_for_readers(key))

    def _labels(self, keys):
        """Return what the groups are called, in the reader's language."""
        if self.group_by in RECORDS:
            is_person = self.group_by == "user_id"
            none = self.env._("Nobody") if is_person else self.env._("None")
            comodel = self.calls._fields[self.group_by].comodel_name
            records = self.env[comodel].browse([key for key in keys if key])
            # sudo: a name, as groups of a list show it
            names = {one.id: one.display_name for one in records.sudo()}
            return {key: names.get(key) or none for key in keys}
        lang = get_lang(self.env).code
        if self.group_by == "hour_of_day":
            return {
                key: format_time(
                    self.env, time(key), time_format="short", lang_code=lang
                )
                for key in keys
            }
        if self.group_by == "weekday":
            names = babel.dates.get_day_names("wide", "stand-alone", locale=lang)
            return {key: names[key] for key in keys}
        if self.group_by == "week":
            locale = babel.Locale.parse(lang)
            weeks = {key: date_utils.weeknumber(locale, key) for key in keys}
            return {key: f"W{week} {year:04}" for key, (year, week) in weeks.items()}
        shown = PERIOD_FORMATS[self.group_by]
        return {
            key: babel.dates.format_datetime(key, format=shown, locale=lang)
            for key in keys
        }

    def _in_order(self, groups, labels):
        """Return the keys: time goes on; of all others, most calls first, none last."""
        if self.group_by == "weekday":
            first = _first_weekday(self.env)
            return sorted(groups, key=lambda day: (day - first) % 7)
        if self.group_by in RECORDS:
            return sorted(
                groups,
                key=lambda key: (key is None, -groups[key]["calls"], labels[key]),
            )
        return sorted(groups)


def _column(model, alias, name):
    """Return the SQL expression of a stored field."""
    return SQL.identifier(alias, name, to_flush=model._fields[name])


def _columns(model, alias, names):
    return {name: _column(model, alias, name) for name in names}


def _is_known_by_number(calls, query, group):
    """Tell whether the index by number knows all that these calls are found by."""
    used = SQL("%s %s", query.where_clause, group).to_flush
    return query.from_clause == SQL.identifier(calls._table) and all(
        field.model_name == calls._name and field.name in BY_NUMBER for field in used
    )


def _first_weekday(env):
    """Return with which day weeks begin in the reader's language; 0: Monday."""
    return int(get_lang(env).week_start) - 1


def _ratio(part, whole):
    return part / whole if whole else None


def _with_rates(group):
    """Return the figures under their names, with those that follow from others."""
    talks = group["answered"] + group["reached"]
    due = group["promises"] - group["dismissed"] - (group["open"] - group["overdue"])
    return {
        "inbound": group["inbound"],
        "answered": group["answered"],
        "lost": group["lost"],
        "withheld_lost": group["withheld_lost"],
        "outbound": group["outbound"],
        "reached": group["reached"],
        "answer_rate": _ratio(group["answered"], group["inbound"]),
        "service_level": _ratio(group["answered_soon"], group["inbound"]),
        "wait_median": group["wait_median"],
        "wait_p90": group["wait_p90"],
        "patience_median": group["patience_median"],
        "talk_seconds": group["talk_seconds"],
        "talk_average": _ratio(group["talk_seconds"], talks),
        "promises": group["promises"],
        "kept": group["kept"],
        "kept_in_time": group["kept_in_time"],
        "dismissed": group["dismissed"],
        "open": group["open"],
        "overdue": group["overdue"],
        "kept_rate": _ratio(group["kept_in_time"], due),
        "callback_median": group["callback_median"],
        "new_callers": group["new_callers"],
        "first_call_to_lead": _ratio(group["callers_with_lead"], group["new_callers"]),
        "leads": group["leads"],
        "won": group["won"],
        "won_revenue": group["won_revenue"],
    }
