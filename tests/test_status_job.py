"""Who is online: what the job asks, how often, and what events say by themselves."""

from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .common import PbxCase, PbxHttpCase, log_lines, scenarios
from .fake_pbx import FakePbxCase


def ago(**span):
    return fields.Datetime.now() - timedelta(**span)


class RouteCase(PbxCase):
    def route(self, target, **values):
        return self.env["pbx.route"].create(
            {
                "name": target,
                "company_id": self.company.id,
                "target": target,
                **values,
            }
        )

    def reachable(self):
        self.env.flush_all()
        return set(self.provider._reachable_extensions().mapped("number"))


@tagged("post_install", "-at_install")
class TestReachable(RouteCase):
    """100 is Anna's, 101 Boris', 102 Clara's, 103 nobody's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clara = cls.new_agent("clara")
        cls.new_extension("102", cls.clara)
        cls.new_extension("103", cls.env["res.users"])
        cls.sales = cls.env["crm.team"].create(
            {
                "name": "Sales",
                "company_id": cls.company.id,
                "member_ids": [Command.set(cls.boris.ids)],
            }
        )

    def test_each_target(self):
        everybody = {"100", "101", "102"}
        line = self.env["pbx.line"].create(
            {"provider_id": self.provider.id, "number": "+442079460900"}
        )
        extension = self.env["pbx.extension"].search(
            [("number", "=", "103"), ("provider_id", "=", self.provider.id)]
        )
        for target, values, expected in (
            ("promise", {}, everybody),
            ("salesperson", {}, everybody),
            ("last_agent", {}, everybody),
            ("user", {"user_id": self.anna.id}, {"100"}),
            ("extension", {"extension_id": extension.id}, {"103"}),
            ("team", {"team_id": self.sales.id}, {"101"}),
            ("team", {}, set()),
            ("pbx", {"pbx_target": "0-1"}, set()),
            ("refuse", {}, set()),
            ("scenario", {}, set()),
        ):
            with self.fresh(target, **values):
                self.assertEqual(self.reachable(), set(), "no rule")
                rule = self.route(target, **values)
                self.assertEqual(self.reachable(), expected)
                rule.active = False
                self.assertEqual(self.reachable(), set(), "not active")
        with self.fresh("the line's team"):
            self.route("team")
            line.team_id = self.sales
            self.assertEqual(self.reachable(), {"101"})

    def test_deputies(self):
        self.route("user", user_id=self.anna.id)
        self.anna.pbx_deputy_id = self.clara
        self.assertEqual(self.reachable(), {"100", "102"})

    def test_through_a_menu(self):
        menu = self.env["pbx.menu"].create(
            {
                "name": "Main",
                "provider_id": self.provider.id,
                "sound": "1",
                "choice_ids": [
                    Command.create(
                        {"digits": "1", "target": "user", "user_id": self.boris.id}
                    )
                ],
            }
        )
        self.assertEqual(self.reachable(), set(), "no rule leads to it")
        self.route("menu", menu_id=menu.id)
        self.assertEqual(self.reachable(), {"101"})

    def test_rules_of_another_pbx_and_company(self):
        other = self.new_provider(self.company, self.robot, "second")
        self.route("user", user_id=self.anna.id, provider_id=other.id)
        self.assertEqual(self.reachable(), set())
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.env["pbx.route"].create(
            {"name": "x", "company_id": company.id, "target": "salesperson"}
        )
        self.assertEqual(self.reachable(), set())


class StatusCase(FakePbxCase, RouteCase):
    def setUp(self):
        super().setUp()
        others = self.env["pbx.provider"].search([("id", "!=", self.provider.id)])
        others.active = False
        self.connected_long_ago()
        self.phones = self.extension | self.extension_2
        self.phones.write({"status": "offline", "checked_at": ago(hours=2)})

    def look(self):
        with log_lines() as lines:
            self.run_job("status")
        self.env.invalidate_all()
        return str(lines)

    def statuses(self):
        return self.phones.mapped("status")

    def woken(self):
        """The times for which the job was asked to run again."""
        self.env.flush_all()
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("cloud_pbx.ir_cron_status").id)]
        )
        return triggers.mapped("call_at")


@tagged("post_install", "-at_install")
class TestStatusJob(StatusCase):
    def test_it_runs_every_five_minutes(self):
        job = self.env.ref("cloud_pbx.ir_cron_status")
        self.assertEqual((job.interval_number, job.interval_type), (5, "minutes"))

    def test_without_a_rule_nothing_is_asked(self):
        self.look()
        self.assertFalse(self.asked())
        self.assertEqual(self.statuses(), ["offline", "offline"])

    def test_those_that_rules_reach_are_asked(self):
        self.route("user", user_id=self.anna.id)
        before = fields.Datetime.now().replace(microsecond=0)
        self.look()
        self.assertEqual(self.statuses(), ["online", "offline"])
        self.assertGreaterEqual(self.extension.checked_at, before)
        self.assertEqual(len(self.asked()), 1)
        self.look()
        self.assertEqual(len(self.asked()), 1, "that was a moment ago")
        self.extension.checked_at = ago(minutes=5)
        self.pbx.account.extensions["100"]["online"] = False
        self.look()
        self.assertEqual(self.statuses(), ["offline", "offline"])

    def test_oldest_first_and_half_of_the_limit(self):
        self.route("salesperson")
        self.provider.general_limit = 2
        self.extension_2.checked_at = ago(hours=3)
        self.look()
        self.assertEqual(self.statuses(), ["offline", "online"], "101 first")
        self.assertEqual(len(self.asked()), 1)
        [again] = self.woken()
        self.assertGreater(again, ago(seconds=-50))
        # Run again within that minute it asks nothing more.
        self.look()
        self.assertEqual(len(self.asked()), 1)
        self.extension_2.checked_at = ago(minutes=2)
        self.env["pbx.rate"].search([]).unlink()  # that minute is over
        self.look()
        self.assertEqual(self.statuses(), ["online", "online"])
        self.assertEqual(len(self.asked()), 2)

    def test_one_that_was_never_asked_about_is_asked_everything(self):
        self.route("salesperson")
        self.extension.write({"checked_at": False, "name": "100"})
        self.look()
        self.assertEqual(self.extension.name, "Reception")
        self.assertEqual(self.extension.status, "online")

    def test_a_failure_costs_no_other_answer(self):
        self.route("salesperson")
        self.extension_2.checked_at = ago(hours=1)
        self.break_next("500", "/v1/pbx/internal/101/status", times=0)
        self.look()
        self.assertEqual(self.statuses(), ["online", "offline"])
        self.assertEqual(self.provider.state, "connected", "tomorrow is another day")

    def test_not_of_a_pbx_that_is_not_connected(self):
        self.route("salesperson")
        for values in ({"state": "draft"}, {"user_id": False}, {"active": False}):
            with self.fresh(values):
                self.provider.write(values)
                self.look()
                self.assertFalse(self.asked())


@tagged("post_install", "-at_install")
class TestToldByEvents(StatusCase, PbxHttpCase):
    def steps(self, name, **parameters):
        return scenarios.scenario(name, **parameters)

    def test_who_rings_answers_or_dials_is_online(self):
        for name, parameters in (
            ("missed", {"extension": "100"}),
            ("answered", {"extension": "100"}),
            ("outbound", {"extension": "100"}),
        ):
            with self.fresh(name):
                self.play(name, **parameters)
                self.assertEqual(self.statuses(), ["online", "offline"])
                self.assertGreater(self.extension.checked_at, ago(minutes=1))
                self.assertLess(self.extension_2.checked_at, ago(minutes=1))

    def test_nothing_is_asked_while_a_caller_waits(self):
        self.route("salesperson")
        self.play("answered", extension="100")
        self.assertFalse(self.asked())

    def test_what_was_known_a_moment_ago_is_not_written_again(self):
        known = ago(minutes=1).replace(microsecond=0)
        self.extension.write({"status": "online", "checked_at": known})
        self.env.flush_all()
        self.play("answered", extension="100")
        self.assertEqual(self.extension.checked_at, known)
        long_ago = ago(minutes=4)
        self.extension.checked_at = long_ago
        self.env.flush_all()
        self.play("answered", extension="100", pbx_call_id="in_2")
        self.assertGreater(self.extension.checked_at, long_ago)

    def test_it_costs_nothing_where_it_is_known(self):
        self.phones.write({"status": "online", "checked_at": ago(minutes=1)})
        self.play("answered", extension="100", pbx_call_id="in_warm")

        def cost(call_id):
            ring = self.steps("answered", extension="100", pbx_call_id=call_id)[1]
            self.env.flush_all()
            self.env.cr.flush()
            before = self.env.cr.sql_log_count
            self.post(ring.event, ring.fields)
            return self.env.cr.sql_log_count - before

        cost("in_0")
        known = cost("in_1")
        self.extension.checked_at = ago(minutes=4)
        stale = cost("in_2")
        self.assertEqual(stale, known + 1, "one statement, whatever the log holds")
        self.assertEqual(cost("in_3"), known)

    def test_one_that_waits_for_its_details_goes_on_waiting(self):
        self.extension.write({"checked_at": False, "status": "unknown"})
        self.play("answered", extension="100")
        self.assertEqual(self.extension.status, "online")
        self.assertFalse(self.extension.checked_at)

    def test_old_events_say_nothing_of_now(self):
        self.tell("answered", received=ago(minutes=10), extension="100")
        self.assertEqual(self.statuses(), ["offline", "offline"])
