"""The card of a call: who it is and why they may call, under the reader's rights."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import CALLER, LINE, TYPED
from .desk import DeskCase, FakeCall, FakeOutboundCall

# What there is to show where nobody is known.
NOTHING = {
    "name": "",
    "contact": False,
    "candidates": [],
    "leads": [],
    "activities": [],
    "calls": [],
}


@tagged("post_install", "-at_install")
class TestDeskCards(DeskCase):
    def ringing(self, caller=CALLER, **more):
        return FakeCall(self, caller, **more).start().ring("100").call

    def assertShown(self, card, **expected):
        self.assertEqual({name: card[name] for name in expected}, expected)

    def new_lead(self, name="Rope", **values):
        return self.env["crm.lead"].create(
            {
                "name": name,
                "type": "opportunity",
                "company_id": self.company.id,
                "user_id": self.anna.id,
                **values,
            }
        )

    # ---------------------------------------------------------------------- who it is

    def test_known_contact(self):
        company = self.new_partner("Baltic Shipping", False, is_company=True)
        tags = self.env["res.partner.category"].create(
            [{"name": "Ropes", "color": 3}, {"name": "Sails"}]
        )
        partner = self.new_partner(
            parent_id=company.id, function="Captain", category_id=tags.ids
        )
        self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": LINE, "name": "Sales"}
        )
        fake = FakeCall(self).start().ring("100")
        fake.call.note = "Two tons"
        card = self.card(fake.call)
        self.assertShown(
            card,
            id=fake.call.id,
            state="ringing",
            direction="inbound",
            outcome="",
            number=CALLER,
            number_readable="+44 20 7946 0201",
            line="+44 20 7946 0900",
            line_name="Sales",
            start=fields.Datetime.to_string(fake.call.start),
            answer=False,
            stop=False,
            note="Two tons",
            country="United Kingdom",
            zone="Europe/London",
            looked_up=True,
            candidates=[],
        )
        self.assertIn("Olga Petrova", card["name"])
        self.assertTrue(card["flag"])
        contact = card["contact"]
        self.assertIn(f"/res.partner/{partner.id}/", contact.pop("avatar"))
        self.assertEqual(sorted(tag["name"] for tag in contact.pop("tags")),
                         ["Ropes", "Sails"])  # fmt: skip
        self.assertEqual(
            contact,
            {
                "id": partner.id,
                "name": "Olga Petrova",
                "company": "Baltic Shipping",
                "is_company": False,
                "phone": partner.phone,
                "job": "Captain",
                "country": "United Kingdom",
                "company_id": partner.commercial_partner_id.id,
            },
        )

    def test_times_of_a_call(self):
        fake = FakeCall(self).start().ring("100").lift("100").end("100", seconds=34)
        card = self.card(fake.call)
        self.assertShown(card, state="done", outcome="answered", talk_seconds=34)
        for name in ("start", "answer", "stop"):
            self.assertEqual(card[name], fields.Datetime.to_string(fake.call[name]))
        now = fields.Datetime.to_datetime(self.ask().cards([])["now"])
        self.assertLess(abs(fields.Datetime.now() - now), timedelta(seconds=5))

    def test_nobody_is_known(self):
        card = self.card(self.ringing())
        self.assertShown(card, **NOTHING, looked_up=True, number=CALLER)

    def test_several_match(self):
        both = self.new_partner("One") | self.new_partner("Two", is_company=True)
        card = self.card(self.ringing())
        self.assertShown(card, name="", contact=False)
        self.assertEqual(
            [(one["id"], one["name"]) for one in card["candidates"]],
            [(one.id, one.name) for one in both],
        )

    def test_withheld(self):
        """No two withheld callers have anything in common."""
        for _call in range(2):
            call = self.ringing("anonymous")
        self.assertShown(
            self.card(call),
            **NOTHING,
            number="",
            number_readable="",
            country="",
            zone="",
        )

    def test_caller_is_a_lead(self):
        lead = self.new_lead(phone=TYPED, contact_name="Olga", country_id=self.gb.id)
        card = self.card(self.ringing())
        self.assertShown(card, name="Olga", contact=False, candidates=[])
        self.assertEqual([one["id"] for one in card["leads"]], [lead.id])

    def test_looked_up_when_the_handset_is_lifted(self):
        self.provider.lookup_on_answer = True
        partner = self.new_partner()
        self.new_partner("Twin", "020 7946 0303")
        self.new_partner("Twin", "020 7946 0303")
        self.new_lead(partner_id=partner.id)
        FakeCall(self).start().ring("100").lift("100").end("100")
        known = FakeCall(self).start().ring("100")
        several = FakeCall(self, "+442079460303").start().ring("100")
        for fake in (known, several):
            self.assertShown(self.card(fake.call), **NOTHING, looked_up=False)
            fake.lift("100")
        card = self.card(known.call)
        self.assertShown(card, looked_up=True, name="Olga Petrova")
        self.assertEqual(card["contact"]["id"], partner.id)
        self.assertEqual((len(card["leads"]), len(card["calls"])), (1, 1))
        card = self.card(several.call)
        self.assertEqual((card["looked_up"], len(card["candidates"])), (True, 2))
        # Nobody lifts: it is looked up when it is over.
        missed = FakeCall(self).start().ring("100").give_up()
        self.assertShown(self.card(missed.call), looked_up=True, name="Olga Petrova")

    def test_whom_one_dialled_is_known_at_once(self):
        self.provider.lookup_on_answer = True
        partner = self.new_partner()
        call = FakeOutboundCall(self).start().call
        call.partner_id = partner
        self.assertShown(self.card(call), name="Olga Petrova", looked_up=True)

    # ------------------------------------------------------------- whose customer it is

    def test_whose_customer_it_is(self):
        """A name, whoever may see contact and lead; nothing for one's own."""
        company = self.new_partner("Harbour Ltd", "020 7946 0303", is_company=True)
        partner = self.new_partner(parent_id=company.id)
        call = self.ringing()
        self.assertShown(self.card(call), owner="")
        company.user_id = self.boris
        self.assertShown(self.card(call), owner=self.boris.name)
        partner.user_id = self.anna
        self.assertShown(self.card(call), owner="")
        lead = self.new_lead(
            phone="020 7946 0404", country_id=self.gb.id, user_id=self.boris.id
        )
        call = self.ringing("+442079460404")
        self.assertEqual(call.lead_id, lead)
        self.assertFalse(lead.with_user(self.anna).has_access("read"))
        self.assertShown(self.card(call), owner=self.boris.name, leads=[])

    def test_whose_customer_it_is_by_another_lead(self):
        """The contact's own salesperson, else who has an open lead of it."""
        clara, nobody = self.new_agent("clara"), self.env["res.users"]
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.boris.company_ids |= other
        company = self.new_partner("Harbour Ltd", "020 7946 0303", is_company=True)
        partner = self.new_partner(parent_id=company.id)
        (company | partner).company_id = False
        call = self.ringing()
        self.assertFalse(call.lead_id)
        for whose, values, owner in (
            (company, {"user_id": clara.id}, clara),
            (company, {"user_id": False}, clara),
            (partner, {"user_id": self.boris.id, "company_id": other.id}, clara),
            (partner, {"user_id": self.boris.id}, self.boris),
            (partner, {"user_id": clara.id}, clara),
            (partner, {"user_id": self.boris.id, "active": False}, clara),
            (partner, {"user_id": self.anna.id}, nobody),
        ):
            lead = self.new_lead(partner_id=whose.id, **values)
            with self.subTest(lead=lead.name, values=values):
                card = self.card(call)
                self.assertShown(card, owner=owner.name or "")
                # Nothing of a colleague's lead but whose it is.
                shown = [one["id"] for one in card["leads"]]
                self.assertEqual(shown, [] if owner else lead.ids)
                self.assertEqual(
                    call.with_user(self.supervisor).owner_id, owner or self.anna
                )
            if values["user_id"] == self.anna.id:
                lead.unlink()
        lost = self.new_lead(partner_id=partner.id, user_id=self.boris.id)
        lost.action_set_won()
        self.assertShown(self.card(call), owner=clara.name)
        partner.user_id = self.boris
        self.assertShown(self.card(call), owner=self.boris.name)

    def test_who_spoke_last(self):
        """Who and when, of calls that the user may not see, and nothing of them."""
        hours = [timedelta(hours=n) for n in (5, 4, 3, 2)]
        fake = FakeCall(self, ago=hours[0]).start().ring("100").lift("100").end("100")
        theirs = FakeCall(self, ago=hours[1]).start().ring("101").lift("101")
        theirs = theirs.end("101").call
        theirs.note = "A secret"
        FakeCall(self, ago=hours[2]).start().ring("101").give_up()
        card = self.card(self.ringing())
        self.assertFalse(theirs.with_user(self.anna).has_access("read"))
        start = fields.Datetime.to_string(theirs.start)
        self.assertEqual(card["last_spoken"], {"user": self.boris.name, "start": start})
        self.assertNotIn("A secret", str(card))
        # Of a contact, whatever number it was.
        partner = self.new_partner("Olga", "020 7946 0303")
        other = FakeCall(self, "+442079460303", ago=hours[3]).start()
        other.ring("100").lift("100").end("100")
        fake.call.partner_id = partner
        call = self.ringing()
        call.partner_id = partner
        self.assertEqual(self.card(call)["last_spoken"]["user"], self.anna.name)
        self.assertFalse(self.card(self.ringing("anonymous"))["last_spoken"])
        self.assertFalse(self.card(self.ringing("+442079460888"))["last_spoken"])

    # ----------------------------------------------------------------------- voicemail

    def test_voicemail(self):
        """A missed call that was recorded, and who may hear it."""
        for recorded, expected in (("rec-1", 14), ("", 0)):
            with self.fresh(recorded=recorded):
                fake = FakeCall(self).start().ring("100")
                more = {"call_id_with_rec": recorded} if recorded else {}
                fake.send(
                    "NOTIFY_END",
                    duration="14",
                    disposition="answered",
                    is_recorded=str(int(bool(recorded))),
                    **more,
                )
                self.assertEqual(fake.call.outcome, "missed")
                voicemail = self.card(fake.call)["voicemail"]
                [row] = self.ask().missed_calls()
                self.assertEqual(row["voicemail"], voicemail)
                if not recorded:
                    self.assertFalse(voicemail)
                    continue
                recording = fake.call.recording_ids
                self.assertEqual(
                    voicemail,
                    {"id": recording.id, "seconds": expected, "can_hear": False},
                )
                recording.state = "stored"
                self.assertTrue(self.card(fake.call)["voicemail"]["can_hear"])
        fake = FakeCall(self).start().ring("100").lift("100")
        fake.send(
            "NOTIFY_END",
            duration="14",
            disposition="answered",
            internal="100",
            is_recorded="1",
            call_id_with_rec="rec-2",
        )
        self.assertFalse(self.card(fake.call)["voicemail"], "a conversation is none")

    # -------------------------------------------------------------------- why it failed

    def test_why_it_failed(self):
        """In the reader's language, with what this reader can do."""
        chief = self.new_user("chief", "base.group_system,cloud_pbx.group_pbx_manager")
        for word, agent, admin in (
            ("no money", "tell the administrator", "top it up at Zadarma"),
            ("no money, no limit", "no money", "no money"),
            ("NO DAY LIMIT", "limit", "raise it"),
            ("line limit", "All lines", "All lines"),
            ("unallocated number", "no such number", "no such number"),
            ("failed", "could not put", "could not put"),
            ("call failed", "could not put", "could not put"),
            ("Purple Smoke", "Purple Smoke", "Purple Smoke"),
        ):
            with self.subTest(word):
                call = FakeOutboundCall(self).start().end(word).call
                self.assertEqual(call.outcome, "failed")
                self.assertEqual(call.disposition, word)
                shown = self.card(call)["failure_reason"]
                self.assertIn(agent, shown)
                self.assertEqual(
                    call.with_user(self.anna).failure_reason, shown, "form and list"
                )
                self.assertIn(admin, call.with_user(chief).failure_reason)
                [row] = [
                    one for one in self.ask().recent()["calls"] if one["id"] == call.id
                ]
                self.assertEqual(row["failure_reason"], shown)
        for how in ("busy", "no answer", "cancel"):
            call = FakeOutboundCall(self).start().end(how).call
            self.assertFalse(call.failure_reason)

    # ------------------------------------------------------------- why they may call

    def test_open_leads(self):
        partner = self.new_partner()
        stage = self.env["crm.stage"].create({"name": "In talks"})
        common = {"partner_id": partner.id, "stage_id": stage.id}
        plain = self.new_lead("Plain", **common)
        rich = self.new_lead("Rich", priority="2", expected_revenue=1200, **common)
        self.new_lead("Lost", **common).action_set_lost()
        self.new_lead("Won", **common).action_set_won()
        leads = self.card(self.ringing())["leads"]
        self.assertEqual([one["id"] for one in leads], [rich.id, plain.id])
        self.assertEqual({one["stage"] for one in leads}, {"In talks"})
        self.assertIn("1,200", leads[0]["revenue"])
        self.assertEqual(leads[1]["revenue"], "")

    def test_only_a_few_leads_and_the_call_s_own_first(self):
        partner = self.new_partner()
        leads = [self.new_lead(f"{n}", partner_id=partner.id) for n in range(5)]
        call = self.ringing()
        call.lead_id = leads[0]
        shown = [one["name"] for one in self.card(call)["leads"]]
        self.assertEqual(shown, ["0", "4", "3"])

    def test_activities(self):
        """Of the contact and of their leads, the most urgent first."""
        partner = self.new_partner()
        lead = self.new_lead(partner_id=partner.id)
        today = fields.Date.today()
        for record, summary, days in (
            (partner, "Send the offer", 1),
            (lead, "Measure the mast", -2),
            (partner, "Congratulate", 30),
            (partner, "In a year", 365),
        ):
            record.activity_schedule(
                "mail.mail_activity_data_todo",
                fields.Date.add(today, days=days),
                summary,
                user_id=self.anna.id,
            )
        shown = self.card(self.ringing())["activities"]
        self.assertEqual(
            [(one["name"], one["state"], one["res_model"]) for one in shown],
            [
                ("Measure the mast", "overdue", "crm.lead"),
                ("Send the offer", "planned", "res.partner"),
                ("Congratulate", "planned", "res.partner"),
            ],
        )
        self.assertEqual((shown[0]["on"], shown[0]["user"]), ("Rope", "Anna"))
        deadline = fields.Date.add(today, days=-2)
        self.assertEqual(shown[0]["deadline"], fields.Date.to_string(deadline))

    def test_last_calls(self):
        """With the person, from whatever number; with the number of a stranger."""
        partner = self.new_partner()
        hours = [timedelta(hours=n) for n in range(9, 0, -1)]
        FakeCall(self, ago=hours[0]).start().ring("100").give_up()
        FakeCall(self, ago=hours[1]).start().ring("100").lift("100").end(
            "100", seconds=61
        )
        other = (
            FakeCall(self, "+442079460777", ago=hours[2]).start().ring("100").give_up()
        )
        other.call.write({"partner_id": partner.id, "note": "From the mobile"})
        FakeOutboundCall(self, ago=hours[3]).start().end("no answer")
        FakeOutboundCall(self, "+442079460778", ago=hours[4]).start().end("no answer")
        shown = self.card(self.ringing())["calls"]
        rows = [(c["direction"], c["outcome"], c["talk_seconds"]) for c in shown]
        self.assertEqual(
            rows,
            [
                ("outbound", "no_answer", 0),
                ("inbound", "missed", 0),
                ("inbound", "answered", 61),
            ],
        )
        self.assertEqual(shown[1]["note"], "From the mobile")
        self.assertEqual(shown[2]["user"], "Anna")
        stranger = "+442079460779"
        first = FakeCall(self, stranger, ago=hours[5]).start().ring("100").give_up()
        shown = self.card(self.ringing(stranger))["calls"]
        self.assertEqual([one["id"] for one in shown], [first.call.id])
        # Seen from the first one, there is nothing before.
        self.assertEqual(self.card(first.call)["calls"], [])

    def test_many_cards_are_each_their_own(self):
        """What is read in one go for all of them, goes to the right ones."""
        calls = self.env["pbx.call"]
        for n in range(3):
            partner = self.new_partner(f"P{n}", f"020 7946 030{n}")
            for _lead in range(n + 1):
                self.new_lead(f"L{n}", partner_id=partner.id)
            FakeCall(self, f"+44207946030{n}", ago=timedelta(hours=1)).start().ring(
                "100"
            ).give_up().call.note = f"N{n}"
            calls += self.ringing(f"+44207946030{n}")
        cards = self.ask().cards(calls.ids)["cards"]
        self.assertEqual([card["id"] for card in cards], calls.ids)
        for n, card in enumerate(cards):
            self.assertEqual(card["contact"]["name"], f"P{n}")
            leads = [one["name"] for one in card["leads"]]
            self.assertEqual(leads, [f"L{n}"] * (n + 1))
            self.assertEqual([one["note"] for one in card["calls"]], [f"N{n}"])
