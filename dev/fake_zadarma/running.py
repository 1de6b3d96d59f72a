"""A fake PBX in a test's own process, on a free port; its client signs."""

from contextlib import contextmanager

import requests

from fake_pbx.serving import served
from telephony.zadarma.signature import encode_params, sign_request

from .account import Account
from .pbx import FakePbx
from .server import make_app


class Running:
    """:var account: its state, to read and to change; ``url``: where it answers."""

    def __init__(self, app, url):
        self._app, self.url = app, url
        self._keys = (self.account.key, self.account.secret)

    @property
    def fake(self):
        return self._app.extensions["pbx"]

    @property
    def account(self):
        return self.fake.account

    def reset(self):
        """Start anew. What still plays in the background goes on with the old state."""
        self._app.extensions["pbx"] = FakePbx(Account(*self._keys))

    def ask(self, method, path, params=None, **changes):
        """Send a signed API request and return the ``requests`` answer.

        :param changes: ``authorization`` or other arguments of ``requests``.
        """
        text = encode_params(params or {})
        signature = sign_request(path, params or {}, self.account.secret)
        headers = {
            "Authorization": changes.pop(
                "authorization", f"{self.account.key}:{signature}"
            )
        }
        address, body = self.url + path, None
        if method == "GET":
            address += f"?{text}" if text else ""
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = text
        return self.send(method, address, data=body, headers=headers, **changes)

    def control(self, method, path, body=None):
        """Use the control API and return the ``requests`` answer."""
        return self.send(method, f"{self.url}/control{path}", json=body)

    @staticmethod
    def send(method, address, **arguments):
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, address, timeout=10, **arguments)


@contextmanager
def running(key="key", secret="secret", **settings):
    """Serve for the length of a ``with`` block; see :class:`~.account.Account`."""
    app = make_app(Account(key, secret, **settings))
    with served(app) as url:
        yield Running(app, url)
