from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

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
        [
            ("never", "Never"),
            ("missed", "Lost calls of unknown callers"),
            ("unknown", "Calls of unknown callers"),
            ("always", "Also known contacts without an open lead"),
        ],
        string="Leads from calls",
        required=True,
        default="never",
        help="Which incoming calls create a lead; a line may have its own choice.",
    )
    pbx_lead_min_seconds = fields.Integer(
        string="Shortest call",
        default=5,
        help="Seconds. A caller who waits or talks for less creates a lead with a "
        "second such call within a day only.",
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
            self.env.registry.clear_cache()
        return result

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
