from odoo import api, fields, models

# Lost calls of so many days are counted on the page.
AUDIT_DAYS = 30


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pbx_promise = fields.Boolean(related="company_id.pbx_promise", readonly=False)
    pbx_promise_minutes = fields.Integer(
        related="company_id.pbx_promise_minutes", readonly=False
    )
    pbx_promise_min_talk = fields.Integer(
        related="company_id.pbx_promise_min_talk", readonly=False
    )
    pbx_promise_days = fields.Integer(
        related="company_id.pbx_promise_days", readonly=False
    )
    pbx_escalate_minutes = fields.Integer(
        related="company_id.pbx_escalate_minutes", readonly=False
    )
    pbx_escalate_user_id = fields.Many2one(
        related="company_id.pbx_escalate_user_id", readonly=False
    )
    pbx_wrap_up_seconds = fields.Integer(
        related="company_id.pbx_wrap_up_seconds", readonly=False
    )
    pbx_lead_policy = fields.Selection(
        related="company_id.pbx_lead_policy", readonly=False
    )
    pbx_lead_min_seconds = fields.Integer(
        related="company_id.pbx_lead_min_seconds", readonly=False
    )
    pbx_chatter_log = fields.Selection(
        related="company_id.pbx_chatter_log", readonly=False
    )
    pbx_wrap_up = fields.Selection(related="company_id.pbx_wrap_up", readonly=False)
    pbx_service_seconds = fields.Integer(
        related="company_id.pbx_service_seconds", readonly=False
    )
    pbx_report = fields.Selection(related="company_id.pbx_report", readonly=False)
    pbx_report_user_ids = fields.Many2many(
        related="company_id.pbx_report_user_ids", readonly=False
    )
    pbx_audit = fields.Text(compute="_compute_pbx_audit")
    pbx_audit_missing = fields.Integer(compute="_compute_pbx_audit")

    @api.depends("company_id")
    def _compute_pbx_audit(self):
        for settings in self:
            promises = self.env["pbx.promise"].with_context(
                allowed_company_ids=settings.company_id.ids
            )
            counts = promises.audit(AUDIT_DAYS)
            settings.pbx_audit_missing = counts["missing"]
            settings.pbx_audit = settings._audit_text(counts)

    def _audit_text(self, counts):
        """Return what became of the lost calls, in a sentence."""
        if not counts["lost"]:
            return self.env._("No call was lost in the last %s days.", AUDIT_DAYS)
        parts = [
            self.env._(
                "Lost calls in the last %(days)s days: %(count)s",
                days=AUDIT_DAYS,
                count=counts["lost"],
            ),
            self.env._("with a call-back: %s", counts["promised"]),
        ]
        parts += [
            text
            for key, text in (
                ("withheld", self.env._("number withheld: %s", counts["withheld"])),
                ("spam", self.env._("spam: %s", counts["spam"])),
                (
                    "off",
                    self.env._("while call-backs were switched off: %s", counts["off"]),
                ),
                (
                    "late",
                    self.env._("reported more than 3 days late: %s", counts["late"]),
                ),
            )
            if counts[key]
        ]
        parts.append(self.env._("missing: %s", counts["missing"]))
        return ", ".join(parts)

    def action_pbx_send_report(self):
        """Send the report of the company now."""
        return self.company_id.action_pbx_send_report()
