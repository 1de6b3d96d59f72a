"""Domains that several models make alike."""

from odoo.fields import Domain


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
