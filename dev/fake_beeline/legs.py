"""One leg of a call, as its user has it, and what an event says of it. Pure.

Times are seconds from the beginning of the call.
"""

from dataclasses import dataclass, replace

from .abonents import Abonent

TERMINATOR, ORIGINATOR, CLICK = "Terminator", "Originator", "Click-to-Dial"
NETWORK, GROUP = "Network", "Group"
ALERTING, ACTIVE, HELD, RELEASED = "Alerting", "Active", "Held", "Released"


@dataclass(frozen=True)
class Leg:
    """:var abonent: whose leg it is.
    :var str number: the other party, E.164 or an extension; ``""``: not told.
    :var other: the :class:`Abonent` at the other end, of a call between two.
    :var str line: our number that was called or shown, E.164.
    :var float answer: ``None``: never.
    :var float release: ``None``: not yet.
    :var str ended_by: ``localRelease`` (our user), ``remoteRelease``, or ``""``.
    :var str cause: ``internalReleaseCause``; ``cdr``: its number in the call's record.
    :var bool withheld: the other party does not want to be known.
    :var str centre: the name of the call centre through which it came.
    """

    abonent: Abonent
    call_id: str
    ref: str
    personality: str = TERMINATOR
    call_type: str = NETWORK
    number: str = ""
    other: Abonent | None = None
    line: str = ""
    start: float = 0
    answer: float | None = None
    release: float | None = None
    ended_by: str = ""
    cause: str = ""
    cdr: str = ""
    recorded: bool = False
    withheld: bool = False
    redirect: str = ""  # why it was led here: hunt-group, unconditional, …
    redirect_type: str = GROUP
    centre: str = ""
    waited: int = 0  # in the call centre, seconds

    @property
    def inbound(self):
        return self.personality == TERMINATOR


@dataclass(frozen=True)
class Snapshot:
    """What one event says of a leg: its state at that moment, not what comes.

    :var bool addressed: it names the other party.
    """

    leg: Leg
    state: str
    addressed: bool = True

    @classmethod
    def at(cls, leg, moment, state=None, addressed=True):
        """Return what is known of ``leg`` at a moment; ``state``: if not the plain
        one."""
        answered = leg.answer is not None and leg.answer <= moment
        released = leg.release is not None and leg.release <= moment
        known = replace(
            leg,
            answer=leg.answer if answered else None,
            release=leg.release if released else None,
        )
        plain = RELEASED if released else ACTIVE if answered else ALERTING
        return cls(known, state or plain, addressed)


@dataclass(frozen=True)
class Step:
    """One event: when it is sent, and what stands in it.

    :var str event: type of its ``eventData``, without a prefix.
    :var abonent: its target; ``None``: the whole PBX.
    :var tuple calls: of :class:`Snapshot`, one per ``call`` element.
    :var str subscription: ``current``; ``none``: not named; ``unknown``: one that
        nobody was given; ``former``: one that has ended.
    :var spoil: function from the document's bytes to ``(bytes, content type)``.
    """

    offset: float
    event: str
    abonent: Abonent | None = None
    calls: tuple = ()
    subscription: str = "current"
    spoil: object = None


BEGINNINGS = {
    TERMINATOR: "CallReceivedEvent",
    ORIGINATOR: "CallOriginatedEvent",
    CLICK: "CallOriginatingEvent",
}


def steps(leg, addressed_at_end=True):
    """Return the events of a leg's plain life."""

    def step(moment, event, addressed=True):
        snapshot = Snapshot.at(leg, moment, addressed=addressed)
        return Step(moment, event, leg.abonent, (snapshot,))

    found = [step(leg.start, BEGINNINGS[leg.personality])]
    if leg.answer is not None:
        found.append(step(leg.answer, "CallAnsweredEvent"))
    if leg.release is not None:
        found.append(step(leg.release, "CallReleasedEvent", addressed_at_end))
    return found
