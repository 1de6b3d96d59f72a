"""When it was: reported starts, receipts, summer time, and ends that never came."""

from datetime import datetime, timedelta

from odoo import fields
from odoo.tests import tagged

from .common import CALLER, NOON, REF, PbxCase, scenarios


@tagged("post_install", "-at_install")
class TestTimes(PbxCase):
    """Times to the second, from reported starts and receipts."""

    def test_answered(self):
        call = self.tell("answered", received=NOON + timedelta(seconds=2))
        # START at :02, INTERNAL +1, ANSWER +4, END +34
        self.assertCall(
            call,
            start=NOON,
            answer=NOON + timedelta(seconds=7),
            stop=NOON + timedelta(seconds=41),
            wait_seconds=7,
            talk_seconds=34,
        )
        self.assertEqual(call.leg_ids.start, NOON + timedelta(seconds=3))
        self.assertEqual(call.leg_ids.answer, NOON + timedelta(seconds=7))

    def test_missed(self):
        call = self.tell("missed")
        self.assertCall(
            call,
            start=NOON,
            answer=False,
            stop=NOON + timedelta(seconds=16),
            wait_seconds=16,
            talk_seconds=0,
        )

    def test_answer_received_after_end(self):
        call = self.tell("answered", received=NOON + timedelta(seconds=60), gap=0)
        # All at once: the answer is the stop less what the PBX tells of the talk.
        self.assertCall(
            call,
            start=NOON,
            answer=NOON + timedelta(seconds=26),
            stop=NOON + timedelta(seconds=60),
            wait_seconds=26,
        )

    def test_nothing_is_negative(self):
        """A clock that is wrong, a duration longer than the call."""
        call = self.tell("answered", call_start="2026-06-16 18:00:00", duration=99999)
        self.assertGreaterEqual(call.wait_seconds, 0)
        self.assertEqual(call.talk_seconds, 99999, "what the PBX tells")

    def test_unreadable_start_is_the_first_receipt(self):
        for place, text in enumerate(("", "yesterday", "2026-13-45 99:99:99", "0")):
            call = self.tell("missed", call_start=text, pbx_call_id=f"in_{place}")[-1]
            self.assertEqual(call.start, NOON, text)

    def test_old_start_is_taken(self):
        call = self.tell("answered", call_start="2019-01-15 09:00:00")
        self.assertCall(call, start=datetime(2019, 1, 15, 9), outcome="answered")

    def test_summer_time(self):
        """Both sides of both changes, in three zones."""
        for zone, local, received, utc in (
            # Winter and summer in London
            ("Europe/London", "2026-01-10 09:00:00", None, "2026-01-10 09:00:00"),
            ("Europe/London", "2026-07-10 09:00:00", None, "2026-07-10 08:00:00"),
            # 29 March 2026, 01:00 UTC: clocks go forward
            ("Europe/London", "2026-03-29 00:59:59", None, "2026-03-29 00:59:59"),
            ("Europe/London", "2026-03-29 02:00:00", None, "2026-03-29 01:00:00"),
            # 25 October 2026, 01:00 UTC: back; 01:30 is there twice
            ("Europe/London", "2026-10-25 00:59:59", None, "2026-10-24 23:59:59"),
            ("Europe/London", "2026-10-25 02:00:00", None, "2026-10-25 02:00:00"),
            (
                "Europe/London", "2026-10-25 01:30:00", "2026-10-25 00:30:05",
                "2026-10-25 00:30:00",
            ),
            (
                "Europe/London", "2026-10-25 01:30:00", "2026-10-25 01:30:05",
                "2026-10-25 01:30:00",
            ),
            ("Europe/Kyiv", "2026-03-29 02:59:59", None, "2026-03-29 00:59:59"),
            ("Europe/Kyiv", "2026-03-29 04:00:00", None, "2026-03-29 01:00:00"),
            (
                "Europe/Kyiv", "2026-10-25 03:10:00", "2026-10-25 01:10:03",
                "2026-10-25 01:10:00",
            ),
            (
                "Europe/Kyiv", "2026-10-25 03:10:00", "2026-10-25 00:10:03",
                "2026-10-25 00:10:00",
            ),
            ("America/New_York", "2026-03-08 01:59:59", None, "2026-03-08 06:59:59"),
            ("America/New_York", "2026-03-08 03:00:00", None, "2026-03-08 07:00:00"),
            (
                "America/New_York", "2026-11-01 01:15:00", "2026-11-01 05:15:01",
                "2026-11-01 05:15:00",
            ),
            (
                "America/New_York", "2026-11-01 01:15:00", "2026-11-01 06:15:01",
                "2026-11-01 06:15:00",
            ),
            ("Asia/Kolkata", "2026-07-10 09:00:00", None, "2026-07-10 03:30:00"),
        ):  # fmt: skip
            with self.subTest(zone=zone, local=local, received=received):
                self.provider.tz = zone
                utc = fields.Datetime.to_datetime(utc)
                received = fields.Datetime.to_datetime(received) or utc
                ref = f"in_{zone}{local}{received}"
                call = self.tell("missed", received, call_start=local, pbx_call_id=ref)
                self.assertEqual(call[-1].start, utc)

    def test_offset_is_used_while_no_zone_is_chosen(self):
        self.provider.tz = False
        for place, (offset, utc) in enumerate(
            (("UTC+3", 9), ("UTC-4:30", 16.5), ("UTC+0", 12))
        ):
            self.provider.utc_offset = offset
            call = self.tell(
                "missed", call_start="2026-06-16 12:00:00", pbx_call_id=f"in_{place}"
            )[-1]
            self.assertEqual(
                call.start, datetime(2026, 6, 16) + timedelta(hours=utc), offset
            )


