"""Erasing what is kept of a phone number: somebody asks to be forgotten."""

import logging
from functools import cached_property

from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...telephony import numbers

_logger = logging.getLogger(__name__)


class Erasure:
    """Finds all that is kept of one number in the companies of ``env``, and deletes it.

    A plain class: it carries what one erasure has found. All of it is one transaction.
    Contacts and leads are not among it: they are Odoo's own.

    :param env: of an administrator.
    :param str number: E.164.
    """

    def __init__(self, env, number):
        # sudo: whoever administers the cloud PBX erases what belongs to a number,
        # also calls that only supervisors see
        self.env, self.user = env(su=True), env.user
        self.number = number
        self.companies = self.env["res.company"].browse(env.companies.ids)
        companies = Domain("company_id", "in", self.companies.ids)
        # One that was kept before its numbering plan changed is the same.
        self.of_number = companies & Domain(
            "number", "in", sorted({number, numbers.canonical(number)})
        )
        providers = self.env["pbx.provider"].with_context(active_test=False)
        self.providers = providers.search(companies)

    # -------------------------------------------------------------------- what there is

    @cached_property
    def calls(self):
        return self.env["pbx.call"].search(self.of_number)

    @cached_property
    def recordings(self):
        return self.calls.recording_ids

    @cached_property
    def promises(self):
        return self.env["pbx.promise"].search(self.of_number)

    @cached_property
    def blocked(self):
        """The rows of this very number: a beginning is not one person's."""
        blocked = self.env["pbx.blocked"].with_context(active_test=False)
        return blocked.search(self.of_number)

    @cached_property
    def events(self):
        """What the PBX sent about these calls, and whatever else has the number."""
        events = self.env["pbx.event"]
        of_calls = events.search(
            Domain.OR(
                Domain("provider_id", "=", provider.id)
                & Domain("ref", "in", self._refs_of(calls))
                for provider, calls in self.calls.grouped("provider_id").items()
            )
        )
        return of_calls | self._with_number(events, ("payload", "reply", "error"))

    @cached_property
    def requests(self):
        names = ("path", "asked", "answered", "error")
        return self._with_number(self.env["pbx.request"], names)

    def _refs_of(self, calls):
        further = self.env["pbx.call.ref"].search([("call_id", "in", calls.ids)])
        return [*filter(None, calls.mapped("ref")), *further.mapped("ref")]

    def _with_number(self, records, names):
        """Return those in whose texts the number stands, in any form of a PBX."""
        records.flush_model()
        columns = [SQL.identifier(name) for name in names]
        rows = self.env.execute_query(
            SQL(
                """SELECT id, provider_id, text
                     FROM %s, concat_ws(%s, %s) AS text
                    WHERE provider_id = ANY(%s) AND text LIKE %s""",
                SQL.identifier(records._table),
                "\n",
                SQL(", ").join(columns),
                self.providers.ids,
                f"%{self.number[-numbers.TAIL_DIGITS :]}%",
            )
        )
        countries = {one.id: one.country_id.code for one in self.providers}
        return records.browse(
            record_id
            for record_id, provider_id, text in rows
            if numbers.is_written_in(text, self.number, countries[provider_id])
        )

    def counts(self):
        """Return how many there are of each, by the name of its property."""
        names = ("calls", "recordings", "promises", "events", "requests", "blocked")
        return {name: len(getattr(self, name)) for name in names}

    def refusal(self):
        """Return why it must not be erased, in the user's language; ``""``: it may."""
        shown = numbers.readable(self.number)
        lines = self.env["pbx.line"].with_context(active_test=False)
        phones = self.env["pbx.extension"].search(
            [("provider_id", "in", self.providers.ids), ("caller_id", "!=", False)]
        )
        own = {numbers.canonical(phone.caller_id) for phone in phones}
        if self.number in own or lines.search_count(self.of_number, limit=1):
            return self.env._(
                "%s is a number of your own: it is in all calls of its line.", shown
            )
        if any(call.state != "done" for call in self.calls):
            return self.env._(
                "A call with %s is going on. Try again when it is over.", shown
            )
        return ""

    # -------------------------------------------------------------------------- erasing

    def run(self):
        """Delete all of it, and note that it was done, without the number.

        :return: how many there were of each.
        :raises UserError: see :meth:`refusal`.
        """
        if refusal := self.refusal():
            raise UserError(refusal)
        counts = self.counts()
        self._note()
        # Before the calls: whoever deletes a call follows its call-back.
        self.env["pbx.notifier"]._promises_changed(self.promises, removed=True)
        self.promises.unlink()
        # What contacts and leads have of these calls in their chatter.
        self.calls.chatter_message_id.unlink()
        self.calls.unlink()
        for records in (self.events, self.requests, self.blocked):
            records.unlink()
        # The PBX still lists them among its past calls.
        self.env["pbx.erased"]._add(self.companies, self.number)
        return counts

    def _note(self):
        """Say in the log, and in the chatter of each cloud PBX, what was erased."""
        _logger.info(
            "A phone number was erased by user %s: %s", self.user.id, self.counts()
        )
        for provider in self.providers:
            calls, recordings, promises, events, requests = (
                len(records.filtered_domain([("provider_id", "=", provider.id)]))
                for records in (
                    *(self.calls, self.recordings, self.promises),
                    *(self.events, self.requests),
                )
            )
            if not any((calls, promises, events, requests)):
                continue
            body = provider.with_context(lang=self.user.lang).env._(
                "A phone number was erased. Calls: %(calls)s, recordings: "
                "%(recordings)s, call-backs: %(promises)s, events: %(events)s, "
                "requests: %(requests)s.",
                calls=calls,
                recordings=recordings,
                promises=promises,
                events=events,
                requests=requests,
            )
            provider._message_log(body=body, author_id=self.user.partner_id.id)
