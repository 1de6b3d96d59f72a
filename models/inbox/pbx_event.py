import json
import logging
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony.dialect import Decision
from ..tools.notification import notification
from ..tools.transactions import in_own_transaction
from .apply import Apply

_logger = logging.getLogger(__name__)

# A delivery that repeats an earlier one is recognised for this long.
REPEAT_HOURS = 72


class PbxEvent(models.Model):
    """The inbox: what a PBX sent us, committed before it is answered."""

    _name = "pbx.event"
    _description = "Phone event"
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
    digest = fields.Char(help="Recognizes a repeated delivery.")
    call_id = fields.Many2one(
        "pbx.call", string="Phone call", compute="_compute_call_id", compute_sudo=True
    )

    _open_idx = models.Index("(provider_id, ref) WHERE state IN ('pending', 'failed')")
    _digest_idx = models.Index("(digest, provider_id) WHERE digest IS NOT NULL")
    _received_idx = models.Index("(provider_id, received_at)")

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
    def _take(self, settings, delivery, reply=None):
        """Write a proven delivery down; return the event's id, ``None`` for a repeat.

        One statement, so that it costs the same however large the inbox is. The caller
        commits before the PBX is answered.

        :param PbxSettings settings: of the provider it came for.
        :param Delivery delivery: what the dialect proved.
        :param Reply reply: what the PBX will be answered; kept where a log is.
        """
        digest = delivery.digest or None
        answer = reply.body if reply and settings.keep_log else ""
        self.env.cr.execute(
            SQL(
                """INSERT INTO pbx_event (provider_id, event_type, ref, payload, digest,
                                          reply, received_at, state, attempts,
                                          create_uid, write_uid, create_date,
                                          write_date)
                   SELECT %(provider)s, %(event)s, %(ref)s, %(payload)s, %(digest)s,
                          %(reply)s, now.now, 'pending', 0, %(user)s, %(user)s,
                          now.now, now.now
                     FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) now
                    WHERE NOT EXISTS (
                          SELECT 1 FROM pbx_event
                           WHERE digest = %(digest)s AND provider_id = %(provider)s
                             AND received_at > now.now - %(repeat)s)
                RETURNING id""",
                provider=settings.id,
                event=delivery.event_type,
                ref=delivery.ref or None,
                payload=json.dumps(delivery.payload, ensure_ascii=False),
                digest=digest,
                reply=None if answer in ("", "{}") else answer,
                user=settings.user_id,
                repeat=timedelta(hours=REPEAT_HOURS),
            ),
            log_exceptions=False,  # the log must not hold what the event does
        )
        row = self.env.cr.fetchone()
        return row[0] if row else None

    @api.model
    def _receive(self, settings, delivery):
        """Keep a proven delivery, apply it if nobody else does, and return the reply.

        Commits: what is answered with 200 is in the database.
        """
        cr, memory = self.env.cr, {}
        # Before the row is written: later, whoever applies it would be in the way.
        reply = self._reply_to(settings, delivery, memory)
        event_id = self._take(settings, delivery, reply)
        cr.commit()  # pylint: disable=invalid-commit
        if event_id is not None:
            env = self.env(user=SUPERUSER_ID, context={})
            Apply(env, settings.id, delivery.ref, memory).run()
        return reply

    @api.model
    def _reply_to(self, settings, delivery, memory):
        """Return the :class:`Reply` to a delivery.

        :param dict memory: of the look-ups, for whoever applies the event.
        """
        dialect, decision = dialects.get(settings.dialect), None
        if delivery.asks_routing and dialect.can_answer_routing:
            try:
                decision = self._decide(settings, delivery, memory)
            except Exception:  # noqa: BLE001
                # The event is kept all the same; the PBX goes on as it would anyway.
                self.env.cr.rollback()
                _logger.exception("Cloud PBX %s: no decision for it", settings.id)
        return dialect.reply(delivery, decision)

    @api.model
    def _decide(self, settings, delivery, memory):
        """Return the answer to a PBX that asks: the caller's name, if it is known.

        Needs no lock: whoever applies the event, the look-up is the same.
        """
        if settings.lookup_on_answer:
            return Decision()
        events = dialects.get(settings.dialect).read(
            delivery, fields.Datetime.now(), settings.account
        )
        if not events:
            return Decision()
        match = self.env["pbx.directory"]._find(
            settings, events[0].caller, events[0].called, memory
        )
        return Decision(caller_name=match.name)

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
        if not self.call_id:
            raise UserError(self.env._("This event did not create a call."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "pbx.call",
            "res_id": self.call_id.id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------------- jobs

    @api.model
    def _cron_apply(self, limit=200):
        """The net under the webhook: apply what was received but not applied."""
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """SELECT provider_id, coalesce(ref, ''), min(id)
                     FROM pbx_event
                    WHERE state = 'pending'
                       OR (state = 'failed' AND next_attempt_at <= %s)
                 GROUP BY 1, 2 ORDER BY 3 LIMIT %s""",
                now,
                limit + 1,
            )
        )
        for done, (provider_id, ref, _first) in enumerate(rows[:limit]):
            self._apply(provider_id, ref)
            if not self.env["ir.cron"]._commit_progress(
                1, remaining=len(rows) - done - 1
            ):
                break

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
        """
        # sudo: housekeeping of all companies
        providers = self.env["pbx.provider"].sudo().with_context(active_test=False)
        for provider in providers.search([("company_id", "!=", False)]):
            before = fields.Datetime.now() - timedelta(days=max(provider.log_days, 3))
            old = self.sudo().search(
                [
                    ("provider_id", "=", provider.id),
                    ("received_at", "<", before),
                    ("state", "in", ("done", "ignored")),
                ],
                order="received_at",
                limit=10000,
            )
            old.unlink()
