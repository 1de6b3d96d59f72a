"""A moment that millions of rows are grouped by, on the reader's clock."""

from datetime import datetime, timedelta

from odoo import fields
from odoo.tools import SQL, ormcache
from odoo.tools.misc import get_lang

# What is earlier or later is converted as Odoo does.
SINCE, UNTIL = "2000-01-01", "2040-01-01"
# PostgreSQL takes the values of a column for as many as there are rows, and so the days
# of them; then it sorts all rows, in one process, rather than to count them by day in
# several. See :func:`expect_few_groups`.
GROUPS = 5000
# Groups that are of the same length wherever the clock stands.
BINS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
# A Monday, before anything that is grouped.
MONDAY = datetime(1, 1, 1)
# The first PostgreSQL that has date_bin.
HAS_BINS = 140000


class LocalDatetime(fields.Datetime):
    """A moment that is brought to the reader's clock by adding an offset.

    Odoo has PostgreSQL convert each row by the rules of the time zone, which takes
    longer than to read and to count it. The offset is the same for months: it is looked
    up among the few that a zone had since :data:`SINCE`. The result is the same, to the
    microsecond: it is PostgreSQL that says when the clocks were changed.
    """

    def property_to_sql(self, field_sql, property_name, model, alias, query):
        """Return the SQL expression of the reader's time, or of a part of it."""
        convert = super().property_to_sql
        local = convert(field_sql, "tz", model, alias, query)
        if local is not field_sql:
            changes, offsets = _offsets(model, model.env.context["tz"])
            # Before the first change and after the last there is no offset.
            local = SQL(
                """COALESCE(
                    %(moment)s + (%(offsets)s::interval[])[
                        width_bucket(%(moment)s, %(changes)s::timestamp[])],
                    %(local)s)""",
                moment=field_sql,
                offsets=offsets,
                changes=changes,
                local=local,
            )
        if property_name == "tz":
            return local
        return convert(local, property_name, model.with_context(tz=False), alias, query)


def bin_of(model, alias, groupby_spec, query):
    """Return the SQL expression of the hour, day or week of a :class:`LocalDatetime`.

    The same as Odoo's ``date_trunc``, which takes the calendar apart to find it.
    ``None`` for other groups.
    """
    name, _, length = groupby_spec.partition(":")
    field = model._fields.get(name)
    if length not in BINS or not isinstance(field, LocalDatetime):
        return None
    if model.env.cr.connection.server_version < HAS_BINS:
        return None
    weekday = int(get_lang(model.env).week_start) - 1
    return SQL(
        "date_bin(%s, %s, %s)",
        BINS[length],
        model._field_to_sql(alias, f"{name}.tz", query),
        MONDAY + timedelta(days=weekday),
    )


@ormcache("zone")
def _offsets(self, zone):
    """Return when the clocks of a time zone were changed, in UTC, and how far they were
    ahead of it from each of these moments to the next.

    Where the offset of one day is not that of the day before, the second is looked for
    by halving. No zone has had two changes within a day.

    :return: two arrays of the same length, as PostgreSQL reads them; the last offset is
        none.
    """
    rows = self.env.execute_query(
        SQL(
            """
    WITH RECURSIVE day AS (
        SELECT at, ahead, lag(at) OVER days AS before, lag(ahead) OVER days AS was
          FROM generate_series(%(since)s::timestamp, %(until)s, '1 day') at,
               LATERAL (SELECT timezone(%(zone)s, timezone('UTC', at)) - at) o(ahead)
        WINDOW days AS (ORDER BY at)
    ), change (low, high, was, ahead) AS (
        SELECT before, at, was, ahead FROM day WHERE was != ahead
        UNION ALL
        SELECT CASE WHEN is_before THEN middle ELSE low END,
               CASE WHEN is_before THEN high ELSE middle END, was, ahead
          FROM change,
               LATERAL (SELECT date_trunc('second', low + (high - low) / 2)) m(middle),
               LATERAL (SELECT was = timezone(%(zone)s, timezone('UTC', middle))
                                     - middle) b(is_before)
         WHERE high - low > '1 second'
    )
    SELECT at, ahead FROM day WHERE before IS NULL
     UNION ALL SELECT high, ahead FROM change WHERE high - low <= '1 second'
     ORDER BY 1""",
            zone=zone,
            since=SINCE,
            until=UNTIL,
        )
    )
    changes = [*(at.isoformat() for at, _ahead in rows), UNTIL]
    offsets = [*(f"{ahead.total_seconds()} s" for _at, ahead in rows), "NULL"]
    return f"{{{','.join(changes)}}}", f"{{{','.join(offsets)}}}"


def expect_few_groups(model, name):
    """Have PostgreSQL expect few values of a column, from its next ``ANALYZE`` on."""
    model.env.cr.execute(
        SQL(
            "ALTER TABLE %s ALTER COLUMN %s SET (n_distinct = %s)",
            SQL.identifier(model._table),
            SQL.identifier(name),
            SQL(str(GROUPS)),
        )
    )
