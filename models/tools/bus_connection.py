"""Waking the browsers' server over a connection that is kept.

Odoo's bus opens a connection to the database ``postgres`` whenever a transaction with
messages has been committed, and closes it again. For each, PostgreSQL starts a process:
that takes longer than any statement of an event, while the PBX waits.
"""

import os
import threading
import time

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tools import SQL
from odoo.tools.misc import OrderedSet

from odoo.addons.bus.models.bus import ODOO_NOTIFY_FUNCTION, get_notify_payloads

# Where Odoo's bus collects the channels of a transaction's messages.
CHANNELS = "bus.bus.channels"
# Unused for so long, it may have been cut off on its way without anybody being told.
KEPT_SECONDS = 60


def notify_over_kept_connection(cr):
    """Have the channels of this transaction's messages notified after its commit.

    To be called before the first message. Where one was sent already, Odoo's own way
    is taken.
    """
    data = cr.postcommit.data
    if CHANNELS not in data:
        data[CHANNELS] = OrderedSet()
        cr.postcommit.add(lambda: _kept.notify(list(data.pop(CHANNELS))))


class KeptConnection:
    """One connection to the database ``postgres`` for each process of Odoo."""

    def __init__(self):
        self.lock = threading.Lock()
        self.connection, self.pid, self.used_at = None, None, 0.0

    def notify(self, channels):
        """Notify those who listen to these channels.

        :raises psycopg2.Error: the database cannot be reached.
        """
        payloads = get_notify_payloads(channels)
        with self.lock:
            is_kept = self._is_usable()
            try:
                self._send(payloads)
            except psycopg2.Error:
                # The database was restarted meanwhile, perhaps.
                self._close()
                if not is_kept:
                    raise
                self._send(payloads)

    def _is_usable(self):
        return (
            self.connection is not None
            and not self.connection.closed
            # Another process must neither use nor close it.
            and self.pid == os.getpid()
            and time.monotonic() - self.used_at < KEPT_SECONDS
        )

    def _send(self, payloads):
        if not self._is_usable():
            self._close()
            _database, info = connection_info_for("postgres")
            self.connection, self.pid = psycopg2.connect(**info), os.getpid()
            self.connection.autocommit = True
        self.used_at = time.monotonic()
        with self.connection.cursor() as cursor:
            for payload in payloads:
                query = SQL(
                    "SELECT %s('imbus', %s)",
                    SQL.identifier(ODOO_NOTIFY_FUNCTION),
                    payload,
                )
                cursor.execute(query.code, query.params)

    def _close(self):
        if self.connection is not None and self.pid == os.getpid():
            self.connection.close()
        self.connection = None


_kept = KeptConnection()
