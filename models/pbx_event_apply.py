"""Applying the inbox: from written-down events to the call log."""

import logging
from contextlib import nullcontext
from datetime import timedelta

import psycopg2
import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ..telephony import dialect as dialects
from .pbx_event import PAUSES

_logger = logging.getLogger(__name__)

# Two transactions met; a fresh one sees what the other did.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.LockNotAvailable,
)
TRIES = 5
# Facts of one call. No real call has that many; a forged flood would make each further
# event cost more.
MAX_FACTS = 400


class PbxEvent(models.Model):
    _inherit = "pbx.event"

    @api.model
    def _apply_in(self, cr, provider_id, ref, commit=True):
        """Apply all waiting events of one call, in fresh transactions on ``cr``.

        Only the holder of the call's lock applies; who does not get it leaves at once,
        since the holder looks once more after letting go. The lock belongs to the
        session, not to a transaction: a snapshot must be younger than the lock, or
        the events and the call that the last holder wrote would not be seen.

        :param bool commit: false where the caller's own transaction is used (a button).
        :return: whether everything waiting was looked at by us.
        """
        env = api.Environment(cr, SUPERUSER_ID, {})
        key = f"pbx.call/{provider_id}/{ref}"
        waiting = True
        while waiting:
            if not self._lock(cr, key):
                return False
            try:
                while waiting:
                    if commit:
                        cr.commit()
                    waiting = env["pbx.event"]._apply_waiting(provider_id, ref, commit)
            finally:
                if commit:
                    cr.rollback()
                self._unlock(cr, key)
            if not commit:
                return True
            cr.commit()
            waiting = bool(env["pbx.event"]._waiting_ids(provider_id, ref))
        return True

    @staticmethod
    def _lock(cr, key):
        cr.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        return cr.fetchone()[0]

    @staticmethod
    def _unlock(cr, key):
        cr.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])

    def _waiting_ids(self, provider_id, ref):
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM pbx_event
                    WHERE provider_id = %s AND %s
                      AND (state = 'pending'
                           OR (state = 'failed' AND next_attempt_at <= %s))
                 ORDER BY received_at, id LIMIT 500""",
                provider_id,
                SQL("ref = %s", ref) if ref else SQL("ref IS NULL"),
                fields.Datetime.now(),
            )
        )
        return [row[0] for row in rows]

    def _apply_waiting(self, provider_id, ref, commit):
        """Apply what waits for one call; return whether there was anything."""
        cr = self.env.cr
        for attempt in range(TRIES):
            events = self.browse(self._waiting_ids(provider_id, ref))
            if not events:
                return False
            try:
                # Where the transaction is ours alone, it is its own savepoint.
                with nullcontext() if commit else cr.savepoint():
                    events._apply_together()
                    cr.flush()
                if commit:
                    cr.commit()
                return True
            except Exception as error:  # noqa: BLE001
                if commit:
                    cr.rollback()
                    if isinstance(error, CONFLICTS) and attempt < TRIES - 1:
                        continue
                # Whatever broke, the event stays and a person can read why.
                _logger.exception("Cloud PBX %s: events not applied", provider_id)
                events._apply_one_by_one(error)
                break
        if commit:
            cr.commit()
        return True

    def _apply_one_by_one(self, error):
        """One event must not hold the others of its call up."""
        if len(self) == 1:
            self._mark_failed(error)
            return
        for event in self:
            try:
                with self.env.cr.savepoint():
                    event._apply_together()
            except Exception as own_error:  # noqa: BLE001
                event._mark_failed(own_error)

    def _apply_together(self):
        """Read the events' payloads, add them to the facts of the call, write it."""
        provider = self.provider_id
        settings = provider._settings(provider.id)
        dialect = dialects.get(settings.dialect)
        told, applied, ignored = [], self.browse(), self.browse()
        for event in self:
            events = dialect.read(
                event._delivery(), event.received_at, settings.account
            )
            told += events
            if events:
                applied |= event
            else:
                ignored |= event
        if told:
            self.env["pbx.call"]._add_facts(settings, told)
        applied._mark("done", blank=not settings.keep_log)
        # Not understood, but perhaps one day: the contents stay until they are pruned.
        ignored._mark("ignored")

    def _mark(self, state, blank=False):
        if not self:
            return
        self.env.execute_query(
            SQL(
                """UPDATE pbx_event
                      SET state = %s, error = NULL, next_attempt_at = NULL,
                          attempts = attempts + 1 %s
                    WHERE id = ANY(%s) RETURNING id""",
                state,
                SQL(", payload = NULL") if blank else SQL(""),
                list(self.ids),
            )
        )
        self.invalidate_recordset(flush=False)

    def _mark_failed(self, error):
        for event in self:
            pause = PAUSES[min(event.attempts, len(PAUSES) - 1)]
            at = fields.Datetime.now() + timedelta(minutes=pause)
            event.write(
                {
                    "state": "failed",
                    "attempts": event.attempts + 1,
                    "next_attempt_at": at,
                    "error": f"{type(error).__name__}: {error}"[:2000],
                }
            )
            self.env.ref("cloud_pbx.ir_cron_apply_events")._trigger(at=at)
