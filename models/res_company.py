from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def write(self, vals):
        result = super().write(vals)
        if {"country_id", "parent_id"}.intersection(vals):
            # Settings that webhooks keep in memory hold both.
            self.env.registry.clear_cache()
        return result
