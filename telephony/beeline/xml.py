"""Reading XML that strangers may have written.

Whoever knows the address may post to it, and nothing is proven before the document is
read. So the text is decoded here, by one of a few encodings, and whatever could make a
parser expand, fetch or open anything is refused in that text, in which it cannot hide;
the parser is told to do none of it as well, and stops at what is too deep or too much.
"""

import codecs
import html
import re

from lxml import etree

from ..dialect import Refused

CONTENT_TYPES = ("application/xml", "text/xml")
MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 40
MAX_ELEMENTS = 2000
_PIECE_BYTES = 2048
# Where an element may begin; in a comment there may be some that are none.
_BEGINNING = re.compile(r"<[^/!?]")
_MOST_BEGINNINGS = 2 * MAX_ELEMENTS
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# What stands in a kept document instead of an address.
HIDDEN = "***"
# ``{name in a document, in lower case: codec}``: no other encodings are read.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso-8859-5": "iso-8859-5",
    "windows-1251": "cp1251",
    "cp1251": "cp1251",
    "koi8-r": "koi8-r",
}
for _one in _CODECS.values():
    # Their modules are loaded now: no file is opened while a document is read.
    codecs.lookup(_one)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The first character without a mark is “<”, of two bytes.
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s\"';]*)", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]{0,200}\?>")
_ENCODING = re.compile(r"""\sencoding\s*=\s*(["'])([^"']*)\1""")
_FORBIDDEN = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ADDRESS_TAG = re.compile(r"<(/?)(?:[\w.-]+:)?uri(?:\s[^<>]*)?>")


class Element:
    """An element as far as it is read.

    :var str name: without a prefix, ``""`` of an element of another namespace.
    :var str type: what its type attribute has behind the last colon.
    :var str text: its own text without blanks around it.
    """

    __slots__ = ("_texts", "children", "name", "type")

    def __init__(self, name="", type_=""):
        self.name, self.type = name, type_
        self.children, self._texts = [], []

    @property
    def text(self):
        return "".join(self._texts).strip()

    def add_text(self, text):
        self._texts.append(text)

    def named(self, name):
        """Return the list of children of this name."""
        return [child for child in self.children if child.name == name]

    def first(self, name):
        """Return the first child of this name, or ``None``."""
        return next((child for child in self.children if child.name == name), None)

    def below(self):
        """Yield all that is in it, in the order of the document."""
        for child in self.children:
            yield child
            yield from child.below()


def check_envelope(request):
    """Make sure that a request may hold a document, before anything of it is read.

    :raises Refused: 415 another type, 413 too large.
    """
    if request.content_type not in CONTENT_TYPES:
        raise Refused(415, "not XML")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "a compressed body")
    if len(request.body) > MAX_BODY_BYTES:
        raise Refused(413, "the body is larger than 64 KiB")


def read_text(request):
    """Return the document as text, in whichever encoding it came.

    :raises Refused: 400 it cannot be read, or holds what is not taken.
    """
    text = _decoded(request.body, request.headers.get("content-type", ""))
    if "\0" in text:
        raise Refused(400, "a NUL in the document")
    if _FORBIDDEN.search(text):
        raise Refused(400, "a document type or an entity")
    return text


def parse(text, root, namespace):
    """Return the root :class:`Element` of a document.

    :param str text: as :func:`read_text` returns it.
    :param str root: the name that it must have.
    :param str namespace: elements of it are read, and those of none.
    :raises Refused: 400.
    """
    found = _DECLARATION.match(text)
    if found:
        # From here on the encoding is ours.
        declaration = _ENCODING.sub("", found.group().lstrip())
        text = declaration + text[found.end() :]
    target = _Target(namespace)
    parser = etree.XMLParser(
        target=target,
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
    )
    if len(_BEGINNING.findall(text)) > _MOST_BEGINNINGS:
        raise Refused(400, "too many elements")
    content = text.encode()
    try:
        # Bit by bit: it goes on to the end of what it was given, refused or not.
        for begin in range(0, len(content), _PIECE_BYTES):
            parser.feed(content[begin : begin + _PIECE_BYTES])
        document = parser.close()
    except (etree.LxmlError, ValueError) as error:
        # Its text would repeat a part of the document.
        raise Refused(400, "not well-formed") from error
    if document is None or document.name != root:
        raise Refused(400, f"no {root}")
    return document


