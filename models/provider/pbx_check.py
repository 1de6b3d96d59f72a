from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony.dialect import CONNECT_STEPS

STEPS = [
    ("keys", "Keys"),
    ("clock", "Clock"),
    ("address", "Webhook address"),
    ("notifications", "Notifications"),
    ("extensions", "Internal numbers"),
    ("lines", "Lines"),
    ("events", "Events"),
    ("users", "Users"),
]


class PbxCheck(models.Model):
    """A step of connecting a cloud PBX, and what came of it when it was last tried."""

    _name = "pbx.check"
    _description = "Step of connecting a cloud PBX"
    _order = "provider_id, sequence"
    _rec_name = "step"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider",
        string="Cloud PBX",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(readonly=True)
    step = fields.Selection(STEPS, required=True, readonly=True)
    state = fields.Selection(
        [
            ("ok", "Done"),
            ("warning", "To look at"),
            ("failed", "Failed"),
            ("waiting", "Continues automatically"),
            ("skipped", "Not tried"),
        ],
        required=True,
        readonly=True,
    )
    message = fields.Text(readonly=True)
    detail = fields.Text(readonly=True, help="What was changed.")
    at = fields.Datetime(string="Tried", readonly=True)

    _step_uniq = models.Constraint(
        "UNIQUE(provider_id, step)", "Each step is there once."
    )

    def _label(self):
        """Return the name of the step in the reader's language."""
        labels = dict(self._fields["step"]._description_selection(self.env))
        return labels[self.step]

    def action_open_extensions(self):
        """Open the internal numbers of the cloud PBX, to say whose phones they are."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_extension_action"
        )
        return {**action, "domain": [("provider_id", "in", self.provider_id.ids)]}

    @api.model
    def _write_results(self, provider, results):
        """Write results of steps into the check list; return their rows.

        :param dict results: ``{step: StepResult}``; the rows of other steps stay.
        """
        now, token = fields.Datetime.now(), provider.webhook_token
        self._ensure_rows(provider, results)
        rows, known = self.browse(), provider.check_ids.grouped("step")
        for step, result in results.items():
            known[step].write(
                {
                    "state": result.state,
                    # A PBX may repeat our address in its refusal.
                    "message": result.message.replace(token, "***"),
                    "detail": "\n".join(result.changes).replace(token, "***") or False,
                    "at": now,
                }
            )
            rows += known[step]
        return rows.sorted("sequence")

    @api.model
    def _ensure_rows(self, provider, steps):
        """Make the rows of these steps that are not there yet.

        :raises SerializationFailure: somebody else made one since this transaction
            began; who begins anew sees it.
        """
        order = (*CONNECT_STEPS, "users")
        missing = set(steps) - set(provider.check_ids.mapped("step"))
        if not missing:
            return
        # A plain create would be refused as a double, as if a person had erred.
        self.env.cr.execute(
            SQL(
                """INSERT INTO pbx_check (provider_id, step, sequence, state)
                   SELECT %s, step, sequence, 'skipped'
                     FROM unnest(%s::varchar[], %s::integer[]) row (step, sequence)
                       ON CONFLICT (provider_id, step) DO NOTHING""",
                provider.id,
                sorted(missing, key=order.index),
                sorted(map(order.index, missing)),
            ),
            log_exceptions=False,
        )
        provider.invalidate_recordset(["check_ids"])
