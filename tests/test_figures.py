"""Figures: each as the contract defines it, for whoever may see it, at what cost."""

import json
import unittest
from datetime import datetime, timedelta
from itertools import count
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from ..models.figures.figures import FEW, Figures
from . import expected_figures as plain
from .common import PbxCase

try:
    import hypothesis
    from hypothesis import strategies as st
except ImportError:  # a tool of our developers, which no server needs
    hypothesis = None

LONDON, NEW_YORK, KATHMANDU = "Europe/London", "America/New_York", "Asia/Kathmandu"
ALL_LEADS = "sales_team.group_sale_salesman_all_leads"
# Clocks go back in London on 25 October at 01:00 UTC, in New York a week later; forward
# on 29 and on 8 March.
AUTUMN, SPRING = datetime(2026, 10, 25, 1), datetime(2026, 3, 29, 1)
NOW = datetime(2026, 11, 20, 12)
NUMBERS = ("+442079460201", "+442079460202", "+442079460203", False)
RATES = (
    *("answer_rate", "service_level", "wait_median", "wait_p90", "patience_median"),
    *("talk_average", "kept_rate", "callback_median", "first_call_to_lead"),
)
# Of groups, these add up to the figure of all.
SUMS = (
    *("inbound", "answered", "lost", "withheld_lost", "outbound", "reached"),
    *("talk_seconds", "promises", "kept", "kept_in_time", "dismissed", "open"),
    *("overdue", "new_callers", "leads", "won", "won_revenue"),
)
# What finds the calls of such a group.
PARTS = {"hour_of_day": "start_hour", "weekday": "start_weekday"}
EXAMPLES = 15


