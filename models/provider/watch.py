"""Looking after a connection: the daily look, renewals in time, silence.

Each class is one run for one provider, in the language of whom its sentences are for.
"""

import logging
from datetime import UTC, datetime, timedelta

from odoo import fields
from odoo.exceptions import UserError

from ...telephony import dialect as dialects
from ...telephony import errors
from ..history.replay import MAX_CALLS, legs_of
from ..tools.transactions import (
    CONFLICTS,
    begin_anew,
    in_own_transaction,
    lock_rows,
    roll_back,
)
from .connect import SUBSCRIBE_PAUSE_MINUTES, Connect, StepResult, as_sentence
from .self_test import SelfTest

_logger = logging.getLogger(__name__)

# What was asked so long ago is asked again.
DAILY_HOURS = 20
# What was asked so long ago is asked again where routing rules need it: a bit less than
# the job's pause.
STATUS_MINUTES = 4
# The limit of a PBX is for a minute; a bit longer, as questions arrive later than they
# leave.
WINDOW_SECONDS = 62
# Extensions between two commits.
COMMIT_EVERY = 20
# After so long without an event a subscription is looked at, where nobody chose another
# time.
USUAL_SILENCE_MINUTES = 60
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
        except errors.NotEntered:
            # The form says so to whoever removed them, or neutralized this copy.
            _logger.info("Cloud PBX %s: no keys are entered", provider.id)
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
        if due and dialect.lists_online:
            due._update_from_list(dialect.fetch_extensions(account))
            return
        for place, extension in enumerate(due):
            try:
                extension._ask_pbx(dialect, account)
            except dialects.NotOffered:
                due[place:]._set_online(None)
                return
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


class StatusLook:
    """Who is online among the phones that routing rules can reach.

    A state of yesterday would lose callers; and nobody asks the PBX while a caller
    waits.
    """

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Ask about those that were not asked about for longest, within the limit."""
        provider = self.provider
        due = provider._reachable_extensions().filtered(self._is_due)
        if not due:
            return
        due = due.sorted(lambda one: (one.checked_at or datetime.min, one.number))
        dialect, account = provider._open_api()
        try:
            if dialect.lists_online:
                listed = dialect.fetch_extensions(account)
                self._write(due, lambda own: own._update_from_list(listed))
                return
            most = self._questions_left()
            for extension in due[:most]:
                self._ask(extension, dialect, account)
            if len(due) > most:
                provider._wake_status(WINDOW_SECONDS)
        except dialects.NotOffered:
            return  # the daily look says so
        except errors.RateLimited as error:
            provider._wake_status(error.retry_after)
        except errors.PbxError as error:
            # The log of requests has it, and what is to be done about it.
            _logger.info("Cloud PBX %s: status not asked, %s", provider.id, error.code)

    @staticmethod
    def _is_due(extension):
        before = fields.Datetime.now() - timedelta(minutes=STATUS_MINUTES)
        return not extension.checked_at or extension.checked_at < before

    def _questions_left(self):
        """Return how many questions the half of the limit leaves for this minute.

        This job may have run a moment ago: what is known since then counts as asked.
        """
        since = fields.Datetime.now() - timedelta(seconds=WINDOW_SECONDS)
        asked = self.env["pbx.extension"].search_count(
            [("provider_id", "=", self.provider.id), ("checked_at", ">=", since)]
        )
        return max(0, self.provider.general_limit // 2 - asked)

    def _ask(self, extension, dialect, account):
        """Ask about one; what is answered is kept whatever becomes of the others."""
        reported = extension._fetch_from_pbx(dialect, account)
        self._write(extension, lambda own: own._take_answer(reported))

    def _write(self, extensions, write):
        """Write it in a transaction of its own, begun after the answer.

        What an event says of a phone meanwhile is newer: then nothing is written.
        """

        def write_alone(env):
            own = extensions.with_env(env)
            lock_rows(own, "NO KEY UPDATE")
            write(own)

        try:
            in_own_transaction(self.env, write_alone, tries=1)
        except CONFLICTS:
            _logger.info("Cloud PBX %s: an event was quicker", self.provider.id)
        extensions.invalidate_recordset()


class Renewal:
    """Renews in time what ends by itself at the PBX."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Renew it; a failure is tried again, and is an alarm once it has ended."""
        provider = self.provider
        connect = Connect(provider)
        if not connect.try_lock():
            return  # whoever has it sees to it
        # It may have been renewed while this one waited for its turn.
        subscriptions, now = self.env["pbx.subscription"].sudo(), fields.Datetime.now()
        if not subscriptions._is_due(provider):
            return
        # What is asked with was read when this transaction began.
        stored, asked_with = subscriptions._read_now(provider), provider._access()
        try:
            results, is_whole = connect.renew()
        except errors.PbxError as error:
            self._fail(connect, error, stored["until"], asked_with)
            return
        had_ended = stored["until"] and stored["until"] <= now
        self._note(lambda: self._note_renewed(connect, results, is_whole, had_ended))

    def _note(self, write):
        """Write what came of it into the provider's row and the check list.

        What was asked took a while, in which somebody may have written there. So this
        begins after the answer, and is done anew where it meets others: the run itself
        would find nothing due any more, and an alarm stand until the next one.
        """
        provider, cr = self.provider, self.env.cr

        def write_now():
            lock_rows(provider, "NO KEY UPDATE")
            write()

        try:
            cr.commit()  # pylint: disable=invalid-commit
        except CONFLICTS as error:
            roll_back(cr, error)
        begin_anew(self.env, write_now)

    def _note_renewed(self, connect, results, is_whole, had_ended):
        provider, results = self.provider, dict(results)
        connect.note_renewed(results, is_whole)
        provider._forget_reminder("renewal")
        if "keys" in results:
            provider._forget_reminder("keys")
        if results:
            self.env["pbx.check"]._write_results(provider, results)
        if results or provider.state == "error":
            provider._update_state()
        if had_ended:
            # Meanwhile no event came: what happened is read from the history.
            provider._history_wanted()

    def _fail(self, connect, error, until, asked_with):
        """Have it tried again, and note what is an alarm."""
        subscriptions = self.env["pbx.subscription"].sudo()
        no_entry = isinstance(error, errors.WrongKey | errors.AddressNotAllowed)
        renew_at, ended_at = subscriptions._note_failure(
            self.provider,
            WRONG_KEY_PAUSE_MINUTES if no_entry else SUBSCRIBE_PAUSE_MINUTES,
            getattr(error, "retry_after", 0),
        )
        if self.provider._access_now() != asked_with:
            # Put right while it was asked with what was wrong.
            subscriptions._try_now(self.provider.id)
            return

        def write():
            stored = subscriptions._read_now(self.provider)
            if stored and stored["renew_at"] == renew_at:
                self._note_failure(connect, error, until, ended_at)

        self._note(write)

    def _note_failure(self, connect, error, until, ended_at):
        provider, results = self.provider, {}
        reason = provider._explain(error)
        no_entry = isinstance(error, errors.WrongKey | errors.AddressNotAllowed)
        if no_entry:
            # Asking again is no use: somebody has to see to it, before it ends.
            results["keys"] = StepResult("failed", reason)
            provider._remind("keys", reason)
        if ended_at:
            sentence = self.env._(
                "Not subscribed since %(since)s: the PBX sends no events, and could "
                "not be subscribed to anew: %(reason)s Odoo goes on trying.",
                since=provider._readable_time(ended_at),
                reason=as_sentence(reason),
            )
            results["address"] = StepResult("failed", sentence)
            provider._remind("renewal", sentence)
        elif not until and not no_entry:
            results["address"] = connect.not_yet(error)
        if not results:
            # What was set up still holds: no alarm yet.
            _logger.info("Cloud PBX %s: not renewed, %s", provider.id, error.code)
            return
        self.env["pbx.check"]._write_results(provider, results)
        provider._update_state()


