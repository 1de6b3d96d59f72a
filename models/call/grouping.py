"""Whose calls many of them are, so that PostgreSQL counts them by groups."""

from odoo.tools import SQL


def is_joined(model, alias, query, of_user):
    """Return the SQL condition that the user spoke, that their phone rang, or that
    something of the call, by the names of its fields, is the user's: for many calls.

    All that is the user's is joined; there is one such row for a call at the most. Of a
    subquery PostgreSQL remembers no more than fits into ``work_mem``, and beyond that
    asks it for each call. It also cannot tell what that costs: it reads the whole rows
    of calls in place of the index that has all that is grouped.
    """
    fields, me = model._fields, model.env.uid
    participants = fields["participant_ids"]
    rang = query.make_alias(alias, "rang")
    query.add_join(
        "LEFT JOIN",
        rang,
        SQL.identifier(participants.relation, to_flush=participants),
        SQL(
            "%s = %s AND %s = %s",
            SQL.identifier(rang, "call_id"),
            SQL.identifier(alias, "id"),
            SQL.identifier(rang, "user_id"),
            me,
        ),
    )
    reasons = [
        SQL(
            "COALESCE(%s = %s, FALSE)",
            SQL.identifier(alias, "user_id", to_flush=fields["user_id"]),
            me,
        ),
        SQL("%s IS NOT NULL", SQL.identifier(rang, "user_id")),
    ]
    for name in of_user:
        comodel = model.env[fields[name].comodel_name]
        linked = query.make_alias(alias, f"{name}_of_user")
        user = SQL.identifier(linked, "user_id", to_flush=comodel._fields["user_id"])
        query.add_join(
            "LEFT JOIN",
            linked,
            comodel._table,
            SQL(
                "%s = %s AND %s = %s",
                SQL.identifier(linked, "id"),
                SQL.identifier(alias, name, to_flush=fields[name]),
                user,
                me,
            ),
        )
        reasons.append(SQL("%s IS NOT NULL", user))
    return SQL("(%s)", SQL(" OR ").join(reasons))
