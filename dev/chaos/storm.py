"""Rounds of deaths, and special cases, with calls coming in all the time."""

import contextlib
import random
import time
from collections import Counter

from lib.terminal import say

from .cases import Cases
from .check import Check
from .deaths import Deaths
from .ledger import Load

# Events that are taken before somebody dies, and again once they are back.
ENOUGH = 12
# When somebody dies, the next time.
MOMENT_SECONDS = 1.5
# What a PBX may be answered: taken, later, or nothing. Anything else says that the
# address is wrong.
ANSWERS = {0, 200, 503}


class Storm:
    """One run against a started system."""

    def __init__(self, system, seed: int, press: bool = False):
        """`press`: see `Check`."""
        self.system, self.press = system, press
        self.dice = random.Random(seed)
        self.load = Load(system, seed)
        self.check = Check(system, self.load.ledger, press)
        self.answers = ANSWERS
        self.killed: Counter = Counter()
        self.longest = 0.0
        self.rounds = 0

    @contextlib.contextmanager
    def calls(self):
        """Calls come in; at the end all of them are what they must be."""
        with self.load:
            self.load.wait_for(ENOUGH)
            yield
            self.load.finish()
        self._timed(time.monotonic(), self.check.everything)
        answers = set(self.load.ledger.statuses)
        assert answers <= self.answers, self.load.ledger.statuses

    def round(self, kind: str | None = None) -> float:
        """Somebody dies at a random moment; returns after how long all was applied."""
        time.sleep(self.dice.uniform(0, MOMENT_SECONDS))
        chosen = self.dice.choice(Deaths.KINDS)
        kind = kind or chosen
        began = time.monotonic()
        Deaths(self.system, self.dice).cause(kind)
        self.killed[kind] += 1
        self.rounds += 1
        self.load.wait_for(ENOUGH)
        return self._timed(began, self.check.whole_calls)

    def case(self, name: str, **options) -> float:
        """A special case, for as long as it lasts."""
        if name == "wrong_clocks":
            # With libfaketime a pause fails now and then, as it never does without.
            self.answers = ANSWERS | {500}
        getattr(Cases(self.system, self.load), name)(**options)
        began = time.monotonic()
        self.load.wait_for(ENOUGH)
        return self._timed(began, self.check.whole_calls)

    def _timed(self, began: float, check) -> float:
        check()
        took = time.monotonic() - began
        self.longest = max(self.longest, took)
        return took

    def report(self) -> None:
        ledger = self.load.ledger
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(self.killed.items()))
        answers = ", ".join(f"{s}: {n}" for s, n in sorted(ledger.statuses.items()))
        say(f"{self.rounds} rounds ({kinds})")
        say(f"Odoo was started {self.system.starts} times")
        say(f"{len(ledger.calls)} calls, answers {answers}")
        say(f"{self.check.events} events acknowledged: 0 lost, 0 doubled")
        say(f"longest time until all was applied: {self.longest:.1f} s")
