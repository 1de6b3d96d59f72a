"""Promise 4: each look-up of the corridor is by an index, at any size."""

import re
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models.call import search
from ..models.call.log import CallLog
from ..models.inbox.apply import Apply
from ..models.people.res_partner import NAMED_IN
from ..models.routing.router import Router
from ..telephony import dialect as dialects
from ..telephony.dialect import Delivery
from .common import CALLER, LINE, scenarios
from .explain import ExplainCase


@tagged("post_install", "-at_install")
class TestExplain(ExplainCase):
    # ------------------------------------------------------------------- the corridor

    def test_the_tool_sees_a_table_that_is_read_whole(self):
        with self.statements() as recorded:
            self.env.cr.execute("SELECT id FROM pbx_call WHERE note = 'x'")
        self.env.cr.execute("EXPLAIN (FORMAT JSON) " + recorded[0])
        [plan] = self.env.cr.fetchone()[0]
        self.assertEqual(list(self.read_whole(plan["Plan"])), ["pbx_call"])

    def test_look_ups(self):
        directory = self.env["pbx.directory"]
        for name, number in (
            ("exact", "+442000002000"),
            ("tail", "+442000002003"),
            ("several ends alike, none the same", "+12000002003"),
            ("picked", "+442000000101"),
            ("nobody, so leads too", "+442099999999"),
            ("our own line", "+4420794617"),
            ("an extension's line", "+442079475000"),
        ):
            with self.subTest(name), self.statements() as recorded:
                directory._find(self.settings, number)
                directory.with_user(self.supervisor)._candidates(self.settings, number)
            self.assertIndexed(recorded)

    def test_leads(self):
        """Of a caller who is no contact: by the exact number, by its end."""
        self.env.cr.execute("DELETE FROM pbx_call WHERE ref = 'in_2000'")
        self.env.cr.execute(
            "UPDATE res_partner SET phone = NULL, phone_sanitized = NULL "
            "WHERE name IN ('P2000', 'P2003')"
        )
        self.env.cr.execute(
            "UPDATE crm_lead SET phone_sanitized = NULL WHERE name = 'L2003'"
        )
        for number in ("+442000002000", "+442000002003"):
            with self.statements() as recorded:
                found = self.env["pbx.directory"]._find(self.settings, number)
            self.assertTrue(found.lead_id, found)
            self.assertIndexed(recorded)

    def test_token(self):
        with self.statements() as recorded:
            providers = self.env["pbx.provider"]
            self.env.registry.clear_cache()
            providers._id_by_token(self.provider.webhook_token)
        self.assertFalse(recorded, "it touches no large table")
        # Few rows are read whole whatever the indexes: ask what there is.
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'pbx_provider'"
        )
        found = [text for (text,) in self.env.cr.fetchall() if "webhook_token" in text]
        self.assertTrue(found and "UNIQUE" in found[0])

    def test_taking_in(self):
        """Is it a repeat? By the digest."""
        step = scenarios.scenario("answered")[0]
        delivery = Delivery(step.event, step.fields["pbx_call_id"], step.fields)
        dialect = dialects.get("zadarma")
        reply = dialect.reply(delivery, None)
        events = self.env["pbx.event"]
        with self.statements() as recorded:
            events._take(self.settings, delivery, reply)
        self.assertIndexed(recorded)

    def test_applying(self):
        """All that applying events does: known and new calls, in and out."""
        for name, parameters in (
            ("answered", {"pbx_call_id": "in_500"}),
            ("ring_group", {}),
            ("transfer", {}),
            ("missed", {"caller": "+442000002003"}),
            ("outbound", {}),
            ("click_two_ids", {}),
            ("extension_to_extension", {}),
        ):
            for step in scenarios.scenario(name, **parameters):
                self.put([step], fields.Datetime.now())
                with self.statements() as recorded:
                    Apply(
                        self.env, self.provider.id, step.fields["pbx_call_id"]
                    ).run_in_place()
                    self.env.flush_all()
                with self.subTest(name, event=step.event):
                    self.assertIndexed(recorded)

    def test_the_other_leg_of_a_click(self):
        """Asked after each event of an outgoing call."""
        call = self.env["pbx.call"].search([("ref", "=", "in_300")])
        self.assertEqual(call.direction, "outbound")
        with self.statements() as recorded:
            CallLog(self.env, self.settings).matcher.near_a_leg(call)
        self.assertIndexed(recorded)

    def test_deciding_where_a_call_goes(self):
        """The last talks of people are few rows of an index, however many there are."""
        self.env["pbx.route"].create(
            {"name": "Anna", "target": "user", "user_id": self.anna.id}
        )
        with self.statements() as recorded:
            outcome = Router(self.env, self.settings).decide("+442000002000", LINE)
        self.assertEqual(outcome.code, "route")
        [asked] = [one for one in recorded if "talked_at" in one]
        self.env.cr.execute("EXPLAIN (FORMAT JSON) " + asked)
        [plan] = self.env.cr.fetchone()[0]
        self.assertNotIn("pbx_call", self.read_whole(plan["Plan"]))
        self.assertIn("pbx_call_user_idx", str(plan))

    # ------------------------------------------------------------------------- jobs

    def test_jobs(self):
        for name in ("apply_events", "close_calls"):
            with self.subTest(name), self.statements() as recorded:
                self.run_job(name)
            self.assertIndexed(recorded)

    def test_rematch(self):
        """Calls that wait for their contact: by the number, by its end."""
        partners = self.env["res.partner"].create(
            [
                {"name": "New", "phone": f"020 0000{n:04}", "country_id": self.gb.id}
                for n in range(700, 720)
            ]
        )
        with self.statements() as recorded:
            self.env["pbx.rematch"]._link_calls("res.partner", partners.ids)
            self.env.flush_all()
        self.assertIndexed(recorded)
        lead = self.env["crm.lead"].search([("name", "=", "L777")])
        with self.statements() as recorded:
            self.env["pbx.rematch"]._link_calls("crm.lead", lead.ids)
        self.assertIndexed(recorded)

    # ------------------------------------------------------------------------ screens

    def test_contact_and_lead(self):
        partner = self.env["res.partner"].search([("name", "=", "P500")])
        lead = self.env["crm.lead"].search([("name", "=", "L500")])
        lead.user_id = self.anna
        self.env.flush_all()
        for user in (self.supervisor, self.anna):
            with self.statements() as recorded:
                partner.with_user(user).read(["pbx_call_count", "pbx_last_call_ids"])
                lead.with_user(self.anna).read(["pbx_call_count"])
            self.assertIndexed(recorded)

    def test_last_event(self):
        with self.statements() as recorded:
            self.provider.read(["last_event_at", "waiting_count", "failed_count"])
        self.assertIndexed(recorded)

    def test_list_and_search_of_calls(self):
        me = self.anna.id
        mine = ["|", ("user_id", "=", me), ("participant_ids", "in", [me])]
        shown = (
            (self.supervisor, []),
            (self.supervisor, [("start", ">", "now -1H")]),
            (self.supervisor, [("number_readable", "ilike", "00002000")]),
            (self.supervisor, [("number_readable", "=", CALLER)]),
            (self.supervisor, [("partner_id", "=", self.env.user.partner_id.id)]),
            (self.supervisor, [("user_id", "=", self.anna.id)]),
            # An agent's rights ask for the salesperson of contact and lead.
            (self.anna, []),
            (self.anna, [("number_readable", "=", CALLER)]),
            (self.anna, [("start", ">", "now -1H")]),
            # Either of two conditions, each by an index of its own.
            (self.anna, mine),
            (self.supervisor, mine),
        )
        for user, domain in shown:
            with self.subTest(user=user.name, domain=domain):
                # Here there are no more calls than are usually asked.
                with (
                    self.statements() as recorded,
                    patch.object(search, "FIRST_ASKED", 100),
                ):
                    self.env["pbx.call"].with_user(user).search(domain, limit=80)
                self.assertIndexed(recorded)

    def test_calls_found_by_a_name(self):
        """Contacts are found by parts of all that Odoo looks for, in one index."""
        self.assertEqual(set(self.env["res.partner"]._rec_names_search), set(NAMED_IN))
        for user in (self.supervisor, self.anna):
            with self.subTest(user=user.name):
                with self.statements() as recorded:
                    calls = self.env["pbx.call"].with_user(user)
                    calls.search([("display_name", "ilike", "P2001")], limit=80)
                looked_up = [
                    one for one in recorded if re.search("company_registry.*ILIKE", one)
                ]
                self.assertTrue(looked_up)
                # So few contacts are as quickly read whole, in whatever order.
                for kind in ("seqscan", "indexscan", "indexonlyscan"):
                    self.env.cr.execute(f"SET LOCAL enable_{kind} = off")
                for statement in looked_up:
                    self.env.cr.execute("EXPLAIN " + statement)
                    plan = "".join(line for [line] in self.env.cr.fetchall())
                    self.assertIn("res_partner_pbx_names_idx", plan)

    def test_contacts_found_by_digits(self):
        """One statement, by Odoo's index on parts of numbers, whatever rules apply."""
        # So few contacts are as quickly read whole.
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute(
            """SELECT pg_get_expr(indexprs, indrelid) FROM pg_index
                WHERE indexrelid = 'res_partner_phone_partial_gin_idx'::regclass"""
        )
        [indexed] = self.env.cr.fetchone()
        for user in (self.supervisor, self.anna):
            desk = self.env["pbx.desk"].with_user(user)
            for text in ("00002001", "020 0000 2001", "2001", "+44 20 0000 2002"):
                with self.subTest(text, user=user.name):
                    with self.statements() as recorded:
                        found = desk.search_contacts(text)
                    self.assertEqual(found[0]["name"], f"P{text[-4:]}")
                    [looked_up] = [one for one in recorded if "alike" in one]
                    self.env.cr.execute("EXPLAIN " + looked_up)
                    plan = "".join(line for [line] in self.env.cr.fetchall())
                    self.assertNotIn("Seq Scan", plan)
                    if text.startswith("+"):
                        self.assertIn("pbx_phone_number", plan)
                    else:
                        self.assertIn(f"{indexed} ~~*", plan)

    def test_people_found_by_further_numbers(self):
        """By the index of numbers, whole or begun: contacts and leads alike."""
        lead = self.env["crm.lead"].search([("name", "=", "L7")], limit=1)
        lead.user_id = self.anna
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE pbx_phone_number SET kind = 'certain', number = %s "
            "WHERE lead_id = %s",
            ["+493019999999", lead.id],
        )
        desk = self.env["pbx.desk"].with_user(self.anna)
        for text, name in (
            ("+49301000007", "P7"),
            ("+4930100000", "P1"),
            ("+493019999999", "L7"),
            ("+4930199999", "L7"),
        ):
            with self.subTest(text):
                with self.statements() as recorded:
                    found = desk.search_callers(text)
                self.assertEqual(found[0]["name"], name)
                self.assertIndexed([one for one in recorded if "alike" in one])

    def test_line_is_looked_up_by_company(self):
        self.assertTrue(LINE)
        with self.statements() as recorded:
            self.env.cr.execute(
                "SELECT 1 FROM pbx_call WHERE company_id = %s AND line = %s "
                "AND direction = 'inbound' LIMIT 1",
                [self.company.id, "+no such line"],
            )
        self.assertIndexed(recorded)
