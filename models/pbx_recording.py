from odoo import fields, models


class PbxRecording(models.Model):
    """A recording of a call, or of one of its parts."""

    _name = "pbx.recording"
    _description = "Recording of a phone call"
    _order = "id"
    _rec_name = "ref"

    call_id = fields.Many2one(
        "pbx.call", required=True, ondelete="cascade", index=True, readonly=True
    )
    company_id = fields.Many2one(related="call_id.company_id")
    ref = fields.Char(
        string="Recording ID",
        required=True,
        readonly=True,
        help="The PBX's id of the recording.",
    )
    state = fields.Selection(
        [
            ("waiting", "At the PBX"),
            ("stored", "Stored"),
            ("linked", "Linked"),
            ("failed", "Failed"),
            ("expired", "Expired"),
        ],
        default="waiting",
        required=True,
        readonly=True,
    )
    audio = fields.Binary(attachment=True, readonly=True)

    _ref_uniq = models.Constraint(
        "UNIQUE(call_id, ref)", "A call has each of its recordings once."
    )
