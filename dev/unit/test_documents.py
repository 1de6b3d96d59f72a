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


def missing(path):
    """The files and folders of ours that a document names and that are not there.

    They are named from where it stands, or from the root.
    """
    text = path.read_text()
    for name in NAMED.findall(text) + TESTS.findall(text):
        ours = "/" not in name or name.partition("/")[0] in FOLDERS
        if ours and not any((start / name).exists() for start in (path.parent, ROOT)):
            yield name
    for link in LINKS.findall(text):
        if not (path.parent / link).exists():
            yield link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_named_is_there(path):
    assert not set(missing(path))


def test_something_is_named():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert len(set(NAMED.findall(text))) > 40
    assert TESTS.search(text) and LINKS.search(text)
