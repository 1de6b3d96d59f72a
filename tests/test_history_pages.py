"""Past calls: page by page, inside the limit, from where it stopped, whatever fails."""

from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..models.history.reader import HistoryReader
from .common import log_lines
from .history import AN_HOUR, HistoryCase

STATISTICS = "/statistics/pbx"
A_PAGE = 1000
# Faults of the fake PBX, and a word of what a person reads.
FAULTS = {
    "500": "cannot be reached",
    "html": "not its API",
    "truncated": "cannot be reached",
    "empty": "not its API",
    "429": "asked more often",
    "429_retry_after": "asked more often",
    "200": "asked more often",
}


class PagesCase(HistoryCase):
    def many(self, count, ago=AN_HOUR, gap=1):
        """Let the PBX remember so many calls, one row each, ``gap`` seconds apart."""
        [row] = self.happened("missed").rows
        rows = [
            {
                **row,
                "pbx_call_id": f"in_{place:040x}",
                "call_id": f"{place}.{place}",
                "callstart": self.local(
                    self.now - ago + timedelta(seconds=place * gap)
                ),
            }
            for place in range(count)
        ]
        self.pbx.account.rows[:] = rows
        return rows

    def limited(self, statistics=3):
        """Set the limits of both sides to what they are in life."""
        self.provider.statistics_limit = statistics
        self.pbx.account.limiter.configure(enabled=True, statistics=statistics)

    def later(self):
        """Let a minute pass for the limits, and the pause of what waits."""
        self.env["pbx.rate"].search([]).write({"sent": [], "blocked_until": 0})
        self.pbx.account.limiter.configure(enabled=True)
        waiting = self.env["pbx.history"].search(
            [("state", "in", ("waiting", "failed"))]
        )
        waiting.next_attempt_at = fields.Datetime.now()

    def questions(self):
        """Return what was asked for: ``[(start, end, skip)]``, in local time."""
        return [
            (entry["params"]["start"], entry["params"]["end"], entry["params"]["skip"])
            for entry in self.asked(STATISTICS)
        ]


