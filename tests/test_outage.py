"""What is answered while the database fails, and what is set up once per process."""

import contextlib
import logging
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2
import psycopg2.pool

from odoo import http
from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from .. import hooks
from ..models.tools import seldom
from .common import PbxHttpCase, log_lines
from .recordings import RecordingCase
from .test_webhook import START

WEBHOOK, RECORDING = "/pbx/zadarma/token", "/pbx/recording/1"


def away():
    """Return the error of a database that is away."""
    # A new one for each request: Odoo keeps the answer in it.
    return psycopg2.OperationalError("terminating connection")


@tagged("post_install", "-at_install")
class TestDatabaseFails(RecordingCase, PbxHttpCase):
    """The database hiccups while a request is served."""

    def failing(self, model, method, error):
        return patch.object(type(self.env[model]), method, side_effect=error)

    def hear(self, error):
        self.authenticate(self.supervisor.login, self.supervisor.login)
        with (
            self.failing("pbx.recording", "_find_readable", error),
            log_lines() as lines,
        ):
            return self.url_open("/pbx/recording/1"), str(lines)

    def test_the_webhook_speaks_of_the_inbox(self):
        for error in (away(), psycopg2.errors.DiskFull(), psycopg2.InternalError()):
            with self.subTest(error), log_lines():
                with self.failing("pbx.event", "_receive", error):
                    response = self.post("NOTIFY_START", START)
                self.assertEqual(response.status_code, 503)
                self.assertIn("inbox", response.text)

    def test_a_recording_s_listener_reads_of_the_recording(self):
        response, logged = self.hear(away())
        self.assertEqual(response.status_code, 503)
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain"))
        self.assertIn("recording", response.text)
        self.assertTrue(response.headers["Retry-After"].isdecimal())
        self.assertNotIn("inbox", response.text + logged)

    def test_a_bug_is_no_hiccup(self):
        """Waiting would not help: Odoo's own answer, with its traceback in the log."""
        response, logged = self.hear(psycopg2.errors.UndefinedColumn("no such column"))
        self.assertEqual(response.status_code, 500)
        self.assertNotIn("inbox", response.text + logged)

    def test_no_other_page_is_touched(self):
        with self.failing("ir.http", "_match", away()), log_lines():
            text = self.url_open("/pbxother").text
        self.assertNotIn("inbox", text)
        self.assertNotIn("recording", text)


