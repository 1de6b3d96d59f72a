"""Call-backs: each row of what happens, as the PBX reports it and people do it."""

from datetime import datetime, timedelta
from importlib.util import module_from_spec, spec_from_file_location

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules import get_module_path
from odoo.tests import Form, tagged

from ..models.promise import follow as following
from ..models.promise import pbx_promise
from .common import CALLER, LINE, PbxHttpCase, log_lines
from .desk import FakeCall, FakeOutboundCall, ThreeDesks
from .history import HistoryCase

STRANGER = "+442079460777"
# What only those who see calls are shown.
CALLS = {"call_ids", "closed_call_id", "voicemail_id"}
FOLLOWER_LOGS = ("odoo.addons.cloud_pbx.models.promise.follow",)
GROUP = "cloud_pbx.group_pbx_manager"


def ago(minutes):
    return timedelta(minutes=minutes)


class PromiseCase(ThreeDesks):
    def lost(self, minutes=60, caller=CALLER, extension="100", how="cancel", **more):
        fake = FakeCall(self, caller, ago=ago(minutes), **more).start()
        if extension:
            fake.ring(extension)
        return fake.end(how=how).call

    def spoken(self, minutes=30, caller=CALLER, extension="101", seconds=34, **more):
        fake = FakeCall(self, caller, ago=ago(minutes), **more).start()
        fake.ring(extension).lift(extension)
        return fake.end(extension, seconds=seconds).call

    def dialled(self, minutes=30, number=CALLER, how="answered", seconds=34, **more):
        fake = FakeOutboundCall(self, number, "101", ago=ago(minutes), **more).start()
        return (fake.lift() if how == "answered" else fake).end(how, seconds).call

    def promises(self, number=CALLER):
        self.env.invalidate_all()
        return self.env["pbx.promise"].search(
            [("number", "=", number), ("company_id", "=", self.company.id)],
            order="opened_at, id",
        )

    def states(self, number=CALLER):
        return [(one.state, one.attempts, one.tries) for one in self.promises(number)]

    def the_promise(self, number=CALLER):
        promise = self.promises(number)
        self.assertEqual(len(promise), 1)
        return promise

    def assigned(self, user):
        """Have a supervisor decide who calls back."""
        self.the_promise().with_user(self.supervisor).user_id = user


