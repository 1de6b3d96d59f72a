"""The index of further numbers follows contacts and leads, whoever writes them."""

import importlib.util
from unittest.mock import patch

from odoo import fields
from odoo.modules import get_module_path
from odoo.tests import tagged

from ..models.people import pbx_phone_scan
from .common import CALLER, TYPED, PbxCase

SECOND = "+447400123456"
BOTH = f"{CALLER} ::: +44 7400 123456"


@tagged("post_install", "-at_install")
class TestPhoneIndex(PbxCase):
    def found(self, number):
        """Who is found by a number: a contact, or what the look-up says."""
        settings = self.env["pbx.provider"]._settings(self.provider.id)
        match = self.env["pbx.directory"]._find(settings, number)
        if match.partner_id:
            return self.env["res.partner"].browse(match.partner_id)
        if match.lead_id:
            return self.env["crm.lead"].browse(match.lead_id)
        return match.source

    def rows(self, record):
        owner = "partner_id" if record._name == "res.partner" else "lead_id"
        self.env.flush_all()
        return self.env["pbx.phone.number"].search([(owner, "in", record.ids)])

    # ------------------------------------------------------------------ what has a row

    def test_most_contacts_have_none(self):
        """Odoo's own number of a contact is not kept twice."""
        for phone in (TYPED, "+44 20 7946 0201", "020 7946 0201 ext. 12", False):
            with self.fresh(phone):
                self.assertFalse(self.rows(self.new_partner(phone=phone)))

    def test_two_numbers(self):
        partner = self.new_partner(phone=BOTH)
        for number in (CALLER, SECOND):
            self.assertEqual(self.found(number), partner)
        self.assertEqual(len(self.rows(partner)), 2)

    # --------------------------------------------------------------------- it follows

    def test_written(self):
        partner = self.new_partner(phone=BOTH)
        partner.phone = "020 7946 0202 / 07400 123457"
        self.assertEqual(self.found("+442079460202"), partner)
        self.assertEqual(self.found("+447400123457"), partner)
        self.assertEqual(self.found(SECOND), "none")
        partner.phone = False
        self.assertEqual(self.found("+447400123457"), "none")
        self.assertFalse(self.rows(partner))

    def test_country_written(self):
        partner = self.new_partner(
            phone="030 901820 / 0151 23456789", country_id=self.gb.id
        )
        self.assertEqual(self.found("+4915123456789"), "none")
        partner.country_id = self.env.ref("base.de")
        self.assertEqual(self.found("+4915123456789"), partner)

    def test_country_of_its_company(self):
        company = self.new_partner("Baltic", False, is_company=True)
        partner = self.new_partner(
            phone="030 901820 / 0151 23456789", parent_id=company.id, type="other"
        )
        partner.country_id = False
        self.assertEqual(self.found("+4915123456789"), "none")
        company.country_id = self.env.ref("base.de")
        self.assertEqual(self.found("+4915123456789"), partner)

    def test_copied(self):
        partner = self.new_partner(phone=BOTH)
        copy = partner.copy()
        self.assertEqual(self.found(SECOND), "several")
        partner.unlink()
        self.assertEqual(self.found(SECOND), copy)

    def test_merged(self):
        """The numbers of who is left are its own, and those that Odoo hands over."""
        one = self.new_partner("One", phone=BOTH)
        two = self.new_partner("Two", phone="020 7946 0333")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([one.id, two.id], dst_partner=two)
        self.assertEqual(self.found("+442079460333"), two)
        self.assertEqual(self.found(SECOND), "none")
        self.assertFalse(self.rows(two))

    def test_merged_into_one_without(self):
        one, two = self.new_partner("One", phone=BOTH), self.new_partner("Two", False)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([one.id, two.id], dst_partner=two)
        self.assertEqual(two.phone, BOTH)
        self.assertEqual(self.found(SECOND), two)

    def test_lead(self):
        """A lead's number is its own, or follows its contact's."""
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "phone": BOTH, "company_id": self.company.id}
        )
        self.assertEqual(self.found(SECOND), lead)
        lead.phone = "+44 20 7946 0333 or +44 7400 123457"
        self.assertEqual(self.found(SECOND), "none")
        self.assertEqual(self.found("+447400123457"), lead)
        partner = self.new_partner(phone=f"{BOTH} (new)")
        lead.partner_id = partner
        self.assertEqual(self.found(SECOND), partner)
        partner.phone = "+44 20 7946 0334 or +44 7400 123458"
        self.assertEqual(lead.phone, partner.phone)
        keys = set(self.rows(lead).mapped("number"))
        self.assertEqual(keys, {"+442079460334", "+447400123458"})

    def test_unrelated_writes_touch_nothing(self):
        partner = self.new_partner(phone=BOTH)
        self.env.flush_all()
        with patch.object(
            type(self.env["pbx.phone.number"]), "_index", side_effect=AssertionError
        ):
            partner.write({"name": "Another", "comment": "x", "email": "a@example.com"})
            self.env.flush_all()

    def test_numbers_removed_past_odoo(self):
        """A script that makes a database anonymous leaves nobody to be found."""
        self.new_partner(phone=BOTH)
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET phone = NULL")
        self.assertEqual(self.found(SECOND), "none")

    # ------------------------------------------------------------- further phone fields

    def test_further_phone_field(self):
        """Odoo says which fields hold numbers: with OCA's, ``mobile`` is one."""
        names = ["phone", "barcode"]  # a field that is there anyway
        model = type(self.env["res.partner"])
        with patch.object(model, "_phone_get_number_fields", lambda _self: list(names)):
            partner = self.new_partner(phone=TYPED, barcode="07400 123456")
            call = self.tell("missed", caller=SECOND)
            self.env["pbx.phone.number"]._numbers_changed(partner)
            self.assertEqual(self.found(SECOND), partner)
            self.run_job("rematch")
            self.assertEqual(call.partner_id, partner)

    # ------------------------------------------------------------ what was there before

    def scan(self):
        self.env["pbx.phone.scan"].search([]).last_id = 0
        with patch.object(pbx_phone_scan, "BATCH", 7):
            self.run_job("read_phones")

    def test_contacts_of_before(self):
        """A job reads them in batches, and they collect their earlier calls."""
        call = self.tell("missed", caller=SECOND)
        partners = self.env["res.partner"].create(
            [{"name": f"C{n}", "phone": f"+4474001299{n:02}"} for n in range(20)]
        )
        partner = self.new_partner(phone=BOTH)
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "phone": "+442079460333, +44 7400 123457"}
        )
        self.env.cr.flush()  # what waits for the commit: they are queued
        self.env["pbx.rematch"].search([]).unlink()
        self.env.cr.execute("DELETE FROM pbx_phone_number")
        self.assertEqual(self.found(SECOND), "none")
        self.assertEqual(self.found(CALLER), "none")
        self.scan()
        self.assertEqual(self.found(SECOND), partner)
        self.assertEqual(self.found("+447400123457"), lead)
        queued = self.env["pbx.rematch"].search([])
        self.assertEqual(
            set(queued.mapped(lambda row: (row.res_model, row.res_id))),
            {("res.partner", partner.id), ("crm.lead", lead.id)},
        )
        self.run_job("rematch")
        self.assertEqual(call.partner_id, partner)
        self.assertFalse(self.rows(partners))
        # Nothing is left to do, and nothing is done.
        self.scan()
        self.assertFalse(self.env["pbx.rematch"].search([]))

    def test_the_update_reads_all_anew(self):
        """The rows of before say how numbers were read then."""
        partner = self.new_partner(
            phone="+33 6 12 34 56", country_id=self.env.ref("base.fr").id
        )
        self.run_job("read_phones")
        self.rows(partner)
        self.env.cr.execute(
            "UPDATE pbx_phone_number SET number = '+33336123456' WHERE partner_id = %s",
            [partner.id],
        )
        self.assertEqual(self.found("+33336123456"), partner)
        path = f"{get_module_path('cloud_pbx')}/migrations/19.0.1.7.0/post-numbers.py"
        spec = importlib.util.spec_from_file_location("post_numbers", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.migrate(self.env.cr, "19.0.1.6.0")
        self.env.invalidate_all()
        self.run_job("read_phones")
        self.assertEqual(self.found("+33336123456"), "none")

    def test_begins_anew_with_another_field(self):
        scans = self.env["pbx.phone.scan"]
        self.new_partner()
        self.run_job("read_phones")
        scan = scans.search([("res_model", "=", "res.partner")])
        self.assertTrue(scan.last_id)
        scans._prepare()
        self.assertEqual(scans.search([("res_model", "=", "res.partner")]), scan)
        model = type(self.env["res.partner"])
        with patch.object(
            model, "_phone_get_number_fields", lambda _self: ["phone", "barcode"]
        ):
            scans._prepare()
            scan = scans.search([("res_model", "=", "res.partner")])
            self.assertEqual((scan.last_id, scan.phone_fields), (0, "phone,barcode"))
            job = self.env.ref("cloud_pbx.ir_cron_read_phones")
            triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
            self.assertLessEqual(min(triggers.mapped("call_at")), fields.Datetime.now())