@tagged("post_install", "-at_install")
class TestHooks(TransactionCase):
    """The database is away before a route is known."""

    def request(self, path, database=None, headers=None):
        return SimpleNamespace(
            httprequest=SimpleNamespace(
                path=path,
                method="GET",
                environ={"HTTP_HOST": "pbx.example.com"},
                headers=headers or {},
            ),
            _get_session_and_dbname=lambda: (None, database),
        )

    def serve_nodb(self, path, error=None):
        """Return the answer's status and text; ``(None, "")`` is Odoo's own."""
        answer = hooks._serve_nodb
        if error:
            try:
                raise http.RegistryError("unusable") from error
            except http.RegistryError:
                response = answer(lambda: None, self.request(path))
        else:
            response = answer(lambda: None, self.request(path, "known"))
        if response is None:
            return None, ""
        return response.status_code, response.get_data(as_text=True)

    def test_no_database(self):
        for error in (away(), None):
            with self.subTest(error):
                status, text = self.serve_nodb(WEBHOOK, error)
                self.assertEqual(status, 503)
                self.assertIn("inbox", text)
                status, text = self.serve_nodb(RECORDING, error)
                self.assertEqual(status, 503)
                self.assertIn("recording", text)
                self.assertNotIn("inbox", text)
                self.assertEqual(self.serve_nodb("/web", error), (None, ""))

    def test_an_address_that_leads_to_no_database(self):
        with self.databases(configured=[], existing=["other"]):
            response = hooks._serve_nodb(lambda: "Odoo's", self.request(WEBHOOK))
        self.assertEqual(response, "Odoo's")

    @contextlib.contextmanager
    def databases(self, configured, existing, dbfilter="", served=()):
        """A server with other databases, and another configuration, than this one."""
        options = {"db_name": configured, "dbfilter": dbfilter}
        with (
            patch.dict(config.options, options),
            patch.object(http, "db_list", lambda **_how: http.db_filter(existing)),
            patch.object(hooks.Registry, "registries", dict.fromkeys(served)),
            patch.object(http, "request", self.request(WEBHOOK)),
        ):
            yield

    def test_a_database_that_is_missing(self):
        """It is restored, or renamed: that is no reason to forget the address."""
        for name, status, databases in (
            ("configured", 503, {"configured": ["shop"]}),
            ("a filter that is a name", 503, {"dbfilter": "^shop$"}),
            ("the same, without its ends", 503, {"dbfilter": "shop"}),
            ("both", 503, {"configured": ["shop"], "dbfilter": "^shop$"}),
            ("served until now", 503, {"dbfilter": "^%d$", "served": ["pbx"]}),
            ("served, without a filter", 503, {"served": ["shop"]}),
            ("of no host", None, {"dbfilter": "^%d$", "served": ["shop"]}),
            ("a pattern", None, {"dbfilter": "^sho.*$"}),
            ("several to choose from", None, {"existing": ["a", "b"]}),
            ("nothing at all", None, {}),
        ):
            with (
                self.subTest(name),
                self.databases(**{"configured": [], "existing": [], **databases}),
            ):
                for path in (WEBHOOK, RECORDING):
                    response = hooks._serve_nodb(lambda: None, self.request(path))
                    self.assertEqual(response and response.status_code, status)
                    if response:
                        self.assertTrue(response.headers["Retry-After"].isdecimal())
                other = hooks._serve_nodb(lambda: None, self.request("/web"))
                self.assertIsNone(other)

    def test_a_database_that_a_stranger_names(self):
        request = self.request(WEBHOOK, headers={"X-Odoo-Database": "nonsense"})
        with self.databases(configured=[], existing=["shop", "other"]):
            try:
                raise http.RegistryError("unusable") from away()
            except http.RegistryError:
                self.assertIsNone(hooks._serve_nodb(lambda: None, request))

    def test_no_connection_is_left(self):
        def full():
            raise psycopg2.pool.PoolError("The Connection Pool Is Full")

        def answered(around, path):
            try:
                return around(full, self.request(path)).status_code
            except psycopg2.pool.PoolError as error:
                own = getattr(error, "error_response", None)
                return own and own.status_code

        for path, status in ((WEBHOOK, 503), (RECORDING, 503), ("/web", None)):
            for around in (hooks._post_init, hooks._serve_db):
                with self.subTest(path, around=around.__name__), log_lines():
                    self.assertEqual(answered(around, path), status)

    def test_the_connection_breaks_before_a_route_is_known(self):
        def breaks():
            raise psycopg2.OperationalError("terminating connection; secret")

        seldom.forget()
        for path, word in ((WEBHOOK, "inbox"), (RECORDING, "recording")):
            with self.subTest(path), log_lines() as lines:
                for _time in range(3):
                    response = hooks._serve_db(breaks, self.request(path))
                    self.assertEqual(response.status_code, 503)
                    self.assertIn(word, response.get_data(as_text=True))
                self.assertEqual(len(lines.texts), 1)
                self.assertNotIn("secret", str(lines))
        with self.assertRaises(psycopg2.OperationalError):
            hooks._serve_db(breaks, self.request("/web"))

    def test_set_up_once(self):
        logger = logging.getLogger("werkzeug")

        def now():
            filters = [one for one in logger.filters if one.name == "cloud_pbx"]
            request = http.Request
            return request._serve_nodb, request._serve_db, filters, request._post_init

        before = now()
        self.assertEqual(len(before[2]), 1)
        self.assertTrue(hasattr(http.Request._serve_nodb, hooks.MARK))
        self.assertTrue(hasattr(http.Request._serve_db, hooks.MARK))
        hooks.post_load()
        hooks.post_load()
        self.assertEqual(now(), before)

    def test_tokens_are_masked(self):
        mask = hooks.TokenMask("cloud_pbx")
        for path in (
            *("/pbx/zadarma/s3cret", "//pbx%2Fzadarma%2Fs3cret", "/pbx/s3cret"),
            "/pbxzadarma/s3cret",
        ):
            record = logging.makeLogRecord({"args": (f"GET {path} HTTP/1.1", 200)})
            self.assertTrue(mask.filter(record))
            self.assertNotIn("s3cret", record.args[0])
            self.assertIn("***", record.args[0])
