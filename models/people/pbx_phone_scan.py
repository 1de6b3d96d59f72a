"""Reading the numbers of contacts that were there before us, in the background."""

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.transactions import in_own_transaction
from .pbx_phone_number import OWNERS, phone_columns

# Contacts whose numbers are read in one transaction.
BATCH = 1000


class PbxPhoneScan(models.Model):
    """How far the numbers of all contacts, or of all leads, have been read.

    On installation nothing is read: callers are found by ``phone_sanitized`` at once,
    and by all the rest as a job comes to it, a batch at a time. It begins anew when
    other fields hold phone numbers than before: another module was installed.
    """

    _name = "pbx.phone.scan"
    _description = "Reading of the phone numbers of all contacts"
    _log_access = False

    res_model = fields.Char(required=True)
    phone_fields = fields.Char(required=True)
    last_id = fields.Integer(required=True, help="Up to which record all are read.")

    def init(self):
        self.pool.post_init(self._prepare)
        return super().init()

    @api.model
    def _prepare(self):
        """Have all numbers read of which it is not known that they were."""
        self.flush_model()
        known = dict(
            self.env.execute_query(
                SQL("SELECT res_model, phone_fields FROM pbx_phone_scan")
            )
        )
        changed = False
        for model in OWNERS:
            names = ",".join(phone_columns(self.env[model]))
            if known.get(model) != names:
                changed = True
                self._begin(model, names)
        job = self.env.ref("cloud_pbx.ir_cron_read_phones", raise_if_not_found=False)
        if changed and job:  # a new job runs at once, anyway
            # sudo: whoever installs a module may wake our own job
            job.sudo()._trigger()

    def _begin(self, model, names):
        self.search([("res_model", "=", model)]).unlink()
        self.create({"res_model": model, "phone_fields": names, "last_id": 0})

    @api.model
    def _cron_read(self):
        """Read the numbers of contacts and leads that have not been read yet.

        New ones are read once more: somebody may have written them past Odoo.
        """
        for scan in self.search([], order="id", limit=len(OWNERS)):
            while True:
                # Apart: where it meets somebody who edits a contact it is done anew.
                read = in_own_transaction(
                    self.env, lambda env, scan=scan: scan.with_env(env)._read_batch()
                )
                remaining = BATCH if read == BATCH else 0
                if not self.env["ir.cron"]._commit_progress(read, remaining=remaining):
                    return
                if not remaining:
                    break

    def _read_batch(self):
        """Read the numbers of the next records; return how many these are."""
        records = self._next_records()
        changed = self.env["pbx.phone.number"]._index(records)
        self._touch(changed)
        self.env["pbx.rematch"]._request(changed)
        if records:
            self.last_id = records.ids[-1]
        return len(records)

    def _next_records(self):
        """Return, read, the next records that have a number, or had one."""
        model = self.env[self.res_model]
        columns = phone_columns(model)
        found = self.env.execute_query(
            SQL(
                """SELECT id FROM %(table)s record
                    WHERE id > %(last_id)s
                      AND (%(has_number)s OR EXISTS (
                           SELECT 1 FROM pbx_phone_number phone
                            WHERE phone.%(owner)s = record.id))
                    ORDER BY id LIMIT %(limit)s""",
                table=SQL.identifier(model._table),
                last_id=self.last_id,
                has_number=SQL(" OR ").join(
                    SQL("%s IS NOT NULL", SQL.identifier("record", name))
                    for name in columns
                ),
                owner=SQL.identifier(OWNERS[self.res_model]),
                limit=BATCH,
            )
        )
        records = model.browse(id_ for [id_] in found)
        partner = ["commercial_partner_id"] if "commercial_partner_id" in model else []
        records.fetch([*columns, "phone_sanitized", "country_id", *partner])
        return records

    @staticmethod
    def _touch(records):
        """Make whoever is editing one of these records do it anew.

        They would not see the rows that have just been written, and leave them.
        """
        if records:
            records.env.cr.execute(
                SQL(
                    "UPDATE %s SET write_date = write_date WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    records.ids,
                ),
                log_exceptions=False,
            )
