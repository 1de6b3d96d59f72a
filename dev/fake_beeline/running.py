"""The PBX in a test's own process, on a free port."""

from contextlib import contextmanager

import requests

from fake_pbx.serving import served

from .account import Account
from .api import TOKEN_HEADER
from .pbx import FakePbx
from .server import make_app


class Running:
    """:var account: its state, to read and to change.
    :var url: where it answers; ``server_url``: the base of its API.
    """

    def __init__(self, app, url):
        self._app, self.url = app, url
        self.token = self.account.token

    @property
    def fake(self):
        return self._app.extensions["pbx"]

    @property
    def account(self):
        return self.fake.account

    @property
    def server_url(self):
        return f"{self.url}/apis/portal"

    def reset(self):
        """Start anew. What still plays in the background goes on with the old state."""
        self._app.extensions["pbx"] = FakePbx(Account(self.token))

    def ask(self, method, path, token=None, **arguments):
        """Send an API request and return the ``requests`` answer."""
        headers = {TOKEN_HEADER: self.token if token is None else token}
        return self.send(
            method, f"{self.server_url}{path}", headers=headers, **arguments
        )

    def control(self, method, path, body=None):
        """Use the control API and return the ``requests`` answer."""
        return self.send(method, f"{self.url}/control{path}", json=body)

    @staticmethod
    def send(method, address, **arguments):
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, address, timeout=10, **arguments)


@contextmanager
def running(token="token"):
    """Serve for the length of a ``with`` block."""
    app = make_app(Account(token))
    with served(app) as url:
        yield Running(app, url)
