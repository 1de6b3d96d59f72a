"""Nothing neutral knows a vendor: no word of Zadarma outside its folder.

Texts for people (labels, help) may name it, and so may two defaults of the settings.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The notifications that can be switched are fields of the settings, in lower case.
WORDS = re.compile(
    r"(?i:zadarma)|zd_echo|NOTIFY_|call_id_with_rec|called_did|call_start|wait_dtmf"
    r"|callback_leg|calltype|last_internal|transfer_from|caller_did"
)
# In the models that is the context's key for a call of ours.
TELEPHONY_WORDS = re.compile(WORDS.pattern + r"|pbx_call_id\b")
DEFAULTS = ("dialect", "server_url")
FILES = sorted(
    path
    for folder in ("telephony", "models", "controllers", "wizard")
    for path in (ROOT / folder).rglob("*.py")
    if "zadarma" not in str(path.relative_to(ROOT))
)


def texts_for_people(tree):
    """Yield the nodes of field labels and help texts, and of the two defaults."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        yield from (k.value for k in node.keywords if k.arg in ("help", "string"))
        if getattr(getattr(node.func, "value", None), "id", "") == "fields":
            yield from (arg for arg in node.args[:1] if isinstance(arg, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if getattr(node.targets[0], "id", "") in DEFAULTS:
                yield from (k.value for k in node.value.keywords if k.arg == "default")


def vendor_lines(source, words):
    """Return the lines that hold a vendor's word, comments and docstrings included."""
    lines = source.splitlines()
    for node in texts_for_people(ast.parse(source)):
        for number in range(node.lineno - 1, node.end_lineno):
            # Columns count bytes.
            raw = lines[number].encode()
            first = node.col_offset if number == node.lineno - 1 else 0
            last = node.end_col_offset if number == node.end_lineno - 1 else len(raw)
            lines[number] = (raw[:first] + b" " * (last - first) + raw[last:]).decode()
    return [line.strip() for line in lines if words.search(line)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_of_a_vendor(path):
    words = TELEPHONY_WORDS if path.parent.name == "telephony" else WORDS
    assert vendor_lines(path.read_text(), words) == []


@pytest.mark.parametrize(
    "line, found",
    [
        ('dialect = fields.Selection(s, "Server type", default="zadarma")', False),
        ('dialect = fields.Selection(s, "Server type", default="toy")', False),
        ('server_url = fields.Char(default="https://api.zadarma.com")', False),
        ('key = fields.Char("Key", help="At Zadarma: “Key” and zadarma")', False),
        ('notify_start = fields.Boolean("Incoming (NOTIFY_START)")', False),
        ('other = fields.Char(default="zadarma")', True),
        ('if provider.dialect == "zadarma": pass', True),
        ('kind = payload["event"] == "NOTIFY_START"', True),
        ('x = payload.get("call_id_with_rec")', True),
        ("x = 1  # as Zadarma does", True),
        ('"""Since zadarma says so."""', True),
        ("from ..telephony.zadarma import events", True),
        ('dialect = fields.Selection([("zadarma", "Z")], default="zadarma")', True),
    ],
)
def test_the_search_itself(line, found):
    assert bool(vendor_lines(line, WORDS)) is found
