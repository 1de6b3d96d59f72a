"""When a company is open, and who is away: as Odoo's calendars and leaves have it."""

from datetime import date, datetime, timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .common import NOON, PbxCase

TUESDAY = NOON.date()
HOUR = timedelta(hours=1)


@tagged("post_install", "-at_install")
class TestAvailability(PbxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.availability = cls.env["pbx.availability"]
        cls.calendar = cls.new_calendar("Europe/London")
        cls.other_company = cls.env["res.company"].create({"name": "Another"})

    @classmethod
    def new_calendar(cls, zone, days="0123456", hours=((9, 13), (14, 17)), **values):
        return cls.env["resource.calendar"].create(
            {
                "name": zone,
                "tz": zone,
                "company_id": cls.company.id,
                "attendance_ids": [Command.clear()]
                + [
                    Command.create(
                        {
                            "name": day,
                            "dayofweek": day,
                            "hour_from": start,
                            "hour_to": stop,
                            "day_period": "morning" if stop < 14 else "afternoon",
                        }
                    )
                    for day in days
                    for start, stop in hours
                ],
                **values,
            }
        )

    def leave(self, start, stop, **values):
        return self.env["resource.calendar.leaves"].create(
            {"name": "Leave", "date_from": start, "date_to": stop, **values}
        )

    def opens_at(self, calendar, day):
        intervals = self.availability._open_intervals(calendar.id, self.company.id, day)
        return intervals[0][0]

    def is_open(self, moment, calendar=None):
        calendar = self.calendar if calendar is None else calendar
        return self.availability._is_open(calendar.id, self.company.id, moment)

    # ----------------------------------------------------------------------- hours

    def test_hours_are_those_of_the_zone_on_both_summer_time_days(self):
        for zone, day, hour in (
            ("Europe/London", date(2026, 3, 28), 9),
            ("Europe/London", date(2026, 3, 29), 8),
            ("Europe/London", date(2026, 10, 24), 8),
            ("Europe/London", date(2026, 10, 25), 9),
            ("America/New_York", date(2026, 3, 7), 14),
            ("America/New_York", date(2026, 3, 8), 13),
            ("America/New_York", date(2026, 11, 1), 14),
            ("Asia/Kolkata", date(2026, 6, 16), 3),
        ):
            with self.subTest(zone=zone, day=day):
                opens = self.opens_at(self.new_calendar(zone), day)
                minute = 30 if zone == "Asia/Kolkata" else 0
                self.assertEqual(opens.time(), datetime(1, 1, 1, hour, minute).time())
                self.assertEqual(opens.date(), day)

    def test_open_at(self):
        morning = NOON.replace(hour=8)  # 09:00 in London
        for moment, expected in (
            (morning, True),
            (morning - timedelta(seconds=1), False),
            (NOON, False),
            (NOON + HOUR, True),
            (NOON.replace(hour=16), False),
        ):
            with self.subTest(moment=moment):
                self.assertIs(self.is_open(moment), expected)

    def test_no_calendar_is_always_open_and_an_empty_one_never(self):
        self.assertTrue(self.is_open(NOON, self.env["resource.calendar"]))
        empty = self.new_calendar("Europe/London", days="")
        self.assertFalse(self.is_open(NOON + HOUR, empty))

    def test_whose_holidays_close(self):
        day = datetime(2026, 6, 16), datetime(2026, 6, 17)
        others = self.new_calendar("Europe/London")
        foreign = self.env["resource.calendar"].create(
            {"name": "Theirs", "company_id": self.other_company.id}
        )
        resource = self.env["resource.resource"].create({"name": "Desk"})
        for title, values, is_open in (
            ("of this calendar", {"calendar_id": self.calendar.id}, False),
            ("of the company", {"calendar_id": False}, False),
            ("of another calendar", {"calendar_id": others.id}, True),
            ("of another company", {"calendar_id": foreign.id}, True),
            ("of one resource", {"resource_id": resource.id}, True),
            ("work", {"calendar_id": False, "time_type": "other"}, True),
        ):
            with self.fresh(title):
                self.leave(*day, **values)
                self.assertIs(self.is_open(NOON + HOUR), is_open)

    def test_a_holiday_without_calendar_is_of_its_company_alone(self):
        for company_id, is_open in (
            (self.company.id, False),
            (self.other_company.id, True),
            (None, False),
        ):
            with self.fresh(company_id):
                leave = self.leave(datetime(2026, 6, 16), datetime(2026, 6, 17))
                # The company follows the calendar in Odoo, or who writes it.
                self.env.flush_all()
                self.env.cr.execute(
                    "UPDATE resource_calendar_leaves SET company_id = %s WHERE id = %s",
                    [company_id, leave.id],
                )
                self.env.invalidate_all()
                self.env.registry.clear_cache()
                self.assertIs(self.is_open(NOON + HOUR), is_open)

    def test_what_is_kept_follows_each_change(self):
        later = NOON + HOUR
        self.assertTrue(self.is_open(later))
        leave = self.leave(NOON, NOON + 3 * HOUR)
        self.assertFalse(self.is_open(later))
        leave.date_from = later + HOUR
        self.assertTrue(self.is_open(later))
        leave.date_from = NOON
        self.assertFalse(self.is_open(later))
        leave.time_type = "other"
        self.assertTrue(self.is_open(later))
        leave.time_type = "leave"
        leave.unlink()
        self.assertTrue(self.is_open(later))
        afternoon = self.calendar.attendance_ids.filtered(
            lambda one: one.dayofweek == "1" and one.hour_to == 17
        )
        afternoon.hour_from = 15
        self.assertFalse(self.is_open(later))
        afternoon.unlink()
        self.assertFalse(self.is_open(later + HOUR))
        self.calendar.tz = "UTC"
        self.assertTrue(self.is_open(NOON))

    def test_second_look_costs_no_query(self):
        self.is_open(NOON)
        self.availability._absences(TUESDAY)
        self.availability._works_now(self.anna.id, self.company.id, NOON)
        with self.assertQueryCount(0):
            self.is_open(NOON + HOUR)
            self.availability._is_away(self.anna.ids, NOON)
            self.availability._works_now(self.boris.id, self.company.id, NOON)

    # ------------------------------------------------------------------- deadlines

    def test_deadline_is_that_of_plan_hours(self):
        self.leave(
            datetime(2026, 6, 17), datetime(2026, 6, 18), calendar_id=self.calendar.id
        )
        starts = [NOON + timedelta(hours=hours) for hours in (-5, 0, 1, 3, 5, 30, 60)]
        for start in starts:
            for minutes in (0, 1, 60, 420, 421, 3000, 6000):
                with self.subTest(start=start, minutes=minutes):
                    planned = self.calendar.plan_hours(
                        minutes / 60,
                        start,
                        compute_leaves=True,
                        domain=[
                            ("time_type", "=", "leave"),
                            ("company_id", "in", [False, self.company.id]),
                        ],
                    )
                    deadline = self.availability._add_working_minutes(
                        self.calendar.id, self.company.id, start, minutes
                    )
                    self.assertLess(abs(deadline - planned), timedelta(seconds=1))

    def test_deadline_by_hand(self):
        for start, minutes, expected in (
            # Twelve is lunch in London: the clock goes on at 13:00 UTC.
            (NOON, 60, NOON + 2 * HOUR),
            (NOON, 0, NOON + HOUR),
            (NOON + HOUR, 0, NOON + HOUR),
            (NOON + timedelta(hours=3, minutes=30), 60, NOON + timedelta(hours=20.5)),
        ):
            with self.subTest(start=start, minutes=minutes):
                deadline = self.availability._add_working_minutes(
                    self.calendar.id, self.company.id, start, minutes
                )
                self.assertEqual(deadline, expected)

    def test_no_hours_are_found(self):
        empty = self.new_calendar("Europe/London", days="")
        add = self.availability._add_working_minutes
        self.assertIsNone(add(empty.id, self.company.id, NOON, 60))
        self.assertEqual(add(False, self.company.id, NOON, 60), NOON + HOUR)

    # ---------------------------------------------------------------------- people

    def is_away(self, start, stop=None, **hours):
        found = self.availability._is_away(
            [self.anna.id, self.boris.id], start, stop, **hours
        )
        self.assertNotIn(self.boris.id, found)
        return self.anna.id in found

    def test_vacation_responder(self):
        for title, begins, ends, expected in (
            ("all along", -1, 10, True),
            ("without an end", -1, None, True),
            ("not before", 1, 10, False),
            ("over", -3, -1, False),
            ("back in between", -1, 1, False),
        ):
            with self.fresh(title):
                self.assertFalse(self.is_away(NOON, NOON + 2 * HOUR))
                self.anna.write(
                    {
                        "out_of_office_from": NOON + begins * HOUR,
                        "out_of_office_to": ends and NOON + ends * HOUR,
                    }
                )
                self.assertIs(self.is_away(NOON, NOON + 2 * HOUR), expected)
        self.anna.out_of_office_from = NOON
        self.assertTrue(self.is_away(NOON))
        self.anna.out_of_office_from = False
        self.assertFalse(self.is_away(NOON))

    def test_leaves_of_a_resource(self):
        resource = self.env["resource.resource"].create(
            {
                "name": "Anna",
                "user_id": self.anna.id,
                "company_id": self.company.id,
                "calendar_id": self.calendar.id,
            }
        )
        self.assertFalse(self.is_away(NOON))
        first = self.leave(NOON - HOUR, NOON + HOUR, resource_id=resource.id)
        self.assertTrue(self.is_away(NOON))
        self.assertTrue(self.is_away(NOON, NOON + HOUR))
        self.assertFalse(self.is_away(NOON, NOON + 2 * HOUR))
        self.leave(
            NOON + HOUR + timedelta(seconds=1), NOON + 2 * HOUR, resource_id=resource.id
        )
        self.assertTrue(self.is_away(NOON, NOON + 2 * HOUR), "one after the other")
        hidden = self.env["resource.calendar.leaves"].with_user(self.boris)
        self.assertFalse(hidden.search([("resource_id", "=", resource.id)]))
        asking = self.availability.with_user(self.boris)
        self.assertTrue(asking._is_away(self.anna.ids, NOON))
        first.time_type = "other"
        self.assertFalse(self.is_away(NOON), "a training is work")

    def test_away_in_all_of_the_open_hours(self):
        resource = self.env["resource.resource"].create(
            {"name": "Anna", "user_id": self.anna.id, "calendar_id": self.calendar.id}
        )
        evening, morning = datetime(2026, 6, 16, 18), datetime(2026, 6, 17, 9)
        self.leave(
            datetime(2026, 6, 17, 8), datetime(2026, 6, 17, 16), resource_id=resource.id
        )
        self.assertFalse(self.is_away(evening, morning), "at home in the night")
        hours = {"calendar_id": self.calendar.id, "company_id": self.company.id}
        self.assertTrue(self.is_away(evening, morning, **hours))
        self.assertFalse(self.is_away(evening, morning + 24 * HOUR, **hours))

    def test_own_working_hours(self):
        works = self.availability._works_now
        late = NOON.replace(hour=18)
        self.assertTrue(works(self.anna.id, self.company.id, late), "none are invented")
        resource = self.env["resource.resource"].create(
            {
                "name": "Anna",
                "user_id": self.anna.id,
                "company_id": self.company.id,
                "calendar_id": self.calendar.id,
                "tz": "Europe/London",
            }
        )
        self.assertFalse(works(self.anna.id, self.company.id, late))
        self.assertTrue(works(self.boris.id, self.company.id, late))
        self.assertTrue(works(self.anna.id, self.other_company.id, late))
        self.assertTrue(works(self.anna.id, self.company.id, NOON + HOUR))
        resource.tz = "America/New_York"
        self.assertTrue(works(self.anna.id, self.company.id, late), "it is 14:00 there")
        resource.tz = "Europe/London"
        self.leave(NOON, NOON + 3 * HOUR, calendar_id=self.calendar.id)
        self.assertFalse(works(self.anna.id, self.company.id, NOON + HOUR), "holiday")
        resource.calendar_id = False
        self.assertTrue(works(self.anna.id, self.company.id, late), "fully flexible")
