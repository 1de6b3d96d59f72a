"""What call-backs cost.

The end of a lost call over that of an answered one, and the list of what waits among
many that are closed over the same among few.
"""

import itertools
import os
import time
from datetime import timedelta
from xml.etree import ElementTree

from measure import Caller, in_turn, ratio

LOGIN = "agent"
# That wait for the agent, and that were closed before.
OPEN, FEW, MANY = 100, 1000, 100_000
# Of a range that nobody else of the benchmark has; each with its lost call.
FILL = """
WITH made AS (
INSERT INTO pbx_promise (
       company_id, provider_id, number, user_id, user_source, state, began_at,
       opened_at, due_from, deadline, closed_at, attempts, tries, in_time,
       create_uid, write_uid, create_date, write_date)
SELECT %(company)s, %(provider)s, '+4478' || lpad(n::text, 8, '0'), %(user)s, 'rung',
       CASE WHEN n <= %(open)s THEN 'open' ELSE 'kept' END, at, at, at,
       at + interval '1 hour',
       CASE WHEN n > %(open)s THEN at + interval '20 minutes' END,
       1, 0, n > %(open)s, 1, 1, at, at
  FROM (SELECT n, now() AT TIME ZONE 'UTC' - n * interval '3 minutes'
          FROM generate_series(1, %(promises)s) n) past(n, at)
       RETURNING id, company_id, provider_id, number, user_id, began_at),
     rang AS (
INSERT INTO pbx_promise_participant_rel (promise_id, user_id)
SELECT id, user_id FROM made)
INSERT INTO pbx_call (
       provider_id, company_id, ref, direction, state, outcome, number, partner_source,
       start, stop, last_event_at, promise_id, promise_part, create_uid, write_uid,
       create_date, write_date)
SELECT provider_id, company_id, 'lost_' || id, 'inbound', 'done', 'missed', number,
       'none', began_at, began_at, began_at, id, 'lost', 1, 1, began_at, began_at
  FROM made"""
CALLS = ("lost", "answered")


def prepare(server, sql, provider, closed):
    """Make an agent, call-backs that wait for them, and ``closed`` that do not.

    :return: the agent's :class:`lib.rpc.Login`.
    """
    admin = server.login("admin")
    agents = [("name", "=", "Agent"), ("privilege_id.name", "=", "Cloud PBX")]
    [group] = admin.call("res.groups", "search", agents)
    [values] = admin.call("pbx.provider", "read", [provider["id"]], ["company_id"])
    company_id = values["company_id"][0]
    user_id = admin.call(
        "res.users",
        "create",
        {
            "name": "Agent",
            "login": LOGIN,
            "password": LOGIN,
            "company_id": company_id,
            "company_ids": [(6, 0, [company_id])],
            "group_ids": [(4, group)],
        },
    )
    filling = {
        "company": company_id,
        "provider": provider["id"],
        "user": user_id,
        "open": OPEN,
        "promises": OPEN + closed,
    }
    sql(FILL, filling)
    for table in ("pbx_promise", "pbx_promise_participant_rel", "pbx_call"):
        sql(f"VACUUM ANALYZE {table}", None)
    return server.login(LOGIN)


# ------------------------------------------------------------------------ ends of calls


class CallEnds(Caller):
    """Posts whole calls of callers whom nobody knows, and times their ends."""

    numbers = itertools.count(1)

    def end(self, how, rings=True):
        self.begun -= timedelta(seconds=1)
        common = {
            "call_start": self.begun.strftime("%Y-%m-%d %H:%M:%S"),
            "pbx_call_id": f"in_{os.urandom(20).hex()}",
            "caller_id": f"+4475{next(self.numbers):08}",
        }
        inbound = {**common, "called_did": "442079460900"}
        self.post("NOTIFY_START", **inbound)
        if rings:
            self.post("NOTIFY_INTERNAL", internal="100", **inbound)
        if how == "lost":
            over = {"duration": "0", "disposition": "cancel"}
        else:
            phone = {"internal": "100", "destination": "100"}
            self.post("NOTIFY_ANSWER", **phone, **common)
            over = {"internal": "100", "duration": "20", "disposition": "answered"}
        return self.post("NOTIFY_END", **inbound, **over)


def lost_against_answered(server, provider, rounds):
    """Return ``{title: (figures, aim)}``: END of a lost call over an answered one's."""
    caller = CallEnds(provider)
    times = in_turn(lambda: {how: caller.end(how) for how in CALLS}, rounds)
    check(server)
    title = "END of a lost call, call-back and activity / of an answered"
    return {title: (ratio(times["lost"], times["answered"]), "<= 2.00")}


def check(server):
    """What is not done takes no time."""
    admin = server.login("admin")
    fresh = [("number", "like", "+4475")]
    answered = admin.call(
        "pbx.call", "search_count", [*fresh, ("outcome", "=", "answered")]
    )
    waiting = admin.call("pbx.promise", "search", [*fresh, ("state", "=", "open")])
    planned = [("res_model", "=", "pbx.promise"), ("res_id", "in", waiting)]
    activities = admin.call("mail.activity", "search_count", planned)
    counts = (answered, len(waiting), activities)
    assert answered and len(set(counts)) == 1, (
        f"talks, call-backs, activities: {counts}"
    )


# ----------------------------------------------------------------------------- the list


def specification(agent, model="pbx.promise"):
    """Return what the list reads of each, as the web client asks for it."""
    views = agent.call(model, "get_views", views=[(False, "list")])
    about = views["models"][model]["fields"]
    names = [
        field.get("name")
        for field in ElementTree.fromstring(views["views"]["list"]["arch"])
        if field.tag == "field"
    ]
    record = {"fields": {"display_name": {}}}
    return {name: record if "relation" in about[name] else {} for name in names}


def many_against_few(agents, rounds):
    """Return ``{title: (figures, aim)}``.

    :param dict agents: ``{"few", "many"}``: the agent of either database.
    """
    shown = specification(agents["few"])
    waits = [("state", "=", "open")]

    def look(agent):
        began = time.perf_counter()
        mine = [*waits, ("user_id", "=", agent.uid)]
        found = agent.call(
            *("pbx.promise", "web_search_read"),
            domain=mine, specification=shown, limit=80, count_limit=10001,
        )  # fmt: skip
        listed = time.perf_counter()
        count = agent.call("pbx.promise", "search_count", waits)
        counted = time.perf_counter()
        assert (found["length"], count) == (OPEN, OPEN), (found["length"], count)
        return {"list": listed - began, "count": counted - listed}

    def one_round():
        return {
            (what, name): seconds
            for name, agent in agents.items()
            for what, seconds in look(agent).items()
        }

    times = in_turn(one_round, rounds)
    return {
        f"{what} of open call-backs, agent, {MANY:,} closed / {FEW:,}": (
            ratio(times[what, "many"], times[what, "few"]),
            "<= 1.30",
        )
        for what in ("list", "count")
    }
