"""Notes about calls in the chatter, for those who wish so."""

from datetime import timedelta

from odoo.tests import tagged

from .common import CALLER, PbxCase
from .desk import FakeCall


@tagged("post_install", "-at_install")
class TestChatter(PbxCase):
    def setUp(self):
        super().setUp()
        self.partner = self.new_partner("Olga Petrova")
        self.partner.user_id = self.anna
        self.anna.pbx_log_calls = True

    def spoken(self, **more):
        fake = FakeCall(self, **more).start().ring("100").lift("100")
        fake.end("100", seconds=134)
        return self.env["pbx.call"].search(
            [("ref", "=", fake.fields["pbx_call_id"])], limit=1
        )

    def notes(self, record):
        return record.message_ids.filtered(
            lambda one: "/odoo/calls/" in (one.body or "")
        )

    def test_nobody_wished_nothing_is_noted(self):
        self.anna.pbx_log_calls = False
        self.spoken().with_user(self.anna).note = "rope"
        self.assertFalse(self.notes(self.partner))

    def test_a_call_is_noted_once_with_what_was_written(self):
        call = self.spoken()
        [note] = self.notes(self.partner)
        self.assertEqual(note.author_id, self.anna.partner_id)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
        self.assertIn("Answered", note.body)
        self.assertIn("02:14", note.body)
        call.with_user(self.anna).note = "two tons <b>of rope</b>\nby Monday"
        self.assertEqual(self.notes(self.partner), note)
        self.assertIn("two tons &lt;b&gt;of rope&lt;/b&gt;<br>by Monday", note.body)

    def test_it_follows_the_call_to_another_contact_and_to_its_lead(self):
        call = self.spoken()
        other = self.new_partner("Nina", False)
        call.with_user(self.anna).partner_id = other
        self.assertFalse(self.notes(self.partner))
        self.assertEqual(len(self.notes(other)), 1)
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "user_id": self.anna.id, "company_id": self.company.id}
        )
        call.with_user(self.anna).lead_id = lead
        self.assertFalse(self.notes(other))
        self.assertEqual(len(self.notes(lead)), 1)
        call.with_user(self.anna).partner_id = False
        call.lead_id = False
        self.assertFalse(self.notes(lead))

    def test_what_is_imported_later_is_not_noted(self):
        call = self.spoken(ago=timedelta(days=3))
        self.assertFalse(self.notes(self.partner))
        call.with_user(self.anna).note = "rope"
        self.assertEqual(len(self.notes(self.partner)), 1)

    def test_where_its_user_may_not_look_nothing_is_noted(self):
        lead = self.env["crm.lead"].create({"name": "Hidden", "user_id": self.boris.id})
        own = self.env.ref("sales_team.group_sale_salesman")
        self.anna.group_ids = [(4, own.id)]
        call = self.spoken()
        call.lead_id = lead
        self.assertEqual(
            bool(self.notes(lead)), lead.with_user(self.anna).has_access("read")
        )

    def test_the_note_goes_along_into_a_lead_and_it_is_made_once(self):
        call = self.spoken()
        call.note = "two tons\nof rope"
        asked = call.with_user(self.anna).action_create_lead()
        self.assertIn("two tons", asked["context"]["default_description"])
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "user_id": self.anna.id, "phone": CALLER}
        )
        call.lead_id = lead
        again = call.with_user(self.anna).action_create_lead()
        self.assertEqual((again["res_model"], again["res_id"]), ("crm.lead", lead.id))
