"""What a promise is: a pure view of the calls of one number, and of what people did.

Whoever called and was lost is called back. :func:`follow` tells which promises that
makes, whatever the order in which the calls were reported: it knows no database, and
what history corrects later is just another set of calls. All times are naive UTC.
"""

import heapq
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .event import INBOUND, OUTBOUND, SPOKEN

OPEN, KEPT, DISMISSED = "open", "kept", "dismissed"
# What people, or the job that closes old ones, do with a promise.
SPOKEN_WITH, DISMISSED_BY_HAND, REOPENED = "spoken", "dismissed", "reopened"
# Parts of a call in a promise.
LOST_PART, TRY_PART, KEPT_PART = "lost", "try", "kept"
LOST_OUTCOMES = frozenset(("missed", "busy", "failed"))
# A lost call that was reported later than this makes none: it is a first import.
LATEST_REPORT = timedelta(hours=72)
# Reported so soon after its end, the time to call back counts from the end itself: how
# long the report took moves no deadline. See docs/decisions.md.
AT_ONCE = timedelta(seconds=60)
# A lost call that goes on for so long after a talk began is not what was spoken about:
# two people call from one number. Ends are known less well than beginnings.
RANG_ON_SECONDS = 15
# Which of several things of the same second came first: a talk that began in the second
# in which a call was lost is not about that call.
_TALK, _LOST, _TRY, _ACT, _RANG_ON = range(5)


@dataclass(frozen=True)
class PromiseSettings:
    """:var int min_talk: seconds; a shorter talk is none. Nor is one of no length."""

    min_talk: int = 5


@dataclass(frozen=True)
class PastCall:
    """A call that is over, as far as promises are concerned.

    :var int talk: seconds; ``None``: nobody told.
    :var datetime reported_at: when it became known that the call was over.
    :var bool is_excluded: it makes no promise whatever came of it: blocked, spam, one
        of our own numbers, or lost while no promises were made.
    :var bool is_other_number: of the same person, from another number: only a talk of
        it counts.
    """

    id: int
    direction: str
    outcome: str
    start: datetime
    stop: datetime
    answer: datetime | None = None
    talk: int | None = None
    reported_at: datetime | None = None
    user_id: int | None = None
    is_excluded: bool = False
    is_other_number: bool = False

    @property
    def is_lost(self):
        """Whether an outside caller reached nobody."""
        return self.direction == INBOUND and self.outcome in LOST_OUTCOMES

    @property
    def is_late(self):
        """Whether it was reported too late for anybody to call back."""
        return self.known_at - self.stop > LATEST_REPORT

    @property
    def known_at(self):
        return max(self.reported_at or self.stop, self.stop)

    @property
    def due_from(self):
        """From when the time to call back counts."""
        return self.stop if self.known_at - self.stop <= AT_ONCE else self.known_at

    @property
    def makes_promise(self):
        """Whether somebody has to call back."""
        return (
            self.is_lost
            and not self.is_late
            and not self.is_excluded
            and not self.is_other_number
        )

    def is_talk(self, settings):
        """Tell whether somebody of ours spoke with the caller for long enough."""
        if self.outcome != SPOKEN or self.direction not in (INBOUND, OUTBOUND):
            return False
        return self.talk is None or self.talk >= settings.min_talk

    def is_try(self, settings):
        """Tell whether somebody of ours called, and reached nobody."""
        return (
            self.direction == OUTBOUND
            and not self.is_other_number
            and not self.is_talk(settings)
        )


@dataclass(frozen=True)
class Act:
    """What a person did with a promise.

    :var str kind: ``SPOKEN_WITH``, ``DISMISSED_BY_HAND`` or ``REOPENED``.
    :var tuple calls: ids of the lost calls that the promise had then: it is about
        these, whatever the times of both.
    :var int tagged_call_id: the call whose tag says that all of them are spam; the act
        goes with the tag.
    """

    kind: str
    at: datetime
    user_id: int | None = None
    reason: str = ""
    note: str = ""
    calls: tuple = ()
    tagged_call_id: int | None = None

    def to_json(self):
        return {
            "kind": self.kind,
            "at": self.at.isoformat(),
            "user_id": self.user_id,
            "reason": self.reason,
            "note": self.note,
            "calls": list(self.calls),
            "tagged_call_id": self.tagged_call_id,
        }

    @classmethod
    def from_json(cls, values):
        at = datetime.fromisoformat(values["at"])
        return cls(**{**values, "at": at, "calls": tuple(values["calls"])})


