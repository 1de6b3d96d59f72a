"""Contacts on the agent's desk: searched for dialling and linking, and linked."""

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ...telephony import numbers
from ..tools.companies import of_all_companies

MAX_FOUND = 8
# Contacts are searched by so many digits of their number.
MIN_DIGITS = 3


class PbxDesk(models.AbstractModel):
    _inherit = "pbx.desk"

    @api.model
    @api.readonly
    def search_contacts(self, text, limit=MAX_FOUND):
        """Return contacts by name or number, for dialling and for linking."""
        self = of_all_companies(self)
        text = (text or "").strip()
        partners = self.env["res.partner"]
        if len(text) < 2 or not partners.has_access("read"):
            return []
        domain = Domain("complete_name", "ilike", text) | self._has_number(text)
        found = partners.search(domain, limit=min(max(int(limit), 1), 20))
        return [self.env["pbx.desk.card"]._who(partner) for partner in found]

    def _has_number(self, text):
        """Return the domain of contacts whose number begins like, or has in it, what is
        typed, in whatever style either is written."""
        plain = numbers.digits(text)
        if len(plain) < MIN_DIGITS or any(char.isalpha() for char in text):
            return Domain.FALSE
        whole = numbers.to_e164(text, self.env.company.country_id.code)
        domain = Domain("phone_sanitized", "=", whole) if whole else Domain.FALSE
        if text.startswith(("+", "00")):
            begins = f"+{plain.removeprefix('00')}"
            return domain | Domain("phone_sanitized", "=like", f"{begins}%")
        # Without the zero that only those dial who are in the country.
        inside = plain.lstrip("0")
        if len(inside) < MIN_DIGITS:
            return domain
        return domain | Domain("phone_mobile_search", "ilike", inside)

    @api.model
    def pick_contact(self, call_id, partner_id):
        """“This is who called”: return the call's new card."""
        self = of_all_companies(self)
        call = self.env["pbx.call"].browse(call_id).exists()
        partner = self.env["res.partner"].browse(partner_id).exists()
        if not call or not partner:
            raise UserError(self.env._("It is no longer there. Load the page again."))
        if not partner.has_access("read"):
            raise AccessError(self.env._("You may not see this contact."))
        call._pick(partner)
        return self.cards([call.id])
