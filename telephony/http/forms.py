"""Reading the form that a request's body holds, in time that grows with its length.

Whoever knows an address may post to it, and nothing is proven before the form is read:
what a form does not need is refused before it costs anything.
"""

import re
from urllib.parse import parse_qsl

from ..dialect import Refused

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_BODY_BYTES = 1024 * 1024
MAX_FIELDS = 100
# Of one part of a multipart form, and of the request's own content type.
MAX_HEADER_BYTES = 8 * 1024
# RFC 2046
_MAX_BOUNDARY = 70
# Nothing else is used in forms (RFC 7578).
_PLAIN_ENCODINGS = ("", "7bit", "8bit", "binary")


def read_form(request):
    """Return the fields of a form as ``[(name, text)]``, in their order.

    :param request: a :class:`~..dialect.Request`.
    :raises Refused: 415 no form, 413 too large, 400 cannot be read.
    """
    if request.content_type not in (URLENCODED, MULTIPART):
        raise Refused(415, "not a form")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Refused(415, "a compressed body")
    if len(request.body) > MAX_BODY_BYTES:
        raise Refused(413, "the body is larger than 1 MiB")
    if request.content_type == URLENCODED:
        return _read_urlencoded(request.body)
    return _read_multipart(request.headers["content-type"], request.body)


def _text(content):
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(400, "the text is not UTF-8") from error


def _read_urlencoded(body):
    text = _text(body)
    try:
        return parse_qsl(
            text,
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise Refused(400, "the text is not UTF-8") from error
    except ValueError as error:
        raise Refused(400, "too many fields") from error


# ------------------------------------------------------------------------- multipart


def _read_multipart(content_type, body):
    fields = []
    for part in _parts(_boundary(content_type), body):
        if len(fields) >= MAX_FIELDS:
            raise Refused(400, "too many fields")
        headers, content = _split(part)
        fields.append((_name(headers), _text(content)))
    if not fields:
        raise Refused(400, "a multipart form without parts")
    return fields


def _boundary(content_type):
    if len(content_type) <= MAX_HEADER_BYTES:
        given = _parameters(content_type).get("boundary", "")
        if 0 < len(given) <= _MAX_BOUNDARY and given.isascii():
            return given.encode()
    raise Refused(400, "a multipart form without a boundary")


def _parts(boundary, body):
    """Give what lies between the boundaries, one part after the other.

    One search through the body; it ends where nobody wants to have more.
    """
    line = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    )
    begin, position = None, 0
    while True:
        found = line.search(body, position)
        if not found:
            raise Refused(400, "a multipart form that does not end")
        if begin is not None:
            yield body[begin : found.start()]
        if found[1]:
            return
        begin = found.end()
        # A part without contents has its boundary right behind the empty line.
        position = max(begin - 2, found.start() + 1)


def _split(part):
    """Return a part's headers, names in lower case, and its contents."""
    head = part[: MAX_HEADER_BYTES + 4]
    empty_line = re.search(rb"\r?\n\r?\n", head)
    if not empty_line:
        raise Refused(400, "the headers of a part are missing or too long")
    headers = {}
    for line in re.split(r"\r?\n(?![ \t])", _text(head[: empty_line.start()])):
        name, _colon, value = line.partition(":")
        name = name.strip().lower()
        if name in headers:
            raise Refused(400, "a part with a header twice")
        headers[name] = value.strip()
    return headers, part[empty_line.end() :]


def _name(headers):
    """Return the name of the field that a part is."""
    media_type = headers.get("content-type", "").strip().lower()
    if media_type.startswith(("multipart/", "message/")):
        raise Refused(400, "a part of parts")
    encoding = headers.get("content-transfer-encoding", "").lower()
    if encoding not in _PLAIN_ENCODINGS:
        raise Refused(400, "a part in an encoding that forms do not have")
    disposition = headers.get("content-disposition", "")
    name = _parameters(disposition).get("name")
    kind = disposition.partition(";")[0].strip().lower()
    if kind != "form-data" or name is None:
        raise Refused(400, "a part without a name")
    return name


# One parameter, or what lies between two: each character is looked at once.
_PARAMETER = re.compile(r';\s*([^\s;="]*)=(?:"((?:[^"\\]|\\.)*)"|([^;"]*))|[^;]+|;')


def _parameters(header):
    """Return the parameters behind a header's value; of repeated ones the first."""
    found = {}
    for match in _PARAMETER.finditer(header):
        name, quoted, plain = match.groups()
        if name:
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            found.setdefault(name.lower(), value.strip() if quoted is None else value)
    return found
