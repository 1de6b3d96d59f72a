"""One model is one class in one file; only a dialect's own folder opens it again."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "wizard", "controllers")
FILES = sorted(path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))
# What a PBX dialect alone needs of a model stands in a file of its own.
DIALECTS = ROOT / "models/provider/dialects"


def named(body, name):
    """Return the texts that a class assigns to ``_name`` or ``_inherit``."""
    for node in body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return [
                one.value
                for one in ast.walk(node.value)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
    return []


def classes():
    """Yield ``(path, class node, model it defines or extends)``."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                names = named(node.body, "_name") or named(node.body, "_inherit")
                if names:
                    yield path, node, names[0]


def test_each_model_of_ours_has_one_class():
    places = defaultdict(list)
    for path, _node, model in classes():
        if path.is_relative_to(DIALECTS):
            continue
        places[model].append(str(path.relative_to(ROOT)))
    several = {model for model, paths in places.items() if len(paths) > 1}
    assert not several, {model: places[model] for model in several}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_method_is_defined_twice_in_a_class(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            methods = [
                one.name
                for one in node.body
                if isinstance(one, ast.FunctionDef)
                # A property and its setter share their name.
                and not any(isinstance(d, ast.Attribute) and d.attr in ("setter",)
                            for d in one.decorator_list)
            ]  # fmt: skip
            assert not [name for name, n in Counter(methods).items() if n > 1]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_order_of_imports_means_nothing(folder):
    """A package whose modules may be sorted has no order that one has to know."""
    for path in sorted((ROOT / folder).rglob("__init__.py")):
        name = str(path.parent.relative_to(ROOT))
        imported = [
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        assert imported == sorted(imported), name


def test_one_place_writes_to_the_bus():
    """Everybody else calls the notifier by name."""
    senders = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("_bus_send", "_sendone", "_bus_send_store")
    }
    assert senders == {"models/call/notify.py"}
