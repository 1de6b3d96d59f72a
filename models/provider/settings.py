"""A provider's settings for the webhook: read once, then kept in memory."""

import dataclasses
import logging
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from odoo import api, fields, models, tools

from ...telephony import dialect as dialects

_logger = logging.getLogger(__name__)


class PbxSettings:
    """A provider's settings as plain values, for use without a query."""

    __slots__ = (
        "_account",
        "_former_until",
        "company_id",
        "company_ids",
        "countries",
        "dialect",
        "id",
        "is_running",
        "keep_log",
        "lookup_on_answer",
        "user_id",
    )

    def __init__(self, provider):
        self.id = provider.id
        self._account = provider._account()
        self._former_until = provider.former_secret_until or datetime.min
        company = provider.company_id
        self.company_id = company.id
        # A branch sees what its parents share with it, as Odoo's own rules say.
        self.company_ids = [int(part) for part in company.parent_path.split("/")[:-1]]
        # In which country national numbers are read where the contact says none.
        countries = (provider.country_id.code, company.country_id.code)
        self.countries = tuple(dict.fromkeys(filter(None, countries)))
        self.dialect = provider.dialect
        self.is_running = provider.is_running
        self.keep_log = provider.keep_log
        self.lookup_on_answer = provider.lookup_on_answer
        self.user_id = provider.user_id.id

    def __repr__(self):
        return f"PbxSettings({self.id})"

    @property
    def account(self):
        """The :class:`Account`; what is kept in memory outlives a former secret."""
        if self._account.former_secret and fields.Datetime.now() > self._former_until:
            return dataclasses.replace(self._account, former_secret="")
        return self._account


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    def _zone(self):
        """Return the zone in which this account tells its times."""
        if self.tz:
            try:
                return ZoneInfo(self.tz)
            except ZoneInfoNotFoundError:
                _logger.warning("Cloud PBX %s: no time zone data, UTC is used", self.id)
        try:
            return dialects.fixed_zone(self.utc_offset)
        except ValueError:
            _logger.warning("Cloud PBX %s: its offset cannot be read", self.id)
            return dialects.fixed_zone("")

    def _account(self):
        """Return what the dialect may know of this account. Holds secrets."""
        self.ensure_one()
        return dialects.Account(
            key=self.api_key or "",
            secret=self.api_secret or "",
            former_secret=self.former_secret or "",
            server_url=self.server_url or "",
            webhook_url=self.webhook_url or "",
            login=self.login or "",
            account=self.account or "",
            country=self.country_id.code or "",
            zone=self._zone(),
        )

    def _dialect(self):
        self.ensure_one()
        return dialects.get(self.dialect)

    @api.model
    @tools.ormcache("token")
    def _id_by_token(self, token):
        """Return the id of the provider that ``token`` names.

        :raises LookupError: no such token; unknown tokens are not remembered.
        """
        if not token or "\0" in token:  # PostgreSQL has no NUL in a text
            raise LookupError("no token")
        # sudo: the token is the proof of whom this is about; nothing leaves here.
        provider_sudo = (
            self.sudo()
            .with_context(active_test=False)
            .search([("webhook_token", "=", token)], limit=1)
        )
        if not provider_sudo:
            raise LookupError("unknown token")
        return provider_sudo.id

    @api.model
    @tools.ormcache("provider_id")
    def _settings(self, provider_id):
        """Return the :class:`PbxSettings`, without a query when they are known."""
        # sudo: secrets for the code that checks signatures; nobody is told them.
        return PbxSettings(self.sudo().browse(provider_id))
