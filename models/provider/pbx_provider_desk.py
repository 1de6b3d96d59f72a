"""Switched off, a cloud PBX takes its phones from open pages; on, it gives them."""

from odoo import models


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    def write(self, vals):
        if not {"active", "user_id"}.intersection(vals):
            return super().write(vals)
        before = {provider: provider.is_running for provider in self}
        result = super().write(vals)
        changed = self.filtered(lambda one: one.is_running != before[one])
        self.env["pbx.notifier"]._phones_changed(changed._people())
        return result

    def unlink(self):
        users = self._people()
        result = super().unlink()
        self.env["pbx.notifier"]._phones_changed(users)
        return result

    def _people(self):
        """Return the users who have a phone there."""
        phones = self.env["pbx.extension"].search([("provider_id", "in", self.ids)])
        return phones.user_ids
