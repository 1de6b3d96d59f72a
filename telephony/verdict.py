"""What a PBX's own history tells of a call: one row per leg, afterwards.

It decides where webhooks and history disagree: what a webhook says of the end is often
not covered by its signature, while history is asked for under our own key.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from .event import (
    ANSWERED,
    BUSY,
    FAILED,
    INBOUND,
    INTERNAL,
    MISSED,
    RINGING,
    SPOKEN,
    is_person,
)
from .local_time import choose_starts

# A four-byte integer holds this; no call does.
MAX_SECONDS = 2**31 - 1
# Two tellings of one talk may differ by this, each having been rounded.
ROUNDING = 2
# How much the rows of a transfer may overlap: the second phone rings meanwhile.
OVERLAP = timedelta(minutes=1)
# For so long somebody whom history does not list yet may still ring, or speak.
MAX_SILENCE = {RINGING: timedelta(minutes=10), ANSWERED: timedelta(hours=6)}


def whole(seconds):
    """Return a reported number of seconds as one that the database holds."""
    return min(max(seconds or 0, 0), MAX_SECONDS)


def later(moment, seconds):
    """Return ``moment`` and so many seconds; odd moments stay where they are."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return moment


@dataclass(frozen=True)
class Row:
    """One leg. ``start`` is when it, or the call, began; ``talk`` ``None``: unknown."""

    extension: str
    start: datetime
    talk: int | None
    disposition: str
    said: str
    receipt: datetime
    # The start is in the row, and not guessed from when we fetched it.
    has_start: bool

    @property
    def answered(self):
        return self.disposition == SPOKEN

    @property
    def end(self):
        return later(self.start, whole(self.talk))


def rows_of(events, near=None):
    """Return the rows that ``LOGGED`` events tell, in the order of the call.

    :param datetime near: when something of the call was received. In the hour that
        autumn has twice the reading nearest to it counts, without it the later one.
    """
    legs = {}
    for event in events:
        # A row whose recording was not ready yet when it was fetched first.
        # Nor does it count how the numbers were read then.
        leg = replace(
            event,
            recording="",
            caller="",
            called="",
            caller_reported="",
            called_reported="",
        )
        if leg not in legs or leg.received_at < legs[leg]:
            legs[leg] = leg.received_at
    starts = {}
    if near:
        timed = [leg for leg in legs if leg.readings]
        starts = {id(leg): start for leg, start in choose_starts(timed, near)}
    rows = [_row(leg, receipt, starts.get(id(leg))) for leg, receipt in legs.items()]
    return sorted(rows, key=lambda row: (row.start, row.receipt, repr(row)))


def _row(leg, receipt, start):
    if start is None and leg.started:
        start = max(leg.started)
    return Row(
        leg.extension,
        start or receipt,
        leg.talk,
        leg.disposition,
        leg.said,
        receipt,
        start is not None,
    )


def still_open(rows, live):
    """Tell whether somebody rings or speaks of whom history does not tell yet.

    History may tell the first part of a call that was handed on. It is believed to be
    all of it when the others began before its end, or too long before it was fetched.
    """
    if not rows:
        return True
    named = {row.extension for row in rows}
    over, fetched = max(row.end for row in rows), max(row.receipt for row in rows)
    return any(
        event.extension
        and event.extension not in named
        and event.when > over
        and fetched - event.when < MAX_SILENCE[event.kind]
        for event in live
        if event.kind in MAX_SILENCE
    )


class Verdict(NamedTuple):
    """How a call went. ``speakers``: extensions, who spoke last first."""

    outcome: str = ""
    said: str = ""
    talk: int = 0
    speakers: tuple = ()
    # What webhooks reported otherwise: (field, reported, logged).
    contradictions: tuple = ()


def decide(rows, direction, live, end, answers):
    """Return the :class:`Verdict` on a call that is over and in the history.

    :param list rows: at least one.
    :param Verdict live: by what webhooks reported alone.
    :param end: the END that wins, or ``None``; ``answers``: the ANSWERs that count.
    """
    inbound = direction == INBOUND
    lifted = [row for row in rows if row.answered]
    spoke = [row for row in lifted if is_person(row.extension, direction)]
    named = {row.extension for row in rows}
    # Somebody lifted of whom history says nothing at all.
    missing = {e.extension for e in answers} - named - {""} if inbound else set()
    if spoke or missing:
        outcome = SPOKEN
    else:
        outcome = _unanswered(rows, inbound)
    talk = 0
    if outcome == SPOKEN:
        talk = _talk(spoke or lifted, end, bool(missing), direction == INTERNAL)
    confirmed = {row.extension for row in spoke} | missing
    speakers = _speakers(spoke, [n for n in live.speakers if n in confirmed], end)
    return Verdict(
        outcome=outcome,
        said=_said(rows, spoke, lifted, end),
        talk=talk,
        speakers=tuple(dict.fromkeys(speakers)) if outcome == SPOKEN else (),
    )


