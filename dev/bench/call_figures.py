"""What figures cost.

Those of one month in a log of a million calls, over the same where the log has no other
month; and those of all of them, over counting their rows.
"""

import time
from datetime import UTC, datetime, timedelta

from measure import in_turn, ratio

# Together a million calls.
MONTHS, PER_MONTH = 18, 55_556
# Each takes seconds.
ROUNDS_OF_EACH = 20
# Of a quarter of a million callers. One call in ten is lost, and called back; one in
# sixty makes a lead. A row is as long as that of a call with its events.
FILL_CALLS = """
INSERT INTO pbx_call (
    provider_id, company_id, ref, direction, state, outcome, number, line, user_id,
    partner_source, start, answer, stop, last_event_at, wait_seconds, talk_seconds,
    facts, create_uid, write_uid, create_date, write_date)
SELECT %(provider)s, %(company)s, 'figure_' || n,
       CASE WHEN n %% 4 = 0 THEN 'outbound' ELSE 'inbound' END, 'done',
       CASE WHEN n %% 10 = 1 THEN 'missed' ELSE 'answered' END,
       CASE WHEN n %% 50 != 1
            THEN '+4477' || lpad((hashint8(n) & 262143)::text, 8, '0') END,
       '+442079460900',
       CASE WHEN n %% 10 != 1 THEN (%(users)s)[1 + n %% %(count)s] END, 'none',
       at, at + interval '10 s', at + interval '70 s', at + interval '70 s',
       hashint8(n) & 63, hashint8(-n) & 511,
       json_build_object('events', repeat('what an event says ', 40)), 1, 1, at, at
  FROM (SELECT n, now() at time zone 'utc' - interval '10 minutes'
                  - n * interval '30 days' / %(per_month)s
          FROM generate_series(1, %(calls)s::bigint) n) made(n, at)
"""
FILL_PROMISES = """
INSERT INTO pbx_promise (
    company_id, provider_id, number, state, began_at, opened_at, deadline, closed_at,
    in_time, attempts, first_call_id, create_uid, write_uid, create_date, write_date)
SELECT company_id, provider_id, number, 'kept', start, stop, stop + interval '1 h',
       stop + (id %% 5400) * interval '1 s', id %% 5400 <= 3600, 1, id, 1, 1, stop, stop
  FROM pbx_call WHERE ref LIKE 'figure_%%' AND outcome = 'missed'
                  AND number IS NOT NULL
"""
FILL_LEADS = """
WITH made AS (
INSERT INTO crm_lead (
    name, type, active, company_id, phone, pbx_call_id, won_status, expected_revenue,
    create_uid, write_uid, create_date, write_date)
SELECT 'Call from ' || number, 'lead', TRUE, company_id, number, id,
       CASE WHEN id %% 3 = 0 THEN 'won' ELSE 'pending' END, id %% 1000, 1, 1, stop, stop
  FROM pbx_call WHERE ref LIKE 'figure_%%' AND id %% 60 = 0 AND number IS NOT NULL
RETURNING id, pbx_call_id)
UPDATE pbx_call SET lead_id = made.id FROM made WHERE pbx_call.id = made.pbx_call_id
"""


def prepare(server, sql, provider, months):
    """Make a log of so many months, with call-backs and leads.

    :return: a :class:`lib.rpc.Login` who sees all of it.
    """
    admin = server.login("admin")
    [values] = admin.call("pbx.provider", "read", [provider["id"]], ["company_id"])
    users = admin.call("res.users", "search", [("share", "=", False)])
    filling = {
        "provider": provider["id"],
        "company": values["company_id"][0],
        "users": users,
        "count": len(users),
        "calls": months * PER_MONTH,
        "per_month": PER_MONTH,
    }
    for query in (FILL_CALLS, FILL_PROMISES, FILL_LEADS):
        sql(query, filling)
    for table in ("pbx_call", "pbx_promise", "crm_lead"):
        sql(f"VACUUM ANALYZE {table}", None)
    return admin


def month_among_many(readers, rounds):
    """Return ``{title: (figures, aim)}``: one month's figures in the log of all months,
    over those in a log of that month alone.

    :param dict readers: ``{"all", "month"}``: who sees either log.
    """
    until = datetime.now(UTC).replace(tzinfo=None)
    domain = [
        ("start", ">=", f"{until - timedelta(days=30):%Y-%m-%d %H:%M:%S}"),
        ("start", "<", f"{until:%Y-%m-%d %H:%M:%S}"),
    ]
    ratios = {}
    for group_by in (False, "day", "user_id"):

        def one_round(group_by=group_by):
            return {
                name: _seconds(reader, "figures", domain, group_by)
                for name, reader in readers.items()
            }

        times = in_turn(one_round, max(rounds // ROUNDS_OF_EACH, 5), warm_up=2)
        title = f"figures of a month{group_by and f' by {group_by}' or ''}"
        ratios[f"{title}, {MONTHS * PER_MONTH:,} calls / that month's"] = (
            ratio(times["all"], times["month"]),
            "-" if group_by else "<= 1.30",
        )
    return ratios


def all_against_count(reader, sql, rounds):
    """Return ``{title: (figures, aim)}``: all figures of all calls, over counting them
    as PostgreSQL does, and as the reader has it done."""

    def one_round():
        began = time.perf_counter()
        sql("SELECT count(*) FROM pbx_call", None)
        counted = time.perf_counter() - began
        return {
            "count": counted,
            "search_count": _seconds(reader, "search_count", []),
            "figures": _seconds(reader, "figures", []),
        }

    times = in_turn(one_round, max(rounds // ROUNDS_OF_EACH, 5), warm_up=2)
    title = f"figures of all {MONTHS * PER_MONTH:,} calls /"
    return {
        f"{title} bare count(*)": (ratio(times["figures"], times["count"]), "<= 15.00"),
        f"{title} the reader's search_count": (
            ratio(times["figures"], times["search_count"]),
            "-",
        ),
    }


def _seconds(reader, method, *arguments):
    began = time.perf_counter()
    reader.call("pbx.call", method, *arguments)
    return time.perf_counter() - began
