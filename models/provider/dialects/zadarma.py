from odoo import api, fields, models

from .. import pbx_provider  # noqa: F401  (the model that is extended comes first)


class PbxProvider(models.Model):
    """What only Zadarma needs: which of its notifications are switched on."""

    _inherit = "pbx.provider"

    notify_start = fields.Boolean("Incoming call (NOTIFY_START)", default=True)
    notify_internal = fields.Boolean(
        "Internal number rings (NOTIFY_INTERNAL)", default=True
    )
    notify_answer = fields.Boolean(
        "Answer (NOTIFY_ANSWER)",
        default=True,
        help="This one is required.",
    )
    notify_end = fields.Boolean("End of an incoming call (NOTIFY_END)", default=True)
    notify_out_start = fields.Boolean("Outgoing call (NOTIFY_OUT_START)", default=True)
    notify_out_end = fields.Boolean(
        "End of an outgoing call (NOTIFY_OUT_END)", default=True
    )

    @api.depends("notify_answer")
    def _compute_hint(self):
        return super()._compute_hint()
