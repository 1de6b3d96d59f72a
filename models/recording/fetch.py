"""Fetching recordings: a job, one file at a time, each for itself.

Whoever fetches one claims it for a while, in a transaction of its own, and counts the
attempt before it is made: after a kill at any moment it is due again when the claim is
over. No transaction of ours waits for the network.
"""

import logging
import tempfile
from datetime import timedelta
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.http import sound as download
from ..tools.transactions import CONFLICTS, TRIES, lock_rows

_logger = logging.getLogger(__name__)

# Seconds until the next attempt; after the last one it has failed.
PAUSES = (40, 120, 600, 3600, 6 * 3600, 24 * 3600)
# Of a call that is over for so long, "not there yet" is not to be believed for long.
OLD = timedelta(days=2)
TRIES_WHEN_OLD = 2
# Longer than an attempt can take.
CLAIM = timedelta(minutes=10)
# Until a PBX that does not let us in is asked again.
LOCKED_OUT = timedelta(minutes=15)
# So many files in a row did not come: the rest of this PBX waits for the next run.
PATIENCE = 3
BATCH = 50
MEGABYTE = 1024 * 1024
# Held in memory up to here, beyond it in a temporary file.
IN_MEMORY = 4 * MEGABYTE


class Fetched(NamedTuple):
    """What an attempt led to: fields to write, and the file, if there is one."""

    values: dict
    file: object = None
    # Moment before which this PBX is not asked again; ``None``: go on.
    leave_until: object = None
    reached: bool = True


