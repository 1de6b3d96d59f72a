"""Recordings are fetched from a fake PBX, whatever goes wrong on the way."""

import base64
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.recording.fetch import UNREACHABLE_IN_A_ROW, Fetch
from ..models.recording.pbx_recording import NotPlayable
from ..telephony.dialect import RecordingFile
from ..telephony.http import sound as download
from .common import SECRET, PbxCase, log_lines
from .recordings import FILE, LINK, RecordingCase


class Killed(BaseException):
    """The process ends here."""


@tagged("post_install", "-at_install")
class TestRecordingFetch(RecordingCase, PbxCase):
    def the_recording(self, name="answered", **parameters):
        return self.recorded(name, **parameters).recording_ids

    def attachments(self, recording):
        return self.env["ir.attachment"].search(
            [("res_model", "=", "pbx.recording"), ("res_field", "=", "audio")]
        )

    def dialect_has(self, **attributes):
        """Another PBX for a while, as far as these attributes go."""
        return patch.multiple(type(self.provider._dialect()), **attributes)

    # ------------------------------------------------------------------------- when

    def test_ready_at_once_where_the_pbx_has_it_at_once(self):
        with self.dialect_has(recording_ready_seconds=0):
            recording = self.the_recording(events=("NOTIFY_START", "NOTIFY_END"))
        self.assertLessEqual(self.seconds_until_next(recording), 0)

    def test_fetched_when_the_pbx_has_it_ready(self):
        recording = self.the_recording(duration=30)
        self.assertEqual(recording.state, "waiting")
        self.assertLessEqual(self.seconds_until_next(recording), 0)
        self.run_job("fetch_recordings")
        self.assertRecordValues(
            recording,
            [
                {
                    "state": "stored",
                    "mimetype": "audio/mpeg",
                    "attempts": 1,
                    "error": False,
                }
            ],
        )
        sound = base64.b64decode(recording.with_context(bin_size=False).audio)
        self.assertEqual(sound[:3], b"ID3")
        self.assertIn(recording.ref.encode(), sound[:60])
        self.assertEqual(len(sound), recording.size)
        [asked] = self.asked("/record/request")
        self.assertIn(recording.ref, str(asked))

    def test_forty_seconds_after_the_end_without_a_word(self):
        recording = self.the_recording(events=("NOTIFY_START", "NOTIFY_END"))
        self.assertAlmostEqual(self.seconds_until_next(recording), 40, delta=5)
        self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "waiting")
        self.assertFalse(self.asked("/record/"), "nothing was asked before its time")
        [trigger] = self.env["ir.cron.trigger"].search(
            [
                (
                    "cron_id",
                    "=",
                    self.env.ref("cloud_pbx.ir_cron_fetch_recordings").id,
                ),
                ("call_at", ">", fields.Datetime.now()),
            ]
        )
        self.assertEqual(trigger.call_at, recording.next_attempt_at)

    def test_ready_after_an_attempt_came_too_early(self):
        self.pbx.account.record_ready_after = 3600
        ready = self.pbx.fake.plan("record_after_end", {})
        self.pbx.fake.play(ready)
        now = fields.Datetime.now()
        self.put(ready.steps[:-1], now - timedelta(seconds=50), gap=0)
        self.run_job("apply_events")
        recording = self.the_call().recording_ids
        self.run_job("fetch_recordings")
        self.assertEqual((recording.state, recording.attempts), ("waiting", 1))
        self.assertGreater(self.seconds_until_next(recording), 30)
        self.assertIn("or not yet", recording.error)
        self.pbx.account.recordings.clear()
        self.pbx.account.record_ready_after = 0
        self.pbx.fake.send(ready.steps[-1])
        self.put(ready.steps[-1:], now + timedelta(seconds=2))
        self.run_job("apply_events")
        self.assertLessEqual(self.seconds_until_next(recording), 0)
        self.run_job("fetch_recordings")
        self.assertEqual((recording.state, recording.error), ("stored", False))

    def test_several_of_one_call(self):
        call = self.recorded("transfer")
        self.assertEqual(len(call.recording_ids), 2)
        self.run_job("fetch_recordings")
        self.assertEqual(set(call.recording_ids.mapped("state")), {"stored"})
        first, second = call.recording_ids.with_context(bin_size=False)
        self.assertNotEqual(first.audio, second.audio)

    def test_which_part_of_the_call_it_is(self):
        """By events alone, and by the past calls, which know how long each part was."""
        self.new_extension("105", self.boris)
        call = self.recorded("transfer", to_extension="105", duration=90)
        parts = call.recording_ids.with_user(self.supervisor)
        names = [f"{self.anna.name} (100)", f"{self.boris.name} (105)"]
        first, second = parts.sorted("speaker")
        self.assertEqual([first.speaker, second.speaker], names)
        for part, leg in zip(
            (first, second), call.leg_ids.sorted("number"), strict=True
        ):
            self.assertEqual(part.spoken_at, leg.answer or leg.start)
        self.assertEqual([first.talk_seconds, second.talk_seconds], [0, 0])
        self.assertNotEqual(first._file_name(), second._file_name())
        self.assertTrue(first.display_name.startswith(f"{names[0]}, "))
        self.provider.action_fetch_history()
        self.env.invalidate_all()
        self.assertEqual([first.speaker, second.speaker], names)
        self.assertEqual([first.talk_seconds, second.talk_seconds], [45, 45])
        with self.subTest("one recording is of the whole call"):
            one = self.recorded("answered", duration=60, extension="100").recording_ids
            self.assertEqual((one.speaker, one.talk_seconds), (names[0], 60))
            self.assertNotIn(names[0], one._file_name())
        with self.subTest("voicemail"):
            left = self.recorded("voicemail", extension="100").recording_ids
            self.assertEqual((left.speaker, left.talk_seconds), ("Voicemail", 21))
            self.assertEqual(left.spoken_at, left.call_id.start)

    def test_a_repeated_event_fetches_nothing_again(self):
        recording = self.the_recording("repeated")
        self.run_job("fetch_recordings")
        self.fetch()
        self.assertEqual(len(self.asked("/record/request")), 1)
        self.assertEqual(recording.attempts, 1)

    # --------------------------------------------------------------- what goes wrong

    def test_every_fault_is_got_over(self):
        kinds = ("500", "html", "truncated", "empty", "wrong_types")
        for path in (LINK, FILE):
            for kind in kinds:
                if (path, kind) == (FILE, "wrong_types"):
                    continue  # it spoils JSON only
                with self.fresh(kind, path):
                    self.pbx.reset()
                    recording = self.the_recording()
                    self.break_next(kind, path)
                    self.run_job("fetch_recordings")
                    self.assertEqual(recording.state, "waiting")
                    self.assertEqual(recording.attempts, 1)
                    self.assertTrue(recording.error)
                    self.assertNotIn("download", recording.error, "no link in it")
                    self.assertFalse(self.attachments(recording))
                    wait = self.seconds_until_next(recording)
                    self.assertAlmostEqual(wait, 40, delta=5)
                    self.fetch()
                    self.assertEqual(recording.state, "stored")
                    self.assertEqual(recording.attempts, 2)
                    self.assertFalse(recording.error)

    def test_a_slow_drip_ends(self):
        recording = self.the_recording()
        self.break_next("drip", FILE, seconds=600)
        with patch.object(download, "FILE_SECONDS", 0.3):
            self.run_job("fetch_recordings")
        self.assertIn("no answer in time", recording.error)

    def test_too_often_is_no_attempt_and_the_rest_waits_too(self):
        for kind in ("429", "429_retry_after", "200"):
            for path in (LINK, FILE):
                with self.fresh(kind, path):
                    self.pbx.reset()
                    first = self.the_recording()
                    second = self.the_recording()
                    self.break_next(kind, path, seconds=7)
                    self.run_job("fetch_recordings")
                    both = first + second
                    self.assertEqual(both.mapped("state"), ["waiting"] * 2)
                    self.assertEqual(both.mapped("attempts"), [0, 0])
                    self.assertEqual(both.mapped("error"), [False, False])
                    self.assertEqual(len(self.asked("/record/request")), 1)
                    self.assertLessEqual(self.seconds_until_next(first), 0)

    def test_the_job_comes_back_when_it_may_ask_again(self):
        self.the_recording()
        self.break_next("429_retry_after", LINK, seconds=90)
        job = self.env.ref("cloud_pbx.ir_cron_fetch_recordings")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
        self.run_job("fetch_recordings")
        added = triggers.search([("cron_id", "=", job.id)]) - triggers
        later = fields.Datetime.now() + timedelta(seconds=80)
        self.assertTrue(added)
        # At once, it would run again and again until then.
        self.assertFalse(added.filtered(lambda trigger: trigger.call_at < later))

    def test_a_wrong_key_pauses_without_an_attempt(self):
        recording = self.the_recording()
        self.provider.api_secret = "another"
        self.run_job("fetch_recordings")
        self.assertEqual((recording.state, recording.attempts), ("waiting", 0))
        self.assertIn("key", recording.error)
        self.assertTrue(self.provider.recordings_paused_until)
        self.run_job("fetch_recordings")
        self.assertEqual(len(self.asked("/record/request")), 1)
        # New keys are tried at once.
        self.provider.api_secret = SECRET
        self.assertFalse(self.provider.recordings_paused_until)
        self.run_job("fetch_recordings")
        self.assertEqual((recording.state, recording.error), ("stored", False))

    def test_pauses_grow_until_it_has_failed(self):
        recording = self.the_recording()
        self.pbx.account.recordings.clear()
        waits = []
        for _attempt in range(10):
            self.fetch()
            if recording.state == "failed":
                break
            waits.append(round(self.seconds_until_next(recording), -1))
        self.assertEqual(waits, [40, 120, 600, 3600, 21600, 86400])
        self.assertEqual(recording.attempts, 7)
        self.assertIn("does not have it", recording.error)
        self.fetch()
        self.assertEqual(len(self.asked("/record/request")), 7, "not asked any more")
        with self.subTest("and somebody asks for it again"):
            self.pbx.account.recordings[recording.ref] = 0
            recording.with_user(self.anna).action_fetch()
            self.run_job("fetch_recordings")
            self.assertEqual((recording.state, recording.error), ("stored", False))

    def test_of_an_old_call_it_is_gone_sooner(self):
        recording = self.the_recording()
        self.age(recording, 3)
        self.pbx.account.recordings.clear()
        self.fetch()
        self.assertEqual(recording.state, "waiting")
        self.fetch()
        self.assertEqual(recording.state, "failed")

    def test_one_failing_does_not_hold_up_others(self):
        bad = self.the_recording()
        good = self.the_recording()
        del self.pbx.account.recordings[bad.ref]
        self.run_job("fetch_recordings")
        self.assertEqual((bad.state, good.state), ("waiting", "stored"))

    def test_a_bug_does_not_hold_up_others_and_tells_no_link(self):
        recordings = self.the_recording() + self.the_recording()
        secret = "https://pbx.example/secret-link"
        fetch, calls = download.fetch, []

        def broken(*arguments, **more):
            calls.append(arguments)
            if len(calls) == 1:
                raise KeyError(secret)
            return fetch(*arguments, **more)

        with patch.object(download, "fetch", broken), log_lines() as lines:
            self.run_job("fetch_recordings")
        self.assertEqual(sorted(recordings.mapped("state")), ["stored", "waiting"])
        self.assertIn("KeyError", str(lines))
        self.assertNotIn("secret-link", str(lines))
        self.assertNotIn("secret-link", str(recordings.mapped("error")))

    def test_a_pbx_that_is_away_is_left_after_three(self):
        for _number in range(5):
            self.recorded()
        self.provider.server_url = "http://127.0.0.1:9"
        self.run_job("fetch_recordings")
        tried = self.env["pbx.recording"].search([("attempts", ">", 0)])
        self.assertEqual(len(tried), UNREACHABLE_IN_A_ROW)

    def test_too_large_is_not_taken(self):
        recording = self.the_recording(duration=3600)
        self.provider.recording_max_mb = 1
        self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "failed")
        self.assertIn("larger than 1 MB", recording.error)
        self.assertFalse(self.attachments(recording))

    def test_a_link_to_another_host_is_not_followed(self):
        recording = self.the_recording()
        url = self.pbx.url.replace("127.0.0.1", "localhost") + "/v1/x.mp3"
        file = RecordingFile(url)
        dialect = self.provider._dialect()
        with patch.object(type(dialect), "fetch_recording", lambda *_arguments: file):
            self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "waiting")
        self.assertIn("another host", recording.error)
        self.assertFalse(self.asked("/v1/x.mp3"))

    # ----------------------------------------------------------------- two, and kills

    def test_who_is_killed_leaves_it_to_the_next(self):
        """At every step: claimed, asked for the link, the file, before it is kept."""
        for owner, name in (
            (Fetch, "attempt"),
            (download, "check_home"),
            (download, "fetch"),
            (type(self.env["pbx.recording"]), "_store"),
        ):
            with self.fresh(name):
                self.pbx.reset()
                recording = self.the_recording()
                with patch.object(owner, name, side_effect=Killed):
                    with self.fails(Killed), self.env.registry.cursor() as cr:
                        Fetch(recording.with_env(self.env(cr=cr))).run()
                self.env.invalidate_all()
                self.assertEqual((recording.state, recording.attempts), ("waiting", 1))
                self.assertFalse(self.attachments(recording))
                self.run_job("fetch_recordings")
                self.assertEqual(recording.state, "waiting", "the claim still holds")
                recording.claimed_until = fields.Datetime.now()
                self.run_job("fetch_recordings")
                self.assertEqual(recording.state, "stored")
                self.assertEqual(len(self.attachments(recording)), 1)

    def test_two_workers_never_fetch_the_same(self):
        recording = self.the_recording()
        attempt, second = Fetch.attempt, []

        def meanwhile(this, file):
            # Another worker's job comes by while this one fetches.
            second.append(self.env["pbx.recording"]._find_due(self.provider.ids, 10))
            second.append(Fetch(recording).claim())
            return attempt(this, file)

        with patch.object(Fetch, "attempt", meanwhile):
            self.run_job("fetch_recordings")
        self.assertEqual(second, [[], None])
        self.assertEqual(recording.state, "stored")
        self.assertEqual(len(self.asked("/record/request")), 1)

    def test_ready_while_it_was_tried(self):
        """An attempt that began too early pushes nothing back that came since."""
        recording = self.the_recording()
        self.pbx.account.recordings.clear()
        attempt = Fetch.attempt

        def meanwhile(this, file):
            result = attempt(this, file)
            with self.env.registry.cursor() as cr:
                same = this.recording.with_env(self.env(cr=cr)).sudo()
                same.write({"attempts": 0, "next_attempt_at": fields.Datetime.now()})
            return result

        with patch.object(Fetch, "attempt", meanwhile):
            Fetch(recording).run()
        self.env.invalidate_all()
        self.assertEqual((recording.state, recording.attempts), ("waiting", 0))
        self.assertLessEqual(self.seconds_until_next(recording), 0)
        self.assertTrue(self.env["pbx.recording"]._find_due(self.provider.ids, 10))

    def test_removed_while_it_was_fetched(self):
        recording = self.the_recording()
        attempt = Fetch.attempt

        def meanwhile(this, file):
            result = attempt(this, file)
            this.recording.call_id.unlink()
            return result

        with patch.object(Fetch, "attempt", meanwhile):
            self.run_job("fetch_recordings")
        self.assertFalse(recording.exists())
        self.assertFalse(self.attachments(recording))

    def test_the_file_goes_with_the_call(self):
        recording = self.the_recording()
        self.run_job("fetch_recordings")
        self.assertTrue(self.attachments(recording))
        recording.call_id.with_user(self.supervisor).unlink()
        self.assertFalse(self.attachments(recording))

    # ------------------------------------------------------------------ what is wanted

    def test_linked_where_nothing_is_to_be_stored(self):
        self.provider.recording_mode = "link"
        recording = self.the_recording()
        self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "linked")
        self.assertFalse(self.attachments(recording))
        self.assertEqual(len(self.asked("/record/request")), 1)

    def test_stored_where_the_pbx_gives_no_links(self):
        """Whatever is set: a browser could not follow what this PBX gives."""
        self.provider.recording_mode = "link"
        recording = self.the_recording()
        with self.dialect_has(recording_link_seconds=0):
            self.run_job("fetch_recordings")
            self.assertEqual(recording.state, "stored")
            self.assertEqual(recording._playback_link(), "")

    def test_linked_before_its_pbx_gave_no_links_any_more(self):
        recording = self.the_recording()
        recording.write({"state": "linked", "attempts": 1})
        with self.dialect_has(recording_link_seconds=0):
            # Not by assertRaises(): it undoes what was written.
            with self.fails(NotPlayable) as caught:
                recording._playback_link()
            self.assertIn("not fetched yet", caught.exception.text)
            self.assertEqual(recording.state, "waiting")
            self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "stored")

    def test_what_the_pbx_wants_with_the_question_for_the_file(self):
        recording = self.the_recording()
        dialect, fetch, sent = self.provider._dialect(), download.fetch, []
        ask = dialect.fetch_recording

        def with_key(*arguments):
            return replace(ask(*arguments), headers={"X-Key": "k"})

        def fetch_with_key(url, home, into, max_bytes, headers=None, explain=None):
            sent.append((home, headers))
            return fetch(url, home, into, max_bytes, headers, explain=explain)

        with (
            self.dialect_has(fetch_recording=staticmethod(with_key)),
            patch.object(download, "fetch", fetch_with_key),
        ):
            self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "stored")
        self.assertEqual(sent, [(self.provider.server_url, {"X-Key": "k"})])

    def test_an_inactive_pbx_is_left_alone(self):
        recording = self.the_recording()
        self.provider.user_id = False
        self.run_job("fetch_recordings")
        self.assertEqual((recording.state, recording.attempts), ("waiting", 0))
        self.assertFalse(self.asked("/record/"))
        with self.assertRaises(UserError):
            recording.with_user(self.anna).action_fetch()
        self.provider.user_id = self.robot
        self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "stored")

    def test_older_than_it_would_be_kept_is_not_fetched(self):
        recording = self.the_recording()
        self.provider.recording_days = 2
        self.age(recording, 3)
        self.run_job("fetch_recordings")
        self.assertEqual(recording.state, "expired")
        self.assertFalse(self.asked("/record/"))

    def test_only_who_may_hear_it_has_it_fetched(self):
        recording = self.the_recording(extension="100")
        self.run_job("fetch_recordings")
        with self.assertRaises(AccessError):
            recording.with_user(self.boris).action_fetch()
        with self.assertRaises(UserError):  # it is here already
            recording.with_user(self.anna).action_fetch()


@tagged("post_install", "-at_install")
class TestRecordingFetchAsDocumented(TestRecordingFetch):
    """The same, from a PBX that answers as its document says."""

    mode = "spec"
