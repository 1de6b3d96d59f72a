"""Silence: the PBX has calls, and does not tell us of them."""

import logging
from datetime import UTC, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...telephony import dialect as dialects
from ...telephony import errors

_logger = logging.getLogger(__name__)


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    silence_minutes = fields.Integer(
        string="Warn after silence of (minutes)",
        default=60,
        groups="base.group_system",
        help="An administrator is told, with the likely cause, when in working hours "
        "no event has come for so long although the PBX's own list has newer calls. "
        "0: never.",
    )

    @api.constrains("silence_minutes")
    def _check_silence_minutes(self):
        for provider in self:
            if provider.silence_minutes < 0:
                raise ValidationError(
                    self.env._("Minutes of silence cannot be fewer than none.")
                )

    @api.model
    def _cron_silence(self):
        """The net under the history: look at each connected PBX."""
        # sudo: the job serves all companies.
        providers = self.sudo().search(
            [("state", "!=", "draft"), ("company_id", "!=", False)]
        )
        for place, provider in enumerate(providers):
            try:
                provider._check_silence()
            except Exception:  # noqa: BLE001
                # The others have their turn all the same; the log has the reason.
                self.env.cr.rollback()
                _logger.exception("Cloud PBX %s: silence not checked", provider.id)
            left = len(providers) - place - 1
            if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                return

    def _check_silence(self):
        """Remind the administrator if calls are not told, or forget the reminder."""
        self.ensure_one()
        if self.state == "draft" or not self.active:
            return
        heard = self._last_heard()
        open_ones = self.activity_search(["cloud_pbx.activity_type_silence"])
        if open_ones:
            if heard and heard > min(open_ones.mapped("create_date")):
                self._forget_reminder("silence")
            return
        if self._is_silent(heard):
            speaking = self._in_own_words()
            try:
                cause = speaking._cause_of_silence()
            except errors.RateLimited:
                return  # the next look finds out
            speaking._remind("silence", cause)
            _logger.warning("Cloud PBX %s: calls are not told", self.id)

    def _last_heard(self):
        """Return when the PBX last told of a call by itself, or ``False``."""
        # What is kept only is about no call: an SMS, or our own test.
        event = self.env["pbx.event"].search_fetch(
            [("provider_id", "=", self.id), ("state", "!=", "ignored")],
            ["received_at"],
            order="received_at desc",
            limit=1,
        )
        if event:
            return event.received_at
        # The inbox is pruned; the log is not.
        call = self.env["pbx.call"].search_fetch(
            [("provider_id", "=", self.id), ("from_history", "=", False)],
            ["last_event_at"],
            order="start desc",
            limit=1,
        )
        return call.last_event_at

    def _is_silent(self, heard):
        now, minutes = fields.Datetime.now(), self.silence_minutes
        if not minutes or not self._is_working_time(now):
            return False
        since = now - timedelta(minutes=minutes)
        # What came before the address was set, or set anew, could not be told.
        known = [moment for moment in (heard, self.connected_at) if moment]
        if not known or max(known) > since:
            return False
        return bool(
            self.env["pbx.call"].search_count(
                [
                    ("provider_id", "=", self.id),
                    ("from_history", "=", True),
                    ("start", ">", max(known)),
                    # A call of these minutes may still be told.
                    ("start", "<", now - timedelta(minutes=5)),
                ],
                limit=1,
            )
        )

    def _is_working_time(self, moment):
        """Tell whether people of the company work at ``moment`` (naive UTC)."""
        calendar = self.company_id.resource_calendar_id
        if not calendar:
            return True
        begin = moment.replace(tzinfo=UTC)
        intervals = calendar._work_intervals_batch(begin, begin + timedelta(minutes=1))
        return bool(intervals[False])

    def _cause_of_silence(self):
        """Return why no events come, as far as can be found out by asking."""
        env = self.env
        intro = env._(
            "The PBX lists calls of which it told Odoo nothing. They are in the log, "
            "but nobody saw them ring."
        )
        return f"{intro}\n{self._likely_cause()}"

    def _likely_cause(self):
        env = self.env
        if not self.is_running:
            return env._(
                "Inactive: nobody active is entered under “Run as”, so events are "
                "refused."
            )
        try:
            dialect, account = self._open_api()
            setup = dialect.fetch_setup(account)
        except errors.RateLimited:
            raise
        except errors.WrongKey as error:
            return env._(
                "The keys differ, so that events are refused as well: %s",
                self._explain(error),
            )
        except errors.PbxError as error:
            return self._explain(error)
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
            problem = self._try_address()
        except UserError as error:
            problem = str(error)
        return problem or env._(
            "Address, keys and events are right as far as Odoo can see. Call one of "
            "your lines and look whether an event comes; if not, a firewall may keep "
            "the PBX out, or the PBX gave the address up after errors: press "
            "“Connect”."
        )
