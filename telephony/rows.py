"""Rows of a history that have no id: which are one call, and of which call they are.

A row belongs to a call of the same direction and outside number in which its
extension had a leg that began within :data:`ROW_SECONDS`. Where two calls are as near
as that, the nearer one has the row, and each leg has one row.
"""

import hashlib
from datetime import timedelta
from typing import NamedTuple

from .call import derive
from .event import DIALLED, INBOUND, INTERNAL, LOGGED, OUTBOUND, RINGING
from .facts import CallFacts

# Two reports of one start may differ by this.
ROW_SECONDS = 5
# The id of a call that is known from rows without an id.
MADE_UP = "row/"

_NEAR = timedelta(seconds=ROW_SECONDS)


def is_made_up(ref):
    """Tell whether ``ref`` is of our own making, and not the PBX's."""
    return bool(ref) and ref.startswith(MADE_UP)


class RowGroup:
    """Rows that are one call.

    :var list rows: ``LOGGED`` events without an id, at least one.
    :var direction: with ``number``, of the call; ``""`` where the rows do not say.
    """

    def __init__(self, rows):
        self.rows = rows
        derived = derive(CallFacts(rows))
        self.direction, self.number = derived.direction, derived.number
        self.caller = derived.extension if derived.direction == INTERNAL else ""
        # ``{(extension, start)}``
        self.legs = {(row.extension, _start_of(row)) for row in rows}

    @property
    def start(self):
        return min(start for _extension, start in self.legs)

    @property
    def ref(self):
        """An id that is the same whenever these rows are read."""
        first = (self.direction, self.number, self.start.isoformat())
        text = "|".join((min(self.legs)[0], *first))
        return MADE_UP + hashlib.sha256(text.encode()).hexdigest()[:32]

    def takes(self, other):
        """Tell whether ``other``, a group that begins no sooner, is the same call.

        An outside number rings at several extensions at once, and a call between two
        extensions has a row of each. Two rows of one extension are two calls.
        """
        if (other.direction, other.number) != (self.direction, self.number):
            return False
        if other.start - self.start > _NEAR or other.caller != self.caller:
            return False
        outside = self.direction == INBOUND and self.number
        if not outside and self.direction != INTERNAL:
            return other.legs == self.legs
        own = dict(self.legs)
        return all(
            own.get(extension, start) == start for extension, start in other.legs
        )

    def repeats(self, other):
        """Tell whether these rows tell of a leg that ``other`` tells of."""
        same = (other.direction, other.number) == (self.direction, self.number)
        return same and bool(other.legs & self.legs)

    def _goes_out_as(self, call):
        """Tell whether ``call`` was dialled to somebody outside who has the same number
        as a colleague: these rows do not tell one from the other."""
        return (self.direction, call.direction) == (INTERNAL, OUTBOUND) and (
            call.number == self.number
        )

    def claim(self, call):
        """Return what these rows would take of a :class:`RowlessCall`, a
        :class:`Claim`; ``None``: they are not of it."""
        if call.direction != self.direction and not self._goes_out_as(call):
            return None
        if call.number and self.number and call.number != self.number:
            return None
        gaps, legs = [], set()
        for extension, start in self.legs:
            nearest = call.nearest_start(extension, start)
            if nearest is not None and abs(nearest - start) <= _NEAR:
                gaps.append(abs(nearest - start).total_seconds())
                legs.add((extension, nearest))
        return Claim(min(gaps), legs) if gaps else None


class Claim(NamedTuple):
    """What rows would take of a call.

    :var float seconds: from their start to that of the nearest leg.
    :var set legs: ``{(extension, start of its leg)}``.
    """

    seconds: float
    legs: set


class RowlessCall:
    """What matters of a call that events told of, without its rows."""

    def __init__(self, facts):
        call = derive(facts, history_outranks=False)
        self.direction, self.number = call.direction, call.number
        self.start = call.start
        # ``{extension: starts of its legs}``
        self.legs = {}
        for event in facts.events:
            if event.kind in (RINGING, DIALLED) and event.extension:
                self.legs.setdefault(event.extension, set()).add(event.when)
        for leg in call.legs:
            # Of a leg whose beginning is not known: it had a part in the call.
            self.legs.setdefault(leg.extension, set()).add(call.start)

    def nearest_start(self, extension, moment):
        """Return when the leg of an extension began that is nearest to ``moment``.

        :param str extension: ``""``: the row does not say; then the call itself.
        :return: ``None``: it had none.
        """
        starts = self.legs.get(extension, set() if extension else {self.start})
        return min(sorted(starts), key=lambda at: abs(at - moment), default=None)


def split_rows(facts):
    """Return ``(facts without rows, rows)``: those without an id."""
    rows = [event for event in facts.events if event.kind == LOGGED and not event.ref]
    return CallFacts(event for event in facts.events if event not in rows), rows


class Placement:
    """Gives each group of rows to a call, and each leg of a call one row.

    As many groups as possible get one, and the nearest pairs are tried first: a row
    that lies between two calls leaves the nearer one to a row that has no other.

    :param list groups: :class:`RowGroup`.
    :param dict calls: ``{key: RowlessCall}``.
    :param dict placed: ``{place in groups: key}`` of those that have a call already.
    """

    def __init__(self, groups, calls, placed=()):
        self.groups, self.calls = groups, calls
        self.placed = dict(placed)
        self.edges = [self._edges_of(group) for group in groups]

    def _edges_of(self, group):
        """Return ``[(other number, seconds, key, legs it takes)]``, best first."""
        edges = []
        for key, call in self.calls.items():
            if claim := group.claim(call):
                is_other = call.number != group.number
                edges.append((is_other, claim.seconds, key, claim.legs))
        return sorted(edges, key=lambda edge: edge[:3])

    def run(self):
        """Do it; return ``{place in groups: key}`` of those that have a call."""
        waiting = [p for p, e in enumerate(self.edges) if e and p not in self.placed]
        for place in sorted(waiting, key=lambda one: (self.edges[one][0][:3], one)):
            self._place(place, set())
        return self.placed

    def _place(self, place, tried):
        """Give one group a call, if need be one that others can do without."""
        for _other, _seconds, key, taken in self.edges[place]:
            if key in tried:
                continue
            tried.add(key)
            blocking = [
                other
                for other, has in self.placed.items()
                if has == key and other != place and self._taken(other, key) & taken
            ]
            if len(blocking) > 1:
                continue
            if blocking and not self._place(blocking[0], tried):
                continue
            self.placed[place] = key
            return True
        return False

    def _taken(self, place, key):
        return next(
            (taken for *_other, at, taken in self.edges[place] if at == key), set()
        )


def group_rows(rows):
    """Return the list of :class:`RowGroup` that ``LOGGED`` events without an id make.

    In whatever order they are given; a row that is given twice counts once.
    """
    single = [RowGroup([row]) for row in rows]
    single.sort(key=lambda one: (one.start, min(one.legs), one.rows[0].sort_key()))
    groups, recent = [], {}
    for one in single:
        party = (one.direction, one.number, one.caller)
        nearby = [g for g in recent.get(party, ()) if one.start - g.start <= _NEAR]
        for group in nearby:
            if group.takes(one):
                group.rows += one.rows
                group.legs |= one.legs
                break
        else:
            groups.append(one)
            nearby.append(one)
        recent[party] = nearby
    return groups


def _start_of(row):
    return max(row.started) if row.started else row.when
