"""Whom a call can reach: the table of targets and of reasons, by signed events."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import CALLER
from .test_routing import SCENARIO, RoutingCase

MINUTE = timedelta(minutes=1)


@tagged("post_install", "-at_install")
class TestPeople(RoutingCase):
    def reason(self, reply, expected, code):
        """Compare a reply, and the code of the only rule."""
        self.assertEqual(reply, expected)
        self.assertEqual(self.step_codes()[0], code)

    def away(self, user, **values):
        user.write({"out_of_office_from": fields.Datetime.now() - MINUTE, **values})

    def resource(self, user, calendar):
        return self.env["resource.resource"].create(
            {
                "name": user.name,
                "user_id": user.id,
                "company_id": self.company.id,
                "calendar_id": calendar.id,
                "tz": "UTC",
            }
        )

    # ------------------------------------------------------------------ whom it means

    def test_salesperson(self):
        company = {"name": "Baltic Shipping", "is_company": True, "phone": False}
        for title, of_lead, of_contact, of_company, number in (
            ("nobody's", None, None, None, None),
            ("of the contact", None, self.boris, self.anna, "101"),
            ("of its company", None, None, self.anna, "100"),
            ("of the lead", self.anna, self.boris, None, "100"),
        ):
            with self.fresh(title):
                self.rule("salesperson")
                parent = self.new_partner(
                    **company, user_id=of_company and of_company.id
                )
                partner = self.new_partner(
                    parent_id=parent.id, user_id=of_contact and of_contact.id
                )
                if of_lead:
                    self.env["crm.lead"].create(
                        {
                            "name": "Rope",
                            "partner_id": partner.id,
                            "user_id": of_lead.id,
                            "company_id": self.company.id,
                        }
                    )
                reply = self.ask()
                self.assertEqual(reply.get("redirect"), number)
                self.assertEqual(reply["caller_name"], "Olga Petrova")
                code = "chosen" if number else "nobody"
                self.assertEqual(self.step_codes(), [code])

    def test_salesperson_of_several_is_nobody(self):
        self.new_partner("One", user_id=self.anna.id)
        self.new_partner("Two", user_id=self.boris.id)
        self.rule("salesperson")
        self.reason(self.ask(), SCENARIO, "nobody")

    def test_responsible_for_the_promise(self):
        self.rule("promise")
        self.assertEqual(self.ask("a"), SCENARIO)
        promise = self.env["pbx.promise"].create(
            {
                "company_id": self.company.id,
                "number": CALLER,
                "user_id": self.boris.id,
                "opened_at": fields.Datetime.now(),
                "deadline": fields.Datetime.now(),
            }
        )
        self.assertEqual(self.ask("b"), self.to("101"))
        self.hang_up("b")
        self.env.cr.execute("DELETE FROM pbx_route_sent")
        promise.flush_recordset()
        self.env.cr.execute(
            "UPDATE pbx_promise SET state = 'kept' WHERE number = %s", [CALLER]
        )
        self.env.invalidate_all()
        self.assertEqual(self.ask("c"), SCENARIO)

    def test_who_spoke_last(self):
        day = timedelta(days=1)
        for title, talks, days, number in (
            ("nobody", [], 30, None),
            ("the last of two", [(self.anna, 2), (self.boris, 3)], 30, "100"),
            ("too long ago", [(self.anna, 8)], 7, None),
            ("long enough", [(self.anna, 6)], 7, "100"),
        ):
            with self.fresh(title):
                self.rule("last_agent", days=days)
                phones = {self.anna: self.extension, self.boris: self.extension_2}
                for user, ago in talks:
                    self.talk(user, phones[user], ago * day)
                self.assertEqual(self.ask().get("redirect"), number)

    def test_team_by_idleness(self):
        self.rule("team")
        self.assertEqual(self.ask("none"), SCENARIO)
        self.team.member_ids = self.anna | self.boris
        self.talk(self.anna, self.extension, 5 * MINUTE, "+442079460299")
        self.talk(self.boris, self.extension_2, 9 * MINUTE, "+442079460298")
        self.assertEqual(self.ask("a"), self.to("101"), "idle for longer")
        self.assertEqual(self.ask("b"), self.to("100"), "the other one is rung")
        self.assertEqual(self.ask("c"), SCENARIO, "both are")

    def test_team_of_the_rule_before_that_of_the_line(self):
        other = self.env["crm.team"].create(
            {"name": "Support", "company_id": self.company.id}
        )
        self.team.member_ids = self.anna
        other.member_ids = self.boris
        self.rule("team", team_id=other.id)
        self.assertEqual(self.ask(), self.to("101"))

    def test_places(self):
        for target, values, reply in (
            ("extension", {"extension_id": self.extension_2.id}, self.to("101")),
            ("pbx", {"pbx_target": "0-1"}, self.to("0-1")),
            (
                "pbx",
                {"pbx_target": "0-main", "ring_seconds": 15},
                self.to("0-main", 15),
            ),
            ("hangup", {}, {"hangup": 1}),
            ("refuse", {}, {"redirect": "blacklist", "return_timeout": 0}),
            ("scenario", {}, SCENARIO),
        ):
            with self.fresh(target):
                self.rule(target, **values)
                self.rule(name="After it")
                self.reason(self.ask(), reply, "chosen")
                self.assertEqual(self.call_of().route_code, "route")

    def test_ring_seconds(self):
        for seconds in (0, 3, 45):
            with self.fresh(seconds):
                self.rule(ring_seconds=seconds)
                self.assertEqual(self.ask(), self.to("100", seconds))

    # ------------------------------------------------------------- can he be reached?

    def test_gone(self):
        guest = self.new_user("guest", "base.group_user")
        self.new_extension("102", guest)
        for title, user in (("no agent", guest), ("archived", self.anna)):
            with self.fresh(title):
                self.rule(user_id=user.id)
                if user == self.anna:
                    user.active = False
                self.reason(self.ask(), SCENARIO, "gone")

    def test_gone_to_another_company(self):
        self.rule()
        other = self.env["res.company"].create({"name": "Another"})
        self.anna.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.reason(self.ask(), SCENARIO, "gone")

    def test_absent(self):
        self.rule()
        self.away(self.anna)
        self.reason(self.ask(), SCENARIO, "absent")

    def test_absent_by_time_off(self):
        self.rule()
        resource = self.resource(self.anna, self.company.resource_calendar_id)
        self.env["resource.calendar.leaves"].create(
            {
                "resource_id": resource.id,
                "date_from": fields.Datetime.now() - MINUTE,
                "date_to": fields.Datetime.now() + MINUTE,
            }
        )
        self.reason(self.ask(), SCENARIO, "absent")

    def test_deputy(self):
        carl = self.new_agent("carl")
        self.new_extension("102", carl)
        for title, deputy, number, codes in (
            ("none", self.env["res.users"], None, ["absent"]),
            ("stands in", self.boris, "101", ["absent", "chosen"]),
            ("away, too: not the deputy's deputy", None, None, ["absent", "absent"]),
        ):
            with self.fresh(title):
                self.rule()
                self.away(self.anna)
                self.anna.pbx_deputy_id = self.boris if deputy is None else deputy
                if deputy is None:
                    self.away(self.boris)
                    self.boris.pbx_deputy_id = carl
                self.assertEqual(self.ask().get("redirect"), number)
                [step] = self.call_of().route_outcome["steps"]
                self.assertEqual([look["code"] for look in step["looks"]], codes)

    def test_off_hours(self):
        self.rule()
        self.resource(self.anna, self.calendar_of(0))
        self.reason(self.ask(), SCENARIO, "off_hours")
        self.anna.pbx_deputy_id = self.boris
        self.assertEqual(self.ask("b"), self.to("101"))

    def test_no_phone(self):
        self.extension.user_ids = False
        self.rule()
        self.reason(self.ask(), SCENARIO, "no_phone")

    def test_phone_of_another_pbx_is_none(self):
        other = self.new_provider(self.company, self.robot, "another")
        self.extension.user_ids = False
        self.new_extension("300", self.anna, other)
        self.rule()
        self.reason(self.ask(), SCENARIO, "no_phone")

    def test_call_from_the_only_phone(self):
        mobile = "+447700900111"
        self.extension.caller_id = mobile
        self.rule()
        self.reason(self.ask(caller_id=mobile), SCENARIO, "is_caller")
        # A colleague who calls from outside is routed like anybody else.
        self.rule(user_id=self.boris.id, name="Other")
        self.assertEqual(self.ask("b", caller_id=mobile), self.to("101"))

    def test_our_own_line_calls(self):
        self.rule()
        other = self.env["pbx.line"].create(
            {"number": "+442079460901", "provider_id": self.provider.id}
        )
        self.assertEqual(self.ask(caller_id=other.number), SCENARIO)
        self.assertEqual(self.call_of().route_outcome["args"], {"why": "ours"})

    def test_offline(self):
        now = fields.Datetime.now()
        for status, asked, code in (
            ("online", now, "chosen"),
            ("unknown", now, "chosen"),
            ("unknown", False, "chosen"),
            ("offline", now - 14 * MINUTE, "offline"),
            ("offline", now - 16 * MINUTE, "chosen"),
            ("offline", False, "chosen"),
        ):
            with self.fresh(status, asked):
                self.rule()
                self.extension.write({"status": status, "checked_at": asked})
                self.ask()
                self.assertEqual(self.step_codes(), [code])

    def test_wrapping(self):
        self.company.pbx_wrap_up_seconds = 60
        for seconds, code in ((30, "wrapping"), (90, "chosen")):
            with self.fresh(seconds):
                self.rule()
                self.talk(self.anna, self.extension, timedelta(seconds=seconds))
                self.ask()
                self.assertEqual(self.step_codes(), [code])

    def test_the_talk_that_ended_last_counts(self):
        """Whatever began last: on another phone, or still going on."""
        self.company.pbx_wrap_up_seconds = 60
        self.rule()
        long = self.talk(
            self.anna, self.extension, timedelta(seconds=30), seconds=10 * 60
        )
        for ago in range(2, 9):
            self.talk(self.anna, self.extension, ago * MINUTE, seconds=10)
        self.ask("a")
        self.assertEqual(self.step_codes("a"), ["wrapping"])
        running = self.talk(self.anna, self.env["pbx.extension"], MINUTE, seconds=30)
        running.stop = False
        self.ask("b")
        self.assertEqual(self.step_codes("b"), ["wrapping"])
        long.stop -= MINUTE
        self.ask("c")
        self.assertEqual(self.step_codes("c"), ["chosen"])

    def test_idle_since_the_talk_that_ended_last(self):
        self.rule("team")
        self.team.member_ids = self.anna | self.boris
        self.talk(self.anna, self.extension, MINUTE, seconds=60 * 60)
        self.talk(self.anna, self.extension, 30 * MINUTE, seconds=10)
        self.talk(self.boris, self.extension_2, 5 * MINUTE)
        self.assertEqual(self.ask(), self.to("101"), "idle for five minutes")

    def test_which_of_several_phones(self):
        third = self.new_extension("102", self.anna)
        now = fields.Datetime.now()
        for title, statuses, chosen, number in (
            ("the lowest", ("unknown", "unknown"), False, "100"),
            ("one that is online", ("unknown", "online"), False, "102"),
            ("not one that is offline", ("offline", "unknown"), False, "102"),
            ("the chosen one", ("online", "unknown"), True, "102"),
        ):
            with self.fresh(title):
                self.rule()
                for phone, status in zip(self.extension | third, statuses, strict=True):
                    phone.write({"status": status, "checked_at": now})
                if chosen:
                    self.anna.pbx_dial_extension_id = third
                self.assertEqual(self.ask(), self.to(number))

    # --------------------------------------------------------------------------- busy

    def other_call(self, state, minutes=0, **leg):
        """A call of somebody else that is not over; with a leg of Anna's phone."""
        now = fields.Datetime.now() - minutes * MINUTE
        call = self.env["pbx.call"].create(
            {
                "provider_id": self.provider.id,
                "company_id": self.company.id,
                "ref": "other",
                "direction": "inbound",
                "state": state,
                "number": "+442079460277",
                "start": now,
                "answer": now if state == "ongoing" else False,
                "last_event_at": now,
            }
        )
        if leg:
            self.env["pbx.call.leg"].create(
                {
                    "call_id": call.id,
                    "provider_id": self.provider.id,
                    "number": "100",
                    "extension_id": self.extension.id,
                    "start": now,
                    **leg,
                }
            )
        return call

    def test_busy(self):
        now = fields.Datetime.now()
        for title, state, minutes, leg, code in (
            ("rings", "ringing", 0, {"start": now}, "busy"),
            ("rang long ago", "ringing", 6, {"start": now}, "chosen"),
            ("talks", "ongoing", 90, {"answer": now}, "busy"),
            ("hung up", "ongoing", 0, {"answer": now, "stop": now}, "chosen"),
            ("over", "done", 0, {"answer": now}, "chosen"),
            ("talks on another phone", "ongoing", 0, {}, "chosen"),
        ):
            with self.fresh(title):
                self.rule()
                self.other_call(state, minutes, **leg)
                self.ask()
                self.assertEqual(self.step_codes(), [code])

    def test_rang_before_a_colleague_lifted(self):
        self.rule()
        call = self.other_call(
            "ongoing", start=fields.Datetime.now() - timedelta(seconds=20)
        )
        self.env["pbx.call.leg"].create(
            {
                "call_id": call.id,
                "provider_id": self.provider.id,
                "number": "101",
                "extension_id": self.extension_2.id,
                "start": call.start - timedelta(seconds=20),
                "answer": call.start,
            }
        )
        self.ask()
        self.assertEqual(self.step_codes(), ["chosen"])

    def test_handed_on_to_a_colleague(self):
        self.rule()
        call = self.other_call("ongoing", 2, answer=fields.Datetime.now() - 2 * MINUTE)
        self.ask("a")
        self.assertEqual(self.step_codes("a"), ["busy"])
        self.env["pbx.call.leg"].create(
            {
                "call_id": call.id,
                "provider_id": self.provider.id,
                "number": "101",
                "extension_id": self.extension_2.id,
                "start": fields.Datetime.now() - MINUTE,
                "answer": fields.Datetime.now() - MINUTE,
            }
        )
        self.ask("b")
        self.assertEqual(self.step_codes("b"), ["chosen"])

    def test_busy_at_another_pbx(self):
        other = self.new_provider(self.company, self.robot, "another")
        phone = self.new_extension("300", self.anna, other)
        self.rule()
        call = self.other_call("ongoing", answer=fields.Datetime.now())
        call.write({"provider_id": other.id})
        call.leg_ids.write({"extension_id": phone.id, "provider_id": other.id})
        self.ask()
        self.assertEqual(self.step_codes(), ["busy"])

    def test_was_sent_there_and_rings_nowhere_yet(self):
        self.rule()
        self.rule(name="Else", user_id=self.boris.id)
        self.assertEqual(self.ask("a"), self.to("100"))
        self.assertEqual(self.ask("b"), self.to("101"))
        self.env.cr.execute(
            "UPDATE pbx_route_sent SET sent_at = sent_at - interval '6 minutes'"
        )
        self.assertEqual(self.ask("c"), self.to("100"), "it never rang there")

    def test_free_again_once_the_call_is_over(self):
        self.rule()
        self.assertEqual(self.ask("a"), self.to("100"))
        self.assertEqual(self.ask("b"), SCENARIO)
        self.hang_up("a")
        self.assertEqual(self.ask("c"), self.to("100"))

    def test_extension_is_looked_at_for_offline_and_busy_alone(self):
        self.rule("extension", extension_id=self.extension.id)
        self.away(self.anna)
        self.assertEqual(self.ask("a"), self.to("100"))
        self.assertEqual(self.ask("b"), SCENARIO)
        self.assertEqual(self.step_codes("b"), ["busy"])
        self.env.cr.execute("DELETE FROM pbx_route_sent")
        self.extension.write({"status": "offline", "checked_at": fields.Datetime.now()})
        self.ask("c")
        self.assertEqual(self.step_codes("c"), ["offline"])
