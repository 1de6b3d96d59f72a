from odoo import fields, models


class PbxCallTag(models.Model):
    """What a call was about, chosen by people once it is over."""

    _name = "pbx.call.tag"
    _description = "Call tag"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    color = fields.Integer()
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one("res.company", help="Empty: for all companies.")
    is_spam = fields.Boolean(
        string="Spam",
        help="The number is not called back, and no lead is created.",
    )
    activity_type_id = fields.Many2one(
        "mail.activity.type",
        string="Plan an activity",
        ondelete="set null",
        help="Planned on the lead, or else on the contact, of a call with this tag.",
    )
    active = fields.Boolean(default=True)
