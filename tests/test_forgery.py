"""Who saw one signed event: what he makes of it is kept, and changes no log.

Three fields of an event are signed. Ids, durations, words and extensions are not, so
that one signature proves as many events as somebody cares to make up.
"""

import json
import runpy
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import psycopg2.errors

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models.call.log import CallLog
from ..models.inbox import pbx_event
from ..models.inbox.pbx_event import PbxEvent
from ..models.tools import retention
from ..telephony.admission import MAX_OF_A_KIND
from ..telephony.zadarma.client import Client
from .common import CALLER, LINE, NOON, REF, PbxCase, PbxHttpCase, log_lines, scenarios
from .history import AN_HOUR, HistoryCase

OTHER = "in_" + "c3" * 20


@tagged("post_install", "-at_install")
class TestForgery(HistoryCase, PbxHttpCase):
    def setUp(self):
        super().setUp()
        self.start = {
            "call_start": self.local(self.now - AN_HOUR),
            "pbx_call_id": REF,
            "caller_id": CALLER,
            "called_did": LINE,
        }
        self.end = {**self.start, "duration": "0", "disposition": "cancel"}

    def held(self):
        self.env.invalidate_all()
        return self.env["pbx.event"].search(
            [("provider_id", "=", self.provider.id), ("awaits_history", "=", True)],
            order="id",
        )

    # ---------------------------------------------------------- one signature, many ids

    def test_ends_under_new_ids_are_no_calls(self):
        self.post("NOTIFY_START", self.start)
        spoke = {"duration": "999999999", "disposition": "answered", "internal": "100"}
        for number in range(30):
            response = self.post(
                "NOTIFY_END", {**self.end, **spoke}, pbx_call_id=f"in_{number:040x}"
            )
            self.assertEqual((response.status_code, response.text), (200, "{}"))
        call = self.the_call()
        self.assertEqual((call.ref, call.state), (REF, "ringing"))
        self.assertEqual(len(self.held()), 30)
        self.assertEqual(set(self.held().mapped("state")), {"ignored"})
        self.assertIn("list of past calls", self.held()[0].error)
        self.assertTrue(all(self.held().mapped("payload")))
        self.assertFalse(self.held().call_id)
        # What is the job's, and the call's own, goes on.
        self.run_job("apply_events")
        self.post("NOTIFY_END", self.end)
        self.assertEqual(self.the_call().outcome, "missed")
        self.assertEqual(len(self.held()), 30)

    def test_whatever_is_made_of_the_text(self):
        """Other events, other fields whose texts add up to the same, an SMS's text."""
        sms = '{"text": "hello"}'
        out = {
            "call_start": self.start["call_start"],
            "pbx_call_id": "out_1",
            "internal": "100",
            "destination": CALLER,
        }
        self.post("NOTIFY_START", self.start)
        self.post("NOTIFY_OUT_START", out, calltype="normal")
        self.post("NOTIFY_RECORD", pbx_call_id=REF, call_id_with_rec="1.1")
        self.post("SMS", result=sms)
        calls = self.calls()
        self.assertEqual(len(calls), 2)
        moved = {"caller_id": CALLER[:-4], "called_did": CALLER[-4:] + LINE}
        as_out = {"internal": CALLER, "destination": LINE}
        for event, forged in (
            ("NOTIFY_START", self.start),
            ("NOTIFY_INTERNAL", {**self.start, "internal": "100"}),
            ("NOTIFY_IVR", self.start),
            ("NOTIFY_FUTURE", self.start),
            ("NOTIFY_START", {**self.start, **moved}),
            ("NOTIFY_OUT_START", {**self.start, **as_out}),
            ("NOTIFY_OUT_END", {**out, "disposition": "busy"}),
            ("NOTIFY_OUT_START", {**out, "calltype": "callback_leg2"}),
            ("NOTIFY_START", {"caller_id": sms}),
            ("NOTIFY_END", {"caller_id": f"{REF}1.1", "disposition": "cancel"}),
            ("NOTIFY_RECORD", {"call_id_with_rec": "1"}),
        ):
            ref = f"{REF}1." if event == "NOTIFY_RECORD" else OTHER
            with self.subTest(event, **forged):
                before = len(self.held())
                response = self.post(event, forged, pbx_call_id=ref)
                self.assertEqual(response.status_code, 200)
                self.assertEqual(len(self.held()), before + 1)
        self.assertEqual(self.calls(), calls)

    def test_a_genuine_id_does_not_lend_its_signature(self):
        """The END of one call, made of what another one's START proves."""
        self.post("NOTIFY_START", self.start)
        later = {**self.start, "call_start": self.local(self.now), "pbx_call_id": OTHER}
        self.post("NOTIFY_START", later)
        self.post("NOTIFY_END", {**self.end, "pbx_call_id": OTHER})
        self.assertEqual(self.calls().mapped("state"), ["ringing", "ringing"])
        self.assertEqual(self.held().ref, OTHER)

    def test_what_is_held_is_kept_once_and_not_applied_by_hand(self):
        self.provider.keep_log = False
        self.post("NOTIFY_START", self.start)
        for _time in range(3):
            self.post("NOTIFY_END", self.end, pbx_call_id=OTHER)
        held = self.held()
        self.assertEqual(len(held), 1)
        self.assertEqual(json.loads(held.payload)["disposition"], "cancel")
        with self.assertRaises(UserError):
            held.action_replay()
        self.assertEqual(len(self.calls()), 1)

    def test_another_provider_s_texts_are_its_own(self):
        other = self.new_provider(self.company, self.robot, "another")
        self.post("NOTIFY_START", self.start)
        self.post("NOTIFY_START", self.start, other, pbx_call_id=OTHER)
        self.assertEqual(len(self.calls(other)), 1)

    def test_the_text_belongs_to_its_call_when_the_events_are_gone(self):
        self.post("NOTIFY_START", self.start)
        self.events().unlink()
        self.post("NOTIFY_END", self.end, pbx_call_id=OTHER)
        self.assertEqual(len(self.calls()), 1)
        proofs = self.env["pbx.event.proof"]
        proofs._gc_proofs()
        self.assertEqual(proofs.search_count([("ref", "=", REF)]), 1)
        proofs.search([]).at = fields.Datetime.now() - timedelta(days=366)
        self.env.flush_all()
        proofs._gc_proofs()
        self.assertFalse(proofs.search([]))

    def test_what_was_in_the_inbox_before_is_bound(self):
        steps = scenarios.scenario("click_two_ids")
        for step in steps:
            self.post(step.event, step.fields)
        self.post("NOTIFY_START", self.start)
        self.post("SMS", result='{"text": "hello"}')
        proofs = self.env["pbx.event.proof"].search([])
        names = ["provider_id", "digest", "part", "ref"]
        before = proofs.read(names, load=None)
        proofs.unlink()
        self.events("SMS").copy({"payload": "{not json", "digest": False})
        self.env.flush_all()
        proofs._bind_inbox()
        self.env.invalidate_all()
        again = proofs.search([]).read(names, load=None)

        def contents(rows):
            return sorted(tuple(row[name] or "" for name in names) for row in rows)

        self.assertGreater(len(before), 4)
        self.assertEqual(contents(again), contents(before))
        self.post("NOTIFY_END", self.end, pbx_call_id=OTHER)
        self.assertEqual(self.held().ref, OTHER)

    def test_the_upgrade_leaves_one_digest_of_each_delivery(self):
        """Before the index was unique, the same instant let two in."""
        self.post("NOTIFY_START", self.start)
        first = self.events()
        self.env.cr.execute("DROP INDEX pbx_event_digest_uniq")
        second = first.copy({"received_at": first.received_at + timedelta(seconds=1)})
        self.assertEqual(first.digest, second.digest)
        self.env.flush_all()
        path = Path(__file__).parents[1] / "migrations/19.0.1.2.0/pre-migrate.py"
        runpy.run_path(str(path))["_one_event_for_each_digest"](self.env.cr)
        self.env.invalidate_all()
        self.assertFalse(first.digest)
        self.assertTrue(second.digest)

    # --------------------------------------------------------------- what is legitimate

    def test_two_calls_of_one_second_by_the_history(self):
        """The same caller, twice within a second: the second is applied when listed."""
        plan = scenarios.plan(
            "answered", pbx_call_id=OTHER, call_start=self.start["call_start"]
        )
        self.post("NOTIFY_START", self.start)
        forged = {**self.end, "disposition": "busy", "pbx_call_id": "in_forged"}
        self.post("NOTIFY_END", forged)
        signed = ("caller_id", "called_did")
        for step in plan.steps:
            own = {name: self.start[name] for name in signed if name in step.fields}
            self.post(step.event, {**step.fields, **own})
        # ANSWER and RECORD have signatures of their own.
        waiting = self.held().filtered(lambda event: event.ref == OTHER)
        self.assertEqual(
            waiting.mapped("event_type"),
            ["NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_END"],
        )
        self.pbx.fake.keep_rows(plan.rows)
        self.fetch()
        self.assertEqual(set(waiting.mapped("state")), {"done"})
        self.assertFalse(any(waiting.mapped("error")))
        call = self.calls().filtered(lambda one: one.ref == OTHER)
        self.assertEqual((call.outcome, call.talk_seconds), ("answered", 34))
        self.assertEqual(len(self.calls()), 2)
        self.assertEqual(self.held().ref, "in_forged")
        # From now on it has the signature's trust.
        self.post("NOTIFY_INTERNAL", self.start, internal="101", pbx_call_id=OTHER)
        self.assertEqual(self.events()[-1].state, "done")

    def test_a_click_under_two_ids_that_begin_in_one_second(self):
        start = self.start["call_start"]
        for order in (1, -1):
            with self.fresh(order):
                steps = scenarios.scenario("click_two_ids", call_start=start)
                for step in steps[::order]:
                    self.post(step.event, step.fields)
                self.assertFalse(self.held())
                self.assertEqual(self.the_call().outcome, "answered")
                # A third id is nobody's.
                forged = {**steps[0].fields, "pbx_call_id": "out_forged"}
                self.post("NOTIFY_OUT_START", forged)
                self.assertEqual(len(self.held()), 1)
                self.the_call()

    def test_history_is_asked_soon_but_not_all_the_time(self):
        self.fetch()
        due = self.catch_up.next_attempt_at
        self.assertGreater(due, fields.Datetime.now() + timedelta(minutes=20))
        self.post("NOTIFY_START", self.start)
        self.assertEqual(self.catch_up.next_attempt_at, due)
        for number in range(3):
            self.post("NOTIFY_END", self.end, pbx_call_id=f"in_{number}")
        at = self.catch_up.next_attempt_at
        soon = fields.Datetime.now() + timedelta(minutes=6)
        self.assertLess(at, soon)
        self.assertGreater(at, fields.Datetime.now() + timedelta(minutes=3))
        job = self.env.ref("cloud_pbx.ir_cron_fetch_history")
        wanted = [("cron_id", "=", job.id), ("call_at", "=", at)]
        self.assertEqual(self.env["ir.cron.trigger"].search_count(wanted), 1)

    def test_contradicting_ends_ask_history(self):
        self.fetch()
        due = self.catch_up.next_attempt_at
        self.post("NOTIFY_START", self.start)
        self.post("NOTIFY_END", self.end)
        self.assertEqual(self.catch_up.next_attempt_at, due)
        spoke = {"duration": "5", "disposition": "answered", "internal": "100"}
        self.post("NOTIFY_END", {**self.end, **spoke})
        self.assertLess(self.catch_up.next_attempt_at, due)
        self.assertEqual(self.the_call().outcome, "answered")
        rows = scenarios.plan(
            "missed", pbx_call_id=REF, call_start=self.start["call_start"]
        ).rows
        self.pbx.fake.keep_rows(rows)
        self.fetch()
        self.assertCall(self.the_call(), outcome="missed", corrected=True)

    # ----------------------------------------------------------------- the same instant

    def test_who_meets_another_takes_the_event_in_anew(self):
        take, met = PbxEvent._take, []

        def meets(events, *arguments):
            event_id = take(events, *arguments)
            if len(met) < 2:
                met.append(event_id)
                raise psycopg2.errors.SerializationFailure("another one")
            return event_id

        with patch.object(PbxEvent, "_take", meets):
            self.assertEqual(self.post("NOTIFY_START", self.start).status_code, 200)
        self.assertEqual(len(met), 2)
        self.assertEqual(self.events().state, "done")
        self.the_call()

    # ------------------------------------------------------------- pages without an end

    def test_a_pbx_that_ignores_skip(self):
        [row] = self.happened("missed").rows
        self.pbx.account.rows[:] = [
            {**row, "pbx_call_id": f"in_{place:040x}", "call_id": f"{place}.{place}"}
            for place in range(1200)
        ]
        ask = Client.statistics

        def ignores_skip(client, start, end, skip=0, **more):
            return ask(client, start, end, skip=0, **more)

        with patch.object(Client, "statistics", ignores_skip):
            told = self.fetch()
            asked = len(self.asked("/statistics/pbx"))
        self.assertIn("again and again", told)
        self.assertEqual(len(self.calls()), 1000)
        self.assertRecordValues(
            self.catch_up, [{"state": "failed", "rows": 1000, "new_count": 1000}]
        )
        # One window before: 27 of the 30 days. Then the two pages.
        self.assertLessEqual(asked, 3)


