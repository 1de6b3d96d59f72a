"""Leaving out facts that others of the same call supersede.

A queue that rings ten phones every five seconds makes thousands of legs, and all that
they tell of a phone is when it first rang, when it last did, and that it was not always
busy. What is left out depends on the set alone: each rule keeps the first or the last
few of a kind, and those of a set are among those of each of its parts. Therefore
folding what was folded before, with further events, in whatever order, comes to the
same as folding all at once.
"""

from .event import ANSWERED, BUSY, JOINED, LEFT, MOVED, OFFERED, RELEASED, STARTED

# How many of a kind are kept for each endpoint: the first ones, the last ones.
KEPT = {
    OFFERED: (2, 0),
    STARTED: (1, 1),
    ANSWERED: (1, 1),
    RELEASED: (0, 2),
    MOVED: (10, 10),
    # No real call has that many: these are bounds.
    JOINED: (60, 60),
    LEFT: (60, 60),
}


def without_superseded(events):
    """Return the list of events without those of legs that are superseded.

    Those of the leg that a call began with stay, whatever follows.
    """
    kept, groups = [], {}
    for event in events:
        if event.kind not in KEPT or not event.endpoint or event.leg == event.ref:
            kept.append(event)
        else:
            groups.setdefault((event.kind, event.endpoint), []).append(event)
    for (kind, _endpoint), group in groups.items():
        first, last = KEPT[kind]
        if len(group) > first + last:
            group.sort(key=_order)
            group = _ends_of(group, first, last, kind)
        kept += group
    return kept


def _ends_of(group, first, last, kind):
    chosen = group[:first] + group[len(group) - last :]
    if kind == RELEASED:
        # That not all of its legs met a busy phone.
        chosen += [one for one in group[:-last] if one.disposition != BUSY][:1]
    return chosen


def _order(event):
    # By nothing that depends on which copy came first.
    return event.when, event.leg, event.ref, repr(event._identity)
