"""Asking the PBX: every question is counted, noted, and its failure explained."""

import dataclasses
import logging
import time

from ...telephony import dialect as dialects
from ...telephony import errors
from .pbx_rate import limits_of

_logger = logging.getLogger(__name__)


class CountedWire(dialects.Wire):
    """Counts questions in the database, for all workers, and keeps a log of them.

    :param provider: the record, with sudo.
    :param bool urgent: a person waits: the reserve of the limit may be used.
    """

    def __init__(self, provider, urgent):
        self.provider = provider
        self.urgent = urgent
        # Whether anything answered at all.
        self.has_answered = False

    def may_ask(self, bucket):
        provider = self.provider
        # A copy of a database, whose keys were removed, never speaks to the PBX.
        if missing := provider._missing_fields():
            raise errors.NotEntered(provider._missing_sentence(missing))
        limits = limits_of(
            bucket, provider.general_limit, provider.statistics_limit, self.urgent
        )
        dialect = provider._dialect()
        # Nothing is locked while it waits.
        time.sleep(
            provider.env["pbx.rate"]._count(
                provider.id, limits, dialect.rate_window_seconds, dialect.burst
            )
        )

    def was_asked(self, exchange):
        provider, error = self.provider, exchange.error
        self.has_answered = self.has_answered or bool(exchange.status)
        if isinstance(error, errors.RateLimited):
            provider.env["pbx.rate"]._block(
                provider.id, exchange.bucket, error.retry_after
            )
        try:
            provider.env["pbx.request"]._note(provider, exchange)
        except Exception as failed:  # noqa: BLE001
            # It has a transaction of its own; the answer is worth more than its line in
            # the log. The text may hold what was answered.
            _logger.error(
                "Cloud PBX %s: a question could not be noted: %s",
                provider.id,
                type(failed).__name__,
            )


def open_api(provider, urgent=False):
    """Return ``(dialect, account)`` to ask a PBX with.

    What is asked with this account passes the limits that all workers share, and is
    logged. It raises ``errors.PbxError`` or ``dialect.NotOffered``, and repeats
    nothing. For a limit it never waits, but for a moment where a PBX does not take many
    questions at once.

    :param bool urgent: a person waits for it.
    """
    # sudo: the keys are used, not shown; limits and log are the system's.
    provider_sudo = provider.sudo()
    account = dataclasses.replace(
        provider_sudo._account(), wire=CountedWire(provider_sudo, urgent)
    )
    return provider_sudo._dialect(), account


def explain(env, dialect, error):
    """Return what happened, and what to do, for a failed question to the PBX.

    :param dialect: of the PBX.
    :param error: a ``PbxError`` or ``NotOffered``.
    """
    name, detail = dialect.label, getattr(error, "detail", "")
    if not env.user.has_group("base.group_system"):
        if advice := _advice_for_agents(env, name, error):
            return advice
    if isinstance(error, errors.NotEntered):
        return detail
    if advice := dialect.advice.get(getattr(error, "code", "")):
        return env._(advice, detail=detail)
    if isinstance(error, dialects.NotOffered):
        return env._("%s does not offer that.", name)
    if isinstance(error, errors.WrongKey):
        return env._(
            "%s does not accept the key or the secret. Copy both anew from the "
            "page of the API in your account there.",
            name,
        )
    if isinstance(error, errors.AddressNotAllowed):
        return env._(
            "%(pbx)s does not let this server in: the key is allowed from other "
            "addresses only. Add the address of this server to the key there. "
            "(%(detail)s)",
            pbx=name,
            detail=detail,
        )
    if isinstance(error, errors.RateLimited):
        return env._(
            "%(pbx)s was asked as often as it allows. Wait %(seconds)s seconds, "
            "then try again.",
            pbx=name,
            seconds=error.retry_after,
        )
    if isinstance(error, errors.NoMoney):
        return env._("There is no money left on the account at %s.", name)
    if isinstance(error, errors.NoPhone):
        return env._(
            "%(pbx)s cannot ring this phone (%(detail)s). Check that it is connected, "
            "and that its internal number is right.",
            pbx=name,
            detail=detail,
        )
    if isinstance(error, errors.NotFound):
        return env._("%(pbx)s does not have it: %(detail)s", pbx=name, detail=detail)
    if isinstance(error, errors.BadParameter):
        return env._("%(pbx)s refused it: %(detail)s", pbx=name, detail=detail)
    if isinstance(error, errors.BadAnswer):
        return env._(
            "What answered at the address of %(pbx)s is not its API (%(detail)s). "
            "Check the provider's server address.",
            pbx=name,
            detail=detail,
        )
    if isinstance(error, errors.SamePage):
        return env._(
            "%s gives the same page of past calls again and again, so that those after "
            "it cannot be read. Ask for a shorter period.",
            name,
        )
    if isinstance(error, errors.Unreachable):
        return env._(
            "%(pbx)s cannot be reached (%(detail)s). If it stays so, check the "
            "provider's server address and whether this server may go out to the "
            "internet.",
            pbx=name,
            detail=detail,
        )
    return env._("%(pbx)s: %(detail)s", pbx=name, detail=detail)


def _advice_for_agents(env, name, error):
    """Return the same for people who cannot open the settings, ``""`` if it is the
    same for all."""
    if isinstance(error, errors.WrongKey):
        return env._("%s does not accept Odoo's key: tell the administrator.", name)
    if isinstance(error, errors.AddressNotAllowed):
        return env._("%s does not let Odoo in: tell the administrator.", name)
    if isinstance(error, errors.NoMoney):
        return env._(
            "There is no money left on the account at %s: tell the administrator.", name
        )
    if isinstance(error, errors.NoPhone):
        return env._(
            "%s cannot ring your phone. Check that it is switched on and connected. If "
            "it stays so, tell the administrator.",
            name,
        )
    if isinstance(error, errors.BadAnswer | errors.Unreachable):
        return env._(
            "%s cannot be reached. If it stays so, tell the administrator.", name
        )
    return ""
