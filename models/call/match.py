"""Which click, which leg, and which row of the history belong to which call.

A PBX that gives no id when it is asked to dial leaves the click without one: the first
outgoing call of that phone to that number shortly after is the click's. A PBX may
report the two legs of a click under two ids. And the rows of its history may have no id
at all.
"""

import hashlib
from datetime import timedelta
from typing import Any, NamedTuple

from odoo.tools import SQL

from ...telephony import dialect as dialects
from ...telephony import numbers
from ...telephony.call import derive
from ...telephony.event import (
    ANSWERED,
    CLICKED,
    DIALLED,
    ENDED,
    INBOUND,
    LOGGED,
    REFUSED,
    CallFacts,
)
from ..tools.transactions import lock_rows, try_lock, wait_for_locks
from .merge import CallMerge

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
# Two reports of one start may differ by this.
ROW_SECONDS = 5
# The id of a call that is known from rows without an id.
MADE_UP = "row/"


class Joined(NamedTuple):
    """Two legs that became one call."""

    call: Any  # pbx.call that is left
    facts: CallFacts  # of both


def is_made_up(ref):
    """Tell whether ``ref`` is of our own making, and not the PBX's."""
    return bool(ref) and ref.startswith(MADE_UP)


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

    def calls_of_rows(self, groups):
        """Return ``{made-up id: call}`` of those groups whose call is in the log.

        It has the same direction and number, a leg of the same extension, and a start
        within :data:`ROW_SECONDS`. An incoming call that is known from rows alone may
        have rung at further extensions.

        :param dict groups: ``{made-up id: [CallEvent]}``, as :func:`made_up_groups`.
        """
        found = {}
        for ref, events in groups.items():
            derived = derive(CallFacts(events))
            # An outside number that rings in several places rings once.
            anywhere = derived.direction == INBOUND and bool(derived.number)
            near = self._near(derived, anywhere)
            # The PBX's own id is the better one: the other call gives way to it.
            near = near.sorted(lambda call: is_made_up(call.ref))
            if near:
                found[ref] = near[0]
        return found

    def bind_rows(self, call, facts):
        """Let a call that is known from rows alone be ``call``, if it is the same.

        The record of the rows stays, with what people wrote there, unless they picked
        somebody in the other one; its id gives way.

        :return: ``(call, facts)``, as they were or of both.
        """
        if dialects.get(self.settings.dialect).history_has_ids:
            return call, facts
        derived = derive(facts)
        if not derived.number or is_made_up(call.ref) or not derived.ref:
            return call, facts
        near = self._near(derived) - call
        near = near.filtered(lambda one: is_made_up(one.ref))[:1]
        if not near:
            return call, facts
        # Its id is known to who clicked; or a person has picked somebody there.
        if call.clicked_at or call.partner_source == "picked" or call.user_picked:
            facts = facts.add(CallFacts.from_json(near.facts).events)
            self._give_way(near, call)
            return call, facts
        lock_rows(near)
        facts = facts.add(CallFacts.from_json(near.facts).events)
        self._give_way(call, near)
        return near, facts

    def _near(self, derived, anywhere=False):
        """Return the calls that ``derived`` may be: by direction, number, start, and
        one of its extensions.

        :param bool anywhere: at whatever extension, if it is known from rows alone.
        """
        self.calls.flush_model()
        self.env["pbx.call.leg"].flush_model()
        span = timedelta(seconds=ROW_SECONDS)
        start = derived.start.replace(microsecond=0)
        rows = self.env.execute_query(
            SQL(
                """SELECT call.id FROM pbx_call call
                    WHERE call.provider_id = %(provider)s
                      AND call.start BETWEEN %(early)s AND %(late)s
                      AND call.direction = %(direction)s
                      -- a click that waits for its first event is bound by that
                      AND call.ref IS NOT NULL
                      AND coalesce(call.number, '') = %(number)s
                      AND (%(anywhere)s AND call.ref LIKE %(made_up)s OR EXISTS (
                          SELECT 1 FROM pbx_call_leg leg
                           WHERE leg.call_id = call.id
                             AND leg.number = ANY(%(extensions)s)))
                 ORDER BY call.start, call.id LIMIT %(limit)s""",
                provider=self.settings.id,
                early=start - span,
                late=start + span,
                direction=derived.direction,
                number=derived.number,
                anywhere=anywhere,
                made_up=f"{MADE_UP}%",
                extensions=_extensions(derived),
                limit=MAX_NEAR,
            )
        )
        return self.calls.browse([call_id for [call_id] in rows])

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


# --------------------------------------------------------------------- rows without id


def made_up_groups(rows):
    """Return ``{made-up id: [CallEvent]}`` of ``LOGGED`` events without an id.

    The id follows from extension, direction, number and start, so that a row that is
    read again has the same one. Rows of one incoming number that began within
    :data:`ROW_SECONDS` are one call, at however many extensions it rang; so are rows of
    one extension and number.
    """
    calls = []
    for row in rows:
        derived = derive(CallFacts([row]))
        extension = next(iter(_extensions(derived)), "")
        party = (derived.direction, derived.number)
        if derived.direction != INBOUND or not derived.number:
            party += (extension,)
        calls.append((party, derived.start, extension, row))
    calls.sort(key=lambda call: (call[0], call[1], call[2], repr(call[3])))
    groups, last, begun, ref = {}, None, None, ""
    for party, start, extension, row in calls:
        if party != last or start - begun > timedelta(seconds=ROW_SECONDS):
            last, begun = party, start
            text = "|".join((extension, *party[:2], start.isoformat()))
            ref = MADE_UP + hashlib.sha256(text.encode()).hexdigest()[:32]
        groups.setdefault(ref, []).append(row)
    return groups


def _extensions(derived):
    return sorted({leg.extension for leg in derived.legs})
