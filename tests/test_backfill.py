"""Users and time zones that are entered late: earlier calls follow when asked to."""

from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..models.call import pbx_backfill
from ..models.call.log import CallLog
from ..telephony.event import LOGGED, CallEvent
from .common import CALLER, LINE, LOCAL_NOON, NOON, REF, PbxCase, scenarios

FEW, MANY = "at once", "by the job"


class BackfillCase(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user(
            "admin", "base.group_system,cloud_pbx.group_pbx_manager"
        )

    def run_backfill(self, begin, how):
        """Ask for it as an administrator; return what is said to be done."""
        limit = 200 if how == FEW else 1
        with (
            patch.object(pbx_backfill, "AT_ONCE", limit),
            patch.object(pbx_backfill, "BATCH", 2),
        ):
            said = begin()["params"]["message"]
            if how == MANY:
                self.assertTrue(self.env["pbx.backfill"].search([]))
                self.run_job("backfill")
                said = str(self.provider.message_ids[0].body)
        self.env.invalidate_all()
        self.assertFalse(self.env["pbx.backfill"].search([]))
        return said


@tagged("post_install", "-at_install")
class TestUsersLate(BackfillCase):
    def setUp(self):
        super().setUp()
        self.desk = self.new_extension("300", self.anna.browse())
        for place in range(5):
            self.tell("answered", extension="300", pbx_call_id=f"in_{place}")
        self.tell("missed", extension="300", pbx_call_id="in_missed")
        self.early = self.calls()
        self.assertFalse(self.early.user_id | self.early.participant_ids)
        self.clara = self.new_agent("clara")

    def give(self, how=FEW, desk=None):
        desk = (desk or self.desk).with_user(self.admin)
        return self.run_backfill(desk.action_give_earlier_calls, how)

    def test_nothing_happens_by_itself(self):
        self.desk.user_ids = self.clara
        self.assertFalse(self.early.user_id | self.early.participant_ids)
        self.assertEqual(self.desk.earlier_call_count, 6)
        self.assertEqual(
            self.desk.earlier_call_question,
            "Give the 6 earlier calls of 300 to Clara?",
        )
        self.assertIn(
            "Give the 6 earlier calls of 300 to Clara?", self.clara.pbx_earlier_calls
        )

    def test_given(self):
        self.desk.user_ids = self.clara
        for how in (FEW, MANY):
            with self.fresh(how):
                said = self.give(how)
                self.assertIn("6 earlier calls of 300 were given to Clara", said)
                for call in self.early:
                    self.assertEqual(call.participant_ids, self.clara)
                    self.assertEqual(call.leg_ids.user_ids, self.clara)
                    spoke = call.outcome == "answered"
                    self.assertEqual(
                        call.user_id, self.clara if spoke else self.clara.browse()
                    )
                mine = self.early.with_user(self.clara)
                self.assertEqual(len(mine.search([("id", "in", self.early.ids)])), 6)
                self.assertEqual(self.desk.earlier_call_count, 0)
                self.assertFalse(self.desk.earlier_call_question)
                with self.assertRaises(UserError):
                    self.give()

    def test_to_a_shared_phone(self):
        self.desk.user_ids = self.clara | self.boris
        self.give()
        for call in self.early:
            self.assertFalse(call.user_id)
            self.assertEqual(call.participant_ids, self.clara | self.boris)
            self.assertEqual(call.leg_ids.user_ids, self.clara | self.boris)

    def test_a_late_fact_of_a_given_call(self):
        self.desk.user_ids = self.clara
        self.give()
        self.desk.user_ids = self.boris
        row = CallEvent(
            LOGGED,
            "in_0",
            NOON + timedelta(hours=1),
            direction="inbound",
            caller=CALLER,
            called=LINE,
            extension="300",
            started=(NOON,),
            talk=34,
            disposition="answered",
            said="answered",
        )
        log = CallLog(self.env, self.provider._settings(self.provider.id))
        log.add_history({"in_0": [row]})
        call = self.early.filtered(lambda call: call.ref == "in_0")
        self.assertCall(call, user_id=self.clara, participant_ids=self.clara)

    def test_calls_that_have_a_user_stay(self):
        call = self.tell(
            "transfer", extension="300", to_extension="101", pbx_call_id="in_t"
        )[-1]
        self.assertEqual(call.user_id, self.boris)
        self.desk.user_ids = self.clara
        self.assertEqual(self.desk.earlier_call_count, 6)
        self.give()
        self.assertCall(call, user_id=self.boris, participant_ids=self.boris)

    def test_after_a_change_of_users(self):
        """The calls of who had it before are nobody else's."""
        self.desk.user_ids = self.clara
        call = self.tell("answered", extension="300", pbx_call_id="in_clara")[-1]
        self.desk.user_ids = self.boris
        self.assertEqual(self.desk.earlier_call_count, 6)
        self.give()
        self.assertCall(call, user_id=self.clara, participant_ids=self.clara)

    def test_an_extension_that_was_entered_late(self):
        call = self.tell("answered", extension="777", pbx_call_id="in_777")[-1]
        desk = self.new_extension("777", self.clara)
        self.assertEqual(desk.earlier_call_count, 1)
        self.give(desk=desk)
        self.assertCall(call, user_id=self.clara, extension_id=desk)

    def test_who_may(self):
        self.desk.user_ids = self.clara
        for user in (self.clara, self.supervisor):
            with self.assertRaises(AccessError):
                self.desk.with_user(user).action_give_earlier_calls()
            with self.assertRaises(AccessError):
                self.desk.with_user(user).read(["earlier_call_count"])
        self.desk.user_ids = False
        with self.assertRaises(UserError):
            self.give()

    def test_the_form_asks(self):
        with Form(self.desk.with_user(self.admin)) as form:
            form.user_ids.add(self.clara)
            form.save()
            self.assertIn("6 earlier calls", form.earlier_call_question)

    # ------------------------------------------------------------------ who sees them

    def test_users_without_the_right(self):
        clerk = self.new_user("clerk", "base.group_user")
        self.desk.user_ids = clerk | self.clara
        self.assertEqual(self.desk.users_without_rights, "Clerk")
        self.assertTrue(clerk.pbx_lacks_rights)
        self.assertFalse(self.clara.pbx_lacks_rights)
        for user in (self.clara, self.supervisor):
            with self.assertRaises(AccessError):
                self.desk.with_user(user).action_make_agents()
        self.desk.with_user(self.admin).action_make_agents()
        self.env.invalidate_all()
        self.assertTrue(clerk.has_group("cloud_pbx.group_pbx_user"))
        self.assertFalse(self.desk.users_without_rights)

    def users_step(self):
        self.env.invalidate_all()
        check = self.provider.check_ids.filtered(lambda one: one.step == "users")
        return check.state, check.message

    def test_the_last_step_of_connect(self):
        from ..models.provider.connect import users_step

        (self.extension | self.extension_2).user_ids = False
        self.provider.check_ids._write_results(
            self.provider, {"users": users_step(self.provider)}
        )
        self.assertEqual(
            self.users_step(),
            ("warning", "0 of 3 phones have a user: nobody will see a card."),
        )
        clerk = self.new_user("clerk", "base.group_user")
        self.anna.pbx_extension_ids = self.extension
        self.extension_2.user_ids = clerk
        state, message = self.users_step()
        self.assertEqual(state, "warning")
        self.assertIn("2 of 3 phones have a user.", message)
        self.assertIn("they are not agents: Clerk", message)
        clerk.action_pbx_make_agent()
        self.assertEqual(self.users_step(), ("ok", "2 of 3 phones have a user."))
        self.desk.user_ids = self.clara
        state, message = self.users_step()
        self.assertEqual(state, "warning")
        self.assertIn("Give the 6 earlier calls of 300 to Clara?", message)
        self.give()
        self.assertEqual(self.users_step(), ("ok", "3 of 3 phones have a user."))


@tagged("post_install", "-at_install")
class TestZoneLate(BackfillCase):
    def apply(self, how=FEW):
        provider = self.provider.with_user(self.admin)
        return self.run_backfill(provider.action_apply_zone, how)

    def test_no_zone_is_known(self):
        """The receipt is the start, whatever the local time says."""
        self.provider.tz = False
        call = self.tell("answered", call_start="2026-06-16 15:00:00")
        self.assertCall(call, start=NOON, wait_seconds=5)
        self.assertIn("No time zone is known yet", self.provider.hint)

    def test_learned_in_mid_call(self):
        self.provider.tz = False
        steps = scenarios.scenario(
            "answered", pbx_call_id=REF, call_start="2026-06-16 15:00:00"
        )
        received = NOON + timedelta(seconds=3)
        self.put(steps[:1], received)
        self.run_job("apply_events")
        self.assertEqual(self.the_call().start, received)
        self.provider.utc_offset = "UTC+3"
        self.put(steps[1:], received + timedelta(seconds=1))
        self.run_job("apply_events")
        self.assertEqual(self.the_call().start, NOON)

    def test_changed_in_mid_call(self):
        """Whichever of the two zones is right, from either side."""
        for before, after, local in (
            ("Europe/London", "Asia/Tokyo", LOCAL_NOON),
            ("Asia/Tokyo", "Europe/London", LOCAL_NOON),
            ("Europe/London", "Asia/Tokyo", "2026-06-16 21:00:00"),
            ("Asia/Kolkata", "America/New_York", "2026-06-16 17:30:00"),
        ):
            for place in (1, 2, 3):
                with self.fresh(before, after, local, place):
                    self.provider.tz = before
                    steps = scenarios.scenario(
                        "answered", pbx_call_id=REF, call_start=local
                    )
                    events = self.put(steps, NOON + timedelta(seconds=2))
                    later = events[place:]
                    later.state = "ignored"
                    self.run_job("apply_events")
                    self.provider.tz = after
                    later.state = "pending"
                    self.run_job("apply_events")
                    self.assertCall(self.the_call(), start=NOON, wait_seconds=7)

    def test_a_wrong_zone_and_the_right_offset(self):
        """Of the readings the one nearest to the receipt."""
        self.provider.write({"tz": "Asia/Tokyo", "utc_offset": "UTC+1"})
        call = self.tell("answered")
        self.assertCall(call, start=NOON, wait_seconds=5)

    def test_applied_to_earlier_calls(self):
        """Of history alone, where no receipt says better; and live ones."""
        tokyo = NOON - timedelta(hours=8)
        for how in (FEW, MANY):
            with self.fresh(how):
                log = CallLog(self.env, self.provider._settings(self.provider.id))
                log.add_history(
                    {f"in_{place}": [self.logged(f"in_{place}")] for place in range(3)}
                )
                self.tell("answered", pbx_call_id="in_live")
                self.assertEqual(set(self.calls().mapped("start")), {NOON})
                self.assertFalse(self.provider.zone_changed)
                self.provider.tz = "Asia/Tokyo"
                self.assertTrue(self.provider.zone_changed)
                said = self.apply(how)
                self.assertIn("4 earlier calls: 3 of them", said)
                self.assertFalse(self.provider.zone_changed)
                starts = {call.ref: call.start for call in self.calls()}
                self.assertEqual(starts.pop("in_live"), NOON, "the receipt knows")
                self.assertEqual(set(starts.values()), {tokyo})
                # And back.
                self.provider.tz = "Europe/London"
                self.assertIn("3 of them", self.apply(how))
                self.assertEqual(set(self.calls().mapped("start")), {NOON})

    def logged(self, ref):
        return CallEvent(
            LOGGED,
            ref,
            NOON + timedelta(days=1),
            direction="inbound",
            caller=CALLER,
            called=LINE,
            extension="100",
            started=(NOON,),
            local_start=LOCAL_NOON,
            talk=34,
            disposition="answered",
            said="answered",
        )

    def test_facts_from_before_local_times_were_kept(self):
        self.provider.write({"tz": False, "old_facts_zone": "UTC"})
        call = self.tell("answered", call_start="2026-06-16 15:00:00")
        facts = [dict(fact) for fact in call.sudo().facts]
        for fact in facts:
            if fact.pop("local_start", None):
                fact["started"] = ["2026-06-16T15:00:00"]
        call.write({"facts": facts, "start": "2026-06-16 15:00:00"})
        self.provider.tz = "Europe/Moscow"
        self.apply()
        self.assertCall(self.the_call(), start=NOON, wait_seconds=5)

    def test_old_events_once_more(self):
        """From before local times were kept: they are the same events."""
        call = self.tell("answered", pbx_call_id=REF)
        facts = [dict(fact) for fact in call.sudo().facts]
        for fact in facts:
            fact.pop("local_start", None)
        call.write({"facts": facts})
        for zone in ("Europe/London", "Asia/Tokyo"):
            self.provider.tz = zone
            self.events().action_replay()
            self.assertEqual(len(self.the_call().sudo().facts), len(facts))
            self.assertCall(self.the_call(), start=NOON, wait_seconds=5)

    def test_history_knows_better_than_a_wrong_guess(self):
        self.provider.tz = "Asia/Tokyo"
        self.provider.former_zone = False
        call = self.tell("answered", pbx_call_id=REF)
        self.assertEqual(call.start, NOON - timedelta(hours=8))
        log = CallLog(self.env, self.provider._settings(self.provider.id))
        log.add_history({REF: [self.logged(REF)]})
        self.assertCall(self.the_call(), start=NOON, wait_seconds=5)

    def test_kept(self):
        self.tell("answered")
        self.provider.tz = "Asia/Tokyo"
        self.provider.with_user(self.admin).action_keep_times()
        self.assertFalse(self.provider.zone_changed)
        self.assertEqual(self.the_call().start, NOON)
        for user in (self.anna, self.supervisor):
            for action in ("action_keep_times", "action_apply_zone"):
                with self.assertRaises(AccessError):
                    getattr(self.provider.with_user(user), action)()

    def test_not_offered_where_nothing_changes(self):
        for values in (
            {"tz": "Asia/Tokyo"},  # no calls yet
            {"utc_offset": "UTC+5"},
        ):
            self.provider.write(values)
            self.assertFalse(self.provider.zone_changed)
        self.tell("answered")
        # The chosen zone counts.
        self.provider.utc_offset = "UTC+6"
        self.assertFalse(self.provider.zone_changed)

    def test_impossible_moments(self):
        """Unreadable: the receipt counts, and no event fails."""
        for place, text in enumerate(
            (
                "9999-12-31 23:59:59",
                "0001-01-01 00:00:00",
                "2026-13-16 13:00:00",
                "2200-01-01 00:00:00",
                "1970-01-01 00:00:00",
                "26-06-16 13:00:00",
            )
        ):
            for zone in ("Pacific/Kiritimati", "America/New_York", False):
                with self.fresh(text, zone):
                    self.provider.tz = zone
                    for name in ("answered", "missed", "outbound", "click_two_ids"):
                        ref = f"in_{place}{name}"
                        self.tell(name, call_start=text, pbx_call_id=ref)
                    self.assertEqual(set(self.events().mapped("state")), {"done"})
                    for call in self.calls():
                        self.assertEqual(call.start.date(), NOON.date())
                        self.assertLess(call.wait_seconds, 60)

    def test_an_impossible_start_in_the_history(self):
        log = CallLog(self.env, self.provider._settings(self.provider.id))
        for year in (1, 9999):
            row = CallEvent(
                LOGGED,
                f"in_{year}",
                NOON,
                direction="inbound",
                caller=CALLER,
                extension="100",
                started=(datetime(year, 12, 31, 23, 59),),
                at=datetime(year, 12, 31, 23, 59),
                talk=5,
                disposition="answered",
            )
            log.add_history({f"in_{year}": [row]})
        self.assertEqual(set(self.calls().mapped("start")), {NOON})


@tagged("post_install", "-at_install")
class TestCompany(PbxCase):
    def test_a_connection_with_calls_stays_in_its_company(self):
        other = self.env["res.company"].create({"name": "Lighthouse GmbH"})
        empty = self.new_provider(self.company, self.robot, "another")
        empty.company_id = other
        self.assertEqual(empty.company_id, other)
        self.tell("answered")
        self.provider.company_id = self.company  # no change
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.provider.company_id = other
        self.assertEqual(self.extension.company_id, self.company)


@tagged("post_install", "-at_install")
class TestForwarded(PbxCase):
    """A row of the history may name to whom a call was forwarded."""

    MOBILE = "+447700900123"

    def row(self, called, **values):
        return CallEvent(
            LOGGED,
            REF,
            NOON + timedelta(days=1),
            direction="inbound",
            caller=CALLER,
            called=called,
            extension="100",
            started=(NOON,),
            talk=34,
            disposition="answered",
            said="answered",
            **values,
        )

    def test_to_whom_it_was_forwarded_is_no_line(self):
        olga = self.new_partner("Olga", self.MOBILE)
        self.env["pbx.line"].create(
            {"number": LINE, "provider_id": self.provider.id, "from_pbx": True}
        )
        log = CallLog(self.env, self.provider._settings(self.provider.id))
        log.add_history({REF: [self.row(self.MOBILE)]})
        self.assertFalse(self.the_call().line)
        log = CallLog(self.env, self.provider._settings(self.provider.id))
        log.add_history(
            {
                "in_2": [
                    replace(self.row(called), ref="in_2")
                    for called in (self.MOBILE, LINE)
                ]
            }
        )
        self.assertEqual(self.calls()[-1].line, LINE)
        # That customer is still found.
        call = self.tell("answered", caller=self.MOBILE, pbx_call_id="in_3")[-1]
        self.assertEqual(call.partner_id, olga)


@tagged("post_install", "-at_install")
class TestReport(PbxCase):
    def results(self, call):
        return {leg.number: leg.result for leg in call.leg_ids}

    def test_who_missed(self):
        for name, expected in (
            ("answered", {"100": "answered"}),
            ("missed", {"100": "missed"}),
            ("ring_group", {"100": "answered", "101": "elsewhere"}),
            ("ring_group_missed", {"100": "missed", "101": "missed"}),
            ("transfer", {"100": "answered", "101": "answered"}),
            ("voicemail", {"100": "missed"}),
            ("outbound", {"100": "answered"}),
            ("outbound_no_answer", {"100": "not_reached"}),
            ("extension_to_extension", {"100": "answered", "101": "answered"}),
        ):
            with self.fresh(name):
                call = self.tell(name)
                self.assertEqual(self.results(call), expected)
                for leg in call.leg_ids:
                    dialled = call.direction == "outbound"
                    self.assertGreaterEqual(leg.rang_seconds, 0)
                    self.assertLessEqual(
                        leg.rang_seconds, 0 if dialled else 60, leg.number
                    )
        [leg] = self.tell("missed").leg_ids
        self.assertEqual(leg.rang_seconds, 15)

    def test_under_the_readers_rights(self):
        self.tell("ring_group")
        # Of somebody else: whom Anna spoke with last, she would call back.
        stranger = "+442079460777"
        self.tell("missed", caller=stranger, extension="101", pbx_call_id="in_2")
        legs = self.env["pbx.call.leg"]

        def table(user):
            groups = legs.with_user(user)._read_group(
                [], ["user_ids", "result"], ["__count", "rang_seconds:sum"]
            )
            return {(who, what): count for who, what, count, _rang in groups}

        everything = {
            (self.anna, "answered"): 1,
            (self.boris, "elsewhere"): 1,
            (self.boris, "missed"): 1,
        }
        self.assertEqual(table(self.supervisor), everything)
        del everything[self.boris, "missed"]
        self.assertEqual(table(self.anna), everything)
