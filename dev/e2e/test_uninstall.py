"""Removing the addon leaves nothing: the database is as it was before, to the last row.

It is lived in first: connected, called, with what people make of it. Afterwards it is
installed again, and takes a call.
"""

import contextlib

import log
import pytest

from lib import pbx as introduction
from lib.instance import TEMPLATE
from lib.terminal import run
from server import Odoo

pytestmark = pytest.mark.after_tests

DATABASE = "e2e_uninstall"
CALLER, LOST_CALLER = "+442079460255", "+442079460256"
# What a database is made of, each with all that it depends on.
SCHEMA = {
    "columns": """
        select table_name, column_name, data_type, is_nullable, column_default
          from information_schema.columns where table_schema = 'public'""",
    "indexes": "select indexname, indexdef from pg_indexes where schemaname = 'public'",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          from pg_constraint where connamespace = 'public'::regnamespace""",
    "tables, sequences, views": """
        select relname, relkind::text from pg_class
         where relnamespace = 'public'::regnamespace""",
    "functions": """
        select proname, pg_get_function_identity_arguments(oid) from pg_proc
         where pronamespace = 'public'::regnamespace""",
    "triggers": """
        select tgname, tgrelid::regclass::text from pg_trigger
         where not tgisinternal""",
    "extensions": "select extname from pg_extension",
}
# Rows that Odoo makes by the hour, whatever is installed: who was here and when, what
# was told to other processes, and the list of addons itself.
VOLATILE = {
    *("orm_signaling_assets", "orm_signaling_default", "orm_signaling_groups"),
    *("orm_signaling_registry", "orm_signaling_routing", "orm_signaling_stable"),
    *("orm_signaling_templates", "res_device_log", "res_users_log"),
    *("ir_cron_trigger", "ir_cron_progress", "ir_module_module", "mail_presence"),
    "bus_bus",
}
# Of a row, what says when and by which number it was written.
ABOUT_THE_ROW = ("id", "create_date", "write_date", "write_uid", "lastcall", "nextcall")
NO_JOBS = "update ir_cron set active = false"
FROZEN_ADDRESS = """
    insert into ir_config_parameter (key, value)
    values ('web.base.url.freeze', 'True') on conflict do nothing"""


def snapshot(odoo):
    """{what: its rows}: of the schema, and of each table."""
    found = {name: set(odoo.sql(query)) for name, query in SCHEMA.items()}
    # What signals something to other processes is made when it is first needed.
    tables = {name for name, kind in found["tables, sequences, views"] if kind == "r"}
    without = " - ".join(f"'{name}'" for name in ABOUT_THE_ROW)
    for table in tables - VOLATILE:
        rows = f'select (to_jsonb(it) - {without})::text, count(*) from "{table}" it'
        found[f"rows of {table}"] = set(odoo.sql(f"{rows} group by 1"))
    return found


def differences(before, after):
    """{what: (left behind, gone)} where a database differs from what it was."""
    return {
        name: (
            sorted(after.get(name, set()) - before.get(name, set())),
            sorted(before.get(name, set()) - after.get(name, set())),
        )
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }


class Lived:
    """An Odoo with the addon, and with what people do with it."""

    def __init__(self, odoo):
        self.odoo, self.instance, self.admin = odoo, odoo.instance, None

    def install(self):
        """Install the addon, and start the server."""
        self.instance.install(DATABASE, self.odoo.log)
        self.odoo.start()
        self.admin = self.odoo.login("admin")

    def uninstall(self):
        """Stop the server, which may be in a job, and remove the addon."""
        self.odoo.stop()
        words = ("module", "uninstall", "-c", self.instance.conf, "-d", DATABASE)
        run(
            self.instance.odoo_command(*words, "cloud_pbx"),
            log=self.odoo.log,
            failing="The addon could not be removed.",
            env=self.instance.environment(),
            cwd="/",
        )

    @contextlib.contextmanager
    def connected(self):
        python = self.instance.tools.venv.python
        log_file = self.instance.folder / f"{DATABASE}-pbx.log"
        pbx, provider = introduction.introduce(
            self.odoo, python, log_file, admin=self.admin
        )
        try:
            self.admin.call("pbx.provider", "action_connect", [provider["id"]])
            self.zone = provider["tz"]
            yield pbx
        finally:
            pbx.stop()

    def live(self, pbx):
        """Calls, and what people make of them. Nothing that stays a company's own."""
        call = self.admin.call
        # The report is about what began before the second in which it is sent.
        start = {"call_start": log.local(log.minutes_ago(5), self.zone)}
        pbx.play("answered", caller=CALLER, **start)
        pbx.play("missed", caller=LOST_CALLER, **start)
        log.wait_applied(self.odoo)
        calls = call("pbx.call", "search", [])
        [model] = call("ir.model", "search", [("model", "=", "pbx.call")])
        call("pbx.call", "message_post", calls[:1], body="A note")
        call("pbx.call", "message_subscribe", calls[:1], partner_ids=[3])
        call("pbx.call", "activity_schedule", calls[:1], summary="See to it")
        file = {"name": "a.txt", "res_model": "pbx.call", "res_id": calls[0]}
        call("ir.attachment", "create", {**file, "raw": "kept"})
        favourite = {"name": "Mine", "model_id": "pbx.call", "domain": "[]"}
        call("ir.filters", "create", {**favourite, "user_ids": [2]})
        columns = {"export_fields": [(0, 0, {"name": "number"})]}
        call(
            "ir.exports", "create", {"name": "Ours", "resource": "pbx.call", **columns}
        )
        call("ir.default", "set", "pbx.call.tag", "color", 3)
        call("ir.default", "set", "res.company", "pbx_report", "daily")
        action = {"name": "Do", "model_id": model, "state": "code", "code": "pass"}
        call("ir.actions.server", "create", action)
        window = {"name": "Calls here", "res_model": "pbx.call"}
        call("ir.actions.act_window", "create", window)
        call("res.company", "action_pbx_send_report", [1])
        call("pbx.blocked", "create", {"number": "+442079460299"})
        call("res.users", "write", [2], {"pbx_sound": False})
        agents = call("ir.model.data", "check_object_reference", "cloud_pbx",
                      "group_pbx_user")[1]  # fmt: skip
        demo = call("res.users", "search", [("login", "=", "demo")])
        call("res.users", "write", demo, {"group_ids": [(4, agents)]})
        self.odoo.sql("update pbx_recording set next_attempt_at = now()")
        log.run_job(self.admin, "ir_cron_fetch_recordings")
        for model, condition in (
            ("mail.mail", ("subject", "like", "phone report")),
            ("mail.activity", ("res_model", "=", "pbx.call")),
            ("pbx.promise", ("state", "=", "open")),
            ("pbx.recording", ("ref", "!=", False)),
        ):
            assert call(model, "search_count", [condition])
        assert self.odoo.sql("select 1 from bus_bus where message like '%cloud_pbx.%'")


@pytest.fixture(scope="module")
def removed(instance):
    """(what the database was before, what it is after, the server)."""
    instance.clone(DATABASE, TEMPLATE)
    odoo = Odoo(instance, DATABASE, log=instance.folder / f"{DATABASE}.log")
    odoo.sql(NO_JOBS)
    odoo.sql(FROZEN_ADDRESS)
    try:
        lived = Lived(odoo)
        before = snapshot(odoo)
        lived.install()
        with lived.connected() as pbx:
            lived.live(pbx)
        lived.uninstall()
        yield before, snapshot(odoo), lived
    finally:
        odoo.kill()
        instance.drop(DATABASE)


def test_nothing_is_left(removed):
    before, after, _lived = removed
    found = differences(before, after)
    # pytest shortens what differs.
    assert not found, "\n".join(
        f"{name}: {rows}"[:2000] for name, rows in found.items()
    )


def test_no_browser_is_told_of_it(removed):
    odoo = removed[2].odoo
    assert odoo.sql("select 1 from bus_bus")
    assert not odoo.sql("select 1 from bus_bus where message like '%cloud_pbx.%'")


def test_installed_again_it_takes_a_call(removed):
    lived = removed[2]
    lived.install()
    with lived.connected() as pbx:
        pbx.play("missed", caller=CALLER)
        log.wait_applied(lived.odoo)
    [call] = log.calls(lived.admin, [("number", "=", CALLER)])
    assert (call["state"], call["outcome"]) == ("done", "missed")
