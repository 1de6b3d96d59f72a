"""Click-to-call: what is asked of the PBX, and what is refused before."""

import dataclasses
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.call import dial as pbx_call_dial
from ..models.call.dial import ConfirmationNeeded, SeveralNumbers
from ..telephony.event import CLICKED
from ..telephony.facts import CallFacts
from .common import CALLER, SECRET, TYPED, PbxCase
from .fake_pbx import FakePbxCase

CALLBACK = "/v1/request/callback"


class DialCase(FakePbxCase, PbxCase):
    def setUp(self):
        super().setUp()
        self.pbx.account.click["auto"] = False
        self.pbx.account.callinfo_url = ""
        self.mine = self.env["pbx.call"].with_user(self.anna)

    def dial(self, number=TYPED, *args, user=None, **more):
        call_id = self.mine.with_user(user or self.anna).dial(number, *args, **more)
        self.assertIs(type(call_id), int)
        self.env.invalidate_all()
        return self.env["pbx.call"].browse(call_id)

    def refused(self, number=TYPED, *args, user=None, kind=UserError, **more):
        """Expect a refusal without a trace; return its text."""
        before = self.calls(), len(self.asked(CALLBACK))
        with self.fails(kind) as caught:
            self.dial(number, *args, user=user, **more)
        self.assertEqual((self.calls(), len(self.asked(CALLBACK))), before)
        return str(caught.exception)

    def age(self, call, seconds):
        """Make a click so much older."""
        facts = CallFacts.from_json(call.facts)
        shift = timedelta(seconds=seconds)
        call.write(
            {
                "clicked_at": call.clicked_at - shift,
                "start": call.start - shift,
                "facts": CallFacts(
                    dataclasses.replace(
                        event,
                        received_at=event.received_at - shift,
                        at=event.at and event.at - shift,
                    )
                    for event in facts.events
                ).to_json(),
            }
        )
        self.env.flush_all()


