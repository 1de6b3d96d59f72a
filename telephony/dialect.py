"""What every PBX dialect offers, and the register of dialects.

A dialect is a folder beside this file with a module ``dialect.py`` that defines one
subclass of :class:`Dialect`. It translates between a vendor and the neutral words of
``call.py``; it knows no Odoo and no database. A dialect takes the *raw* request and
gives a refusal or a proven :class:`Delivery`, from that events, and a reply.
"""

import hashlib
import importlib
import json
import pkgutil
import re
from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone, tzinfo

from . import __name__ as _package
from . import __path__ as _path


@dataclass(frozen=True)
class Account:
    """What a dialect may know of the account it speaks for. Holds secrets: never log.

    ``zone`` is the zone in which the PBX tells local times.
    """

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    server_url: str = ""
    webhook_url: str = field(default="", repr=False)
    login: str = ""
    account: str = ""
    country: str = ""
    zone: tzinfo = UTC


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came; header names in lower case, ``body`` raw bytes."""

    method: str
    headers: dict
    query: dict
    body: bytes = b""

    @property
    def content_type(self):
        """The media type alone, in lower case, or ``""``."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


class Refused(Exception):
    """A request that is not taken. ``status`` is the HTTP status, ``reason`` is for the
    administrator's log and holds nothing of the request's contents."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status
        self.reason = reason


class NotOffered(Exception):
    """This PBX has no such function."""


@dataclass(frozen=True)
class Delivery:
    """A proven delivery of one event.

    ``payload`` is what is kept: JSON-able, masked, and enough to read the events from
    it again. ``ref`` is the PBX's call id, ``""`` where the event is about no call.
    """

    event_type: str
    ref: str
    payload: dict
    # A repeat of an event that carries nothing that tells two apart is a new event.
    repeatable: bool = True
    # The PBX waits for a decision about this call.
    asks_routing: bool = False

    @property
    def digest(self):
        """The text by which a repeated delivery is recognised; ``""`` if not."""
        if not self.repeatable:
            return ""
        text = json.dumps([self.event_type, self.ref, self.payload], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Decision:
    """What we tell a PBX that asks how to go on. Empty: the PBX's own scenario."""

    caller_name: str = ""
    # An extension, or what the dialect's documents call a target.
    redirect: str = ""
    return_timeout: int | None = None


class Dialect:
    """One kind of PBX. Subclasses set the attributes and override what they offer."""

    code = ""
    label = ""
    # Fields of the settings form that this dialect uses besides the common ones.
    form_fields = frozenset()
    # Names of the notifications the PBX can switch.
    notifications = ()
    can_answer_routing = False
    has_balance = False

    def handshake(self, request, account):
        """Answer a ``GET`` on the webhook address, with a :class:`Reply`.

        :raises Refused: this PBX does not verify addresses, or not like this.
        """
        raise Refused(404, "This PBX does not verify addresses.")

    def check(self, request, account):
        """Return the proven :class:`Delivery` that ``request`` holds.

        :raises Refused: 415, 413, 400 for what cannot be read, 403 without proof.
        """
        raise NotImplementedError

    def read(self, delivery, received_at, account):
        """Return the list of ``CallEvent`` in a delivery; ``[]`` if it tells of none.

        :param datetime received_at: naive UTC time of the first receipt.
        """
        raise NotImplementedError

    def reply(self, delivery, decision):
        """Return the :class:`Reply` to a delivery that was kept.

        ``decision`` is ``None`` unless ``delivery.asks_routing``.
        """
        return Reply()

    def sample(self, account):
        """Return a proven :class:`Request` about no call, for trying the address."""
        raise NotOffered(f"{self.label} has no event to try an address with.")

    # What Odoo asks of the PBX. ``client`` errors are the dialect's own family.
    def connect(self, account):
        """Tell the PBX our address and what to send there."""
        raise NotOffered(f"{self.label} cannot be set up from here.")

    def keep_alive(self, account):
        """Renew what ends by itself (a subscription); called by a job."""

    def disconnect(self, account):
        """Tell the PBX to forget our address."""

    def dial(self, account, extension, number, line=""):
        """Ring ``extension``, then ``number``. Return the call's id, or ``""``."""
        raise NotOffered(f"{self.label} cannot dial.")

    def fetch_history(self, account, start, stop):
        """Yield past calls' events between two naive UTC times."""
        raise NotOffered(f"{self.label} keeps no history.")

    def fetch_recording(self, account, ref, recording):
        """Return where the recording can be fetched now."""
        raise NotOffered(f"{self.label} keeps no recordings.")

    def fetch_extensions(self, account):
        """Return the PBX's extensions."""
        raise NotOffered(f"{self.label} does not list its extensions.")

    def fetch_lines(self, account):
        """Return the numbers under which the PBX is called."""
        raise NotOffered(f"{self.label} does not list its numbers.")


_dialects = {}


def register(dialect):
    """Add ``dialect`` (an instance) to the register, under its ``code``."""
    _dialects[dialect.code] = dialect
    return dialect


def unregister(code):
    """Take a dialect out of the register again."""
    _dialects.pop(code, None)


def _discover():
    for module in pkgutil.iter_modules(_path):
        if module.ispkg and module.name not in _dialects:
            importlib.import_module(f"{_package}.{module.name}.dialect")


def get(code):
    """Return the dialect named ``code``, or ``None``."""
    if code not in _dialects:
        _discover()
    return _dialects.get(code)


def available():
    """Return all dialects, sorted by code."""
    _discover()
    return [_dialects[code] for code in sorted(_dialects)]


_OFFSET = re.compile(
    r"(?:UTC|GMT)?(?:\s*([+-])([0-9]{1,2})(?::([0-5][0-9]))?)?", re.IGNORECASE
)


def fixed_zone(text):
    """Return the zone that an offset such as ``UTC+3`` or ``UTC-4:30`` names.

    :raises ValueError: no offset.
    """
    plain = (text or "").strip().replace("\N{MINUS SIGN}", "-")
    found = _OFFSET.fullmatch(plain)
    if not found:
        raise ValueError(f"“{plain}” is no offset such as UTC+3 or UTC-4:30.")
    sign, hours, minutes = found.groups()
    shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return timezone(-shift if sign == "-" else shift)
