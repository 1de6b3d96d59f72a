"""Local times, as a PBX reports them without a zone.

Which zone it means is a setting, that may be missing, wrong, or changed in the middle
of a call. So an event keeps the text, and the readings in all zones that it may be in.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from .event import is_possible

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
# A call's start is reported at once. No two zones are that near each other.
PLAUSIBLE = timedelta(minutes=14)
# What begins so long after it was reported, in whatever zone, is no start.
LONGEST_AHEAD = timedelta(hours=26)


def local_text(text):
    """Return the text of a local time in one form, ``""`` for what is none."""
    try:
        local = datetime.strptime((text or "").strip(), TIME_FORMAT)
    except ValueError:
        return ""
    # Not strftime, which writes early years with fewer digits.
    return local.isoformat(" ") if is_possible(local) else ""


def read_time(text, zone):
    """Return the readings of a local time in naive UTC: none, one, or two.

    Two where a summer time ends or begins: the hour is there twice, or not at all.
    """
    return readings_of(local_text(text), zone)


def readings_of(text, zone):
    """Return the same of a text in the form that :func:`local_text` gives."""
    if not text:
        return ()
    local = datetime.fromisoformat(text)
    readings = {
        local.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(tzinfo=None)
        for fold in (0, 1)
    }
    return tuple(sorted(readings))


def local_in(moment, zone):
    """Return naive UTC as the text of a local time in ``zone``."""
    local = moment.replace(tzinfo=UTC).astimezone(zone)
    return local.strftime(TIME_FORMAT)


def in_zones(event, account):
    """Return ``event`` with its local start read in the zones of an account.

    :param Account account: without a known zone ``started`` is empty.
    """
    if not event.local_start:
        return event
    started, others = (), []
    if account.zone_known:
        started = readings_of(event.local_start, account.zone)
    for zone in account.other_zones:
        readings = readings_of(event.local_start, zone)
        if readings and readings != started and readings not in others:
            others.append(readings)
    return replace(event, started=started, other_starts=tuple(others))


def is_plausible(moment, near):
    """Tell whether what was heard of at ``near`` can have begun at ``moment``."""
    return abs(moment - near) <= PLAUSIBLE


def choose_starts(events, near):
    """Return ``[(event, moment)]``: when each says that the call, or its leg, began.

    The zone counts in which the first of them begins when it was heard of; the chosen
    one, where there is none. Of two readings of an ambiguous hour the nearest counts.

    :param events: those with a reading.
    :param datetime near: when the call was first heard of.
    """
    options = [
        [_nearest(readings, near) for readings in (event.started, *event.other_starts)]
        for event in events
    ]
    for place in range(max(map(len, options), default=0)):
        found = [own[place] if place < len(own) else own[0] for own in options]
        known = [moment for moment in found if moment]
        if known and is_plausible(min(known), near):
            return _known(events, found)
    found = []
    for own in options:
        near_ones = [moment for moment in own if moment and is_plausible(moment, near)]
        found.append(near_ones[0] if near_ones else own[0])
    return _known(events, found)


def _nearest(readings, near):
    return min(readings, key=lambda one: (abs(one - near), one), default=None)


def _known(events, moments):
    return [(e, moment) for e, moment in zip(events, moments, strict=True) if moment]
