"""Past calls of which the API knows, and of which events told a part or none. Pure."""

from typing import NamedTuple

from .scenarios import plan

STEP_SECONDS = 600  # between two calls: none is taken for its neighbour


class Past(NamedTuple):
    """A past call. ``told``: its events were sent, too."""

    plan: object
    told: bool


# (scenario, how often, of which recorded). The group's calls have three rows each, that
# of the queue two, and one between two abonents two.
CALLS = (
    ("answered", 9, 6),
    ("outbound", 6, 5),
    ("missed", 5, 0),
    ("outbound_no_answer", 3, 0),
    ("group", 3, 1),
    ("group_missed", 1, 0),
    ("queue", 1, 0),
    ("internal", 1, 0),
    ("click", 1, 0),
)
# 9 + 6 + 5 + 3 + 9 + 3 + 2 + 2 + 1 rows, 12 records.
ROWS, RECORDS = 40, 12
NUMBERS = tuple(f"+79000000{number}" for number in range(201, 231))


def calls(until, **parameters):
    """Return the calls of some hours before a moment, oldest first, as :class:`Past`.

    They have 40 rows of statistics and 12 records; events told of every third one.

    :param float until: seconds since the epoch.
    """
    wanted = []
    for name, times, recorded in CALLS:
        wanted += [(name, place < recorded) for place in range(times)]
    # The kinds mixed, always alike: no kind is told, or not told, as a whole.
    wanted = [wanted[place * 7 % len(wanted)] for place in range(len(wanted))]
    start = float(int(until) - STEP_SECONDS * (len(wanted) + 1))
    past = []
    for place, (name, recorded) in enumerate(wanted):
        ready = plan(
            name,
            caller=NUMBERS[place],
            start=start + place * STEP_SECONDS,
            recorded=recorded,
            **parameters,
        )
        past.append(Past(ready, place % 3 == 0))
    return past
