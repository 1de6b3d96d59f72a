"""The calls that come in: one scenario each, and what it is in the log."""

import random
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from expected_calls import CALLS
from posting import render

from fake_zadarma.scenarios import SCENARIOS as KINDS

# A withheld caller is the same party each time: what is signed would be the same, too.
SCENARIOS = sorted(CALLS.keys() - {"withheld"})
# Calls began so long ago, one in each second: what is signed of each is its own.
HOURS_AGO = 5
# One call of so many is by a PBX that posts each event once, whatever is answered.
ONCE = 8
# And one of so many has its events come in any order, several at a time.
TOGETHER = 3


class Play(NamedTuple):
    """A call, and how its events are posted."""

    number: int
    scenario: str
    events: list[dict]
    once: bool
    together: bool

    @property
    def refs(self) -> set[str]:
        return {event["fields"]["pbx_call_id"] for event in self.events}


def plays(seed, secret: str, zone: str, begun: datetime, first: int):
    """Yield calls without an end; the same for the same seed, but for their times.

    `begun`: when the first of them began; `first`: its number.
    """
    for number in range(first, HOURS_AGO * 3600):
        dice = random.Random(f"{seed}/{number}")
        name = dice.choice(SCENARIOS)
        start = (begun + timedelta(seconds=number)).astimezone(ZoneInfo(zone))
        direction = KINDS[name].direction
        events = render(
            name,
            secret,
            caller=f"+44161{number:07}",
            call_start=start.strftime("%Y-%m-%d %H:%M:%S"),
            pbx_call_id=f"{direction}_{dice.getrandbits(160):040x}",
        )
        together = not dice.randrange(TOGETHER)
        if together:
            dice.shuffle(events)
        yield Play(number, name, events, not dice.randrange(ONCE), together)
    raise ValueError("there are no more calls: take more hours")
