"""What a desk costs: few questions, each by an index, however many calls there are."""

import json
from datetime import timedelta
from functools import partial

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.desk.pbx_desk import MAX_CARDS, MAX_MISSED
from ..models.promise.follow import PromiseFollower
from .common import LINE
from .desk import DeskCase, FakeCall
from .explain import ExplainCase

PHONES = "pbx_call_participant_rel"
RANG = "pbx_promise_participant_rel"


@tagged("post_install", "-at_install")
class TestDeskExplain(ExplainCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Every tenth call was lost and waits: for Anna, for Boris, for nobody, in turn.
        # The others were talks with few people.
        provider, anna, boris = cls.provider.id, cls.anna.id, cls.boris.id
        for statement, params in (
            (
                """UPDATE pbx_promise SET state = 'open', closed_at = NULL,
                          user_id = (ARRAY[%s, %s, NULL])[1 + first_call_id / 10 %% 3]
                    WHERE first_call_id %% 10 = 0 AND provider_id = %s""",
                [anna, boris, provider],
            ),
            (
                """UPDATE pbx_call SET direction = 'inbound', line = %s,
                          number = '+44209' || lpad((id %% 50)::text, 7, '0')
                    WHERE provider_id = %s""",
                [LINE, provider],
            ),
            (
                """UPDATE pbx_call SET outcome = 'missed', promise_part = 'lost',
                          promise_id = promise.id, number = promise.number
                     FROM pbx_promise promise
                    WHERE first_call_id = pbx_call.id AND promise.state = 'open'
                      AND promise.provider_id = %s""",
                [provider],
            ),
            (
                """INSERT INTO pbx_promise_participant_rel (promise_id, user_id)
                   SELECT id, user_id FROM pbx_promise
                    WHERE user_id IS NOT NULL AND provider_id = %s""",
                [provider],
            ),
            (
                """INSERT INTO pbx_call_participant_rel (call_id, user_id)
                   SELECT first_call_id, coalesce(user_id, %s) FROM pbx_promise
                    WHERE (state = 'kept' OR user_id IS NOT NULL)
                      AND first_call_id IS NOT NULL AND provider_id = %s
                       ON CONFLICT DO NOTHING""",
                [boris, provider],
            ),
        ):
            cls.env.cr.execute(statement, params)
        for table in ("pbx_call", PHONES, "pbx_promise", RANG):
            cls.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(table)))
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

    def open_promises(self):
        return self.env["pbx.promise"].search(
            [("provider_id", "=", self.provider.id), ("state", "=", "open")]
        )

    def test_count_and_list_of_what_waits(self):
        for user in (self.anna, self.boris, self.supervisor):
            desk = self.env["pbx.desk"].with_user(user)
            for look in (desk._count_missed, desk.missed_calls):
                with self.subTest(user=user.name, look=look.__name__):
                    plans = self.plans(look)
                    self.assertTrue(any("pbx_promise_open" in one for one in plans))
            self.assertEqual(desk._count_missed(), MAX_MISSED, "no more than are shown")
            self.assertEqual(len(desk.missed_calls()), MAX_MISSED)

    def test_filter(self):
        calls = self.env["pbx.call"].with_user(self.supervisor)
        domain = [("to_call_back", "=", True)]
        self.assertEqual(calls.search_count(domain), len(self.open_promises()))
        for look in (
            lambda: calls.search_count(domain),
            lambda: calls.search(domain, limit=80),
        ):
            self.plans(look)

    def test_list_of_call_backs(self):
        """As the menu opens it: each user's own, under the rules; and all of them."""
        for user in (self.anna, self.boris, self.supervisor):
            promises = self.env["pbx.promise"].with_user(user)
            for domain in (
                [("state", "=", "open"), ("user_id", "in", [user.id, False])],
                [("state", "=", "open")],
                [("overdue", "=", True)],
            ):
                with self.subTest(user=user.name, domain=domain):
                    self.plans(partial(promises.search, domain, limit=80))
                    self.plans(partial(promises.search_count, domain))

    def test_who_counts_anew(self):
        promises = self.open_promises().filtered("user_id")
        self.extension.user_ids |= self.boris
        notifier = self.env["pbx.notifier"]
        for some in (promises[:1], promises[:20]):
            self.plans(lambda some=some: notifier._who_counts(some))

    def test_most_urgent(self):
        for user in (self.anna, self.supervisor):
            promises = self.env["pbx.promise"].with_user(user)
            self.plans(promises._take_most_urgent)

    def test_what_follows_from_calls(self):
        """Of a lost call that waits, of one that was called back, and of a talk."""
        calls = self.env["pbx.call"]
        lost = self.open_promises().first_call_id[:3]
        spoken = calls.search(
            [("outcome", "=", "answered"), ("provider_id", "=", self.provider.id)],
            limit=3,
        )
        follower = PromiseFollower(self.env, self.company.id)
        self.plans(lambda: follower._promises_near(lost + spoken, ["+442079469999"]))
        since = {call.number: call.start for call in lost + spoken}
        self.plans(lambda: follower._load_calls(since))
        loaded = follower._load_calls(since)
        self.plans(lambda: follower._load_promises(since, loaded))

    def test_what_the_job_looks_for(self):
        promises = self.env["pbx.promise"]
        # One that was overlooked.
        lost = self.open_promises().first_call_id[:1]
        self.env.cr.execute(
            """UPDATE pbx_call SET promise_id = NULL, promise_part = NULL,
                      start = now() AT TIME ZONE 'UTC' - interval '1 hour',
                      stop = now() AT TIME ZONE 'UTC' - interval '59 minutes',
                      reported_at = NULL
                WHERE id = %s""",
            lost.ids,
        )
        # Late ones were seen to: how they are looked for is what matters.
        self.open_promises().escalated_at = fields.Datetime.now()
        # It commits.
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            job = promises.with_env(self.env(cr=cr))
            for step in (job._follow_overlooked, job._escalate, job._expire):
                self.plans(lambda step=step: step() or True)
        self.env.invalidate_all()
        self.assertTrue(lost.promise_id)

    def test_audit(self):
        # A day out of months: the whole log would be read otherwise.
        promises = self.env["pbx.promise"].with_user(self.supervisor)
        self.plans(lambda: promises.audit(days=1))

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
