"""The report by email: what happened on the phone, and who still waits."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from odoo import fields
from odoo.tools.misc import format_amount, format_date, format_datetime, formatLang

from ..tools.transactions import try_lock
from .formats import NO_VALUE, format_duration, format_percent, format_points

_logger = logging.getLogger(__name__)

DAYS = {"daily": 1, "weekly": 7}
# Rows of a table: a mail is no list.
MAX_ROWS, MAX_WAITING = 20, 10
# What differs in points, and what in seconds; all else in percent.
RATES = frozenset(("answer_rate", "service_level", "kept_rate"))
WAITS = frozenset(("wait_median",))
GREEN, RED, GREY = "#1d7a3e", "#b3261e", "#5f6672"
# Kiribati's Line Islands are so far ahead of UTC.
EASTERNMOST = timedelta(hours=14)
TEMPLATE = "cloud_pbx.pbx_report_mail"
# By these, in the order that they have here, neutralize.sql knows our mails.
HEADERS = {"X-Auto-Response-Suppress": "OOF"}


class Period(NamedTuple):
    """What a report is about; times in UTC without a zone."""

    before: datetime  # where the period begins that it is compared with
    start: datetime
    stop: datetime
    # Whole days of the company, as ``(first, last)``; none: up to now.
    days: tuple[date, date] | None


class CallReport:
    """The report of one company on one period, as a mail to each reader.

    A plain class: it carries the company and the period of one run.

    :param company: with the rights of the system.
    :param str rhythm: ``daily`` or ``weekly``.
    """

    def __init__(self, company, rhythm):
        self.company, self.env = company, company.env
        self.rhythm = rhythm
        zone = company.resource_calendar_id.tz or company.partner_id.tz or "UTC"
        self.zone = ZoneInfo(zone)

    # ------------------------------------------------------------------------- when

    def today(self):
        """Return the day that it is for the company."""
        now = fields.Datetime.now().replace(tzinfo=UTC)
        return now.astimezone(self.zone).date()

    def is_due(self, seen):
        """Tell whether a report is to be sent that the job has not sent yet.

        :param date seen: up to which day of the company the job has done its work;
            ``False``: it never had any to do.
        """
        today = self.today()
        if self.rhythm not in DAYS or (seen and seen >= today):
            return False
        begin = self._begin(today)
        return begin > seen if seen else begin == today

    def _begin(self, day):
        """Return the day with which the day, or the week, of ``day`` begins."""
        is_weekly = self.rhythm == "weekly"
        return day - timedelta(days=day.weekday() if is_weekly else 0)

    def last_period(self):
        """Return the period before: yesterday, or the week until Sunday."""
        days, end = DAYS[self.rhythm], self._begin(self.today())
        first = end - timedelta(days=days)
        return Period(
            before=self._midnight(first - timedelta(days=days)),
            start=self._midnight(first),
            stop=self._midnight(end),
            days=(first, end - timedelta(days=1)),
        )

    def period_until_now(self):
        """Return the last 24 hours, or seven days."""
        now, length = fields.Datetime.now(), timedelta(days=DAYS[self.rhythm])
        return Period(now - 2 * length, now - length, now, None)

    def _midnight(self, day):
        local = datetime.combine(day, time.min, tzinfo=self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)

    # ---------------------------------------------------------------------- sending

    def send_if_due(self):
        """Send what is due, once: the mails and the note of it are committed together.

        Whoever meets another worker in this leaves, or begins anew.
        """
        if not try_lock(self.env, f"pbx.report/{self.company.id}"):
            return
        seen = self.company.pbx_report_day
        if self.is_due(seen):
            self.send(self.last_period())
        self.company._set_pbx_report_day(self.today())

    def send(self, period):
        """Write a mail to each reader; return whom. One that fails costs no other."""
        sent = self.env["res.users"]
        for reader in self.readers():
            try:
                with self.env.cr.savepoint():
                    if self._send_to(reader, period):
                        sent |= reader
            except Exception:  # noqa: BLE001
                _logger.exception(
                    "Company %s: no report for user %s", self.company.id, reader.id
                )
        if sent:
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return sent

    def readers(self):
        """Return whom it is for, of those who may see calls and have an address."""
        chosen = self.company.pbx_report_user_ids
        if not chosen:
            supervisors = self.env.ref("cloud_pbx.group_pbx_manager")
            chosen = supervisors.all_user_ids
        return chosen.filtered(
            lambda user: (
                user.active
                and user.email
                and self.company in user.company_ids
                and (
                    user.has_group("cloud_pbx.group_pbx_user")
                    or user.has_group("base.group_system")
                )
            )
        )

    def _send_to(self, reader, period):
        """Write the mail to one reader; tell whether there was something to write."""
        content = ReportContent(self.company, reader, self.zone, period)
        if not content.has_calls():
            return False
        # sudo: nobody but administrators writes mails; this one is of our own making
        self.env["mail.mail"].sudo().create(
            {
                "subject": content.subject(),
                "body_html": content.render(),
                "email_to": reader.email_formatted,
                "email_from": self.company.email_formatted
                or self.env.ref("base.user_root").email_formatted,
                "author_id": self.env.user.partner_id.id,
                # It names callers: no copy of it is kept.
                "auto_delete": True,
                "headers": HEADERS,
                "state": "outgoing",
            }
        )
        return True


class ReportContent:
    """What one reader gets: under their own rights, in their language and zone."""

    def __init__(self, company, reader, zone, period):
        self.company, self.period = company, period
        self.env = (
            company.with_user(reader)
            .with_context(
                lang=reader.lang,
                tz=reader.tz or str(zone),
                allowed_company_ids=company.ids,
            )
            .env
        )
        self.calls, self.promises = self.env["pbx.call"], self.env["pbx.promise"]
        self.now = self._figures(period.start, period.stop)
        self.before = self._figures(period.before, period.start)

    def has_calls(self):
        return bool(self.now["inbound"] or self.now["outbound"])

    def _domain(self, start, stop):
        return [
            ("company_id", "=", self.company.id),
            ("start", ">=", start),
            ("start", "<", stop),
        ]

    def _figures(self, start, stop, group_by=None):
        return self.calls.figures(self._domain(start, stop), group_by)

    # ------------------------------------------------------------------------ words

    def subject(self):
        return self.env._(
            "%(company)s, phone report: %(period)s",
            company=self.company.name,
            period=self.period_name(),
        )

    def period_name(self):
        if not self.period.days:
            length = self.period.stop - self.period.start
            if length.days == 1:
                return self.env._("Last 24 hours")
            return self.env._("Last %s days", length.days)
        first, last = self.period.days
        if first == last:
            return format_date(self.env, first, date_format="full")
        return f"{format_date(self.env, first)} – {format_date(self.env, last)}"

    def render(self):
        """Return the mail's HTML."""
        language = self.env["res.lang"]._get_data(code=self.env.lang)
        is_rtl = language.direction == "rtl"
        base = self.company.get_base_url()
        return self.env["ir.qweb"]._render(
            TEMPLATE,
            {
                "company": self.company,
                "color": self.company.sudo().email_secondary_color or "#875A7B",
                "lang": (self.env.lang or "en_US").replace("_", "-"),
                "direction": "rtl" if is_rtl else "ltr",
                # Mail clients know neither "start" nor "end".
                "begin": "right" if is_rtl else "left",
                "end": "left" if is_rtl else "right",
                "title": self.period_name(),
                "figures": self.figure_rows(),
                "people": self._by_person(),
                "lines": self._by_line(),
                "waiting": self._waiting(base),
                "overview_url": f"{base}/odoo/call-overview",
                "call_backs_url": f"{base}/odoo/call-backs",
            },
            minimal_qcontext=True,
        )

    # ----------------------------------------------------------------------- figures

    def figure_rows(self):
        """Return the rows of figures: ``{key, label, value, before, change, color}``.

        Called and written as in the overview. What the reader may not see is not there.
        """
        rows = [
            ("inbound", self.env._("Incoming calls"), self._count, 0),
            ("answer_rate", self.env._("Answered"), self._percent, 1),
            ("service_level", self.env._("Answered in time"), self._percent, 1),
            ("wait_median", self.env._("Median wait"), format_duration, -1),
            ("lost", self.env._("Lost"), self._count, -1),
            ("kept_rate", self.env._("Call-backs kept in time"), self._percent, 1),
            ("new_callers", self.env._("New callers"), self._count, 1),
            ("outbound", self.env._("Outgoing calls"), self._count, 0),
            ("reached", self.env._("Reached"), self._count, 0),
            ("talk_seconds", self.env._("Talk"), format_duration, 0),
        ]
        if self.now["leads"] is not None:
            rows += [
                ("leads", self.env._("Leads"), self._count, 1),
                ("won", self.env._("Won"), self._count, 1),
                ("won_revenue", self.env._("Revenue won"), self._money, 1),
            ]
        return [self._row(*row) for row in rows]

    def _row(self, key, label, shown, good):
        """Return one figure beside that of the period before.

        :param shown: writes its value.
        :param int good: 1: more of it is better; -1: worse; 0: neither.
        """
        now, before = self.now[key], self.before[key]
        change, color = "", GREY
        if now is not None and before is not None and now != before:
            sign = "+" if now > before else "−"
            change = sign + self._difference(key, abs(now - before), before, shown)
            better = (now - before) * good
            color = GREEN if better > 0 else RED if better < 0 else GREY
        return {
            "key": key,
            "label": label,
            "value": NO_VALUE if now is None else shown(now),
            "before": NO_VALUE if before is None else shown(before),
            "change": change,
            "color": color,
        }

    def _difference(self, key, difference, before, shown):
        if key in RATES:
            return format_points(self.env, difference)
        if key in WAITS or not before:
            return shown(difference)
        return self._percent(round(difference / before, 2))

    def _by_person(self):
        period = self.period
        groups = self._figures(period.start, period.stop, "user_id")
        rows = [
            {
                "name": group["label"],
                "answered": self._count(group["answered"]),
                "outbound": self._count(group["outbound"]),
                "talk": format_duration(group["talk_seconds"]),
            }
            for group in groups
            if group["key"]
        ]
        return self._first(rows)

    def _by_line(self):
        period = self.period
        groups = self._figures(period.start, period.stop, "line_id")
        rows = [
            {
                "name": group["label"],
                "inbound": self._count(group["inbound"]),
                "lost": self._count(group["lost"]),
                "rate": NO_VALUE
                if group["answer_rate"] is None
                else self._percent(group["answer_rate"]),
            }
            for group in groups
            if group["inbound"]
        ]
        return self._first(rows)

    def _first(self, rows):
        return self._with_more(rows[:MAX_ROWS], len(rows) - MAX_ROWS)

    def _with_more(self, rows, left_out):
        more = ""
        if left_out > 0:
            more = self.env._("and %s more", self._count(left_out))
        return {"rows": rows, "more": more}

    def _waiting(self, base):
        """Return who still waits to be called back, the oldest first."""
        domain = [("company_id", "=", self.company.id), ("state", "=", "open")]
        found = self.promises.search(domain, order="opened_at, id", limit=MAX_WAITING)
        rows = [
            {
                "name": promise.display_name,
                "number": promise.number_readable
                if promise.number_readable != promise.display_name
                else "",
                "since": format_datetime(
                    self.env, promise.opened_at, dt_format="short"
                ),
                # sudo: the name of a colleague
                "responsible": promise.user_id.sudo().name or "",
                "is_overdue": promise.overdue,
                "url": f"{base}/mail/view?model=pbx.promise&res_id={promise.id}",
            }
            for promise in found
        ]
        left_out = 0
        if len(found) == MAX_WAITING:
            left_out = self.promises.search_count(domain) - MAX_WAITING
        return self._with_more(rows, left_out)

    # ----------------------------------------------------------------------- values

    def _count(self, value):
        return formatLang(self.env, value, digits=0)

    def _percent(self, value):
        return format_percent(self.env, value)

    def _money(self, value):
        return format_amount(
            self.env, value, self.company.currency_id, trailing_zeroes=False
        )


def latest_today():
    """Return the day that it is where it is latest: no company has a later one."""
    return (fields.Datetime.now() + EASTERNMOST).date()
