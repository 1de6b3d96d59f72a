"""Two records that turn out to be one call: nothing that people did is lost."""

from odoo import fields
from odoo.tests import tagged

from ..models.call.merge import CallMerge
from ..telephony.event import OFFERED, RINGING
from .common import PbxCase
from .test_history_rows import RowsCase


@tagged("post_install", "-at_install")
class TestMerge(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.supervisor.group_ids |= cls.env.ref("sales_team.group_sale_manager")
        cls.olga = cls.new_partner("Olga", "+442079460999")
        cls.pavel = cls.new_partner("Pavel", "+442079460998")
        cls.rope, cls.sail = cls.env["crm.lead"].create(
            [{"name": name, "company_id": cls.company.id} for name in ("Rope", "Sail")]
        )

    def setUp(self):
        super().setUp()
        self.extension.user_ids |= self.boris
        self.gone = self.tell("answered", pbx_call_id="in_1")
        self.kept = self.tell("answered", pbx_call_id="in_2", caller="")[-1]
        self.assertNotEqual(self.gone, self.kept)

    def merge(self):
        self.env.flush_all()
        kept = self.kept.sudo()
        CallMerge(self.gone.sudo(), kept).run()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.calls(), self.kept)
        return self.kept

    def by(self, call, user=None):
        return call.with_user(user or self.supervisor)

    def test_a_person_s_choice_wins_over_a_machine_s(self):
        for name, source, first, second in (
            ("partner_id", "partner_source", self.olga, self.pavel),
            ("lead_id", "lead_picked", self.rope, self.sail),
            ("user_id", "user_picked", self.anna, self.boris),
        ):
            none = first.browse()
            machine = {source: "number" if source == "partner_source" else False}
            for case, on_gone, on_kept, expected in (
                ("only there", (True, first), (False, none), first),
                ("there, a machine's here", (True, first), (False, second), first),
                ("a machine's there", (False, first), (True, second), second),
                ("two persons'", (True, first), (True, second), second),
                ("only here", (False, none), (True, second), second),
            ):
                with self.fresh(name, case):
                    for call, (by_person, value) in (
                        (self.gone, on_gone),
                        (self.kept, on_kept),
                    ):
                        if by_person:
                            self.by(call).write({name: value.id})
                        else:
                            call.sudo().write({name: value.id, **machine})
                    self.assertEqual(self.merge()[name], expected)

    def test_a_lead_that_only_a_machine_found(self):
        self.gone.sudo().lead_id = self.rope
        self.assertEqual(self.merge().lead_id, self.rope)

    def test_notes(self):
        for there, here, expected in (
            ("wants rope", False, "wants rope"),
            ("wants rope", "call on Monday", "call on Monday\nwants rope"),
            (False, "call on Monday", "call on Monday"),
            ("same", "same", "same"),
        ):
            with self.fresh(there, here):
                self.gone.note, self.kept.note = there, here
                self.assertEqual(self.merge().note, expected)

    def test_what_hangs_on_it(self):
        gone = self.by(self.gone)
        message = gone.message_post(body="Look at this", attachments=[("a.txt", b"a")])
        gone.message_subscribe(self.olga.ids)
        self.by(self.kept).message_subscribe(self.olga.ids)
        gone.message_subscribe(self.pavel.ids)
        activity = gone.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.anna.id, summary="Call back"
        )
        kept = self.merge()
        self.assertEqual(message.exists().res_id, kept.id)
        self.assertIn(message, kept.message_ids)
        self.assertEqual(message.attachment_ids.exists().res_id, kept.id)
        self.assertEqual(activity.exists().res_id, kept.id)
        self.assertEqual(kept.activity_ids, activity)
        self.assertLessEqual(self.olga | self.pavel, kept.message_partner_ids)

    def test_recordings(self):
        known = self.kept.recording_ids
        self.gone.recording_ids.write({"state": "stored", "audio": "YXVkaW8="})
        stored = self.gone.recording_ids
        known.sudo().ref = stored.ref
        other = self.env["pbx.recording"].create(
            {"call_id": self.gone.id, "ref": "other"}
        )
        kept = self.merge()
        # The one that is fetched already is left of the two.
        self.assertEqual(kept.recording_ids, stored | other)
        self.assertEqual(stored.audio, b"YXVkaW8=")

    def test_the_record_it_was_made_from(self):
        self.gone.sudo().write({"res_model": "res.partner", "res_id": self.olga.id})
        self.assertEqual(self.merge().res_id, self.olga.id)

    def test_further_ids(self):
        ref = self.env["pbx.call.ref"].create(
            {"provider_id": self.provider.id, "ref": "alias", "call_id": self.gone.id}
        )
        kept = self.merge()
        self.assertEqual(ref.exists().call_id, kept)

    def test_nothing_happened_to_it(self):
        before = self.kept.read(["note", "partner_id", "lead_id", "user_id"])
        messages = self.kept.message_ids
        kept = self.merge()
        self.assertEqual(
            kept.read(["note", "partner_id", "lead_id", "user_id"]), before
        )
        self.assertEqual(kept.message_ids, messages)


@tagged("post_install", "-at_install")
class TestMergeOfRows(RowsCase):
    def test_the_whole_way(self):
        """A row of the history and the events of the same call."""
        olga = self.new_partner("Olga", "+442079460999")
        for side in ("rows", "events"):
            with self.fresh(side):
                if side == "rows":
                    self.read(self.row())
                else:
                    self.log.add_events([self.event(OFFERED)])
                touched = self.the_call().with_user(self.supervisor)
                touched.write({"note": "rope", "partner_id": olga.id})
                touched.message_post(body="Look at this")
                if side == "rows":
                    self.log.add_events([self.event(OFFERED)])
                else:
                    self.read(self.row())
                self.log.add_events([self.event(RINGING, 2, extension="100")])
                call = self.the_call()
                self.assertCall(
                    call, ref="R1", note="rope", partner_id=olga, user_id=self.anna
                )
                bodies = " ".join(map(str, call.message_ids.mapped("body")))
                self.assertIn("Look at this", bodies)
                self.assertLess(call.start, fields.Datetime.now())
