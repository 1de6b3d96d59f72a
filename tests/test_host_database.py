"""Which database a webhook's host leads to: looked for once a minute."""

from types import SimpleNamespace

import psycopg2
from werkzeug.datastructures import EnvironHeaders

from odoo import http
from odoo.tests import TransactionCase, tagged

from .. import hooks
from ..models.tools import host_database
from ..models.tools.host_database import HEADER, KEPT_SECONDS, MAX_HOSTS, HostDatabases

HOST = "pbx.example.com"


@tagged("post_install", "-at_install")
class TestHostDatabase(TransactionCase):
    def setUp(self):
        super().setUp()
        self.databases, self.existing, self.looked = HostDatabases(), "shop", 0

    def request(self, host=HOST, **environ):
        """Return a request after its look-up, done as Odoo does it."""
        environ = {"HTTP_HOST": host, **environ}
        request = SimpleNamespace(
            httprequest=SimpleNamespace(
                environ=environ,
                path="/pbx/zadarma/token",
                headers=EnvironHeaders(environ),
            ),
            db=None,
        )

        def init():
            if named := environ.get(HEADER):
                request.db = named
            else:
                self.looked += 1
                request.db = self.existing

        self.databases.find(init, request)
        return request

    def test_once_for_each_host(self):
        for _time in range(3):
            self.assertEqual(self.request().db, "shop")
            self.assertEqual(self.request("other.example.com").db, "shop")
        self.assertEqual(self.looked, 2)

    def test_anew_after_a_minute(self):
        self.request()
        name, until = self.databases.known[HOST]
        self.databases.known[HOST] = name, until - KEPT_SECONDS
        self.existing = "copy"
        self.assertEqual(self.request().db, "copy")

    def test_anew_after_it_led_nowhere(self):
        self.request()
        self.existing = "copy"
        request = self.request()
        self.assertEqual(request.db, "shop")
        self.databases.forget(request)
        # As it came: Odoo's own look-up, in the same request, finds the other one.
        self.assertEqual(request.httprequest.environ, {"HTTP_HOST": HOST})
        self.assertEqual(self.request().db, "copy")

    def test_what_was_not_found_is_not_kept(self):
        self.existing = None
        self.assertIsNone(self.request().db)
        self.existing = "shop"
        self.assertEqual(self.request().db, "shop")

    def test_who_names_a_database_is_left_to_odoo(self):
        self.request()
        self.request(HTTP_COOKIE="session_id=1")
        self.assertEqual(self.looked, 2)
        named = self.request(**{HEADER: "named"})
        self.assertEqual(named.db, "named")
        # Nor is it taken for what we remembered, when it leads nowhere.
        self.databases.forget(named)
        self.assertEqual(named.httprequest.environ[HEADER], "named")
        self.assertEqual(self.request().db, "shop")
        self.assertEqual(self.looked, 2)

    def test_hosts_are_limited(self):
        for number in range(MAX_HOSTS * 2):
            self.request(f"{number}.example.com")
        self.assertLessEqual(len(self.databases.known), MAX_HOSTS)

    def test_a_database_that_is_away_is_503_and_looked_for_anew(self):
        """It is ours that was named, not a stranger's: that would be 404."""
        self.databases = host_database.of_webhooks
        self.addCleanup(self.databases.known.pop, HOST, None)
        self.existing = "gone"
        self.request()
        request = self.request()
        self.assertEqual(self.looked, 1)
        try:
            raise http.RegistryError("unusable") from psycopg2.OperationalError()
        except http.RegistryError:
            self.assertEqual(hooks._serve_nodb(lambda: None, request).status_code, 503)
        self.request()
        self.assertEqual(self.looked, 2)