@tagged("post_install", "-at_install")
class TestPromise(PromiseCase):
    def test_what_happens(self):
        """The table of the contract, in both orders of arrival."""
        for what, happens, expected in (
            ("missed", [self.lost], [("open", 1, 0)]),
            ("busy", [lambda: self.lost(how="busy")], [("open", 1, 0)]),
            ("failed", [lambda: self.lost(how="failed")], [("open", 1, 0)]),
            ("withheld", [lambda: self.lost(caller="anonymous")], []),
            ("our own line", [lambda: self.lost(caller=LINE)], []),
            ("another lost call", [self.lost, lambda: self.lost(40)], [("open", 2, 0)]),
            ("we call back", [self.lost, self.dialled], [("kept", 1, 0)]),
            ("they call again", [self.lost, self.spoken], [("kept", 1, 0)]),
            (
                "nobody answers",
                [self.lost, lambda: self.dialled(how="no answer")],
                [("open", 1, 1)],
            ),
            (
                "their voicemail answers",
                [self.lost, lambda: self.dialled(seconds=4)],
                [("open", 1, 1)],
            ),
            (
                "a short talk of theirs",
                [self.lost, lambda: self.spoken(seconds=4)],
                [("open", 1, 0)],
            ),
            (
                "0 seconds",
                [self.lost, lambda: self.dialled(seconds=0)],
                [("open", 1, 1)],
            ),
            (
                "0 seconds of theirs",
                [self.lost, lambda: self.spoken(seconds=0)],
                [("open", 1, 0)],
            ),
            (
                "of no told length",
                [self.lost, lambda: self.dialled(seconds=None)],
                [("kept", 1, 0)],
            ),
            (
                "theirs of no told length",
                [self.lost, lambda: self.spoken(seconds=None)],
                [("kept", 1, 0)],
            ),
            (
                "spoken with before",
                [lambda: self.spoken(90), self.lost],
                [("open", 1, 0)],
            ),
            (
                "lost again after a talk",
                [self.lost, self.dialled, lambda: self.lost(10)],
                [("kept", 1, 0), ("open", 1, 0)],
            ),
            ("another number", [self.lost, lambda: self.dialled(number=STRANGER)],
             [("open", 1, 0)]),
        ):  # fmt: skip
            for order in (happens, happens[::-1]):
                with self.fresh(what, reverse=order is not happens):
                    for happen in order:
                        happen()
                    self.assertEqual(self.states(), expected)
                    if not expected:
                        self.assertFalse(self.env["pbx.promise"].search(
                            [("company_id", "=", self.company.id)]))  # fmt: skip

    def test_what_it_says(self):
        partner = self.new_partner()
        call = self.lost()
        promise = self.the_promise()
        self.assertEqual(promise.first_call_id, call)
        self.assertEqual(promise.call_ids, call)
        self.assertEqual(promise.opened_at, call.stop)
        self.assertEqual(promise.partner_id, partner)
        self.assertEqual(promise.display_name, "Olga Petrova")
        self.assertEqual(promise.number_readable, "+44 20 7946 0201")
        self.assertEqual(promise.participant_ids, self.anna)
        self.assertEqual((promise.user_id, promise.user_source), (self.anna, "rung"))
        self.assertEqual((call.promise_id, call.promise_part), (promise, "lost"))
        self.assertTrue(call.to_call_back)
        tried = self.dialled(40, how="no answer")
        talk = self.dialled()
        self.assertEqual((tried.promise_part, talk.promise_part), ("try", "kept"))
        promise = self.the_promise()
        self.assertEqual(promise.closed_call_id, talk)
        self.assertEqual(promise.closed_by_id, self.boris)
        self.assertEqual(promise.closed_at, talk.answer)
        self.assertFalse(call.to_call_back)
        self.assertFalse(call.called_back)

    def test_one_rings_on_while_another_is_kept(self):
        """What is done with the second leaves the first one as it is."""
        self.lost()
        second = FakeCall(self, ago=ago(50)).start().ring("100")
        self.spoken(49, seconds=60)
        second.at += ago(3)
        second.give_up()
        self.assertEqual(self.states(), [("kept", 1, 0), ("open", 1, 0)])
        self.promises()[1].with_user(self.anna).action_dismiss("not_needed")
        self.assertEqual(self.states(), [("kept", 1, 0), ("dismissed", 1, 0)])
        self.promises()[1].with_user(self.anna).action_reopen()
        self.assertEqual(self.states(), [("kept", 1, 0), ("open", 1, 0)])
        second.call.unlink()
        self.assertEqual(self.states(), [("kept", 1, 0)])

    def test_the_same_person_from_another_number(self):
        self.new_partner()
        other = self.new_partner("Her mobile", STRANGER)
        lost = self.lost()
        talk = self.spoken(caller=STRANGER)
        self.assertEqual(self.states(), [("open", 1, 0)])
        talk.partner_id = lost.partner_id
        self.assertEqual(self.states(), [("kept", 1, 0)])
        self.assertEqual(self.the_promise().closed_call_id, talk)
        talk.partner_id = other
        self.assertEqual(self.states(), [("open", 1, 0)])
        lost.partner_id.is_company = True
        talk.partner_id = lost.partner_id
        self.assertEqual(self.states(), [("open", 1, 0)], "a company is many people")

    def test_history_says_that_it_was_no_talk(self):
        """Open again, with the old deadline; and with what was lost since."""
        self.lost()
        deadline = self.the_promise().deadline
        talk = self.dialled()
        self.lost(10)
        self.assertEqual(self.states(), [("kept", 1, 0), ("open", 1, 0)])
        talk.unlink()
        # Of what somebody removed, nothing follows: what was closed stays so.
        self.assertEqual(self.states(), [("kept", 1, 0), ("open", 1, 0)])
        self.assertEqual(self.promises()[0].deadline, deadline)

    def test_reported_late(self):
        for hours, expected in ((71, [("open", 1, 0)]), (73, [])):
            with self.fresh(hours):
                fake = FakeCall(self, ago=timedelta(hours=hours)).start().ring("100")
                stop = fake.at
                fake.fields["call_start"] = fake.fields["call_start"]
                fake.at = fields.Datetime.now()
                fake.give_up()
                call = fake.call
                # The PBX does not say when it ended: what its history says counts.
                call.write({"stop": stop, "reported_at": fake.at})
                self.env["pbx.promise"].search([]).unlink()
                call._follow_promises()
                self.assertEqual(self.states(), expected)
                if expected:
                    self.assertEqual(
                        self.the_promise().due_from, fake.at.replace(microsecond=0)
                    )

    def test_none_are_made(self):
        self.company.pbx_promise = False
        lost = self.lost()
        self.assertEqual(self.states(), [])
        self.company.pbx_promise = True
        self.spoken(50)
        lost._follow_promises()
        self.assertEqual(self.states(), [], "nobody expected it then")
        self.lost(10)
        self.assertEqual(self.states(), [("open", 1, 0)])

    def test_kept_when_its_call_ends(self):
        """One rings on in vain while a colleague speaks with the caller already."""
        lost = FakeCall(self, ago=ago(30)).start().ring("100")
        FakeCall(self, ago=ago(29.8)).start().ring("101").lift("101").end("101")
        lost.give_up()
        promise = self.the_promise()
        self.assertEqual((promise.state, promise.in_time), ("kept", True))
        self.assertFalse(promise.activity_ids)

    def test_a_short_number(self):
        """Who calls is one of us if the PBX knows such a phone, however short."""
        other = self.new_provider(self.company, self.anna, "other-secret")
        self.new_extension("777", self.anna, other)
        for what, number, expected in (
            ("a service", "112", [("open", 1, 0)]),
            ("five digits", "12345", [("open", 1, 0)]),
            ("six digits", "123456", [("open", 1, 0)]),
            ("a phone of another PBX", "777", [("open", 1, 0)]),
            ("a phone of ours", "101", []),
            ("one that is gone", "102", []),
            ("the PBX itself", "*98", []),
        ):
            with self.fresh(what):
                if what == "one that is gone":
                    self.spoken(90, STRANGER, "102")
                    self.extension_3.unlink()
                call = self.lost(caller=number)
                self.assertEqual(call.number, number)
                # Where the PBX does not say which calls are internal ones.
                call.direction = "inbound"
                call._follow_promises()
                self.run_job("promises")
                self.assertEqual(self.states(number), expected)
                audit = self.env["pbx.promise"].with_user(self.supervisor).audit()
                self.assertEqual(audit["missing"], 0)
                self.assertEqual(audit["promised"], len(expected))

    def test_next_can_be_dialled(self):
        """A short number, which this PBX does not dial for us, holds nobody up."""
        self.lost(caller="112")
        promises = self.env["pbx.promise"].with_user(self.anna)
        self.assertFalse(promises._take_most_urgent())
        self.lost(30)
        self.assertEqual(promises._take_most_urgent(), self.the_promise().id)

    def test_short_numbers_before_the_upgrade(self):
        """The job makes up for those of the last days; of the others nothing is said
        to be missing."""
        path = f"{get_module_path('cloud_pbx')}/migrations/19.0.1.7.0"
        before = self.lost(10 * 24 * 60, "112"), self.lost(60, "113")
        for call in before:
            call.promise_id.unlink()
        self.env.flush_all()
        spec = spec_from_file_location("migration", f"{path}/post-short-callers.py")
        migration = module_from_spec(spec)
        spec.loader.exec_module(migration)
        migration.migrate(self.env.cr, "19.0.1.6.0")
        self.env.invalidate_all()
        self.run_job("promises")
        self.assertEqual(self.states("112"), [])
        self.assertEqual(self.states("113"), [("open", 1, 0)])
        audit = self.env["pbx.promise"].with_user(self.supervisor).audit()
        self.assertEqual((audit["off"], audit["missing"]), (1, 0))

    def test_minimal_talk(self):
        self.company.pbx_promise_min_talk = 40
        self.lost()
        self.dialled()
        self.assertEqual(self.states(), [("open", 1, 1)])
        self.dialled(20, seconds=41)
        self.assertEqual(self.states(), [("kept", 1, 1)])


