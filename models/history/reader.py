"""Reading past calls: a page is asked for, written, and its place noted with its calls.

Like the inbox, this ends transactions by itself: what was read stays read, whatever
becomes of the next page, of the job, or of the server.
"""

import contextlib
import dataclasses
import logging
from enum import Enum
from typing import NamedTuple

import psycopg2.errors

from odoo import SUPERUSER_ID
from odoo.tools import SQL, split_every

from ...telephony import dialect as dialects
from ...telephony import errors
from ...telephony.call import derive
from ...telephony.dialect import NotOffered, fixed_zone
from ...telephony.facts import CallFacts
from ...telephony.local_time import in_zones
from ...telephony.rows import group_rows
from ..call.log import CallLog
from ..tools.transactions import in_own_transaction, try_lock, wait_for_locks

_logger = logging.getLogger(__name__)

# A click waits so long for a job that reads at this moment.
LOCK_SECONDS = 15
# Calls in one transaction: so long their events have to wait.
MAX_TOGETHER = 100


class Place(NamedTuple):
    """Where an import is: naive UTC times, and the dialect's own page."""

    start: object
    stop: object
    page: object


class Progress(Enum):
    """How it goes on after a page was asked for."""

    MORE = "more"  # there is another one
    DONE = "done"  # that was the last one, or somebody stopped it
    LIMITED = "limited"  # the PBX may not be asked more often now
    WAITING = "waiting"  # what is wrong may be over by itself soon
    FAILED = "failed"  # it is not over by itself


def _progress_after(error):
    if isinstance(error, errors.RateLimited):
        return Progress.LIMITED
    if isinstance(error, (errors.Unreachable, errors.BadAnswer)):
        return Progress.WAITING
    return Progress.FAILED


