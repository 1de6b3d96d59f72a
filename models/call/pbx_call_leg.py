from odoo import fields, models


class PbxCallLeg(models.Model):
    """What one extension did in a call: one leg per extension and call."""

    _name = "pbx.call.leg"
    _description = "Leg of a phone call"
    _order = "start, id"
    _rec_name = "number"

    call_id = fields.Many2one(
        "pbx.call",
        string="Phone call",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )
    provider_id = fields.Many2one("pbx.provider", required=True, readonly=True)
    number = fields.Char(
        string="Internal number",
        required=True,
        readonly=True,
        help="As the PBX reports it.",
    )
    extension_id = fields.Many2one(
        "pbx.extension",
        string="Entered as",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    user_id = fields.Many2one("res.users", readonly=True)
    start = fields.Datetime(string="Rang at", readonly=True)
    answer = fields.Datetime(string="Answered at", readonly=True)
    stop = fields.Datetime(string="Ended at", readonly=True)
    outcome = fields.Selection(
        [("answered", "Answered"), ("missed", "Missed")], readonly=True
    )

    _number_uniq = models.Constraint(
        "UNIQUE(call_id, number)", "A call has one leg per internal number."
    )
    _orphan_idx = models.Index("(provider_id, number) WHERE extension_id IS NULL")
