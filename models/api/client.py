"""ConnectRun the PBX: every question is counted, noted, and its failure explained."""

import dataclasses
import logging

from odoo import api, fields, models
from odoo.exceptions import ValidationError

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
        # Whether there is anybody at all.
        self.has_answered = False

    def may_ask(self, bucket):
        provider = self.provider
        limits = limits_of(
            bucket, provider.general_limit, provider.statistics_limit, self.urgent
        )
        provider.env["pbx.rate"]._count(provider.id, limits)

    def was_asked(self, exchange):
        provider, error = self.provider, exchange.error
        self.has_answered = self.has_answered or bool(exchange.status)
        if isinstance(error, errors.RateLimited):
            provider.env["pbx.rate"]._block(
                provider.id, exchange.bucket, error.retry_after
            )
        provider.env["pbx.request"]._note(provider, exchange)


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    general_limit = fields.Integer(
        string="Requests per minute",
        default=100,
        groups="base.group_system",
        help="How often the PBX may be asked, by all of this Odoo together.",
    )
    statistics_limit = fields.Integer(
        string="Statistics requests per minute",
        default=3,
        groups="base.group_system",
        help="How often it may be asked for past calls. Zadarma allows three.",
    )
    request_ids = fields.One2many(
        "pbx.request", "provider_id", groups="base.group_system"
    )
    last_api_error = fields.Text(
        string="Last error of the API",
        compute="_compute_last_api_error",
        groups="base.group_system",
        help="What the PBX answered last, if that was an error.",
    )
    last_api_error_at = fields.Datetime(
        compute="_compute_last_api_error", groups="base.group_system"
    )

    @api.constrains("general_limit", "statistics_limit")
    def _check_limits(self):
        for provider in self:
            if provider.general_limit < 1 or provider.statistics_limit < 1:
                raise ValidationError(
                    self.env._("A PBX has to be asked once a minute at least.")
                )

    def _compute_last_api_error(self):
        for provider in self:
            failed = self.env["pbx.request"].search(
                [
                    ("provider_id", "=", provider._origin.id),
                    ("error_code", "!=", False),
                    # A recording that is not ready yet is no trouble.
                    ("error_code", "!=", "not_found"),
                ],
                limit=1,
            )
            provider.last_api_error = failed.error
            provider.last_api_error_at = failed.at

    def _open_api(self, urgent=False):
        """Return ``(dialect, account)`` to ask this PBX with.

        What is asked with this account passes the limits that all workers share, and is
        noted. It raises ``errors.PbxError`` or ``dialect.NotOffered``, never waits for
        a limit, and repeats nothing.

        :param bool urgent: a person waits for it.
        """
        self.ensure_one()
        # sudo: the keys are used, not shown; limits and log are the system's.
        provider_sudo = self.sudo()
        account = dataclasses.replace(
            provider_sudo._account(), wire=CountedWire(provider_sudo, urgent)
        )
        return provider_sudo._dialect(), account

    def _explain(self, error):
        """Return what happened, and what to do, for a failed question to the PBX.

        :param error: a ``PbxError`` or ``NotOffered``.
        """
        self.ensure_one()
        said = getattr(error, "detail", "")
        env, name = self.env, self._dialect().label
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
                "(%(said)s)",
                pbx=name,
                said=said,
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
        if isinstance(error, errors.NotFound):
            return env._("%(pbx)s does not have it: %(said)s", pbx=name, said=said)
        if isinstance(error, errors.BadParameter):
            return env._("%(pbx)s refused it: %(said)s", pbx=name, said=said)
        if isinstance(error, errors.BadAnswer):
            return env._(
                "What answered at the address of %(pbx)s is not its API (%(said)s). "
                "Check the provider's server address.",
                pbx=name,
                said=said,
            )
        if isinstance(error, errors.Unreachable):
            return env._(
                "%(pbx)s cannot be reached (%(said)s). If it stays so, check the "
                "provider's server address and whether this server may go out to the "
                "internet.",
                pbx=name,
                said=said,
            )
        return env._("%(pbx)s: %(said)s", pbx=name, said=said)
