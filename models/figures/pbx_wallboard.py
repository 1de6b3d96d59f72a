"""What the screen on the wall shows: calls and people now, and the figures of today."""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from ..call.notify import FRESH, STILL_RINGS
from .local_time import local_time_of, to_utc

TALKING, RINGING, WRAPPING = "talking", "ringing", "wrapping"
FREE, OFFLINE, ABSENT = "free", "offline", "absent"
# Who talked longer ago than that is free since nobody knows when.
TALKS_DAYS = 7


class Part(NamedTuple):
    """What a phone does in a call: it rings or talks.

    :var str state: :data:`TALKING` or :data:`RINGING`.
    :var since: when that began, ``False``: not reported.
    :var tuple user_ids: whose phone it is.
    """

    state: str
    since: datetime | bool
    user_ids: tuple
    name: str


class PbxWallboard(models.AbstractModel):
    """The wallboard. It has no table, and reads under its reader's own rights."""

    _name = "pbx.wallboard"
    _description = "Wallboard"

    @api.model
    @api.readonly
    def now(self):
        """Return all that the wallboard shows, of the companies that are ticked.

        :return: ``{"now", "calls", "people", "today", "promises"}``; moments as Odoo
            writes them, in UTC, ``False`` where they are not known.
        :raises AccessError: the user is neither a supervisor nor an administrator.
        """
        board, user = self, self.env.user
        if not user.has_group("cloud_pbx.group_pbx_manager"):
            if not user.has_group("base.group_system"):
                raise AccessError(self.env._("The wallboard is for supervisors."))
            # sudo: administrators see it, who need not take calls; of their companies
            board = self.sudo().with_context(allowed_company_ids=self.env.companies.ids)
        moment = fields.Datetime.now()
        return {
            **board._live(moment),
            "today": self.env["pbx.call"].figures(list(self._of_today(moment))),
        }

    def _live(self, moment):
        """Return all of it but the figures of today."""
        calls = self._live_calls(moment)
        parts = {call: self._parts(call, moment) for call in calls}
        return {
            "now": _written(moment),
            "calls": [self._call_values(call, parts[call]) for call in calls],
            "people": self._people(parts, moment),
            "promises": self._promises(),
        }

    @property
    def _of_companies(self):
        return Domain("company_id", "in", self.env.companies.ids)

    # ------------------------------------------------------------------------ calls

    def _live_calls(self, moment):
        """Return the calls that go on, those that ring first, the oldest first."""
        calls = self.env["pbx.call"].search_fetch(
            self._of_companies
            & Domain("state", "in", ("ringing", "ongoing"))
            & Domain("start", ">", moment - FRESH),
            [
                *("company_id", "provider_id", "direction", "state", "number", "line"),
                *("partner_id", "lead_id", "user_id", "extension_id"),
                *("start", "answer", "last_event_at"),
            ],
            order="start, id",
        )
        # In silence for so long that its end got lost.
        calls = calls.filtered(
            lambda call: call.state == "ongoing" or _is_heard_of(call, moment)
        )
        # sudo: names of our own people, of all calls at once
        calls.leg_ids.user_ids.sudo().fetch(["name"])
        return calls.sorted(lambda call: call.state == "ongoing")

    def _parts(self, call, moment):
        """Return the :class:`Part` of each phone that rings or talks in a call."""
        answered = call.leg_ids.filtered(lambda leg: leg.answer)
        last = max(answered.mapped("answer"), default=None)
        parts = []
        for leg in call.leg_ids.filtered(lambda leg: not leg.stop):
            if leg.answer:
                # Not every PBX says when a phone was left by a transfer.
                if call.direction != "internal" and leg.answer < last:
                    continue
                state, since = TALKING, leg.answer
            else:
                # Once somebody lifted, only who was rung after that rings.
                is_late = call.answer and (not leg.start or leg.start <= call.answer)
                if is_late or not _is_heard_of(call, moment):
                    continue
                state, since = RINGING, leg.start or call.start
            users = leg.user_ids
            if state == TALKING and call.user_id in users:
                # Of those who share the phone it is known who speaks.
                users = call.user_id
            # sudo: names of our own people and phones, for who sees the call
            name = ", ".join(users.sudo().mapped("name"))
            name = name or leg.sudo().extension_id.display_name or leg.shown_number
            parts.append(Part(state, since, tuple(users.ids), name))
        return parts

    def _call_values(self, call, parts):
        party = self.env["pbx.desk.card"]._other_party(call)
        return {
            "id": call.id,
            "state": call.state,
            "number_readable": party["number_readable"],
            "name": party["name"],
            "line": call.line_name or "",
            "start": _written(call.start),
            "people": list(dict.fromkeys(part.name for part in parts)),
        }

    # ----------------------------------------------------------------------- people

    def _people(self, parts, moment):
        """Return who has a phone, by name, and what they do.

        :param dict parts: ``{call: [Part]}``.
        """
        phones_of = self._phones()
        # sudo: names of our own people
        people = self.env["res.users"].sudo().union(*phones_of).sorted("name")
        doing = {}
        for part in (part for own in parts.values() for part in own):
            for user_id in part.user_ids:
                doing.setdefault(user_id, []).append((part.state, part.since))
        talks = self._last_talks(people, moment)
        return [
            {
                "user_id": person.id,
                "name": person.name,
                **self._state(
                    person.id,
                    phones_of[person],
                    doing.get(person.id, ()),
                    talks.get(person.id),
                    moment,
                ),
                "phones": phones_of[person].mapped("number"),
            }
            for person in people
        ]

    def _phones(self):
        """Return ``{agent: their internal numbers}`` in these companies."""
        phones = self.env["pbx.extension"].search_fetch(
            self._of_companies & Domain("provider_id.active", "=", True),
            ["number", "status", "status_at", "company_id", "user_ids"],
            order="number, id",
        )
        # sudo: names of our own people
        agents = self.env["res.users"].sudo().search_fetch(
            Domain("id", "in", phones.user_ids.ids)
            & Domain("share", "=", False)
            & Domain("all_group_ids", "in", self._agents_group_id()),
            ["name", "company_ids"],
        )  # fmt: skip
        phones_of = {}
        for phone in phones:
            for agent in agents & phone.sudo().user_ids:
                if phone.company_id in agent.company_ids:
                    phones_of[agent] = phones_of.get(agent, phone) | phone
        return phones_of

    def _agents_group_id(self):
        return self.env["ir.model.data"]._xmlid_to_res_id("cloud_pbx.group_pbx_user")

    def _last_talks(self, people, moment):
        """Return ``{user id: (end, company id)}`` of the last talk of each."""
        self.env["pbx.call"].flush_model(
            ["user_id", "company_id", "start", "stop", "outcome", "state"]
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT person.id, talk.stop, talk.company_id
                     FROM unnest(%(people)s::int[]) person(id)
                    CROSS JOIN LATERAL (
                          SELECT stop, company_id FROM pbx_call
                           WHERE user_id = person.id AND start > %(since)s
                             AND outcome = 'answered' AND stop IS NOT NULL
                             AND company_id = ANY(%(companies)s)
                        ORDER BY start DESC LIMIT 1) talk""",
                people=people.ids,
                since=moment - timedelta(days=TALKS_DAYS),
                companies=self.env.companies.ids,
            )
        )
        return {user_id: (stop, company_id) for user_id, stop, company_id in rows}

    def _state(self, user_id, phones, doing, talk, moment):
        """Return ``{"state", "since"}`` of a person.

        What their phones do comes first; then why no call is routed to them, in the
        order in which routing asks.

        :param doing: ``[(state, since)]`` of their phones in calls.
        :param talk: ``(end, company id)`` of the last one, if there is any.
        """
        for state in (TALKING, RINGING):
            if moments := [since for one, since in doing if one == state]:
                return _state(state, min(filter(None, moments), default=False))
        away_since, back_at = self._absence(user_id, phones.company_id, moment)
        if away_since is not None:
            return _state(ABSENT, away_since)
        reachable = phones.filtered(lambda phone: phone.status != "offline")
        if not reachable:
            known = phones.mapped("status_at")
            return _state(OFFLINE, all(known) and max(known))
        known = reachable.mapped("status_at")
        free_since = [back_at, all(known) and min(known)]
        if talk:
            ended, company_id = talk
            company = self.env["res.company"].browse(company_id)
            # sudo: a setting of the company, for its supervisors
            seconds = max(company.sudo().pbx_wrap_up_seconds, 0)
            wrapped_up = ended + timedelta(seconds=seconds)
            if wrapped_up > moment:
                return _state(WRAPPING, ended)
            free_since.append(wrapped_up)
        return _state(FREE, max(filter(None, free_since), default=False))

    def _absence(self, user_id, companies, moment):
        """Return ``(since, back_at)``: when a person left, and when they came back.

        :return: ``since``: ``None`` for who is there, ``False`` where it is not known.
        """
        availability, day = self.env["pbx.availability"], moment.date()
        if availability._is_away([user_id], moment):
            spans = availability._absences(day)[user_id]
            began = [start for start, stop in spans if start <= moment <= stop]
            return min(began, default=False), None
        over = [
            stop
            for _start, stop in availability._absences(day).get(user_id, ())
            if stop < moment
        ]
        if any(availability._works_now(user_id, one.id, moment) for one in companies):
            return None, max(over, default=None)
        hours = [
            stop
            for company in companies
            for _start, stop in availability._own_hours(user_id, company.id, day)
            if stop <= moment
        ]
        return max(hours, default=False), None

    # ---------------------------------------------------------- figures, call-backs

    def _of_today(self, moment):
        """Return the domain of the calls of the reader's day."""
        today = datetime.combine(local_time_of(self.env, moment), time.min)
        first, after = (
            to_utc(self.env, today + timedelta(days=days)) for days in (0, 1)
        )
        return (
            self._of_companies
            & Domain("start", ">=", _written(first))
            & Domain("start", "<", _written(after))
        )

    def _promises(self):
        """Return how many callers wait, for how many it is late, and since when."""
        promises = self.env["pbx.promise"]
        waiting = self._of_companies & Domain("state", "=", "open")
        [(count, oldest)] = promises._read_group(
            waiting, [], ["__count", "opened_at:min"]
        )
        overdue = promises.search_count(waiting & Domain("overdue", "=", True))
        return {"open": count, "overdue": overdue, "oldest": _written(oldest)}


def _is_heard_of(call, moment):
    """Tell whether the PBX has said something of a call lately."""
    return (call.last_event_at or call.start) > moment - STILL_RINGS


def _state(state, since):
    return {"state": state, "since": _written(since)}


def _written(moment):
    return fields.Datetime.to_string(moment) if moment else False