class FiguresCase(PbxCase):
    """Two companies with their own service, currency and money, and who reads it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create(
            {"name": "Quay Ltd", "country_id": cls.gb.id}
        )
        cls.company.pbx_service_seconds, cls.other.pbx_service_seconds = 20, 5
        cls.other_provider = cls.new_provider(
            cls.other, cls.new_user("robot", "base.group_user", cls.other), "other"
        )
        both = (cls.company | cls.other).ids
        cls.chief = cls.new_user("chief", f"cloud_pbx.group_pbx_manager,{ALL_LEADS}")
        cls.chief.write({"company_ids": [(6, 0, both)]})
        cls.anna.company_ids |= cls.other
        cls.lines = cls.env["pbx.line"].create(
            [
                {"number": "+442079460900", "provider_id": cls.provider.id},
                {"number": "+442079460901", "provider_id": cls.other_provider.id},
            ]
        )
        cls.teams = cls.env["crm.team"].create(
            [{"name": name, "company_id": False} for name in ("North", "South")]
        )
        cls.source = cls.env["utm.source"].create({"name": "Leaflet"})
        cls.campaign = cls.env["utm.campaign"].create({"name": "Autumn"})
        cls.won_stage = cls.env["crm.stage"].create({"name": "W", "is_won": True})
        cls.refs = count(1)

    def reader(self, user=None, zone=LONDON, companies=None, lang="en_US"):
        """The log of calls, as somebody sees it."""
        companies = companies or self.company
        return (
            self.env["pbx.call"]
            .with_user(user or self.chief)
            .with_context(allowed_company_ids=companies.ids, tz=zone, lang=lang)
        )

    def call(self, start=NOW, minutes=0, company=None, **values):
        """A call of the log that came so many minutes later."""
        company = company or self.company
        provider = self.provider if company == self.company else self.other_provider
        start += timedelta(minutes=minutes)
        return self.env["pbx.call"].create(
            {
                "provider_id": provider.id,
                "company_id": company.id,
                "ref": f"figure_{next(self.refs)}",
                "direction": "inbound",
                "state": "done",
                "outcome": "answered",
                "number": NUMBERS[0],
                "start": start,
                "stop": start,
                **values,
            }
        )

    def promise(self, call, state="open", opened=0, **values):
        """The call-back of a lost call; closed so many seconds later."""
        opened_at = call.start + timedelta(seconds=30)
        closed = values.pop("closed_after", None)
        has_ended = closed is not None
        return self.env["pbx.promise"].create(
            {
                "company_id": call.company_id.id,
                "provider_id": call.provider_id.id,
                "number": call.number or f"+4420794605{call.id:05}",
                "state": state,
                "opened_at": opened_at,
                "deadline": opened_at + timedelta(hours=1),
                "first_call_id": call.id,
                "closed_at": has_ended and opened_at + timedelta(seconds=closed),
                **values,
            }
        )

    def lead(self, call=None, revenue=0, won=False, **values):
        lead = self.env["crm.lead"].create(
            {
                "name": "Rope",
                "pbx_call_id": call and call.id,
                "company_id": call and call.company_id.id,
                "expected_revenue": revenue,
                **values,
            }
        )
        if won:
            lead.stage_id = self.won_stage
        return lead


@tagged("post_install", "-at_install")
class TestFigures(FiguresCase):
    def test_each_figure(self):
        """An example that was worked out by hand."""
        for wait, talk in ((3, 60), (20, 30), (21, 90)):
            self.call(wait_seconds=wait, talk_seconds=talk)
        won_elsewhere = self.lead(self.call(is_blocked=True), revenue=7, won=True)
        lost = [
            self.call(outcome=outcome, wait_seconds=wait, number=number, **more)
            for outcome, wait, number, more in (
                ("missed", 10, NUMBERS[1], {"lead_id": won_elsewhere.id}),
                ("busy", 0, NUMBERS[2], {}),
                ("failed", 40, False, {}),
                ("missed", 50, "+442079460204", {}),
            )
        ]
        self.call(outcome="cancelled", wait_seconds=90)
        out = {"direction": "outbound", "number": "+442079460299"}
        self.call(**out, talk_seconds=20)
        self.call(**out, outcome="no_answer", talk_seconds=0)
        # None of these counts.
        self.call(direction="internal", number="101", talk_seconds=600)
        self.call(is_blocked=True, outcome="missed", number="+442079460298")
        self.call(state="ongoing", outcome=False, number="+442079460297")
        # Kept in time, kept late, open.
        self.promise(lost[0], "kept", in_time=True, closed_after=600)
        self.promise(lost[1], "kept", in_time=False, closed_after=9000)
        open_one = self.promise(lost[3])
        self.lead(lost[0], revenue=1000, won=True)
        self.lead(lost[1], revenue=500)
        with freeze_time(open_one.deadline):
            figures = self.reader().figures([])
        self.assertEqual(
            figures,
            {
                "inbound": 8,
                "answered": 3,
                "lost": 4,
                "withheld_lost": 1,
                "outbound": 2,
                "reached": 1,
                "answer_rate": 3 / 8,
                "service_level": 2 / 8,
                "wait_median": 20,
                "wait_p90": 21,
                "patience_median": 10,
                "talk_seconds": 200,
                "talk_average": 50,
                "promises": 3,
                "kept": 2,
                "kept_in_time": 1,
                "dismissed": 0,
                "open": 1,
                "overdue": 0,
                "kept_rate": 1 / 2,
                "callback_median": 600,
                "new_callers": 4,
                "first_call_to_lead": 1 / 4,
                "leads": 2,
                "won": 1,
                "won_revenue": 1000.0,
            },
        )
        with freeze_time(open_one.deadline + timedelta(seconds=1)):
            figures = self.reader().figures([])
        self.assertEqual((figures["overdue"], figures["kept_rate"]), (1, 1 / 3))
        self.assertEqual(list(figures), list(self.reader().figures([])))

    def test_nothing_to_divide_by(self):
        """``None``, never 0: nobody answered no call in no time."""
        figures = self.reader().figures([])
        for name in RATES:
            self.assertIsNone(figures[name], name)
        for name in SUMS:
            self.assertEqual(figures[name], 0, name)
        for group_by in plain.GROUPS:
            self.assertEqual(self.reader().figures([], group_by), [])
        self.call(direction="outbound", outcome="no_answer")
        [group] = self.reader().figures([], "day")
        self.assertEqual({name for name in group if group[name] is None}, {*RATES})
        # Not due yet, it says nothing about whether promises are kept.
        promise = self.promise(self.call(outcome="missed", number=NUMBERS[1]))
        with freeze_time(promise.deadline):
            self.assertIsNone(self.reader().figures([])["kept_rate"])
        # Nobody waited is no time at all, and a figure.
        self.call(wait_seconds=0)
        figures = self.reader().figures([])
        self.assertEqual((figures["wait_median"], figures["talk_average"]), (0, 0))

    def test_called_back_before_the_lost_call_had_ended(self):
        """A talk may begin while the lost call is still being ended: no time at all."""
        call = self.call(outcome="missed", number=NUMBERS[2])
        self.promise(call, "kept", closed_after=-15)
        self.assertEqual(self.reader().figures([])["callback_median"], 0)

    def test_questions_that_have_no_answer(self):
        for group_by in ("number", "start", "start:day", "year", "id; --", 7):
            with self.subTest(group_by), self.assertRaises(UserError):
                self.reader().figures([], group_by)
        for domain, error in (
            ([("nothing", "=", 1)], ValueError),
            ([("start", "?", 1)], ValueError),
            ("no domain", TypeError),
        ):
            with self.subTest(domain), self.assertRaises(error):
                self.reader().figures(domain)

    def test_more_groups_than_anybody_reads(self):
        """Hours of more than a year are refused, those of a year are not."""
        reader = self.reader(zone="UTC")
        hours = self.hourly_calls(366 * 24)
        self.assertEqual(len(reader.figures([], "hour")), hours)
        self.hourly_calls(2000, before="2020-01-01")
        with self.assertRaisesRegex(UserError, "10000"):
            reader.figures([], "hour")
        self.assertGreater(len(reader.figures([], "day")), 366)

    def hourly_calls(self, hours, before="2026-01-01"):
        self.env.cr.execute(
            """INSERT INTO pbx_call (provider_id, company_id, ref, direction, state,
                                     outcome, start)
               SELECT %s, %s, 'h' || %s || n, 'inbound', 'done', 'missed',
                      %s::timestamp - n * interval '1 hour'
                 FROM generate_series(1, %s) n""",
            [self.provider.id, self.company.id, before, before, hours],
        )
        return hours


@tagged("post_install", "-at_install")
class TestFiguresRights(FiguresCase):
    def test_an_agent_gets_his_own(self):
        self.call(user_id=self.anna.id)
        self.call(user_id=self.boris.id)
        rung = self.call(outcome="missed", participant_ids=[(4, self.anna.id)])
        self.call(outcome="missed", participant_ids=[(4, self.boris.id)])
        # Whoever has it by now: what became of the call stands with the call.
        self.promise(rung, "kept", user_id=self.boris.id, closed_after=60)
        figures = self.reader(self.anna).figures([])
        self.assertEqual((figures["inbound"], figures["lost"]), (2, 1))
        self.assertEqual((figures["promises"], figures["kept"]), (1, 1))
        groups = self.reader(self.anna).figures([], "user_id")
        self.assertEqual([group["key"] for group in groups], [self.anna.id, False])

    def test_a_new_caller_is_new_to_the_company(self):
        """A number that spoke with a colleague before is not new, whoever asks."""
        self.call(user_id=self.boris.id)
        self.call(minutes=1, user_id=self.anna.id)
        self.assertEqual(self.reader(self.anna).figures([])["new_callers"], 0)
        self.assertEqual(self.reader(self.boris).figures([])["new_callers"], 1)
        # Nor one that was called first, was blocked, or spoke with it years ago.
        for how, number in (
            ({"direction": "outbound"}, "+442079460211"),
            ({"is_blocked": True}, "+442079460212"),
            ({"start": datetime(2019, 1, 1)}, "+442079460213"),
        ):
            self.call(**{"minutes": 2, **how}, number=number)
            self.call(minutes=3, number=number)
        since = [("start", ">", NOW)]
        self.assertEqual(self.reader().figures(since)["new_callers"], 0)
        # To another company it is.
        self.call(minutes=5, company=self.other)
        both = self.company | self.other
        figures = self.reader(companies=both).figures(since)
        self.assertEqual(figures["new_callers"], 1)

    def test_two_first_calls_in_one_second(self):
        """The one that was written first is the first."""
        self.call(user_id=self.anna.id)
        self.call(user_id=self.boris.id)
        groups = self.reader().figures([], "user_id")
        self.assertEqual(
            {group["key"]: group["new_callers"] for group in groups},
            {self.anna.id: 1, self.boris.id: 0},
        )

    def test_money_is_for_those_who_see_all_leads(self):
        call = self.call(user_id=self.anna.id)
        self.lead(call, revenue=100, won=True, user_id=self.anna.id)
        self.supervisor.group_ids |= self.env.ref("sales_team.group_sale_salesman")
        for user in (self.anna, self.supervisor):
            for figures in (
                self.reader(user).figures([]),
                *self.reader(user).figures([], "user_id"),
            ):
                self.assertIsNone(figures["leads"])
                self.assertIsNone(figures["won"])
                self.assertIsNone(figures["won_revenue"])
        self.supervisor.group_ids |= self.env.ref(ALL_LEADS)
        figures = self.reader(self.supervisor).figures([])
        self.assertEqual(
            (figures["leads"], figures["won"], figures["won_revenue"]), (1, 1, 100)
        )

    def test_lost_leads_were_leads(self):
        lead = self.lead(self.call(), revenue=100)
        lead.action_set_lost()
        self.assertFalse(lead.active)
        figures = self.reader().figures([])
        self.assertEqual((figures["leads"], figures["won"]), (1, 0))

    def test_who_sees_no_calls_sees_no_figures(self):
        clerk = self.new_user("clerk", f"base.group_user,{ALL_LEADS}")
        with self.assertRaises(AccessError):
            self.reader(clerk).figures([])

    def test_administrators_see_the_numbers(self):
        """And none of the calls; of their companies, whatever they ask for."""
        self.call()
        theirs = self.call(company=self.other, outcome="missed", number=NUMBERS[1])
        self.lead(self.call(), revenue=100, won=True)
        administrator = self.new_user("administrator", f"base.group_system,{ALL_LEADS}")
        with self.assertRaises(AccessError):
            self.env["pbx.call"].with_user(administrator).search([])
        expected = self.reader().figures([])
        figures = self.reader(administrator).figures([])
        self.assertEqual(figures["inbound"], 2)
        for name in set(figures) - {"leads", "won", "won_revenue"}:
            self.assertEqual(figures[name], expected[name], name)
        self.assertIsNone(figures["won_revenue"])
        for domain in ([("id", "=", theirs.id)], [("company_id", "=", self.other.id)]):
            self.assertEqual(self.reader(administrator).figures(domain)["lost"], 0)
        [group] = self.reader(administrator).figures([], "user_id")
        self.assertEqual(group["inbound"], 2)

    def test_nothing_of_another_company(self):
        theirs = self.call(company=self.other, outcome="missed", number=NUMBERS[1])
        self.promise(theirs)
        self.lead(theirs, revenue=100, won=True)
        ours = self.call()
        only_here = self.supervisor
        only_here.group_ids |= self.env.ref(ALL_LEADS)
        self.assertEqual(only_here.company_ids, self.company)
        for domain in (
            [],
            [("company_id", "=", self.other.id)],
            [("provider_id.company_id.name", "=", "Quay Ltd")],
            ["|", ("company_id", "=", self.other.id), ("id", ">", 0)],
            [("promise_id.company_id", "=", self.other.id)],
        ):
            figures = self.reader(only_here).figures(domain)
            self.assertEqual(figures["lost"], 0, domain)
            self.assertEqual((figures["promises"], figures["leads"]), (0, 0))
            for group_by in plain.GROUPS:
                groups = self.reader(only_here).figures(domain, group_by)
                self.assertFalse(sum(group["lost"] for group in groups))
        with self.assertRaises(AccessError):
            self.reader(only_here, companies=self.other).figures([])
        # A lead that was handed to another company is that one's money.
        self.lead(ours, revenue=70, won=True, company_id=self.other.id)
        figures = self.reader(only_here).figures([])
        self.assertEqual((figures["leads"], figures["won_revenue"]), (0, 0))
        # Who works for both has ticked one.
        self.assertEqual(self.reader().figures([])["inbound"], 1)

    def test_each_company_by_its_own_measure(self):
        """Its seconds of good service; its money, in the reader's currency."""
        euro = self.env.ref("base.EUR")
        pound = self.env.ref("base.GBP")
        (euro | pound).active = True
        self.company.currency_id, self.other.currency_id = pound, euro
        rates = self.env["res.currency.rate"]
        rates.search([("company_id", "=", self.company.id)]).unlink()
        for currency, rate in ((pound, 1), (euro, 2)):
            rates.create(
                {
                    "currency_id": currency.id,
                    "company_id": self.company.id,
                    "name": "2020-01-01",
                    "rate": rate,
                }
            )
        for company in (self.company, self.other):
            call = self.call(company=company, wait_seconds=10)
            self.lead(call, revenue=100, won=True)
        both = self.company | self.other
        figures = self.reader(companies=both).figures([])
        self.assertEqual(figures["service_level"], 1 / 2)
        self.assertEqual(figures["won_revenue"], 100 + 50)
        by_pbx = self.reader(companies=both).figures([], "provider_id")
        self.assertEqual(
            {group["key"]: group["won_revenue"] for group in by_pbx},
            {self.provider.id: 100, self.other_provider.id: 50},
        )
        self.assertEqual(
            {group["key"]: group["service_level"] for group in by_pbx},
            {self.provider.id: 1, self.other_provider.id: 0},
        )