@tagged("post_install", "-at_install")
class TestOpenCalls(PbxCase):
    """A call whose end never came closes by itself."""

    def tell_hours_ago(self, name, hours, **parameters):
        at = fields.Datetime.now() - timedelta(hours=hours)
        return self.tell(name, at, gap=1, call_start="", **parameters)

    def test_only_the_answer_was_told(self):
        """The seed's minimum: all other notifications are off."""
        call = self.tell_hours_ago("answer_only", 5)
        self.assertCall(
            call, direction="inbound", state="ongoing", number=CALLER, user_id=self.anna
        )
        self.run_job("close_calls")
        self.assertCall(
            call, state="done", outcome="answered", user_id=self.anna, talk_seconds=0
        )
        self.assertTrue(call.answer)
        self.assertEqual(self.legs(call), {"100": "answered"})

    def test_time_is_settable(self):
        self.provider.open_call_hours = 8
        call = self.tell_hours_ago("answer_only", 5)
        self.run_job("close_calls")
        self.assertEqual(call.state, "ongoing")
        self.provider.open_call_hours = 4
        self.run_job("close_calls")
        self.assertEqual(call.state, "done")

    def test_rang_and_no_more(self):
        steps = scenarios.scenario("missed", call_start="")[:-1]
        self.put(steps, fields.Datetime.now() - timedelta(hours=5))
        self.run_job("apply_events")
        call = self.the_call()
        self.assertCall(call, state="ringing", outcome=False)
        self.run_job("close_calls")
        self.assertCall(call, state="done", outcome="missed", talk_seconds=0)

    def test_of_an_archived_provider(self):
        call = self.tell_hours_ago("answer_only", 5)
        self.provider.active = False
        self.run_job("close_calls")
        self.assertEqual(call.state, "done")

    def test_the_end_comes_after_all(self):
        """Closing is a guess; the PBX's word replaces it."""
        steps = scenarios.scenario("answered", pbx_call_id=REF, call_start="")
        at = fields.Datetime.now() - timedelta(hours=5)
        self.put(steps[:3], at)
        self.run_job("apply_events")
        self.run_job("close_calls")
        self.assertCall(self.the_call(), state="done", talk_seconds=0)
        self.put(steps[3:], at + timedelta(minutes=1), gap=1)
        self.run_job("apply_events")
        self.assertCall(
            self.the_call(), state="done", outcome="answered", talk_seconds=34
        )
