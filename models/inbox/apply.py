"""Applying the inbox: from stored events to the call log.

This is one of the few places that end transactions by themselves: what a PBX was
answered is committed already, and what fails here must fail alone.
"""
# pylint: disable=invalid-commit

import contextlib
import json
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg2.errors

from odoo import fields
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony.admission import MAX_OF_A_KIND
from ...telephony.dialect import Delivery
from ...telephony.local_time import in_zones
from ..call.log import CallLog
from ..tools.transactions import (
    CONFLICTS,
    TRIES,
    begin_anew,
    gave_up_waiting,
    limit_lock_waits,
    lock_timeout,
    one_after_another,
    pause_before_retry,
)

_logger = logging.getLogger(__name__)

# Applied together at the most; the rest follows in the next transaction.
MAX_TOGETHER = 200
# Until the job looks at events whose call is locked by somebody else.
LOCKED_SECONDS = 15
# A call of the same number that ended so lately may not have been seen; the job sees to
# calls that began longer ago.
UNSEEN_SECONDS, UNSEEN_HOURS = 10, 12
# Minutes until a failed event is tried again; the last one goes on for ever.
PAUSES_MINUTES = (1, 5, 30, 120, 360, 1440)


class Waiting(NamedTuple):
    """An event that waits, as its row says."""

    id: int
    event_type: str
    ref: str
    payload: str
    received_at: datetime
    attempts: int
    # What the PBX was told that asked with it, as telephony.routing.Outcome writes it.
    decision: dict | None = None

    @property
    def delivery(self):
        return Delivery(self.event_type, self.ref or "", json.loads(self.payload))


