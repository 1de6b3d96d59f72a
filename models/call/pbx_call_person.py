"""What people do with a call: pick who it was, create, claim."""

from odoo import api, models
from odoo.exceptions import UserError

from ...telephony import numbers


class PbxCall(models.Model):
    _inherit = "pbx.call"

    def action_claim(self):
        """“It was me”: several people share the extension that spoke."""
        for call in self:
            if not call.can_claim:
                raise UserError(
                    self.env._(
                        "This call has its user already, or your phone had no part "
                        "in it."
                    )
                )
        self.write({"user_id": self.env.uid})
        return True

    def _pick(self, partner):
        """Link ``partner`` by a person's choice; it is remembered for the number."""
        self.write({"partner_id": partner.id})
        for call in self:
            if call.number and not partner.phone and partner.has_access("write"):
                # Entered once here, it is found by everybody from now on.
                partner.phone = numbers.readable(call.number)

    def action_create_contact(self):
        """Open the form of a new contact that has the number already."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New contact"),
            "res_model": "res.partner",
            "views": [(False, "form")],
            "target": "current",
            "context": {
                "default_phone": self._phone_for_form(),
                "default_user_id": self.user_id.id,
                "default_country_id": self._country_of_number().id,
                "default_company_id": False,
                "pbx_call_id": self.id,
            },
        }

    def action_create_lead(self):
        """Open the form of a new lead for this caller."""
        self.ensure_one()
        who = self.partner_id.display_name or self._phone_for_form()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New lead"),
            "res_model": "crm.lead",
            "views": [(False, "form")],
            "target": "current",
            "context": {
                "default_type": (
                    "lead"
                    if self.env.user.has_group("crm.group_use_lead")
                    else "opportunity"
                ),
                "default_name": self.env._("Call from %s", who)
                if self.direction == "inbound"
                else self.env._("Call to %s", who),
                "default_partner_id": self.partner_id.id,
                "default_phone": self._phone_for_form(),
                "default_user_id": self.user_id.id or self.env.uid,
                "pbx_call_id": self.id,
            },
        }

    def action_create_extensions(self):
        """Offer the internal numbers that nobody entered yet."""
        self.ensure_one()
        number = (self.unknown_extensions or "").split(", ")[0]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New internal number"),
            "res_model": "pbx.extension",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_number": number,
                "default_provider_id": self.provider_id.id,
            },
        }

    def _phone_for_form(self):
        return numbers.readable(self.number) or False

    def _country_of_number(self):
        code = numbers.country_of(self.number)
        return self.env["res.country"].search([("code", "=", code)], limit=1)

    @api.model
    def _adopt_created(self, record):
        """Link what was just created from a call's form to that call."""
        call = self.browse(self.env.context.get("pbx_call_id")).exists()
        if not call:
            return
        if record._name == "crm.lead":
            values = {"lead_id": record.id}
            if record.partner_id and not call.partner_id:
                values["partner_id"] = record.partner_id.id
            call.write(values)
        else:
            call.write({"partner_id": record.id})
