"""What an administrator should put right in the settings."""

import ipaddress
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from odoo import api, fields, models

from ...telephony import dialect as dialects


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    hint = fields.Text(compute="_compute_hint", groups="base.group_system")

    @api.depends(
        "user_id.active",
        "tz",
        "utc_offset",
        "country_id",
        "notify_answer",
        "url_changed",
        "api_secret",
        "external_url",
        "keys_changed",
        "events_changed",
        "balance",
        "balance_threshold",
    )
    def _compute_hint(self):
        for provider in self:
            provider.hint = "\n".join(provider._hints())

    def _hints(self):
        """Return what an administrator should put right, most urgent first."""
        self.ensure_one()
        hints = []
        if not self.is_running:
            hints.append(
                self.env._(
                    "Inactive: nobody active is entered under “Run as”, so events are "
                    "refused."
                )
            )
        if not self.api_secret:
            hints.append(
                self.env._(
                    "No key for the signature yet: without it no event can be trusted, "
                    "and all are refused."
                )
            )
        if not self.notify_answer:
            hints.append(
                self.env._(
                    "The notification of answers is off. Without it nobody knows who "
                    "speaks, and the talk is not shown before it ends."
                )
            )
        if not self.tz and not self.utc_offset:
            hints.append(
                self.env._(
                    "No time zone is chosen: the times of calls are read as UTC."
                )
            )
        elif self.tz and self.utc_offset and not self._offset_agrees():
            hints.append(
                self.env._(
                    "The PBX says its clock is at %(offset)s; the time zone %(zone)s "
                    "is at another offset today.",
                    offset=self.utc_offset,
                    zone=self.tz,
                )
            )
        if not self.country_id:
            hints.append(
                self.env._(
                    "No country is chosen: numbers that were typed without a country "
                    "code may not be recognised."
                )
            )
        if self.url_changed:
            hints.append(
                self.env._(
                    "The webhook address has changed since it was last known to work. "
                    "The PBX still sends to the old one: press “Connect”."
                )
            )
        if self._is_inside(self.webhook_url) and not self._is_inside(self.server_url):
            hints.append(
                self.env._(
                    "The webhook address lies inside your own network. A PBX on the "
                    "internet cannot reach it: enter an external address."
                )
            )
        elif urlsplit(self.webhook_url or "").scheme == "http" and not self._is_inside(
            self.webhook_url
        ):
            hints.append(
                self.env._(
                    "The webhook address is plain HTTP: who called whom can be read "
                    "on the way. HTTPS is better."
                )
            )
        if self.keys_changed:
            hints.append(
                self.env._(
                    "The keys changed: press “Connect”. What the PBX still sends with "
                    "the old ones is taken for a day."
                )
            )
        if self.events_changed:
            hints.append(
                self.env._(
                    "Other events are ticked than the PBX sends: press “Connect”."
                )
            )
        low = self._low_balance()
        if low:
            hints.append(low)
        return hints

    @staticmethod
    def _is_inside(address):
        """Tell whether ``address`` cannot be reached from the internet."""
        host = urlsplit(address or "").hostname or ""
        try:
            return not ipaddress.ip_address(host).is_global
        except ValueError:
            return host == "localhost" or host.endswith((".local", ".lan", ".internal"))

    def _offset_agrees(self):
        try:
            told = dialects.fixed_zone(self.utc_offset).utcoffset(None)
        except ValueError:
            return True
        return fields.Datetime.now().astimezone(ZoneInfo(self.tz)).utcoffset() == told
