"""The changelog, by Keep a Changelog; and versions wherever they are written."""

import ast
import re
import tarfile
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = ast.literal_eval((ROOT / "__manifest__.py").read_text())["version"]
TEXT = (ROOT / "CHANGELOG.md").read_text()
SECTIONS = re.findall(r"^## (.*)$", TEXT, re.M)
TITLE = re.compile(r"\[(19\.0\.\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
ARCHIVES = sorted((ROOT / "dev/releases").glob("*.tar.xz"))


def key(version):
    return [int(part) for part in version.split(".")]


def versions():
    return [TITLE.fullmatch(section)[1] for section in SECTIONS]


def test_the_newest_section_is_the_version_of_the_manifest():
    assert versions()[0] == VERSION


def test_each_section_has_a_version_and_a_date_and_newer_ones_come_first():
    dates = [date.fromisoformat(TITLE.fullmatch(one)[2]) for one in SECTIONS]
    assert dates == sorted(dates, reverse=True)
    assert versions() == sorted(set(versions()), key=key, reverse=True)


def test_entries_stand_under_their_kind():
    for section in re.split(r"^## .*$", TEXT, flags=re.M)[1:]:
        before, *parts = re.split(r"^### (.*)$", section, flags=re.M)
        assert not re.search("^- ", before, re.M), before
        assert set(parts[::2]) <= KINDS
        assert len(parts[::2]) == len(set(parts[::2]))
        assert parts and all(re.search("^- ", part, re.M) for part in parts[1::2])


def test_migrations_are_of_versions_that_are_described():
    found = {path.name for path in (ROOT / "migrations").iterdir()}
    assert found
    assert found <= set(versions())


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_an_archive_holds_the_release_that_it_names(path):
    with tarfile.open(path) as archive:
        manifest = archive.extractfile("cloud_pbx/__manifest__.py").read().decode()
    version = ast.literal_eval(manifest)["version"]
    assert path.name == f"cloud_pbx-{version}.tar.xz"
    assert version in versions()


def test_there_are_archives():
    assert len(ARCHIVES) > 1
