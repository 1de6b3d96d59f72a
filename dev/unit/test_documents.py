"""What the documents name is there: files, links, pictures, headings, menus, texts."""

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "dev").glob("*/README.md")),
]
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir())
# `models/call/log.py`, `dev/unit/`, `hooks.py`; not `telephony/<name>/`, `mypbx/…`.
NAMED = re.compile(r"`([\w.]+/[\w./-]*|\w+\.(?:py|md))`")
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)\)")
# A test that shows what is promised.
SHOWN_BY = re.compile(r"`((?:dev|tests)/[\w/]+\.py)::(\w+)`")
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


# -------------------------------------------------------------- headings and pictures

ANCHORS = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
FENCE = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)


def headings(path):
    """The anchors of a document, as GitHub makes them of its headings."""
    found = set()
    for title in re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text()), re.M):
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(name)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_anchor_is_a_heading(path):
    for target, anchor in ANCHORS.findall(path.read_text()):
        document = path.parent / target if target else path
        assert anchor in headings(document), f"{target}#{anchor}"


def test_each_picture_is_shown():
    texts = "".join(path.read_text() for path in DOCUMENTS)
    texts += (ROOT / "static/description/index.html").read_text()
    pictures = {*ROOT.glob("docs/images/*"), *ROOT.glob("static/description/*.png")}
    unused = {one.name for one in pictures if one.name not in texts}
    assert unused <= {"icon.png"}  # the app's own


def test_the_index_has_each_document():
    index = (ROOT / "docs/README.md").read_text()
    documents = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert {name for name in documents if f"({name})" not in index} == {"README.md"}


# ------------------------------------------------------------------ menus and texts

NAMED_MENUS = re.compile(r"\*(Phone ‣ [^*]+)\*")
# What stands behind a menu in a path: a button or a section of its page.
BEHIND = {"New", "Report by email", "Leads from calls"}
TROUBLES = ROOT / "docs/troubleshooting.md"
QUOTING = (
    *("administer.md", "asterisk.md", "beeline.md", "connect.md", "privacy.md"),
    "troubleshooting.md",
)
# Not ours: in Odoo, in a browser, or said by the sentence itself.
ELSEWHERE = {
    "Access Rights",
    "Back",
    "Actions ‣ Delete",
    "Actions ‣ Export",
    "Not found",
    "Settings ‣ Technical ‣ Digest Emails",
    "Settings ‣ Technical ‣ Emails",
    "Settings ‣ Users & Companies ‣ Users",
    "My Preferences ‣ Note my calls in the chatter",
    "Your Odoo Periodic Digest",
    "italics",
    "login",
    "neutralize",
    "Settings",
    "Settings ‣ Report by email",
    "My Preferences",
    "Timezone",
    "Settings ‣ Technical ‣ Scheduled Actions",
    "without",
}


def menus():
    """Every menu of the app as the documents write it: `Phone ‣ Calls`."""
    items = {}
    for item in ElementTree.parse(ROOT / "views/pbx_menus.xml").iter("menuitem"):
        items[item.get("id")] = (item.get("name"), item.get("parent"))

    def path(item):
        name, parent = items[item]
        return f"{path(parent)} ‣ {name}" if parent else name

    return {path(item) for item in items}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_menu_is_there(path):
    known = menus()
    for named in NAMED_MENUS.findall(" ".join(path.read_text().split())):
        menu, _mark, last = named.rpartition(" ‣ ")
        assert named in known or (menu in known and last in BEHIND), named


def product_texts(file="cloud_pbx.pot", of="msgid"):
    """All texts of the addon that people read, in one string."""
    entries = (ROOT / "i18n" / file).read_text()
    texts = []
    for entry in re.findall(rf'^{of} ((?:".*"\n)+)', entries, re.M):
        texts.append("".join(ast.literal_eval(line) for line in entry.splitlines()))
    return " ".join("\n".join(texts).split())


def not_in(texts, quotes):
    """Those of some quotes of which a part is missing; `…` stands for what differs."""
    for quote in quotes:
        parts = [part.strip() for part in re.split("…| ‣ ", quote)]
        if any(part.strip(".") and part not in texts for part in parts):
            yield quote


@pytest.mark.parametrize("name", QUOTING)
def test_it_quotes_the_product(name):
    """Each text in italics is one of the product's; `…` stands for what differs."""
    text = " ".join(FENCE.sub("", (ROOT / "docs" / name).read_text()).split())
    quotes = set(re.findall(r"(?<!\*)\*([^*|]+)\*(?!\*)", text))
    assert len(quotes) > (80 if name == TROUBLES.name else 5)
    menus_too = product_texts() + "".join(menus())
    assert not set(not_in(menus_too, quotes - ELSEWHERE))


