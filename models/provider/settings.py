"""A provider's settings for the webhook: read once, then kept in memory."""

import dataclasses
from datetime import datetime

from odoo import fields


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
