"""Looking after a connection: the daily look, renewals in time, silence.

Each class is one run for one provider, in the language of whom its sentences are for.
"""

import logging
from datetime import UTC, timedelta

from odoo import fields
from odoo.exceptions import UserError

from ...telephony import dialect as dialects
from ...telephony import errors
from .connect import Connect, StepResult
from .self_test import SelfTest

_logger = logging.getLogger(__name__)

# What was asked so long ago is asked again.
DAILY_HOURS = 20
# Extensions between two commits.
COMMIT_EVERY = 20
# Until a renewal that failed is tried again.
RENEWAL_PAUSE_MINUTES = (1, 2, 5, 10)
# A wrong key is not tried so often.
WRONG_KEY_PAUSE_MINUTES = (60,)


class DailyLook:
    """Balance, clock, who is online; and what Connect could not finish."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Do what is due, as far as the limits of the PBX allow."""
        provider = self.provider
        provider._forget_former_secret()
        try:
            if "waiting" in provider.check_ids.mapped("state"):
                Connect(provider).run()
            self._look_at_account()
            self._look_at_extensions()
        except errors.RateLimited as error:
            provider._wake_refresh(error.retry_after)
        except (errors.WrongKey, errors.AddressNotAllowed) as error:
            self._note_refused(error)
        except errors.PbxError as error:
            # A hiccup: the log of requests has it, tomorrow is another day.
            _logger.info("Cloud PBX %s: not refreshed, %s", provider.id, error.code)

    def _look_at_account(self):
        provider, now = self.provider, fields.Datetime.now()
        if provider.refreshed_at and provider.refreshed_at > now - timedelta(
            hours=DAILY_HOURS
        ):
            return
        connect = Connect(provider)
        looked_at = {"keys": Connect.keys, "clock": Connect.clock}
        results = {}
        for step in connect.dialect.connect_steps:
            if step not in looked_at:
                continue
            try:
                results[step] = looked_at[step](connect)
            except dialects.NotOffered as error:
                results[step] = StepResult("skipped", provider._explain(error))
        self.env["pbx.check"]._write_results(provider, results)
        provider._forget_reminder("keys")
        if provider.state == "error":
            provider._update_state()
        provider.refreshed_at = now

    def _look_at_extensions(self):
        """Ask who is online, and all about those that were never asked for."""
        dialect, account = self.provider._open_api()
        before = fields.Datetime.now() - timedelta(hours=DAILY_HOURS)
        due = self.env["pbx.extension"].search(
            [
                ("provider_id", "=", self.provider.id),
                "|",
                ("checked_at", "=", False),
                ("checked_at", "<", before),
            ],
            order="checked_at NULLS FIRST, number",
        )
        for place, extension in enumerate(due):
            try:
                if extension.checked_at:
                    extension._set_online(
                        dialect.fetch_online(account, extension._identity())
                    )
                else:
                    extension._update_from_pbx(
                        dialect.fetch_extension(account, extension._identity())
                    )
            except dialects.NotOffered:
                due[place:]._set_online(None)
                return
            except (errors.NotFound, errors.BadParameter, errors.BadAnswer):
                extension._set_online(None)
            if (place + 1) % COMMIT_EVERY:
                continue
            if not self.env["ir.cron"]._commit_progress(0, remaining=1):
                self.provider._wake_refresh()
                return

    def _note_refused(self, error):
        """The PBX does not take our keys: an administrator has to do something."""
        provider, reason = self.provider, self.provider._explain(error)
        failed = {"keys": StepResult("failed", reason)}
        self.env["pbx.check"]._write_results(provider, failed)
        provider._update_state()
        provider._remind("keys", reason)


class Renewal:
    """Renews in time what ends by itself at the PBX."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Renew it; a failure is tried again, and is an alarm once it has ended."""
        provider = self.provider
        before = provider.subscribed_until
        try:
            Connect(provider).subscribe(renew=True)
        except errors.PbxError as error:
            self._note_failure(error)
            return
        had_ended = before and before <= fields.Datetime.now()
        provider._forget_reminder("renewal")
        if provider.state == "error":
            provider._update_state()
        if had_ended:
            # Meanwhile no event came: what happened is read from the history.
            provider._history_wanted()

    def _note_failure(self, error):
        provider = self.provider
        if isinstance(error, errors.WrongKey | errors.AddressNotAllowed):
            pauses = WRONG_KEY_PAUSE_MINUTES
        else:
            pauses = RENEWAL_PAUSE_MINUTES
        subscriptions = self.env["pbx.subscription"].sudo()
        _renew_at, has_ended = subscriptions._note_failure(provider, pauses)
        if not has_ended:
            # What was set up still holds: no alarm yet.
            _logger.info("Cloud PBX %s: not renewed, %s", provider.id, error.code)
            return
        reason = self.env._(
            "The PBX has sent no events since %(since)s (UTC), and could not be made "
            "to resume: %(reason)s",
            since=fields.Datetime.to_string(provider.subscribed_until),
            reason=provider._explain(error),
        )
        provider._write_changes({"state": "error", "last_error": reason})
        provider._remind("renewal", reason)


