"""The daily look, reminders, silence, and what failed applied again."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models.provider.self_test import SelfTest
from ..models.provider.watch import SilenceCheck
from .common import CALLER, LINE, PbxCase, PbxHttpCase, log_lines, scenarios
from .fake_pbx import FakePbxCase


class HealthCase(FakePbxCase, PbxHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user("chief", "base.group_system")
        cls.mine = cls.provider.with_user(cls.admin)
        cls.provider.user_id = cls.admin

    def setUp(self):
        super().setUp()
        self.connected_long_ago()
        self.pbx.account.callinfo_url = self.provider.webhook_url

    def reminders(self, kind):
        self.env.invalidate_all()
        return self.provider.activity_search([f"cloud_pbx.activity_type_{kind}"])

    def next_day(self):
        self.provider.refreshed_at = fields.Datetime.now() - timedelta(days=1)
        self.env["pbx.extension"].search([("checked_at", "!=", False)]).checked_at = (
            fields.Datetime.now() - timedelta(days=1)
        )

    def look(self):
        with log_lines() as lines:
            self.run_job("refresh")
        return str(lines)


@tagged("post_install", "-at_install")
class TestRefresh(HealthCase):
    def test_offset_balance_and_who_is_online(self):
        self.pbx.account.extensions["101"]["online"] = False
        self.look()
        self.assertEqual(self.provider.balance, "10.34 USD")
        self.assertTrue(self.provider.utc_offset)
        self.assertEqual(
            (self.extension.status, self.extension_2.status), ("online", "offline")
        )
        self.pbx.account.extensions["101"]["online"] = True
        self.pbx.account.balance = 7
        asked = len(self.asked())
        self.look()
        self.assertEqual(len(self.asked()), asked, "once a day is enough")
        self.next_day()
        self.look()
        self.assertEqual(self.provider.balance, "7 USD")
        self.assertEqual(self.extension_2.status, "online")

    def test_nobody_asks_for_a_pbx_that_is_not_connected_or_inactive(self):
        for values in ({"state": "draft"}, {"user_id": False}, {"active": False}):
            with self.fresh(values):
                self.provider.write(values)
                self.look()
                self.assertFalse(self.asked())

    def test_one_reminder_of_a_low_balance_until_it_is_filled(self):
        self.pbx.account.balance = 1.25
        for _day in range(3):
            self.look()
            self.next_day()
        activity = self.reminders("balance")
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.admin)
        self.assertIn("1.25 USD", activity.note)
        self.assertEqual(self.provider.state, "connected")
        self.pbx.account.balance = 20
        self.look()
        self.assertFalse(self.reminders("balance"))

    def test_no_threshold_no_reminder(self):
        self.provider.balance_threshold = 0
        self.pbx.account.balance = -3
        self.look()
        self.assertFalse(self.reminders("balance"))
        self.assertFalse(self.provider.hint and "left on" in self.provider.hint)

    def test_keys_that_are_refused_are_an_error_and_a_reminder(self):
        self.pbx.account.secret = "another"
        self.look()
        self.assertEqual(self.provider.state, "error")
        self.assertIn("does not accept", self.provider.last_error)
        self.assertEqual(len(self.reminders("keys")), 1)
        self.look()
        self.assertEqual(len(self.reminders("keys")), 1)
        self.pbx.account.secret = self.provider.api_secret
        self.look()
        self.assertEqual(self.provider.state, "connected")
        self.assertFalse(self.provider.last_error)
        self.assertFalse(self.reminders("keys"))

    def test_what_the_pbx_says_is_text(self):
        html = "<a href='https://evil.example'>press</a> <img src=x onerror=alert(1)>"
        self.provider._remind("keys", html)
        note = self.reminders("keys").note
        self.assertIn("&lt;a href", note)
        self.assertIn("&lt;img", note)
        self.assertNotIn("<a ", note)
        self.assertNotIn("<img", note)

    def test_a_hiccup_is_no_error_of_the_connection(self):
        for kind in ("500", "html", "truncated", "empty"):
            with self.fresh(kind):
                self.pbx.reset()
                self.break_next(kind, times=0)
                self.look()
                self.assertEqual(self.provider.state, "connected")
                self.assertFalse(self.provider.last_error)
                self.assertTrue(self.provider.last_api_error)
                self.assertFalse(self.provider.activity_ids)

    def test_a_limit_makes_the_job_come_again(self):
        self.break_next("429_retry_after", "/v1/info/timezone", seconds=40)
        job = self.env.ref("cloud_pbx.ir_cron_refresh")
        self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)]).unlink()
        self.look()
        again = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
        wait = min(again.mapped("call_at")) - fields.Datetime.now()
        self.assertTrue(0 < wait.total_seconds() <= 41, wait)
        self.assertFalse(self.provider.refreshed_at)
        self.env["pbx.rate"].sudo().search([]).unlink()  # the minute is over
        self.look()
        self.assertTrue(self.provider.refreshed_at)

    def test_one_that_fails_does_not_hold_up_the_next(self):
        other = self.new_provider(self.company, self.admin, "other", sequence=1)
        other.write({"server_url": "http://127.0.0.1:9", "state": "connected"})
        broken = self.new_provider(self.company, self.admin, "broken", sequence=2)
        broken.write({"server_url": self.pbx.url, "state": "connected"})
        real = type(self.provider)._refresh

        def fail(provider):
            if provider.id == broken.id:
                raise ZeroDivisionError
            return real(provider)

        # Only in this test is a bug wanted.
        with patch.object(type(self.provider), "_refresh", fail):
            said = self.look()
        self.assertIn("ZeroDivisionError", said)
        self.assertEqual(self.provider.balance, "10.34 USD")

    def test_nothing_new_is_not_written(self):
        """Each write of the row empties the memory of all workers."""
        self.look()
        self.next_day()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE pbx_provider SET write_date = '2026-01-01' WHERE id = %s",
            [self.provider.id],
        )
        self.env.invalidate_all()
        with patch.object(
            type(self.provider), "write", autospec=True, side_effect=AssertionError
        ) as write:
            self.provider._note_balance(
                self.provider._open_api()[0].fetch_balance(self.provider._open_api()[1])
            )
            self.provider._update_state()
        write.assert_not_called()

    def test_sentences_are_in_the_administrators_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.admin.lang = "fr_FR"
        self.assertEqual(self.provider._in_own_words().env.lang, "fr_FR")

    def test_who_is_reminded(self):
        self.assertEqual(self.provider._administrator(), self.admin)
        self.provider.user_id = self.anna
        self.assertTrue(self.provider._administrator().has_group("base.group_system"))


@tagged("post_install", "-at_install")
class TestSilence(HealthCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # People of this company work around the clock, unless a test says otherwise.
        cls.company.resource_calendar_id = False

    def listed_call(self, minutes_ago):
        """A call that only the PBX's own list knows."""
        return self.env["pbx.call"].create(
            {
                "provider_id": self.provider.id,
                "company_id": self.company.id,
                "ref": f"in_{minutes_ago}",
                "direction": "inbound",
                "state": "done",
                "number": CALLER,
                "start": fields.Datetime.now() - timedelta(minutes=minutes_ago),
                "from_history": True,
            }
        )

    def told_call(self, minutes_ago):
        """A call of which the PBX told by itself."""
        at = fields.Datetime.now() - timedelta(minutes=minutes_ago)
        return self.tell("missed", received=at.replace(microsecond=0))

    def listen(self):
        self.env.flush_all()
        with self.webhook_open(), log_lines():
            self.provider._check_silence()
        return self.reminders("silence")

    def test_silence_with_calls_is_noticed_once(self):
        self.told_call(200)
        self.listed_call(90)
        activity = self.listen()
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.admin)
        self.assertEqual(self.listen(), activity)
        self.told_call(0)
        self.assertFalse(self.listen(), "it settles by itself")

    def test_no_silence(self):
        for name, told, listed, values in (
            ("nothing happened at all", None, None, {}),
            ("nobody called", 200, None, {}),
            ("that call is older than what was told", 200, 300, {}),
            ("an event came lately", 30, 20, {}),
            ("the call is a minute old", 200, 1, {}),
            ("switched off", 200, 90, {"silence_minutes": 0}),
            ("not connected", 200, 90, {"state": "draft"}),
            (
                "connected anew since",
                200,
                90,
                {"connected_at": fields.Datetime.now() - timedelta(minutes=10)},
            ),
        ):
            with self.fresh(name):
                if told is not None:
                    self.told_call(told)
                if listed is not None:
                    self.listed_call(listed)
                self.provider.write(values)
                self.assertFalse(self.listen())

    def test_our_own_test_event_breaks_no_silence(self):
        self.told_call(200)
        self.listed_call(90)
        with self.webhook_open(), log_lines():
            self.assertFalse(SelfTest(self.provider).run())
        self.assertEqual(len(self.listen()), 1)

    def test_at_night_and_on_holidays_silence_is_silence(self):
        self.company.resource_calendar_id = self.env["resource.calendar"].create(
            {"name": "Never", "company_id": self.company.id, "attendance_ids": False}
        )
        self.told_call(200)
        self.listed_call(90)
        self.assertFalse(self.listen())

    def test_working_hours_are_those_of_the_companys_zone(self):
        week = [
            fields.Command.create(
                {
                    "name": str(day),
                    "dayofweek": str(day),
                    "hour_from": 8,
                    "hour_to": 17,
                    "day_period": "morning",
                }
            )
            for day in range(5)
        ]
        self.company.resource_calendar_id = self.env["resource.calendar"].create(
            {
                "name": "Day",
                "company_id": self.company.id,
                "tz": "Asia/Tokyo",
                "attendance_ids": [fields.Command.clear(), *week],
            }
        )
        for text, working in (
            ("2026-06-16 00:00:00", True),  # Tuesday 09:00 in Tokyo
            ("2026-06-16 09:00:00", False),
            ("2026-06-13 00:00:00", False),  # a Saturday
        ):
            moment = fields.Datetime.to_datetime(text)
            self.assertIs(
                SilenceCheck(self.provider)._is_working_time(moment), working, text
            )

    def cause(self):
        self.told_call(200)
        self.listed_call(90)
        return self.listen().note

    def test_causes(self):
        def elsewhere(account):
            account.callinfo_url = "https://crm.example.com/x"

        def nowhere(account):
            account.callinfo_url = ""

        def switched_off(account):
            account.notifications = dict.fromkeys(account.notifications, "false")

        def other_keys(account):
            account.secret = "another"

        for told, change, values in (
            ("Run as", None, {"user_id": False}),
            ("no address", nowhere, {}),
            ("another address", elsewhere, {}),
            ("switched off", switched_off, {}),
            ("keys differ", other_keys, {}),
            ("cannot be reached", None, {"server_url": "http://127.0.0.1:9"}),
            ("as far as Odoo can see", None, {}),
        ):
            with self.fresh(told):
                self.pbx.reset()
                self.pbx.account.callinfo_url = self.provider.webhook_url
                self.provider.write(values)
                if change:
                    change(self.pbx.account)
                note = self.cause()
                self.assertIn(told, note)
                self.assertNotIn(self.provider.webhook_token, note)

    def test_no_guess_while_the_pbx_may_not_be_asked(self):
        self.told_call(200)
        self.listed_call(90)
        self.break_next("429_retry_after", seconds=30)
        self.assertFalse(self.listen())
        self.env["pbx.rate"].sudo().search([]).unlink()  # the minute is over
        self.assertTrue(self.listen())

    def test_the_address_leads_nowhere(self):
        self.provider.external_url = "http://127.0.0.1:9"
        self.pbx.account.callinfo_url = self.provider.webhook_url
        self.assertIn("cannot be reached", self.cause())

    def test_the_job(self):
        self.pbx.account.callinfo_url = ""
        self.told_call(200)
        self.listed_call(90)
        with log_lines():
            self.run_job("silence")
        self.assertEqual(len(self.reminders("silence")), 1)


@tagged("post_install", "-at_install")
class TestReplay(PbxCase):
    def test_all_that_failed_is_applied_again(self):
        admin = self.new_user("chief", "base.group_system")
        events = self.put(scenarios.scenario("missed"))
        events.write({"state": "failed", "error": "a bug", "attempts": 6})
        told = self.provider.with_user(admin).action_replay_failed()
        self.assertIn(str(len(events)), told["params"]["message"])
        self.run_job("apply_events")
        self.assertEqual(set(self.events().mapped("state")), {"done"})
        self.the_call()
        told = self.env["pbx.event"].with_user(admin).action_replay_failed()
        self.assertIn("No event", told["params"]["message"])

    def test_own_lines_are_nobodys_number(self):
        self.new_partner("Ourselves", LINE)
        self.env["pbx.line"].create({"number": LINE, "provider_id": self.provider.id})
        call = self.tell("missed", caller=LINE, line="+442079460901")
        self.assertCall(call, partner_source="none", number=LINE)
        self.assertFalse(call.partner_id)
