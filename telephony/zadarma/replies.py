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


def routing(decision):
    """Return the JSON reply to START and IVR; ``{}`` leaves the PBX its scenario."""
    body = {}
    if decision is not None:
        if decision.redirect:
            body["redirect"] = decision.redirect
            body["return_timeout"] = decision.return_timeout or 0
        if name := " ".join(decision.caller_name.split())[:MAX_NAME]:
            body["caller_name"] = name
    return Reply(body=json.dumps(body, ensure_ascii=False), content_type=JSON)


def accepted():
    """Return the reply to all other events; its body is not read."""
    return Reply(body="{}", content_type=JSON)