def with_contradictions(verdict, reported, end, direction):
    """Return ``verdict`` with what the events reported otherwise.

    :param Verdict reported: by the events, with the talk that ``end`` tells.
    """
    found = _contradictions(reported, verdict, end, direction == INBOUND)
    return verdict._replace(contradictions=found)


def completed(live, logged, end):
    """Return what events tell of a call, with history for what they do not tell.

    :param Verdict live: by events; ``logged``: by history, as :func:`decide` gives it.
    :param end: the END that counts, or ``None``.
    """
    if end is None or not end.disposition:
        return logged
    if live.outcome != SPOKEN or logged.outcome != SPOKEN:
        return live
    return live._replace(
        said=live.said or logged.said,
        talk=live.talk if end.talk is not None else logged.talk,
        speakers=live.speakers or logged.speakers,
    )


def _speakers(spoke, heard, end):
    """Return the extensions that spoke, the last one first.

    Who was last END says, or the order of the ANSWERs where each was heard; else the
    order of the rows.
    """
    logged = [row.extension for row in reversed(spoke) if row.extension]
    ended = end is not None and end.disposition == SPOKEN and end.extension in heard
    if ended or set(logged) <= set(heard):
        return [*heard, *logged]
    return [*logged, *heard]


def _unanswered(rows, inbound):
    words = {row.disposition or FAILED for row in rows}
    if not inbound:
        return rows[-1].disposition or FAILED
    return words.pop() if words in ({BUSY}, {FAILED}) else MISSED


def _talk(rows, end, incomplete, inside):
    """Return the seconds of conversation: END's where it fits the rows, else theirs.

    :param bool inside: between two extensions, each of which may have a row of it.
    """
    reported = end.talk if end is not None and end.disposition == SPOKEN else None
    parts = {}
    for row in rows:
        if row.talk is None:
            continue
        # One leg listed twice, while it lasted and when it was over.
        part = parts.setdefault((row.extension, row.start), row)
        if part.talk < row.talk:
            parts[row.extension, row.start] = row
    parts = _without_doubles(parts.values())
    if not parts:
        return whole(reported)
    longest, total = max(p.talk for p in parts), sum(p.talk for p in parts)
    # Legs that followed each other are listed with their own starts, or all with the
    # call's; legs beside each other are no longer than the longest.
    one_start = len({part.start for part in parts}) == 1 and not inside
    overlap = timedelta() if inside else OVERLAP
    in_turn = all(b.start >= a.end - overlap for a, b in pairwise(parts))
    logged = total if one_start or in_turn else longest
    if reported is None:
        return whole(logged)
    # Each leg was rounded. And while a call is handed on nobody may speak, which END
    # counts, and the rows do not.
    slack = ROUNDING + len(parts) - 1
    span = max(p.end for p in parts) - min(p.start for p in parts)
    pauses = in_turn and total <= reported <= span.total_seconds() + slack
    fits = min(abs(reported - longest), abs(reported - total)) <= slack or pauses
    fits = fits or (incomplete and reported > logged)
    return whole(reported if fits else logged)


def _without_doubles(parts):
    """Return the rows, one of those that one extension cannot both have spoken in.

    A PBX that keeps two lists may tell of one leg in both, a moment apart.
    """
    found, last = [], {}
    for part in sorted(parts, key=lambda part: (part.start, part.talk)):
        before = last.get(part.extension)
        if part.extension and before is not None and part.start < found[before].end:
            if found[before].talk < part.talk:
                found[before] = part
        else:
            last[part.extension] = len(found)
            found.append(part)
    return found


def _said(rows, spoke, lifted, end):
    """Return the PBX's own word: END's where a row says the same, else a row's."""
    if end is not None and end.disposition in {row.disposition for row in rows}:
        return end.said
    return (spoke or lifted or rows)[-1].said


def _contradictions(live, verdict, end, inbound):
    if live.outcome != verdict.outcome:
        return (("outcome", live.outcome, verdict.outcome),)
    found = []
    if verdict.outcome == SPOKEN:
        if end.talk is not None and live.talk != verdict.talk:
            found.append(("talk", live.talk, verdict.talk))
        reported, logged = live.speakers[:1], verdict.speakers[:1]
        if inbound and reported and logged and reported != logged:
            found.append(("extension", reported[0], logged[0]))
    return tuple(found)
