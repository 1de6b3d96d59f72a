"""What grows with the log: screens and events among ten million calls.

The same contacts, people, lines and callers are in all databases, and so many calls a
month: only how far the log goes back differs. What a person opens is measured over the
same in a log of a thousand calls; groupings of a month over the same in a log that has
no other month.

The big log takes most of the time. ``B_SCALE_KEEP=1 B=scale make bench`` makes the
databases in the checkout's own cluster (as ``dev/run`` has it, so that they can be
looked into), keeps them, and the next such run measures these, updated to the addon as
it is then. They end when they were made: measure on the same day. `make stop` stops
the cluster, `dev/run drop scale_...` deletes one. ``B_SCALE_ONLY="agent: missed"``
measures only what has that in its title (a regular expression).

Of a search that finds three calls in the small log and a full page in the big one, the
reading of the page is most of the difference. Such a search has a second line: over
what the small log takes with the reading of as many rows, in that log.

``B_SCALE_CLOCK=processor`` adds up the processor time of Odoo and of PostgreSQL instead
of looking at the clock: for a machine on which others work. Events, each a few
milliseconds, go by the clock.
"""

import contextlib
import json
import os
import re
import statistics
import time
from datetime import UTC, datetime, timedelta

import psutil
import psycopg2
from measure import KNOWN, Caller, in_turn, ratio
from partners import fill
from promises import specification

from lib import postgres
from lib.terminal import step

CALLS = int(os.environ.get("B_SCALE_CALLS", 10_000_000))
CONTACTS = int(os.environ.get("B_SCALE_CONTACTS", 1_000_000))
FEW = 1000
KEEP = bool(int(os.environ.get("B_SCALE_KEEP", 0)))
ONLY = re.compile(os.environ.get("B_SCALE_ONLY", ""), re.IGNORECASE)
BY_PROCESSOR = os.environ.get("B_SCALE_CLOCK") == "processor"
# Of forty people, who have a hundred calls a working day each: ten years of them.
PER_MONTH = 83_333
NUMBERS, PEOPLE, LINES = 50_000, 40, 3
# That wait to be called back.
OPEN = 100
# There are a hundred screens and groupings.
ROUNDS_OF_EACH = 20
# Of one insert.
CHUNK = 250_000
# As far as the list views count.
COUNTED = {"pbx.call": 1000, "pbx.promise": 10_000}
SUPERVISOR, AGENT = "scale_supervisor", "scale1"
BASE = f"scale_{CONTACTS}_contacts"
SIZES = {"few": FEW, "month": PER_MONTH, "all": CALLS}
DATABASES = {name: f"scale_{CONTACTS}_{count}" for name, count in SIZES.items()}
# The remark on a database that is whole.
MADE = "made"
TABLES = (
    *("pbx_call", "pbx_call_leg", "pbx_call_leg_user_rel", "pbx_call_participant_rel"),
    *("pbx_recording", "pbx_promise", "pbx_promise_participant_rel", "crm_lead"),
)
# What a call keeps of its events; on the average of real ones a kilobyte.
EVENT = {
    "ref": "in_fc616ed45ad64846b215998026ef6f7573adbf33",
    "caller": "+447000012345",
    "called": "+442079460900",
    "started": ["2026-06-15T09:09:35"],
    "direction": "inbound",
    "local_start": "2026-06-15 09:09:35",
    "received_at": "2026-06-15T09:09:36.123456",
}
ANSWERED = [
    {**EVENT, "kind": "offered"},
    {**EVENT, "kind": "answered", "extension": "101"},
    {**EVENT, "kind": "ended", "extension": "101", "talk": 117, "said": "answered"},
]
MISSED = [
    {**EVENT, "kind": "offered"},
    {**EVENT, "kind": "ringing", "extension": "101"},
    {**EVENT, "kind": "ended", "talk": 0, "said": "cancel", "disposition": "cancel"},
]
# Every n-th call, the oldest first. Four of five callers are contacts. Three calls of
# four come in, one of ten is lost and called back, one of fifty hides its number, one
# of sixty makes a lead. One of three rings at a second phone, one of nine at a third.
NTH = """
SELECT n, n % 4 != 0 AS inbound, n % 10 = 1 AS lost, n % 20 = 0 AS in_vain,
       (hashint8(n) & 2147483647) % {people} AS person,
       CASE WHEN n % 10 = 1 THEN n / 10 * 7 % {numbers}
            WHEN n % 50 != 7 THEN (hashint8(-n) & 2147483647) % {numbers} END AS caller,
       CASE WHEN n % 4 = 0 OR n % 3 != 1 THEN 1
            WHEN n % 9 = 1 THEN 3 ELSE 2 END AS legs,
       timestamp '{until}' - ({calls} - n) * interval '30 days' / {per_month} AS at
  FROM generate_series({first}::bigint, {last}::bigint) n"""
