"""When something was, on the clock of whoever reads it."""

from datetime import UTC
from zoneinfo import ZoneInfo

from odoo.fields import Domain
from odoo.tools import SQL

# Parts of the time, by the field of calls that has them. Odoo's own ``hour_number`` and
# ``day_of_week`` look at the time zone of the context alone, which those who call from
# outside leave out, and count the days from Sunday in SQL, but from Monday in Python.
_PARTS = {
    "start_hour": "date_part('hour', %s)::int",
    "start_weekday": "date_part('isodow', %s)::int - 1",
}


def zone_name(env):
    """Return the name of the reader's time zone: the context's, else the user's."""
    return env.tz.zone


def local_time(env, moment):
    """Return the SQL expression of a moment in UTC by the reader's clock."""
    return SQL("timezone(%s, timezone('UTC', %s))", zone_name(env), moment)


def part_of_time(env, name, moment):
    """Return the SQL expression of an hour (0 to 23) or a weekday (0: Monday)."""
    return SQL("(%s)", SQL(_PARTS[name], local_time(env, moment)))


def local_time_of(env, moment):
    """Return a moment, naive UTC, by the reader's clock."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone_name(env)))


def to_utc(env, local):
    """Return the first moment, naive UTC, at which the reader's clock shows ``local``.

    Where the clock skips it, the moment at which it does so.
    """
    aware = local.replace(tzinfo=ZoneInfo(zone_name(env)), fold=0)
    return aware.astimezone(UTC).replace(tzinfo=None)


def search_part(name, operator, value):
    """Return the domain of calls by a part of their start."""
    if operator not in ("in", "not in", "<", ">", "<=", ">="):
        return NotImplemented
    if operator in ("in", "not in"):
        # Midnight, and Monday, are 0: not the same as nothing, which no call has.
        value = tuple(one for one in value if one is not False)
        if not value:
            return Domain.FALSE if operator == "in" else Domain.TRUE

    def to_sql(model, alias, _query):
        start = SQL.identifier(alias, "start", to_flush=model._fields["start"])
        part = part_of_time(model.env, name, start)
        return SQL("%s %s %s", part, SQL(operator), value)

    return Domain.custom(to_sql=to_sql)
