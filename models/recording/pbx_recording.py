from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class PbxRecording(models.Model):
    """A recording of a call, or of one of its parts."""

    _name = "pbx.recording"
    _description = "Recording of a phone call"
    _order = "id"
    _rec_name = "ref"

    call_id = fields.Many2one(
        "pbx.call",
        string="Phone call",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )
    company_id = fields.Many2one(related="call_id.company_id")
    # Copies of the call's, so that jobs find what is due without going through calls.
    provider_id = fields.Many2one(
        related="call_id.provider_id", store=True, precompute=True
    )
    start = fields.Datetime(related="call_id.start", store=True, precompute=True)
    ref = fields.Char(
        string="Recording ID",
        required=True,
        readonly=True,
        help="The PBX's id of the recording.",
    )
    state = fields.Selection(
        [
            ("waiting", "At the PBX"),
            ("stored", "Stored"),
            ("linked", "Linked"),
            ("failed", "Failed"),
            ("expired", "Expired"),
        ],
        string="Recording",
        default="waiting",
        required=True,
        readonly=True,
    )
    audio = fields.Binary(attachment=True, readonly=True, copy=False)
    mimetype = fields.Char(readonly=True)
    size = fields.Integer(readonly=True, help="Bytes.")
    error = fields.Text(
        readonly=True, help="Why it could not be fetched when that was last tried."
    )
    attempts = fields.Integer(readonly=True)
    next_attempt_at = fields.Datetime(
        string="Next attempt", readonly=True, default=fields.Datetime.now
    )
    tried_at = fields.Datetime(string="Last attempt", readonly=True)
    # Whoever fetches it now has it till then, even if killed.
    claimed_until = fields.Datetime(groups=fields.NO_ACCESS)
    # Who has the link can listen: it leaves us as a redirect, and no other way.
    link = fields.Char(groups=fields.NO_ACCESS, copy=False)
    link_until = fields.Datetime(groups=fields.NO_ACCESS)

    _ref_uniq = models.Constraint(
        "UNIQUE(call_id, ref)", "A call has each of its recordings once."
    )
    _due_idx = models.Index("(next_attempt_at) WHERE state = 'waiting'")
    _stored_idx = models.Index("(provider_id, start) WHERE state = 'stored'")

    @api.model_create_multi
    def create(self, vals_list):
        recordings = super().create(vals_list)
        waiting = recordings.filtered(lambda recording: recording.state == "waiting")
        self._wake_fetching(waiting.mapped("next_attempt_at"))
        return recordings

    def action_fetch(self):
        """Have them fetched now; what failed is tried from the beginning."""
        self.check_access("read")
        asked = self.filtered_domain(Domain("state", "in", ("waiting", "failed")))
        if not asked:
            raise UserError(self.env._("There is nothing to fetch any more."))
        stopped = asked.provider_id.filtered(lambda provider: not provider.is_running)
        if stopped:
            raise UserError(
                self.env._(
                    "%s is inactive: nothing is fetched from it. Ask your "
                    "administrator.",
                    ", ".join(stopped.mapped("name")),
                )
            )
        # sudo: who may hear it may have it fetched; that is all that is written.
        asked.sudo().write(
            {
                "state": "waiting",
                "attempts": 0,
                "error": False,
                "next_attempt_at": fields.Datetime.now(),
            }
        )
        self._wake_fetching([fields.Datetime.now()])
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": self.env._("It is being fetched. Look again in a moment."),
                "type": "info",
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _wake_fetching(self, times):
        """Have the job look at these times: one trigger for each, once a transaction.

        An import of past calls names thousands of recordings that are all due now.
        """
        waiting = self.env.cr.precommit.data.setdefault("pbx.recording", set())
        if not waiting:
            self.env.cr.precommit.add(self._trigger_fetching)
        waiting.update(times)

    def _trigger_fetching(self):
        times = self.env.cr.precommit.data.pop("pbx.recording", ())
        # Known without a query, unlike ``ref``: each recorded call ends here.
        job_id = self.env["ir.model.data"]._xmlid_to_res_id(
            "cloud_pbx.ir_cron_fetch_recordings"
        )
        if job_id and times:
            self.env["ir.cron"].browse(job_id)._trigger(at=sorted(times))
