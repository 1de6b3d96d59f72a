"""“Connect”: each step, what it says, what it leaves behind; and what breaks it."""

from contextlib import contextmanager
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.provider.connect import Connect, StepResult
from ..telephony import dialect as dialects
from .common import SECRET, PbxCase, PbxHttpCase, log_lines
from .fake_pbx import FakePbxCase

STEPS = (
    *("keys", "clock", "address", "notifications", "extensions", "lines"),
    "users",
)
FOREIGN = "https://crm.example.com/zadarma?key=4711"
FLAGS = ("start", "internal", "end", "out_start", "out_end", "answer")


@contextmanager
def another_integration():
    """Somebody else's webhook, which verifies itself; its address."""
    from fake_zadarma.receiver import receiver

    with receiver(SECRET) as server:
        yield server.url.replace("/pbx/zadarma/token", "/hook/4711")


class ConnectCase(FakePbxCase, PbxHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user("chief", "base.group_system")
        cls.mine = cls.provider.with_user(cls.admin)

    def connect(self):
        """Press the button; return ``{step: state}`` and what the person is told."""
        self.env.flush_all()
        with self.webhook_open(), log_lines():
            told = self.mine.action_connect()["params"]
        self.env.invalidate_all()
        states = {check.step: check.state for check in self.provider.check_ids}
        return states, told

    def go_on(self):
        """What the job does, without its cursor: the PBX tries our address."""
        with self.webhook_open(), log_lines():
            self.provider._refresh()
        self.env.flush_all()
        self.env.invalidate_all()

    def row(self, step):
        return self.provider.check_ids.filtered(lambda check: check.step == step)

    def said(self, step):
        row = self.row(step)
        return f"{row.message}\n{row.detail or ''}"


@tagged("post_install", "-at_install")
class TestCheckList(PbxCase):
    def test_two_who_write_the_list_at_once_are_no_error(self):
        """The second begins anew and finds the rows of the first: it is not refused, as
        somebody would be who entered something twice."""
        results = {"keys": StepResult("ok", "Accepted.")}
        with self.in_two_transactions() as (one, two):
            self.assertFalse(two.check_ids)  # its snapshot
            rows = one.check_ids._write_results(one, results)
            one.env.cr.commit()
            with self.assertRaises(SerializationFailure):
                two.check_ids._write_results(two, results)
            two.env.cr.rollback()
            again = two.check_ids._write_results(two, results)
            self.assertEqual(again.ids, rows.ids)


@tagged("post_install", "-at_install")
class TestConnect(ConnectCase):
    def test_one_press_sets_everything_up(self):
        account = self.pbx.account
        account.notifications["notify_answer"] = "false"
        account.extensions["102"] = {
            "name": "Workshop",
            "online": False,
            "caller_id": "442079460901",
        }
        states, told = self.connect()
        self.assertEqual(tuple(states), STEPS)
        self.assertEqual(set(states.values()) - {"warning"}, {"ok"}, told)
        self.assertEqual(self.provider.state, "connected")
        self.assertFalse(self.provider.last_error)
        self.assertEqual(self.provider.balance, "10.34 USD")
        self.assertEqual(self.provider.balance_amount, 10.34)
        self.assertIn(self.provider.utc_offset, ("UTC+0", "UTC+1"))
        self.assertEqual(account.callinfo_url, self.provider.webhook_url)
        self.assertEqual(set(account.notifications.values()), {"true"})
        self.assertIn("NOTIFY_ANSWER", self.said("notifications"))
        workshop = self.provider.extension_ids.filtered(lambda e: e.number == "102")
        self.assertRecordValues(
            workshop,
            [
                {
                    "name": "Workshop",
                    "caller_id": "+442079460901",
                    "status": "offline",
                    "user_ids": [],
                }
            ],
        )
        self.assertRecordValues(
            self.extension,
            [{"name": "Reception", "status": "online", "user_ids": self.anna.ids}],
        )
        self.assertEqual(
            {line.number: line.name for line in self.provider.line_ids},
            {"+442079460900": "Main line", "+442079460901": "Support"},
        )
        self.assertFalse(self.provider.url_changed)
        self.asked()  # every request keeps to the document

    def test_the_other_events_address_is_not_touched(self):
        self.pbx.account.webhooks_url = FOREIGN
        self.connect()
        self.assertEqual(self.pbx.account.webhooks_url, FOREIGN)

    def test_pressed_again_nothing_changes(self):
        self.connect()
        before = self.provider.extension_ids
        states, _told = self.connect()
        self.assertNotIn("failed", states.values())
        self.assertFalse(any(self.provider.check_ids.mapped("detail")))
        self.assertEqual(len(self.provider.check_ids), len(STEPS))
        self.assertEqual(self.provider.extension_ids, before)
        self.assertEqual(len(self.provider.line_ids), 2)
        self.assertEqual(len(self.asked("/notifications")), 0)

    def test_pressed_again_it_says_what_changed_since(self):
        self.connect()
        account = self.pbx.account
        account.notifications["notify_end"] = "false"
        account.extensions["100"]["caller_id"] = "442079460901"
        account.extensions["103"] = {
            "name": "Night",
            "online": True,
            "caller_id": "442079460900",
        }
        account.lines = {"442079460900": "Head office", "442079460999": "New"}
        account.callinfo_url = ""
        account.extensions.pop("101")
        states, _told = self.connect()
        self.assertIn("Added", self.said("address"))
        self.assertIn("NOTIFY_END", self.said("notifications"))
        self.assertIn("New: 103", self.said("extensions"))
        self.assertIn("100: Caller ID", self.said("extensions"))
        self.assertIn("101", self.row("extensions").message)
        self.assertEqual(states["extensions"], "warning")
        self.assertEqual(self.extension_2.status, "unknown")
        self.assertEqual(self.extension_2.user_ids, self.boris, "nobody loses a phone")
        self.assertIn("New: +442079460999", self.said("lines"))
        self.assertIn("Changed: +442079460900", self.said("lines"))
        self.assertIn("Gone: +442079460901", self.said("lines"))
        self.assertEqual(self.provider.line_ids.mapped("name"), ["Head office", "New"])

    def test_a_line_that_comes_back_is_the_same_line(self):
        self.connect()
        line = self.provider.line_ids.filtered(lambda one: "901" in one.number)
        name = self.pbx.account.lines.pop("442079460901")
        self.connect()
        self.assertFalse(line.active)
        self.pbx.account.lines["442079460901"] = name
        self.connect()
        self.assertTrue(line.active)

    def test_what_a_person_renamed_keeps_its_name(self):
        self.connect()
        self.extension.name = "Front desk"
        self.provider.line_ids[0].name = "Our main number"
        self.pbx.account.extensions["100"]["name"] = "Reception 1"
        self.pbx.account.lines["442079460900"] = "Main line 1"
        self.connect()
        self.assertEqual(self.extension.name, "Front desk")
        self.assertEqual(self.provider.line_ids[0].name, "Our main number")

    # -------------------------------------------------------------------- warnings

    def test_another_integration_is_named_and_can_be_restored(self):
        self.pbx.account.callinfo_url = FOREIGN
        states, told = self.connect()
        self.assertEqual(states["address"], "warning")
        self.assertIn("crm.example.com", self.row("address").message)
        self.assertIn("Please look at: Webhook address", told["message"])
        self.assertNotIn("4711", told["message"] + self.said("address"))
        self.assertEqual(self.pbx.account.callinfo_url, self.provider.webhook_url)
        self.assertEqual(self.mine.former_url, FOREIGN)
        self.connect()
        self.assertNotIn("crm.example.com", self.row("address").message)
        self.assertEqual(self.mine.former_url, FOREIGN, "it can still be read")

    def test_an_earlier_address_of_ours_is_nobody_elses(self):
        self.connect()
        self.mine.action_rotate_token()
        self.assertTrue(self.provider.url_changed)
        states, _told = self.connect()
        self.assertIn("Updated", self.said("address"))
        self.assertFalse(self.mine.former_url)
        self.assertFalse(self.provider.url_changed)
        self.assertNotIn("failed", states.values())

    def test_private_and_plain_addresses_are_warned_of(self):
        states, told = self.connect()
        self.assertEqual(states["address"], "warning")
        self.assertIn("network", self.row("address").message)
        self.assertIn("plain HTTP", self.row("address").message)
        # The list stands on the page: it is not told twice.
        self.assertEqual(told["message"], "Connected. Please look at: Webhook address")

    def test_inactive_it_connects_and_says_that_events_are_refused(self):
        self.provider.user_id = False
        states, _told = self.connect()
        self.assertEqual(states["address"], "warning")
        self.assertIn("Run as", self.row("address").message)
        self.assertEqual(self.pbx.account.callinfo_url, self.provider.webhook_url)

    def test_without_answer_it_warns(self):
        self.provider.notify_answer = False
        self.provider.notify_internal = False
        states, _told = self.connect()
        self.assertEqual(states["notifications"], "warning")
        told = self.pbx.account.notifications
        self.assertEqual(told["notify_answer"], "false")
        self.assertEqual(told["notify_internal"], "false")
        self.assertEqual(told["notify_start"], "true")

    def test_another_zone_is_warned_of(self):
        self.pbx.account.zone = "Asia/Tokyo"
        states, _told = self.connect()
        self.assertEqual(states["clock"], "warning")
        self.assertEqual(self.provider.utc_offset, "UTC+9")
        self.assertEqual(self.provider.tz, "Europe/London", "chosen by a person")

    def test_low_balance_is_warned_of(self):
        self.pbx.account.balance = 0.5
        states, told = self.connect()
        self.assertEqual(states["keys"], "warning")
        self.assertIn("Please look at: Keys", told["message"])
        self.assertIn("0.5 USD", self.row("keys").message)
        self.assertIn("0.5 USD", self.provider.hint)

    def test_other_events_are_a_reason_to_connect_again(self):
        self.provider.notify_internal = False
        self.assertFalse(self.provider.events_changed, "not connected yet")
        self.connect()
        self.provider.notify_internal = True
        self.assertIn("Other events", self.provider.hint)
        self.connect()
        self.assertFalse(self.provider.events_changed)

    # ------------------------------------------------------------------ disconnect

    def disconnect(self):
        self.env.flush_all()
        told = self.mine.action_disconnect()["params"]["message"]
        self.env.invalidate_all()
        self.assertEqual(self.provider.state, "draft")
        self.assertFalse(self.provider.check_ids)
        return told

    def test_disconnected_the_pbx_sends_nowhere(self):
        self.connect()
        self.assertIn("nowhere", self.disconnect())
        self.assertEqual(self.pbx.account.callinfo_url, "")
        self.connect()
        self.assertEqual(self.provider.state, "connected")

    def test_disconnected_the_former_integration_has_its_events_back(self):
        with another_integration() as address:
            self.pbx.account.callinfo_url = address
            self.connect()
            self.assertIn("127.0.0.1", self.disconnect())
            self.assertEqual(self.pbx.account.callinfo_url, address)
        self.assertFalse(self.mine.former_url)

    def test_what_somebody_else_set_meanwhile_stays(self):
        self.connect()
        self.pbx.account.callinfo_url = FOREIGN
        self.assertIn("stays so", self.disconnect())
        self.assertEqual(self.pbx.account.callinfo_url, FOREIGN)

    def test_disconnecting_says_why_it_cannot(self):
        self.connect()
        self.break_next("500")
        with self.assertRaisesRegex(UserError, "cannot be reached"):
            self.mine.action_disconnect()
        with self.assertRaises(AccessError):
            self.provider.with_user(self.anna).action_disconnect()

    # -------------------------------------------------------------------- failures

    def test_text_that_nothing_can_hold(self):
        """Half an emoji where the PBX cut a name, and a NUL."""
        account = self.pbx.account
        account.currency = "US\0D"
        account.extensions["100"]["name"] = "Anna \ud83d"
        account.lines["442079460900"] = "Sales \ude00\0"
        states, told = self.connect()
        self.assertEqual(set(states.values()) - {"warning"}, {"ok"}, told)
        self.assertEqual(self.extension.name, "Anna \ufffd")
        self.assertEqual(self.provider.balance, "10.34 US\ufffdD")

    def test_a_pbx_that_offers_little(self):
        class Little(dialects.Dialect):
            code, label = "little", "Little PBX"

            def fetch_extensions(self, account):
                return [dialects.Extension("100"), dialects.Extension("140")]

        dialects.register(Little())
        self.addCleanup(dialects.unregister, "little")
        self.provider.dialect = "little"
        states, _told = self.connect()
        expected = dict.fromkeys(STEPS, "skipped")
        # 101 is gone there.
        expected.update(keys="ok", extensions="warning", users="ok")
        self.assertEqual(states, expected)
        self.assertIn("140", self.provider.extension_ids.mapped("number"))
        self.provider.state = "connected"
        self.run_job("refresh")
        self.assertTrue(self.provider.refreshed_at)

    def test_a_wrong_key_stops_the_rest(self):
        self.pbx.account.secret = "another"
        states, told = self.connect()
        self.assertEqual(states.pop("keys"), "failed")
        self.assertEqual(set(states.values()), {"skipped"})
        self.assertEqual(told["type"], "danger")
        # The list says why: it is not told twice.
        self.assertIn("does not accept the key", self.row("keys").message)
        self.assertEqual(told["message"], "Connecting failed. Please look at: Keys")
        self.assertEqual(self.provider.state, "error")
        self.assertIn("does not accept the key", self.provider.last_error)
        # The second time with the keys exchanged, as people mix them up.
        self.assertEqual(len(self.asked()), 2)
        self.assertNotIn("swapped", self.row("keys").message)

    def test_swapped_keys_are_recognised(self):
        key, secret = self.provider.api_key, self.provider.api_secret
        self.provider.write({"api_key": secret, "api_secret": key})
        states, told = self.connect()
        self.assertEqual(states.pop("keys"), "failed")
        self.assertEqual(set(states.values()), {"skipped"})
        self.assertIn("Key and Secret look swapped", self.row("keys").message)
        self.assertEqual(self.provider.api_key, secret, "a person exchanges them")
        # Over the internet in clear text nothing more is sent.
        connect = Connect(self.provider, urgent=True)
        self.provider.server_url = "http://api.example.com"
        before = len(self.asked())
        self.assertFalse(connect._are_swapped())
        self.assertEqual(len(self.asked()), before)
        self.provider.server_url = self.pbx.url
        job = Connect(self.provider)
        self.assertFalse(job._are_swapped(), "nobody waits")

    def test_what_is_wrong_at_a_glance_is_not_sent(self):
        self.provider.api_key = self.provider.api_secret
        states, told = self.connect()
        self.assertEqual(states["keys"], "failed")
        self.assertIn("Key and Secret are the same", self.row("keys").message)
        self.assertFalse(self.asked())

    def test_connect_and_disconnect_leave_a_trace(self):
        self.connect()
        with log_lines():
            self.mine.action_disconnect()
        said = " ".join(self.provider.message_ids.mapped("body"))
        self.assertIn("Connected. Please look at: Webhook address", said)
        self.assertIn("Disconnected", said)
        self.assertNotIn(self.provider.webhook_token, said)

    def test_the_address_alone_does_not_make_up_for_the_keys(self):
        self.pbx.account.secret = "another"
        self.connect()
        with self.webhook_open(), log_lines():
            self.mine.action_check()
        self.assertEqual(self.provider.state, "error")
        self.assertIn("does not accept the key", self.provider.last_error)
        self.assertFalse(self.mine.has_alert, "the list says it")

    def test_check_asks_about_keys_that_were_refused(self):
        self.pbx.account.secret = "another"
        self.connect()
        self.pbx.account.secret = SECRET
        with self.webhook_open(), log_lines():
            self.mine.action_check()
        self.assertEqual(self.row("keys").state, "ok")
        self.assertFalse(self.provider.last_error)

    def test_keys_that_are_good_again_do_not_make_up_for_the_address(self):
        self.pbx.account.secret = "another"
        self.connect()
        self.pbx.account.secret = SECRET
        self.run_job("refresh")
        self.assertEqual(self.provider.state, "draft")
        self.assertFalse(self.provider.last_error)

    def test_without_keys_nobody_is_asked(self):
        self.provider.api_key = False
        states, _told = self.connect()
        self.assertEqual(states.pop("keys"), "failed")
        self.assertEqual(set(states.values()), {"skipped"})
        self.assertFalse(self.asked())

    def test_nobody_there_stops_the_rest(self):
        self.provider.server_url = "http://127.0.0.1:9"
        states, _told = self.connect()
        self.assertEqual(states.pop("keys"), "failed")
        self.assertEqual(set(states.values()), {"skipped"})
        self.assertIn("cannot be reached", self.row("keys").message)

    def test_a_pbx_that_breaks_off_at_once_is_not_asked_on(self):
        self.break_next("truncated", times=0)
        states, _told = self.connect()
        self.assertEqual(states.pop("keys"), "failed")
        self.assertEqual(set(states.values()), {"skipped"})

    def test_a_step_that_fails_does_not_stop_the_others(self):
        for step, path in (
            ("keys", "/v1/info/balance"),
            ("clock", "/v1/info/timezone"),
            ("address", "/v1/pbx/callinfo/url"),
            ("notifications", "/v1/pbx/callinfo/notifications"),
            ("extensions", "/v1/pbx/internal"),
            ("lines", "/v1/direct_numbers"),
        ):
            for kind in ("500", "html", "truncated", "wrong_types", "empty"):
                if (step, kind) in (
                    # These answers are not read beyond their success.
                    ("address", "wrong_types"),
                    ("notifications", "wrong_types"),
                    # Nobody has answered yet: see below.
                    ("keys", "truncated"),
                ):
                    continue
                with self.fresh(step, kind):
                    self.pbx.reset()
                    self.pbx.account.notifications["notify_end"] = "false"
                    self.break_next(kind, path, times=0)
                    states, told = self.connect()
                    self.assertEqual(states[step], "failed", told)
                    others = [one for one in STEPS if one != step]
                    self.assertFalse(
                        {states[one] for one in others} - {"ok", "warning"}, states
                    )
                    self.assertEqual(told["type"], "danger")
                    essential = step in ("keys", "address", "notifications")
                    began = "Connecting failed." if essential else "Connected."
                    self.assertTrue(told["message"].startswith(began), told)

    def test_an_address_that_does_not_answer(self):
        self.provider.external_url = "http://127.0.0.1:9"
        states, _told = self.connect()
        self.assertEqual(states["address"], "failed")
        self.assertIn("does not take it", self.row("address").message)
        self.assertNotIn(self.provider.webhook_token, self.row("address").message)
        self.assertEqual(self.provider.state, "error")
        self.assertFalse(self.provider.connected_url)
        self.provider.external_url = False
        states, _told = self.connect()
        self.assertEqual(self.provider.state, "connected")

    def test_a_limit_makes_the_rest_wait_for_the_job(self):
        for kind in ("429", "429_retry_after", "200"):
            with self.fresh(kind):
                self.pbx.reset()
                self.env["pbx.rate"].sudo().search([]).unlink()
                self.break_next(kind, "/v1/pbx/callinfo", seconds=1)
                states, told = self.connect()
                self.assertEqual(states["clock"], "ok")
                self.assertEqual(states["address"], "waiting")
                self.assertEqual(states["lines"], "waiting")
                self.assertEqual(told["type"], "info")
                # The minute is over.
                self.env["pbx.rate"].sudo().search([]).unlink()
                self.go_on()
                states = set(self.provider.check_ids.mapped("state"))
                self.assertEqual(states - {"warning"}, {"ok"})
                self.assertEqual(
                    self.pbx.account.callinfo_url, self.provider.webhook_url
                )

    def test_three_hundred_extensions_do_not_hold_a_click(self):
        self.provider.general_limit = 100
        self.pbx.account.extensions = {
            str(number): {
                "name": f"Room {number}",
                "online": True,
                "caller_id": "442079460900",
            }
            for number in range(100, 400)
        }
        states, _told = self.connect()
        self.assertEqual(states["extensions"], "ok")
        self.assertEqual(len(self.provider.extension_ids), 300)
        self.assertEqual(states["lines"], "ok")
        self.assertLessEqual(len(self.asked("/info/")), 25)
        named = self.provider.extension_ids.filtered("checked_at")
        self.assertLess(len(named), 30)
        jobs = 0
        while not all(self.provider.extension_ids.mapped("checked_at")):
            jobs += 1
            self.assertLess(jobs, 20)
            self.env["pbx.rate"].sudo().search([]).unlink()  # a minute is over
            self.run_job("refresh")
        self.assertEqual(set(self.provider.extension_ids.mapped("status")), {"online"})
        self.assertEqual(self.provider.extension_ids[-1].name, "Room 399")

    # ---------------------------------------------------------------------- people

    def test_only_administrators_connect(self):
        for user in (self.anna, self.supervisor):
            with self.assertRaises(AccessError):
                self.provider.with_user(user).action_connect()
        self.assertFalse(self.asked())

    def test_the_list_has_each_step(self):
        self.pbx.account.secret = "another"
        self.connect()
        checks = self.mine.check_ids
        self.assertEqual(checks.mapped("step"), list(STEPS))
        self.assertEqual(checks[0].state, "failed")
        self.assertEqual(set(checks[1:].mapped("message")), {"Not tried."})


class TestConnectSpec(TestConnect):
    """The same with answers as the document has them."""

    mode = "spec"


@tagged("post_install", "-at_install")
class TestConnectTour(ConnectCase):
    # The first page builds the browser's files; on a busy machine others wait for it.
    test_cursor_lock_timeout = 60

    def test_on_the_screen(self):
        url = f"/odoo/cloud-pbx/{self.provider.id}"
        # Odoo's tests serve one request at a time, and the PBX would try the address
        # while another one runs: that it does is seen on a started server.
        with patch("fake_zadarma.wire.probe", return_value=None):
            self.start_tour(url, "cloud_pbx_connect", login=self.admin.login)
        self.env.invalidate_all()
        self.assertEqual(self.provider.state, "connected")


@tagged("post_install", "-at_install")
class TestNewKeys(ConnectCase):
    def event(self, secret):
        fields = {
            "caller_id": "+442079460201",
            "called_did": "+442079460900",
            "call_start": "2026-06-16 13:00:00",
            "pbx_call_id": "in_" + "b" * 40,
        }
        with log_lines():
            return self.post("NOTIFY_START", fields, secret=secret).status_code

    def test_what_the_old_secret_signed_is_taken_for_a_day(self):
        self.connect()
        self.provider.write({"api_key": "new", "api_secret": "new-secret"})
        self.assertTrue(self.provider.keys_changed)
        self.assertIn("keys changed", self.provider.hint)
        self.assertEqual(self.event(SECRET), 200)
        self.assertEqual(self.event("new-secret"), 200)
        self.assertEqual(self.event("guessed"), 403)
        # Kept in memory, it ends all the same.
        later = self.provider.former_secret_until
        settings = self.provider._settings(self.provider.id)
        self.assertEqual(settings.account.former_secret, SECRET)
        settings._former_until = later.replace(year=2000)
        self.assertFalse(settings.account.former_secret)
        self.assertEqual(self.event(SECRET), 403)

    def test_connect_with_the_new_keys_takes_them_over(self):
        self.connect()
        self.provider.write({"api_key": "new", "api_secret": "new-secret"})
        states, _told = self.connect()
        self.assertEqual(states["keys"], "failed", "the PBX does not know them yet")
        self.assertTrue(self.provider.keys_changed)
        # The list says what is wrong with them; once is enough.
        self.assertNotIn("keys changed", self.provider.hint or "")
        self.pbx.account.key, self.pbx.account.secret = "new", "new-secret"
        states, _told = self.connect()
        self.assertNotIn("failed", states.values())
        self.assertFalse(self.provider.keys_changed)
        self.assertEqual(self.provider.state, "connected")

    def test_the_same_keys_saved_again_are_no_change(self):
        self.connect()
        self.provider.write({"api_secret": SECRET})
        self.assertFalse(self.provider.keys_changed)
        self.assertFalse(self.provider.former_secret)

    def test_the_former_secret_is_forgotten(self):
        self.connect()
        self.provider.api_secret = "new-secret"
        self.provider.former_secret_until = "2026-01-01 00:00:00"
        self.pbx.account.secret = "new-secret"
        self.run_job("refresh")
        self.assertFalse(self.provider.former_secret)
