from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from ..tools.memory import forget
from ..tools.transactions import in_own_transaction

# An answer of the PBX is stored after so long at the latest, or never comes.
EXPECTING_SECONDS = 60
# Memories of before that could not be given back yet; what is older has ended.
MAX_SUPERSEDED = 5


class PbxSubscription(models.Model):
    """What connecting a cloud PBX left behind, in its own terms: a subscription's id.

    In a table of its own, so that it is committed as soon as the PBX has answered,
    whatever becomes of the transaction that asked: an id that got lost could not be
    given back any more. Each change is committed by itself, and other workers are told
    at once: they keep it in memory, and the next event may be theirs.
    """

    _name = "pbx.subscription"
    _description = "Subscription at a cloud PBX"
    _rec_name = "provider_id"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider", required=True, index=True, ondelete="cascade"
    )
    details = fields.Json(groups=fields.NO_ACCESS)
    superseded = fields.Json(
        groups=fields.NO_ACCESS,
        help="A list of former details that have still to be given back.",
    )
    until = fields.Datetime(help="It ends by itself then. Empty: never.")
    renew_at = fields.Datetime(string="Renewal", index="btree_not_null")
    attempts = fields.Integer(help="How often in a row it could not be renewed.")
    expecting_until = fields.Datetime(
        help="The PBX is being asked: until then an event may come before the answer."
    )

    _provider_uniq = models.Constraint(
        "UNIQUE(provider_id)", "A cloud PBX has one subscription."
    )

    # ------------------------------------------------------------------------------
    # Reading: what is there now, not when the caller's transaction began
    # ------------------------------------------------------------------------------

    @api.model
    def _read_now(self, provider):
        """Return what is stored at this moment.

        :param provider: whatever has its ``id``.
        :return: a dict with ``details`` (``{}`` for none), ``superseded`` (a list),
            ``until``, ``renew_at``, ``attempts`` and ``expecting_until`` (``None`` for
            never); ``None`` where nothing is stored.
        """

        def read(env):
            own = self._own(env, provider.id)
            return own and {
                "details": own.details or {},
                "superseded": own.superseded or [],
                "until": own.until,
                "renew_at": own.renew_at,
                "attempts": own.attempts,
                "expecting_until": own.expecting_until or None,
            }

        return in_own_transaction(self.env, read, user=SUPERUSER_ID) or None

    @api.model
    def _find_due(self):
        return self.search([("renew_at", "<=", fields.Datetime.now())])

    @api.model
    def _is_due(self, provider):
        """Tell whether it is to be renewed, whoever did so in this moment."""
        due_ids = in_own_transaction(
            self.env,
            lambda env: env["pbx.subscription"]._find_due().provider_id.ids,
            user=SUPERUSER_ID,
        )
        return provider.id in due_ids

    @staticmethod
    def _own(env, provider_id):
        return env["pbx.subscription"].search([("provider_id", "=", provider_id)])

    # ------------------------------------------------------------------------------
    # Writing: each committed by itself
    # ------------------------------------------------------------------------------

    @api.model
    def _expect(self, provider):
        """Let events in of what is about to be set up: they may overtake the answer."""
        until = fields.Datetime.now() + timedelta(seconds=EXPECTING_SECONDS)
        self._put(provider, lambda own: {"expecting_until": until})

    @api.model
    def _store(self, provider, remembered, supersedes=None):
        """Keep what ``connect`` or ``keep_alive`` left behind.

        :param Remembered remembered: see the dialects. With ``more`` it is due at
            once, should what asks now be interrupted.
        :param dict supersedes: what is to be given back once all is stored.
        """
        now = fields.Datetime.now()
        renew_at = now if remembered.more else _halfway(remembered.until)

        def values_for(own):
            superseded = own.superseded or []
            if supersedes and supersedes != remembered.values:
                superseded = [*superseded, supersedes][-MAX_SUPERSEDED:]
            return {
                "details": remembered.values or False,
                "superseded": superseded or False,
                "until": remembered.until or False,
                "renew_at": renew_at,
                "attempts": 0,
                "expecting_until": own.expecting_until if remembered.more else False,
            }

        self._put(provider, values_for)
        if renew_at:
            provider._wake("ir_cron_keep_alive", renew_at)

    @api.model
    def _expect_no_more(self, provider):
        """The PBX has answered, or will not any more."""
        self._put(provider, lambda own: {"expecting_until": False})

    @api.model
    def _note_released(self, provider, left):
        """Keep of what is to be given back what is ``left``, a list of memories."""
        self._put(provider, lambda own: {"superseded": left or False})

    @api.model
    def _note_failure(self, provider, pause_minutes, least_seconds=0):
        """Have it tried again after a pause.

        :param pause_minutes: after the first failure, the second…; the last one is for
            all that follow.
        :param int least_seconds: the pause that the PBX asks for.
        :return: when it is tried again, naive UTC, and until when events were sent:
            ``None`` for a time to come, or where there never were any.
        """
        outcome = {}

        def values_for(own):
            minutes = pause_minutes[min(own.attempts, len(pause_minutes) - 1)]
            now = fields.Datetime.now()
            pause = timedelta(seconds=max(60 * minutes, least_seconds))
            outcome["renew_at"] = now + pause
            outcome["ended_at"] = own.until if own.until and own.until <= now else None
            return {
                "attempts": own.attempts + 1,
                "renew_at": outcome["renew_at"],
                "expecting_until": False,
            }

        self._put(provider, values_for)
        provider._wake("ir_cron_keep_alive", outcome["renew_at"])
        return outcome["renew_at"], outcome["ended_at"]

    @api.model
    def _renew_now(self, provider_id):
        """What sent the events has ended at the PBX: have the job renew it.

        Called for an event that says so, or where asking the PBX showed it. Nothing
        but the subscription's own row is written; a renewal that failed just before
        keeps its pause.
        """
        now = fields.Datetime.now()

        def note(env):
            own = self._own(env, provider_id)
            if not own or (own.attempts and own.until and own.until <= now):
                return
            own.write({"until": min(own.until or now, now), "renew_at": now})
            env.ref("cloud_pbx.ir_cron_keep_alive")._trigger()

        in_own_transaction(self.env, note, user=SUPERUSER_ID)
        self._changed(provider_id)

    @api.model
    def _try_soon(self, provider):
        """What made renewals fail is put right: the job tries at once.

        After the caller's commit: before it the job would still ask with what was
        wrong, and pause again.
        """
        self.env.cr.postcommit.add(lambda: self._try_now(provider.id))

    @api.model
    def _try_now(self, provider_id):
        """The same, where what was put right is stored."""
        now = fields.Datetime.now()

        def note(env):
            own = self._own(env, provider_id)
            if own.attempts:
                own.write({"renew_at": now, "attempts": 0})
                env.ref("cloud_pbx.ir_cron_keep_alive")._trigger()

        in_own_transaction(self.env, note, user=SUPERUSER_ID)
        self._changed(provider_id)

    @api.model
    def _forget(self, provider, left=None):
        """Nothing of what is set up at the PBX is taken any more.

        In the caller's transaction: if that fails, it is still known that there was
        something, and that it has gone is found out.

        :param left: memories of what still has to be given back, once the PBX answers.
        """
        own = provider.sudo().subscription_ids  # sudo: nobody else may
        if left and own:
            own.write(
                {
                    "details": False,
                    "superseded": left[-MAX_SUPERSEDED:],
                    "until": False,
                    "renew_at": False,
                    "attempts": 0,
                    "expecting_until": False,
                }
            )
        else:
            own.unlink()
        self._changed(provider.id)

    def _put(self, provider, values_for):
        """Write ``values_for(row)`` into the provider's row; there may be none yet."""

        def put(env):
            own = self._own(env, provider.id)
            values = values_for(own)
            if own:
                own.write(values)
            elif any(values.values()):
                own.create({"provider_id": provider.id, **values})

        in_own_transaction(self.env, put, user=SUPERUSER_ID)
        self._changed(provider.id)

    def _changed(self, provider_id):
        """Have all workers read it anew: they keep it with the provider's settings."""
        provider = self.env["pbx.provider"].browse(provider_id)
        provider.invalidate_recordset(["subscription_ids", "subscribed_until"])
        self.invalidate_model()
        # What this transaction reads meanwhile is what was there when it began.
        forget(self.env)
        # Not with the caller's transaction, which may take until after the answer.
        self.env.registry.signal_changes()


def _halfway(until):
    """Return when to renew what ends at ``until``; ``False``: never."""
    if not until:
        return False
    now = fields.Datetime.now()
    return now + timedelta(seconds=max((until - now).total_seconds() // 2, 0))