class SilenceCheck:
    """Silence: the PBX has calls, and sends no events of them."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Remind the administrator if events are missing, or forget the reminder."""
        provider = self.provider
        if provider.state == "draft" or not provider.active:
            return
        heard = self._last_event()
        reminders = provider.activity_search(["cloud_pbx.activity_type_silence"])
        if reminders:
            if heard and heard > min(reminders.mapped("create_date")):
                provider._forget_reminder("silence")
            return
        if self._is_silent(heard):
            try:
                cause = self.likely_cause()
            except errors.RateLimited:
                return  # the next look finds out
            intro = self.env._(
                "The PBX lists calls that it did not report to Odoo. They are in the "
                "log, but nobody saw them ring."
            )
            provider._remind("silence", f"{intro}\n{cause}")
            _logger.warning("Cloud PBX %s: events of calls are missing", provider.id)

    def _last_event(self):
        """Return when the PBX last sent an event of a call, or ``False``."""
        # What is not applied is about no call: an SMS, or our own test.
        event = self.env["pbx.event"].search_fetch(
            [("provider_id", "=", self.provider.id), ("state", "!=", "ignored")],
            ["received_at"],
            order="received_at desc",
            limit=1,
        )
        if event:
            return event.received_at
        # The inbox is pruned; the log is not.
        call = self.env["pbx.call"].search_fetch(
            [("provider_id", "=", self.provider.id), ("from_history", "=", False)],
            ["last_event_at"],
            order="start desc",
            limit=1,
        )
        return call.last_event_at

    def _is_silent(self, heard):
        now, minutes = fields.Datetime.now(), self.provider.silence_minutes
        if not minutes or not self._is_working_time(now):
            return False
        since = now - timedelta(minutes=minutes)
        # Before the address was set, or set anew, no event could come.
        known = [moment for moment in (heard, self.provider.connected_at) if moment]
        if not known or max(known) > since:
            return False
        return bool(
            self.env["pbx.call"].search_count(
                [
                    ("provider_id", "=", self.provider.id),
                    ("from_history", "=", True),
                    ("start", ">", max(known)),
                    # The event of a call of these minutes may still come.
                    ("start", "<", now - timedelta(minutes=5)),
                ],
                limit=1,
            )
        )

    def _is_working_time(self, moment):
        """Tell whether people of the company work at ``moment`` (naive UTC)."""
        calendar = self.provider.company_id.resource_calendar_id
        if not calendar:
            return True
        begin = moment.replace(tzinfo=UTC)
        intervals = calendar._work_intervals_batch(begin, begin + timedelta(minutes=1))
        return bool(intervals[False])

    def likely_cause(self):
        """Return why no events come, as far as can be found out by asking."""
        env, provider = self.env, self.provider
        if not provider.is_running:
            return provider._inactive_sentence()
        try:
            dialect, account = provider._open_api()
            setup = dialect.fetch_setup(account)
        except errors.RateLimited:
            raise
        except errors.WrongKey as error:
            return env._(
                "The keys differ, so that events are refused as well: %s",
                provider._explain(error),
            )
        except errors.PbxError as error:
            return provider._explain(error)
        except dialects.NotOffered:
            setup = None
        if setup and not setup.url:
            return env._("The PBX has no address to send events to: press “Connect”.")
        if setup and setup.url != account.webhook_url:
            return env._(
                "The PBX sends its events to another address. Press “Connect” to "
                "have them again; that ends the other integration."
            )
        if setup and not any(setup.notifications.values()):
            return env._("All events are switched off at the PBX: press “Connect”.")
        try:
            problem = SelfTest(provider).run()
        except UserError as error:
            problem = str(error)
        return problem or env._(
            "Address, keys and events are right as far as Odoo can see. Call one of "
            "your lines and look whether an event comes; if not, a firewall may keep "
            "the PBX out, or the PBX gave the address up after errors: press "
            "“Connect”."
        )
