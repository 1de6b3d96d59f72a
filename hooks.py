"""What is set up once for each process, and what is removed with the addon.

Without a database Odoo knows no addon's routes and answers 404, which tells a PBX that
the address is wrong for good, and logs a recording's listener out. Both get 503,
"later", instead. And a webhook's body is read before a connection to the database is
taken: senders who take their time keep none from others.
"""

import functools
import logging
import re
import sys

import psycopg2
from werkzeug.exceptions import BadRequest

from odoo import http
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect
from odoo.tools import SQL, config

from .models.figures.report import HEADERS as REPORT_HEADERS
from .models.tools import host_database, outage, seldom
from .models.tools.outage import later_response
from .telephony.http.forms import MAX_BODY_BYTES

_logger = logging.getLogger(__name__)

OUR_NAME = "cloud_pbx"
MARK = "_cloud_pbx_outage"


def post_load():
    """Set up what concerns the whole process; may be called again and again."""
    _wrap(http.Request, "_post_init", _post_init)
    _wrap(http.Request, "_serve_nodb", _serve_nodb)
    _wrap(http.Request, "_serve_db", _serve_db)
    logger = logging.getLogger("werkzeug")
    if not any(getattr(one, "name", "") == TokenMask.NAME for one in logger.filters):
        logger.addFilter(TokenMask(TokenMask.NAME))


# --------------------------------------------------------------- removing the addon

# What people made of our models and Odoo leaves behind, by the field that names them.
LEFT_BEHIND = (
    ("ir.filters", "model_id"),
    ("ir.exports", "resource"),
    ("ir.embedded.actions", "parent_res_model"),
    ("ir.actions.act_window", "res_model"),
    ("mail.message.subtype", "res_model"),
)
# Of Odoo's own fields that we look up; whoever else wants one makes it anew.
LEFT_INDEXES = (
    "res_partner__phone_sanitized_index",
    "res_partner_pbx_user_idx",
    "res_partner_pbx_names_idx",
)


def uninstall_hook(env):
    """Remove what Odoo's own removal of an addon would leave; called before it."""
    ours = [
        name
        for name, model in env.registry.items()
        if model._original_module == OUR_NAME
    ]
    for model, field in LEFT_BEHIND:
        env[model].with_context(active_test=False).search(
            [(field, "in", ours)]
        ).unlink()
    names = tuple(ours)
    # With their chatter; what runs jobs goes with the jobs.
    actions = [("model_id.model", "in", ours), ("usage", "=", "ir_actions_server")]
    env["ir.actions.server"].search(actions).unlink()
    # Other addons extend what all our models inherit, and name that theirs.
    env.cr.execute(
        """DELETE FROM ir_model_data
            WHERE module != %(addon)s
              AND (model = 'ir.model.inherit'
                   AND res_id IN (SELECT inherited.id
                                    FROM ir_model_inherit inherited
                                    JOIN ir_model ON ir_model.id = inherited.model_id
                                   WHERE ir_model.model IN %(models)s)
                   OR model = 'ir.model.fields.selection'
                   AND res_id IN (SELECT selection.id
                                    FROM ir_model_fields_selection selection
                                    JOIN ir_model_fields field
                                      ON field.id = selection.field_id
                                   WHERE field.model IN %(models)s))""",
        {"addon": OUR_NAME, "models": names},
    )
    # Foreign keys go with their columns, and stay in Odoo's list.
    env.cr.execute(
        """DELETE FROM ir_model_constraint
            WHERE type = 'f'
              AND module = (SELECT id FROM ir_module_module WHERE name = %s)""",
        [OUR_NAME],
    )
    for index in LEFT_INDEXES:
        env.cr.execute(SQL("DROP INDEX IF EXISTS %s", SQL.identifier(index)))
    # What Odoo removes now has browsers told of it, once more and last, as it ends.
    env.cr.postcommit.add(functools.partial(_remove_messages, env.cr.dbname))
    # Reports that wait to be sent.
    env["mail.mail"].search([("headers", "=", str(REPORT_HEADERS))]).unlink()


def _remove_messages(database):
    """Remove what browsers that come back would still be told."""
    with db_connect(database).cursor() as cr:
        cr.execute(
            "DELETE FROM bus_bus WHERE message::jsonb->>'type' LIKE %s",
            [f"{OUR_NAME}.%"],
        )


# ---------------------------------------------------------- while the database is away


