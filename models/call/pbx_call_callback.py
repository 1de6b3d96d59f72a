"""Missed calls that nobody has called back yet."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

# How long a missed call is somebody's business.
MISSED_DAYS = 30
# Earlier missed calls of one number whose people are told that it was spoken with.
MAX_SETTLED = 50


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

    # ------------------------------------------------------------- who counts anew

    def write(self, vals):
        result = super().write(vals)
        if "called_back" in vals:
            self._notify_counters()
        elif {"partner_id", "lead_id"}.intersection(vals):
            # Whose customer it is, has changed.
            self.filtered(lambda call: call.outcome == "missed")._notify_counters()
        return result

    def unlink(self):
        missed = self.filtered(lambda call: call.outcome == "missed")
        people = missed._who_counts()
        result = super().unlink()
        people._bus_send("cloud_pbx.missed", {})
        return result

    def _notify_change(self, before, after):
        result = super()._notify_change(before, after)
        if after["outcome"] != before.get("outcome"):
            self._notify_counters()
        return result

    def _notify_counters(self):
        """Have the browsers count anew whose missed calls these are, or settle.

        Before the commit, in one statement for all that changes until then.
        """
        changed = self.filtered(lambda call: call.outcome in ("missed", "answered"))
        if not changed:
            return
        waiting = self.env.cr.precommit.data.setdefault("cloud_pbx.counters", set())
        if not waiting:
            self.env.cr.precommit.add(self.sudo()._send_counters)
        waiting.update(changed.ids)

    @api.model
    def _send_counters(self):
        ids = self.env.cr.precommit.data.pop("cloud_pbx.counters", ())
        self.browse(ids)._who_counts()._bus_send("cloud_pbx.missed", {})

    def _who_counts(self):
        """Return the channels of whose business these missed calls are.

        In place of an answered one: the missed ones that it settles.
        """
        channels = self.env["res.partner"].sudo()  # sudo: told, and shown nothing
        if not self:
            return channels
        self.flush_model()
        groups = self.env["res.groups"]._get_group_definitions()
        supervisors = self.env["ir.model.data"]._xmlid_to_res_id(
            "cloud_pbx.group_pbx_manager"
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH missed AS (
                     SELECT id, company_id, partner_id, lead_id, user_id
                       FROM pbx_call
                      WHERE id = ANY(%(ids)s) AND outcome = 'missed'
                        AND start > %(since)s
                      UNION
                     SELECT earlier.*
                       FROM pbx_call spoken
                      CROSS JOIN LATERAL (
                            SELECT id, company_id, partner_id, lead_id, user_id
                              FROM pbx_call
                             WHERE company_id = spoken.company_id
                               AND number = spoken.number AND outcome = 'missed'
                               AND called_back IS NOT TRUE
                               AND start < spoken.start AND start > %(since)s
                             LIMIT %(limit)s) earlier
                      WHERE spoken.id = ANY(%(ids)s) AND spoken.outcome = 'answered'
                        AND spoken.start > %(since)s),
                     whose AS (
                     SELECT user_id FROM missed
                      UNION
                     SELECT rang.user_id FROM missed
                       JOIN pbx_call_participant_rel rang ON rang.call_id = missed.id
                      UNION
                     SELECT partner.user_id FROM missed
                       JOIN res_partner partner ON partner.id = missed.partner_id
                      UNION
                     SELECT lead.user_id FROM missed
                       JOIN crm_lead lead ON lead.id = missed.lead_id
                      UNION  -- nobody was rung: supervisors
                     SELECT held.uid FROM missed
                       JOIN res_company_users_rel works
                         ON works.cid = missed.company_id
                       JOIN res_groups_users_rel held
                         ON held.uid = works.user_id AND held.gid = ANY(%(groups)s)
                      WHERE NOT EXISTS (
                            SELECT 1 FROM pbx_call_participant_rel rang
                             WHERE rang.call_id = missed.id))
                SELECT DISTINCT users.partner_id
                  FROM whose JOIN res_users users ON users.id = whose.user_id
                 WHERE users.active AND EXISTS (
                       SELECT 1 FROM pbx_extension_res_users_rel phone
                        WHERE phone.user_id = users.id)
                """,
                ids=list(self.ids),
                since=fields.Datetime.now() - timedelta(days=MISSED_DAYS),
                limit=MAX_SETTLED,
                groups=[supervisors, *groups.get_subset_ids([supervisors])],
            )
        )
        return channels.browse(partner_id for [partner_id] in rows)


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
