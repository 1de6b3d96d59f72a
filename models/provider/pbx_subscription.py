from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from ..tools.transactions import in_own_transaction


class PbxSubscription(models.Model):
    """What connecting a cloud PBX left behind, in its own terms: a subscription's id.

    In a table of its own, so that it is committed as soon as the PBX has answered,
    whatever becomes of the transaction that asked: an id that got lost could not be
    given back any more.
    """

    _name = "pbx.subscription"
    _description = "Subscription at a cloud PBX"
    _rec_name = "provider_id"
    _log_access = False

    provider_id = fields.Many2one(
        "pbx.provider", required=True, index=True, ondelete="cascade"
    )
    details = fields.Json(groups=fields.NO_ACCESS)
    until = fields.Datetime(help="It ends by itself then. Empty: never.")
    renew_at = fields.Datetime(string="Renewal", index="btree_not_null")
    attempts = fields.Integer(help="How often in a row it could not be renewed.")

    _provider_uniq = models.Constraint(
        "UNIQUE(provider_id)", "A cloud PBX has one subscription."
    )

    @api.model
    def _store(self, provider, remembered):
        """Keep what ``connect`` or ``keep_alive`` left behind, committed at once.

        :param Remembered remembered: see the dialects.
        :return: what was kept before, as :attr:`Account.memory`.
        """
        values = {
            "details": remembered.values or False,
            "until": remembered.until or False,
            "renew_at": _halfway(remembered.until),
            "attempts": 0,
        }

        def store(env):
            own = env[self._name].search([("provider_id", "=", provider.id)])
            before = own.details or {}
            if own:
                own.write(values)
            elif remembered.values or remembered.until:
                own.create({"provider_id": provider.id, **values})
            return before

        before = in_own_transaction(self.env, store, user=SUPERUSER_ID)
        self._renewed(provider)
        if values["renew_at"]:
            provider._wake("ir_cron_keep_alive", values["renew_at"])
        return before

    @api.model
    def _note_failure(self, provider, pause_minutes):
        """Have it tried again after a pause; committed at once.

        :param list pause_minutes: after the first failure, the second…; the last one
            is for all that follow.
        :return: when it is tried again, and whether it has ended by now.
        """

        def note(env):
            own = env[self._name].search([("provider_id", "=", provider.id)])
            pause = pause_minutes[min(own.attempts, len(pause_minutes) - 1)]
            now = fields.Datetime.now()
            own.write(
                {
                    "attempts": own.attempts + 1,
                    "renew_at": now + timedelta(minutes=pause),
                }
            )
            return own.renew_at, bool(own.until) and own.until <= now

        renew_at, has_ended = in_own_transaction(self.env, note, user=SUPERUSER_ID)
        self._renewed(provider)
        provider._wake("ir_cron_keep_alive", renew_at)
        return renew_at, has_ended

    @api.model
    def _forget(self, provider):
        """Nothing is set up at the PBX any more."""
        provider.sudo().subscription_ids.unlink()  # sudo: nobody else may
        self._renewed(provider)

    @api.model
    def _find_due(self):
        return self.search([("renew_at", "<=", fields.Datetime.now())])

    def _renewed(self, provider):
        """Workers keep it in memory, with the provider's settings."""
        provider.invalidate_recordset(["subscription_ids", "subscribed_until"])
        self.invalidate_model()
        self.env.registry.clear_cache()


def _halfway(until):
    """Return when to renew what ends at ``until``; ``False``: never."""
    if not until:
        return False
    now = fields.Datetime.now()
    return now + max((until - now) / 2, timedelta())
