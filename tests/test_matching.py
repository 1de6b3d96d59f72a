"""Who called: the right contact, whatever style its number was typed in."""

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from odoo.tests import tagged

from ..telephony import numbers
from .common import CALLER, LINE, LOCAL_NOON, TYPED, PbxCase, scenarios

# Country of the contact, what somebody typed, who calls.
TYPED_NUMBERS = (
    ("GB", "020 7946 0201", "+442079460201"),
    ("GB", "(020) 7946-0201", "442079460201"),
    ("GB", "+44 (0)20 7946 0201", "+442079460201"),
    ("GB", "0044 20 7946 0201", "+442079460201"),
    ("GB", "442079460201", "+442079460201"),
    ("GB", "+44.20.7946.0201", "+442079460201"),
    ("GB", "\u200e+44 20 7946 0201\u202c", "+442079460201"),
    ("GB", "+44\u00a020\u00a07946\u00a00201", "+442079460201"),
    ("GB", "tel:+442079460201", "+442079460201"),
    ("GB", "020 7946 0201 ext. 12", "+442079460201"),
    ("GB", "+44 20 7946 0201 x5", "+442079460201"),
    ("GB", "07400 123456", "+447400123456"),
    ("DE", "030 901820", "+4930901820"),
    ("DE", "+49 (0) 30 / 90 18 20", "+4930901820"),
    ("DE", "0049-30-901820", "+4930901820"),
    ("DE", "0151 23456789", "+4915123456789"),
    ("FR", "01 42 68 53 00", "+33142685300"),
    ("FR", "0033142685300", "+33142685300"),
    ("IT", "06 69812345", "+390669812345"),
    ("IT", "347 1234567", "+393471234567"),
    ("ES", "912 34 56 78", "+34912345678"),
    ("PT", "21 123 4567", "+351211234567"),
    ("NL", "020 5551234", "+31205551234"),
    ("BE", "02 555 12 12", "+3225551212"),
    ("PL", "22 123 45 67", "+48221234567"),
    ("CZ", "212 345 678", "+420212345678"),
    ("UA", "044 123 45 67", "+380441234567"),
    ("UA", "067-123-45-67", "+380671234567"),
    ("KZ", "8 (727) 250-12-34", "+77272501234"),
    ("RU", "8 (495) 123-45-67", "+74951234567"),
    ("RU", "8 495 123-45-67 доб. 12", "+74951234567"),
    ("RU", "74951234567", "+74951234567"),
    ("LT", "8 612 34567", "+37061234567"),
    ("LV", "21 234 567", "+37121234567"),
    ("EE", "5123 4567", "+37251234567"),
    ("DK", "32 12 34 56", "+4532123456"),
    ("NO", "22 12 34 56", "+4722123456"),
    ("SE", "08-123 456 78", "+46812345678"),
    ("FI", "09 1234567", "+35891234567"),
    ("CH", "044 668 18 00", "+41446681800"),
    ("AT", "01 234567", "+431234567"),
    ("GR", "21 2345 6789", "+302123456789"),
    ("TR", "0212 345 67 89", "+902123456789"),
    ("IL", "02-123-4567", "+97221234567"),
    ("US", "(212) 555-2368", "+12125552368"),
    ("US", "1-212-555-2368", "+12125552368"),
    ("US", "011 44 20 7946 0201", "+442079460201"),
    ("CA", "416 555 2368", "+14165552368"),
    ("MX", "55 1234 5678", "+525512345678"),
    ("BR", "(11) 2345-6789", "+551123456789"),
    ("AR", "011 15-2345-6789", "+5491123456789"),
    ("AU", "(02) 5550 1234", "+61255501234"),
    ("IN", "098765 43210", "+919876543210"),
    ("JP", "03-1234-5678", "+81312345678"),
    ("CN", "010 1234 5678", "+861012345678"),
    ("SG", "6123 4567", "+6561234567"),
    ("ZA", "010 123 4567", "+27101234567"),
    # What no numbering plan has, as far as the library knows.
    ("GB", "020 7946 020", "+44207946020"),
    ("DE", "0199 1234567", "+491991234567"),
    ("RU", "8 (000) 123-45-67", "+70001234567"),
    ("UA", "+380 00 123 45 67", "+380001234567"),
    ("US", "555-0123-456", "+15550123456"),
    ("GB", "+210 123 45678", "+21012345678"),
    ("GB", "+99912345678", "+99912345678"),
)


