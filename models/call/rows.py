"""Rows of the history that have no id, and the calls of the log that they are."""

from datetime import timedelta
from typing import Any, NamedTuple

from odoo.tools import SQL

from ...telephony.call import derive
from ...telephony.event import LOGGED
from ...telephony.facts import CallFacts
from ...telephony.rows import (
    MADE_UP,
    ROW_SECONDS,
    Placement,
    RowGroup,
    RowlessCall,
    is_made_up,
    split_rows,
)

# A leg of a call that goes on may begin so much later than the call.
LONGEST_HOURS = 4
# Calls of one number in that time that are looked at.
MAX_NEAR = 20
# How far from each other two calls may begin that have a row between them, and one
# more row that one of the two gives away for it.
NEARBY = timedelta(seconds=3 * ROW_SECONDS)


class Placed(NamedTuple):
    """What rows turned out to be.

    :var dict calls: ``{pbx.call: [CallEvent]}``: rows that were read, and their calls.
    :var list left: rows that were read, of no call in the log.
    :var list absorbed: ``(gone, kept)``: a call known from rows alone is another one.
    :var dict facts: ``{pbx.call: CallFacts}`` of calls that got or lost rows thereby.
    """

    calls: dict[Any, list]
    left: list
    absorbed: list
    facts: dict


class _Entry:
    """A row, perhaps read several times, and what is known of it.

    :var bool is_new: it was read just now.
    :var made_up: the call known from rows alone that has it, if there is one.
    :var key: place of its call among the board's; ``None``: it has none.
    """

    def __init__(self, rows, is_new=False, made_up=None, key=None):
        self.group, self.is_new = RowGroup(rows), is_new
        self.made_up, self.key = made_up, key
        # Those that a call has already.
        self.known_rows = [] if is_new else list(rows)


class _Board:
    """Rows and calls that are near each other."""

    def __init__(self):
        self.entries, self.calls, self.rowless, self.known = [], [], [], []
        self.made_up = {}

    def add_call(self, call, facts):
        """Add a call, with the rows that it has already."""
        rowless, rows = split_rows(facts)
        if is_made_up(call.ref):
            self.made_up[call] = facts
            self.entries += [_Entry(one, made_up=call) for one in _by_leg(rows)]
            return
        key = len(self.calls)
        self.entries += [_Entry(one, key=key) for one in _by_leg(rows)]
        self.calls.append(call)
        self.rowless.append(rowless)
        self.known.append(facts)

    def add_new(self, rows):
        """Add what was read; one that is read again is the same."""
        for again in _by_leg(rows):
            group = RowGroup(again)
            same = next((e for e in self.entries if e.group.repeats(group)), None)
            if same is None:
                self.entries.append(_Entry(again, is_new=True))
            else:
                same.is_new = True
                same.group.rows += again

    def place(self):
        """Give each row its call, as far as there is one."""
        result = Placement(
            [entry.group for entry in self.entries],
            dict(enumerate(map(RowlessCall, self.rowless))),
            {p: e.key for p, e in enumerate(self.entries) if e.key is not None},
        ).run()
        for place, key in result.items():
            self.entries[place].key = key
        # Of a phone that events did not tell of: the others of its group have a call.
        for entry in self.entries:
            if entry.key is None:
                entry.key = self._key_of_others(entry.group)

    def _key_of_others(self, group):
        for key in range(len(self.calls)):
            placed = [e.group for e in self.entries if e.key == key]
            # And what the history itself tells of the call by its id.
            named = self.rowless[key].events
            placed += [RowGroup([row]) for row in named if row.kind == LOGGED]
            if any(_is_one_call(group, other) for other in placed) and not any(
                _share_phone(group, other) for other in placed
            ):
                return key
        return None

    def result(self):
        """Return :class:`Placed`; see there."""
        calls, left, absorbed, facts = {}, [], [], {}
        for key, call in enumerate(self.calls):
            own = [entry for entry in self.entries if entry.key == key]
            if new := [row for e in own if e.is_new for row in e.group.rows]:
                calls[call] = new
            more = [row for e in own for row in e.known_rows]
            if (changed := self.rowless[key].add(more)) != self.known[key]:
                facts[call] = changed
        for call, known in self.made_up.items():
            own = [entry for entry in self.entries if entry.made_up == call]
            stay = [entry for entry in own if entry.key is None]
            gone = [entry for entry in own if entry.key is not None]
            if gone and not stay:
                kept = self.calls[gone[0].key]
                absorbed.append((call, kept))
                if clicked := split_rows(known)[0].events:
                    facts[kept] = facts.get(kept, self.known[gone[0].key]).add(clicked)
            elif gone:
                rows = {id(row) for entry in gone for row in entry.known_rows}
                facts[call] = CallFacts(e for e in known.events if id(e) not in rows)
            if new := [row for e in stay if e.is_new for row in e.group.rows]:
                calls[call] = new
        for entry in self.entries:
            if entry.key is None and entry.made_up is None:
                self._join_made_up(entry.group, calls, left)
        return Placed(calls, left, absorbed, facts)

    def _join_made_up(self, group, calls, left):
        """Let a row be of a call known from rows alone, if there is one."""
        for call in sorted(self.made_up, key=lambda one: one.id):
            own = [e.group for e in self.entries if e.made_up == call and e.key is None]
            joined = own and all(_is_one_call(group, other) for other in own)
            if joined and not any(_share_phone(group, other) for other in own):
                calls.setdefault(call, []).extend(group.rows)
                return
        left += group.rows


