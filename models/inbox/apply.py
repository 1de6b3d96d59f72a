"""Applying the inbox: from written-down events to the call log.

This is the one place that ends transactions by itself: what a PBX was answered is
committed already, and what fails here must fail alone.
"""
# pylint: disable=invalid-commit

import json
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony.dialect import Delivery
from ..tools.transactions import CONFLICTS, TRIES

_logger = logging.getLogger(__name__)

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
        since the holder looks once more after letting go. A lock whose last holder
        committed in the very moment in which our snapshot was taken shows us old rows:
        writing over them is refused by the database, and we begin anew.

        :param dict found: remembers whom the look-ups found, for the caller.
        """
        context = {"pbx_found": {} if found is None else found}
        events = api.Environment(cr, SUPERUSER_ID, context)["pbx.event"]
        conflicts = 0
        while True:
            locked, waiting = events._waiting(provider_id, ref, lock=True)
            if not locked:
                return
            try:
                outbound = events._apply_together(provider_id, waiting)
                cr.commit()
                if outbound:
                    self._join_unseen(cr, outbound)
            except CONFLICTS as error:
                cr.rollback()
                conflicts += 1
                if conflicts == TRIES:
                    events._apply_one_by_one(provider_id, waiting, error)
            except Exception as error:  # noqa: BLE001
                cr.rollback()
                events._apply_one_by_one(provider_id, waiting, error)
            cr.commit()
            if not events._waiting(provider_id, ref, limit=1)[1]:
                return

    @staticmethod
    def _join_unseen(cr, call):
        """Join the other leg of a click that was written in the same moment.

        Two ids have two locks, and neither transaction sees what the other wrote. Once
        both are committed the later one does.
        """
        for _try in range(TRIES):
            try:
                if call._may_have_leg():
                    settings = call.provider_id._settings(call.provider_id.id)
                    call._join_legs(settings, wait=True)
                cr.commit()
                return
            except CONFLICTS:
                cr.rollback()  # joined by the other's transaction, perhaps: look again

    def _waiting(self, provider_id, ref, lock=False, limit=MAX_TOGETHER):
        """Return ``(locked, [Waiting])``: what waits of one call, oldest first.

        :param bool lock: take the call's lock for this transaction; who does not get it
            is given nothing.
        """
        key = f"pbx.call/{provider_id}/{ref}"
        rows = self.env.execute_query(
            SQL(
                """WITH this AS MATERIALIZED (SELECT %(lock)s AS locked)
                 SELECT this.locked, waiting.* FROM this LEFT JOIN LATERAL (
                 SELECT id, event_type, ref, payload, received_at,
                          coalesce(attempts, 0)
                     FROM pbx_event
                    WHERE this.locked
                      AND provider_id = %(provider)s AND %(of_call)s
                      AND state IN ('pending', 'failed')
                      AND (state = 'pending' OR next_attempt_at <= %(now)s)
                 ORDER BY received_at, id LIMIT %(limit)s) waiting ON TRUE""",
                lock=SQL("pg_try_advisory_xact_lock(hashtextextended(%s, 0))", key)
                if lock
                else SQL("TRUE"),
                provider=provider_id,
                of_call=SQL("ref = %s", ref) if ref else SQL("ref IS NULL"),
                now=fields.Datetime.now(),
                limit=limit,
            )
        )
        return rows[0][0], [Waiting(*row[1:]) for row in rows if row[1]]

    def _apply_here(self, provider_id, ref):
        """Apply what waits for one call in the caller's own transaction."""
        _locked, waiting = self._waiting(provider_id, ref)
        try:
            with self.env.cr.savepoint():
                self._apply_together(provider_id, waiting)
        except Exception as error:  # noqa: BLE001
            self._apply_one_by_one(provider_id, waiting, error)

    def _apply_one_by_one(self, provider_id, waiting, error):
        """One event must not hold the others of its call up.

        Whatever broke, the events stay, and a person can read why.
        """
        _logger.error("Cloud PBX %s: events not applied", provider_id, exc_info=error)
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
        """Read the events, add them to the facts of their call, write it.

        :return: the call, if it is an outgoing one.
        """
        if not waiting:
            return None
        settings = self.env["pbx.provider"]._settings(provider_id)
        dialect = dialects.get(settings.dialect)
        told, applied, ignored, call = [], [], [], None
        for event in waiting:
            events = dialect.read(event.delivery, event.received_at, settings.account)
            told += events
            (applied if events else ignored).append(event.id)
        # Marked first: rows that are older than our snapshot are noticed here, at once.
        self._mark("done", applied, blank=not settings.keep_log)
        # Not understood, but perhaps one day: the contents stay until they are pruned.
        self._mark("ignored", ignored)
        if told:
            call = self.env["pbx.call"]._add_facts(settings, told)
        return call if call and call.direction == "outbound" else None

    def _mark(self, state, ids, blank=False):
        if not ids:
            return
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_event
                      SET state = %s, error = NULL, next_attempt_at = NULL,
                          attempts = coalesce(attempts, 0) + 1 %s
                    WHERE id = ANY(%s)""",
                state,
                SQL(", payload = NULL") if blank else SQL(""),
                ids,
            ),
            # That somebody was quicker is no error: we look again.
            log_exceptions=False,
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
