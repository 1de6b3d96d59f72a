"""What is set up once for each process, when Odoo loads the addon.

Without a database Odoo knows no addon's routes and answers 404, which tells a PBX that
the address is wrong for good, and logs a recording's listener out. Both get 503,
"later", instead.
"""

import functools
import logging
import re
import sys

import psycopg2

from odoo import http
from odoo.sql_db import db_connect

from .models.tools.outage import later_response

MARK = "_cloud_pbx_outage"


def post_load():
    """Set up what concerns the whole process; may be called again and again."""
    _wrap(http.Request, "_serve_nodb", _serve_nodb)
    _wrap(http.Request, "_serve_db", _serve_db)
    logger = logging.getLogger("werkzeug")
    if not any(getattr(one, "name", "") == TokenMask.NAME for one in logger.filters):
        logger.addFilter(TokenMask(TokenMask.NAME))


# ---------------------------------------------------------- while the database is away


def _wrap(owner, name, wrapper):
    """Put ``wrapper(method, self)`` around a method, once."""
    method = getattr(owner, name)
    # ``functools.wraps`` hands the mark on to whoever wraps it after us.
    if hasattr(method, MARK):
        return

    @functools.wraps(method)
    def wrapped(self):
        return wrapper(method, self)

    setattr(wrapped, MARK, True)
    setattr(owner, name, wrapped)


def _serve_nodb(serve, request):
    if error := _database_error(request):
        response = later_response(request.httprequest.path, error)
        if response:
            return response
    return serve(request)


def _database_error(request):
    """Return why there is no database; ``None``: the address leads to none."""
    error = sys.exc_info()[1]
    if isinstance(error, http.RegistryError):
        return _cause(error)
    try:
        with db_connect("postgres").cursor():
            pass
    except psycopg2.Error as error:
        return error
    if request._get_session_and_dbname()[1]:
        # Back since Odoo looked for it: this address leads to a database now.
        return psycopg2.OperationalError("the database was away")
    return None


def _cause(error):
    cause = error.__cause__
    return cause if isinstance(cause, psycopg2.Error) else psycopg2.OperationalError()


def _serve_db(serve, request):
    """The connection may break before a route, with its own answer, is reached."""
    try:
        return serve(request)
    except psycopg2.Error as error:
        response = later_response(request.httprequest.path, error)
        if response and not hasattr(error, "error_response"):
            error.error_response = response
        raise


# ----------------------------------------------------------------------- the access log


class TokenMask(logging.Filter):
    """Keep webhook tokens out of the web server's access log."""

    NAME = "cloud_pbx"
    # All that follows the dialect, however the slashes are written, or are forgotten.
    PATH = re.compile(
        r"((?:/|%2f)pbx(?:/|%2f)(?:[a-z_]+(?:/|%2f))?)[^\s\"]+", re.IGNORECASE
    )

    def filter(self, record):
        if isinstance(record.args, tuple):
            record.args = tuple(
                self.PATH.sub(r"\1***", arg) if isinstance(arg, str) else arg
                for arg in record.args
            )
        return True