class HistoryReader:
    """Reads the history of one cloud PBX, a page at a time.

    A plain class: it carries what a page needs, from the question to the last call that
    is written. Where an import is stands in its row, a ``pbx.history``.

    :param env: of the job, or of the click.
    :param provider: the ``pbx.provider``, of the caller's own transaction.
    :param bool urgent: a person waits for it.
    """

    def __init__(self, env, provider, urgent=False):
        self.env, self.provider, self.urgent = env, provider, urgent

    @property
    def settings(self):
        """The provider's settings; they may change while pages are read."""
        return self.provider._settings(self.provider.id)

    # ---------------------------------------------------------------------- guard

    @contextlib.contextmanager
    def lock(self, wait_seconds=0):
        """Hold that nobody else reads this PBX's history; give ``False`` if somebody
        does, for longer than ``wait_seconds``.
        """
        key = f"pbx.history/{self.provider.id}"
        with self.env.registry.cursor() as cr:
            env = self.env(cr=cr)
            if not wait_seconds:
                yield try_lock(env, key)
                return
            cr.execute(
                "SELECT set_config('lock_timeout', %s, TRUE)", [f"{wait_seconds}s"]
            )
            try:
                with cr.savepoint(flush=False):
                    wait_for_locks(env, [key])
                held = True
            except psycopg2.errors.LockNotAvailable:
                held = False
            yield held

    def take_turn(self):
        """Read one page of what is due; tell whether there is more to read now."""
        with self.lock() as held:
            if not held:
                return False  # whoever reads at this moment goes on
            due = self._alone(lambda all_: all_._find_due(self.provider.id))
            if not due:
                return False
            progress = self.read_page(due[0])
            if progress is Progress.MORE:
                return True
            # What one import was refused for good may not concern the next one.
            return len(due) > 1 and progress in (Progress.DONE, Progress.FAILED)

    def begin_catch_up(self):
        """Have the catch-up begin, or go on, at once; return its id."""
        return self._alone(lambda all_: all_._request_catch_up(self.provider.id))

    def result(self, history_id):
        """Return what the row says, as plain values."""
        return self._alone(lambda all_: all_.browse(history_id)._result())

    def _alone(self, work):
        """Return ``work(pbx.history)``, done in a transaction of its own."""
        return in_own_transaction(
            self.env,
            lambda env: work(env["pbx.history"]),
            user=SUPERUSER_ID,
            context={},
        )

    # ----------------------------------------------------------------------- page

    def read_page(self, history_id):
        """Ask for the next page of an import and write its calls.

        The caller holds the lock.

        :return: :class:`Progress`; what did not work is noted in the row.
        """
        place = self._alone(lambda all_: all_.browse(history_id)._begin())
        if place is None:
            return Progress.DONE
        try:
            dialect, account = self.provider._open_api(self.urgent)
            account = self._with_zone(dialect, account)
            page = dialect.fetch_history(account, *place)
            if page.next is not None and page.next == place.page:
                raise errors.SamePage("the next page is this one")
            if page.unreadable:
                _logger.info(
                    "Cloud PBX %s: %s rows of past calls are left out, they say too "
                    "little",
                    self.provider.id,
                    page.unreadable,
                )
            events = tuple(in_zones(event, account) for event in page.events)
            page = dataclasses.replace(page, events=events)
            return self._write_page(history_id, place, page)
        except (errors.PbxError, NotOffered) as error:
            failure = error
        except Exception as error:  # noqa: BLE001
            # A page that breaks the reader must not end the others' imports.
            _logger.exception("Cloud PBX %s: past calls not read", self.provider.id)
            failure = error
        progress = _progress_after(failure)
        self._alone(lambda all_: all_.browse(history_id)._not_read(progress, failure))
        return progress

    def _with_zone(self, dialect, account):
        """Ask for the offset of the PBX's times where nobody has entered any.

        Its past calls would all be hours off, and stay so.
        """
        if self.provider.tz or self.provider.utc_offset:
            return account
        try:
            offset = dialect.fetch_offset(account)
        except NotOffered:
            # A past call has no receipt that could count instead.
            return dataclasses.replace(account, zone_known=True)
        self._alone(
            lambda all_: (
                all_.env["pbx.provider"]
                .browse(self.provider.id)
                .write({"utc_offset": offset})
            )
        )
        return dataclasses.replace(account, zone=fixed_zone(offset), zone_known=True)

    # ---------------------------------------------------------------------- parts

    def _write_page(self, history_id, place, page):
        """Write the calls of a page, some at a time, and then where to go on.

        :param Place place: where the page was read.
        :return: :class:`Progress`.
        """
        parts = list(split_every(MAX_TOGETHER, self._calls_of(page).items(), dict))
        last = parts.pop() if parts else {}
        for part in parts:
            if not self._write_part(history_id, place, part):
                return Progress.DONE
        if not self._write_part(history_id, place, last, page):
            return Progress.DONE
        return Progress.DONE if page.next is None else Progress.MORE

    def _calls_of(self, page):
        """Return ``{ref: [CallEvent]}``; rows without an id get one of our making."""
        groups, without = {}, []
        for event in page.events:
            if event.ref:
                groups.setdefault(event.ref, []).append(event)
            else:
                without.append(event)
        if not dialects.get(self.settings.dialect).history_has_ids:
            groups.update({one.ref: one.rows for one in group_rows(without)})
        return groups

    def _write_part(self, history_id, place, groups, page=None):
        """Write some calls; with ``page``, they are its last ones.

        :param dict groups: ``{ref: [CallEvent]}``.
        :return: whether the import still runs.
        """
        part = Part(self.settings, history_id, place, page)
        try:
            running = self._alone(lambda all_: part.write_calls(all_, groups))
        except Exception:  # noqa: BLE001
            # One call that cannot be written must not cost the others.
            _logger.warning("Cloud PBX %s: one by one", part.settings.id, exc_info=True)
            running = self._write_one_by_one(part, groups)
        self._apply_waiting(part)
        return running

    def _write_one_by_one(self, part, groups):
        broken, unfinished = {}, dataclasses.replace(part, page=None)
        for ref, events in groups.items():
            one = {ref: events}
            try:
                self._alone(lambda all_, one=one: unfinished.write_calls(all_, one))
            except Exception as error:  # noqa: BLE001
                _logger.exception(
                    "Cloud PBX %s: call %s not written", part.settings.id, ref
                )
                broken[ref] = error
        return self._alone(lambda all_: part.write_calls(all_, {}, broken))

    def _apply_waiting(self, part):
        """Apply events that came meanwhile: who brought them did not wait for us."""
        rows = self._alone(
            lambda all_: all_.env.execute_query(
                SQL(
                    """SELECT DISTINCT ref FROM pbx_event
                        WHERE provider_id = %s AND ref = ANY(%s)
                          AND state = 'pending'""",
                    self.provider.id,
                    list(part.refs),
                )
            )
        )
        for [ref] in rows:
            self.env["pbx.event"]._apply(self.provider.id, ref)


@dataclasses.dataclass
class Part:
    """Some calls of one page, which are written in one transaction.

    :var page: the dialect's page, if these are its last calls.
    :var refs: of the calls whose locks were held.
    """

    settings: object
    history_id: int
    place: Place
    page: object = None
    refs: set = dataclasses.field(default_factory=set)

    def write_calls(self, histories, groups, broken=None):
        """Write the calls, and note in the row what became of them.

        :param histories: ``pbx.history``, of the transaction to write in.
        :param dict broken: ``{ref: error}`` of what could not be written.
        :return: whether the import still runs, where the page was read.
        """
        self.refs.update(groups)
        history = histories.browse(self.history_id)
        if not history._is_at(self.place):
            return False
        groups = self._without_erased(history.env["pbx.erased"], groups)
        verdicts = CallLog(history.env, self.settings).add_history(groups)
        self.refs.update(verdicts)
        history._count(groups, verdicts, broken or {})
        # What waited until history tells of these calls: it does.
        history.env["pbx.event"]._release(self.settings.id, set(groups))
        if self.page:
            history._finish_page(self.page)
        return True

    def _without_erased(self, erased, groups):
        """Return the groups but those of calls whose number was erased since."""
        company_id, country = self.settings.company_id, self.settings.account.country
        if not erased._erased_at(company_id):
            return groups
        calls = {
            ref: derive(CallFacts(events), country=country)
            for ref, events in groups.items()
        }
        return {
            ref: events
            for ref, events in groups.items()
            if not erased._covers(company_id, calls[ref].number, calls[ref].start)
        }
