from odoo import api, fields, models

from .pbx_phone_number import phone_triggers


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

    # Sent once by the form that a call opened, and kept nowhere.
    pbx_new_from_call_id = fields.Integer(
        string="Created from call", store=False, groups="cloud_pbx.group_pbx_user"
    )

    # Not shown to anybody: what Odoo recomputes when a number or a country changes.
    pbx_number_ids = fields.One2many(
        "pbx.phone.number",
        "lead_id",
        string="Numbers it is found by",
        compute="_compute_pbx_number_ids",
        store=True,
        groups=fields.NO_ACCESS,
    )

    def init(self):
        # Whoever extends leads may bring another phone field.
        self.pool.post_init(self.env["pbx.phone.scan"]._prepare)
        return super().init()

    @api.depends(phone_triggers)
    def _compute_pbx_number_ids(self):
        self.env["pbx.phone.number"]._numbers_changed(self)

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
        self.env["pbx.call"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cloud_pbx.pbx_call_action"
        )
        return {
            **action,
            "domain": [("lead_id", "=", self.id)],
            "context": {"default_lead_id": self.id},
        }

    # ------------------------------------------------------------------- CRUD

    @api.model_create_multi
    def create(self, vals_list):
        call_ids = [vals.get("pbx_new_from_call_id") for vals in vals_list]
        leads = super().create(vals_list)
        for lead, call_id in zip(leads, call_ids, strict=True):
            self.env["pbx.call"]._adopt_created(lead, call_id)
        return leads

    def write(self, vals):
        result = super().write(vals)
        if vals.get("partner_id"):
            self._pass_contact_to_calls()
        return result

    def unlink(self):
        calls = self._pbx_calls_sudo()
        result = super().unlink()
        self.env["pbx.rematch"]._request(calls)
        return result

    # ----------------------------------------------------------- what follows

    def _pbx_calls_sudo(self, *conditions):
        """Return the calls linked to these leads, those that nobody may see as well."""
        # sudo: what becomes of a call does not depend on who may see it
        calls = self.env["pbx.call"].sudo().with_context(tracking_disable=True)
        return calls.search([("lead_id", "in", self.ids), *conditions])

    def _pass_contact_to_calls(self):
        """Link the leads' contact to those of their calls that have none.

        Where a person emptied the contact it stays empty.
        """
        waiting = self._pbx_calls_sudo(
            ("partner_id", "=", False),
            "|",
            ("partner_source", "=", False),
            ("partner_source", "!=", "picked"),
        )
        for lead, calls in waiting.grouped("lead_id").items():
            company = lead.partner_id.company_id
            fitting = calls.filtered(
                lambda call, company=company: (
                    not company
                    or company.id
                    in call.provider_id._settings(call.provider_id.id).company_ids
                )
            )
            fitting.write({"partner_id": lead.partner_id.id, "partner_source": "lead"})

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        opportunities._pbx_calls_sudo().write({"lead_id": self.id})
        self.env["pbx.call"]._record_merged(opportunities, self)
        return result
