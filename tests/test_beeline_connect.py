"""Beeline entered, connected, renewed and left, against its look-alike."""

import re
from dataclasses import replace
from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from .beeline import TOKEN, BeelineCase
from .common import log_lines

ABONENTS, NUMBERS = "GET /abonents", "GET /numbers"
PUT, DELETE = "PUT /subscription", "DELETE /subscription"


@tagged("post_install", "-at_install")
class TestBeelineConnect(BeelineCase):
    def test_connect(self):
        states = self.connect()
        self.assertEqual(
            states,
            {
                "keys": "ok",
                "extensions": "ok",
                "lines": "ok",
                "address": "ok",
                "users": "warning",
            },
        )
        self.assertEqual(self.asked(), [ABONENTS, NUMBERS, PUT], "each once")
        self.assertEqual(self.provider.state, "connected")
        self.assertFalse(self.provider.last_error)
        [live] = self.subscriptions()
        self.assertEqual(live["url"], self.provider.webhook_url)
        self.assertEqual(live["subscriptionType"], "BASIC_CALL")
        ends_in = self.provider.subscribed_until - fields.Datetime.now()
        self.assertAlmostEqual(ends_in.total_seconds(), 86400, delta=10)
        anna, ivan = self.provider.extension_ids.sorted("number")[::3]
        self.assertEqual(anna.number, "101")
        self.assertEqual(anna.login, "9000000101@ip.beeline.ru")
        self.assertEqual(anna.name, "Анна Соколова")
        self.assertEqual(anna.caller_id, "+79000000101")
        # A SIP user has a login, and no phone.
        self.assertEqual(ivan.login, "SIP00ABCD0104@ip.beeline.ru")
        self.assertFalse(ivan.caller_id)
        self.assertEqual(
            self.provider.line_ids.mapped("number"), ["+79000000100", "+79000000110"]
        )

    def test_again_nothing_is_doubled(self):
        self.connect()
        [first] = self.subscriptions()
        anna = self.provider.extension_ids.sorted("number")[0]
        anna.user_ids = self.anna
        self.connect()
        self.assertEqual(self.asked()[3:], [ABONENTS, NUMBERS, PUT, DELETE])
        [second] = self.subscriptions()
        self.assertNotEqual(first["subscriptionId"], second["subscriptionId"])
        self.assertEqual(len(self.provider.extension_ids), 4)
        self.assertEqual(anna.user_ids, self.anna)
        self.assertEqual(len(self.provider.line_ids), 2)

    def test_a_pbx_where_a_second_subscription_replaces_the_first(self):
        self.pbx.account.second_put = "replace"
        self.connect()
        self.assertEqual(self.connect()["address"], "ok")
        self.assertEqual(len(self.subscriptions()), 1)

    def test_abonents_without_an_extension_are_named_and_left_out(self):
        everybody = self.pbx.account.abonents
        self.pbx.account.abonents = {
            **everybody,
            "102": replace(everybody["102"], extension=""),
            "103": replace(everybody["103"], extension="", first_name="", last_name=""),
            "104": replace(everybody["104"], extension="1234567"),
        }
        self.assertEqual(self.connect()["extensions"], "ok")
        self.assertEqual(self.provider.extension_ids.mapped("number"), ["101"])
        detail = self.check("extensions").detail
        self.assertIn(
            "Left out, since they have no internal number: Дмитрий Орлов, "
            "9000000103@ip.beeline.ru, Игорь Ким",
            detail,
        )

    def test_a_wrong_token_is_said_in_the_words_of_beeline(self):
        self.provider.api_key = "another-token"
        states = self.connect()
        self.assertEqual(states["keys"], "failed")
        self.assertEqual(self.provider.state, "error")
        self.assertIn("does not accept the API token", self.provider.last_error)
        self.assertEqual(self.asked(), [ABONENTS])
        told = self.pbx.control("GET", "/log?kind=api").json()[0]["reply"]
        self.assertIn(told["description"], self.provider.last_error)

    def test_no_token_is_asked_for(self):
        self.provider.api_key = False
        self.assertEqual(self.connect()["keys"], "failed")
        self.assertIn("API token", self.provider.last_error)
        self.assertEqual(self.asked(), [])

    def test_a_busy_pbx_is_asked_again(self):
        self.break_next("503", "/subscription", times=2)
        states = self.connect()
        self.assertEqual(states["address"], "waiting")
        self.assertIn("tries again automatically", self.check("address").message)
        self.assertEqual(self.provider.state, "draft")
        for _time in range(2):
            self.provider.subscription_ids.renew_at = fields.Datetime.now()
            with log_lines():
                self.run_job("keep_alive")
        self.env.invalidate_all()
        self.assertEqual(self.provider.state, "connected")
        self.assertEqual(self.check("address").state, "ok")
        self.assertEqual(len(self.subscriptions()), 1)
        self.assertEqual(self.asked().count(PUT), 3)

    def test_connect_settles_what_a_renewal_reminded_of(self):
        self.connect()
        self.break_next("401", "/subscription", method="PUT", times=1)
        self.provider.subscription_ids.renew_at = fields.Datetime.now()
        with log_lines():
            self.run_job("keep_alive")
        self.env.invalidate_all()
        self.assertEqual(self.provider.state, "error")
        self.assertEqual(len(self.provider.activity_ids), 1)
        self.connect()
        self.assertEqual(self.provider.state, "connected")
        self.assertFalse(self.provider.activity_ids)

    def test_words_while_connect_waits(self):
        """What failed before and is right now is no part of them."""
        self.break_next("500", "/abonents", times=1)
        self.connect()
        self.assertIn("Keys", self.provider.last_error)
        self.break_next("503", "/subscription", method="PUT", times=1)
        self.env.flush_all()
        with log_lines():
            message = self.provider.action_connect()["params"]["message"]
        self.env.invalidate_all()
        self.assertIn("Continues automatically", message)
        self.assertEqual(self.provider.state, "error")
        self.assertNotIn("Keys", self.provider.last_error)
        self.assertIn("tries again automatically", self.provider.last_error)

    def test_granted_for_four_minutes(self):
        self.pbx.account.granted_seconds = 240
        self.connect()
        own = self.provider.subscription_ids
        now = fields.Datetime.now()
        self.assertAlmostEqual((own.until - now).total_seconds(), 240, delta=5)
        self.assertAlmostEqual((own.renew_at - now).total_seconds(), 120, delta=5)

    def test_each_abonent_has_a_subscription_of_its_own(self):
        self.provider.account = "101, 8 (900) 000-01-02, SIP00ABCD0104@ip.beeline.ru"
        self.connect()
        wanted = {"101", "9000000102", "SIP00ABCD0104@ip.beeline.ru"}
        self.assertEqual({one["pattern"] for one in self.subscriptions()}, wanted)
        self.connect()
        self.assertEqual(len(self.subscriptions()), 3)
        self.assertEqual({one["pattern"] for one in self.subscriptions()}, wanted)
        # Fewer are wanted: it says to connect, and then they are.
        self.provider.account = "101"
        self.assertIn("press “Connect”", self.provider.hint)
        self.connect()
        self.assertEqual([one["pattern"] for one in self.subscriptions()], ["101"])
        self.assertFalse(self.provider.events_changed)

    def test_another_kind_of_subscription(self):
        self.connect()
        self.assertFalse(self.provider.events_changed)
        self.provider.beeline_sources = "203.0.113.7"
        self.assertFalse(self.provider.events_changed, "Beeline knows nothing of it")
        self.provider.beeline_subscription_type = "ADVANCED_CALL"
        self.provider.beeline_expires = 3600
        self.assertTrue(self.provider.events_changed)
        self.connect()
        [live] = self.subscriptions()
        self.assertEqual(live["subscriptionType"], "ADVANCED_CALL")
        self.assertLessEqual(live["expires"], 3600)

    def test_a_new_token_of_ours_is_subscribed_anew(self):
        self.connect()
        self.provider.action_rotate_token()
        self.assertIn("press “Connect”", self.provider.hint)
        self.connect()
        [live] = self.subscriptions()
        self.assertEqual(live["url"], self.provider.webhook_url)

    def test_disconnect(self):
        self.connect()
        with log_lines():
            self.provider.action_disconnect()
        self.assertEqual(self.subscriptions(), [])
        self.assertEqual(self.provider.state, "draft")
        self.assertFalse(self.provider.subscribed_until)

    def test_archived_while_beeline_is_away(self):
        self.connect()
        self.break_next("500", "/subscription", times=5)
        self.provider.active = False
        self.assertFalse(self.provider.subscription_ids.details)
        self.assertIn("could not be told", self.provider.message_ids[0].body)

    def test_one_that_has_gone_is_found_and_made_anew(self):
        self.connect()
        [live] = self.subscriptions()
        path = f"/subscriptions/{live['subscriptionId']}/terminate"
        self.pbx.control("POST", path, {"tell": False})
        self.assertEqual(self.subscriptions(), [])
        self.company.resource_calendar_id = False  # they work at all hours
        self.provider.connected_at = fields.Datetime.now() - timedelta(hours=2)
        with log_lines():
            self.run_job("silence")
            self.run_job("keep_alive")
        self.assertEqual(len(self.subscriptions()), 1)

    def test_nobody_is_asked_for_one_by_one(self):
        self.connect()
        self.provider.refreshed_at = False
        self.provider.extension_ids.checked_at = False
        with log_lines():
            self.run_job("refresh")
        self.assertEqual(self.asked()[3:], [ABONENTS])

    def test_the_token_is_in_no_log(self):
        with log_lines() as lines:
            self.provider.action_connect()
            self.provider.action_disconnect()
        webhook_token = self.provider.webhook_token
        rows = self.env["pbx.request"].search([("provider_id", "=", self.provider.id)])
        kept = str(rows.read(["path", "asked", "answered", "error"]))
        self.assertIn("/subscription", kept)
        for secret in (TOKEN, webhook_token):
            self.assertNotIn(secret, kept)
            self.assertNotIn(secret, str(lines))

    # ------------------------------------------------------------------- the form

    def test_the_server_follows_the_server_type(self):
        form = Form(self.env["pbx.provider"])
        form.dialect = "zadarma"
        form.dialect = "beeline"
        self.assertEqual(form.server_url, "https://cloudpbx.beeline.ru/apis/portal")
        self.assertEqual(form.beeline_expires, 86400)
        self.assertEqual(form.beeline_subscription_type, "BASIC_CALL")
        self.assertEqual(form.beeline_statistics_unit, "ms")

    def test_only_what_beeline_needs_is_on_its_form(self):
        arch = self.env["pbx.provider"].get_view(view_type="form")["arch"]
        shown = set()
        for node in etree.fromstring(arch).iter("field", "page", "group"):
            rule = node.get("invisible") or ""
            others = "dialect not in" in rule and "'beeline'" not in rule
            if rule != "True" and not others:
                shown.add(node.get("name"))
        for name in ("account", "api_key", "beeline", "lines", "history"):
            self.assertIn(name, shown)
        for name in ("api_secret", "login", "tz", "utc_offset", "balance"):
            self.assertNotIn(name, shown)

    def test_its_settings_belong_to_administrators(self):
        names = [name for name in self.provider._fields if name.startswith("beeline_")]
        self.assertEqual(len(names), 4)
        for name in names:
            self.assertEqual(self.provider._fields[name].groups, "base.group_system")

    def test_wrong_settings_are_refused_in_plain_words(self):
        for name, value, reason in (
            ("beeline_expires", 239, "Subscribe for.*240 to 86400"),
            ("beeline_expires", 86401, "Subscribe for.*240 to 86400"),
            ("beeline_sources", "203.0.113.7, beeline.ru", "“beeline.ru” is no"),
            ("beeline_sources", "10.0.0.0/33", "“10.0.0.0/33” is no"),
            ("account", "101, две", "Subscribed to: “две” is no user ID"),
        ):
            with (
                self.subTest(name, value=value),
                self.assertRaisesRegex(ValidationError, reason),
            ):
                self.provider[name] = value
        self.provider.write(
            {
                "beeline_expires": 240,
                "beeline_sources": "203.0.113.7, 198.51.100.0/24 2001:db8::/32",
                "account": "101,9000000102@ip.beeline.ru, +7 900 000-01-03",
            }
        )

    def render(self, scenario):
        """Return the bodies of the events of a scenario."""
        [live] = self.subscriptions()
        wanted = {"scenario": scenario, "subscription": live["subscriptionId"]}
        events = self.pbx.control("POST", "/render", wanted).json()["events"]
        return [event["body"] for event in events]

    def post(self, body):
        """Send an event; return the status of the answer."""
        url = f"/pbx/beeline/{self.provider.webhook_token}"
        with log_lines():
            headers = {"Content-Type": "application/xml; charset=UTF-8"}
            answer = self.url_open(url, data=body.encode(), headers=headers)
        self.env.invalidate_all()
        return answer.status_code

    def test_the_ambulance_is_no_colleague(self):
        """103 is an extension, too."""
        self.connect()
        self.assertIn("103", self.provider.extension_ids.mapped("number"))
        for body in self.render("outbound"):
            body = re.sub(r"tel:\+7900\d{7}", "tel:103", body)
            self.assertEqual(self.post(body), 200)
            call = self.env["pbx.call"].search([("provider_id", "=", self.provider.id)])
            self.assertCall(call, direction="outbound", number="103")
        self.assertEqual((call.state, call.outcome), ("done", "answered"))

    def test_events_are_taken_from_named_networks_alone(self):
        self.connect()
        body = self.render("answered")[0]

        def post():
            return self.post(body)

        self.provider.beeline_sources = "198.51.100.0/24"
        self.env.flush_all()
        self.assertEqual(post(), 403)
        self.assertFalse(self.events())
        self.provider.beeline_sources = "198.51.100.0/24, 127.0.0.0/8"
        self.env.flush_all()
        self.assertEqual(post(), 200)
        self.assertEqual(len(self.events()), 1)
