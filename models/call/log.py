"""Writing the log: facts grow, and the call is derived from them anew."""

import logging
from contextlib import contextmanager
from datetime import timedelta

import psycopg2.errors
from markupsafe import Markup

from odoo import fields, models
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import numbers
from ...telephony.admission import admit
from ...telephony.call import derive, rang_seconds, result_of_leg
from ...telephony.event import (
    ANSWERED,
    BUSY,
    CLICKED,
    DIALLED,
    EXPIRED,
    INBOUND,
    LOGGED,
    MISSED,
    RECORDED,
    REFUSED,
    RINGING,
    SPOKEN,
    STARTED,
    CallEvent,
    parties_of,
    unknown_endpoints,
    with_known_extensions,
)
from ...telephony.facts import CallFacts
from ...telephony.failure import Failure
from ...telephony.rows import group_rows, is_made_up
from ..lead.queue import LeadQueue
from ..promise.follow import PromiseFollower
from ..routing.of_call import route_values
from ..tools.quiet import QUIET, to_second
from ..tools.transactions import (
    CONFLICTS,
    gave_up_waiting,
    limit_lock_waits,
    lock_rows,
    lock_timeout,
    wait_for_locks,
)
from .chatter import NOTED
from .lines import CallLines
from .match import CallMatcher, names_of_legs
from .seat import Moment, Seat

_logger = logging.getLogger(__name__)

# Until a call that could not be closed is tried again.
CLOSE_AGAIN_HOURS = 24
LEG_FIELDS = ("start", "answer", "stop", "outcome", "result", "rang_seconds")
# What an event needs of a call that is known; reading all of it takes half as long
# again.
READ = (
    *("ref", "company_id", "direction", "state", "outcome", "disposition", "number"),
    *("line", "start", "answer", "stop", "wait_seconds", "talk_seconds", "reported_at"),
    *("last_event_at", "facts", "from_history", "corrected", "own_leg_only"),
    *("is_blocked", "extension_id", "user_id", "user_picked", "partner_id", "lead_id"),
    *("partner_source", "clicked_at", "promise_id", "route_outcome"),
    *("provider_id", "has_activities_waiting"),
)
# What call-backs follow from.
PROMISED = frozenset(
    (
        *("state", "outcome", "direction", "number", "start", "answer", "stop"),
        *("talk_seconds", "user_id", "partner_id", "lead_id", "participant_ids"),
        *("is_blocked", "line_id"),
    )
)
# What the log keeps of how a leg went; why a phone did not answer is not told of each.
LEG_OUTCOMES = {SPOKEN: "answered", MISSED: "missed", BUSY: "missed"}
# Nothing followed a click for so long: it is over.
SILENT_SECONDS = 180
# What the history says, or we do; everything else is an event of the PBX.
NOT_LIVE = frozenset((LOGGED, CLICKED, REFUSED, EXPIRED))
# Whose phone does so is connected.
SHOWS_ONLINE = frozenset((RINGING, ANSWERED, DIALLED, STARTED))
# Of events that came longer ago nothing follows for what phones do now.
ONLINE_SECONDS = 60


