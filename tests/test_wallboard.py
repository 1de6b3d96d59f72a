"""The wallboard: what it says of calls and people, to whom, and when it says so."""

import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .common import CALLER, LINE, SECRET, PbxHttpCase, scenarios
from .desk import DeskCase, FakeCall, FakeOutboundCall, ThreeDesks
from .test_desk_tours import DeskTourCase

KEYS = {"now", "calls", "people", "today", "promises"}
CALL_KEYS = {"id", "state", "number_readable", "name", "line", "start", "people"}
PERSON_KEYS = {"user_id", "name", "state", "since", "phones"}


class WallboardCase(ThreeDesks):
    def board(self, user=None, companies=None):
        """What a supervisor's browser gets."""
        self.env.flush_all()
        self.env.invalidate_all()
        wallboard = self.env["pbx.wallboard"].with_user(user or self.supervisor)
        if companies:
            wallboard = wallboard.with_context(allowed_company_ids=companies.ids)
        return wallboard.now()

    def person(self, user, **how):
        [row] = [
            one for one in self.board(**how)["people"] if one["user_id"] == user.id
        ]
        return row

    def assertState(self, user, state, since=None):
        person = self.person(user)
        self.assertEqual(person["state"], state)
        if since is not None:
            since = fields.Datetime.to_string(since)
            self.assertEqual(person["since"], since)


