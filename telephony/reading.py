"""The facts of one call, sorted by what they say."""

from dataclasses import replace
from functools import cached_property

from .event import (
    ANSWERED,
    BUSY,
    CANCELLED,
    CLICKED,
    DIALLED,
    ENDED,
    EXPIRED,
    FAILED,
    INBOUND,
    INTERNAL,
    LOGGED,
    MISSED,
    OFFERED,
    OUTBOUND,
    RECORDED,
    REFUSED,
    RELEASED,
    RINGING,
    SPOKEN,
    is_person,
)
from .legs import end_of, legs_of, outcome_of
from .local_time import LONGEST_AHEAD, choose_starts, is_plausible
from .numbers import from_pbx, is_short
from .verdict import (
    Verdict,
    completed,
    decide,
    later,
    rows_of,
    still_open,
    whole,
    with_contradictions,
)

# How much the clocks of the PBX, the network and ours may differ. A talk that is longer
# than from the start to the receipt of its end, by more than this, was made up.
CLOCK_SECONDS = 300
# Nobody talks that long: where nothing says when a call began.
LONGEST_TALK_SECONDS = 24 * 3600
# Events of a call that goes on arrive so much later than its end at the most.
LATE_SECONDS = 10
# What may be the first event of a call.
_OPENING = (OFFERED, DIALLED, RINGING)
# What we say of a call, and not the PBX.
_OURS = (CLICKED, REFUSED)


def first_of(values, default=""):
    """Return the first value that is not empty."""
    return next((value for value in values if value), default)


def _as_asked(events):
    """Return events in which the phone that we asked to dial is named as who dials.

    Asked to show another extension's number, a PBX tells of that extension, although
    the phone there never rings. A ``CLICKED`` has it as its caller.
    """
    asked = first_of((e for e in events if e.kind == CLICKED and e.caller), None)
    if asked is None:
        return events
    return tuple(
        replace(
            event,
            extension=asked.extension
            if event.extension == asked.caller
            else event.extension,
            caller="" if event.caller == asked.caller else event.caller,
        )
        for event in events
    )


def _with_ways(events):
    """Return events in which the first leg of a call is an inbound one, where it rings
    and nothing says of the leg who is at its other end.

    Of a withheld caller a PBX may say nothing at all; of a colleague it says so.
    """
    first = _first_opening(event for event in events if event.leg)
    if first is None or first.kind != RINGING:
        return events
    if any(event.direction for event in events if event.leg == first.leg):
        return events
    return tuple(
        replace(event, direction=INBOUND) if event.leg == first.leg else event
        for event in events
    )


def _with_own_legs(events):
    """Return events in which all of a leg is our own part of a click, where each of
    them that says whose leg it is says so: an end need not say it again.

    Where the part that follows goes on under the same id, it begins anew.
    """
    own = {event.leg for event in events if event.leg and event.own_leg}
    own -= {e.leg for e in events if e.kind in _OPENING and not e.own_leg}
    return tuple(
        replace(
            event,
            own_leg=True,
            direction=OUTBOUND,
            caller="",
            called="",
            disposition=CANCELLED if event.disposition == SPOKEN else event.disposition,
        )
        if event.leg in own and not event.own_leg
        else event
        for event in events
    )


def _first_opening(events):
    """Return the event that began the first leg; ``None``: none is there.

    Of two in one moment one that rings: nothing was dialled before it. When they were
    received does not matter.
    """
    return min(
        (event for event in events if event.kind in _OPENING),
        key=lambda e: (e.when, e.kind == DIALLED, *e.sort_key()[2:]),
        default=None,
    )


def _leads_out(event):
    """Tell whether a leg says of itself that it was dialled to somebody outside, though
    an extension may have the same number."""
    return bool(event.leg and event.direction == OUTBOUND and not event.own_leg)


def _named_extensions(events):
    """Return the identities of extensions, as the events themselves say."""
    named = set()
    for event in events:
        named.update((event.extension, event.handed_by, *event.also))
        named.update(event.known_extensions)
        if event.direction == INTERNAL:
            named.update((event.caller, event.called))
    return named - {""}


