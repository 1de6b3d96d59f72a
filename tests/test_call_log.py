"""The log: every story a PBX tells is one call, with the right people and times."""

import unittest
from datetime import datetime, timedelta
from pathlib import Path

from odoo import fields
from odoo.tests import tagged

from .common import (
    CALLER,
    LINE,
    NOON,
    REF,
    PbxCase,
    PbxHttpCase,
    switchboard,
)

ANSWERED = {"direction": "inbound", "outcome": "answered", "talk_seconds": 34}
MISSED = {"direction": "inbound", "outcome": "missed", "talk_seconds": 0}
DIALLED = {"direction": "outbound", "outcome": "answered", "talk_seconds": 34}
SILENT = {"direction": "outbound", "talk_seconds": 0}
# Scenario, its parameters: what the call is, who spoke, who took part, what the legs
# came to, how many recordings there are. Anna has 100, Boris 101.
STORIES = (
    ("answered", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 1),
    ("record_before_end", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 1),
    ("record_after_end", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 1),
    ("out_of_order", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 1),
    ("repeated", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 1),
    ("ivr", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 1),
    ("withheld", {}, ANSWERED, "anna", "anna", {"100": "answered"}, 0),
    (
        "ring_group", {}, ANSWERED, "anna", "anna boris",
        {"100": "answered", "101": False}, 1,
    ),
    (
        "ring_group", {"extension": "101"}, ANSWERED, "boris", "anna boris",
        {"100": False, "101": "answered"}, 1,
    ),
    (
        "transfer", {}, ANSWERED, "boris", "anna boris",
        {"100": "answered", "101": "answered"}, 2,
    ),
    ("missed", {}, MISSED, "", "anna", {"100": False}, 0),
    (
        "ring_group_missed", {}, MISSED, "", "anna boris",
        {"100": False, "101": False}, 0,
    ),
    ("abandoned", {}, MISSED, "", "", {}, 0),
    ("menu_answered", {}, MISSED, "", "", {}, 0),
    ("voicemail", {}, MISSED, "", "anna", {"100": False}, 1),
    ("busy", {}, {**MISSED, "outcome": "busy"}, "", "anna", {"100": False}, 0),
    ("outbound", {}, DIALLED, "anna", "anna", {"100": "answered"}, 1),
    (
        "outbound_no_answer", {}, {**SILENT, "outcome": "no_answer"},
        "anna", "anna", {"100": False}, 0,
    ),
    (
        "outbound_busy", {}, {**SILENT, "outcome": "busy"},
        "anna", "anna", {"100": False}, 0,
    ),
    (
        "outbound_failed", {}, {**SILENT, "outcome": "failed"},
        "anna", "anna", {"100": False}, 0,
    ),
    (
        "outbound_cancelled", {}, {**SILENT, "outcome": "cancelled"},
        "anna", "anna", {"100": False}, 1,
    ),
    (
        "outbound_no_money", {},
        {**SILENT, "outcome": "failed", "disposition": "no money", "line": False},
        "anna", "anna", {"100": False}, 0,
    ),
    *(
        (f"click_{told}", {"extension": "101"}, DIALLED, "boris", "boris",
         {"101": "answered"}, 1)
        for told in ("calltype", "swapped", "plain", "two_ids")
    ),
    *(
        (f"click_{told}", {"outcome": said}, {**SILENT, "outcome": outcome},
         "anna", "anna", {"100": False}, 0)
        for told in ("calltype", "swapped", "plain", "two_ids")
        for said, outcome in (
            ("no answer", "no_answer"), ("busy", "busy"), ("offline", "failed"),
        )
    ),
    (
        "extension_to_extension", {},
        {**DIALLED, "direction": "internal", "number": "101", "line": False},
        # Of the one who was called nothing is told but the name.
        "anna", "anna boris", {"100": "answered", "101": False}, 0,
    ),
)  # fmt: skip


@tagged("post_install", "-at_install")
class TestStories(PbxHttpCase):
    """Each scenario through real HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.new_partner()

    def people(self, names):
        return self.env["res.users"].union(*(getattr(self, n) for n in names.split()))

    def test_every_story(self):
        for name, parameters, told, spoke, took_part, legs, recordings in STORIES:
            if name not in switchboard.SCENARIOS:
                continue
            with self.fresh(name, **parameters):
                call = self.play(name, **parameters)
                no_partner = name in ("withheld", "extension_to_extension")
                expected = {
                    "number": False if name == "withheld" else CALLER,
                    "line": LINE,
                    "state": "done",
                    "partner_id": self.partner.browse() if no_partner else self.partner,
                    "user_id": self.people(spoke),
                    "participant_ids": self.people(took_part),
                    **told,
                }
                self.assertCall(call, **expected)
                self.assertEqual(self.legs(call), legs)
                self.assertEqual(len(call.recording_ids), recordings)
                self.assertGreaterEqual(call.wait_seconds, 0)
                self.assertEqual(set(self.events().mapped("state")), {"done"})
                self.assertEqual(call.create_uid, self.robot, "made by “run as”")

    def test_no_calls_come_of_other_events(self):
        for name in ("sms", "number_lookup", "speech_recognition", "unknown_event"):
            if name in switchboard.SCENARIOS:
                self.assertFalse(self.play(name), name)
        self.assertEqual(set(self.events().mapped("state")) | {"ignored"}, {"ignored"})

    def test_every_scenario_has_its_test(self):
        told = {name for name, *_rest in STORIES} | {"answer_only"}
        told |= {"sms", "number_lookup", "speech_recognition", "unknown_event"}
        self.assertFalse(set(switchboard.SCENARIOS) - told)

    def test_the_look_alike_is_used_where_it_is(self):
        beside = Path(__file__).resolve().parent.parent / "dev" / "sandbox"
        if not beside.is_dir():
            raise unittest.SkipTest("a release has no look-alike")
        self.assertIn("dev.sandbox", switchboard.__name__)

    def test_two_companies(self):
        """The same id at two PBXs are two calls, and nothing crosses over."""
        other = self.env["res.company"].create(
            {"name": "Lighthouse GmbH", "country_id": self.gb.id}
        )
        clara = self.new_agent("clara", other)
        theirs = self.new_provider(other, clara, "their-secret")
        self.new_extension("100", clara, theirs)
        # Each company has a contact of its own with that number.
        self.partner.company_id = self.company
        their_partner = self.new_partner("Olga there", company_id=other.id)
        for step in switchboard.scenario("answered", pbx_call_id=REF):
            self.post(step.event, step.fields)
            self.post(step.event, step.fields, theirs)
        for provider, company, user, partner in (
            (self.provider, self.company, self.anna, self.partner),
            (theirs, other, clara, their_partner),
        ):
            call = self.the_call(provider)
            self.assertCall(
                call, ref=REF, company_id=company, user_id=user, partner_id=partner
            )
            self.assertEqual(call.leg_ids.user_id, user)
            self.assertEqual(call.extension_id.provider_id, provider)
            self.assertEqual(call.create_uid.company_id, company)


@tagged("post_install", "-at_install")
class TestTimes(PbxCase):
    """Times to the second, from told starts and receipts."""

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
            (("UTC+3", 9), ("UTC-4:30", 16.5), ("UTC+0", 12), (False, 12))
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
    """A call whose end nobody told closes by itself."""

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
        steps = switchboard.scenario("missed", call_start="")[:-1]
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
        steps = switchboard.scenario("answered", pbx_call_id=REF, call_start="")
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
