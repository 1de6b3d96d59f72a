"""Plays stories for whoever asks by the control API, and keeps what came of them."""

import inspect
import itertools
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from .lab import Lab
from .stories import STORIES, Truth

KEPT = 100
FASTEST, SLOWEST = 0.0, 5.0  # slower, and the PBX gives up before somebody lifts
LONGEST_RING, LONGEST_TALK = 25, 600
NUMBER = re.compile(r"\+?\d{3,15}|anonymous")
# Under which name a story has what the control API calls so.
OPTIONS = {"caller": ("caller", "number"), "ring": ("wait",), "duration": ("talk",)}
PICKUP = "pickup"
# What Odoo asks for, or must not happen where a person looks on.
NOT_OFFERED = {"click", "click_busy", "click_refused", "click_silent", "killed"}


class WrongWish(Exception):
    """What is asked for cannot be played: the sentence says why."""

    def __init__(self, message: str, status: int = 400, **more):
        super().__init__(message)
        self.status, self.more = status, more


@dataclass
class Played:
    """A story that is or was played."""

    id: int
    scenario: str
    extension: str
    caller: str | None
    arguments: dict  # of the story's function
    lab: Lab
    began: float = field(default_factory=time.time)
    truth: Truth | None = None
    error: str = ""

    def as_json(self) -> dict:
        truth = self.truth
        return {
            "id": self.id,
            "scenario": self.scenario,
            "title": STORIES[self.scenario].title,
            "extension": self.extension,
            "began": self.began,
            "state": "failed" if self.error else "done" if truth else "playing",
            "error": self.error,
            "truth": truth.as_json() if truth else None,
        }


class Player:
    """:var played: the last ones, oldest first."""

    def __init__(self, lab: Lab):
        self.lab = lab
        self.played: deque[Played] = deque(maxlen=KEPT)
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()

    def offered(self) -> list[dict]:
        """What can be played: name, direction, title and the options that it has."""
        return [
            {
                "name": name,
                "direction": direction(name),
                "title": story.title,
                "options": [word for word in OPTIONS if argument(name, word)],
            }
            for name, story in STORIES.items()
            if name not in NOT_OFFERED
        ]

    def begin(self, scenario: str, extension=None, speed=1.0, **options) -> Played:
        """Enter a story; whoever entered it plays it. Raises WrongWish."""
        known = [one["name"] for one in self.offered()]
        if scenario not in known:
            raise WrongWish(
                f"There is no scenario {scenario!r}. There are: {', '.join(known)}.",
                404,
                scenarios=known,
            )
        extension = extension or next(iter(self.lab.phones))
        if extension not in self.lab.phones:
            phones = ", ".join(self.lab.phones)
            raise WrongWish(f"There is no extension {extension}. There are: {phones}.")
        arguments = {}
        for word, value in options.items():
            name = argument(scenario, word)
            if not name:
                raise WrongWish(f"The scenario {scenario} has no {word}.")
            arguments[name] = value
        lab = self.lab.led_by(extension, speed)
        with self.lock:
            going_on = [one for one in self.played if not (one.truth or one.error)]
            names = {scenario, *(one.scenario for one in going_on)}
            if going_on and PICKUP in names:
                raise WrongWish(
                    "A pickup takes whatever rings: play it while no other call "
                    "goes on.",
                    409,
                )
            caller = options.get("caller")
            if caller and any(caller == one.caller for one in going_on):
                raise WrongWish(f"{caller} is in a call: wait, or take another.", 409)
            played = Played(
                next(self.numbers), scenario, extension, caller, arguments, lab
            )
            self.played.append(played)
        return played

    def play(self, played: Played) -> Played:
        """Play what was entered, to its end."""
        function = STORIES[played.scenario].function
        try:
            played.truth = function(played.lab, **played.arguments)
        except (AssertionError, OSError) as error:  # a telephone waited in vain
            played.error = str(error) or type(error).__name__
        return played

    def play_later(self, played: Played) -> None:
        threading.Thread(target=self.play, args=(played,), daemon=True).start()

    def phones(self) -> list[dict]:
        """Each telephone with its calls that are not over."""
        found = []
        for number, phone in self.lab.phones.items():
            with phone.changed:
                calls = [call for call in phone.calls.values() if not call.over]
            found.append(
                {
                    "number": number,
                    "name": self.lab.names[number],
                    "calls": [
                        {
                            "number": call.number,
                            "name": call.name,
                            "state": "talking" if "lifted" in call.times else "ringing",
                        }
                        for call in calls
                    ],
                }
            )
        return found


def parameters(scenario: str) -> list[str]:
    return list(inspect.signature(STORIES[scenario].function).parameters)


def argument(scenario: str, option: str) -> str:
    """The name that a story has for an option, or nothing."""
    names = parameters(scenario)
    return next((name for name in OPTIONS[option] if name in names), "")


def direction(scenario: str) -> str:
    """Who calls whom: "in" a customer us, "out" we a customer, "inside" a colleague."""
    names = set(parameters(scenario))
    if "number" in names:
        return "out"
    return "in" if names & {"caller", "options"} else "inside"