@tagged("post_install", "-at_install")
class TestFiguresGroups(FiguresCase):
    def test_the_hour_that_comes_twice(self):
        """On the night when clocks go back one hour by the clock has two, a day 25."""
        for minutes in range(-180, 180, 15):
            self.call(AUTUMN, minutes)
        groups = self.reader().figures([], "hour")
        # 01:00 to 02:00 comes at midnight UTC, and once more an hour later.
        counts = {group["key"]: group["inbound"] for group in groups}
        self.assertEqual(
            counts,
            {
                "2026-10-24T23:00:00": 4,
                "2026-10-25T00:00:00": 4,
                "2026-10-25T01:00:00": 8,
                "2026-10-25T02:00:00": 4,
                "2026-10-25T03:00:00": 4,
            },
        )
        twice = next(group for group in groups if group["inbound"] == 8)
        self.assertIn(("start", ">=", "2026-10-25 00:00:00"), twice["domain"])
        self.assertIn(("start", "<", "2026-10-25 02:00:00"), twice["domain"])
        [_saturday, sunday] = self.reader().figures([], "day")
        self.assertIn(("start", ">=", "2026-10-24 23:00:00"), sunday["domain"])
        self.assertIn(("start", "<", "2026-10-26 00:00:00"), sunday["domain"])

    def test_the_hour_that_is_left_out(self):
        for minutes in range(-60, 60, 30):
            self.call(SPRING, minutes)
        groups = self.reader().figures([], "hour")
        self.assertEqual(
            [group["key"] for group in groups],
            ["2026-03-29T00:00:00", "2026-03-29T02:00:00"],
        )
        for group in groups:
            self.assertEqual(self.reader().search_count(group["domain"]), 2)

    def test_clocks_that_are_changed_at_midnight(self):
        """In Beirut a day begins at 1 o'clock in spring, and hours come twice."""
        night = datetime(2026, 3, 28, 22)
        for minutes in range(-180, 180, 30):
            self.call(night, minutes)
        reader = self.reader(zone="Asia/Beirut")
        for group_by in ("hour", "day"):
            groups = reader.figures([], group_by)
            self.assertEqual(sum(group["inbound"] for group in groups), 12)
            for group in groups:
                found = reader.search_count(group["domain"])
                self.assertEqual(found, group["inbound"], group["key"])

    def test_zone_of_the_user(self):
        """Who calls from outside brings no time zone: it is the user's own."""
        self.call(datetime(2026, 6, 15, 20, 30))
        self.chief.tz = KATHMANDU
        reader = self.reader(zone=None)
        [group] = reader.figures([], "hour")
        self.assertEqual(group["key"], "2026-06-16T02:00:00")
        for group_by, key in (("hour_of_day", 2), ("weekday", 1)):
            [group] = reader.figures([], group_by)
            self.assertEqual(group["key"], key)
            self.assertEqual(reader.search_count(group["domain"]), 1)
            self.assertEqual(reader.search(group["domain"])[PARTS[group_by]], key)
        self.assertFalse(reader.search_count([("start_hour", "!=", 2)]))
        self.assertTrue(reader.search_count([("start_hour", "<", 3)]))
        self.assertFalse(reader.search_count([("start_hour", "=", False)]))

    def test_labels_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.call(datetime(2026, 6, 14, 13, 5), user_id=self.anna.id)
        self.call(datetime(2026, 6, 15, 7, 5))
        for lang, group_by, keys, labels in (
            ("en_US", "weekday", [6, 0], ["Sunday", "Monday"]),
            ("de_DE", "weekday", [0, 6], ["Montag", "Sonntag"]),
            ("en_US", "week", ["2026-06-14"], ["W25 2026"]),
            (
                *("de_DE", "week"),
                ["2026-06-08", "2026-06-15"],
                ["W24 2026", "W25 2026"],
            ),
            ("de_DE", "month", ["2026-06-01"], ["Juni 2026"]),
            (
                *("en_US", "hour"),
                ["2026-06-14T14:00:00", "2026-06-15T08:00:00"],
                ["14:00 14 Jun", "08:00 15 Jun"],
            ),
            (
                "en_US",
                "day",
                ["2026-06-14", "2026-06-15"],
                ["14 Jun 2026", "15 Jun 2026"],
            ),
            ("de_DE", "hour_of_day", [8, 14], ["08:00", "14:00"]),
            ("en_US", "user_id", [self.anna.id, False], ["Anna", "Nobody"]),
            ("en_US", "line_id", [False], ["None"]),
        ):
            with self.subTest(lang, group_by=group_by):
                groups = self.reader(lang=lang).figures([], group_by)
                self.assertEqual([group["key"] for group in groups], keys)
                self.assertEqual([group["label"] for group in groups], labels)

    def test_most_calls_first(self):
        """People and lines by how much they do; what nobody has comes last."""
        for user, calls in ((self.boris, 3), (self.anna, 1), (False, 5)):
            for _ in range(calls):
                self.call(user_id=user and user.id)
        groups = self.reader().figures([], "user_id")
        keys = [group["key"] for group in groups]
        self.assertEqual(keys, [self.boris.id, self.anna.id, False])

    def test_domain_of_a_group(self):
        """It goes to the browser, and keeps what was asked for."""
        self.call(user_id=self.anna.id, line_id=self.lines[0].id)
        self.call(user_id=self.anna.id)
        asked = [("line_id", "=", self.lines[0].id)]
        for group_by in plain.GROUPS:
            [group] = self.reader().figures(asked, group_by)
            self.assertEqual(group, json.loads(json.dumps(group)) | group)
            self.assertIsInstance(group["domain"], list)
            self.assertEqual(self.reader().search_count(group["domain"]), 1)


