"""The daily look at the PBX: balance, clock, who is online; and what Connect left."""

import logging
from datetime import timedelta

from odoo import api, fields, models

from ...telephony import dialect as dialects
from ...telephony import errors
from .connect import ConnectRun, Result

_logger = logging.getLogger(__name__)

# What was asked so long ago is asked again.
HOURS = 20
# Extensions between two commits.
BATCH = 20


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    refreshed_at = fields.Datetime(
        readonly=True, copy=False, help="When the daily look at the PBX was done."
    )

    @api.model
    def _cron_refresh(self):
        """Look at each connected PBX once a day, and go on where a limit stopped us.

        One PBX that fails does not hold up the others.
        """
        # sudo: the job serves all companies.
        providers = self.sudo().search(
            [
                ("company_id", "!=", False),
                "|",
                ("state", "!=", "draft"),
                ("check_ids.state", "=", "waiting"),
            ]
        )
        for place, provider in enumerate(providers):
            left = len(providers) - place - 1
            try:
                if provider.is_running:
                    provider._in_own_words()._refresh()
            except Exception:  # noqa: BLE001
                # Whatever broke, the next one has its turn; the log has the reason.
                self.env.cr.rollback()
                _logger.exception("Cloud PBX %s: not refreshed", provider.id)
            if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                return

    def _in_own_words(self):
        """Return the record in the language of whom its sentences are for."""
        return self.with_context(lang=self._administrator().lang)

    def _refresh(self):
        """Do what is due for one PBX, as far as its limits allow."""
        self._forget_former_secret()
        try:
            if "waiting" in self.check_ids.mapped("state"):
                self._connect()
            self._refresh_daily()
            self._refresh_extensions()
        except errors.RateLimited as error:
            self._wake_refresh(error.retry_after)
        except (errors.WrongKey, errors.AddressNotAllowed) as error:
            self._note_refused(error)
        except errors.PbxError as error:
            # A hiccup: the log of requests has it, tomorrow is another day.
            _logger.info("Cloud PBX %s: not refreshed, %s", self.id, error.code)

    def _refresh_daily(self):
        now = fields.Datetime.now()
        if self.refreshed_at and self.refreshed_at > now - timedelta(hours=HOURS):
            return
        run = ConnectRun(self, urgent=False)
        run.dialect.keep_alive(run.account)
        results = {}
        for step in ("keys", "clock"):
            try:
                results[step] = getattr(self, f"_connect_{step}")(run)
            except dialects.NotOffered as error:
                results[step] = Result("skipped", self._explain(error))
        self._write_checks(results)
        self._note_accepted()
        self.refreshed_at = now

    def _refresh_extensions(self):
        """Ask who is online, and all about those that were never asked for."""
        dialect, account = self._open_api()
        before = fields.Datetime.now() - timedelta(hours=HOURS)
        due = self.env["pbx.extension"].search(
            [
                ("provider_id", "=", self.id),
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
                        dialect.fetch_online(account, extension.number)
                    )
                else:
                    extension._update_from_pbx(
                        dialect.fetch_extension(account, extension.number)
                    )
            except dialects.NotOffered:
                due[place:]._set_online(None)
                return
            except (errors.NotFound, errors.BadParameter, errors.BadAnswer):
                extension._set_online(None)
            if place % BATCH == BATCH - 1 and not self.env["ir.cron"]._commit_progress(
                0, remaining=1
            ):
                self._wake_refresh()
                return

    def _note_refused(self, error):
        """The PBX does not take our keys: an administrator has to do something."""
        told = self._explain(error)
        self._write_checks({"keys": Result("failed", told)})
        self._update_state()
        self._remind("keys", told)

    def _note_accepted(self):
        """The keys are good (again)."""
        self._forget_reminder("keys")
        if self.state == "error":
            self._update_state()
