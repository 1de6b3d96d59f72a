"""/pbx/recording/<id>: who may hear, ranges, links, and what a person reads."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import PbxHttpCase
from .recordings import LINK, RecordingCase


@tagged("post_install", "-at_install")
class TestRecordingHear(RecordingCase, PbxHttpCase):
    def setUp(self):
        super().setUp()
        self.partner = self.new_partner(user_id=self.boris.id)
        self.call = self.recorded("answered", extension="100", duration=60)
        self.recording = self.call.recording_ids

    def hear(self, recording=None, query="", **more):
        recording = recording or self.recording
        more.setdefault("allow_redirects", False)
        return self.url_open(f"/pbx/recording/{recording.id}{query}", **more)

    def get(self, method="GET", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.opener.request(
            method,
            f"{self.base_url()}/pbx/recording/{self.recording.id}",
            headers=headers,
            allow_redirects=False,
            timeout=10,
        )

    def stored(self):
        self.run_job("fetch_recordings")
        self.assertEqual(self.recording.state, "stored")
        return self.recording.with_context(bin_size=False).audio

    def as_(self, user):
        self.authenticate(user.login, user.login)

    def linked(self):
        self.provider.recording_mode = "link"
        self.run_job("fetch_recordings")
        self.assertEqual(self.recording.state, "linked")

    # -------------------------------------------------------------------- who hears

    def test_who_hears_it(self):
        self.stored()
        stranger = self.new_user("stranger", "base.group_user")
        chief = self.new_user("chief", "base.group_system")
        # Boris sees the call, of his customer: he does not hear it.
        self.assertTrue(self.call.with_user(self.boris).has_access("read"))
        cases = {
            self.anna: 200,
            self.supervisor: 200,
            self.boris: 404,
            stranger: 404,
            chief: 404,
        }
        for user, status in cases.items():
            with self.subTest(user.name):
                self.as_(user)
                answer = self.hear()
                self.assertEqual(answer.status_code, status)
                if status == 404:
                    missing = self.url_open("/pbx/recording/999999999")
                    self.assertEqual(missing.status_code, 404)
                    self.assertEqual(answer.content, missing.content)
                    self.assertEqual(answer.headers.keys(), missing.headers.keys())

    def test_nobody_hears_it_without_a_login(self):
        self.stored()
        self.authenticate(None, None)
        answer = self.hear()
        self.assertIn("/web/login", answer.headers["Location"])

    def test_no_other_way_to_it(self):
        self.stored()
        attachment = self.env["ir.attachment"].search(
            [("res_model", "=", "pbx.recording"), ("res_field", "=", "audio")]
        )
        self.assertEqual(attachment.res_id, self.recording.id)
        self.assertFalse(attachment.public)
        ways = (
            f"/web/content/{attachment.id}",
            f"/web/content/pbx.recording/{self.recording.id}/audio",
            f"/web/content?model=pbx.recording&id={self.recording.id}&field=audio",
            f"/web/image/{attachment.id}",
        )
        self.as_(self.anna)
        self.assertEqual(self.url_open(ways[0]).status_code, 200)
        for user in (self.boris, None):
            self.authenticate(user and user.login, user and user.login)
            for way in ways:
                with self.subTest(way, user=user and user.name):
                    answer = self.url_open(way)
                    self.assertNotIn("audio", answer.headers.get("Content-Type", ""))
                    self.assertNotIn(self.recording.ref.encode(), answer.content)
                    if "image" not in way:
                        self.assertEqual(answer.status_code, 404)

    def test_companies_do_not_hear_each_other(self):
        self.stored()
        other = self.env["res.company"].create({"name": "Another company"})
        self.as_(self.new_user("their_chief", "cloud_pbx.group_pbx_manager", other))
        self.assertEqual(self.hear().status_code, 404)

    # ------------------------------------------------------------------------ stored

    def test_the_file_as_a_browser_asks_for_it(self):
        sound = self.stored()
        self.as_(self.anna)
        answer = self.hear()
        self.assertEqual(len(answer.content), self.recording.size)
        self.assertTrue(sound)
        headers = answer.headers
        self.assertEqual(headers["Content-Type"], "audio/mpeg")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(headers["Accept-Ranges"], "bytes")
        self.assertIn("private", headers["Cache-Control"])
        self.assertNotIn("public", headers["Cache-Control"])
        self.assertTrue(headers["Content-Disposition"].startswith("inline"))
        self.assertIn(f"{self.call.start:%Y-%m-%d}", headers["Content-Disposition"])
        self.assertIn(".mp3", headers["Content-Disposition"])
        kept = self.hear(query="?download=1").headers["Content-Disposition"]
        self.assertTrue(kept.startswith("attachment"))

    def test_ranges(self):
        self.stored()
        self.as_(self.anna)
        whole = self.get().content
        size, tag = len(whole), self.get().headers["ETag"]
        part = self.get(Range="bytes=100-199")
        self.assertEqual(part.status_code, 206)
        self.assertEqual(part.content, whole[100:200])
        self.assertEqual(part.headers["Content-Range"], f"bytes 100-199/{size}")
        self.assertEqual(self.get(Range=f"bytes={size - 5}-").content, whole[-5:])
        self.assertEqual(self.get(Range="bytes=-7").content, whole[-7:])
        self.assertEqual(self.get(Range=f"bytes={size}-").status_code, 416)
        same = self.get(Range="bytes=0-9", If_Range=tag)
        self.assertEqual((same.status_code, same.content), (206, whole[:10]))
        changed = self.get(Range="bytes=0-9", If_Range='"another"')
        self.assertEqual((changed.status_code, changed.content), (200, whole))
        self.assertEqual(self.get(If_None_Match=tag).status_code, 304)
        head = self.get("HEAD")
        self.assertEqual((head.status_code, head.content), (200, b""))
        self.assertEqual(head.headers["Content-Length"], str(size))

    def test_what_a_person_reads(self):
        self.as_(self.anna)
        answer = self.hear()
        self.assertEqual(answer.status_code, 404)
        self.assertIn("not fetched yet", answer.text)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain"))
        self.recording.write({"state": "failed", "error": "It <b>broke</b>."})
        answer = self.hear()
        self.assertEqual(answer.status_code, 404)
        self.assertIn("It <b>broke</b>.", answer.text)
        self.recording.state = "expired"
        self.assertEqual(self.hear().status_code, 410)
        self.assertFalse(self.asked("/record/"), "nothing was asked for that")

    # ------------------------------------------------------------------------ linked

    def test_a_fresh_link_once_in_a_while(self):
        self.linked()
        self.as_(self.anna)
        before = len(self.asked("/record/request"))
        answers = [self.hear() for _range in range(3)]
        self.assertEqual({answer.status_code for answer in answers}, {302})
        [link] = {answer.headers["Location"] for answer in answers}
        self.assertTrue(link.startswith(self.pbx.url))
        self.assertEqual(len(self.asked("/record/request")), before + 1)
        for answer in answers:
            self.assertEqual(answer.headers["Cache-Control"], "no-store")
            self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(self.pbx.send("GET", link).content[:3], b"ID3")
        with self.subTest("when it is over, a new one"):
            self.recording.link_until = fields.Datetime.now() - timedelta(seconds=1)
            self.assertNotEqual(self.hear().headers["Location"], link)
        with self.subTest("nobody else is given it"):
            self.as_(self.boris)
            self.assertEqual(self.hear().status_code, 404)

    def test_the_link_is_nobody_s_to_read(self):
        self.linked()
        self.as_(self.anna)
        self.hear()
        self.assertTrue(self.recording.link)
        mine = self.recording.with_user(self.supervisor)
        self.assertNotIn("link", mine.fields_get())
        self.assertNotIn("link", mine.read()[0])
        chief = self.new_user("chief", "base.group_system,cloud_pbx.group_pbx_manager")
        self.assertNotIn("link", self.recording.with_user(chief).read()[0])

    def test_at_the_pbx_in_link_mode_is_heard_before_the_job_comes(self):
        self.provider.recording_mode = "link"
        self.as_(self.anna)
        self.assertEqual(self.hear().status_code, 302)
        self.env.invalidate_all()
        self.assertEqual(self.recording.state, "linked")

    def test_why_there_is_no_link_now(self):
        self.linked()
        self.as_(self.anna)
        self.break_next("429_retry_after", LINK, seconds=33)
        answer = self.hear()
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.headers["Retry-After"], "33")
        self.assertIn("33 seconds", answer.text)
        self.env["pbx.rate"].search([]).blocked_until = 0
        self.env.flush_all()
        self.break_next("500", LINK)
        answer = self.hear()
        self.assertEqual(answer.status_code, 502)
        self.assertIn("cannot be reached", answer.text)
        self.pbx.account.recordings.clear()
        answer = self.hear()
        self.assertEqual(answer.status_code, 404)
        self.assertIn("does not have this recording", answer.text)
        self.provider.user_id = False
        answer = self.hear()
        self.assertEqual(answer.status_code, 503)
        self.assertIn("inactive", answer.text)
