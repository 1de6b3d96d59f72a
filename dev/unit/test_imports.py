"""What imports what: telephony stands without Odoo, the signature without anything."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "telephony").rglob("*.py"))
# All that the addon may ask of a server besides Odoo; two of them come with requests,
# and lxml with Odoo.
OTHERS = {"lxml", "phonenumbers", "requests", "urllib3", "idna"}
ALLOWED = OTHERS | sys.stdlib_module_names


def imports(path):
    """Yield ``(level, module)`` for each import statement in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def python(code, *options):
    """Run ``code`` in a fresh interpreter; return what it printed."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code, str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_relative_imports_and_what_a_server_has(path):
    depth = len(path.relative_to(ROOT).parts) - 1
    for level, module in imports(path):
        if level:
            assert level <= depth, "reaches out of telephony/"
        else:
            assert module.partition(".")[0] in ALLOWED


def test_the_neutral_modules_import_no_dialect():
    dialects = {path.parent.name for path in FILES} - {"telephony"}
    assert dialects
    for path in (ROOT / "telephony").glob("*.py"):
        for _level, module in imports(path):
            assert not dialects & set(module.split("."))


def test_the_signature_needs_the_standard_library_alone():
    # -I -S: no site-packages, no environment, not even the folder we are in.
    loaded = python(
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1])\n"
        "import telephony.zadarma.signature as s\n"
        "assert len(s.sign_request('/v1/info/balance/', {}, 'x')) == 56\n"
        "assert not any('-packages' in p for p in sys.path), sys.path\n"
        "print(*(set(sys.modules) - before))",
        "-I",
        "-S",
    )
    ours = {name for name in loaded if name.partition(".")[0] == "telephony"}
    assert ours == {"telephony", "telephony.zadarma", "telephony.zadarma.signature"}
    known = {"telephony"} | sys.stdlib_module_names
    assert {name.partition(".")[0] for name in loaded} <= known


def test_everything_loads_where_odoo_cannot():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in FILES
        if path.name != "__init__.py"
    ]
    loaded = python(
        "import sys, importlib; sys.path.insert(0, sys.argv[1])\n"
        "sys.modules['odoo'] = None  # importing it raises ImportError\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sys.modules)",
    )
    assert set(modules) <= set(loaded)
