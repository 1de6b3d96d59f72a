"""Writing promises: they are derived anew from the calls of a number."""

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import fields
from odoo.tools import SQL

from ...telephony.promise import (
    DISMISSED_BY_HAND,
    OPEN,
    Act,
    PastCall,
    PromiseSettings,
    follow,
)
from ..tools.quiet import QUIET, to_second
from ..tools.transactions import CONFLICTS, lock_rows
from .conditions import IS_OURS, IS_SPAM, IS_UNTIMED
from .responsible import ResponsibleFinder

_logger = logging.getLogger(__name__)

# Calls of one number that are looked at, from the first one that matters; and as many
# of those after them, the talks first.
MAX_CALLS = 5000
# Where call-backs stay open for ever, older calls make none all the same.
MAX_DAYS = 365
# What decides who is responsible.
WHOSE = frozenset(
    (
        *("partner_id", "lead_id", "line_id", "team_id"),
        *("first_call_id", "participant_ids", "due_from"),
    )
)


# The columns of a ``LoggedCall``, after the first one.
COLUMNS = SQL(
    """call.id, call.number, call.direction, call.outcome, call.start,
       call.answer, call.stop,
       CASE WHEN NOT %s THEN coalesce(call.talk_seconds, 0) END,
       call.reported_at, call.user_id, call.partner_id, call.lead_id,
       call.line_id, call.team_id, call.provider_id,
       coalesce(call.is_blocked, FALSE), %s,
       coalesce(call.promise_off, FALSE), call.promise_id, call.promise_part""",
    IS_UNTIMED,
    IS_SPAM,
)


class LoggedCall(NamedTuple):
    """What a promise needs of a call of the log."""

    whose: str  # the number whose promises it is looked at for
    id: int
    number: str
    direction: str
    outcome: str
    start: datetime
    answer: datetime | None
    stop: datetime | None
    talk_seconds: int | None  # nobody told
    reported_at: datetime | None
    user_id: int | None
    partner_id: int | None
    lead_id: int | None
    line_id: int | None
    team_id: int | None
    provider_id: int
    is_excluded: bool
    is_spam: bool
    promise_off: bool
    promise_id: int | None
    promise_part: str | None

    @property
    def ended_at(self):
        return self.stop or self.start

    @property
    def makes_none(self):
        """Whether it was tagged as spam before it could make a call-back.

        One that had made one stays in it: that is dismissed, and not forgotten.
        """
        return self.is_spam and not self.promise_id

    def is_too_old(self, days):
        """Whether it was reported when its call-back would not be open any more.

        One that had made a call-back stays in it, however long they are open now.

        :param int days: for how long they are; 0: for ever.
        """
        if not days or self.promise_id or not self.reported_at:
            return False
        return self.reported_at - self.ended_at > timedelta(days=days)

    def past_call(self, days):
        """Return it as what a promise is derived of.

        :param int days: for how long call-backs are open; 0: for ever.
        """
        is_excluded = self.is_excluded or self.promise_off or self.makes_none
        return PastCall(
            id=self.id,
            direction=self.direction,
            outcome=self.outcome or "",
            start=self.start,
            stop=self.ended_at,
            answer=self.answer,
            talk=self.talk_seconds,
            reported_at=self.reported_at,
            user_id=self.user_id,
            is_excluded=is_excluded or self.is_too_old(days),
            is_other_number=self.number != self.whose,
        )


