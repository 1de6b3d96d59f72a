"""What people do with a call stays: notes, picks, claims, created records."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.models import MAGIC_COLUMNS
from odoo.tests import Form, tagged

from ..models.call.pbx_call import PBX_FIELDS
from ..models.people.pbx_directory import PbxDirectory
from .common import CALLER, LOCAL_NOON, REF, TYPED, PbxCase, scenarios


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
        people = {"note", "partner_id", "lead_id", "user_id"}
        people |= {"tag_ids", "is_wrapped_up"}
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

    def test_only_the_first_new_record_takes_the_call(self):
        """“New” in the form that a call opened, and what is created on the way."""
        for action, model, link in (
            ("action_create_contact", "res.partner", "partner_id"),
            ("action_create_lead", "crm.lead", "lead_id"),
        ):
            with self.fresh(action):
                call = self.ring()
                context = getattr(call.with_user(self.anna), action)()["context"]
                records = self.env[model].with_user(self.anna).with_context(**context)
                partners = self.env["res.partner"].with_user(self.anna)
                # The web client hands defaults on to no other record; others might.
                company_id, _name = partners.with_context(**context).name_create("Acme")
                partners.with_context(**context).create({"name": "Another one"})
                self.assertFalse(call.partner_id)
                with Form(records) as form:
                    form.name = "The caller"
                self.assertEqual(call[link], form.record.sudo())
                with Form(records) as again:
                    again.name = "The next one"
                self.assertEqual(call[link], form.record.sudo())
                self.assertNotIn(company_id, call.partner_id.ids)
                # Nothing of it is left to be remembered.
                copy = form.record.copy()
                self.assertNotEqual(call[link], copy.sudo())

    def test_contact_made_for_a_call_takes_it_from_a_machine_s_finding(self):
        call = self.ring()
        action = call.with_user(self.anna).action_create_contact()
        model = self.env["res.partner"].with_user(self.anna)
        form = Form(model.with_context(**action["context"]))
        form.name = "Olga Petrova"
        self.new_partner("A colleague's")
        self.run_job("rematch")
        self.assertTrue(call.partner_id)
        self.assertEqual(call.partner_id.name, "A colleague's")
        form.save()
        self.assertEqual(call.partner_id.name, "Olga Petrova")

    # ------------------------------------------------------------ merged, deleted

    def new_lead(self, name="Rope", phone=CALLER, **values):
        return self.env["crm.lead"].create(
            {
                "name": name,
                "phone": phone,
                "company_id": self.company.id,
                "user_id": self.anna.id,
                **values,
            }
        )

    def test_merged_leads_hand_their_calls_over(self):
        one = self.new_lead("One", user_id=self.anna.id, type="opportunity")
        call = self.ring()
        call.with_user(self.anna).note = "rope, two tons"
        call.activity_schedule("mail.mail_activity_data_call", user_id=self.anna.id)
        others = self.new_lead("Two", "020 7946 0211") | self.new_lead("Three", False)
        second = self.tell("missed", caller="+442079460211", pbx_call_id="in_2")[-1]
        self.assertEqual((call.lead_id, second.lead_id), (one, others[0]))
        for head in (one, others[0]):
            with self.fresh(head.name):
                # The one that is left is the one with the higher probability.
                leads = one | others
                leads.type = "opportunity"
                (leads - head).probability, head.probability = 1, 90
                left = leads.with_user(self.supervisor_of_sales()).merge_opportunity()
                self.assertEqual(left.sudo(), head)
                self.assertEqual((call | second).lead_id, head)
                self.assertEqual(call.note, "rope, two tons")
                self.assertEqual(len(call.activity_ids), 1)
                self.assertEqual(head.with_user(self.supervisor).pbx_call_count, 2)

    def test_merged_contacts_keep_picks_notes_and_recordings(self):
        one, two = self.new_partner("One"), self.new_partner("Two", False)
        self.new_partner("Namesake")
        self.ring()
        call = self.go_on()
        call.with_user(self.anna).write({"note": "rope", "partner_id": one.id})
        call.activity_schedule("mail.mail_activity_data_call", user_id=self.anna.id)
        recording = self.env["pbx.recording"].create({"call_id": call.id, "ref": "1.2"})
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([one.id, two.id], dst_partner=two)
        self.run_job("rematch")
        self.assertCall(call, partner_id=two, partner_source="picked", note="rope")
        self.assertEqual(len(call.activity_ids), 1)
        self.assertTrue(recording.with_user(self.anna).has_access("read"))
        self.assertFalse(recording.with_user(self.boris).has_access("read"))
        later = self.tell("missed", pbx_call_id="in_2")[-1]
        self.assertCall(later, partner_id=two, partner_source="remembered")

    def supervisor_of_sales(self):
        return self.new_user("sales", "sales_team.group_sale_manager")

    def test_lead_gets_its_contact(self):
        """Its calls get it too, unless a person linked somebody, or nobody."""
        partner = self.new_partner("Olga", False)
        other = self.new_partner("Somebody else", False)
        lead = self.new_lead()
        calls = self.ring()
        for number in range(3):
            calls |= self.tell("missed", pbx_call_id=f"in_{number}")[-1]
        found, picked, emptied, waiting = calls
        self.assertEqual(calls.lead_id, lead)
        picked.with_user(self.anna).partner_id = other
        emptied.with_user(self.anna).partner_id = False
        foreign = self.env["res.company"].create({"name": "Elsewhere"})
        for what, assign, expected in (
            ("assigned", lambda: lead._handle_partner_assignment(partner.id), partner),
            ("edited", lambda: lead.write({"partner_id": partner.id}), partner),
            ("converted", lambda: self.convert(lead, partner), partner),
            (
                "of a company that is not the PBX's",
                lambda: (
                    partner.write({"company_id": foreign.id}),
                    lead.write(
                        {
                            "company_id": foreign.id,
                            "partner_id": partner.id,
                            "user_id": False,
                        }
                    ),
                ),
                self.env["res.partner"],
            ),
        ):
            with self.fresh(what):
                assign()
                self.assertEqual((found | waiting).partner_id, expected)
                self.assertEqual(found.partner_source, "lead")
                self.assertEqual(picked.partner_id, other)
                self.assertFalse(emptied.partner_id)

    def convert(self, lead, partner):
        wizards = self.env["crm.lead2opportunity.partner"].with_context(
            active_model="crm.lead", active_ids=lead.ids, active_id=lead.id
        )
        wizards.create(
            {
                "lead_id": lead.id,
                "name": "convert",
                "action": "exist",
                "partner_id": partner.id,
            }
        ).action_apply()

    def test_deleted_contact_s_calls_are_looked_up_anew(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        call = self.ring()
        call.with_user(self.anna).partner_id = one
        later = self.tell("missed", pbx_call_id="in_2")[-1]
        emptied = self.tell("missed", pbx_call_id="in_3")[-1]
        emptied.with_user(self.anna).partner_id = False
        kept = self.tell("missed", pbx_call_id="in_4")[-1]
        third = self.new_partner("Three", False)
        kept.with_user(self.anna).partner_id = third
        self.assertEqual((call | later).partner_id, one)
        self.assertEqual(later.partner_source, "remembered")
        with self.fresh("nobody was picked otherwise"):
            third.unlink()
            one.unlink()
            self.run_job("rematch")
            for each in (call, later, kept):
                self.assertCall(each, partner_id=two, partner_source="number")
            self.assertFalse(emptied.partner_id, "a person said: nobody")
        with self.fresh("a pick on a contact that is left is remembered"):
            one.unlink()
            self.run_job("rematch")
            self.assertCall(kept, partner_id=third, partner_source="picked")
            self.assertCall(call, partner_id=third, partner_source="remembered")
        with self.fresh("nobody is left"):
            (one | two | third).unlink()
            self.run_job("rematch")
            self.assertCall(call, partner_id=third.browse(), partner_source="none")

    def test_deleted_contacts_cost_one_look_up_for_each_number(self):
        partner = self.new_partner("One")
        for number in range(12):
            self.tell("missed", pbx_call_id=f"in_{number}")
        self.new_partner("Two")
        partner.unlink()
        with patch.object(
            PbxDirectory, "_look_up", autospec=True, side_effect=PbxDirectory._look_up
        ) as look_up:
            self.run_job("rematch")
        self.assertLessEqual(look_up.call_count, 2, "not one for each call")
        self.assertEqual(len(self.calls().partner_id), 1)

    def test_deleted_lead_s_calls_are_looked_up_anew(self):
        one, two = self.new_lead("One"), self.new_lead("Two", contact_name="Harriet")
        call = self.ring()
        self.assertCall(call, lead_id=one.browse(), partner_source="several")
        call.with_user(self.anna).lead_id = one
        partner = self.new_partner("Olga", False)
        with self.fresh("callers who are only leads"):
            one.unlink()
            self.run_job("rematch")
            self.assertCall(call, lead_id=two, partner_source="lead")
        with self.fresh("leads of a contact"):
            partner.phone = TYPED
            (one | two).partner_id = partner
            self.run_job("rematch")
            self.assertCall(call, lead_id=one, partner_id=partner)
            one.unlink()
            self.run_job("rematch")
            self.assertCall(call, lead_id=two, partner_id=partner)
        with self.fresh("a person said: nobody"):
            call.with_user(self.anna).partner_id = False
            (one | two).unlink()
            self.new_partner("Somebody else")
            self.run_job("rematch")
            self.assertCall(call, partner_id=partner.browse(), partner_source="picked")

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
            model.create({"name": "X", "pbx_new_from_call_id": call.id})
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
