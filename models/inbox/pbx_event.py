import json
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony.dialect import Decision

_logger = logging.getLogger(__name__)

# A delivery that repeats an earlier one is recognised for this long.
REPEAT_HOURS = 72


class PbxEvent(models.Model):
    """The inbox: what a PBX told us, committed before it is answered."""

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
    reply = fields.Text(help="What was answered.")
    received_at = fields.Datetime(string="Received", required=True)
    state = fields.Selection(
        [
            ("pending", "Waiting"),
            ("done", "Applied"),
            ("ignored", "Kept only"),
            ("failed", "Failed"),
        ],
        required=True,
        default="pending",
    )
    attempts = fields.Integer()
    next_attempt_at = fields.Datetime(string="Next attempt")
    error = fields.Text()
    digest = fields.Char(help="Tells a repeated delivery.")
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

    # ------------------------------------------------------------- taking in

    @api.model
    def _take(self, settings, delivery, reply=None):
        """Write a proven delivery down; return the event's id, ``None`` for a repeat.

        One statement, so that it costs the same however large the inbox is. The caller
        commits before the PBX is answered.

        :param PbxSettings settings: of the provider it came for.
        :param Delivery delivery: what the dialect proved.
        :param Reply reply: what the PBX will be told; kept where a log is.
        """
        digest = delivery.digest or None
        told = reply.body if reply and settings.keep_log else ""
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
                reply=None if told in ("", "{}") else told,
                user=settings.user_id,
                repeat=timedelta(hours=REPEAT_HOURS),
            ),
            log_exceptions=False,  # the log is not told what the event holds
        )
        row = self.env.cr.fetchone()
        return row[0] if row else None

    @api.model
    def _receive(self, settings, delivery):
        """Keep a proven delivery, apply it if nobody else does, and return the reply.

        Commits: what is answered with 200 is in the database.
        """
        cr, found = self.env.cr, {}
        # Before the row is written: later, whoever applies it would be in the way.
        reply = self._reply_to(settings, delivery, found)
        event_id = self._take(settings, delivery, reply)
        cr.commit()  # pylint: disable=invalid-commit
        if event_id is not None:
            self._apply_in(cr, settings.id, delivery.ref, found)
        return reply

    @api.model
    def _reply_to(self, settings, delivery, found):
        """Return the :class:`Reply` to a delivery.

        :param dict found: remembers whom the look-up found.
        """
        dialect, decision = dialects.get(settings.dialect), None
        if delivery.asks_routing and dialect.can_answer_routing:
            try:
                events = self.with_context(pbx_found=found)
                decision = events._decide(settings, delivery)
            except Exception:  # noqa: BLE001
                # The event is kept all the same; the PBX goes on as it would anyway.
                self.env.cr.rollback()
                _logger.exception("Cloud PBX %s: no decision for it", settings.id)
        return dialect.reply(delivery, decision)

    @api.model
    def _decide(self, settings, delivery):
        """Return what a PBX that asks is told: the caller's name, if it is known.

        Needs no lock: whoever applies the event, the look-up is the same.
        """
        if settings.lookup_on_answer:
            return Decision()
        told = dialects.get(settings.dialect).read(
            delivery, fields.Datetime.now(), settings.account
        )
        if not told:
            return Decision()
        found = self.env["pbx.directory"]._find(
            settings, told[0].caller, told[0].called
        )
        return Decision(caller_name=found.name)

    # ----------------------------------------------------------------- people

    def action_replay(self):
        """Apply the selected events again, now."""
        self.check_access("write")
        if any(not event.payload for event in self):
            raise UserError(
                self.env._(
                    "The contents of an applied event are removed where no log is "
                    "kept: it cannot be applied again, and need not be."
                )
            )
        self.write({"state": "pending", "error": False, "next_attempt_at": False})
        self.env.flush_all()
        for provider_id, ref in {(e.provider_id.id, e.ref or "") for e in self}:
            # sudo: applying writes the log, which no person may.
            self.sudo()._apply_here(provider_id, ref)
        self.invalidate_recordset()
        return True

    def action_view_call(self):
        self.ensure_one()
        if not self.call_id:
            raise UserError(self.env._("No call has come of this event."))
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
            with self.env.registry.cursor() as cr:
                self._apply_in(cr, provider_id, ref)
            if not self.env["ir.cron"]._commit_progress(
                1, remaining=len(rows) - done - 1
            ):
                break

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
