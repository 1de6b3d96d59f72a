"""What we answer Asterisk: two letters to all that is kept, and JSON where it asks."""

import json
import re

from ..dialect import Reply

JSON = "application/json"
# What the dialplan takes for "it is kept".
ACCEPTED = "ok"
# What it goes to: extensions of the dialplan, and nothing else that it understands.
_TARGET = re.compile(r"[0-9A-Za-z*#][0-9A-Za-z*#_-]*")
# Extensions that Asterisk goes to by itself, and what a rule names that ends a call.
_RESERVED = frozenset(("a", "e", "h", "i", "o", "s", "t", "T", "hangup"))
# Phones have short displays.
MAX_NAME = 64
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def is_target(text):
    """Return whether ``text`` can be gone to: an extension of the dialplan."""
    return bool(_TARGET.fullmatch(text)) and text not in _RESERVED


def accepted():
    """Return the reply to everything that is proven, understood or not."""
    return Reply(body=ACCEPTED)


def _name(text):
    """Return a name that the dialplan takes over whole.

    It stands in brackets there, behind which a colon begins what is done otherwise: a
    bracket that closes none of the name's own is left out before a colon.
    """
    name = " ".join(_CONTROLS.sub(" ", text).split())[:MAX_NAME].rstrip()
    kept, is_open = [], 0
    for place, character in enumerate(name):
        if character == ")" and not is_open and ":" in name[place:]:
            continue
        is_open = max(is_open + {"(": 1, ")": -1}.get(character, 0), 0)
        kept.append(character)
    return "".join(kept)


def routing(decision):
    """Return the JSON reply to ``start``; empty texts leave the call as it is.

    For how long a phone rings is the dialplan's business, and it has no words for what
    else may be decided.
    """
    name, target = "", ""
    if decision is not None:
        name = _name(decision.caller_name)
        target = decision.redirect if is_target(decision.redirect) else ""
    body = {"caller_name": name, "redirect": target}
    return Reply(body=json.dumps(body, ensure_ascii=False), content_type=JSON)
