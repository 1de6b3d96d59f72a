"""A PBX that shares no assumption with the first one, by the same buttons and jobs."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..telephony import dialect as dialects
from ..telephony import errors
from .common import CALLER, LINE, NOON, PbxHttpCase, log_lines
from .toy_dialect import XML, Server, Toy, notice


@tagged("post_install", "-at_install")
class TestAnotherPbx(PbxHttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        toy = dialects.register(Toy())
        cls.addClassCleanup(dialects.unregister, toy.code)
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

    def test_connect_subscribes_and_lists_people(self):
        states = self.connect()
        self.assertEqual(states, {"address": "warning", "extensions": "ok"})
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

    def test_a_subscription_is_renewed_before_it_ends(self):
        self.connect()
        first = self.subscription()
        self.office.subscription_ids.renew_at = fields.Datetime.now()
        self.run_job("keep_alive")
        self.assertEqual(len(self.server.subscriptions), 1)
        self.assertNotEqual(self.subscription(), first)
        # What is still on its way with the former one is taken.
        self.assertEqual(self.tell("ring", 0, first, call="7/2026", desk="anna"), 200)

    def test_what_cannot_be_renewed_is_tried_again(self):
        self.connect()
        self.office.subscription_ids.renew_at = fields.Datetime.now()
        self.server.failure = errors.Unreachable("no answer in time")
        with log_lines():
            self.run_job("keep_alive")
        own = self.office.subscription_ids
        self.assertEqual(own.attempts, 1)
        self.assertGreater(own.renew_at, fields.Datetime.now())
        self.assertEqual(len(self.server.subscriptions), 1)

    def test_disconnect_gives_the_subscription_back(self):
        self.connect()
        with log_lines():
            self.office.action_disconnect()
        self.assertFalse(self.server.subscriptions)
