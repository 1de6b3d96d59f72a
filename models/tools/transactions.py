"""Rows that the inbox and a job both write."""

import psycopg2.errors

from odoo.tools import SQL

# Two transactions met; a fresh one sees what the other did.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.LockNotAvailable,
)
TRIES = 5


def lock_rows(records):
    """Keep others from writing these rows until this transaction ends.

    Who finds one changed since its transaction began is told so here, at once, and
    begins anew. That is no error, and is not logged as one, as it would be by a write.

    :raises psycopg2.errors.SerializationFailure: somebody was quicker.
    """
    if not records:
        return
    records.flush_recordset()
    records.env.cr.execute(
        SQL(
            "SELECT 1 FROM %s WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            SQL.identifier(records._table),
            records.ids,
        ),
        log_exceptions=False,
    )
