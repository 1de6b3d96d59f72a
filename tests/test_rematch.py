"""Contacts that come after their calls collect them, by a job that is woken at once."""

from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from ..models.people.pbx_rematch import PbxRematch
from .common import CALLER, TYPED, PbxCase

JOB = "cloud_pbx.ir_cron_rematch"


@tagged("post_install", "-at_install")
class TestRematch(PbxCase, CronMixinCase):
    def assertCollected(self, call, partner):
        self.run_job("rematch")
        self.assertEqual(call.partner_id, partner)
        self.assertIn(call.partner_source, ("number", "tail"))
        self.assertEqual(partner.with_user(self.supervisor).pbx_call_ids, call)

    # ---------------------------------------------------- what makes a contact known

    def test_created_later(self):
        call = self.tell("answered")
        self.assertEqual(call.partner_source, "none")
        with self.capture_triggers(JOB) as triggers:
            partner = self.new_partner()
            self.env.cr.flush()
        self.assertEqual(len(triggers.records), 1, "the job is woken at once")
        self.assertLessEqual(triggers.records.call_at, fields.Datetime.now())
        self.assertFalse(call.partner_id, "not within the creation")
        self.assertCollected(call, partner)
        self.assertFalse(self.env["pbx.rematch"].search([]), "the queue is empty")

    def test_created_by_an_agent(self):
        """Whoever may create contacts needs no right on our job or queue."""
        call = self.tell("answered")
        user = self.new_user("clerk", "base.group_user,base.group_partner_manager")
        partner = (
            self.env["res.partner"]
            .with_user(user)
            .create({"name": "Olga", "phone": TYPED, "country_id": self.gb.id})
        )
        self.assertCollected(call, partner.sudo())

    def test_imported(self):
        call = self.tell("answered")
        result = self.env["res.partner"].load(
            ["name", "phone", "country_id/.id"],
            [["Olga", TYPED, str(self.gb.id)], ["Other", "020 7946 0999", ""]],
        )
        self.assertFalse(result["messages"])
        partner = self.env["res.partner"].browse(result["ids"][0])
        self.assertCollected(call, partner)

    def test_corrected(self):
        wrong = self.new_partner(phone="020 7946 0210")
        call = self.tell("answered")
        wrong.phone = TYPED
        self.assertCollected(call, wrong)

    def test_country_corrected(self):
        partner = self.new_partner(country_id=self.env.ref("base.us").id)
        call = self.tell("answered")
        self.assertFalse(call.partner_id)
        partner.country_id = self.gb
        self.assertCollected(call, partner)

    def test_country_of_its_company_corrected(self):
        us = self.env.ref("base.us")
        company = self.new_partner("Baltic", False, is_company=True, country_id=us.id)
        partner = self.new_partner(
            phone="030 901820", parent_id=company.id, type="other", country_id=False
        )
        partner.country_id = False
        call = self.tell("answered", caller="+4930901820")
        self.assertFalse(call.partner_id)
        company.country_id = self.env.ref("base.de")
        self.assertCollected(call, partner)

    def test_number_that_reads_alike(self):
        call = self.tell("answered", caller="+44207946020")
        self.assertCollected(call, self.new_partner(phone="(020) 7946-020 ext. 5"))

    def test_unarchived(self):
        partner = self.new_partner(active=False)
        call = self.tell("answered")
        self.assertFalse(call.partner_id)
        partner.active = True
        self.assertCollected(call, partner)

    def test_merged(self):
        """Calls move to the contact that is left, and it collects more."""
        one = self.new_partner("Olga P.", "020 7946 0211")
        two = self.new_partner("Olga Petrova")
        self.new_partner("Namesake")
        first = self.tell("answered", caller="+442079460211")
        self.assertEqual(first.partner_id, one)
        namesake = self.env["res.partner"].search([("name", "=", "Namesake")])
        second = self.tell("answered")[-1]
        self.assertEqual(second.partner_source, "several")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([one.id, two.id, namesake.id], dst_partner=two)
        self.run_job("rematch")
        self.assertFalse((one | namesake).exists())
        self.assertEqual(first.partner_id, two)
        self.assertEqual(second.partner_id, two)
        self.assertEqual(two.with_user(self.supervisor).pbx_call_count, 2)

    def test_one_of_several_goes(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        call = self.tell("answered")
        self.assertEqual(call.partner_source, "several")
        with self.subTest("deleted"):
            two.unlink()
            self.assertCollected(call, one)

    def test_one_of_several_is_archived(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        call = self.tell("answered")
        two.active = False
        self.assertCollected(call, one)

    def test_a_second_contact_comes(self):
        call = self.tell("answered")
        self.new_partner("One")
        self.new_partner("Two")
        self.run_job("rematch")
        self.assertFalse(call.partner_id)
        self.assertEqual(call.partner_source, "several")

    def test_lead_created_later(self):
        call = self.tell("answered")
        values = {"name": "Rope", "phone": TYPED, "country_id": self.gb.id}
        lead = self.env["crm.lead"].create({**values, "company_id": self.company.id})
        self.run_job("rematch")
        self.assertEqual((call.lead_id, call.partner_source), (lead, "lead"))
        # And a contact made of it takes the call over.
        partner = self.new_partner()
        self.run_job("rematch")
        self.assertEqual(call.partner_id, partner)
        self.assertEqual(call.lead_id, lead)

    # -------------------------------------------------------------- what is left alone

    def test_calls_that_have_their_contact_keep_it(self):
        one = self.new_partner("One")
        call = self.tell("answered")
        self.new_partner("Two")
        self.run_job("rematch")
        self.assertEqual((call.partner_id, call.partner_source), (one, "number"))

    def test_what_a_person_picked(self):
        stranger = self.new_partner("Picked", False)
        picked = self.tell("answered")
        picked.with_user(self.anna).write({"partner_id": stranger.id})
        emptied = self.tell("missed", caller="+442079460222")[-1]
        emptied.with_user(self.anna).write({"partner_id": False})
        self.new_partner()
        self.new_partner(phone="020 7946 0222")
        self.run_job("rematch")
        self.assertEqual(picked.partner_id, stranger)
        self.assertFalse(emptied.partner_id)

    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Another company"})
        theirs = self.new_provider(other, self.new_agent("clara", other), "theirs")
        their_call = self.tell("answered", provider=theirs)
        call = self.tell("answered")
        partner = self.new_partner(company_id=self.company.id)
        self.assertCollected(call, partner)
        self.assertFalse(their_call.partner_id)

    def test_no_number_no_job(self):
        self.tell("answered")
        with self.capture_triggers(JOB) as triggers:
            partner = self.new_partner(phone=False)
            partner.name = "Another"
            self.env.cr.flush()
        self.assertFalse(triggers.records)

    # ------------------------------------------------------------- archive and delete

    def test_archiving_keeps_the_calls(self):
        partner = self.new_partner()
        call = self.tell("answered")
        partner.active = False
        self.run_job("rematch")
        self.assertEqual(call.partner_id, partner)

    def test_deleting_keeps_the_calls(self):
        partner = self.new_partner()
        call = self.tell("answered")
        partner.unlink()
        self.run_job("rematch")
        self.assertTrue(call.exists())
        self.assertCall(call, number=CALLER, outcome="answered", user_id=self.anna)
        self.assertFalse(call.partner_id)
        # Entered again, it has its calls again.
        self.assertCollected(call, self.new_partner())

    # ----------------------------------------------------------------------- the cost

    def test_import_is_not_slowed_down(self):
        """Five hundred contacts cost a few queries more than without us."""
        self.tell("missed")

        def cost(first, size=500):
            self.env.flush_all()
            self.env.cr.flush()
            before = self.env.cr.sql_log_count
            self.env["res.partner"].create(
                [
                    {"name": f"C{n}", "phone": f"020 79{n:06}"}
                    for n in range(first, first + size)
                ]
            )
            self.env.flush_all()
            self.env.cr.flush()
            return self.env.cr.sql_log_count - before

        cost(0, 1)  # warms the caches
        with patch.object(PbxRematch, "_request", lambda *_args: None):
            without = cost(100_000)
        self.assertLessEqual(cost(200_000) - without, 10)

    def test_queue_of_a_thousand(self):
        """The job takes a queue in batches, with a bounded number of queries each."""
        call = self.tell("missed")
        partners = self.env["res.partner"].create(
            [{"name": f"C{n}", "phone": f"020 79{n:06}"} for n in range(550)]
        )
        last = self.new_partner()
        before = self.env.cr.sql_log_count
        self.assertCollected(call, last)
        self.assertLess(self.env.cr.sql_log_count - before, 150)
        self.assertFalse(partners.with_user(self.supervisor).pbx_call_ids)
