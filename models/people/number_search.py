"""Contacts and leads by the digits that a person types."""

from functools import cached_property, partial

from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.phone_validation.models.mail_thread_phone import PHONE_REGEX_PATTERN

from ...telephony import number_keys, numbers
from ..tools.domains import name_begins
from .pbx_phone_number import OWNERS, phone_columns

# Records with the digits that are searched, before they are sorted.
MAX_ALIKE = 500
# Owners of one further number, or of numbers that end alike.
MAX_OWNERS = 1000
# They are searched by so many digits of their number.
MIN_DIGITS = 3
# By what they are sorted; then the newest first.
SORTED_BY = {
    "res.partner": ("complete_name", SQL("ASC")),
    "crm.lead": ("priority", SQL("DESC")),
}


class NumberSearch:
    """One search for typed digits, under the rights of the model's user.

    It finds whom a call from that number would find, and besides those whose number
    only contains, or begins with, the digits: the person who types chooses.

    :param model: ``res.partner`` or ``crm.lead``.
    :param str text: without letters.
    """

    def __init__(self, model, text):
        self.model, self.text = model, text
        self.plain = numbers.digits(text)
        self.owner = SQL.identifier(OWNERS[model._name])

    @staticmethod
    def reads(text):
        """Tell whether a text is searched by its digits, and not as a name."""
        return len(numbers.digits(text)) >= MIN_DIGITS and not any(
            map(str.isalpha, text)
        )

    def find(self, limit, also=Domain.TRUE):
        """Return at most ``limit`` records that fulfil ``also``.

        One statement with limits inside: if more were sorted, the database would read
        all that fit, or walk all records in that order. Each part of it by its own
        index, which it could not use behind an OR.
        """
        # What SQL reads of them.
        self.model.flush_model(["pbx_number_ids", "phone_sanitized"])
        parts = [self._in_record()]
        if begins := self._begins:
            parts.append(Domain.custom(to_sql=partial(_has_key_like, f"{begins}%")))
        column, direction = SORTED_BY[self.model._name]
        queries = (self.model._search(part & also, limit=MAX_ALIKE) for part in parts)
        rows = self.model.env.execute_query(
            SQL(
                "SELECT id FROM (%s) AS alike ORDER BY %s %s, id DESC LIMIT %s",
                SQL(" UNION ").join(
                    SQL(
                        "(%s)",
                        query.select(
                            SQL.identifier(query.table, "id"),
                            SQL.identifier(query.table, column),
                        ),
                    )
                    for query in queries
                ),
                SQL.identifier(column),
                direction,
                limit,
            )
        )
        return self.model.browse([id_ for [id_] in rows])

    @cached_property
    def _whole(self):
        """The E.164 number that was typed, ``""`` if it is none, or a part of one."""
        return numbers.to_e164(self.text, self._country)

    @property
    def _country(self):
        return self.model.env.company.country_id.code

    @property
    def _begins(self):
        """With what a number in E.164 begins, where that was typed, or ``""``."""
        if self.text.startswith(("+", "00")):
            return f"+{self.plain.removeprefix('00')}"
        return ""

    def _in_record(self):
        """Return the domain of those whose number begins with the typed digits, or
        contains them, in whatever style either is written."""
        domain = Domain.FALSE
        if whole := self._whole:
            spellings = {whole, numbers.canonical(whole)}
            domain |= Domain("phone_sanitized", "in", sorted(spellings))
            if ids := self._ids_by_keys():
                domain |= Domain("id", "in", ids)
        if self._begins:
            domain |= Domain("phone_sanitized", "=like", f"{self._begins}%")
        if self.text.startswith("+"):
            return domain
        # Without the zeros that are dialled before a number.
        inside = self.plain.lstrip("0")
        if len(inside) >= MIN_DIGITS:
            domain |= Domain.custom(to_sql=partial(_phone_contains, inside))
        if self.model._name == "res.partner":
            domain |= Domain.custom(to_sql=partial(name_begins, self.plain))
        return domain

    def _ids_by_keys(self):
        """Return who has the whole number otherwise than Odoo has it, or perhaps has
        it, as a call finds them. Which of them the user may see the search decides."""
        number = numbers.canonical(self._whole)
        rows = self.model.env.execute_query(
            SQL(
                """(SELECT %(owner)s, NULL FROM pbx_phone_number
                     WHERE number = %(number)s AND %(owner)s IS NOT NULL
                     LIMIT %(limit)s)
                    UNION ALL
                   (SELECT %(owner)s, NULL FROM pbx_phone_number
                     WHERE number = ANY(%(stems)s) AND kind = 'stem'
                       AND %(owner)s IS NOT NULL LIMIT %(limit)s)
                    UNION ALL
                   (SELECT %(owner)s, typed FROM pbx_phone_number
                     WHERE tail = %(tail)s AND %(owner)s IS NOT NULL
                     LIMIT %(limit)s)""",
                owner=self.owner,
                number=number,
                stems=list(numbers.stems_of(number)),
                tail=numbers.tail(number) or None,
                limit=MAX_OWNERS,
            )
        )
        # Where nothing says in which country it was typed.
        countries = {self._country, numbers.country_of(number)} - {False, ""}
        return sorted(
            {
                id_
                for id_, typed in rows
                if not typed
                or any(number_keys.certainty(number, typed, [c]) for c in countries)
            }
        )


def _has_key_like(like, model, alias, query):
    """Return the SQL condition that a further number of a record is ``like`` that."""
    return SQL(
        "%(id)s IN (SELECT %(owner)s FROM pbx_phone_number WHERE number LIKE %(like)s)",
        id=SQL.identifier(alias, "id"),
        owner=SQL.identifier(OWNERS[model._name]),
        like=like,
    )


def _phone_contains(digits, model, alias, query):
    """Return the SQL condition that a phone field contains ``digits``.

    In the very words of the index that Odoo has for it: its own search reads the ids of
    all that fit, before any limit. As a subquery, the text is unknown to the planner:
    for digits that many have it would read the table, each number by its expression.
    """
    return SQL(" OR ").join(
        SQL(
            "(regexp_replace(%(phone)s::text, %(pattern)s, '', 'g')"
            " ILIKE (SELECT %(like)s) AND %(phone)s IS NOT NULL)",
            phone=SQL.identifier(alias, name, to_flush=model._fields[name]),
            pattern=PHONE_REGEX_PATTERN,
            like=f"%{digits}%",
        )
        for name in phone_columns(model)
    )
