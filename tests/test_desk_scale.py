"""What a desk costs: few questions, each by an index, however many calls there are."""

import json
from datetime import timedelta

from odoo.tests import tagged
from odoo.tools import SQL

from ..models.desk.pbx_desk import MAX_CARDS, MAX_MISSED
from .common import LINE
from .desk import DeskCase, FakeCall
from .explain import ROWS, ExplainCase

PHONES = "pbx_call_participant_rel"


@tagged("post_install", "-at_install")
class TestDeskExplain(ExplainCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Every tenth call was missed, half of them by people who are spoken with often;
        # Anna was rung by every third one of those.
        cr = cls.env.cr
        cr.execute(
            """UPDATE pbx_call SET direction = 'inbound', line = %s,
                      outcome = CASE WHEN id %% 10 = 0 THEN 'missed'
                                     ELSE 'answered' END,
                      number = CASE WHEN id %% 20 = 0
                                    THEN '+44209' || lpad((id / 20 %% 50)::text, 7, '0')
                                    WHEN id %% 10 > 0
                                    THEN '+44209' || lpad((id %% 50)::text, 7, '0')
                                    ELSE '+4420' || lpad(id::text, 8, '0') END
                WHERE provider_id = %s""",
            [LINE, cls.provider.id],
        )
        cr.execute(
            """INSERT INTO pbx_call_participant_rel (call_id, user_id)
               SELECT id, CASE WHEN id %% 30 = 0 THEN %s ELSE %s END
                 FROM pbx_call WHERE provider_id = %s ON CONFLICT DO NOTHING""",
            [cls.anna.id, cls.boris.id, cls.provider.id],
        )
        for table in ("pbx_call", PHONES):
            cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
        cls.env.invalidate_all()

    def plans(self, look):
        """Return what PostgreSQL does for each SELECT of ``look``, as text."""
        self.env.flush_all()
        self.env.invalidate_all()
        with self.statements() as recorded:
            self.assertTrue(look(), "something is found")
        # Rows that were found are read by their ids: how, is the database's choice.
        recorded = [text for text in recorded if '"pbx_call"."id" IN (' not in text]
        self.assertIndexed(recorded)
        plans = []
        for text in recorded:
            self.env.cr.execute("EXPLAIN (FORMAT JSON) " + text)
            plans.append(json.dumps(self.env.cr.fetchone()[0]))
        return plans

    def test_count_of_missed_calls(self):
        for user in (self.anna, self.supervisor):
            if user == self.supervisor:
                self.env.cr.execute(
                    "DELETE FROM pbx_call_participant_rel WHERE call_id % 30 > 0"
                )
            desk = self.env["pbx.desk"].with_user(user)
            for look in (desk._count_missed, desk.missed_calls):
                with self.subTest(user=user.name, look=look.__name__):
                    plan = self.plans(look)[0]
                    self.assertIn("pbx_call_missed_idx", plan)
                    self.assertIn("pbx_call_spoken_idx", plan)
                    self.assertNotIn('"Seq Scan"', plan)
        self.assertEqual(desk._count_missed(), MAX_MISSED, "no more than are shown")

    def test_filter(self):
        calls = self.env["pbx.call"].with_user(self.supervisor)
        domain = [("to_call_back", "=", True)]
        waiting = calls.search_count(domain)
        self.assertLess(abs(waiting - ROWS // 20), ROWS // 100)
        for look in (
            lambda: calls.search_count(domain),
            lambda: calls.search(domain, limit=80),
        ):
            [plan] = self.plans(look)
            self.assertIn("pbx_call_missed_idx", plan)
            self.assertIn("pbx_call_spoken_idx", plan)

    def test_who_counts_anew(self):
        calls = self.env["pbx.call"].search([("provider_id", "=", self.provider.id)])
        missed = calls.filtered(
            lambda call: call.outcome == "missed" and not call.to_call_back
        )[:1]
        spoken = missed.search(
            [("outcome", "=", "answered"), ("number", "=", missed.number)], limit=1
        )
        self.extension.user_ids |= self.boris
        notifier = self.env["pbx.notifier"]
        self.plans(lambda: notifier._who_counts(missed))
        with self.statements() as recorded:
            notifier._who_counts(spoken)
        self.assertIndexed(recorded)

    def test_recent_calls(self):
        for user in (self.anna, self.boris, self.supervisor):
            with self.subTest(user=user.name):
                desk = self.env["pbx.desk"].with_user(user)
                page = desk.recent
                self.plans(page)
                last = page()["calls"][-1:]
                before = last and [last[0]["start"], last[0]["id"]]
                self.plans(lambda page=page, before=before: page(before))

    def test_cards_and_load(self):
        desk = self.env["pbx.desk"].with_user(self.boris)
        calls = self.env["pbx.call"].with_user(self.boris).search([], limit=5)
        self.plans(lambda: desk.cards(calls.ids)["cards"])
        self.plans(desk.overview)
        self.plans(desk.count_missed)


@tagged("post_install", "-at_install")
class TestDeskQueries(DeskCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_extension("103", cls.anna, caller_id=LINE)
        tag = cls.env["res.partner.category"].create({"name": "Ropes"})
        for n in range(50):
            number = f"020 7946 05{n:02}"
            parent = cls.new_partner(f"C{n}", False, is_company=True)
            partner = cls.new_partner(
                f"P{n}", number, parent_id=parent.id, category_id=tag.ids
            )
            lead = cls.env["crm.lead"].create(
                {
                    "name": f"L{n}",
                    "partner_id": partner.id,
                    "company_id": cls.company.id,
                    "user_id": cls.anna.id,
                }
            )
            for record in (partner, lead):
                record.activity_schedule(
                    "mail.mail_activity_data_todo", user_id=cls.anna.id
                )

    def count(self, look):
        self.env.flush_all()
        self.env.cr.flush()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        look()
        return self.env.cr.sql_log_count - before

    def assertBounded(self, look, few, most):
        """As many questions as with one call, or one or two more."""
        many = self.count(look)
        self.assertLessEqual(many, few + 3)
        self.assertLessEqual(many, most)
        self.assertGreaterEqual(many, 3, "a count of nothing would pass, too")

    def test_one_call_and_fifty(self):
        hour = timedelta(hours=1)
        calls = self.env["pbx.call"]
        costs = {}
        looks = {
            "cards": (lambda: self.ask().cards(calls.ids), 45),
            "overview": (lambda: self.ask().overview(), 70),
            "recent": (lambda: self.ask().recent(False, 50), 25),
            "missed": (lambda: self.ask().missed_calls(), 20),
            "count": (lambda: self.ask().count_missed(), 15),
        }
        for n in range(50):
            caller = f"+442079460{500 + n}"
            FakeCall(self, caller, ago=hour).start().ring("100").give_up()
            calls += FakeCall(self, caller).start().ring("100").call
            if n == 0:
                for name, (look, _most) in looks.items():
                    self.count(look)  # warms the caches
                    costs[name] = self.count(look)
        self.assertEqual(len(self.ask().cards(calls.ids)["cards"]), 50)
        self.assertEqual(len(self.ask().overview()["cards"]), MAX_CARDS)
        self.assertEqual(len(self.ask().recent(False, 50)["calls"]), 50)
        self.assertEqual(len(self.ask().missed_calls()), 50)
        for name, (look, most) in looks.items():
            with self.subTest(name):
                self.assertBounded(look, costs[name], most)

    def test_strangers(self):
        """Nobody is looked for whom the log knows to be nobody."""
        calls = self.env["pbx.call"]
        for n in range(20):
            calls += FakeCall(self, f"+442079461{n:03}").start().ring("100").call
        one = self.count(lambda: self.ask().cards(calls[:1].ids))
        self.assertBounded(lambda: self.ask().cards(calls.ids), one, 20)