class PromiseFollower:
    """Keeps the promises of one company what its calls make of them.

    A plain class: it carries the environment and the settings of one run. It works in
    the transaction of who calls it. Two transactions that meet in a promise, or open
    one for the same number, fail, and are to be done anew: inside, neither sees what
    the other wrote.

    :param int company_id: of whose calls.
    :param bool lately: a contact that is found for calls of long ago makes nobody call
        back now: only calls that ended lately make new promises.
    """

    def __init__(self, env, company_id, lately=False):
        self.lately = lately
        # sudo: promises follow from calls, whoever wrote these
        self.env = env(su=True, context={**env.context, **QUIET})
        self.company_id = company_id
        self.settings = self.env["res.company"]._promise_settings(company_id)
        self.promises = self.env["pbx.promise"]
        self.calls = self.env["pbx.call"]

    def follow_calls(self, calls, former_numbers=()):
        """Follow the promises that ``calls``, as they are now, have a part in.

        :param calls: of the company; those that go on matter if they were over before.
        :param former_numbers: numbers that they had until now.
        :raises CONFLICTS: another transaction writes the same promises.
        """
        since = self._affected(calls, former_numbers)
        if since:
            self.follow(since, calls)

    def follow_quietly(self, calls, former_numbers=()):
        """The same for who writes the log: no call is lost by what fails here.

        What is to be done is found out first: most calls change no promise, and need
        no savepoint.

        :raises CONFLICTS: another transaction writes the same promises.
        """
        # What fails below takes nothing with it that was to be written before.
        self.env.flush_all()
        try:
            since = self._affected(calls, former_numbers)
            if not since:
                return
            # Not flushed by itself: that would send what waits for the commit.
            with self.env.cr.savepoint(flush=False):
                self.follow(since, calls)
                self.env.flush_all()
        except CONFLICTS:
            raise
        except Exception:  # noqa: BLE001
            # Also what was not written yet: its rows are gone.
            self.env.clear()
            # The job looks for what is missing.
            _logger.exception("Calls %s: no call-back", calls.ids)

    def _affected(self, calls, former_numbers):
        """Return ``{number: moment}``: from when its calls are to be looked at anew."""
        calls = calls.filtered(
            lambda call: call.promise_id or (call.state == "done" and call.number)
        )
        if not calls and not former_numbers:
            return {}
        known = self._promises_near(calls, former_numbers)
        of_number = defaultdict(list)
        for number, began_at, closed_at, promise_id in known:
            of_number[number].append((began_at, closed_at, promise_id))
        since = {}
        for call in calls.filtered("number"):
            near = [
                began_at
                for began_at, closed_at, promise_id in of_number.get(call.number, ())
                if closed_at is None
                or closed_at >= call.start
                or promise_id == call.promise_id.id
            ]
            if near or (self._may_be_lost(call) and call.state == "done"):
                moment = min(call.start, *near) if near else call.start
                since[call.number] = min(moment, since.get(call.number, moment))
        ours = {call.number for call in calls}
        for number, began_at, _closed_at, _promise_id in known:
            if number not in ours:
                since[number] = min(began_at, since.get(number, began_at))
        return since

    @staticmethod
    def _may_be_lost(call):
        return call.direction == "inbound" and call.outcome != "answered"

    def _promises_near(self, calls, former_numbers):
        """Return ``(number, began_at, closed_at, id)`` of promises that these calls may
        change: of their numbers, of their contacts, and those they were a part of."""
        self.promises.flush_model()
        self.env["res.partner"].flush_model(["is_company"])
        earliest = min(calls.mapped("start"), default=fields.Datetime.now())
        spoken = calls.filtered(lambda call: call.outcome == "answered")
        contacts, promises = spoken.partner_id.ids, calls.promise_id.ids
        parts = [
            SQL(
                """SELECT number, began_at, closed_at, id FROM pbx_promise
                    WHERE company_id = %(company)s AND number = ANY(%(numbers)s)
                      AND (state = 'open' OR closed_at >= %(earliest)s)""",
                company=self.company_id,
                numbers=[*filter(None, calls.mapped("number")), *former_numbers],
                earliest=earliest,
            )
        ]
        # To plan what finds nothing takes the database as long as the rest.
        if promises:
            parts.append(
                SQL(
                    """SELECT number, began_at, closed_at, id FROM pbx_promise
                        WHERE id = ANY(%s)""",
                    promises,
                )
            )
        if contacts:
            parts.append(
                SQL(
                    """SELECT promise.number, promise.began_at, promise.closed_at,
                              promise.id
                         FROM pbx_promise promise JOIN res_partner partner
                           ON partner.id = promise.partner_id
                        WHERE promise.company_id = %(company)s
                          AND promise.partner_id = ANY(%(contacts)s)
                          AND (promise.state = 'open'
                               OR promise.closed_at >= %(earliest)s)
                          AND partner.is_company IS NOT TRUE""",
                    company=self.company_id,
                    contacts=contacts,
                    earliest=earliest,
                )
            )
        return self.env.execute_query(SQL(" UNION ").join(parts))

    # ----------------------------------------------------------------------- spam

    def follow_tags(self, calls):
        """Follow the promises of numbers of whose calls a tag says that they are spam,
        or does not say so any more.

        :raises CONFLICTS: another transaction writes the same promises.
        """
        calls = calls.with_env(self.env).filtered(
            lambda call: call.number and call.direction != "internal"
        )
        if not calls:
            return
        promises = self._promises_with_spam(calls)
        spam = self._tagged_as_spam(calls)
        since = {}

        def begin(number, moment):
            since[number] = min(moment, since.get(number, moment))

        for call in calls:
            if self._may_be_lost(call) and call.state == "done":
                begin(call.number, call.start)
            theirs = promises.filtered(lambda one, call=call: one.number == call.number)
            theirs |= promises & call.promise_id
            for promise in self._concerned(theirs, call, call in spam):
                begin(promise.number, promise.began_at)
                self._write_spam_act(promise, call, call in spam)
        if since:
            self.follow_whole(since, calls)

    def _promises_with_spam(self, calls):
        """Return, locked, the open promises of these calls' numbers, those that are
        dismissed as spam or hold an act of these calls, and those that they are in."""
        self.promises.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM pbx_promise
                    WHERE company_id = %(company)s
                      AND (id = ANY(%(own)s)
                           OR number = ANY(%(numbers)s)
                              AND (state = 'open' OR dismiss_reason = 'spam'
                                   OR EXISTS (
                                   SELECT FROM jsonb_array_elements(acts) act
                                    WHERE (act->>'tagged_call_id')::integer
                                          = ANY(%(calls)s))))
                 ORDER BY opened_at, id""",
                company=self.company_id,
                own=calls.promise_id.ids,
                numbers=calls.mapped("number"),
                calls=calls.ids,
            )
        )
        found = self.promises.browse(promise_id for [promise_id] in rows)
        lock_rows(found, "NO KEY UPDATE")
        return found

    @staticmethod
    def _concerned(promises, call, is_spam):
        """Return those of a number's promises that the tags of ``call`` are about."""

        def tagged(promise):
            acts = promise.acts or ()
            return {act.get("tagged_call_id") for act in acts} - {None}

        if is_spam:
            # What another call's tag has dismissed stays so when that is taken.
            dismissed = promises.filtered(lambda one: one.dismiss_reason == "spam")
            others = dismissed.filtered(tagged)[-1:]
        else:
            others = promises.filtered(lambda one: call.id in tagged(one))
        is_open = promises.filtered(lambda one: one.state == "open")
        return is_open | others | (promises & call.promise_id)

    def _tagged_as_spam(self, calls):
        self.calls.flush_model(["tag_ids"])
        self.env["pbx.call.tag"].flush_model(["is_spam"])
        rows = self.env.execute_query(
            SQL(
                "SELECT call.id FROM pbx_call call WHERE call.id = ANY(%s) AND %s",
                list(calls.ids),
                IS_SPAM,
            )
        )
        return self.calls.browse(call_id for [call_id] in rows)

    def _write_spam_act(self, promise, call, is_spam):
        """Write down that a call's tag dismisses a promise, or does not any more.

        Also of one that is closed: what closed it may turn out to be none, and what
        else dismisses it may be taken back.
        """
        others = [
            act for act in promise.acts or () if act.get("tagged_call_id") != call.id
        ]
        if not is_spam:
            promise.acts = others
            return
        lost = promise.call_ids.filtered(lambda one: one.promise_part == "lost")
        act = Act(
            kind=DISMISSED_BY_HAND,
            at=promise._moment_of_act(),
            user_id=self.env.uid,
            reason="spam",
            calls=tuple(lost.ids),
            tagged_call_id=call.id,
        )
        promise.acts = [*others, act.to_json()]

    # -------------------------------------------------------------------- one number

    def follow_whole(self, since, calls=()):
        """The same as :meth:`follow`, from moments that may be in the midst of a
        promise: a call rings on while somebody speaks about the one before."""
        self.promises.flush_model()
        self.follow(self._from_the_beginning(since), calls)

    def _from_the_beginning(self, since):
        """Return ``since``, no moment of which is in the midst of a promise."""
        rows = self.env.execute_query(
            SQL(
                """SELECT promise.number, min(promise.began_at)
                     FROM pbx_promise promise
                     JOIN unnest(%s::varchar[], %s::timestamp[])
                          AS wanted(number, since) ON wanted.number = promise.number
                    WHERE promise.company_id = %s AND promise.began_at < wanted.since
                      AND (promise.state = 'open' OR promise.closed_at >= wanted.since)
                 GROUP BY promise.number""",
                list(since),
                list(since.values()),
                self.company_id,
            )
        )
        return self._from_the_beginning({**since, **dict(rows)}) if rows else since

    def follow(self, since, calls=()):
        """Derive the promises of numbers anew, and write what differs.

        :param dict since: ``{number: moment}``; what was closed before stays.
        :param calls: that may have left a promise.
        """
        loaded = self._load_calls(since)
        loaded += self._load_after(loaded, calls)
        if not self.settings.is_on:
            self._exclude_new(loaded)
        records = self._load_promises(since, loaded)
        plans = []
        for number in since:
            plans += self._plan(
                number,
                [call for call in loaded if call.whose == number],
                records.filtered(lambda one, number=number: one.number == number),
            )
        had = {call.id: call.promise_id for call in loaded}
        had.update({call.id: call.promise_id.id for call in calls})
        self._write(plans, records, since)
        self._free_others(plans, had)

    def _load_calls(self, since):
        """Return the calls that count, as :class:`LoggedCall`."""
        self.calls.flush_model()
        self.env["pbx.call.tag"].flush_model(["is_spam"])
        self.env["res.partner"].flush_model(["is_company"])
        rows = self.env.execute_query(
            SQL(
                """WITH wanted AS MATERIALIZED (
                   SELECT number, since
                     FROM unnest(%(numbers)s::varchar[], %(moments)s::timestamp[])
                          AS wanted(number, since)),
                   own AS MATERIALIZED (
                   SELECT wanted.number AS whose, wanted.since, call.*
                     FROM wanted CROSS JOIN LATERAL (
                          SELECT * FROM pbx_call
                           WHERE number = wanted.number AND company_id = %(company)s
                             AND start >= wanted.since AND state = 'done'
                             AND direction IN ('inbound', 'outbound')
                        ORDER BY start LIMIT %(limit)s) call)
                   SELECT whose, %(columns)s FROM own call
                    UNION ALL
                   SELECT person.whose, %(columns)s FROM (
                          SELECT DISTINCT own.whose, own.since, own.partner_id
                            FROM own JOIN res_partner partner
                              ON partner.id = own.partner_id
                           WHERE own.direction = 'inbound'
                             AND own.outcome IN ('missed', 'busy', 'failed')
                             AND partner.is_company IS NOT TRUE) person
                     JOIN pbx_call call ON call.partner_id = person.partner_id
                    WHERE call.company_id = %(company)s AND call.state = 'done'
                      AND call.outcome = 'answered' AND call.start >= person.since
                      AND call.number IS DISTINCT FROM person.whose""",
                columns=COLUMNS,
                numbers=list(since),
                moments=list(since.values()),
                company=self.company_id,
                limit=MAX_CALLS,
            )
        )
        return [LoggedCall(*row) for row in rows]

    def _load_after(self, loaded, calls):
        """Return further calls of numbers of which there are too many: talks, ``calls``
        and then the newest ones.

        Those between keep the part that they got when they came.
        """
        own = defaultdict(list)
        for call in loaded:
            if call.number == call.whose:
                own[call.whose].append(call)
        rows = []
        for number, found in own.items():
            if len(found) < MAX_CALLS:
                continue
            last = max(call.start for call in found)
            rows += self.env.execute_query(
                SQL(
                    """SELECT call.number AS whose, %(columns)s FROM pbx_call call
                        WHERE call.number = %(number)s AND call.company_id = %(company)s
                          AND call.start >= %(last)s AND call.state = 'done'
                          AND call.direction IN ('inbound', 'outbound')
                          AND NOT call.id = ANY(%(found)s)
                     ORDER BY (call.outcome = 'answered' OR call.id = ANY(%(calls)s))
                              IS NOT TRUE, call.start DESC, call.id DESC
                        LIMIT %(limit)s""",
                    columns=COLUMNS,
                    number=number,
                    company=self.company_id,
                    last=last,
                    found=[call.id for call in found if call.start == last],
                    calls=[call.id for call in calls],
                    limit=MAX_CALLS,
                )
            )
        return [LoggedCall(*row) for row in rows]

    def _exclude_new(self, loaded):
        """Mark lost calls that make no promise, since none are wanted now."""
        new = [
            index
            for index, call in enumerate(loaded)
            if not call.promise_id
            and call._replace(is_spam=False).past_call(self.settings.days).makes_promise
        ]
        for index in new:
            loaded[index] = loaded[index]._replace(promise_off=True)
        calls = self.calls.browse([loaded[index].id for index in new])
        calls.write({"promise_off": True})

    def _load_promises(self, since, loaded):
        """Return the promises that may change, locked."""
        rows = self.env.execute_query(
            SQL(
                """SELECT promise.id FROM pbx_promise promise
                     JOIN unnest(%s::varchar[], %s::timestamp[])
                          AS wanted(number, since) ON wanted.number = promise.number
                    WHERE promise.company_id = %s
                      AND (promise.began_at >= wanted.since OR promise.state = 'open'
                           OR promise.id = ANY(%s))
                 ORDER BY promise.began_at, promise.id""",
                list(since),
                list(since.values()),
                self.company_id,
                [call.promise_id for call in loaded if call.promise_id],
            )
        )
        records = self.promises.browse([promise_id for [promise_id] in rows])
        lock_rows(records, "NO KEY UPDATE")
        return records

    def _plan(self, number, loaded, records):
        """Return ``[(Promise or None, record or none, calls of the promise)]``."""
        # A call that was removed took what it told with it: what it closed stays so.
        records = records.filtered(
            lambda one: one.first_call_id or one.state == "open" or one.call_ids
        )
        acts = [Act.from_json(act) for one in records for act in one.acts or ()]
        derived = follow(
            [call.past_call(self.settings.days) for call in loaded],
            acts,
            PromiseSettings(self.settings.min_talk),
        )
        by_id = {call.id: call for call in loaded}
        left, plans = list(records), []
        for promise in derived:
            record = self._record_of(promise, left, by_id)
            left = [one for one in left if one != record]
            calls = [by_id[call_id] for call_id, _part in promise.parts]
            plans.append((promise, record, calls))
        return [*((None, record, ()) for record in left), *plans]

    def _record_of(self, promise, records, by_id):
        """Return the record of a derived promise; none if it is new."""
        for record in records:
            if record.first_call_id.id == promise.first_call_id:
                return record
        before = {by_id[call_id].promise_id for call_id in promise.lost_ids}
        for record in records:
            if record.id in before:
                return record
        return self.promises

    # ----------------------------------------------------------------------- writing

    def _write(self, plans, records, since):
        """Write what differs: first what is no longer open, for one of a number is."""
        gone = self.promises.union(*(one for promise, one, _ in plans if not promise))
        if gone:
            self._remove(gone, records - gone)
        new = [plan for plan in plans if plan[0] and not plan[1]]
        if self.lately:
            days = timedelta(days=self.settings.days or MAX_DAYS)
            oldest = fields.Datetime.now() - days
            new = [
                plan for plan in new if any(one.ended_at > oldest for one in plan[2])
            ]
        ours = self._of_ours({call_id for one, _, _ in new for call_id in one.lost_ids})
        known = [plan for plan in plans if plan[0] and plan[1]]
        for promise, record, calls in sorted(known, key=lambda plan: plan[0].state):
            self._update(record, promise, calls, since[record.number])
        self.promises.flush_model()
        for promise, _none, calls in new:
            if not ours.issuperset(promise.lost_ids):
                self._create(promise, calls)

    def _of_ours(self, call_ids):
        """Return the ids of those calls whose caller was one of us."""
        if not call_ids:
            return set()
        rows = self.env.execute_query(
            SQL(
                "SELECT call.id FROM pbx_call call WHERE call.id = ANY(%s) AND %s",
                list(call_ids),
                IS_OURS,
            )
        )
        return {call_id for [call_id] in rows}

    def _remove(self, gone, others):
        """Remove promises that are none: their call was not lost, or belongs to another
        promise, which takes over what people wrote."""
        for record in gone:
            heir = others.filtered(
                lambda one, record=record: one.number == record.number
            )
            if heir:
                self.env["mail.message"].search(
                    [("model", "=", record._name), ("res_id", "=", record.id)]
                ).write({"res_id": heir[0].id})
        self.env["pbx.notifier"]._promises_changed(gone, removed=True)
        gone.unlink()
        self.promises.flush_model()

    def _create(self, promise, calls):
        values = {
            **self._values(promise),
            **self._people_values(promise, calls),
            **self._line_values(calls[0]),
            "company_id": self.company_id,
            "number": calls[0].number,
        }
        values.update(self._deadline_values(promise, calls[0]))
        values["in_time"] = _is_in_time(promise, values["deadline"])
        values.update(self._responsible_values(values, promise.lost_ids))
        record = self._insert(values)
        self._write_parts(record, promise, calls)
        if promise.state == OPEN:
            record._plan_activity()
        self.env["pbx.notifier"]._promises_changed(record)

    def _insert(self, values):
        """Create a promise: its row first, so that who meets another is not logged.

        :raises UniqueViolation: another transaction opened one for the same number.
        """
        needed = (
            *("company_id", "number", "state"),
            *("began_at", "opened_at", "deadline"),
        )
        columns = SQL(", ").join(SQL.identifier(name) for name in needed)
        self.env.cr.execute(
            SQL(
                """INSERT INTO pbx_promise (%s, create_uid, write_uid, create_date,
                                            write_date)
                   VALUES (%s, %s, %s, %s, %s) RETURNING id""",
                columns,
                SQL(", ").join(SQL("%s", values[name]) for name in needed),
                *(self.env.uid, self.env.uid),
                *(self.env.cr.now(), self.env.cr.now()),
            ),
            log_exceptions=False,
        )
        [[promise_id]] = self.env.cr.fetchall()
        record = self.promises.browse(promise_id)
        others = {name: value for name, value in values.items() if name not in needed}
        record.write(others)
        return record

    def _update(self, record, promise, calls, since):
        """Write what differs of a promise.

        :param datetime since: from when the calls of its number were looked at.
        """
        values = {
            **self._values(promise),
            **self._people_values(promise, calls),
            **self._line_values(calls[0]),
        }
        if {"due_from", "line_id"}.intersection(_changed(record, values)):
            values.update(self._deadline_values(promise, calls[0]))
        deadline = values.get("deadline", record.deadline)
        values["in_time"] = _is_in_time(promise, deadline)
        if promise.state == OPEN and record.state != OPEN:
            # Who saw to it when it was late has nothing to do with it any more.
            values.update(escalated_at=False, escalated_user_id=False)
        # A call from before it was lost may tell who spoke last with the caller.
        is_known_anew = since < values["began_at"] or WHOSE.intersection(
            _changed(record, values)
        )
        if record.user_source != "person" and is_known_anew:
            known = {**record._plain(), **values}
            values.update(self._responsible_values(known, promise.lost_ids))
        changed = _changed(record, values)
        self._write_parts(record, promise, calls)
        if changed:
            record.write(changed)
            if {"state", "user_id", "deadline"}.intersection(changed):
                record._update_activity()
            self.env["pbx.notifier"]._promises_changed(record)

    def _values(self, promise):
        act = promise.act
        return {
            "state": promise.state,
            "first_call_id": promise.first_call_id,
            "opened_at": to_second(promise.opened_at),
            "due_from": to_second(promise.due_from),
            "attempts": promise.attempts,
            "tries": promise.tries,
            "last_attempt_at": to_second(promise.last_attempt_at),
            "last_try_at": to_second(promise.last_try_at),
            "closed_at": to_second(promise.closed_at),
            "closed_call_id": promise.closed_call_id or False,
            "closed_by_id": promise.closed_by_id or False,
            "dismiss_reason": (act and act.reason) or False,
            "note": (act and act.note) or False,
        }

    def _line_values(self, call):
        """Return where the caller called: as the first lost call has it."""
        return {
            "provider_id": call.provider_id or False,
            "line_id": call.line_id or False,
            "team_id": call.team_id or False,
        }

    def _people_values(self, promise, calls):
        """Return whose call-back it is: as the last lost call has it."""
        lost = [call for call in calls if call.id in promise.lost_ids]
        last = max(lost, key=lambda call: (bool(call.partner_id), call.start, call.id))
        with_lead = [call for call in lost if call.lead_id]
        lead = max(with_lead, key=lambda call: (call.start, call.id), default=None)
        rung = self.calls.browse([call.id for call in lost])
        # Archived ones too: their phones did ring.
        users = rung.with_context(active_test=False).participant_ids
        return {
            "began_at": min(call.start for call in lost),
            "partner_id": last.partner_id or False,
            "lead_id": (lead and lead.lead_id) or False,
            "participant_ids": [fields.Command.set(sorted(users.ids))],
        }

    def _deadline_values(self, promise, call):
        """Return until when somebody has to call back, in working hours."""
        line = self.env["pbx.line"].browse(call.line_id or ())
        deadline = self.env["pbx.promise"]._add_minutes(
            line.calendar_id.id or self.settings.calendar_id,
            self.company_id,
            promise.due_from,
            self.settings.minutes,
        )
        return {"deadline": to_second(deadline)}

    def replace_responsible(self, record):
        """Find anew who calls back: whoever had to takes no calls any more."""
        record = record.with_env(self.env)
        lost = record.call_ids.filtered(lambda call: call.promise_part == "lost")
        lost = lost.sorted(lambda call: (call.start, call.id))
        record.write(self._responsible_values(record._plain(), lost.ids))
        record._update_activity()
        self.env["pbx.notifier"]._promises_changed(record)

    def _responsible_values(self, values, lost_ids):
        """Return who calls back, and why.

        Whose phone rang is that of the first call that rang anybody: who is responsible
        stays so when the caller tries again.

        :param lost_ids: of the lost calls, in order.
        """
        lost = self.calls.with_context(active_test=False).browse(lost_ids)
        rung = next((call.participant_ids.ids for call in lost if call.participant_ids),
                    [])  # fmt: skip
        finder = ResponsibleFinder(self.env, self.company_id)
        user_id, source = finder.find(values, rung)
        return {"user_id": user_id, "user_source": source}

    def _write_parts(self, record, promise, calls):
        """Let the calls name the promise, and what part they have in it."""
        parts = dict(promise.parts)
        wanted = {call.id: (record.id, parts[call.id]) for call in calls}
        had = {call.id: (call.promise_id, call.promise_part) for call in calls}
        by_values = defaultdict(list)
        for call_id, values in wanted.items():
            if had[call_id] != values:
                by_values[values].append(call_id)
        for (promise_id, part), ids in by_values.items():
            self.calls.browse(ids).write(
                {"promise_id": promise_id, "promise_part": part}
            )

    def _free_others(self, plans, had):
        """Let calls that have no part in a promise any more forget it.

        :param dict had: ``{call id: promise id or a false value}``.
        """
        parts = {call_id for one, _, _ in plans if one for call_id, _ in one.parts}
        left = [call_id for call_id, was in had.items() if was and call_id not in parts]
        self.calls.browse(left).write({"promise_id": False, "promise_part": False})


def _is_in_time(promise, deadline):
    """Tell whether a promise was closed by the deadline."""
    return bool(promise.closed_at and to_second(promise.closed_at) <= deadline)


def _changed(record, values):
    """Return those of ``values`` that differ from what ``record`` has."""
    changed = {}
    for name, value in values.items():
        now = record[name]
        if isinstance(value, list):
            if set(now.ids) != set(value[0][2]):
                changed[name] = value
        elif (now.id if record._fields[name].type == "many2one" else now) != value:
            changed[name] = value
    return changed
