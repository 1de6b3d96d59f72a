from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .pbx_phone_number import phone_triggers


class PbxCallerMixin(models.AbstractModel):
    """What contacts and leads share: their calls, and the numbers they are found by.

    Each declares ``pbx_call_ids`` and ``pbx_number_ids`` itself: these name the column
    that leads back.
    """

    _name = "pbx.caller.mixin"
    _description = "Has calls and phone numbers"

    pbx_call_count = fields.Integer(
        string="Number of calls",
        compute="_compute_pbx_call_count",
        groups="cloud_pbx.group_pbx_user",
    )
    # Sent once by the form that a call opened, and kept nowhere.
    pbx_new_from_call_id = fields.Integer(
        string="Created from call",
        store=False,
        exportable=False,
        copy=False,
        groups="cloud_pbx.group_pbx_user",
    )

    # Of several the most urgent one that the user may see.
    pbx_promise_id = fields.Many2one(
        "pbx.promise",
        string="Open call-back",
        compute="_compute_pbx_promise",
        groups="cloud_pbx.group_pbx_user",
    )
    pbx_promise_deadline = fields.Datetime(
        string="Call back by",
        compute="_compute_pbx_promise",
        groups="cloud_pbx.group_pbx_user",
    )
    pbx_promise_user_id = fields.Many2one(
        "res.users",
        string="Calls back",
        compute="_compute_pbx_promise",
        groups="cloud_pbx.group_pbx_user",
    )

    def init(self):
        # Whoever extends contacts or leads may bring another phone field.
        self.pool.post_init(self.env["pbx.phone.scan"]._prepare)
        return super().init()

    @api.depends(phone_triggers)
    def _compute_pbx_number_ids(self):
        self.env["pbx.phone.number"]._numbers_changed(self)

    def _compute_pbx_call_count(self):
        raise NotImplementedError

    @api.depends_context("uid", "company")
    def _compute_pbx_promise(self):
        promises = self.env["pbx.promise"]
        if self.ids:
            domain = Domain("state", "=", "open") & Domain(self._pbx_promise_domain())
            promises = promises.search(domain)
        for record in self:
            promise = promises.filtered(record._has_pbx_promise)[:1]
            record.pbx_promise_id = promise
            record.pbx_promise_deadline = promise.deadline
            record.pbx_promise_user_id = promise.user_id

    def _pbx_promise_domain(self):
        """Return the domain of the call-backs of all these records."""
        raise NotImplementedError

    def _has_pbx_promise(self, promise):
        """Tell whether a call-back is this record's."""
        raise NotImplementedError

    def _pbx_call_domain(self):
        """Return the domain of the calls of these records."""
        raise NotImplementedError

    def action_view_pbx_calls(self):
        self.ensure_one()
        self.env["pbx.call"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {**action, "domain": self._pbx_call_domain(), "context": {}}

    def action_pbx_call_back(self):
        """Keep what the caller was promised: dial."""
        self.ensure_one()
        if not self.pbx_promise_id:
            raise UserError(
                self.env._("Nobody has to call back any more. Load the page again.")
            )
        return self.pbx_promise_id.action_call_back()

    def action_view_pbx_promise(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "pbx.promise",
            "res_id": self.pbx_promise_id.id,
            "views": [[False, "form"]],
        }
