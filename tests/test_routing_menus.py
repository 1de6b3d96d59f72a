"""Messages, menus and blocked numbers, as a PBX that asks is told them."""

import json
import re
from datetime import date, timedelta

import psycopg2

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CALLER, LINE
from .desk import FakeCall
from .test_routing import SCENARIO, RoutingCase


@tagged("post_install", "-at_install")
class TestMenus(RoutingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sub = cls.env["pbx.menu"].create(
            {"name": "Sales", "provider_id": cls.provider.id, "sound": "sub"}
        )
        cls.menu = cls.env["pbx.menu"].create(
            {
                "name": "Main",
                "provider_id": cls.provider.id,
                "sound": "hello",
                "timeout": 4,
                "attempts": 3,
                "default_target": "0-1",
                "choice_ids": [
                    (0, 0, {"digits": "1", "target": "user", "user_id": cls.anna.id}),
                    (0, 0, {"digits": "2", "target": "menu", "menu_id": cls.sub.id}),
                    (0, 0, {"digits": "3", "target": "play", "sound": "bye"}),
                    (0, 0, {"digits": "4", "target": "hangup"}),
                ],
            }
        )
        cls.menu.choice_ids.ring_seconds = 0

    def press(self, digits, name=None, ref="in_1", behaviour=""):
        return self.ask(
            ref,
            "NOTIFY_IVR",
            **{
                "wait_dtmf[name]": name or f"m{self.menu.id}",
                "wait_dtmf[digits]": digits,
                "wait_dtmf[default_behaviour]": behaviour,
            },
        )

    def question(self, menu):
        return {
            "ivr_play": menu.sound,
            "wait_dtmf": {
                "timeout": menu.timeout,
                "attempts": menu.attempts,
                "maxdigits": menu.digits,
                "name": f"m{menu.id}",
                "default": menu.default_target,
            },
        }

    def test_a_rule_leads_into_a_menu(self):
        route = self.rule("menu", menu_id=self.menu.id)
        self.assertEqual(self.ask("in_1"), self.question(self.menu))
        self.assertEqual(self.call_of("in_1").route_id, route)
        self.assertEqual(self.call_of("in_1").route_code, "route")

    def test_keys(self):
        default = self.to("0-1")
        for digits, behaviour, reply in (
            ("1", "", self.to("100")),
            ("2", "", self.question(self.sub)),
            ("4", "", {"hangup": 1}),
            ("9", "", default),
            ("", "", default),
            ("", "redirect", {}),
        ):
            with self.fresh(digits, behaviour):
                route = self.rule("menu", menu_id=self.menu.id)
                self.ask("in_1")
                self.assertEqual(self.press(digits, behaviour=behaviour), reply)
                call = self.call_of("in_1")
                self.assertEqual(call.route_code, "menu")
                self.assertEqual(call.route_id, route, "that led into the menu")
                self.assertEqual(call.routed_to, reply.get("redirect", False))

    def test_the_way_is_told(self):
        self.rule("menu", menu_id=self.menu.id)
        self.sub.choice_ids = [
            (0, 0, {"digits": "1", "target": "team", "team_id": self.team.id})
        ]
        self.team.member_ids = self.boris
        self.ask("in_1")
        self.press("2")
        reply = self.press("1", f"m{self.sub.id}")
        self.assertEqual(reply["redirect"], "101")
        reason = self.call_of("in_1").route_reason
        self.assertIn("Main › 2 › Sales › 1 › Harbour sales", reason)

    def test_applied_once_more(self):
        self.rule("hangup", caller="withheld", sequence=1)
        self.rule("menu", menu_id=self.menu.id)
        self.ask("in_1")
        self.press("1")
        before = self.call_of("in_1").route_outcome
        self.assertEqual(
            [one["code"] for one in before["steps"]], ["caller", "chosen", "chosen"]
        )
        for events in (self.events(), self.events("NOTIFY_IVR")):
            events.action_replay()
            self.assertEqual(self.call_of("in_1").route_outcome, before)

    def test_choice_that_nobody_takes(self):
        self.rule("menu", menu_id=self.menu.id)
        self.ask("in_1")
        self.extension.write({"status": "offline", "checked_at": fields.Datetime.now()})
        self.assertEqual(self.press("1"), self.to("0-1"))
        self.assertIn("nobody could take it", self.call_of("in_1").route_reason)

    def test_names_that_are_nobodys(self):
        self.rule()
        for name in ("", "m999999", "x1", "m", f"r{self.menu.id}"):
            with self.subTest(name):
                self.assertEqual(self.press("1", name or " ", ref=f"in_{name}"), {})

    def test_removed_menu(self):
        route = self.rule("menu", menu_id=self.menu.id)
        self.ask("in_1")
        name = f"m{self.menu.id}"
        route.unlink()
        self.menu.unlink()
        self.assertEqual(self.press("1", name), {})
        self.assertEqual(self.call_of("in_1").route_code, "route", "it was once")

    def test_too_many_steps(self):
        self.sub.choice_ids = [
            (0, 0, {"digits": "1", "target": "menu", "menu_id": self.sub.id})
        ]
        name, question = f"m{self.sub.id}", self.question(self.sub)
        replies = [self.press("1", name) for _ in range(22)]
        self.assertEqual(replies, [question] * 20 + [{}] * 2)

    def test_a_call_is_sent_nowhere_twice(self):
        self.menu.choice_ids[1].write({"target": "menu", "menu_id": self.menu.id})
        self.rule()
        self.assertEqual(self.ask("in_1"), self.to("100"))
        self.assertEqual(self.press("1"), self.to("0-1"), "it was sent to Anna before")

    def test_messages(self):
        for then, default in (("0-1", "0-1"), (False, "hangup")):
            with self.fresh(then):
                route = self.rule("play", sound="bye", pbx_target=then)
                reply = self.ask("in_1")
                name = f"r{route.id}"
                self.assertEqual(reply["ivr_play"], "bye")
                ends = dict.fromkeys(("timeout", "attempts", "maxdigits"), 1)
                self.assertEqual(
                    reply["wait_dtmf"], {**ends, "name": name, "default": default}
                )
                end = self.to(then) if then else {"hangup": 1}
                self.assertEqual(self.press("", name), end)
                done = self.press("", name, ref="in_2", behaviour="yes")
                self.assertEqual(done, {})

    def assertReason(self, reason, ref="in_1"):
        self.assertEqual(self.call_of(ref).route_reason, reason)

    def test_the_reason_stays_when_a_message_has_ended(self):
        self.rule("promise", name="Promised", sequence=1)
        passed = " Passed over: Promised, nobody"
        for behaviour in ("", "yes"):
            for then, reason in (
                ("0-1", "Bye: Message › 0-1."),
                (False, "Bye: Message."),
            ):
                with self.fresh("a rule", then, behaviour):
                    route = self.rule("play", name="Bye", sound="bye", pbx_target=then)
                    self.ask("in_1")
                    self.assertReason(reason + passed)
                    self.press("", f"r{route.id}", behaviour=behaviour)
                    self.assertReason(reason + passed)
                    self.assertEqual(self.call_of("in_1").route_id, route)
                with self.fresh("a line", then, behaviour):
                    closed = {"closed_sound": "shut", "closed_target": then}
                    self.line.write({**closed, "calendar_id": self.calendar_of(0).id})
                    self.ask("in_1")
                    reason = "Main line: closed, the message was played."
                    self.assertReason(reason + passed)
                    self.press("", f"c{self.line.id}", behaviour=behaviour)
                    self.assertReason(reason + passed)
            with self.fresh("a choice", behaviour):
                self.rule("menu", menu_id=self.menu.id)
                self.ask("in_1")
                self.press("3")
                self.assertReason(f"Main › 3.{passed}")
                name = f"k{self.menu.choice_ids[2].id}"
                self.press("", name, behaviour=behaviour)
                self.assertReason(f"Main › 3.{passed}")

    def test_the_reason_where_a_message_would_lead_to_a_place_again(self):
        self.line.write({"closed_sound": "shut", "closed_target": "0-1"})
        self.line.calendar_id = self.calendar_of(0)
        instead = " The PBX's own scenario: was sent there before."
        self.ask("in_1")
        for digits in ("1", "2"):
            self.press(digits, f"c{self.line.id}")
        self.assertReason(f"Main line: closed, the message was played.{instead}")
        route = self.rule("play", name="Bye", sound="bye", pbx_target="0-1")
        self.ask("in_2")
        for digits in ("1", "2"):
            self.press(digits, f"r{route.id}", "in_2")
        self.assertReason(f"Bye: Message › 0-1.{instead}", "in_2")

    def test_the_reason_names_the_line_in_every_language(self):
        self.line.write({"closed_sound": "shut", "calendar_id": self.calendar_of(0).id})
        self.ask("in_1")
        self.press("", f"c{self.line.id}")
        call, reasons = self.call_of("in_1"), set()
        for code in ("de_DE", "es_ES", "fr_FR", "pl_PL", "ru_RU", "uk_UA"):
            self.env["res.lang"]._activate_lang(code)
            reasons.add(call.with_context(lang=code).route_reason)
        self.assertEqual(len(reasons), 6)
        for reason in reasons:
            self.assertIn("Main line", reason)

    def test_the_reason_of_a_call_that_names_no_line(self):
        call = self.talk(self.anna, self.extension, timedelta(days=1))
        for outcome, reason in (
            ({"code": "closed"}, "Closed message."),
            ({"code": "route", "args": {"rule": "Bye"}}, "Bye."),
        ):
            call.route_outcome = outcome
            self.assertEqual(call.route_reason, reason)

    def test_closed_message(self):
        self.line.write({"closed_sound": "shut", "closed_target": "0-2"})
        self.assertEqual(self.ask("open"), SCENARIO)
        self.line.calendar_id = self.calendar_of(0)
        reply = self.ask("in_1")
        self.assertEqual(reply["ivr_play"], "shut")
        self.assertEqual(reply["wait_dtmf"]["name"], f"c{self.line.id}")
        self.assertEqual(reply["wait_dtmf"]["default"], "0-2")
        self.assertEqual(self.call_of("in_1").route_code, "closed")
        self.assertEqual(self.press("", f"c{self.line.id}"), self.to("0-2"))
        self.rule()
        self.assertEqual(self.ask("in_2"), self.to("100"), "rules come first")

    def test_what_a_menu_refuses(self):
        other = self.new_provider(self.company, self.robot, "another")
        theirs = self.env["pbx.menu"].create(
            {"name": "Theirs", "provider_id": other.id, "sound": "x"}
        )
        first, second = self.menu.choice_ids[:2]
        refused, impossible = ValidationError, psycopg2.IntegrityError
        for title, record, values, error in (
            ("no key", first, {"digits": "a"}, refused),
            ("more keys than it takes", first, {"digits": "12"}, refused),
            ("another PBX's menu", second, {"menu_id": theirs.id}, refused),
            ("its spelling", self.menu, {"default_target": "Anna"}, refused),
            ("the same key", second, {"digits": "1"}, impossible),
            ("no seconds", self.menu, {"timeout": 0}, impossible),
            ("no keys at all", self.menu, {"digits": 0}, refused),
        ):
            with self.fresh(title), mute_logger("odoo.sql_db"):
                with self.assertRaises(error):
                    record.write(values)
                    self.env.flush_all()

    def test_what_a_rule_refuses(self):
        other = self.new_provider(self.company, self.robot, "another")
        theirs = self.env["pbx.menu"].create(
            {"name": "Theirs", "provider_id": other.id, "sound": "x"}
        )
        own = {"provider_id": self.provider.id}
        for title, target, values in (
            ("no person", "user", {"user_id": False}),
            ("no menu", "menu", {}),
            ("no message", "play", {}),
            ("another PBX's menu", "menu", {**own, "menu_id": theirs.id}),
            (
                "another PBX's phone",
                "extension",
                {"provider_id": other.id, "extension_id": self.extension.id},
            ),
            (
                "another PBX's line",
                "hangup",
                {"provider_id": other.id, "line_ids": [(6, 0, self.line.ids)]},
            ),
            ("its spelling", "pbx", {"pbx_target": "hang up"}),
            ("what follows a message", "play", {"sound": "x", "pbx_target": "Anna"}),
            ("two seconds", "user", {"ring_seconds": 2}),
            ("less than none", "user", {"ring_seconds": -3}),
        ):
            with self.fresh(title), self.assertRaises(ValidationError):
                self.rule(target, **values)

    def test_a_rule_of_one_pbx_serves_no_other(self):
        other = self.new_provider(self.company, self.robot, "another")
        self.new_extension("300", self.anna, other)
        self.rule(provider_id=other.id)
        self.assertEqual(self.ask(), SCENARIO)
        response = self.post(
            "NOTIFY_START",
            provider=other,
            call_start="2026-06-16 13:30:00",
            pbx_call_id="there",
            caller_id=CALLER,
            called_did=LINE,
        )
        self.assertEqual(json.loads(response.text)["redirect"], "300")


@tagged("post_install", "-at_install")
class TestBlocked(RoutingCase):
    REFUSED = {"redirect": "blacklist", "return_timeout": 0}

    def block(self, number, **values):
        return self.env["pbx.blocked"].create(
            {"number": number, "company_id": self.company.id, **values}
        )

    def test_how_it_is_kept(self):
        for typed, kept in (
            ("020 7946 0201", "+442079460201"),
            ("+44 20 7946 0201", "+442079460201"),
            ("0044 20 7946 0201", "+442079460201"),
            ("+4479*", "+4479*"),
            ("0044 79 *", "+4479*"),
            ("07911*", "+447911*"),
            ("447911*", "+447911*"),
            ("+521 222 123 4567", "+522221234567"),
        ):
            with self.fresh(typed):
                self.assertEqual(self.block(typed).number, kept)
        for typed in ("+447*", "*", "0044*", "020**", "+4479*1", "100", "x4479*", "12"):
            with self.fresh(typed), self.assertRaises(ValidationError):
                self.block(typed)

    def test_beginnings_as_they_are_typed_in_a_country(self):
        """Each blocks who is meant, as the log has them, and nobody else."""
        others = {
            "ru": "+84951234567",
            "us": "+212555123456",
            "it": "+390612345678",
            "uk": "+441632960123",
            "ar": "+542214321234",
            "mx": "+528112345678",
            "br": "+551140041234",
            "fr": "+33142685300",
        }
        for country, typed, kept, caller in (
            ("ru", "8495*", "+7495*", "+74951234567"),
            ("ru", "8 (495) 12*", "+749512*", "+74951234567"),
            ("ru", "8 (800) 555*", "+7800555*", "+78005553535"),
            ("ru", "８４９５＊", "+7495*", "+74951234567"),
            ("us", "212555*", "+1212555*", "+12125550123"),
            ("us", "1-212-555*", "+1212555*", "+12125550123"),
            ("us", "011 44 20*", "+4420*", "+442079460123"),
            ("it", "06 6982*", "+39066982*", "+390669821234"),
            ("it", "+39 (0)6 6982*", "+39066982*", "+390669821234"),
            ("it", "0549 88*", "+39054988*", "+3780549886377"),
            ("uk", "+44 (0)20 7946*", "+44207946*", "+442079460123"),
            ("uk", "+440207946*", "+44207946*", "+442079460123"),
            ("ar", "+5411*", "+5411*", "+541143211234"),
            ("ar", "011 4321*", "+54114321*", "+541143211234"),
            ("ar", "+54 9 11*", "+54911*", "+541143211234"),
            ("mx", "+521 55*", "+52155*", "+525512345678"),
            ("mx", "+521 55*", "+52155*", "+5215512345678"),
            ("br", "+55 11 8*", "+55118*", "+5511987654321"),
            ("fr", "0692 12*", "+3369212*", "+262692123456"),
        ):
            with self.fresh(country, typed, caller):
                home = self.env.ref(f"base.{country}")
                self.company.country_id = self.provider.country_id = home
                blocked = self.block(typed)
                self.assertEqual(blocked.number, kept)
                self.assertEqual(blocked.number_readable, kept)
                self.assertEqual(self.ask(caller_id=caller), self.REFUSED)
                self.assertTrue(self.call_of().is_blocked)
                self.assertEqual(self.ask("other", caller_id=others[country]), {})
                blocked.number = kept
                self.assertEqual(blocked.number, kept, "read again, it is the same")

    def test_what_is_not_sure_is_refused_with_what_to_write(self):
        russia, germany = self.env.ref("base.ru"), self.env.ref("base.de")
        for company, pbx, typed, example in (
            (russia, russia, "8485*", "+7485*"),
            (russia, russia, "8 (727)*", "+7727*"),
            (germany, self.gb, "07911*", "+447911*"),
            (self.gb, self.gb, "9999*", "+4479*"),
        ):
            with self.fresh(company.code, typed):
                self.company.country_id, self.provider.country_id = company, pbx
                with self.assertRaisesRegex(ValidationError, re.escape(example)):
                    self.block(typed)
                self.assertEqual(self.block(example).number, example)

    def test_the_form_shows_how_it_is_read(self):
        form = Form(self.env["pbx.blocked"], "cloud_pbx.pbx_blocked_view_list")
        form.number = "020 7946*"
        self.assertEqual(form.number, "+44207946*")
        form.number = "020 7946 0201"
        self.assertEqual(form.number, CALLER)
        with self.assertLogs("odoo.tests.form.onchange", "WARNING") as lines:
            form.number = "9999*"
        self.assertIn("international form", str(lines.output))
        self.assertEqual(form.number, "9999*", "it can be corrected")
        form.number = "+49 999*"
        self.assertEqual(form.save().number, "+49999*")

    def test_refused(self):
        today = fields.Date.today()
        for title, typed, values, reply in (
            ("the number", "020 7946 0201", {}, self.REFUSED),
            ("its beginning", "+442079*", {}, self.REFUSED),
            ("all of it", "+442079460201*", {}, self.REFUSED),
            ("another", "020 7946 0202", {}, {}),
            ("another beginning", "+442078*", {}, {}),
            ("until today", CALLER, {"until": today}, self.REFUSED),
            ("until yesterday", CALLER, {"until": today - timedelta(days=1)}, {}),
            ("archived", CALLER, {"active": False}, {}),
            ("of another company", CALLER, {"company_id": "other"}, {}),
        ):
            with self.fresh(title):
                if values.get("company_id"):
                    other = self.env["res.company"].create({"name": "Another"})
                    values = {"company_id": other.id}
                self.block(typed, **values)
                self.rule(caller="known")
                self.assertEqual(self.ask(), reply)
                call = self.call_of()
                self.assertEqual(call.is_blocked, bool(reply))
                self.assertEqual(call.route_code, "blocked" if reply else "scenario")

    def test_before_any_rule_and_without_any(self):
        self.block(CALLER)
        self.assertEqual(self.ask("a"), self.REFUSED)
        self.rule()
        self.assertEqual(self.ask("b"), self.REFUSED)
        self.assertEqual(self.ask("c", caller_id="+442079460202"), self.to("100"))

    def test_with_names_looked_up_on_answer(self):
        self.provider.lookup_on_answer = True
        self.block(CALLER)
        self.assertEqual(self.ask(), self.REFUSED)

    def test_withheld_is_nobody(self):
        self.block("+442079*")
        self.assertEqual(self.ask(caller_id="anonymous"), {})

    def test_a_call_from_before_is_none(self):
        self.block(CALLER)
        self.tell("missed", caller=CALLER)
        self.assertFalse(self.the_call().is_blocked, "it was blocked long after")

    def test_a_pbx_that_is_not_asked(self):
        """Whatever the PBX did with the call, nobody has to call back."""
        blocked = self.block(CALLER)
        self.env.cr.execute(
            "UPDATE pbx_blocked SET create_date = %s WHERE id = %s",
            [date(2026, 1, 1), blocked.id],
        )
        self.tell("missed", caller=CALLER)
        self.assertTrue(self.the_call().is_blocked)
        self.assertFalse(self.the_call().route_code, "nothing was asked")

    def test_an_event_without_a_number_comes_first(self):
        """Each is what it is by the number, whenever that is told."""
        blocked = self.block(CALLER)
        self.env.cr.execute(
            "UPDATE pbx_blocked SET create_date = %s WHERE id = %s",
            [date(2026, 1, 1), blocked.id],
        )
        for caller, is_blocked in ((CALLER, True), ("+442079460202", False)):
            with self.subTest(caller):
                fake = FakeCall(self, caller)
                fake.send("NOTIFY_RECORD", **self.RECORD)
                self.assertFalse(fake.call.number or fake.call.is_blocked)
                fake.start().ring("100")
                self.assertEqual(fake.call.is_blocked, is_blocked)
                fake.give_up()
                self.assertEqual(fake.call.is_blocked, is_blocked)
                self.assertEqual(bool(fake.call.promise_id), not is_blocked)

    # What Zadarma sends of a recording: no numbers.
    RECORD = {"caller_id": "", "called_did": "", "call_id_with_rec": "1458832388.1"}

    def test_unique(self):
        self.block(CALLER)
        with (
            self.fresh("twice"),
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.IntegrityError),
        ):
            self.block("020 7946 0201")


