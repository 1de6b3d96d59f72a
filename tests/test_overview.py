"""The page *Overview*: its figures, the period before, and what is behind them."""

import json
from datetime import datetime, timedelta

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import freeze_time, tagged
from odoo.tools.json import json_default

from .test_figures import KATHMANDU, LONDON, NEW_YORK, FiguresCase

# A Friday; in London it is the same time in November.
NOW = datetime(2026, 11, 20, 12)


class OverviewCase(FiguresCase):
    def page(self, domain=(), user=None, **reader):
        """What the page gets, as it comes to the browser."""
        overview = self.reader(user, **reader).env["pbx.overview"]
        with freeze_time(NOW):
            data = overview.read_overview(list(domain))
        return json.loads(json.dumps(data, default=json_default))

    def behind(self, page, figure, user=None, domain=None, **reader):
        """The records that the page opens for a figure."""
        record = page["records"][figure]
        base = page["domain"] if domain is None else domain
        if record["field"]:
            base = [(record["field"], "any", base)]
        env = self.reader(user, **reader).env
        model = env[record["model"]].with_context(active_test=False)
        with freeze_time(NOW):
            return model.search(Domain(base) & Domain(record["domain"]))


@tagged("post_install", "-at_install")
class TestOverviewPeriod(OverviewCase):
    """Which time a search is about, and what it is compared with."""

    def assertCompared(self, domain, *expected, zone=LONDON):
        """:param expected: begin and end, of the period and of the one before; local"""
        # So that there is something to show.
        number = Domain("number", "=", "+442079460201")
        page = self.page(number & Domain(domain), zone=zone)
        found = [
            page[name][bound]
            for name in ("period", "before")
            for bound in ("begin", "end")
        ]
        self.assertEqual(found, [f"{one}:00" for one in expected])

    def test_periods(self):
        for year in (2025, 2026):
            for month in range(1, 13):
                self.call(datetime(year, month, 5, 9))
        for day in range(1, 31):
            self.call(datetime(2026, 11, day, 12))
        # The bounds that Odoo's filter *Date* makes in a browser in London.
        for name, domain, *expected in (
            (
                "a month that is over",
                [("start", ">=", "2026-09-30 23:00:00"),
                 ("start", "<=", "2026-10-31 23:59:59")],
                "2026-10-01 00:00", "2026-11-01 00:00",
                "2026-09-01 00:00", "2026-10-01 00:00",
            ),
            (
                "a month after a shorter one",
                [("start", ">=", "2026-03-01 00:00:00"),
                 ("start", "<=", "2026-03-31 22:59:59")],
                "2026-03-01 00:00", "2026-04-01 00:00",
                "2026-02-01 00:00", "2026-03-01 00:00",
            ),
            (
                "this month: with as much of the one before",
                [("start", ">=", "2026-11-01 00:00:00"),
                 ("start", "<=", "2026-11-30 23:59:59")],
                "2026-11-01 00:00", "2026-11-20 12:00",
                "2026-10-01 00:00", "2026-10-20 12:00",
            ),
            (
                "two months that follow each other",
                ["|", "&", ("start", ">=", "2026-08-31 23:00:00"),
                 ("start", "<=", "2026-09-30 22:59:59"),
                 "&", ("start", ">=", "2026-09-30 23:00:00"),
                 ("start", "<=", "2026-10-31 23:59:59")],
                "2026-09-01 00:00", "2026-11-01 00:00",
                "2026-07-01 00:00", "2026-09-01 00:00",
            ),
            (
                "a year",
                [("start", ">=", "2026-01-01 00:00:00"),
                 ("start", "<=", "2026-12-31 23:59:59")],
                "2026-01-01 00:00", "2026-11-20 12:00",
                "2025-01-01 00:00", "2025-11-20 12:00",
            ),
            (
                "today",
                [("start", ">=", "today")],
                "2026-11-20 00:00", "2026-11-20 12:00",
                "2026-11-19 00:00", "2026-11-19 12:00",
            ),
            (
                "the last seven days",
                [("start", ">=", "today -6d")],
                "2026-11-14 00:00", "2026-11-20 12:00",
                "2026-11-07 00:00", "2026-11-13 12:00",
            ),
            (
                "days that somebody entered",
                [("start", ">=", "2026-11-02"), ("start", "<", "2026-11-05")],
                "2026-11-02 00:00", "2026-11-05 00:00",
                "2026-10-30 00:00", "2026-11-02 00:00",
            ),
            (
                "hours",
                [("start", ">=", "2026-11-05 08:30:00"),
                 ("start", "<", "2026-11-05 12:30:00")],
                "2026-11-05 08:30", "2026-11-05 12:30",
                "2026-11-05 04:30", "2026-11-05 08:30",
            ),
        ):  # fmt: skip
            with self.subTest(name):
                self.assertCompared(domain, *expected)

    def test_a_month_of_the_readers_clock(self):
        """Begins and ends with their midnight, and the clock changed in between."""
        for month in (9, 10, 11):
            self.call(datetime(2026, month, 10, 12))
        october = {
            LONDON: ("2026-09-30 23:00:00", "2026-10-31 23:59:59"),
            NEW_YORK: ("2026-10-01 04:00:00", "2026-11-01 03:59:59"),
            KATHMANDU: ("2026-09-30 18:15:00", "2026-10-31 18:14:59"),
        }
        for zone, (first, last) in october.items():
            with self.subTest(zone):
                self.assertCompared(
                    [("start", ">=", first), ("start", "<=", last)],
                    "2026-10-01 00:00", "2026-11-01 00:00",
                    "2026-09-01 00:00", "2026-10-01 00:00",
                    zone=zone,
                )  # fmt: skip

    def test_nothing_to_compare_with(self):
        first, last = self.call(NOW, -600), self.call(NOW, -10)
        whole = {
            "begin": str(first.start),
            "end": str(last.start + timedelta(seconds=1)),
        }
        since = ("start", ">=", "2026-11-20 00:00:00")
        for name, domain in {
            "no bounds": [],
            "no beginning": [("start", "<", "2026-12-01")],
            "two times": [
                *("|", "&", since, ("start", "<", "2026-11-20 05:00:00")),
                ("start", ">=", "2026-11-20 09:00:00"),
            ],
            "a time, or anything else": ["|", since, ("outcome", "=", "answered")],
            "any but a time": ["!", ("start", "=", "2026-11-01 00:00:00")],
            "any time": [("start", "!=", False), ("id", "in", (first + last).ids)],
        }.items():
            with self.subTest(name):
                page = self.page(domain)
                self.assertIsNone(page["before"])
                self.assertIsNone(page["figures_before"])
                self.assertEqual(page["period"], whole)

    def test_the_rest_of_the_search_holds_before_as_well(self):
        self.call(NOW, outcome="missed", number="+442079460291")
        for minutes in (5, 10):
            self.call(NOW - timedelta(days=1), -minutes, user_id=self.anna.id)
        self.call(NOW - timedelta(days=1), -20, user_id=self.boris.id)
        # After noon, while today is only at noon.
        self.call(NOW - timedelta(days=1), 1, user_id=self.anna.id)
        today = [("start", ">=", "today")]
        self.assertEqual(self.page(today)["figures_before"]["inbound"], 3)
        who = [("user_id", "in", (False, self.anna.id)), *today]
        page = self.page(who)
        self.assertEqual(page["figures"]["inbound"], 1)
        self.assertEqual(page["figures_before"]["inbound"], 2)


