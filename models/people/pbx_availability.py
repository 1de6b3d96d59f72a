"""When a company is open, and who is there: read from Odoo once, then kept."""

from datetime import datetime, time, timedelta

from pytz import timezone, utc

from odoo import api, fields, models
from odoo.tools import ormcache

# Whole days, from midnight UTC, for which open hours are kept.
KEPT_DAYS = 8
# A day that was typed ends one second before the next one begins.
GAP_SECONDS = 1


class PbxAvailability(models.AbstractModel):
    """Working hours and absences, for code that has no time for queries.

    All times are UTC without a zone. What is kept in memory is dropped by whoever
    writes a calendar, its hours, a leave, a resource or a user.
    """

    _name = "pbx.availability"
    _description = "Availability"

    # ------------------------------------------------------------------------ hours

    @api.model
    def _open_intervals(self, calendar_id, company_id, day=None):
        """Return when a company is open, holidays left out.

        :param int calendar_id: the working hours; ``False``: always open.
        :param int company_id: whose holidays count, besides those of no company.
        :param date day: from midnight UTC of it; by default of today.
        :return: ``((start, stop), ...)`` of the next :data:`KEPT_DAYS`, in order.
        """
        day = day or fields.Datetime.now().date()
        return self._hours(calendar_id, company_id, day)[0]

    @api.model
    @ormcache("calendar_id", "company_id", "day", "zone")
    def _hours(self, calendar_id, company_id, day, zone=""):
        """Return ``(intervals, is flexible)`` of a calendar; see _open_intervals.

        :param str zone: in which its hours are read, where it is not its own.
        """
        first = utc.localize(datetime.combine(day, time.min))
        last = first + timedelta(days=KEPT_DAYS)
        if not calendar_id:
            return ((_naive(first), _naive(last)),), False
        calendar = self._calendar(calendar_id)
        found = calendar._work_intervals_batch(
            first,
            last,
            domain=self._holidays_of(company_id),
            tz=timezone(zone) if zone else None,
        )[False]
        intervals = tuple((_naive(start), _naive(stop)) for start, stop, _ in found)
        return intervals, calendar.flexible_hours

    def _calendar(self, calendar_id):
        # sudo: when one is open, for whoever has to know whether somebody is there
        return self.env["resource.calendar"].sudo().browse(calendar_id)

    @staticmethod
    def _holidays_of(company_id):
        # Without it, a holiday of another company that has no calendar closes us.
        return [("time_type", "=", "leave"), ("company_id", "in", (False, company_id))]

    @api.model
    def _is_open(self, calendar_id, company_id, moment=None):
        """Tell whether a company is open at ``moment``, by default now."""
        moment = moment or fields.Datetime.now()
        intervals = self._open_intervals(calendar_id, company_id, moment.date())
        return _is_within(intervals, moment)

    @api.model
    def _add_working_minutes(self, calendar_id, company_id, start, minutes):
        """Return when ``minutes`` of working time have passed since ``start``.

        As Odoo's ``plan_hours``, which is asked where what is kept does not suffice.

        :return: ``None`` if there are no such hours.
        """
        if not calendar_id:
            return start + timedelta(minutes=minutes)
        left = timedelta(minutes=minutes)
        intervals, is_flexible = self._hours(calendar_id, company_id, start.date())
        # Flexible hours begin when somebody begins.
        for opens, closes in () if is_flexible else intervals:
            opens = max(opens, start)
            if opens < closes:
                if left <= closes - opens:
                    return opens + left
                left -= closes - opens
        planned = self._calendar(calendar_id).plan_hours(
            minutes / 60,
            utc.localize(start),
            compute_leaves=True,
            domain=self._holidays_of(company_id),
        )
        return _to_second(_naive(planned)) if planned else None

    # ----------------------------------------------------------------------- people

    @api.model
    @ormcache("day")
    def _absences(self, day):
        """Return who is away from ``day`` on: ``{user id: ((start, stop), ...)}``.

        By Odoo's vacation responder, and by what Odoo's time off, or a person, wrote as
        leaves of one of the user's resources. In order; ``stop`` may be far away.
        """
        first = datetime.combine(day, time.min)
        away = {}
        # sudo: people's leaves are hidden from others; nobody is shown more of them
        # than that somebody is away.
        leaves_sudo = self.env["resource.calendar.leaves"].sudo()
        leaves_sudo = leaves_sudo.search_fetch(
            [
                ("resource_id.user_id", "!=", False),
                ("time_type", "=", "leave"),
                ("date_to", ">=", first),
            ],
            ["date_from", "date_to", "resource_id"],
        )
        for leave in leaves_sudo:
            spans = away.setdefault(leave.resource_id.user_id.id, [])
            spans.append((leave.date_from, leave.date_to))
        users_sudo = self.env["res.users"].sudo()
        users_sudo = users_sudo.search_fetch(
            [
                ("share", "=", False),
                ("out_of_office_from", "!=", False),
                "|",
                ("out_of_office_to", "=", False),
                ("out_of_office_to", ">=", first),
            ],
            ["out_of_office_from", "out_of_office_to"],
        )
        for user in users_sudo:
            spans = away.setdefault(user.id, [])
            until = user.out_of_office_to or datetime.max
            spans.append((user.out_of_office_from, until))
        return {user_id: tuple(sorted(spans)) for user_id, spans in away.items()}

    @api.model
    def _is_away(self, user_ids, start, stop=None, calendar_id=False, company_id=False):
        """Return the set of those users who are away from ``start`` to ``stop``.

        :param stop: by default ``start``: who is away at that moment.
        :param calendar_id: with ``company_id``: only its open hours in between count,
            if there are any.
        """
        stop = stop or start
        absences = self._absences(start.date())
        spans = [(start, stop)]
        if calendar_id and start < stop:
            opened = self._open_intervals(calendar_id, company_id, start.date())
            spans = [
                (max(opens, start), min(closes, stop))
                for opens, closes in opened
                if opens < stop and closes > start
            ] or spans
        return {
            user_id
            for user_id in user_ids
            if user_id in absences
            and all(_covers(absences[user_id], *span) for span in spans)
        }

    @api.model
    @ormcache()
    def _people_hours(self):
        """Return the working hours of people who have any.

        Only who is a resource with a calendar has: with Employees, mostly.

        :return: ``{(user id, company id): ((calendar id, zone), ...)}``, a company id
            of ``False`` for resources that belong to none.
        """
        # sudo: when somebody works, of which nobody is shown more than "away"
        resources_sudo = self.env["resource.resource"].sudo()
        resources_sudo = resources_sudo.search_fetch(
            [("user_id", "!=", False), ("resource_type", "=", "user")],
            ["user_id", "company_id", "calendar_id", "tz"],
        )
        hours = {}
        for resource in resources_sudo:
            key = resource.user_id.id, resource.company_id.id
            hours.setdefault(key, []).append((resource.calendar_id.id, resource.tz))
        return {key: tuple(found) for key, found in hours.items()}

    @api.model
    def _own_hours(self, user_id, company_id, day):
        """Return when a user works in a company; ``None``: nobody says.

        Who has no working hours, or flexible ones, always works. Leaves of the person
        are not looked at here.

        :param date day: from midnight UTC of it, :data:`KEPT_DAYS` long.
        :return: ``((start, stop), ...)``.
        """
        people = self._people_hours()
        own = people.get((user_id, company_id)) or people.get((user_id, False), ())
        intervals = []
        for calendar_id, zone in own:
            hours, is_flexible = self._hours(calendar_id, company_id, day, zone)
            if is_flexible or not calendar_id:
                return None
            intervals += hours
        return tuple(intervals) if own else None

    @api.model
    def _works_now(self, user_id, company_id, moment=None):
        """Tell whether a user's own working hours allow ``moment``, by default now."""
        moment = moment or fields.Datetime.now()
        hours = self._own_hours(user_id, company_id, moment.date())
        return hours is None or _is_within(hours, moment)


def _naive(moment):
    return moment.astimezone(utc).replace(tzinfo=None)


def _to_second(moment):
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def _is_within(intervals, moment):
    return any(start <= moment < stop for start, stop in intervals)


def _covers(spans, start, stop):
    """Tell whether sorted spans cover all of the time from ``start`` to ``stop``."""
    reached = start
    for begins, ends in spans:
        if begins <= reached + timedelta(seconds=GAP_SECONDS) and ends >= reached:
            reached = ends
            if reached >= stop:
                return True
    return False
