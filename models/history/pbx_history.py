from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

# What cannot be changed any more once an import has begun.
PERIOD = frozenset(("provider_id", "start", "stop"))
# What one import has found: calls, each counted once.
COUNTS = ("new_count", "completed_count", "unchanged_count", "corrected_count")


class PbxHistory(models.Model):
    """Past calls that are fetched from a PBX, page by page.

    One row of each cloud PBX is its catch-up, used again and again; the others are
    periods that people asked for. What has been done so far stands in the row, so that
    it goes on wherever it was interrupted.
    """

    _name = "pbx.history"
    _description = "Import of past calls"
    _order = "id desc"

    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["pbx.provider"].search([], limit=1),
    )
    company_id = fields.Many2one(related="provider_id.company_id")
    kind = fields.Selection(
        [("catch_up", "By itself"), ("period", "Period")],
        required=True,
        readonly=True,
        default="period",
    )
    start = fields.Datetime(
        string="From",
        required=True,
        default=lambda self: fields.Datetime.now() - timedelta(days=30),
    )
    stop = fields.Datetime(
        string="To", required=True, default=lambda self: fields.Datetime.now()
    )
    state = fields.Selection(
        [
            ("draft", "Not started"),
            ("waiting", "Waiting"),
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    page = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="Where to go on, in the PBX's terms."
    )
    counted = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="Calls that are counted already."
    )
    until = fields.Datetime(
        string="Read up to",
        readonly=True,
        copy=False,
        help="Calls that began before are in the log.",
    )
    progress = fields.Float(readonly=True, copy=False, help="Percent of the period.")
    rows = fields.Integer(string="Rows read", readonly=True, copy=False)
    new_count = fields.Integer(
        string="New",
        readonly=True,
        copy=False,
        help="Calls of which Odoo had never heard.",
    )
    completed_count = fields.Integer(
        string="Completed",
        readonly=True,
        copy=False,
        help="Calls that were known, and of which something new was told.",
    )
    unchanged_count = fields.Integer(string="Unchanged", readonly=True, copy=False)
    corrected_count = fields.Integer(
        string="Corrected",
        readonly=True,
        copy=False,
        help="Known calls of which the PBX had told something else before.",
    )
    failed_count = fields.Integer(
        string="Not written",
        readonly=True,
        copy=False,
        help="Calls that could not be written to the log; the server's log says why.",
    )
    error = fields.Text(readonly=True, copy=False)
    next_attempt_at = fields.Datetime(string="Goes on at", readonly=True, copy=False)
    is_waiting_for = fields.Boolean(compute="_compute_is_waiting_for")

    _catch_up_uniq = models.UniqueIndex(
        "(provider_id) WHERE kind = 'catch_up'", "A cloud PBX catches up in one way."
    )

    @api.depends("provider_id", "kind", "start", "stop")
    def _compute_display_name(self):
        for history in self:
            name = history.provider_id.display_name or ""
            if history.kind == "period" and history.start and history.stop:
                days = (
                    fields.Date.to_string(fields.Datetime.context_timestamp(self, at))
                    for at in (history.start, history.stop)
                )
                name = f"{name}, {' … '.join(days)}"
            history.display_name = name

    @api.depends("state", "next_attempt_at")
    def _compute_is_waiting_for(self):
        now = fields.Datetime.now()
        for history in self:
            history.is_waiting_for = (
                history.state == "waiting" and (history.next_attempt_at or now) > now
            )

    @api.constrains("start", "stop")
    def _check_period(self):
        for history in self:
            if history.kind == "period" and history.start >= history.stop:
                raise ValidationError(
                    self.env._("The period has to end after it begins.")
                )

    def write(self, vals):
        begun = any(history.state != "draft" for history in self)
        if begun and not self.env.su and PERIOD.intersection(vals):
            raise UserError(
                self.env._(
                    "This import has begun already. Make another one for another "
                    "period."
                )
            )
        return super().write(vals)

    # ---------------------------------------------------------------- actions

    def action_start(self):
        """Hand the import over to the job, or go on with a stopped one."""
        self.check_access("write")
        for history in self:
            if not history.provider_id.is_running:
                raise UserError(
                    self.env._(
                        "%s is inactive. Choose the user under “Run as” first.",
                        history.provider_id.display_name,
                    )
                )
            if history.state in ("draft", "stopped", "failed"):
                history.write(
                    {"state": "waiting", "error": False, "next_attempt_at": False}
                )
        self._wake()
        return True

    def action_stop(self):
        """Let go after the calls that are being written at this moment."""
        self.check_access("write")
        self.filtered(lambda history: history.state in ("waiting", "running")).write(
            {"state": "stopped", "next_attempt_at": False}
        )
        return True

    def action_view_calls(self):
        """Show the calls of this period."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {
            **action,
            "domain": [
                ("provider_id", "=", self.provider_id.id),
                ("start", ">=", self.start),
                ("start", "<=", self.stop),
            ],
            "context": {},
        }

    @api.model
    def _wake(self, at=None):
        # sudo: to start the job is all that is done with it
        self.env.ref("cloud_pbx.ir_cron_fetch_history").sudo()._trigger(at=at)
