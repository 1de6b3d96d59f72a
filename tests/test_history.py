"""Past calls: merged by the same facts, counted, never doubled."""

from datetime import timedelta
from unittest.mock import patch

from odoo.tests import tagged

from ..models.call.log import CallLog
from ..models.history.reader import HistoryReader
from .common import CALLER, log_lines, scenarios
from .history import AN_HOUR, HistoryCase


@tagged("post_install", "-at_install")
class TestHistory(HistoryCase):
    def test_a_call_that_no_event_told_is_added(self):
        plan = self.happened("answered", caller=CALLER, duration=34)
        self.assertIn("1 new", self.fetch())
        call = self.the_call()
        start = (self.now - AN_HOUR).replace(microsecond=0)
        self.assertCall(
            call,
            ref=plan.pbx_call_id,
            direction="inbound",
            state="done",
            outcome="answered",
            number=CALLER,
            user_id=self.anna,
            extension_id=self.extension,
            start=start,
            talk_seconds=34,
            from_history=True,
            corrected=False,
        )
        self.assertEqual(call.stop, start + timedelta(seconds=34))
        self.assertEqual(call.recording_ids.mapped("state"), ["waiting"])
        self.assertEqual(self.legs(call), {"100": "answered"})
        self.assertFalse(call.message_ids, "nobody is notified of what is long over")

    def test_text_that_nothing_can_hold_stops_nothing(self):
        """Half an emoji in a caller's name, and a NUL in a word of the PBX."""
        for name, ago in (("answered", AN_HOUR), ("missed", 2 * AN_HOUR)):
            self.happened(name, ago)
        for row in self.pbx.account.rows:
            row["clid"]["name"] = "Anna \ud83d"
            row["disposition"] += "\0"
        self.assertIn("2 new", self.fetch())
        self.assertEqual(len(self.calls()), 2)
        self.assertTrue(self.catch_up.until)
        self.assertFalse(self.catch_up.error)

    def test_again_nothing_changes(self):
        for name in ("answered", "missed", "outbound", "transfer"):
            self.happened(name)
        self.fetch()
        self.assertEqual(self.counts(), (4, 0, 0, 0, 0))
        before = self.calls().read()
        self.assertIn("4 unchanged", self.fetch())
        self.assertEqual(self.counts(), (0, 0, 4, 0, 0))
        self.assertEqual(self.calls().read(), before)

    def test_what_events_told_is_completed(self):
        at = self.now - AN_HOUR
        steps = scenarios.plan(
            "answered", duration=34, call_start=self.local(at), caller=CALLER
        )
        self.put(steps.steps, at)
        self.run_job("apply_events")
        call = self.the_call()
        values = call.read(["start", "outcome", "talk_seconds", "user_id", "number"])
        self.pbx.fake.keep_rows(steps.rows)
        self.fetch()
        self.assertEqual(self.counts(), (0, 1, 0, 0, 0))
        self.assertEqual(
            self.the_call().read(list(values[0])), values, "the history has the same"
        )
        self.assertFalse(call.from_history)
        self.assertFalse(call.corrected)
        self.assertEqual(len(call.recording_ids), 1)

    def test_history_first_and_events_later(self):
        at = self.now - AN_HOUR
        plan = self.happened("transfer", ago=AN_HOUR)
        self.fetch()
        self.assertTrue(self.the_call().from_history)
        self.put(plan.steps, at)
        self.run_job("apply_events")
        call = self.the_call()
        self.assertFalse(call.from_history, "there was an event of it, late as it was")
        self.assertEqual(call.user_id, self.boris)

    def test_a_call_whose_end_never_came_is_closed(self):
        at = self.now - AN_HOUR
        plan = self.happened("answered", duration=34)
        self.put(plan.steps[:3], at)
        self.run_job("apply_events")
        self.assertEqual(self.the_call().state, "ongoing")
        self.fetch()
        self.assertCall(
            self.the_call(), state="done", outcome="answered", talk_seconds=34
        )

    def test_a_call_that_goes_on_is_not_closed(self):
        plan = scenarios.plan("transfer", call_start=self.local(self.now))
        # The first phone has handed over, and the second one speaks.
        ends = ("NOTIFY_END", "NOTIFY_RECORD")
        self.put([step for step in plan.steps if step.event not in ends], self.now)
        self.run_job("apply_events")
        self.pbx.fake.keep_rows(plan.rows[:1])
        self.fetch()
        self.assertNotEqual(self.the_call().state, "done")

    def test_statistics_correct_what_was_told(self):
        """The duration and the disposition of END are not signed."""
        at = self.now - AN_HOUR
        plan = self.happened("answered", duration=34)
        steps = [
            step._replace(fields={**step.fields, "duration": "3400"})
            if step.event == "NOTIFY_END"
            else step
            for step in plan.steps
        ]
        self.put(steps, at)
        self.run_job("apply_events")
        # Longer than from the answer to the END: not believed, even before.
        self.assertEqual(self.the_call().talk_seconds, 34)
        self.fetch()
        self.assertEqual(self.counts(), (0, 1, 0, 1, 0))
        call = self.the_call()
        self.assertCall(call, talk_seconds=34, corrected=True)
        [message] = call.message_ids
        self.assertIn("56:40", message.body)
        self.assertIn("0:34", message.body)
        self.fetch()
        self.assertEqual(self.counts(), (0, 0, 1, 0, 0))
        self.assertEqual(call.message_ids, message, "written once")

    def test_what_people_wrote_stays(self):
        plan = self.happened("answered", caller=CALLER)
        other = self.new_partner("Somebody else", phone=False)
        self.put(plan.steps, self.now - AN_HOUR)
        self.run_job("apply_events")
        self.the_call().write({"partner_id": other.id, "note": "to be called back"})
        self.fetch()
        self.assertCall(
            self.the_call(),
            partner_id=other,
            partner_source="picked",
            note="to be called back",
        )

    def test_the_contact_is_found(self):
        partner = self.new_partner()
        for _ in range(3):
            self.happened("missed", caller=CALLER)
        self.happened("missed", caller="+442079460777")
        self.fetch()
        found = self.calls().mapped("partner_id")
        self.assertEqual(found, partner)
        self.assertEqual(len(partner.pbx_call_ids), 3)

    def test_both_legs_of_a_click_are_one_call(self):
        for name in ("click_calltype", "click_swapped", "click_two_ids"):
            with self.fresh(name):
                self.pbx.account.rows.clear()
                self.happened(name)
                self.fetch()
                self.assertCall(self.the_call(), direction="outbound", state="done")
                self.assertEqual(self.counts()[0], 1)

    def test_events_that_come_while_a_page_is_written(self):
        """Whoever brings one does not wait for the lock, so the page looks after it."""
        plan = self.happened("answered", duration=34)
        write = HistoryReader._write_part

        def with_events(reader, *arguments, **more):
            self.put(plan.steps, self.now - AN_HOUR)
            return write(reader, *arguments, **more)

        with patch.object(HistoryReader, "_write_part", with_events):
            self.fetch()
        self.assertEqual(set(self.events().mapped("state")), {"done"})
        self.assertFalse(self.the_call().from_history)

    def test_a_broken_call_does_not_cost_the_others(self):
        for _ in range(3):
            self.happened("answered")
        bad = self.happened("missed").pbx_call_id
        values_of = CallLog._values

        def breaks(log, derived, *more):
            if derived.ref == bad:
                raise ZeroDivisionError("a bug of ours")
            return values_of(log, derived, *more)

        with patch.object(CallLog, "_values", breaks), log_lines() as lines:
            message = self.fetch()
        self.assertIn(bad, str(lines))
        self.assertIn(bad, message)
        self.assertEqual(self.counts(), (3, 0, 0, 0, 1))
        self.assertEqual(self.catch_up.state, "done")
        self.fetch()
        self.assertEqual(self.counts(), (1, 0, 3, 0, 0))


@tagged("post_install", "-at_install")
class TestHistoryBySpec(TestHistory):
    mode = "spec"
