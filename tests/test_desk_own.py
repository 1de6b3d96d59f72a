"""What is a user's own: preferences, the phone that dials, and that there is one."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import PbxHttpCase
from .desk import DeskCase, FakeCall
from .test_dial import CALLBACK, DialCase


@tagged("post_install", "-at_install")
class TestPreferences(DeskCase, DialCase):
    def test_set_and_values(self):
        usual = {
            "open_contact": "never",
            "sound": True,
            "do_not_disturb": False,
            "card_side": "left",
            "phone_id": False,
        }
        self.assertEqual(self.ask().overview()["preferences"], usual)
        changed = {
            "open_contact": "answer",
            "sound": False,
            "card_side": "right",
            "phone_id": self.extension.id,
        }
        values = self.ask().set_preferences(changed)
        self.assertEqual(values, {**usual, **changed})
        self.assertEqual(self.ask().overview()["preferences"], values)
        self.assertEqual(self.ask(self.boris).overview()["preferences"], usual)
        self.assertEqual(
            self.ask().set_preferences({"phone_id": False})["phone_id"], False
        )

    def test_refused(self):
        for values in (
            {"colour": "red"},
            {"sound": False, "password": "x"},
            {"pbx_sound": False},
            {"group_ids": []},
            {"phone_id": self.extension_2.id},
            {"phone_id": 2**31 - 1},
        ):
            with self.fresh(values), self.assertRaises(UserError):
                self.ask().set_preferences(values)
        with self.fresh("no such choice"), self.assertRaises(ValueError):
            self.ask().set_preferences({"open_contact": "always"})
        self.assertTrue(self.anna.pbx_sound)

    def test_one_s_own_and_nobody_else_s(self):
        names = ("pbx_open_contact", "pbx_sound", "pbx_do_not_disturb")
        plain = self.new_user("plain", "cloud_pbx.group_pbx_user")
        own = plain.with_user(plain)
        own.write({"pbx_sound": False, "pbx_open_contact": "ring"})
        own.pbx_dial_extension_id = False
        self.assertEqual(own.read(names)[0]["pbx_open_contact"], "ring")
        for user in (plain, self.supervisor):
            for name in (*names, "pbx_dial_extension_id", "pbx_extension_ids"):
                with self.assertRaises(AccessError):
                    self.anna.with_user(user).write({name: False})

    def test_which_phone_dials(self):
        """The chosen one, as long as it is one's own."""
        second = self.new_extension("102", self.anna)
        self.pbx.account.extensions["102"] = dict(self.pbx.account.extensions["100"])
        for chosen in (second, self.extension):
            with self.subTest(chosen=chosen.number):
                self.ask().set_preferences({"phone_id": chosen.id})
                self.dial(f"+44 20 7946 02{chosen.id % 90 + 10}")
                asked = self.asked(CALLBACK)[-1]
                self.assertEqual(asked["params"]["from"], chosen.number)
                phones = self.ask().overview()["phones"]
                self.assertEqual(phones[0]["number"], chosen.number)
                self.assertEqual(len(phones), 2)
        self.anna.pbx_dial_extension_id = self.extension_2
        self.env.flush_all()
        self.dial("+44 20 7946 0299")
        self.assertIn(self.asked(CALLBACK)[-1]["params"]["from"], ("100", "102"))
        second.unlink()
        phones = self.ask().overview()["phones"]
        self.assertEqual([phone["number"] for phone in phones], ["100"])

    def test_phones_and_lines(self):
        self.extension.write({"caller_id": "+442079460900", "name": "Reception"})
        self.extension._set_online(True)
        loaded = self.ask().overview()
        self.assertEqual(
            loaded["phones"],
            [
                {
                    "id": self.extension.id,
                    "number": "100",
                    "name": "100 Reception",
                    "status": "online",
                    "dials_short_numbers": False,
                }
            ],
        )
        numbers = [line["number"] for line in loaded["lines"]]
        self.assertEqual(numbers, ["+442079460900"])
        self.provider.user_id = False  # switched off
        self.assertEqual(self.ask().overview(), {"phones": []})


@tagged("post_install", "-at_install")
class TestSessionInfo(PbxHttpCase):
    def page(self, user):
        """Return what the page of the web client knows from the start."""
        user.password = user.login
        self.authenticate(user.login, user.login)
        info = self.url_open("/web/session/get_session_info", json={}).json()["result"]
        html = self.url_open("/odoo").text
        self.assertEqual('"cloud_pbx_phone": true' in html, "cloud_pbx_phone" in info)
        return info

    def call(self, model, method, args):
        asked = {"model": model, "method": method, "args": args, "kwargs": {}}
        url = f"/web/dataset/call_kw/{model}/{method}"
        return self.url_open(url, json={"params": asked}).json()

    def test_who_has_a_phone(self):
        clerk = self.new_user("clerk", "base.group_user")
        idle = self.new_agent("idle")
        clerk.pbx_extension_ids = self.extension
        for user, has_phone in (
            (self.anna, True),
            (idle, False),
            (clerk, False),
            (self.supervisor, False),
        ):
            with self.subTest(user.name):
                values = self.page(user).get("cloud_pbx_phone")
                self.assertEqual(values, True if has_phone else None)
        self.extension_2.user_ids = idle
        self.assertIs(self.page(idle).get("cloud_pbx_phone"), True, "at once")
        self.provider.user_id = False
        self.assertNotIn("cloud_pbx_phone", self.page(idle))

    def test_asked_by_the_browser(self):
        """The desk's methods, as they are called over the wire."""
        FakeCall(self).start().ring("100")
        self.page(self.anna)
        for method, args in (
            ("overview", []),
            ("cards", [[1, 2]]),
            ("recent", [False, 20]),
            ("recent", [["2026-01-01 00:00:00", 5], 20]),
            ("missed_calls", []),
            ("count_missed", []),
            ("search_contacts", ["olga"]),
            ("search_callers", ["olga"]),
            ("set_preferences", [{"sound": False}]),
        ):
            with self.subTest(method):
                answer = self.call("pbx.desk", method, args)
                self.assertIn("result", answer, json.dumps(answer)[:1000])
        for method in ("_phones", "_missed", "_log", "_cards"):
            for model in ("pbx.desk", "pbx.desk.card"):
                answer = self.call(model, method, [])
                self.assertIn("Private methods", answer["error"]["data"]["message"])
