import logging
import re
import time

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..telephony import dialect as dialects

_logger = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
# A stranger must not be able to fill the log: one line a minute per kind of refusal.
LOG_PAUSE = 60
_last_logged = {}


class _TokenMask(logging.Filter):
    """Keep webhook tokens out of the web server's access log."""

    # All that follows the dialect, however the slashes are written, or are forgotten.
    _path = re.compile(
        r"((?:/|%2f)pbx(?:/|%2f)(?:[a-z_]+(?:/|%2f))?)[^\s\"]+", re.IGNORECASE
    )

    def filter(self, record):
        if isinstance(record.args, tuple):
            record.args = tuple(
                self._path.sub(r"\1***", arg) if isinstance(arg, str) else arg
                for arg in record.args
            )
        return True


logging.getLogger("werkzeug").addFilter(_TokenMask())


def _log_refusal(dialect, provider_id, status, reason):
    """Write why an event was refused, without anything it holds."""
    key = (dialect, provider_id, status, reason)
    now = time.monotonic()
    if now - _last_logged.get(key, -LOG_PAUSE) < LOG_PAUSE:
        return
    if len(_last_logged) > 1000:
        _last_logged.clear()
    _last_logged[key] = now
    _logger.warning(
        "Event for cloud PBX %s refused (%s): %s", provider_id or "?", status, reason
    )


def _response(reply):
    return request.make_response(
        reply.body, [("Content-Type", reply.content_type)], status=reply.status
    )


class Webhook(http.Controller):
    """Where a PBX reaches us: who is asking, is it proven, keep it, answer."""

    @http.route(
        "/pbx/<string:dialect>/<string:token>",
        type="http",
        auth="none",
        methods=["GET", "POST"],
        csrf=False,
        # Odoo takes routes without a user for readers, and serves them from a replica.
        readonly=False,
        save_session=False,
        max_content_length=MAX_BODY,
        pbx_webhook=True,
    )
    def webhook(self, dialect, token, **_form):
        env = request.env(user=SUPERUSER_ID, su=True)
        settings = None
        try:
            settings = self._settings(env, dialect, token)
            return _response(self._serve(env, settings))
        except dialects.Refused as refused:
            provider_id = settings.id if settings else None
            _log_refusal(dialect, provider_id, refused.status, refused.reason)
            return _response(
                dialects.Reply(status=refused.status, body=http_reason(refused.status))
            )

    def _settings(self, env, dialect, token):
        providers = env["pbx.provider"]
        try:
            settings = providers._settings(providers._id_by_token(token))
        except LookupError:
            settings = None
        if settings is None or settings.dialect != dialect:
            raise dialects.Refused(404, "unknown token")
        return settings

    def _serve(self, env, settings):
        vendor = dialects.get(settings.dialect)
        web = request.httprequest
        asked = dialects.Request(
            method=web.method,
            headers={name.lower(): value for name, value in web.headers.items()},
            query=web.args.to_dict(),
            body=web.get_data() if web.method == "POST" else b"",
        )
        if web.method != "POST":
            return vendor.handshake(asked, settings.account)
        if not settings.is_running:
            raise dialects.Refused(
                403, "inactive: archived, or nobody active is entered under “Run as”"
            )
        delivery = vendor.check(asked, settings.account)
        return env["pbx.event"]._receive(settings, delivery)


def http_reason(status):
    """Return the few words a refused stranger is told."""
    return {
        400: "Bad request",
        403: "Forbidden",
        404: "Not found",
        413: "Too large",
        415: "Unsupported media type",
    }.get(status, "Refused")
