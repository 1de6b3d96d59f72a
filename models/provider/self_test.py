"""“Check”: Odoo tries its own webhook address, as the PBX would."""

import logging

import requests

from odoo.exceptions import UserError

from ...telephony import dialect as dialects

_logger = logging.getLogger(__name__)

# To connect, and for the answer: a person waits at the button.
TIMEOUT_SECONDS = (5, 10)


class SelfTest:
    """Posts a test event of the dialect's own to the webhook address of a provider."""

    def __init__(self, provider):
        self.provider, self.env = provider, provider.env
        self.dialect = provider._dialect()

    def run(self):
        """Return what is wrong with the webhook address, or ``""``."""
        account, dialect = self.provider._account(), self.dialect
        try:
            sample = dialect.sample(account)
        except dialects.NotOffered as error:
            raise UserError(
                self.env._(
                    "%s has no event to try the address with: call one of your lines "
                    "instead.",
                    dialect.label,
                )
            ) from error
        try:
            # Its status tells; whoever answers there may send what they like.
            with requests.post(
                account.webhook_url,
                data=sample.body,
                headers=sample.headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                answer.close()
        except requests.RequestException as error:
            _logger.info(
                "Cloud PBX %s: check failed, %s", self.provider.id, type(error).__name__
            )
            return self._explain_failure(error)
        if answer.status_code != 200:
            return self._explain_status(answer)
        if not self._arrived(sample, account):
            return self.env._(
                "Something answered at the webhook address, but the event did not "
                "reach the inbox of this database. Does the address lead to another "
                "Odoo, or to another of its databases?"
            )
        return ""

    def _arrived(self, sample, account):
        delivery = self.dialect.check(sample, account)
        # A cursor of its own: our own snapshot is older than the event.
        with self.env.registry.cursor() as cr:
            cr.execute(
                "SELECT 1 FROM pbx_event WHERE provider_id = %s AND digest = %s",
                [self.provider.id, delivery.digest],
            )
            return bool(cr.fetchone())

    def _explain_failure(self, error):
        if isinstance(error, requests.exceptions.SSLError):
            return self.env._(
                "The certificate of the webhook address is not accepted. The PBX would "
                "refuse it too: renew it, or use an address that it names."
            )
        if isinstance(error, requests.Timeout):
            return self.env._(
                "Nothing answered at the webhook address in time. Is the port "
                "forwarded to this server, and has Odoo a worker left to answer?"
            )
        if isinstance(error, requests.ConnectionError):
            return self.env._(
                "The webhook address cannot be reached. Check the external address and "
                "the port, and that they lead to this server. (Some routers do not let "
                "a server reach its own outside address: then try it from elsewhere.)"
            )
        return self.env._(
            "The webhook address cannot be used. Check the external address."
        )

    def _explain_status(self, answer):
        status = answer.status_code
        if 300 <= status < 400:
            return self.env._(
                "The webhook address leads on to %s. A PBX does not follow: enter that "
                "address as the external one.",
                (answer.headers.get("Location") or "?").split("/pbx/")[0],
            )
        if status == 404:
            return self.env._(
                "The server at the webhook address does not know it. With several "
                "databases the host name has to select this one (dbfilter); behind a "
                "proxy the path /pbx/ has to reach Odoo."
            )
        if status == 403:
            return self.env._(
                "The test event was refused. Save your changes and try again; if it "
                "stays so, the address leads to another Odoo with other keys."
            )
        return self.env._(
            "The webhook address answered with the error %s. Look into Odoo's log at "
            "this minute.",
            status,
        )
