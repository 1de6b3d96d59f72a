"""Missed and not called back yet: which calls, and whose business they are."""

from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import tagged

from .common import CALLER, LINE
from .desk import FakeCall, FakeOutboundCall, ThreeDesks

STRANGER = "+442079460777"
MISSED_AGO, BEFORE, AFTER = (timedelta(minutes=n) for n in (60, 90, 30))
GROUP = "cloud_pbx.group_pbx_manager"


class CallbackCase(ThreeDesks):
    def missed(self, caller=CALLER, extension="100", ago=MISSED_AGO, **more):
        """Have somebody call and give up; return the call."""
        fake = FakeCall(self, caller, ago=ago, **more).start()
        if extension:
            fake.ring(extension)
        return fake.give_up().call

    def spoken(self, caller=CALLER, extension="101", ago=AFTER, **more):
        fake = FakeCall(self, caller, ago=ago, **more).start()
        return fake.ring(extension).lift(extension).end(extension).call

    def dialled(self, number=CALLER, extension="101", ago=AFTER, how="answered"):
        fake = FakeOutboundCall(self, number, extension, ago=ago).start()
        return (fake.lift() if how == "answered" else fake).end(how).call


@tagged("post_install", "-at_install")
class TestCallback(CallbackCase):
    def waits(self, call):
        self.env.invalidate_all()
        calls = self.env["pbx.call"]
        wanted = Domain("id", "=", call.id) & Domain("to_call_back", "=", True)
        found = bool(calls.search(wanted))
        self.assertEqual(call.to_call_back, found, "field and filter agree")
        return found

    def test_spoken_with_since(self):
        """Whatever the order in which the two calls come."""
        for what, tell, settles in (
            ("a colleague called back", self.dialled, True),
            ("I called back", lambda: self.dialled(extension="100"), True),
            ("they called again, a colleague spoke", self.spoken, True),
            ("it was not answered", lambda: self.dialled(how="no answer"), False),
            ("it was busy", lambda: self.dialled(how="busy"), False),
            ("missed once more", lambda: self.missed(ago=AFTER), False),
            (
                "their call ended in the voicemail",
                lambda: FakeCall(self, ago=AFTER).start().ring("100").end(),
                False,
            ),
            ("spoken with before", lambda: self.spoken(ago=BEFORE), False),
            ("called before", lambda: self.dialled(ago=BEFORE), False),
            ("another number", lambda: self.dialled(STRANGER), False),
            (
                "still talking",
                lambda: FakeCall(self, ago=AFTER).start().ring("100").lift("100"),
                False,
            ),
        ):
            for is_first in (True, False):
                order = "missed comes first" if is_first else "missed comes last"
                with self.fresh(what, order=order):
                    call = self.missed() if is_first else None
                    tell()
                    call = call or self.missed()
                    self.assertEqual(self.waits(call), not settles)

    def test_answered_calls_wait_for_nothing(self):
        for call in (self.spoken(), self.dialled(), self.dialled(how="busy")):
            self.assertFalse(self.waits(call))

    def test_another_company_speaks_for_itself(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        robot = self.new_user("robot", GROUP, other)
        theirs = self.new_provider(other, robot, "theirs")
        self.new_extension("101", robot, theirs)
        call = self.missed()
        self.spoken(provider=theirs)
        self.assertTrue(self.waits(call))
        second = self.new_provider(self.company, self.robot, "second")
        self.new_extension("101", self.boris, second)
        self.spoken(provider=second)
        self.assertFalse(self.waits(call), "our other cloud PBX is ours")

    def test_withheld_number_cannot_be_called_back(self):
        call = self.missed("anonymous")
        self.assertEqual((call.outcome, call.number), ("missed", False))
        self.assertFalse(self.waits(call))
        self.assertEqual(self.ask().overview()["missed"], 0)

    def test_settled_by_hand(self):
        mine, again = self.missed(), self.missed(ago=AFTER)
        mine.with_user(self.anna).action_called_back()
        self.assertFalse(self.waits(mine) or self.waits(again), "one caller")
        self.assertTrue(mine.called_back and again.called_back)
        # A selection in the list: what waits for nothing is left out.
        stranger = self.missed(STRANGER)
        (again | stranger | self.spoken("+442079460778")).action_called_back()
        self.assertFalse(self.waits(stranger))

    def test_only_missed_calls_are_settled_and_only_one_s_own(self):
        with self.assertRaises(UserError):
            self.spoken().with_user(self.boris).action_called_back()
        with self.assertRaises(AccessError):
            self.missed().with_user(self.boris).action_called_back()

    def test_filter(self):
        waiting, settled = self.missed(), self.missed(STRANGER)
        settled.action_called_back()
        rest = settled | self.spoken("+442079460778") | self.missed("anonymous")
        here = Domain("provider_id", "=", self.provider.id)
        calls = self.env["pbx.call"]
        for operator, value, found in (
            ("=", True, waiting),
            ("!=", True, rest),
            ("=", False, rest),
            ("!=", False, waiting),
            ("in", [True], waiting),
            ("not in", [True], rest),
            ("in", [True, False], waiting | rest),
            ("in", [], calls),
        ):
            with self.subTest(operator=operator, value=value):
                domain = Domain("to_call_back", operator, value)
                self.assertEqual(calls.search(here & domain, order="id"), found)
        domain = Domain("to_call_back", "=", True)
        self.assertEqual((waiting | rest).filtered_domain(domain), waiting)
        self.assertEqual(calls.search(here & ~domain, order="id"), rest)

    def test_seen_within_the_transaction(self):
        """What was written a moment ago counts."""
        call = self.missed()
        domain = [("id", "=", call.id), ("to_call_back", "=", True)]
        call.action_called_back()
        self.assertFalse(self.env["pbx.call"].search(domain))
        self.assertFalse(call.to_call_back)


@tagged("post_install", "-at_install")
class TestMissedCount(CallbackCase):
    """The number on the phone in the top bar, and the list behind it."""

    def assertMissed(self, **expected):
        """Compare whom each user should call back, by their last lost calls: the most
        urgent first."""
        users = {"anna": self.anna, "boris": self.boris, "clara": self.clara}
        users["supervisor"] = self.supervisor
        for name, user in users.items():
            calls = expected.get(name, self.env["pbx.call"])
            with self.subTest(name):
                desk = self.ask(user)
                rows = desk.missed_calls()
                self.assertEqual([row["id"] for row in rows], calls.ids)
                self.assertEqual(desk.overview()["missed"], len(calls))
                self.assertEqual(desk.count_missed(), len(calls))

    def setUp(self):
        super().setUp()
        self.new_extension("103", self.supervisor)

    def test_own_phones(self):
        first = self.missed()
        self.assertMissed(anna=first)
        second = self.missed(STRANGER, ago=AFTER)
        self.assertMissed(anna=first | second)
        self.spoken()
        self.assertMissed(anna=second)

    def test_each_one_of_a_ring_group(self):
        call = FakeCall(self).start().ring("100", "102").give_up().call
        self.assertMissed(anna=call, clara=call)

    def test_own_customers(self):
        partner = self.new_partner(user_id=self.clara.id)
        call = self.missed(extension="777")
        self.assertMissed(clara=call)
        partner.user_id = self.boris
        self.assertMissed(clara=call, boris=call)

    def test_own_leads(self):
        self.env["crm.lead"].create(
            {
                "name": "Rope",
                "phone": CALLER,
                "user_id": self.clara.id,
                "company_id": self.company.id,
            }
        )
        call = self.missed()
        self.assertTrue(call.lead_id)
        self.assertMissed(anna=call, clara=call)

    def test_calls_that_rang_nobody(self):
        """Given up in the menu, or a phone that nobody entered: a supervisor's."""
        menu, unknown = self.missed(extension=""), self.missed(STRANGER, "777", AFTER)
        self.missed("+442079460778", "101", AFTER).action_called_back()
        self.assertMissed(supervisor=menu | unknown)

    def test_of_one_s_team(self):
        team = self.env["crm.team"].create(
            {"name": "Sales", "company_id": self.company.id}
        )
        self.env["crm.team.member"].create(
            {"crm_team_id": team.id, "user_id": self.boris.id}
        )
        line = self.env["pbx.line"].create(
            {"number": LINE, "provider_id": self.provider.id, "team_id": team.id}
        )
        call = self.missed(extension="777")
        self.assertEqual(call.line_id, line)
        self.assertMissed(boris=call, supervisor=call)
        call.promise_id.with_user(self.boris).action_take()
        self.assertMissed(boris=call)

    def test_archived_and_foreign_cloud_pbx(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self.new_provider(
            other, self.new_user("robot", GROUP, other), "theirs"
        )
        self.missed(extension="", provider=theirs)
        self.assertMissed()

    def test_what_a_row_says(self):
        partner = self.new_partner()
        call = self.missed()
        promise = call.promise_id
        [row] = self.ask().missed_calls()
        self.assertEqual(
            row,
            {
                "id": call.id,
                "company_id": self.company.id,
                "start": call.start.strftime("%Y-%m-%d %H:%M:%S"),
                "direction": "inbound",
                "state": "done",
                "outcome": "missed",
                "name": "Olga Petrova",
                "partner_id": partner.id,
                "number": CALLER,
                "number_readable": "+44 20 7946 0201",
                "talk_seconds": 0,
                "user": "",
                "mine": False,
                "to_call_back": True,
                "failure_reason": "",
                "voicemail": False,
                "ids": [call.id],
                "promise_id": promise.id,
                "attempts": 1,
                "tries": 0,
                "deadline": promise.deadline.strftime("%Y-%m-%d %H:%M:%S"),
                "overdue": promise.overdue,
                "responsible": "Anna",
                "is_mine": True,
            },
        )

    def test_one_row_for_each_caller(self):
        """The last call, and how many there were; the most urgent first."""
        earlier = timedelta(minutes=80)
        first = self.missed(ago=earlier)
        second = self.missed()
        stranger = self.missed(STRANGER, ago=BEFORE)
        self.missed("anonymous")
        rows = self.ask().missed_calls()
        self.assertEqual(
            [(row["id"], row["ids"], row["attempts"]) for row in rows],
            [
                (stranger.id, stranger.ids, 1),
                (second.id, [second.id, first.id], 2),
            ],
        )
        self.assertEqual(self.ask().count_missed(), 2)

    def test_a_later_call_that_rang_elsewhere(self):
        """It is one caller, whom both should call back."""
        self.missed()
        theirs = self.missed(extension="101", ago=AFTER)
        self.assertMissed(anna=theirs, boris=theirs)

    def test_undo(self):
        """What was settled before stays settled."""
        before, now = self.missed(ago=BEFORE), self.missed(STRANGER)
        before.action_called_back()
        spoken = self.spoken("+442079460778", extension="100")
        calls = (before | now | spoken).with_user(self.anna)
        action = calls.action_called_back()
        self.assertEqual(action["params"]["ids"], now.ids)
        undone = self.env["pbx.call"].browse(action["params"]["ids"])
        undone.with_user(self.anna).action_undo_called_back()
        self.assertMissed(anna=now)

    def test_who_is_no_agent_is_told_nothing(self):
        clerk = self.new_user("clerk", "base.group_user")
        for has_calls in (False, True):
            if has_calls:
                self.extension.user_ids |= clerk
                self.missed()
            self.assertNotIn("missed", self.ask(clerk).overview())
            for look in ("missed_calls", "count_missed", "recent"):
                with self.subTest(look, has_calls=has_calls):
                    with self.assertRaises(AccessError):
                        getattr(self.ask(clerk), look)()
