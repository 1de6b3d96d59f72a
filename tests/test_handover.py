"""A phone changes hands: its earlier calls stay with who had it then."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..models.call.log import CallLog
from ..models.provider import pbx_assignment
from ..telephony.event import LOGGED, CallEvent
from .common import CALLER, LINE, LOCAL_NOON, NOON, REF, PbxCase, scenarios
from .test_dial import DialCase


class HandoverCase(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ben = cls.new_agent("ben")
        cls.desk = cls.new_extension("300", cls.anna)

    # ------------------------------------------------------------- what may happen

    def hand_over(self):
        self.desk.user_ids = self.ben

    def hand_over_at_the_user(self):
        self.ben.pbx_extension_ids |= self.desk
        self.anna.pbx_extension_ids -= self.desk

    def share(self):
        self.desk.user_ids |= self.ben

    def delete(self):
        self.desk.unlink()

    def delete_and_enter_again(self):
        self.desk.unlink()
        self.new_extension("300", self.ben)

    def archive(self):
        self.anna.active = False

    def archive_and_hand_over(self):
        self.anna.active = False
        self.desk.user_ids = self.ben

    CHANGES = (
        "hand_over",
        "hand_over_at_the_user",
        "share",
        "delete",
        "delete_and_enter_again",
        "archive",
        "archive_and_hand_over",
    )

    def log(self):
        self.env.invalidate_all()
        return CallLog(self.env, self.provider._settings(self.provider.id))

    def row(self, ref=REF, extension="300", start=NOON, **values):
        return CallEvent(
            LOGGED,
            ref,
            NOON + timedelta(hours=1),
            direction="inbound",
            caller=CALLER,
            called=LINE,
            extension=extension,
            started=(start,),
            **{"talk": 34, "disposition": "answered", "said": "answered", **values},
        )

    def assertAnnas(self, call, user=True):
        """It is Anna's call, and was never anybody else's."""
        call.invalidate_recordset()
        everybody = call.with_context(active_test=False)
        self.assertEqual(everybody.participant_ids, self.anna)
        self.assertEqual(call.user_id, self.anna if user else self.anna.browse())
        leg = everybody.leg_ids.filtered(lambda leg: leg.number == "300")
        self.assertEqual((leg.user_id, leg.user_ids), (self.anna, self.anna))
        for record in (call, call.recording_ids, call.leg_ids):
            for user_, seen in ((self.ben, False), (self.anna, True)):
                mine = record.with_user(user_)
                found = mine.search([("id", "in", record.ids)])
                self.assertEqual(bool(found), seen and bool(record), (record, user_))
        with self.assertRaises(AccessError):
            call.with_user(self.ben).read(["number"])


@tagged("post_install", "-at_install")
class TestHandover(HandoverCase):
    def test_a_late_fact_moves_nothing(self):
        """Each change, before each kind of late fact."""
        steps = scenarios.scenario(
            "record_after_end", pbx_call_id=REF, call_start=LOCAL_NOON, extension="300"
        )
        kinds = [step.event for step in steps]
        end, record = kinds.index("NOTIFY_END"), kinds.index("NOTIFY_RECORD")
        facts = {
            "end": (lambda: self.put(steps[:end]), lambda: self.put(steps[end:])),
            "answer": (
                lambda: self.put(steps[: end - 1]),
                lambda: self.put(steps[end - 1 :]),
            ),
            "recording": (
                lambda: self.put(steps[:record]),
                lambda: self.put(steps[record:]),
            ),
            "history": (
                lambda: self.put(steps),
                lambda: self.log().add_history({REF: [self.row()]}),
            ),
        }
        for change in self.CHANGES:
            for name, (before, late) in facts.items():
                with self.fresh(change, name):
                    before()
                    self.run_job("apply_events")
                    getattr(self, change)()
                    late()
                    self.run_job("apply_events")
                    self.assertAnnas(self.the_call())

    def test_the_end_may_come_first(self):
        steps = scenarios.scenario(
            "answered", pbx_call_id=REF, call_start=LOCAL_NOON, extension="300"
        )
        self.put(steps[-2:])
        self.run_job("apply_events")
        self.hand_over()
        self.put(steps[:-2])
        self.run_job("apply_events")
        self.assertAnnas(self.the_call())

    def test_what_waited_in_the_inbox(self):
        """Received before the change and applied after it: who had the phone then."""
        for change in self.CHANGES:
            for received in (NOON, fields.Datetime.now()):
                with self.fresh(change, str(received)):
                    steps = scenarios.scenario(
                        "answered", pbx_call_id=REF, extension="300"
                    )
                    self.put(steps, received, gap=0)
                    self.env.flush_all()
                    getattr(self, change)()
                    self.run_job("apply_events")
                    self.assertAnnas(self.the_call())

    def test_replay_from_the_form(self):
        steps = scenarios.scenario("answered", pbx_call_id=REF, extension="300")
        events = self.put(steps)
        events.action_replay()
        self.hand_over()
        events.action_replay()
        self.assertAnnas(self.the_call())

    def test_the_next_call_is_the_new_user_s(self):
        self.tell("answered", extension="300", pbx_call_id="in_1")
        self.hand_over()
        call = self.tell("answered", extension="300", pbx_call_id="in_2")[-1]
        self.assertCall(call, user_id=self.ben, participant_ids=self.ben)

    def test_rang_and_was_missed(self):
        """A colleague whose phone only rang keeps the call as well."""
        self.tell("missed", extension="300", pbx_call_id=REF)
        self.hand_over()
        self.log().add_history(
            {REF: [self.row(talk=0, disposition="no_answer", said="no answer")]}
        )
        self.assertAnnas(self.the_call(), user=False)

    def test_a_further_phone_of_an_old_call(self):
        """What is new in a call is its own phone's, the rest stays."""
        self.tell("answered", extension="300", pbx_call_id=REF)
        self.hand_over()
        self.log().add_history({REF: [self.row(), self.row(extension="101")]})
        call = self.the_call()
        self.assertEqual(call.participant_ids, self.anna | self.boris)

    def test_history_pages_of_before_the_change(self):
        """New calls of the history, by when they began."""
        now = fields.Datetime.now().replace(microsecond=0)
        self.env.cr.execute(
            "UPDATE pbx_assignment SET since = %s WHERE name = '300'",
            [now - timedelta(days=3)],
        )
        self.hand_over()
        self.env.cr.execute(
            """UPDATE pbx_assignment SET until = %(at)s WHERE name = '300'
                  AND until IS NOT NULL""",
            {"at": now - timedelta(days=1)},
        )
        self.env.cr.execute(
            """UPDATE pbx_assignment SET since = %(at)s WHERE name = '300'
                  AND until IS NULL""",
            {"at": now - timedelta(days=1)},
        )
        day = timedelta(days=1)
        verdicts = self.log().add_history(
            {
                f"in_{days}": [self.row(f"in_{days}", start=now - days * day)]
                for days in (0.5, 2, 9)
            }
        )
        self.assertEqual(set(map(tuple, verdicts.values())), {("new",)})
        users = {call.ref: call.user_id for call in self.calls()}
        self.assertEqual(
            users,
            # From before anything is known: who had it first.
            {"in_0.5": self.ben, "in_2": self.anna, "in_9": self.anna},
        )
        for call in self.calls():
            self.assertEqual(call.participant_ids, call.user_id)
            self.assertEqual(call.leg_ids.user_ids, call.user_id)

    def test_a_shared_phone_that_is_one_person_s_later(self):
        self.desk.user_ids |= self.boris
        self.tell("answered", extension="300", pbx_call_id=REF)
        self.desk.user_ids = self.anna
        self.log().add_history({REF: [self.row()]})
        call = self.the_call()
        self.assertFalse(call.user_id, "which of the two, only they know")
        self.assertEqual(call.participant_ids, self.anna | self.boris)
        call.with_user(self.boris).action_claim()
        self.assertEqual(call.user_id, self.boris)

    def test_a_number_that_is_corrected(self):
        """301 was entered as 300: its calls from now on are its user's."""
        self.desk.number = "301"
        call = self.tell("answered", extension="301", pbx_call_id=REF)
        self.assertEqual(call.user_id, self.anna)
        other = self.tell("answered", extension="300", pbx_call_id="in_300")[-1]
        self.assertFalse(other.participant_ids)

    def test_nobody_had_it_for_a_while(self):
        self.desk.user_ids = False
        call = self.tell("answered", extension="300", pbx_call_id=REF)
        self.desk.user_ids = self.ben
        self.log().add_history({REF: [self.row()]})
        self.assertFalse(call.user_id | call.participant_ids)

    def test_housekeeping_forgets_who_not_that(self):
        spans = self.env["pbx.assignment"]
        self.hand_over()
        old = fields.Datetime.now() - timedelta(days=pbx_assignment.KEEP_DAYS + 1)
        self.env.cr.execute(
            """UPDATE pbx_assignment SET since = %(at)s, until = CASE
                      WHEN until IS NULL THEN NULL ELSE %(at)s END
                WHERE name = '300'""",
            {"at": old},
        )
        spans.invalidate_model()
        for _again in range(2):
            spans._gc_assignments()
            rows = spans.search([("name", "=", "300")], order="id")
            self.assertEqual(len(rows), 2)
            self.assertEqual(rows.user_id, self.ben)
        self.log().add_history({REF: [self.row(start=old - timedelta(days=30))]})
        self.assertFalse(self.the_call().participant_ids, "not Ben's")

    def test_a_user_who_is_deleted(self):
        clara = self.new_agent("clara")
        self.desk.user_ids = clara
        self.tell("answered", extension="300", pbx_call_id=REF)
        self.desk.user_ids = self.ben
        clara.unlink()
        self.log().add_history({REF: [self.row()]})
        call = self.the_call()
        self.assertFalse(call.user_id | call.participant_ids)


@tagged("post_install", "-at_install")
class TestHandoverOfAClick(HandoverCase, DialCase):
    def test_the_legs_of_a_click_joined_later(self):
        """Two ids, the second one applied after the phone changed hands."""
        steps = scenarios.scenario(
            "click_two_ids", extension="300", call_start=LOCAL_NOON
        )
        refs = [step.fields["pbx_call_id"] for step in steps]
        second = next(place for place, ref in enumerate(refs) if ref != refs[0])
        self.put(steps[:second])
        self.run_job("apply_events")
        self.hand_over()
        self.put(steps[second:], NOON + timedelta(seconds=5))
        self.run_job("apply_events")
        self.assertAnnas(self.the_call())
