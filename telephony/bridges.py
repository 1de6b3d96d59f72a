"""What a call is, where the PBX reports each leg, and the bridges between them.

Such a PBX says what its switch does, and not what a person would call the outcome. A
call began with its first leg; it was answered when a person of ours and the other
party were in one bridge; and it is over when its first id is, or all of its legs are.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from .event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    CLICKED,
    ENDED,
    EXPIRED,
    EXTENSION,
    FAILED,
    INBOUND,
    INTERNAL,
    JOINED,
    LEFT,
    MISSED,
    NO_ANSWER,
    OFFERED,
    OUTBOUND,
    PIPE,
    REFUSED,
    RELEASED,
    SPOKEN,
    STARTED,
    TRUNK,
    CallEvent,
)
from .folding import KEPT
from .numbers import is_short

# Of the legs of one endpoint those that may still be open, once facts have as many ends
# of them as they keep: before that all ends are known.
MAY_BE_OPEN, ENDS_KEPT = KEPT[STARTED][1], KEPT[RELEASED][1]


@dataclass
class BridgedLeg:
    """All that is known of one leg; times are ``None`` where nothing tells them."""

    id: str
    endpoint: str = ""
    role: str = ""
    # The id of the call that it began under.
    ref: str = ""
    caller: str = ""
    called: str = ""
    start: datetime | None = None
    answer: datetime | None = None
    release: CallEvent | None = None
    events: list = field(default_factory=list)

    @property
    def is_first(self):
        return self.id == self.ref


@dataclass(frozen=True)
class Conversation:
    """A time in which the other party and ``extensions`` heard each other.

    ``stop`` is ``None`` while it goes on, and where nothing tells its end.
    """

    start: datetime
    stop: datetime | None
    extensions: frozenset


class BridgedReading:
    """The facts of one call, read leg by leg.

    :var ref: the first of the ids that the call had; the others are its aliases.
    :var list legs: of :class:`BridgedLeg`, in the order in which they began, without
        the pipes between them.
    :var first: the leg that the call began with, ``None`` if nothing is known of it.
    :var list conversations: in the order of their beginnings.
    """

    def __init__(self, facts):
        self.events = facts.events
        self.heard = [event for event in self.events if event.endpoint]
        self.clicked = self._first_of(CLICKED)
        self.refused = self._first_of(REFUSED)
        self.expired = self._first_of(EXPIRED)
        self.extensions = self._known_extensions()
        self.ref = min(self.heard, key=lambda e: (e.when, e.sort_key())).ref
        self.legs = self._legs()
        self.end = next(
            (e for e in self.heard if e.kind == ENDED and e.ref == self.ref), None
        )
        self.open_legs = self._open_legs()
        self.closed = self._is_closed()
        self.first = next((one for one in self.legs if one.id == self.ref), None)
        # Another program had a phone of ours rung through a pipe: that began the call.
        self.from_pipe = self.first is None and self._begins_with_a_pipe()
        if self.from_pipe:
            self.first = self._first_phone()
        self.connections = list(self._connections())
        self.direction = self._direction()
        self.conversations = self._conversations()
        self.spoke = bool(self.conversations) or self._spoke_with_the_pbx()

    def _first_of(self, kind):
        return next((event for event in self.events if event.kind == kind), None)

    def _known_extensions(self):
        known = set()
        for event in self.events:
            known.update(event.known_extensions)
            if event.role == EXTENSION:
                known.add(event.endpoint)
        return known

    # -------------------------------------------------------------------------- legs

    def _legs(self):
        legs = {}
        for event in self.heard:
            if event.role == PIPE or event.kind == ENDED:
                continue
            leg = legs.setdefault(event.leg, BridgedLeg(event.leg))
            leg.events.append(event)
        for leg in legs.values():
            self._complete(leg)
        return sorted(legs.values(), key=lambda leg: (leg.events[0].when, leg.id))

    def _complete(self, leg):
        leg.events.sort(key=lambda event: (event.when, event.sort_key()))
        # What a leg shows of the parties changes; as it began it is true.
        opening = [e for e in leg.events if e.kind in (STARTED, OFFERED)] or leg.events
        leg.endpoint, leg.ref = leg.events[0].endpoint, leg.events[0].ref
        leg.role = next((e.role for e in leg.events if e.role), "") or (
            EXTENSION if leg.endpoint in self.extensions else TRUNK
        )
        leg.caller = next((e.caller for e in opening if e.caller), "")
        is_phone = leg.role == EXTENSION
        called = ((is_phone and e.called_by_phone) or e.called for e in opening)
        leg.called = next(filter(None, called), "")
        leg.start = min((e.when for e in opening if e.kind == STARTED), default=None)
        answers = [e.when for e in leg.events if e.kind == ANSWERED]
        leg.answer = min(answers, default=None)
        releases = [e for e in leg.events if e.kind == RELEASED]
        leg.release = releases[-1] if releases else None

    def _begins_with_a_pipe(self):
        """Tell whether it did, where nothing is known of the leg that began the call:
        of one that is over all telephones are known."""
        pipes = (e for e in self.heard if e.role == PIPE)
        return self.closed or any(event.ref == self.ref for event in pipes)

    def _first_phone(self):
        """Return the leg of ours that lifted first, else that rang first."""
        ours = [leg for leg in self.of_role(EXTENSION) if leg.ref == self.ref]
        return min(
            ours,
            key=lambda leg: (leg.answer is None, leg.answer or leg.events[0].when),
            default=None,
        )

    def _open_legs(self):
        """Return the legs that began and are not over.

        Of an endpoint that was rung again and again facts no longer know which of its
        legs are over: the last few may be open, and those that are in a bridge.
        """
        inside = {leg for _joined, left, leg, _bridge in self._stays() if left is None}
        known, ends = {}, Counter()
        for leg in self.legs:
            if leg.start is not None and not leg.is_first:
                known.setdefault(leg.endpoint, []).append(leg)
        for event in self.heard:
            if event.kind == RELEASED and event.leg != event.ref:
                ends[event.endpoint] += 1
        may_be_open = {leg.id for leg in self.legs if leg.is_first and leg.start}
        for endpoint, legs in known.items():
            if ends[endpoint] >= ENDS_KEPT:
                legs = sorted(legs, key=lambda leg: (leg.start, leg.id))[-MAY_BE_OPEN:]
            may_be_open.update(leg.id for leg in legs)
        return [
            leg
            for leg in self.legs
            if leg.release is None and leg.id in may_be_open | inside
        ]

    def of_role(self, role):
        return [leg for leg in self.legs if leg.role == role]

    def _is_closed(self):
        if self.end or self.expired or self.refused:
            return True
        return any(leg.start is not None for leg in self.legs) and not self.open_legs

    # --------------------------------------------------------------------- direction

    def _direction(self):
        trunks = self.of_role(TRUNK)
        if self.clicked:
            is_inside = self.clicked.called in self.extensions or any(
                leg is not self.first for leg in self.of_role(EXTENSION)
            )
            stayed = not trunks or self._stayed_inside(self.clicked.called)
            return INTERNAL if is_inside and stayed else OUTBOUND
        if self.first is None:
            # Of its first leg nothing has come yet.
            if trunks:
                return OUTBOUND if self.from_pipe else INBOUND
            return INTERNAL if self.closed else ""
        if self.first.role == TRUNK:
            return INBOUND
        if trunks:
            is_inside = self._stayed_inside(self.first.called)
            return INTERNAL if is_inside else OUTBOUND
        is_alone = len(self.legs) == 1
        if is_alone and not self.closed and self.first.called not in self.extensions:
            return INTERNAL if _is_code(self.first.called) else OUTBOUND
        return INTERNAL

    def _stayed_inside(self, called):
        """Tell whether only colleagues spoke, though phones outside rang as well.

        :param str called: what was dialled: a number outside is one whoever lifts.
        """
        if called and not is_short(called) and not _is_code(called):
            return False
        spoke = self._heard_another()
        return not any(leg.id in spoke for leg in self.of_role(TRUNK)) and any(
            leg.id in spoke for leg in self.of_role(EXTENSION) if leg is not self.first
        )

    def _heard_another(self):
        """Return the ids of the legs that were in a bridge with another one."""
        ids, found = {leg.id for leg in self.legs}, set()
        for _moment, groups in self.connections:
            for group in groups:
                if len(group & ids) > 1:
                    found |= group & ids
        return found

    # ----------------------------------------------------------------- conversations

    def _parties(self):
        """Return the ids of the legs one of which takes part in each conversation."""
        if self.direction == INBOUND and self.first:
            return {self.first.id}
        wanted = EXTENSION if self.direction == INTERNAL else TRUNK
        legs = self.of_role(wanted)
        # Who was only consulted by one of ours is not who the call is with.
        return {leg.id for leg in legs if leg.ref == self.ref} or {
            leg.id for leg in legs
        }

    def _conversations(self):
        parties = self._parties()
        extension_of = {
            leg.id: leg.endpoint if leg.role == EXTENSION else "" for leg in self.legs
        }
        found, since, ours = [], None, frozenset()
        for moment, groups in self.connections:
            now = None
            for group in groups:
                legs = group & extension_of.keys()
                if len(legs) > 1 and legs & parties:
                    names = {extension_of[leg] for leg in legs} - {""}
                    now = frozenset(names) | (now or frozenset())
            if since is not None and now != ours:
                found.append(Conversation(since, moment, ours))
                since = None
            if since is None and now is not None:
                since, ours = moment, now
        if since is not None:
            stop = self.stop() if self.end or not self.expired else None
            found.append(Conversation(since, stop if self.closed else None, ours))
        return [one for one in found if one.stop is None or one.stop > one.start]

    def _connections(self):
        """Yield ``(moment, groups)`` for each change of the bridges, in order.

        ``groups`` are sets of the ids of legs that hear each other from then on. Two
        bridges with the halves of one pipe in them are one.
        """
        changes = {}
        for joined, left, leg, bridge in self._stays():
            changes.setdefault(joined, []).append((True, leg, bridge))
            if left is not None:
                changes.setdefault(left, []).append((False, leg, bridge))
        pipes = {e.leg: e.endpoint for e in self.heard if e.role == PIPE}
        inside = {}
        for moment in sorted(changes):
            for enters, leg, bridge in sorted(changes[moment]):
                members = inside.setdefault(bridge, set())
                members.add(leg) if enters else members.discard(leg)
            yield moment, _connected(inside, pipes)

    def _stays(self):
        """Yield ``(joined, left, leg, bridge)``: when each leg was in which bridge.

        ``left`` is ``None`` for one that is there still.
        """
        moves = {}
        for event in self.heard:
            # One whose bridge nobody names was with nobody.
            if event.kind in (JOINED, LEFT) and event.bridge:
                kinds_at = moves.setdefault((event.leg, event.bridge), {})
                kinds_at.setdefault(event.when, set()).add(event.kind)
        over = {leg.id: leg.release.when for leg in self.legs if leg.release}
        for (leg, bridge), kinds_at in moves.items():
            for joined, left in _spans(kinds_at):
                # A leg that was hung up is in no bridge, whatever was heard of that.
                if leg in over and over[leg] >= joined:
                    left = min(left or over[leg], over[leg])
                if left != joined:
                    yield joined, left, leg, bridge

    def _spoke_with_the_pbx(self):
        """Tell whether a phone of ours called the PBX itself: voicemail, an echo."""
        is_alone = self.direction == INTERNAL and len(self.legs) == 1
        if not is_alone or self.first is None or self.first.answer is None:
            return False
        if self.clicked:
            # Our own phone is lifted first: that says nothing of the other one.
            return self.closed and not self._has_no_way()
        return True

    def _has_no_way(self):
        """Tell whether our own phone was lifted, and the PBX then gave the call up."""
        own = self.first
        if own is None or own.answer is None or own.release is None:
            return False
        return own.release.disposition in (FAILED, NO_ANSWER)

    @property
    def talk(self):
        """Seconds of conversation; one whose end nothing tells does not count."""
        spans = [c for c in self.conversations if c.stop is not None]
        return round(sum((c.stop - c.start).total_seconds() for c in spans))

    @property
    def own_phone_only(self):
        """Whether of a click our own phone alone was rung, and not lifted."""
        return bool(
            self.clicked
            and (self.first is None or self.first.answer is None)
            and all(leg is self.first for leg in self.legs)
        )

    # ------------------------------------------------------------------- how it went

    def state(self):
        if self.closed:
            return "done"
        return "ongoing" if self.spoke else "ringing"

    def outcome(self):
        if not self.closed:
            return ""
        if self.spoke:
            return SPOKEN
        if self.direction == INBOUND:
            return self._unanswered()
        return self._not_reached()

    def _unanswered(self):
        lifted = any(leg.answer for leg in self.legs)
        endings = [leg.release for leg in self.of_role(EXTENSION)]
        dispositions = {event.disposition for event in endings if event}
        return BUSY if dispositions == {BUSY} and not lifted else MISSED

    def _not_reached(self):
        if self.expired and not self.legs:
            return FAILED
        reached = [leg for leg in self.legs if leg is not self.first]
        if self.direction == OUTBOUND:
            reached = self.of_role(TRUNK)
        if not reached:
            # Our own phone was not lifted; or nobody was to be called; or the PBX has
            # no way to whom we called.
            gives_up = self.clicked and not self.refused and not self._has_no_way()
            return CANCELLED if gives_up else FAILED
        own = self.first.release if self.first else None
        if own and own.disposition == CANCELLED:
            return CANCELLED
        endings = sorted(
            (leg.release for leg in reached if leg.release), key=CallEvent.sort_key
        )
        return (endings[-1].disposition if endings else "") or FAILED

    def disposition(self):
        """Return the PBX's own word: of the caller's leg, or of its refusal."""
        for ending in (self.first and self.first.release, self.refused, self.expired):
            if ending and ending.said:
                return ending.said
        endings = [leg.release for leg in self.legs if leg.release]
        endings.sort(key=CallEvent.sort_key)
        return endings[-1].said if endings and self.closed else ""

    # -------------------------------------------------------------------- who and when

    def start(self):
        begun = [leg.start for leg in self.legs if leg.start]
        if self.clicked and self.clicked.at and not begun:
            return self.clicked.at
        return min(begun, default=None) or min(event.when for event in self.heard)

    def answer(self):
        return self.conversations[0].start if self.conversations else None

    def stop(self):
        if not self.closed:
            return None
        if self.end:
            return self.end.when
        endings = [leg.release.when for leg in self.legs if leg.release]
        if endings and not self.open_legs:
            return max(endings)
        return None

    def parties(self):
        """Return the outside party, and our line that was called or is shown."""
        first = self.first
        if self.direction == INBOUND:
            if first is None:
                return next((leg.caller for leg in self.of_role(TRUNK)), ""), ""
            return first.caller, first.called
        if self.direction == INTERNAL:
            others = [leg.endpoint for leg in self.legs if leg is not first]
            asked = self.clicked.called if self.clicked else ""
            return asked or (first and first.called) or next(iter(others), ""), ""
        called = self.clicked.called if self.clicked else first.called if first else ""
        if not called or is_short(called):
            # Another program than Odoo had the phone rung: no leg says what it dials.
            # Or what was dialled led outside in the end: a group, a colleague.
            reached = self._reached_outside()
            if reached and not (called and is_short(reached)):
                called = reached
            elif called in self.extensions:
                called = ""
        shown = [event.caller for event in first.events] if first else []
        lines = [text for text in shown if text and not is_short(text)]
        return called, lines[-1] if lines else ""

    def _reached_outside(self):
        """Return whom the first leg outside that spoke, else that rang, was for."""
        trunks, spoke = self.of_role(TRUNK), self._heard_another()
        events = [
            event
            for leg in sorted(trunks, key=lambda leg: leg.id not in spoke)
            for event in leg.events
        ]
        return next((event.caller for event in events if event.caller), "")

    def extension(self):
        """Return who spoke last; of a call of ours who dialled."""
        if self.direction == INBOUND:
            for conversation in reversed(self.conversations):
                ours = conversation.extensions
                if ours:
                    return max(ours, key=lambda name: (self._first_spoke(name), name))
            return ""
        if self.first and self.first.role == EXTENSION:
            return self.first.endpoint
        return self.clicked.extension if self.clicked else ""

    def _first_spoke(self, name):
        return min(c.start for c in self.conversations if name in c.extensions)

    def extension_legs(self):
        """Return ``{extension: {field of a leg: value}}``, with ``first_at``."""
        found = {}
        for leg in self.of_role(EXTENSION):
            values = found.setdefault(leg.endpoint, {})
            first_at = min(
                values.get("first_at", leg.events[0].when), leg.events[0].when
            )
            values["first_at"] = first_at
            if leg.start and leg.start <= values.get("start", leg.start):
                values["start"] = leg.start
            if leg.release and leg.release.when >= values.get("stop", leg.release.when):
                values["stop"] = leg.release.when
                values["outcome"] = self._outcome_of(leg)
        for leg in self.open_legs:
            # It rings, or speaks, once more.
            if leg.role == EXTENSION:
                found[leg.endpoint].pop("stop", None)
                found[leg.endpoint].pop("outcome", None)
        for name, values in found.items():
            spoken = [c.start for c in self.conversations if name in c.extensions]
            if spoken:
                values["answer"] = min(spoken)
                values["outcome"] = SPOKEN
        if self.spoke and not self.conversations and self.first:
            found[self.first.endpoint]["outcome"] = SPOKEN
        return found

    def _outcome_of(self, leg):
        disposition = leg.release.disposition
        if self.direction == INBOUND:
            return BUSY if disposition == BUSY else MISSED
        return disposition

    def is_with_the_pbx(self):
        """Tell whether the PBX lifted an incoming call when our phones had rung in
        vain: voicemail, an announcement. A menu or a queue lifts before they ring."""
        ours = self.of_role(EXTENSION)
        if self.direction != INBOUND or self.closed or self.spoke or not ours:
            return False
        if (
            not self.first
            or not self.first.answer
            or any(leg.role == EXTENSION for leg in self.open_legs)
        ):
            return False
        return self.first.answer >= max(
            (leg.release.when for leg in ours if leg.release), default=self.first.answer
        )

    def ringing_since(self, extensions):
        """Return since when one of ``extensions`` is being rung, ``None`` if none is.

        :param extensions: their names, as the PBX has them.
        """
        rings = [
            leg.start
            for leg in self.open_legs
            if leg.role == EXTENSION
            and leg.endpoint in extensions
            and leg.answer is None
            and not leg.is_first
            and not any(event.kind == JOINED for event in leg.events)
        ]
        return max(rings, default=None)


def _spans(kinds_at):
    """Yield ``(joined, left)`` of one leg and one bridge; ``None``: it is there still.

    :param dict kinds_at: ``{moment: JOINED, LEFT or both}``. Who is inside at a moment
        of both left and came again, who is not came and left at once.
    """
    since = None
    for moment in sorted(kinds_at):
        kinds = kinds_at[moment]
        if since is None:
            since = moment if kinds == {JOINED} else None
        elif LEFT in kinds:
            yield since, moment
            since = moment if JOINED in kinds else None
    if since is not None:
        yield since, None


def _is_code(called):
    """Tell whether this is a code of the PBX, as ``*97`` is."""
    return called.startswith(("*", "#"))


def _connected(inside, pipes):
    """Return the sets of legs that hear each other.

    :param dict inside: ``{bridge: ids of the legs in it}``.
    :param dict pipes: ``{id of a half of a pipe: the pipe}``.
    """
    groups = []
    for members in inside.values():
        ends = {pipes[leg] for leg in members if leg in pipes}
        legs = set(members)
        for other in [g for g in groups if g[1] & ends]:
            groups.remove(other)
            legs, ends = legs | other[0], ends | other[1]
        if legs:
            groups.append((legs, ends))
    return [legs for legs, _ends in groups]
