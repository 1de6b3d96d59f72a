"""Nothing acknowledged is lost: what broke is retried; what can't be kept, refused."""

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged, test_cursor

from ..models.call import log as pbx_call_log
from ..models.inbox.apply import Apply
from .common import CALLER, LINE, LOCAL_NOON, REF, PbxHttpCase, log_lines, scenarios

START = {
    "call_start": LOCAL_NOON,
    "pbx_call_id": REF,
    "caller_id": CALLER,
    "called_did": LINE,
}
END = {**START, "duration": "0", "disposition": "cancel"}


@contextmanager
def a_bug(event=None):
    """Break the handling: of every event, or of those that follow ``event``."""
    sound = pbx_call_log.derive

    def broken(facts, *more):
        if event is None or any(e.kind == event for e in facts.events):
            raise ZeroDivisionError("a bug in the handling")
        return sound(facts, *more)

    with patch.object(pbx_call_log, "derive", broken), log_lines() as lines:
        yield lines


@tagged("post_install", "-at_install")
class TestInboxFailed(PbxHttpCase):
    """A bug in the handling, a full disk."""

    def make_due(self, events):
        events.next_attempt_at = fields.Datetime.now() - timedelta(seconds=1)

    # --------------------------------------------------- nothing acknowledged is lost

    def test_a_bug_does_not_lose_the_event(self):
        job = self.env.ref("cloud_pbx.ir_cron_apply_events")
        with a_bug() as lines:
            response = self.post("NOTIFY_START", START)
        self.assertEqual(response.status_code, 200, "it is in the inbox")
        self.assertIn("ZeroDivisionError", str(lines))
        event = self.events()
        self.assertEqual((event.state, event.attempts), ("failed", 1))
        self.assertIn("a bug in the handling", event.error)
        self.assertGreater(event.next_attempt_at, fields.Datetime.now())
        self.assertTrue(event.payload)
        self.assertFalse(self.calls())
        trigger = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
        self.assertIn(event.next_attempt_at, trigger.mapped("call_at"))
        # Mended, and the time has come: the job applies it.
        self.run_job("apply_events")
        self.assertEqual(self.events().state, "failed", "not before its time")
        self.make_due(event)
        self.run_job("apply_events")
        event = self.events()
        self.assertEqual((event.state, event.error), ("done", False))
        self.assertEqual(self.the_call().number, CALLER)

    def test_pauses_grow(self):
        with a_bug():
            self.post("NOTIFY_START", START)
            pauses = []
            for attempt in range(2, 9):
                self.make_due(self.events())
                self.run_job("apply_events")
                event = self.events()
                self.assertEqual((event.state, event.attempts), ("failed", attempt))
                # To the minute: times have whole seconds.
                pause = event.next_attempt_at - fields.Datetime.now()
                pauses.append(timedelta(minutes=round(pause / timedelta(minutes=1))))
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreater(pauses[1], 2 * pauses[0])
        self.assertLessEqual(pauses[-1], timedelta(days=1))

    def test_later_events_bring_a_failed_one_along_when_due(self):
        with a_bug():
            self.post("NOTIFY_START", START)
        self.make_due(self.events())
        self.post("NOTIFY_END", END)
        self.assertEqual(self.events().mapped("state"), ["done", "done"])

    def test_one_event_does_not_hold_up_the_others(self):
        with a_bug("answered"):
            for step in scenarios.scenario("answered", pbx_call_id=REF):
                response = self.post(step.event, step.fields)
                self.assertEqual(response.status_code, 200)
        states = {event.event_type: event.state for event in self.events()}
        self.assertEqual(states.pop("NOTIFY_ANSWER"), "failed")
        self.assertEqual(set(states.values()), {"done"})
        self.assertEqual(self.the_call().outcome, "answered")
        self.events("NOTIFY_ANSWER").action_replay()
        self.assertEqual(self.the_call().leg_ids.outcome, "answered")
        self.assertTrue(self.the_call().leg_ids.answer)

    def test_pending_are_applied_by_the_job(self):
        """What a crash left: in the inbox, never applied."""
        self.put(scenarios.scenario("answered", call_start=LOCAL_NOON))
        self.assertFalse(self.calls())
        self.run_job("apply_events")
        self.assertEqual(self.the_call().outcome, "answered")
        self.assertEqual(set(self.events().mapped("state")), {"done"})

    def test_broken_contents_fail_readably_and_alone(self):
        good, bad = self.put(scenarios.scenario("missed")[:2])
        bad.payload = "{not json"
        with log_lines():
            self.run_job("apply_events")
        self.assertEqual((good.state, bad.state), ("done", "failed"))
        self.assertTrue(bad.error)

    def test_keep_log_off_keeps_what_failed(self):
        self.provider.keep_log = False
        with a_bug():
            self.post("NOTIFY_START", START)
        self.assertTrue(self.events().payload)
        self.events().action_replay()
        self.assertEqual(self.events().state, "done")
        self.assertFalse(self.events().payload)

    # ------------------------------------------------- another worker, in between

    @contextmanager
    def applied_by_another(self, event):
        """After a rollback, which ends the lock, another worker applies ``event``."""
        rollback, rollbacks = test_cursor.TestCursor.rollback, []

        def meanwhile(cr):
            rollback(cr)
            rollbacks.append(cr)
            if len(rollbacks) == 1:
                cr.execute(
                    "UPDATE pbx_event SET state = 'done', payload = NULL, attempts = 1 "
                    "WHERE id = %s",
                    [event.id],
                )

        with patch.object(test_cursor.TestCursor, "rollback", meanwhile):
            yield

    def test_what_another_worker_applied_after_a_rollback_stays_applied(self):
        for others in (0, 2):
            with self.fresh(others):
                steps = scenarios.scenario("answered", pbx_call_id=REF)
                event = self.put(steps[: 1 + others])[0]
                apply = Apply._apply_together

                def fails(run, waiting, first=event.id, apply=apply):
                    if first in [one.id for one in waiting]:
                        raise ZeroDivisionError("a bug in the handling")
                    return apply(run, waiting)

                with (
                    self.applied_by_another(event),
                    patch.object(Apply, "_apply_together", fails),
                    log_lines(),
                ):
                    self.run_job("apply_events")
                self.assertEqual(self.events().mapped("state"), ["done"] * (1 + others))
                self.assertFalse(event.error)

    def test_a_failure_is_not_noted_over_what_changed_meanwhile(self):
        for values, expected in (
            ({"state": "done", "attempts": 1}, "done"),
            ({"state": "failed", "attempts": 3}, "failed"),
        ):
            with self.fresh(expected):
                event = self.put(scenarios.scenario("answered", pbx_call_id=REF)[:1])
                run = Apply(self.env, self.provider.id, REF)
                [waiting] = run._read_waiting()
                event.write(values)
                run._mark_failed(waiting, ValueError("too late"))
                self.assertRecordValues(event, [{**values, "error": False}])

    def test_replay_button(self):
        administrator = self.new_user("admin", "base.group_system")
        with a_bug():
            self.post("NOTIFY_START", START)
            event = self.events().with_user(administrator)
            event.action_replay()
            self.assertEqual(event.state, "failed")
            self.assertIn("a bug in the handling", event.error)
        event.action_replay()
        self.assertEqual((event.state, event.error), ("done", False))
        call = self.the_call()
        # Again: the same facts, the same call.
        before = call.read()
        event.action_replay()
        self.env.invalidate_all()
        self.assertEqual(self.the_call().read(), before)

    def test_replay_is_for_administrators(self):
        self.post("NOTIFY_START", START)
        for user in (self.anna, self.supervisor):
            with self.assertRaises(AccessError):
                self.events().with_user(user).action_replay()

    def test_error_is_a_sentence_with_the_failure_counted_on_the_form(self):
        with a_bug():
            self.post("NOTIFY_START", START)
        self.assertEqual(self.provider.failed_count, 1)
        self.assertEqual(self.provider.waiting_count, 0)

    # ----------------------------------------------- 503: the inbox cannot be written

    def full_disk(self):
        self.env.cr.execute(
            """CREATE FUNCTION cloud_pbx_full() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN RAISE 'No space left' USING ERRCODE = 'disk_full'; END$$;
               CREATE TRIGGER cloud_pbx_full BEFORE INSERT ON pbx_event
               FOR EACH ROW EXECUTE FUNCTION cloud_pbx_full()"""
        )

    def test_disk_full(self):
        self.full_disk()
        with log_lines() as lines:
            response = self.post("NOTIFY_START", START)
        self.assertEqual(response.status_code, 503)
        self.assertNotIn("Set-Cookie", response.headers)
        self.assertIn("cannot be written", str(lines))
        for secret in (CALLER, CALLER[1:], REF, LINE[1:], self.provider.webhook_token):
            self.assertNotIn(secret, str(lines) + response.text)
        self.assertFalse(self.events())
        self.assertFalse(self.calls())

    def test_disk_full_forged(self):
        """Whoever has no signature still gets no more than a 403."""
        self.full_disk()
        with log_lines():
            self.assertEqual(self.post("NOTIFY_START", secret="x").status_code, 403)

    def test_inbox_away(self):
        self.env.cr.execute("ALTER TABLE pbx_event RENAME TO pbx_event_away")
        with log_lines():
            response = self.post("NOTIFY_START", START)
        self.assertEqual(response.status_code, 503)
        self.env.cr.execute("ALTER TABLE pbx_event_away RENAME TO pbx_event")
        self.assertEqual(self.post("NOTIFY_START", START).status_code, 200)
        self.the_call()
