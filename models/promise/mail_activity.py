from odoo import models

from .pbx_promise import ACTIVITY


class MailActivity(models.Model):
    _inherit = "mail.activity"

    def _action_done(self, feedback=False, attachment_ids=None):
        # Before it is archived: afterwards the promise would plan another one.
        call_back = self.env.ref(ACTIVITY, raise_if_not_found=False)
        done = self.filtered(
            lambda one: (
                one.res_model == "pbx.promise" and one.activity_type_id == call_back
            )
        )
        promise_ids = done.mapped("res_id")
        result = super()._action_done(feedback, attachment_ids)
        # sudo: whoever may mark the activity done has spoken with the caller
        promises = self.env["pbx.promise"].sudo().browse(promise_ids).exists()
        promises._activity_done(feedback or "")
        return result
