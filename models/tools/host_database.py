"""Which database a webhook's host leads to, kept in memory for a minute.

For a request without a session Odoo lists all databases, over a connection to
``postgres`` that it opens and closes each time: PostgreSQL starts a process for it,
which takes nearly as long as all statements of an event. A browser's session names its
database instead, and so does a header. A PBX has neither.
"""

import time

KEPT_SECONDS = 60
# Where any host leads to the database, strangers may send as many as they like.
MAX_HOSTS = 100
# The header by which a client names the database, as Odoo reads it.
HEADER = "HTTP_X_ODOO_DATABASE"
MARK = "cloud_pbx.database"


class HostDatabases:
    """What Odoo found for each host, in the memory of one process."""

    def __init__(self):
        self.known = {}

    def find(self, init, request):
        """Have Odoo find the database of ``request``, or use what it found before.

        Odoo checks it by ``dbfilter`` in both cases. Who has a session, or names a
        database, is left to Odoo.

        :param init: Odoo's own look-up, to be called once.
        """
        environ = request.httprequest.environ
        if environ.get("HTTP_COOKIE") or environ.get(HEADER):
            return init()
        host, now = environ["HTTP_HOST"], time.monotonic()
        name, until = self.known.get(host, ("", now))
        if now < until:
            environ[HEADER] = environ[MARK] = name
            return init()
        result = init()
        if request.db:
            if len(self.known) >= MAX_HOSTS:
                self.known.clear()
            self.known[host] = request.db, now + KEPT_SECONDS
        return result

    def forget(self, request):
        """What was used for ``request`` leads nowhere: Odoo looks for it anew."""
        environ = request.httprequest.environ
        if environ.pop(MARK, None):
            del environ[HEADER]
            self.known.pop(environ["HTTP_HOST"], None)


of_webhooks = HostDatabases()
