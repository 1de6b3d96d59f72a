"""When a desk is to be looked at anew: phones, preferences, the number of missed."""

from datetime import timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .common import CALLER
from .desk import DeskCase, FakeCall, FakeOutboundCall, ThreeDesks
from .history import HistoryCase


@tagged("post_install", "-at_install")
class TestDeskCounts(ThreeDesks):
    # -------------------------------------------------------------- phones, preferences

    def test_phone_is_assigned(self):
        desk, users = self.extension, self.anna | self.boris
        for side, write, notified in (
            ("phone gains", lambda: desk.write({"user_ids": users}), users),
            ("phone loses", lambda: desk.write({"user_ids": False}), self.anna),
            (
                "phone goes over",
                lambda: desk.write({"user_ids": self.clara}),
                self.anna | self.clara,
            ),
            (
                "user gains",
                lambda: self.boris.write(
                    {"pbx_extension_ids": [Command.link(desk.id)]}
                ),
                self.boris,
            ),
            (
                "user loses",
                lambda: self.anna.write({"pbx_extension_ids": False}),
                self.anna,
            ),
            ("new phone", lambda: self.new_extension("555", self.clara), self.clara),
            ("deleted", desk.unlink, self.anna),
            ("switched off", lambda: desk._set_online(False), self.anna),
            ("renamed", lambda: desk.write({"name": "Reception"}), self.anna),
            (
                "no agent any more",
                lambda: self.anna.write(
                    {"group_ids": [(3, self.env.ref("cloud_pbx.group_pbx_user").id)]}
                ),
                self.anna,
            ),
        ):
            with self.fresh(side):
                write()
                self.assertLooks(notified)

    def test_cloud_pbx_is_switched_off_and_on(self):
        people = self.anna | self.boris | self.clara
        for active in (False, True):
            self.provider.active = active
            self.assertLooks(people)
            self.assertEqual(bool(self.ask().overview()["phones"]), active)
        someone = self.provider.user_id
        self.provider.user_id = False
        self.assertLooks(people)
        self.provider.user_id = someone
        self.assertLooks(people)
        self.provider.write({"name": "Other", "active": True})
        self.assertLooks(self.nobody)

    def test_cloud_pbx_is_deleted(self):
        self.provider.unlink()
        self.assertLooks(self.anna | self.boris | self.clara)

    def test_what_a_desk_does_not_show(self):
        self.extension.write({"password": "x", "login": "0100"})
        self.anna.write({"signature": "x"})
        self.assertLooks(self.nobody)

    def test_new_user_with_a_phone(self):
        user = self.new_agent("dora")
        self.messages("cloud_pbx.desk")
        user = user.copy({"login": "emma", "pbx_extension_ids": self.extension.ids})
        self.assertLooks(user)

    def test_preferences(self):
        """All pages of the user follow, and nobody else's."""
        self.ask(self.anna).set_preferences({"do_not_disturb": True})
        self.assertLooks(self.anna)
        self.boris.with_user(self.boris).pbx_sound = False
        self.assertLooks(self.boris)

    # ------------------------------------------------------------ the number of missed

    def test_number_of_missed_calls(self):
        """Missed, spoken with, settled: whose number changes counts anew."""
        fake = FakeCall(self, ago=timedelta(minutes=9)).start().ring("100", "101")
        self.assertCounts(self.nobody)
        fake.give_up()
        self.assertCounts(self.anna | self.boris)
        missed = fake.call
        missed.with_user(self.anna).action_called_back()
        self.assertCounts(self.anna | self.boris)
        missed.called_back = False
        self.messages("cloud_pbx.missed")
        back = FakeOutboundCall(self, extension="102").start().lift()
        self.assertCounts(self.nobody)
        back.end()
        self.assertCounts(self.anna | self.boris)
        # A second talk settles nothing more, but asking costs less than to know that.
        missed.with_user(self.supervisor).unlink()
        self.assertCounts(self.anna | self.boris)

    def test_archived_colleague_counts_nothing(self):
        fake = FakeCall(self).start().ring("100", "101")
        self.boris.active = False
        self.messages("cloud_pbx.missed")
        fake.give_up()
        self.assertCounts(self.anna)

    def test_number_of_missed_calls_of_customers(self):
        partner = self.new_partner(user_id=self.clara.id)
        FakeCall(self).start().ring("777").give_up()
        self.assertCounts(self.clara)
        partner.user_id = self.boris
        self.new_partner("Another", "020 7946 0303", user_id=self.boris.id)
        FakeCall(self, "+442079460303").start().ring("100").give_up()
        self.assertCounts(self.anna | self.boris)

    def test_contact_of_a_missed_call_is_found_later(self):
        FakeCall(self).start().ring("777").give_up()
        self.messages("cloud_pbx.missed")
        self.new_partner(user_id=self.clara.id)
        self.run_job("rematch")
        self.assertCounts(self.clara)

    def test_calls_that_rang_nobody_are_the_supervisors(self):
        self.new_extension("103", self.supervisor)
        other = self.env["res.company"].create({"name": "Another company"})
        group = "cloud_pbx.group_pbx_manager"
        self.new_extension("104", self.new_user("idle", group))
        foreign = self.new_user("foreign", group)
        foreign.pbx_extension_ids = self.extension_3
        foreign.write({"company_id": other.id, "company_ids": other.ids})
        idle = self.env["res.users"].search([("name", "=", "Idle")])
        self.messages("cloud_pbx.missed")
        FakeCall(self).start().give_up()
        self.assertCounts(self.supervisor | idle)
        idle.pbx_extension_ids = False
        self.messages("cloud_pbx.missed")
        FakeCall(self).start().give_up()
        self.assertCounts(self.supervisor)


@tagged("post_install", "-at_install")
class TestDeskCountsHistory(DeskCase, HistoryCase):
    def test_past_calls_are_counted(self):
        """Missed while we were down; then, in another fetch, called back."""
        self.happened("missed", ago=timedelta(hours=2), caller=CALLER)
        self.fetch()
        self.assertCounts(self.anna)
        self.happened(
            "outbound", ago=timedelta(hours=1), caller=CALLER, extension="101"
        )
        self.fetch()
        self.assertFalse(self.calls()[0].to_call_back)
        self.assertCounts(self.anna)
