"""The order of groups by a record, found once the rows are counted."""

from itertools import product

from odoo.tools import SQL, Query

# Whose records are few: they are written by hand, one by one.
SHORT_TABLES = (
    *("crm.team", "pbx.extension", "pbx.line", "pbx.provider", "pbx.route"),
    *("res.company", "res.users", "utm.campaign", "utm.medium", "utm.source"),
)
DIRECTIONS = {
    " ".join(filter(None, words))
    for words in product(("", "ASC", "DESC"), ("", "NULLS FIRST", "NULLS LAST"))
}


def order_of_groups(model, part, groupby_terms):
    """Return the SQL of one part of a grouping's order: the place of a group's record
    among all of its model. ``None`` for other parts.

    Odoo joins each row with its record, and groups by what these are ordered by, too.
    PostgreSQL takes the values of that for independent of each other, expects as many
    groups as rows, and sorts all rows in place of counting them.

    :param part: as in ``_read_group``, one field and its direction.
    :param groupby_terms: SQL by the names of what is grouped by.
    """
    name, *words = part.split()
    direction = " ".join(words).upper()
    field = model._fields.get(name)
    if name not in groupby_terms or not field or direction not in DIRECTIONS:
        return None
    if field.type != "many2one" or field.comodel_name not in SHORT_TABLES:
        return None
    # Their order is no secret, and groups of records that may not be read have theirs.
    comodel = model.env[field.comodel_name]
    ordered = Query(model.env, comodel._table, comodel._table_sql)
    ordered.order = comodel._order_to_sql(comodel._order, ordered)
    return SQL(
        "array_position(ARRAY(%s), %s) %s",
        ordered.select(),
        groupby_terms[name],
        SQL(direction),
    )
