"""Promise 1, with the database: any order, any repeats, the same call.

The pure part is proven by the tests of ``telephony``; here the inbox, the log, the
legs, the recordings and the joining of two ids take part.
"""

import unittest
from datetime import timedelta

from odoo.tests import tagged

from .common import LOCAL_NOON, NOON, PbxCase, scenarios

try:
    import hypothesis
    from hypothesis import strategies
except ImportError:  # a tool of our developers, which no server needs
    hypothesis = None

CALL_FIELDS = (
    "direction", "state", "outcome", "disposition", "number", "line", "partner_id",
    "partner_source", "lead_id", "user_id", "user_picked", "participant_ids",
    "extension_id", "start", "answer", "stop", "wait_seconds", "talk_seconds",
    "own_leg_only", "last_event_at", "note",
)  # fmt: skip
LEG_FIELDS = ("number", "extension_id", "user_id", "start", "answer", "stop", "outcome")
# Orders of each scenario's events, and of those that have two events at most.
EXAMPLES, EXAMPLES_OF_FEW = 25, 2


@tagged("post_install", "-at_install")
@unittest.skipUnless(hypothesis, "hypothesis is not installed")
class TestProperties(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_partner()

    def receipts(self, name):
        """The scenario's events, each with its time of receipt."""
        at, receipts = NOON + timedelta(seconds=1), []
        for step in scenarios.scenario(name, call_start=LOCAL_NOON):
            at += timedelta(seconds=step.delay)
            receipts.append((step, at))
        return receipts

    def told(self, batches):
        """Receive and apply batches one after the other; return all that the log says.

        Nothing is left of it.
        """
        savepoint = self.env.cr.savepoint()
        try:
            for batch in batches:
                events = self.env["pbx.event"]
                for step, received in batch:
                    events += self.put([step], received)
                # Whatever waits for these calls is applied together.
                events[:1].action_replay()
                events.filtered(lambda e: e.state == "pending").action_replay()
            self.assertFalse(
                self.events().filtered(lambda event: event.state == "failed")
            )
            return [
                {
                    **{name: str(call[name]) for name in CALL_FIELDS},
                    "legs": [
                        [str(leg[name]) for name in LEG_FIELDS]
                        for leg in call.leg_ids.sorted("number")
                    ],
                    "recordings": sorted(call.recording_ids.mapped("ref")),
                    "facts": call.facts,
                }
                for call in self.calls()
            ]
        finally:
            savepoint.rollback()
            # The line that the first call makes is kept in memory, and is gone as well.
            self.env.registry.clear_cache()

    def assertOneOutcome(self, name):
        receipts = self.receipts(name)
        expected = self.told([receipts])

        @hypothesis.settings(
            max_examples=EXAMPLES if len(receipts) > 2 else EXAMPLES_OF_FEW,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(strategies.data())
        def any_order(data):
            late = strategies.timedeltas(timedelta(0), timedelta(days=9))
            repeats = [
                (step, received + data.draw(late))
                for step, received in receipts
                if data.draw(strategies.booleans())
            ]
            order = data.draw(strategies.permutations(receipts + repeats))
            cuts = data.draw(
                strategies.sets(strategies.integers(0, len(order)), max_size=3)
            )
            edges = [0, *sorted(cuts), len(order)]
            batches = [
                order[a:b] for a, b in zip(edges, edges[1:], strict=False) if a < b
            ]
            self.assertEqual(self.told(batches), expected)

        any_order()
        one_by_one = [[receipt] for receipt in reversed(receipts)]
        self.assertEqual(self.told(one_by_one), expected, "one by one, backwards")

    def test_any_order_and_any_repeats(self):
        for name in scenarios.SCENARIOS:
            with self.subTest(name):
                self.assertOneOutcome(name)

    def test_what_people_wrote_is_in_no_order_overwritten(self):
        [first, *rest] = self.receipts("answered")
        stranger = self.new_partner("Picked", False)
        for order in ([*rest, first], [first, *reversed(rest)]):
            with self.fresh(order[0][0].event):
                self.put([order[0][0]], order[0][1]).action_replay()
                self.the_call().write({"note": "mine", "partner_id": stranger.id})
                for step, received in order[1:]:
                    self.put([step], received).action_replay()
                self.assertCall(
                    self.the_call(),
                    note="mine",
                    partner_id=stranger,
                    outcome="answered",
                    user_id=self.anna,
                )
