"""What the documents name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "dev").glob("*/README.md")),
]
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir())
# `models/call/log.py`, `dev/unit/`, `hooks.py`; not `telephony/<name>/`, `mypbx/…`.
NAMED = re.compile(r"`([\w.]+/[\w./-]*|\w+\.(?:py|md))`")
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)\)")
TESTS = re.compile(r"(?:^|[\s\"=])((?:dev|tests)/[\w/]+\.py)")


def names(path):
    """The files and folders of ours that a document names, from where it stands."""
    text = path.read_text()
    for name in NAMED.findall(text) + TESTS.findall(text):
        own = path.parent / name
        if own.exists() or ("/" not in name and path.parent.name != "docs"):
            yield own
        elif name.partition("/")[0] in FOLDERS:
            yield ROOT / name
    for link in LINKS.findall(text):
        yield path.parent / link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_named_is_there(path):
    missing = {str(name) for name in names(path) if not name.exists()}
    assert not missing


def test_something_is_named():
    assert len(set(names(ROOT / "CONTRIBUTING.md"))) > 40
