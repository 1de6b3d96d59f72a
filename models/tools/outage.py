"""What is answered while the database is away or fails."""

import re

import psycopg2
import psycopg2.pool

from odoo.http import Response

RECORDING = re.compile(r"/pbx/recording(/|$)")
# /pbx/<dialect>/<token>, however it ends; no dialect is called “recording”.
WEBHOOK = re.compile(r"/pbx/(?!recording(/|$))")
# The database is away, ends our connection, or has none left.
AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.pool.PoolError)
RETRY_AFTER_SECONDS = 30


class Busy(psycopg2.OperationalError):
    """Somebody holds the inbox.

    Odoo does not try again, which would keep a worker for half a minute: the PBX does.
    """


def is_ours(path):
    """Tell whether a request is for one of our two addresses."""
    return bool(WEBHOOK.match(path) or RECORDING.match(path))


def later_response(path, error):
    """Return the answer 503 to a request of ours that the database failed.

    A PBX that gets 404 or 500 may give the address up, whatever the error is; a
    recording's listener gets a text to read where waiting helps.

    :param str path: of the request.
    :param error: the database's.
    :return: a response, or ``None``: Odoo's own answer is right.
    """
    if not isinstance(error, psycopg2.Error):
        return None
    if WEBHOOK.match(path):
        text = "The inbox cannot be written. Try again later."
    elif RECORDING.match(path) and isinstance(error, AWAY):
        text = "The recording cannot be read at the moment. Try again later."
    else:
        return None
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"}
    return Response(text, 503, headers=headers, mimetype="text/plain")