class SilenceCheck:
    """Silence: the PBX has calls, and sends no events of them."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env

    def run(self):
        """Remind the administrator if events are missing, or forget the reminder."""
        provider = self.provider
        if provider.state == "draft" or not provider.active:
            return
        self._look_at_subscription()
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
            intro = self._what_is_missing()
            provider._remind("silence", f"{intro}\n{cause}")
            _logger.warning("Cloud PBX %s: events of calls are missing", provider.id)

    def _what_is_missing(self):
        if dialects.get(self.provider.dialect).can_replay:
            return self.env._("The PBX has calls now that it did not report to Odoo.")
        return self.env._(
            "The PBX lists calls that it did not report to Odoo. They are in the "
            "log, but nobody saw them ring."
        )

    def _look_at_subscription(self):
        """Have it renewed, should it have ended before its time.

        The PBX is asked after an hour without any event in which people work.
        """
        provider, now = self.provider, fields.Datetime.now()
        until, dialect = provider.subscribed_until, provider._dialect()
        if not (dialect.subscribes and provider.is_running and until and until > now):
            return  # there is none, or its renewal is under way
        minutes = provider.silence_minutes or USUAL_SILENCE_MINUTES
        since = now - timedelta(minutes=minutes)
        known = [provider.last_event_at, provider.connected_at]
        if max(filter(None, known), default=since) > since:
            return
        if not self._is_working_time(now):
            return
        try:
            dialect, account = provider._open_api()
            is_there = dialect.has_subscription(account)
        except (errors.PbxError, dialects.NotOffered) as error:
            _logger.info("Cloud PBX %s: no look, %s", provider.id, error)
            return
        if not is_there:
            _logger.info("Cloud PBX %s: its subscription has gone", provider.id)
            self.env["pbx.subscription"].sudo()._renew_now(provider.id)

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
        if dialects.get(self.provider.dialect).can_replay:
            return self._has_unknown_calls()
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

    def _has_unknown_calls(self):
        """Ask a PBX without a history whether calls go on now that the log has not: a
        long talk reports nothing until its end."""
        try:
            dialect, account = self.provider._open_api()
            live = dialect.fetch_live_legs(account)
            return bool(live and live - self._known_legs())
        except (errors.PbxError, dialects.NotOffered) as error:
            _logger.info("Cloud PBX %s: no look, %s", self.provider.id, error)
            return False

    def _known_legs(self):
        domain = [
            ("provider_id", "=", self.provider.id),
            ("state", "!=", "done"),
            ("ref", "!=", False),
        ]
        # sudo: of the facts only which channels a call has; the job's own user
        return legs_of(self.env["pbx.call"].sudo().search(domain, limit=MAX_CALLS))

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
            problem = SelfTest(provider).run() if dialect.has_sample else ""
        except UserError as error:
            problem = str(error)
        return problem or env._(
            "Address, keys and events are right as far as Odoo can see. Call one of "
            "your lines and look whether an event comes; if not, a firewall may keep "
            "the PBX out, or the PBX gave the address up after errors: press "
            "“Connect”."
        )