def _by_leg(rows):
    """Return lists of those rows that tell of one leg."""
    legs = {}
    for row in rows:
        group = RowGroup([row])
        key = (group.direction, group.number, *sorted(group.legs))
        legs.setdefault(key, []).append(row)
    return list(legs.values())


def _is_one_call(one, other):
    first, second = sorted((one, other), key=lambda group: group.start)
    return first.takes(second)


def _share_phone(one, other):
    return bool({e for e, _start in one.legs} & {e for e, _start in other.legs})


class RowMatcher:
    """Finds the calls that rows are of, among those of one cloud PBX.

    :param calls: ``pbx.call``, with the environment in which the log is written.
    :param PbxSettings settings: of the provider.
    """

    def __init__(self, calls, settings):
        self.calls, self.settings, self.env = calls, settings, calls.env

    def calls_of(self, rows):
        """Return :class:`Placed` for ``LOGGED`` events without an id."""
        groups = [RowGroup([row]) for row in rows]
        wanted = {(one.direction, one.number, one.start) for one in groups}
        board = _Board()
        for call in self._nearby(sorted(wanted)):
            board.add_call(call, CallFacts.from_json(call.facts))
        board.add_new(rows)
        board.place()
        return board.result()

    def rows_of(self, call, facts):
        """Return :class:`Placed` for what events told of a call.

        :param call: the one of ``facts``, or none, if it is new: it is itself among the
            calls that the result names.
        """
        derived = derive(facts, history_outranks=False)
        wanted = [(derived.direction, derived.number, derived.start)]
        until = max(derived.start, derived.stop or derived.last_event_at)
        if not derived.direction or not self._nearby(wanted, until, made_up_only=True):
            return Placed({}, [], [], {})
        board = _Board()
        for other in self._nearby(wanted, until) - call:
            board.add_call(other, CallFacts.from_json(other.facts))
        board.add_call(call, facts)
        board.place()
        return board.result()

    def _nearby(self, wanted, until=None, made_up_only=False):
        """Return the calls that may be the same as those wanted, or near them.

        :param list wanted: ``(direction, number, start)``.
        :param until: rows of the only call wanted begin before that.
        :param bool made_up_only: those that are known from rows alone.
        """
        if not wanted:
            return self.calls
        self.calls.flush_model()
        directions, numbers, starts = zip(*wanted, strict=True)
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT near.id
                     FROM unnest(%(directions)s::text[], %(numbers)s::text[],
                                 %(starts)s::timestamp[])
                          AS wanted(direction, number, start)
                    CROSS JOIN LATERAL (
                          (SELECT call.id FROM pbx_call call
                            WHERE call.number = wanted.number
                              AND call.company_id = %(company)s AND %(may_be)s
                              AND (call.direction
                                   IS NOT DISTINCT FROM nullif(wanted.direction, '')
                                   -- of a number outside that a colleague has too
                                   OR call.direction IN ('internal', 'outbound')
                                  AND wanted.direction IN ('internal', 'outbound'))
                              AND call.start BETWEEN wanted.start - %(longest)s
                                  AND %(until)s + %(nearby)s
                         ORDER BY call.start DESC, call.id DESC LIMIT %(limit)s)
                           UNION
                          (SELECT call.id FROM pbx_call call
                            WHERE (call.number IS NULL OR wanted.number = '')
                              AND %(may_be)s
                              AND call.direction
                                  IS NOT DISTINCT FROM nullif(wanted.direction, '')
                              AND call.start BETWEEN wanted.start - %(nearby)s
                                  AND %(until)s + %(nearby)s
                         ORDER BY call.start DESC, call.id DESC LIMIT %(limit)s)) near
                 ORDER BY 1""",
                directions=list(directions),
                numbers=[number or "" for number in numbers],
                starts=[start.replace(microsecond=0) for start in starts],
                company=self.settings.company_id,
                may_be=SQL(
                    """call.provider_id = %s
                       -- a click that waits for its first event is bound by that
                       AND call.ref IS NOT NULL AND %s""",
                    self.settings.id,
                    SQL("call.ref LIKE %s", f"{MADE_UP}%")
                    if made_up_only
                    else SQL("TRUE"),
                ),
                longest=timedelta(hours=LONGEST_HOURS),
                until=until.replace(microsecond=0) if until else SQL("wanted.start"),
                nearby=NEARBY,
                limit=MAX_NEAR,
            )
        )
        return self.calls.browse([call_id for [call_id] in rows])
