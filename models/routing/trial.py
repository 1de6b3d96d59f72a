"""Trying the rules: what a PBX would be told about a call, at a moment."""

import json
from datetime import datetime

from odoo import fields
from odoo.exceptions import UserError

from ...telephony import dialect as dialects
from ...telephony import numbers, routing
from ...telephony.dialect import Delivery
from .explain import Explanation
from .router import Router

# Of moments that can be tried: days around them, in all time zones, are dates as well.
YEARS = range(datetime.min.year + 1, datetime.max.year)


class Trial:
    """Decides as the webhook does, for a call that nobody makes. Writes nothing.

    :param provider: the ``pbx.provider``.
    """

    def __init__(self, provider):
        self.env, self.provider = provider.env, provider
        self.settings = provider._settings(provider.id)
        self.dialect = dialects.get(self.settings.dialect)

    def run(self, number, line=None, at=None):
        """Return what would be decided.

        :param str number: as typed, in any style; ``""``: withheld.
        :param str line: a line's number; by default the first one.
        :param str at: UTC; by default now. Phones are as they are now.
        :return: a dict of ``code``, ``reason``, ``route_id``, ``route``, ``steps`` (of
            ``route_id``, ``route``, ``code``, ``reason``), ``caller`` (``partner_id``,
            ``lead_id``, ``name``), ``is_open``, ``decision``, and ``reply``: what the
            PBX would read.
        :raises UserError: the number or the time cannot be read.
        """
        router = Router(self.env, self.settings)
        caller, called = self._number(number), self._line(line)
        moment = self._moment(at)
        outcome = router.decide(caller, called, at=moment)
        words = Explanation(self.env, outcome)
        match = router._match(caller, called)
        return {
            "code": outcome.code,
            "reason": words.sentence(),
            "route_id": outcome.rule or False,
            "route": outcome.rule and words.name_of(outcome.rule) or "",
            "steps": [
                {
                    "route_id": step.rule or False,
                    "route": words.rule_of(step),
                    "code": step.code,
                    "reason": words.reason_of(step),
                }
                for step in outcome.steps
            ],
            "caller": {
                "partner_id": match and match.partner_id or False,
                "lead_id": match and match.lead_id or False,
                "name": match and match.name or "",
            },
            "is_open": self._is_open(router, called, moment),
            "decision": outcome.to_json().get("decision", {}),
            "reply": self._reply(outcome),
        }

    def _number(self, typed):
        typed = (typed or "").strip()
        if not typed:
            return ""
        reading = numbers.dialable(typed, None, self.settings.countries)
        number = reading.number or numbers.from_pbx(typed, *self.settings.countries[:1])
        if not number:
            raise UserError(
                self.env._("“%s” is no phone number that Odoo can read.", typed)
            )
        return numbers.canonical(number)

    def _line(self, typed):
        if typed:
            return self._number(typed)
        # sudo: our own numbers, for who may try what happens on them
        return self.provider.sudo().line_ids[:1].number or ""

    def _moment(self, text):
        try:
            moment = fields.Datetime.to_datetime(text or None) or fields.Datetime.now()
        except ValueError as error:
            raise self._unreadable_moment() from error
        if moment.year not in YEARS:
            raise self._unreadable_moment()
        return moment

    def _unreadable_moment(self):
        return UserError(self.env._("Enter the time as 2026-06-16 12:00:00, in UTC."))

    @staticmethod
    def _is_open(router, called, moment):
        line = router._line(called)
        calendar_id = line and line.calendar_id or router.book.calendar_id
        hours = router._calendars(moment).get(calendar_id)
        return hours is None or routing.is_open(hours, moment)

    def _reply(self, outcome):
        """Return what the PBX would read, as its JSON says it."""
        asking = Delivery("", "", {}, repeatable=False, asks_routing=True)
        return json.loads(self.dialect.reply(asking, outcome.decision).body)
