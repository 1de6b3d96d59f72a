"""Applying the inbox: from written-down events to the call log."""

import json
import logging
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ..telephony import dialect as dialects
from ..telephony.dialect import Delivery

_logger = logging.getLogger(__name__)

# Two transactions met; a fresh one sees what the other did.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.LockNotAvailable,
)
TRIES = 5
# Applied together at the most; the rest follows in the next transaction.
MAX_TOGETHER = 200
# Minutes until a failed event is tried again; the last one goes on for ever.
PAUSES = (1, 5, 30, 120, 360, 1440)


class Waiting(NamedTuple):
    """An event that waits, as its row says."""

    id: int
    event_type: str
    ref: str
    payload: str
    received_at: datetime
    attempts: int

    @property
    def delivery(self):
        return Delivery(self.event_type, self.ref or "", json.loads(self.payload))


class PbxEvent(models.Model):
    _inherit = "pbx.event"

    @api.model
    def _apply_in(self, cr, provider_id, ref, found=None):
        """Apply all waiting events of one call, in fresh transactions on ``cr``.

        Only the holder of the call's lock applies; who does not get it leaves at once,
        since the holder looks once more after letting go. The lock belongs to the
        session, not to a transaction: a snapshot must be younger than the lock, or
        the events and the call that the last holder wrote would not be seen.

        :param dict found: remembers whom the look-ups found, for the caller.
        """
        context = {"pbx_found": {} if found is None else found}
        events = api.Environment(cr, SUPERUSER_ID, context)["pbx.event"]
        key = f"pbx.call/{provider_id}/{ref}"
        while True:
            cr.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
            if not cr.fetchone()[0]:
                return
            try:
                cr.commit()
                events._apply_waiting(provider_id, ref, own_transaction=True)
            finally:
                cr.rollback()
                cr.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
                cr.commit()
            if not events._waiting(provider_id, ref, limit=1):
                return

    def _waiting(self, provider_id, ref, limit=MAX_TOGETHER):
        """Return the list of :class:`Waiting` events of one call, oldest first."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id, event_type, ref, payload, received_at, attempts
                     FROM pbx_event
                    WHERE provider_id = %s AND %s
                      AND state IN ('pending', 'failed')
                      AND (state = 'pending' OR next_attempt_at <= %s)
                 ORDER BY received_at, id LIMIT %s""",
                provider_id,
                SQL("ref = %s", ref) if ref else SQL("ref IS NULL"),
                fields.Datetime.now(),
                limit,
            )
        )
        return [Waiting(*row) for row in rows]

    def _apply_waiting(self, provider_id, ref, own_transaction=False):
        """Apply what waits for one call.

        :param bool own_transaction: whether the transaction holds nothing else, so that
            it may be committed, rolled back and tried again.
        """
        cr = self.env.cr
        for attempt in range(1, TRIES + 1):
            waiting = self._waiting(provider_id, ref)
            if not waiting:
                return
            try:
                # Where the transaction is ours alone, it is its own savepoint.
                with nullcontext() if own_transaction else cr.savepoint():
                    self._apply_together(provider_id, waiting)
                    cr.flush()
            except Exception as error:  # noqa: BLE001
                if own_transaction:
                    cr.rollback()
                    if isinstance(error, CONFLICTS) and attempt < TRIES:
                        continue
                # Whatever broke, the events stay and a person can read why.
                _logger.exception("Cloud PBX %s: events not applied", provider_id)
                self._apply_one_by_one(provider_id, waiting, error)
            if own_transaction:
                cr.commit()
            return

    def _apply_one_by_one(self, provider_id, waiting, error):
        """One event must not hold the others of its call up."""
        if len(waiting) == 1:
            self._mark_failed(waiting[0], error)
            return
        for event in waiting:
            try:
                with self.env.cr.savepoint():
                    self._apply_together(provider_id, [event])
            except Exception as own_error:  # noqa: BLE001
                self._mark_failed(event, own_error)

    def _apply_together(self, provider_id, waiting):
        """Read the events, add them to the facts of their call, write it."""
        settings = self.env["pbx.provider"]._settings(provider_id)
        dialect = dialects.get(settings.dialect)
        told, applied, ignored = [], [], []
        for event in waiting:
            events = dialect.read(event.delivery, event.received_at, settings.account)
            told += events
            (applied if events else ignored).append(event.id)
        if told:
            self.env["pbx.call"]._add_facts(settings, told)
        self._mark("done", applied, blank=not settings.keep_log)
        # Not understood, but perhaps one day: the contents stay until they are pruned.
        self._mark("ignored", ignored)

    def _mark(self, state, ids, blank=False):
        if not ids:
            return
        self.env.execute_query(
            SQL(
                """UPDATE pbx_event
                      SET state = %s, error = NULL, next_attempt_at = NULL,
                          attempts = attempts + 1 %s
                    WHERE id = ANY(%s) RETURNING id""",
                state,
                SQL(", payload = NULL") if blank else SQL(""),
                ids,
            )
        )

    def _mark_failed(self, event, error):
        pause = PAUSES[min(event.attempts, len(PAUSES) - 1)]
        at = fields.Datetime.now() + timedelta(minutes=pause)
        self.browse(event.id).write(
            {
                "state": "failed",
                "attempts": event.attempts + 1,
                "next_attempt_at": at,
                "error": f"{type(error).__name__}: {error}"[:2000],
            }
        )
        self.env.ref("cloud_pbx.ir_cron_apply_events")._trigger(at=at)
