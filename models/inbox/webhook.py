"""A request to a webhook: who is asking, is it proven, keep it, answer."""

import contextlib
import dataclasses
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
        delivery = _check(env, settings, vendor, request)
        return env["pbx.event"]._receive(settings, delivery)
    except dialects.Refused as refused:
        _log_refusal(settings and settings.id, refused)
        if settings and settings.is_running and refused.status == 403:
            _note_unproven(env, settings.id)
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


def _check(env, settings, vendor, request):
    """Return the proven delivery of a request.

    What this worker keeps in memory may be older than what was subscribed just now: a
    transaction that began before may have read it after the others were told. So what
    is not known is looked for once more.

    :raises Refused: it is not proven, or cannot be read.
    """
    try:
        return vendor.check(request, settings.account)
    except dialects.Refused as refused:
        if refused.status != 403 or not vendor.subscribes:
            raise
        stored = env["pbx.subscription"]._read_now(settings)
        memory = stored["details"] if stored else {}
        expecting_until = stored["expecting_until"] if stored else None
        known = (settings.account.memory, settings.account.expecting_until)
        if known == (memory, expecting_until):
            raise
        env.registry.clear_cache()
        account = dataclasses.replace(
            settings.account, memory=memory, expecting_until=expecting_until
        )
        return vendor.check(request, account)


def _note_unproven(env, provider_id):
    """Let the form say that an event came to the right address without its proof."""
    if seldom.is_due(("unproven", provider_id)):
        env["pbx.replay"]._note_unproven(provider_id)


def _log_refusal(provider_id, refused):
    """Log why a request was refused, without anything that it holds."""
    if seldom.is_due(("refused", provider_id, refused.status, refused.reason)):
        _logger.warning(
            "Event for cloud PBX %s refused (%s): %s",
            provider_id or "?",
            refused.status,
            refused.reason,
        )
