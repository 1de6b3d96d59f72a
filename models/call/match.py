"""Which click, which leg, and which row of the history belong to which call.

A PBX that gives no id when it is asked to dial leaves the click without one: the first
outgoing call of that phone to that number shortly after is the click's. A PBX may
report the two legs of a click under two ids. And the rows of its history may have no id
at all.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import numbers
from ...telephony.event import (
    ANSWERED,
    CLICKED,
    DIALLED,
    ENDED,
    INBOUND,
    JOINED,
    LEFT,
    LOGGED,
    MOVED,
    REFUSED,
)
from ...telephony.facts import CallFacts
from ...telephony.rows import is_made_up
from ..tools.transactions import lock_rows, try_lock, wait_for_locks
from .merge import CallMerge
from .rows import RowMatcher

# A call that begins later than this after a click is another one.
BIND_SECONDS = 120
# How much the clock of the PBX may be behind ours, and those of our machines.
PBX_CLOCK_SECONDS, OUR_CLOCK_SECONDS = 60, 5
# Digits that two spellings of one number share at the least.
SAME_DIGITS = 9
# Clicks in that time at one PBX that are looked at.
MAX_CLICKS = 50
# The second leg starts when our own extension has lifted.
JOIN_SECONDS = 120
# Calls of one extension to one number in that time that are looked at.
MAX_NEAR = 10


class Joined(NamedTuple):
    """Two legs that became one call."""

    call: Any  # pbx.call that is left
    facts: CallFacts  # of both


class CallMatcher:
    """What belongs together, among the calls of one cloud PBX.

    A plain class, the eyes of one ``CallLog``: it works on the log's environment. It
    takes away a record that turns out to be another one's, and leaves to the log what
    is written of the one that is left.

    :param calls: ``pbx.call``, with the environment in which the log is written.
    :param PbxSettings settings: of the provider.
    """

    def __init__(self, calls, settings):
        self.calls, self.settings = calls, settings
        self.env = calls.env
        # ``{call id: {extension: Seat}}``: the legs of calls that gave way to it.
        self.carried = {}

    # ------------------------------------------------------------------- by the id

    def find(self, ref, events):
        """Return ``(call, clicks)``: the call named ``ref``, and the clicks without an
        id that were made about when ``events`` began, in one look-up."""
        self.calls.flush_model(["provider_id", "ref", "clicked_at"])
        spans = _spans(event for event in events if event.extension)
        rows = self.env.execute_query(
            SQL(
                """(SELECT TRUE, id FROM pbx_call
                     WHERE provider_id = %(provider)s AND ref = %(ref)s)
                    UNION ALL
                   (SELECT TRUE, call_id FROM pbx_call_ref
                     WHERE provider_id = %(provider)s AND ref = %(ref)s)
                    UNION ALL
                   (SELECT FALSE, id FROM pbx_call WHERE %(waits)s
                  ORDER BY clicked_at DESC, id DESC LIMIT %(limit)s)""",
                provider=self.settings.id,
                ref=ref,
                waits=_waits(self.settings, spans),
                limit=MAX_CLICKS,
            )
        )
        known = [call_id for is_known, call_id in rows if is_known]
        clicks = [call_id for is_known, call_id in rows if not is_known]
        return self.calls.browse(known[:1]), self.calls.browse(clicks)

    def find_by_legs(self, ref, events):
        """Return ``(calls, names)``: the calls that a PBX that reports each leg speaks
        of, more than one where a leg goes over from one to another.

        :param str ref: the id of the call that the events are under.
        :return: ``names`` is the set of those ids that are known already.
        """
        self.calls.flush_model(["provider_id", "ref"])
        names = {ref, *_leg_ids(events)}
        rows = self.env.execute_query(
            SQL(
                """SELECT ref, id FROM pbx_call
                    WHERE provider_id = %(provider)s AND ref = ANY(%(names)s)
                    UNION
                   SELECT ref, call_id FROM pbx_call_ref
                    WHERE provider_id = %(provider)s AND ref = ANY(%(names)s)""",
                provider=self.settings.id,
                names=sorted(names),
            )
        )
        ids = sorted({call_id for _name, call_id in rows})
        return self.calls.browse(ids), {name for name, _call_id in rows}

    def unite(self, calls, kept):
        """Let all of ``calls`` be ``kept``, which is one of them."""
        lock_rows(calls)
        for call in calls - kept:
            self._give_way(call, kept)

    def add_names(self, call, names):
        """Have ``call`` found under further ids, if it is not.

        :raises CONFLICTS: somebody else gave them to another call just now.
        """
        if not names:
            return
        call.flush_recordset()
        self.env.cr.execute(
            SQL(
                """INSERT INTO pbx_call_ref (provider_id, ref, call_id)
                   SELECT %s, name, %s FROM unnest(%s::varchar[]) name
              ON CONFLICT (provider_id, ref) DO NOTHING""",
                self.settings.id,
                call.id,
                sorted(names),
            ),
            log_exceptions=False,  # whoever met somebody tries again
        )

    # ---------------------------------------------------------------------- clicks

    def bind_click(self, call, clicks, known, facts):
        """Let the click that waits for ``call``, if there is one, be this call.

        :param call: the call that the events are of, or none.
        :param clicks: those made about then, the newest first.
        :param CallFacts known: what the log holds of ``call``.
        :param CallFacts facts: with the new events.
        :return: ``(call, facts)``, those of the click or as they were.
        """
        if not clicks or _has_parties(known.events):
            return call, facts
        opening = [e for e in facts.events if e.kind in _MOMENTS and e.extension]
        if any(e.direction == INBOUND for e in facts.events):
            return call, facts
        click = self._click_of(clicks, opening)
        if not click:
            return call, facts
        facts = CallFacts.from_json(click.facts).add(facts.events)
        self._give_way(call, click)
        return click, facts

    def adopt(self, click, facts, ref):
        """Let ``click`` be the call named ``ref``, if that is in the log already.

        :return: ``(click, facts)`` with what is known of that call.
        """
        other = self.calls._find_by_ref(self.settings.id, ref)
        if other and other != click:
            facts = facts.add(CallFacts.from_json(other.facts).events)
            self._give_way(other, click)
        return click, facts

    def click_waits(self, groups):
        """Tell whether a click without an id was made about when these calls began.

        :param dict groups: ``{ref: [CallEvent]}``.
        """
        self.calls.flush_model(["provider_id", "ref", "clicked_at"])
        spans = _spans(event for events in groups.values() for event in events)
        waits = _waits(self.settings, spans)
        return bool(
            self.env.execute_query(
                SQL("SELECT 1 FROM pbx_call WHERE %s LIMIT 1", waits)
            )
        )

    def _click_of(self, clicks, opening):
        """Return the newest of ``clicks`` that asked for what ``opening`` says."""
        spans = _spans(opening)
        names = {event.extension for event in opening}
        called = {e.called for e in opening} - names - {""}
        found = self.calls.browse()
        for click in clicks:
            events = CallFacts.from_json(click.facts).events
            asked = next((e for e in events if e.kind == CLICKED), None)
            if asked is None or any(e.kind == REFUSED for e in events):
                continue
            if not names & {asked.extension, asked.caller}:
                continue
            at = asked.at.replace(microsecond=0)
            if not any(early <= at <= late for early, late in spans):
                continue
            if called and not any(
                _end_alike(number, asked.called) for number in called
            ):
                continue
            found += click
        if called or len(found) == 1:
            return found[:1]
        # Our own leg does not say whom it will reach: which click it is, the next event
        # says.
        return self.calls.browse()

    def _give_way(self, call, kept):
        """Take ``call`` away, which turned out to be ``kept``."""
        if call:
            seats = CallMerge(call, kept).run()
            self.carried[kept.id] = {**seats, **self.carried.get(kept.id, {})}

    # ------------------------------------------------------------------------ rows

    def calls_of_rows(self, rows):
        """Return :class:`~.rows.Placed` for rows without an id."""
        return RowMatcher(self.calls, self.settings).calls_of(rows)

    def absorb(self, pairs):
        """Let calls known from rows alone be those that they turned out to be.

        :param pairs: ``(gone, kept)``.
        """
        for gone, kept in pairs:
            lock_rows(gone | kept)
            self._give_way(gone, kept)

    def bind_rows(self, call, facts):
        """Let calls that are known from rows alone be ``call``, if they are the same.

        The record of the rows stays, with what people wrote there, unless they picked
        somebody in the other one; its id gives way.

        :return: ``(call, facts, others)``, as they were or of all; ``others`` is
            ``{pbx.call: CallFacts}`` of calls that gave or got rows thereby.
        """
        if dialects.get(self.settings.dialect).history_has_ids:
            return call, facts, {}
        named = any(event.ref and not is_made_up(event.ref) for event in facts.events)
        if not named or is_made_up(call.ref):
            return call, facts, {}
        placed = RowMatcher(self.calls, self.settings).rows_of(call, facts)
        others = dict(placed.facts)
        facts = others.pop(call, facts)
        mine = [near for near, kept in placed.absorbed if kept == call]
        self.absorb([pair for pair in placed.absorbed if pair[1] != call])
        for near in mine:
            lock_rows(near)
            # Its id is known to who clicked; or a person has picked somebody there; or
            # another record of rows has given it its place.
            stays = call.clicked_at or call.partner_source == "picked"
            if stays or call.user_picked or is_made_up(call.ref):
                self._give_way(near, call)
            else:
                self._give_way(call, near)
                call = near
        return call, facts, others

    # ------------------------------------------------------------------------ legs

    def join(self, call, wait):
        """Find the other leg of the same click, and make one record of the two.

        :param bool wait: for others who join; without it they are left to do so.
        :return: :class:`Joined`, or ``None`` where there is none.
        """
        other = self._other_leg(call)
        if not other or not self._may_join(wait):
            return None
        lock_rows(call | other)
        # The click's own record first: its id is known to who clicked.
        kept, gone = sorted((call, other), key=lambda c: (not c.clicked_at, c.id))
        facts = CallFacts.from_json(kept.facts).add(
            CallFacts.from_json(gone.facts).events
        )
        gone_ref = gone.ref
        self._give_way(gone, kept)
        self.env["pbx.call.ref"].create(
            {"provider_id": self.settings.id, "ref": gone_ref, "call_id": kept.id}
        )
        return Joined(kept, facts)

    def _may_join(self, wait):
        """Take the lock of who joins: two who each hold one of the calls would wait for
        each other."""
        key = f"pbx.call.join/{self.settings.id}"
        if not wait:
            return try_lock(self.env, key)
        wait_for_locks(self.env, [key])
        return True

    def near_a_leg(self, calls):
        """Return those of ``calls`` that the other leg of a click may be near, the
        oldest first: worth a look at :meth:`join`."""
        if not calls:
            return calls
        calls.flush_model(["provider_id", "start", "own_leg_only"])
        rows = self.env.execute_query(
            SQL(
                """SELECT this.id FROM pbx_call this
                    WHERE this.id = ANY(%s) AND (this.own_leg_only OR EXISTS (
                          SELECT 1 FROM pbx_call own
                           WHERE own.provider_id = this.provider_id
                             AND own.own_leg_only
                             AND own.start BETWEEN this.start - %s AND this.start))
                 ORDER BY this.start, this.id""",
                calls.ids,
                timedelta(seconds=JOIN_SECONDS),
            )
        )
        return calls.browse([call_id for [call_id] in rows])

    def _other_leg(self, call):
        if call.direction != "outbound":
            return call.browse()
        span = timedelta(seconds=JOIN_SECONDS)
        early, late = (
            (call.start, call.start + span)
            if call.own_leg_only
            else (call.start - span, call.start)
        )
        call.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT other.id FROM pbx_call other
                    WHERE other.provider_id = %(provider)s
                      AND other.direction = 'outbound' AND other.id != %(this)s
                      -- a click that waits for its first event is bound, not joined
                      AND other.ref IS NOT NULL
                      AND other.start BETWEEN %(early)s AND %(late)s
                      AND %(kind)s
                      AND (%(number)s IS NULL OR other.number IS NULL
                           OR other.number = %(number)s)
                      -- one that shows another extension's number may be named as its
                      AND (other.clicked_at IS NOT NULL OR %(clicked)s OR EXISTS (
                          SELECT 1 FROM pbx_call_leg ours
                            JOIN pbx_call_leg theirs ON theirs.number = ours.number
                           WHERE ours.call_id = %(this)s
                             AND theirs.call_id = other.id))
                 ORDER BY %(nearest)s LIMIT %(limit)s""",
                provider=self.settings.id,
                this=call.id,
                early=early,
                late=late,
                kind=SQL("other.own_leg_only IS NOT TRUE")
                if call.own_leg_only
                else SQL("other.own_leg_only"),
                number=call.number or None,
                clicked=bool(call.clicked_at),
                nearest=SQL("other.start")
                if call.own_leg_only
                else SQL("other.start DESC"),
                limit=MAX_NEAR,
            )
        )
        found = call.browse(call_id for [call_id] in rows)
        return next(
            (other for other in found if _is_one_click(call, other)), call.browse()
        )