@tagged("post_install", "-at_install")
class TestPages(PagesCase):
    def test_more_rows_than_a_page_holds(self):
        self.many(2 * A_PAGE + 5, gap=0.5)
        self.assertIn("2005 new", self.fetch())
        self.assertEqual(len(self.calls()), 2005)
        self.assertEqual(self.catch_up.rows, 2005)
        self.assertEqual(self.catch_up.progress, 100)
        skips = [str(skip) for _start, _end, skip in self.questions()]
        self.assertIn("1000", skips)
        self.assertIn("2000", skips)

    def test_a_call_on_two_pages_is_counted_once(self):
        rows = self.many(A_PAGE + 1)
        # Its legs are the last row of the first page, and the only one of the second.
        rows[-1]["pbx_call_id"] = rows[-2]["pbx_call_id"]
        rows[-1]["sip"] = "101"
        self.fetch()
        self.assertEqual(self.counts(), (A_PAGE, 0, 0, 0, 0))
        self.fetch()
        self.assertEqual(self.counts(), (0, 0, A_PAGE, 0, 0))

    def test_rows_that_come_meanwhile_push_no_call_away(self):
        self.many(A_PAGE + 10)
        read = HistoryReader._write_page

        def more(reader, *arguments):
            self.happened("answered", ago=timedelta(0))
            return read(reader, *arguments)

        with patch.object(HistoryReader, "_write_page", more):
            self.fetch()
        self.fetch()
        self.assertEqual(
            len(self.calls()),
            len({row["pbx_call_id"] for row in self.pbx.account.rows}),
        )

    def test_inside_the_limit_until_all_is_read(self):
        self.limited()
        for days in range(29):
            self.happened("answered", ago=timedelta(days=days, hours=1))
        rounds = 0
        while self.catch_up.state != "done":
            rounds += 1
            self.assertLess(rounds, 5)
            self.run_job("fetch_history")
            self.later()
        self.assertEqual(len(self.calls()), 29)
        self.assertFalse(
            [one for one in self.asked(STATISTICS) if one["status"] == 429],
            "our own limit comes first",
        )

    def test_a_click_says_when_the_rest_follows(self):
        self.fetch()
        self.catch_up.until = mark = self.now - timedelta(hours=2)
        self.later()
        self.limited(1)
        self.many(A_PAGE + 5)
        message = self.fetch()
        self.assertIn("1000 new", message)
        self.assertIn("follows automatically", message)
        self.assertEqual(self.catch_up.state, "waiting")
        self.assertGreater(self.catch_up.next_attempt_at, fields.Datetime.now())
        self.assertEqual(
            self.provider.history_mark, mark.replace(microsecond=0), "not all is read"
        )
        job = self.env.ref("cloud_pbx.ir_cron_fetch_history")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
        self.assertTrue(
            triggers.filtered(lambda one: one.call_at >= self.catch_up.next_attempt_at)
        )
        # Not due yet: nobody is asked.
        asked = len(self.questions())
        self.run_job("fetch_history")
        self.assertEqual(len(self.questions()), asked)
        for _round in range(3):
            self.later()
            self.run_job("fetch_history")
        self.assertEqual(self.catch_up.state, "done")
        self.assertEqual(self.counts(), (A_PAGE + 5, 0, 0, 0, 0))
        self.assertGreater(self.provider.history_mark, mark)

    def test_faults(self):
        for fault, words in FAULTS.items():
            with self.fresh(fault):
                self.pbx.account.rows.clear()
                self.happened("answered")
                self.break_next(fault, times=9)
                with log_lines():
                    message = self.fetch()
                self.assertIn(words, message)
                self.assertEqual(self.catch_up.state, "waiting")
                self.assertFalse(self.calls())
                self.assertFalse(self.provider.history_mark)
                self.pbx.account.faults.set([])
                self.later()
                self.run_job("fetch_history")
                self.assertEqual(len(self.calls()), 1)
                self.assertEqual(self.catch_up.state, "done")
                self.assertFalse(self.catch_up.error)

    def test_wrong_types(self):
        self.happened("answered")
        self.break_next("wrong_types", times=9)
        with log_lines():
            self.fetch()
        self.assertNotEqual(self.catch_up.state, "running")
        self.pbx.account.faults.set([])
        self.fetch()
        self.assertEqual(len(self.calls()), 1)

    def test_a_wrong_key_is_explained_and_tried_again(self):
        self.happened("answered")
        self.provider.api_secret = "another"
        with log_lines():
            self.assertIn("does not accept", self.fetch())
        self.assertEqual(self.catch_up.state, "failed")
        self.assertIn("does not accept", self.provider.history_error)
        self.provider.api_secret = self.pbx.account.secret
        self.later()
        self.run_job("fetch_history")
        self.assertEqual(len(self.calls()), 1)
        self.assertFalse(self.provider.history_error)

    def test_one_cloud_pbx_does_not_hold_another_up(self):
        other = self.new_provider(self.company, self.robot, "other")
        other.sequence = -1
        other.write({"server_url": "http://127.0.0.1:1", "state": "connected"})
        self.happened("answered")
        with log_lines():
            self.run_job("fetch_history")
        self.assertEqual(len(self.calls()), 1)
        self.assertIn("cannot be reached", other.history_error)

    def test_missing_events_are_looked_for_afterwards(self):
        job = self.env.ref("cloud_pbx.ir_cron_silence")
        triggers = [("cron_id", "=", job.id)]
        before = self.env["ir.cron.trigger"].search_count(triggers)
        self.run_job("fetch_history")
        after = self.env["ir.cron.trigger"].search_count(triggers)
        self.assertEqual(after, before + 1)

    def test_two_do_not_read_at_once(self):
        """Who comes second leaves; it is not asked for the same page twice."""
        self.happened("answered")

        @contextmanager
        def taken(*_arguments, **_more):
            yield False

        with patch.object(HistoryReader, "lock", taken):
            self.assertIn("at this moment", self.fetch())
            self.run_job("fetch_history")
        self.assertFalse(self.asked(STATISTICS))


