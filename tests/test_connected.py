"""Never connected, connected, disconnected, archived: who is asked, who is believed."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..telephony.zadarma.signature import sign_event
from .common import REF, SECRET, PbxHttpCase, log_lines
from .test_connect import ConnectCase
from .test_webhook import START

JOBS = (
    "apply_events close_calls rematch backfill read_phones fetch_history refresh "
    "keep_alive silence fetch_recordings replay promises status tags leads chatter "
    "report"
).split()


@tagged("post_install", "-at_install")
class TestSilence(ConnectCase):
    """No job asks a PBX that is not connected."""

    def run_jobs(self):
        """Run all our jobs; return the paths that were asked for."""
        others = self.env["pbx.provider"].search([("id", "!=", self.provider.id)])
        others.active = False
        before = len(self.asked())
        self.env.cr.execute(
            "UPDATE pbx_recording SET next_attempt_at = '2026-01-01', attempts = 0"
        )
        for job in JOBS:
            with log_lines():
                self.run_job(job)
        return [entry["path"] for entry in self.asked()[before:]]

    def test_every_job_is_run_here(self):
        ours = self.env["ir.model.data"].search(
            [("module", "=", "cloud_pbx"), ("model", "=", "ir.cron")]
        )
        self.assertEqual({f"ir_cron_{job}" for job in JOBS}, set(ours.mapped("name")))

    def test_never_connected(self):
        self.tell("answered", pbx_call_id=REF)
        self.env["pbx.event"].search([]).unlink()  # an import, perhaps
        self.assertFalse(self.run_jobs())
        # A person may ask all the same.
        told = self.mine.action_fetch_history()["params"]["message"]
        self.assertIn("Past calls", told)
        self.assertTrue(self.asked("statistics"))

    def test_connected_until_it_is_disconnected(self):
        self.connect()
        self.assertTrue(self.run_jobs())
        self.tell("answered", pbx_call_id=REF)
        with log_lines():
            self.mine.action_disconnect()
        self.assertFalse(self.run_jobs())
        # Not even where an event was on its way.
        self.post("NOTIFY_START", START)
        self.assertFalse(self.run_jobs())
        self.connect()
        self.provider.refreshed_at = False
        self.assertTrue(self.run_jobs())

    def test_check_does_not_make_up_for_disconnect(self):
        self.connect()
        with log_lines():
            self.mine.action_disconnect()
        with self.webhook_open(), log_lines():
            told = self.mine.action_check()["params"]
        self.assertEqual(told["type"], "success", told)
        self.assertEqual(self.provider.state, "draft")
        self.assertFalse(self.provider.connected_url)

    def test_an_address_that_was_entered_by_hand(self):
        self.assertEqual(self.provider.state, "draft")
        self.assertEqual(self.post("NOTIFY_START", START).status_code, 200)
        self.assertTrue([path for path in self.run_jobs() if "statistics" in path])
        self.assertEqual(self.provider.state, "connected")
        self.assertEqual(self.provider.connected_url, self.provider.webhook_url)

    def test_the_own_test_event_is_no_sign_of_the_pbx(self):
        with self.webhook_open(), log_lines():
            self.mine.action_check()
        self.env.invalidate_all()
        self.assertTrue(self.events("CLOUD_PBX_CHECK"))
        self.assertFalse(self.provider.last_event_at)
        self.assertFalse(self.provider._has_events(False))
        self.mine.action_rotate_token()
        self.assertTrue(self.provider.url_changed)
        self.assertNotIn("still sends", self.provider.hint)
        self.connect()
        self.mine.action_rotate_token()
        self.assertIn("still sends", self.provider.hint)


@tagged("post_install", "-at_install")
class TestFormerSecret(PbxHttpCase):
    """Events are signed before they travel, and keys are changed meanwhile."""

    def send(self, secret):
        """Post a new event under ``secret``; return the status."""
        self.sent = getattr(self, "sent", 0) + 1
        step = {**START, "pbx_call_id": f"in_{self.sent}"}
        with log_lines():
            return self.post("NOTIFY_START", step, secret=secret).status_code

    def change(self, secret):
        self.provider.api_secret = secret
        self.env.flush_all()

    def test_one_that_worked_is_taken_for_a_day(self):
        """Never connected from here: the address was entered by hand."""
        self.assertFalse(self.provider.connected_at)
        self.assertEqual(self.send(SECRET), 200)
        self.change("second")
        self.assertEqual((self.send(SECRET), self.send("second")), (200, 200))
        until = fields.Datetime.now() - timedelta(seconds=1)
        self.provider.former_secret_until = until
        self.assertEqual((self.send(SECRET), self.send("second")), (403, 200))

    def test_one_that_never_worked_is_not(self):
        self.change("second")
        self.assertEqual((self.send(SECRET), self.send("second")), (403, 200))

    def test_a_mistyped_one_does_not_take_its_place(self):
        self.assertEqual(self.send(SECRET), 200)
        self.change("mistyped")
        self.assertEqual(self.send(SECRET), 200)
        self.change("second")
        self.assertEqual(self.send(SECRET), 200, "the PBX may still use it")
        self.assertEqual((self.send("mistyped"), self.send("second")), (403, 200))

    def test_a_field_that_was_emptied_in_between(self):
        self.assertEqual(self.send(SECRET), 200)
        self.change(False)
        self.assertEqual(self.send(SECRET), 403)
        self.change("second")
        self.assertEqual((self.send(SECRET), self.send("second")), (200, 200))

    def test_our_own_test_event_is_no_proof(self):
        fields_ = {"event": "CLOUD_PBX_CHECK", **START}
        signature = sign_event("CLOUD_PBX_CHECK", fields_, SECRET)
        response = self.url_open(
            self.url_of(), data=fields_, headers={"Signature": signature}
        )
        self.assertEqual(response.status_code, 200)
        self.change("second")
        self.assertEqual(self.send(SECRET), 403)


@tagged("post_install", "-at_install")
class TestContentsWithoutALog(PbxHttpCase):
    TEXT = "the parcel is at the door"

    def setUp(self):
        super().setUp()
        self.send = lambda: self.post("SMS", result=f'{{"text": "{self.TEXT}"}}')

    def kept(self):
        self.env.flush_all()
        self.env.cr.execute("SELECT event::text FROM pbx_event event")
        return str(self.env.cr.fetchall())

    def test_nothing_of_an_sms_is_kept(self):
        self.provider.keep_log = False
        self.assertEqual(self.send().status_code, 200)
        self.post("NOTIFY_FUTURE", {**START, "note": self.TEXT})
        self.post("NOTIFY_START", {**START, "note": self.TEXT})
        self.assertEqual(set(self.events().mapped("state")), {"ignored", "done"})
        self.assertNotIn(self.TEXT, self.kept())

    def test_what_was_kept_goes_when_the_log_is_switched_off(self):
        self.send()
        self.post("NOTIFY_START", {**START, "note": self.TEXT})
        failed = self.put([])  # what still waits keeps its contents
        self.assertFalse(failed)
        self.assertIn(self.TEXT, self.kept())
        self.provider.keep_log = False
        self.assertNotIn(self.TEXT, self.kept())

    def test_what_waits_keeps_its_contents_until_it_is_applied(self):
        self.send()
        event = self.events("SMS")
        event.state = "failed"
        self.provider.keep_log = False
        self.assertIn(self.TEXT, self.kept())
        event.action_replay()
        self.assertNotIn(self.TEXT, self.kept())


@tagged("post_install", "-at_install")
class TestSettings(ConnectCase):
    """What the form says to a fresh administrator."""

    def test_archived(self):
        self.connect()
        self.mine.action_archive()
        self.assertIn(
            "Archived: events are refused. The PBX goes on sending them until you "
            "press “Disconnect”.",
            self.provider.hint,
        )
        self.assertNotIn("Run as", self.provider.hint)
        for press in ("action_check", "action_fetch_history", "action_connect"):
            with self.subTest(press), self.assertRaisesRegex(UserError, "archived"):
                getattr(self.mine, press)()
        with log_lines():
            self.mine.action_disconnect()
        self.assertNotIn("Disconnect", self.provider.hint)
        self.assertIn("Archived: events are refused", self.provider.hint)

    def test_one_with_calls_is_not_deleted(self):
        self.tell("answered")
        with self.assertRaisesRegex(UserError, "has calls. Archive it instead"):
            self.mine.unlink()
        self.calls().unlink()
        self.mine.unlink()

    def test_values_that_make_no_sense_are_refused_by_name(self):
        for name, value, label in (
            ("open_call_hours", 0, "Close open calls"),
            ("log_days", 2, "Days to keep the log"),
            ("general_limit", 0, "Requests per minute"),
            ("statistics_limit", -1, "Statistics requests"),
            ("silence_minutes", -5, "Warn after silence"),
            ("balance_threshold", -1, "Warn below"),
            ("recording_max_mb", 0, "Largest recording"),
            ("recording_days", -1, "Keep recordings"),
            ("port", 70000, "port"),
            ("external_url", "https://odoo.example.com?x=1", "External address"),
            ("external_url", "https://odoo.example.com/#x", "External address"),
            ("external_url", "https://user@odoo.example.com", "External address"),
            ("server_url", "https://api.zadarma.com/?x=1", "server address"),
            ("server_url", "api .zadarma.com", "server address"),
        ):
            with self.fresh(name, value), self.assertRaises(ValidationError) as caught:
                self.provider[name] = value
            self.assertIn(label, str(caught.exception))

    def test_an_example_is_of_the_address_that_is_wrong(self):
        for name, example in (
            ("server_url", "https://api.zadarma.com"),
            ("external_url", "https://odoo.example.com"),
        ):
            with self.fresh(name), self.assertRaises(ValidationError) as caught:
                self.provider[name] = "ftp://x"
            self.assertIn(f"like {example}", str(caught.exception))

    def test_more_than_the_pbx_allows_is_not_taken_without_a_word(self):
        self.provider.write({"statistics_limit": 3, "general_limit": 100})
        self.assertNotIn("allows", self.provider.hint or "")
        self.provider.statistics_limit = 100_000
        self.assertIn("100000 entered, but Zadarma allows 3", self.provider.hint)

    def test_an_agent_s_form_has_no_button_that_ends_in_an_error(self):
        view = self.env["pbx.provider"].with_user(self.anna).get_view(view_type="form")
        for word in ("action_rotate_token", "action_check", "action_replay", "webhook",
                     "pbx_event", "page"):  # fmt: skip
            self.assertNotIn(word, view["arch"])
        for name in ("name", "state", "extension_ids"):
            self.assertIn(f'name="{name}"', view["arch"])
        mine = self.provider.with_user(self.anna)
        shown = view["models"]["pbx.provider"]
        mine.web_read({name: {} for name in shown if name in mine.fields_get()})

    @staticmethod
    def own_methods(model):
        return [
            name
            for name in dir(model)
            if name.startswith("action_")
            and getattr(model, name).__module__.startswith("odoo.addons.cloud_pbx")
        ]

    def test_every_button_asks_who_presses_it(self):
        """By RPC, anybody may call a method that no button shows them."""
        call = self.tell("answered", pbx_call_id=REF)
        event = self.events()[0]
        portal = self.new_user("portal", "base.group_portal")
        internal = self.new_user("internal", "base.group_user")
        history = self.env["pbx.history"].create(
            {"provider_id": self.provider.id, "start": "2026-06-01",
             "stop": "2026-06-16"}
        )  # fmt: skip
        partner = self.new_partner()
        pressed = 0
        for record in (self.provider, self.extension, call, call.leg_ids,
                       call.recording_ids, event, history, partner):  # fmt: skip
            for name in self.own_methods(type(record)):
                pressed += 1
                for user in (portal, internal):
                    with self.fresh(record._name, name, user.name):
                        with self.assertRaises(UserError) as caught:
                            getattr(record.with_user(user), name)()
                        self.assertNotIn(REF, str(caught.exception))
        self.assertGreater(pressed, 12)