@tagged("post_install", "-at_install")
class TestWallboard(WallboardCase):
    # -------------------------------------------------------------------- its shape

    def test_shape(self):
        self.new_partner()
        self.env["pbx.line"].create(
            {"number": LINE, "name": "Support", "provider_id": self.provider.id}
        )
        fake = FakeCall(self).start().ring("100", "101")
        board = self.board()
        self.assertEqual(set(board), KEYS)
        [call] = board["calls"]
        self.assertEqual(set(call), CALL_KEYS)
        self.assertEqual(
            call,
            {
                "id": fake.call.id,
                "state": "ringing",
                "number_readable": "+44 20 7946 0201",
                "name": "Olga Petrova",
                "line": "Support",
                "start": fields.Datetime.to_string(fake.call.start),
                "people": ["Anna", "Boris"],
            },
        )
        self.assertEqual(
            [(one["name"], one["phones"]) for one in board["people"]],
            [("Anna", ["100"]), ("Boris", ["101"]), ("Clara", ["102"])],
        )
        for person in board["people"]:
            self.assertEqual(set(person), PERSON_KEYS)
        self.assertEqual(set(board["promises"]), {"open", "overdue", "oldest"})
        now = fields.Datetime.to_datetime(board["now"])
        self.assertLess(abs(now - fields.Datetime.now()), timedelta(seconds=5))
        json.dumps(board)

    def test_nothing_happens(self):
        board = self.board()
        self.assertEqual(board["calls"], [])
        self.assertEqual({one["state"] for one in board["people"]}, {"free"})
        self.assertEqual(board["promises"], {"open": 0, "overdue": 0, "oldest": False})

    # -------------------------------------------------------------------- its calls

    def test_calls_as_they_go_on(self):
        fake = FakeCall(self).start()
        [call] = self.board()["calls"]
        self.assertEqual((call["state"], call["people"]), ("ringing", []))
        fake.ring("100", "101")
        [call] = self.board()["calls"]
        self.assertEqual(call["people"], ["Anna", "Boris"])
        fake.lift("101")
        [call] = self.board()["calls"]
        self.assertEqual((call["state"], call["people"]), ("ongoing", ["Boris"]))
        fake.end("101")
        self.assertEqual(self.board()["calls"], [])

    def test_who_waits_stands_first(self):
        talks = FakeCall(self, ago=timedelta(minutes=9)).start().ring("100")
        talks.lift("100")
        second = FakeCall(self, ago=timedelta(minutes=2)).start()
        third = FakeCall(self, ago=timedelta(minutes=1)).start()
        self.assertEqual(
            [call["id"] for call in self.board()["calls"]],
            [second.call.id, third.call.id, talks.call.id],
        )

    def test_withheld_number(self):
        FakeCall(self, caller="anonymous").start()
        [call] = self.board()["calls"]
        self.assertEqual((call["name"], call["number_readable"]), ("", ""))

    def test_phone_of_nobody(self):
        FakeCall(self).start().ring("777")
        [call] = self.board()["calls"]
        self.assertEqual(call["people"], ["777"])

    def test_internal_call(self):
        FakeOutboundCall(self, "101", line="100").start()
        [call] = self.board()["calls"]
        self.assertEqual((call["name"], call["number_readable"]), ("Boris", "101"))
        self.assertState(self.anna, "ringing")
        self.assertState(self.boris, "ringing")

    def test_calls_whose_end_was_lost(self):
        FakeCall(self, ago=timedelta(minutes=6)).start().ring("100")
        FakeCall(self, ago=timedelta(hours=7)).start().ring("101").lift("101")
        board = self.board()
        self.assertEqual(board["calls"], [])
        self.assertEqual({one["state"] for one in board["people"]}, {"free"})

    # ------------------------------------------------------------------- its people

    def test_rings_talks_is_free(self):
        fake = FakeCall(self).start().ring("100", "101")
        self.assertState(self.anna, "ringing", fake.call.leg_ids[0].start)
        self.assertState(self.boris, "ringing")
        self.assertState(self.clara, "free")
        fake.lift("100")
        self.assertState(self.anna, "talking", fake.call.answer)
        self.assertState(self.boris, "free")
        fake.end("100")
        self.assertState(self.anna, "free", fake.call.stop)

    def test_outgoing(self):
        fake = FakeOutboundCall(self).start()
        self.assertState(self.anna, "ringing")
        fake.lift()
        self.assertState(self.anna, "talking", fake.call.answer)

    def test_transferred(self):
        fake = FakeCall(self).start().ring("100").lift("100").ring("102")
        self.assertState(self.anna, "talking")
        self.assertState(self.clara, "ringing")
        fake.lift("102")
        self.assertState(self.anna, "free")
        self.assertState(self.clara, "talking")
        [call] = self.board()["calls"]
        self.assertEqual(call["people"], ["Clara"])

    def test_wrapping_up(self):
        self.company.pbx_wrap_up_seconds = 90
        fake = FakeCall(self).start().ring("100").lift("100").end("100")
        call = fake.call
        for ago, state, since in ((89, "wrapping", 0), (91, "free", 90)):
            with self.subTest(ago=ago):
                stop = fields.Datetime.now() - timedelta(seconds=ago)
                call.sudo().write({"stop": stop})
                self.assertState(self.anna, state, stop + timedelta(seconds=since))
        self.assertState(self.boris, "free")

    def test_short_wrap_up_of_a_missed_call(self):
        self.company.pbx_wrap_up_seconds = 900
        FakeCall(self).start().ring("100").give_up()
        self.assertState(self.anna, "free")

    def test_offline(self):
        self.extension.status = "offline"
        self.assertState(self.anna, "offline", self.extension.status_at)
        self.extension_2.status = "unknown"
        self.assertState(self.boris, "free")
        second = self.new_extension("103", self.anna, status="online")
        self.assertState(self.anna, "free")
        self.assertEqual(self.person(self.anna)["phones"], ["100", "103"])
        second.status = "offline"
        self.assertState(self.anna, "offline", second.status_at)

    def test_since_when_a_phone_is_back(self):
        self.extension.status = "offline"
        before = fields.Datetime.now() - timedelta(hours=1)
        self.env.cr.execute("UPDATE pbx_extension SET status_at = %s", [before])
        self.env.invalidate_all()
        self.extension._note_online()
        self.assertGreater(self.extension.status_at, before)
        self.assertState(self.anna, "free", self.extension.status_at)
        known = self.extension.status_at - timedelta(minutes=1)
        self.env.cr.execute("UPDATE pbx_extension SET status_at = %s", [known])
        self.env.invalidate_all()
        self.extension._note_online()
        self.assertEqual(self.extension.status_at, known, "nothing changed")

    def test_who_talks_is_seen_talking_whatever_else(self):
        self.anna.out_of_office_from = "2020-01-01"
        self.extension.status = "offline"
        fake = FakeCall(self).start().ring("100")
        self.assertState(self.anna, "ringing")
        fake.lift("100")
        self.assertState(self.anna, "talking")

    def test_absent(self):
        now = fields.Datetime.now().replace(microsecond=0)
        left = now - timedelta(hours=3)
        self.anna.out_of_office_from = left
        self.assertState(self.anna, "absent", left)
        self.extension.status = "offline"
        self.assertState(self.anna, "absent")
        self.extension.status = "online"
        self.anna.out_of_office_to = now - timedelta(minutes=5)
        self.assertState(self.anna, "free")

    def test_absent_by_leave(self):
        now = fields.Datetime.now().replace(microsecond=0)
        resource = self.env["resource.resource"].create(
            {"name": "Boris", "user_id": self.boris.id, "company_id": self.company.id}
        )
        resource.calendar_id = False
        leave = self.env["resource.calendar.leaves"].create(
            {
                "name": "Private",
                "resource_id": resource.id,
                "date_from": now - timedelta(hours=1),
                "date_to": now + timedelta(hours=1),
            }
        )
        self.assertState(self.boris, "absent", leave.date_from)
        self.assertNotIn("Private", json.dumps(self.board()))
        leave.date_to = now - timedelta(minutes=10)
        self.assertState(self.boris, "free", leave.date_to)

    def test_outside_own_working_hours(self):
        today = str(fields.Date.today().weekday())
        calendar = self.env["resource.calendar"].create(
            {
                "name": "On other days",
                "tz": "UTC",
                "company_id": self.company.id,
                "attendance_ids": [Command.clear()]
                + [
                    Command.create(
                        {"name": day, "dayofweek": day, "hour_from": 0, "hour_to": 24}
                    )
                    for day in "0123456"
                    if day != today
                ],
            }
        )
        self.env["resource.resource"].create(
            {
                "name": "Clara",
                "user_id": self.clara.id,
                "company_id": self.company.id,
                "calendar_id": calendar.id,
                "tz": "UTC",
            }
        )
        self.assertState(self.clara, "absent")
        self.assertState(self.anna, "free")

    def test_shared_phone(self):
        self.extension.user_ids |= self.clara
        fake = FakeCall(self).start().ring("100").lift("100")
        self.assertState(self.anna, "talking")
        self.assertState(self.clara, "talking")
        fake.call.user_id = self.clara
        self.assertState(self.anna, "free")
        self.assertState(self.clara, "talking")
        [call] = self.board()["calls"]
        self.assertEqual(call["people"], ["Clara"])

    def test_who_is_listed(self):
        names = ["Anna", "Boris", "Clara"]
        self.assertEqual([one["name"] for one in self.board()["people"]], names)
        self.clara.active = False
        clerk = self.new_user("clerk", "base.group_user")
        self.extension.user_ids |= clerk
        self.assertEqual([one["name"] for one in self.board()["people"]], names[:2])
        self.extension_2.user_ids = False
        self.assertEqual([one["name"] for one in self.board()["people"]], names[:1])
        self.provider.active = False
        self.assertEqual(self.board()["people"], [])

    # ------------------------------------------------------------- figures, call-backs

    def test_figures_are_those_of_the_reader_s_day(self):
        self.supervisor.tz = "Asia/Kolkata"
        now = fields.Datetime.now()
        [[midnight]] = self.env.execute_query(self.midnight_of("Asia/Kolkata"))
        seconds = (now - midnight).total_seconds()
        for ago in (seconds / 2, seconds + 60, seconds - 1):
            FakeCall(self, ago=timedelta(seconds=ago)).start().ring("100").give_up()
        today = self.board()["today"]
        self.assertEqual((today["inbound"], today["lost"]), (2, 2))

    @staticmethod
    def midnight_of(zone):
        """When the day began there, by the database's own reckoning."""
        return SQL(
            """SELECT date_trunc('day', now() AT TIME ZONE %(zone)s)
                      AT TIME ZONE %(zone)s AT TIME ZONE 'UTC'""",
            zone=zone,
        )

    def test_call_backs(self):
        fake = FakeCall(self, ago=timedelta(minutes=50))
        fake.start().ring("100").give_up()
        other = FakeCall(self, "+442079460777", ago=timedelta(minutes=5))
        other.start().ring("100").give_up()
        promises = fake.call.promise_id | other.call.promise_id
        self.assertEqual(len(promises), 2)
        oldest = fields.Datetime.to_string(fake.call.promise_id.opened_at)
        self.assertEqual(
            self.board()["promises"], {"open": 2, "overdue": 0, "oldest": oldest}
        )
        late = fields.Datetime.now() - timedelta(minutes=1)
        other.call.promise_id.sudo().deadline = late
        self.assertEqual(self.board()["promises"]["overdue"], 1)
        promises.action_dismiss("not_needed")
        self.assertEqual(
            self.board()["promises"], {"open": 0, "overdue": 0, "oldest": False}
        )

    # ------------------------------------------------------------- rights, companies

    def test_supervisors_only(self):
        clerk = self.new_user("clerk", "base.group_user")
        for user in (self.anna, clerk):
            with self.subTest(user.name), self.assertRaises(AccessError):
                self.board(user)
        # Administrators see it as supervisors do, but for the money of leads.
        admin = self.new_user("admin_only", "base.group_system")
        shown, expected = self.board(admin), self.board()
        for name in ("calls", "people", "promises"):
            self.assertEqual(shown[name], expected[name])
        self.assertEqual(shown["today"]["inbound"], expected["today"]["inbound"])

    def test_two_companies(self):
        other = self.env["res.company"].create({"name": "Other Ltd"})
        dora = self.new_agent("dora", other)
        provider = self.new_provider(other, self.robot_of(other), SECRET + "2")
        self.new_extension("100", dora, provider)
        theirs = FakeCall(self, "+442079460777", provider=provider).start().ring("100")
        ours = FakeCall(self).start().ring("100")
        board = self.board()
        self.assertEqual([call["id"] for call in board["calls"]], [ours.call.id])
        self.assertNotIn(dora.id, [one["user_id"] for one in board["people"]])
        # Of both, and of what is ticked.
        self.supervisor.company_ids |= other
        for ticked, calls, people in (
            (self.company, ours.call, self.anna | self.boris | self.clara),
            (other, theirs.call, dora),
            (
                self.company | other,
                ours.call | theirs.call,
                self.anna | self.boris | self.clara | dora,
            ),
        ):
            with self.subTest(ticked.mapped("name")):
                board = self.board(companies=ticked)
                found = {call["id"] for call in board["calls"]}
                self.assertEqual(found, set(calls.ids))
                found = {one["user_id"] for one in board["people"]}
                self.assertEqual(found, set(people.ids))
        # Whoever has left a company has no phone there, whoever is entered.
        dora.company_ids |= self.company
        self.extension.user_ids |= dora
        dora.company_ids = other
        found = {one["user_id"] for one in self.board()["people"]}
        self.assertNotIn(dora.id, found)

    def robot_of(self, company):
        return self.new_user("robot", "cloud_pbx.group_pbx_manager", company)

    def test_names_as_in_the_log(self):
        """A contact that a supervisor may not open has a name in the log, and here."""
        partner = self.new_partner("A secret customer")
        self.env["ir.rule"].create(
            {
                "name": "No secret customers",
                "model_id": self.env.ref("base.model_res_partner").id,
                "domain_force": f"[('id', '!=', {partner.id})]",
            }
        )
        self.assertFalse(partner.with_user(self.supervisor).has_access("read"))
        FakeCall(self).start()
        call = self.calls().with_user(self.supervisor)
        [row] = self.board()["calls"]
        self.assertEqual(row["name"], call.display_name)
        self.assertEqual(row["name"], partner.display_name)

    # -------------------------------------------------------------------- its cost

    def cost(self):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        board = self.env["pbx.wallboard"].with_user(self.supervisor).now()
        return self.env.cr.sql_log_count - before, board

    def test_statements_do_not_grow(self):
        for contact in ("+442079460701", "+442079460702"):
            self.new_partner(contact, contact)
        self.env["crm.lead"].create(
            {"name": "Rope", "phone": "020 7946 0703", "country_id": self.gb.id}
        )

        def calls(first, last):
            for n in range(first, last):
                caller = f"+4420794607{n:02}"
                call = FakeCall(self, caller).start().ring("100", "101")
                if n % 2:
                    call.lift("101")
            FakeOutboundCall(self, "101", line="100").start()
            FakeCall(self, "+442079460799").start().ring("777")

        calls(1, 5)
        FakeCall(self).start().ring("102").lift("102").end("102")
        FakeCall(self, "+442079460798").start().ring("100").give_up()
        self.cost()
        few, board = self.cost()
        calls(5, 25)
        for n in range(40):
            self.new_extension(f"2{n:02}", self.new_agent(f"agent{n}"))
        FakeCall(self).start().ring("201").lift("201").end("201")
        self.cost()
        many, larger = self.cost()
        self.assertGreater(len(larger["calls"]), len(board["calls"]) + 15)
        self.assertEqual(len(larger["people"]), len(board["people"]) + 40)
        self.assertLessEqual(many, few)
        self.assertLessEqual(many, 30)


