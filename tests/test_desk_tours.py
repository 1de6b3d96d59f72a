"""The agent's desk in a real browser, while the PBX posts its signed webhooks.

What the PBX tells is prepared here, and posted by the tour when the tour wants it: so
the card comes by the real bus, to a page that was open before.
"""

import json
import time
from datetime import datetime
from urllib.parse import urlencode

from odoo.tests import tagged

from ..telephony.zadarma.signature import sign_event
from .common import CALLER, LINE, PbxHttpCase, scenarios
from .fake_pbx import FakePbxCase
from .test_tours import SHARED, STRANGER

# As static/tests/tours/webhooks.js has it.
WEBHOOKS = "cloud_pbx.webhooks"


class DeskTourCase(PbxHttpCase):
    """Anna is at 100, Boris at 101; the page that is open is that of the contacts."""

    # The first page builds the browser's files; on a busy machine others wait for it.
    test_cursor_lock_timeout = 60

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["pbx.line"].create(
            {"number": LINE, "name": "Support", "provider_id": cls.provider.id}
        )

    def webhooks(self, name, **parameters):
        """Return a scenario's events as they are posted, the call beginning now."""
        now = datetime.now(self.provider._zone()).strftime("%Y-%m-%d %H:%M:%S")
        steps = scenarios.scenario(name, line=LINE, call_start=now, **parameters)
        secret = self.provider.api_secret
        return [
            {
                "event": step.event,
                "url": self.url_of(),
                "headers": {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Signature": sign_event(step.event, step.fields, secret),
                },
                "body": urlencode(step.fields),
            }
            for step in steps
        ]

    def tour(self, name, webhooks, user=None, url="/odoo/contacts"):
        keep = (
            f"sessionStorage.setItem({WEBHOOKS!r}, {json.dumps(json.dumps(webhooks))})"
        )
        options = json.dumps({"stepDelay": 0, "startUrl": url})
        self.start_tour(
            url,
            name,
            code=f"{keep}; odoo.startTour({name!r}, {options})",
            login=(user or self.anna).login,
        )
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestDeskTours(DeskTourCase):
    def test_answered_with_a_note(self):
        olga = self.new_partner()
        self.tour(
            "cloud_pbx_desk_answered",
            self.webhooks("answered", caller=CALLER, extension="100", duration=61),
        )
        self.assertCall(
            self.the_call(),
            partner_id=olga,
            state="done",
            outcome="answered",
            user_id=self.anna,
            note="Wants the offer by Friday.",
        )

    def talk(self):
        return self.webhooks("answered", caller=CALLER, extension="100", duration=61)

    def test_tagged_after_the_call(self):
        olga = self.new_partner()
        sale = self.env.ref("cloud_pbx.call_tag_sale")
        sale.activity_type_id = self.env.ref("mail.mail_activity_data_todo")
        self.tour("cloud_pbx_desk_tagged", self.talk())
        self.assertCall(self.the_call(), tag_ids=sale, user_id=self.anna)
        self.assertRecordValues(
            olga.activity_ids,
            [
                {
                    "activity_type_id": sale.activity_type_id.id,
                    "user_id": self.anna.id,
                }
            ],
        )

    def test_asked_for_a_tag(self):
        self.company.pbx_wrap_up = "ask"
        self.new_partner()
        self.tour("cloud_pbx_desk_asks", self.talk())
        support = self.env.ref("cloud_pbx.call_tag_support")
        self.assertCall(self.the_call(), tag_ids=support, is_wrapped_up=False)

    def test_nothing_to_say(self):
        self.company.pbx_wrap_up = "ask"
        self.new_partner()
        self.tour("cloud_pbx_desk_nothing_to_say", self.talk())
        nothing = self.env["pbx.call.tag"]
        self.assertCall(self.the_call(), tag_ids=nothing, is_wrapped_up=True)

    def test_taken_by_a_colleague(self):
        self.new_partner()
        self.tour(
            "cloud_pbx_desk_taken",
            self.webhooks(
                "ring_group",
                caller=CALLER,
                extension="101",
                extensions=("100", "101"),
            ),
        )
        self.assertCall(
            self.the_call(),
            outcome="answered",
            user_id=self.boris,
            participant_ids=self.anna + self.boris,
        )

    def test_unknown_becomes_a_contact(self):
        self.tour(
            "cloud_pbx_desk_unknown",
            self.webhooks("answered", caller=STRANGER, extension="100"),
        )
        call = self.the_call()
        self.assertRecordValues(
            call.partner_id,
            [
                {
                    "name": "Nora Quinn",
                    "phone_sanitized": STRANGER,
                    "country_id": self.gb.id,
                }
            ],
        )
        self.assertCall(call, partner_source="picked", user_id=self.anna)

    def test_one_of_several_is_picked(self):
        self.new_partner("Rowan Ellis", "020 7946 0205")
        shop = self.new_partner("Haddad Print Shop", "+44 2079 460205", is_company=True)
        self.tour(
            "cloud_pbx_desk_several",
            self.webhooks("missed", caller=SHARED, extension="100"),
        )
        self.assertCall(self.the_call(), partner_id=shop, partner_source="picked")

    def test_stranger_is_linked_to_a_contact(self):
        rowan = self.new_partner("Rowan Ellis", "020 7946 0205")
        self.tour(
            "cloud_pbx_desk_link",
            self.webhooks("missed", caller=STRANGER, extension="100"),
        )
        self.assertCall(self.the_call(), partner_id=rowan, partner_source="picked")

    def test_who_has_no_phone_sees_nothing(self):
        olga = self.new_partner()
        self.assertFalse(self.supervisor.pbx_extension_ids)
        self.tour(
            "cloud_pbx_desk_no_phone",
            self.webhooks("answered", caller=CALLER, extension="100"),
            self.supervisor,
            f"/odoo/contacts/{olga.id}",
        )
        self.assertCall(self.the_call(), partner_id=olga, outcome="answered")


