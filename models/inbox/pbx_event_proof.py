import dataclasses
import json
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony.dialect import Delivery

# A signed text may come again at any time. After a year it makes one old call at the
# most, which raises no card.
KEEP_DAYS = 365
# Deleted in one transaction (the housekeeping goes on until none is left), or read.
BATCH = 10_000


class PbxEventProof(models.Model):
    """Which call a signed text belongs to: the one that it came with first.

    Where a PBX signs a part of an event only, the same signature proves whatever else
    somebody makes of it. One row for each text: a unique index decides who was first.
    """

    _name = "pbx.event.proof"
    _description = "Signed text of phone events"
    _rec_name = "ref"
    _log_access = False

    provider_id = fields.Many2one("pbx.provider", required=True, ondelete="cascade")
    digest = fields.Char(required=True, help="Of the text, which is not kept.")
    part = fields.Char(
        required=True,
        help="Which of the two legs of a click, where both are signed alike.",
    )
    ref = fields.Char(required=True, help="The PBX's id of the call.")
    at = fields.Datetime(required=True)

    _digest_uniq = models.UniqueIndex("(provider_id, digest, part)")

    @api.model
    def _refs_of(self, provider_id, digest):
        """Return the ids of calls that a signed text belongs to."""
        rows = self.env.execute_query(
            SQL(
                """SELECT ref FROM pbx_event_proof
                    WHERE provider_id = %s AND digest = %s""",
                provider_id,
                digest,
            )
        )
        return [ref for [ref] in rows]

    @api.model
    def _bind_inbox(self):
        """Bind the texts of events that were kept before there was this table."""
        last = 0
        while rows := self._read_inbox(last):
            last = rows[-1][0]
            found = {}
            for _id, provider_id, code, kind, ref, payload, at in rows:
                dialect, contents = dialects.get(code), _read(payload)
                if not dialect or contents is None:
                    continue
                delivery = Delivery(kind, ref, contents)
                signed, part = dialect.signed_of(delivery)
                digest = dataclasses.replace(delivery, signed=signed).proof_digest
                if digest:
                    found.setdefault((provider_id, digest, part), (ref, at))
            for key, value in found.items():
                self.env.cr.execute(
                    SQL(
                        """INSERT INTO pbx_event_proof
                                       (provider_id, digest, part, ref, at)
                                VALUES %s ON CONFLICT DO NOTHING""",
                        (*key, *value),
                    )
                )

    def _read_inbox(self, last):
        return self.env.execute_query(
            SQL(
                """SELECT event.id, provider_id, dialect, event_type,
                          coalesce(ref, ''), payload, received_at
                     FROM pbx_event event
                     JOIN pbx_provider provider ON provider.id = provider_id
                    WHERE event.id > %s AND payload IS NOT NULL
                 ORDER BY event.id LIMIT %s""",
                last,
                BATCH,
            )
        )

    @api.autovacuum
    def _gc_proofs(self):
        """Remove what is older than a replay makes sense.

        :return: ``(deleted, left)``, as autovacuum takes it.
        """
        before = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.env.cr.execute(
            SQL(
                """DELETE FROM pbx_event_proof WHERE at < %s AND id IN (
                       SELECT id FROM pbx_event_proof ORDER BY id LIMIT %s)""",
                before,
                BATCH,
            )
        )
        deleted = self.env.cr.rowcount
        return deleted, int(deleted == BATCH)


def _read(payload):
    """Return what an event holds; ``None``: it cannot be read."""
    try:
        contents = json.loads(payload)
    except ValueError:
        return None
    return contents if isinstance(contents, dict) else None
