"""One question of a PBX: what is known is collected, and the rules decide."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

from odoo import fields
from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import numbers, routing
from ...telephony.dialect import Delivery
from ...telephony.event import INTERNAL
from .of_call import with_name
from .pbx_route_sent import HELD_MINUTES

# The whole decision, from the first look-up on.
DEADLINE_SECONDS = 0.8
# A phone that rings does not ring for longer without a word of the PBX.
RINGS_MINUTES = 5
# Who talked longer ago than that is as idle as anybody.
TALKS_DAYS = 7
# A person who speaks on two phones may end last what began first: of so many talks that
# began last, the one that ended last counts.
TALKS = 20
# What tells that somebody has the number.
KNOWN_SOURCES = frozenset(("picked", "number", "tail", "lead", "several"))

# Where a call is only thought of.
NO_CALL = Delivery("", "", {}, repeatable=False)


class TooLate(Exception):
    """There is no time left for the decision."""


class Deadline:
    """Keeps all statements of a decision within its time.

    :param float ends_at: by ``time.monotonic()``.
    :raises TooLate: it is over.

    Around the decision alone: outside it the transaction's own limit holds again. A
    statement that takes too long is ended by the database, and raises.
    """

    def __init__(self, env, ends_at):
        self.cr, self.ends_at, self.before = env.cr, ends_at, ""

    def __enter__(self):
        self.cr.execute(
            SQL(
                """SELECT current_setting('statement_timeout'),
                          set_config('statement_timeout', %s, TRUE)""",
                self._left(),
            )
        )
        self.before, _set = self.cr.fetchone()
        return self

    def __exit__(self, kind, error, traceback):
        # After an error the transaction is rolled back, and the setting with it.
        if kind is None:
            self._left()
            self.cr.execute(
                SQL(
                    "SELECT set_config('statement_timeout', %s, TRUE)",
                    self.before,
                )
            )

    def _left(self):
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TooLate(f"not decided within {DEADLINE_SECONDS} s")
        # 0 would be no limit at all.
        return f"{max(1, round(left * 1000))}ms"

    def limit(self):
        """Return the SQL that leaves the next statement the time that is left.

        To be put in front of it: both go to the database at once.
        """
        return SQL("SET LOCAL statement_timeout = %s;", self._left())


class Router:
    """Decides about one call of one cloud PBX. Writes nothing.

    A plain class: it carries the settings and the memory of one question. What people
    set up comes from memory; besides the look-up of the caller at most two statements
    are asked: one about the number, one about phones and people.

    :param PbxSettings settings: of the provider.
    :param dict memory: of look-ups; see ``pbx.directory``.
    :param Deadline deadline: ``None``: as long as it takes.
    """

    def __init__(self, env, settings, memory=None, deadline=None):
        # sudo: whoever is asked for has to be found; nobody is shown more than names
        self.env = env(su=True)
        self.settings, self.deadline = settings, deadline
        self.memory = {} if memory is None else memory
        self.book = self.env["pbx.route"]._rulebook(settings.id)

    def decide_event(self, event, delivery):
        """Return the :class:`~...telephony.routing.Outcome` for a PBX that asks.

        :param CallEvent event: the one with which it asks.
        :param Delivery delivery: that it came with.
        """
        is_inside = event.direction == INTERNAL
        return self.decide(event.caller, event.called, delivery, is_inside=is_inside)

    def decide(self, caller, called, delivery=NO_CALL, at=None, is_inside=False):
        """Return the outcome for a call.

        :param str caller: E.164, a short number, or ``""`` if withheld.
        :param str called: our line, as events name it.
        :param Delivery delivery: with which it is asked; by default of no call at all.
        :param datetime at: the moment, by default now. Phones are as they are now.
        :param bool is_inside: an extension calls another one.
        """
        # Whatever was written in this transaction counts, where it is asked by SQL.
        self.env.flush_all()
        now = fields.Datetime.now()
        facts = routing.Facts(
            moment=at or now,
            now=now,
            line=self._line(called),
            calendar_id=self.book.calendar_id,
            menus=self.book.menus,
            wrap_up_seconds=self.book.wrap_up_seconds,
            can=dialects.get(self.settings.dialect).decisions,
            step=delivery.step,
        )
        facts = replace(facts, calendars=self._calendars(facts.moment))
        match = self._match(caller, called)
        own = {called, *self.book.own_numbers}
        # Not what a phone shows: that may be somebody's mobile phone, from which he
        # calls like anybody, but is not sent to himself.
        is_ours = is_inside or bool(caller) and not own.isdisjoint(_spellings(caller))
        facts = self._with_caller(facts, caller, match, is_ours)
        if not is_ours and self._may_answer(facts):
            facts = self._with_number(facts, delivery)
        facts = self._with_people(facts, delivery.ref)
        return routing.decide(self.book.rules, facts)

    def _may_answer(self, facts):
        """Tell whether the PBX may be told more than to go on with its own scenario.

        Only then does it matter whether one of ours calls, and what the call was
        answered before. A line that may be closed counts while it is open, too: the
        same event gets the same answer, whatever the time is by then.
        """
        plays = facts.line and facts.line.closed_sound
        return bool(self.book.may_answer or facts.step or plays)

    # ------------------------------------------------------------------- the caller

    def _line(self, called):
        lines = self.book.lines
        return lines.get(called) or lines.get(numbers.canonical(called or ""))

    def _match(self, caller, called):
        """Return the directory's ``Match``; ``None`` where nobody is looked up."""
        if self.settings.lookup_on_answer:
            return None
        directory = self.env["pbx.directory"]
        return directory._find(self.settings, caller, called, self.memory)

    @staticmethod
    def _with_caller(facts, number, match, is_ours):
        kind, name = routing.WITHHELD if not number else "", ""
        if match:
            name = match.name
            if number:
                is_known = match.source in KNOWN_SOURCES
                kind = routing.KNOWN if is_known else routing.UNKNOWN
        caller = routing.Caller(
            number=number,
            kind=kind,
            is_ours=is_ours,
            country=numbers.country_of(number),
            name=name,
            partner_id=match and match.partner_id or None,
            lead_id=match and match.lead_id or None,
        )
        return replace(facts, caller=caller)

    def _with_number(self, facts, delivery):
        """Add what is known of the caller's number, and of this very call."""
        found = self._ask(self._about_number(facts.caller, delivery))
        caller = replace(
            facts.caller,
            is_ours=found["is_ours"],
            category_ids=frozenset(found["category_ids"] or ()),
            salesperson_id=found["salesperson_id"],
            promise_user_id=found["promise_user_id"],
            last_agent_id=found["last_agent_id"],
            last_talk_at=found["last_talk_at"],
        )
        earlier, repeated = [], None
        for one in found["earlier"] or ():
            outcome = with_name(routing.Outcome.from_json(one["decision"]), caller.name)
            earlier.append(outcome)
            repeated = outcome if one["is_this"] else repeated
        return replace(
            facts,
            caller=caller,
            is_blocked=found["is_blocked"],
            teams={int(key): ids for key, ids in (found["teams"] or {}).items()},
            sent=frozenset(one.routed_to for one in earlier) - {""},
            answers=len(earlier),
            last=earlier[-1] if earlier else None,
            repeated=repeated,
        )

    def _about_number(self, caller, delivery):
        """Return the query of what is known of a number and of this call."""
        company_id = self.settings.company_id
        spellings = _spellings(caller.number)
        is_asked = bool(caller.kind and caller.number)
        return SQL(
            """SELECT %(is_blocked)s AS is_blocked,
                      EXISTS (SELECT FROM pbx_extension
                               WHERE provider_id = %(provider)s
                                 AND number = %(number)s) AS is_ours,
                      (SELECT jsonb_agg(jsonb_build_object(
                              'decision', decision,
                              'is_this', coalesce(digest = %(digest)s, FALSE))
                              ORDER BY id)
                         FROM pbx_event
                        WHERE provider_id = %(provider)s AND ref = %(ref)s
                          AND decision IS NOT NULL) AS earlier,
                      (SELECT jsonb_object_agg(crm_team_id, members)
                         FROM (SELECT crm_team_id, array_agg(user_id) AS members
                                 FROM crm_team_member
                                WHERE active AND crm_team_id = ANY(%(teams)s)
                             GROUP BY crm_team_id) team) AS teams,
                      %(of_caller)s""",
            is_blocked=self.env["pbx.blocked"]._condition(company_id, caller.number),
            company=company_id,
            provider=self.settings.id,
            number=caller.number,
            spellings=spellings,
            ref=delivery.ref,
            digest=delivery.digest,
            teams=list(self.book.team_ids),
            of_caller=self._of_caller(caller, spellings) if is_asked else _NOT_ASKED,
        )

    def _of_caller(self, caller, spellings):
        return SQL(
            """(SELECT user_id FROM pbx_promise
                 WHERE company_id = %(company)s AND number = ANY(%(spellings)s)
                   AND state = 'open' ORDER BY deadline LIMIT 1) AS promise_user_id,
               last.user_id AS last_agent_id, last.at AS last_talk_at,
               coalesce((SELECT user_id FROM crm_lead WHERE id = %(lead)s),
                        partner.user_id, commercial.user_id) AS salesperson_id,
               (SELECT array_agg(DISTINCT category_id)
                  FROM res_partner_res_partner_category_rel
                 WHERE partner_id IN (partner.id, commercial.id)) AS category_ids
              FROM (VALUES (1)) this
              LEFT JOIN LATERAL (
                   SELECT talk.user_id, coalesce(talk.stop, talk.start) AS at
                     FROM unnest(%(spellings)s) spelling(number)
                    CROSS JOIN LATERAL (
                          SELECT user_id, start, stop FROM pbx_call
                           WHERE number = spelling.number AND company_id = %(company)s
                             AND outcome = 'answered' AND user_id IS NOT NULL
                        ORDER BY start DESC LIMIT 1) talk
                 ORDER BY talk.start DESC LIMIT 1) last ON TRUE
              LEFT JOIN res_partner partner ON partner.id = %(partner)s
              LEFT JOIN res_partner commercial
                ON commercial.id = partner.commercial_partner_id""",
            company=self.settings.company_id,
            spellings=spellings,
            partner=caller.partner_id,
            lead=caller.lead_id,
        )

    # ------------------------------------------------------------- phones and people

    def _with_people(self, facts, ref):
        wanted = routing.candidates(self.book.rules, facts)
        if not wanted.user_ids and not wanted.extension_ids:
            return facts
        agents = self.book.agents
        deputies = {agents[one].deputy_id for one in wanted.user_ids if one in agents}
        user_ids = {*wanted.user_ids, *deputies} - {None}
        found = self._ask(
            self._about_people(user_ids, wanted.extension_ids, ref, facts)
        )
        phones, other_busy, phones_of = {}, set(), {}
        for row in found["phones"] or ():
            users = row["user_ids"] or ()
            if row["provider_id"] != self.settings.id:
                other_busy.update(users if row["is_busy"] else ())
                continue
            phones[row["id"]] = routing.Phone(
                id=row["id"],
                number=row["number"],
                status=row["status"],
                checked_at=_moment(row["checked_at"]),
                caller_id=row["caller_id"] or "",
                is_busy=row["is_busy"],
                is_shared=len(users) > 1,
            )
            for user_id in users:
                phones_of.setdefault(user_id, []).append(row["id"])
        availability = self.env["pbx.availability"]
        absences = availability._absences(facts.moment.date())
        persons = {}
        for row in found["people"] or ():
            user_id = row["id"]
            agent = agents.get(user_id)
            persons[user_id] = routing.Person(
                id=user_id,
                name=row["name"],
                is_agent=agent is not None,
                absences=absences.get(user_id, ()),
                hours=availability._own_hours(
                    user_id, self.settings.company_id, facts.moment.date()
                ),
                phone_ids=tuple(phones_of.get(user_id, ())),
                preferred_phone_id=agent and agent.phone_id,
                talked_at=_moment(row["talked_at"]),
                is_busy=user_id in other_busy,
                deputy_id=agent and agent.deputy_id,
            )
        return replace(facts, phones=phones, persons=persons)

    def _about_people(self, user_ids, extension_ids, ref, facts):
        """Return the query of phones, calls in progress and last talks."""
        return SQL(
            """WITH phone AS MATERIALIZED (
                    SELECT id, provider_id, number, status, checked_at, caller_id,
                           ARRAY(SELECT rel.user_id
                                   FROM pbx_extension_res_users_rel rel
                                   JOIN res_users owner
                                     ON owner.id = rel.user_id AND owner.active
                                  WHERE rel.extension_id = pbx_extension.id
                               ORDER BY rel.user_id) AS user_ids
                      FROM pbx_extension
                     WHERE company_id = %(company)s
                       AND (id = ANY(%(extensions)s)
                            OR id IN (SELECT extension_id
                                        FROM pbx_extension_res_users_rel
                                       WHERE user_id = ANY(%(users)s)))),
                    going_on AS MATERIALIZED (
                    SELECT id, direction, answer,
                           last_event_at > %(rings_since)s AS is_fresh
                      FROM pbx_call
                     WHERE provider_id = ANY(%(providers)s) AND state != 'done'
                       AND NOT (provider_id = %(provider)s
                                AND ref IS NOT DISTINCT FROM %(ref)s)),
                    taken AS MATERIALIZED (
                    SELECT leg.extension_id AS id
                      FROM going_on
                      JOIN pbx_call_leg leg ON leg.call_id = going_on.id
                     WHERE leg.extension_id IS NOT NULL AND leg.stop IS NULL
                       AND CASE WHEN leg.answer IS NULL
                           -- Once somebody lifted, only who was rung after that rings.
                           THEN is_fresh AND (going_on.answer IS NULL
                                              OR leg.start > going_on.answer)
                           -- Not every PBX says when a phone was left by a transfer.
                           ELSE going_on.direction = 'internal' OR NOT EXISTS (
                                SELECT FROM pbx_call_leg later
                                 WHERE later.call_id = going_on.id
                                   AND later.answer > leg.answer) END
                     UNION
                    SELECT phone.id
                      FROM phone
                      JOIN pbx_route_sent sent
                        ON sent.provider_id = phone.provider_id
                       AND sent.number = phone.number
                 LEFT JOIN pbx_call call
                        ON call.provider_id = sent.provider_id AND call.ref = sent.ref
                     WHERE sent.sent_at > %(sent_since)s AND sent.ref != %(ref)s
                       AND (call.id IS NULL OR call.state != 'done' AND NOT EXISTS (
                            SELECT FROM pbx_call_leg leg
                             WHERE leg.call_id = call.id
                               AND leg.extension_id = phone.id)))
               SELECT (SELECT jsonb_agg(to_jsonb(phone) || jsonb_build_object(
                              'is_busy', phone.id IN (SELECT id FROM taken)))
                         FROM phone) AS phones,
                      (SELECT jsonb_agg(jsonb_build_object(
                              'id', person.id,
                              'name', coalesce(partner.name, partner.complete_name),
                              'talked_at', (
                                   SELECT max(stop)
                                     FROM (SELECT stop FROM pbx_call
                                            WHERE user_id = person.id
                                              AND start > %(talks_since)s
                                              AND outcome = 'answered'
                                         ORDER BY start DESC
                                            LIMIT %(talks)s) talk)))
                         FROM res_users person
                         JOIN res_partner partner ON partner.id = person.partner_id
                        WHERE person.id = ANY(%(users)s)) AS people""",
            company=self.settings.company_id,
            provider=self.settings.id,
            providers=list(self.book.provider_ids),
            users=sorted(user_ids),
            extensions=sorted(extension_ids),
            ref=ref,
            rings_since=facts.now - timedelta(minutes=RINGS_MINUTES),
            sent_since=facts.now - timedelta(minutes=HELD_MINUTES),
            talks_since=facts.now - timedelta(days=TALKS_DAYS),
            talks=TALKS,
        )

    # --------------------------------------------------------------------- the rest

    def _calendars(self, moment):
        open_intervals = self.env["pbx.availability"]._open_intervals
        company_id, day = self.settings.company_id, moment.date()
        return {
            calendar_id: open_intervals(calendar_id, company_id, day)
            for calendar_id in self.book.calendar_ids
        }

    def _ask(self, query):
        """Return the one row of a query, ``{column: value}``."""
        limit = self.deadline.limit() if self.deadline else SQL()
        # The log must not hold who calls.
        self.env.cr.execute(SQL("%s %s", limit, query), log_exceptions=False)
        return self.env.cr.dictfetchone()


_NOT_ASKED = SQL(
    """NULL::integer AS promise_user_id, NULL::integer AS last_agent_id,
       NULL::timestamp AS last_talk_at, NULL::integer AS salesperson_id,
       NULL::integer[] AS category_ids"""
)


def _spellings(number):
    """Return the forms under which the log may have a number."""
    return list(dict.fromkeys((number, numbers.canonical(number))))


def _moment(value):
    """Return a moment of a row, which JSON writes as text."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
