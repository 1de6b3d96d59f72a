"""Domains that several models make alike."""

from odoo.fields import Domain
from odoo.tools import SQL


def search_boolean(operator, value, domain):
    """Return the domain of a search for a boolean that ``domain`` makes true.

    ``NotImplemented`` for an operator that Odoo turns into ``in``.
    """
    if operator != "in":
        return NotImplemented
    wanted = set(value)
    if wanted == {True}:
        return domain
    return ~domain if wanted == {False} else Domain.TRUE


def name_begins(digits, model, alias, query):
    """Return the SQL condition that a contact's name begins with ``digits``.

    By the index of names.
    """
    field = model._fields["complete_name"]
    name = SQL.identifier(alias, "complete_name", to_flush=field)
    after = str(int(digits) + 1).rjust(len(digits), "0")
    if len(after) > len(digits):  # all nines: letters are next
        after = "A"
    return SQL(
        "(%(name)s >= %(first)s AND %(name)s < %(after)s AND %(name)s LIKE %(like)s)",
        name=name,
        first=digits,
        after=after,
        like=f"{digits}%",
    )
