"""A PBX that shares no assumption with the first one, by the same buttons and jobs."""

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..telephony import dialect as dialects
from .common import CALLER, LINE, NOON, PbxHttpCase, log_lines
from .toy_dialect import XML, Server, Toy, notice


class ToyCase(PbxHttpCase):
    """The office of Harbour Ltd has the toy PBX."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        toy = dialects.register(Toy())
        cls.addClassCleanup(dialects.unregister, toy.code)
        # Views are kept in memory, with the dialects that there were.
        cls.registry.clear_cache("templates")
        cls.addClassCleanup(cls.registry.clear_cache, "templates")
        cls.toy = toy
        cls.office = cls.env["pbx.provider"].create(
            {
                "name": "Office",
                "dialect": "toy",
                "server_url": toy.default_server,
                "company_id": cls.company.id,
                "user_id": cls.robot.id,
                "login": "office",
                "country_id": cls.gb.id,
            }
        )

    def setUp(self):
        super().setUp()
        self.server = self.toy.server = Server()

    def connect(self):
        self.env.flush_all()
        with log_lines():
            self.office.action_connect()
        self.env.invalidate_all()
        return {check.step: check.state for check in self.office.check_ids}

    def subscription(self):
        return list(self.server.subscriptions)[-1]

    def tell(self, tag, seconds, subscription=None, **attributes):
        """Have the PBX post a notice; return the status of the answer."""
        body = notice(
            tag,
            NOON + timedelta(seconds=seconds),
            subscription or self.subscription(),
            **attributes,
        )
        url = f"/pbx/toy/{self.office.webhook_token}"
        response = self.url_open(url, data=body, headers={"Content-Type": XML})
        self.env.invalidate_all()
        return response.status_code


@tagged("post_install", "-at_install")
class TestAnotherPbx(ToyCase):
    def test_connect_subscribes_and_lists_people(self):
        states = self.connect()
        expected = {"address": "warning", "extensions": "ok", "users": "warning"}
        self.assertEqual(states, expected)
        self.assertEqual(self.office.state, "connected")
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertEqual(
            set(self.office.extension_ids.mapped("login")),
            {"anna", "ben", "front.desk"},
        )
        # Again: the one before is given back.
        first = self.subscription()
        self.connect()
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertNotEqual(self.subscription(), first)

    def test_a_wrong_login_is_said(self):
        self.office.login = "garage"
        states = self.connect()
        self.assertEqual(states["address"], "failed")
        self.assertEqual(self.office.state, "error")

    def test_an_answered_call_ends_with_its_last_leg(self):
        self.connect()
        anna = self.office.extension_ids.filtered(lambda one: one.login == "anna")
        anna.user_ids = self.anna
        way = {"call": "7/2026", "way": "in", "from_": CALLER, "to": LINE}
        for tag, seconds, more in (
            ("ring", 0, {"desk": "anna"}),
            ("ring", 0, {"desk": "front.desk"}),
            ("lift", 10, {"desk": "anna"}),
            ("gone", 10, {"desk": "front.desk", "how": "left"}),
        ):
            self.assertEqual(self.tell(tag, seconds, **way, **more), 200)
        call = self.the_call(self.office)
        self.assertCall(call, state="ongoing", direction="inbound", number=CALLER)
        self.assertEqual(self.tell("gone", 70, **way, desk="anna", how="talk"), 200)
        self.assertCall(
            self.the_call(self.office),
            state="done",
            outcome="answered",
            talk_seconds=60,
            wait_seconds=10,
            line=LINE,
            extension_id=anna,
            user_id=self.anna,
        )
        self.assertEqual(self.legs(call), {"anna": "answered", "front.desk": "missed"})

    def test_an_unknown_subscription_has_no_effect(self):
        self.connect()
        with log_lines():
            status = self.tell("ring", 0, "sub-0", call="7/2026", desk="anna")
        self.assertEqual(status, 403)
        self.assertFalse(self.events(provider=self.office))

    # ----------------------------------------------------------------- form and hints

    def shown(self, name):
        """Return the labels of a field for each server type that shows it."""
        arch = self.env["pbx.provider"].get_view(view_type="form")
        labels = {}
        for node in etree.fromstring(arch["arch"]).iter("field", "page", "group"):
            rule = node.get("invisible") or ""
            if node.get("name") == name and rule != "True":
                for code in ("zadarma", "toy"):
                    if "dialect not in" not in rule or f"'{code}'" in rule:
                        labels[code] = node.get("string")
        return labels

    def test_its_form_has_what_it_needs_under_its_own_names(self):
        self.assertEqual(self.shown("login"), {"toy": "Office"})
        self.assertEqual(self.shown("api_key"), {"zadarma": "Key"})
        self.assertEqual(self.shown("api_secret"), {"zadarma": "Secret"})
        for name in ("tz", "utc_offset", "balance", "recording_mode", "lines"):
            self.assertEqual(set(self.shown(name)), {"zadarma"}, name)
        self.assertFalse(self.shown("account"))
        self.assertEqual(set(self.shown("history")), {"toy", "zadarma"})

    def test_server_and_limits_follow_the_server_type(self):
        new = self.env["pbx.provider"].new({"dialect": "zadarma"})
        self.assertEqual(new.server_url, "https://api.zadarma.com")
        new.dialect = "toy"
        self.assertEqual(new.server_url, "https://toy.example")
        self.assertEqual((new.general_limit, new.statistics_limit), (20, 5))
        # What somebody entered stays.
        new.server_url = "https://pbx.example.com"
        new.general_limit = 7
        new.dialect = "zadarma"
        self.assertEqual(new.server_url, "https://pbx.example.com")
        self.assertEqual((new.general_limit, new.statistics_limit), (7, 3))

    def test_what_it_needs_is_asked_for_and_nothing_else(self):
        self.assertTrue(self.office.can_connect and self.office.can_check)
        for word in ("signature", "time zone", "answers"):
            self.assertNotIn(word, self.office.hint or "")
        self.office.login = False
        self.assertFalse(self.office.can_connect or self.office.can_check)
        with self.assertRaisesRegex(UserError, "Enter this first: Office"):
            self.office.action_check()

    def test_its_extensions_are_what_it_takes_for_one(self):
        extensions = self.env["pbx.extension"].with_context(
            default_provider_id=self.office.id
        )
        self.assertEqual(extensions.create({"number": " Back.Office "}).number,
                         "back.office")  # fmt: skip
        with self.assertRaisesRegex(ValidationError, "Toy PBX.*front.desk"):
            extensions.create({"number": "+442079460201"})

    # ------------------------------------------------------------- dialling, history

    def dial(self, number):
        self.env.flush_all()
        return self.env["pbx.call"].with_user(self.anna).dial(number)

    def test_a_click_names_the_phone_as_the_pbx_does(self):
        self.connect()
        anna = self.office.extension_ids.filtered(lambda one: one.login == "anna")
        self.extension.user_ids = False
        anna.user_ids = self.anna
        self.dial("020 7946 0299")
        self.dial("202")
        dialled = [(desk, number) for desk, number, _line in self.server.dialled]
        self.assertEqual(dialled, [("anna", "+442079460299"), ("anna", "202")])
        phones = self.env["pbx.desk"].with_user(self.anna).overview()["phones"]
        self.assertTrue(phones[0]["dials_short_numbers"])

    def test_a_click_can_be_given_up(self):
        """By who clicked, as long as it goes on."""
        self.connect()
        anna = self.office.extension_ids.filtered(lambda one: one.login == "anna")
        self.extension.user_ids = False
        anna.user_ids = self.anna
        call = self.env["pbx.call"].browse(self.dial("020 7946 0299"))
        desk = self.env["pbx.desk"].with_user(self.anna)
        self.env.invalidate_all()
        self.assertTrue(desk.cards(call.ids)["cards"][0]["can_hang_up"])
        call.participant_ids += self.boris
        with self.assertRaises(UserError):
            call.with_user(self.boris).hang_up()
        self.assertEqual(self.server.ended, [])
        call.with_user(self.anna).hang_up()
        self.assertEqual(self.server.ended, [call.ref])
        call.state = "done"
        with self.assertRaises(UserError):
            call.with_user(self.anna).hang_up()

    def test_past_calls_without_ids_come_once(self):
        self.connect()
        start = fields.Datetime.now() - timedelta(hours=3)
        self.server.history = [
            {"desk": "anna", "way": "in", "from": CALLER, "to": LINE,
             "start": start, "talk": 40, "how": "talk"},
            {"desk": "ben", "way": "out", "from": LINE, "to": CALLER,
             "start": start + timedelta(minutes=5), "talk": 0, "how": "silence"},
        ]  # fmt: skip
        for _time in range(2):
            self.env.flush_all()
            with log_lines():
                self.office.action_fetch_history()
            self.env.invalidate_all()
            calls = self.env["pbx.call"].search(
                [("provider_id", "=", self.office.id)], order="start"
            )
            self.assertEqual(
                [(one.direction, one.outcome, one.talk_seconds) for one in calls],
                [("inbound", "answered", 40), ("outbound", "no_answer", 0)],
            )
