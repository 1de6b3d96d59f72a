from odoo import fields, models


class PbxPromiseSpoken(models.TransientModel):
    _name = "pbx.promise.spoken"
    _description = "Spoken with, another way"

    promise_ids = fields.Many2many("pbx.promise", string="Call-backs")
    note = fields.Text()

    def action_apply(self):
        """Close the call-backs: the callers were spoken with, by no call of ours."""
        self.ensure_one()
        for promise in self.promise_ids:
            promise.action_spoken(self.note or "")
        return {"type": "ir.actions.act_window_close"}