class CallLog:
    """The log of one cloud PBX, written in the transaction of ``env``.

    A plain class: it carries the provider's settings, the environment in which the log
    is written, and the memory of one run's look-ups through all that it does. Facts
    come in, rows go out; which rows belong together :class:`CallMatcher` says. Whom to
    notify is named at the end of what writes.

    :param PbxSettings settings: of the provider.
    :param dict memory: that of ``pbx.directory``'s ``_find``; by default a new one.
    :param int event_id: of the inbox, the oldest event that is being applied.
    """

    def __init__(self, env, settings, memory=None, event_id=None):
        self.settings, self.event_id = settings, event_id
        self.memory = {} if memory is None else memory
        # sudo: the log is the system's; it is written in the name of "run as", whose
        # rights need not reach every contact and every colleague.
        calls = env["pbx.call"].with_user(settings.user_id or env.uid).sudo()
        self.calls = calls.with_context(
            **QUIET, allowed_company_ids=[settings.company_id]
        )
        self.env = self.calls.env
        self.notifier = self.env["pbx.notifier"]
        self.dialect = dialects.get(settings.dialect)
        self.matcher = CallMatcher(self.calls, settings)
        self.lines = CallLines(self.env, settings, self.memory)
        self.leads = LeadQueue(self.env, settings.company_id)
        # Events that were not added, since their call has too many of their kind.
        self.left_out = []
        # Ids of internal numbers whose phones ring, answer or dial now.
        self.online_ids = set()

    # ------------------------------------------------------------------ one call

    def add_events(self, events, ref=None, decisions=()):
        """Add events of one call to its facts, and write what follows from them.

        :param list events: ``CallEvent``, at least one.
        :param str ref: the id of the call; by default that of the events.
        :param decisions: what the PBX was told that asked with these events, oldest
            first, as ``telephony.routing.Outcome`` writes them.
        :return: the call. Events of which it has too many are in ``left_out``, and not
            in its facts.
        """
        ref = events[0].ref if ref is None else ref
        if any(event.endpoint for event in events):
            return self._add_leg_events(events, ref, decisions)
        call, clicks = self.matcher.find(ref, events)
        call.fetch(READ)
        known = CallFacts.from_json(call.facts if call else None)
        facts, left_out = admit(known, events, self.dialect.history_outranks_events)
        self.left_out += left_out
        if facts == known:
            return self._keep_decisions(call, decisions)
        call, facts = self.matcher.bind_click(call, clicks, known, facts)
        call, facts, others = self.matcher.bind_rows(call, facts)
        self._write_others(others)
        return self.join_legs(self.write_facts(facts, call, ref, decisions))

    @staticmethod
    def _keep_decisions(call, decisions):
        """Write down what a PBX was told that repeated itself; return the call."""
        if values := route_values(call, decisions):
            lock_rows(call, "NO KEY UPDATE")
            call.write(values)
        return call

    def _write_others(self, facts_of):
        """Write calls whose rows of the history turned out to be of others.

        :param dict facts_of: ``{pbx.call: CallFacts}``.
        """
        for call, facts in facts_of.items():
            lock_rows(call)
            self.write_facts(facts, call)

    def _add_leg_events(self, events, ref, decisions):
        """The same where the PBX reports each leg: one may go over to another call."""
        calls, known_names = self.matcher.find_by_legs(ref, events)
        known = CallFacts(
            event for call in calls for event in CallFacts.from_json(call.facts).events
        )
        facts, left_out = admit(known, events)
        self.left_out += left_out
        if facts == known and len(calls) == 1:
            return self._keep_decisions(calls, decisions)
        call = calls[:1]
        if len(calls) > 1:
            # The call of the first id goes on; a consultation is a part of it.
            ref_left = self._derive(facts).ref
            call = calls.filtered(lambda one: one.ref == ref_left)[:1] or call
        names = {ref, *names_of_legs(events)} - known_names
        names.update(filter(None, calls.mapped("ref")))
        self.matcher.unite(calls, call)
        call = self.write_facts(facts, call, ref, decisions)
        self.matcher.add_names(call, names - {call.ref})
        return call

    def write_facts(self, facts, call, ref="", decisions=()):
        """Make ``call`` (or a new one, if empty) what ``facts`` say; return it.

        :param str ref: its id, if no fact has one.
        :param decisions: see :meth:`add_events`.
        """
        shown = self.notifier._shown(call)
        facts = self._with_extensions(facts)
        derived = self._derive(facts)
        legs = self._legs_of(call)
        seats = self._seats(derived, legs, call)
        values = self._values(derived, facts, seats, call, ref)
        values.update(route_values(call, decisions))
        if call:
            changed = self._write_call(call, values, derived)
        else:
            call, changed = self._create_calls([values]), PROMISED
        self._write_legs(call, derived, legs, seats)
        self._note_online(facts, seats)
        self.env["pbx.recording"]._write_from_facts(call, facts)
        if PROMISED.intersection(changed):
            former = {shown.get("number")} - {False, None, call.number}
            self.follow_promises(call, former)
        self.notifier._call_changed(call, shown, values["facts"])
        if derived.in_doubt:
            self.env["pbx.history"]._hasten_catch_up(self.settings.id)
        if NOTED.intersection(changed):
            self.env["pbx.chatter"]._call_changed(call)
        return call

    def follow_promises(self, calls, former_numbers=()):
        """Derive the call-backs of these calls anew."""
        calls = calls.filtered(lambda call: call.state == "done" or call.promise_id)
        if not calls and not former_numbers:
            return
        follower = PromiseFollower(self.env, self.settings.company_id)
        follower.follow_quietly(calls, former_numbers)

    def _derive(self, facts):
        country = self.settings.account.country
        return derive(facts, self.dialect.history_outranks_events, country)

    def _with_extensions(self, facts):
        """Return facts, marked with those of their short numbers that are extensions.

        The mark stays in the facts: an extension that is deleted later has been one.
        """
        names = set(filter(numbers.is_extension, parties_of(facts.events)))
        endpoints = unknown_endpoints(facts.events)
        known = self.env["pbx.extension"]._known(self.settings.id, names, endpoints)
        return CallFacts(with_known_extensions(facts.events, known))

    def _write_call(self, call, values, derived):
        """Write what differs; return it."""
        changed = _changed(call, values)
        # Who it was goes with how that is known, or it would pass for a person's choice
        # and never be moved again.
        if "partner_id" in changed:
            changed["partner_source"] = values["partner_source"]
        if "user_id" in changed:
            changed["user_picked"] = False
        changed.update(self._lead_marks(call, values, changed))
        # What a write that meets another one would log is the whole call.
        lock_rows(call, "NO KEY UPDATE")
        if "start" in changed:
            lock_rows(call.recording_ids)  # they repeat it
        call.write(changed)
        if "line_id" in changed:
            with self._fresh_lines():
                call.flush_recordset()
            if changed["line_id"] and call.lead_verdict == "lead":
                self.env["crm.lead"]._line_is_known(call)
        if "corrected" in changed and derived.corrected:
            self._post_correction(call, derived.contradictions)
        return changed

    def _lead_marks(self, call, values, changed):
        """Return what lets the job look whether a lead follows from a call."""
        if values["state"] != "done":
            return {}
        policy = self.lines.lead_policy(values["line"])
        return self.leads.marks(call, values, changed, policy)

    def _create_calls(self, values):
        for one in values:
            one.update(self._lead_marks(self.calls, one, one))
        with self._fresh_lines():
            return self.calls.create(values)

    @contextmanager
    def _fresh_lines(self):
        """Begin anew where a line, its team or its campaign has just been removed.

        :raises SerializationFailure: this transaction, or the memory of this worker,
            is older than that.
        """
        try:
            yield
        except psycopg2.errors.ForeignKeyViolation as error:
            self.env.registry.clear_cache()
            raise psycopg2.errors.SerializationFailure(
                "what a call points to was removed at this moment"
            ) from error

    def join_legs(self, call, wait=False):
        """Join ``call`` with the other leg of the same click, if there is one.

        :param bool wait: for others who join; without it they are left to do so.
        :return: the call that is left, this one or the older of the two.
        """
        if self.dialect.reports_legs or self.dialect.click_legs_share_id:
            return call
        joined = self.matcher.join(call, wait)
        return self.write_facts(joined.facts, joined.call) if joined else call

    # -------------------------------------------------------------------- clicks

    def create_click(self, asked, values):
        """Write a click-to-call before the PBX is asked; return the call.

        :param CallEvent asked: the ``CLICKED``.
        :param dict values: what is known besides: who dialled, and about whom.
        """
        facts = self._with_extensions(CallFacts([asked]))
        derived = self._derive(facts)
        seats = self._seats(derived, {}, self.calls)
        call = self._create_calls(
            [
                {
                    **self._values(derived, facts, seats, self.calls),
                    "clicked_at": to_second(asked.at),
                    **values,
                }
            ]
        )
        self._write_legs(call, derived, {}, seats)
        job = self.env.ref("cloud_pbx.ir_cron_close_calls")
        job._trigger(at=fields.Datetime.now() + timedelta(seconds=SILENT_SECONDS))
        self.notifier._call_dialled(call)
        return call

    def add_to_click(self, call_id, event):
        """Add what the PBX answered to a click's facts."""
        call = self.calls.browse(call_id).exists()
        facts = CallFacts.from_json(call.facts).add([event])
        if event.ref:
            # Its first event may have come before the answer.
            call, facts = self.matcher.adopt(call, facts, event.ref)
        self.write_facts(facts, call)

    # -------------------------------------------------------------- many at a time

    def add_history(self, groups):
        """Add past calls to the log.

        Nobody else writes these calls meanwhile: their locks are taken first.

        :param dict groups: ``{ref: [CallEvent]}``.
        :return: ``{ref: ["new" | "completed" | "unchanged", perhaps "corrected"]}``, by
            the ids that the calls are kept under.
        """
        if not groups:
            return {}
        self.lock_calls(groups)
        by_call, fresh = self._sort(groups)
        verdicts = {}
        for call, events in by_call.items():
            if _is_known(call, events):
                verdicts[call.ref] = ["unchanged"]
                continue
            was = call.corrected
            kept = self.add_events(events, call.ref)
            verdicts[kept.ref] = ["completed"]
            if kept.corrected and not was:
                verdicts[kept.ref].append("corrected")
        for kept, verdict in self._add_fresh(fresh):
            verdicts.setdefault(kept.ref, [verdict])
        return verdicts

    def lock_calls(self, refs):
        """Wait for the locks under which the inbox writes these calls.

        :raises CONFLICTS: it took too long, or two waited for each other.
        """
        limit_lock_waits(self.env)
        wait_for_locks(self.env, [f"pbx.call/{self.settings.id}/{ref}" for ref in refs])

    def _sort(self, groups):
        """Return ``(by_call, fresh)``: events of calls that are in the log, and those
        of others, ``{ref: [CallEvent]}``."""
        named = [ref for ref in groups if not is_made_up(ref)]
        known = self.calls._find_by_refs(self.settings.id, named)
        by_call, fresh = {}, {}
        for ref in named:
            if call := known.get(ref):
                by_call.setdefault(call, []).extend(groups[ref])
            else:
                fresh[ref] = groups[ref]
        rows = [row for ref in groups if is_made_up(ref) for row in groups[ref]]
        if not rows:
            return by_call, fresh
        placed = self.matcher.calls_of_rows(rows)
        calls = self.calls.union(*placed.calls, *placed.facts)
        self.lock_calls(sorted(filter(None, calls.mapped("ref"))))
        self.matcher.absorb(placed.absorbed)
        self._write_others(placed.facts)
        for call, own in placed.calls.items():
            by_call.setdefault(call, []).extend(own)
        fresh.update({group.ref: group.rows for group in group_rows(placed.left)})
        return by_call, fresh

    def _add_fresh(self, groups):
        """Write calls under unknown ids; return ``[(call, verdict)]``.

        One may turn out to belong to a call that is known: the other leg of a click.
        """
        has_ids = self.dialect.history_has_ids
        named = not has_ids and any(not is_made_up(ref) for ref in groups)
        if named or self.matcher.click_waits(groups):
            # A click that waits for its id, or a row without one, may be one of them:
            # one by one.
            kept = [(self.add_events(new, ref), new) for ref, new in groups.items()]
            return [
                (call, "new" if len(call.facts) <= len(new) else "completed")
                for call, new in kept
            ]
        created = self._create_many(groups)
        outbound = created.filtered(lambda call: call.direction == "outbound")
        left = set(created)
        for call in self.matcher.near_a_leg(outbound):
            if call.exists():
                left.add(self.join_legs(call, wait=True))
        return [
            (call, "new" if call in created else "completed")
            for call in self.calls.union(*left).exists()
        ]

    def _create_many(self, groups):
        """Create calls of which nothing is known: the same, but together."""
        many = []
        parties = (parties_of(events) for events in groups.values())
        short = set(filter(numbers.is_extension, set().union(*parties)))
        known = self.env["pbx.extension"]._known(self.settings.id, short)
        for ref, events in groups.items():
            facts = CallFacts(with_known_extensions(events, known))
            many.append((ref, facts, self._derive(facts)))
        seats_at = self.env["pbx.assignment"]._seats(
            self.settings.id,
            [
                self._moment(leg)
                for _ref, _facts, derived in many
                for leg in derived.legs
            ],
        )
        self.env["pbx.directory"]._remember_strangers(
            self.settings,
            {derived.number for _ref, _facts, derived in many if derived.number}.union(
                *(self.lines.perhaps_new(derived) for _ref, _facts, derived in many)
            ),
            self.memory,
        )
        self.lines.make(
            self.lines.told(derived)
            for _ref, _facts, derived in many
            if derived.direction == INBOUND
        )
        values, seats_of = [], []
        for ref, facts, derived in many:
            seats = {leg.extension: seats_at[self._moment(leg)] for leg in derived.legs}
            seats_of.append(seats)
            values.append(self._values(derived, facts, seats, self.calls, ref))
        created, legs, recordings = self._create_calls(values), [], []
        for call, seats, (_ref, _facts, derived) in zip(
            created, seats_of, many, strict=True
        ):
            legs += [
                self._leg_values(call, derived, leg, seats) for leg in derived.legs
            ]
            recordings += [
                {
                    "call_id": call.id,
                    "ref": name,
                    # Copies that would be computed for each.
                    "provider_id": self.settings.id,
                    "start": to_second(derived.start),
                }
                for name in derived.recordings
            ]
        self.env["pbx.call.leg"].create(legs)
        self.env["pbx.recording"].create(recordings)
        self.follow_promises(created)
        self.notifier._missed_changed(created)
        self.notifier._wallboard_changed()
        self.env["pbx.chatter"]._call_changed(created)
        return created

    # -------------------------------------------------------------------- values

    def _values(self, derived, facts, seats, call, ref=""):
        """Return all that is written of a call; what people wrote is not in it.

        :param Call derived: from ``facts``.
        :param dict seats: ``{extension: Seat}`` of its legs, as :meth:`_seats`.
        :param call: what is known of it, perhaps nothing.
        """
        kinds = {event.kind for event in facts.events}
        values = {
            **self._pbx_values(derived, call, ref),
            "reported_at": _reported_at(derived, facts),
            **self._people_values(derived, seats, call),
            **self._match_values(derived, call),
            **self.lines.values(call, derived.direction, self.lines.told(derived)),
            "facts": facts.to_json(),
            "from_history": LOGGED in kinds and kinds <= NOT_LIVE,
            "corrected": derived.corrected,
            "own_leg_only": derived.own_phone_only
            or any(e.own_leg for e in facts.events)
            and all(e.own_leg or e.kind in (RECORDED, CLICKED) for e in facts.events),
        }
        if not call:
            values.update(
                provider_id=self.settings.id,
                company_id=self.settings.company_id,
            )
        # Once, with the number that is told first: it may be blocked later only.
        if not call.number or call.direction != INBOUND:
            values["is_blocked"] = self._is_blocked(derived)
        return values

    def _is_blocked(self, derived):
        """Tell whether a call's number is refused, whatever the PBX, and whether or not
        it asks."""
        return derived.direction == INBOUND and self.env["pbx.blocked"]._is_blocked(
            self.settings.company_id, derived.number, to_second(derived.start)
        )

    def _pbx_values(self, derived, call, ref):
        """Return what the PBX says of the call itself."""
        # A click's record keeps the id by which it was first known; one that we made up
        # gives way to the PBX's own.
        gives_way = is_made_up(call.ref) or derived.aliases
        known = "" if gives_way and derived.ref else call.ref
        return {
            "ref": known or derived.ref or ref or False,
            "direction": derived.direction or False,
            "state": derived.state,
            "outcome": derived.outcome or False,
            "disposition": derived.disposition or False,
            "number": derived.number or False,
            "line": self.lines.told(derived) or False,
            "start": to_second(derived.start),
            "answer": to_second(derived.answer),
            "stop": to_second(derived.stop),
            "wait_seconds": derived.wait,
            "talk_seconds": derived.talk,
            "last_event_at": to_second(derived.last_event_at),
        }

    def _people_values(self, derived, seats, call):
        """Return who took part, and who spoke: the users of the legs."""
        seat = seats.get(derived.extension, Seat())
        values = {"extension_id": seat.extension_id}
        new = {user for own in seats.values() for user in own.user_ids}
        if new and call:
            # Archived ones too: that they took part stays true.
            new.difference_update(
                call.with_context(active_test=False).participant_ids.ids
            )
        if new:
            values["participant_ids"] = [
                fields.Command.link(user) for user in sorted(new)
            ]
        if not call.user_picked:
            values["user_id"] = seat.user_id
            values["user_picked"] = False
        return values

    def _match_values(self, derived, call):
        """Look the outside party up: once, and not before the provider wants it."""
        if call.partner_source and (
            call.partner_source == "picked" or call.number == (derived.number or False)
        ):
            return {}
        if not derived.number and derived.state != "done":
            return {}
        if self.settings.lookup_on_answer and derived.state == "ringing":
            return {}
        match = self.env["pbx.directory"]._find(
            self.settings, derived.number, derived.line, self.memory
        )
        values = {"partner_id": match.partner_id, "partner_source": match.source}
        if match.lead_id and not call.lead_id and not call.lead_picked:
            values["lead_id"] = match.lead_id
        return values

    # ---------------------------------------------------------------------- legs

    def _legs_of(self, call):
        """Return ``{extension: leg}`` of what the log has of ``call``."""
        if not call:
            return {}
        found = self.env["pbx.call.leg"].search_fetch(
            [("call_id", "=", call.id)],
            [*LEG_FIELDS, "number", "extension_id", "user_id"],
        )
        return {leg.number: leg for leg in found}

    def _moment(self, leg):
        return leg.extension, Moment(leg.first_at, self.event_id)

    def _seats(self, derived, legs, call):
        """Return ``{extension: Seat}``: whose phones have a part in a call.

        A leg that is known keeps its users, whoever sits there now. A new one has those
        of the moment in which it was first heard of.

        :param dict legs: of :meth:`_legs_of`.
        """
        names = {leg.extension for leg in derived.legs}
        seats = {
            name: Seat(leg.extension_id.id, tuple(leg.user_id.ids))
            for name, leg in legs.items()
            if name in names
        }
        carried = self.matcher.carried.get(call.id, {})
        seats.update({n: carried[n] for n in names - set(seats) if n in carried})
        new = [leg for leg in derived.legs if leg.extension not in seats]
        found = self.env["pbx.assignment"]._seats(
            self.settings.id, [self._moment(leg) for leg in new]
        )
        return seats | {name: seat for (name, _moment), seat in found.items()}

    def _write_legs(self, call, derived, legs, seats):
        """Write one leg per extension."""
        new = []
        for leg in derived.legs:
            if known := legs.get(leg.extension):
                if changed := _changed(known, _leg_values(derived, leg)):
                    known.write(changed)
            else:
                new.append(self._leg_values(call, derived, leg, seats))
        if new:
            self.env["pbx.call.leg"].create(new)

    def _note_online(self, facts, seats):
        """Remember whose phones are connected by what the PBX has just reported.

        What is known already, or was a few minutes ago, is no news.
        """
        stale = {name: seat for name, seat in seats.items() if seat.is_stale}
        if not stale:
            return
        since = fields.Datetime.now() - timedelta(seconds=ONLINE_SECONDS)
        for event in facts.events:
            if event.kind in SHOWS_ONLINE and event.received_at >= since:
                for name in {event.extension, event.endpoint} & stale.keys():
                    self.online_ids.add(stale[name].extension_id)

    def _leg_values(self, call, derived, leg, seats):
        """Return the values of a leg that is new."""
        seat = seats.get(leg.extension, Seat())
        return {
            "call_id": call.id,
            "provider_id": self.settings.id,
            "number": leg.extension,
            "extension_id": seat.extension_id,
            "user_id": seat.user_id,
            "user_ids": [fields.Command.set(seat.user_ids)],
            "is_nobodys": not seat.user_ids,
            **_leg_values(derived, leg),
        }

    # ------------------------------------------------------------------- closing

    def find_unended(self, hours, limit):
        """Return the ids of what is to be closed, the oldest first: clicks that no
        event followed, and calls whose last event was ``hours`` ago.

        What could not be closed has its turn again after a day.
        """
        now = fields.Datetime.now()
        silent = now - timedelta(seconds=SILENT_SECONDS)
        waiting = [
            ("provider_id", "=", self.settings.id),
            ("state", "!=", "done"),
            "|",
            ("close_after", "=", False),
            ("close_after", "<=", now),
        ]
        clicks = [("ref", "=", False), ("clicked_at", "<=", silent)]
        calls = [("last_event_at", "<", now - timedelta(hours=hours))]
        found = self.calls.search(waiting + clicks, order="clicked_at", limit=limit)
        old = self.calls.search(waiting + calls, order="last_event_at", limit=limit)
        return (found | old).ids

    def close(self, call_id):
        """Close a call whose end never came, in a transaction of its own.

        The caller commits. A call that somebody else holds is left to the next run.
        """
        self.env.cr.execute(
            SQL(
                """SELECT id, set_config('lock_timeout', %s, TRUE) FROM pbx_call
                    WHERE id = %s AND state != 'done' FOR NO KEY UPDATE SKIP LOCKED""",
                lock_timeout(),
                call_id,
            ),
            log_exceptions=False,
        )
        if not self.env.cr.rowcount:
            return
        call = self.calls.browse(call_id)
        try:
            with self.env.cr.savepoint():
                self._add_expired(call)
        except psycopg2.errors.LockNotAvailable:
            gave_up_waiting()
        except CONFLICTS:
            # Something came of it in this moment.
            _logger.info("Cloud PBX %s: call %s goes on", self.settings.id, call.id)
        except Exception as error:  # noqa: BLE001
            # One call that cannot be closed must not keep the others open.
            _logger.exception(
                "Cloud PBX %s: call %s not closed", self.settings.id, call.id
            )
            self._note_not_closed(call, error)

    def _add_expired(self, call):
        now = fields.Datetime.now()
        if not call.facts:
            raise ValueError("the call has no facts to derive it from")
        facts = CallFacts.from_json(call.facts)
        if any(event.kind != CLICKED for event in facts.events):
            expired = CallEvent(kind=EXPIRED, ref=call.ref, received_at=now)
            self.add_events([expired], call.ref)
            return
        reason = call.with_context(lang=call.user_id.lang).env._(
            "The PBX reported nothing"
        )
        expired = CallEvent(
            kind=EXPIRED,
            ref=call.ref or "",
            received_at=now,
            said=reason,
            failure=Failure.NOTHING_HEARD,
        )
        self.write_facts(facts.add([expired]), call)

    def _note_not_closed(self, call, error):
        """Let other calls come first for a day, and say so in the chatter, once."""
        is_first = not call.close_after
        at = fields.Datetime.now() + timedelta(hours=CLOSE_AGAIN_HOURS)
        self.env.cr.execute(
            SQL("UPDATE pbx_call SET close_after = %s WHERE id = %s", at, call.id)
        )
        call.invalidate_recordset(["close_after"])
        if is_first:
            call = call.with_context(lang=call.env.user.lang)
            reason = call.env._(
                "The end of this call never came, and it could not be closed (%s). "
                "Odoo tries again every day.",
                type(error).__name__,
            )
            call._message_log(
                body=reason, author_id=call.env.ref("base.partner_root").id
            )

    # ---------------------------------------------------------------- correction

    def _post_correction(self, call, contradictions):
        """Write into the chatter, once, what the events had and what counts now.

        :param contradictions: ``(field, live, logged)``, as ``derive`` gives them.
        """
        call = call.with_context(lang=call.env.user.lang)
        outcomes = dict(call._fields["outcome"]._description_selection(call.env))
        titles = {
            "outcome": call.env._("Outcome"),
            "talk": call.env._("Talk"),
            "extension": call.env._("Internal number"),
        }
        lines = []
        for field, live, logged in contradictions:
            if field == "outcome":
                live, logged = outcomes.get(live, live), outcomes.get(logged, logged)
            elif field == "talk":
                live, logged = _as_duration(live), _as_duration(logged)
            lines.append(Markup("<li>%s: %s → %s</li>") % (titles[field], live, logged))
        call._message_log(
            body=Markup("%s<ul>%s</ul>")
            % (
                call.env._(
                    "The PBX's past calls contradict what it reported at the end of "
                    "the call. The past calls count:"
                ),
                Markup().join(lines),
            ),
            author_id=call.env.ref("base.partner_root").id,
        )


