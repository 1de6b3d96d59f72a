"""The form of a cloud PBX: defaults, address, states, warnings, buttons."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import PbxHttpCase, log_lines, scenarios

OUTSIDE = "https://odoo.example.com"


@contextmanager
def a_server(status, headers=()):
    """Another web server at a free local port, which answers ``status`` to all."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for header in headers:
                self.send_header(*header)
            self.end_headers()

        def log_message(self, *_args):
            """Nothing into the run's output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@tagged("post_install", "-at_install")
class TestProvider(PbxHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user("admin", "base.group_system")
        cls.mine = cls.provider.with_user(cls.admin)

    # --------------------------------------------------------------------- defaults

    def test_newcomer(self):
        """Name, keys and zone are all that has to be entered."""
        model = self.env["pbx.provider"].with_user(self.admin)
        with Form(model.with_company(self.company)) as form:
            form.name = "Zadarma"
            form.api_key = "key"
            form.api_secret = "secret"
            form.tz = "Europe/Kyiv"
        provider = form.record
        self.assertRecordValues(
            provider,
            [
                {
                    "dialect": "zadarma",
                    "company_id": self.company.id,
                    "user_id": self.admin.id,
                    "country_id": self.gb.id,
                    "server_url": "https://api.zadarma.com",
                    "external_url": False,
                    "port": 0,
                    "state": "draft",
                    "keep_log": True,
                    "lookup_on_answer": False,
                    "recording_mode": "store",
                    "is_running": True,
                }
            ],
        )
        flags = ("start", "internal", "answer", "end", "out_start", "out_end")
        for flag in flags:
            self.assertTrue(provider[f"notify_{flag}"], flag)
        self.assertTrue(provider.code)
        self.assertGreaterEqual(len(provider.webhook_token), 32)

    def test_the_country_is_that_of_its_company(self):
        """Of the one it is entered for, not of the one that is open."""
        ukraine = self.env.ref("base.ua")
        abroad = self.env["res.company"].create(
            {"name": "Kyiv office", "country_id": ukraine.id}
        )
        nowhere = self.env["res.company"].create({"name": "Nowhere"})
        chief = self.admin
        chief.company_ids += abroad + nowhere
        model = self.env["pbx.provider"].with_user(chief)
        model = model.with_context(
            allowed_company_ids=[self.company.id, abroad.id, nowhere.id]
        )
        chief.group_ids += self.env.ref("base.group_multi_company")
        with Form(model) as form:
            form.name = "Office"
            self.assertEqual(form.country_id, self.gb)
            form.company_id = abroad
            self.assertEqual(form.country_id, ukraine)
        self.assertEqual(form.record.country_id, ukraine)
        created = model.create({"name": "By hand", "company_id": abroad.id})
        self.assertEqual(created.country_id, ukraine)
        chosen = {"company_id": abroad.id, "country_id": self.gb.id}
        self.assertEqual(model.create({"name": "X", **chosen}).country_id, self.gb)
        without = model.create({"name": "Y", "company_id": nowhere.id})
        self.assertFalse(without.country_id)
        self.assertIn("No country", without.hint)
        nowhere.country_id = ukraine
        self.assertNotIn("No country", without.hint, "the company's is used")

    def test_no_zone_is_guessed(self):
        provider = self.new_provider(self.company, self.robot, "x", tz=False)
        self.assertFalse(provider.tz)
        fresh = self.env["pbx.provider"].create({"name": "Fresh"})
        self.assertFalse(fresh.tz)

    def test_codes_and_tokens_are_unique(self):
        other = self.new_provider(self.company, self.robot, "other")
        self.assertNotEqual(other.code, self.provider.code)
        self.assertNotEqual(other.webhook_token, self.provider.webhook_token)

    def test_help_texts(self):
        """Each field that a person enters says what it is for."""
        entered = (
            "name company_id dialect user_id server_url external_url port account "
            "login api_key api_secret keep_log log_days lookup_on_answer tz "
            "country_id open_call_hours recording_mode webhook_url utc_offset "
            "notify_answer"
        ).split()
        described = self.env["pbx.provider"].fields_get(entered, ["help", "string"])
        self.assertFalse([n for n in entered if not described[n].get("help")])
        self.assertEqual(described["dialect"]["string"], "Server type")

    # ---------------------------------------------------------------------- address

    def test_webhook_url(self):
        base = self.base_url()
        for external, port, address in (
            (False, 0, base),
            ("https://odoo.example.com", 0, "https://odoo.example.com"),
            ("https://odoo.example.com/", 0, "https://odoo.example.com"),
            ("odoo.example.com", 0, "http://odoo.example.com"),
            ("http://203.0.113.5", 10385, "http://203.0.113.5:10385"),
            ("http://203.0.113.5:8069", 10385, "http://203.0.113.5:8069"),
            ("https://example.com/odoo/", 0, "https://example.com/odoo"),
            ("http://[2001:db8::1]", 10385, "http://[2001:db8::1]:10385"),
            (" https://odoo.example.com ", 0, "https://odoo.example.com"),
        ):
            with self.subTest(external=external, port=port):
                self.provider.write({"external_url": external, "port": port})
                token = self.provider.webhook_token
                expected = f"{address}/pbx/zadarma/{token}"
                self.assertEqual(self.provider.webhook_url, expected)

    def test_bad_addresses(self):
        for name in ("external_url", "server_url"):
            for text in (
                "not an address",
                "ftp://example.com",
                "http://",
                "http://user:password@example.com",
                "http://example.com:port",
                "http://example.com:0",
                "http://[",
            ):
                with self.subTest(name, text=text), self.assertRaises(ValidationError):
                    self.provider[name] = text
        for port in (-1, 65536):
            with self.assertRaises(ValidationError):
                self.provider.port = port

    def test_address_while_it_is_typed(self):
        with Form(self.mine) as form:
            for text in ("http://[", "http://example.com:port", "http://example.com"):
                form.external_url = text
        self.assertTrue(self.provider.webhook_url.startswith("http://example.com/pbx"))

    def test_address_at_the_pbx_is_the_old_one(self):
        self.provider.external_url = "http://203.0.113.5"
        self.assertFalse(self.provider.url_changed)
        self.provider.connected_url = self.provider.webhook_url
        self.assertNotIn("address has changed", self.provider.hint)
        self.provider.port = 10385
        self.assertTrue(self.provider.url_changed)
        self.assertIn("address has changed", self.provider.hint)

    # --------------------------------------------------------------------- warnings

    def test_hints(self):
        provider = self.provider
        provider.external_url = "https://odoo.example.com"
        self.assertFalse(provider.hint)
        for values, told in (
            ({"user_id": False}, "Run as"),
            ({"api_secret": False}, "Enter this first: Secret"),
            ({"notify_answer": False}, "notification of answers"),
            ({"tz": False}, "No time zone"),
            ({"tz": "Asia/Tokyo", "utc_offset": "UTC+3"}, "UTC+3"),
            ({"external_url": "http://localhost:8069"}, "cannot reach"),
        ):
            with self.fresh(told):
                provider.write(values)
                self.assertIn(told, provider.hint)

    def test_blanks_around_what_is_pasted_are_dropped(self):
        pasted = "\N{NO-BREAK SPACE}\t5fa0200f\N{ZERO WIDTH SPACE}fca68e15\r\n\N{BOM}"
        for name in ("api_key", "api_secret", "login", "account"):
            with self.fresh(name):
                self.provider.write({name: pasted})
                self.assertEqual(self.provider[name], "5fa0200ffca68e15")
                self.provider.write({name: " \N{ZERO WIDTH SPACE} "})
                self.assertFalse(self.provider[name])
        values = {"name": "Pasted", "api_key": pasted, "external_url": f" {OUTSIDE}\n"}
        new = self.env["pbx.provider"].create(values)
        self.assertEqual(new.api_key, "5fa0200ffca68e15")
        self.assertEqual(new.external_url, OUTSIDE)
        rows = [["Imported", pasted]]
        loaded = self.env["pbx.provider"].load(["name", "api_key"], rows)
        imported = self.env["pbx.provider"].browse(loaded["ids"])
        self.assertEqual(imported.api_key, "5fa0200ffca68e15")

    def test_keys_that_cannot_be_right_are_doubted_at_once(self):
        self.provider.external_url = OUTSIDE
        for key, told in (
            (self.provider.api_secret, "Key and Secret are the same"),
            ("ключ", "Latin letters and digits"),
        ):
            with self.fresh(told):
                self.provider.api_key = key
                self.assertIn(told, self.provider.hint)

    def test_a_copy_has_a_name_of_its_own(self):
        self.assertEqual(self.provider.copy().name, f"{self.provider.name} (copy)")
        self.assertEqual(self.provider.copy({"name": "Two"}).name, "Two")

    def test_an_export_offers_named_fields_alone(self):
        fields = self.env["pbx.provider"].fields_get()
        offered = {name for name, one in fields.items() if one.get("exportable", True)}
        raw = {
            "hint",
            "has_alert",
            "url_changed",
            "keys_changed",
            "events_changed",
            "can_connect",
            "can_check",
        }
        self.assertFalse(offered & raw)

    def test_keys_and_token_leave_a_trace_without_secrets(self):
        self.provider.connected_url = self.provider.webhook_url
        self.provider.write({"api_key": "new-key-1", "api_secret": "new-secret-1"})
        self.provider.action_rotate_token()
        said = " ".join(self.provider.message_ids.mapped("body"))
        self.assertIn("Changed: Key, Secret", said)
        self.assertIn("The webhook has a new address", said)
        for secret in ("new-key-1", "new-secret-1", self.provider.webhook_token):
            self.assertNotIn(secret, said)

    def test_offset_that_agrees(self):
        self.provider.write({"tz": "Asia/Tokyo", "utc_offset": "UTC+9"})
        self.assertNotIn("UTC+9", self.provider.hint or "")

    def test_run_as(self):
        self.assertTrue(self.provider.is_running)
        self.robot.active = False
        self.assertFalse(self.provider.is_running)
        portal = self.new_user("portal", "base.group_portal")
        with self.assertRaises(ValidationError):
            self.provider.user_id = portal

    def test_periods(self):
        for values in ({"open_call_hours": 0}, {"log_days": 2}):
            with self.assertRaises(ValidationError):
                self.provider.write(values)

    # ----------------------------------------------------------------- last event

    def test_events_do_not_write_the_provider(self):
        """Workers would wait for each other on its row."""
        self.env.flush_all()
        query = "SELECT xmin::text, write_date FROM pbx_provider WHERE id = %s"
        self.env.cr.execute(query, [self.provider.id])
        before = self.env.cr.fetchone()
        self.assertFalse(self.provider.last_event_at)
        self.play("answered")
        self.env.cr.execute(query, [self.provider.id])
        self.assertEqual(self.env.cr.fetchone(), before)
        newest = max(self.events().mapped("received_at"))
        self.assertEqual(self.provider.last_event_at, newest)
        # The inbox is pruned; the calls still tell.
        self.events().unlink()
        self.env.invalidate_all()
        gap = self.provider.last_event_at - newest
        self.assertLess(abs(gap), timedelta(seconds=2))

    # ---------------------------------------------------------------------- buttons

    def test_rotate_token(self):
        old = self.url_of()
        for user in (self.anna, self.supervisor):
            with self.assertRaises(AccessError):
                self.provider.with_user(user).action_rotate_token()
        self.assertEqual(self.url_of(), old)
        self.mine.action_rotate_token()
        step = scenarios.scenario("missed")[0]
        with log_lines():
            response = self.post(step.event, step.fields, url=old)
        self.assertEqual(response.status_code, 404, "the old one is dead at once")
        self.assertEqual(self.post(step.event, step.fields).status_code, 200)

    def test_form_while_it_is_edited_counts_as_before(self):
        self.play("answered")
        self.put(scenarios.scenario("missed")[:1])
        self.admin.group_ids += self.env.ref("cloud_pbx.group_pbx_manager")
        mine = self.provider.with_user(self.admin)
        draft = mine.new({"name": "Other"}, origin=mine)
        self.assertEqual(draft.last_event_at, mine.last_event_at)
        self.assertEqual((draft.waiting_count, draft.call_count), (1, 1))

    def test_calls_are_counted_that_one_may_see(self):
        """On the button that opens them."""
        self.play("answered")
        self.play("missed", extension="777", caller="+442079460777")
        self.assertEqual(len(self.calls()), 2)
        chief = self.new_user("chief", "base.group_system")
        for user, count in (
            (self.supervisor, 2),
            (self.anna, 1),
            (self.boris, 0),
            (chief, 0),
        ):
            with self.subTest(user.name):
                self.env.invalidate_all()
                mine = self.provider.with_user(user)
                self.assertEqual(mine.call_count, count)
                if user != chief:
                    domain = [("provider_id", "=", mine.id)]
                    calls = self.env["pbx.call"].with_user(user)
                    self.assertEqual(calls.search_count(domain), count)

    def test_changed_keys_count_at_once(self):
        step = scenarios.scenario("missed")[0]
        self.assertEqual(self.post(step.event, step.fields).status_code, 200)
        self.provider.api_secret = "changed"
        with log_lines():
            response = self.post(step.event, step.fields, secret="another")
        self.assertEqual(response.status_code, 403)
        self.assertEqual(self.post(step.event, step.fields).status_code, 200)

    def check(self):
        """Press “Check”; return the state and what the person is told."""
        self.env.flush_all()
        with self.allow_requests(all_requests=True), log_lines():
            told = self.mine.action_check()
        self.env.invalidate_all()
        return self.provider.state, told["params"]["message"]

    def test_check(self):
        state, told = self.check()
        self.assertEqual(state, "connected")
        self.assertIn("signature was right", told)
        self.assertEqual(self.provider.connected_url, self.provider.webhook_url)
        self.assertFalse(self.provider.last_error)
        event = self.events()
        self.assertEqual((len(event), event.state), (1, "ignored"))
        self.assertFalse(self.calls(), "a test is no call")
        self.assertEqual(self.check()[0], "connected", "a second check is a new event")

    def test_check_finds_what_is_wrong(self):
        with a_server(404) as unknown, a_server(500) as broken, a_server(200) as other:
            moved_to = [("Location", "https://odoo.example.com/pbx/zadarma/secret")]
            with a_server(301, moved_to) as moved, a_server(403) as foreign:
                for address, told in (
                    (unknown, "dbfilter"),
                    (broken, "500"),
                    (other, "did not reach the inbox"),
                    (moved, "https://odoo.example.com"),
                    (foreign, "refused"),
                    ("http://127.0.0.1:9", "cannot be reached"),
                    ("https://127.0.0.1:9", "cannot be reached"),
                ):
                    with self.subTest(told):
                        self.provider.external_url = address
                        state, message = self.check()
                        self.assertEqual(state, "error")
                        self.assertIn(told, message)
                        self.assertEqual(self.provider.last_error, message)
                        self.assertNotIn(self.provider.webhook_token, message)
        self.provider.external_url = False
        self.assertEqual(self.check()[0], "connected")
        self.assertFalse(self.provider.last_error)

    def test_check_says_what_is_missing(self):
        for values in ({"user_id": False}, {"api_secret": False}):
            with self.fresh(values), self.assertRaises(UserError):
                self.provider.write(values)
                self.mine.action_check()

    def test_neutralized_copy_takes_nothing(self):
        """A copy of the database must not take the calls of the real one."""
        token, api_key = self.provider.webhook_token, self.provider.api_key
        self.env.flush_all()
        with self.env.registry.cursor() as cr:
            from odoo.tools import file_open

            with file_open("cloud_pbx/data/neutralize.sql") as script:
                cr.execute(script.read())
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertNotEqual(self.provider.webhook_token, token)
        self.assertNotEqual(self.provider.api_key, api_key)
        self.assertFalse(self.provider.is_running)
        self.assertFalse(self.provider.api_secret)

    def test_jobs_are_there(self):
        for name in ("apply_events", "close_calls", "rematch", "refresh", "silence"):
            job = self.env.ref(f"cloud_pbx.ir_cron_{name}")
            self.assertTrue(job.active)
            self.assertLess(job.nextcall, fields.Datetime.now() + timedelta(days=1))
