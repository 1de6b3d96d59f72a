"""How long the upgrade of a release takes that has many calls, or none."""

import os
import tempfile
import time
from pathlib import Path

from lib.released import Released

CALLS = int(os.environ.get("B_CALLS", 100_000))
# Of a year, under five lines, of 20,000 callers, one in five of them lost.
FILL = """
INSERT INTO pbx_call (
       provider_id, company_id, ref, direction, state, outcome, disposition, number,
       line, start, answer, stop, wait_seconds, talk_seconds, last_event_at,
       partner_source, create_date, write_date)
SELECT provider.id, provider.company_id, 'bench_' || n,
       CASE WHEN n %% 3 = 0 THEN 'outbound' ELSE 'inbound' END, 'done',
       CASE WHEN n %% 5 = 0 THEN CASE WHEN n %% 3 = 0 THEN 'no_answer' ELSE 'missed' END
            ELSE 'answered' END,
       'answered', '+4420' || (70000000 + n::bigint * 7919 %% 20000),
       '+44207946090' || n %% 5, at, at, at + interval '60 seconds', 5, 55, at, 'none',
       at, at
  FROM (SELECT n, now() AT TIME ZONE 'UTC' - n * (interval '360 days' / %(calls)s) AS at
          FROM generate_series(1, %(calls)s) n) calls
 CROSS JOIN (SELECT id, company_id FROM pbx_provider ORDER BY id LIMIT 1) provider"""
LEGS = """
INSERT INTO pbx_call_leg (
       call_id, provider_id, number, start, create_date, write_date)
SELECT id, provider_id, '100', start, start, start
  FROM pbx_call WHERE ref LIKE 'bench_%%'"""


def upgrades(instance, sql_of):
    """Return ``{calls: seconds}`` of the upgrade of a database with so many calls.

    :param sql_of: returns the function by which a database is asked.
    """
    took = {}
    with tempfile.TemporaryDirectory() as folder:
        released = Released(instance, Path(folder))
        for calls in (0, CALLS):
            database = f"upgrade_{calls}"
            instance.clone(database)
            released.install(database, instance.folder / f"install-{database}.log")
            sql = sql_of(instance, database)
            if calls:
                sql(FILL, {"calls": calls})
                sql(LEGS, [])
                sql("ANALYZE", [])
            began = time.perf_counter()
            log = instance.folder / f"{database}.log"
            instance.install(database, log, update=True)
            took[calls] = time.perf_counter() - began
            check(sql, calls)
            instance.drop(database)
    return took


def check(sql, calls):
    """What is not done takes no time."""
    [[known]] = sql("SELECT count(*) FROM pbx_call WHERE line_id IS NOT NULL", [])
    assert known == calls, f"{known} of {calls} calls have a line"
    # Of the last thirty days.
    lost = """SELECT count(*), count(promise_id) FROM pbx_call
               WHERE outcome = 'missed' AND start > now() AT TIME ZONE 'UTC'
                                                  - interval '29 days'"""
    [[lost, promised]] = sql(lost, [])
    assert promised == lost and bool(lost) == bool(calls), f"{promised} of {lost}"
