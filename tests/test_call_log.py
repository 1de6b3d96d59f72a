"""The log: every story a PBX tells is one call, with the right people."""

import unittest
from pathlib import Path

from odoo.tests import tagged

from .common import (
    CALLER,
    LINE,
    REF,
    PbxHttpCase,
    scenarios,
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
        (f"click_{story}", {"extension": "101"}, DIALLED, "boris", "boris",
         {"101": "answered"}, 1)
        for story in ("calltype", "swapped", "plain", "two_ids")
    ),
    *(
        (f"click_{story}", {"outcome": how}, {**SILENT, "outcome": outcome},
         "anna", "anna", {"100": False}, 0)
        for story in ("calltype", "swapped", "plain", "two_ids")
        for how, outcome in (
            ("no answer", "no_answer"), ("busy", "busy"), ("offline", "failed"),
        )
    ),
    (
        "extension_to_extension", {},
        {**DIALLED, "direction": "internal", "number": "101", "line": False},
        # Of the one who was called only the name is known.
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
        for name, parameters, values, spoke, took_part, legs, recordings in STORIES:
            if name not in scenarios.SCENARIOS:
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
                    **values,
                }
                self.assertCall(call, **expected)
                self.assertEqual(self.legs(call), legs)
                self.assertEqual(len(call.recording_ids), recordings)
                self.assertGreaterEqual(call.wait_seconds, 0)
                self.assertEqual(set(self.events().mapped("state")), {"done"})
                self.assertEqual(call.create_uid, self.robot, "made by “run as”")

    def test_no_calls_come_of_other_events(self):
        for name in ("sms", "number_lookup", "speech_recognition", "unknown_event"):
            if name in scenarios.SCENARIOS:
                self.assertFalse(self.play(name), name)
        self.assertEqual(set(self.events().mapped("state")) | {"ignored"}, {"ignored"})

    def test_every_scenario_has_its_test(self):
        covered = {name for name, *_rest in STORIES} | {"answer_only"}
        covered |= {"sms", "number_lookup", "speech_recognition", "unknown_event"}
        self.assertFalse(set(scenarios.SCENARIOS) - covered)

    def test_the_fake_pbx_is_used_where_it_is(self):
        beside = Path(__file__).resolve().parent.parent / "dev" / "fake_zadarma"
        if not beside.is_dir():
            raise unittest.SkipTest("a release has no fake PBX")
        self.assertIn("dev.fake_zadarma", scenarios.__name__)

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
        for step in scenarios.scenario("answered", pbx_call_id=REF):
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
