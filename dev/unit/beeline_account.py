"""An account at the look-alike of Beeline, for tests of what is asked of it."""

from dataclasses import replace

from beeline_bodies import URL, names
from faulty_server import Noting

from telephony import dialect
from telephony.dialect import Account

BEELINE = dialect.get("beeline")
TOKEN = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"


def account_at(server_url, **more):
    return Account(
        **{
            "key": TOKEN,
            "webhook_url": URL,
            "wire": Noting(),
            "extensions": names(),
            **more,
        },
        server_url=server_url,
    )


def asked(pbx, method=None, path=None):
    """Return what the PBX was asked, oldest first."""
    log = pbx.control("GET", "/log?kind=api&limit=1000").json()[::-1]
    return [
        entry
        for entry in log
        if (method is None or entry["method"] == method)
        and (path is None or entry["path"] == path)
    ]


def live(pbx):
    """Return ``{id of a live subscription: its pattern}``."""
    return {one.id: one.pattern for one in pbx.account.live()}


def spoil(pbx, kind, path="*", **more):
    fault = {"kind": kind, "path": path, **more}
    assert pbx.control("POST", "/faults", {"faults": [fault]}).status_code == 200


class Odoo:
    """Does with what is to be remembered as Odoo does, step by step."""

    def __init__(self, account):
        self.account = account
        self.superseded = []
        self.until = None

    def steps(self, ask):
        """Yield after each question: until then everything is stored."""
        former = self.account.memory
        while True:
            remembered = ask(self.account)
            if former:
                self.superseded.append(former)
                former = None
            self.account = replace(self.account, memory=remembered.values)
            self.until = remembered.until
            yield remembered
            if not remembered.more:
                break
        while self.superseded:
            BEELINE.release(self.account, self.superseded[0])
            del self.superseded[0]

    def run(self, ask):
        return [*self.steps(ask)][-1]

    def connect(self):
        return self.run(BEELINE.connect)

    def renew(self):
        return self.run(BEELINE.keep_alive)

    def change(self, **values):
        self.account = replace(self.account, **values)