def _as_duration(seconds):
    return f"{seconds // 60}:{seconds % 60:02}"


def _reported_at(derived, facts):
    """Return when it became known that the call was over; ``False`` until then."""
    if derived.state != "done" or not derived.stop:
        return False
    stop = to_second(derived.stop)
    received = [event.received_at for event in facts.events]
    later = [moment for moment in received if moment >= stop]
    return to_second(min(later, default=max(received)))


def _leg_values(derived, leg):
    """Return what is written of a leg that may change; see :data:`LEG_FIELDS`."""
    outcome = LEG_OUTCOMES.get(leg.outcome, False)
    dialled = derived.direction != INBOUND and leg.extension == derived.extension
    if dialled and leg.outcome != SPOKEN:
        outcome = False  # who dials misses nothing
    return {
        "start": to_second(leg.start),
        "answer": to_second(leg.answer),
        "stop": to_second(leg.stop),
        "outcome": outcome,
        "result": result_of_leg(derived, leg) or False,
        "rang_seconds": rang_seconds(derived, leg),
    }


def _changed(record, values):
    """Return those of ``values`` that differ from what ``record`` has."""
    changed = {}
    for name, value in values.items():
        now = record[name]
        if isinstance(now, models.BaseModel):
            now = now.ids if isinstance(value, list) else now.id
        if now != value:
            changed[name] = value
    return changed


def _is_known(call, events):
    """Tell whether the facts of ``call`` hold all of ``events`` already."""
    known = {e: e.received_at for e in CallFacts.from_json(call.facts).events}
    return all(event in known and known[event] <= event.received_at for event in events)