class Apply:
    """Applies the waiting events of one call.

    A plain class: it is the state of one run. Only the holder of the call's lock
    applies; who does not get it leaves at once, since the holder looks once more after
    letting go. The lock is held until its transaction ends, and no longer: after each
    rollback it is taken again, and the rows are read anew.

    Nor does it wait for long where somebody else holds a row: then the events are left
    to the job, which goes on to other calls in the same way.

    A lock whose last holder committed in the very moment in which our snapshot was
    taken shows us old rows: writing over them is refused by the database, and we begin
    anew.

    :param env: with the system's rights, on the cursor whose transactions are used.
    :param str ref: the PBX's id of the call, ``""`` for events without one.
    :param dict memory: of the look-ups; see ``pbx.directory``.
    """

    def __init__(self, env, provider_id, ref, memory=None):
        self.env = env
        self.provider_id, self.ref = provider_id, ref
        self.memory = {} if memory is None else memory
        self.settings = self.env["pbx.provider"]._settings(provider_id)
        # Ids of internal numbers whose phones do something now.
        self.online_ids = set()

    # -------------------------------------------------------------- transactions

    def run(self):
        """Apply all that waits, in fresh transactions, as long as nobody else does."""
        try:
            with contextlib.ExitStack() as turn:
                self._run(turn)
        except psycopg2.errors.LockNotAvailable:
            # Of a table, not of a row.
            self.env.cr.rollback()
            self._leave_to_the_job()

    def _run(self, turn):
        """The same; ``turn`` is entered once others are met, and left at the end."""
        cr, conflicts, failure = self.env.cr, 0, None
        while True:
            waiting = self._read_waiting(lock=True)
            if waiting is None:
                return  # somebody else applies them
            try:
                if failure is None:
                    call = self._apply_together(waiting)
                else:
                    self._apply_one_by_one(waiting, failure)
                    call, failure = None, None
                is_outbound = call and call.direction == "outbound"
                number = call and call.state == "done" and call.number
                is_lost = bool(number) and call.outcome != "answered"
                cr.commit()
            except psycopg2.errors.LockNotAvailable:
                cr.rollback()
                self._leave_to_the_job()
                return
            except CONFLICTS as error:
                cr.rollback()
                conflicts += 1
                if conflicts == TRIES:
                    failure = error
                elif conflicts > 2 * TRIES:
                    _logger.warning(
                        "Cloud PBX %s: events wait for the job", self.provider_id
                    )
                    self._wake_the_job()
                    return
                pause_before_retry(min(conflicts, TRIES))
                try:
                    if conflicts == 1:
                        # Many calls of one number may end in the same instant.
                        key = f"pbx.call/{self.settings.company_id}"
                        turn.enter_context(one_after_another(self.env, key))
                except psycopg2.errors.LockNotAvailable:
                    # Many of our own kind have their turns: nobody holds a row, and the
                    # job can have its turn at once.
                    cr.rollback()
                    self._wake_the_job()
                    return
                continue
            except Exception as error:  # noqa: BLE001
                cr.rollback()
                if failure is not None:
                    raise  # even noting the failure fails
                failure = error
                continue
            self._note_online()
            if is_outbound and not dialects.get(self.settings.dialect).reports_legs:
                self._join_unseen(call)
            more, met = self._look_again(call, number, is_lost)
            if met:
                self._follow_unseen(call)
            cr.commit()
            if not more:
                return

    def _note_online(self):
        """Phones that ring, answer or dial are connected, whatever was known before.

        After the commit, in a transaction of its own: no event waits for it, or is
        applied anew because of it.
        """
        if not self.online_ids:
            return
        extensions = self.env["pbx.extension"].browse(sorted(self.online_ids))
        self.online_ids = set()
        try:
            extensions._note_online()
            self.env.cr.commit()
        except CONFLICTS:
            # Somebody else has just noted the same.
            self.env.cr.rollback()

    def _leave_to_the_job(self):
        """Somebody holds a row for longer than a request may wait."""
        gave_up_waiting()
        self._wake_the_job(fields.Datetime.now() + timedelta(seconds=LOCKED_SECONDS))

    def _wake_the_job(self, at=None):
        """Leave what waits to the job: at once, or at a later time."""
        self.env.ref("cloud_pbx.ir_cron_apply_events")._trigger(at=at)
        self.env.cr.commit()
        _logger.info("Cloud PBX %s: a call waits for the job", self.provider_id)

    def run_in_place(self):
        """Apply what waits in the caller's own transaction.

        :raises CONFLICTS: somebody else writes the call, or holds it.
        """
        limit_lock_waits(self.env)
        waiting = self._read_waiting()
        try:
            with self.env.cr.savepoint():
                self._apply_together(waiting)
        except CONFLICTS:
            raise
        except Exception as error:  # noqa: BLE001
            self._apply_one_by_one(waiting, error)

    def _join_unseen(self, call):
        """Join the other leg of a click that was written in the same moment.

        Two ids have two locks, and neither transaction sees what the other wrote. Once
        both are committed the later one does.
        """

        def join():
            log = self._log()
            if log.matcher.near_a_leg(call):
                limit_lock_waits(self.env)
                log.join_legs(call, wait=True)

        # Joined by the other's transaction, perhaps: then it looks again.
        self._retry(join)

    def _look_again(self, call, number, is_lost):
        """Return ``(more, met)``: whether events wait that came before the lock was let
        go, and whether another call of the number ended at the same time.

        One was lost and in the other somebody spoke, perhaps: neither transaction saw
        the other call.

        :param call: what was written; ``None`` for none.
        :param number: of the call, if that is over.
        :param bool is_lost: nobody spoke in it.
        """
        now = fields.Datetime.now()
        met = SQL("FALSE")
        if number:
            met = SQL(
                """EXISTS (SELECT 1 FROM pbx_call
                    WHERE number = %s AND company_id = %s AND id != %s
                      AND state = 'done' AND start > %s AND write_date > %s
                      AND (%s OR direction = 'inbound' AND outcome != 'answered'))""",
                number,
                self.settings.company_id,
                call.id,
                now - timedelta(hours=UNSEEN_HOURS),
                now - timedelta(seconds=UNSEEN_SECONDS),
                is_lost,
            )
        cr = self.env.cr
        cr.execute(
            SQL(
                """SET LOCAL lock_timeout = %s;
                   SELECT EXISTS (SELECT 1 FROM pbx_event WHERE %s), %s""",
                lock_timeout(),
                self._waits(now),
                met,
            ),
            log_exceptions=False,  # that somebody holds the table is no error
        )
        return cr.fetchone()

    def _follow_unseen(self, call):
        """Derive call-backs anew of a call that another one met."""

        def follow():
            if left := call.exists():
                limit_lock_waits(self.env)
                self._log().follow_promises(left)

        self._retry(follow)

    def _retry(self, work):
        """Do ``work`` in a transaction, anew where it met another one.

        Who meets others each time leaves it to them.
        """
        with contextlib.suppress(*CONFLICTS):
            begin_anew(self.env, work)
            self.env.cr.commit()

    # ---------------------------------------------------------------------- rows

    def _waits(self, now):
        """Return the condition for events of this call that are to be applied."""
        return SQL(
            """provider_id = %s AND %s AND state IN ('pending', 'failed')
               AND (state = 'pending' OR next_attempt_at <= %s)""",
            self.provider_id,
            SQL("ref = %s", self.ref) if self.ref else SQL("ref IS NULL"),
            now,
        )

    def _read_waiting(self, lock=False):
        """Return what waits, oldest first: a list of :class:`Waiting`.

        :param bool lock: take the call's lock for this transaction; ``None`` is
            returned if somebody else has it.
        """
        key = f"pbx.call/{self.provider_id}/{self.ref}"
        cr = self.env.cr
        cr.execute(
            SQL(
                # By a statement of its own, in one question: it counts for tables, too.
                """SET LOCAL lock_timeout = %(timeout)s;
                 WITH this AS MATERIALIZED (SELECT %(lock)s AS locked)
                 SELECT this.locked, waiting.* FROM this LEFT JOIN LATERAL (
                 SELECT id, event_type, ref, payload, received_at,
                          coalesce(attempts, 0), decision
                     FROM pbx_event
                    WHERE this.locked AND %(waits)s
                 ORDER BY received_at, id LIMIT %(limit)s) waiting ON TRUE""",
                lock=SQL("pg_try_advisory_xact_lock(hashtextextended(%s, 0))", key)
                if lock
                else SQL("TRUE"),
                timeout=lock_timeout(),
                waits=self._waits(fields.Datetime.now()),
                limit=MAX_TOGETHER,
            ),
            log_exceptions=False,  # that somebody holds the table is no error
        )
        rows = cr.fetchall()
        if not rows[0][0]:
            return None
        return [Waiting(*row[1:]) for row in rows if row[1]]

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

    def _mark_left_out(self, event):
        """Say that a call has too many events of this kind; the contents stay."""
        user = self.env["res.users"].browse(self.settings.user_id)
        events = self.env["pbx.event"].with_context(lang=user.lang)
        reason = events.env._(
            "The call has %s events of this kind already, more than any real one: this "
            "one is not applied. What ends the call is, whenever it comes.",
            MAX_OF_A_KIND,
        )
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_event SET state = 'ignored', error = %s, payload = %s
                    WHERE id = %s""",
                reason,
                event.payload,
                event.id,
            )
        )

    def _mark_failed(self, event, error):
        """Note why ``event`` was not applied, unless somebody else has done with it."""
        pause = PAUSES_MINUTES[min(event.attempts, len(PAUSES_MINUTES) - 1)]
        at = fields.Datetime.now() + timedelta(minutes=pause)
        self.env["pbx.event"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_event
                      SET state = 'failed', attempts = %(attempts)s + 1,
                          next_attempt_at = %(at)s, error = %(error)s
                    WHERE id = %(id)s AND state IN ('pending', 'failed')
                      AND coalesce(attempts, 0) = %(attempts)s""",
                id=event.id,
                attempts=event.attempts,
                at=at,
                # PostgreSQL has no NUL in a text.
                error=f"{type(error).__name__}: {error}"[:2000].replace("\0", ""),
            ),
            log_exceptions=False,
        )
        self.env["pbx.event"].invalidate_model()
        self.env.ref("cloud_pbx.ir_cron_apply_events")._trigger(at=at)

    # --------------------------------------------------------------------- apply

    def _log(self, waiting=()):
        event_id = min((event.id for event in waiting), default=None)
        return CallLog(self.env, self.settings, self.memory, event_id)

    def _apply_together(self, waiting):
        """Read the events, add them to the facts of their call, write it.

        :return: the call, ``None`` if they say nothing of one.
        """
        dialect = dialects.get(self.settings.dialect)
        call_events, applied, ignored = [], {}, []
        for event in waiting:
            read = dialect.read(
                event.delivery, event.received_at, self.settings.account
            )
            read = [in_zones(one, self.settings.account) for one in read]
            call_events += read
            if read:
                applied[event.id] = read
            else:
                ignored.append(event.id)
        # Marked first: rows that are older than our snapshot are noticed at once.
        self._mark("done", list(applied), blank=not self.settings.keep_log)
        # Not understood, but perhaps one day: where a log is kept, the contents stay.
        self._mark("ignored", ignored, blank=not self.settings.keep_log)
        if not call_events:
            return None
        log = self._log(waiting)
        decisions = [event.decision for event in waiting if event.decision]
        call = log.add_events(call_events, decisions=decisions)
        self.online_ids |= log.online_ids
        for event in waiting if log.left_out else ():
            read = applied.get(event.id)
            if read and all(one in log.left_out for one in read):
                self._mark_left_out(event)
        return call

    def _apply_one_by_one(self, waiting, error):
        """One event must not hold the others of its call up.

        Whatever broke, the events stay, and a person can read why.
        """
        _logger.error(
            "Cloud PBX %s: events not applied", self.provider_id, exc_info=error
        )
        for event in waiting:
            try:
                with self.env.cr.savepoint():
                    self._apply_together([event])
            except Exception as own_error:  # noqa: BLE001
                self._mark_failed(event, own_error)
