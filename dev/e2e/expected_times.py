"""When each scenario's call is answered and over: read from its script, by a person.

The script says which webhook means that somebody lifted, and which that the call is
over. What the code makes of calltypes, dispositions and durations is not repeated here.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from log import text

TALK_SECONDS = 34  # the scenarios' own


class Script(NamedTuple):
    """Places in the scenario's list of webhooks; None: nothing says so."""

    lifted: int | None
    over: int | None
    # A second phone lifts later. Where its webhook comes first, the call is answered
    # from then on: that of the first phone can only say that it was answered before.
    lifted_later: int | None = None


SCRIPTS = {
    "answered": Script(2, 3),
    "missed": Script(None, 2),
    "busy": Script(None, 2),
    "abandoned": Script(None, 1),
    # The PBX itself lifts: nobody spoke.
    "voicemail": Script(None, 2),
    "menu_answered": Script(None, 1),
    "ring_group": Script(3, 4),
    "ring_group_missed": Script(None, 3),
    "transfer": Script(2, 5, lifted_later=4),
    "withheld": Script(2, 3),
    "ivr": Script(3, 4),
    "answer_only": Script(0, None),
    "record_before_end": Script(2, 4),
    "record_after_end": Script(2, 3),
    "out_of_order": Script(3, 1),
    "repeated": Script(4, 6),
    "outbound": Script(1, 2),
    "outbound_no_answer": Script(None, 1),
    "outbound_busy": Script(None, 1),
    "outbound_failed": Script(None, 1),
    "outbound_cancelled": Script(None, 1),
    "outbound_no_money": Script(None, 1),
    # The phone's own leg ends last; the call is over with the other party's.
    "click_calltype": Script(2, 3),
    "click_swapped": Script(2, 3),
    "click_plain": Script(1, 2),
    "click_two_ids": Script(2, 3),
    "extension_to_extension": Script(1, 2),
}
# Clicks that reach nobody: with a leg for each side, with one leg alone.
UNREACHED, ALONE = Script(None, 2), Script(None, 1)


def script(scenario: str, outcome: str = "answered") -> Script | None:
    """The script of a scenario, None where it is no call; `outcome`: of a click."""
    if outcome == "answered":
        return SCRIPTS.get(scenario)
    return ALONE if outcome == "offline" or scenario == "click_plain" else UNREACHED


def times(script: Script, receipts: list[datetime], start: datetime) -> dict:
    """The times of a call that began at `start`, as RPC tells them.

    `receipts`: of each webhook of the script, naive UTC (None: not known). Where the
    one that lifts comes after the end, the length of the talk, as the end has it,
    counts back.
    `waits`: seconds until it was answered or over, and seconds of talk.
    """
    over = None if script.over is None else receipts[script.over]
    answers = [at for at in (script.lifted, script.lifted_later) if at is not None]
    lifted = min((receipts[at] for at in answers if receipts[at]), default=None)
    talked = TALK_SECONDS if lifted and over else 0
    if lifted and over and lifted > over:
        lifted = over - timedelta(seconds=TALK_SECONDS)
    waited = (lifted or over) - start
    return {
        "start": text(start),
        "answer": text(lifted),
        "stop": text(over),
        "waits": (max(int(waited.total_seconds()), 0), talked),
    }