@tagged("post_install", "-at_install")
class TestFloods(PbxCase):
    """What ends a call is taken, and one call costs no other."""

    def flood(self):
        steps = scenarios.scenario("answered", pbx_call_id=REF)
        start, ring, _answer, end, _record = steps
        rings = [
            ring._replace(fields={**ring.fields, "internal": str(300 + number)})
            for number in range(MAX_OF_A_KIND + 50)
        ]
        return start, rings, end

    def test_the_genuine_end_comes_after_a_flood(self):
        start, rings, end = self.flood()
        for keep_log in (True, False):
            with self.fresh(keep_log):
                self.provider.keep_log = keep_log
                self.put([start, *rings], gap=0)
                self.run_job("apply_events")
                self.put([end], NOON + timedelta(seconds=40))
                self.run_job("apply_events")
                self.assertCall(self.the_call(), state="done", outcome="answered")
                left = self.events().filtered(lambda event: event.state != "done")
                self.assertEqual(len(left), 50)
                self.assertEqual(set(left.mapped("state")), {"ignored"})
                self.assertTrue(all(left.mapped("payload")))
                self.assertIn(str(MAX_OF_A_KIND), left[0].error)
                self.assertEqual(len(self.the_call().leg_ids), MAX_OF_A_KIND + 1)

    def test_a_flooded_call_is_closed_by_the_job(self):
        start, rings, _end = self.flood()
        self.put([start, *rings], gap=0)
        self.run_job("apply_events")
        self.run_job("close_calls")
        self.assertCall(self.the_call(), state="done", outcome="missed")

    def test_calls_that_cannot_be_closed_hold_up_no_other(self):
        self.tell("missed", pbx_call_id="in_0")
        first = self.the_call()
        self.env.flush_all()
        self.env.cr.execute(
            """INSERT INTO pbx_call (provider_id, company_id, ref, state, direction,
                                     number, start, last_event_at, facts)
               SELECT provider_id, company_id, 'in_broken_' || n, 'ringing', direction,
                      number, start, last_event_at - interval '1 day',
                      '[{"kind": "ringing", "ref": "x", "received_at": "never"}]'
                 FROM pbx_call, generate_series(1, 201) n WHERE id = %s""",
            [first.id],
        )
        open_call = self.tell("missed", pbx_call_id="in_open")[1:]
        self.put(scenarios.scenario("missed", pbx_call_id="in_young")[:1])
        self.run_job("apply_events")
        young = self.calls().filtered(lambda call: call.ref == "in_young")
        self.assertEqual(young.state, "ringing")
        self.assertTrue(open_call)
        with log_lines() as lines:
            # Once, or as often as the scheduler's time for one run is over.
            for _run in range(5):
                self.run_job("close_calls")
        self.assertEqual(young.state, "done", "the 202nd")
        self.assertIn("not closed", str(lines))
        broken = self.calls().filtered(lambda call: call.state != "done")
        self.assertEqual(len(broken), 201)
        [message] = broken[0].message_ids
        self.assertIn("could not be closed", message.body)
        # Said once, and tried again after a day.
        with log_lines() as lines:
            self.run_job("close_calls")
        self.assertNotIn("not closed", str(lines))
        broken[:2].close_after = fields.Datetime.now() - timedelta(minutes=1)
        broken[0].facts = [{"kind": "ringing", "ref": "x", "received_at": str(NOON)}]
        with log_lines():
            self.run_job("close_calls")
        self.assertEqual(broken[0].state, "done")
        self.assertEqual(len(broken[0].message_ids), 1)

    def test_what_meets_another_is_not_noted_as_broken(self):
        self.put(scenarios.scenario("missed")[:1])
        self.run_job("apply_events")

        def meets(*_arguments):
            raise psycopg2.errors.SerializationFailure("another one")

        with patch.object(CallLog, "_add_expired", meets):
            self.run_job("close_calls")
        call = self.the_call()
        self.assertEqual((call.state, call.close_after), ("ringing", False))
        self.assertFalse(call.message_ids)

    def test_calls_that_cannot_be_applied_hold_up_no_other(self):
        """More than the job looks at together, each failing in an unforeseen way."""
        steps = [
            scenarios.scenario("missed", pbx_call_id=f"in_{number}")[0]
            for number in range(8)
        ]
        self.put(steps, gap=0)
        apply = PbxEvent._apply

        def breaks(events, provider_id, ref):
            if ref != "in_7":
                raise ZeroDivisionError("a bug in the handling")
            return apply(events, provider_id, ref)

        with (
            patch.object(PbxEvent, "_apply", breaks),
            patch.object(pbx_event, "APPLY_BATCH", 3),
            log_lines(),
        ):
            self.run_job("apply_events")
        self.assertEqual(self.the_call().ref, "in_7")

    # ------------------------------------------------------------------------ retention

    def test_retention_keeps_up(self):
        old = fields.Datetime.now() - timedelta(days=400)
        steps = scenarios.scenario("missed")[:1] * 25
        self.put(steps, old, gap=0).state = "done"
        requests = self.env["pbx.request"].create(
            [{"provider_id": self.provider.id, "at": old} for _number in range(25)]
        )
        for model, method in (
            ("pbx.event", "_gc_events"),
            ("pbx.request", "_gc_requests"),
        ):
            with patch.object(retention, "DELETE_BATCH", 10):
                deleted = []
                while True:  # as Odoo's housekeeping does
                    done, left = getattr(self.env[model], method)()
                    deleted.append(done)
                    if not left:
                        break
            self.assertEqual(deleted, [10, 10, 5], model)
        self.assertFalse(self.events())
        self.assertFalse(requests.exists())

    # -------------------------------------------------------------------- a wrong clock

    def test_what_a_wrong_clock_put_off_is_tried(self):
        """Received in a year to come, before the server's clock was put right."""
        ahead = fields.Datetime.now() + timedelta(days=900)
        self.tell("answered", received=ahead)
        recording = self.the_call().recording_ids
        soon = fields.Datetime.now() + timedelta(minutes=5)
        self.assertLess(recording.next_attempt_at, soon)
        # And what was written while it was wrong.
        recording.write({"next_attempt_at": ahead, "claimed_until": ahead})
        self.env.flush_all()
        due = recording._find_due(self.provider.ids, 10)
        self.assertIn((recording.id, self.provider.id), due)
        event = self.put(scenarios.scenario("missed")[:1])
        event.write({"state": "failed", "next_attempt_at": ahead})
        self.run_job("apply_events")
        self.assertEqual(event.state, "done")
        self.provider.write({"recordings_paused_until": ahead, "state": "connected"})
        self.assertTrue(self.provider._fetches_recordings())
        history = self.env["pbx.history"]
        catch_up = history._catch_up_of(self.provider.id)
        catch_up.write({"state": "done", "next_attempt_at": ahead})
        self.assertIn(catch_up.id, history._find_due(self.provider.id))
