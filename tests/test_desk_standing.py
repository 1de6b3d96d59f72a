"""How a call stands for each of those whose phone it is, and what a new page shows."""

from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models.desk.pbx_desk import MAX_CARDS
from .common import TYPED
from .desk import FakeCall, FakeOutboundCall, ThreeDesks
from .test_dial import DialCase

MINUTE = timedelta(minutes=1)


class StandingCase(ThreeDesks):
    def assertStands(self, fake, **expected):
        """Compare the card's state of each user, ``taken by X`` included.

        Who is not named sees no card of it.
        """
        stands = {}
        for user in (self.anna, self.boris, self.clara):
            for card in self.ask(user).cards(fake.call.ids)["cards"]:
                by = card["taken_by"]
                stands[user.name.lower()] = card["state"] + (f" by {by}" if by else "")
        self.assertEqual(stands, expected)


@tagged("post_install", "-at_install")
class TestDeskStanding(StandingCase):
    def test_ring_group(self):
        fake = FakeCall(self).start().ring("100")
        self.assertStands(fake, anna="ringing")
        fake.ring("101")
        self.assertStands(fake, anna="ringing", boris="ringing")
        fake.lift("101")
        self.assertStands(fake, anna="taken by Boris", boris="ongoing")
        fake.end("101")
        self.assertStands(fake, anna="taken by Boris", boris="done")

    def test_shared_phone(self):
        """Nobody knows which of the two speaks, until one says so."""
        self.extension.user_ids |= self.boris
        fake = FakeCall(self).start().ring("100")
        self.assertStands(fake, anna="ringing", boris="ringing")
        fake.lift("100")
        self.assertStands(fake, anna="ongoing", boris="ongoing")
        self.assertTrue(self.card(fake.call, self.boris)["can_claim"])
        fake.call.with_user(self.boris).action_claim()
        self.assertStands(fake, anna="taken by Boris", boris="ongoing")
        self.assertFalse(self.card(fake.call, self.anna)["can_claim"])
        fake.end("100")
        self.assertStands(fake, anna="taken by Boris", boris="done")

    def test_shared_phone_in_a_ring_group(self):
        self.extension_2.user_ids |= self.clara
        fake = FakeCall(self).start().ring("100", "101").lift("101")
        stands = {"boris": "ongoing", "clara": "ongoing"}
        self.assertStands(fake, anna="taken by 101", **stands)

    def test_transfer(self):
        fake = FakeCall(self).start().ring("100").lift("100")
        self.assertStands(fake, anna="ongoing")
        fake.ring("102", transfer_from="100")
        self.assertStands(fake, anna="ongoing", clara="ringing")
        fake.lift("102")
        self.assertStands(fake, anna="taken by Clara", clara="ongoing")
        fake.end("102")
        self.assertStands(fake, anna="taken by Clara", clara="done")

    def test_transfer_that_nobody_lifts(self):
        """No event says that the ringing has stopped: some minutes do."""
        fake = (
            FakeCall(self, ago=20 * MINUTE).start().ring("100").lift("100").ring("102")
        )
        self.assertStands(fake, anna="ongoing", clara="taken by Anna")
        fake.end("100")
        self.assertStands(fake, anna="done", clara="taken by Anna")

    def test_transfer_to_one_of_the_ring_group(self):
        """Who was rung before is rung again: the card is there before they lift."""
        fake = FakeCall(self).start().ring("100", "101").lift("100")
        self.assertStands(fake, anna="ongoing", boris="taken by Anna")
        self.messages()
        fake.ring("101", transfer_from="100")
        self.assertNotified(self.anna | self.boris, fake.call)
        self.assertStands(fake, anna="ongoing", boris="ringing")
        self.assertEqual(self.loaded(self.boris), fake.call)
        fake.lift("101")
        self.assertStands(fake, anna="taken by Boris", boris="ongoing")

    def test_rings_of_the_second_in_which_one_lifts(self):
        """What was rung before somebody lifted is not handed on."""
        fake = FakeCall(self).start()
        fake.at = fake.at.replace(microsecond=100_000)
        fake.pause = timedelta(microseconds=1)
        fake.ring("100", "101").lift("100")
        self.assertStands(fake, anna="ongoing", boris="taken by Anna")

    def test_two_phones_of_one_person(self):
        self.extension_2.user_ids = self.anna
        fake = FakeCall(self).start().ring("100", "101").lift("101")
        self.assertStands(fake, anna="ongoing")

    def test_missed(self):
        fake = FakeCall(self).start().ring("100", "101").give_up()
        self.assertStands(fake, anna="done", boris="done")
        card = self.card(fake.call)
        self.assertEqual((card["outcome"], card["to_call_back"]), ("missed", True))

    def test_voicemail_is_nobody(self):
        fake = FakeCall(self).start().ring("100").end()
        self.assertStands(fake, anna="done")
        self.assertEqual(self.card(fake.call)["outcome"], "missed")

    def test_phone_that_nobody_entered(self):
        fake = FakeCall(self).start().ring("100", "777").lift("777")
        self.assertStands(fake, anna="taken by a colleague")

    def test_outbound(self):
        fake = FakeOutboundCall(self).start()
        self.assertStands(fake, anna="ringing")
        fake.lift()
        self.assertStands(fake, anna="ongoing")
        fake.end()
        self.assertStands(fake, anna="done")

    def test_outbound_from_a_shared_phone(self):
        self.extension.user_ids |= self.boris
        fake = FakeOutboundCall(self).start().lift()
        self.assertStands(fake, anna="ongoing", boris="ongoing")
        fake.call.with_user(self.anna).action_claim()
        self.assertStands(fake, anna="ongoing", boris="taken by Anna")
        fake.end()
        self.assertStands(fake, anna="done", boris="taken by Anna")

    def test_internal(self):
        """Each sees the other; to who is called it is an incoming call."""
        fake = FakeOutboundCall(self, "101", line="100").start()
        for state, step in (
            ("ringing", fake.lift),
            ("ongoing", fake.end),
            ("done", None),
        ):
            with self.subTest(state):
                self.assertStands(fake, anna=state, boris=state)
            if step:
                step()
        for user, expected in (
            (self.anna, ("internal", "Boris", "101")),
            (self.boris, ("inbound", "Anna", "100")),
        ):
            card = self.card(fake.call, user)
            self.assertEqual(
                (card["direction"], card["name"], card["number"]), expected
            )
            self.assertFalse(card["leads"] or card["candidates"] or card["calls"])

    def test_internal_in_vain(self):
        """Given up by who called; missed by who was called."""
        call = FakeOutboundCall(self, "101", line="100").start().end("cancel", 0).call
        self.assertIn(call.outcome, ("cancelled", "no_answer"))
        for user, expected in ((self.anna, call.outcome), (self.boris, "missed")):
            with self.subTest(user.name):
                self.assertEqual(self.card(call, user)["outcome"], expected)
                desk = self.env["pbx.desk"].with_user(user)
                [row] = desk.recent()["calls"]
                self.assertEqual(row["outcome"], expected)

    def test_internal_is_neither_lead_nor_contact(self):
        partner = self.new_partner("Zoltan")
        call = FakeOutboundCall(self, "101", line="100").start().call
        for user in (self.anna, self.boris):
            card = self.card(call, user)
            self.assertFalse(card["can_create_lead"] or card["can_link"])
        with self.assertRaisesRegex(UserError, "internal call"):
            call.with_user(self.anna).action_create_lead()
        with self.assertRaisesRegex(UserError, "internal call"):
            self.ask().pick_contact(call.id, partner.id)
        self.assertFalse(call.partner_id)
        outside = self.card(FakeCall(self).start().ring("100").call)
        self.assertTrue(outside["can_link"])

    # ---------------------------------------------------------------- a page is opened

    def test_which_calls_a_new_page_shows(self):
        ringing = FakeCall(self).start().ring("100").call
        talking = FakeCall(self, ago=30 * MINUTE).start().ring("100").lift("100").call
        dialling = FakeOutboundCall(self).start().call
        FakeCall(self, ago=10 * MINUTE).start().ring("100")  # its end got lost
        FakeCall(self, ago=timedelta(hours=7)).start().ring("100").lift("100")
        FakeCall(self).start().ring("100").lift("100").end("100")
        FakeCall(self).start().ring("100", "101").lift("101")
        FakeCall(self).start().ring("102").lift("102")
        self.assertEqual(self.loaded(), dialling | ringing | talking)

    def test_a_busy_ring_group_hides_nothing(self):
        """All of the team talk: one's own call, the oldest, is there all the same."""
        own = (
            FakeCall(self, ago=30 * MINUTE).start().ring("100", "101").lift("100").call
        )
        for _call in range(MAX_CARDS + 2):
            FakeCall(self).start().ring("100", "101").lift("101")
        self.assertEqual(self.loaded(), own)

    def test_whatever_company_is_ticked(self):
        """A phone rings all the same."""
        other = self.env["res.company"].create({"name": "Another company"})
        self.anna.company_ids |= other
        fake = FakeCall(self).start().ring("100")
        desk = self.ask().with_context(allowed_company_ids=other.ids)
        loaded = desk.overview()
        self.assertEqual([one["number"] for one in loaded["phones"]], ["100"])
        self.assertEqual([card["id"] for card in loaded["cards"]], fake.call.ids)
        fake.give_up()
        desk = self.ask().with_context(allowed_company_ids=other.ids)
        self.assertEqual(desk.overview()["missed"], 1)
        self.assertEqual([row["id"] for row in desk.missed_calls()], fake.call.ids)
        self.assertEqual(len(desk.recent()["calls"]), 1)


@tagged("post_install", "-at_install")
class TestDeskStandingDial(StandingCase, DialCase):
    def test_click_at_a_shared_phone(self):
        """It rings at both places; the call is that of who clicked."""
        self.extension.user_ids |= self.boris
        self.dial(TYPED)
        self.assertTrue(self.loaded(self.anna))
        self.assertFalse(self.loaded(self.boris))
