"""The answer to a PBX while the database is away.

Without a database Odoo knows no addon's routes and answers 404, which tells a PBX that
the address is wrong for good. It is told 503, "later", instead.
"""

import functools
import sys

import psycopg2

from odoo import http
from odoo.sql_db import db_connect

from ..models.ir_http import WEBHOOK_PREFIX


def _database_is_away(request):
    if isinstance(sys.exc_info()[1], http.RegistryError):
        return True
    try:
        with db_connect("postgres").cursor():
            pass
    except psycopg2.Error:
        return True
    # Back since Odoo looked for it, if this address leads to a database now.
    return bool(request._get_session_and_dbname()[1])


def _serve_later(serve):
    @functools.wraps(serve)
    def wrapped(self):
        if self.httprequest.path.startswith(WEBHOOK_PREFIX) and _database_is_away(self):
            return http.Response("Try again later.", 503, mimetype="text/plain")
        return serve(self)

    return wrapped


def _serve_or_later(serve):
    """The connection may break before a route, with its own answer, is reached."""

    @functools.wraps(serve)
    def wrapped(self):
        try:
            return serve(self)
        except psycopg2.Error as error:
            is_ours = self.httprequest.path.startswith(WEBHOOK_PREFIX)
            if is_ours and not hasattr(error, "error_response"):
                error.error_response = http.Response(
                    "Try again later.", 503, mimetype="text/plain"
                )
            raise

    return wrapped


http.Request._serve_nodb = _serve_later(http.Request._serve_nodb)
http.Request._serve_db = _serve_or_later(http.Request._serve_db)
