"""Reading past calls: a page is asked for, applied, and its place noted with its calls.

Like the inbox, this ends transactions by itself: what was read stays read, whatever
becomes of the next page, of the job, or of the server.
"""

import contextlib
import dataclasses
import logging
from datetime import timedelta
from typing import NamedTuple

import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...telephony import errors
from ...telephony.dialect import NotOffered, fixed_zone
from ..tools.transactions import CONFLICTS, TRIES
from .pbx_history import COUNTS

_logger = logging.getLogger(__name__)

# A cloud PBX of which nothing was ever read.
FIRST_DAYS = 30
# A call is told when it is over, by the time at which it began.
OVERLAP = timedelta(days=1)
# The catch-up begins anew so long after it was done: a bit less than the job's pause.
AGAIN = timedelta(minutes=25)
# What may be over by itself is tried again sooner.
SOON = timedelta(minutes=5)
# What may be over by itself.
PASSING = (errors.RateLimited, errors.Unreachable, errors.BadAnswer)
# A click waits so long for a job that reads at this moment.
GUARD_SECONDS = 15


class Place(NamedTuple):
    """Where an import is: naive UTC times, and the dialect's own page."""

    start: object
    stop: object
    page: object


class PbxHistory(models.Model):
    _inherit = "pbx.history"

    # ------------------------------------------------------------ transactions

    @contextlib.contextmanager
    def _reader_lock(self, provider_id, wait=0):
        """Hold that nobody else reads this PBX's history; give ``False`` if somebody
        does, for longer than ``wait`` seconds.
        """
        with self.env.registry.cursor() as cr:
            key = SQL("hashtextextended(%s, 0)", f"pbx.history/{provider_id}")
            if wait:
                cr.execute("SELECT set_config('lock_timeout', %s, TRUE)", [f"{wait}s"])
            try:
                with cr.savepoint(flush=False):
                    if wait:
                        query = SQL("SELECT pg_advisory_xact_lock(%s) IS NOT NULL", key)
                    else:
                        query = SQL("SELECT pg_try_advisory_xact_lock(%s)", key)
                    cr.execute(query, log_exceptions=False)
                    [held] = cr.fetchone()
            except psycopg2.errors.LockNotAvailable:
                held = False
            yield held

    def _in_own_transaction(self, work):
        """Return ``work(self)`` done in a transaction of its own, again on conflicts.

        It has the system's rights and sees what was committed until now.
        """
        for attempt in range(1, TRIES + 1):
            with self.env.registry.cursor() as cr:
                context = {"pbx_found": {}}
                env = api.Environment(cr, SUPERUSER_ID, context)
                try:
                    result = work(self.with_env(env))
                    cr.commit()  # pylint: disable=invalid-commit
                    return result
                except CONFLICTS:
                    # Met with a webhook, or a person: a fresh one sees what they did.
                    cr.rollback()
                    if attempt == TRIES:
                        raise
        return None

    # ------------------------------------------------------------------- pages

    def _read_page(self, provider, urgent=False):
        """Ask for the next page and write its calls.

        The caller holds the guard.

        :param provider: the record, of the caller's own transaction.
        :param bool urgent: a person waits for it.
        :return: ``True``: there is more, ``False``: that was all, or it was stopped; an
            exception where it did not work: it is noted in the row.
        """
        place = self._in_own_transaction(lambda history: history._begin())
        if place is None:
            return False
        try:
            dialect, account = provider._open_api(urgent)
            account = self._with_zone(provider, dialect, account)
            page = dialect.fetch_history(account, *place)
            return self._write_page(provider._settings(provider.id), place, page)
        except (errors.PbxError, NotOffered) as error:
            failure = error
        except Exception as error:  # noqa: BLE001
            # A page that breaks the reader must not end the others' imports.
            _logger.exception("Cloud PBX %s: past calls not read", provider.id)
            failure = error
        self._in_own_transaction(lambda history: history._not_read(failure))
        return failure

    def _with_zone(self, provider, dialect, account):
        """Ask for the offset of the PBX's times where nobody has entered any.

        Its past calls would all be hours off, and stay so.
        """
        if provider.tz or provider.utc_offset:
            return account
        try:
            offset = dialect.fetch_offset(account)
        except NotOffered:
            return account
        self._in_own_transaction(
            lambda one: one.provider_id.write({"utc_offset": offset})
        )
        return dataclasses.replace(account, zone=fixed_zone(offset))

    def _begin(self):
        """Take the next page up: return its :class:`Place`, ``None`` if stopped."""
        if not self.exists() or not self._is_open():
            return None
        values = {"state": "running", "next_attempt_at": False}
        if not self.counted:
            # Not merely interrupted: its first page may be half counted.
            values.update(self._beginning(fields.Datetime.now()))
        self.write(values)
        return Place(self.start, self.stop, self.page or None)

    def _beginning(self, now):
        """Return what the row holds before its first page."""
        values = dict.fromkeys((*COUNTS, "failed_count", "rows", "progress"), 0)
        values.update(page=False, counted=[[], []], error=False)
        if self.kind == "catch_up":
            mark = self.until
            # A mark that is yet to come is of a clock that went wrong: what it hides
            # nobody knows.
            known = mark and mark <= now + timedelta(minutes=5)
            start = mark - OVERLAP if known else now - timedelta(days=FIRST_DAYS)
            values.update(start=start, stop=now)
        else:
            values["until"] = False
        return values

    def _not_read(self, error):
        """Note why there was no page, and when to try again."""
        if not self.exists() or self.state != "running":
            return
        now = fields.Datetime.now()
        passing = isinstance(error, PASSING)
        if isinstance(error, errors.RateLimited):
            pause = timedelta(seconds=error.retry_after)
        else:
            pause = SOON if passing else AGAIN
            self.error = self._why(error)
        again = passing or self.kind == "catch_up"
        self.state = "waiting" if passing else "failed"
        self.next_attempt_at = now + pause if again else False
        if passing:
            self._wake(self.next_attempt_at)
        elif not isinstance(error, (errors.WrongKey, errors.AddressNotAllowed)):
            # Perhaps it is this very page that the PBX does not know any more.
            self.write({"page": False, "counted": False})
        self.env["pbx.notifier"]._history_changed(self)

    def _why(self, error):
        if isinstance(error, (errors.PbxError, NotOffered)):
            return self.provider_id._explain(error)
        return f"{type(error).__name__}: {error}"[:2000]

    def _is_open(self):
        """Tell whether there is something to read; a catch-up begins ever anew."""
        if self.kind == "catch_up":
            return self.state != "stopped"
        return self.state in ("waiting", "running")

    # --------------------------------------------------------------------- job

    @api.model
    def _cron_fetch(self):
        """Catch up with what no event told, and go on with the periods asked for.

        Page by page, the cloud PBXs by turns. Where one sets a limit, its rest waits.
        """
        # sudo: the job's own user; all companies
        providers = self.env["pbx.provider"].sudo().search([("user_id", "!=", False)])
        providers = providers.filtered(
            lambda one: one.is_running and (one.api_key or one.api_secret)
        )
        turn = list(providers)
        while turn:
            provider = turn.pop(0)
            if self._take_turn(provider):
                turn.append(provider)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(turn)):
                return
        # What was found may show that events are missing.
        self.env.ref("cloud_pbx.ir_cron_silence")._trigger()

    def _take_turn(self, provider):
        """Read one page of this cloud PBX; tell whether there is more to read now."""
        if not provider.exists().is_running:
            return False  # ended meanwhile
        with self._reader_lock(provider.id) as held:
            if not held:
                return False  # whoever reads at this moment goes on
            due = self._in_own_transaction(lambda history: history._due(provider.id))
            if not due:
                return False
            result = self.browse(due[0])._read_page(provider)
            # What one import was refused for good may not concern the next one.
            return result is True or (len(due) > 1 and not isinstance(result, PASSING))

    def _due(self, provider_id):
        """Return the ids of what to go on with, those of people after the catch-up."""
        self._catch_up_of(provider_id)
        found = self.search(
            [("provider_id", "=", provider_id), ("state", "!=", "draft")]
            + ["|", ("kind", "=", "catch_up"), ("state", "in", ("waiting", "running"))],
            order="kind, id",
        )
        now = fields.Datetime.now()
        return found.filtered(
            lambda one: one._is_open() and (one.next_attempt_at or now) <= now
        ).ids

    def _catch_up_of(self, provider_id):
        """Return the catch-up of this cloud PBX, made when it is wanted first."""
        catch_up = self.search(
            [("provider_id", "=", provider_id), ("kind", "=", "catch_up")], limit=1
        )
        return catch_up or self.create(
            {"provider_id": provider_id, "kind": "catch_up", "state": "waiting"}
        )

    def _request_catch_up(self, provider_id):
        """Have the catch-up begin, or go on, at once; return its id."""
        catch_up = self._catch_up_of(provider_id)
        catch_up.write({"state": "waiting", "next_attempt_at": False})
        return catch_up.id

    def _told(self):
        """Return what the row says, as plain values."""
        names = (*COUNTS, "failed_count", "error", "next_attempt_at", "state")
        return {name: self[name] for name in names}
