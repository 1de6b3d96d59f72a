"""A Beeline in the tests' own process, whose token the provider has."""

import sys
from pathlib import Path
from unittest import SkipTest

from .common import PbxHttpCase, log_lines
from .scenarios import NOT_HERE

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "7f0e6a1c-5555-4a00-8a00-00000000beef"


def _running():
    folders = [str(ROOT), str(ROOT / "dev")]
    sys.path[:0] = folders
    try:
        from fake_beeline.running import running
    except ImportError as error:  # a release comes without its developers' tools
        raise SkipTest(NOT_HERE) from error
    finally:
        for folder in folders:
            sys.path.remove(folder)
    return running


class BeelineCase(PbxHttpCase):
    """``self.pbx`` is what ``self.provider`` speaks to; 101 is Anna's, once connected.

    ``self.pbx.account`` is its state, anew for each test.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pbx = cls.enterClassContext(_running()(TOKEN))
        cls.russia = cls.env.ref("base.ru")
        cls.provider = cls.env["pbx.provider"].create(
            {
                "name": "Beeline",
                "dialect": "beeline",
                "server_url": cls.pbx.server_url,
                "company_id": cls.company.id,
                "user_id": cls.robot.id,
                "api_key": TOKEN,
                "external_url": "https://odoo.example.com",
                "country_id": cls.russia.id,
            }
        )

    def setUp(self):
        super().setUp()
        self.pbx.reset()
        # What is asked is counted and noted on cursors of their own.
        context = self.enter_registry_test_mode()
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def connect(self):
        """Press “Connect”; return ``{step: state}``."""
        self.env.flush_all()
        with log_lines():
            self.provider.action_connect()
        self.env.invalidate_all()
        return {check.step: check.state for check in self.provider.check_ids}

    def check(self, step):
        """Return the row of the check list."""
        self.env.invalidate_all()
        return self.provider.check_ids.filtered(lambda one: one.step == step)

    def asked(self):
        """Return what was asked, oldest first, as ``"GET /abonents"``."""
        log = self.pbx.control("GET", "/log?kind=api&limit=1000").json()
        return [f"{one['method']} {one['path']}" for one in reversed(log)]

    def subscriptions(self):
        """Return the subscriptions that are live at the PBX."""
        return self.pbx.control("GET", "/subscriptions").json()

    def break_next(self, kind, path, **more):
        faults = [{"kind": kind, "path": path, **more}]
        answer = self.pbx.control("POST", "/faults", {"faults": faults})
        self.assertEqual(answer.status_code, 200, answer.text)