@tagged("post_install", "-at_install")
class TestOverview(OverviewCase):
    def log(self):
        """A log in which no two figures are the same by chance."""
        for wait in (3, 20, 21, 25):
            self.call(NOW, -wait, wait_seconds=wait, talk_seconds=60)
        lost = [
            self.call(NOW, -30 - place, outcome=outcome, number=number)
            for place, (outcome, number) in enumerate(
                [
                    ("missed", "+442079460211"),
                    ("busy", "+442079460212"),
                    ("failed", "+442079460213"),
                    ("missed", "+442079460214"),
                    ("missed", "+442079460215"),
                    ("missed", "+442079460216"),
                    ("missed", False),
                ]
            )
        ]
        self.promise(lost[0], "kept", in_time=True, closed_after=60)
        self.promise(lost[1], "kept", in_time=True, closed_after=60)
        self.promise(lost[2], "kept", in_time=False, closed_after=9000)
        self.promise(lost[3], "dismissed")
        late = self.promise(lost[4])
        late.deadline = NOW - timedelta(minutes=1)
        self.promise(lost[5]).deadline = NOW + timedelta(minutes=1)
        out = {"direction": "outbound", "number": "+442079460299"}
        self.call(NOW, -40, **out, talk_seconds=20)
        self.call(NOW, -41, **out, outcome="no_answer")
        self.call(NOW, -42, direction="internal", number="101")
        self.call(NOW, -43, is_blocked=True, outcome="missed")
        self.lead(lost[0], revenue=1000, won=True)
        self.lead(lost[1], revenue=500).action_set_lost()
        return lost

    def test_what_is_behind_each_figure(self):
        """As many records as the figure says, and nobody else's."""
        self.log()
        self.call(NOW, company=self.other)
        page = self.page()
        figures = page["figures"]
        counts = [
            name
            for name in figures
            if isinstance(figures[name], int)
            and name not in ("wait_median", "wait_p90", "patience_median")
            and name not in ("talk_seconds", "callback_median")
        ]
        self.assertGreater(len(counts), 12)
        for name in counts:
            with self.subTest(name):
                self.assertEqual(len(self.behind(page, name)), figures[name])
        inbound = figures["inbound"]
        for name, value in {
            "answer_rate": figures["answered"],
            "service_level": round(figures["service_level"] * inbound),
            "wait_median": figures["answered"],
            "patience_median": figures["lost"],
            "talk_seconds": figures["answered"] + figures["reached"],
            "callback_median": figures["kept"],
            "kept_rate": round(figures["kept_in_time"] / figures["kept_rate"]),
            "won_revenue": figures["won"],
        }.items():
            with self.subTest(name):
                self.assertEqual(len(self.behind(page, name)), value)
        self.assertEqual(set(page["records"]), set(figures))
        self.assertEqual(sum(self.behind(page, "won").mapped("expected_revenue")), 1000)

    def test_answered_in_time_is_what_each_company_wants(self):
        """Twenty seconds here, five there."""
        for company in (self.company, self.other):
            for wait in (5, 6, 20, 21):
                self.call(NOW, -wait, company=company, wait_seconds=wait)
        both = self.company | self.other
        page = self.page(companies=both)
        self.assertEqual(len(self.behind(page, "service_level", companies=both)), 4)
        self.assertEqual(page["figures"]["service_level"], 4 / 8)
        self.assertFalse(page["service_seconds"])
        self.assertEqual(self.page()["service_seconds"], 20)

    def test_tables(self):
        line, other_line = self.lines[0], self.lines[1]
        self.call(NOW, user_id=self.anna.id, line_id=line.id)
        self.call(NOW, -1, user_id=self.boris.id, source_id=self.source.id)
        self.call(NOW, -2, user_id=self.boris.id, line_id=line.id)
        self.call(NOW, company=self.other, line_id=other_line.id)
        page = self.page()
        for table, expected in {
            "people": {self.boris.id: 2, self.anna.id: 1},
            "lines": {line.id: 2, False: 1},
            "sources": {self.source.id: 1, False: 2},
        }.items():
            found = {row["key"]: row["inbound"] for row in page[table]}
            self.assertEqual(found, expected)
            for row in page[table]:
                calls = self.behind(page, "inbound", domain=row["domain"])
                self.assertEqual(len(calls), row["inbound"])

    def test_time_is_as_fine_as_the_period_allows(self):
        self.call(NOW)
        for domain, step, rows in (
            ([("start", ">=", "today")], "hour", 12),
            ([("start", ">=", "today -1d")], "hour", 36),
            ([("start", ">=", "today -6d")], "day", 7),
            ([("start", ">=", "today -89d")], "day", 90),
            ([("start", ">=", "today -364d")], "week", 53),
            ([("start", ">=", "2023-01-01")], "month", 47),
        ):
            with self.subTest(domain):
                times = self.page(domain)["times"]
                self.assertEqual((times["step"], len(times["rows"])), (step, rows))

    def test_long_ago_nothing_is_drawn(self):
        """A bar for each month since the year 1600 is no chart."""
        self.call(NOW)
        self.call(NOW - timedelta(days=70))
        page = self.page([("start", ">=", "1600-01-01")])
        self.assertLess(page["period"]["begin"], "1601")
        times = page["times"]
        self.assertEqual(
            [(row["at"][:7], row["answered"]) for row in times["rows"]],
            [("2026-09", 1), ("2026-10", 0), ("2026-11", 1)],
        )

    def test_days_of_the_readers_clock(self):
        """Half past eleven in the evening in London is tomorrow in Kathmandu."""
        evening = datetime(2026, 11, 18, 23, 30)
        self.call(evening)
        self.call(evening, 1, outcome="busy")
        self.call(evening, 2, direction="outbound", outcome="no_answer")
        self.call(evening, 3, outcome="cancelled")
        since = [("start", ">=", "today -6d")]
        for zone, day in ((LONDON, "2026-11-18"), (KATHMANDU, "2026-11-19")):
            page = self.page(since, zone=zone)
            rows = {row["at"]: row for row in page["times"]["rows"]}
            row = rows[f"{day} 00:00:00"]
            found = [row[name] for name in ("answered", "lost", "outbound")]
            self.assertEqual(found, [1, 1, 1])
            others = [one for one in rows.values() if one is not row]
            self.assertFalse(any(one["lost"] for one in others))
            domain = page["domain"] + [
                ("start", ">=", row["begin"]),
                ("start", "<", row["end"]),
            ]
            calls = self.behind(page, "lost", domain=domain, zone=zone)
            self.assertEqual(len(calls), 1)

    def test_weeks_begin_as_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        sunday = datetime(2026, 11, 15, 12)
        self.call(sunday)
        since = [("start", ">=", "today -200d")]
        for lang, first in (("en_US", "2026-11-15"), ("fr_FR", "2026-11-09")):
            rows = self.page(since, lang=lang)["times"]["rows"]
            [row] = [one for one in rows if one["answered"]]
            self.assertEqual(row["at"], f"{first} 00:00:00")

    def test_weekdays_and_hours_of_the_readers_clock(self):
        # A Sunday evening in London, a Monday morning in Kathmandu.
        sunday = datetime(2026, 11, 15, 21, 5)
        self.call(sunday)
        self.call(sunday, 5, outcome="missed")
        self.call(sunday, 6, direction="outbound")
        self.call(sunday, 7, direction="internal")
        for zone, weekday, hour in ((LONDON, 6, 21), (KATHMANDU, 0, 2)):
            page = self.page(zone=zone)
            cell = {"weekday": weekday, "hour": hour, "inbound": 2, "lost": 1}
            self.assertEqual(page["hours"], [cell])
            domain = page["domain"] + [
                ("start_weekday", "=", weekday),
                ("start_hour", "=", hour),
            ]
            for name in ("inbound", "lost"):
                calls = self.behind(page, name, domain=domain, zone=zone)
                self.assertEqual(len(calls), cell[name])

    def test_who_has_called_before_is_no_new_caller(self):
        """Whoever may see that first call, and however one asks."""
        self.call(NOW, -9, user_id=self.boris.id)
        again = self.call(NOW, -8, user_id=self.anna.id)
        called = {"direction": "outbound", "number": "+442079460212"}
        self.call(NOW, -7, **called, user_id=self.boris.id)
        back = self.call(NOW, -6, number=called["number"], user_id=self.anna.id)
        new = self.call(NOW, -5, number="+442079460213", user_id=self.anna.id)
        withheld = self.call(NOW, -4, number=False, user_id=self.anna.id)
        reader = self.reader(self.anna)
        calls = reader.browse((again + back + new + withheld).ids)
        self.assertEqual(calls.filtered("is_new_caller").ids, new.ids)
        for value, expected in ((True, new), (False, again + back + withheld)):
            found = reader.search([("is_new_caller", "=", value)], order="id")
            self.assertEqual(found.ids, expected.ids)

    def test_an_agent_has_their_own(self):
        self.call(NOW, user_id=self.anna.id)
        self.call(NOW, user_id=self.boris.id)
        self.call(NOW, outcome="missed", number="+442079460211")
        page = self.page([("start", ">=", "today")], self.anna)
        self.assertEqual(page["figures"]["inbound"], 1)
        self.assertEqual([row["key"] for row in page["people"]], [self.anna.id])
        self.assertIsNone(page["figures"]["leads"])
        self.assertEqual(sum(one["inbound"] for one in page["hours"]), 1)
        self.assertEqual(sum(one["lost"] for one in page["times"]["rows"]), 0)
        self.assertEqual(len(self.behind(page, "inbound", self.anna)), 1)

    def test_who_sees_no_calls_sees_no_overview(self):
        self.call(NOW)
        clerk = self.new_user("clerk", "base.group_user")
        with self.assertRaises(AccessError):
            self.page(user=clerk)

    def test_an_empty_log_says_what_to_do(self):
        page = self.page([("start", ">=", "today")])
        self.assertNotIn("period", page)
        with_words = self.reader().get_empty_list_help("")
        self.assertTrue(with_words)
        self.assertEqual(page["help"], str(with_words))
        # Nothing was found is something else.
        self.call(NOW - timedelta(days=3))
        self.assertFalse(self.page([("start", ">=", "today")])["help"])
        # Calls that no figure counts are calls.
        self.assertFalse(self.page([("direction", "=", "internal")])["help"])

    def statements(self, domain):
        before = self.env.cr.sql_log_count
        self.page(domain)
        return self.env.cr.sql_log_count - before

    def test_statements_do_not_grow_with_the_log(self):
        lost = self.log()
        since = [("start", ">=", "today -29d")]
        self.statements(since)
        few = self.statements(since)
        # Five times the figures of calls, in four statements each, and by time.
        self.assertLessEqual(few, 35)
        for place in range(40):
            call = self.call(
                NOW - timedelta(days=place % 20),
                place,
                number=f"+4420794603{place:02}",
                outcome="missed",
                line_id=self.lines[0].id,
            )
            self.promise(call)
        self.assertTrue(lost)
        self.assertLessEqual(self.statements(since), few + 2)


@tagged("post_install", "-at_install")
class TestOverviewAction(OverviewCase):
    def test_filters_of_days(self):
        """Those that the page begins with: thirty and seven days with today's."""
        self.call(NOW)
        arch = self.env.ref("cloud_pbx.pbx_call_view_search").arch
        for name, days in (("last_30_days", 30), ("last_7_days", 7)):
            self.assertIn(f'name="{name}"', arch)
            page = self.page([("start", ">=", f"today -{days - 1}d")])
            self.assertEqual(len(page["times"]["rows"]), days)
        action = self.env.ref("cloud_pbx.pbx_figures_action")
        self.assertIn("custom_last_30_days", action.context)
