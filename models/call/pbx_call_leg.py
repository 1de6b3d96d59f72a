from odoo import api, fields, models

from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)


class PbxCallLeg(models.Model):
    """What one extension did in a call: one leg per extension and call."""

    _name = "pbx.call.leg"
    _description = "Leg of a phone call"
    _inherit = ["pbx.internal.fields"]
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
    provider_id = fields.Many2one(
        "pbx.provider", string="Cloud PBX", required=True, readonly=True
    )
    number = fields.Char(
        string="Internal number",
        required=True,
        readonly=True,
        help="As the PBX reports it.",
    )
    shown_number = fields.Char(
        string="Number shown",
        compute="_compute_shown_number",
        # Who sees the leg sees whose it is; its number is no secret.
        compute_sudo=True,
        help="As it is entered here, where the PBX has another name for the phone.",
    )
    extension_id = fields.Many2one(
        "pbx.extension",
        string="Entered as",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    user_id = fields.Many2one(
        "res.users", readonly=True, help="Whose phone it was, if it was one person's."
    )
    user_ids = fields.Many2many(
        "res.users",
        "pbx_call_leg_user_rel",
        "leg_id",
        "user_id",
        string="Users",
        readonly=True,
        context={"active_test": False},
        help="Whose phone it was then. Who has it later changes nothing.",
    )
    start = fields.Datetime(string="Rang at", readonly=True)
    answer = fields.Datetime(string="Answered at", readonly=True)
    stop = fields.Datetime(string="Ended at", readonly=True)
    outcome = fields.Selection(
        [("answered", "Answered"), ("missed", "Missed")], readonly=True
    )

    is_nobodys = fields.Boolean(
        internal=True,
        readonly=True,
        help="Nobody had this internal number when it rang or called.",
    )
    # For reports: what came of the call here, and how long it rang.
    result = fields.Selection(
        [
            ("answered", "Answered"),
            ("elsewhere", "Answered by a colleague"),
            ("missed", "Missed"),
            ("not_reached", "Not reached"),
        ],
        readonly=True,
        help="How the call went at this internal number.",
    )
    rang_seconds = fields.Integer(
        string="Rang for", readonly=True, help="Seconds that it rang here."
    )
    direction = fields.Selection(related="call_id.direction")
    partner_id = fields.Many2one(related="call_id.partner_id")
    phone_number = fields.Char(related="call_id.number_readable", string="Phone number")

    _number_uniq = models.Constraint(
        "UNIQUE(call_id, number)", "A call has one leg per internal number."
    )
    _nobodys_idx = models.Index("(extension_id, call_id) WHERE is_nobodys")
    _start_idx = models.Index("(start)")
    _orphan_idx = models.Index("(provider_id, number) WHERE extension_id IS NULL")

    @api.depends("number", "extension_id.number")
    def _compute_shown_number(self):
        for leg in self:
            leg.shown_number = leg.extension_id.number or leg.number
