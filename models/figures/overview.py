"""What the page *Overview* shows, in one answer."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import get_lang

from ...telephony.promise import LOST_OUTCOMES
from .figures import COUNTED, PERIODS
from .local_time import to_utc, zone_name
from .period import Period, compare, to_local

# As fine as the period allows: at most so many days, then the next.
STEPS = ((2, "hour"), (92, "day"), (740, "week"))
COARSEST = "month"
# Of a longer period the chart begins with the first call.
MAX_EMPTY_DAYS = 3660
TABLES = {"people": "user_id", "lines": "line_id", "sources": "source_id"}
INBOUND = Domain("direction", "=", "inbound")
OUTBOUND = Domain("direction", "=", "outbound")
ANSWERED = Domain("outcome", "=", "answered")
LOST = INBOUND & Domain("outcome", "in", LOST_OUTCOMES)


class PbxOverview(models.AbstractModel):
    """The figures of a search, of the period before it, by time and in tables.

    All of it under the reader's rights.
    """

    _name = "pbx.overview"
    _description = "Overview of calls"

    @api.model
    @api.readonly
    def read_overview(self, domain):
        """Return all that the page shows of the calls in ``domain``.

        ``domain`` is that of the counted calls. ``records`` says for each figure which
        records are behind it: such calls, or those whose ``field`` is such a call.
        """
        calls = self.env["pbx.call"]
        domain = Domain(domain)
        counted = domain & COUNTED
        figures = calls.figures(list(domain))
        if not figures["inbound"] and not figures["outbound"]:
            return {"figures": figures, "help": self._help()}
        now = fields.Datetime.now()
        comparison = compare(self.env, calls, "start", domain, now)
        before = comparison and comparison.before
        earlier = before and comparison.rest & before.domain("start")
        period = comparison.period if comparison else self._whole(counted)
        return {
            "figures": figures,
            "period": self._by_clock(period),
            "before": before and self._by_clock(before),
            "figures_before": before and calls.figures(list(earlier)),
            "domain": list(counted),
            "records": self._records(),
            "times": self._times(counted, period),
            "hours": self._hours(counted),
            **{name: calls.figures(list(domain), by) for name, by in TABLES.items()},
            "service_seconds": self._service_seconds(),
            "currency_id": self.env.company.currency_id.id,
        }

    def _by_clock(self, period):
        """Return a period as the reader's clock shows it."""
        return {
            name: to_local(self.env, moment)
            for name, moment in period._asdict().items()
        }

    def _help(self):
        """Return what an empty log has to say, ``False`` if it is not empty."""
        calls = self.env["pbx.call"]
        return not calls.search_count([], limit=1) and calls.get_empty_list_help("")

    def _whole(self, counted):
        """Return the time from the first to the last call."""
        [(first, last)] = self.env["pbx.call"]._read_group(
            counted, [], ["start:min", "start:max"]
        )
        return Period(first, last + timedelta(seconds=1))

    # ---------------------------------------------------------- the records behind it

    def _records(self):
        """Return ``{figure: {"model", "field", "domain"}}``."""
        answered, reached = INBOUND & ANSWERED, OUTBOUND & ANSWERED
        new = Domain("is_new_caller", "=", True)
        calls = {
            "inbound": INBOUND,
            "answered": answered,
            "lost": LOST,
            "withheld_lost": LOST & Domain("number", "=", False),
            "outbound": OUTBOUND,
            "reached": reached,
            "answer_rate": answered,
            "service_level": answered & self._soon(),
            "wait_median": answered,
            "wait_p90": answered,
            "patience_median": LOST,
            "talk_seconds": ANSWERED,
            "talk_average": ANSWERED,
            "new_callers": new,
            "first_call_to_lead": new,
        }
        kept, won = Domain("state", "=", "kept"), Domain("won_status", "=", "won")
        promises = {
            "promises": Domain.TRUE,
            "kept": kept,
            "kept_in_time": kept & Domain("in_time", "=", True),
            "dismissed": Domain("state", "=", "dismissed"),
            "open": Domain("state", "=", "open"),
            "overdue": Domain("overdue", "=", True),
            # What is not due yet does not count.
            "kept_rate": Domain("state", "not in", ("dismissed", "open"))
            | Domain("overdue", "=", True),
            "callback_median": kept,
        }
        leads = {"leads": Domain.TRUE, "won": won, "won_revenue": won}
        return {
            figure: {"model": model, "field": field, "domain": list(domain)}
            for model, field, domains in (
                ("pbx.call", False, calls),
                ("pbx.promise", "first_call_id", promises),
                ("crm.lead", "pbx_call_id", leads),
            )
            for figure, domain in domains.items()
        }

    def _soon(self):
        """Return the domain of calls that waited no longer than their company wants."""
        return Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("wait_seconds", "<=", company.pbx_service_seconds)
            for company in self.env.companies
        )

    def _service_seconds(self):
        """Return how long a caller may wait, ``False`` if companies differ."""
        seconds = set(self.env.companies.mapped("pbx_service_seconds"))
        return seconds.pop() if len(seconds) == 1 else False

    # ------------------------------------------------------------------------ by time

    def _calls_by_clock(self):
        """Return the log of calls, grouped by times of the reader's clock."""
        return self.env["pbx.call"].with_context(tz=zone_name(self.env))

    def _times(self, counted, period):
        """Return the calls of each hour, day, week or month of the period, gaps filled.

        Of more than ten years those before the first call are left out.

        ``{"step", "rows": [{"at": local time, "begin", "end", "answered", "lost",
        "outbound"}]}``
        """
        days = (period.end - period.begin) / timedelta(days=1)
        step = next((step for most, step in STEPS if days <= most), COARSEST)
        found = {}
        for at, direction, outcome, count in self._calls_by_clock()._read_group(
            counted, [f"start:{step}", "direction", "outcome"], ["__count"]
        ):
            kind = _kind(direction, outcome)
            if kind:
                row = found.setdefault(at, {})
                row[kind] = row.get(kind, 0) + count
        rows = []
        begin = period.begin
        if days > MAX_EMPTY_DAYS:
            # Who asks from the year 1600 on wants no bar for each month since.
            begin = max(begin, self._whole(counted).begin)
        at, end = self._step_of(begin, step), to_local(self.env, period.end)
        while at < end:
            following = at + PERIODS[step]
            counts = {"answered": 0, "lost": 0, "outbound": 0, **found.get(at, {})}
            span = Period(to_utc(self.env, at), to_utc(self.env, following))
            rows.append({"at": at, **span._asdict(), **counts})
            at = following
        return {"step": step, "rows": rows}

    def _step_of(self, moment, step):
        """Return the local time at which the hour, day, week or month began."""
        local = to_local(self.env, moment).replace(minute=0, second=0)
        if step == "hour":
            return local
        local = local.replace(hour=0)
        if step == "month":
            return local.replace(day=1)
        if step == "week":
            first = int(get_lang(self.env).week_start) % 7
            return local - timedelta(days=(local.isoweekday() - first) % 7)
        return local

    def _hours(self, counted):
        """Return incoming and lost calls by weekday (0: Monday) and hour of the day."""
        groups = self._calls_by_clock()._read_group(
            counted & INBOUND,
            ["start:day_of_week", "start:hour_number", "outcome"],
            ["__count"],
        )
        found = {}
        for weekday, hour, outcome, count in groups:
            place = (int(weekday) - 1) % 7, int(hour)  # Odoo has Sunday as 0
            row = found.setdefault(place, {"inbound": 0, "lost": 0})
            row["inbound"] += count
            row["lost"] += count if outcome in LOST_OUTCOMES else 0
        return [
            {"weekday": weekday, "hour": hour, **row}
            for (weekday, hour), row in sorted(found.items())
        ]


def _kind(direction, outcome):
    """Return as what a call counts in the chart, ``None`` for none of it."""
    if direction == "outbound":
        return "outbound"
    if outcome == "answered":
        return outcome
    return "lost" if outcome in LOST_OUTCOMES else None