FILL = {
    "pbx_call": """
INSERT INTO pbx_call (
    id, provider_id, company_id, ref, direction, state, outcome, disposition, number,
    line, line_id, user_id, extension_id, partner_id, partner_source, lead_id,
    promise_id, promise_part, start, answer, stop, last_event_at, reported_at,
    wait_seconds, talk_seconds, is_blocked, facts, create_uid, write_uid, create_date,
    write_date)
SELECT {call} + n, {provider}, {company},
       'in_' || md5(n::text) || lpad(n::text, 8, '0'),
       CASE WHEN inbound THEN 'inbound' ELSE 'outbound' END, 'done',
       CASE WHEN lost THEN 'missed' WHEN in_vain THEN 'no_answer' ELSE 'answered' END,
       CASE WHEN lost THEN 'cancel' WHEN in_vain THEN 'no answer' ELSE 'answered' END,
       CASE WHEN caller % 5 = 0 THEN '+4479' || lpad(caller::text, 8, '0')
            ELSE '+447' || lpad((caller * {apart} + 1)::text, 9, '0') END,
       ({lines})[1 + n % {lines_count}], ({line_ids})[1 + n % {lines_count}],
       CASE WHEN NOT lost THEN ({users})[1 + person] END,
       CASE WHEN NOT lost THEN ({phones})[1 + person] END,
       CASE WHEN caller % 5 != 0 THEN {contact} + caller * {apart} + 1 END,
       CASE WHEN caller % 5 != 0 THEN 'number' ELSE 'none' END,
       CASE WHEN n % 60 = 0 THEN {lead} + n / 60 END,
       CASE WHEN lost THEN {promise} + n / 10 END, CASE WHEN lost THEN 'lost' END,
       at, CASE WHEN NOT lost AND NOT in_vain THEN at + interval '10 s' END,
       at + interval '70 s', at + interval '70 s', at + interval '70 s',
       hashint8(n) & 63, CASE WHEN lost OR in_vain THEN 0 ELSE hashint8(n) & 511 END,
       FALSE, CASE WHEN lost THEN '{missed}'::jsonb ELSE '{answered}'::jsonb END,
       1, 1, at, at
  FROM nth""",
    "pbx_call_leg": """
INSERT INTO pbx_call_leg (
    id, call_id, provider_id, number, extension_id, user_id, start, answer, stop,
    outcome, result, rang_seconds, create_uid, write_uid, create_date, write_date)
SELECT {leg} + n * 3 + j, {call} + n, {provider},
       (300 + (person + j) % {people})::text, ({phones})[1 + (person + j) % {people}],
       ({users})[1 + (person + j) % {people}], at,
       CASE WHEN j = 0 AND NOT lost AND NOT in_vain THEN at + interval '10 s' END,
       at + interval '70 s',
       CASE WHEN j = 0 AND NOT lost AND NOT in_vain THEN 'answered' ELSE 'missed' END,
       CASE WHEN lost THEN 'missed' WHEN in_vain THEN 'not_reached'
            WHEN j = 0 THEN 'answered' ELSE 'elsewhere' END,
       10, 1, 1, at, at
  FROM nth CROSS JOIN LATERAL generate_series(0, legs - 1) j""",
    "pbx_call_leg_user_rel": """
INSERT INTO pbx_call_leg_user_rel (leg_id, user_id)
SELECT {leg} + n * 3 + j, ({users})[1 + (person + j) % {people}]
  FROM nth CROSS JOIN LATERAL generate_series(0, legs - 1) j""",
    "pbx_call_participant_rel": """
INSERT INTO pbx_call_participant_rel (call_id, user_id)
SELECT {call} + n, ({users})[1 + (person + j) % {people}]
  FROM nth CROSS JOIN LATERAL generate_series(0, legs - 1) j""",
    "pbx_recording": """
INSERT INTO pbx_recording (
    id, call_id, provider_id, start, ref, state, mimetype, size, file_seconds, attempts,
    tried_at, create_uid, write_uid, create_date, write_date)
SELECT {recording} + n, {call} + n, {provider}, at, n || '.1', 'stored', 'audio/mpeg',
       400000, 60, 1, at, 1, 1, at, at
  FROM nth WHERE n % 5 IN (2, 3)""",
    "pbx_promise": """
INSERT INTO pbx_promise (
    id, company_id, provider_id, number, partner_id, user_id, user_source, state,
    began_at, opened_at, due_from, deadline, closed_at, attempts, tries, in_time,
    first_call_id, closed_call_id, last_attempt_at, create_uid, write_uid, create_date,
    write_date)
SELECT {promise} + n / 10, {company}, {provider},
       CASE WHEN caller % 5 = 0 THEN '+4479' || lpad(caller::text, 8, '0')
            ELSE '+447' || lpad((caller * {apart} + 1)::text, 9, '0') END,
       CASE WHEN caller % 5 != 0 THEN {contact} + caller * {apart} + 1 END,
       ({users})[1 + (n / 10) % {people}], 'rung',
       CASE WHEN is_open THEN 'open' ELSE 'kept' END, at, at, at, at + interval '1 h',
       CASE WHEN NOT is_open THEN at + interval '20 min' END, 1, 0, NOT is_open,
       {call} + n, CASE WHEN NOT is_open THEN {call} + n + 3 END, at, 1, 1, at, at
  FROM (SELECT *, n > {calls} - 10 * {open} AS is_open FROM nth) nth WHERE lost""",
    "pbx_promise_participant_rel": """
INSERT INTO pbx_promise_participant_rel (promise_id, user_id)
SELECT {promise} + n / 10, ({users})[1 + (person + j) % {people}]
  FROM nth CROSS JOIN LATERAL generate_series(0, legs - 1) j WHERE lost""",
    "crm_lead": """
INSERT INTO crm_lead (
    id, name, type, active, company_id, phone, phone_sanitized, pbx_call_id, user_id,
    won_status, expected_revenue, create_uid, write_uid, create_date, write_date)
SELECT {lead} + n / 60, 'Call ' || n, 'lead', TRUE, {company},
       '+4479' || lpad(n::text, 8, '0'), '+4479' || lpad(n::text, 8, '0'), {call} + n,
       ({users})[1 + (n / 60) % {people}],
       CASE WHEN n % 3 = 0 THEN 'won' ELSE 'pending' END, n % 1000, 1, 1, at, at
  FROM nth WHERE n % 60 = 0""",
}
# All but primary keys, which grow at their end while the rows come in their order.
INDEXES = """
SELECT table_class.relname, index_class.relname, pg_get_indexdef(index_class.oid),
       pg_get_constraintdef(con.oid),
       coalesce(obj_description(con.oid), obj_description(index_class.oid))
  FROM pg_index
  JOIN pg_class index_class ON index_class.oid = indexrelid
  JOIN pg_class table_class ON table_class.oid = indrelid
  LEFT JOIN pg_constraint con ON con.conindid = indexrelid AND con.contype = 'u'
 WHERE table_class.relname = ANY(%s) AND NOT indisprimary
 ORDER BY 1, 2"""


