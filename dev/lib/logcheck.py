"""Reads Odoo's logs: a warning that names our module fails the run."""

import re
from pathlib import Path

from . import paths

ENTRY = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (?P<level>[A-Z]+) \S+ (?P<text>[\w.]+: .*)$"
)
LEVELS = {"WARNING", "ERROR", "CRITICAL"}
OURS = re.compile(r"cloud_pbx|\bpbx[._]")
ALLOWED = paths.DEV / "lib/allowed_warnings.txt"


def allowed() -> list[re.Pattern]:
    """The warnings that tests provoke on purpose."""
    lines = ALLOWED.read_text().splitlines()
    return [re.compile(line) for line in lines if line and not line.startswith("#")]


def entries(path: Path):
    """The log's entries of a bad level: their text, traceback included.

    The database's name is left out: it may well be the module's.
    """
    text, bad = [], False
    with path.open(errors="replace") as stream:
        for line in stream:
            if found := ENTRY.match(line.rstrip("\n")):
                if bad:
                    yield "\n".join(text)
                bad = found["level"] in LEVELS
                text = [f"{found['level']} {found['text']}"]
            elif bad:
                text.append(line.rstrip("\n"))
    if bad:
        yield "\n".join(text)


def complaints(path: Path) -> list[str]:
    """The entries that name our module and that nobody allowed."""
    if not path.exists():
        return []
    patterns = allowed()
    # A path can hold the module's name without speaking of the module.
    aside = [str(paths.addons().parent), str(paths.cache())]
    found = []
    for entry in entries(path):
        text = entry
        for folder in aside:
            text = text.replace(folder, "")
        if OURS.search(text) and not any(p.search(entry) for p in patterns):
            found.append(entry)
    return found
