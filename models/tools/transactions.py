"""Transactions of their own, locks, and what is done once before a commit.

Odoo's transactions are REPEATABLE READ: one that meets another is refused by the
database, and has to begin anew to see what the other did.
"""

import random
import time
from contextlib import contextmanager

import psycopg2.errors

from odoo import api
from odoo.tools import SQL

# Two transactions met; a fresh one sees what the other did.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.LockNotAvailable,
)
TRIES = 5
# A transaction of ours waits so long for a row that somebody else has locked. Whoever
# gave up makes this process wait less for a while: where one row is locked many may be,
# and a server has a few workers only.
LOCK_SECONDS, BRIEF_LOCK_SECONDS, BRIEF_FOR_SECONDS = 1.5, 0.1, 30
# Before the second attempt at the most; twice as long before each further one.
PAUSE_SECONDS = 0.02


class _Patience:
    """How long this process waits for locked rows."""

    brief_until = 0.0


def lock_timeout():
    """Return how long a transaction of ours waits for a locked row now, as PostgreSQL's
    setting ``lock_timeout`` has it."""
    brief = time.monotonic() < _Patience.brief_until
    return f"{(BRIEF_LOCK_SECONDS if brief else LOCK_SECONDS) * 1000:.0f}ms"


def gave_up_waiting():
    """Take note that a locked row was waited for in vain."""
    _Patience.brief_until = time.monotonic() + BRIEF_FOR_SECONDS


def limit_lock_waits(env):
    """Let this transaction wait for locked rows as long as :func:`lock_timeout` says.

    :raises LockNotAvailable: later, by the statement that would wait for longer.
    """
    env.execute_query(
        SQL("SELECT set_config('lock_timeout', %s, TRUE)", lock_timeout())
    )


def pause_before_retry(attempt):
    """Wait a random moment, so that two who met do not meet again.

    :param int attempt: how many attempts were made, from 1.
    """
    time.sleep(random.uniform(0, PAUSE_SECONDS * 2 ** (attempt - 1)))


def roll_back(cr, error):
    """Undo what met another transaction, and take note if it waited in vain."""
    cr.rollback()
    if isinstance(error, psycopg2.errors.LockNotAvailable):
        gave_up_waiting()


def in_own_transaction(env, work, user=None, context=None, tries=TRIES):
    """Return what ``work(env)`` returns, done and committed apart from ``env``.

    It sees what was committed until now, and is done anew where it met another
    transaction: it must not change anything that a rollback does not undo.

    :param work: called with an environment on a cursor of its own.
    :param user: its user; by default that of ``env``.
    :param dict context: its context; by default that of ``env``.
    :param int tries: attempts in all.
    :raises CONFLICTS: it met others each time.
    """
    for attempt in range(1, tries + 1):
        with env.registry.cursor() as cr:
            own = api.Environment(
                cr,
                env.uid if user is None else user,
                env.context if context is None else context,
                su=env.su if user is None else False,
            )
            try:
                result = work(own)
                cr.commit()  # pylint: disable=invalid-commit
                return result
            except CONFLICTS as error:
                roll_back(cr, error)
                if attempt == tries:
                    raise
        pause_before_retry(attempt)
    raise ValueError("no attempt was allowed")


def begin_anew(env, work, tries=TRIES):
    """Return what ``work()`` returns, done in the transaction of ``env`` and flushed.

    Where it meets another transaction all since the last commit is rolled back, and it
    is done anew: it must begin with what a rollback undoes.

    :param int tries: attempts in all.
    :raises CONFLICTS: it met others each time; rolled back.
    """
    for attempt in range(1, tries + 1):
        try:
            result = work()
            env.flush_all()
            return result
        except CONFLICTS as error:
            roll_back(env.cr, error)
            if attempt == tries:
                raise
            pause_before_retry(attempt)
    raise ValueError("no attempt was allowed")


def try_lock(env, key):
    """Take the lock named ``key`` until this transaction ends; tell whether it is ours.

    It never waits: whoever has it goes on, and the caller leaves.
    """
    [[taken]] = env.execute_query(
        SQL("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", key)
    )
    return taken


def wait_for_locks(env, keys):
    """Take the locks named ``keys``, in one order for everybody, waiting for others.

    :raises CONFLICTS: it took too long, or two waited for each other.
    """
    env.cr.execute(
        SQL(
            """SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
                 FROM (SELECT unnest(%s::text[]) AS key ORDER BY 1 OFFSET 0) keys""",
            list(keys),
        ),
        log_exceptions=False,  # whoever met somebody tries again
    )


@contextmanager
def one_after_another(env, key):
    """Let those who met each other have their turns: a block under the lock ``key``.

    The lock outlasts transactions, so that each begins with a snapshot from after the
    one before. What was not committed before is lost; so is what is not at the end.

    :raises LockNotAvailable: the turn did not come in time.
    """
    cr = env.cr
    limit_lock_waits(env)
    cr.execute(
        SQL("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key),
        log_exceptions=False,
    )
    cr.commit()  # pylint: disable=invalid-commit
    try:
        yield
    finally:
        cr.rollback()
        cr.execute(SQL("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key))
        cr.commit()  # pylint: disable=invalid-commit


def lock_rows(records, strength="UPDATE"):
    """Keep others from writing these rows until this transaction ends.

    A row that was changed since this transaction began is noticed here, at once. That
    is no error, and is not logged as one, as it would be by a write.

    :param str strength: PostgreSQL's; ``"NO KEY UPDATE"`` lets others refer to them.
    :raises psycopg2.errors.SerializationFailure: somebody was quicker.
    :raises psycopg2.errors.LockNotAvailable: somebody holds them for too long.
    """
    if not records:
        return
    records.flush_recordset()
    records.env.cr.execute(
        SQL(
            "SELECT 1 FROM %s WHERE id = ANY(%s) ORDER BY id FOR %s",
            SQL.identifier(records._table),
            records.ids,
            SQL(strength),
        ),
        log_exceptions=False,
    )


def before_commit(env, name, make, finish):
    """Return what is being collected under ``name`` in this transaction.

    Just before the commit ``finish(collected)`` is called, once, however often
    something was added; after a rollback it is not.

    :param str name: one for each thing that is collected.
    :param make: makes the empty collection.
    :param finish: called with the collection.
    """
    precommit = env.cr.precommit
    if name not in precommit.data:
        precommit.data[name] = make()
        precommit.add(lambda: finish(precommit.data.pop(name)))
    return precommit.data[name]
