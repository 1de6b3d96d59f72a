"""The inbox: committed first, applied once, retried, replayed, pruned."""

import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CALLER, LINE, LOCAL_NOON, REF, PbxHttpCase, log_lines, scenarios

START = {
    "call_start": LOCAL_NOON,
    "pbx_call_id": REF,
    "caller_id": CALLER,
    "called_did": LINE,
}
END = {**START, "duration": "0", "disposition": "cancel"}


@tagged("post_install", "-at_install")
class TestInbox(PbxHttpCase):
    """What was received, until it is applied and pruned."""

    # ------------------------------------------------------------------- what is kept

    def test_applied(self):
        self.assertEqual(self.post("NOTIFY_START", START).status_code, 200)
        event = self.events()
        self.assertRecordValues(
            event,
            [
                {
                    "event_type": "NOTIFY_START",
                    "ref": REF,
                    "state": "done",
                    "attempts": 1,
                    "error": False,
                    "call_id": self.the_call().id,
                }
            ],
        )
        self.assertEqual(json.loads(event.payload), {"event": "NOTIFY_START", **START})
        age = fields.Datetime.now() - event.received_at
        self.assertLess(abs(age), timedelta(minutes=1), "UTC")

    def test_signed_but_not_understood(self):
        for event, more in (
            ("NOTIFY_FUTURE", START),
            ("NOTIFY_INTERNAL_END", START),
            ("SMS", {"result": '{"text": "hello"}'}),
            ("NUMBER_LOOKUP", {"result": "[]"}),
            ("CALL_TRACKING", {"result": "not even JSON"}),
            ("SOMETHING_ELSE", {"result": '{"a": 1}'}),
            # Known, but about no call.
            ("NOTIFY_START", {**START, "pbx_call_id": ""}),
        ):
            with self.subTest(event):
                self.assertEqual(self.post(event, more).status_code, 200)
                kept = self.events(event)
                self.assertEqual(kept.state, "ignored")
                self.assertEqual(json.loads(kept.payload), {"event": event, **more})
        self.assertFalse(self.calls())

    def test_no_secret_is_kept(self):
        with log_lines() as lines:
            self.post("NOTIFY_START", START)
        row = str(self.events().read()) + str(lines)
        provider = self.provider
        for secret in (provider.api_secret, provider.webhook_token, provider.api_key):
            self.assertNotIn(secret, row)

    def test_repeat_within_72_hours(self):
        for _time in range(3):
            self.assertEqual(self.post("NOTIFY_START", START).status_code, 200)
        self.assertEqual(len(self.events()), 1)
        for hours, rows in ((71, 1), (73, 2)):
            self.events().received_at = fields.Datetime.now() - timedelta(hours=hours)
            self.post("NOTIFY_START", START)
            self.assertEqual(len(self.events()), rows, f"{hours} hours later")
        self.the_call()

    def test_a_repeat_of_what_was_never_applied_is_applied(self):
        """As where the process died between the commit and the answer."""
        self.post("NOTIFY_END", END)
        self.calls().unlink()
        self.events().write({"state": "pending", "attempts": 0})
        self.assertEqual(self.post("NOTIFY_END", END).status_code, 200)
        self.assertRecordValues(self.events(), [{"state": "done", "attempts": 1}])
        self.assertEqual(self.the_call().outcome, "missed")

    def test_any_difference_is_another_event(self):
        self.post("NOTIFY_INTERNAL", START, internal="100")
        self.post("NOTIFY_INTERNAL", START, internal="101")
        self.post("NOTIFY_END", END)
        self.post("NOTIFY_END", {**END, "duration": "5"})
        self.assertEqual(len(self.events()), 4)

    def test_sms_have_no_id_and_are_never_repeats(self):
        for _time in range(2):
            self.post("SMS", result='{"text": "on my way"}')
        self.assertEqual(len(self.events("SMS")), 2)

    def test_repeat_at_another_provider_is_its_own(self):
        other = self.new_provider(self.company, self.robot, "another")
        self.post("NOTIFY_START", START)
        self.post("NOTIFY_START", START, other)
        self.assertEqual(len(self.events()), 1)
        self.assertEqual(len(self.events(provider=other)), 1)

    def test_keep_log_off(self):
        self.provider.keep_log = False
        for step in scenarios.scenario("answered"):
            self.post(step.event, step.fields)
        self.assertEqual(set(self.events().mapped("state")), {"done"})
        self.assertFalse(any(self.events().mapped("payload")))
        self.assertEqual(self.the_call().outcome, "answered")
        # A repeat is recognised all the same.
        self.post(step.event, step.fields)
        self.assertEqual(len(self.events(step.event)), 1)
        with self.assertRaises(UserError):
            self.events()[0].action_replay()

    # ---------------------------------------------------------------- what is removed

    def test_retention(self):
        self.provider.log_days = 10
        other = self.new_provider(self.company, self.robot, "keeps", log_days=100)
        old = fields.Datetime.now() - timedelta(days=11)
        steps = scenarios.scenario("missed", pbx_call_id="in_old")
        done, ignored, failed = self.put(steps, old, gap=0)
        pending, young = self.put(steps[:2], old, gap=0)
        kept = self.put(steps[:1], old, provider=other)
        (done | young | kept).state = "done"
        ignored.state = "ignored"
        failed.state = "failed"
        young.received_at = fields.Datetime.now() - timedelta(days=9)
        self.env["pbx.event"]._gc_events()
        self.assertFalse((done | ignored).exists())
        self.assertEqual(
            (failed | pending | young | kept).exists(), failed | pending | young | kept
        )

    def test_pruning_keeps_the_calls(self):
        call = self.tell("answered")
        self.events().received_at = fields.Datetime.now() - timedelta(days=400)
        self.env["pbx.event"]._gc_events()
        self.assertFalse(self.events())
        self.assertEqual(self.the_call(), call)
        # A late word on it still finds its call: the facts are kept with it.
        self.post("NOTIFY_RECORD", pbx_call_id=call.ref, call_id_with_rec="1.2")
        self.assertEqual(len(self.the_call().recording_ids), 2)

    def test_archived_provider_is_pruned_too(self):
        event = self.put(scenarios.scenario("missed")[:1])
        event.state = "done"
        event.received_at = fields.Datetime.now() - timedelta(days=400)
        self.provider.active = False
        self.env["pbx.event"]._gc_events()
        self.assertFalse(event.exists())