@dataclass(frozen=True)
class Promise:
    """A promise as far as calls and acts tell it.

    :var tuple parts: ``(id of a call, LOST_PART | TRY_PART | KEPT_PART)``.
    :var datetime due_from: from when the time to call back counts: the end of the lost
        call, or when that was reported; the earliest of its lost calls.
    :var Act act: what closed it, where no call did.
    """

    state: str
    first_call_id: int
    opened_at: datetime
    due_from: datetime
    attempts: int
    tries: int
    last_attempt_at: datetime
    last_try_at: datetime | None
    parts: tuple
    closed_at: datetime | None = None
    closed_call_id: int | None = None
    closed_by_id: int | None = None
    act: Act | None = None

    @property
    def lost_ids(self):
        return tuple(call for call, part in self.parts if part == LOST_PART)


class _Open:
    """A promise that is being followed."""

    def __init__(self, call):
        self.lost, self.tries = [call], []
        self.closed = None  # (at, call or None, act or None)

    def to_promise(self):
        first = self.lost[0]
        parts = [(call.id, LOST_PART) for call in self.lost]
        parts += [(call.id, TRY_PART) for call in self.tries]
        promise = Promise(
            state=OPEN,
            first_call_id=first.id,
            opened_at=first.stop,
            due_from=min(call.due_from for call in self.lost),
            attempts=len(self.lost),
            tries=len(self.tries),
            last_attempt_at=max(call.start for call in self.lost),
            last_try_at=max((call.start for call in self.tries), default=None),
            parts=tuple(parts),
        )
        if self.closed is None:
            return promise
        at, call, act = self.closed
        if call is not None:
            return replace(
                promise,
                state=KEPT,
                closed_at=at,
                closed_call_id=call.id,
                closed_by_id=call.user_id,
                parts=(*promise.parts, (call.id, KEPT_PART)),
            )
        return replace(
            promise,
            state=KEPT if act.kind == SPOKEN_WITH else DISMISSED,
            closed_at=at,
            closed_by_id=act.user_id,
            act=act,
        )


def follow(calls, acts=(), settings=None):
    """Return the list of :class:`Promise` that calls of one number make, in order.

    :param calls: :class:`PastCall`, in any order, each once.
    :param acts: :class:`Act`, in any order; what a person did with a promise that was
        none, or was closed before, changes nothing.
    """
    settings = settings or PromiseSettings()
    things = _in_order(calls, acts, settings)
    promises, current = [], None
    while things:
        at, rank, _key, thing = heapq.heappop(things)
        if rank in (_LOST, _RANG_ON):
            if current is None:
                current = _Open(thing)
                promises.append(current)
            else:
                current.lost.append(thing)
        elif rank == _TRY:
            if current is not None:
                current.tries.append(thing)
        elif rank == _TALK:
            if current is not None:
                until = at + timedelta(seconds=RANG_ON_SECONDS)
                about = [call for call in current.lost if call.stop <= until]
                if _close(current, about, (at, thing, None), things):
                    current = None
        elif thing.kind == REOPENED:
            if current is None:
                current = _promise_of(promises, thing)
                if current is not None:
                    current.closed = None
        elif current is not None:
            about = [
                call
                for call in current.lost
                if call.id in thing.calls
                # A tag says nothing of calls that nobody knew of then.
                or (call.stop <= at and not thing.tagged_call_id)
            ]
            if _close(current, about, (at, None, thing), things):
                current = None
    return [promise.to_promise() for promise in promises]


def _in_order(calls, acts, settings):
    """Return a heap of ``(moment, rank, id, call or act)``."""
    # A person who closed a promise knew of its calls, whatever the clock of the PBX
    # makes of their times later.
    known_at = {}
    for act in acts:
        for call_id in act.calls if act.kind != REOPENED else ():
            known_at[call_id] = min(act.at, known_at.get(call_id, act.at))
    things = []
    for call in calls:
        if call.makes_promise:
            at = min(call.start, known_at.get(call.id, call.start))
            things.append((at, _LOST, call.id, call))
        elif call.is_talk(settings):
            things.append((call.answer or call.start, _TALK, call.id, call))
        elif call.is_try(settings):
            things.append((call.start, _TRY, call.id, call))
    for act in set(acts):
        tagged = act.tagged_call_id or 0
        key = (act.kind, act.user_id or 0, act.reason, act.note, act.calls, tagged)
        things.append((act.at, _ACT, key, act))
    heapq.heapify(things)
    return things


def _close(current, about, closed, things):
    """Close a promise, apart from calls that rang on when that was done.

    :param about: those of its lost calls that are settled by it.
    :return: whether there are any: else it stays open.
    """
    if not about:
        return False
    for call in current.lost:
        if call not in about:
            heapq.heappush(things, (closed[0], _RANG_ON, call.id, call))
    current.lost, current.closed = about, closed
    return True


def _promise_of(promises, act):
    """Return the closed promise that an act is about, ``None`` if there is none."""
    for promise in reversed(promises):
        if any(call.id in act.calls for call in promise.lost):
            return promise
    return None
