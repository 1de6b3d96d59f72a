"""A fake PBX in the tests' own process, whose keys the provider has."""

import sys
from contextlib import contextmanager
from pathlib import Path
from unittest import SkipTest, TestCase

from .common import SECRET
from .scenarios import NOT_HERE

ROOT = Path(__file__).resolve().parent.parent


def _running():
    folders = [str(ROOT), str(ROOT / "dev")]
    sys.path[:0] = folders
    try:
        from fake_zadarma.running import running
    except ImportError as error:  # a release comes without its developers' tools
        raise SkipTest(NOT_HERE) from error
    finally:
        for folder in folders:
            sys.path.remove(folder)
    return running


class FakePbxCase:
    """Mix-in before a ``PbxCase``: ``self.pbx`` is what ``self.provider`` speaks to.

    ``self.pbx.account`` is its state, anew for each test. Set ``mode`` to ``"spec"``
    for answers as the document has them.
    """

    mode = "live"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        running = _running()
        cls.pbx = cls.enterClassContext(running(f"key-{SECRET}", SECRET))
        cls.provider.write({"server_url": cls.pbx.url})
        # Our own limits have tests of their own.
        cls.provider.write({"general_limit": 10000, "statistics_limit": 10000})

    def setUp(self):
        super().setUp()
        self.pbx.reset()
        self.pbx.account.mode = self.mode
        if not hasattr(self, "allow_requests"):
            # What is asked is counted and noted on cursors of their own.
            context = self.enter_registry_test_mode()
            context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)

    def connected_long_ago(self):
        """Have it connected long ago: else no job asks it anything."""
        self.provider.write(
            {
                "state": "connected",
                "connected_url": self.provider.webhook_url,
                "connected_at": "2026-01-01 00:00:00",
            }
        )

    def asked(self, path=""):
        """Return the questions that came, oldest first: ``{"method", "path", …}``.

        Each keeps to the document, or the test fails.
        """
        log = self.pbx.control("GET", "/log?kind=api&limit=1000").json()
        found = [entry for entry in reversed(log) if path in entry["path"]]
        for entry in found:
            self.assertFalse(entry.get("problems"), entry)
        return found

    def fails(self, kind):
        """Expect an error, and keep what was written: Odoo's own takes it back."""
        return TestCase.assertRaises(self, kind)

    def break_next(self, kind, path="*", **more):
        """Spoil the next answers; see ``dev/fake_pbx/faults.py``."""
        self.pbx.account.faults.set([{"kind": kind, "path": path, **more}])

    @contextmanager
    def webhook_open(self):
        """Let the fake PBX reach the webhook (``PbxHttpCase`` only)."""
        with self.allow_requests(all_requests=True):
            yield
