"""What we answer Zadarma: the address check, and the routing of a call."""

import json
import re

from ..dialect import Refused, Reply

JSON = "application/json"
ECHO = re.compile(r"[A-Za-z0-9_.-]{1,128}")
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


def routing(decision):
    """Return the JSON reply to START and IVR; ``{}`` leaves the PBX its scenario."""
    body = {}
    if decision is not None:
        if decision.redirect:
            body["redirect"] = decision.redirect
            body["return_timeout"] = _timeout(decision.return_timeout)
        if name := " ".join(decision.caller_name.split())[:MAX_NAME]:
            body["caller_name"] = name
    return Reply(body=json.dumps(body, ensure_ascii=False), content_type=JSON)


def accepted():
    """Return the reply to all other events; its body is not read."""
    return Reply(body="{}", content_type=JSON)
