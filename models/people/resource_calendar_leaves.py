from odoo import models

from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)


class ResourceCalendarLeaves(models.Model):
    _name = "resource.calendar.leaves"
    _inherit = ["resource.calendar.leaves", "pbx.remembered"]

    def _kept_in_memory(self):
        # sudo: which they are, for code; who may write them was asked before
        # Work that is planned on a machine is kept as such, and changes all the time.
        return self.sudo().filtered(lambda leave: leave.time_type == "leave")