def without_addresses(text, secrets):
    """Return a document's text in which no address of ours is left.

    :param secrets: texts that must not be in it.
    :return: ``""`` where one is written in a way that is not found.
    """
    text = masked(_without_addresses(text), secrets)
    plain = html.unescape(text)
    return "" if any(secret in plain for secret in secrets) else text


def _without_addresses(text):
    """Return a text in which nothing stands between the tags of an address.

    In one pass, whatever is opened and never closed, as it may be in a comment.
    """
    kept, done, opened = [], 0, None
    for tag in _ADDRESS_TAG.finditer(text):
        is_end = bool(tag[1])
        if opened is None and not is_end:
            opened = tag.end()
        elif opened is not None and is_end:
            kept += [text[done:opened], HIDDEN]
            done, opened = tag.start(), None
    return "".join([*kept, text[done:]])


def masked(value, secrets):
    """Return texts, and lists and dicts of them, without ``secrets``."""
    if isinstance(value, dict):
        return {name: masked(one, secrets) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one, secrets) for one in value]
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return value


def _decoded(body, content_type):
    for codec in _codecs_of(body, content_type):
        try:
            return body.decode(codec).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        except UnicodeDecodeError:
            continue
    raise Refused(400, "the text is not in its encoding")


def _codecs_of(body, content_type):
    """Return the encodings in which a body may be, the likeliest first.

    :raises Refused: one that is not read is named.
    """
    mark, marked = _marked(body)
    # Latin letters are the same in all encodings but the wide ones.
    head = body[len(mark) : 500].replace(b"\0", b"").decode("latin-1")
    declaration = _DECLARATION.match(head)
    charset = _CHARSET.search(content_type)
    declared = declaration and _ENCODING.search(declaration.group())
    names = (charset and charset[1], declared and declared[2])
    named = [_codec(name) for name in names if name]
    if marked:
        return [marked]
    return list(dict.fromkeys(named)) or ["utf-8"]


def _marked(body):
    """Return the mark at the beginning of a body, and the encoding that it tells."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return mark, codec
    for beginning, codec in _UNMARKED:
        if body.startswith(beginning):
            return b"", codec
    return b"", ""


def _codec(name):
    codec = _CODECS.get(name.lower())
    if codec is None:
        raise Refused(400, "an encoding that is not read")
    return codec


class _Target:
    """Takes what the parser finds, and stops it at what is too much."""

    def __init__(self, namespace):
        self._known = ("", namespace)
        self._open = [Element()]
        self._count = 0

    def start(self, tag, attributes):
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise Refused(400, "too many elements")
        if len(self._open) > MAX_DEPTH:
            raise Refused(400, "nested too deeply")
        element = Element(self._name(tag), _type(attributes))
        self._open[-1].children.append(element)
        self._open.append(element)

    def _name(self, tag):
        namespace, marked, name = tag.rpartition("}")
        if namespace.removeprefix("{") not in self._known:
            return ""
        # A prefix that nothing declares.
        return name if marked else _last_part(name)

    def end(self, _tag):
        self._open.pop()

    def data(self, text):
        self._open[-1].add_text(text)

    def doctype(self, *_what):
        raise Refused(400, "a document type")

    def close(self):
        return next(iter(self._open[0].children), None)


def _type(attributes):
    given = attributes.get(TYPE)
    if given is None:
        # Without a namespace, or with a prefix that nothing declares.
        plain = (name for name in attributes if not name.startswith("{"))
        given = next((attributes[n] for n in plain if _last_part(n) == "type"), "")
    return _last_part(given)


def _last_part(text):
    return text.strip().rpartition(":")[2]
