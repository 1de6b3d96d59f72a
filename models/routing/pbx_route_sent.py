from odoo import fields, models

# What was sent to a phone longer ago, and never rang there, does not hold it.
HELD_MINUTES = 5


class PbxRouteSent(models.Model):
    """Which call a phone was sent last.

    One row for each phone, written with the event that asked: two callers in one
    second meet in it, so that the second decision is made anew and finds the phone
    busy. Until the phone rings nothing else says so.
    """

    _name = "pbx.route.sent"
    _description = "Call that was sent to a phone"
    _log_access = False

    provider_id = fields.Many2one("pbx.provider", required=True, ondelete="cascade")
    number = fields.Char(required=True, help="Of the phone.")
    ref = fields.Char(required=True, help="The PBX's id of the call.")
    sent_at = fields.Datetime(required=True)

    _number_uniq = models.UniqueIndex("(provider_id, number)")
