"""A database of the release before comes up with today's addon, and nothing is lost."""

import json
import shutil
from types import SimpleNamespace

import log
import posting
import pytest

from lib import logcheck, paths
from lib import pbx as introduction
from lib.instance import Instance
from server import Odoo

RELEASE = paths.DEV / "releases/cloud_pbx-19.0.1.0.0.tar.xz"
DATABASE = "e2e_upgrade"
CALLER = "+442079460288"
# Read before and after, each with all that a person or the code had written.
KEPT = {
    "pbx_call": "provider_id, company_id, ref, direction, state, outcome, disposition,"
    " number, line, partner_id, partner_source, lead_id, user_id, user_picked,"
    " extension_id, start, answer, stop, wait_seconds, talk_seconds, note, facts,"
    " last_event_at, own_leg_only, clicked_at, from_history, corrected, called_back",
    "pbx_call_leg": "call_id, provider_id, number, extension_id, user_id, start,"
    " answer, stop, outcome",
    "pbx_call_participant_rel": "call_id, user_id",
    "pbx_call_ref": "provider_id, ref, call_id",
    "pbx_recording": "call_id, ref, provider_id, start, state, mimetype, size, error,"
    " attempts",
    "pbx_extension": "number, name, provider_id, login, caller_id, status",
    "pbx_extension_res_users_rel": "extension_id, user_id",
    "pbx_line": "number, name, provider_id, active",
    "pbx_provider": "code, name, company_id, dialect, user_id, server_url, api_key,"
    " api_secret, webhook_token, connected_url, external_url, keep_log, log_days,"
    " lookup_on_answer, open_call_hours, notify_start, notify_internal,"
    " notify_answer, notify_end, notify_out_start, notify_out_end, country_id, tz,"
    " utc_offset, state, balance, balance_threshold, recording_mode, general_limit,"
    " statistics_limit, silence_minutes, recording_days, recording_max_mb",
    "pbx_check": "provider_id, step, state, message",
    "pbx_history": "provider_id, kind, state, until, new_count",
    "pbx_event": "provider_id, event_type, ref, payload, state, attempts, digest",
    "res_users": "pbx_open_contact, pbx_sound, pbx_do_not_disturb",
}
# Names of the columns that the upgrade renames: {table: {before: after}}.
RENAMED = {
    "pbx_line": {"name_told": "name_told"},
    "pbx_extension": {"name_told": "name_told"},
}
LIVED_ON = [
    *("answered", "missed", "outbound", "outbound_no_answer", "outbound_busy"),
    *("voicemail", "transfer", "ring_group", "extension_to_extension", "withheld"),
    "click_two_ids",
]


class Released(Instance):
    """The run's instance, with the addon of an earlier release."""

    def __init__(self, instance, addons):
        super().__init__(instance.folder, instance.tools)
        self.conf = addons / "odoo.conf"
        before = instance.conf.read_text()
        assert str(paths.addons()) in before
        self.conf.write_text(before.replace(str(paths.addons()), str(addons)))


def rows(odoo, table, renamed=None):
    """All rows of a table as it matters here, by id or in order."""
    names = KEPT[table]
    for before, after in RENAMED.get(table, {}).items():
        names += f", {after if renamed else before}"
    if not table.endswith("_rel"):
        names = f"id, {names}"
    return odoo.sql(f"select {names} from {table} order by {names.split(', ')[0]}, 2")


def state_of(odoo, renamed=False):
    return {table: rows(odoo, table, renamed) for table in KEPT}


def fill(odoo, pbx, provider):
    """Live with the release for a while: calls, people's own words, what waits."""
    admin = odoo.login("admin")
    admin.call("pbx.provider", "action_connect", [provider["id"]])
    for name in LIVED_ON:
        pbx.play(name)
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
    own = {"pbx_open_contact": "ring", "pbx_sound": False}
    admin.call("res.users", "write", [admin.uid], own)
    admin.call("pbx.provider", "write", [provider["id"]], {"notify_internal": False})
    return admin.call("pbx.call", "dial", "+442079460299")


def leave_waiting(odoo, provider):
    """Leave events in the inbox that the release had no time for; return their refs."""
    refs = {}
    for state in ("pending", "failed"):
        for event in posting.render("answered", provider["api_secret"]):
            assert posting.post(provider["webhook_url"], event).status == 200
        [[ref]] = odoo.sql(
            "select ref from pbx_event where ref is not null order by id desc limit 1"
        )
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


@pytest.fixture(scope="module")
def upgraded(instance, tmp_path_factory):
    """A database that the release before has filled, upgraded; what it held before."""
    addons = tmp_path_factory.mktemp("release")
    addons.chmod(0o755)
    shutil.unpack_archive(RELEASE, addons)
    released = Released(instance, addons)
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
            click = fill(before, pbx, provider)
            log.until(lambda: not log.waiting(before), 20, "the inbox is empty")
            with log.cron_off(before, "ir_cron_apply_events"):
                waiting = leave_waiting(before, provider)
                before.stop()
        finally:
            pbx.stop()
    finally:
        before.stop()
    kept = state_of(before)
    update = instance.folder / "e2e_upgrade-update.log"
    instance.install(DATABASE, update, update=True)
    assert logcheck.complaints(update) == []
    after = Odoo(instance, DATABASE, log=instance.folder / "e2e_upgrade.log")
    now = state_of(after, renamed=True)
    # The release's jobs were off while it was stopped.
    after.sql("update ir_cron set active = true where cron_name like 'Cloud PBX%%'")
    after.start()
    yield SimpleNamespace(
        odoo=after, before=kept, now=now, provider=provider, click=click,
        waiting=waiting,
    )  # fmt: skip
    after.stop()
    instance.drop(DATABASE)


@pytest.mark.parametrize("table", KEPT)
def test_what_was_there_is_there(upgraded, table):
    assert upgraded.before[table], "the release wrote nothing: the test proves nothing"
    assert upgraded.now[table] == upgraded.before[table]


def test_what_waited_is_applied(upgraded):
    admin = upgraded.odoo.login("admin")
    log.run_job(admin, "ir_cron_apply_events")
    log.until(lambda: not log.waiting(upgraded.odoo), 30, "the inbox is empty")
    for ref in upgraded.waiting.values():
        [call] = log.calls(admin, [("ref", "=", ref)])
        assert (call["state"], call["outcome"]) == ("done", "answered")


def test_facts_are_read_as_before(upgraded):
    """A further event of an old call finds its facts, and changes nothing else."""
    admin = upgraded.odoo.login("admin")
    [call] = log.calls(admin, [("note", "=", "Kept")])
    [[payload, event]] = upgraded.odoo.sql(
        "select payload, event_type from pbx_event where ref = %s and state = 'done'"
        " order by id limit 1",
        [call["ref"]],
    )
    fields = json.loads(payload)
    assert event and fields["pbx_call_id"] == call["ref"]
    upgraded.odoo.sql(
        "update pbx_event set state = 'pending' where ref = %s", [call["ref"]]
    )
    log.run_job(admin, "ir_cron_apply_events")
    log.until(lambda: not log.waiting(upgraded.odoo), 30, "the inbox is empty")
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


def test_every_view_and_job_is_there(upgraded):
    admin = upgraded.odoo.login("admin")
    for model in ("pbx.provider", "pbx.call", "pbx.extension", "pbx.event"):
        assert admin.call(model, "get_views", [[False, "list"], [False, "form"]])
    jobs = admin.call("ir.cron", "search_count", [("name", "=like", "Cloud PBX%")])
    assert jobs >= 7
