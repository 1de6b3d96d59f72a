"""Tags: what a call was about, and what follows from that."""

from contextlib import contextmanager
from datetime import timedelta

import psycopg2.errors

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..models.call import pbx_call_tag, tag_activities
from ..models.call.merge import CallMerge
from .common import CALLER
from .desk import FakeCall
from .test_promise import STRANGER, PromiseCase, ago


class TagCase(PromiseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tags = cls.env["pbx.call.tag"]
        cls.spam = cls.env.ref("cloud_pbx.call_tag_spam")
        cls.sale = cls.env.ref("cloud_pbx.call_tag_sale")
        cls.support = cls.env.ref("cloud_pbx.call_tag_support")

    def put(self, *args, **kwargs):
        """Put a tag on a call, or events into the inbox."""
        if isinstance(args[0], list):
            return super().put(*args, **kwargs)
        call, tag, user = (*args, self.anna)[:3]
        call.with_user(user).write({"tag_ids": [Command.link(tag.id)]})
        self.env.flush_all()
        self.env.invalidate_all()
        return call

    def take(self, call, tag, user=None):
        call.with_user(user or self.anna).write({"tag_ids": [Command.unlink(tag.id)]})
        self.env.flush_all()
        self.env.invalidate_all()

    def reasons(self, number=CALLER):
        return [(one.state, one.dismiss_reason) for one in self.promises(number)]


@tagged("post_install", "-at_install")
class TestTags(TagCase):
    # ---------------------------------------------------------------------- the model

    def test_shipped(self):
        shipped = self.env["ir.model.data"].search(
            [("module", "=", "cloud_pbx"), ("model", "=", "pbx.call.tag")]
        )
        tags = self.tags.browse(shipped.mapped("res_id")).sorted()
        self.assertEqual(
            [(tag.name, tag.is_spam, bool(tag.company_id)) for tag in tags],
            [
                ("Sale", False, False),
                ("Support", False, False),
                ("Complaint", False, False),
                ("Wrong number", False, False),
                ("Spam", True, False),
            ],
        )

    @contextmanager
    def assertRefused(self):
        """By the rule, or by the database where two come at once."""
        refused = None
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                yield
        except (ValidationError, psycopg2.errors.UniqueViolation) as error:
            refused = error
        self.env.invalidate_all()
        self.assertTrue(refused)

    def test_names_are_unique_in_what_a_company_sees(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        ours, theirs = self.company.id, other.id
        self.tags.create({"name": "VIP", "company_id": ours})
        for name, company_id, accepted in (
            ("vip", ours, False),
            (" Vip ", ours, False),
            ("vip", theirs, True),
            ("vip", False, False),
            ("sAle", False, False),
            ("sAle", ours, False),
            ("VIP customer", ours, True),
        ):
            with self.fresh(name, company_id):
                values = {"name": name, "company_id": company_id}
                if accepted:
                    self.tags.create(values)
                    continue
                with self.assertRefused():
                    self.tags.create(values)
        first = self.tags.search([("name", "=", "VIP")])
        first.active = False
        again = self.tags.create({"name": "vip", "company_id": ours})
        with self.assertRefused():
            first.active = True
        again.name = "Very important"
        first.active = True

    def test_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self.tags.create({"name": "Theirs", "company_id": other.id})
        call = self.spoken(extension="100")
        self.assertFalse(theirs.with_user(self.anna).search([("id", "=", theirs.id)]))
        with self.assertRaises(AccessError):
            theirs.with_user(self.supervisor).name = "Ours"
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.put(call, theirs)
        self.put(call, self.sale)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.sale.company_id = other
        self.sale.company_id = self.company

    def test_who_may(self):
        call = self.spoken(extension="100")
        self.put(call, self.sale, self.anna)
        self.assertEqual(call.tag_ids, self.sale)
        with self.assertRaises(AccessError):
            self.put(call, self.support, self.boris)
        for values in ({"tag_activities": {}}, {"has_activities_waiting": True}):
            with self.assertRaises(AccessError):
                call.with_user(self.supervisor).write(values)

    def test_in_the_form(self):
        """An agent chooses what there is, and makes none."""
        call = self.spoken(extension="100")
        with Form(call.with_user(self.anna)) as form:
            form.tag_ids.add(self.sale)
            form.tag_ids.add(self.support)
        with Form(call.with_user(self.anna)) as form:
            form.tag_ids.remove(self.sale.id)
        self.assertEqual(call.tag_ids, self.support)
        with self.assertRaises(AccessError):
            self.tags.with_user(self.anna).name_create("Delivery")

    def test_archived_ones_stay_on_their_calls(self):
        call = self.put(self.spoken(extension="100"), self.spam)
        self.spam.active = False
        self.env.invalidate_all()
        self.assertEqual(call.tag_ids, self.spam)
        self.assertTrue(call.is_spam)
        self.assertEqual(
            self.env["pbx.call"].search([("is_spam", "=", True)]),
            self.env["pbx.call"].search([("tag_ids.is_spam", "=", True)]),
        )
        self.assertIn(call, self.env["pbx.call"].search([("is_spam", "=", True)]))
        self.assertNotIn(call, self.env["pbx.call"].search([("is_spam", "=", False)]))

    def test_groups_of_calls(self):
        calls = self.put(self.spoken(40, extension="100"), self.sale)
        calls |= self.put(self.spoken(extension="100"), self.sale)
        self.put(calls[1], self.support)
        mine = self.env["pbx.call"].with_user(self.anna)
        groups = mine.formatted_read_group(
            [("id", "in", calls.ids)], ["tag_ids"], ["__count"]
        )
        self.assertEqual(
            {group["tag_ids"][1]: group["__count"] for group in groups},
            {"Sale": 2, "Support": 1},
        )
        domain = [("id", "in", calls.ids), ("tag_ids", "ilike", "supp")]
        self.assertEqual(mine.search(domain), calls[1])

    def test_spam_in_use_is_archived_instead_of_deleted(self):
        call = self.put(self.spoken(extension="100"), self.spam)
        with self.assertRaises(UserError):
            self.spam.unlink()
        self.take(call, self.spam)
        self.spam.unlink()
        self.put(call, self.sale)
        self.assertEqual(self.sale.call_count, 1)
        self.sale.unlink()

    def test_browsers_are_told(self):
        call = self.spoken(extension="100", minutes=120)
        self.messages()
        self.put(call, self.sale)
        self.assertNotified(self.anna, call)
        call.with_user(self.anna).action_nothing_to_say()
        self.assertNotified(self.anna, call)
        with self.assertRaises(AccessError):
            call.with_user(self.boris).action_nothing_to_say()

    # ----------------------------------------------------------------------- the card

    def wrap_up(self, how):
        self.company.pbx_wrap_up = how

    def test_card(self):
        """What it offers, and whether it asks, by setting and by call."""
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.tags.create({"name": "Theirs", "company_id": other.id})
        ours = self.tags.create(
            {"name": "Ours", "company_id": self.company.id, "sequence": 5, "color": 3}
        )
        self.support.active = False
        offered = ours | self.tags.search([("company_id", "=", False)])
        ringing = FakeCall(self, STRANGER).start().ring("100")
        self.assertEqual(self.card(ringing.call)["tags"], [])
        ringing.lift("100")
        self.assertEqual(self.card(ringing.call)["tags"], [])
        talk, lost = ringing.end("100").call, self.lost(5)
        taken = self.spoken(10)
        for how, call, names, asks in (
            ("off", talk, [], False),
            ("offer", talk, offered.sorted().mapped("name"), False),
            ("ask", talk, offered.sorted().mapped("name"), True),
            ("ask", lost, offered.sorted().mapped("name"), False),
            ("ask", taken, [], False),
        ):
            with self.subTest(how=how, call=call.outcome, user=call.user_id.name):
                self.wrap_up(how)
                if call == taken:
                    taken.participant_ids |= self.anna
                card = self.card(call)
                self.assertEqual([tag["name"] for tag in card["tags"]], names)
                self.assertIs(card["asks"], asks)
        self.assertEqual(
            self.card(talk)["tags"][0],
            {"id": ours.id, "name": "Ours", "color": 3, "is_on": False},
        )
        self.put(talk, ours)
        self.assertIs(self.card(talk)["tags"][0]["is_on"], True)
        self.assertIs(self.card(talk)["asks"], False)
        self.take(talk, ours)
        self.assertIs(self.card(talk)["asks"], True)
        talk.with_user(self.anna).action_nothing_to_say()
        self.assertIs(self.card(talk)["asks"], False)

    def test_a_page_that_is_loaded_asks_still(self):
        self.wrap_up("ask")
        first, second = (self.spoken(one, extension="100") for one in (40, 20))
        self.lost(10, STRANGER)
        self.dialled(5)
        self.assertEqual(self.loaded(), first | second)
        self.put(first, self.sale)
        self.assertEqual(self.loaded(), second)
        second.with_user(self.anna).action_nothing_to_say()
        self.assertFalse(self.loaded())
        self.take(first, self.sale)
        self.assertEqual(self.loaded(), first)
        self.wrap_up("offer")
        self.assertFalse(self.loaded())
        self.wrap_up("ask")
        self.tags.search([]).active = False
        self.assertIs(self.card(first)["asks"], False, "there is nothing to choose")

    def test_cards_cost_the_same_however_many(self):
        self.wrap_up("ask")
        calls = self.env["pbx.call"]
        costs = []
        for minutes in range(60, 48, -2):
            calls |= self.put(
                self.spoken(minutes, f"+4420794603{minutes}", "100"), self.spam
            )
            desk = self.ask()
            desk.cards(calls[:1].ids)  # what workers keep in memory
            for user in (self.anna, self.supervisor):
                desk = self.ask(user)
                before = self.env.cr.sql_log_count
                cards = desk.cards(calls.ids)["cards"]
                costs.append((user, self.env.cr.sql_log_count - before))
                self.assertEqual(len(cards), len(calls))
        for user in (self.anna, self.supervisor):
            cost = [count for one, count in costs if one == user][1:]
            self.assertEqual(len(set(cost)), 1, cost)

    def test_a_card_that_rings_costs_nothing_more(self):
        fake = FakeCall(self).start().ring("100")
        costs = set()
        for how in ("off", "offer", "ask"):
            self.wrap_up(how)
            self.ask().cards(fake.call.ids)  # what workers keep in memory
            desk = self.ask()
            before = self.env.cr.sql_log_count
            desk.cards(fake.call.ids)
            costs.add(self.env.cr.sql_log_count - before)
        self.assertEqual(len(costs), 1, costs)

    # -------------------------------------------------------------------------- block

    def test_block(self):
        call = self.put(self.spoken(extension="100"), self.spam)
        self.assertIs(self.card(call)["can_block"], False)
        with self.assertRaises(AccessError):
            call.with_user(self.anna).action_block_number()
        card = self.card(call, self.supervisor)
        # It is Anna's talk: to others the card says so, and offers nothing.
        self.assertEqual((card["state"], card["can_block"]), ("taken", False))
        mine = call.with_user(self.supervisor)
        call.user_id = self.supervisor
        card = self.card(call, self.supervisor)
        self.assertEqual((card["can_block"], card["is_blocked"]), (True, False))
        action = mine.action_block_number()
        self.assertIn("+44 20 7946 0201", action["params"]["message"])
        blocked = self.env["pbx.blocked"].search([("number", "=", CALLER)])
        self.assertEqual(
            (blocked.company_id, blocked.reason, blocked.until, blocked.active),
            (self.company, "Spam", False, True),
        )
        card = self.card(call, self.supervisor)
        self.assertEqual((card["can_block"], card["is_blocked"]), (True, True))
        self.assertIn("already", mine.action_block_number()["params"]["message"])
        self.assertEqual(
            self.env["pbx.blocked"].search_count([("number", "=", CALLER)]), 1
        )
        blocked.until = fields.Date.today() - timedelta(days=3)
        mine.action_block_number()
        self.assertFalse(blocked.until, "for good")
        withheld = self.spoken(10, "anonymous", "100")
        with self.assertRaises(UserError):
            withheld.with_user(self.supervisor).action_block_number()


@tagged("post_install", "-at_install")
class TestSpam(TagCase):
    def test_dismisses_the_open_call_back(self):
        first, second = self.lost(60), self.lost(40)
        self.put(second, self.spam)
        promise = self.the_promise()
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        self.assertEqual(promise.closed_by_id, self.anna)
        self.assertEqual(promise.attempts, 2)
        self.assertFalse(promise.activity_ids)
        self.assertFalse(first.to_call_back)
        self.assertTrue(first.called_back)
        self.take(second, self.spam)
        self.assertEqual(self.reasons(), [("open", False)])
        self.assertEqual(self.the_promise(), promise, "the same one")
        self.assertTrue(promise.activity_ids)
        self.assertTrue(first.to_call_back)

    def test_only_that_number_and_company(self):
        self.lost(50, STRANGER)
        other = self.env["res.company"].create(
            {"name": "Elsewhere", "country_id": self.gb.id}
        )
        theirs = self.new_user("theirs", "cloud_pbx.group_pbx_manager", other)
        provider = self.new_provider(other, theirs, "theirs")
        elsewhere = self.lost(extension="", provider=provider).promise_id
        self.assertEqual(
            (elsewhere.company_id, elsewhere.number, elsewhere.state),
            (other, CALLER, "open"),
        )
        self.put(self.lost(), self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        self.assertEqual(self.reasons(STRANGER), [("open", False)])
        self.assertEqual(elsewhere.state, "open")

    def test_tags_of_several_calls(self):
        first, second = self.lost(60), self.lost(40)
        for call in (first, second):
            self.put(call, self.spam)
        self.take(first, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        self.take(second, self.spam)
        self.assertEqual(self.reasons(), [("open", False)])
        with self.fresh("two at once"):
            (first | second).with_user(self.supervisor).write(
                {"tag_ids": [Command.link(self.spam.id)]}
            )
            self.assertEqual(self.reasons(), [("dismissed", "spam")])
            (first | second).write({"tag_ids": [Command.clear()]})
            self.assertEqual(self.reasons(), [("open", False)])

    def test_a_talk_that_was_too_short(self):
        self.lost()
        talk = self.put(self.spoken(seconds=2, extension="100"), self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        self.take(talk, self.spam)
        self.assertEqual(self.reasons(), [("open", False)])

    def test_tagged_while_it_rings(self):
        self.lost()
        fake = FakeCall(self, ago=ago(30)).start().ring("100")
        self.put(fake.call, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        call = fake.give_up().call
        self.assertEqual(self.reasons(), [("dismissed", "spam")], "none of its own")
        self.assertFalse(call.promise_id)
        audit = self.env["pbx.promise"].with_user(self.supervisor).audit()
        self.assertEqual((audit["spam"], audit["promised"]), (1, 1))
        self.assertEqual(audit["lost"], sum(audit.values()) - audit["lost"])
        self.run_job("promises")
        self.assertFalse(call.promise_id)
        self.take(call, self.spam)
        self.assertEqual(self.states(), [("open", 2, 0)])

    def test_nothing_else_was_lost(self):
        fake = FakeCall(self, ago=ago(30)).start().ring("100")
        self.put(fake.call, self.spam)
        call = fake.give_up().call
        self.assertFalse(self.promises())
        self.take(call, self.spam)
        self.assertEqual(self.states(), [("open", 1, 0)])
        self.assertEqual(call.promise_id, self.the_promise())

    def test_later_calls(self):
        self.put(self.lost(), self.spam)
        later = self.lost(20)
        self.assertEqual(self.reasons(), [("dismissed", "spam"), ("open", False)])
        self.put(later, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam")] * 2)
        self.take(later, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam"), ("open", False)])

    def test_what_was_kept_stays_so(self):
        lost = self.lost()
        talk = self.dialled()
        self.put(lost, self.spam)
        self.assertEqual(self.states(), [("kept", 1, 0)])
        self.put(talk, self.spam, self.boris)
        self.assertEqual(self.states(), [("kept", 1, 0)])
        for call in (lost, talk):
            self.take(call, self.spam, self.supervisor)
        self.assertEqual(self.states(), [("kept", 1, 0)])
        with self.fresh("the talk was none"):
            self.put(lost, self.spam)
            talk.outcome = "no_answer"
            talk._follow_promises()
            self.assertEqual(self.reasons(), [("dismissed", "spam")])

    def test_what_people_did_stays_so(self):
        call = self.lost()
        self.the_promise().with_user(self.anna).action_dismiss("not_needed")
        self.put(call, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "not_needed")])
        self.take(call, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "not_needed")])
        self.the_promise().with_user(self.anna).action_reopen()
        self.put(call, self.spam)
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        # Somebody is to call back after all: other tags do not change that.
        self.the_promise().with_user(self.anna).action_reopen()
        self.put(call, self.sale)
        self.assertEqual(self.reasons(), [("open", False)])

    def test_in_the_midst_of_a_call_back(self):
        """A call that has no part in one, between its calls: nothing is torn apart."""
        first = self.lost(60)
        short = self.spoken(50, seconds=2, extension="100")
        second = self.lost(40)
        talk = self.spoken(30)
        kept = self.the_promise()
        self.put(short, self.spam)
        self.take(short, self.spam)
        self.assertEqual(self.states(), [("kept", 2, 0)])
        self.assertEqual(self.the_promise(), kept)
        self.assertEqual(kept.call_ids, first | second | talk)

    def test_no_call_backs_are_wanted(self):
        self.company.pbx_promise = False
        fake = FakeCall(self, ago=ago(30)).start().ring("100")
        self.put(fake.call, self.spam)
        call = fake.give_up().call
        self.take(call, self.spam)
        self.assertFalse(self.promises())
        self.assertTrue(call.promise_off)

    def test_withheld_and_internal(self):
        for call in (
            self.lost(caller="anonymous"),
            self.tell("extension_to_extension")[-1],
        ):
            self.put(call, self.spam, self.supervisor)
            self.take(call, self.spam, self.supervisor)
        self.assertFalse(
            self.env["pbx.promise"].search([("company_id", "=", self.company.id)])
        )

    def test_history_joins_two_calls(self):
        """Tags of both, and the call-back stays dismissed."""
        call, gone = self.lost(60), self.lost(40)
        self.put(gone, self.spam)
        self.put(call, self.sale)
        gone.with_user(self.anna).action_nothing_to_say()
        CallMerge(gone.sudo(), call.sudo()).run()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(call.tag_ids, self.sale | self.spam)
        self.assertTrue(call.is_wrapped_up)
        self.assertEqual(self.reasons()[-1], ("dismissed", "spam"))

    def test_the_tag_itself_changes(self):
        """What was tagged becomes spam, or is none any more: in the background."""
        tag = self.tags.create({"name": "Survey", "company_id": self.company.id})
        call, other = self.lost(), self.lost(50, STRANGER)
        fake = FakeCall(self, "+442079460555", ago=ago(30)).start().ring("100")
        for one in (call, other, fake.call):
            self.put(one, tag)
        silent = fake.give_up().call
        old = self.lost(40, "+442079460556")
        self.put(old, tag)
        old.promise_id.with_user(self.anna).action_dismiss("not_needed")
        tag.with_user(self.supervisor).is_spam = True
        self.assertEqual(self.reasons(), [("open", False)], "not while one waits")
        self.run_job("tags")
        self.assertEqual(self.reasons(), [("dismissed", "spam")])
        self.assertEqual(self.reasons(STRANGER), [("dismissed", "spam")])
        self.assertEqual(self.reasons(silent.number), [("dismissed", "spam")])
        self.assertEqual(self.reasons(old.number), [("dismissed", "not_needed")])
        self.assertFalse(tag.follow_below_id)
        tag.is_spam = False
        self.run_job("tags")
        self.assertEqual(self.reasons(), [("open", False)])
        self.assertEqual(self.reasons(STRANGER), [("open", False)])
        self.assertEqual(self.reasons(old.number), [("dismissed", "not_needed")])

    def test_many_calls_of_a_tag_that_changes(self):
        tag = self.tags.create({"name": "Survey", "company_id": self.company.id})
        numbers = [f"+4420794604{index}" for index in range(10, 17)]
        for number in numbers:
            self.put(self.lost(caller=number), tag)
        self.patch(pbx_call_tag, "BATCH", 3)
        tag.is_spam = True
        self.run_job("tags")
        for number in numbers:
            self.assertEqual(self.reasons(number), [("dismissed", "spam")])

    def test_lead_makers_find_it(self):
        call = self.put(self.lost(), self.spam)
        domain = [("id", "=", call.id), ("tag_ids.is_spam", "=", True)]
        self.assertEqual(self.env["pbx.call"].search(domain), call)


@tagged("post_install", "-at_install")
class TestActivities(TagCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kind = cls.env["mail.activity.type"].create(
            {
                "name": "Send an offer",
                "summary": "As spoken",
                "delay_count": 3,
                "delay_unit": "days",
            }
        )
        cls.sale.activity_type_id = cls.kind
        cls.olga = cls.new_partner()

    def planned(self, *records):
        self.env.invalidate_all()
        domain = [("activity_type_id", "=", self.kind.id)]
        found = self.env["mail.activity"].search(domain, order="id")
        return [(one.res_model, one.res_id, one.user_id) for one in found]

    def new_lead(self, **values):
        return self.env["crm.lead"].create(
            {"name": "Rope", "company_id": self.company.id, **values}
        )

    def test_on_the_contact(self):
        call = self.put(self.spoken(extension="100"), self.sale)
        on_olga = [("res.partner", self.olga.id, self.anna)]
        self.assertEqual(self.planned(), on_olga)
        activity = self.olga.activity_ids
        today = fields.Date.context_today(self.olga.with_user(self.anna))
        self.assertEqual(activity.date_deadline, today + timedelta(days=3))
        self.assertEqual(activity.summary, "As spoken")
        self.assertEqual(activity.create_uid, self.anna)
        self.take(call, self.sale)
        self.put(call, self.sale)
        self.put(call, self.support)
        self.assertEqual(self.planned(), on_olga, "once per call and tag")
        activity.action_feedback("Sent")
        self.put(self.spoken(5, extension="100"), self.sale)
        self.assertEqual(self.planned(), on_olga, "of another call")

    def test_on_the_lead(self):
        call = self.spoken(extension="100")
        call.lead_id = lead = self.new_lead(user_id=self.anna.id)
        self.put(call, self.sale)
        self.assertEqual(self.planned(), [("crm.lead", lead.id, self.anna)])

    def test_only_for_contacts(self):
        self.kind.res_model = "res.partner"
        call = self.spoken(extension="100")
        call.lead_id = self.new_lead(user_id=self.anna.id)
        self.put(call, self.sale)
        self.assertEqual(self.planned(), [("res.partner", self.olga.id, self.anna)])

    def test_once_the_call_is_over(self):
        fake = FakeCall(self).start().ring("100").lift("100")
        self.put(fake.call, self.sale)
        self.assertEqual(self.planned(), [])
        fake.end("100")
        self.run_job("tags")
        self.assertEqual(self.planned(), [("res.partner", self.olga.id, self.anna)])
        self.assertEqual(self.olga.activity_ids.create_uid, self.anna)
        self.run_job("tags")
        self.assertEqual(len(self.planned()), 1)

    def test_taken_before_the_call_is_over(self):
        fake = FakeCall(self).start().ring("100").lift("100")
        self.put(fake.call, self.sale)
        self.take(fake.call, self.sale)
        fake.end("100")
        self.run_job("tags")
        self.assertEqual(self.planned(), [])

    def test_once_it_is_known_who_it_was(self):
        call = self.put(self.spoken(caller=STRANGER, extension="100"), self.sale)
        self.run_job("tags")
        self.assertEqual(self.planned(), [])
        call.with_user(self.anna).partner_id = self.olga
        self.run_job("tags")
        self.assertEqual(self.planned(), [("res.partner", self.olga.id, self.anna)])

    def test_strangers_hold_nothing_up(self):
        """However many calls wait for a contact, one that has got it is planned."""
        call = self.put(self.spoken(60, STRANGER, "100"), self.sale)
        for minutes in (50, 40, 30):
            number = f"+4420794605{minutes}"
            self.put(self.spoken(minutes, number, "100"), self.sale)
        call.with_user(self.anna).partner_id = self.olga
        self.patch(tag_activities, "BATCH", 2)
        self.run_job("tags")
        self.assertEqual(self.planned(), [("res.partner", self.olga.id, self.anna)])

    def test_batches(self):
        calls = self.env["pbx.call"]
        for minutes in (60, 50, 40):
            number = f"+4420794605{minutes}"
            calls |= self.put(self.spoken(minutes, number, "100"), self.sale)
        calls[0].write({"start": calls[0].start - timedelta(days=8), "stop": False})
        calls[1:].with_user(self.anna).write({"partner_id": self.olga.id})
        self.patch(tag_activities, "BATCH", 1)
        self.run_job("tags")
        on_olga = ("res.partner", self.olga.id, self.anna)
        self.assertEqual(self.planned(), [on_olga] * 2)
        self.assertFalse(any(calls.mapped("has_activities_waiting")))

    def test_of_two_calls_that_are_joined(self):
        """Who put the tag gets the activity, whoever finds that the calls are one."""
        gone = FakeCall(self, ago=ago(2)).start().ring("100").lift("100")
        fake = FakeCall(self, ago=ago(1)).start().ring("100").lift("100")
        self.put(gone.call, self.sale)
        CallMerge(gone.call.sudo(), fake.call.sudo()).run()
        fake.end("100")
        self.run_job("tags")
        self.assertEqual(self.planned(), [("res.partner", self.olga.id, self.anna)])

    def test_on_the_lead_that_the_call_makes(self):
        self.company.pbx_lead_policy = "unknown"
        call = self.put(self.spoken(1, STRANGER, "100"), self.sale)
        self.assertEqual(self.planned(), [])
        self.run_job("leads")
        self.assertTrue(call.lead_id)
        self.run_job("tags")
        self.assertEqual(self.planned(), [("crm.lead", call.lead_id.id, self.anna)])

    def test_never_of_long_ago(self):
        call = self.put(self.spoken(caller=STRANGER, extension="100"), self.sale)
        call.stop -= timedelta(days=8)
        call.partner_id = self.olga
        self.run_job("tags")
        self.assertEqual(self.planned(), [])
        self.assertFalse(call.has_activities_waiting)

    def test_who_may_not_write_or_read(self):
        plain = self.new_user("plain", "cloud_pbx.group_pbx_user")
        self.extension.user_ids = plain
        call = self.spoken(extension="100")
        self.assertFalse(self.olga.with_user(plain).has_access("write"))
        self.put(call, self.sale, plain)
        self.assertEqual(self.planned(), [("res.partner", self.olga.id, plain)])
        # A colleague's lead that they cannot even see: it is for the colleague.
        other = self.spoken(10, extension="100")
        other.lead_id = lead = self.new_lead(user_id=self.boris.id)
        self.assertFalse(lead.with_user(plain).has_access("read"))
        self.put(other, self.sale, plain)
        self.assertEqual(self.planned()[-1], ("crm.lead", lead.id, self.boris))

    def test_many_calls_at_once(self):
        """By list and form alike, for many calls."""
        calls = self.spoken(40, extension="100") | self.spoken(30, extension="100")
        calls.with_user(self.supervisor).write(
            {"tag_ids": [Command.link(self.sale.id)]}
        )
        self.assertEqual(
            self.planned(), [("res.partner", self.olga.id, self.supervisor)] * 2
        )

    def test_kinds_that_do_not_fit(self):
        kind = self.env["mail.activity.type"].create(
            {"name": "Of calls", "res_model": "pbx.call"}
        )
        with self.assertRaises(ValidationError):
            self.support.activity_type_id = kind