@tagged("post_install", "-at_install")
class TestPromisePeople(PromiseCase):
    """What people do with it, and who may."""

    def test_spoken_with_another_way(self):
        call = self.lost()
        self.the_promise().with_user(self.anna).action_spoken("by e-mail")
        promise = self.the_promise()
        self.assertEqual(self.states(), [("kept", 1, 0)])
        self.assertEqual((promise.closed_by_id, promise.note), (self.anna, "by e-mail"))
        self.assertFalse(promise.closed_call_id)
        self.assertTrue(call.called_back)
        self.assertTrue(promise.in_time)

    def test_dismissed(self):
        self.lost()
        promise = self.the_promise().with_user(self.anna)
        for reason, note in ((None, ""), ("", ""), ("expired", ""), ("other", " ")):
            with self.subTest(reason), self.assertRaises(UserError):
                promise.action_dismiss(reason, note)
        promise.action_dismiss("wrong_number")
        self.assertEqual(self.states(), [("dismissed", 1, 0)])
        self.assertEqual(self.the_promise().dismiss_reason, "wrong_number")
        with self.assertRaises(UserError):
            promise.action_spoken()
        self.lost(10)
        self.assertEqual(self.states()[1:], [], "it was lost before that")

    def test_lost_after_it_was_dismissed(self):
        self.lost()
        self.the_promise().action_dismiss("not_needed")
        self.lost(-1)
        self.assertEqual(self.states(), [("dismissed", 1, 0), ("open", 1, 0)])
        first = self.promises()[0].with_user(self.anna)
        with self.assertRaises(UserError, msg="another one is open"):
            first.action_reopen()

    def test_reopened(self):
        self.lost()
        promise = self.the_promise().with_user(self.anna)
        with self.assertRaises(UserError):
            promise.action_reopen()
        promise.action_dismiss("spam")
        promise.action_reopen()
        self.assertEqual(self.states(), [("open", 1, 0)])
        self.assertFalse(promise.dismiss_reason or promise.closed_at)
        self.dialled(0.1)
        self.assertEqual(self.states(), [("open", 1, 0)], "that began before")
        self.dialled(-1)
        self.assertEqual(self.states(), [("kept", 1, 0)])

    def test_activity(self):
        """One, for the responsible, due on the day of the deadline where they are."""
        self.anna.tz = "Pacific/Auckland"
        self.lost()
        promise = self.the_promise()
        [activity] = promise.activity_ids
        self.assertEqual(activity.user_id, self.anna)
        local = fields.Datetime.context_timestamp(
            promise.with_context(tz="Pacific/Auckland"), promise.deadline
        )
        self.assertEqual(activity.date_deadline, local.date())
        promise.with_user(self.supervisor).user_id = self.boris
        self.assertEqual(promise.activity_ids.user_id, self.boris)
        self.assertEqual(promise.user_source, "person")
        self.assertIn("Boris", promise.message_ids[0].body)
        self.lost(20)
        self.assertEqual(promise.user_id, self.boris, "what a person decided stays")
        promise.activity_ids.with_user(self.boris).action_feedback("rang me")
        self.assertEqual(self.states(), [("kept", 2, 0)])
        promise = self.the_promise()
        self.assertEqual((promise.closed_by_id, promise.note), (self.boris, "rang me"))
        self.assertFalse(promise.activity_ids)

    def test_no_mail_is_sent(self):
        before = self.env["mail.mail"].sudo().search_count([])
        self.lost()
        self.assertEqual(self.env["mail.mail"].sudo().search_count([]), before)

    def test_the_activity_goes_with_a_talk(self):
        self.lost()
        self.dialled()
        self.assertFalse(self.the_promise().activity_ids)

    def test_who_is_responsible(self):
        """The first of the list who is an agent of the company, and there."""
        team = self.env["crm.team"].create(
            {"name": "Sales", "user_id": self.clara.id, "company_id": self.company.id}
        )
        line = self.env["pbx.line"].create(
            {"number": LINE, "provider_id": self.provider.id, "team_id": team.id}
        )
        for what, prepare, expected in (
            ("nobody", lambda: line.write({"team_id": False}), (self.nobody, False)),
            ("team", lambda: self.lined(line), (self.clara, "team")),
            ("line", lambda: self.lined(line, self.boris), (self.boris, "line")),
            (
                "last agent",
                lambda: (self.lined(line, self.anna), self.spoken(90)),
                (self.boris, "last_agent"),
            ),
            (
                "salesperson",
                lambda: (self.spoken(90), self.new_partner(user_id=self.clara.id)),
                (self.clara, "salesperson"),
            ),
            (
                "the salesperson is no agent",
                lambda: (
                    self.lined(line, self.boris),
                    self.new_partner(user_id=self.new_user("p", "base.group_user").id),
                ),
                (self.boris, "line"),
            ),
            (
                "of the company of the contact",
                lambda: self.new_partner(
                    parent_id=self.new_partner(
                        "Harbour", "", is_company=True, user_id=self.clara.id
                    ).id
                ),
                (self.clara, "salesperson"),
            ),
            (
                "away",
                lambda: (
                    self.lined(line, self.boris),
                    self.new_partner(user_id=self.clara.id),
                    self.clara.write(
                        {
                            "out_of_office_from": fields.Datetime.now() - ago(999),
                            "out_of_office_to": fields.Datetime.now() + ago(99999),
                        }
                    ),
                ),
                (self.boris, "line"),
            ),
        ):
            with self.fresh(what):
                prepare()
                self.env.flush_all()
                self.lost(extension="")
                promise = self.the_promise()
                self.assertEqual((promise.user_id, promise.user_source), expected)
                self.assertEqual(promise.activity_ids.user_id, expected[0])

    def lined(self, line, user=None):
        line.user_id = user
        self.env.cr.execute(
            "UPDATE pbx_line SET active = TRUE WHERE id = %s", [line.id]
        )

    def test_responsible_in_any_order(self):
        """Who calls back follows from what happened, not from what is told first."""
        lost = [self.lost, lambda: self.lost(40, extension="101")]
        trial = [lambda: self.dialled(50, seconds=3)]
        before = [lambda: self.spoken(90, extension="102")]
        too_short = [lambda: self.spoken(80, extension="101", seconds=3)]
        nothing = [lambda: self.spoken(80, extension="101", seconds=0)]
        untimed = [lambda: self.spoken(80, extension="101", seconds=None)]
        too_long_ago = [lambda: self.spoken(91 * 24 * 60, extension="102")]
        for what, happens, expected in (
            ("the first one rung", [*lost, *trial], (self.anna, "rung")),
            ("who spoke before", [*before, *lost, *trial], (self.clara, "last_agent")),
            ("too short", [*too_short, *lost], (self.anna, "rung")),
            ("0 seconds", [*nothing, *lost], (self.anna, "rung")),
            ("of no told length", [*untimed, *lost], (self.boris, "last_agent")),
            ("too long ago", [*too_long_ago, *lost], (self.anna, "rung")),
        ):
            for order in (happens, [*happens[1:], happens[0]]):
                with self.fresh(what, order=[happens.index(one) for one in order]):
                    for happen in order:
                        happen()
                    self.env["pbx.call"].search(
                        [("number", "=", CALLER)], order="start DESC"
                    )._follow_promises()
                    promise = self.the_promise()
                    self.assertEqual((promise.user_id, promise.user_source), expected)
                    self.assertEqual(promise.activity_ids.user_id, expected[0])

    def test_its_line_in_any_order(self):
        """Line, team and deadline are those of the first lost call."""
        hours = self.env["resource.calendar"].create(
            {"name": "Japan", "tz": "Asia/Tokyo", "company_id": self.company.id}
        )
        night = self.env["pbx.line"].create(
            {
                "number": "+442079460555",
                "provider_id": self.provider.id,
                "calendar_id": hours.id,
                "user_id": self.clara.id,
            }
        )
        happens = [
            lambda: self.lost(90, line=night.number, extension=""),
            lambda: self.lost(60, extension=""),
        ]
        for order in (happens, happens[::-1]):
            with self.fresh(reverse=order is not happens):
                for happen in order:
                    happen()
                promise = self.the_promise()
                self.assertEqual(promise.line_id, night)
                self.assertEqual((promise.user_id, promise.user_source),
                                 (self.clara, "line"))  # fmt: skip
                self.assertEqual(
                    promise.deadline,
                    self.env["pbx.promise"]._add_minutes(
                        hours.id, self.company.id, promise.due_from, 60
                    ),
                )

    def test_only_one_rung(self):
        FakeCall(self, ago=ago(60)).start().ring("100", "101").give_up()
        self.assertFalse(self.the_promise().user_id)

    def test_rung_is_reported_after_the_end(self):
        """Whatever the order of events, the same person calls back."""
        fake = FakeCall(self, ago=ago(60))
        fake.end(how="cancel")
        self.assertFalse(self.the_promise().user_id)
        fake.ring("101").start()
        promise = self.the_promise()
        self.assertEqual((promise.user_id, promise.user_source), (self.boris, "rung"))
        self.assertEqual(promise.activity_ids.user_id, self.boris)
        self.lost(20, extension="100")
        self.assertEqual(self.the_promise().user_id, self.boris, "it stays so")

    def test_rights(self):
        self.lost()
        promise = self.the_promise()
        for user, sees in ((self.anna, True), (self.boris, False),
                           (self.supervisor, True)):  # fmt: skip
            with self.subTest(user.name):
                found = self.env["pbx.promise"].with_user(user).search(
                    [("id", "=", promise.id)]
                )  # fmt: skip
                self.assertEqual(bool(found), sees)
        with self.assertRaises(AccessError):
            promise.with_user(self.boris).action_spoken()
        with self.assertRaises(AccessError):
            promise.with_user(self.boris).action_take()
        for user in (self.anna, self.supervisor):
            for values in ({"state": "kept"}, {"deadline": datetime(2030, 1, 1)},
                           {"attempts": 9}, {"note": "x"}):  # fmt: skip
                with self.subTest(user.name, values=values):
                    with self.assertRaises(AccessError):
                        promise.with_user(user).write(values)
        with self.assertRaises(AccessError):
            promise.with_user(self.anna).user_id = self.boris
        promise.with_user(self.supervisor).user_id = self.boris
        self.assertTrue(promise.with_user(self.boris).has_access("read"))
        with self.assertRaises(UserError):
            promise.with_user(self.supervisor).user_id = self.new_user(
                "foreign", GROUP, self.env["res.company"].create({"name": "Other"})
            )
        with self.assertRaises(UserError):
            promise.with_user(self.supervisor).user_id = self.new_user(
                "no_agent", "base.group_user", self.env.company
            )

    def test_who_leads_a_team_sees_what_nobody_has(self):
        """As its members do, of whom a leader need not be one: list, badge, browser."""
        leader, member = self.new_agent("leader"), self.new_agent("member")
        self.new_extension("103", leader)
        self.new_extension("104", member)
        other = self.new_agent("other")
        self.new_extension("105", other)
        team, _another = self.env["crm.team"].create(
            [
                {"name": name, "user_id": user.id, "company_id": self.company.id}
                for name, user in (("Sales", leader), ("Service", other))
            ]
        )
        self.env["crm.team.member"].create(
            {"crm_team_id": team.id, "user_id": member.id}
        )
        self.env["pbx.line"].create(
            {"number": LINE, "provider_id": self.provider.id, "team_id": team.id}
        )
        self.lost()
        self.assigned(self.nobody)
        promise = self.the_promise()
        self.assertEqual(promise.team_id, team)
        for user, sees in ((leader, True), (member, True), (other, False)):
            with self.subTest(user.name):
                theirs = promise.with_user(user)
                self.assertEqual(bool(theirs.search([("id", "=", promise.id)])), sees)
                self.assertEqual(theirs.has_access("read"), sees)
                self.assertEqual(promise.with_user(user).sudo().concerns_me, sees)
                self.assertEqual(self.ask(user).count_missed(), int(sees))
                self.assertEqual(
                    user.partner_id in self.env["pbx.notifier"]._who_counts(promise),
                    sees,
                )
        self.assigned(self.boris)
        self.assertFalse(self.the_promise().with_user(leader).has_access("read"))

    def test_who_calls_back_sees_the_calls(self):
        """Also where they rang at somebody else's: without, nobody could call back."""
        call = self.lost()
        self.the_promise().with_user(self.supervisor).user_id = self.clara
        hers = call.with_user(self.clara)
        self.assertTrue(hers.has_access("read"))
        self.assertEqual(self.ask(self.clara).missed_calls()[0]["id"], call.id)
        self.the_promise().with_user(self.supervisor).user_id = self.boris
        self.env.invalidate_all()
        self.assertFalse(hers.has_access("read"))

    def test_an_administrator_without_a_phone(self):
        """As a supervisor, but for the calls."""
        self.lost()
        admin = self.new_user("admin", "base.group_system")
        promise = self.the_promise().with_user(admin)
        self.assertIn(promise, promise.search([]))
        for view in ("list", "form", "kanban"):
            fields_shown = promise.get_views([(False, view)])["models"]
            names = fields_shown["pbx.promise"]["fields"]
            promise.web_read({name: {} for name in names})
            self.assertFalse(set(names) & CALLS, view)
        with Form(promise) as form:
            form.user_id = self.boris
        self.assertEqual(promise.user_source, "person")
        promise.action_dismiss("not_needed")
        self.assertEqual(self.states(), [("dismissed", 1, 0)])

    def test_taken(self):
        self.lost(extension="")
        promise = self.the_promise()
        self.assertFalse(promise.user_id)
        promise.with_user(self.supervisor).action_take()
        self.assertEqual(promise.user_id, self.supervisor)
        self.assertEqual(promise.activity_ids.user_id, self.supervisor)

    def test_overdue(self):
        self.company.pbx_promise_minutes = 0
        self.lost()
        promise = self.the_promise()
        self.assertEqual(promise.deadline, promise.opened_at)
        self.assertTrue(promise.overdue)
        found = self.env["pbx.promise"].search([("overdue", "=", True)])
        self.assertIn(promise, found)
        self.dialled()
        promise = self.the_promise()
        self.assertFalse(promise.overdue or promise.in_time)

    def test_audit(self):
        promises = self.env["pbx.promise"].with_user(self.supervisor)
        self.lost()
        self.lost(50)
        self.lost(50, "anonymous")
        self.lost(50, LINE)
        self.spoken()
        self.assertEqual(
            promises.audit(),
            {
                "lost": 3,
                "promised": 2,
                "withheld": 1,
                "spam": 0,
                "off": 0,
                "late": 0,
                "missing": 0,
            },
        )
        self.company.pbx_promise = False
        self.lost(10, STRANGER)
        self.assertEqual(promises.audit()["off"], 1)
        with self.assertRaises(AccessError):
            promises.with_user(self.anna).audit()