@tagged("post_install", "-at_install")
class TestMark(PagesCase):
    def asked_from(self):
        """Return the earliest time that was asked for, naive UTC, to the hour."""
        starts = [start for start, _end, _skip in self.questions()]
        return datetime.strptime(min(starts), "%Y-%m-%d %H:%M:%S")

    def test_never_fetched_starts_thirty_days_back(self):
        self.happened("answered", ago=timedelta(days=29, hours=20))
        self.happened("answered", ago=timedelta(days=33))
        self.fetch()
        self.assertEqual(len(self.calls()), 1)

    def test_the_mark_overlaps_by_a_day(self):
        self.fetch()
        mark = self.provider.history_mark
        self.assertAlmostEqual(mark, self.now, delta=timedelta(minutes=2))
        self.happened("answered", ago=timedelta(hours=23))
        self.pbx.control("DELETE", "/log")
        self.fetch()
        self.assertEqual(len(self.calls()), 1)
        self.assertEqual(len(self.questions()), 1)
        self.assertGreater(self.asked_from(), self.now - timedelta(days=2))

    def test_a_week_of_downtime(self):
        self.fetch()
        self.catch_up.until = self.now - timedelta(days=7)
        for days in range(8):
            self.happened("missed", ago=timedelta(days=days, hours=1))
        self.provider._history_wanted()
        self.run_job("fetch_history")
        self.assertEqual(len(self.calls()), 8)

    def test_a_mark_in_the_future_hides_no_call(self):
        self.fetch()
        self.catch_up.until = self.now + timedelta(days=400)
        self.happened("answered", ago=timedelta(days=5))
        self.fetch()
        self.assertEqual(len(self.calls()), 1)
        self.assertLess(self.provider.history_mark, self.now + AN_HOUR)

    def test_a_clock_of_the_pbx_that_is_wrong(self):
        for offset in (-7200, 7200):
            with self.fresh(offset):
                self.pbx.account.rows.clear()
                self.pbx.account.clock_offset = offset
                call = self.happened("answered", ago=timedelta(seconds=-offset))
                self.fetch()
                # In two hours, at the latest, it is found.
                self.later()
                with patch.object(
                    fields.Datetime, "now", lambda: self.now + timedelta(hours=3)
                ):
                    self.fetch()
                self.assertEqual(self.the_call().ref, call.pbx_call_id)

    def test_the_nights_on_which_the_clock_is_set(self):
        """London: 29 March 2026 at 1:00 UTC, and 25 October 2026 at 1:00 UTC."""
        for night in (datetime(2026, 3, 29), datetime(2026, 10, 25)):
            with self.fresh(night.date()):
                self.pbx.account.rows.clear()
                half_hours = [
                    night + timedelta(minutes=30 * part) for part in range(-4, 12)
                ]
                for at in half_hours:
                    self.happened("missed", call_start=self.local(at))
                for part in half_hours[:-1]:
                    # Whatever the edges of what is asked for.
                    history = self.period(start=part, stop=part + timedelta(minutes=30))
                    self.run_job("fetch_history")
                    self.assertEqual(history.state, "done")
                starts = sorted(self.calls().mapped("start"))
                self.assertEqual(len(starts), len(half_hours))
                expected = {at for at in half_hours}
                if night.month == 3:
                    self.assertEqual(set(starts), expected)
                else:
                    # 1:00 to 2:00 comes twice: nobody knows which hour it was.
                    twice = {night + timedelta(minutes=m) for m in (0, 30, 60, 90)}
                    self.assertEqual(set(starts) - twice, expected - twice)

    def test_no_zone_is_entered(self):
        """The PBX's own offset is asked for: else all of it would be hours off."""
        self.provider.tz = False
        self.pbx.account.zone = "Asia/Tashkent"
        self.happened("answered", call_start="2026-11-01 05:00:00", ago=AN_HOUR)
        self.fetch()
        self.assertEqual(self.provider.utc_offset, "UTC+5")
        self.period(start="2026-10-31 00:00:00", stop="2026-11-02 00:00:00")
        self.run_job("fetch_history")
        self.assertEqual(self.the_call().start, datetime(2026, 11, 1, 0, 0))

    def test_wanted(self):
        self.fetch()
        self.happened("answered")
        self.run_job("fetch_history")
        self.assertFalse(self.calls(), "it was read a moment ago")
        self.provider._history_wanted()
        self.run_job("fetch_history")
        self.assertEqual(len(self.calls()), 1)


