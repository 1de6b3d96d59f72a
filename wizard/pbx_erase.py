from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..models.people.erasure import Erasure
from ..models.tools.notification import notification
from ..telephony import numbers


class PbxErase(models.TransientModel):
    _name = "pbx.erase"
    _description = "Erase a phone number"

    number = fields.Char(
        string="Phone number",
        required=True,
        help="As it is written in your country, or in international form.",
    )
    company_ids = fields.Many2many(
        "res.company", string="Companies", compute="_compute_company_ids"
    )
    number_readable = fields.Char(string="Read as", compute="_compute_found")
    problem = fields.Char(compute="_compute_found")
    call_count = fields.Integer(string="Calls", compute="_compute_found")
    recording_count = fields.Integer(string="Recordings", compute="_compute_found")
    promise_count = fields.Integer(string="Call-backs", compute="_compute_found")
    event_count = fields.Integer(string="Events", compute="_compute_found")
    request_count = fields.Integer(string="Requests", compute="_compute_found")
    blocked_count = fields.Integer(string="Blocked numbers", compute="_compute_found")

    @api.model
    def default_get(self, fields):
        """Begin with the number of the call, or call-back, from which it is opened."""
        values = super().default_get(fields)
        model = self.env.context.get("active_model")
        if "number" in fields and model in ("pbx.call", "pbx.promise"):
            record = self.env[model].browse(self.env.context.get("active_id"))
            values.setdefault("number", record.number_readable)
        return values

    def _compute_company_ids(self):
        self.company_ids = self.env.companies

    @api.depends("number")
    @api.depends_context("allowed_company_ids", "lang")
    def _compute_found(self):
        for wizard in self:
            wizard.number_readable = wizard.problem = False
            found = {}
            try:
                erasure = wizard._erasure() if wizard.number else None
            except ValidationError as error:
                wizard.problem = str(error)
                erasure = None
            if erasure:
                wizard.number_readable = numbers.readable(erasure.number)
                wizard.problem = erasure.refusal()
                found = erasure.counts()
                if not any(found.values()) and not wizard.problem:
                    wizard.problem = self.env._("Nothing is kept of this number.")
            wizard.call_count = found.get("calls", 0)
            wizard.recording_count = found.get("recordings", 0)
            wizard.promise_count = found.get("promises", 0)
            wizard.event_count = found.get("events", 0)
            wizard.request_count = found.get("requests", 0)
            wizard.blocked_count = found.get("blocked", 0)

    def _erasure(self):
        blocked = self.env["pbx.blocked"]
        if "*" in (self.number or ""):
            # A beginning is no one person's.
            raise blocked._unreadable(self.number)
        number = blocked._read_typed(self.number, self.env.company)
        return Erasure(self.env, numbers.canonical(number))

    def action_erase(self):
        """Delete all that is kept of the number, for good."""
        self.ensure_one()
        self.check_access("write")
        counts = self._erasure().run()
        if not any(counts.values()):
            raise UserError(self.env._("Nothing is kept of this number."))
        # Here the number stands as well.
        self.unlink()
        action = notification(self.env._("The phone number was erased."), "success")
        action["params"]["next"] = {"type": "ir.actions.act_window_close"}
        model = self.env.context.get("active_model")
        if model in ("pbx.call", "pbx.promise"):
            # What it was opened from is gone.
            shown = f"cloud_pbx.{model.replace('.', '_')}_action"
            action["params"]["next"] = {
                **self.env["ir.actions.actions"]._for_xml_id(shown),
                "target": "main",
            }
        return action
