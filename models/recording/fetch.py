"""Fetching recordings: a job, one file at a time, each in transactions of its own.

Whoever fetches one claims it for a while and counts the attempt before it is made:
after a kill at any moment it is due again when the claim is over. No transaction of
ours waits for the network.
"""

import logging
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO

import psycopg2

from odoo import fields
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.http import sound
from ...telephony.sound_length import seconds_of
from ..tools.transactions import CONFLICTS, in_own_transaction, lock_rows

_logger = logging.getLogger(__name__)

# Until the next attempt; after the last pause it has failed.
PAUSES_SECONDS = (40, 120, 600, 3600, 6 * 3600, 24 * 3600)
# Of a call that ended so long ago, "not there yet" is believed twice at the most.
OLD_DAYS = 2
ATTEMPTS_WHEN_OLD = 2
# Longer than an attempt can take.
CLAIM_MINUTES = 10
# Until a PBX that refuses our keys or our address is asked again.
REFUSED_MINUTES = 15
# After so many unreachable files in a row a PBX is left to the next run.
UNREACHABLE_IN_A_ROW = 3
BATCH = 50
MEGABYTE = 1024 * 1024
# A file is held in memory up to here, beyond it in a temporary file.
IN_MEMORY_BYTES = 4 * MEGABYTE


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    ``values`` are the recording's fields to write, ``file`` its bytes, if they came.
    Before ``leave_until`` (naive UTC; ``None``: go on) this PBX is not asked again;
    ``reached`` is false where it did not answer.
    """

    values: dict
    file: BinaryIO | None = None
    leave_until: datetime | None = None
    reached: bool = True


class FetchRun:
    """One run of the job: what is due, of every PBX that lets us in.

    :param env: the superuser's; its transaction ends after each recording.
    """

    def __init__(self, env):
        self.env = env
        # Providers that are left to a later run.
        self.left = set()
        # {provider id: files in a row for which it was not reached}
        self.unreachable = Counter()

    def run(self):
        providers = self.env["pbx.provider"].search([("company_id", "!=", False)])
        providers._notice_connected()
        recordings = self.env["pbx.recording"]
        due = recordings._find_due(providers._fetches_recordings().ids, BATCH + 1)
        for done, (recording_id, provider_id) in enumerate(due[:BATCH], 1):
            if provider_id in self.left:
                continue
            outcome = Fetch(recordings.browse(recording_id)).run()
            if outcome:
                self._judge(provider_id, outcome)
            # What is left to a later time is no reason to run again at once.
            rest = [row for row in due[done:] if row[1] not in self.left]
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(rest)):
                return

    def _judge(self, provider_id, outcome):
        """Leave out a PBX that lets nobody in, or cannot be reached."""
        if outcome.leave_until:
            self.left.add(provider_id)
        elif outcome.reached:
            self.unreachable[provider_id] = 0
        else:
            self.unreachable[provider_id] += 1
            if self.unreachable[provider_id] >= UNREACHABLE_IN_A_ROW:
                self.left.add(provider_id)


class Fetch:
    """One attempt to fetch one recording: claim it, ask the PBX, write the outcome."""

    def __init__(self, recording):
        self.recording = recording
        self.env = recording.env

    def run(self):
        """Return the :class:`Outcome`; ``None`` if another worker has it.

        Commits, in transactions of its own.
        """
        claim = self.claim()
        if not claim:
            return None
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            outcome = self.attempt(file)
            self.finish(claim, outcome)
        if outcome.leave_until:
            self.recording._wake_fetching([outcome.leave_until])
        return outcome

    # ---------------------------------------------------------------------- claim

    def claim(self):
        """Count an attempt and keep others off; return till when, or ``None``."""
        now = fields.Datetime.now()
        query = SQL(
            """UPDATE pbx_recording
                  SET attempts = coalesce(attempts, 0) + 1,
                      tried_at = %(now)s, claimed_until = %(till)s
                WHERE id = %(id)s AND state = 'waiting' AND next_attempt_at <= %(now)s
                  AND (claimed_until IS NULL OR claimed_until <= %(now)s)
            RETURNING claimed_until""",
            now=now,
            till=now + timedelta(minutes=CLAIM_MINUTES),
            id=self.recording.id,
        )

        def work(env):
            env.cr.execute(query, log_exceptions=False)
            return env.cr.fetchone()

        try:
            row = in_own_transaction(self.env, work, tries=1)
        except CONFLICTS:
            return None  # another worker has it
        self.recording.invalidate_recordset()
        return row and row[0]

    # -------------------------------------------------------------------- attempt

    def attempt(self, file):
        """Ask the PBX, and have the sound written to ``file``.

        :return: the :class:`Outcome`.
        """
        recording, provider = self.recording, self.recording.provider_id
        provider = provider.with_context(lang=provider.user_id.lang)
        days = provider.recording_days
        if days and recording.start < fields.Datetime.now() - timedelta(days=days):
            return Outcome({"state": "expired", "error": False})
        try:
            dialect, account = provider._open_api()
            ref = recording.call_id.ref or ""
            source = dialect.fetch_recording(account, ref, recording.ref)
            sound.check_home(source.url, account.server_url)
            if recording._is_played_by(provider):
                return Outcome({"state": "linked", "error": False})
            max_bytes = provider.recording_max_mb * MEGABYTE
            # No transaction is open while the file comes.
            self.env["ir.cron"]._commit_progress()
            received = sound.fetch(
                source.url,
                account.server_url,
                file,
                max_bytes,
                source.headers,
                explain=source.explain,
            )
            if received.size <= source.empty_bytes:
                raise errors.NotFound("nothing is recorded yet")
        except (errors.PbxError, dialects.NotOffered) as error:
            return self._after_error(error, provider)
        except psycopg2.Error:
            raise  # our own database, and no matter of this recording
        except Exception as error:  # noqa: BLE001
            # One recording must not keep the others from being fetched. Its text is
            # not logged: it may hold a link.
            kind = type(error).__name__
            _logger.error("Cloud PBX %s: a recording: %s", provider.id, kind)
            return self._later(provider.env._("Something went wrong here: %s", kind))
        values = {
            "state": "stored",
            "error": False,
            "mimetype": received.mimetype,
            "size": received.size,
            "file_seconds": seconds_of(file, received.size),
        }
        return Outcome(values, file)

    def _after_error(self, error, provider):
        """Return what follows from an error: later, never, or no attempt of ours."""
        now, reason = fields.Datetime.now(), provider._explain(error)
        uncounted = {"attempts": self.recording.attempts - 1}
        if isinstance(error, errors.RateLimited):
            at = now + timedelta(seconds=error.retry_after)
            return Outcome(uncounted, leave_until=at)
        if isinstance(error, errors.WrongKey | errors.AddressNotAllowed):
            until = now + timedelta(minutes=REFUSED_MINUTES)
            self._pause(provider, until)
            return Outcome({**uncounted, "error": reason}, leave_until=until)
        if isinstance(error, dialects.NotOffered):
            return Outcome({"state": "failed", "error": reason})
        if isinstance(error, errors.TooLarge):
            reason = provider.env._(
                "It is larger than %s MB. It stays at the PBX; your administrator may "
                "raise the limit.",
                provider.recording_max_mb,
            )
            return Outcome({"state": "failed", "error": reason})
        if isinstance(error, errors.BadAnswer):
            reason = provider.env._(
                "What the PBX gave is no sound file that can be taken (%s).",
                error.detail,
            )
        if isinstance(error, errors.NotFound):
            reason = provider.env._("The PBX does not have it, or not yet.")
            is_old = self.recording.start < now - timedelta(days=OLD_DAYS)
            if is_old and self.recording.attempts >= ATTEMPTS_WHEN_OLD:
                return Outcome({"state": "failed", "error": reason})
        reached = not isinstance(error, errors.Unreachable)
        return replace(self._later(reason), reached=reached)

    def _later(self, reason):
        attempts = self.recording.attempts
        if attempts > len(PAUSES_SECONDS):
            return Outcome({"state": "failed", "error": reason})
        pause = timedelta(seconds=PAUSES_SECONDS[max(attempts, 1) - 1])
        at = fields.Datetime.now() + pause
        return Outcome({"next_attempt_at": at, "error": reason})

    def _pause(self, provider, until):
        """Ask this PBX for no recording before ``until``."""
        # Not by write(): the settings that webhooks cache stay the same.
        query = SQL(
            "UPDATE pbx_provider SET recordings_paused_until = %s WHERE id = %s",
            until,
            provider.id,
        )
        try:
            in_own_transaction(
                self.env,
                lambda env: env.cr.execute(query, log_exceptions=False),
                tries=1,
            )
        except CONFLICTS:
            # Perhaps its keys were changed: it is asked once more.
            _logger.info("Cloud PBX %s: changed in this moment", provider.id)
        provider.invalidate_recordset(["recordings_paused_until"])

    # --------------------------------------------------------------------- finish

    def finish(self, claim, outcome):
        """Write the outcome of an attempt, unless another worker has taken over.

        :param claim: as :meth:`claim` returned it.
        """
        attempts = self.recording.exists().attempts

        def work(env):
            own = self.recording.with_env(env)
            lock_rows(own)
            own = own.exists()
            if not own or own.claimed_until != claim:
                return
            if outcome.file:
                own._store(outcome.file, outcome.values["mimetype"])
                own.env["pbx.notifier"]._recording_stored(own.call_id)
            if own.attempts < attempts and outcome.values.get("error"):
                # While we tried, the PBX had it ready, or somebody asked for it: that
                # counts more than our failure.
                own.write({"claimed_until": False})
            else:
                own.write({**outcome.values, "claimed_until": False})
            # What is left to a later time is no reason to run again at once.
            if own.state == "waiting" and not outcome.leave_until:
                own._wake_fetching([own.next_attempt_at])

        try:
            in_own_transaction(self.env, work)
        except CONFLICTS:
            # It is due again when the claim is over.
            _logger.warning("Recording %s: its outcome was not kept", self.recording.id)
        self.recording.invalidate_recordset()
