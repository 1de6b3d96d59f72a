"""Nothing neutral knows a vendor: neither its words, nor which one it speaks to.

What a PBX needs of its own stands in its folder under ``telephony/``, in
``models/provider/dialects/`` and in views that are named after it.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENDORS = ("zadarma", "asterisk", "beeline")
# Words of a vendor's documents, and its name. (Odoo's bus has a NOTIFY of its own.)
WORDS = re.compile(
    r"(?i:zadarma|asterisk|beeline|linkedid)|zd_echo|(?<!ODOO_)NOTIFY_|call_id_with_rec|called_did|call_start|wait_dtmf"
    r"|callback_leg|calltype|last_internal|transfer_from|caller_did"
)
# In the models this is the context's key for a call of ours.
TELEPHONY_WORDS = re.compile(WORDS.pattern + r"|pbx_call_id\b")
# A rule that holds for one PBX alone; the one of a request's address is another thing.
COMPARED = re.compile(r"(?:dialect|\.code)\s*(?:==|!=|in|not in)\s*[\[(]?[\"'&]")
SUFFIXES = {".py", ".xml", ".js", ".scss"}
FOLDERS = (
    *("telephony", "models", "controllers", "wizard", "data", "security"),
    *("views", "static/src"),
)


def is_vendors(path):
    parts = path.relative_to(ROOT).parts
    return any(vendor in part for vendor in VENDORS for part in parts) or (
        parts[:3] == ("models", "provider", "dialects")
    )


FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in SUFFIXES and not is_vendors(path)
)


def lines_with(source, words):
    return [line.strip() for line in source.splitlines() if words.search(line)]


def test_the_folders_hold_something():
    found = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert found == {folder.partition("/")[0] for folder in FOLDERS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_of_a_vendor(path):
    is_telephony = path.relative_to(ROOT).parts[0] == "telephony"
    words = TELEPHONY_WORDS if is_telephony else WORDS
    assert lines_with(path.read_text(), words) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_done_for_one_pbx_alone(path):
    assert lines_with(path.read_text(), COMPARED) == []


@pytest.mark.parametrize(
    "line, words, found",
    [
        ('server_url = fields.Char(default="https://api.zadarma.com")', WORDS, True),
        ('kind = payload["event"] == "NOTIFY_START"', WORDS, True),
        ('x = payload.get("call_id_with_rec")', WORDS, True),
        ("x = 1  # as Zadarma does", WORDS, True),
        ("provider.dialect", WORDS, False),
        ('if provider.dialect == "zadarma": pass', COMPARED, True),
        ("invisible=\"dialect != 'zadarma'\"", COMPARED, True),
        ('if dialect.code in ("a", "b"):', COMPARED, True),
        ("if settings.dialect != dialect:", COMPARED, False),
        ('rule = f"dialect not in {sorted(codes)!r}"', COMPARED, False),
    ],
)
def test_the_search_itself(line, words, found):
    assert bool(lines_with(line, words)) is found
