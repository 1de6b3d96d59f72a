"""Recordings are heard, in a real browser, from the real address."""

from odoo.tests import tagged

from .common import PbxHttpCase
from .recordings import RecordingCase


@tagged("post_install", "-at_install")
class TestRecordingTour(RecordingCase, PbxHttpCase):
    # The first page builds the browser's files; on a busy machine others wait for it.
    test_cursor_lock_timeout = 60

    def setUp(self):
        super().setUp()
        self.partner = self.new_partner(user_id=self.boris.id)
        self.call = self.recorded("answered", extension="100", duration=65)

    def test_agent_hears_a_call(self):
        self.run_job("fetch_recordings")
        self.start_tour(
            f"/odoo/calls/{self.call.id}", "cloud_pbx_recording", login=self.anna.login
        )

    def test_agent_hears_it_from_the_contact(self):
        self.run_job("fetch_recordings")
        # The form is read again at each message of a call: none is left from before.
        self.env.flush_all()
        self.env.cr.flush()
        self.env["bus.bus"].search([]).unlink()
        self.start_tour(
            f"/odoo/contacts/{self.partner.id}",
            "cloud_pbx_contact_recording",
            login=self.anna.login,
        )

    def test_a_linked_one_is_heard_from_the_pbx(self):
        self.provider.recording_mode = "link"
        self.run_job("fetch_recordings")
        self.assertEqual(self.call.recording_ids.state, "linked")
        self.start_tour(
            f"/odoo/calls/{self.call.id}", "cloud_pbx_recording", login=self.anna.login
        )
        asked = [e for e in self.asked("/record/request")]
        self.assertLessEqual(len(asked), 2, "one for the job, one for all the ranges")

    def test_the_tab_costs_the_same_with_one_call_and_with_ten(self):
        spec = {
            "pbx_last_call_ids": {
                "fields": {
                    "recording_ids": {"fields": {"state": {}, "error": {}}},
                    "leg_ids": {
                        "fields": {
                            "number": {},
                            "start": {},
                            "user_id": {"fields": {"display_name": {}}},
                            "extension_id": {"fields": {"display_name": {}}},
                        }
                    },
                    "start": {},
                }
            }
        }

        def cost():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.partner.with_user(self.anna).web_read(spec)
            return self.env.cr.sql_log_count - before

        cost()
        one = cost()
        for _call in range(12):
            self.recorded("answered", extension="100")
        self.assertLessEqual(cost(), one)

    def test_who_sees_the_call_only_is_shown_no_player(self):
        self.run_job("fetch_recordings")
        spec = {
            "pbx_last_call_ids": {
                "fields": {"recording_ids": {"fields": {"state": {}}}, "start": {}}
            }
        }
        for user, count in ((self.anna, 1), (self.boris, 0), (self.supervisor, 1)):
            with self.subTest(user.name):
                self.env.invalidate_all()
                partner = self.partner.with_user(user)
                [calls] = [row["pbx_last_call_ids"] for row in partner.web_read(spec)]
                self.assertEqual(len(calls), 1)
                self.assertEqual(len(calls[0]["recording_ids"]), count)