@tagged("post_install", "-at_install")
class TestPromiseJob(PromiseCase):
    def assert_kept_where_the_database_refuses(self, operation, error):
        """A lost call stands in the log, and the job makes up for its call-back.

        :param str operation: what is refused of call-backs: ``INSERT``, ``UPDATE``.
        :param str error: the rest of PL/pgSQL's ``RAISE``.
        """
        self.env.cr.execute(
            f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE {error}; END $$;
               CREATE TRIGGER refuse BEFORE {operation} ON pbx_promise
               FOR EACH ROW EXECUTE FUNCTION refuse()"""
        )
        with log_lines(*FOLLOWER_LOGS) as logged:
            call = self.lost()
        self.assertIn("no call-back", str(logged))
        self.assertEqual((call.state, call.outcome), ("done", "missed"))
        self.assertEqual(set(self.events().mapped("state")), {"done"})
        self.assertFalse(self.promises())
        self.env.cr.execute("DROP TRIGGER refuse ON pbx_promise")
        self.run_job("promises")
        self.assertEqual(self.the_promise().first_call_id, call)

    def test_no_call_is_lost_where_a_call_back_fails(self):
        self.assert_kept_where_the_database_refuses("INSERT", "'no room'")

    def test_no_call_is_lost_where_its_call_back_can_be_written_in_part(self):
        """As on a full disk: what was to be written with it is not written later."""
        error = "'No space left' USING ERRCODE = 'disk_full'"
        self.assert_kept_where_the_database_refuses("UPDATE", error)

    def test_overlooked(self):
        call = self.lost()
        self.the_promise().unlink()
        self.assertEqual(
            self.env["pbx.promise"].with_user(self.supervisor).audit()["missing"], 1
        )
        self.run_job("promises")
        self.assertEqual(self.states(), [("open", 1, 0)])
        self.assertEqual(self.the_promise().first_call_id, call)

    def test_overlooked_talk(self):
        for seconds, expected in (
            (34, [("kept", 1, 0)]),
            (None, [("kept", 1, 0)]),  # nobody told how long it was
            (0, [("open", 1, 0)]),
        ):
            with self.fresh(seconds):
                self.lost()
                promise = self.the_promise()
                talk = self.dialled(seconds=seconds)
                promise.write({"state": "open", "closed_at": False,
                               "closed_call_id": False, "tries": 0})  # fmt: skip
                talk.write({"promise_id": False, "promise_part": False})
                self.run_job("promises")
                self.assertEqual(self.states(), expected)

    def test_escalated(self):
        leader = self.new_agent("leader")
        self.company.write(
            {"pbx_promise_minutes": 0, "pbx_escalate_user_id": leader.id}
        )
        self.company.resource_calendar_id = False
        self.lost(50)
        self.lost(90, STRANGER)
        self.run_job("promises")
        self.assertFalse(self.the_promise().escalated_at)
        late = self.the_promise(STRANGER)
        self.assertTrue(late.escalated_at)
        self.assertEqual(late.user_id, self.anna, "still responsible")
        self.assertEqual(late.activity_ids.user_id, self.anna | leader)
        self.assertTrue(late.with_user(leader).has_access("read"))
        self.assertFalse(self.the_promise().with_user(leader).has_access("read"))
        self.run_job("promises")
        self.assertEqual(len(late.activity_ids), 2)
        self.dialled(number=STRANGER)
        self.assertFalse(self.the_promise(STRANGER).activity_ids)

    def test_late_ones_that_wait_hold_nobody_up(self):
        """However many are overdue and wait, those of other hours are escalated."""
        self.company.pbx_escalate_user_id = self.supervisor
        self.company.resource_calendar_id = False
        other = self.env["res.company"].create(
            {"name": "Slow", "pbx_escalate_minutes": 60 * 24 * 365}
        )
        line = self.env["pbx.line"].create(
            {
                "number": "+442079460555",
                "provider_id": self.provider.id,
                "calendar_id": self.new_hours_in_days(3).id,
            }
        )
        self.lost(200)
        self.lost(90, STRANGER)
        waits = self.env["pbx.promise"].create(
            [
                {
                    "company_id": company.id,
                    "number": f"+4420794609{minutes}",
                    "line_id": line.id if company == self.company else False,
                    "opened_at": fields.Datetime.now() - ago(9000),
                    "deadline": fields.Datetime.now() - ago(minutes),
                }
                for company in (other, self.company)
                for minutes in (900, 901, 902)
            ]
        )
        self.patch(pbx_promise, "JOB_BATCH", 2)
        self.run_job("promises")
        self.assertTrue(self.the_promise().escalated_at)
        self.assertFalse(self.the_promise(STRANGER).escalated_at)
        self.assertFalse(waits.filtered("escalated_at"))
        with self.assertQueryCount(1):
            late = waits._overdue_by_hours(fields.Datetime.now())
        by_company = [(one, len(promises)) for one, _, promises in late]
        self.assertEqual(by_company, [(self.company, 2), (self.company, 1), (other, 2)])

    def new_hours_in_days(self, days):
        """Return working hours of which there are none before that many days."""
        day = fields.Date.today() + timedelta(days=days)
        hours = {"dayofweek": str(day.weekday()), "hour_from": 9, "hour_to": 17}
        return self.env["resource.calendar"].create(
            {
                "name": "Later",
                "tz": "UTC",
                "company_id": self.company.id,
                "attendance_ids": [(5, 0, 0), (0, 0, {"name": "Day", **hours})],
            }
        )

    def test_escalated_to_nobody_else(self):
        """Of another company, or without a phone's rights: told nothing of a caller."""
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaises(ValidationError):
            self.company.pbx_escalate_user_id = self.new_user("foreign", GROUP, other)
        self.company.write(
            {
                "pbx_promise_minutes": 0,
                "pbx_escalate_user_id": self.new_user("clerk", "base.group_user").id,
            }
        )
        self.company.resource_calendar_id = False
        self.lost(90)
        self.run_job("promises")
        self.assertEqual(self.the_promise().activity_ids.user_id, self.anna)
        leader = self.new_agent("leader")
        team = self.env["crm.team"].create(
            {"name": "Sales", "user_id": leader.id, "company_id": self.company.id}
        )
        self.lost(90, STRANGER)
        self.the_promise(STRANGER).team_id = team
        self.run_job("promises")
        late = self.the_promise(STRANGER)
        self.assertEqual(late.activity_ids.user_id, self.anna | leader)

    def test_never_escalated(self):
        self.company.write({"pbx_promise_minutes": 0, "pbx_escalate_minutes": 0})
        self.lost(999)
        self.run_job("promises")
        self.assertFalse(self.the_promise().escalated_at)

    def test_expired(self):
        self.lost(29 * 24 * 60)
        self.lost(28 * 24 * 60, STRANGER)
        old = self.the_promise(STRANGER)
        old.opened_at -= timedelta(days=3)
        old.due_from -= timedelta(days=3)
        self.run_job("promises")
        self.assertEqual(self.the_promise().state, "open")
        old = self.the_promise(STRANGER)
        self.assertEqual((old.state, old.dismiss_reason), ("dismissed", "expired"))
        self.assertFalse(old.closed_by_id)

    def test_reopened_after_it_expired(self):
        """It is open for as long again."""
        self.lost(28 * 24 * 60)
        self.company.pbx_promise_days = 20
        self.run_job("promises")
        promise = self.the_promise()
        self.assertEqual(promise.dismiss_reason, "expired")
        promise.with_user(self.anna).action_reopen()
        self.run_job("promises")
        self.assertEqual(self.the_promise().state, "open")
        self.reopened_earlier(promise, days=19)
        self.run_job("promises")
        self.assertEqual(self.the_promise().state, "open")
        self.reopened_earlier(promise, days=2)
        self.run_job("promises")
        self.assertEqual(self.the_promise().dismiss_reason, "expired")

    def reopened_earlier(self, promise, days):
        """Have all that people did with a call-back happen some days earlier."""
        promise.acts = [
            {**act, "at": str(datetime.fromisoformat(act["at"]) - timedelta(days=days))}
            for act in promise.acts
        ]

    def test_open_for_days_from_when_it_was_reported(self):
        call = self.lost(30 * 60)
        reported_at = fields.Datetime.now() - ago(20 * 60)
        call.write({"reported_at": reported_at})
        call._follow_promises()
        self.assertEqual(self.the_promise().due_from, reported_at)
        self.company.pbx_promise_days = 1
        self.run_job("promises")
        self.assertEqual(self.the_promise().state, "open")

    def test_escalated_again(self):
        """What was closed and is open again may be late again."""
        leader = self.new_agent("leader")
        self.company.write(
            {"pbx_promise_minutes": 0, "pbx_escalate_user_id": leader.id}
        )
        self.company.resource_calendar_id = False
        self.lost(90)
        self.run_job("promises")
        self.the_promise().with_user(self.anna).action_spoken()
        self.the_promise().with_user(self.anna).action_reopen()
        promise = self.the_promise()
        self.assertFalse(promise.escalated_at or promise.escalated_user_id)
        self.assertEqual(promise.activity_ids.user_id, self.anna)
        self.run_job("promises")
        promise = self.the_promise()
        self.assertTrue(promise.escalated_at)
        self.assertEqual(promise.activity_ids.user_id, self.anna | leader)

    def test_who_left(self):
        """Open ones of an agent who is none any more are somebody else's."""
        line = self.env["pbx.line"].create(
            {
                "number": LINE,
                "provider_id": self.provider.id,
                "user_id": self.clara.id,
            }
        )
        agents = self.env.ref("cloud_pbx.group_pbx_user")
        for what, leave in (
            ("archived", lambda: self.anna.write({"active": False})),
            ("no agent", lambda: agents.write({"user_ids": [(3, self.anna.id)]})),
            ("chosen", lambda: (self.assigned(self.anna), self.anna.action_archive())),
            ("deleted", self.delete_responsible),
        ):
            with self.fresh(what):
                self.spoken(50, caller=STRANGER, extension="100")
                self.lost(40, caller=STRANGER)
                self.dialled(30, number=STRANGER)
                self.lost()
                leave()
                self.run_job("promises")
                promise = self.the_promise()
                self.assertEqual((promise.user_id, promise.user_source),
                                 (self.clara, "line"))  # fmt: skip
                self.assertEqual(promise.activity_ids.user_id, self.clara)
                self.assertEqual(self.the_promise(STRANGER).state, "kept")
                self.assertEqual(self.the_promise(STRANGER).user_id, self.anna)
                line.user_id = False
                self.clara.action_archive()
                self.run_job("promises")
                promise = self.the_promise()
                self.assertFalse(promise.user_id or promise.user_source)
                self.assertFalse(promise.activity_ids)

    def delete_responsible(self):
        """Have a user deleted who was responsible without a person's choice."""
        user = self.new_user("deleted", "cloud_pbx.group_pbx_user", self.company)
        promise = self.the_promise()
        promise.user_id = promise.activity_ids.user_id = user
        user.unlink()
        self.anna.action_archive()

    def test_who_was_chosen_stays(self):
        """Also one whom no rule would choose, and nobody."""
        for user in (self.boris, self.nobody):
            with self.fresh(user.name or "nobody"):
                self.lost()
                self.assigned(user)
                self.run_job("promises")
                promise = self.the_promise()
                self.assertEqual(promise.user_id, user)
                self.assertEqual(promise.user_source, "person")

    def test_who_sees_to_late_ones_left(self):
        leader, other = self.new_agent("leader"), self.new_agent("other")
        self.company.write(
            {"pbx_promise_minutes": 0, "pbx_escalate_user_id": leader.id}
        )
        self.company.resource_calendar_id = False
        self.lost(90)
        self.run_job("promises")
        self.assertEqual(self.the_promise().escalated_user_id, leader)
        self.company.pbx_escalate_user_id = other
        self.run_job("promises")
        self.assertEqual(self.the_promise().escalated_user_id, leader)
        leader.action_archive()
        self.run_job("promises")
        promise = self.the_promise()
        self.assertEqual(promise.escalated_user_id, other)
        self.assertEqual(promise.activity_ids.user_id, self.anna | other)

    def test_one_that_no_call_made(self):
        """A program entered it: the calls of the number take its place."""
        self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "number": CALLER,
                "opened_at": fields.Datetime.now() - ago(90),
                "deadline": fields.Datetime.now(),
            }
        )
        call = self.lost()
        self.assertEqual(set(self.events().mapped("state")), {"done"})
        self.assertEqual(self.states(), [("open", 1, 0)])
        self.assertEqual(self.the_promise().first_call_id, call)

    def test_more_calls_than_are_looked_at(self):
        """Each has its part, and a talk after all of them keeps it."""
        self.patch(following, "MAX_CALLS", 3)
        calls = self.calls()
        for minutes in range(90, 10, -10):
            calls |= self.lost(minutes)
        promise = self.the_promise()
        self.assertEqual(promise.call_ids, calls)
        self.assertEqual(promise.first_call_id, calls[0])
        self.assertEqual(promise.last_attempt_at, calls[-1].start)
        # Found by the job, a call from the midst has its part, too.
        calls[4].write({"promise_id": False, "promise_part": False})
        self.run_job("promises")
        self.assertEqual(self.the_promise().call_ids, calls)
        talk = self.dialled(10)
        promise = self.the_promise()
        self.assertEqual((promise.state, promise.closed_call_id), ("kept", talk))
        self.assertEqual(promise.call_ids, calls | talk)
        self.lost(5)
        self.assertEqual([one.state for one in self.promises()], ["kept", "open"])
        audit = self.env["pbx.promise"].with_user(self.supervisor).audit()
        self.assertEqual((audit["promised"], audit["missing"]), (9, 0))

    def test_calls_of_long_ago_make_none(self):
        """Somebody enters the contact of calls from before the addon was there."""
        call = self.lost(40 * 24 * 60)
        self.promises().unlink()
        call.partner_id = self.new_partner()
        self.run_job("promises")
        self.assertFalse(self.promises())
        audit = self.env["pbx.promise"].with_user(self.supervisor).audit(60)
        self.assertEqual((audit["late"], audit["missing"]), (1, 0))