def test_the_russian_document_has_the_words_of_the_russian_screens():
    text = " ".join((ROOT / "docs/use.ru.md").read_text().split())
    quotes = {*re.findall("«([^»]+)»", text), *re.findall(r"\*([^*]+ ‣ [^*]+)\*", text)}
    assert len(quotes) > 10
    texts = product_texts("ru.po", "msgstr")
    # How often somebody called, and a page of Odoo's.
    assert set(not_in(texts, quotes)) == {"×3", "Мои настройки"}


def test_troubleshooting_quotes_the_log():
    """Each reason of a refusal is one that the code gives."""
    code = "".join(
        path.read_text()
        for folder in ("telephony", "models", "controllers")
        for path in (ROOT / folder).rglob("*.py")
    )
    reasons = re.findall(r"`\((\d+)\): ([^`]+)`", TROUBLES.read_text())
    assert len(reasons) > 7
    for status, reason in reasons:
        assert re.search(rf'Refused\(\s*{status}, "{re.escape(reason)}"', code), reason


def test_each_test_that_shows_a_promise_is_there():
    promised = SHOWN_BY.findall((ROOT / "docs/security.md").read_text())
    assert len(set(promised)) > 50
    missing = [
        f"{path}::{name}"
        for path, name in promised
        if f"def {name}(" not in (ROOT / path).read_text()
    ]
    assert missing == []


def is_put_together(statement):
    """Whether what is run as a statement was made of texts: f"…", "…" % x, "…" + x."""
    if isinstance(statement, ast.Call):
        function = statement.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        # ``SQL`` takes its parameters apart from its text.
        inner = statement.args[:1] if name == "SQL" else []
        return name == "format" or any(map(is_put_together, inner))
    return isinstance(statement, ast.JoinedStr | ast.BinOp)


@pytest.mark.parametrize(
    ("statement", "is_bad"),
    [
        ('"select %s"', False),
        ('SQL("select %s", name)', False),
        ('f"select {name}"', True),
        ('"select %s" % name', True),
        ('"select " + name', True),
        ('"select {}".format(name)', True),
        ('SQL(f"select {name}")', True),
    ],
)
def test_what_is_put_together(statement, is_bad):
    assert is_put_together(ast.parse(statement, mode="eval").body) is is_bad


def test_no_statement_is_put_together_from_texts():
    found, seen = [], 0
    folders = ("models", "controllers", "wizard")
    files = [path for name in folders for path in (ROOT / name).rglob("*.py")]
    for path in (*files, ROOT / "hooks.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name not in ("SQL", "execute", "execute_query"):
                continue
            seen += 1
            if is_put_together(node if name == "SQL" else node.args[0]):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert seen > 100
    assert found == []


# ------------------------------------------------------------------------- dialects

DIALECT = ROOT / "docs/dialect.md"
IN_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# Words of Python and of HTTP, what a reader fills in, and steps by their example.
NOT_OURS = {"None", "True", "False", "GET", "name", "m7", "r7", "c7", "k7", "notify_"}


def names_of_the_code():
    """What is defined under `telephony/`: classes, functions, fields, constants.

    Words of the neutral vocabulary, too: `ringing`, `redirect`.
    """
    found = set()
    for path in (ROOT / "telephony").rglob("*.py"):
        found |= {path.stem, *path.parent.parts}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_the_names_of_a_dialect_are_those_of_the_code():
    known = names_of_the_code() | NOT_OURS
    # Files are looked up above; texts in braces or parentheses explain a form.
    quotes = {
        quote
        for quote in IN_CODE.findall(FENCE.sub("", DIALECT.read_text()))
        if "/" not in quote and not quote.startswith(("{", "("))
    }
    names = {name for quote in quotes for name in re.findall(r"[a-zA-Z_]\w*", quote)}
    assert len(names) > 120
    assert names - known - {"pbx", "provider"} == set()


def test_each_part_of_a_dialect_is_described():
    text = DIALECT.read_text()
    code = ast.parse((ROOT / "telephony/dialect.py").read_text())
    [interface] = [
        node
        for node in code.body
        if isinstance(node, ast.ClassDef) and node.name == "Dialect"
    ]
    names = set()
    for node in interface.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets)
    assert len(names) > 70
    assert {name for name in names if not re.search(rf"`{name}\b", text)} == set()