@tagged("post_install", "-at_install")
class TestMatching(PbxCase):
    """Somebody calls: who is it?"""

    def called(self, caller=CALLER, provider=None, **parameters):
        """Have somebody call and give up; return the call."""
        self.count = getattr(self, "count", 0) + 1
        steps = scenarios.scenario(
            "missed",
            caller=caller,
            pbx_call_id=f"in_{self.id()}{self.count}",
            call_start=LOCAL_NOON,
            **parameters,
        )
        # The button of the inbox applies: quicker than a job, for many cases.
        self.put(steps, provider=provider).action_replay()
        return self.calls(provider)[-1]

    def country(self, code):
        return self.env["res.country"].search([("code", "=", code)])

    # ------------------------------------------------------------------- in any style

    def test_typed_in_any_style(self):
        """The contact's country is not the PBX's: nothing but its own says it."""
        for code, typed, caller in TYPED_NUMBERS:
            with self.fresh(code, typed):
                partner = self.new_partner(
                    phone=typed, country_id=self.country(code).id
                )
                self.assertEqual(self.called(caller).partner_id, partner)

    def test_typed_on_the_company(self):
        """A contact without a country is read in that of its company."""
        for code, typed, caller in TYPED_NUMBERS[::5]:
            with self.fresh(code, typed):
                parent = self.new_partner(
                    phone=False, country_id=self.country(code).id, is_company=True
                )
                partner = self.new_partner(
                    phone=typed, country_id=False, parent_id=parent.id, type="other"
                )
                partner.country_id = False
                self.assertEqual(self.called(caller).partner_id, partner)

    def test_no_country_anywhere_is_read_in_the_provider_s(self):
        for code, typed, caller in TYPED_NUMBERS[::4]:
            with self.fresh(code, typed):
                self.provider.country_id = self.country(code)
                self.company.country_id = False
                partner = self.new_partner(phone=typed, country_id=False)
                self.assertEqual(self.called(caller).partner_id, partner)

    def test_exact_number_comes_first(self):
        """E.164 equality wins over what merely reads alike."""
        self.company.country_id = False
        self.new_partner("Reads alike", country_id=False)
        exact = self.new_partner("Exact")
        call = self.called()
        self.assertEqual((call.partner_id, call.partner_source), (exact, "number"))

    def test_every_country_s_numbers(self):
        """The library's examples of each region, typed at home, abroad, from abroad.

        A contact is found by its own number and by no other, whoever else ends alike.
        """
        codes = set(self.env["res.country"].search([]).mapped("code"))
        regions = sorted(codes & phonenumbers.SUPPORTED_REGIONS)
        self.assertGreater(len(regions), 200)
        examples = {
            (region, kind): number
            for region in regions
            for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
            if (number := phonenumbers.example_number_for_type(region, kind))
        }
        typed = []  # region, text, number
        for (region, _kind), number in examples.items():
            for style in (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL):
                typed.append(
                    (region, phonenumbers.format_number(number, style), number)
                )
        office = phonenumbers.parse("+442079460201")
        for region in regions:
            text = phonenumbers.format_out_of_country_calling_number(office, region)
            typed.append((region, text, office))
        countries = {
            country.code: country.id for country in self.env["res.country"].search([])
        }
        partners = self.env["res.partner"].create(
            [
                {"name": text, "phone": text, "country_id": countries[region]}
                for region, text, _number in typed
            ]
        )
        owners, texts = {}, dict(zip(partners.ids, typed, strict=True))
        for partner, (_region, _text, number) in zip(partners, typed, strict=True):
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            owners.setdefault(numbers.from_pbx(e164), set()).add(partner.id)
        settings = self.env["pbx.provider"]._settings(self.provider.id)
        directory = self.env["pbx.directory"]
        for number, expected in owners.items():
            rows = directory._verified(
                settings, number, directory._known(settings, number)
            )
            found = {row.partner_id for row in rows if row.kind in ("number", "tail")}
            wrong = [texts[id_][:2] for id_ in found ^ expected]
            self.assertFalse(wrong, number)

    # ------------------------------------------------------------------ never a match

    def test_equal_ends_in_two_countries(self):
        for code, typed, caller in (
            ("GB", "020 7946 0201", "+12079460201"),
            ("US", "(207) 946-0201", "+442079460201"),
            ("US", "946-0201", "+442079460201"),
            ("RU", "8 (495) 123-45-67", "+14951234567"),
            ("UA", "044 123 45 67", "+74441234567"),
            ("DE", "030 901820", "+3130901820"),
            ("FR", "+33 1 42 68 53 00", "+32142685300"),
            ("KZ", "8 (727) 250-12-34", "+442072501234"),
        ):
            with self.fresh(code, typed):
                self.new_partner(phone=typed, country_id=self.country(code).id)
                call = self.called(caller)
                self.assertFalse(call.partner_id)
                self.assertFalse(call.with_user(self.supervisor).candidate_ids)

    def test_field_cases(self):
        """Country, what stands in the field, who calls, what the look-up says."""
        for code, typed, caller, source in (
            ("AU", "0011 65 6555 0143", "+16565550143", "none"),
            ("AU", "0011 65 6555 0143", "+6565550143", "number"),
            ("NZ", "00 44 20 7946 0201", CALLER, "number"),
            ("FR", "0692 12 34 56", "+262692123456", "number"),
            ("FR", "0690 00 12 34", "+590690001234", "number"),
            ("FR", "0694 20 12 34", "+594694201234", "number"),
            ("FR", "0696 20 12 34", "+596696201234", "number"),
            ("MX", "55 5555 0143", "5215555550143", "number"),
            ("MX", "01 55 5555 0143", "525555550143", "number"),
            ("AR", "+54 9 11 5555-0143", "541155550143", "number"),
            ("AR", "+54 9 11 5555-0143", "5491155550143", "number"),
            ("GB", "+44 20 7946 0201 ::: +44 7400 123456", CALLER, "number"),
            ("GB", "+44 20 7946 0201 ::: +44 7400 123456", "447400123456", "number"),
            ("GB", "020 7946 0201 (office)", CALLER, "number"),
            ("RU", "8 495 123-45-67 вн.12", "+74951234567", "number"),
            ("DE", "030 901820-0", "+4930901820", "number"),
            ("DE", "030 901820-0", "+49309018212", "possible"),
            ("DE", "030 901820-0", "+49309018", "none"),
            ("DE", "030 901820-0", "+3309018212", "none"),
            ("RU", "123-45-67", "+74951234567", "none"),
            ("GB", "7946 0202", "+442079460202", "none"),
        ):
            with self.fresh(code, typed, caller):
                partner = self.new_partner(
                    phone=typed, country_id=self.country(code).id
                )
                call = self.called(caller)
                self.assertEqual(call.partner_source, source)
                known = partner if source == "number" else partner.browse()
                self.assertEqual(call.partner_id, known)
                shown = call.with_user(self.supervisor).candidate_ids
                self.assertEqual(
                    shown, partner if source == "possible" else known.browse()
                )

    def test_without_a_country_several_are_read_in_the_provider_s(self):
        self.company.country_id = False
        for between in (", ", " - ", " + ", " and ", " mob. ", " "):
            with self.fresh(between):
                partner = self.new_partner(
                    phone=f"020 7946 0201{between}07400 123456", country_id=False
                )
                for caller in (CALLER, "+447400123456"):
                    call = self.called(caller)
                    self.assertEqual(
                        (call.partner_id, call.partner_source), (partner, "tail")
                    )
                self.assertFalse(self.called("+17400123456").partner_id)

    def test_equal_ends_in_one_country(self):
        self.new_partner(phone="0121 946 0201")
        self.assertFalse(self.called().partner_id)

    def test_withheld(self):
        for phone in ("0", "00000000", "anonymous", "-"):
            self.new_partner(phone=phone)
        for caller in ("", "0", "anonymous", "unknown", "Private", "+", "0000000"):
            with self.fresh(caller):
                call = self.called(caller)
                self.assertEqual((call.number, call.partner_source), (False, "none"))
                self.assertFalse(call.with_user(self.supervisor).candidate_ids)

    def test_our_own_line(self):
        """Our line is on our own card; a call from it (forwarded) is not from us."""
        self.new_partner("Our own card", LINE)
        self.assertFalse(self.called(LINE, line=LINE).partner_id, "the very first call")
        self.called("+442079460777")
        self.assertFalse(self.called(LINE, line="+442079460901").partner_id)
        outbound = self.tell("outbound", caller=LINE)[-1]
        self.assertEqual((outbound.number, outbound.direction), (LINE, "outbound"))
        self.assertFalse(outbound.partner_id)

    def test_line_of_our_other_pbx(self):
        other = self.new_provider(self.company, self.robot, "second")
        self.called("+442079460777", other, line="+442079460999")
        self.new_partner("Our second office", "+442079460999")
        self.assertFalse(self.called("+442079460999").partner_id)

    def test_number_that_an_extension_shows(self):
        self.extension.caller_id = "020 7946 0950"
        self.extension.caller_id = "+44 20 7946 0950"
        self.new_partner("Anna's desk", "+442079460950")
        self.assertFalse(self.called("+442079460950").partner_id)

    def test_extensions(self):
        self.new_partner("Three digits", "100")
        self.new_partner("Login", "123456-100")
        call = self.tell("extension_to_extension")
        self.assertFalse(call.partner_id)
        self.assertFalse(self.called("100").partner_id)

    def test_page_of_the_past_with_internal_calls_only(self):
        """Short numbers have no end to be looked for by: none of the page has one."""
        settings = self.env["pbx.provider"]._settings(self.provider.id)
        memory = {}
        self.env["pbx.directory"]._remember_strangers(settings, {"101", "102"}, memory)
        self.assertEqual(
            {number: found.source for (_provider, number), found in memory.items()},
            {"101": "none", "102": "none"},
        )

    def test_archived_contact(self):
        """Shown, never linked without a person; who is not archived comes first."""
        archived = self.new_partner("Anna", active=False)
        call = self.called()
        self.assertEqual((call.partner_id.id, call.partner_source), (False, "possible"))
        [shown] = call.with_user(self.supervisor).candidate_ids
        self.assertEqual(shown, archived)
        self.assertEqual(shown.pbx_candidate_name, "archived: Anna")
        self.env.flush_all()
        partner = self.new_partner("Olga")
        call = self.called()
        self.assertEqual((call.partner_id, call.partner_source), (partner, "number"))

    def test_archived_contact_s_second_number(self):
        self.new_partner("Anna", f"{CALLER}, +44 7400 123456", active=False)
        self.assertEqual(self.called("447400123456").partner_source, "possible")

    def test_picked_in_one_spelling_is_remembered_in_the_other(self):
        one, two = (
            self.new_partner(name, "55 5555 0143", country_id=self.country("MX").id)
            for name in ("One", "Two")
        )
        first = self.called("5215555550143")
        self.assertEqual(first.partner_source, "several")
        first.with_user(self.supervisor)._pick(two)
        self.env.flush_all()
        call = self.called("525555550143")
        self.assertEqual((call.partner_id, call.partner_source), (two, "remembered"))
        self.assertEqual(first.number, call.number)

    def test_contact_of_another_company(self):
        other = self.env["res.company"].create({"name": "Another company"})
        self.new_partner(company_id=other.id)
        self.assertFalse(self.called().partner_id)

    # ------------------------------------------------------------------------ several

    def test_all_are_shown_and_none_is_picked(self):
        one, two = self.new_partner("One"), self.new_partner("Two", "+44 2079 460201")
        call = self.called()
        self.assertEqual((call.partner_id.id, call.partner_source), (False, "several"))
        self.assertEqual(call.with_user(self.supervisor).candidate_ids, one | two)
        self.assertEqual(len(self.calls()), 1, "never a call for each of them")

    def test_several_by_the_end_of_the_number(self):
        both = self.env["res.partner"]
        for name in ("One", "Two"):
            both += self.new_partner(name, "020 7946 020")
        call = self.called("+44207946020")
        self.assertEqual((call.partner_id.id, call.partner_source), (False, "several"))
        self.assertEqual(call.with_user(self.supervisor).candidate_ids, both)

    def test_company_and_contacts_sharing_a_number_are_the_company(self):
        company = self.new_partner("Baltic Shipping", is_company=True)
        for name in ("Clerk", "Captain"):
            self.new_partner(name, parent_id=company.id)
        self.assertEqual(self.called().partner_id, company)

    def test_contacts_sharing_a_number_their_company_has_not(self):
        company = self.new_partner("Baltic Shipping", "020 7946 0333", is_company=True)
        for name in ("Clerk", "Captain"):
            self.new_partner(name, parent_id=company.id)
        self.assertEqual(self.called().partner_source, "several")

    def test_contacts_of_two_companies(self):
        for name in ("Baltic", "Arctic"):
            parent = self.new_partner(name, is_company=True)
            self.new_partner(f"Clerk at {name}", parent_id=parent.id)
        self.assertEqual(self.called().partner_source, "several")

    def test_picked_and_remembered(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        first = self.called()
        as_supervisor = two.with_user(self.supervisor)
        as_supervisor.with_context(pbx_call_id=first.id).action_pbx_pick()
        self.env.flush_all()
        self.assertEqual((first.partner_id, first.partner_source), (two, "picked"))
        second = self.called()
        self.assertEqual(
            (second.partner_id, second.partner_source), (two, "remembered")
        )
        # Picked anew: the last word counts.
        as_supervisor = one.with_user(self.supervisor)
        as_supervisor.with_context(pbx_call_id=second.id).action_pbx_pick()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE pbx_call SET write_date = write_date - '1 d'::interval WHERE id=%s",
            [first.id],
        )
        self.assertEqual(self.called().partner_id, one)
        self.assertEqual(first.partner_id, two, "what was picked is not moved")

    def test_pick_of_another_company_is_not_remembered_here(self):
        other = self.env["res.company"].create({"name": "Another company"})
        theirs = self.new_provider(other, self.new_agent("clara", other), "theirs")
        stranger = self.new_partner("Theirs", False)
        self.called(provider=theirs).partner_id = stranger
        mine = self.new_partner()
        self.assertEqual(self.called().partner_id, mine)

    def test_picked_contact_that_was_archived_is_forgotten(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        self.called().partner_id = two
        two.active = False
        self.assertEqual(self.called().partner_id, one)

    # -------------------------------------------------------------------------- leads

    def new_lead(self, phone=TYPED, **values):
        return self.env["crm.lead"].create(
            {
                "name": "Two tons of rope",
                "phone": phone,
                "country_id": self.gb.id,
                "company_id": self.company.id,
                **values,
            }
        )

    def test_caller_is_only_a_lead(self):
        for phone, caller in (
            (TYPED, CALLER),
            ("0044 20 7946 0201", CALLER),
            ("020 7946 020", "+44207946020"),
        ):
            with self.fresh(phone):
                lead = self.new_lead(phone)
                call = self.called(caller)
                self.assertEqual((call.lead_id, call.partner_source), (lead, "lead"))
                self.assertFalse(call.partner_id)

    def test_lead_of_a_contact(self):
        partner = self.new_partner()
        lead = self.new_lead(False, partner_id=partner.id)
        call = self.called()
        self.assertEqual((call.partner_id, call.lead_id), (partner, lead))

    def test_lost_and_won_leads_are_no_callers(self):
        self.new_lead().action_set_lost()
        self.new_lead().action_set_won()
        self.assertFalse(self.called().lead_id)

    def test_two_leads(self):
        self.new_lead()
        self.new_lead()
        call = self.called()
        self.assertEqual((call.lead_id.id, call.partner_source), (False, "several"))

    def test_lead_with_equal_end_in_another_country(self):
        self.new_lead("(207) 946-0201", country_id=self.env.ref("base.us").id)
        self.assertFalse(self.called().lead_id)

    def test_lead_of_another_company(self):
        other = self.env["res.company"].create({"name": "Another company"})
        self.new_lead(company_id=other.id, user_id=False, team_id=False)
        self.assertFalse(self.called().lead_id)
