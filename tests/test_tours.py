"""What people do on the screen, in a real browser."""

from odoo.tests import tagged

from .common import CALLER, NOON, PbxHttpCase

STRANGER = "+442079460777"
SHARED = "+442079460205"


@tagged("post_install", "-at_install")
class TestTours(PbxHttpCase):
    """An administrator, and an agent who is Anna at extension 100."""

    # The first page builds the browser's files; on a busy machine others wait for it.
    test_cursor_lock_timeout = 60

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user(
            "chief", "base.group_system,cloud_pbx.group_pbx_manager"
        )

    def tour(self, url, name, user):
        self.start_tour(url, name, login=user.login)
        self.env.invalidate_all()

    def test_administrator_connects_a_cloud_pbx(self):
        self.tour("/odoo/calls", "cloud_pbx_provider", self.admin)
        provider = self.env["pbx.provider"].search([("name", "=", "Main office")])
        self.assertRecordValues(
            provider,
            [
                {
                    "api_key": "4f9ac67f67961b71ab0c",
                    "api_secret": "5fa0200ffca68e15de4f",
                    "country_id": self.env.ref("base.fr").id,
                    "tz": "Europe/Paris",
                    "user_id": self.admin.id,
                    "state": "draft",
                    "is_running": True,
                }
            ],
        )
        # What the PBX sends there, signed with that key, finds its way in.
        self.assertEqual(len(self.play("missed", provider=provider)), 1)

    def test_administrator_gives_a_user_a_phone(self):
        phone = self.new_extension("102", self.env["res.users"])
        self.tour(
            f"/odoo/users/{self.boris.id}", "cloud_pbx_user_extension", self.admin
        )
        self.assertEqual(phone.user_ids, self.boris)
        self.assertEqual(self.boris.pbx_extension_ids, self.extension_2 + phone)

    def test_agent_reads_a_contacts_calls_and_writes_a_note(self):
        partner = self.new_partner()
        self.tell("answered", caller=CALLER, extension="100", duration=61)
        self.tell(
            "missed",
            NOON.replace(hour=13),
            caller=CALLER,
            extension="100",
            call_start="2026-06-16 14:00:00",
        )
        self.tour(f"/odoo/contacts/{partner.id}", "cloud_pbx_contact_calls", self.anna)
        answered = self.calls().filtered(lambda call: call.outcome == "answered")
        self.assertEqual(answered.note, "Wants the offer by Friday.")

    def test_contact_is_created_from_the_call_of_a_stranger(self):
        call = self.tell("missed", caller=STRANGER, extension="100")
        self.tour("/odoo/calls", "cloud_pbx_unknown_caller", self.anna)
        self.env.invalidate_all()
        self.assertRecordValues(
            call.partner_id,
            [
                {
                    "name": "Nora Quinn",
                    "phone_sanitized": STRANGER,
                    "country_id": self.gb.id,
                }
            ],
        )
        self.assertEqual(call.partner_source, "picked")
        others = self.env["res.partner"].search(
            [("name", "in", ("Quinn & Co", "Another One"))]
        )
        self.assertEqual(len(others), 2)
        self.assertFalse(others.with_user(self.supervisor).pbx_call_ids)

    def test_one_of_several_is_picked_by_one_click(self):
        self.new_partner("Rowan Ellis", "020 7946 0205")
        shop = self.new_partner("Haddad Print Shop", "+44 2079 460205", is_company=True)
        call = self.tell("answered", caller=SHARED, extension="100")
        self.assertCall(call, partner_source="several")
        self.tour(f"/odoo/calls/{call.id}", "cloud_pbx_several_matches", self.anna)
        self.assertCall(call, partner_id=shop, partner_source="picked")