def _wrap(owner, name, wrapper):
    """Put ``wrapper(method, self)`` around a method, once; ``method()`` calls it."""
    method = getattr(owner, name)
    # ``functools.wraps`` hands the mark on to whoever wraps it after us.
    if hasattr(method, MARK):
        return

    @functools.wraps(method)
    def wrapped(self):
        return wrapper(functools.partial(method, self), self)

    setattr(wrapped, MARK, True)
    setattr(owner, name, wrapped)


def _post_init(init, request):
    """Odoo finds out which database this is about: by the host, and by asking."""
    path = request.httprequest.path
    if not outage.is_ours(path):
        return init()
    if not request.httprequest.environ.get("HTTP_HOST"):
        raise BadRequest("no host")
    try:
        if outage.WEBHOOK.match(path):
            return host_database.of_webhooks.find(init, request)
        return init()
    except psycopg2.Error as error:
        response = later_response(path, error)
        if response:
            error.error_response, error.loglevel = response, logging.WARNING
        raise


def _serve_nodb(serve, request):
    path = request.httprequest.path
    host_database.of_webhooks.forget(request)
    if outage.is_ours(path) and (error := _database_error(request)):
        response = later_response(path, error)
        if response:
            return response
    return serve()


def _database_error(request):
    """Return why there is no database; ``None``: the address leads to none."""
    error = sys.exc_info()[1]
    host = request.httprequest.environ.get("HTTP_HOST", "")
    try:
        with db_connect("postgres").cursor():
            pass
    except psycopg2.Error as away:
        return away
    existing = http.db_list(force=True, host=host)
    if isinstance(error, http.RegistryError):
        named = request.httprequest.headers.get("X-Odoo-Database")
        if named and named not in existing:
            return None  # a stranger may name any
        return _cause(error)
    if request._get_session_and_dbname()[1]:
        # Back since Odoo looked for it: this address leads to a database now.
        return psycopg2.OperationalError("the database was away")
    if not existing and http.db_filter(_known_databases(), host):
        return psycopg2.OperationalError("the database is missing")
    return None


def _known_databases():
    """Return the databases that this server is for, whether they exist or not.

    Those that the configuration names, and those that this process has served: one of
    them that is missing is being restored, or was renamed by mistake. Waiting helps; an
    address that leads to no database at all is not among them.
    """
    names = {*(config["db_name"] or ()), *Registry.registries}
    # A filter may be a name, with nothing of a pattern.
    if plain := re.fullmatch(r"\^?([\w-]+)(?:\$|\\Z)?", config["dbfilter"] or ""):
        names.add(plain[1])
    return sorted(names)


def _cause(error):
    cause = error.__cause__
    return cause if isinstance(cause, psycopg2.Error) else psycopg2.OperationalError()


def _serve_db(serve, request):
    """The connection may break before a route, with its own answer, is reached."""
    path = request.httprequest.path
    if outage.WEBHOOK.match(path) and request.httprequest.method == "POST":
        _read_body(request.httprequest)
    try:
        return serve()
    except psycopg2.Error as error:
        response = later_response(path, error)
        if not response:
            raise
        if seldom.is_due(("later", response.get_data(), type(error))):
            # The error's own text may hold what the event does.
            text = response.get_data(as_text=True).partition(".")[0]
            _logger.error("%s: %s", text, type(error).__name__)
        return response


def _read_body(httprequest):
    """Have the body in memory; it is bounded, and may come slowly.

    :raises HTTPException: too large, cut off, or no body at all.
    """
    httprequest.max_content_length = MAX_BODY_BYTES
    try:
        httprequest.get_data(cache=True, parse_form_data=False)
    except OSError as error:
        raise BadRequest("the body cannot be read") from error


# ----------------------------------------------------------------------- the access log


class TokenMask(logging.Filter):
    """Keep webhook tokens out of the web server's access log."""

    NAME = "cloud_pbx"
    # All that follows the dialect, however the slashes are written, or are forgotten.
    PATH = re.compile(
        r"((?:/|%2f)pbx[a-z_]*(?:/|%2f)(?:[a-z_]+(?:/|%2f))?)[^\s\"]+", re.IGNORECASE
    )

    def filter(self, record):
        if isinstance(record.args, tuple):
            record.args = tuple(
                self.PATH.sub(r"\1***", arg) if isinstance(arg, str) else arg
                for arg in record.args
            )
        return True
