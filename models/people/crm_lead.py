from odoo import api, fields, models

from .phone_index import tail_index


class CrmLead(models.Model):
    _inherit = "crm.lead"

    pbx_call_ids = fields.One2many(
        "pbx.call", "lead_id", string="Calls", groups="cloud_pbx.group_pbx_user"
    )
    pbx_call_count = fields.Integer(
        string="Number of calls",
        compute="_compute_pbx_call_count",
        groups="cloud_pbx.group_pbx_user",
    )

    _phone_tail_idx = models.Index(tail_index())

    @api.depends("pbx_call_ids")
    def _compute_pbx_call_count(self):
        counts = dict(
            self.env["pbx.call"]._read_group(
                [("lead_id", "in", self.ids)], ["lead_id"], ["__count"]
            )
        )
        for lead in self:
            lead.pbx_call_count = counts.get(lead, 0)

    def action_view_pbx_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {
            **action,
            "domain": [("lead_id", "=", self.id)],
            "context": {"default_lead_id": self.id},
        }

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        self.env["pbx.rematch"]._request(leads.filtered("phone"))
        if self.env.context.get("pbx_call_id") and len(leads) == 1:
            self.env["pbx.call"]._adopt_created(leads)
        return leads

    def write(self, vals):
        result = super().write(vals)
        if "phone" in vals or "country_id" in vals:
            self.env["pbx.rematch"]._request(self.filtered("phone"))
        return result
