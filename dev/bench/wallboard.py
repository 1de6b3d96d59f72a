"""What the wallboard costs: in a log of a million calls, over the same in a short one.

Today's calls, those that go on, and people are as many in both.
"""

import time

from measure import in_turn, ratio

LOGIN = "wall"
FEW, MANY = 1000, 1_000_000
# The same in both: calls of the last hours, live calls, people, open call-backs.
RECENT, LIVE, PEOPLE, OPEN = 800, 20, 40, 100
# Calls of before begin two days ago.
FILL_CALLS = """
INSERT INTO pbx_call (
       provider_id, company_id, ref, direction, state, outcome, number, line, user_id,
       partner_source, start, answer, stop, last_event_at, wait_seconds, talk_seconds,
       is_blocked, create_uid, write_uid, create_date, write_date)
SELECT %(provider)s, %(company)s, 'past_' || n, 'inbound', 'done',
       CASE WHEN n %% 10 < 7 THEN 'answered' ELSE 'missed' END,
       '+447' || lpad((n %% 300000 + 500000000)::text, 9, '0'), '+442079460900',
       CASE WHEN n %% 10 < 7 THEN (%(users)s)[1 + n %% %(count)s] END, 'none',
       at, at + interval '10 s', at + interval '25 s', at + interval '25 s', 10, 15,
       FALSE, 1, 1, at, at
  FROM (SELECT n, now() AT TIME ZONE 'UTC' - interval '1 minute'
                  - CASE WHEN n <= %(recent)s THEN n * interval '30 s'
                    ELSE interval '2 days' + n * interval '60 s' END
          FROM generate_series(1, %(calls)s) n) made(n, at)"""
FILL_PROMISES = """
INSERT INTO pbx_promise (
       company_id, provider_id, number, user_id, user_source, state, began_at,
       opened_at, due_from, deadline, closed_at, attempts, tries, in_time,
       create_uid, write_uid, create_date, write_date)
SELECT %(company)s, %(provider)s, '+4478' || lpad(n::text, 8, '0'),
       (%(users)s)[1 + n %% %(count)s], 'rung',
       CASE WHEN n <= %(open)s THEN 'open' ELSE 'kept' END, at, at, at,
       at + interval '1 hour',
       CASE WHEN n > %(open)s THEN at + interval '20 minutes' END,
       1, 0, n > %(open)s, 1, 1, at, at
  FROM (SELECT n, now() AT TIME ZONE 'UTC' - n * interval '3 minutes'
          FROM generate_series(1, %(promises)s) n) past(n, at)"""
# They ring, or are talked on, for as long as it is measured.
FILL_LIVE = """
WITH made AS (
INSERT INTO pbx_call (
       provider_id, company_id, ref, direction, state, number, line, partner_source,
       start, answer, last_event_at, is_blocked, create_uid, write_uid, create_date,
       write_date)
SELECT %(provider)s, %(company)s, 'live_' || n, 'inbound',
       CASE WHEN n %% 2 = 0 THEN 'ringing' ELSE 'ongoing' END,
       '+4479' || lpad(n::text, 8, '0'), '+442079460900', 'none',
       at, CASE WHEN n %% 2 = 1 THEN at + interval '5 s' END, at + interval '5 hours',
       FALSE, 1, 1, at, at
  FROM (SELECT n, now() AT TIME ZONE 'UTC' - n * interval '7 s'
          FROM generate_series(1, %(live)s) n) begun(n, at)
       RETURNING id, provider_id, start, answer),
     legs AS (
INSERT INTO pbx_call_leg (
       call_id, provider_id, number, extension_id, start, answer, create_uid,
       write_uid, create_date, write_date)
SELECT made.id, made.provider_id, phone.number, phone.id, made.start, made.answer,
       1, 1, made.start, made.start
  FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM made) made
  JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM pbx_extension
         WHERE number LIKE '3__' AND provider_id = %(provider)s) phone
    ON phone.place = made.place
       RETURNING id, extension_id)
INSERT INTO pbx_call_leg_user_rel (leg_id, user_id)
SELECT legs.id, owner.user_id
  FROM legs JOIN pbx_extension_res_users_rel owner USING (extension_id)"""


def prepare(server, sql, provider, calls):
    """Make a supervisor, people with phones, calls that go on, and ``calls`` before.

    :return: the supervisor's :class:`lib.rpc.Login`.
    """
    admin = server.login("admin")
    [values] = admin.call("pbx.provider", "read", [provider["id"]], ["company_id"])
    company_id = values["company_id"][0]
    common = {"company_id": company_id, "company_ids": [(6, 0, [company_id])]}

    def with_group(name):
        wanted = [("name", "=", name), ("privilege_id.name", "=", "Cloud PBX")]
        return {"group_ids": [(4, *admin.call("res.groups", "search", wanted))]}

    supervisor = {"name": "Wall", "login": LOGIN, "password": LOGIN, **common}
    admin.call("res.users", "create", {**supervisor, **with_group("Supervisor")})
    agents = [
        {"name": f"Person {n}", "login": f"person{n}", **common, **with_group("Agent")}
        for n in range(PEOPLE)
    ]
    users = admin.call("res.users", "create", agents)
    phones = [
        {
            "number": f"3{n:02}",
            "provider_id": provider["id"],
            "user_ids": [(6, 0, [user_id])],
        }
        for n, user_id in enumerate(users)
    ]
    admin.call("pbx.extension", "create", phones)
    filling = {
        "company": company_id,
        "provider": provider["id"],
        "users": users,
        "count": len(users),
        "calls": calls,
        "recent": RECENT,
        "live": LIVE,
        "open": OPEN,
        "promises": OPEN + calls // 10,
    }
    for query in (FILL_CALLS, FILL_PROMISES, FILL_LIVE):
        sql(query, filling)
    for table in ("pbx_call", "pbx_call_leg", "pbx_promise"):
        sql(f"VACUUM ANALYZE {table}", None)
    return server.login(LOGIN)


def many_against_few(supervisors, rounds):
    """Return ``{title: (figures, aim)}``.

    :param dict supervisors: ``{"few", "many"}``: that of either database.
    """

    def look(supervisor):
        began = time.perf_counter()
        board = supervisor.call("pbx.wallboard", "now")
        took = time.perf_counter() - began
        people = {
            one["state"] for one in board["people"] if one["name"].startswith("Person")
        }
        shown = (len(board["calls"]), people, board["promises"]["open"])
        assert shown == (LIVE, {"ringing", "talking", "free"}, OPEN), shown
        return took

    times = in_turn(
        lambda: {name: look(one) for name, one in supervisors.items()}, rounds
    )
    title = f"wallboard, {MANY:,} calls / {FEW:,}"
    return {title: (ratio(times["many"], times["few"]), "<= 1.20")}
