from odoo import fields, models

from ..tools.secret_field import Secret
from . import pbx_secrets  # noqa: F401  (the model that is inherited comes first)


class PbxFormerUrl(models.Model):
    """Where a PBX sent its events before it was connected to this Odoo.

    Written before the PBX gets our address, on a cursor of its own: whatever becomes
    of the rest, the address of somebody else's integration is not lost.
    """

    _name = "pbx.former.url"
    _description = "Former address at a cloud PBX"
    _inherit = ["pbx.secrets"]
    _order = "id desc"
    _rec_name = "id"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider", required=True, readonly=True, index=True, ondelete="cascade"
    )
    url = Secret(required=True, readonly=True, groups="base.group_system")
    at = fields.Datetime(required=True, readonly=True)
