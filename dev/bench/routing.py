"""What routing costs: START with many rules, over START without any.

The rules are of one cloud PBX, and the other one of the same company has none: both ask
the same database in turn.
"""

from measure import Caller, in_turn, ratio

from lib import pbx

# Of each kind of rule that fails.
EACH = 5
# Of another range than those of contacts and of the benchmark's callers.
FILL_CALLS = """
INSERT INTO pbx_call (
    provider_id, company_id, ref, direction, state, outcome, number, line, user_id,
    partner_source, start, answer, stop, last_event_at, wait_seconds, talk_seconds,
    create_uid, write_uid, create_date, write_date)
SELECT %(provider)s, %(company)s, 'past_' || n, 'inbound', 'done',
       CASE WHEN n %% 10 < 7 THEN 'answered' ELSE 'missed' END,
       '+447' || lpad((n %% 300000 + 500000000)::text, 9, '0'), '+442079460900',
       CASE WHEN n %% 10 < 7 THEN (ARRAY[%(users)s])[1 + n %% %(count)s] END, 'none',
       at, at + interval '10 s', at + interval '70 s', at + interval '70 s', 10, 60,
       1, 1, at, at
  FROM (SELECT n, now() at time zone 'utc' - interval '10 minutes' - n * interval '60 s'
          FROM generate_series(1, %(calls)s) n) made(n, at)
"""
FILL_PROMISES = """
INSERT INTO pbx_promise (
    company_id, provider_id, number, user_id, state, opened_at, deadline, attempts,
    create_uid, write_uid, create_date, write_date)
SELECT %(company)s, %(provider)s, '+447' || lpad((n + 500000000)::text, 9, '0'),
       (ARRAY[%(users)s])[1 + n %% %(count)s],
       CASE WHEN n %% 50 = 0 THEN 'open' ELSE 'kept' END, at, at + interval '1 h', 1,
       1, 1, at, at
  FROM (SELECT n, now() at time zone 'utc' - n * interval '60 s'
          FROM generate_series(1, %(promises)s) n) made(n, at)
"""


def prepare(server, sql, provider, calls):
    """Make thirty rules that fail and one that decides, a cloud PBX without any, and
    a log of ``calls`` calls with a tenth as many call-backs.

    :return: the providers ``{"with rules", "without"}``, as :class:`Caller` takes them.
    """
    admin = server.login("admin")
    [values] = admin.call(
        "pbx.provider", "read", [provider["id"]], ["company_id", "user_id", "tz"]
    )
    company_id, user_id = values["company_id"][0], values["user_id"][0]
    other_id = admin.call(
        "pbx.provider",
        "create",
        {
            "name": "Without rules",
            "company_id": company_id,
            "api_key": "key-without",
            "api_secret": "secret-without",
            "external_url": server.url,
            "tz": values["tz"],
        },
    )
    _make_rules(admin, provider["id"], company_id, user_id)
    demo = admin.call("res.users", "search", [("share", "=", False)])
    filling = {
        "provider": provider["id"],
        "company": company_id,
        "users": demo,
        "count": len(demo),
        "calls": calls,
        "promises": calls // 10,
    }
    for query in (FILL_CALLS, FILL_PROMISES):
        # A list of psycopg2 is an ARRAY already.
        sql(query.replace("ARRAY[%(users)s]", "%(users)s"), filling)
    for table in ("pbx_call", "pbx_promise"):
        sql(f"VACUUM ANALYZE {table}", None)
    [other] = admin.call("pbx.provider", "read", [other_id], pbx.FIELDS)
    return {"with rules": provider, "without": other}


def _make_rules(admin, provider_id, company_id, user_id):
    """Rules of each kind that do not hold, or reach nobody; then one that decides."""
    agents = [("name", "=", "Agent"), ("privilege_id.name", "=", "Cloud PBX")]
    [group] = admin.call("res.groups", "search", agents)
    away = admin.call(
        "res.users",
        "create",
        {
            "name": "Away",
            "login": "away",
            "company_id": company_id,
            "company_ids": [(6, 0, [company_id])],
            "group_ids": [(4, group)],
            "out_of_office_from": "2020-01-01 00:00:00",
        },
    )
    admin.call(
        "pbx.extension",
        "create",
        {"number": "190", "provider_id": provider_id, "user_ids": [(6, 0, [away])]},
    )
    # Nobody's customers: who calls in the demo data has a salesperson.
    sold = admin.call("res.partner", "search", [("user_id", "!=", False)])
    admin.call("res.partner", "write", sold, {"user_id": False})
    team = admin.call("crm.team", "create", {"name": "Empty"})
    tag = admin.call("res.partner.category", "create", {"name": "Gold"})
    [country] = admin.call("res.country", "search", [("code", "=", "FR")])
    kinds = (
        {"target": "promise"},
        {"target": "salesperson"},
        {"target": "team", "team_id": team},
        {"target": "user", "user_id": away},
        {"target": "hangup", "category_ids": [(6, 0, [tag])]},
        {"target": "hangup", "country_ids": [(6, 0, [country])]},
    )
    common = {"company_id": company_id, "provider_id": provider_id}
    for place in range(EACH * len(kinds)):
        values = {**kinds[place % len(kinds)], "sequence": place}
        name = f"Fails {place}"
        admin.call("pbx.route", "create", {"name": name, **common, **values})
    decides = {"name": "Decides", "target": "user", "user_id": user_id}
    admin.call("pbx.route", "create", {**decides, **common, "sequence": 1000})
    [tried] = [admin.call("pbx.provider", "simulate", [provider_id], "+442079460201")]
    codes = [step["code"] for step in tried["steps"]]
    if len(codes) != EACH * len(kinds) + 1 or codes[-1] != "chosen":
        raise ValueError(f"The rules do not decide as they should: {codes}")


def against_none(providers, number, rounds):
    """START with rules over START without any."""
    callers = {name: Caller(one, number) for name, one in providers.items()}

    def one_round():
        return {name: one.call()["NOTIFY_START"] for name, one in callers.items()}

    times = in_turn(one_round, rounds)
    title = "START, 30 rules that fail and one that decides / none"
    return {title: (ratio(times["with rules"], times["without"]), "<= 1.30")}


def large_against_small(small, large, number, rounds):
    """START with rules in a large database over that in a small one."""
    callers = {"small": Caller(small, number), "large": Caller(large, number)}

    def one_round():
        return {name: one.call()["NOTIFY_START"] for name, one in callers.items()}

    times = in_turn(one_round, rounds)
    title = "START with these rules, large / small database"
    return {title: (ratio(times["large"], times["small"]), "<= 1.15")}
