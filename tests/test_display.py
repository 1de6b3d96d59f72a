"""Texts and fields that only the screens show."""

from odoo.tests import tagged

from .common import CALLER, LINE, scenarios
from .test_views import ACTIONS, ViewCase


@tagged("post_install", "-at_install")
class TestDisplay(ViewCase):
    """Texts that only the screens show."""

    def help(self, user):
        """Return what the browser of ``user`` gets of the empty list of calls."""
        action = self.env.ref("cloud_pbx.pbx_call_action").with_user(user).sudo()
        return action.with_company(self.company)._get_action_dict()["help"]

    def test_an_empty_list_says_what_to_do(self):
        self.assertIn("No calls here", self.help(self.anna))
        self.assertNotIn("Check", self.help(self.anna))
        self.assertIn("Check", self.help(self.admin))
        self.extension.user_ids = False
        self.assertIn("No internal number is yours", self.help(self.anna))
        self.assertIn("No calls here", self.help(self.supervisor))
        self.provider.unlink()
        self.assertIn('href="/odoo/cloud-pbx/new"', self.help(self.admin))
        self.assertIn("Ask your administrator", self.help(self.anna))
        self.assertNotIn("href", self.help(self.supervisor))

    def test_other_empty_lists_say_something_too(self):
        for name in ACTIONS:
            action = self.env.ref(f"cloud_pbx.{name}").with_user(self.admin)
            self.assertIn("o_view_nocontent_smiling_face", action.read()[0]["help"])

    def test_number_line_and_country_are_readable(self):
        call = self.tell("answered", caller=CALLER, line=LINE, extension="100")
        self.assertCall(
            call,
            line_readable="+44 20 7946 0900",
            number_readable="+44 20 7946 0201",
            number_country_id=self.gb,
        )
        self.assertIn("gb", call.number_flag)
        withheld = self.tell("withheld", extension="100") - call
        self.assertCall(
            withheld, number_country_id=self.env["res.country"], number_flag=False
        )
        self.assertEqual(withheld.display_name, "Withheld number")
        # We dial no hidden numbers: of such a call nobody reported it.
        withheld.direction = "outbound"
        self.assertEqual(withheld.display_name, "Unknown number")

    def test_a_caller_who_is_only_a_lead_has_a_name(self):
        lead = self.env["crm.lead"].create(
            {
                "name": "Garden office",
                "contact_name": "Harriet Bell",
                "phone": "020 7946 0201",
                "country_id": self.gb.id,
                "company_id": self.company.id,
            }
        )
        call = self.tell("answered", caller=CALLER, extension="100")
        self.assertCall(call, lead_id=lead, lead_contact="Harriet Bell")
        lead.contact_name = False
        self.assertEqual(call.lead_contact, "Garden office")

    def test_contents_of_an_event_are_readable(self):
        fields = {"caller_id": CALLER, "name": "Ольга"}
        event = self.put([scenarios.Step("NOTIFY_START", fields, 0)])
        self.assertEqual(
            event.payload_readable,
            f'{{\n  "caller_id": "{CALLER}",\n  "name": "Ольга"\n}}',
        )
        for payload in (False, "not { json"):
            event.payload = payload
            self.assertEqual(event.payload_readable, payload)
