"""Calls by hour, day, week and longer, and by people, lines and other records of which
there are few: as Odoo groups them, with less work.
"""

import random
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields, models
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.tools.local_datetime import GROUPS, LocalDatetime
from .common import PbxCase

# An ordinary one; half an hour to summer time; changes a minute after midnight (until
# 2011); a quarter of an hour; Ramadan; a day that was left out (2011-12-30); none.
ZONES = (
    *("Europe/Kyiv", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"),
    *("Africa/Casablanca", "Pacific/Apia", False),
)
LENGTHS = ("hour", "day", "week", "month", "quarter", "year")
PARTS = ("day_of_week", "hour_number", "iso_week_number")
AGGREGATES = (
    *("__count", "talk_seconds:sum", "wait_seconds:avg", "user_id:count_distinct"),
    *("start:min", "start:max"),
)
# When the clocks of these zones were changed, in UTC.
CHANGES = [
    *(datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1)),  # Kyiv
    *(datetime(2026, 4, 4, 15), datetime(2026, 10, 3, 15, 30)),  # Lord Howe
    *(datetime(2010, 3, 14, 3, 31), datetime(2010, 11, 7, 2, 31)),  # St. John's
    *(datetime(2026, 2, 15, 2), datetime(2026, 3, 22, 2)),  # Casablanca
    datetime(2011, 12, 30, 10),  # Apia
]
# Long ago, the first and last moments whose offsets are looked up, and far away.
EDGES = [datetime(year, 1, 1) for year in (1985, 2000, 2040, 2055)]
SEED = 19


