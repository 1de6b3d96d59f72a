"""Earlier calls that follow a setting which was made or put right later.

An administrator asks for it; it is done in batches, the first ones at once.
"""

import dataclasses
import logging

from odoo import api, fields, models
from odoo.fields import Domain

from ...telephony import dialect as dialects
from ...telephony.facts import CallFacts
from ...telephony.local_time import in_zones, local_in
from ..tools.notification import notification
from ..tools.transactions import in_own_transaction
from .log import CallLog

_logger = logging.getLogger(__name__)

# Calls that are changed in one transaction.
BATCH = 100
# So many are changed while a person waits; more of them are left to the job.
AT_ONCE = 200
# Changes that one run of the job goes on with.
MAX_UNDER_WAY = 100


class PbxBackfill(models.Model):
    """A change of the earlier calls of a cloud PBX that is under way."""

    _name = "pbx.backfill"
    _description = "Change of earlier calls"
    _rec_name = "kind"
    _order = "id"

    provider_id = fields.Many2one(
        "pbx.provider", required=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection(
        [("users", "Users of a phone"), ("zone", "Time zone")], required=True
    )
    extension_id = fields.Many2one("pbx.extension", ondelete="cascade")
    user_ids = fields.Many2many("res.users", context={"active_test": False})
    position = fields.Integer(help="Calls, or legs, up to this id are done.")
    seen_count = fields.Integer(help="Calls that were looked at.")
    changed_count = fields.Integer(help="Calls that are different now.")

    # --------------------------------------------------------------------- beginning

    @api.model
    def _begin(self, values):
        """Change earlier calls: a few at once, many by the job.

        :param dict values: of the new record.
        :return: the notification that says what was done, or that it goes on.
        """
        # sudo: the caller asked for the right to change the setting itself.
        one = self.sudo().create(values)
        if len(one._next(AT_ONCE + 1)) > AT_ONCE:
            self.env.ref("cloud_pbx.ir_cron_backfill").sudo()._trigger()
            return notification(
                self.env._(
                    "Many calls: this continues in the background. The result will be "
                    "posted on the cloud PBX."
                )
            )
        while not one._run_batch(BATCH):
            pass
        return notification(one._finish(), "success")

    @api.model
    def _cron_run(self):
        """Go on with what is under way, batch by batch."""
        for one in self.search([], limit=MAX_UNDER_WAY):
            while True:
                is_done = in_own_transaction(
                    self.env, lambda env, one=one: one.with_env(env)._run_alone()
                )
                is_in_time = self.env["ir.cron"]._commit_progress(
                    BATCH, remaining=0 if is_done else BATCH
                )
                if not is_in_time:
                    return
                if is_done:
                    break

    def _run_alone(self):
        """Do one batch in a transaction of its own; tell whether that was the last."""
        if not self.exists():
            return True
        is_done = self._run_batch(BATCH)
        if is_done:
            self._finish()
        return is_done

    # ----------------------------------------------------------------------- batches

    def _next(self, limit):
        """Return the next calls, or legs, that are to be looked at."""
        after = Domain("id", ">", self.position)
        if self.kind == "users":
            domain = self.extension_id._nobodys_legs_domain()
            legs = self.env["pbx.call.leg"]
            return legs.search(domain & after, order="id", limit=limit)
        domain = Domain("provider_id", "=", self.provider_id.id)
        return self.env["pbx.call"].search(domain & after, order="id", limit=limit)

    def _run_batch(self, limit):
        """Change the next calls; tell whether they were the last ones."""
        found = self._next(limit)
        calls = found.call_id if self.kind == "users" else found
        settings = self.env["pbx.provider"]._settings(self.provider_id.id)
        log = CallLog(self.env, settings)
        log.lock_calls([call.ref for call in calls if call.ref])
        change = self._give if self.kind == "users" else self._read_anew
        changed = 0
        for call in calls:
            try:
                with self.env.cr.savepoint():
                    changed += bool(call.facts and change(log, call))
            except ValueError:
                # One call that cannot be derived must not keep the others.
                _logger.exception("Cloud PBX: call %s not changed", call.id)
        self.write(
            {
                "position": max(found.ids, default=self.position),
                "seen_count": self.seen_count + len(calls),
                "changed_count": self.changed_count + changed,
            }
        )
        return len(found) < limit

    def _give(self, log, call):
        """Let a leg that nobody's phone is known of be that of the users."""
        call = log.calls.browse(call.id)
        legs = call.leg_ids.filtered(
            lambda leg: leg.extension_id == self.extension_id and leg.is_nobodys
        )
        users = self.user_ids
        legs.write(
            {
                "user_ids": [fields.Command.set(users.ids)],
                "user_id": users.id if len(users) == 1 else False,
                "is_nobodys": False,
            }
        )
        links = [fields.Command.link(user.id) for user in users]
        call.write({"participant_ids": links})
        log.write_facts(CallFacts.from_json(call.facts), call)
        return bool(legs)

    def _read_anew(self, log, call):
        """Read the local times of a call in the present zone."""
        call, before = log.calls.browse(call.id), call.start
        facts = CallFacts.from_json(call.facts)
        former = self._zone_of_old_facts()
        account = log.settings.account
        anew = CallFacts(_in_zones(event, account, former) for event in facts.events)
        if anew == facts:
            return False
        log.write_facts(anew, call)
        return call.start != before

    def _zone_of_old_facts(self):
        """Return the zone in which times were read that kept no local text."""
        if "tz" not in dialects.get(self.provider_id.dialect).form:
            return None  # its times have none
        return self.provider_id._zone_named(self.provider_id.old_facts_zone)

    # ------------------------------------------------------------------------ the end

    def _finish(self):
        """Say what was done, and be gone; return the sentence."""
        provider = self.provider_id.with_context(lang=self.create_uid.lang)
        text = self._summary(provider.env)
        provider._message_log(body=text, author_id=self.create_uid.partner_id.id)
        notifier = self.env["pbx.notifier"]
        if self.kind == "users":
            notifier._phones_changed(self.user_ids)
            self.env["pbx.extension"].invalidate_model(
                ["earlier_call_count", "earlier_call_question"]
            )
            self.provider_id._update_users_step()
        notifier._backfill_done(self.create_uid, text)
        self.unlink()
        return text

    def _summary(self, env):
        if self.kind == "users":
            return env._(
                "%(count)s earlier calls of %(number)s were given to %(users)s.",
                count=self.changed_count,
                number=self.extension_id.number,
                users=", ".join(self.user_ids.mapped("name")),
            )
        return env._(
            "The time zone was applied to %(seen)s earlier calls: %(changed)s of them "
            "have another start now.",
            seen=self.seen_count,
            changed=self.changed_count,
        )


def _in_zones(event, account, former):
    """Return an event with its start read in an account's present zones.

    :param former: the zone in which a start was read that kept no local time.
    """
    if not event.local_start and event.started and former is not None:
        local = local_in(event.started[0], former)
        event = dataclasses.replace(event, local_start=local)
    if not event.local_start:
        return event
    read = in_zones(event, account)
    # How it was read before stays a possibility: it may have been right.
    known = (read.started, *read.other_starts)
    more = [
        readings
        for readings in (event.started, *event.other_starts)
        if readings and readings not in known
    ]
    return dataclasses.replace(read, other_starts=(*read.other_starts, *more))
