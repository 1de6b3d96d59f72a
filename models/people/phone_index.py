"""Indexes by which callers are found, on the two models that hold phone numbers.

Declared here and not on the models' own extensions, so that the expression that is
indexed and the one that is searched are one.
"""

from odoo.tools import SQL

from ...telephony.numbers import TAIL_DIGITS

# What follows a number ("ext. 12", "доб. 3", "#4") is not part of it.
_SUFFIX = r"([0-9])[\s,.(-]*(ext|x|#|;|доб|вн).*$"


def tail_expression(column):
    """Return the SQL of the last digits of a typed phone number."""
    return (
        f"right(regexp_replace(regexp_replace({column}, '{_SUFFIX}', '\\1', 'i'), "
        f"'[^0-9]', '', 'g'), {TAIL_DIGITS})"
    )


def tail_index(column="phone"):
    """Return the definition of an index by the last digits of ``column``."""
    return f"(({tail_expression(column)})) WHERE {column} IS NOT NULL"


def tail_sql(column):
    """Return the same expression as :class:`SQL`."""
    return SQL(tail_expression(column).replace("%", "%%"))


def tail_condition(alias, tail, column="phone"):
    """Return the condition that such an index serves, as :class:`SQL`."""
    name = f"{alias}.{column}"
    return SQL(
        "%s = %s AND %s IS NOT NULL",
        tail_sql(name),
        tail,
        SQL(name),
    )
