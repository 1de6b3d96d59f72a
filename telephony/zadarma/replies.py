"""What we answer Zadarma: the address check, and the routing of a call."""

import json
import re

from ..dialect import Refused, Reply

JSON = "application/json"
ECHO = re.compile(r"[A-Za-z0-9_.-]{1,128}")
# An extension, a scenario (``1``), one of a menu (``0-1``), a menu (``0-main``).
TARGET = re.compile(r"[0-9]{1,10}(?:-(?:[0-9]{1,10}|main))?")
# "The call is refused": the caller hears that all are busy.
REFUSED = "blacklist"
# Phones have short displays; the limit of the PBX is not documented.
MAX_NAME = 64


def echo(text):
    """Answer the check of a new webhook address: exactly the text that came.

    As plain text and of harmless characters only, since reflecting would otherwise be
    cross-site scripting.

    :raises Refused: 400.
    """
    if not ECHO.fullmatch(text or ""):
        raise Refused(400, "no zd_echo, or characters that are not taken")
    return Reply(body=text)


def _timeout(seconds):
    # Integrators quote the help page: 0 does not return, else at least 3 seconds.
    return max(seconds, 3) if seconds and seconds > 0 else 0


def _ask(ask):
    return {
        "timeout": ask.timeout,
        "attempts": ask.attempts,
        "maxdigits": ask.digits,
        "name": ask.name,
        "default": ask.default,
    }


def _instructions(decision):
    """Return what the PBX is to do, without the name of the caller; ``{}``: nothing."""
    if decision.refuse:
        return {"redirect": REFUSED, "return_timeout": 0}
    if decision.hangup:
        return {"hangup": 1}
    if decision.ask:
        sound = {"ivr_play": decision.play} if decision.play else {}
        return {**sound, "wait_dtmf": _ask(decision.ask)}
    if decision.redirect:
        return {
            "redirect": decision.redirect,
            "return_timeout": _timeout(decision.return_timeout),
        }
    return {}


def routing(decision):
    """Return the JSON reply to START and IVR; ``{}`` leaves the PBX its scenario."""
    body = {}
    if decision is not None:
        body = _instructions(decision)
        name = " ".join(decision.caller_name.split())[:MAX_NAME]
        # Phones ring in the scenario and where it is sent to; nowhere else.
        if name and (not body or decision.redirect):
            body["caller_name"] = name
    return Reply(body=json.dumps(body, ensure_ascii=False), content_type=JSON)


def accepted():
    """Return the reply to all other events; its body is not read."""
    return Reply(body="{}", content_type=JSON)
