"""Which browsers get messages: of those whose phone it is; and a message is an id."""

from datetime import timedelta

from odoo.tests import tagged

from .common import CALLER, TYPED
from .desk import DeskCase, FakeCall, FakeOutboundCall, ThreeDesks
from .history import HistoryCase
from .test_dial import DialCase


@tagged("post_install", "-at_install")
class TestDeskBus(ThreeDesks):
    # --------------------------------------------------------------- as a call goes on

    def test_only_who_is_rung(self):
        fake = FakeCall(self).start()
        self.assertNotified(self.nobody, fake.call)
        fake.ring("100")
        self.assertNotified(self.anna, fake.call)
        fake.lift("100")
        self.assertNotified(self.anna, fake.call)
        fake.end("100")
        self.assertNotified(self.anna, fake.call)

    def test_no_more_than_the_id(self):
        self.new_partner("A secret customer")
        fake = FakeCall(self).start().ring("100")
        fake.call.note = "secret"
        messages = self.messages()
        self.assertTrue(messages)
        for _user, payload in messages:
            self.assertEqual(payload, {"id": fake.call.id})

    def test_each_phone_of_a_ring_group(self):
        """A phone that rings later is notified then; for the others nothing changes."""
        fake = FakeCall(self).start().ring("100")
        self.assertNotified(self.anna, fake.call)
        fake.ring("101")
        self.assertNotified(self.boris, fake.call)
        fake.lift("101")
        self.assertNotified(self.anna | self.boris, fake.call)
        fake.end("101")
        self.assertNotified(self.anna | self.boris, fake.call)

    def test_shared_phone(self):
        self.extension.user_ids |= self.boris
        fake = FakeCall(self).start().ring("100")
        self.assertNotified(self.anna | self.boris, fake.call)

    def test_two_phones_of_one_person_are_one_message(self):
        self.extension_2.user_ids = self.anna
        fake = FakeCall(self).start()
        self.messages()
        fake.ring("100")
        self.assertNotified(self.anna, fake.call)

    def test_phone_that_nobody_entered(self):
        fake = FakeCall(self).start().ring("777").lift("777").end("777")
        self.assertNotified(self.nobody, fake.call)

    def test_transfer(self):
        fake = FakeCall(self).start().ring("100").lift("100")
        self.messages()
        fake.ring("102")
        self.assertNotified(self.clara, fake.call)
        for event in ("lift", "end"):
            with self.subTest(event):
                getattr(fake, event)("102")
                self.assertNotified(self.anna | self.clara, fake.call)

    def test_outbound(self):
        """Whoever dials gets a message; so does whoever shares the phone by then."""
        fake = FakeOutboundCall(self).start()
        self.assertNotified(self.anna, fake.call)
        fake.lift()
        self.assertNotified(self.anna, fake.call)
        self.extension.user_ids |= self.boris
        fake.end()
        self.assertNotified(self.anna, fake.call)
        fake = FakeOutboundCall(self).start()
        self.assertNotified(self.anna | self.boris, fake.call)

    def test_internal(self):
        fake = FakeOutboundCall(self, "101", line="100").start()
        self.assertNotified(self.anna | self.boris, fake.call)

    def test_missed(self):
        fake = FakeCall(self).start().ring("100", "101")
        self.messages()
        fake.give_up()
        self.assertNotified(self.anna | self.boris, fake.call)

    def test_customer_s_salesperson_is_not_rung(self):
        self.new_partner(user_id=self.clara.id)
        fake = FakeCall(self).start().ring("100").lift("100").end("100")
        self.assertNotified(self.anna, fake.call, once=False)

    # ----------------------------------------------------------------- who may not read

    def test_who_is_no_agent_gets_no_message(self):
        clerk = self.new_user("clerk", "base.group_user")
        self.extension.user_ids |= clerk
        fake = FakeCall(self).start().ring("100")
        self.assertNotified(self.anna, fake.call)

    def test_who_does_not_work_in_the_company_gets_no_message(self):
        other = self.env["res.company"].create({"name": "Another company"})
        foreign = self.new_user("foreign", "cloud_pbx.group_pbx_user", other)
        self.extension.user_ids |= foreign
        fake = FakeCall(self).start().ring("100")
        self.assertNotified(self.anna, fake.call)

    # ------------------------------------------------------------------------ in peace

    def test_repeated_delivery(self):
        fake = FakeCall(self).start().ring("100")
        self.messages()
        fake.ring("100").start().ring("100")
        self.assertNotified(self.nobody)
        fake.lift("100")
        self.messages()
        fake.lift("100").start()
        self.assertNotified(self.nobody)

    def test_recording_changes_nothing_on_a_desk(self):
        fake = FakeCall(self).start().ring("100").lift("100").end("100")
        self.messages()
        fake.send("NOTIFY_RECORD", call_id_with_rec="1779868800.1234567")
        self.assertTrue(fake.call.recording_ids)
        self.assertNotified(self.nobody)

    def test_old_call(self):
        for ago, users in (
            (timedelta(hours=7), self.nobody),
            (timedelta(hours=5), self.anna),
        ):
            with self.fresh(ago):
                fake = FakeCall(self, ago=ago).start().ring("100")
                self.assertNotified(users, fake.call)
                fake.call.note = "x"
                self.assertNotified(users, fake.call)

    def test_received_only_when_it_was_over(self):
        """The inbox was held up: the events of a whole call come at once."""
        fake = FakeCall(self, ago=timedelta(hours=2))
        fake.start().ring("100").lift("100").end("100")
        self.messages()
        self.env["pbx.event"].search([("provider_id", "=", self.provider.id)]).unlink()
        fake.call.unlink()
        self.messages()
        fake.end("100")
        self.assertEqual(fake.call.outcome, "answered")
        self.assertNotified(self.nobody)

    def test_archived_user(self):
        self.extension.user_ids |= self.boris
        fake = FakeCall(self).start().ring("100").lift("100")
        fake.call.with_user(self.boris).action_claim()
        self.messages()
        self.boris.active = False
        self.messages()
        fake.end("100")
        self.assertNotified(self.anna, fake.call)
        fake.call.note = "x"
        self.assertNotified(self.anna, fake.call)

    def test_reassigned_while_it_rings(self):
        """It stays the call of whose phone began to ring."""
        fake = FakeCall(self).start().ring("100")
        self.messages()
        self.extension.user_ids = self.clara
        self.messages()
        fake.lift("100")
        self.assertNotified(self.anna, fake.call)

    # ------------------------------------------------------------------- what people do

    def test_what_people_do(self):
        self.extension.user_ids |= self.boris
        partner = self.new_partner("Olga", False)
        contacts, leads = self.env["res.partner"], self.env["crm.lead"]
        for what, do in (
            ("note", lambda call: call.write({"note": "rope"})),
            ("picked", lambda call: call.write({"partner_id": partner.id})),
            (
                "picked at the desk",
                lambda call: call.env["pbx.desk"].pick_contact(call.id, partner.id),
            ),
            ("claimed", lambda call: call.action_claim()),
            (
                "contact created",
                lambda call: contacts.with_env(call.env).create(
                    {"name": "X", "pbx_new_from_call_id": call.id}
                ),
            ),
            (
                "lead created",
                lambda call: leads.with_env(call.env).create(
                    {"name": "X", "pbx_new_from_call_id": call.id}
                ),
            ),
        ):
            with self.fresh(what):
                fake = FakeCall(self).start().ring("100").lift("100")
                self.messages()
                do(fake.call.with_user(self.boris))
                self.assertNotified(self.anna | self.boris, fake.call)

    def test_contact_that_came_after_its_call(self):
        fake = FakeCall(self).start().ring("100")
        self.new_partner()
        self.messages()
        self.run_job("rematch")
        self.assertTrue(fake.call.partner_id)
        self.assertNotified(self.anna, fake.call)

    def test_what_is_written_later(self):
        """A minute after the end it may be on the screen, an hour after it is not."""
        for ago, users in (
            (timedelta(minutes=2), self.anna),
            (timedelta(hours=1), self.nobody),
        ):
            with self.fresh(ago):
                fake = (
                    FakeCall(self, ago=ago).start().ring("100").lift("100").end("100")
                )
                self.messages()
                fake.call.with_user(self.anna).note = "rope"
                self.assertNotified(users, fake.call)

    def test_call_is_deleted(self):
        fake = FakeCall(self).start().ring("100")
        call = fake.call
        payload = self.payload(call)
        self.messages()
        call.unlink()
        self.assertEqual(self.messages(), [(self.anna, payload)])