@tagged("post_install", "-at_install")
class TestCallBackTour(FakePbxCase, DeskTourCase):
    def answers(self, seconds):
        """Whoever is called back speaks for so long."""
        account = self.pbx.account
        account.callinfo_url = self.base_url() + self.url_of()
        account.extensions["100"]["online"] = True
        account.click.update(
            story="calltype", outcome="answered", speed=0.3, duration=seconds
        )
        self.http_request_allow_all = True  # those of the fake PBX as well

    def hears_all(self):
        """Wait until the fake PBX has told all of the call: the tour ends before, and
        Odoo and this test share one connection to the database."""
        for _try in range(300):
            told = self.pbx.control("GET", "/log?kind=webhook").json()
            if any(one["event"] == "NOTIFY_RECORD" for one in told):
                return
            time.sleep(0.1)
        self.fail("The fake PBX has not told all of the call.")

    def lost(self):
        return self.webhooks("missed", caller=CALLER, extension="100")

    def test_next_keeps_what_was_promised(self):
        olga = self.new_partner()
        self.company.resource_calendar_id = False  # whatever the hour is
        self.answers(seconds=9)
        self.tour("cloud_pbx_call_back", self.lost(), url="/odoo/call-backs")
        self.hears_all()
        promise = self.env["pbx.promise"].search([("partner_id", "=", olga.id)])
        dialled = self.calls().filtered("clicked_at")
        self.assertRecordValues(
            promise,
            [
                {
                    "state": "kept",
                    "in_time": True,
                    "attempts": 1,
                    "tries": 0,
                    "user_id": self.anna.id,
                    "closed_by_id": self.anna.id,
                    "closed_call_id": dialled.id,
                }
            ],
        )

    def test_settled_by_hand(self):
        olga = self.new_partner()
        self.tour("cloud_pbx_call_back_by_hand", self.lost(), url="/odoo/call-backs")
        promise = self.env["pbx.promise"].search([("partner_id", "=", olga.id)])
        self.assertRecordValues(
            promise, [{"state": "dismissed", "dismiss_reason": "not_needed"}]
        )

    def test_missed_and_called_back(self):
        """The fake PBX dials, and tells of it by webhooks of its own."""
        olga = self.new_partner()
        self.answers(seconds=5)
        self.tour("cloud_pbx_desk_missed", self.lost())
        self.hears_all()
        self.assertRecordValues(
            self.calls().sorted("id"),
            [
                {
                    "direction": "inbound",
                    "outcome": "missed",
                    "to_call_back": False,
                    "partner_id": olga.id,
                    "user_id": False,
                },
                {
                    "direction": "outbound",
                    "outcome": "answered",
                    "to_call_back": False,
                    "partner_id": olga.id,
                    "user_id": self.anna.id,
                },
            ],
        )
        [asked] = self.asked("/request/callback")
        self.assertEqual(asked["params"]["from"], "100")
