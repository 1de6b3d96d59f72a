"""Trying the rules, the rules that most begin with, and who may do what."""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import Cursor
from odoo.tests import tagged

from .common import CALLER, LINE, NOON, TYPED
from .test_routing import RoutingCase

WRITING = ("INSERT", "UPDATE", "DELETE", "held AS")


@tagged("post_install", "-at_install")
class TestSimulate(RoutingCase):
    def simulate(self, number=TYPED, user=None, **more):
        provider = self.provider.with_user(user or self.supervisor)
        return provider.simulate(number, **more)

    def test_it_tells_what_the_webhook_answers(self):
        menu = self.env["pbx.menu"].create(
            {"name": "Main", "provider_id": self.provider.id, "sound": "hello"}
        )
        self.new_partner(user_id=self.anna.id)
        self.team.member_ids = self.boris
        for number, told, rules in (
            (TYPED, CALLER, []),
            (TYPED, CALLER, [("salesperson", {})]),
            ("+442079460299", "+442079460299", [("salesperson", {}), ("team", {})]),
            ("", "anonymous", [("hangup", {"caller": "withheld"})]),
            (TYPED, CALLER, [("menu", {"menu_id": menu.id})]),
            (TYPED, CALLER, [("play", {"sound": "x", "pbx_target": "0-1"})]),
            (TYPED, CALLER, [("refuse", {})]),
            (
                TYPED,
                CALLER,
                [("user", {"moment": "closed"}), ("pbx", {"pbx_target": "1"})],
            ),
        ):
            with self.fresh(number, rules):
                for place, (target, values) in enumerate(rules):
                    self.rule(target, sequence=place, **values)
                said = self.simulate(number)
                self.assertEqual(said["reply"], self.ask(caller_id=told))
                call = self.call_of()
                self.assertEqual(said["code"], call.route_code)
                self.assertEqual(said["route_id"], call.route_id.id)
                self.assertEqual(
                    [step["code"] for step in said["steps"]], self.step_codes()
                )

    def test_it_tells_why(self):
        partner = self.new_partner()
        self.rule("promise", name="Promised")
        self.rule("salesperson", name="Theirs", sequence=20)
        last = self.rule(name="Anna", sequence=30)
        said = self.simulate(at="2026-06-16 12:00:00")
        self.assertEqual(said["code"], "route")
        self.assertEqual((said["route_id"], said["route"]), (last.id, "Anna"))
        self.assertEqual(
            [(step["route"], step["code"], step["reason"]) for step in said["steps"]],
            [
                ("Promised", "nobody", "nobody"),
                ("Theirs", "nobody", "nobody"),
                ("Anna", "chosen", "Anna (100)"),
            ],
        )
        self.assertEqual(
            said["reason"],
            "Anna: Anna (100). Passed over: Promised, nobody; Theirs, nobody",
        )
        self.assertEqual(
            said["caller"],
            {"partner_id": partner.id, "lead_id": False, "name": "Olga Petrova"},
        )
        self.assertIs(said["is_open"], True)
        json.dumps(said)

    def test_another_moment(self):
        self.company.resource_calendar_id = self.calendar_of(12)
        self.rule(moment="open")
        for at, is_open in (
            ("2026-06-16 11:59:59", True),
            ("2026-06-16 12:00:00", False),
            ("2031-01-01 08:00:00", True),
        ):
            with self.subTest(at):
                said = self.simulate(at=at)
                self.assertIs(said["is_open"], is_open)
                self.assertEqual(said["code"], "route" if is_open else "scenario")
        self.anna.out_of_office_from = NOON - timedelta(days=1)
        self.anna.out_of_office_to = NOON + timedelta(days=1)
        said = self.simulate(at=fields.Datetime.to_string(NOON - timedelta(hours=1)))
        self.assertEqual(said["steps"][0]["reason"], "Anna: away")

    def test_another_line(self):
        other = self.env["pbx.line"].create(
            {"number": "+442079460901", "provider_id": self.provider.id}
        )
        self.rule(line_ids=[(6, 0, other.ids)])
        self.assertEqual(self.simulate()["code"], "scenario")
        self.assertEqual(self.simulate(line=LINE)["code"], "scenario")
        self.assertEqual(self.simulate(line="020 7946 0901")["code"], "route")

    def test_nothing_is_written(self):
        self.rule()
        self.rule("team")
        self.simulate()
        self.env.flush_all()
        execute, seen = Cursor.execute, []

        def recording(cursor, query, params=None, **options):
            seen.append(cursor.mogrify(query, params).decode())
            return execute(cursor, query, params, **options)

        with patch.object(Cursor, "execute", recording):
            self.simulate()
        self.assertTrue(seen)
        self.assertFalse([text for text in seen if any(w in text for w in WRITING)])
        self.assertEqual(self.simulate()["reply"], self.simulate()["reply"])

    def test_what_cannot_be_read(self):
        for values in ({"number": "Olga"}, {"at": "yesterday"}):
            with self.subTest(values), self.assertRaises(UserError):
                self.simulate(**values)

    def test_moments_at_the_ends_of_time(self):
        zone = {"tz": "Pacific/Kiritimati"}  # the first to have a new day
        self.line.calendar_id = self.calendar_of(8, **zone)
        self.rule("user", moment="open")
        for calendar in (self.line.calendar_id, self.calendar_of(8)):
            self.line.calendar_id = calendar
            for at in ("0001-01-01 00:00:00", "0001-12-31 23:59:59",
                       "9999-01-01 00:00:00", "9999-12-31 23:59:59"):  # fmt: skip
                with self.subTest(at, zone=calendar.tz):
                    with self.assertRaisesRegex(UserError, "2026-06-16 12:00:00"):
                        self.simulate(at=at)
            for at in ("0002-01-01 00:00:00", "9998-12-31 23:59:59"):
                with self.subTest(at, zone=calendar.tz):
                    self.assertIn("code", self.simulate(at=at))

    def test_who_may_try(self):
        admin = self.new_user("administrator", "base.group_system")
        self.assertEqual(self.simulate(user=admin)["code"], "scenario")
        for user in (self.anna, self.new_user("internal", "base.group_user")):
            with self.subTest(user.name), self.assertRaises(AccessError):
                self.simulate(user=user)
        other = self.env["res.company"].create({"name": "Another"})
        theirs = self.new_user("theirs", "cloud_pbx.group_pbx_manager", other)
        with self.assertRaises(AccessError):
            self.simulate(user=theirs)

    def test_a_pbx_that_does_not_ask(self):
        provider = self.new_provider(
            self.company, self.robot, "beeline", dialect="beeline"
        )
        self.assertFalse(provider.can_answer_routing)
        for ask in (lambda: provider.simulate(TYPED), provider.action_suggest_routes):
            with self.assertRaises(UserError):
                ask()

    def test_looked_up_on_answer(self):
        self.provider.lookup_on_answer = True
        self.new_partner(user_id=self.anna.id)
        self.rule("salesperson")
        self.rule("hangup", caller="withheld", sequence=20)
        said = self.simulate()
        self.assertEqual([one["code"] for one in said["steps"]], ["unasked", "caller"])
        self.assertEqual(said["caller"]["name"], "")
        self.assertEqual(self.simulate("")["reply"], {"hangup": 1})

    # --------------------------------------------------------------------- suggestions

    def test_suggested_rules(self):
        self.assertFalse(self.provider.has_routes)
        action = self.provider.action_suggest_routes()
        self.assertEqual(action["res_model"], "pbx.route")
        routes = self.env["pbx.route"].search([("company_id", "=", self.company.id)])
        self.assertEqual(
            routes.mapped("target"), ["promise", "salesperson", "last_agent", "team"]
        )
        self.assertEqual(
            routes.mapped("name"),
            [
                "Promised a call-back",
                "Their salesperson",
                "Who spoke last",
                "The line's team",
            ],
        )
        self.assertEqual(set(routes.mapped("moment")), {"open"})
        self.provider.invalidate_recordset()
        self.assertTrue(self.provider.has_routes)
        self.provider.action_suggest_routes()
        self.assertEqual(
            self.env["pbx.route"].search([("company_id", "=", self.company.id)]), routes
        )
        routes.active = False
        self.provider.invalidate_recordset()
        self.assertFalse(self.provider.has_routes)

    def test_who_may_have_them_suggested(self):
        for user in (self.anna, self.supervisor):
            with self.assertRaises(AccessError):
                self.provider.with_user(user).action_suggest_routes()
        admin = self.new_user("administrator", "base.group_system")
        self.provider.with_user(admin).action_suggest_routes()

    def test_suggested_rules_in_turn(self):
        """Promise, salesperson, who spoke last, team: each takes its turn."""
        self.provider.action_suggest_routes()
        carl, dora = self.new_agent("carl"), self.new_agent("dora")
        self.new_extension("102", carl)
        self.new_extension("103", dora)
        self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "number": CALLER,
                "user_id": self.anna.id,
                "opened_at": fields.Datetime.now(),
                "deadline": fields.Datetime.now(),
            }
        )
        self.new_partner(user_id=self.boris.id)
        self.talk(carl, self.env["pbx.extension"], timedelta(days=1))
        self.team.member_ids = dora
        for number in ("100", "101", "102", "103"):
            self.assertEqual(self.ask(f"in_{number}")["redirect"], number)
        self.assertEqual(self.ask("in_5"), {"caller_name": "Olga Petrova"})

    # ------------------------------------------------------------------ other companies

    def test_no_other_company_is_seen(self):
        other = self.env["res.company"].create({"name": "Another"})
        theirs = self.env["pbx.route"].create(
            {"name": "Secret", "company_id": other.id, "target": "hangup"}
        )
        self.env["pbx.blocked"].create(
            {"number": "+442079460299", "company_id": other.id}
        )
        provider = self.new_provider(
            other, self.new_user("robot", "base.group_user", other), "their secret"
        )
        menu = self.env["pbx.menu"].create(
            {
                "name": "Secret",
                "provider_id": provider.id,
                "sound": "x",
                "choice_ids": [(0, 0, {"digits": "1", "target": "hangup"})],
            }
        )
        self.ask()
        call = self.call_of()
        call.route_id = theirs
        for user in (self.supervisor, self.new_user("admin", "base.group_system")):
            env = self.env(user=user, context={})
            for model, domain in (
                ("pbx.route", [("name", "=", "Secret")]),
                ("pbx.menu", [("name", "=", "Secret")]),
                ("pbx.menu.choice", [("parent_id.name", "=", "Secret")]),
                ("pbx.blocked", [("number", "=", "+442079460299")]),
            ):
                with self.subTest(model, user=user.name):
                    self.assertFalse(env[model].search(domain))
                    groups = env[model]._read_group([], ["company_id"], ["__count"])
                    self.assertNotIn(other.id, [company.id for company, _n in groups])
            for record in (theirs, menu, menu.choice_ids):
                with self.assertRaises(AccessError):
                    record.with_user(user).read(["display_name"])
        seen = self.env["pbx.call"].with_user(self.supervisor)
        self.assertFalse(seen.search([("route_id.name", "=", "Secret")]))

    def test_what_a_rule_names_is_of_its_company(self):
        other = self.env["res.company"].create({"name": "Another"})
        user = self.new_agent("carl", other)
        team = self.env["crm.team"].create({"name": "T", "company_id": other.id})
        calendar = self.env["resource.calendar"].create(
            {"name": "C", "company_id": other.id}
        )
        provider = self.new_provider(
            other, self.new_user("robot", "base.group_user", other), "their secret"
        )
        for values in (
            {"user_id": user.id},
            {"target": "team", "user_id": False, "team_id": team.id},
            {"calendar_id": calendar.id, "moment": "open"},
            {"provider_id": provider.id},
        ):
            with self.fresh(values), self.assertRaises(UserError):
                self.rule(**values)
