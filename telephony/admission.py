"""How many facts a call may have: what ends it always, anything else up to a number.

A signature may cover a part of an event only, so that whoever has seen one can make up
as many as he likes. Each further fact makes a call dearer to derive.
"""

from collections import Counter

from .event import ANSWERED, DIALLED, ENDED, OFFERED, RECORDED, RELEASED, RINGING
from .reading import Reading

# Facts of one kind; no real call has that many. What ends a call, and what we or the
# PBX's own history say, is not counted.
MAX_OF_A_KIND = 200
_COUNTED = frozenset((OFFERED, RINGING, DIALLED, ANSWERED, RECORDED))
# Of more ends than this the better ones are kept: those that :class:`Reading` prefers,
# so that how a call went is the same with the others and without them.
MAX_ENDS = 100
# The releases of legs: one for each leg that may have rung, and again.
MAX_RELEASES = 2 * MAX_OF_A_KIND


def admit(known, events, history_outranks=True):
    """Add ``events`` to the facts ``known``, as far as a call may have so many.

    :return: ``(facts, left_out)``, the latter a list of those events that were not
        taken. An end is always taken: it may have to give way to better ones.
    """
    counts = Counter(event.kind for event in known.events)
    there, taken, left_out = set(known.events), [], []
    for event in events:
        if event not in there:
            most = MAX_RELEASES if event.kind == RELEASED else MAX_OF_A_KIND
            counted = event.kind in _COUNTED or event.kind == RELEASED
            if counted and counts[event.kind] >= most:
                left_out.append(event)
                continue
            counts[event.kind] += 1
            there.add(event)
        taken.append(event)
    facts = known.add(taken)
    if counts[ENDED] > MAX_ENDS:
        facts = _without_worse_ends(facts, history_outranks)
    return facts, left_out


def _without_worse_ends(facts, history_outranks):
    reading = Reading(facts, history_outranks)
    ends = [event for event in facts.events if event.kind == ENDED]
    worse = set(sorted(ends, key=reading.rank_of_end)[MAX_ENDS:])
    return type(facts)(event for event in facts.events if event not in worse)
