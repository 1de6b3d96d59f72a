"""A card is read under its reader's own rights, and holds text only."""

from datetime import timedelta

from odoo.tests import tagged

from .common import LINE
from .desk import FakeCall, ThreeDesks

STRANGER = "+442079460777"
HTML = "<img src=x onerror=alert(1)> & <b>Co</b>"


@tagged("post_install", "-at_install")
class TestDeskRights(ThreeDesks):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.new_partner(function="Captain")
        cls.lead = cls.env["crm.lead"].create(
            {
                "name": "Rope",
                "partner_id": cls.partner.id,
                "company_id": cls.company.id,
                "user_id": cls.anna.id,
            }
        )
        for record in (cls.partner, cls.lead):
            record.activity_schedule(
                "mail.mail_activity_data_todo", user_id=cls.anna.id, summary="Secret"
            )

    def test_agent_without_crm(self):
        plain = self.new_user("plain", "cloud_pbx.group_pbx_user")
        self.new_extension("103", plain)
        fake = FakeCall(self).start().ring("103")
        self.assertEqual(fake.call.lead_id, self.lead)
        card = self.card(fake.call, plain)
        self.assertEqual(card["leads"], [])
        self.assertFalse(card["can_create_lead"] or card["can_create_contact"])
        self.assertEqual(card["contact"]["job"], "Captain", "contacts are everybody's")
        self.assertNotIn("crm.lead", [one["res_model"] for one in card["activities"]])
        anna = self.card(FakeCall(self).start().ring("100").call)
        self.assertTrue(anna["can_create_lead"] and anna["can_create_contact"])
        self.assertEqual(len(anna["leads"]), 1)
        self.assertEqual(len(anna["activities"]), 2)

    def test_contacts_that_a_rule_hides(self):
        """The log shows the name to all who see the call, and that is all."""
        twins = [self.new_partner(name, "020 7946 0303") for name in ("One", "Two")]
        self.env["ir.rule"].create(
            {
                "name": "Hidden",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": [
                    ("id", "not in", [self.partner.id, twins[0].id]),
                ],
            }
        )
        fake = FakeCall(self).start().ring("102")
        card = self.card(fake.call, self.clara)
        self.assertEqual((card["name"], card["contact"]), ("Olga Petrova", False))
        self.assertEqual((card["candidates"], card["activities"]), ([], []))
        self.assertNotIn("Captain", str(card))
        self.assertEqual(card["leads"], [], "Anna's: salespeople see their own")
        several = FakeCall(self, "+442079460303").start().ring("102")
        card = self.card(several.call, self.clara)
        self.assertEqual([one["name"] for one in card["candidates"]], ["Two"])

    def test_contact_of_another_company(self):
        fake = FakeCall(self).start().ring("100")
        other = self.env["res.company"].create({"name": "Another company"})
        self.lead.partner_id = False
        self.partner.company_id = other
        card = self.card(fake.call)
        self.assertEqual((card["name"], card["contact"]), ("Olga Petrova", False))
        self.assertNotIn("Captain", str(card))

    def test_calls_that_one_may_not_see(self):
        mine = FakeCall(self).start().ring("100").call
        theirs = FakeCall(self, STRANGER).start().ring("102").call
        gone = FakeCall(self).start().ring("100").call
        gone_id = gone.id
        gone.unlink()
        ids = [theirs.id, gone_id, mine.id, 2**31 - 1]
        cards = self.ask().cards(ids)["cards"]
        self.assertEqual([card["id"] for card in cards], mine.ids)
        self.assertEqual(self.ask(self.boris).cards(ids)["cards"], [])
        self.assertEqual(self.loaded(), mine)
        self.assertFalse(self.loaded(self.boris))

    def test_earlier_calls_of_colleagues_stay_theirs(self):
        hour = timedelta(hours=1)
        theirs = FakeCall(self, STRANGER, ago=hour).start().ring("102").give_up()
        fake = FakeCall(self, STRANGER).start().ring("100")
        self.assertEqual(self.card(fake.call)["calls"], [])
        theirs.call.partner_id = fake.call.partner_id = self.partner
        self.assertEqual(self.card(fake.call)["calls"], [])
        self.partner.user_id = self.anna
        self.assertEqual(len(self.card(fake.call)["calls"]), 1)

    def test_who_is_no_agent(self):
        clerk = self.new_user("clerk", "base.group_user")
        clerk.pbx_extension_ids = self.extension
        fake = FakeCall(self).start().ring("100")
        self.assertEqual(self.ask(clerk).overview(), {"phones": []})
        self.assertEqual(self.ask(clerk).cards(fake.call.ids)["cards"], [])

    def test_names_full_of_html_are_text(self):
        self.partner.write({"name": HTML, "function": HTML})
        self.lead.name = HTML
        self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, "name": HTML}
        )
        fake = FakeCall(self).start().ring("100")
        fake.call.note = HTML
        card = self.card(fake.call)
        for text in (
            card["name"],
            card["note"],
            card["line_name"],
            card["contact"]["name"],
            card["contact"]["job"],
            card["leads"][0]["name"],
        ):
            self.assertEqual(text, HTML)
            self.assertIs(type(text), str, "no Markup")
