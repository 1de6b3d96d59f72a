"""What people do with a call stays: notes, picks, claims, created records."""

from odoo.exceptions import AccessError, UserError
from odoo.models import MAGIC_COLUMNS
from odoo.tests import Form, tagged

from ..models.call.pbx_call import PBX_FIELDS
from .common import CALLER, LOCAL_NOON, REF, PbxCase, scenarios


@tagged("post_install", "-at_install")
class TestPeople(PbxCase):
    def setUp(self):
        super().setUp()
        self.steps = scenarios.scenario(
            "answered", pbx_call_id=REF, call_start=LOCAL_NOON
        )

    def ring(self, steps=None):
        """START and INTERNAL came: the phone rings."""
        self.put(steps or self.steps[:2]).action_replay()
        return self.the_call()

    def go_on(self, steps=None):
        self.put(steps or self.steps[2:]).action_replay()
        return self.the_call()

    # ------------------------------------------------------------- never overwritten

    def test_note_and_picked_contact_stay(self):
        self.new_partner("By number")
        picked = self.new_partner("Picked", False)
        call = self.ring()
        call.with_user(self.anna).write(
            {"note": "rope, two tons", "partner_id": picked.id}
        )
        call = self.go_on()
        self.assertCall(
            call,
            note="rope, two tons",
            partner_id=picked,
            partner_source="picked",
            outcome="answered",
            user_id=self.anna,
        )

    def test_emptied_contact_stays_empty(self):
        self.new_partner()
        call = self.ring()
        call.with_user(self.anna).partner_id = False
        self.assertFalse(self.go_on().partner_id)

    def test_linked_lead_stays(self):
        values = {
            "name": "Rope",
            "user_id": self.anna.id,
            "company_id": self.company.id,
        }
        found, chosen = self.env["crm.lead"].create(
            [{**values, "phone": CALLER}, {**values, "name": "Sails"}]
        )
        call = self.ring()
        self.assertEqual(call.lead_id, found)
        call.with_user(self.anna).lead_id = chosen
        self.assertEqual(self.go_on().lead_id, chosen)

    def test_supervisor_s_word_on_who_spoke_stays(self):
        call = self.ring()
        call.with_user(self.supervisor).user_id = self.boris
        self.assertEqual(self.go_on().user_id, self.boris)

    def test_contact_found_first_is_not_moved_by_later_events(self):
        one = self.new_partner("One")
        call = self.ring()
        self.new_partner("Two")
        call = self.go_on()
        self.assertEqual((call.partner_id, call.partner_source), (one, "number"))

    # ------------------------------------------------------------------- it was me

    def test_it_was_me(self):
        self.extension.user_ids = self.anna | self.boris
        self.ring()
        call = self.go_on()
        self.assertFalse(call.user_id, "which of the two, only they know")
        self.assertEqual(call.participant_ids, self.anna | self.boris)
        mine = call.with_user(self.boris)
        self.assertTrue(mine.can_claim)
        mine.action_claim()
        self.assertEqual(call.user_id, self.boris)
        self.assertFalse(call.with_user(self.anna).can_claim)
        with self.assertRaises(UserError):
            call.with_user(self.anna).action_claim()
        # Whatever comes later.
        record = scenarios.scenario("answered", pbx_call_id=REF)[-1]
        record.fields["call_id_with_rec"] = "1.2"
        self.assertEqual(self.go_on([record]).user_id, self.boris)

    def test_it_was_not_me(self):
        self.extension.user_ids = self.anna | self.boris
        self.ring()
        call = self.go_on()
        call.partner_id = self.new_partner(user_id=self.new_agent("clara").id)
        clara = call.partner_id.user_id
        self.assertFalse(call.with_user(clara).can_claim)
        with self.assertRaises(UserError):
            call.with_user(clara).action_claim()
        for user in (clara, self.anna):
            with self.assertRaises(AccessError):
                call.with_user(user).user_id = self.robot

    # ------------------------------------------------------------- what the PBX says

    def test_nobody_writes_what_the_pbx_told(self):
        self.ring()
        call = self.go_on()
        known = PBX_FIELDS & set(call._fields)
        self.assertEqual(known, PBX_FIELDS, "a name that is no field")
        for name in sorted(known | {"facts"}):
            for user in (self.anna, self.supervisor):
                field = call._fields[name]
                value = [] if field.type in ("one2many", "many2many") else False
                with self.subTest(name, user=user.name), self.assertRaises(AccessError):
                    call.with_user(user).write({name: value})

    def test_every_field_of_a_call_is_told_or_written_by_people(self):
        """A new field must be put into one of the two drawers."""
        mixins = (
            self.env["mail.thread"]._fields | self.env["mail.activity.mixin"]._fields
        )
        written = {
            name
            for name, field in self.env["pbx.call"]._fields.items()
            if field.store and name not in mixins and name not in MAGIC_COLUMNS
            if name not in PBX_FIELDS and name != "facts"
        }
        people = {"note", "partner_id", "lead_id", "user_id", "called_back"}
        self.assertEqual(written, people)

    def test_nobody_makes_or_copies_calls(self):
        self.ring()
        call = self.go_on()
        for user in (self.anna, self.supervisor):
            with self.assertRaises(AccessError):
                call.with_user(user).copy()

    # ---------------------------------------------------------- create, link, pick

    def test_create_contact(self):
        call = self.ring()
        action = call.with_user(self.anna).action_create_contact()
        model = self.env["res.partner"].with_user(self.anna)
        with Form(model.with_context(**action["context"])) as form:
            form.name = "Olga Petrova"
        partner = form.record.sudo()
        self.assertEqual(partner.phone_sanitized, CALLER)
        self.assertEqual(partner.country_id, self.gb)
        self.assertEqual((call.partner_id, call.partner_source), (partner, "picked"))

    def test_create_lead(self):
        call = self.ring()
        action = call.with_user(self.anna).action_create_lead()
        model = self.env["crm.lead"].with_user(self.anna)
        with Form(model.with_context(**action["context"])) as form:
            form.name = "Two tons of rope"
        lead = form.record.sudo()
        self.assertEqual(lead.phone_sanitized, CALLER)
        self.assertEqual(call.lead_id, lead)
        self.assertEqual(lead.user_id, self.anna)
        self.assertEqual(lead.with_user(self.anna).pbx_call_count, 1)

    def test_create_lead_for_a_contact(self):
        partner = self.new_partner()
        call = self.ring()
        action = call.with_user(self.anna).action_create_lead()
        model = self.env["crm.lead"].with_user(self.anna)
        with Form(model.with_context(**action["context"])) as form:
            form.name = "Rope"
        self.assertEqual(form.record.partner_id.sudo(), partner)
        self.assertEqual((call.lead_id, call.partner_id), (form.record.sudo(), partner))

    def test_create_for_a_withheld_number(self):
        steps = scenarios.scenario("withheld", pbx_call_id=REF, call_start=LOCAL_NOON)
        call = self.ring(steps[:2])
        context = call.with_user(self.anna).action_create_contact()["context"]
        self.assertFalse(context["default_phone"])
        self.assertIn("default_name", call.action_create_lead()["context"])

    def test_link_to_an_existing_one(self):
        partner = self.new_partner("No number yet", False)
        call = self.ring()
        call.with_user(self.anna).partner_id = partner
        self.assertEqual((call.partner_id, call.partner_source), (partner, "picked"))
        self.assertEqual(partner.with_user(self.anna).pbx_call_count, 1)

    def test_pick_enters_the_number_once(self):
        """Picked from the candidates or linked: from now on everybody finds it."""
        partner = self.new_partner("No number yet", False)
        call = self.ring()
        mine = partner.with_user(self.anna).with_context(pbx_call_id=call.id)
        mine.action_pbx_pick()
        self.assertEqual(partner.phone_sanitized, CALLER)
        self.assertEqual(call.partner_id, partner)

    def test_pick_of_a_foreign_call_is_refused(self):
        partner = self.new_partner("Olga", False)
        call = self.ring()
        foreign = partner.with_user(self.boris).with_context(pbx_call_id=call.id)
        with self.assertRaises(AccessError):
            foreign.action_pbx_pick()
        model = self.env["res.partner"].with_user(self.boris)
        with self.assertRaises(AccessError):
            model.with_context(pbx_call_id=call.id).create({"name": "X"})
        self.assertFalse(call.partner_id)

    def test_contact_of_another_company_is_refused(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        partner = self.new_partner(company_id=other.id)
        call = self.ring()
        with self.assertRaises(UserError):
            call.with_user(self.anna).partner_id = partner
            self.env.flush_all()

    def test_thread_and_activities(self):
        call = self.ring().with_user(self.anna)
        call.message_post(body="She calls back at five.")
        call.activity_schedule("mail.mail_activity_data_call", user_id=self.anna.id)
        self.assertEqual(len(call.activity_ids), 1)
