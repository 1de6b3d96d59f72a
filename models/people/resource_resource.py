from odoo import models

from .. import pbx_remembered  # noqa: F401  (the model that is inherited comes first)


class ResourceResource(models.Model):
    _name = "resource.resource"
    _inherit = ["resource.resource", "pbx.remembered"]

    def _kept_in_memory(self):
        # sudo: which they are, for code; who may write them was asked before
        return self.sudo().filtered("user_id")
