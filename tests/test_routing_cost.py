"""What a decision costs, what happens if it is late, and who met whom."""

import time
from unittest.mock import patch
from urllib.parse import urlencode

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.inbox import pbx_event
from ..models.inbox.apply import Apply
from ..models.routing.router import DEADLINE_SECONDS, Router
from ..telephony import dialect as dialects
from ..telephony.dialect import Request
from ..telephony.zadarma.signature import sign_event
from .common import CALLER, LINE, log_lines
from .test_routing import SCENARIO, RoutingCase

# The time limit of the decision is set, and put back.
LIMITS = 2


@tagged("post_install", "-at_install")
class TestCost(RoutingCase):
    def delivery(self, ref, caller=CALLER):
        """A proven START, as the webhook has it before anything is decided."""
        start = {
            "event": "NOTIFY_START",
            "call_start": self.start_of(ref),
            "pbx_call_id": ref,
            "caller_id": caller,
            "called_did": LINE,
        }
        signature = sign_event("NOTIFY_START", start, self.provider.api_secret)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "signature": signature,
        }
        request = Request("POST", headers, {}, urlencode(start).encode())
        return dialects.get("zadarma").check(request, self.settings.account)

    @property
    def settings(self):
        return self.env["pbx.provider"]._settings(self.provider.id)

    def decide(self, ref, **more):
        ends_at = time.monotonic() + DEADLINE_SECONDS
        delivery = self.delivery(ref, **more)
        return self.env["pbx.event"]._decide(self.settings, delivery, {}, ends_at)

    def take(self, ref):
        """Ask, and let nobody apply the event."""
        with patch.object(Apply, "run"):
            return self.ask(ref)

    # --------------------------------------------------------------------- statements

    def assertStatements(self, count, title, code):
        with self.subTest(title):
            self.env.flush_all()
            self.decide("warm")
            before = self.env.cr.sql_log_count
            outcome = self.decide(title)
            self.assertEqual(self.env.cr.sql_log_count - before, LIMITS + count)
            self.assertEqual(outcome.code, code)

    def test_statements_of_a_decision(self):
        self.assertStatements(1, "whom it is, and nothing else", "scenario")
        self.line.write({"closed_sound": "x", "calendar_id": self.calendar_of(0).id})
        self.assertStatements(2, "a closed line", "closed")
        self.line.calendar_id = False
        self.assertStatements(2, "it is open", "scenario")
        self.line.closed_sound = False
        self.env["pbx.blocked"].create(
            {"number": "+442079460299", "company_id": self.company.id}
        )
        self.assertStatements(2, "is it blocked", "scenario")
        self.rule("hangup", caller="withheld")
        self.assertStatements(2, "no rule that holds", "scenario")
        self.rule("hangup", name="End", sequence=90)
        self.assertStatements(2, "nobody has to be reached", "route")
        self.rule()
        self.assertStatements(3, "one person", "route")
        self.team.member_ids = self.anna | self.boris
        self.anna.pbx_deputy_id = self.boris
        self.anna.out_of_office_from = fields.Datetime.now()
        for place in range(30):
            target = ("promise", "salesperson", "last_agent", "team")[place % 4]
            self.rule(target, sequence=place)
        self.assertStatements(3, "thirty rules, deputies and teams", "route")
        self.provider.lookup_on_answer = True
        self.assertStatements(2, "nobody is looked up", "route")

    def test_nothing_is_asked_where_nothing_is_set_up(self):
        self.provider.lookup_on_answer = True
        self.assertStatements(0, "not even who it is", "scenario")

    def test_a_contact_is_looked_up_once(self):
        self.new_partner()
        self.assertStatements(2, "as without routing", "scenario")
        self.rule()
        self.assertStatements(4, "two more", "route")

    # ------------------------------------------------------------------------- lateness

    def slow(self):
        asked = SQL("SELECT pg_sleep(5)")
        return patch.object(Router, "_about_number", lambda *arguments: asked)

    def test_late(self):
        self.rule()
        self.new_partner()
        soon = patch.object(pbx_event, "DEADLINE_SECONDS", DEADLINE_SECONDS)
        with soon, self.slow(), log_lines("odoo") as lines:
            self.assertEqual(self.ask(), {}, "not even the name: it is too late")
        self.assertIn("statement timeout", str(lines))
        call = self.call_of()
        self.assertEqual(call.route_code, "failed")
        self.assertEqual(call.partner_id.name, "Olga Petrova", "it is in the log")
        self.assertTrue(call.route_reason)
        self.assertEqual(self.events().state, "done")
        self.assertNotIn("Harbour", str(lines), "no contents in the log")

    def test_too_late_before_it_begins(self):
        self.rule()
        over = patch.object(pbx_event, "DEADLINE_SECONDS", 0)
        with over, log_lines("odoo") as lines:
            self.assertEqual(self.ask(), {})
        self.assertIn("TooLate", str(lines))
        self.assertEqual(self.call_of().route_code, "failed")

    def test_broken(self):
        self.rule()
        broken = patch.object(Router, "_calendars", side_effect=ZeroDivisionError)
        with broken, log_lines("odoo") as lines:
            self.assertEqual(self.ask(), {})
        self.assertIn("ZeroDivisionError", str(lines))
        self.assertEqual(self.call_of().route_code, "failed")

    def test_the_limit_is_put_back(self):
        self.rule()
        self.env.cr.execute("SET LOCAL statement_timeout = '77s'")
        self.decide("in_1")
        self.env.cr.execute("SHOW statement_timeout")
        self.assertEqual(self.env.cr.fetchone(), ("77s",))

    # ------------------------------------------------------------------------ who meets

    def test_two_callers_before_anybody_applied_anything(self):
        self.rule()
        self.rule(name="Else", user_id=self.boris.id)
        replies = [self.take(ref) for ref in ("in_1", "in_2", "in_3")]
        self.assertEqual(replies, [self.to("100"), self.to("101"), SCENARIO])

    def test_decision_is_copied_by_the_job_too(self):
        route = self.rule()
        self.take("in_1")
        self.assertFalse(self.call_of("in_1"))
        self.assertEqual(self.events().decision["code"], "route")
        self.run_job("apply_events")
        self.assertEqual(self.call_of("in_1").route_id, route)
        self.assertEqual(self.call_of("in_1").routed_to, "100")

    def test_rule_that_is_gone_before_it_is_applied(self):
        route = self.rule(name="Gone")
        self.take("in_1")
        route.unlink()
        self.run_job("apply_events")
        self.assertFalse(self.call_of("in_1").route_id)
        self.assertIn("Gone: Anna (100)", self.call_of("in_1").route_reason)

    def test_event_that_is_told_again_is_answered_alike(self):
        self.new_partner(user_id=self.anna.id)
        self.rule("salesperson")
        first = self.ask()
        self.assertEqual(first, self.to("100", caller_name="Olga Petrova"))
        self.rule("hangup", sequence=1)
        self.assertEqual(self.ask(), first)
        self.assertEqual(len(self.events()), 1)

    def test_names_are_kept_with_no_decision(self):
        self.new_partner(user_id=self.anna.id)
        self.rule("salesperson")
        self.ask()
        self.assertNotIn("Olga", str(self.events().decision))

    # -------------------------------------------------------------- what memory follows

    def test_what_is_kept_follows_each_change(self):
        route = self.rule()
        for title, change, reply in (
            ("another person", lambda: route.write({"user_id": self.boris.id}), "101"),
            ("archived", lambda: route.write({"active": False}), None),
            ("again", lambda: route.write({"active": True}), "101"),
            ("away", lambda: self.boris.write(
                {"out_of_office_from": fields.Datetime.now()}), None),
            ("deputy", lambda: self.boris.write(
                {"pbx_deputy_id": self.anna.id}), "100"),
            ("deputy without rights", lambda: self.anna.write(
                {"group_ids": [(3, self.env.ref("cloud_pbx.group_pbx_user").id)]}),
             None),
            ("back", lambda: self.boris.write({"out_of_office_from": False}), "101"),
            ("another phone", lambda: (self.extension_2.write({"user_ids": False}),
             self.new_extension("105", self.boris)), "105"),
            ("closed", lambda: (route.write({"moment": "open"}),
             self.company.write({"resource_calendar_id": self.calendar_of(0).id})),
             None),
            ("always", lambda: route.write({"moment": "always"}), "105"),
            ("removed", route.unlink, None),
        ):  # fmt: skip
            with self.subTest(title):
                change()
                self.env.cr.execute("DELETE FROM pbx_route_sent")
                self.assertEqual(self.ask(f"in_{title}").get("redirect"), reply)
        self.assertEqual(self.ask("in_last"), SCENARIO)