@tagged("post_install", "-at_install")
class TestPromiseHistory(PromiseCase, HistoryCase):
    def test_found_later(self):
        """Lost, and called back, while we were down: never open."""
        self.happened("missed", ago=timedelta(hours=2), caller=CALLER)
        self.happened(
            "outbound", ago=timedelta(hours=1), caller=CALLER, extension="101"
        )
        self.fetch()
        self.assertEqual(self.states(), [("kept", 1, 0)])

    def test_reported_when_it_would_be_closed(self):
        """Older than call-backs are open: it makes none, that expires at once."""
        self.company.pbx_promise_days = 1
        self.happened("missed", ago=timedelta(hours=50), caller=CALLER)
        self.happened("missed", ago=timedelta(hours=20), caller=STRANGER)
        self.fetch()
        self.run_job("promises")
        self.assertFalse(self.promises())
        audit = self.env["pbx.promise"].with_user(self.supervisor).audit()
        self.assertEqual((audit["late"], audit["missing"]), (1, 0))
        self.assertEqual(self.the_promise(STRANGER).state, "open")

    def test_kept_before_anybody_knew(self):
        """Whoever called back in time did so, and has nothing left to do."""
        for minutes in range(3):
            number = f"+44207946030{minutes}"
            lost, talk = ago(300 + minutes), ago(290 + minutes)
            self.happened("missed", ago=lost, caller=number)
            self.happened("outbound", ago=talk, caller=number, extension="101")
        self.fetch()
        promises = self.env["pbx.promise"].search(
            [("company_id", "=", self.company.id)]
        )
        self.assertEqual(promises.mapped("state"), ["kept"] * 3)
        self.assertEqual(promises.mapped("in_time"), [True] * 3)
        self.assertFalse(promises.activity_ids)

    def test_a_lost_call_found_later(self):
        self.happened("missed", ago=timedelta(hours=2), caller=CALLER)
        self.fetch()
        promise = self.the_promise()
        self.assertEqual(promise.state, "open")
        self.assertGreater(promise.due_from, promise.opened_at)


@tagged("post_install", "-at_install")
class TestPromiseWebhook(PromiseCase, PbxHttpCase):
    """The same as the PBX reports it: signed, over HTTP."""

    def test_lost_and_called_back(self):
        with self.subTest("missed"):
            # Over HTTP all comes in one second: when it began tells the order.
            self.play("missed", call_start="2026-06-16 13:00:00")
            self.assertEqual(self.states(), [("open", 1, 0)])
        call = self.promises().first_call_id
        with self.subTest("called back"):
            self.play("outbound", caller=CALLER)
            self.assertEqual(self.states(), [("kept", 1, 0)])
        self.assertEqual(call.promise_part, "lost")
