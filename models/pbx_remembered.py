from odoo import api, models

from .tools.memory import forget


class PbxRemembered(models.AbstractModel):
    """What workers keep in memory: whoever writes it, they read it anew."""

    _name = "pbx.remembered"
    _description = "Kept in memory"

    def _kept_in_memory(self):
        """Return those of these records that are: all, if no model says otherwise."""
        return self

    def _forget_in_workers(self):
        forget(self.env)
        # Hours and absences are among it.
        self.env["pbx.notifier"]._wallboard_changed()

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        if records._kept_in_memory():
            self._forget_in_workers()
        return records

    def write(self, vals):
        was_kept = bool(self._kept_in_memory())
        result = super().write(vals)
        if was_kept or self._kept_in_memory():
            self._forget_in_workers()
        return result

    def unlink(self):
        was_kept = bool(self._kept_in_memory())
        result = super().unlink()
        if was_kept:
            self._forget_in_workers()
        return result
