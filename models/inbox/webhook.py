"""A request to a webhook: who is asking, is it proven, keep it, answer."""

import contextlib
import logging

from ...telephony import dialect as dialects
from ..tools import seldom

_logger = logging.getLogger(__name__)

# Longer ones are not even looked for.
MAX_TOKEN = 200
# The few words that a refused stranger gets.
REASONS = {
    400: "Bad request",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Unsupported media type",
}


def answer(env, dialect, token, request):
    """Return the reply to a request; commits what is answered with 200.

    :param env: the superuser's: a PBX has no user.
    :param str dialect: code of the dialect in the address.
    :param str token: the secret of the address.
    :param request: the :class:`~...telephony.dialect.Request`.
    :return: a :class:`~...telephony.dialect.Reply`.
    """
    settings = None
    try:
        settings = _settings(env, dialect, token)
        vendor = dialects.get(settings.dialect)
        if request.method in ("GET", "HEAD"):
            return vendor.handshake(request, settings.account)
        if request.method != "POST":
            raise dialects.Refused(405, "neither GET nor POST")
        if not settings.is_running:
            raise dialects.Refused(
                403, "inactive: archived, or nobody active is entered under “Run as”"
            )
        delivery = vendor.check(request, settings.account)
        return env["pbx.event"]._receive(settings, delivery)
    except dialects.Refused as refused:
        _log_refusal(settings and settings.id, refused)
        reason = REASONS.get(refused.status, "Refused")
        return dialects.Reply(status=refused.status, body=reason)


def _settings(env, dialect, token):
    """Return the settings of the provider whose address was called.

    :raises Refused: there is none.
    """
    providers, settings = env["pbx.provider"], None
    if len(token) <= MAX_TOKEN:
        with contextlib.suppress(LookupError):
            settings = providers._settings(providers._id_by_token(token))
    if settings is None or settings.dialect != dialect:
        raise dialects.Refused(404, "unknown token")
    return settings


def _log_refusal(provider_id, refused):
    """Log why a request was refused, without anything that it holds."""
    if seldom.is_due(("refused", provider_id, refused.status, refused.reason)):
        _logger.warning(
            "Event for cloud PBX %s refused (%s): %s",
            provider_id or "?",
            refused.status,
            refused.reason,
        )