@tagged("post_install", "-at_install")
class TestFiguresCost(FiguresCase):
    def test_first_calls_are_looked_up_or_passed(self):
        """Few calls are looked up; of so many the whole log is passed."""
        self.call()
        self.env.flush_all()
        self.env.cr.execute("ANALYZE pbx_call")
        reader = self.reader()
        self.assertFalse(Figures(reader, [])._are_many(FEW - 1))
        self.assertTrue(Figures(reader, [])._are_many(10**9))

    def statements(self, *arguments):
        reader = self.reader(companies=self.company | self.other)
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        groups = reader.figures(*arguments)
        return self.env.cr.sql_log_count - before, groups

    def test_statements(self):
        """One for each kind of figures, and one for the names."""
        for size in (2, 8):
            for n in range(size):
                company = (self.company, self.other)[n % 2]
                user = self.new_user(f"u{size}_{n}", "base.group_user", company)
                call = self.call(
                    NOW, 60 * n, company, user_id=user.id, number=f"+44207946{n:04}"
                )
                self.promise(call, "kept", closed_after=5)
                self.lead(call, revenue=1, won=True)
            for arguments in (([],), *(([], group_by) for group_by in plain.GROUPS)):
                with self.subTest(arguments, size=size):
                    self.statements(*arguments)  # warms the caches
                    statements, _groups = self.statements(*arguments)
                    is_named = arguments[-1] in plain.ONE_OF
                    self.assertLessEqual(statements, 4 + is_named)