@tagged("post_install", "-at_install", "cloud_pbx")
class TestGroupings(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(SEED)
        around = (-86400, -3601, -3600, -1800, -60, -1, 0, 1, 60, 1800, 3600, 86400)
        starts = [
            change + timedelta(seconds=seconds)
            for change in (*CHANGES, *EDGES)
            for seconds in around
        ]
        starts += [
            datetime(2003, 1, 1) + timedelta(seconds=rng.uniform(0, 23 * 365 * 86400))
            for _ in range(150)
        ]
        cls.env["pbx.call"].create(
            [
                {
                    "provider_id": cls.provider.id,
                    "company_id": cls.company.id,
                    "state": "done",
                    "outcome": rng.choice(("answered", "missed")),
                    "user_id": rng.choice((cls.anna.id, cls.boris.id, False)),
                    "start": start.replace(microsecond=0),
                    "wait_seconds": rng.randrange(60),
                    "talk_seconds": rng.randrange(600),
                }
                for start in starts
            ]
        )

    def log(self, zone, **context):
        return (
            self.env["pbx.call"]
            .with_user(self.supervisor)
            .with_context(tz=zone, **context)
        )

    @contextmanager
    def odoos_own(self):
        """Group as Odoo does."""
        model, odoos = (self.env.registry[name] for name in ("pbx.call", "base"))
        names = ("_read_group_orderby", "_formatted_read_group_with_length")
        with (
            patch.object(
                LocalDatetime, "property_to_sql", fields.Datetime.property_to_sql
            ),
            patch.object(
                model, "_read_group_groupby", models.BaseModel._read_group_groupby
            ),
            patch.multiple(model, **{name: getattr(odoos, name) for name in names}),
        ):
            yield

    def assertAsOdoos(self, ask):
        found = ask()
        with self.odoos_own():
            expected = ask()
        self.assertEqual(found, expected)
        return found

    def test_groups_are_odoos_own(self):
        for zone in ZONES:
            log = self.log(zone)
            for length in (*LENGTHS, *PARTS):
                with self.subTest(zone, by=length):
                    by = f"start:{length}"
                    groups = self.assertAsOdoos(
                        lambda log=log, by=by: log.formatted_read_group(
                            [], [by], AGGREGATES
                        )
                    )
                    self.assertGreater(len(groups), 3)

    def test_groups_hold_what_their_domain_finds(self):
        # But for hours and days that the clock shows twice, or not at all.
        log = self.log("Europe/Kyiv")
        for length in ("week", "month", "year"):
            for group in log.formatted_read_group([], [f"start:{length}"], ["__count"]):
                with self.subTest(group[f"start:{length}"]):
                    found = log.search_count(group["__extra_domain"])
                    self.assertEqual(found, group["__count"])

    def test_weeks_begin_as_in_the_readers_language(self):
        language = self.env["res.lang"]._lang_get("en_US")
        for first in range(1, 8):
            self.env["res.lang"].browse(language.id).week_start = str(first)
            log = self.log("Europe/Kyiv", lang="en_US")
            with self.subTest(first):
                groups = self.assertAsOdoos(
                    lambda log=log: log._read_group([], ["start:week"], ["__count"])
                )
                days = {week.isoweekday() for week, _count in groups}
                self.assertEqual(days, {first})

    def test_other_ways_to_group(self):
        pivot = [(), ("start:month",), ("start:month", "outcome"), ("outcome",)]
        lately = [("start", ">=", "2010-01-01"), ("start", "<", "2027-01-01")]
        for zone in ("Australia/Lord_Howe", "America/St_Johns"):
            log = self.log(zone)
            some = {"fill_temporal": {"min_groups": 900}}
            ways = {
                "pivot": lambda log=log, pivot=pivot: log.formatted_read_grouping_sets(
                    [], pivot, AGGREGATES
                ),
                "two lengths": lambda log=log: log.formatted_read_group(
                    [], ["start:week", "start:day", "outcome"], AGGREGATES
                ),
                "list": lambda log=log: log.web_read_group(
                    [], ["start:day", "user_id"], AGGREGATES, limit=20, offset=20,
                    order="start desc",
                ),
                "graph": lambda log=log, lately=lately, some=some: log.with_context(
                    **some
                ).formatted_read_group(lately, ["start:week"], AGGREGATES),
                "having": lambda log=log: log._read_group(
                    [], ["start:day"], ["__count"], having=[("__count", ">", 2)],
                    order="__count desc, start:day",
                ),
                "none": lambda log=log: log.formatted_read_group(
                    [("id", "=", 0)], ["start:day"], AGGREGATES
                ),
                "condition": lambda log=log: log.search(
                    [("start.hour_number", "in", [1, 2])]
                ),
                "through another record": lambda log=log: log.env[
                    "pbx.call.leg"
                ]._read_group([], ["call_id.start:week"], ["__count"]),
            }  # fmt: skip
            for title, ask in ways.items():
                with self.subTest(zone, way=title):
                    self.assertAsOdoos(ask)

    def test_a_page_of_days(self):
        log = self.log("Europe/Kyiv")
        for by, offset in (("start:day", 20), ("start:month", 1), ("start:day", 9999)):
            with self.subTest(by=by, offset=offset):
                page = self.assertAsOdoos(
                    lambda log=log, by=by, offset=offset: log.web_read_group(
                        [], [by], AGGREGATES, limit=20, offset=offset
                    )
                )
                if offset < 9999:
                    self.assertGreater(page["length"], 21)

    def test_people_and_lines_in_their_order(self):
        """By name, and not by ID."""
        self.anna.name, self.boris.name = "Zoe", "Adam"
        lines = self.env["pbx.line"].create(
            [
                {"provider_id": self.provider.id, "number": number}
                for number in ("+442079460902", "+442079460901")
            ]
        )
        for number, call in enumerate(self.env["pbx.call"].search([])):
            call.line_id = lines[number % 3 : number % 3 + 1]
        log = self.log("Europe/Kyiv")
        orders = (
            *("user_id", "user_id desc", "user_id ASC NULLS FIRST", "line_id desc"),
            *("line_id, user_id desc nulls last", "outcome desc, user_id, line_id"),
            *("start:year, user_id", "__count desc, user_id, line_id"),
        )
        for order in orders:
            with self.subTest(order):
                groups = self.assertAsOdoos(
                    lambda order=order: log._read_group(
                        [],
                        ["user_id", "line_id", "outcome", "start:year"],
                        AGGREGATES,
                        order=f"{order}, outcome, start:year, line_id, user_id",
                    )
                )
                self.assertGreater(len(groups), 20)
        users = log.formatted_read_group([], ["user_id"])
        names = [group["user_id"] and group["user_id"][1] for group in users]
        self.assertEqual(names, ["Adam", "Zoe", False])

    def test_an_order_that_is_none(self):
        for order in ("user_id sideways", "user_id desc, (select 1)", "user_id.login"):
            with self.subTest(order), self.assertRaises(ValueError):
                self.log(False)._read_group([], ["user_id"], ["__count"], order=order)

    def test_a_zone_that_nobody_knows(self):
        with self.assertLogs("odoo.fields", "WARNING"):
            self.assertAsOdoos(
                lambda: self.log("Nowhere")._read_group([], ["start:day"], ["__count"])
            )

    def test_what_makes_it_fast(self):
        log = self.log("Europe/Kyiv")
        query = log._search([])
        for length in ("hour", "day", "week"):
            group = log._read_group_groupby("pbx_call", f"start:{length}", query)
            self.assertIn("date_bin", group.code)
            self.assertIn("width_bucket", group.code)
        terms = {"user_id": SQL("x")}
        order = log._read_group_orderby("user_id DESC", terms, query)
        self.assertTrue(order.code.startswith("array_position("))
        self.assertNotIn("res_users", query.from_clause.code)
        # Known from now on.
        with self.assertQueryCount(1):
            log._read_group([], ["start:day"], ["__count"])
        [[options]] = self.env.execute_query(
            SQL(
                "SELECT attoptions FROM pg_attribute "
                "WHERE attrelid = 'pbx_call'::regclass AND attname = 'start'"
            )
        )
        self.assertEqual(options, [f"n_distinct={GROUPS}"])
