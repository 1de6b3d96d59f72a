"""Missed calls that nobody has called back yet."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

# How long a missed call is somebody's business.
MISSED_DAYS = 30


class PbxCall(models.Model):
    _inherit = "pbx.call"

    called_back = fields.Boolean(
        string="Settled",
        copy=False,
        help="Marked by hand: nobody need call back.",
    )
    to_call_back = fields.Boolean(
        string="To call back",
        compute="_compute_to_call_back",
        search="_search_to_call_back",
        help="Missed, and nobody has spoken with that number since.",
    )

    _missed_idx = models.Index(
        "(company_id, start) WHERE outcome = 'missed' AND called_back IS NOT TRUE"
    )
    _spoken_idx = models.Index("(number, company_id, start) WHERE outcome = 'answered'")

    @api.depends("outcome", "number", "called_back")
    def _compute_to_call_back(self):
        missed = self.filtered(
            lambda call: call.outcome == "missed" and call.number and call.id
        )
        # sudo: only of calls that are being read
        waiting = missed.sudo().search(
            [("id", "in", missed.ids), ("to_call_back", "=", True)]
        ) if missed else missed  # fmt: skip
        for call in self:
            call.to_call_back = call in waiting

    @api.model
    def _search_to_call_back(self, operator, value):
        if operator != "in":
            return NotImplemented
        # What a later call tells is asked when it is wanted, and kept nowhere: so it is
        # right in whatever order the two calls are told.
        waiting = Domain.custom(to_sql=_waits)
        wanted = set(value)
        if wanted == {True}:
            return waiting
        return ~waiting if wanted == {False} else Domain.TRUE

    def action_called_back(self):
        """Nobody need call back any more, for whatever reason."""
        missed = self.filtered(lambda call: call.outcome == "missed")
        if not missed:
            raise UserError(self.env._("Only a missed call can be called back."))
        missed.write({"called_back": True})
        return True


def _waits(model, alias, query):
    """Return the SQL condition that ``alias`` was missed and is not called back yet."""
    call = {
        name: SQL.identifier(alias, name, to_flush=model._fields[name])
        for name in ("outcome", "called_back", "number", "company_id", "start")
    }
    # A single value, asked of the few calls that may wait: for NOT EXISTS the database
    # may choose to read the whole log first.
    return SQL(
        """(%(outcome)s = 'missed' AND %(called_back)s IS NOT TRUE
            AND %(number)s IS NOT NULL
            AND (SELECT TRUE FROM pbx_call later
                  WHERE later.number = %(number)s
                    AND later.company_id = %(company_id)s
                    AND later.outcome = 'answered' AND later.start > %(start)s
                  LIMIT 1) IS NULL)""",
        **call,
    )
