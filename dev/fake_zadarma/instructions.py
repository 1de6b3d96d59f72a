"""What a reply to NOTIFY_START or NOTIFY_IVR tells the PBX to do. Pure.

A PBX does not complain about a reply that it cannot read: it goes on with its own
scenario. So does this one, and says in the log what was wrong.
"""

import re
from dataclasses import dataclass

ASKED = ("NOTIFY_START", "NOTIFY_IVR")
HANGUP = "hangup"
BLACKLIST = "blacklist"
# An extension, a scenario, a scenario of a menu, a menu.
TARGET = re.compile(r"[0-9]{1,10}(-([0-9]{1,10}|main))?")
SOUND = re.compile(r"[0-9a-f]{16}")
KEYS = re.compile(r"[0-9*#]+")
# Less than this is no time to ring; 0: it does not come back.
SHORTEST_RETURN = 3
LANGUAGES = ("ru", "ua", "en", "es", "pl", "fr", "de")
_KNOWN = {
    *("redirect", "return_timeout", "rewrite_forward_number", "caller_name"),
    *("hangup", "ivr_play", "wait_dtmf"),
    *("ivr_saypopular", "ivr_saydigits", "ivr_saynumber", "language"),
}
# How long, how often and for how many keys it waits, where a reply does not say.
_DEFAULTS = {"timeout": 3, "attempts": 1, "maxdigits": 1, "name": "", "default": ""}


@dataclass(frozen=True)
class Instructions:
    """A reply, read.

    :var dict ask: ``timeout``, ``attempts``, ``maxdigits``, ``name``, ``default``;
        ``None``: no key is waited for.
    :var tuple problems: sentences.
    """

    caller_name: str = ""
    redirect: str = ""
    return_timeout: int = 0
    hangup: bool = False
    play: str = ""
    ask: dict | None = None
    problems: tuple = ()


def is_whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_target(value):
    return isinstance(value, str) and bool(TARGET.fullmatch(value))


def _ask(given, problems):
    if not isinstance(given, dict):
        problems.append("wait_dtmf is no object.")
        return None
    problems += [
        f"wait_dtmf has no {name!r}." for name in sorted({*given} - {*_DEFAULTS})
    ]
    ask = {**_DEFAULTS, **given}
    for name in ("timeout", "attempts", "maxdigits"):
        if not is_whole(ask[name], 1):
            problems.append(f"wait_dtmf.{name} must be a number, 1 or more.")
            ask[name] = _DEFAULTS[name]
    if not isinstance(ask["name"], str) or not ask["name"]:
        problems.append("wait_dtmf.name must be a text, to know the step by.")
        ask["name"] = ""
    if ask["default"] != HANGUP and not is_target(ask["default"]):
        problems.append("wait_dtmf.default must be a target, or hangup.")
        ask["default"] = ""
    return ask


def read(reply):
    """Return the :class:`Instructions` in a reply, JSON or whatever came instead."""
    if reply in (None, "", {}):
        return Instructions()
    if not isinstance(reply, dict):
        return Instructions(problems=("The reply is no JSON object.",))
    problems = [f"A reply has no {name!r}." for name in sorted({*reply} - _KNOWN)]
    redirect = reply.get("redirect", "")
    if redirect and redirect != BLACKLIST and not is_target(redirect):
        problems.append(f"redirect to {redirect!r}, which is no target.")
        redirect = ""
    wait = reply.get("return_timeout")
    if "redirect" in reply and wait is None:
        problems.append("redirect comes with return_timeout.")
    if wait is not None and (
        not is_whole(wait, 0) or (0 < wait < SHORTEST_RETURN) or "redirect" not in reply
    ):
        problems.append("return_timeout is 0 or at least 3, and of a redirect.")
        wait = 0
    name = reply.get("caller_name", "")
    if not isinstance(name, str):
        problems.append("caller_name is no text.")
        name = ""
    if "hangup" in reply and reply["hangup"] != 1:
        problems.append("hangup is 1.")
    play = reply.get("ivr_play", "")
    if play and not (isinstance(play, str) and SOUND.fullmatch(play)):
        problems.append("ivr_play is the id of a sound, 16 hex digits.")
    ask = _ask(reply["wait_dtmf"], problems) if "wait_dtmf" in reply else None
    doing = ("redirect", "hangup", "ivr_play")
    if sum(1 for one in doing if one in reply) > 1:
        problems.append("A reply does one thing.")
    return Instructions(
        caller_name=name,
        redirect=redirect,
        return_timeout=wait or 0,
        hangup=reply.get("hangup") == 1,
        play=str(play),
        ask=ask,
        problems=tuple(problems),
    )
