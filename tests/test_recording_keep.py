"""Recordings are kept as long as the settings say, and no longer."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import PbxCase
from .recordings import RecordingCase


@tagged("post_install", "-at_install")
class TestRecordingKeep(RecordingCase, PbxCase):
    def setUp(self):
        super().setUp()
        self.recording = self.recorded("answered").recording_ids
        self.run_job("fetch_recordings")
        self.assertEqual(self.recording.state, "stored")

    def vacuum(self):
        self.env["pbx.recording"]._gc_audio()
        self.env.invalidate_all()

    def test_kept_for_ever_unless_said(self):
        self.age(self.recording, 4000)
        self.vacuum()
        self.assertEqual(self.recording.state, "stored")
        self.assertTrue(self.recording.audio)

    def test_deleted_after_its_days(self):
        self.provider.recording_days = 30
        young = self.recorded("answered").recording_ids
        self.run_job("fetch_recordings")
        self.age(self.recording, 31)
        self.age(young, 29)
        asked = len(self.asked("/record/request"))
        self.vacuum()
        self.assertRecordValues(
            self.recording + young,
            [
                {"state": "expired", "audio": False, "size": 0},
                {"state": "stored", "audio": young.audio, "size": young.size},
            ],
        )
        self.assertTrue(young.audio)
        self.assertFalse(
            self.env["ir.attachment"].search(
                [
                    ("res_model", "=", "pbx.recording"),
                    ("res_field", "=", "audio"),
                    ("res_id", "=", self.recording.id),
                ]
            )
        )
        note = self.recording.call_id.message_ids
        self.assertEqual(len(note), 1)
        self.assertIn("was deleted after 30 days", note.body)
        self.assertEqual(note.author_id, self.env.ref("base.partner_root"))
        # Once and for all: nothing comes back, and nothing is noted again.
        self.fetch()
        self.vacuum()
        self.assertEqual(self.recording.state, "expired")
        self.assertEqual(len(self.asked("/record/request")), asked)
        self.assertEqual(len(self.recording.call_id.message_ids), 1)
        # The PBX has it still.
        self.assertFalse([e for e in self.asked() if e["method"] == "DELETE"])

    def test_one_company_s_days_are_not_another_s(self):
        other = self.env["res.company"].create({"name": "Another company"})
        robot = self.new_user("robot", "base.group_user", other)
        self.new_provider(other, robot, "another", recording_days=1)
        self.age(self.recording, 31)
        self.vacuum()
        self.assertEqual(self.recording.state, "stored")

    def test_settings(self):
        for name, value in (("recording_days", -1), ("recording_max_mb", 0)):
            with self.subTest(name), self.assertRaises(ValidationError):
                self.provider[name] = value