@tagged("post_install", "-at_install")
@unittest.skipUnless(hypothesis, "hypothesis is not installed")
class TestFiguresProperty(FiguresCase):
    def test_any_log(self):
        """Whatever happened: all figures of all groups, for three readers."""
        self.env["crm.lead"].search([]).unlink()
        near = st.integers(-4 * 24 * 60, 4 * 24 * 60)
        one_call = st.fixed_dictionaries(
            {
                "start": st.sampled_from((AUTUMN, AUTUMN + timedelta(7), SPRING)),
                "minutes": near,
                "company": st.sampled_from((self.company, self.company, self.other)),
                "direction": st.sampled_from(
                    ("inbound", "inbound", "inbound", "outbound", "internal")
                ),
                "state": st.sampled_from(("done", "done", "done", "done", "ongoing")),
                "outcome": st.sampled_from(
                    ("answered", "answered", "missed", "busy", "failed", "cancelled")
                ),
                "number": st.sampled_from(NUMBERS),
                "is_blocked": st.sampled_from((False, False, False, True)),
                "wait_seconds": st.sampled_from((0, 4, 5, 6, 19, 20, 21, 90)),
                "talk_seconds": st.integers(0, 300),
                "user_id": st.sampled_from((self.anna.id, self.boris.id, False)),
                "line_id": st.sampled_from((*self.lines.ids, False)),
                "team_id": st.sampled_from((*self.teams.ids, False)),
                "source_id": st.sampled_from((self.source.id, False)),
                "campaign_id": st.sampled_from((self.campaign.id, False)),
            }
        )
        promise = st.none() | st.fixed_dictionaries(
            {
                "state": st.sampled_from(("kept", "kept", "open", "dismissed")),
                "in_time": st.booleans(),
                "hours": st.integers(-2, 2),
                "closed_after": st.integers(-15, 7200),
            }
        )
        lead = st.none() | st.fixed_dictionaries(
            {
                "revenue": st.integers(0, 1000),
                "won": st.booleans(),
                "active": st.booleans(),
                "is_linked": st.booleans(),
            }
        )
        made = st.lists(st.tuples(one_call, promise, lead), max_size=25)

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(
            made, st.sampled_from((LONDON, NEW_YORK, KATHMANDU)), st.booleans()
        )
        def any_log(made, zone, are_many):
            savepoint = self.env.cr.savepoint()
            try:
                # Both ways to find first calls, of which a large log takes the other.
                way = patch.object(Figures, "_are_many", lambda *_: are_many)
                with freeze_time(NOW), way:
                    self.make(made)
                    self.compare(zone)
            finally:
                savepoint.rollback()
                self.env.invalidate_all()

        any_log()

    def make(self, made):
        open_numbers = set()
        for values, promise, lead in made:
            linked = lead and lead["is_linked"] and self.lead(revenue=3, won=True)
            call = self.call(**values, lead_id=linked and linked.id)
            is_lost = call.direction == "inbound" and call.outcome in plain.LOST
            if promise and is_lost:
                promise = dict(promise)
                promise["deadline"] = NOW + timedelta(hours=promise.pop("hours"))
                whose = (call.company_id, call.number)
                if promise["state"] == "open":
                    promise.pop("closed_after")
                    # Of one number one is open at most.
                    promise["state"] = "dismissed" if whose in open_numbers else "open"
                    open_numbers.add(whose)
                self.promise(call, **promise)
            if linked:
                linked.pbx_call_id = call
            elif lead:
                self.lead(call, lead["revenue"], lead["won"], active=lead["active"])
        self.env.flush_all()
        self.env.invalidate_all()

    def rows(self):
        """All that was written, as plain values."""
        calls = self.env["pbx.call"].search(
            [("company_id", "in", (self.company | self.other).ids)]
        )
        read = calls.read([*plain.Row._fields], load=False)
        promises = self.env["pbx.promise"].search_read(
            [("company_id", "in", (self.company | self.other).ids)],
            *[
                (
                    "first_call_id",
                    "state",
                    "in_time",
                    "deadline",
                    "opened_at",
                    "closed_at",
                )
            ],
            load=False,
        )
        leads = self.env["crm.lead"].with_context(active_test=False)
        leads = leads.search_read(
            [("pbx_call_id", "!=", False)],
            ["pbx_call_id", "won_status", "expected_revenue"],
            load=False,
        )
        for lead in leads:
            lead["revenue"] = lead["expected_revenue"]
        return [plain.Row(**row) for row in read], promises, leads

    def compare(self, zone):
        log, promises, leads = self.rows()
        service = {
            company.id: company.pbx_service_seconds
            for company in self.company | self.other
        }
        both = self.company | self.other
        late = AUTUMN - timedelta(days=1)
        for user, companies, domain, is_asked, all_leads in (
            (self.chief, both, [], lambda row: True, True),
            (
                *(self.chief, self.company),
                [("start", ">=", fields.Datetime.to_string(late))],
                lambda row: row.start >= late,
                True,
            ),
            (
                *(self.anna, both),
                [("wait_seconds", "<", 20)],
                lambda row: row.wait_seconds < 20,
                False,
            ),
        ):
            reader = self.reader(user, zone, companies)
            if user == self.anna:
                may_see = set(reader.search([]).ids)
                spoken = {row.id for row in log if row.user_id == self.anna.id}
                self.assertLessEqual(spoken, may_see)
            else:
                may_see = {row.id for row in log if row.company_id in companies.ids}
            visible = [row for row in log if row.id in may_see and is_asked(row)]
            counted = plain.counted(visible)
            facts = (log, promises, leads if all_leads else None, service, NOW)
            whole = reader.figures(domain)
            self.assertEqual(whole, plain.expected(counted, *facts))
            for group_by in plain.GROUPS:
                groups = reader.figures(domain, group_by)
                expected = {}
                for row in counted:
                    key = plain.key_of(row, group_by, zone)
                    expected.setdefault(key, []).append(row)
                self.assertEqual({group["key"] for group in groups}, set(expected))
                self.assertEqual(len(groups), len(expected))
                for group in groups:
                    of_group = expected[group.pop("key")]
                    self.assertTrue(group.pop("label"))
                    self.assertEqual(
                        set(reader.search(group.pop("domain")).ids),
                        {row.id for row in of_group},
                    )
                    self.assertEqual(group, plain.expected(of_group, *facts))
                for name in SUMS:
                    if whole[name] is not None:
                        self.assertAlmostEqual(
                            sum(group[name] for group in groups), whole[name], msg=name
                        )
