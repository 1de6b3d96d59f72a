"""A database of each kept release comes up with today's addon, and nothing is lost.

It is installed from the release's own archive, lived in, and updated. Afterwards it has
the rows that it had, and in everything else it is like a database of today.
"""

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

import log
import posting
import pytest
import requests

from lib import logcheck
from lib import pbx as introduction
from lib.released import FIRST, Released, versions
from lib.testing import PRISTINE
from server import Odoo
from telephony.promise import PastCall, follow

pytestmark = pytest.mark.after_tests

DATABASE = "e2e_upgrade"
CALLER = "+442079460288"
UNLISTED_LINE = "+442079460955"


@dataclass(frozen=True)
class Expected:
    """What an upgrade from a release does to rows that are there."""

    # Columns that are renamed, {(table, before): after}, and those that go.
    renamed: dict = field(default_factory=dict)
    gone: set = field(default_factory=set)
    # Values that are put right.
    corrected: dict = field(default_factory=dict)
    # Tables that get rows.
    more: set = field(default_factory=set)


# By release; nothing of it from one that is not named.
EXPECTED = {
    FIRST: Expected(
        renamed={
            ("pbx_line", "name_told"): "pbx_name",
            ("pbx_extension", "name_told"): "pbx_name",
        },
        gone={("pbx_call", "called_back")},
        # A caller ID that was typed nationally.
        corrected={"+02079460297": "+442079460297"},
        # Demo data brings new people and phones, calls know lines that Connect did not
        # bring.
        more={"pbx_extension", "pbx_extension_res_users_rel", "res_users", "pbx_line"},
    )
}
# Rows that Odoo or the PBX's limits make and drop all the time, and how far a job has
# come that reads all numbers, which it does anew.
VOLATILE = {"pbx_rate", "pbx_rematch", "pbx_phone_scan"}
LIVED_ON = [
    *("answered", "missed", "busy", "outbound", "outbound_no_answer", "outbound_busy"),
    *("outbound_cancelled", "outbound_failed", "voicemail", "transfer", "ring_group"),
    *("extension_to_extension", "withheld", "click_two_ids", "sms"),
]
OUTCOMES = {"answered", "missed", "busy", "no_answer", "cancelled", "failed"}
# What has to be as in a database of today, each by a statement that names it.
LIKE_NEW = {
    "columns": """
        select table_name, column_name, data_type, is_nullable
          from information_schema.columns
         where table_schema = 'public'
           and (table_name like 'pbx\\_%' or column_name like 'pbx\\_%')""",
    "indexes": """
        select tablename, indexdef from pg_indexes where schemaname = 'public'
           and (tablename like 'pbx\\_%' or indexdef like '%%pbx%%'
                or tablename in ('res_partner', 'crm_lead'))""",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          from pg_constraint where conrelid::regclass::text like 'pbx\\_%'
           and contype != 'n'""",
    "xml ids": """
        select model, name from ir_model_data where module = 'cloud_pbx'""",
    "fields": """
        select model, name, ttype, relation, store, state from ir_model_fields
         where model like 'pbx.%' or name like 'pbx\\_%'""",
    "views": """
        select data.name, view.active,
               -- a button names an action by its id, which is each database's own
               regexp_replace(view.arch_db->>'en_US', 'name="[0-9]+"', 'name=""', 'g')
          from ir_ui_view view join ir_model_data data
            on data.model = 'ir.ui.view' and data.res_id = view.id
         where data.module = 'cloud_pbx'""",
    "jobs": """
        select data.name, cron.interval_number, cron.interval_type, cron.active,
               action.code
          from ir_cron cron
          join ir_act_server action on action.id = cron.ir_actions_server_id
          join ir_model_data data on data.model = 'ir.cron' and data.res_id = cron.id
         where data.module = 'cloud_pbx'""",
    "access rights": """
        select name, perm_read, perm_write, perm_create, perm_unlink
          from ir_model_access where name like '%pbx%'""",
    "rules": """
        select data.name, rule.domain_force, rule.perm_read, rule.perm_write,
               rule.perm_create, rule.perm_unlink
          from ir_rule rule
          join ir_model_data data on data.model = 'ir.rule' and data.res_id = rule.id
         where data.module = 'cloud_pbx'""",
}


def columns(odoo):
    """{table: its columns}: of ours, of links to them, and what we add to others."""
    found = {}
    for table, column in odoo.sql(
        """select table_name, column_name from information_schema.columns
            where table_schema = 'public'
              and (table_name like 'pbx\\_%' or column_name like 'pbx\\_%')
         order by table_name, ordinal_position"""
    ):
        if table not in VOLATILE:
            found.setdefault(table, []).append(column)
    return found


def rows(odoo, table, names):
    """All rows of a table, in an order of their own."""
    names = ", ".join(names)
    return sorted(odoo.sql(f"select {names} from {table}"), key=repr)


def as_after(names, table, expected):
    """The columns' names after the upgrade."""
    return [expected.renamed.get((table, name), name) for name in names]


def as_corrected(found, expected):
    """The rows with the values that the upgrade puts right, in the same order."""
    corrected = [
        tuple(
            expected.corrected.get(value, value) if isinstance(value, str) else value
            for value in row
        )
        for row in found
    ]
    return sorted(corrected, key=repr)


def fill(odoo, pbx, provider):
    """Live with the release for a while: calls, people's own words, what waits."""
    admin = odoo.login("admin")
    admin.call("pbx.provider", "action_connect", [provider["id"]])
    pbx.play("missed", caller="+442079460278", line=UNLISTED_LINE)
    for name in LIVED_ON:
        pbx.play(name)
    pbx.play("missed", caller="+442079460277")
    admin.call("pbx.provider", "action_fetch_history", [provider["id"]])
    log.until(
        lambda: odoo.sql("select 1 from pbx_recording where state = 'stored'"),
        60,
        "a recording is stored",
    )
    [call] = admin.call("pbx.call", "search", [("outcome", "=", "answered")], limit=1)
    partner = admin.call("res.partner", "create", [{"name": "Picked by hand"}])[0]
    admin.call("pbx.call", "write", [call], {"note": "Kept", "partner_id": partner})
    missed = admin.call("pbx.call", "search", [("outcome", "=", "missed")], limit=1)
    admin.call("pbx.call", "action_called_back", missed)
    order = {"order": "number desc", "limit": 1}
    [phone] = admin.call("pbx.extension", "search", [], **order)
    admin.call("pbx.extension", "write", [phone], {"caller_id": "020 7946 0297"})
    own = {"pbx_open_contact": "ring", "pbx_sound": False}
    admin.call("res.users", "write", [admin.uid], own)
    admin.call("pbx.provider", "write", [provider["id"]], {"notify_internal": False})
    click = admin.call("pbx.call", "dial", "+442079460299")
    done = "select 1 from pbx_call where id = %s and state = 'done'"
    log.until(lambda: odoo.sql(done, [click]), 60, "the call that was dialled ends")
    return click


def fill_with_news(odoo, admin):
    """What 19.0.1.0.0 had not: tags, rules, blocked numbers, call-backs taken."""
    caller = [("number", "=", "+442079460278")]
    calls = admin.call("pbx.call", "search", caller)
    tags = [
        admin.call("pbx.call.tag", "create", [{"name": "Offer"}])[0],
        admin.call("pbx.call.tag", "create", [{"name": "Ads", "is_spam": True}])[0],
    ]
    admin.call("pbx.call", "write", calls, {"tag_ids": [(4, tags[0])]})
    open_ones = [("state", "=", "open"), *caller]
    promises = admin.call("pbx.promise", "search", open_ones)
    assert promises
    admin.call("pbx.promise", "action_take", promises)
    other = [("number", "=", "+442079460277")]
    [call] = admin.call("pbx.call", "search", other, limit=1)
    admin.call("pbx.call", "write", [call], {"tag_ids": [(4, tags[1])]})
    admin.call("pbx.call", "action_block_number", [call])
    rule = {"name": "To me", "target": "user", "user_id": admin.uid}
    admin.call("pbx.route", "create", [rule])
    [[company]] = odoo.sql("select min(id) from res_company")
    wishes = {"pbx_lead_policy": "unknown", "pbx_report": "daily"}
    admin.call("res.company", "write", [company], wishes)
    assert odoo.sql("select 1 from pbx_blocked")


def leave_waiting(odoo, provider):
    """Leave events in the inbox that the release had no time for; return their refs."""
    refs = {}
    for state in ("pending", "failed"):
        events = posting.render("answered", provider["api_secret"])
        for event in events:
            assert posting.post(provider["webhook_url"], event).status == 200
        ref = events[0]["fields"]["pbx_call_id"]
        odoo.sql("delete from pbx_call where ref = %s", [ref])
        odoo.sql(
            """update pbx_event set state = %s, attempts = %s,
                      next_attempt_at = case when %s = 'failed' then
                          now() at time zone 'UTC' end
                where ref = %s""",
            [state, int(state == "failed"), state, ref],
        )
        refs[state] = ref
    return refs


# What only the first release did not know.
only_first = pytest.mark.parametrize("upgraded", [FIRST], indirect=True)


@pytest.fixture(scope="module", params=versions())
def upgraded(request, instance, tmp_path_factory):
    """A database that a release has filled, upgraded; what it held before."""
    release = request.param
    expected = EXPECTED.get(release, Expected())
    released = Released(instance, tmp_path_factory.mktemp("release"), release)
    instance.clone(DATABASE)
    path = instance.folder / "e2e_upgrade-release.log"
    released.install(DATABASE, path)
    before = Odoo(released, DATABASE, log=path)
    before.start()
    try:
        pbx, provider = introduction.introduce(
            before, instance.tools.venv.python, instance.folder / "upgrade-pbx.log"
        )
        try:
            [[version]] = before.sql(
                "select latest_version from ir_module_module where name = 'cloud_pbx'"
            )
            assert version == release
            click = fill(before, pbx, provider)
            if release != FIRST:
                fill_with_news(before, before.login("admin"))
            log.wait_applied(before)
            with log.cron_off(before, "ir_cron_apply_events"):
                waiting = leave_waiting(before, provider)
                calls = log.calls(before.login("admin"), [])
                before.stop()
        finally:
            pbx.stop()
    finally:
        before.stop()
    kept = {
        table: [name for name in names if (table, name) not in expected.gone]
        for table, names in columns(before).items()
    }
    before_rows = {
        table: as_corrected(rows(before, table, names), expected)
        for table, names in kept.items()
    }
    update = instance.folder / "e2e_upgrade-update.log"
    instance.install(DATABASE, update, update=True)
    assert logcheck.complaints(update) == []
    after = Odoo(instance, DATABASE, log=instance.folder / "e2e_upgrade.log")
    after_rows = {
        table: rows(after, table, as_after(names, table, expected))
        for table, names in kept.items()
    }
    schema = {name: set(after.sql(query)) for name, query in LIKE_NEW.items()}
    after.start()
    yield SimpleNamespace(
        odoo=after, before=before_rows, after=after_rows, schema=schema, calls=calls,
        provider=provider, click=click, waiting=waiting, expected=expected,
        release=release,
    )  # fmt: skip
    after.stop()
    instance.drop(DATABASE)


def test_the_release_was_lived_in(upgraded):
    """Without it the other tests would prove nothing."""
    lived = {table for table, found in upgraded.before.items() if found}
    assert lived >= {
        *("pbx_provider", "pbx_extension", "pbx_line", "pbx_check", "pbx_history"),
        *("pbx_call", "pbx_call_leg", "pbx_call_ref", "pbx_call_participant_rel"),
        *("pbx_recording", "pbx_event", "pbx_request", "res_users"),
    }
    if upgraded.release != FIRST:
        assert lived >= {
            *("pbx_promise", "pbx_call_tag", "pbx_call_tag_rel", "pbx_blocked"),
            *("pbx_route", "pbx_assignment", "pbx_call_leg_user_rel"),
        }
    assert {call["outcome"] for call in upgraded.calls} >= OUTCOMES
    assert upgraded.waiting.keys() == {"pending", "failed"}


def test_every_row_is_as_it_was(upgraded):
    assert "+442079460297" in str(upgraded.before["pbx_extension"])
    assert upgraded.after.keys() == upgraded.before.keys()
    for table, found in upgraded.before.items():
        before = Counter(map(repr, found))
        after = Counter(map(repr, upgraded.after[table]))
        assert not before - after, table
        assert table in upgraded.expected.more or not after - before, table


@pytest.mark.parametrize("what", LIKE_NEW)
def test_everything_else_is_as_in_a_new_database(upgraded, what):
    new = set(Odoo(upgraded.odoo.instance, PRISTINE).sql(LIKE_NEW[what]))
    assert new
    assert (upgraded.schema[what] - new, new - upgraded.schema[what]) == (set(), set())


@only_first
def test_legs_have_the_users_of_their_calls(upgraded):
    """Nobody gains or loses a call by it, whatever is reported later."""
    by_call, by_legs = (
        set(
            upgraded.odoo.sql(
                f"""select leg.call_id, part.user_id from pbx_call_leg leg
                      join {relation}"""
            )
        )
        for relation in (
            "pbx_call_participant_rel part on part.call_id = leg.call_id",
            "pbx_call_leg_user_rel part on part.leg_id = leg.id",
        )
    )
    assert by_call
    assert by_legs == by_call
    # Who spoke is the user of the leg that spoke.
    wrong = upgraded.odoo.sql(
        """select call.id from pbx_call call join pbx_call_leg leg
               on leg.call_id = call.id and leg.extension_id = call.extension_id
            where not call.user_picked and leg.user_id is distinct from call.user_id"""
    )
    assert wrong == []
    unknown = upgraded.odoo.sql(
        "select 1 from pbx_call_leg where is_nobodys is null or rang_seconds is null"
    )
    assert unknown == []
    [[zone, changed]] = upgraded.odoo.sql(
        "select old_facts_zone, zone_changed from pbx_provider"
    )
    assert (zone, bool(changed)) == ("Europe/London", False)
    spans = upgraded.odoo.sql("select since from pbx_assignment where until is null")
    phones = upgraded.odoo.sql("select 1 from pbx_extension_res_users_rel")
    assert spans == [(None,)] * len(phones)
    assert phones


@only_first
def test_lost_calls_are_promised(upgraded):
    """As if they had been followed: what waits is open, what was settled is not."""
    odoo = upgraded.odoo
    past = {}
    for number, *values in odoo.sql(
        """select number, id, direction, outcome, start, stop, answer, talk_seconds
             from pbx_call where number is not null and state = 'done'
              and direction != 'internal' order by id"""
    ):
        past.setdefault(number, []).append(PastCall(*values[:-1], values[-1] or None))
    found = {}
    for number, state, attempts, reason in odoo.sql(
        """select number, state, attempts, dismiss_reason from pbx_promise
            order by began_at, state"""
    ):
        found.setdefault(number, []).append((state, attempts, reason))
    by_hand = [one for some in found.values() for one in some if one[2]]
    assert by_hand == [("dismissed", 1, "not_needed")]
    assert {state for some in found.values() for state, *_ in some} >= {"open", "kept"}
    for number, calls in past.items():
        expected = sum(promise.attempts for promise in follow(calls))
        assert sum(attempts for _, attempts, _ in found.get(number, [])) == expected
        if any(reason for *_, reason in found.get(number, [])):
            continue  # by hand: no call says so
        waits = [one.attempts for one in follow(calls) if one.state == "open"]
        assert [n for state, n, _ in found.get(number, []) if state == "open"] == waits
    [[lost, linked]] = odoo.sql(
        """select count(*), count(promise_id) from pbx_call
            where direction = 'inbound' and number is not null
              and outcome in ('missed', 'busy', 'failed')"""
    )
    assert lost == linked > 3
    assert not odoo.sql(
        """select 1 from pbx_promise where state = 'open'
              and deadline < now() at time zone 'utc' - interval '5 minutes'"""
    )


def test_calls_know_their_line(upgraded):
    """And lines that only calls knew are there, which no list of the PBX ends."""
    odoo = upgraded.odoo
    wrong = odoo.sql(
        """select call.id from pbx_call call left join pbx_line line
               on line.id = call.line_id
            where call.direction = 'inbound' and call.line is not null
              and (line.number is distinct from call.line
                   or line.provider_id != call.provider_id)"""
    )
    assert wrong == []
    assert not odoo.sql(
        """select 1 from pbx_call where line_id is not null
              and (line is null or direction = 'internal')"""
    )
    lines = dict(odoo.sql("select number, from_pbx is true from pbx_line"))
    assert lines.pop(UNLISTED_LINE) is False
    assert lines
    assert all(lines.values())
    [[policies, without_medium]] = odoo.sql(
        """select array_agg(distinct lead_policy), count(*) filter (
                  where medium_id is null) from pbx_line"""
    )
    assert (policies, without_medium) == (["company"], 0)


def test_people_read_the_same(upgraded):
    """Before anything else happens: the log as the supervisor sees it."""
    admin = upgraded.odoo.login("admin")
    before = {call["id"]: call for call in upgraded.calls}
    assert {call["id"]: call for call in log.calls(admin, [])} == before
    [click] = log.calls(admin, [("id", "=", upgraded.click)])
    assert click["number"] == "+442079460299"


def test_a_recording_is_heard(upgraded):
    odoo = upgraded.odoo
    [[recording, size]] = odoo.sql(
        "select id, size from pbx_recording where state = 'stored' order by id limit 1"
    )
    with requests.Session() as session:
        names = {"db": odoo.database, "login": "admin", "password": "admin"}
        session.post(
            f"{odoo.url}/web/session/authenticate",
            json={"jsonrpc": "2.0", "params": names},
            timeout=30,
        )
        heard = session.get(f"{odoo.url}/pbx/recording/{recording}", timeout=30)
    assert (heard.status_code, len(heard.content)) == (200, size)


def test_what_waited_is_applied(upgraded):
    admin = upgraded.odoo.login("admin")
    log.run_job(admin, "ir_cron_apply_events")
    log.wait_applied(upgraded.odoo)
    for ref in upgraded.waiting.values():
        [call] = log.calls(admin, [("ref", "=", ref)])
        assert (call["state"], call["outcome"]) == ("done", "answered")


def test_facts_are_read_as_before(upgraded):
    """The events of an old call, once more, find its facts and change nothing."""
    admin = upgraded.odoo.login("admin")
    [call] = log.calls(admin, [("note", "=", "Kept")])
    changed = upgraded.odoo.sql(
        "update pbx_event set state = 'pending' where ref = %s returning id",
        [call["ref"]],
    )
    assert changed
    log.run_job(admin, "ir_cron_apply_events")
    log.wait_applied(upgraded.odoo)
    assert log.calls(admin, [("id", "=", call["id"])]) == [call]


def test_it_works_on(upgraded):
    url, secret = upgraded.provider["webhook_url"], upgraded.provider["api_secret"]
    url = upgraded.odoo.url + "/pbx/" + url.split("/pbx/")[1]
    for event in posting.render("missed", secret, caller=CALLER):
        assert posting.post(url, event).status == 200
    [[outcome, number]] = upgraded.odoo.sql(
        "select outcome, number from pbx_call order by id desc limit 1"
    )
    assert (outcome, number) == ("missed", CALLER)


def test_every_view_opens(upgraded):
    admin = upgraded.odoo.login("admin")
    for model in ("pbx.provider", "pbx.call", "pbx.extension", "pbx.event"):
        assert admin.call(model, "get_views", [[False, "list"], [False, "form"]])
