"""Missed calls of a PBX that may open a call again: they count after a while."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..telephony.zadarma.dialect import Zadarma
from .common import CALLER
from .desk import DeskCase, FakeCall


@tagged("post_install", "-at_install")
class TestSettled(DeskCase):
    def setUp(self):
        super().setUp()
        self.patch(Zadarma, "reopens", True)

    def missed(self, seconds_ago):
        """Have a call given up so long ago; it rang at Anna's phone for 10 seconds."""
        ago = timedelta(seconds=seconds_ago + 10)
        return FakeCall(self, CALLER, ago).start().ring("100").give_up()

    def count(self):
        return self.ask().count_missed()

    def test_it_counts_after_a_while(self):
        call = self.missed(5).call
        self.assertEqual(call.outcome, "missed")
        [(user, payload)] = self.messages("cloud_pbx.missed")
        self.assertEqual(user, self.anna)
        self.assertTrue(20 <= payload["seconds"] <= 26, payload)
        self.assertEqual(self.count(), 0)
        self.assertFalse(call.to_call_back)
        self.assertNotIn(
            call, self.env["pbx.call"].search([("to_call_back", "=", True)])
        )
        # Whoever sees the card may call back at once.
        self.assertTrue(self.card(call)["to_call_back"])
        call.promise_id.opened_at -= timedelta(seconds=31)
        self.assertEqual(self.count(), 1)
        self.env.invalidate_all()
        self.assertTrue(call.to_call_back)

    def test_one_of_a_while_ago_counts_at_once(self):
        self.missed(40)
        self.assertEqual(self.messages("cloud_pbx.missed"), [(self.anna, {})])
        self.assertEqual(self.count(), 1)

    def test_one_that_is_opened_again_counts_never(self):
        call = self.missed(5)
        call.lift("100").end("100")
        self.assertEqual(call.call.outcome, "answered")
        call.call.stop = fields.Datetime.now() - timedelta(seconds=31)
        self.assertEqual(self.count(), 0)

    def test_others_count_at_once(self):
        self.patch(Zadarma, "reopens", False)
        self.missed(5)
        self.assertEqual(self.messages("cloud_pbx.missed"), [(self.anna, {})])
        self.assertEqual(self.count(), 1)
