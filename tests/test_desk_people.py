"""What a person does at the desk: look back, search, link."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import CALLER, TYPED
from .desk import DeskCase, FakeCall, FakeOutboundCall, ThreeDesks

# What Odoo itself reads is the first number.
SECOND = "020 7946 0909 / 07400 123456"


@tagged("post_install", "-at_install")
class TestRecent(ThreeDesks):
    def pages(self, user=None, limit=3):
        """Return the ids of each page, scrolled to the end."""
        pages, before, more = [], False, True
        while more:
            answer = self.ask(user).recent(before, limit)
            rows, more = answer["calls"], answer["more"]
            pages.append([row["id"] for row in rows])
            before = rows and [rows[-1]["start"], rows[-1]["id"]]
            self.assertLess(len(pages), 20, "it comes to an end")
        return pages

    def test_pages(self):
        """None twice, none left out, with equal starts across the ends of pages."""
        calls = self.env["pbx.call"]
        for n in range(8):
            calls += (
                FakeCall(self, ago=timedelta(minutes=30 - n)).start().ring("100").call
            )
        same = fields.Datetime.subtract(fields.Datetime.now(), minutes=30)
        calls[1:6].write({"start": same.replace(microsecond=0)})
        newest_first = calls.sorted(lambda c: (c.start, c.id), reverse=True).ids
        for limit in (1, 2, 3, 4, 8, 50):
            with self.subTest(limit=limit):
                pages = self.pages(limit=limit)
                self.assertEqual(sum(pages, []), newest_first)
                self.assertLessEqual(max(map(len, pages)), limit)
        # A call that comes meanwhile moves nothing.
        first = self.ask().recent(False, 3)["calls"]
        FakeCall(self).start().ring("100")
        rest = self.ask().recent([first[-1]["start"], first[-1]["id"]], 3)["calls"]
        self.assertEqual([row["id"] for row in rest], newest_first[3:6])

    def test_only_one_s_own(self):
        """Neither the customers' nor, for a supervisor, everybody's."""
        self.new_partner(user_id=self.anna.id)
        mine = FakeCall(self).start().ring("100", "101").lift("101").end("101").call
        theirs = FakeCall(self).start().ring("101").give_up().call
        picked = FakeCall(self).start().ring("102").lift("102").end("102").call
        picked.with_user(self.supervisor).user_id = self.anna
        self.assertEqual(set(sum(self.pages(), [])), {mine.id, picked.id})
        self.assertEqual(set(sum(self.pages(self.boris), [])), {mine.id, theirs.id})
        self.assertEqual(self.pages(self.supervisor), [[]])

    def test_of_another_company(self):
        other = self.env["res.company"].create({"name": "Another company"})
        self.anna.company_ids |= other
        FakeCall(self).start().ring("100")
        self.anna.write({"company_id": other.id, "company_ids": [(6, 0, other.ids)]})
        desk = self.ask().with_context(allowed_company_ids=other.ids)
        self.assertEqual(desk.recent()["calls"], [])

    def test_odd_limits(self):
        FakeCall(self).start().ring("100")
        for limit in (0, -5, 10**9, "20"):
            self.assertEqual(len(self.ask().recent(False, limit)["calls"]), 1)

    def test_rows(self):
        partner = self.new_partner()
        fake = FakeOutboundCall(self).start().lift().end(seconds=61)
        [row] = self.ask().recent()["calls"]
        expected = {
            "id": fake.call.id,
            "direction": "outbound",
            "outcome": "answered",
            "name": "Olga Petrova",
            "partner_id": partner.id,
            "number_readable": "+44 20 7946 0201",
            "talk_seconds": 61,
            "user": "Anna",
            "mine": True,
            "to_call_back": False,
        }
        self.assertEqual({name: row[name] for name in expected}, expected)
        inside = FakeOutboundCall(self, "101", line="100").start().end("no answer")
        names = [desk.recent()["calls"][0]["name"] for desk in (
            self.ask(self.anna), self.ask(self.boris))]  # fmt: skip
        self.assertEqual(names, ["Boris", "Anna"], "each sees the other")
        # The log shows the same, with a picture; of no other call there is a colleague.
        call = inside.call
        for user, other in ((self.anna, self.boris), (self.boris, self.anna)):
            call = call.with_user(user)
            self.assertEqual(call.colleague_name, other.name)
            number = other.pbx_extension_ids.number
            self.assertEqual(call.colleague_number, number)
            self.assertEqual(call.display_name, other.name)
            self.assertIn(f"/res.users/{other.id}/", call.colleague_avatar)
        outside = FakeCall(self).start().ring("100").call
        self.assertFalse(outside.colleague_name)
        self.assertFalse(outside.colleague_avatar)


@tagged("post_install", "-at_install")
class TestContacts(DeskCase):
    def found(self, text, user=None):
        return [one["name"] for one in self.ask(user).search_contacts(text)]

    def test_by_name_and_company(self):
        company = self.new_partner("Baltic Shipping", False, is_company=True)
        self.new_partner("Zoltan Quux", parent_id=company.id)
        self.assertEqual(self.found("zoltan q"), ["Zoltan Quux"])
        self.assertEqual(
            set(self.found("baltic sh")), {"Baltic Shipping", "Zoltan Quux"}
        )
        self.assertEqual(self.found("no such person"), [])
        [one] = self.ask().search_contacts("zoltan")
        self.assertEqual((one["company"], one["phone"]), ("Baltic Shipping", TYPED))

    def test_by_number_in_any_style(self):
        """However it is typed here, and however it was entered there."""
        typed = (
            "020 7946 0201", "02079460201", "(020) 7946-0201", "+44 20 7946 0201",
            "+442079460201", "0044 20 7946 0201", "+44 (0)20 7946 0201",
        )  # fmt: skip
        parts = ("79460201", "0201", "7946 02", "020 7946", "+44 20 7946", "004420")
        for entered in (*typed, "020.7946.0201"):
            with self.fresh(entered):
                self.new_partner("Zoltan", entered)
                self.new_partner("Other", "020 7946 9999")
                for text in typed:
                    self.assertEqual(self.found(text), ["Zoltan"], text)
                for text in parts:
                    self.assertIn("Zoltan", self.found(text), text)

    def test_by_every_number_that_a_call_would_find(self):
        """Contacts and leads: a second number, words around one, another plan."""
        entered = (
            ("+44 20 7946 0201 ::: +44 7400 123456", "GB",
             ("+442079460201", "+44 20 7946 0201", "+447400123456", "07400 123456",
              "0044 7400 123456", "+4474001", "00447400", "7400 123")),
            ("020 7946 0301 / 07400 123499", "GB",
             ("+442079460301", "020 7946 0301", "+447400123499", "07400 123499",
              "020 7946 0301 / 07400 123499", "+4474001", "400123")),
            ("020 7946 0206 (office)", "GB",
             ("+442079460206", "020 7946 0206", "+44207946")),
            ("020 7946 0206 (office)", "",
             ("+442079460206", "020 7946 0206")),
            ("0692 12 34 56", "FR", ("+262692123456", "00262692123456", "+262692")),
            ("01 55 5555 0143", "MX", ("+525555550143", "+5215555550143", "+525555")),
            ("8 495 123-45-67 вн.12", "RU", ("+74951234567", "+749512", "495 123")),
            ("030 901820-0", "DE", ("+4930901820", "+49309018212")),
        )  # fmt: skip
        for phone, code, texts in entered:
            country = self.env["res.country"].search([("code", "=", code or None)])
            where = {"country_id": country.id, "phone": phone}
            with self.fresh(phone, code):
                partner = self.new_partner("Zoltan", **where)
                lead = self.env["crm.lead"].create(
                    {"name": "Boats", "user_id": self.anna.id, **where}
                )
                for text in texts:
                    found = [
                        (one["model"], one["id"])
                        for one in self.ask().search_callers(text)
                    ]
                    self.assertEqual(
                        found,
                        [("res.partner", partner.id), ("crm.lead", lead.id)],
                        text,
                    )
                    self.assertEqual(self.found(text), ["Zoltan"], text)
                for text in ("+442079460999", "020 7946 0999", "+4420794609"):
                    self.assertEqual(self.ask().search_callers(text), [], text)

    def test_by_digits_at_the_start_of_a_name(self):
        for name in (
            *("1000 Tulips", "1009 Nights", "100 Steps", "A1000"),
            *("999 Bottles", "9991 Corks", "Alice"),
        ):
            self.new_partner(name, False)
        for text, names in (
            ("1000", ["1000 Tulips"]),
            ("100", ["100 Steps", "1000 Tulips", "1009 Nights"]),
            ("1009", ["1009 Nights"]),
            ("1099", []),
            ("999", ["999 Bottles", "9991 Corks"]),
        ):
            self.assertEqual(self.found(text), names, text)

    def test_by_number_under_the_reader_s_own_rules(self):
        """Hidden contacts take nobody's place, however many they are."""
        other = self.env["res.company"].create({"name": "Another company"})
        for number in range(12):
            self.new_partner(f"A hidden one {number}", company_id=other.id)
            self.new_partner(f"Another {number}", SECOND, company_id=other.id)
        self.new_partner("Archived", active=False)
        self.new_partner("Archived", SECOND, active=False)
        self.new_partner("Zoltan")
        for text in ("0201", "020 7946 0201", "+44 20 7946 0201"):
            self.assertEqual(self.found(text), ["Zoltan"], text)
        self.new_partner("Zoltana", SECOND)
        for text in ("07400 123456", "+44 7400 123456", "+447400"):
            self.assertEqual(self.found(text), ["Zoltana"], text)

    def test_short_and_odd_text(self):
        self.new_partner("Zoltan")
        for text in ("", " ", "z", "9", None, False):
            self.assertEqual(self.found(text), [])
        for text in (
            "+",
            "++",
            "000",
            "(((",
            "%%",
            "__",
            "'; --",
            "\\",
            "1" * 300,
            "٠٢٠",
        ):
            self.assertIsInstance(self.found(text), list)
        self.assertEqual(self.found("  zo  "), ["Zoltan"])

    def test_without_a_phone(self):
        """To link one that has no number yet is what one searches for."""
        self.new_partner("Zoltan", False)
        [one] = self.ask().search_contacts("zoltan")
        self.assertEqual(one["phone"], "")

    def test_leads_are_found_too(self):
        """By whoever it is of, and by number: open ones, of nobody found already."""
        partner = self.new_partner("Zoltan Quux")
        leads = self.env["crm.lead"]
        common = {
            "type": "opportunity",
            "user_id": self.anna.id,
            "company_id": self.company.id,
            "country_id": self.gb.id,
        }
        lead = leads.create(
            {
                **common,
                "name": "Two boats",
                "contact_name": "Zoltana",
                "partner_name": "Xylo Works",
                "phone": "020 7946 0303",
            }
        )
        leads.create({**common, "name": "Zoltan's own", "partner_id": partner.id})
        hidden = {**common, "user_id": self.boris.id, "contact_name": "Zoltana"}
        leads.create({**hidden, "name": "Hidden"})
        lost = leads.create({**common, "name": "Lost", "contact_name": "Zoltana"})
        lost.action_set_lost()
        found = self.ask().search_callers("zoltan")
        self.assertEqual(
            [(one["model"], one["id"]) for one in found],
            [("res.partner", partner.id), ("crm.lead", lead.id)],
        )
        expected = {"name": "Zoltana", "company": "Two boats", "phone": "020 7946 0303"}
        self.assertEqual({name: found[1][name] for name in expected}, expected)
        for text in ("two bo", "xylo w", "020 7946 0303", "+44 (0)20 7946 0303",
                     "79460303", "004420 7946 0303"):  # fmt: skip
            with self.subTest(text):
                found = self.ask().search_callers(text)
                self.assertEqual([one["id"] for one in found], lead.ids)
        for text in ("", "z", "000", None, "%%"):
            self.assertIsInstance(self.ask().search_callers(text), list)

    def test_only_a_few(self):
        for n in range(30):
            self.new_partner(f"Zoltan {n}", False)
        for limit, most in (({}, 8), ({"limit": 500}, 20), ({"limit": -1}, 1)):
            found = self.ask().search_contacts("zoltan", **limit)
            self.assertEqual(len(found), most)

    def test_rights(self):
        other = self.env["res.company"].create({"name": "Another company"})
        self.new_partner("Zoltan", company_id=other.id)
        self.new_partner("Zoltan archived", active=False)
        self.assertEqual(self.found("zoltan"), [])
        portal = self.new_user("portal", "base.group_portal")
        self.new_partner("Zoltan")
        self.assertEqual(self.found("zoltan", portal), [])

    # -------------------------------------------------------------------------- linking

    def test_pick(self):
        one, two = self.new_partner("One"), self.new_partner("Two")
        call = FakeCall(self).start().ring("100").call
        answer = self.ask().pick_contact(call.id, two.id)
        [card] = answer["cards"]
        self.assertEqual((card["id"], card["contact"]["id"]), (call.id, two.id))
        self.assertEqual((card["name"], card["candidates"]), ("Two", []))
        self.assertEqual(call.partner_source, "picked")
        later = FakeCall(self).start().ring("100")
        self.assertEqual(later.call.partner_id, two, "remembered")
        self.assertNotEqual(one, two)

    def test_archived_contact_is_a_candidate(self):
        """Shown in the card and in the call's form, and linked by a person alone."""
        partner = self.new_partner("Olga", active=False)
        fake = FakeCall(self).start().ring("100")
        card = self.card(fake.call)
        self.assertFalse(card["contact"])
        self.assertEqual(card["name"], "")
        self.assertEqual(
            [(one["id"], one["name"]) for one in card["candidates"]],
            [(partner.id, "archived: Olga")],
        )
        mine = fake.call.with_user(self.anna)
        spec = {
            "has_candidates": {},
            "candidate_ids": {"fields": {"pbx_candidate_name": {}}},
        }
        [values] = mine.web_read(spec)
        self.assertEqual(
            [one["pbx_candidate_name"] for one in values["candidate_ids"]],
            ["archived: Olga"],
        )
        self.assertTrue(values["has_candidates"])
        [card] = self.ask().pick_contact(fake.call.id, partner.id)["cards"]
        self.assertEqual(card["name"], "Olga")
        fake.lift("100").end("100")
        self.assertCall(fake.call, partner_id=partner, partner_source="picked")

    def test_pick_enters_the_number(self):
        partner = self.new_partner("Zoltan", False)
        call = FakeCall(self).start().ring("100").call
        self.ask().pick_contact(call.id, partner.id)
        self.assertEqual(partner.phone_sanitized, CALLER)

    def test_pick_needs_rights(self):
        partner = self.new_partner("Zoltan", False)
        other = self.env["res.company"].create({"name": "Another company"})
        foreign = self.new_partner("Foreign", False, company_id=other.id)
        call = FakeCall(self).start().ring("100").call
        for user, call_id, partner_id, kind in (
            (self.boris, call.id, partner.id, AccessError),
            (self.anna, call.id, foreign.id, AccessError),
            (self.anna, call.id, 2**31 - 1, UserError),
            (self.anna, 2**31 - 1, partner.id, UserError),
        ):
            with self.fresh(user.name, call_id, partner_id):
                with self.assertRaises(kind):
                    self.ask(user).pick_contact(call_id, partner_id)
                self.assertFalse(call.partner_id)
