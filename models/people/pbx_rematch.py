"""Calls that came before their contact did."""

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import numbers
from ..tools.transactions import (
    before_commit,
    begin_anew,
    limit_lock_waits,
    lock_rows,
)
from .pbx_phone_number import OWNERS

# Contacts whose calls are looked up in one transaction.
BATCH = 500


class PbxRematch(models.Model):
    """Contacts and leads whose numbers are new: their earlier calls are collected.

    Also calls whose contact or lead was deleted: they are looked up anew. A queue, so
    that creating a contact costs one row and importing a hundred thousand is not slowed
    down; a job, woken at once, does the rest.
    """

    _name = "pbx.rematch"
    _description = "Contacts whose earlier calls are collected"
    _log_access = False

    res_model = fields.Char(required=True)
    res_id = fields.Integer(required=True)

    @api.model
    def _request(self, records):
        """Have the earlier calls of ``records`` collected after this transaction."""
        if records:
            queue = before_commit(
                self.env, "cloud_pbx.rematch", dict, self._write_queue
            )
            queue.setdefault(records._name, set()).update(records.ids)

    @api.model
    def _write_queue(self, queue):
        """Write the rows of the queue and wake the job.

        :param dict queue: ``{model: ids}``.
        """
        for model, ids in queue.items():
            self.env.execute_query(
                SQL(
                    """INSERT INTO pbx_rematch (res_model, res_id)
                       SELECT %s, unnest(%s) RETURNING 1""",
                    model,
                    sorted(ids),
                )
            )
        # sudo: whoever creates a contact may wake our own job.
        self.env.ref("cloud_pbx.ir_cron_rematch").sudo()._trigger()

    @api.model
    def _cron_rematch(self):
        """Link calls that had no contact to those that have their number now."""
        progress = self.env["ir.cron"]._commit_progress
        # An event, or another job, may have just written one of these calls.
        while count := begin_anew(self.env, self._link_some):
            remaining = self.search_count([], limit=BATCH * 10)
            if not progress(count, remaining=remaining):
                return

    @api.model
    def _link_some(self):
        """Do some of the queue; return how many rows that were."""
        limit_lock_waits(self.env)
        rows = self.search([], order="id", limit=BATCH)
        for model, group in rows.grouped("res_model").items():
            self._link_calls(model, group.mapped("res_id"))
        count = len(rows)
        rows.unlink()
        return count

    @api.model
    def _link_calls(self, model, ids):
        """Look up anew the calls without contact that these records may have made."""
        if model == "pbx.call":
            return self._look_up_anew(self.env[model].browse(ids).exists())
        for number, company_id in self._numbers_to_look_up(model, ids):
            calls = self.env["pbx.call"].search(
                [
                    ("number", "=", number),
                    ("company_id", "=", company_id),
                    ("partner_id", "=", False),
                    "|",
                    ("partner_source", "=", False),
                    ("partner_source", "!=", "picked"),
                ]
            )
            for provider, group in calls.grouped("provider_id").items():
                self._link(provider, number, group)

    def _look_up_anew(self, calls):
        """Look up calls whose contact or lead was deleted.

        One look-up for each number. A person's choice stays: a contact that is left,
        and also none.
        """
        unknown = calls.filtered(
            lambda call: not call.partner_id and call.partner_source != "picked"
        )
        for (provider, number), group in unknown.grouped(_party).items():
            self._link(provider, number, group)
        without_lead = (calls - unknown).filtered(
            lambda call: call.partner_id and not call.lead_id
        )
        for (provider, number), group in without_lead.grouped(_party).items():
            settings = provider._settings(provider.id)
            match = self.env["pbx.directory"]._find(settings, number)
            if match.lead_id:
                theirs = group.filtered(
                    lambda call, match=match: call.partner_id.id == match.partner_id
                )
                lock_rows(theirs, "NO KEY UPDATE")
                theirs.write({"lead_id": match.lead_id})

    def _link(self, provider, number, calls):
        """Write who made these calls, all of one provider and from one number."""
        settings = provider._settings(provider.id)
        match = self.env["pbx.directory"]._find(settings, number)
        changed = calls.with_context(tracking_disable=True).filtered(
            lambda call: match.partner_id or call.partner_source != match.source
        )
        lock_rows(changed, "NO KEY UPDATE")
        changed.write({"partner_id": match.partner_id, "partner_source": match.source})
        if match.lead_id:
            without_lead = changed.filtered(lambda call: not call.lead_id)
            without_lead.write({"lead_id": match.lead_id})

    def _numbers_to_look_up(self, model, ids):
        """Return ``[(number, company id)]`` of calls without contact.

        Those from the numbers of these records, or from such as end or begin like them,
        in one statement.
        """
        return self.env.execute_query(
            SQL(
                """
                WITH own AS MATERIALIZED (
                     SELECT kind, number, tail FROM pbx_phone_number
                      WHERE %(owner)s = ANY(%(ids)s)
                      UNION
                     SELECT 'certain', phone_sanitized, NULL FROM %(table)s
                      WHERE id = ANY(%(ids)s))
                SELECT call.number, call.company_id
                  FROM own JOIN pbx_call call ON call.number = own.number
                 WHERE call.partner_id IS NULL
                 UNION
                SELECT call.number, call.company_id
                  FROM own JOIN pbx_call call
                    ON right(call.number, %(digits)s) = own.tail
                 WHERE call.partner_id IS NULL AND call.number IS NOT NULL
                 UNION
                SELECT call.number, call.company_id
                  FROM own JOIN pbx_call call ON call.number LIKE own.number || '%%'
                 WHERE own.kind = 'stem' AND call.partner_id IS NULL
                """,
                owner=SQL.identifier(OWNERS[model]),
                table=SQL.identifier(self.env[model]._table),
                ids=list(ids),
                digits=numbers.TAIL_DIGITS,
            )
        )


def _party(call):
    return call.provider_id, call.number