def _leg_ids(events):
    """Return the ids of all legs that events name."""
    ids = {event.leg for event in events}
    return ids.union(*(event.other_legs for event in events)) - {""}


def names_of_legs(events):
    """Return the ids of legs by which a call may be found again under another id.

    A leg goes over to another call while it is in a bridge: one that was never answered
    does not.
    """
    moving = [e for e in events if e.kind in (ANSWERED, JOINED, LEFT, MOVED)]
    return _leg_ids(moving)


def _is_one_click(call, other):
    """Tell whether two outgoing calls found near each other are one click."""
    own, client = (call, other) if call.own_leg_only else (other, call)
    if own.clicked_at or client.clicked_at:
        if own.clicked_at and client.clicked_at:
            return False  # clicked twice
        if not _names(own) & _names(client):
            return False
    if own.state == "done" and own.outcome != "answered":
        # Our own phone was not lifted, so nothing followed.
        return False
    events = _reported(client)
    if any(event.own_leg for event in events):
        # That call has its own leg: the number was dialled once more.
        return False
    if any(event.client_leg for event in events):
        return True
    # Unmarked: a call that was over before our phone rang is another one.
    first = min(event.received_at for event in _reported(own))
    return max(event.received_at for event in events) > first


def _names(call):
    """Return the extensions that dial in a call, by the names that the PBX may use."""
    events = CallFacts.from_json(call.facts).events
    asked = {e.caller for e in events if e.kind == CLICKED} - {""}
    return asked.union(call.leg_ids.mapped("number"))