# ----------------------------------------------------------------- making the databases


def people(admin, sql, provider):
    """Make agents with phones, a supervisor, and lines; return their ids."""
    [values] = admin.call("pbx.provider", "read", [provider["id"]], ["company_id"])
    company = values["company_id"][0]

    def user(login, group):
        wanted = [("name", "=", group), ("privilege_id.name", "=", "Cloud PBX")]
        group_ids = admin.call("res.groups", "search", wanted)
        return {
            "name": login.title(),
            "login": login,
            "password": login,
            "tz": "Europe/London",
            "company_id": company,
            "company_ids": [(6, 0, [company])],
            "group_ids": [(4, group_id) for group_id in group_ids],
        }

    admin.call("res.users", "create", [user(SUPERVISOR, "Supervisor")])
    agents = [user(f"scale{n}", "Agent") for n in range(PEOPLE)]
    user_ids = admin.call("res.users", "create", agents)
    phones = [
        {
            "number": f"{300 + n}",
            "provider_id": provider["id"],
            "user_ids": [(6, 0, [user_id])],
        }
        for n, user_id in enumerate(user_ids)
    ]
    numbers = [f"+4420794609{n:02}" for n in range(LINES)]
    line_ids = {}
    for number in numbers:
        [[line_ids[number]]] = sql(
            """INSERT INTO pbx_line (
                   provider_id, company_id, number, name, lead_policy, active)
               VALUES (%s, %s, %s, %s, 'company', TRUE)
               ON CONFLICT (provider_id, number) DO UPDATE SET active = TRUE
               RETURNING id""",
            (provider["id"], company, number, f"Line {number}"),
        )
    return {
        "company": company,
        "provider": provider["id"],
        "users": user_ids,
        "phones": admin.call("pbx.extension", "create", phones),
        "lines": numbers,
        "line_ids": [line_ids[number] for number in numbers],
    }


