"""Disconnect: the PBX sends its events where it did before, or nowhere."""

import dataclasses
from urllib.parse import urlsplit

from odoo import models
from odoo.exceptions import UserError

from ...telephony import dialect as dialects
from ...telephony import errors


class PbxProvider(models.Model):
    _inherit = "pbx.provider"

    def action_disconnect(self):
        """Make the PBX forget our address; give the one from before back, if any."""
        self.ensure_one()
        self.check_access("write")
        provider_sudo = self.sudo()  # the right to was asked for; the rows are ours
        former = provider_sudo.former_url_ids[:1]
        dialect, account = provider_sudo._open_api(urgent=True)
        try:
            ours = provider_sudo._is_ours(dialect.fetch_setup(account).url)
            if ours and former:
                dialect.connect(dataclasses.replace(account, webhook_url=former.url))
            elif ours:
                dialect.disconnect(account)
        except (errors.PbxError, dialects.NotOffered) as error:
            raise UserError(provider_sudo._explain(error)) from error
        message = self.env._("Disconnected: the PBX sends its events nowhere.")
        if not ours:
            message = self.env._(
                "Disconnected. The PBX sent its events to another address already; "
                "that stays so."
            )
        elif former:
            message = self.env._(
                "Disconnected: the PBX sends its events to %s again.",
                urlsplit(former.url).netloc,
            )
        provider_sudo.former_url_ids.unlink()
        provider_sudo.check_ids.unlink()
        provider_sudo.write(
            {
                "state": "draft",
                "connected_url": False,
                "connected_at": False,
                "last_error": False,
            }
        )
        return self._notify(message, "info")
