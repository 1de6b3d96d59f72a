from odoo import fields, models


class PbxCallRef(models.Model):
    """A further id of a call whose legs the PBX reports under two ids."""

    _name = "pbx.call.ref"
    _description = "Further id of a phone call"
    _rec_name = "ref"

    provider_id = fields.Many2one(
        "pbx.provider", required=True, ondelete="cascade", readonly=True
    )
    ref = fields.Char(required=True, readonly=True)
    call_id = fields.Many2one(
        "pbx.call",
        string="Phone call",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )

    _ref_uniq = models.Constraint(
        "UNIQUE(provider_id, ref)", "A call's id belongs to one call."
    )
