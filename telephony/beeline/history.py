"""Beeline's past calls: rows of recorded ones, then of the statistics, to events.

Records name the call as events do. Rows of the statistics, one for each leg, have no id
of any kind: they come without a ``ref``.
"""

import hashlib
import json
import math
import re
from datetime import UTC, datetime, timedelta

from .. import errors, event
from ..dialect import HistoryPage
from ..event import CallEvent
from . import events, party
from .client import ROWS_PER_PAGE
from .notification import MAX_ID

# Asked at once; longer periods are cut.
WINDOW = timedelta(days=7)
# Of one window and kind: that many calls no office has in a week.
MAX_PAGES = 2000
MILLISECONDS, SECONDS = "ms", "s"
RECORDS, STATISTICS = "records", "statistics"
_DIRECTIONS = {"inbound": event.INBOUND, "outbound": event.OUTBOUND}
_MISSED, _PLACED, _BUSY = "missed", "placed", "busy"


def fetch(client, start, stop, page, unit):
    """Return the :class:`HistoryPage` that one question gives; see the dialect.

    ``page`` is ``{"kind", "start", "end", "number", "after", "rows"}``: a window in
    naive UTC, which page of it follows, the row behind which it begins, and what those
    of the page before look like.

    :param str unit: of the durations in the statistics, ``ms`` or ``s``.
    :raises SamePage: Beeline gives the same rows again, and would do so for ever.
    """
    if page:
        begin, end = (datetime.fromisoformat(page[name]) for name in ("start", "end"))
    else:
        begin, end = start, min(start + WINDOW, stop)
        page = _page(RECORDS, begin, end)
    if begin >= end:
        return HistoryPage((), until=stop)
    if page["number"] >= MAX_PAGES:
        raise errors.SamePage("the list has no end")
    now = datetime.now(UTC).replace(tzinfo=None)
    if page["kind"] == RECORDS:
        rows = _records(client, begin, end, page)
        found = tuple(_record(row, now, client.account) for row in rows)
        following = _next_records(page, rows) or _page(STATISTICS, begin, end)
        return HistoryPage(found, following, len(rows), until=begin)
    rows = client.statistics(begin, end, page["number"])
    read = [_statistics_row(row, now, client.account, unit) for row in rows]
    # Of which call one without a time is nobody can tell: it has no id either.
    found = tuple(one for one in read if one.started)
    unreadable = len(read) - len(found)
    if following := _next_statistics(page, rows):
        return HistoryPage(found, following, len(rows), begin, unreadable)
    if end < stop:
        following = _page(RECORDS, end, min(end + WINDOW, stop))
    return HistoryPage(found, following, len(rows), end, unreadable)


def _records(client, begin, end, page):
    """Return a page of records; none where Beeline lists none to this account.

    Recording is a service of its own, and the statistics are there without it. Should
    it be the token that is refused, they are refused next.
    """
    try:
        return client.records(begin, end, page["after"])
    except (errors.NotFound, errors.BadParameter, errors.WrongKey):
        if page["number"]:
            raise
        return []


# -------------------------------------------------------------------------- paging


def _page(kind, start, end, number=0, after="", rows=()):
    return {
        "kind": kind,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "number": number,
        "after": after,
        "rows": list(rows),
    }


def _following(page, after, marks):
    return {**page, "number": page["number"] + 1, "after": after, "rows": marks}


def _next_records(page, rows):
    """Return the next page of records, ``None`` where nothing new came.

    How many rows a page has at the most is not known for sure: the one behind the last
    row tells whether there are more.
    """
    after = _text(rows[-1].get("id")) if rows else ""
    marks = _marks(rows)
    if not after or after == page["after"] or not set(marks) - set(page["rows"]):
        return None
    return _following(page, after, marks)


def _next_statistics(page, rows):
    if len(rows) < ROWS_PER_PAGE:
        return None
    marks = _marks(rows)
    repeated = set(marks).intersection(page["rows"])
    # A row that came in meanwhile moves others to the next page: a few, not most.
    if 2 * len(repeated) > len(set(marks)):
        raise errors.SamePage("each page of the statistics begins anew")
    return _following(page, "", marks)


def _marks(rows):
    """Return short texts by which rows are known again."""
    texts = (json.dumps(row, sort_keys=True) for row in rows)
    return [hashlib.sha256(text.encode()).hexdigest()[:8] for text in texts]


# ---------------------------------------------------------------------------- rows


def _record(row, fetched_at, account):
    """Return the event of a recorded call at one abonent."""
    abonent = _dict(row.get("abonent"))
    tracking, user_id = _id(row.get("externalId")), _id(abonent.get("userId"))
    talk = _seconds(row.get("duration"), MILLISECONDS)
    recording = events.recording_name(
        tracking, user_id, _extension(abonent, account), account
    )
    return CallEvent(
        kind=event.LOGGED,
        ref=tracking or _id(row.get("callId")),
        received_at=fetched_at,
        **_parties(_direction(row), abonent, _text(row.get("phone")), "", account),
        started=_started(row.get("date")),
        talk=talk,
        disposition=event.SPOKEN if talk else "",
        recording=recording or _id(row.get("id")),
    )