def _reported(call):
    """Return the events that the PBX sent of a call."""
    events = CallFacts.from_json(call.facts).events
    return [event for event in events if event.kind != CLICKED]


def _has_parties(events):
    """Tell whether a call's facts say who dialled whom, or that we asked for it."""
    return any(
        e.kind == CLICKED or (e.extension and e.called and e.called != e.extension)
        for e in events
    )


def _end_alike(one, other):
    one, other = numbers.digits(one), numbers.digits(other)
    return bool(one) and one[-SAME_DIGITS:] == other[-SAME_DIGITS:]


def _spans(events):
    """Return between which times a click was made that these events may follow."""
    timed = [event for event in events if event.kind in _MOMENTS]
    return [span for event in timed for span in _MOMENTS[event.kind](event)]


def _waits(settings, spans):
    """Return the condition for clicks without an id that were made in ``spans``."""
    if not spans:
        return SQL("FALSE")
    return SQL(
        "provider_id = %s AND ref IS NULL AND clicked_at BETWEEN %s AND %s",
        settings.id,
        min(early for early, _late in spans),
        max(late for _early, late in spans),
    )


def _around(moment, clock):
    """Return between which times a click was made whose call began at ``moment``."""
    late = moment + timedelta(seconds=clock)
    return moment - timedelta(seconds=BIND_SECONDS), late


def _by_receipt(event):
    return [_around(event.received_at, OUR_CLOCK_SECONDS)]


def _by_start(event):
    return [_around(moment, PBX_CLOCK_SECONDS) for moment in event.readings]


# When a call began, by each kind of event. The PBX's clock and our idea of its zone may
# be wrong: an event of a beginning is received as it begins. What comes later has only
# the start that the PBX gives.
_MOMENTS = {
    DIALLED: lambda event: _by_receipt(event) + _by_start(event),
    ANSWERED: lambda event: _by_start(event) or _by_receipt(event),
    ENDED: _by_start,
    LOGGED: _by_start,
}
