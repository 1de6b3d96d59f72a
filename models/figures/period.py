"""Which time a search is about, and the time before it."""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo.fields import Domain

from .local_time import local_time_of, to_utc

SECOND = timedelta(seconds=1)


class Period(NamedTuple):
    """A time from ``begin`` until before ``end``, both in UTC without a zone."""

    begin: datetime
    end: datetime

    def domain(self, name: str) -> Domain:
        return Domain(name, ">=", self.begin) & Domain(name, "<", self.end)


class Comparison(NamedTuple):
    """A period until now, the one before it, and the search without its time."""

    period: Period
    before: Period
    rest: Domain


def compare(env, model, name: str, domain: Domain, now: datetime) -> Comparison | None:
    """Return what ``domain`` is compared with, ``None`` if that cannot be said.

    :param name: of the field with the time
    """
    bounds, rest = _split(domain.optimize(model), name)
    period = bounds is not None and _period(model, bounds)
    if not period or period.begin >= now:
        return None
    before = _before(env, period, now)
    if not before:
        return None
    return Comparison(Period(period.begin, min(period.end, now)), before, rest)


def _split(domain: Domain, name: str) -> tuple[Domain | None, Domain]:
    """Return the part of a domain that is about the time, and the rest.

    The first is ``None`` where the two cannot be told apart: "last week, or Anna's".
    """
    parts = domain.children if getattr(domain, "OPERATOR", "") == "&" else (domain,)
    bounds, rest = [], []
    for part in parts:
        names = {condition.field_expr for condition in part.iter_conditions()}
        if names == {name}:
            bounds.append(part)
        elif name in names:
            return None, domain
        else:
            rest.append(part)
    return (Domain.AND(bounds) if bounds else None), Domain.AND(rest)


def _period(model, bounds: Domain) -> Period | None:
    """Return the one time without a gap that ``bounds`` admit.

    Its end is ``datetime.max`` where they have none.
    """
    spans = _spans(model, bounds)
    if not spans:
        return None
    joined = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1].end:
            joined[-1] = Period(joined[-1].begin, max(joined[-1].end, end))
        else:
            joined.append(Period(begin, end))
    [period, *others] = joined
    return None if others or period.begin == datetime.min else period


def _spans(model, domain: Domain) -> list[Period] | None:
    """Return the times that a domain of bounds admits, ``None`` if it says more."""
    operator = getattr(domain, "OPERATOR", "")
    if operator in ("&", "|"):
        every = [_spans(model, child) for child in domain.children]
        if None in every:
            return None
        if operator == "|":
            return [span for spans in every for span in spans]
        found = every[0]
        for spans in every[1:]:
            found = [
                Period(max(one.begin, other.begin), min(one.end, other.end))
                for one in found
                for other in spans
                if max(one.begin, other.begin) < min(one.end, other.end)
            ]
        return found
    # A day, or "today -7d", is made a time in the reader's zone.
    [condition, *others] = domain.optimize_full(model).iter_conditions()
    if others or not isinstance(condition.value, datetime):
        return None
    at = condition.value.replace(microsecond=0)
    # Times of calls are kept to the second.
    after = at + SECOND if condition.operator in (">", "<=") else at
    if condition.operator in (">", ">="):
        return [Period(after, datetime.max)]
    if condition.operator in ("<", "<="):
        return [Period(datetime.min, after)]
    return None


def _before(env, period: Period, now: datetime) -> Period | None:
    """Return the period before: as many months or days, else as long.

    One that has not ended is compared with as much of the one before.
    """
    begin = to_local(env, period.begin)
    until = to_local(env, min(period.end, now))
    is_over = period.end <= now
    closes = None if period.end == datetime.max else to_local(env, period.end)
    is_months = bool(closes) and _starts_month(begin) and _starts_month(closes)
    if is_months:
        months = (closes.year - begin.year) * 12 + closes.month - begin.month
        step = relativedelta(months=months)
    elif begin.time() == time.min:
        # A day that has begun is one.
        step = -((begin - (closes or until)) // timedelta(days=1)) * timedelta(days=1)
    else:
        step = (closes or until) - begin
    try:
        earlier = begin - step
    except (OverflowError, ValueError):
        return None  # before the first day that there is
    # Months differ in length: one that is over is compared with the whole one before.
    stop = begin if is_over and is_months else min(begin, earlier + (until - begin))
    return Period(to_utc(env, earlier), to_utc(env, stop))


def _starts_month(local: datetime) -> bool:
    return local.day == 1 and local.time() == time.min


def to_local(env, moment: datetime) -> datetime:
    """Return a time in UTC as the reader's clock shows it, without a zone."""
    return local_time_of(env, moment).replace(tzinfo=None)