@tagged("post_install", "-at_install")
class TestClosedAlone(RoutingCase):
    """A line that is closed, of a company without rules, menus and blocked numbers."""

    def setUp(self):
        super().setUp()
        closed = {"closed_sound": "shut", "closed_target": "0-1"}
        self.line.write({**closed, "calendar_id": self.calendar_of(0).id})

    def played(self, place="0-1"):
        ends = dict.fromkeys(("timeout", "attempts", "maxdigits"), 1)
        name = f"c{self.line.id}"
        return {
            "ivr_play": "shut",
            "wait_dtmf": {**ends, "name": name, "default": place},
        }

    def finish(self, digits="", name=None, ref="in_1", **more):
        return self.ask(
            ref,
            "NOTIFY_IVR",
            **more,
            **{
                "wait_dtmf[name]": name or f"c{self.line.id}",
                "wait_dtmf[digits]": digits,
                "wait_dtmf[default_behaviour]": "",
            },
        )

    def test_a_call_is_sent_to_a_place_once(self):
        self.assertEqual(self.ask("in_1"), self.played())
        self.assertEqual(self.finish(), self.to("0-1"))
        self.assertEqual(self.finish(), self.to("0-1"), "the same step once more")
        self.assertEqual(self.finish("1"), SCENARIO, "it was sent there before")
        again = self.ask("in_1", call_start="2026-06-16 13:00:40")
        self.assertEqual(again, SCENARIO, "the message would lead there again")

    def test_too_many_steps(self):
        self.line.closed_target = False
        replies = [self.finish(str(number)) for number in range(22)]
        self.assertEqual(replies, [{"hangup": 1}] * 20 + [SCENARIO] * 2)

    def test_too_many_questions(self):
        starts = [
            self.ask("in_1", call_start=f"2026-06-16 14:00:{second:02}")
            for second in range(22)
        ]
        self.assertEqual(starts, [self.played()] * 20 + [SCENARIO] * 2)

    def test_the_same_event_gets_its_answer_after_closing_time(self):
        self.line.calendar_id = False
        self.assertEqual(self.ask("in_1"), SCENARIO)
        self.line.calendar_id = self.calendar_of(0)
        self.assertEqual(self.ask("in_1"), SCENARIO)
        self.assertEqual(self.ask("in_2"), self.played())

    def test_our_own_phones_hear_no_message(self):
        other = self.new_provider(self.company, self.robot, "another")
        elsewhere = self.env["pbx.line"].create(
            {"number": "+442079460901", "provider_id": other.id}
        )
        for title, caller in (
            ("an extension", "100"),
            ("the line itself", LINE),
            ("a line of another PBX of the company", elsewhere.number),
        ):
            with self.subTest(title):
                self.assertEqual(self.ask(title, caller_id=caller), SCENARIO)
                step = self.finish(ref=title, caller_id=caller)
                self.assertEqual(step, SCENARIO)
        self.assertEqual(self.ask("a stranger"), self.played())

    def test_a_step_of_what_is_gone(self):
        self.line.closed_sound = False
        for name in ("m999999", "r999999", "k999999", "x", f"c{self.line.id + 1}"):
            with self.subTest(name):
                self.assertEqual(self.finish(name=name, ref=name), SCENARIO)