def contacts(sql, user_ids):
    """Make the contacts; a quarter of them have a salesperson."""
    definitions = sql(
        "SELECT indexdef FROM pg_indexes "
        "WHERE tablename = 'res_partner' AND indexdef LIKE '%%gin%%'",
        [],
    )
    fill(sql, CONTACTS, searched=False)
    sql(
        "UPDATE res_partner SET user_id = (%s)[1 + id / 4 %% %s] "
        "WHERE name LIKE 'Contact %%' AND id %% 4 = 1",
        (user_ids, len(user_ids)),
    )
    for [definition] in definitions:
        sql(definition.replace("INDEX", "INDEX IF NOT EXISTS", 1), None)
    sql("VACUUM ANALYZE res_partner", None)


def calls(sql, about, count):
    """Make the calls, with all that belongs to them.

    :param sql: runs a statement as the database's superuser: only that one may leave
        out the checks of each row's references, which take most of the time.
    """
    [[contact]] = sql(
        "SELECT id - substr(name, 9)::int FROM res_partner "
        "WHERE name LIKE 'Contact %%' ORDER BY id LIMIT 1",
        [],
    )
    first = {
        name: sql(f"SELECT coalesce(max(id), 0) + 1 FROM {table}", [])[0][0]
        for name, table in {
            "call": "pbx_call",
            "leg": "pbx_call_leg",
            "recording": "pbx_recording",
            "promise": "pbx_promise",
            "lead": "crm_lead",
        }.items()
    }
    texts = {
        **{name: about[name] for name in ("company", "provider")},
        **{
            name: f"'{{{','.join(map(str, about[name]))}}}'::{kind}[]"
            for name, kind in (
                *(("users", "int"), ("phones", "int")),
                *(("lines", "text"), ("line_ids", "int")),
            )
        },
        **first,
        "contact": contact,
        "apart": (CONTACTS - 100) // NUMBERS,
        "people": PEOPLE,
        "numbers": NUMBERS,
        "lines_count": LINES,
        "open": OPEN,
        "calls": count,
        "per_month": PER_MONTH,
        "until": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "answered": json.dumps(ANSWERED),
        "missed": json.dumps(MISSED),
    }
    indexes = sql(INDEXES, (list(TABLES),)) if count > CHUNK else []
    for table, index, _definition, constraint, _comment in indexes:
        what = f"CONSTRAINT {index}" if constraint else None
        sql(f"ALTER TABLE {table} DROP {what}" if what else f"DROP INDEX {index}", None)
    sql("SET session_replication_role = replica", None)
    for begin in range(1, count + 1, CHUNK):
        last = min(begin + CHUNK - 1, count)
        nth = NTH.format(**texts, first=begin, last=last)
        for statement in FILL.values():
            insert, _, select = statement.format(**texts).partition("SELECT")
            sql(f"{insert} WITH nth AS MATERIALIZED ({nth}) SELECT {select}", None)
    sql("SET session_replication_role = DEFAULT", None)
    sql("SET maintenance_work_mem = '1GB'", None)
    for table, index, definition, constraint, comment in indexes:
        where = f"INDEX {index}"
        if constraint:
            where = f"CONSTRAINT {index} ON {table}"
            definition = f"ALTER TABLE {table} ADD CONSTRAINT {index} {constraint}"
        sql(definition, None)
        # Odoo keeps there how it was defined.
        sql(f"COMMENT ON {where} IS %s", (comment,))
    for table in TABLES:
        if not table.endswith("_rel"):
            sql(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))", None)
        sql(f"VACUUM ANALYZE {table}", None)