class Reading:
    """:var decisive: the events that decide how the call went; ``events`` are all.
    :var live: what was reported while the call went on, or by us; without history.
    :var rows: what history tells of it, ``all_rows`` with our own leg of a click.
    :var extensions: the identities that events name as extensions, or that were known.
    :param str country: of the account, in which national numbers are read.
    :var end: the END that counts, or what the releases of all legs amount to.
    :var believed: its talk can be true.
    :var answered_unheard: history alone tells of the leg that spoke.
    """

    def __init__(self, facts, history_outranks=True, country=""):
        self.country = country
        self.history_outranks = history_outranks
        self.events = _with_ways(_with_own_legs(_as_asked(facts.events)))
        self.extensions = _named_extensions(self.events)
        pbx = [e for e in self.events if e.kind not in (*_OURS, EXPIRED)]
        # A click-to-call first rings our own extension; that part tells the fate of
        # the call only as long as nothing is known of the part that follows.
        # An ANSWER that does not say whose it is tells of no second part.
        outer = [e for e in pbx if not e.own_leg]
        second = any(e.kind not in (ANSWERED, RECORDED) for e in outer)
        # What we asked for counts until the PBX says anything.
        self.decisive = outer if second else pbx or list(self.events)
        self.heard = bool(pbx)
        live = [e for e in pbx if e.kind != LOGGED]
        self.history_alone = all(e.kind == RECORDED for e in live)
        self.live = live or [e for e in self.events if e.kind != LOGGED]
        self.first = min((e.received_at for e in self.live), default=None)
        self.all_rows = rows_of(self._of(self.events, LOGGED), self.first)
        logged = self.of(LOGGED)
        is_all = len(logged) == sum(e.kind == LOGGED for e in self.events)
        self.rows = self.all_rows if is_all else rows_of(logged, self.first)
        self._begun = self.start()
        self.direction = self._direction()
        self.answers = self._answers()
        # A call that is over leg by leg ends with the last of them, our own included.
        self.known_legs = legs_of(pbx)
        self.end = self._end() or end_of(self.known_legs, self.direction)
        self.believed = self.end is None or self.is_credible(self.end)
        self.answered_unheard = False
        self.closed = self._closed()
        self.verdict = self._verdict()

    @staticmethod
    def _of(events, *kinds):
        return [event for event in events if event.kind in kinds]

    def of(self, *kinds):
        return self._of(self.decisive, *kinds)

    def _is_inside(self, party):
        """Tell whether a party is an extension: named as one, or known as one."""
        return party in self.extensions

    def _direction(self):
        directions = {event.direction for event in self.events}
        if not self.history_outranks:
            live = {e.direction for e in self.live if e.direction}
            directions = live or directions
        if {INBOUND, OUTBOUND} <= directions and (opening := self._first_leg()):
            # A leg that was handed on goes another way than the call.
            direction = opening.direction
        elif INBOUND in directions:
            direction = INBOUND
        elif OUTBOUND in directions:
            direction = OUTBOUND
        elif INTERNAL in directions:
            return INTERNAL
        else:
            answers = self._of(self.events, ANSWERED)
            if not answers:
                return ""
            # Only ANSWER came, from a PBX whose ids do not show the direction.
            direction = OUTBOUND if any(map(self._dialled, answers)) else INBOUND
        callers = {e.caller for e in self.decisive if e.caller}
        called = {e.called for e in self.decisive if e.called}
        parties = called if direction == OUTBOUND else callers | called
        own_leg_only = all(e.own_leg for e in self.decisive)
        if own_leg_only or not parties:
            return direction
        if direction == OUTBOUND:
            if any(e.called for e in filter(_leads_out, self.decisive)):
                return direction
            return INTERNAL if all(map(self._is_inside, parties)) else direction
        # An extension that calls a group: the group's number is short, and that is all
        # that is known of it.
        inside = callers and called and all(map(self._is_inside, callers))
        if inside and all(self._is_inside(c) or is_short(c) for c in called):
            return INTERNAL
        return direction

    def _dialled(self, answer):
        """Tell whether the leg of an ANSWER, of which no more is known, was dialled by
        us: of one that rings a PBX that tells legs apart names the line alone."""
        if not answer.caller:
            return not (answer.leg and answer.called)
        return self._is_inside(answer.caller)

    def _first_leg(self):
        """Return the event that began the first leg, where legs are told apart."""
        return _first_opening(
            event for event in self.live if event.leg and event.direction != INTERNAL
        )

    def _answers(self):
        answers = self.of(ANSWERED)
        if self.direction == INBOUND:
            # A menu may lift before a person does.
            people = [e for e in answers if is_person(e.extension, self.direction)]
            return people or answers
        # And our own phone before the other party does.
        outer = [e for e in answers if not e.own_leg]
        if not outer and any(e.leg for e in answers):
            return []  # the other party has a leg of its own, and has not lifted
        return outer or answers

    def _end(self):
        """The END that wins: an answered one, then the longest."""
        ends = self.of(ENDED)
        if not ends:
            return None
        return min(ends, key=self.rank_of_end)

    def rank_of_end(self, end):
        """Return what orders ends, the one that counts first: an answered one, whose
        talk can be true, the longest."""
        return (
            end.disposition != SPOKEN,
            not self.is_credible(end),
            -(end.talk or 0),
            end.sort_key(),
        )

    def is_credible(self, end):
        """Tell whether a call can have lasted as long as its end says.

        What is signed of an end may leave out how long they talked.
        """
        if end.talk is None:
            return True
        over = max(end.received_at, end.when)
        begun = [moment for moment in (self._begun, self.first) if moment < over]
        if not begun:
            # Nothing came before it, and the PBX's clock or zone is not ours.
            return end.talk <= LONGEST_TALK_SECONDS
        return end.talk <= (over - min(begun)).total_seconds() + CLOCK_SECONDS

    def _seconds_since_answer(self, end):
        lifted = [e.when for e in self.answers if e.when < end.when]
        lifted = min(lifted or [self._begun, self.first])
        return whole(int((end.when - lifted).total_seconds()))

    def _refusal(self):
        """What the PBX said instead of dialling; what it dialled all the same wins."""
        return None if self.heard else first_of(self._of(self.events, REFUSED), None)

    def _silence(self):
        """That nothing followed what we asked for, as long as that is true."""
        expired = self._of(self.events, EXPIRED)
        return None if self.heard else first_of(expired, None)

    def _closed(self):
        if self.end is not None or self._refusal():
            return True
        if any(e.kind == EXPIRED for e in self.events):
            return True
        over = {id(e) for leg in self.known_legs if leg.is_released for e in leg.events}
        waiting = [e for e in self.of(RINGING, ANSWERED) if id(e) not in over]
        return not still_open(self.rows, waiting)

    # -- how it went -------------------------------------------------------------------

    def _verdict(self):
        speakers = self._live_speakers()
        outcome = self._live_outcome(speakers)
        ending = self.end or self._refusal() or self._silence()
        live = Verdict(
            outcome=outcome,
            said=ending.said if ending else "",
            talk=self._live_talk() if self.end and outcome == SPOKEN else 0,
            speakers=tuple(speakers),
        )
        if not self.rows or not self.closed:
            return live
        end = self.end if self.believed else replace(self.end, talk=None)
        logged = decide(self.rows, self.direction, live, end, self.answers)
        if not self.history_outranks:
            if self._is_answered_unheard(live, logged):
                self.answered_unheard = True
                return logged
            return completed(live, logged, end)
        if self.end is None:
            return logged
        told = whole(self.end.talk) if outcome == SPOKEN else 0
        reported = live._replace(talk=told)
        return with_contradictions(logged, reported, self.end, self.direction)

    def _is_answered_unheard(self, live, logged):
        """Tell whether somebody spoke of whose leg no event told the end.

        What events tell of the other legs says nothing of this one.
        """
        if self.end is None or self._end() is not None or live.outcome == SPOKEN:
            return False
        heard = {leg.extension for leg in self.known_legs if leg.releases}
        return logged.outcome == SPOKEN and not heard.issuperset(logged.speakers)

    def _live_talk(self):
        if self.believed:
            return whole(self.end.talk)
        return self._seconds_since_answer(self.end)

    def in_doubt(self):
        """Tell whether what ended the call is contradicted, and history says nothing of
        it yet: by another end, by its own length, or by what came after it."""
        if self.rows or self.end is None or not self.history_outranks:
            return False
        if not self.believed:
            return True
        if len({(e.disposition, e.talk) for e in self.of(ENDED)}) > 1:
            return True
        late = later(self.end.when, LATE_SECONDS)
        return any(e.when > late for e in self.of(RINGING, ANSWERED))

    def _live_speakers(self):
        """Extensions that spoke by what webhooks tell, the last one first."""
        named = []
        if self.end is not None:
            spoken = [self.end] + [
                e for e in self.of(ENDED) if e.disposition == SPOKEN and e != self.end
            ]
            for event in spoken:
                if event.disposition == SPOKEN:
                    named += [event.extension, *event.also]
        named += [e.extension for e in reversed(self.answers)]
        return list(dict.fromkeys(name for name in named if name))

    def _live_outcome(self, speakers):
        if not self.closed:
            return ""
        disposition = self.end.disposition if self.end else ""
        if self.direction == INBOUND:
            if any(is_person(name, self.direction) for name in speakers):
                return SPOKEN
            if disposition in (BUSY, FAILED):
                return disposition
            # Given up, not answered, or no person lifted.
            return MISSED
        if self.end is None:
            return SPOKEN if self.answers else FAILED
        return disposition or FAILED

    def state(self):
        if self.closed:
            return "done"
        opening = self.of(OFFERED, RINGING, DIALLED, CLICKED)
        if not opening:
            return "ongoing"
        if not self.answers:
            return "ringing"
        if self.direction == INBOUND and not self.verdict.speakers:
            # A menu lifted; a phone that began to ring after that still rings.
            rang = [e.when for e in self.of(RINGING)]
            if rang and max(rang) > max(e.when for e in self.answers):
                return "ringing"
        return "ongoing"

    # -- who and when ------------------------------------------------------------------

    def start(self):
        """When the call began.

        A reading of the reported start counts that lies about when the call was first
        heard of; history knows better than one that does not.
        """
        near = self._heard_at()
        told = [event for event in self.live if event.readings]
        starts = [start for _event, start in choose_starts(told, near)] if told else []
        exact = [e.at for e in self.live if e.at and e.kind in _OPENING]
        logged = [row.start for row in self.all_rows if row.has_start]
        for known in ([*starts, *exact], logged):
            plausible = [one for one in known if near and is_plausible(one, near)]
            if plausible:
                return min(plausible)
        # Where webhooks tell it, history only repeats it, and per leg.
        starts = [one for one in starts if one - self.first < LONGEST_AHEAD]
        starts = [*starts, *exact] or logged
        if starts:
            return min(starts)
        asked = [e.at for e in self.live if e.kind == CLICKED and e.at]
        return min(asked or [self.first or min(e.received_at for e in self.events)])

    def _heard_at(self):
        """When the call was first heard of; of an end alone, when the talk began."""
        before = [e.received_at for e in self.live if e.kind != ENDED]
        ends = [
            later(e.received_at, -whole(e.talk)) for e in self.live if e.kind == ENDED
        ]
        return min(before or ends, default=None)

    def parties(self):
        """The outside party and our line, in one spelling per phone."""
        return tuple(map(self._spelled, self._parties()))

    def _spelled(self, party):
        if not party or self._is_inside(party):
            return party
        return from_pbx(party, self.country) or party

    def _by_what_they_know(self):
        """Return the events in the order of what they know of the parties."""
        # The event that opens a call is the one that knows best who it is about.
        order = (OFFERED, DIALLED, ENDED, RINGING, ANSWERED)
        rank = {kind: place for place, kind in enumerate(order)}
        ordered = sorted(self.decisive, key=lambda e: rank.get(e.kind, len(order)))
        known = set(map(id, ordered))
        ordered += [e for e in self.events if id(e) not in known]
        if self.direction != INTERNAL:
            # Of a part inside the house: it does not know who is outside.
            ordered = [e for e in ordered if e.direction != INTERNAL]
        return ordered

    def _parties(self):
        """The outside party and our line."""
        ordered = self._by_what_they_know()
        if self.direction == INBOUND:
            # A leg that leads out again names whom it reached, and no line of ours.
            ordered = [e for e in ordered if e.direction != OUTBOUND]
        callers = [e.caller for e in ordered]
        called = [e.called for e in ordered]
        outside = [
            event.called
            for event in ordered
            if _leads_out(event) or not self._is_inside(event.called)
        ]
        if not self.direction:
            # Of a leg that does not say which way it goes that is a line of ours.
            outside = [e.called for e in ordered if not e.leg and e.called in outside]
        # A number under which we are called, or which we show, is a whole one.
        lines = called if self.direction == INBOUND else callers
        line = first_of(t for t in lines if not self._is_inside(t) and not is_short(t))
        if self.direction == INBOUND:
            return first_of(callers), first_of(self.doubtful_lines or [line])
        if self.direction == INTERNAL:
            rung = (e.extension for e in self.of(RINGING))
            return first_of([*called, *rung]), ""
        return first_of(outside), line

    @cached_property
    def doubtful_lines(self):
        """What may be our line of an inbound call, where nothing certain tells it.

        A row of the history, or who lifted, may name the number to which the call was
        forwarded, which is somebody else's: the leg that began first is the likeliest.
        """
        if self.direction != INBOUND:
            return ()
        naming = [
            event
            for event in self._by_what_they_know()
            if event.called
            and not self._is_inside(event.called)
            and not is_short(event.called)
        ]
        if any(event.kind not in (LOGGED, ANSWERED) for event in naming):
            return ()
        naming.sort(key=lambda e: (min(e.readings, default=e.when), e.sort_key()))
        return tuple(dict.fromkeys(self._spelled(event.called) for event in naming))

    def extension(self):
        verdict = self.verdict
        if self.direction == INBOUND:
            spoke = verdict.outcome == SPOKEN or not self.closed
            return first_of(verdict.speakers) if spoke else ""
        kinds = (DIALLED, ANSWERED)
        dialled = [e.extension for e in (*self.of(DIALLED), *self.events)
                   if e.kind in kinds]  # fmt: skip
        ended = [self.end.extension] if self.end else []
        logged = [row.extension for row in (*self.rows, *self.all_rows)]
        callers = [e.caller for e in self.decisive if self._is_inside(e.caller)]
        asked = [e.extension for e in self._of(self.events, *_OURS)]
        if self.direction == INTERNAL:
            # Told as an inbound call, its END names who was called.
            return first_of([*callers, *dialled, *ended, *logged])
        return first_of([*ended, *dialled, *logged, *callers, *asked])

    def ref(self):
        """The PBX's id; of several that of the part that reached the other party."""
        return first_of(e.ref for e in (*self.decisive, *self.events))

    def legs(self, stop):
        """Return ``{extension: {field of a leg: value}}``."""
        legs = {}
        silent = (EXPIRED, RECORDED, LOGGED)
        if self.heard:
            silent += _OURS
        for event in self.events:
            for name in self._names(event) if event.kind not in silent else ():
                leg = legs.setdefault(name, {})
                if event.kind in (RINGING, DIALLED):
                    leg.setdefault("start", event.when)
                elif event.kind == ANSWERED and not event.own_leg:
                    # One that came late says that, and not when, the phone was lifted.
                    if stop is None or event.when < stop:
                        leg.setdefault("answer", event.when)
        for event in self._of(self.events, LOGGED):
            for name in self._names(event):
                legs.setdefault(name, {})
        self._add_releases(legs)
        self._add_rows(legs, stop)
        for name, leg in legs.items():
            if self.verdict.outcome == SPOKEN and name in self.verdict.speakers:
                leg["outcome"] = SPOKEN
        return legs

    def first_heard_of(self, start):
        """Return ``{extension: moment}``: since when each has a part in the call.

        By what was reported while it went on; of history alone by its rows.
        """
        found = {}
        for event in self.live:
            at = event.when
            if event.kind in (ENDED, RELEASED):
                # Who spoke at the end had lifted before that.
                at = max(later(at, -whole(event.talk)), min(start, at))
            for name in self._names(event) if event.kind != EXPIRED else ():
                found[name] = min(found.get(name, at), at)
        logged = {}
        for row in self.all_rows:
            at = row.start if row.has_start else start
            logged[row.extension] = min(logged.get(row.extension, at), at)
        return {**logged, **found}

    def _names(self, event):
        names = [event.extension, *event.also]
        if self.direction == INTERNAL and event.direction != INTERNAL:
            # It tells of both ends at once.
            names += [n for n in (event.caller, event.called) if self._is_inside(n)]
        return filter(None, names)

    def _add_releases(self, legs):
        still_open = {leg.extension for leg in self.known_legs if not leg.is_released}
        for leg in self.known_legs:
            if not leg.extension or leg.extension in still_open:
                continue
            found, over = legs[leg.extension], leg.last_release.when
            if over >= found.get("stop", over):
                found["stop"] = over
            outcome = outcome_of(leg, self.direction)
            if outcome and found.get("outcome") != SPOKEN:
                found["outcome"] = outcome

    def _add_rows(self, legs, stop):
        for row in filter(lambda row: row.extension, self.all_rows):
            leg = legs[row.extension]
            leg.setdefault("start", row.start)
            if self.closed and self.direction == INBOUND:
                leg.setdefault("outcome", MISSED)
            if self.history_alone:
                # Of the leg history alone tells, and no more than that.
                leg["stop"] = max(row.end, leg.get("stop", row.end))
                if row.answered and stop is not None and row.start < stop:
                    leg.setdefault("answer", row.start)