@tagged("post_install", "-at_install")
class TestDial(DialCase):
    def test_a_call_is_there_and_the_pbx_is_asked(self):
        partner = self.new_partner()
        call = self.dial()
        self.assertCall(
            call,
            state="ringing",
            direction="outbound",
            outcome=False,
            ref=False,
            number=CALLER,
            extension_id=self.extension,
            user_id=self.anna,
            participant_ids=self.anna,
            partner_id=partner,
            company_id=self.company,
        )
        [asked] = self.asked(CALLBACK)
        self.assertEqual(
            {name: asked["params"][name] for name in ("from", "to", "sip")},
            {"from": "100", "to": CALLER, "sip": "100"},
        )

    def test_an_agent_sees_the_call(self):
        call = self.dial()
        self.assertEqual(call.with_user(self.anna).number, CALLER)
        with self.assertRaises(AccessError):
            call.with_user(self.boris).number  # noqa: B018

    def test_who_dialled_is_known_at_a_shared_phone(self):
        self.extension.user_ids += self.boris
        self.assertEqual(self.dial(user=self.boris).user_id, self.boris)

    # ----------------------------------------------------------------- refused before

    def test_nobody_else_dials(self):
        portal = self.new_user("portal", "base.group_portal")
        internal = self.new_user("internal", "base.group_user")
        self.extension.user_ids += internal
        for user in (portal, internal):
            self.refused(user=user, kind=AccessError)

    def test_no_internal_number(self):
        self.extension.user_ids = False
        self.assertIn("no internal number", self.refused())

    def test_a_phone_dials_whatever_company_is_ticked(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.anna.company_ids += other
        mine = self.mine.with_context(allowed_company_ids=other.ids)
        call = self.env["pbx.call"].browse(mine.dial(TYPED))
        self.assertEqual((call.user_id, call.company_id), (self.anna, self.company))

    def test_a_phone_of_a_company_that_is_not_mine(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.anna.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        mine = self.mine.with_context(allowed_company_ids=other.ids)
        with self.fails(UserError) as caught:
            mine.dial(TYPED)
        self.assertIn("no internal number", str(caught.exception))

    def test_switched_off(self):
        self.provider.user_id = False
        self.assertIn("switched off", self.refused())

    def test_offline(self):
        self.pbx.account.extensions["100"]["online"] = False
        self.assertIn("not connected", self.refused())
        self.extension.invalidate_recordset()
        self.assertEqual(self.extension.status, "offline")
        self.pbx.account.extensions["100"]["online"] = True
        self.assertTrue(self.dial(), "asked anew")

    def test_a_phone_that_was_online_is_not_asked_for_again(self):
        self.dial("020 7946 0201")
        self.dial("020 7946 0202")
        self.assertEqual(len(self.asked("internal/100/status")), 1)
        self.extension.checked_at = fields.Datetime.now() - timedelta(minutes=2)
        self.dial("020 7946 0203")
        self.assertEqual(len(self.asked("internal/100/status")), 2)

    def test_a_phone_the_pbx_does_not_have(self):
        self.extension.number = "999"
        self.assertIn("does not know", self.refused())

    def test_that_it_is_not_known_who_is_online_is_no_reason(self):
        for fault in ("500", "html", "truncated", "wrong_types", "empty"):
            with self.subTest(fault):
                self.break_next(fault, "/v1/pbx/internal")
                self.dial(f"020 7946 02{len(self.calls()):02}")
        self.assertEqual(len(self.asked(CALLBACK)), 5)

    def test_no_money(self):
        self.provider.write({"balance": "0 USD", "balance_amount": 0})
        self.pbx.account.balance = 0
        self.assertIn("no money", self.refused())
        self.pbx.account.balance = 5
        self.assertTrue(self.dial(), "topped up meanwhile")
        self.provider.invalidate_recordset()
        self.assertEqual(self.provider.balance_amount, 5)

    def test_a_balance_that_is_not_known_is_no_reason(self):
        self.pbx.account.balance = 0
        self.dial()

    def test_malformed(self):
        for number in (
            "", " ", "abc", "12", "+", "0", "100", "999", "112", "+4412",
            "020 7946 0201 020 7946 0202", "anonymous", None, False, 5, [],
        ):  # fmt: skip
            with self.subTest(number):
                self.refused(number)
        self.assertFalse(self.asked(), "nothing was asked at all")

    def test_spellings(self):
        for place, typed in enumerate(
            ("020 7946 0201", "+44 (0)20 7946 0201", "0044 20 7946 0201", CALLER)
        ):
            with self.subTest(typed):
                if place:
                    self.age(self.calls()[-1], 11)
                self.assertEqual(self.dial(typed).number, CALLER)

    def test_national_form_is_read_in_the_contact_s_country(self):
        partner = self.new_partner(
            phone="030 901820", country_id=self.env.ref("base.de").id
        )
        call = self.dial("030 901820", "res.partner", partner.id)
        self.assertCall(call, number="+4930901820", partner_id=partner)

    def test_read_in_the_country_of_whom_it_belongs_to(self):
        """Country of the contact, what stands in its field, what the PBX is given."""
        for code, typed, number in (
            ("AU", "0011 65 6555 0143", "+6565550143"),
            ("AU", "0011 44 20 7946 0201", "+442079460201"),
            ("FR", "0692 12 34 56", "+262692123456"),
            ("MX", "01 55 5555 0143", "+525555550143"),
            ("US", "011 44 20 7946 0202", "+442079460202"),
            ("GB", "+999 123 456 78", None),
            ("GB", "+44 20 7946 020", "+44207946020"),
        ):
            with self.subTest(typed):
                country = self.env["res.country"].search([("code", "=", code)])
                partner = self.new_partner(phone=typed, country_id=country.id)
                if number is None:
                    self.refused(typed, "res.partner", partner.id)
                    continue
                call = self.dial(typed, "res.partner", partner.id)
                self.assertCall(call, number=number, partner_id=partner)
                self.assertEqual(self.asked(CALLBACK)[-1]["params"]["to"], number)

    def test_only_local(self):
        """Nobody else is rung for a number without its area code."""
        for code, typed in (
            ("RU", "123-45-67"),
            ("GB", "7946 0202"),
            ("US", "555-0143"),
        ):
            with self.subTest(typed):
                country = self.env["res.country"].search([("code", "=", code)])
                partner = self.new_partner(phone=typed, country_id=country.id)
                self.assertIn(
                    "Enter it with its area code",
                    self.refused(typed, "res.partner", partner.id),
                )

    def test_codes(self):
        for typed in ("*98", "#31#", "*21*100#"):
            with self.subTest(typed):
                self.assertIn("Dial it on your phone", self.refused(typed))

    def test_what_the_pbx_reported_is_dialled_as_it_came(self):
        """No plan has it, but somebody called from it."""
        self.refused("0099887766554")
        self.tell("missed", caller="0099887766554")
        number = self.calls()[-1].number
        self.assertEqual(self.dial(number).number, number)

    def test_the_only_number_of_a_text(self):
        for place, typed in enumerate(
            ("020 7946 0201 (office)", "Olga: 020 7946 0201, ask for her")
        ):
            with self.subTest(typed):
                if place:
                    self.age(self.calls()[-1], 11)
                self.assertEqual(self.dial(typed).number, CALLER)

    def test_an_extension_behind_it(self):
        """The main number is dialled; the rest is for the user's own finger."""
        call = self.dial("020 7946 0201 ext. 12")
        self.assertCall(call, number=CALLER, then_dial="12")
        card = self.env["pbx.desk"].with_user(self.anna).cards(call.ids)["cards"][0]
        self.assertEqual(card["then_dial"], "12")

    def test_several_numbers(self):
        """The user chooses; the one called last comes first."""
        typed = "+44 20 7946 0201 ext. 12 ::: +44 7400 123456"
        partner = self.new_partner(phone=typed)

        def choices():
            with self.assertRaises(SeveralNumbers) as caught:
                self.dial(typed, "res.partner", partner.id)
            self.assertFalse(self.calls().filtered(lambda call: call.state != "done"))
            return caught.exception.context["choices"]

        office = {
            "number": f"{CALLER} ext. 12",
            "readable": "+44 20 7946 0201",
            "extension": "12",
        }
        mobile = {
            "number": "+447400123456",
            "readable": "+44 7400 123456",
            "extension": "",
        }
        self.assertEqual(choices(), [office, mobile])
        call = self.dial(mobile["number"], "res.partner", partner.id)
        self.assertCall(call, number="+447400123456", partner_id=partner)
        call.sudo().state = "done"
        self.assertEqual(choices(), [mobile, office])
        call = self.dial(office["number"], "res.partner", partner.id)
        self.assertCall(call, number=CALLER, then_dial="12", partner_id=partner)

    def test_own_numbers(self):
        self.extension_2.caller_id = "+442079460900"
        self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": "+442079460901"}
        )
        for number in ("020 7946 0900", "020 7946 0901"):
            self.assertIn("your own numbers", self.refused(number))

    def test_blacklisted(self):
        """Who wants no text messages may be called, once that was confirmed."""
        self.env["phone.blacklist"].create({"number": CALLER})
        partner = self.new_partner()
        for about in ((), ("res.partner", partner.id)):
            with self.subTest(about):
                self.assertIn(
                    "blacklist", self.refused(TYPED, *about, kind=ConfirmationNeeded)
                )
        call = self.dial(TYPED, "res.partner", partner.id, confirmed=True)
        self.assertCall(call, state="ringing", number=CALLER, partner_id=partner)
        self.age(call, 11)
        self.env["phone.blacklist"].search([("number", "=", CALLER)]).action_archive()
        self.dial()

    def test_blacklisted_in_the_other_spelling(self):
        """That list holds what Odoo has read, the log one spelling for each phone."""
        for number, dialled in (
            ("+541155550143", "+54 9 11 5555-0143"),
            ("+5491155550143", "+54 11 5555-0143"),
            ("+390549882345", "+378 0549 882345"),
            ("+3780549882345", "+39 0549 882345"),
            ("+5215555550143", "+52 55 5555 0143"),
            ("+551181234567", "+55 11 98123-4567"),
        ):
            with self.subTest(number):
                listed = self.env["phone.blacklist"].create({"number": number})
                self.assertIn(
                    "blacklist", self.refused(dialled, kind=ConfirmationNeeded)
                )
                listed.unlink()

    def test_a_call_back_is_dialled_whatever_the_blacklist_says(self):
        """That list is of advertisements; whoever called asked to be called back."""
        self.env["phone.blacklist"].create({"number": CALLER})
        partner = self.new_partner(phone=False)
        lead = self.env["crm.lead"].create(
            {"name": "Rope", "user_id": self.anna.id, "company_id": self.company.id}
        )
        promise = self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "provider_id": self.provider.id,
                "number": CALLER,
                "partner_id": partner.id,
                "lead_id": lead.id,
                "user_id": self.anna.id,
                "opened_at": "2026-06-16 12:00:00",
                "deadline": "2026-06-16 13:00:00",
            }
        )
        self.env.flush_all()
        other = "+442079460777"
        self.env["phone.blacklist"].create({"number": other})
        about = ("pbx.promise", promise.id)
        # Another number than the one that called is nobody's call-back.
        self.assertIn("blacklist", self.refused(other, *about, kind=ConfirmationNeeded))
        call = self.dial(TYPED, *about)
        self.assertCall(
            call,
            state="ringing",
            number=CALLER,
            partner_id=partner,
            lead_id=lead,
            res_model="pbx.promise",
            res_id=promise.id,
        )

    def test_a_call_back_is_dialled_as_the_pbx_named_the_caller(self):
        """In Argentina a landline and a mobile share their digits, not the 9."""
        for reported in ("541143210000", "5491143210000"):
            with self.fresh(reported):
                call = self.tell("missed", caller=reported)
                self.assertEqual(call.number, "+5491143210000")
                promise = call.promise_id
                for about in (promise, call):
                    made = self.dial(promise.number, about._name, about.id)
                    self.assertEqual(made.number, "+5491143210000")
                    asked = self.asked(CALLBACK)[-1]["params"]["to"]
                    self.assertEqual(asked, f"+{reported}")
                    self.age(made, 11)

    def test_a_call_back_of_others_is_not_dialled(self):
        promise = self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "number": CALLER,
                "user_id": self.boris.id,
                "opened_at": "2026-06-16 12:00:00",
                "deadline": "2026-06-16 13:00:00",
            }
        )
        self.refused(CALLER, "pbx.promise", promise.id, kind=AccessError)

    def test_confirmed_is_for_warnings_only(self):
        self.extension_2.caller_id = CALLER
        self.assertIn("your own numbers", self.refused(confirmed=True))

    def test_our_own_limit(self):
        self.provider.general_limit = 1
        self.assertIn("seconds", self.refused())
        self.assertEqual(len(self.asked()), 1, "only who is online was asked")

    def test_wrong_key(self):
        self.provider.api_secret = "another"
        self.assertIn("key", self.refused())

    # --------------------------------------------------------------- about whom

    def test_record_that_may_not_be_read(self):
        partner = self.new_partner(company_id=self.env["res.company"].create(
            {"name": "Other"}).id)  # fmt: skip
        self.refused(TYPED, "res.partner", partner.id, kind=AccessError)

    def test_record_that_is_gone(self):
        for record in (("res.partner", 99999999), ("no.model", 1), ("mail.thread", 1)):
            self.assertIn("no such record", self.refused(TYPED, *record))

    def test_of_several_with_that_number_the_one_that_was_clicked(self):
        _one, two = self.new_partner("One"), self.new_partner("Two")
        self.assertCall(
            self.dial(TYPED, "res.partner", two.id),
            partner_id=two,
            partner_source="number",
        )

    def test_a_contact_without_that_number_is_not_who_is_called(self):
        partner = self.new_partner(phone="020 7946 0777")
        self.assertFalse(self.dial(TYPED, "res.partner", partner.id).partner_id)

    def test_a_lead(self):
        partner = self.new_partner(phone=False)
        lead = self.env["crm.lead"].create(
            {
                "name": "Rope",
                "phone": TYPED,
                "country_id": self.gb.id,
                "partner_id": partner.id,
                "company_id": self.company.id,
                "user_id": self.anna.id,
            }
        )
        # A lead writes its number through to its contact.
        call = self.dial(TYPED, "crm.lead", lead.id)
        self.assertCall(call, lead_id=lead, partner_id=partner, partner_source="lead")

    # --------------------------------------------------------- from which record

    def test_other_records(self):
        """The call knows the record, and its contact where there is the number."""
        partner = self.new_partner("The firm", phone=False)
        other = self.new_partner("Somebody with that number")
        record = self.env["res.company"].create(
            {"name": "Wharf", "partner_id": partner.id, "phone": TYPED}
        )
        self.anna.company_ids += record
        for what, prepare, expected in (
            ("its contact has the number", lambda: None, partner),
            ("nobody else has it", other.unlink, partner),
            (
                "its contact has another one",
                lambda: partner.write({"phone": "020 7946 0777"}),
                other,
            ),
            (
                "its contact belongs to another company",
                lambda: partner.write({"company_id": record.id}),
                other,
            ),
        ):
            with self.fresh(what):
                prepare()
                call = self.dial(TYPED, "res.company", record.id)
                self.assertCall(
                    call,
                    partner_id=expected,
                    lead_id=call.lead_id.browse(),
                    res_model="res.company",
                    res_id=record.id,
                    record_name="Wharf",
                )
        call = self.dial(TYPED, "res.company", record.id)
        mine = call.with_user(self.anna).with_context(
            allowed_company_ids=self.anna.company_ids.ids
        )
        action = mine.action_open_record()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("res.company", record.id)
        )

    def test_the_record_s_name_is_for_those_who_may_read_it(self):
        other = self.env["res.company"].create({"name": "Secret wharf"})
        user = self.new_agent("clara", other)
        user.company_ids += self.company
        self.extension.user_ids += user
        record = self.env["res.partner"].create(
            {"name": "Secret", "company_id": other.id, "phone": "020 7946 0201"}
        )
        mine = self.mine.with_user(user).with_context(
            allowed_company_ids=(self.company | other).ids
        )
        call = self.env["pbx.call"].browse(mine.dial(TYPED, "res.partner", record.id))
        call.partner_id = False
        self.env.invalidate_all()
        theirs = call.with_user(self.anna)
        # Whoever had read it before in this transaction.
        self.assertEqual(call.with_env(mine.env).record_name, "Secret")
        self.assertFalse(theirs.sudo().record_name)
        self.assertFalse(theirs.record_name)
        spec = {"record_name": {}, "res_id": {}, "res_model": {}}
        [values] = theirs.web_read(spec)
        self.assertNotIn("Secret", str(values))
        with self.assertRaises(UserError):
            theirs.action_open_record()
        for gone in (record.unlink, lambda: call.write({"res_model": "no.model"})):
            gone()
            self.env.invalidate_all()
            self.assertFalse(call.with_env(mine.env).record_name)
            with self.assertRaises(UserError):
                call.with_env(mine.env).action_open_record()

    def test_a_contact_or_lead_is_not_named_twice(self):
        partner = self.new_partner()
        call = self.dial(TYPED, "res.partner", partner.id)
        self.assertEqual((call.res_id, call.record_name), (partner.id, False))
        # Dialled from there, though its number is another one by now.
        call.partner_id = False
        self.assertEqual(call.record_name, partner.display_name)

    def test_a_click_in_a_call(self):
        """Whom that call was about is whom this one is about."""
        one, _two = self.new_partner("One"), self.new_partner("Two")
        first = self.dial()
        first.with_user(self.anna).partner_id = one
        self.age(first, 11)
        self.env["pbx.call"].flush_model()
        again = self.dial(TYPED, "pbx.call", first.id)
        self.assertCall(again, partner_id=one, res_model=False, record_name=False)

    def test_merged_records(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        call = self.dial(TYPED, "res.partner", two.id)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([one.id, two.id], dst_partner=one)
        self.env.invalidate_all()
        self.assertCall(call, res_id=one.id, partner_id=one)
        self.age(call, 11)
        leads = self.env["crm.lead"].create(
            [
                {
                    "name": name,
                    "phone": TYPED,
                    "type": "opportunity",
                    "user_id": self.anna.id,
                    "company_id": self.company.id,
                }
                for name in ("Rope", "Sails")
            ]
        )
        call = self.dial(TYPED, "crm.lead", leads[1].id)
        leads[0].probability = 90
        leads.merge_opportunity()
        self.assertCall(call, res_id=leads[0].id, lead_id=leads[0])

    # ------------------------------------------------------------------------ twice

    def test_a_double_click_is_one_dial(self):
        call = self.dial()
        self.assertEqual(self.dial("+44 20 7946 0201"), call)
        self.assertEqual(len(self.asked(CALLBACK)), 1)
        self.assertNotEqual(self.dial("020 7946 0202"), call)
        self.assertEqual(len(self.asked(CALLBACK)), 2)

    def test_another_user_s_click_is_another_dial(self):
        self.assertNotEqual(self.dial(), self.dial(user=self.boris))
        self.assertEqual(len(self.asked(CALLBACK)), 2)

    def test_after_ten_seconds_it_is_dialled_again(self):
        call = self.dial()
        self.age(call, 9)
        self.assertEqual(self.dial(), call)
        self.age(call, 1)
        self.assertNotEqual(self.dial(), call)

    def test_a_request_that_is_run_again_does_not_dial_again(self):
        """However long the PBX, and Odoo's pause before it does, had taken."""
        request = SimpleNamespace(httprequest=SimpleNamespace(environ={}))
        with patch.object(pbx_call_dial, "request", request):
            call = self.dial()
            self.age(call, 60)
            self.assertEqual(self.dial(), call)
        self.assertEqual(len(self.asked(CALLBACK)), 1)
        self.assertNotEqual(self.dial(), call, "another request")

    def test_what_was_refused_may_be_tried_at_once(self):
        self.break_next("429", CALLBACK)
        with self.fails(UserError):
            self.dial()
        self.env["pbx.rate"].search([]).unlink()
        self.assertEqual(self.dial().state, "ringing")
        self.assertEqual(len(self.calls()), 2)

    # ------------------------------------------------------------- the PBX says no

    def test_the_pbx_refuses(self):
        for place, (fault, words) in enumerate(
            (("429", "Wait"), ("429_retry_after", "Wait"), ("200", "Wait"))
        ):
            with self.subTest(fault):
                self.env["pbx.rate"].search([]).unlink()
                self.extension.write(
                    {"status": "online", "checked_at": fields.Datetime.now()}
                )
                self.break_next(fault, CALLBACK)
                with self.fails(UserError) as caught:
                    self.dial(f"020 7946 021{place}")
                call = self.calls()[-1]
                self.assertCall(call, state="done", outcome="failed", ref=False)
                self.assertEqual(call.disposition, str(caught.exception))
                self.assertIn(words, call.disposition)

    def test_the_key_is_refused_only_when_it_dials(self):
        self.extension.write({"status": "online", "checked_at": fields.Datetime.now()})
        self.provider.api_secret = "another"
        with self.fails(UserError):
            self.dial()
        call = self.the_call()
        self.assertCall(call, state="done", outcome="failed", user_id=self.anna)
        self.assertIn("key", call.disposition)

    def test_a_refusal_reads_in_the_language_of_who_reads(self):
        """And not in that of who clicked."""
        self.extension.write({"status": "online", "checked_at": fields.Datetime.now()})
        for place, (fault, agent, admin) in enumerate(
            (("429", "asked too often", "asked too often"), ("key", "tell", "open the"))
        ):
            with self.subTest(fault):
                self.env["pbx.rate"].search([]).unlink()
                if fault == "key":
                    self.provider.api_secret = "another"
                else:
                    self.break_next(fault, CALLBACK)
                with self.fails(UserError):
                    self.dial(f"020 7946 023{place}")
                call = self.calls()[-1]
                self.assertIn(agent, call.with_user(self.anna).failure_reason)
                chief = self.env.ref("base.user_admin")
                self.assertIn(admin, call.with_user(chief).sudo().failure_reason)

    def test_agents_get_advice_for_agents(self):
        self.provider.api_secret = "another"
        with self.fails(UserError) as caught:
            self.dial()
        self.assertIn("tell the administrator", str(caught.exception))
        self.assertNotIn("in your account there", str(caught.exception))

    def test_how_far_a_click_has_come(self):
        """First our own phone rings, then the other party is called."""
        call = self.dial()
        desk = self.env["pbx.desk"].with_user(self.anna)

        def card():
            self.env.invalidate_all()
            return desk.cards(call.ids)["cards"][0]

        self.assertEqual(card()["rings_phone"], "100")
        self.assertFalse(card()["can_hang_up"], "Zadarma has no such question")
        with self.fails(UserError):
            call.with_user(self.anna).hang_up()
        call.write({"ref": "out_1", "own_leg_only": True})
        self.assertEqual(card()["rings_phone"], "100")
        call.own_leg_only = False
        self.assertEqual(card()["rings_phone"], "")

    def test_nobody_is_there(self):
        self.extension.write({"status": "online", "checked_at": fields.Datetime.now()})
        self.provider.server_url = "http://127.0.0.1:1"
        with self.fails(UserError):
            self.dial()
        self.assertCall(self.the_call(), state="done", outcome="failed")

    def test_it_is_not_known_whether_it_dials(self):
        for place, fault in enumerate(("500", "html", "truncated", "timeout")):
            with (
                self.subTest(fault),
                patch.object(pbx_call_dial, "DIAL_SECONDS", 1),
            ):
                self.break_next(fault, CALLBACK, seconds=2)
                call = self.dial(f"020 7946 022{place}")
                self.assertCall(call, state="ringing", outcome=False)
                self.assertIn("may or may not be dialling", call.message_ids[0].body)
                self.assertEqual(self.dial(f"020 7946 022{place}"), call)
        # The fake PBX notes what it has answered; our own log has all four.
        noted = self.env["pbx.request"].search([("path", "=", f"{CALLBACK}/")])
        self.assertEqual(len(noted), 4)

    # ------------------------------------------------------------- nothing follows

    def test_a_click_that_nothing_follows_closes(self):
        call = self.dial()
        self.age(call, 170)
        self.run_job("close_calls")
        self.assertCall(call, state="ringing")
        self.age(call, 10)
        self.run_job("close_calls")
        self.assertCall(call, state="done", outcome="failed")
        self.assertIn("reported nothing", call.disposition)

    def test_the_job_is_woken_for_it(self):
        job = self.env.ref("cloud_pbx.ir_cron_close_calls")
        before = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
        self.dial()
        [new] = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)]) - before
        wait = (new.call_at - fields.Datetime.now()).total_seconds()
        self.assertTrue(150 < wait <= 185, wait)

    # -------------------------------------------------------------------------- lines

    def test_one_line_needs_no_choice(self):
        self.extension.caller_id = "+442079460900"
        self.assertEqual(
            self.mine.dial_lines(),
            [
                {
                    "id": self.extension.id,
                    "number": "+442079460900",
                    "name": "+44 20 7946 0900",
                }
            ],
        )

    def test_the_line_that_was_chosen_is_shown(self):
        self.extension.caller_id = "+442079460900"
        self.extension_2.caller_id = "+442079460901"
        sales = self.new_extension("102", self.boris, caller_id="+442079460901")
        lines = self.mine.dial_lines()
        self.assertEqual(
            [line["id"] for line in lines], (self.extension + self.extension_2).ids
        )
        for place, (line, sip) in enumerate(
            (
                (self.extension_2.id, "101"),
                ("+442079460901", "101"),
                ("44 20 7946 0901", "101"),
                (self.extension.id, "100"),
                (None, "100"),
            )
        ):
            with self.subTest(line):
                call = self.dial(f"020 7946 020{place}", line=line)
                asked = self.asked(CALLBACK)[-1]["params"]
                self.assertEqual((asked["from"], asked["sip"]), ("100", sip))
                self.assertEqual(call.extension_id, self.extension)
                self.assertEqual(call.participant_ids, self.anna)
        for line in (sales.id, "+442079460955", 0.5, True):
            self.assertIn("another line", self.refused("020 7946 0299", line=line))

    def test_the_phone_that_is_online_rings(self):
        mobile = self.new_extension("102", self.anna)
        self.pbx.account.extensions["102"] = dict(self.pbx.account.extensions["100"])
        self.extension.status, mobile.status = "offline", "online"
        self.assertEqual(self.dial().extension_id, mobile)


@tagged("post_install", "-at_install")
class TestDialSpec(TestDial):
    """The same, where the PBX answers as its document says."""

    mode = "spec"


@tagged("post_install", "-at_install")
class TestDialFacts(DialCase):
    def test_secrets_stay_out_of_what_is_kept(self):
        self.extension.write({"status": "online", "checked_at": fields.Datetime.now()})
        self.break_next("429", CALLBACK)
        with self.fails(UserError) as caught:
            self.dial()
        shown = f"{caught.exception} {self.the_call().disposition}"
        self.assertNotIn(SECRET, shown)
        self.assertNotIn("127.0.0.1", shown)

    def test_nobody_but_the_code_changes_when_it_was_clicked(self):
        call = self.dial()
        with self.assertRaises(AccessError):
            call.with_user(self.supervisor).write({"clicked_at": False})

    def test_the_fact(self):
        [event] = CallFacts.from_json(self.dial().facts).events
        self.assertEqual(
            (event.kind, event.called, event.extension), (CLICKED, CALLER, "100")
        )
