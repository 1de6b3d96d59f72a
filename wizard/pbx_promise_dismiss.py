from odoo import fields, models

from ..models.promise.pbx_promise import REASONS


class PbxPromiseDismiss(models.TransientModel):
    _name = "pbx.promise.dismiss"
    _description = "Dismiss call-backs"

    promise_ids = fields.Many2many("pbx.promise", string="Call-backs")
    # Nobody lets one expire: that comes by itself.
    reason = fields.Selection(
        [(reason, label) for reason, label in REASONS if reason != "expired"],
        required=True,
    )
    note = fields.Text()

    def action_apply(self):
        """Close the call-backs: nobody has to call these people back."""
        self.ensure_one()
        for promise in self.promise_ids:
            promise.action_dismiss(self.reason, self.note or "")
        return {"type": "ir.actions.act_window_close"}
