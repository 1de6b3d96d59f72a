import logging
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from .figures.report import DAYS, CallReport, latest_today
from .tools.memory import forget
from .tools.transactions import in_own_transaction

_logger = logging.getLogger(__name__)

# Of which calls leads are made.
LEAD_POLICIES = [
    ("never", "Never"),
    ("missed", "Lost calls of unknown callers"),
    ("unknown", "Calls of unknown callers"),
    ("always", "Also known contacts without an open lead"),
]
# Settings that are numbers: less than none makes no sense.
NUMBERS = (
    "pbx_promise_minutes",
    "pbx_promise_min_talk",
    "pbx_promise_days",
    "pbx_escalate_minutes",
    "pbx_wrap_up_seconds",
    "pbx_lead_min_seconds",
    "pbx_service_seconds",
)


class PromiseSettings(NamedTuple):
    """What a company wants of call-backs, as plain values."""

    is_on: bool
    minutes: int
    min_talk: int
    days: int
    calendar_id: int | bool


class LeadSettings(NamedTuple):
    """Of which calls a company wants leads, as plain values.

    :var int min_talk: seconds; a shorter talk is none.
    """

    policy: str
    min_seconds: int
    min_talk: int


class ResCompany(models.Model):
    _inherit = "res.company"

    pbx_promise = fields.Boolean(
        string="Call back lost callers",
        default=True,
        help="A call that nobody took becomes a call-back, with a deadline and a "
        "responsible person.",
    )
    pbx_promise_minutes = fields.Integer(
        string="Call back within",
        default=60,
        help="Minutes of working hours; 0: at once.",
    )
    pbx_promise_min_talk = fields.Integer(
        string="Shortest talk",
        default=5,
        help="Seconds. A shorter talk, such as with somebody's voicemail, does not "
        "count as calling back.",
    )
    pbx_promise_days = fields.Integer(
        string="Keep open for",
        default=30,
        help="Days after which a call-back that nobody made is closed as expired.",
    )
    pbx_escalate_minutes = fields.Integer(
        string="Escalate after",
        default=60,
        help="Minutes of working hours after the deadline; 0: never.",
    )
    pbx_escalate_user_id = fields.Many2one(
        "res.users",
        string="Escalate to",
        ondelete="set null",
        help="Who is asked to see to overdue call-backs. Empty: the team leader.",
    )
    pbx_wrap_up_seconds = fields.Integer(
        string="Time after a call",
        default=0,
        help="Seconds after a talk in which no call is routed to the person.",
    )
    pbx_lead_policy = fields.Selection(
        LEAD_POLICIES,
        string="Leads from calls",
        required=True,
        default="never",
        help="Which incoming calls create a lead; a line may have its own choice.",
    )
    pbx_lead_min_seconds = fields.Integer(
        string="Shortest call",
        default=5,
        help="Seconds. A caller who waits or talks for less creates a lead only with a "
        "second such call within a day.",
    )
    pbx_chatter_log = fields.Selection(
        [("none", "No calls"), ("lost", "Lost calls"), ("all", "All calls")],
        string="Notes in the chatter",
        required=True,
        default="none",
        help="Calls that leave a note on the lead, or else on the contact.",
    )
    pbx_wrap_up = fields.Selection(
        [
            ("off", "No"),
            ("offer", "Offer tags"),
            ("ask", "Ask for a tag"),
        ],
        string="Wrap-up",
        required=True,
        default="offer",
        help="What the card does once a talk is over.",
    )
    pbx_service_seconds = fields.Integer(
        string="Answer within",
        default=20,
        help="Seconds of waiting that count as good service.",
    )
    pbx_report = fields.Selection(
        [("never", "Never"), ("daily", "Every day"), ("weekly", "Every week")],
        string="Report by email",
        required=True,
        default="weekly",
    )
    pbx_report_user_ids = fields.Many2many(
        "res.users",
        "res_company_pbx_report_user_rel",
        "company_id",
        "user_id",
        string="Readers of the report",
        help="Empty: all supervisors of the company.",
    )

    pbx_report_day = fields.Date(
        string="Reports sent until",
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Up to which day of the company the job has sent what was due.",
    )

    @api.constrains(*NUMBERS)
    def _check_pbx_numbers(self):
        for company in self:
            for name in NUMBERS:
                if company[name] < 0:
                    label = company._fields[name]._description_string(self.env)
                    raise ValidationError(
                        self.env._("“%s” has to be 0 or more.", label)
                    )

    @api.constrains("pbx_escalate_user_id")
    def _check_pbx_escalate_user(self):
        for company in self:
            user = company.pbx_escalate_user_id
            # Whoever is asked reads the number of who called this company.
            if user and company not in user.company_ids:
                raise ValidationError(
                    self.env._(
                        "%(user)s does not work for %(company)s.",
                        user=user.name,
                        company=company.name,
                    )
                )

    def write(self, vals):
        result = super().write(vals)
        followed = {"country_id", "parent_id", "resource_calendar_id"}
        if followed.intersection(vals) or any(name.startswith("pbx_") for name in vals):
            # Settings that webhooks keep in memory hold them.
            forget(self.env)
        return result

    def action_pbx_send_report(self):
        """Send the report on the last day or week up to now, to all its readers."""
        self.ensure_one()
        if not self.env.su:
            self._check_may_send_pbx_report()
        rhythm = self.pbx_report if self.pbx_report in DAYS else "weekly"
        # sudo: who may have it sent; each reader's mail is made under that one's rights
        report = CallReport(self.sudo(), rhythm)
        if not report.readers():
            raise UserError(
                self.env._("Nobody who reads the report has an email address.")
            )
        sent = report.send(report.period_until_now())
        if not sent:
            message, kind = self.env._("There were no calls: nothing was sent."), "info"
        else:
            names = ", ".join(sent.mapped("name"))
            message, kind = self.env._("The report was sent to %s.", names), "success"
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": message, "type": kind},
        }

    def _check_may_send_pbx_report(self):
        user = self.env.user
        if not (
            user.has_group("cloud_pbx.group_pbx_manager")
            or user.has_group("base.group_system")
        ):
            raise AccessError(self.env._("Only supervisors send the report."))
        if self not in user.company_ids:
            raise AccessError(
                self.env._("Only those who work for a company send its report.")
            )

    @api.model
    def _cron_pbx_report(self):
        """Send each company's report on the period before, at the start of its day."""
        # sudo: the job serves all companies
        companies = self.sudo().search(
            [
                "|",
                ("pbx_report_day", "=", False),
                ("pbx_report_day", "<", latest_today()),
            ]
        )
        progress = self.env["ir.cron"]._commit_progress
        for place, company_id in enumerate(companies.ids, start=1):
            try:
                in_own_transaction(
                    self.env,
                    lambda env, company_id=company_id: (
                        env[self._name].browse(company_id)._send_pbx_report()
                    ),
                )
            except Exception:  # noqa: BLE001
                # One company that fails costs no other; it is tried again in an hour.
                _logger.exception("Company %s: its report was not sent", company_id)
            if not progress(1, remaining=len(companies) - place):
                return

    def _send_pbx_report(self):
        # sudo: the job serves all companies
        CallReport(self.sudo(), self.sudo().pbx_report).send_if_due()

    def _set_pbx_report_day(self, day):
        """Note up to which day the reports were sent.

        Not by a write: nothing that is kept in memory depends on it.
        """
        self.env.execute_query(
            SQL(
                """UPDATE res_company SET pbx_report_day = %(day)s
                    WHERE id = %(id)s
                      AND (pbx_report_day IS NULL OR pbx_report_day < %(day)s)
                RETURNING id""",
                day=day,
                id=self.id,
            )
        )
        self.invalidate_recordset(["pbx_report_day"])

    @api.model
    @tools.ormcache("company_id")
    def _wrap_up(self, company_id):
        """Return what the cards of a company do after a talk: kept in memory."""
        # sudo: a setting, for whoever has a phone
        return self.sudo().browse(company_id).pbx_wrap_up

    @api.model
    @tools.ormcache("company_id")
    def _promise_settings(self, company_id):
        """Return the :class:`PromiseSettings` of a company: kept in memory."""
        company = self.sudo().browse(company_id)  # sudo: settings, for the log
        return PromiseSettings(
            is_on=company.pbx_promise,
            minutes=max(company.pbx_promise_minutes, 0),
            min_talk=max(company.pbx_promise_min_talk, 0),
            days=max(company.pbx_promise_days, 0),
            calendar_id=company.resource_calendar_id.id,
        )

    @api.model
    @tools.ormcache("company_id")
    def _lead_settings(self, company_id):
        """Return the :class:`LeadSettings` of a company: kept in memory."""
        company = self.sudo().browse(company_id)  # sudo: settings, for the log
        return LeadSettings(
            policy=company.pbx_lead_policy,
            min_seconds=max(company.pbx_lead_min_seconds, 0),
            min_talk=max(company.pbx_promise_min_talk, 0),
        )
