"""SIP messages: as much of RFC 3261 as a telephone on the same machine needs."""

import re
import secrets
from dataclasses import dataclass, field

HOST = "127.0.0.1"
SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact"}
PARTY = re.compile(r'^\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^>]*)>')


@dataclass
class Message:
    """A request or a response. `first` is its first line."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip()
            headers.append((SHORT.get(name.lower(), name), value.strip()))
        return cls(first, headers, body)

    def __bytes__(self) -> bytes:
        body = self.body.encode()
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def all(self, name: str) -> list[str]:
        name = name.lower()
        return [value for key, value in self.headers if key.lower() == name]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def is_request(self) -> bool:
        return not self.first.startswith("SIP/")

    @property
    def method(self) -> str:
        """Of a request, or of the request that a response answers."""
        return self.get("CSeq").split()[-1]

    @property
    def code(self) -> int:
        return int(self.first.split()[1])

    @property
    def call_id(self) -> str:
        return self.get("Call-ID")

    @property
    def branch(self) -> str:
        return parameter(self.get("Via"), "branch")

    @property
    def sound_port(self) -> int | None:
        """Where the other side wants the sound of a call."""
        found = re.search(r"^m=audio (\d+)", self.body, re.M)
        return int(found[1]) if found else None


def parameter(value: str, name: str) -> str:
    found = re.search(rf";\s*{name}=([^;>\s]+)", value)
    return found[1] if found else ""


def party(value: str) -> tuple[str, str, str]:
    """The display name, the user and the address of a From, To or Contact."""
    found = PARTY.match(value)
    if not found:
        uri = value.split(";")[0].strip()
        return "", user(uri), uri
    quoted, plain, uri = found.groups()
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain or ""
    return name.strip(), user(uri), uri


def user(uri: str) -> str:
    found = re.match(r"sips?:([^@;>]+)@", uri)
    return found[1].replace("%23", "#") if found else ""


def address(name: str, uri: str) -> str:
    """A display name and an address, as a header holds them."""
    if not name:
        return f"<{uri}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{uri}>'


def tag() -> str:
    return secrets.token_hex(5)


def branch() -> str:
    return f"z9hG4bK{secrets.token_hex(8)}"


def sound(port: int) -> str:
    """The description of a call's sound: G.711 µ-law, both ways."""
    lines = [
        "v=0",
        f"o=- {port} {port} IN IP4 {HOST}",
        "s=-",
        f"c=IN IP4 {HOST}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
        "a=sendrecv",
    ]
    return "\r\n".join(lines) + "\r\n"
