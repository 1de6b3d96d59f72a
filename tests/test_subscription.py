"""What a PBX sends only until a time: renewed, interrupted, missed, and ended."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import file_open

from ..models.provider import connect, watch
from ..telephony import errors
from .common import CALLER, LINE, NOON, log_lines
from .test_toy import ToyCase

SILENT = errors.Unreachable("no answer in time")


@tagged("post_install", "-at_install")
class TestSubscription(ToyCase):
    @property
    def own(self):
        self.env.invalidate_all()
        return self.office.subscription_ids

    def state_of(self, step):
        self.env.invalidate_all()
        return self.office.check_ids.filtered(lambda one: one.step == step).state

    def renew(self, failure=None, **failures):
        """Have the job renew it now; return the pause until the next time, minutes."""
        self.server.failure, self.server.failures = failure, failures
        self.own.renew_at = fields.Datetime.now()
        with log_lines():
            self.run_job("keep_alive")
        if not self.own.renew_at:
            return None
        pause = self.own.renew_at - fields.Datetime.now()
        return round(pause.total_seconds() / 60)

    def ends(self, minutes_ago=1):
        past = fields.Datetime.now() - timedelta(minutes=minutes_ago)
        self.own.write({"until": past, "renew_at": past})

    def history_is_wanted(self):
        """Tell whether the job was asked to read past calls at once."""
        self.env.flush_all()
        job = self.env.ref("cloud_pbx.ir_cron_fetch_history")
        return bool(self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)]))

    def forget_triggers(self):
        self.env["ir.cron.trigger"].search([]).unlink()

    # ----------------------------------------------------------------- in due time

    def test_it_is_renewed_before_it_ends(self):
        self.connect()
        first = self.subscription()
        self.assertEqual(self.renew(), 12 * 60)
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertNotEqual(self.subscription(), first)
        # What is still on its way with the former one is taken.
        self.assertEqual(self.tell("ring", 0, first, call="7/2026", desk="anna"), 200)

    def test_pauses_grow_and_nothing_is_said_before_the_end(self):
        self.connect()
        waits = [self.renew(SILENT) for _time in range(5)]
        self.assertEqual(waits, [1, 2, 5, 10, 10])
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertEqual(self.office.state, "connected")
        self.assertEqual(self.state_of("address"), "warning")
        self.assertFalse(self.office.activity_ids)

    def test_one_that_has_ended_is_an_alarm_until_it_is_renewed(self):
        self.connect()
        self.ends()
        until = self.own.until
        self.renew(SILENT)
        self.assertEqual(self.office.state, "error")
        since = self.office._readable_time(until)
        self.assertIn(f"Not subscribed since {since}", self.office.last_error)
        self.assertEqual(self.state_of("address"), "failed")
        self.assertTrue(self.office.subscription_ended)
        self.assertEqual(len(self.office.activity_ids), 1)
        # Whatever else is looked at meanwhile: it does not become right by that.
        self.office.refreshed_at = False
        self.run_job("refresh")
        self.assertEqual(self.office.state, "error")
        self.renew(SILENT)
        self.assertEqual(len(self.office.activity_ids), 1, "one reminder")
        self.forget_triggers()
        self.renew()
        self.assertEqual(self.office.state, "connected")
        self.assertFalse(self.office.last_error)
        self.assertFalse(self.office.activity_ids)
        self.assertFalse(self.office.subscription_ended)
        self.assertEqual(self.state_of("address"), "warning")
        self.assertGreater(self.office.subscribed_until, fields.Datetime.now())
        self.assertTrue(self.history_is_wanted(), "what happened meanwhile")

    def test_a_renewal_in_time_asks_for_no_history(self):
        self.connect()
        self.forget_triggers()
        self.renew()
        self.assertFalse(self.history_is_wanted())

    def test_a_wrong_key_is_an_alarm_at_once_and_not_tried_for_an_hour(self):
        self.connect()
        self.office.login = "garage"
        asked = len(self.server.questions)
        self.assertEqual(self.renew(), 60)
        self.assertEqual(self.server.questions[asked:], ["subscribe"])
        self.assertEqual(self.office.state, "error", "although it has not ended")
        self.assertEqual(self.state_of("keys"), "failed")
        self.assertEqual(len(self.office.activity_ids), 1)
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(self.server.questions[asked:], ["subscribe"])
        # Put right: it is tried without anybody pressing anything.
        self.office.login = "office"
        self.assertGreater(self.own.renew_at, fields.Datetime.now(), "not yet stored")
        self.env.cr.postcommit.run()
        self.assertLessEqual(self.own.renew_at, fields.Datetime.now())
        with log_lines():
            self.run_job("keep_alive")
        self.env.invalidate_all()
        self.assertEqual(self.office.state, "connected")
        self.assertNotEqual(self.state_of("keys"), "failed")
        self.assertFalse(self.office.activity_ids)
        self.assertFalse(self.office.last_error)

    def test_connect_that_meets_a_busy_pbx_goes_on_by_itself(self):
        self.server.failures = {"subscribe": SILENT}
        states = self.connect()
        self.assertEqual(states["address"], "waiting")
        self.assertEqual(self.office.state, "draft")
        self.assertFalse(self.own.until)
        self.assertEqual(self.renew(subscribe=SILENT), 2)
        self.assertEqual(self.state_of("address"), "waiting")
        self.renew()
        self.assertEqual(self.office.state, "connected")
        self.assertEqual(self.state_of("address"), "warning")
        self.assertTrue(self.office.connected_at)
        self.assertEqual(self.office.connected_url, self.office.webhook_url)
        self.assertEqual(len(self.server.subscriptions), 1)

    def test_nobody_renews_what_another_renews_at_this_moment(self):
        # Not by Connect: it would take the lock for as long as this test lasts.
        name, until = self.server.subscribe(self.office.webhook_url)
        self.env["pbx.subscription"].create(
            {
                "provider_id": self.office.id,
                "details": {"subscription": name},
                "until": until,
                "renew_at": fields.Datetime.now(),
            }
        )
        with db_connect(self.env.cr.dbname).cursor() as other:
            other.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"pbx.provider/connect/{self.office.id}"],
            )
            self.assertEqual(other.fetchall(), [(True,)])
            with log_lines():
                self.run_job("keep_alive")
            self.assertEqual(self.server.questions, [])
            with self.assertRaisesRegex(UserError, "at this moment"):
                self.office.action_disconnect()
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(self.server.questions, ["subscribe", "unsubscribe"])

    def test_another_address_is_for_a_person_to_connect(self):
        """Who opens Odoo at another address changes what it calls its own."""
        self.connect()
        connected = self.office.webhook_url
        self.office.external_url = "https://elsewhere.example.com"
        self.assertTrue(self.office.url_changed)
        self.renew()
        self.assertEqual(list(self.server.subscriptions.values()), [connected])
        self.assertIn("press “Connect”", self.office.hint)
        self.connect()
        self.assertEqual(
            list(self.server.subscriptions.values()), [self.office.webhook_url]
        )
        self.assertFalse(self.office.url_changed)

    # ------------------------------------------------------------------ interrupted

    def test_an_event_may_overtake_the_answer(self):
        seen = []

        def ring_at_once(name):
            seen.append(self.office.subscription_ids.expecting_until)
            account = self.env["pbx.provider"]._settings(self.office.id).account
            seen.append(account.expecting_until)
            request = self.toy.sample(_with(account, name))
            seen.append(self.toy.check(request, account).event_type)

        self.server.while_subscribing = ring_at_once
        self.connect()
        now = fields.Datetime.now()
        self.assertTrue(now < seen[0] <= now + timedelta(seconds=60))
        self.assertEqual(seen[1:], [seen[0], "hello"])
        # With the answer it is over: what is not known is not let in.
        self.assertFalse(self.own.expecting_until)
        with log_lines():
            status = self.tell("ring", 0, "sub-99", call="7/2026", desk="anna")
        self.assertEqual(status, 403)

    def test_what_a_worker_keeps_in_memory_may_be_old(self):
        """A transaction that began before may read the settings after the others."""
        self.connect()
        providers, first = self.env["pbx.provider"], self.subscription()
        old = providers._settings(self.office.id)
        self.assertIn(first, str(old.account.memory))
        self.renew()
        with patch.object(type(providers), "_settings", lambda self, provider_id: old):
            status = self.tell("ring", 0, call="7/2026", desk="anna")
            self.assertEqual(status, 200)
            with log_lines():
                status = self.tell("ring", 0, "sub-99", call="8/2026", desk="anna")
            self.assertEqual(status, 403)
        self.assertEqual(len(self.events(provider=self.office)), 1)
        self.office.connected_at = fields.Datetime.now() - timedelta(hours=1)
        self.assertIn("does not know its subscription", self.office.hint)

    def test_nothing_is_expected_of_a_pbx_that_refuses(self):
        self.server.failures = {"subscribe": errors.BadParameter("no room")}
        states = self.connect()
        self.assertEqual(states["address"], "failed")
        self.assertFalse(self.own.expecting_until)

    def test_several_subscriptions_are_stored_one_by_one(self):
        self.server.halls = 3
        stored = []
        self.server.while_subscribing = lambda name: stored.append(
            (self.own.details or {}).get("left")
        )
        self.connect()
        self.assertEqual(stored, [None, 2, 1])
        self.assertEqual(len(self.server.subscriptions), 3)
        self.assertEqual(self.renew(), 12 * 60)
        self.assertEqual(list(self.server.subscriptions), ["sub-4", "sub-5", "sub-6"])
        self.assertFalse(self.own.superseded)

    def test_what_stopped_among_several_goes_on(self):
        self.server.halls = 3
        self.connect()

        def fail_next(_name):
            self.server.failures = {"subscribe": SILENT}

        self.server.while_subscribing = fail_next
        self.assertEqual(self.renew(), 1, "and not after half a day")
        self.assertEqual(
            list(self.server.subscriptions), ["sub-1", "sub-2", "sub-3", "sub-4"]
        )
        self.server.while_subscribing = lambda _name: None
        self.assertEqual(self.renew(), 12 * 60)
        self.assertEqual(list(self.server.subscriptions), ["sub-4", "sub-5", "sub-6"])

    def test_what_cannot_be_given_back_is_given_back_later(self):
        self.connect()
        self.assertEqual(self.renew(unsubscribe=SILENT), 12 * 60, "no failure")
        self.assertEqual(list(self.server.subscriptions), ["sub-1", "sub-2"])
        self.assertEqual(self.office.state, "connected")
        self.server.failures = {"unsubscribe": SILENT}
        states = self.connect()
        self.assertEqual(states["address"], "warning", "nor one of Connect")
        self.server.failures = {}
        self.connect()
        self.assertEqual(list(self.server.subscriptions), ["sub-4"])
        # What the PBX does not know any more is not asked about again.
        self.renew(unsubscribe=errors.NotFound("no such subscription"))
        self.assertFalse(self.own.superseded)

    # ----------------------------------------------------------------- ended there

    def test_the_pbx_says_that_it_has_ended(self):
        self.connect()
        self.forget_triggers()
        first = self.subscription()
        self.server.unsubscribe(first)
        row = self.office.read()[0]
        self.assertEqual(self.tell("closed", 0, first), 200)
        self.assertEqual(row, self.office.read()[0] | _times(row), "nothing of it")
        self.assertLessEqual(self.own.until, fields.Datetime.now())
        self.assertTrue(self.office.subscription_ended)
        self.assertIn("Odoo subscribes anew", self.office.hint)
        with log_lines():
            self.run_job("keep_alive")
        self.env.invalidate_all()
        self.assertNotIn(first, self.server.subscriptions)
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertGreater(self.office.subscribed_until, fields.Datetime.now())
        self.assertTrue(self.history_is_wanted())
        # Of an older one it says nothing new.
        asked = len(self.server.questions)
        self.assertEqual(self.tell("closed", 5, first), 200)
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(self.server.questions[asked:], [])

    def test_a_pbx_that_says_so_again_and_again_is_not_asked_more_often(self):
        self.connect()
        self.ends()
        self.renew(SILENT)
        self.renew(SILENT)
        before = self.own.renew_at
        self.tell("closed", 0)
        self.assertEqual(self.own.renew_at, before)

    @contextmanager
    def working(self, is_working):
        with patch.object(
            watch.SilenceCheck, "_is_working_time", lambda check, moment: is_working
        ):
            yield

    def look(self, hours_ago=2):
        self.server.questions.clear()
        self.office.connected_at = fields.Datetime.now() - timedelta(hours=hours_ago)
        with log_lines():
            self.run_job("silence")
            self.run_job("keep_alive")
        return self.server.questions

    def test_an_hour_of_silence_is_looked_into(self):
        self.connect()
        first = self.subscription()
        with self.working(False):
            self.assertEqual(self.look(), [])
        with self.working(True):
            self.assertEqual(self.look(hours_ago=0.5), [])
            self.assertEqual(self.look(), ["has it"])
            self.assertEqual(self.subscription(), first)
            self.server.unsubscribe(first)
            self.assertEqual(self.look(), ["has it", "subscribe", "unsubscribe"])
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertTrue(self.history_is_wanted())

    def test_a_look_that_fails_changes_nothing(self):
        self.connect()
        self.server.failures = {"has it": SILENT}
        with self.working(True):
            self.assertEqual(self.look(), ["has it"])
        self.assertFalse(self.office.subscription_ended)

    # ------------------------------------------------------------------ ended by us

    def assertEnded(self):
        self.assertFalse(self.own.details)
        self.assertFalse(self.own.renew_at)
        self.assertEqual(self.office.state, "draft")
        self.assertFalse(self.office.connected_at)
        self.assertFalse(self.office.check_ids)
        self.assertFalse(self.office.subscribed_until)

    def test_disconnect_gives_it_back(self):
        self.connect()
        with log_lines():
            sentence = self.office.action_disconnect()["params"]["message"]
        self.assertFalse(self.server.subscriptions)
        self.assertIn("sends no events", sentence)
        self.assertEnded()
        self.assertIn("press “Connect”", self.office.hint)
        self.connect()
        self.assertNotIn("sends no events to Odoo", self.office.hint or "")

    def test_disconnect_forgets_it_also_where_the_pbx_is_away(self):
        self.connect()
        until, first = self.own.until, self.subscription()
        self.server.failure = SILENT
        with log_lines():
            sentence = self.office.action_disconnect()["params"]["message"]
        self.assertIn("no answer in time", sentence)
        self.assertIn(self.office._readable_time(until), sentence)
        self.assertEnded()
        with log_lines():
            status = self.tell("ring", 0, first, call="7/2026", desk="anna")
        self.assertEqual(status, 403)
        # Renewing it is nobody's business any more.
        asked = len(self.server.questions)
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(len(self.server.questions), asked)
        # What was left there is given back with the next one.
        self.server.failure = None
        self.connect()
        self.assertEqual(list(self.server.subscriptions), [self.subscription()])
        self.assertNotEqual(self.subscription(), first)

    def test_two_with_the_same_keys_are_said(self):
        self.connect()
        self.office.api_key = "one-key"
        self.assertNotIn("same keys", self.office.hint or "")
        twin = self.office.copy({"name": "Twin", "login": self.office.login})
        twin.write({"api_key": "one-key", "server_url": self.office.server_url})
        twin.connected_at = fields.Datetime.now()
        self.env.invalidate_all()
        self.assertIn("“Twin” has the same keys", self.office.hint)
        twin.api_key = "another"
        self.env.invalidate_all()
        self.assertNotIn("same keys", self.office.hint or "")

    def test_nothing_is_subscribed_for_nobody(self):
        self.office.user_id = False
        states = self.connect()
        self.assertEqual(states["address"], "failed")
        self.assertFalse(self.server.subscriptions)

    def test_what_the_pbx_has_ended_already_is_no_failure(self):
        self.connect()
        self.server.failures = {"unsubscribe": errors.NotFound("no such one")}
        with log_lines():
            sentence = self.office.action_disconnect()["params"]["message"]
        self.assertNotIn("could not", sentence)

    def test_archiving_ends_it(self):
        self.connect()
        self.office.active = False
        self.assertFalse(self.server.subscriptions)
        self.assertEnded()
        self.assertNotIn("Disconnect", self.office.hint)
        self.office.active = True
        self.assertEqual(self.office.state, "draft")
        self.assertIn("press “Connect”", self.office.hint)
        self.connect()
        self.assertEqual(self.office.state, "connected")
        self.assertEqual(len(self.server.subscriptions), 1)

    def test_an_administrator_may_archive_it_and_change_its_keys(self):
        self.connect()
        chief = self.new_user("chief", "base.group_system")
        mine = self.office.with_user(chief)
        self.renew(SILENT)
        self.assertEqual(self.own.attempts, 1)
        self.server.failure = None
        mine.login = "office of before"
        mine.login = "office"
        self.env.cr.postcommit.run()
        self.assertEqual(self.own.attempts, 0, "tried at once")
        mine.active = False
        self.assertFalse(self.server.subscriptions)
        self.assertEnded()

    def test_a_key_put_right_while_the_wrong_one_is_asked_with(self):
        self.connect()

        def put_right(_name):
            self.server.while_subscribing = lambda _name: None
            self.office.api_key = "the right one"
            self.env.flush_all()
            raise errors.WrongKey("not this one")

        self.server.while_subscribing = put_right
        self.assertEqual(self.renew(), 0, "and not after an hour")
        self.assertEqual(self.office.state, "connected")
        self.assertFalse(self.office.activity_ids)
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(self.own.attempts, 0)
        self.assertGreater(self.own.renew_at, fields.Datetime.now())

    def test_one_that_may_not_be_deleted_keeps_it(self):
        self.connect()
        way = {"call": "7/2026", "way": "in", "from_": CALLER, "to": LINE}
        self.assertEqual(self.tell("ring", 0, desk="anna", **way), 200)
        with self.assertRaises(UserError):
            self.office.unlink()
        self.assertEqual(len(self.server.subscriptions), 1)

    def test_what_takes_too_long_for_a_person_the_job_goes_on_with(self):
        self.server.halls = 3
        with patch.object(connect, "PERSON_SECONDS", -1):
            # All but the first step are left to the job in such a short time.
            run = connect.Connect(self.office, urgent=True)
            self.assertFalse(run.subscribe())
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertLessEqual(self.own.renew_at, fields.Datetime.now())
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(list(self.server.subscriptions), ["sub-1", "sub-2", "sub-3"])
        self.assertEqual(self.office.state, "connected")

    def test_archiving_says_that_the_pbx_was_away(self):
        self.connect()
        self.server.failure = SILENT
        self.office.active = False
        self.assertEnded()
        note = self.office.message_ids[0].body
        self.assertIn("no answer in time", note)
        self.assertIn("ends by itself", note)

    def test_nobody_to_run_as_ends_it(self):
        self.connect()
        self.office.user_id = False
        self.assertFalse(self.server.subscriptions)
        self.assertEnded()
        self.office.user_id = self.robot
        self.assertIn("press “Connect”", self.office.hint)

    def test_another_to_run_as_changes_nothing(self):
        self.connect()
        self.office.user_id = self.env.ref("base.user_admin")
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertEqual(self.office.state, "connected")

    def test_archiving_whom_it_runs_as_ends_it(self):
        self.connect()
        self.robot.active = False
        with log_lines():
            self.run_job("keep_alive")
        self.assertFalse(self.server.subscriptions)
        self.assertEnded()

    def test_deleting_the_connection_ends_it(self):
        self.connect()
        self.office.unlink()
        self.assertFalse(self.server.subscriptions)

    def test_a_neutralized_copy_leaves_that_of_the_original_alone(self):
        self.connect()
        self.own.renew_at = fields.Datetime.now()
        asked = len(self.server.questions)
        self.env.flush_all()
        with file_open("cloud_pbx/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        with log_lines():
            self.run_job("keep_alive")
        self.office.active = True
        with log_lines():
            self.run_job("keep_alive")
        self.assertEqual(len(self.server.questions), asked)
        self.assertEqual(len(self.server.subscriptions), 1)

    # ------------------------------------------------------------- names of phones

    @contextmanager
    def named_by_several(self):
        self.toy.names_extensions = True
        self.toy.extension_names = lambda number, login, caller_id: {
            name for name in (number, login, login.split("@")[0], caller_id[-10:])
        }
        try:
            yield
        finally:
            del self.toy.names_extensions, self.toy.extension_names

    def names(self):
        return self.env["pbx.provider"]._settings(self.office.id).account.extensions

    def test_all_names_of_an_extension_are_known_at_once(self):
        with self.named_by_several():
            self.assertEqual(self.names(), {})
            one = self.new_extension("101", self.anna, self.office, login="anna@toy")
            self.assertEqual(
                self.names(), {"101": "101", "anna@toy": "101", "anna": "101"}
            )
            one.caller_id = "+442079460101"
            self.assertEqual(self.names()["2079460101"], "101")
            one.login = "maria@toy"
            self.assertNotIn("anna", self.names())
            # A number is nobody else's name.
            self.new_extension("102", self.boris, self.office, login="101@toy")
            self.assertEqual(self.names()["101"], "101")
            one.unlink()
            self.assertEqual(self.names(), {name: "102" for name in
                                            ("102", "101@toy", "101")})  # fmt: skip

    def test_legs_are_adopted_by_any_name_of_the_extension(self):
        self.connect()
        self.toy.extension_identity = "number"
        self.addCleanup(delattr, self.toy, "extension_identity")
        call = self.env["pbx.call"].create(
            {
                "provider_id": self.office.id,
                "company_id": self.company.id,
                "ref": "7/2026",
                "start": NOON,
            }
        )
        self.env["pbx.call.leg"].create(
            [
                {
                    "call_id": call.id,
                    "provider_id": self.office.id,
                    "number": name,
                    "start": NOON,
                }
                for name in ("zoe", "max")
            ]
        )
        with self.named_by_several():
            one = self.new_extension("301", self.anna, self.office, login="zoe@toy")
        owners = {leg.number: leg.extension_id for leg in call.leg_ids}
        self.assertEqual(owners["zoe"], one)
        self.assertFalse(owners["max"])


def _with(account, name):
    """Return an account that knows of a subscription."""
    return replace(account, memory={"subscription": name})


def _times(row):
    """Return what is computed of a row of the provider, and not stored in it."""
    names = ("subscribed_until", "subscription_ended", "hint", "last_event_at")
    return {name: row[name] for name in names if name in row}
