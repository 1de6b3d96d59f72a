from odoo import api, models
from odoo.tools import SQL

from ..models.people.pbx_phone_number import with_phone


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        result = super()._merge(partner_ids, dst_partner, extra_checks)
        # Odoo moves the linked calls itself; those that had several contacts to choose
        # from may have one now.
        left = self.env["res.partner"].browse(partner_ids).exists()
        self.env["pbx.rematch"]._request(with_phone(left))
        return result

    @api.model
    def _update_reference_fields(self, src_partners, dst_partner):
        result = super()._update_reference_fields(src_partners, dst_partner)
        self.env["pbx.call"]._record_merged(src_partners, dst_partner)
        return result

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # All that points to them is handed over. Their numbers are not the other's,
        # unless Odoo writes one into its fields.
        self.env.cr.execute(
            SQL(
                "DELETE FROM pbx_phone_number WHERE partner_id = ANY(%s)",
                src_partners.ids,
            )
        )
        return super()._update_foreign_keys(src_partners, dst_partner)