class PbxRecording(models.Model):
    _inherit = "pbx.recording"

    @api.model
    def _cron_fetch(self):
        """Fetch what is due, newest calls first."""
        # sudo: the job's own; recordings and keys of all companies
        recordings = self.sudo()
        everything = recordings.env["pbx.provider"].search(
            [("company_id", "!=", False)]
        )
        open_for_us = everything._fetches_recordings()
        due = recordings._due(open_for_us.ids, BATCH + 1)
        left, silent = set(), {}
        progress = self.env["ir.cron"]._commit_progress
        for done, (recording_id, provider_id) in enumerate(due[:BATCH]):
            if provider_id in left:
                continue
            result = recordings.browse(recording_id)._fetch()
            if result and result.leave_until:
                left.add(provider_id)
            elif result:
                silent[provider_id] = (
                    0 if result.reached else silent.get(provider_id, 0) + 1
                )
                if silent[provider_id] >= PATIENCE:
                    left.add(provider_id)
            # What is left to a later time is no reason to run again at once.
            rest = [row for row in due[done + 1 :] if row[1] not in left]
            if not progress(1, remaining=len(rest)):
                return

    def _due(self, provider_ids, limit):
        """Return ``[(recording id, provider id)]`` of what nobody is fetching."""
        self.flush_model()
        now = fields.Datetime.now()
        return self.env.execute_query(
            SQL(
                """SELECT id, provider_id FROM pbx_recording
                    WHERE state = 'waiting' AND next_attempt_at <= %s
                      AND (claimed_until IS NULL OR claimed_until <= %s)
                      AND provider_id = ANY(%s)
                 ORDER BY attempts, start DESC, id LIMIT %s""",
                now,
                now,
                list(provider_ids),
                limit,
            )
        )

    # ------------------------------------------------------------ one recording

    def _fetch(self):
        """Fetch this recording, if nobody else does; return the :class:`Fetched`.

        Commits, in transactions of its own.
        """
        claim = self._claim()
        if not claim:
            return None
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            result = self._attempt(file)
            self._finish(claim, result)
        if result.leave_until:
            self._wake_fetching([result.leave_until])
        return result

    def _claim(self):
        """Count an attempt and keep others off; return till when, or ``None``."""
        now = fields.Datetime.now()
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(
                    SQL(
                        """UPDATE pbx_recording
                              SET attempts = coalesce(attempts, 0) + 1,
                                  tried_at = %(now)s, claimed_until = %(till)s
                            WHERE id = %(id)s AND state = 'waiting'
                              AND next_attempt_at <= %(now)s
                              AND (claimed_until IS NULL OR claimed_until <= %(now)s)
                        RETURNING claimed_until""",
                        now=now,
                        till=now + CLAIM,
                        id=self.id,
                    ),
                    log_exceptions=False,
                )
                row = cr.fetchone()
        except CONFLICTS:
            return None  # another worker has it
        self.invalidate_recordset()
        return row and row[0]

    def _attempt(self, file):
        """Ask the PBX, and have the file written; return the :class:`Fetched`."""
        provider, call = self.provider_id, self.call_id
        provider = provider.with_context(lang=provider.user_id.lang)
        now = fields.Datetime.now()
        days = provider.recording_days
        if days and self.start < now - timedelta(days=days):
            return Fetched({"state": "expired", "error": False})
        try:
            dialect, account = provider._open_api()
            link = dialect.fetch_recording(account, call.ref or "", self.ref)
            download.check_home(link, account.server_url)
            if provider.recording_mode == "link":
                return Fetched({"state": "linked", "error": False})
            limit = provider.recording_max_mb * MEGABYTE
            # Nothing is held open while the file comes.
            self.env["ir.cron"]._commit_progress()
            sound = download.fetch(link, account.server_url, file, limit)
        except (errors.PbxError, dialects.NotOffered) as error:
            return self._after(error, provider)
        except psycopg2.Error:
            raise  # our own database, and no matter of this recording
        except Exception as error:  # noqa: BLE001
            # One recording must not keep the others from being fetched. Its text is
            # not told: it may hold a link.
            kind = type(error).__name__
            _logger.error("Cloud PBX %s: a recording: %s", provider.id, kind)
            return self._later(provider.env._("Something went wrong here: %s", kind))
        return Fetched(
            {
                "state": "stored",
                "error": False,
                "mimetype": sound.mimetype,
                "size": sound.size,
            },
            file,
        )

    def _after(self, error, provider):
        """Return what follows from a failure: later, never, or not our attempt."""
        now, reason = fields.Datetime.now(), provider._explain(error)
        before = {"attempts": self.attempts - 1}
        if isinstance(error, errors.RateLimited):
            at = now + timedelta(seconds=error.retry_after)
            return Fetched(before, leave_until=at)
        if isinstance(error, errors.WrongKey | errors.AddressNotAllowed):
            self._pause(provider, now + LOCKED_OUT)
            return Fetched({**before, "error": reason}, leave_until=now + LOCKED_OUT)
        if isinstance(error, dialects.NotOffered):
            return Fetched({"state": "failed", "error": reason})
        if isinstance(error, errors.TooLarge):
            reason = provider.env._(
                "It is larger than %s MB. It stays at the PBX; your administrator may "
                "raise the limit.",
                provider.recording_max_mb,
            )
            return Fetched({"state": "failed", "error": reason})
        if isinstance(error, errors.BadAnswer):
            reason = provider.env._(
                "What the PBX gave is no sound file that can be taken (%s).",
                error.detail,
            )
        if isinstance(error, errors.NotFound):
            reason = provider.env._("The PBX does not have it, or not yet.")
            if self.start < now - OLD and self.attempts >= TRIES_WHEN_OLD:
                return Fetched({"state": "failed", "error": reason})
        result = self._later(reason)
        return result._replace(reached=not isinstance(error, errors.Unreachable))

    def _later(self, reason):
        if self.attempts > len(PAUSES):
            return Fetched({"state": "failed", "error": reason})
        pause = timedelta(seconds=PAUSES[max(self.attempts, 1) - 1])
        at = fields.Datetime.now() + pause
        return Fetched({"next_attempt_at": at, "error": reason})

    def _pause(self, provider, until):
        try:
            with self.env.registry.cursor() as cr:
                # Not by write(): what webhooks keep of it in memory stays the same.
                cr.execute(
                    SQL(
                        """UPDATE pbx_provider SET recordings_paused_until = %s
                            WHERE id = %s""",
                        until,
                        provider.id,
                    ),
                    log_exceptions=False,
                )
        except CONFLICTS:
            # Perhaps its keys: it is asked once more.
            _logger.info("Cloud PBX %s: changed in this moment", provider.id)
        provider.invalidate_recordset(["recordings_paused_until"])

    def _finish(self, claim, result):
        """Write what came of an attempt, unless somebody else has taken over."""
        values = {**result.values, "claimed_until": False}
        attempts = self.exists().attempts
        for _try in range(TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    mine = self.with_env(self.env(cr=cr))
                    lock_rows(mine)
                    mine = mine.exists()
                    if mine and mine.claimed_until == claim:
                        if result.file:
                            mine._store(result.file, values["mimetype"])
                        if mine.attempts < attempts and values.get("error"):
                            # Said to be ready, or asked for, while we tried.
                            values = {"claimed_until": False}
                        mine.write(values)
                        if mine.state == "waiting":
                            mine._wake_fetching([mine.next_attempt_at])
                break
            except CONFLICTS:
                continue  # told of anew in this moment: written over what is true now
        self.invalidate_recordset()

    def _store(self, file, mimetype):
        file.seek(0)
        attachments = self.env["ir.attachment"]
        self._audio_attachments().unlink()
        # Not through the field: that would hold the file three times, in base64.
        attachments.create(
            {
                "name": "audio",
                "res_model": self._name,
                "res_id": self.id,
                "res_field": "audio",
                "company_id": self.company_id.id,
                "type": "binary",
                "mimetype": mimetype,
                "raw": file.read(),
            }
        )
        self.invalidate_recordset(["audio"])

    def _audio_attachments(self):
        # sudo: of recordings that the caller has already been let to
        return (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_field", "=", "audio"),
                    ("res_id", "in", self.ids),
                ]
            )
        )
