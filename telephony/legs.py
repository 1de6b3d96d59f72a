"""The legs of a call, where the PBX tells of each when it was released.

No event ends such a call: it is over when every known leg is. A leg that starts later
opens it again.
"""

from .event import (
    ANSWERED,
    BUSY,
    DIALLED,
    ENDED,
    FAILED,
    INBOUND,
    MISSED,
    RELEASED,
    RINGING,
    SPOKEN,
    CallEvent,
    is_person,
)
from .verdict import later

_STARTS = (RINGING, DIALLED)
_KINDS = (*_STARTS, ANSWERED, RELEASED)


class LegEvents:
    """What is known of one leg.

    :var events: in the order of their times; ``releases`` are those among them that
        tell the leg's end.
    :var is_own: it is the leg of a click in which our own extension is rung first. Of
        some PBXs the leg that reaches the other party goes on under the same id.
    """

    def __init__(self, events):
        self.events = sorted(events, key=CallEvent.sort_key)
        self.extension = next((e.extension for e in self.events if e.extension), "")
        self.is_own = all(e.own_leg for e in self.events)
        self.releases = [e for e in self.events if e.kind == RELEASED]

    @property
    def last_release(self):
        return self.releases[-1]

    @property
    def is_released(self):
        """Whether the leg is over, and its extension was not rung again after that."""
        if not self.releases:
            return False
        if self.events[0].leg:
            return True
        over = self.last_release.when
        # A receipt alone may be late: only exact times tell that an answer came after.
        return not any(
            e.when > over and (e.kind in _STARTS or (e.kind == ANSWERED and e.at))
            for e in self.events
        )

    @property
    def is_answered(self):
        """Whether somebody spoke here: who lifts the phone that a click rings first has
        reached nobody yet."""
        return any(
            e.kind == ANSWERED or (e.kind == RELEASED and e.disposition == SPOKEN)
            for e in self.events
            if not e.own_leg
        )

    def talks(self):
        """Return ``[(answer, release)]``, one for each time the leg spoke."""
        found, before = [], None
        for release in self.releases:
            answers = [
                e.when
                for e in self.events
                if e.kind == ANSWERED
                and not e.own_leg
                and e.when <= release.when
                and (before is None or e.when > before)
            ]
            if release.talk is not None:
                found.append((later(release.when, -release.talk), release.when))
            elif answers:
                found.append((min(answers), release.when))
            before = release.when
        return found


def legs_of(events):
    """Return the list of :class:`LegEvents` that ``events`` tell of.

    A leg is what the PBX gave an id, or else all that one extension did.
    """
    found = {}
    for event in events:
        if event.kind == RELEASED or (
            event.kind in _KINDS and (event.extension or event.leg)
        ):
            key = (True, event.leg) if event.leg else (False, event.extension)
            found.setdefault(key, []).append(event)
    return [LegEvents(events) for _key, events in sorted(found.items())]


def end_of(legs, direction):
    """Return the event that ends a call whose legs are all released, or ``None``.

    Its ``talk`` is the time during which any leg spoke, its times are those of the last
    release, and its disposition is empty where no event tells how it went.
    """
    if not any(leg.releases for leg in legs) or not all(
        leg.is_released for leg in legs
    ):
        return None
    legs = sorted(legs, key=lambda leg: leg.last_release.sort_key())
    last = legs[-1].last_release
    inbound = direction == INBOUND
    spoke = [
        leg for leg in legs if leg.is_answered and is_person(leg.extension, direction)
    ]
    if spoke:
        disposition, said = SPOKEN, spoke[-1].last_release.said
    elif inbound:
        disposition, said = _unanswered(legs)
    else:
        disposition, said = _not_reached(legs)
    talks = [talk for leg in spoke for talk in leg.talks()]
    names = [leg.extension for leg in reversed(spoke) if leg.extension]
    names = list(dict.fromkeys(names))
    return CallEvent(
        kind=ENDED,
        ref=last.ref,
        received_at=last.received_at,
        at=last.at,
        extension=names[0] if names else "",
        also=tuple(names[1:]),
        talk=_seconds(talks) if talks else None,
        disposition=disposition,
        said=said,
    )


def outcome_of(leg, direction):
    """Return the outcome of a released leg, ``""`` where it is unknown."""
    if leg.is_answered:
        return SPOKEN
    disposition = leg.last_release.disposition
    if direction == INBOUND:
        return disposition if disposition == BUSY else MISSED
    return disposition


def _unanswered(legs):
    """Return ``(disposition, word)`` of an inbound call that nobody answered."""
    words = {leg.last_release.disposition for leg in legs if leg.extension}
    words = words or {leg.last_release.disposition for leg in legs}
    said = legs[-1].last_release.said
    if words in ({BUSY}, {FAILED}, {""}):
        return words.pop(), said
    return MISSED, said


def _not_reached(legs):
    """Return ``(disposition, word)`` of a call of ours that nobody answered.

    The leg that dialled says it best, else the last one that says anything; the phone
    that a click rang first only where there was no other.
    """
    outer = [leg for leg in legs if not leg.is_own]
    dialled = [leg for leg in outer if any(e.kind == DIALLED for e in leg.events)]
    for leg in (*reversed(dialled), *reversed(outer), *reversed(legs)):
        if leg.last_release.disposition:
            return leg.last_release.disposition, leg.last_release.said
    return "", legs[-1].last_release.said


def _seconds(talks):
    """Return the whole seconds that the union of ``talks`` has."""
    total, until = 0, None
    for start, stop in sorted(talks):
        if until is not None and start < until:
            start = until
        if stop > start:
            total += (stop - start).total_seconds()
        until = stop if until is None else max(until, stop)
    return int(total)