@tagged("post_install", "-at_install")
class TestPeriod(PagesCase):
    def test_a_long_period(self):
        days = (1, 40, 75, 100)
        for ago in days:
            self.happened("answered", ago=timedelta(days=ago))
        history = self.period(
            start=self.now - timedelta(days=90), stop=self.now - timedelta(days=20)
        )
        self.provider.history_ids.filtered(lambda one: one.kind == "catch_up").unlink()
        self.assertEqual(history.state, "waiting")
        self.run_job("fetch_history")
        self.assertEqual(history.state, "done")
        self.assertEqual(self.counts(history), (2, 0, 0, 0, 0))
        self.assertEqual(history.progress, 100)

    def test_started_in_the_window_it_is_shown_under_an_address_of_its_own(self):
        history = self.env["pbx.history"].create(
            {
                "provider_id": self.provider.id,
                "start": self.now - timedelta(days=2),
                "stop": self.now - timedelta(days=1),
            }
        )
        shown = history.action_start_and_view()
        self.assertEqual((shown["path"], shown["res_id"]), ("pbx-history", history.id))
        # The browser writes the id of whose button it was before the path.
        self.assertFalse(shown["context"]["active_id"])
        self.assertEqual(history.state, "waiting")

    def test_stop_and_resume(self):
        self.limited(1)
        self.provider._history_wanted()
        self.run_job("fetch_history")  # the catch-up has used the limit up
        self.later()
        self.many(A_PAGE + 5, ago=timedelta(days=40))
        history = self.period(
            start=self.now - timedelta(days=41), stop=self.now - timedelta(days=39)
        )
        self.catch_up.next_attempt_at = self.now + timedelta(days=1)
        self.run_job("fetch_history")
        self.assertEqual(history.state, "waiting")
        self.assertEqual(self.counts(history), (A_PAGE, 0, 0, 0, 0))
        history.action_stop()
        self.later()
        self.catch_up.next_attempt_at = self.now + timedelta(days=1)
        asked = len(self.questions())
        self.run_job("fetch_history")
        self.assertEqual(len(self.questions()), asked, "it is stopped")
        history.action_start()
        self.run_job("fetch_history")
        self.assertEqual(history.state, "done")
        self.assertEqual(self.counts(history), (A_PAGE + 5, 0, 0, 0, 0))

    def test_stopped_while_a_page_is_read(self):
        self.many(300, ago=timedelta(days=40))
        history = self.period(
            start=self.now - timedelta(days=41), stop=self.now - timedelta(days=39)
        )
        wait = HistoryReader._apply_waiting

        def stop(reader, part):
            if part.history_id == history.id:
                reader._alone(lambda all_: all_.browse(history.id).action_stop())
            return wait(reader, part)

        with patch.object(HistoryReader, "_apply_waiting", stop):
            self.run_job("fetch_history")
        self.assertEqual(history.state, "stopped")
        self.assertEqual(self.counts(history), (100, 0, 0, 0, 0))
        history.action_start()
        self.run_job("fetch_history")
        self.assertEqual(history.state, "done")
        # Those of the first part were counted already.
        self.assertEqual(self.counts(history), (300, 0, 0, 0, 0))

    def test_browsers_are_told(self):
        self.happened("answered", ago=timedelta(days=2))
        history = self.period()
        before = self.env["bus.bus"].search([], order="id desc", limit=1).id
        self.run_job("fetch_history")
        messages = self.env["bus.bus"].search([("id", ">", before)])
        ours = [one for one in messages if "cloud_pbx.history" in one.message]
        self.assertTrue(ours)
        self.assertTrue(any(f'"id":{history.id}' in one.message for one in ours))
        self.assertFalse([one for one in ours if "44" in one.message.split('"id"')[0]])

    def test_what_makes_no_sense_is_refused(self):
        with self.assertRaises(ValidationError):
            self.period(start=self.now, stop=self.now - AN_HOUR)
        self.provider.user_id = False
        with self.assertRaises(UserError):
            self.period()
        with self.assertRaises(UserError):
            self.provider.action_fetch_history()

    def test_a_period_that_has_begun_is_not_another_one(self):
        history = self.period()
        admin = self.new_user("admin", "base.group_system")
        with self.assertRaises(UserError):
            history.with_user(admin).write({"start": self.now - timedelta(days=9)})