def _statistics_row(row, fetched_at, account, unit):
    """Return the event of one leg in the statistics."""
    from_, to = (_text(row.get(name)) for name in ("phone_from", "phone_to"))
    abonent = _dict(row.get("abonent"))
    direction = _direction(row) or _likely_direction(row, abonent, account)
    outbound = direction == event.OUTBOUND
    other, own = (to, from_) if outbound else (from_, to)
    talk, said = _seconds(row.get("duration"), unit), _text(row.get("status"))
    return CallEvent(
        kind=event.LOGGED,
        ref="",
        received_at=fetched_at,
        **_parties(direction, abonent, other, own, account),
        started=_started(row.get("startDate")),
        talk=talk,
        disposition=_disposition(said, talk, outbound),
        said=said,
    )


def _direction(row):
    return _DIRECTIONS.get(_text(row.get("direction")).lower(), "")


def _likely_direction(row, abonent, account):
    """Return the direction of a row that does not say it, as far as its numbers do, and
    then its status; ``""`` where neither does."""
    sides = {"phone_from": event.OUTBOUND, "phone_to": event.INBOUND}
    extension, inside = _extension(abonent, account), []
    for name, direction in sides.items():
        number = party.read_number(_text(row.get(name)))
        if not number:
            continue
        if _is_of(number, abonent) or extension == _colleague(number, account):
            return direction
        if party.ten_digits(number) in account.extensions:
            inside.append(direction)
    if len(inside) == 1:
        return inside[0]
    words = {_PLACED: event.OUTBOUND, _MISSED: event.INBOUND}
    return words.get(_text(row.get("status")).lower(), "")


def _disposition(said, talk, outbound):
    """Return how a leg went; there is no word for an answered one that is known."""
    word = said.lower()
    if word == _MISSED:
        return event.NO_ANSWER if outbound else event.MISSED
    if talk:
        return event.SPOKEN
    if word == _BUSY:
        return event.BUSY
    if word == _PLACED:
        return event.NO_ANSWER
    return event.FAILED if outbound else event.MISSED


def _parties(direction, abonent, other, own, account):
    """Return the fields of an event that say which way a call went, and who had it.

    :param direction: ``""``: nothing says so.
    :param str other: the other party's number, as it is written; ``own``: ours.
    """
    extension = _extension(abonent, account)
    number, line = party.read_number(other), party.read_number(own)
    colleague = _colleague(number, account)
    if colleague:
        inbound = direction == event.INBOUND
        caller, called = (colleague, extension) if inbound else (extension, colleague)
        direction = event.INTERNAL
        parties = {"caller": caller, "called": called}
    else:
        mine, theirs = ("called", "caller")
        if direction == event.OUTBOUND:
            mine, theirs = theirs, mine
        is_line = line.startswith("+") and not _is_own(line, abonent, account)
        parties = {
            theirs: number,
            f"{theirs}_reported": party.reported(number, other),
            mine: line if is_line else "",
        }
    return {"direction": direction, "extension": extension, **parties}


def _extension(abonent, account):
    """Return the number of the extension that a row is of, or what names it."""
    given = _text(abonent.get("extension"))
    name = _text(abonent.get("userId")) or _text(abonent.get("phone"))
    known = party.extension_named(name, account) if name else ""
    return known if known in account.extensions.values() else given or known


def _colleague(number, account):
    return account.extensions.get(party.ten_digits(number), "") if number else ""


def _is_own(line, abonent, account):
    """Tell whether a number is the abonent's own, under which only he is called."""
    own = party.ten_digits(line)
    return _is_of(line, abonent) or own in account.extensions


def _is_of(number, abonent):
    """Tell whether a number is the phone of the abonent himself."""
    phone = party.ten_digits(party.read_number(_text(abonent.get("phone"))))
    return party.ten_digits(number) == phone


def _started(value):
    """Return the start of a row, in whatever way it is written: ``(moment,)``, ``()``
    where none is read."""
    is_number = isinstance(value, float) and math.isfinite(value)
    moment = events.read_time(f"{value:.3f}" if is_number else _text(value))
    return (moment,) if moment else ()


def _seconds(value, unit):
    """Return a duration in whole seconds, ``None`` where there is none."""
    text = _text(value)
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{0,9})?", text):
        return None
    return int(float(text) / (1 if unit == SECONDS else 1000))


def _dict(value):
    return value if isinstance(value, dict) else {}


def _id(value):
    text = _text(value)
    return text if len(text) <= MAX_ID else ""


def _text(value):
    """Return text or a number as text; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\0", " ").strip()
