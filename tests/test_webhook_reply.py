"""What the PBX is told when it waits for an answer: who calls."""

import json

from odoo.tests import tagged

from .common import CALLER, LINE, LOCAL_NOON, REF, TYPED, PbxHttpCase

START = {
    "call_start": LOCAL_NOON,
    "pbx_call_id": REF,
    "caller_id": CALLER,
    "called_did": LINE,
}


@tagged("post_install", "-at_install")
class TestReply(PbxHttpCase):
    def ask(self, event="NOTIFY_START", **changes):
        """Post START (or IVR) and return the decoded reply."""
        response = self.post(event, {**START, **changes})
        self.assertEqual(response.status_code, 200)
        media_type = response.headers["Content-Type"].split(";")[0]
        self.assertEqual(media_type, "application/json")
        self.assertNotIn("Set-Cookie", response.headers)
        return json.loads(response.text)

    def test_known(self):
        self.new_partner("Ольга Petrova & Søn")
        self.assertEqual(self.ask(), {"caller_name": "Ольга Petrova & Søn"})
        self.assertEqual(self.ask("NOTIFY_IVR"), {}, "a step is never routed anew")

    def test_known_by_a_number_that_is_not_valid(self):
        self.new_partner("Short Line", "020 7946 020")
        reply = self.ask(caller_id="44207946020")
        self.assertEqual(reply, {"caller_name": "Short Line"})

    def test_known_to_all_spellings_of_the_caller(self):
        self.new_partner()
        for number in (CALLER, CALLER[1:], f" {CALLER}", "00442079460201"):
            self.assertEqual(
                self.ask(caller_id=number, pbx_call_id=f"in_{number}"),
                {"caller_name": "Olga Petrova"},
                number,
            )

    def test_unknown(self):
        self.new_partner(phone="020 7946 0202")
        self.assertEqual(self.ask(), {})
        self.assertEqual(self.the_call().partner_source, "none")

    def test_several(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        self.assertEqual(self.ask(), {}, "never one picked silently")
        call = self.the_call().with_user(self.supervisor)
        self.assertFalse(call.partner_id)
        self.assertEqual(call.candidate_ids, one | two)

    def test_company_and_its_contact(self):
        company = self.new_partner("Baltic Shipping", is_company=True)
        self.new_partner("Its clerk", parent_id=company.id)
        self.assertEqual(self.ask(), {"caller_name": "Baltic Shipping"})

    def test_withheld(self):
        self.env["res.partner"].create({"name": "No phone", "phone": "0"})
        for number in ("", "0", "anonymous", "Unknown", "restricted@invalid", "+"):
            with self.subTest(number=number):
                self.assertEqual(
                    self.ask(caller_id=number, pbx_call_id=f"i{number}"), {}
                )
        self.assertFalse(self.calls().partner_id)

    def test_lead(self):
        self.env["crm.lead"].create(
            {
                "name": "Two tons of rope",
                "contact_name": "Lena Lead",
                "phone": TYPED,
                "country_id": self.gb.id,
                "company_id": self.company.id,
            }
        )
        self.assertEqual(self.ask(), {"caller_name": "Lena Lead"})

    def test_lookup_on_answer(self):
        partner = self.new_partner()
        self.provider.lookup_on_answer = True
        self.assertEqual(self.ask(), {}, "no look-up before the handset is lifted")
        self.assertFalse(self.the_call().partner_id)
        self.assertFalse(self.the_call().partner_source)
        self.post("NOTIFY_INTERNAL", START, internal="100")
        self.assertFalse(self.the_call().partner_id)
        answer = {name: START[name] for name in START if name != "called_did"}
        self.post("NOTIFY_ANSWER", answer, destination="100", internal="100")
        self.assertEqual(self.the_call().partner_id, partner)

    def test_lookup_on_answer_of_a_call_nobody_lifts(self):
        partner = self.new_partner()
        self.provider.lookup_on_answer = True
        self.ask()
        self.post("NOTIFY_END", START, duration="0", disposition="cancel")
        self.assertEqual(self.the_call().outcome, "missed")
        self.assertEqual(self.the_call().partner_id, partner)

    def test_repeated_question_gets_the_same_answer(self):
        self.new_partner()
        self.assertEqual(self.ask(), self.ask())
        self.assertEqual(len(self.events()), 1)

    def test_name_on_one_line(self):
        self.new_partner("Olga\r\n\tPetrova " + "x" * 500)
        name = self.ask()["caller_name"]
        self.assertTrue(name.startswith("Olga Petrova x"))
        self.assertNotIn("\n", name)
        self.assertLess(len(name), 100, "a phone's display is short")

    def test_other_events_are_told_nothing(self):
        self.new_partner()
        for event, more in (
            ("NOTIFY_INTERNAL", {"internal": "100"}),
            ("NOTIFY_END", {"duration": "0", "disposition": "cancel"}),
            ("NOTIFY_FUTURE", {}),
        ):
            self.assertIn(self.post(event, START, **more).text, ("", "{}"), event)

    def test_archived_contact_is_not_told(self):
        self.new_partner(active=False)
        self.assertEqual(self.ask(), {})

    def test_reply_is_kept_for_reading(self):
        self.new_partner()
        self.ask()
        self.assertIn("Olga Petrova", self.events().reply)
        self.provider.keep_log = False
        self.ask(pbx_call_id="in_2")
        self.assertFalse(self.events()[-1].reply)
