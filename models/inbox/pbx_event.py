import json
import logging
import time
from datetime import timedelta

import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import routing
from ...telephony.event import LOGGED
from .. import pbx_internal_fields  # noqa: F401  (the model that is inherited comes first)
from ..routing.of_call import as_kept, phone_of
from ..routing.router import DEADLINE_SECONDS, Deadline, Router
from ..tools.notification import notification
from ..tools.outage import Busy
from ..tools.retention import delete_old
from ..tools.transactions import (
    CONFLICTS,
    TRIES,
    in_own_transaction,
    lock_timeout,
    pause_before_retry,
    roll_back,
)
from .apply import PAUSES_MINUTES, Apply

_logger = logging.getLogger(__name__)

# A delivery that repeats an earlier one is recognised for this long.
REPEAT_HOURS = 72
# Calls that the job looks up together.
APPLY_BATCH = 200


class PbxEvent(models.Model):
    """The inbox: what a PBX sent us, committed before it is answered."""

    _name = "pbx.event"
    _description = "Phone event"
    _inherit = ["pbx.internal.fields"]
    _order = "received_at desc, id desc"
    _rec_name = "event_type"

    provider_id = fields.Many2one(
        "pbx.provider", string="Cloud PBX", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="provider_id.company_id")
    event_type = fields.Char(string="Event", required=True)
    ref = fields.Char(string="Call ID", help="The PBX's id of the call.")
    payload = fields.Text(
        string="Contents",
        help="As received, without secrets. Empty once applied, if no log is kept.",
    )
    payload_readable = fields.Text(
        string="Received contents", compute="_compute_payload_readable"
    )
    reply = fields.Text(help="What was answered.")
    decision = fields.Json(
        groups=fields.NO_ACCESS, help="What a PBX was told that asked how to go on."
    )
    received_at = fields.Datetime(string="Received", required=True)
    state = fields.Selection(
        [
            ("pending", "Waiting"),
            ("done", "Applied"),
            ("ignored", "Stored, not applied"),
            ("failed", "Failed"),
        ],
        required=True,
        default="pending",
    )
    attempts = fields.Integer()
    next_attempt_at = fields.Datetime(string="Next attempt")
    error = fields.Text()
    digest = fields.Char(internal=True, help="Recognizes a repeated delivery.")
    awaits_history = fields.Boolean(
        string="Waits for past calls",
        help="Its signature came with another call before: it is applied when the "
        "PBX's own list of past calls has this one.",
    )
    by_former_secret = fields.Boolean(
        internal=True,
        help="Only the secret from before the last change proved it.",
    )
    call_id = fields.Many2one(
        "pbx.call", string="Phone call", compute="_compute_call_id", compute_sudo=True
    )

    _open_idx = models.Index("(provider_id, ref) WHERE state IN ('pending', 'failed')")
    _digest_uniq = models.UniqueIndex(
        "(provider_id, digest) WHERE digest IS NOT NULL",
        "A delivery is kept once.",
    )
    _awaits_idx = models.Index("(provider_id, ref) WHERE awaits_history")
    _received_idx = models.Index("(provider_id, received_at)")
    # What a call was answered before.
    _decision_idx = models.Index("(provider_id, ref) WHERE decision IS NOT NULL")

    def _compute_call_id(self):
        calls = self.env["pbx.call"]
        for event in self:
            event.call_id = (
                calls._find_by_ref(event.provider_id.id, event.ref)
                if event.ref
                else False
            )

    @api.depends("payload")
    def _compute_payload_readable(self):
        for event in self:
            try:
                payload = json.loads(event.payload or "")
            except ValueError:
                # Empty, or not JSON: a person reads it as it is.
                event.payload_readable = event.payload
            else:
                event.payload_readable = json.dumps(
                    payload, indent=2, ensure_ascii=False
                )

    # ------------------------------------------------------------- taking in

    @api.model
    def _take(self, settings, delivery, reply=None, outcome=None):
        """Write a proven delivery down; return the event's id, ``None`` for a repeat.

        One statement, so that it costs the same however large the inbox is. What comes
        at the same instant is told apart by unique indexes. The caller commits before
        the PBX is answered.

        :param PbxSettings settings: of the provider it came for.
        :param Delivery delivery: what the dialect proved.
        :param Reply reply: what the PBX will be answered; kept where a log is.
        :param Outcome outcome: what decided the answer.
        :raises CONFLICTS: another one is taken in at this moment: try again.
        """
        answer = reply.body if reply and settings.keep_log else ""
        # The signed text belongs to the call that it came with first.
        query = SQL(
            # A statement of its own, in the same question: a table that somebody holds
            # is waited for before the first row.
            """SET LOCAL lock_timeout = %(timeout)s;
                   WITH now AS MATERIALIZED (
                   SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now),
                    owner AS MATERIALIZED (
                   SELECT coalesce(bool_or(ref = %(id)s), FALSE) AS own,
                          coalesce(bool_or(ref != %(id)s AND (
                              part = %(part)s OR part = '' OR %(part)s = '')), FALSE)
                              AS other
                     FROM pbx_event_proof
                    WHERE provider_id = %(provider)s AND digest = %(proof)s),
                    bound AS (
              INSERT INTO pbx_event_proof (provider_id, digest, part, ref, at)
                   SELECT %(provider)s, %(proof)s, %(part)s, %(id)s, now.now
                     FROM now, owner
                    WHERE %(proof)s IS NOT NULL AND NOT own AND NOT other
              ON CONFLICT (provider_id, digest, part) DO NOTHING)
                    %(hold)s
              INSERT INTO pbx_event (provider_id, event_type, ref, payload, digest,
                                     reply, decision, by_former_secret,
                                     received_at, state,
                                     awaits_history, attempts, create_uid, write_uid,
                                     create_date, write_date)
                   SELECT %(provider)s, %(event)s, %(ref)s, %(payload)s, %(digest)s,
                          %(reply)s, %(decision)s::jsonb, %(by_former)s, now.now,
                          CASE WHEN other AND NOT own THEN 'ignored' ELSE 'pending' END,
                          other AND NOT own, 0, %(user)s, %(user)s, now.now, now.now
                     FROM now, owner
              ON CONFLICT (provider_id, digest) WHERE digest IS NOT NULL DO NOTHING
                RETURNING id, awaits_history""",
            provider=settings.id,
            event=delivery.event_type,
            ref=delivery.ref or None,
            id=delivery.ref,
            proof=delivery.proof_digest or None,
            part=delivery.signed_part,
            payload=json.dumps(delivery.payload, ensure_ascii=False),
            digest=delivery.digest or None,
            reply=None if answer in ("", "{}") else answer,
            decision=outcome and json.dumps(as_kept(outcome)),
            hold=self._hold_phone(settings, delivery, outcome),
            by_former=delivery.by_former_secret,
            user=settings.user_id,
            timeout=lock_timeout(),
        )
        # The log must not hold what the event does.
        self.env.cr.execute(query, log_exceptions=False)
        row = self.env.cr.fetchone()
        if row is None and self._forget_old_digest(settings, delivery):
            self.env.cr.execute(query, log_exceptions=False)
            row = self.env.cr.fetchone()
        if row is None:
            return None
        event_id, awaits = row
        if awaits:
            self._hold(settings, delivery, event_id)
        return event_id

    @staticmethod
    def _hold_phone(settings, delivery, outcome):
        """Return the part of a statement that notes that a phone is sent a call.

        Another call that was sent there meanwhile is met in its row.
        """
        phone = phone_of(outcome) if outcome and delivery.ref else ""
        if not phone:
            return SQL()
        return SQL(
            """, held AS (
              INSERT INTO pbx_route_sent (provider_id, number, ref, sent_at)
                   SELECT %s, %s, %s, now.now FROM now, owner WHERE own OR NOT other
              ON CONFLICT (provider_id, number)
                DO UPDATE SET ref = excluded.ref, sent_at = excluded.sent_at)""",
            settings.id,
            phone,
            delivery.ref,
        )

    @api.model
    def _forget_old_digest(self, settings, delivery):
        """Let a delivery be new again that was kept longer ago than repeats count."""
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_event SET digest = NULL
                    WHERE provider_id = %s AND digest = %s
                      AND received_at <= clock_timestamp() AT TIME ZONE 'UTC' - %s""",
                settings.id,
                delivery.digest,
                timedelta(hours=REPEAT_HOURS),
            ),
            log_exceptions=False,
        )
        return self.env.cr.rowcount

    @api.model
    def _hold(self, settings, delivery, event_id):
        """Say why an event waits whose signed text came with another call before.

        Where the two ids are one call's, or history knows the further one, it does not.
        """
        if self._is_confirmed(settings, delivery):
            values = SQL("state = 'pending', awaits_history = FALSE")
        else:
            user = self.env["res.users"].browse(settings.user_id)
            reason = self.with_context(lang=user.lang).env._(
                "Its signature came with another call before, so that anybody who saw "
                "it could have made this one up. It is applied as soon as the list of "
                "past calls at the PBX has this call."
            )
            values = SQL("error = %s", reason)
            self.env["pbx.history"]._hasten_catch_up(settings.id)
        self.env.cr.execute(
            SQL("UPDATE pbx_event SET %s WHERE id = %s", values, event_id)
        )

    @api.model
    def _is_confirmed(self, settings, delivery):
        calls = self.env["pbx.call"]
        call = calls._find_by_ref(settings.id, delivery.ref)
        if not call:
            return False
        if any(one["kind"] == LOGGED for one in call.facts or ()):
            return True
        refs = self.env["pbx.event.proof"]._refs_of(settings.id, delivery.proof_digest)
        return any(calls._find_by_ref(settings.id, ref) == call for ref in refs)

    @api.model
    def _release(self, provider_id, refs):
        """Let those events be applied whose calls the history has told of."""
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_event
                      SET state = 'pending', awaits_history = FALSE, error = NULL
                    WHERE provider_id = %s AND ref = ANY(%s) AND awaits_history""",
                provider_id,
                list(refs),
            ),
            log_exceptions=False,
        )
        if self.env.cr.rowcount:
            self.invalidate_model()

    @api.model
    def _receive(self, settings, delivery):
        """Keep a proven delivery, apply it if nobody else does, and return the reply.

        Commits: what is answered with 200 is in the database.
        """
        memory = {}
        reply, taken = self._answer_and_commit(settings, delivery, memory)
        env = self.env(user=SUPERUSER_ID, context={})
        refs = dict.fromkeys(one.ref for one in taken)
        if not taken and self._waits(settings, delivery.ref):
            # It was kept, and whoever was to apply it died: the PBX got no answer, and
            # sends it once more.
            refs = [delivery.ref]
        for ref in refs:
            Apply(env, settings.id, ref, memory).run()
        if delivery.held_back or delivery.reports:
            # Of a repeat, too: a replay says once more that it is done.
            self.env["pbx.replay"]._take_note(settings.id, delivery)
        if delivery.needs_renewal:
            self.env["pbx.subscription"]._renew_now(settings.id)
        return reply

    @api.model
    def _waits(self, settings, ref):
        """Tell whether something of a call was kept, and not applied yet."""
        return bool(
            self.env.execute_query(
                SQL(
                    """SELECT 1 FROM pbx_event
                        WHERE provider_id = %s AND ref = %s AND state = 'pending'
                        LIMIT 1""",
                    settings.id,
                    ref,
                )
            )
        )

    @api.model
    def _answer_and_commit(self, settings, delivery, memory):
        """Decide, and write a delivery down as :meth:`_take` does, with all that came
        with it, whoever writes at the same instant.

        Who met another transaction decides anew: the other call may have been sent to
        the phone that was free a moment ago.

        :param dict memory: of the look-ups, for whoever applies the event.
        :return: ``(reply, those that are new)``: all of it is kept, or nothing.
        :raises Busy: it met others each time, or rows are locked.
        """
        cr, ends_at = self.env.cr, time.monotonic() + DEADLINE_SECONDS
        for attempt in range(1, TRIES + 1):
            # Before the row is written: later, whoever applies it would be in the way.
            outcome = self._decide(settings, delivery, memory, ends_at)
            reply = dialects.get(settings.dialect).reply(
                delivery, outcome and outcome.decision
            )
            try:
                taken = [
                    one
                    for one in (delivery, *delivery.further)
                    if self._take(
                        settings, one, reply, outcome if one is delivery else None
                    )
                    is not None
                ]
                cr.commit()  # pylint: disable=invalid-commit
                return reply, taken
            except CONFLICTS as error:
                roll_back(cr, error)
                is_locked = isinstance(error, psycopg2.errors.LockNotAvailable)
                if is_locked or attempt == TRIES:
                    raise Busy from error
                pause_before_retry(attempt)
        raise ValueError("no attempt was allowed")

    @api.model
    def _decide(self, settings, delivery, memory, ends_at):
        """Return the :class:`~...telephony.routing.Outcome` for a PBX that asks.

        Whatever fails, or comes too late, leaves the PBX its own scenario: the event is
        kept all the same. Needs no lock: whoever applies the event, the look-up is the
        same.

        :param float ends_at: until when, by ``time.monotonic()``.
        :return: ``None`` where the PBX does not ask.
        """
        dialect = dialects.get(settings.dialect)
        if not (delivery.asks_routing and dialect.can_answer_routing):
            return None
        try:
            events = dialect.read(delivery, fields.Datetime.now(), settings.account)
            if not events:
                return None
            with Deadline(self.env, ends_at) as deadline:
                router = Router(self.env, settings, memory, deadline)
                return router.decide_event(events[0], delivery)
        except Exception as error:  # noqa: BLE001
            self.env.cr.rollback()
            _logger.exception("Cloud PBX %s: no decision for it", settings.id)
            return routing.failed(type(error).__name__)

    # ----------------------------------------------------------------- people

    def action_replay(self):
        """Apply the selected events again, now."""
        self.check_access("write")
        if any(not event.payload for event in self):
            raise UserError(
                self.env._(
                    "Without a log, the contents of an applied event are removed: it "
                    "cannot be applied again, and does not have to be."
                )
            )
        if any(event.awaits_history for event in self):
            raise UserError(
                self.env._(
                    "An event whose signature came with another call before is applied "
                    "when the list of past calls at the PBX has its call. Fetch the "
                    "past calls to look for it now."
                )
            )
        self.write({"state": "pending", "error": False, "next_attempt_at": False})
        self.env.flush_all()
        for provider_id, ref in {(e.provider_id.id, e.ref or "") for e in self}:
            # sudo: applying writes the log, which no person may.
            Apply(self.sudo().env, provider_id, ref).run_in_place()
        self.invalidate_recordset()
        return True

    def action_replay_failed(self):
        """The same for all cloud PBXs of the companies that are shown."""
        self.check_access("write")
        providers = self.env["pbx.provider"].with_context(active_test=False)
        shown = providers.search([("company_id", "in", self.env.companies.ids)])
        count = self._replay_failed(shown)
        return notification(self._replay_text(count), "info")

    def _replay_text(self, count):
        if not count:
            return self.env._("No event failed.")
        return self.env._("%s events are applied again, in a moment.", count)

    def _replay_failed(self, providers):
        """Let the job apply what failed, however much; return the number of events."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE pbx_event
                      SET state = 'pending', error = NULL, next_attempt_at = NULL
                    WHERE provider_id = ANY(%s) AND state = 'failed'
                      AND payload IS NOT NULL
                RETURNING id""",
                list(providers.ids),
            )
        )
        self.invalidate_model()
        if rows:
            # sudo: an administrator of one company may wake our own job.
            self.env.ref("cloud_pbx.ir_cron_apply_events").sudo()._trigger()
        return len(rows)

    def action_view_call(self):
        self.ensure_one()
        self.check_access("read")
        if not self.call_id:
            raise UserError(self.env._("This event did not create a call."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "pbx.call",
            "res_id": self.call_id.id,
            "views": [(False, "form")],
        }

    @api.model
    def _blank_settled(self, providers):
        """Remove what was received from events that need no further work."""
        self.flush_model()
        self.env.execute_query(
            SQL(
                """UPDATE pbx_event SET payload = NULL, reply = NULL
                    WHERE provider_id = ANY(%s) AND state IN ('done', 'ignored')
                      -- What is still wanted says why.
                      AND error IS NULL AND awaits_history IS NOT TRUE
                      AND (payload IS NOT NULL OR reply IS NOT NULL)
                RETURNING id""",
                list(providers.ids),
            )
        )
        self.invalidate_model()

    # ------------------------------------------------------------------- jobs

    @api.model
    def _cron_apply(self):
        """The net under the webhook: apply what was received but not applied.

        Each call once in a run, however many of them cannot be applied now.
        """
        self._mend_due_times()
        last = 0
        while rows := self._find_unapplied(last, APPLY_BATCH + 1):
            for done, (provider_id, ref, first) in enumerate(rows[:APPLY_BATCH], 1):
                try:
                    self._apply(provider_id, ref)
                except Exception:  # noqa: BLE001
                    # One call must not hold the others up.
                    _logger.exception("Cloud PBX %s: not applied", provider_id)
                last = first
                progress = self.env["ir.cron"]._commit_progress
                if not progress(1, remaining=len(rows) - done):
                    return
            if len(rows) <= APPLY_BATCH:
                return

    @api.model
    def _find_unapplied(self, last, limit):
        """Return ``[(provider id, ref, id of its first event)]`` of what waits and is
        due, the oldest first, those after the event ``last``."""
        return self.env.execute_query(
            SQL(
                """SELECT provider_id, coalesce(ref, ''), min(id)
                     FROM pbx_event
                    WHERE state = 'pending'
                       OR (state = 'failed' AND next_attempt_at <= %s)
                 GROUP BY 1, 2 HAVING min(id) > %s ORDER BY 3 LIMIT %s""",
                fields.Datetime.now(),
                last,
                limit,
            )
        )

    @api.model
    def _mend_due_times(self):
        """Have what a wrong clock put off for longer than any pause tried now."""
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """UPDATE pbx_event SET next_attempt_at = %s
                    WHERE state = 'failed' AND next_attempt_at > %s""",
                now,
                now + timedelta(minutes=2 * max(PAUSES_MINUTES)),
            )
        )
        if self.env.cr.rowcount:
            self.invalidate_model()

    @api.model
    def _apply(self, provider_id, ref):
        """Apply what waits for one call, apart from the caller's transaction."""
        in_own_transaction(
            self.env,
            lambda env: Apply(env, provider_id, ref).run(),
            user=SUPERUSER_ID,
            context={},
        )

    @api.autovacuum
    def _gc_events(self):
        """Remove what is older than each provider wants its log to be.

        What failed or waits stays: nothing acknowledged is lost.

        :return: ``(deleted, left)``, as autovacuum takes it.
        """
        domain = [("state", "in", ("done", "ignored"))]
        return delete_old(self, "received_at", domain)
