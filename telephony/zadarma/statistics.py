"""Zadarma's history: rows of ``statistics/pbx``, one per leg, to neutral events.

Source: the OpenAPI document, where ids and numbers are JSON numbers, and live answers,
where most are text (the protocol's known disagreements); both are read.
"""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

from .. import errors, numbers
from ..dialect import HistoryPage
from ..event import INBOUND, LOGGED, OUTBOUND, CallEvent
from ..local_time import local_in, local_text, read_time, readings_of
from .client import MAX_ROWS
from .events import (
    MAX_FIELD,
    MAX_ID,
    read_disposition,
    read_duration,
    read_party,
)

# Asked at once. With what is added at both ends it is shorter than any month: longer
# periods are cut.
WINDOW = timedelta(days=27)
# Added at both ends. The account's clock may be an hour off ours (summer time), local
# times come twice in autumn, and what is listed twice does no harm.
MARGIN = timedelta(hours=2)

# ``"Anna" <442079460201>`` and ``Anna (101)``.
_NAMED = re.compile(r"(.*)(?:<([^<>]*)>|\(([^()]*)\))\s*", re.DOTALL)
# The name of a recording's file, in whose middle its id is.
_STEM = re.compile(r"[0-9]+-([0-9]+\.[0-9]+)-[0-9]+-[0-9]{4}-[0-9]{2}-[0-9]{2}-.*")


def fetch(client, start, stop, page):
    """Return the :class:`HistoryPage` that one question gives; see the dialect.

    ``page`` is ``{"start", "end", "skip", "rows"}``: a window in naive UTC, how many of
    its rows are read, and what the last ones of those look like. The window stays as it
    was asked first, since new rows would move the pages.

    :raises SamePage: the PBX gives the same rows again, and would do so for ever.
    """
    if page:
        begin = datetime.fromisoformat(page["start"])
        end, skip = datetime.fromisoformat(page["end"]), page["skip"]
    else:
        begin, end, skip = start, min(start + WINDOW, stop), 0
    if begin >= end:
        return HistoryPage((), until=stop)
    zone = client.account.zone
    asked = local_in(begin - MARGIN, zone), local_in(end + MARGIN, zone)
    rows, told_end = client.statistics(*asked, skip=skip)
    now = datetime.now(UTC).replace(tzinfo=None)
    events = read(rows, now, zone, client.account.country)
    if len(rows) >= MAX_ROWS:
        marks = _marks(rows)
        repeated = set(marks).intersection(page["rows"] if skip else ())
        # A row that came in meanwhile moves others to the next page: a few, not most.
        if 2 * len(repeated) > len(marks):
            raise errors.SamePage("each page of the statistics begins anew")
        following = _page(begin, end, skip + len(rows), marks)
        return HistoryPage(events, following, len(rows), until=begin)
    end = _taken(begin, end, told_end, zone)
    following = _page(end, min(end + WINDOW, stop)) if end < stop else None
    return HistoryPage(events, following, len(rows), until=end)


def _page(begin, end, skip=0, marks=()):
    return {
        "start": begin.isoformat(),
        "end": end.isoformat(),
        "skip": skip,
        "rows": list(marks),
    }


def _marks(rows):
    """Return short texts by which rows are known again."""
    texts = (json.dumps(row, sort_keys=True) for row in rows)
    return [hashlib.sha256(text.encode()).hexdigest()[:8] for text in texts]


def _taken(begin, end, told_end, zone):
    """Return the end of the period that the PBX has looked at, in naive UTC.

    Within the margin it is the whole: a PBX may well not look into the future.
    """
    readings = read_time(told_end, zone)
    if not readings or max(readings) >= end - MARGIN:
        return end
    taken = min(readings) - MARGIN
    if taken <= begin:
        raise errors.BadAnswer("the statistics end before they begin")
    return taken


def read(rows, fetched_at, zone, country=""):
    """Return a tuple of one ``LOGGED`` event per row that is about a call.

    :param rows: as the API gives them, of any types.
    :param datetime fetched_at: naive UTC. The rows' order is kept in microseconds of
        the receipts: transferred legs may all begin in one second.
    :param tzinfo zone: the account's; ``country``: its two-letter country.
    """
    events = []
    for place, row in enumerate(rows):
        ref = _text(row.get("pbx_call_id")) if isinstance(row, dict) else ""
        if ref and len(ref) <= MAX_ID:
            receipt = fetched_at + timedelta(microseconds=place)
            events.append(_read_row(row, ref, receipt, zone, country))
    return tuple(events)


def _text(value):
    """Return text or a number as text; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\0", " ").strip()[:MAX_FIELD]


def _is_true(value):
    return str(value).strip().lower() in ("true", "1")


def caller_in(value):
    """Return the caller's number as it is written in ``clid``."""
    text = _text(value)
    if named := _NAMED.fullmatch(text):
        inner = (named.group(2) or named.group(3) or "").strip()
        text = inner or named.group(1).strip(' "')
    return text


def _direction(ref, caller, called, inner):
    if ref.startswith("in_"):
        return INBOUND
    if ref.startswith("out_"):
        return OUTBOUND
    # An id that does not tell: who has the extension's number?
    if numbers.is_extension(caller):
        return OUTBOUND
    return INBOUND if inner or numbers.is_extension(called) else ""


def _read_row(row, ref, received_at, zone, country):
    parties = {
        **read_party("caller", caller_in(row.get("clid")), country),
        **read_party("called", _text(row.get("destination")), country),
    }
    caller, called = parties["caller"], parties["called"]
    inner = numbers.extension(_text(row.get("sip")))
    direction = _direction(ref, caller, called, inner)
    # The leg of a click-to-call in which our own phone is rung. A colleague who calls
    # that phone is another thing.
    colleague = numbers.is_extension(caller) and caller != inner
    own_leg = direction == OUTBOUND and bool(inner) and called == inner
    own_leg = own_leg and not colleague
    if own_leg:
        parties.update(called="", called_reported="")
    if (
        direction == INBOUND
        and numbers.is_extension(caller)
        and not numbers.is_extension(called)
    ):
        # An extension that forwards it: to whom is no line of ours.
        parties.update(called="", called_reported="")
    said = _text(row.get("disposition"))
    local_start = local_text(_text(row.get("callstart")))
    recording = _text(row.get("call_id")) if _is_true(row.get("is_recorded")) else ""
    if stem := _STEM.fullmatch(recording):
        recording = stem.group(1)
    return CallEvent(
        kind=LOGGED,
        ref=ref,
        received_at=received_at,
        direction=direction,
        **parties,
        extension=inner,
        started=readings_of(local_start, zone),
        local_start=local_start,
        talk=read_duration(_text(row.get("seconds"))),
        disposition=read_disposition(said),
        said=said,
        recording=recording if len(recording) <= MAX_ID else "",
        own_leg=own_leg,
    )