@tagged("post_install", "-at_install")
class TestWallboardBus(DeskCase):
    """Supervisors' browsers are told that something changed, once, and no more."""

    def told(self):
        """The messages since the last time, of whatever channel: ``[payload]``."""
        self.env.flush_all()
        self.env.cr.flush()
        channel = [
            self.env.cr.dbname,
            "res.groups",
            self.env.ref("cloud_pbx.group_pbx_manager").id,
        ]
        rows = self.env["bus.bus"].search([], order="id")
        payloads = []
        for row in rows:
            message = json.loads(row.message)
            if message["type"] == "cloud_pbx.wallboard":
                self.assertEqual(json.loads(row.channel), channel)
                payloads.append(message["payload"])
        rows.unlink()
        return payloads

    def setUp(self):
        super().setUp()
        self.told()

    def assertTold(self, how_often=1):
        self.assertEqual(self.told(), [{}] * how_often)

    def test_browsers_of_supervisors_listen(self):
        group = self.env.ref("cloud_pbx.group_pbx_manager")
        self.assertIn(group, self.supervisor.all_group_ids)
        self.assertNotIn(group, self.anna.all_group_ids)

    def test_calls(self):
        fake = FakeCall(self)
        for what in (
            lambda: fake.start(),
            lambda: fake.ring("100"),
            lambda: fake.lift("100"),
            lambda: fake.end("100"),
        ):
            what()
            self.assertTold()
        fake.end("100")
        self.assertTold(0)

    def test_lost_call_with_its_call_back(self):
        fake = FakeCall(self).start().ring("100")
        self.told()
        fake.give_up()
        self.assertTold()
        fake.call.promise_id.with_user(self.supervisor).action_dismiss("not_needed")
        self.assertTold()

    def test_people(self):
        self.extension.status = "offline"
        self.assertTold()
        self.extension._note_online()
        self.assertTold()
        self.anna.out_of_office_from = "2020-01-01"
        self.assertTold()
        resource = self.env["resource.resource"].create(
            {"name": "Boris", "user_id": self.boris.id, "company_id": self.company.id}
        )
        self.told()
        leave = {"resource_id": resource.id, "name": "x"}
        now = fields.Datetime.now()
        leave = self.env["resource.calendar.leaves"].create(
            {**leave, "date_from": now, "date_to": now + timedelta(hours=1)}
        )
        self.assertTold()
        leave.date_to = now
        self.assertTold()
        leave.unlink()
        self.assertTold()

    def test_what_people_write(self):
        fake = FakeCall(self).start().ring("100")
        self.told()
        fake.call.with_user(self.supervisor).partner_id = self.new_partner("New", False)
        self.assertTold()
        fake.call.with_user(self.supervisor).unlink()
        self.assertTold()


@tagged("post_install", "-at_install")
class TestWallboardTour(DeskTourCase):
    def test_live_call(self):
        self.new_partner()
        self.tour(
            "cloud_pbx_wallboard",
            self.webhooks("answered", caller=CALLER, extension="100", duration=61),
            self.supervisor,
            "/odoo/phone-wallboard",
        )
        self.assertCall(self.the_call(), outcome="answered", user_id=self.anna)


@tagged("post_install", "-at_install")
class TestWallboardWebhook(PbxHttpCase):
    def test_one_message_for_each_event(self):
        # That the line is a new one, and the phones are connected, is told by itself.
        self.play("answered")
        steps = scenarios.scenario("answered", call_start="2026-06-16 12:00:00")
        for step in steps:
            self.env["bus.bus"].search([]).unlink()
            self.post(step.event, step.fields)
            rows = self.env["bus.bus"].search([("message", "like", "wallboard")])
            with self.subTest(step.event):
                # A recording of a call that is over is on no wallboard.
                self.assertEqual(len(rows), int(step.event != "NOTIFY_RECORD"))