@contextlib.contextmanager
def superuser(instance, database):
    """A function that runs and commits statements in one session of the superuser."""
    where = {"host": str(instance.cluster.socket), "port": postgres.PORT}
    with contextlib.closing(
        psycopg2.connect(dbname=database, user=postgres.SUPERUSER, **where)
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:

            def sql(query, params):
                cursor.execute(query, params)
                return cursor.fetchall() if cursor.description else []

            yield sql


def make_databases(instance, serve, sql_of, make, update, prepare):
    """Make a database of each of :data:`SIZES`, all of them copies of one.

    What a run before has kept is brought up to date instead.

    :param serve: ``serve(database)`` is a server of it, not started.
    """
    if not remark(instance, BASE):
        instance.drop(BASE)
        make(instance, BASE)
        server = serve(BASE)
        try:
            with step("making people and contacts"):
                provider = prepare(server.start())
                about = people(server.login("admin"), sql_of(BASE), provider)
                server.stop()
                contacts(sql_of(BASE), about["users"])
        finally:
            server.stop()
        instance.comment(BASE, json.dumps(about))
    about = json.loads(remark(instance, BASE))
    for name, count in SIZES.items():
        database = DATABASES[name]
        if remark(instance, database):
            with step(f"updating {database}"):
                update(instance, database)
            continue
        with step(f"making {count:,} calls"):
            instance.drop(database)
            instance.clone(database, BASE)
            with superuser(instance, database) as sql:
                calls(sql, about, count)
        instance.comment(database, MADE)
        if KEEP:
            # The base may be older than the addon.
            update(instance, database)


def remark(instance, database):
    return instance.exists(database) and instance.comment(database)


def measured(cluster, servers, providers, sql, rounds):
    """Yield ``title, (figures, aim)`` of all that is measured.

    :param dict servers: a running server for each of :data:`SIZES`; ``providers`` and
        ``sql`` likewise.
    """
    scale = Scale(cluster, servers, sql, rounds)
    yield from scale.opened()
    yield from scale.months()
    yield from scale.wholes()
    if ONLY.search("events"):
        yield from events(providers, rounds).items()
        for run in sql.values():
            # All of one caller, they would be the first page of the next time.
            run("DELETE FROM pbx_call WHERE number = %s", [KNOWN])
            run("VACUUM pbx_call", None)
    for table, size in sizes(sql["all"]).items():
        yield f"{table}, MB for a million calls", ((size,) * 3, "-")


def sizes(sql):
    """Return ``{table: megabytes}`` that a million calls take, with their indexes."""
    [[count]] = sql("SELECT count(*) FROM pbx_call", None)
    found = sql(
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
        "WHERE relname = ANY(%s) ORDER BY 2 DESC",
        [list(TABLES)],
    )
    return {table: size / count for table, size in found}


# ----------------------------------------------------------------------- what is opened


class Person:
    """Opens screens as the web client does."""

    def __init__(self, login):
        self.login = login
        self.shown = {
            model: specification(login, model) for model in ("pbx.call", "pbx.promise")
        }

    def search(self, model, domain):
        return self.login.call(
            *(model, "web_search_read"),
            domain=domain, specification=self.shown[model], limit=80,
            count_limit=COUNTED[model] + 1,
        )  # fmt: skip

    def read(self, model, ids):
        return self.login.call(
            *(model, "web_read", ids), specification=self.shown[model]
        )

    def group(self, domain, *by):
        return self.login.call(
            *("pbx.call", "formatted_read_group"),
            domain=domain, groupby=by,
            aggregates=["__count", "talk_seconds:sum", "wait_seconds:avg"],
            # As the web client says: days are those of the reader's clock.
            context={"tz": "Europe/London"},
        )  # fmt: skip

    def contact(self, contact_id):
        user = {"fields": {"display_name": {}}}
        short = {"start": {}, "user_id": user, "outcome": {}}
        return self.login.call(
            *("res.partner", "web_read", [contact_id]),
            specification={
                "display_name": {},
                "pbx_call_count": {},
                "pbx_promise_id": {"fields": {"display_name": {}}},
                "pbx_last_call_ids": {"fields": short},
            },
        )


def screens(is_agent):
    """Return ``{title: function of a Person and what is in its database}``."""
    lists = {
        "list of calls": [],
        "calls of today": [("start", ">=", "today")],
        "my calls": ["|", ("user_id", "=", "me"), ("participant_ids", "in", "me")],
        "missed calls": [("outcome", "=", "missed")],
        "to call back": [("to_call_back", "=", True)],
        "unknown callers": [
            *(("partner_id", "=", False), ("lead_id", "=", False)),
            ("direction", "!=", "internal"),
        ],
        "incoming calls": [("direction", "=", "inbound")],
        "search by name": [("display_name", "ilike", "name")],
        "search by a name that nobody has": [("display_name", "ilike", "Zeppelin")],
        "search by number": [("display_name", "ilike", "number")],
        "search by the end of a number": [("display_name", "ilike", "end")],
        "search by a number that never called": [
            ("display_name", "ilike", "+442000000000")
        ],
        "calls of a contact": [("partner_id", "in", "contact")],
    }

    def listed(domain):
        def look(person, known):
            values = {**known, "me": person.login.uid}
            return person.search("pbx.call", replaced(domain, values))

        return look

    def desk(method, *arguments):
        return lambda person, known: person.login.call("pbx.desk", method, *arguments)

    open_ones = [("state", "=", "open")]
    return {
        **{title: listed(domain) for title, domain in lists.items()},
        "contact with its calls": lambda person, known: person.contact(
            known["contact"][0]
        ),
        "call-backs": lambda person, known: person.search(
            "pbx.promise",
            [*open_ones, *([("user_id", "=", person.login.uid)] if is_agent else [])],
        ),
        "desk: overview": desk("overview"),
        "desk: recent calls": desk("recent"),
        "desk: whom to call back": desk("missed_calls"),
        "desk: how many to call back": desk("count_missed"),
        "desk: contacts by number": desk("search_contacts", "7000012"),
        "desk: three cards": lambda person, known: person.login.call(
            "pbx.desk", "cards", known["last"]
        ),
        **(
            {}
            if is_agent
            else {
                "wallboard": lambda person, known: person.login.call(
                    "pbx.wallboard", "now"
                )
            }
        ),
    }


def replaced(domain, values):
    """Return a domain with the values that its words stand for."""

    def leaf_of(leaf):
        *condition, value = leaf
        return (
            *condition,
            values.get(value, value) if isinstance(value, str) else value,
        )

    return [leaf_of(leaf) if isinstance(leaf, tuple) else leaf for leaf in domain]


def groupings(domain):
    by = {
        "day and outcome": ("start:day", "outcome"),
        "week": ("start:week",),
        "user": ("user_id",),
        "outcome": ("outcome",),
        "line": ("line_id",),
    }
    return {
        **{
            f"by {title}": lambda person, known, names=names: person.group(
                domain, *names
            )
            for title, names in by.items()
        },
        "figures": lambda person, known: person.login.call(
            "pbx.call", "figures", domain
        ),
    }


# ---------------------------------------------------------------------- the measurement


class Scale:
    """Databases of different sizes with the same people, and what they show."""

    def __init__(self, cluster, servers, sql, rounds):
        """
        :param cluster: of PostgreSQL.
        :param dict servers: a running server for each of :data:`SIZES`.
        :param dict sql: likewise.
        """
        self.cluster, self.servers, self.rounds = cluster, servers, rounds
        self.known = {name: what_is_there(sql[name]) for name in servers}
        self.people = {
            who: {name: Person(one.login(login)) for name, one in servers.items()}
            for who, login in (("supervisor", SUPERVISOR), ("agent", AGENT))
        }

    def opened(self):
        for who, people_of in self.people.items():
            for title, look in screens(who == "agent").items():
                yield from self._over("few", who, title, look, people_of, "<= 1.50")

    def months(self):
        until = datetime.now(UTC).replace(tzinfo=None)
        domain = [
            ("start", ">=", f"{until - timedelta(days=30):%Y-%m-%d %H:%M:%S}"),
            ("start", "<", f"{until:%Y-%m-%d %H:%M:%S}"),
        ]
        for who, people_of in self.people.items():
            for title, look in groupings(domain).items():
                title = f"a month {title}"
                yield from self._over("month", who, title, look, people_of, "<= 3.00")

    def wholes(self):
        for who, people_of in self.people.items():
            for title, look in groupings([]).items():
                title = f"{who}: all {title}, seconds"
                if not ONLY.search(title):
                    continue
                # Once to warm up.
                _, *times = (self._time(look, people_of, "all") for _ in range(4))
                low, middle, high = sorted(times)
                yield title, ((middle, low, high), "<= 2.00")

    def _over(self, base, who, title, look, people_of, aim):
        title = f"{who}: {title}"
        if not ONLY.search(title):
            return
        names = (base, "all")
        rounds = max(self.rounds // ROUNDS_OF_EACH, 3)

        def one_round():
            return {name: self._time(look, people_of, name) for name in names}

        times = in_turn(one_round, rounds, warm_up=1)
        before, after = (1000 * statistics.median(times[name]) for name in names)
        lasted = f"{title} ({before:.0f} -> {after:.0f} ms)"
        yield lasted, (ratio(times["all"], times[base]), aim)
        few, many = (rows_of(look(people_of[one], self.known[one])) for one in names)
        if few < many:
            longer = self._reading(people_of, base, rounds, few, many)
            full = [one + longer for one in times[base]]
            middle = 1000 * statistics.median(full)
            title = f"- with {many} rows, not {few} ({middle:.0f} -> {after:.0f} ms)"
            yield title, (ratio(times["all"], full), aim)

    def _reading(self, people_of, name, rounds, few, many):
        """Return the seconds that ``many`` rows of a list take more than ``few``."""
        person = people_of[name]
        # As they were made.
        found = person.search("pbx.call", [("number", "=like", "+447%")])["records"]
        rows = [row["id"] for row in found]

        def read(count):
            return self._time(
                lambda *_: person.read("pbx.call", rows[:count]), people_of, name
            )

        counts = (0, 1, len(rows))
        times = in_turn(
            lambda: {count: read(count) for count in counts}, rounds, warm_up=1
        )
        none, one, all_rows = (statistics.median(times[count]) for count in counts)
        a_row = (all_rows - one) / (len(rows) - 1)
        longer = (many - max(few, 1)) * a_row
        return longer if few else one - none + longer

    def _time(self, look, people_of, name):
        began = self._now(name)
        look(people_of[name], self.known[name])
        return self._now(name) - began

    def _now(self, name):
        """Return seconds: of the clock, or of processors that worked for this size."""
        if not BY_PROCESSOR:
            return time.perf_counter()
        postmaster = psutil.Process(self.cluster.pid())
        gone = postmaster.cpu_times()  # of processes that PostgreSQL has ended
        pids = [self.servers[name].process.pid]
        for one in postmaster.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                # The title of the process names its database.
                if DATABASES[name] in " ".join(one.cmdline()).split():
                    pids.append(one.pid)
        return gone.children_user + gone.children_system + sum(map(processor, pids))


def rows_of(answer):
    """Return how many rows a list shows; 0 if it is none."""
    return len(answer.get("records", ())) if isinstance(answer, dict) else 0


def processor(pid):
    """Return the seconds of processor time of a process, to the nanosecond."""
    with contextlib.suppress(OSError):  # it has just ended
        # What clock_getcpuclockid() returns, which Python has for threads only.
        return time.clock_gettime((~pid << 3) | 2)
    return 0


def what_is_there(sql):
    """Return what is looked for: a contact who called, by name and number."""
    [[contact, name, number]] = sql(
        """SELECT partner.id, partner.name, call.number
             FROM pbx_call call JOIN res_partner partner ON partner.id = partner_id
            WHERE call.number LIKE '+447%%' ORDER BY call.id DESC LIMIT 1""",
        [],
    )
    last = sql("SELECT id FROM pbx_call ORDER BY id DESC LIMIT 3", [])
    return {
        "contact": [contact],
        "name": name,
        "number": number,
        "end": number[-7:],
        "last": [call_id for [call_id] in last],
    }


def events(providers, rounds):
    """Return ``{title: (figures, aim)}``: START and END of a known caller's call."""
    callers = {name: Caller(provider) for name, provider in providers.items()}
    both = ("few", "all")

    def one_round():
        return {
            (event, name): seconds
            for name in both
            for event, seconds in callers[name].call().items()
        }

    times = in_turn(one_round, rounds)
    found = {}
    for event in ("NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_ANSWER", "NOTIFY_END"):
        few, many = (1000 * statistics.median(times[event, name]) for name in both)
        title = f"{event} ({few:.1f} -> {many:.1f} ms)"
        found[title] = ratio(times[event, "all"], times[event, "few"]), "<= 1.50"
    return found
