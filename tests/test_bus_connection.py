"""Waking the browsers' server: over one connection, whatever becomes of that."""

import select
import time
import uuid
from unittest.mock import patch

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tests import TransactionCase, tagged

from ..models.tools import bus_connection
from ..models.tools.bus_connection import KeptConnection, notify_over_kept_connection

# Until a message has come that was sent already.
PATIENCE_SECONDS = 20


@tagged("post_install", "-at_install")
class TestBusConnection(TransactionCase):
    def setUp(self):
        super().setUp()
        self.listener = self.connect()
        with self.listener.cursor() as cursor:
            cursor.execute("LISTEN imbus")
        self.kept = KeptConnection()
        self.addCleanup(self.kept._close)

    def connect(self):
        connection = psycopg2.connect(**connection_info_for("postgres")[1])
        connection.autocommit = True
        self.addCleanup(connection.close)
        return connection

    def notify(self):
        """Notify a channel that nobody else has; return the backend that did it."""
        name = uuid.uuid4().hex
        self.kept.notify([("database", name)])
        return self.await_message(f'"{name}"')

    def await_message(self, text):
        """Wait for the notification that holds ``text``; return who sent it."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            self.listener.poll()
            while self.listener.notifies:
                message = self.listener.notifies.pop(0)
                if text in message.payload:
                    return message.pid
            select.select([self.listener], [], [], 1)
        return self.fail(f"nothing came for {text}")

    def test_one_connection(self):
        self.assertEqual(self.notify(), self.notify())

    def test_restarted_database(self):
        first = self.notify()
        with self.listener.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first])
            while cursor.rowcount:
                cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [first])
        second = self.notify()
        self.assertNotEqual(second, first)
        self.assertEqual(self.notify(), second)

    def test_unused_for_long(self):
        """Where it was cut off, nobody may have been told."""
        first = self.notify()
        self.kept.used_at -= bus_connection.KEPT_SECONDS
        self.assertNotEqual(self.notify(), first)

    def test_of_another_process(self):
        """A process that was begun from this one leaves its connection alone."""
        first, connection = self.notify(), self.kept.connection
        self.kept.pid -= 1
        self.assertNotEqual(self.notify(), first)
        self.assertFalse(connection.closed)
        connection.close()

    def test_no_database(self):
        """Who sent the messages learns of it, as by Odoo's own way."""
        nowhere = {"host": "127.0.0.1", "port": 1, "dbname": "postgres"}
        where = patch.object(
            bus_connection, "connection_info_for", lambda _name: ("postgres", nowhere)
        )
        with where, self.assertRaises(psycopg2.OperationalError):
            self.kept.notify([("database", "x")])
        self.notify()

    def test_messages_of_a_transaction(self):
        """Odoo's bus collects them, and opens no connection of its own."""
        cr, partner = self.env.cr, self.env.user.partner_id
        with (
            patch.object(bus_connection, "_kept", self.kept),
            patch("odoo.sql_db.db_connect", self.fail),
        ):
            notify_over_kept_connection(cr)
            notify_over_kept_connection(cr)
            partner._bus_send("cloud_pbx.test", {})
            cr.postcommit.run()
        sender = self.await_message(f'"res.partner",{partner.id}]')
        self.assertEqual(sender, self.kept.connection.info.backend_pid)

    def test_messages_before(self):
        """Where somebody else has sent one, it is Odoo's own way for all of them."""
        cr, partner = self.env.cr, self.env.user.partner_id
        with patch.object(bus_connection, "_kept", None):
            partner._bus_send("cloud_pbx.test", {})
            notify_over_kept_connection(cr)
            cr.postcommit.run()
        self.await_message(f'"res.partner",{partner.id}]')
