from odoo import fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    pbx_extension_ids = fields.Many2many(
        "pbx.extension",
        "pbx_extension_res_users_rel",
        "user_id",
        "extension_id",
        string="Internal numbers",
        help="The phones of this user. Takes effect at once, without a new login.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ["pbx_extension_ids"]