@tagged("post_install", "-at_install")
class TestDeskBusHistory(DeskCase, HistoryCase):
    def test_past_calls_raise_no_card(self):
        for name in ("answered", "missed", "outbound", "transfer"):
            self.happened(name, ago=timedelta(minutes=10))
        self.fetch()
        self.assertEqual(len(self.calls()), 4)
        self.assertFalse(self.messages())

    def test_end_that_only_history_tells(self):
        """It was on the screen, so it has to leave it."""
        fake = FakeCall(self, ago=timedelta(minutes=40)).start().ring("100").lift("100")
        self.messages()
        start = fake.fields["call_start"]
        ref = fake.fields["pbx_call_id"]
        self.happened("answered", call_start=start, pbx_call_id=ref, caller=CALLER)
        self.fetch()
        self.assertEqual(fake.call.state, "done")
        self.assertNotified(self.anna, fake.call)


@tagged("post_install", "-at_install")
class TestDeskBusDial(DeskCase, DialCase):
    def test_click(self):
        """Whoever clicks gets a message: the card comes in the other pages, too."""
        self.extension.user_ids |= self.boris
        self.messages()
        call = self.dial(TYPED)
        self.assertNotified(self.anna | self.boris, call)
        self.dial(TYPED)
        self.assertFalse(self.messages(), "the second click of two")

    def test_click_s_own_phone_is_lifted(self):
        """The other party's leg is heard of before anybody speaks: the card says so."""
        call = self.dial(TYPED)
        leg = FakeOutboundCall(self, calltype="callback_leg1").start()
        self.assertEqual(leg.call, call)
        self.assertEqual(self.card(call)["rings_phone"], "100")
        self.messages()
        leg.send("NOTIFY_OUT_START", calltype="callback_leg2")
        self.assertNotified(self.anna, call)
        card = self.card(call)
        self.assertEqual((card["state"], card["rings_phone"]), ("ringing", ""))

    def test_two_legs_become_one_call(self):
        """A call that is gone causes a message, and the browser takes it away."""
        first = FakeOutboundCall(self, calltype="callback_leg1").start()
        self.assertNotified(self.anna, first.call)
        second = FakeOutboundCall(self, calltype="callback_leg2").start()
        self.assertEqual(second.call, first.call, "joined")
        [(user, payload)] = self.messages()
        self.assertEqual(user, self.anna)
        self.assertNotEqual(payload["id"], first.call.id)
        ids = [payload["id"], first.call.id]
        [card] = self.ask().cards(ids)["cards"]
        self.assertEqual(card["id"], first.call.id)
