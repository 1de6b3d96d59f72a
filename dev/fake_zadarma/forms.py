"""Form parameters read as PHP reads them: ``a[b][0]=x`` nests."""

import re
from urllib.parse import parse_qsl

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def nested(pairs):
    """Return flat (name, text) pairs as a dict of texts and dicts.

    Lists stay dicts with keys ``"0"``, ``"1"``…: they encode to the same text, in the
    order in which they came. A name without sense is kept as it is.
    """
    done = {}
    for name, value in pairs:
        match = _KEY.fullmatch(name)
        if not match:
            done[name] = value
            continue
        holder, key = done, match[1]
        for inner in re.findall(r"\[([^\[\]]*)\]", match[2]):
            if not isinstance(holder.get(key), dict):
                holder[key] = {}
            holder = holder[key]
            key = inner or str(len(holder))
        holder[key] = value
    return done


def parse(text):
    """Return the parameters of a query or of a form body."""
    return nested(parse_qsl(text, keep_blank_values=True))
