"""What each recording of a call is of: who is heard, and for how long."""

from typing import NamedTuple

from .event import ANSWERED, ENDED, LOGGED, RECORDED, RELEASED, SPOKEN
from .verdict import whole

# Who tells best whose a recording is: a row or a release is of one leg, an end of the
# whole call.
_RANK = {LOGGED: 0, RELEASED: 1, ENDED: 2}


class Part(NamedTuple):
    """``extension`` is ``""`` and ``seconds`` 0 where nothing tells them."""

    extension: str = ""
    seconds: int = 0


def recorded_events(events):
    """Return those events that name a recording.

    Where a PBX tells a call leg by leg, without the one of a leg on which nobody spoke
    as far as its events tell: of it nothing can be heard.
    """
    events = list(events)
    named = [event for event in events if event.recording]
    if any(event.endpoint for event in events):
        return named  # what is heard there depends on bridges, too
    spoke = {
        event.leg
        for event in events
        if event.kind == ANSWERED
        or (event.kind == RELEASED and event.disposition == SPOKEN)
    }
    return [
        event
        for event in named
        if event.kind != RECORDED or not event.leg or event.leg in spoke
    ]


def recorded_parts(events, spoke):
    """Return ``{id of a recording: Part}``.

    :param events: all that are known of the call.
    :param spoke: the extensions that spoke in it.
    """
    events = recorded_events(events)
    parts = {event.recording: Part() for event in events}
    alone = len(parts) == 1
    ordered = sorted(events, key=lambda e: _RANK.get(e.kind, len(_RANK)), reverse=True)
    for event in ordered:
        extension, seconds = parts[event.recording]
        if event.kind in (LOGGED, RELEASED) or (event.kind == ENDED and alone):
            # A leg that was listed while it lasted is listed again when it was over.
            seconds = max(seconds, whole(event.talk))
        parts[event.recording] = Part(event.extension or extension, seconds)
    # One that nothing says whose it is, and one who spoke and has none.
    nobodys = [ref for ref, part in parts.items() if not part.extension]
    silent = set(spoke) - {part.extension for part in parts.values()}
    if len(nobodys) == len(silent) == 1:
        [ref], [extension] = nobodys, silent
        parts[ref] = parts[ref]._replace(extension=extension)
    return parts
