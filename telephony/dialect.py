"""What every PBX dialect offers, and the register of dialects.

A dialect is a folder beside this file with a module ``dialect.py`` that defines one
subclass of :class:`Dialect`. It translates between a vendor and the neutral words of
``call.py``; it knows no Odoo and no database. A dialect takes the *raw* request and
gives a refusal or a proven :class:`Delivery`, from that events, and a reply.
"""

import hashlib
import importlib.util
import json
import pkgutil
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import Enum

from . import __name__ as _package
from . import __path__ as _path
from . import numbers

# Kinds of questions that a PBX counts apart from each other.
GENERAL, STATISTICS = "general", "statistics"
# What Connect can do for a PBX, each step with a line of its own in the check list.
CONNECT_STEPS = ("keys", "clock", "address", "notifications", "extensions", "lines")
# Parts of the settings form that only some PBXs need. A dialect names those it uses in
# ``form``; the others are not shown for it.
OPTIONAL_FIELDS = (
    "account",
    "login",
    "api_key",
    "api_secret",
    "tz",
    "utc_offset",
    "balance",
    "balance_threshold",
    "statistics_limit",
    "recording_mode",
    "line_ids",
    "history_ids",  # past calls, by themselves and for a period
)


def _(text):
    """Mark a text for translation; it is translated where it is shown."""
    return text


class Proof(Enum):
    """What proves that an event comes from the PBX."""

    # A keyed hash, made with the secret of the account.
    SIGNATURE = "signature"
    # The secret address alone, and what ``connect`` remembered.
    ADDRESS = "address"


@dataclass(frozen=True)
class FormField:
    """How this PBX calls an optional field; an empty text is the field's own one.

    Texts are English and marked with :func:`_`.
    """

    label: str = ""
    help: str = ""
    placeholder: str = ""


@dataclass(frozen=True)
class Remembered:
    """What ``connect`` and ``keep_alive`` leave behind for the calls that follow.

    :var dict values: JSON-able; takes the place of what was remembered before, and is
        given back as ``Account.memory``.
    :var datetime until: naive UTC time at which what was set up ends by itself;
        ``None``: never.
    """

    values: dict = field(default_factory=dict, repr=False)
    until: datetime | None = None


@dataclass(frozen=True)
class RecordingFile:
    """Where the file of a recording is.

    :var str url: whoever has it may listen, unless ``headers`` are needed: never log.
    :var dict headers: to be sent along, to the API's own host alone.
    """

    url: str = field(default="", repr=False)
    headers: dict = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Exchange:
    """One question to a PBX and what came of it, as a log may keep it: masked.

    ``asked`` and ``answered`` are texts without keys, signatures, links and addresses;
    ``status`` is the HTTP status, 0 without an answer; ``error`` is the ``PbxError``.
    """

    method: str
    path: str
    asked: str = ""
    status: int = 0
    answered: str = ""
    seconds: float = 0.0
    bucket: str = GENERAL
    error: Exception | None = None


class Wire:
    """What stands between a dialect and the network. This one lets everything pass."""

    def may_ask(self, bucket):
        """Count one question of this kind, just before it is sent.

        :raises RateLimited: the limit that all workers share is used up.
        """

    def was_asked(self, exchange):
        """Take note of an :class:`Exchange`, whatever came of it."""


@dataclass(frozen=True)
class Account:
    """What a dialect may know of the account it speaks for. Holds secrets: never log.

    ``zone`` is the zone in which the PBX tells local times, ``zone_known`` whether that
    is known at all, and ``other_zones`` are those in which it may have told them, if
    the first one is wrong. ``former_secret`` signed
    until lately, and what it signed may still be on its way. ``memory`` is what
    ``connect`` or ``keep_alive`` remembered last. ``patience`` is how many seconds an
    answer may take where somebody waits for it; 0: as long as is usual.
    """

    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    former_secret: str = field(default="", repr=False)
    server_url: str = ""
    webhook_url: str = field(default="", repr=False)
    login: str = ""
    account: str = ""
    country: str = ""
    zone: tzinfo = UTC
    zone_known: bool = True
    other_zones: tuple = ()
    memory: dict = field(default_factory=dict, repr=False, compare=False)
    patience: float = 0
    wire: Wire = field(default_factory=Wire, repr=False, compare=False)


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
    # Only the secret of before the last change proved it.
    by_former_secret: bool = False
    # What the proof covers, where that is not all of the event: whoever has seen it can
    # make up the rest. ``""``: nothing can be made up, or it is about no call.
    signed: str = field(default="", repr=False)
    # Which of several calls that are signed alike this is: ``"own_leg"`` and
    # ``"client_leg"`` of a click that is reported under two ids; ``""``: the only one.
    signed_part: str = ""

    @property
    def proof_digest(self):
        """The text by which a signed text is known again; ``""`` where none is kept."""
        if not self.signed:
            return ""
        return hashlib.sha256(self.signed.encode("utf-8", "replace")).hexdigest()[:32]

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


@dataclass(frozen=True)
class Balance:
    """``amount`` as the PBX writes it (``"10.34"``)."""

    amount: str
    currency: str = ""


@dataclass(frozen=True)
class Setup:
    """What a PBX is set to: where it sends events (``""``: nowhere), and which.

    ``notifications`` is ``{name: bool}`` with the names of ``Dialect.notifications``.
    """

    url: str = field(default="", repr=False)
    notifications: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Extension:
    """An internal number as the PBX describes it; what it does not say is empty.

    ``detailed``: this is all that the PBX says of it, no further question is needed.
    """

    number: str
    name: str = ""
    caller_id: str = ""
    login: str = ""
    online: bool | None = None
    detailed: bool = False


@dataclass(frozen=True)
class Line:
    """A number under which the PBX is called, E.164."""

    number: str
    name: str = ""


@dataclass(frozen=True)
class HistoryPage:
    """A part of a past period.

    :var tuple events: ``CallEvent``, all of the calls of ``rows`` rows.
    :var next: what to ask for the next page with (JSON-able); ``None``: that was all.
    :var datetime until: naive UTC; all that began before is listed by now.
    """

    events: tuple
    next: object = None
    rows: int = 0
    until: datetime | None = None


class Dialect:
    """One kind of PBX. Subclasses declare what it is and override what it offers.

    Form, hints, Connect, Check, Disconnect and the jobs follow these declarations.
    """

    code = ""
    label = ""
    # Place among the server types.
    sequence = 100

    # --- the settings form
    # Offered as the address of the API.
    default_server = ""
    # ``{name in OPTIONAL_FIELDS: FormField}``: the optional fields that it uses.
    form = {}
    # Names of the settings without which nothing can be asked.
    needs = ()

    # --- events
    proof = Proof.SIGNATURE
    # Names of the notifications that can be switched; the settings hold a field
    # ``notify_<name>`` for each.
    notifications = ()
    # ``{name: why}`` of those without which calls are not understood; marked texts.
    essential_notifications = {}
    # It has an event about no call, by which an address can be tried: ``sample``.
    has_sample = False
    # The type of that event: it is Odoo's own, and says nothing of the PBX.
    sample_event = ""
    can_answer_routing = False
    # Which field of an extension events and questions name: ``number`` or ``login``.
    extension_identity = "number"
    # What a number of an extension looks like, for a person who enters one.
    extension_example = "100"

    # --- Connect
    # The steps that it takes, of CONNECT_STEPS and in that order.
    connect_steps = CONNECT_STEPS
    has_balance = False

    # --- history
    # It is asked for under our own key. Where events are proven in full it only adds.
    history_outranks_events = True
    # Without ids, rows are matched by extension, number and start.
    history_has_ids = True

    # ``{word: Failure}``: what its words for a call that failed mean; lower case.
    failures = {}

    # --- dialling
    # ``hang_up`` can end a call that goes on.
    can_hang_up = False
    # Extensions and other short numbers can be dialled from Odoo.
    dials_short_numbers = False

    # --- limits and pauses
    # Questions in a window, by kind; the defaults of a new connection.
    limits = {GENERAL: 60, STATISTICS: 60}
    # Length of the window; a bit more than the PBX's own, which counts arrivals.
    rate_window_seconds = 62
    # Seconds from the end of a call until its recording may be asked for.
    recording_ready_seconds = 0
    # For how long one link to a recording is given out; 0: the PBX has no links that a
    # browser may follow.
    recording_link_seconds = 0

    def read_extension(self, text):
        """Return the extension's number in what a person or the PBX writes, or ``""``.

        Short numbers, as ``100`` and ``123456-100`` have them, unless overridden.
        """
        return numbers.extension(text)

    def doubt_settings(self, account):
        """Return what is wrong with the settings at a glance, or ``""``.

        :return: a marked text that names no secret; nothing is asked for it.
        """
        return ""

    def swapped(self, account):
        """Return ``account`` with key and secret exchanged; ``None``: no use.

        It is tried once, where the PBX refused the keys and a person waits.
        """
        return None

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

    def signed_of(self, delivery):
        """Return ``(signed, signed_part)`` of a :class:`Delivery` that was kept without
        them; ``("", "")`` where that does not follow from what is kept."""
        return "", ""

    def reply(self, delivery, decision):
        """Return the :class:`Reply` to a delivery that was kept.

        ``decision`` is ``None`` unless ``delivery.asks_routing``.
        """
        return Reply()

    def sample(self, account):
        """Return a proven :class:`Request` about no call, for trying the address."""
        raise NotOffered(f"{self.label} has no event to try an address with.")

    # What Odoo asks of the PBX. All of it raises ``errors.PbxError``, and goes over
    # ``account.wire``.

    def verify_access(self, account):
        """Ask the least that needs the right keys; raises where they are not."""
        self.fetch_extensions(account)

    def connect(self, account):
        """Make the PBX send its events to ``account.webhook_url``.

        :return: what to remember of it, a :class:`Remembered`, or ``None``: nothing.
            It is stored before anything else is asked.
        """
        raise NotOffered(f"{self.label} cannot be set up from here.")

    def switch_notifications(self, account, flags):
        """Switch notifications on and off: ``{name: bool}``."""
        raise NotOffered(f"{self.label} cannot be set up from here.")

    def fetch_setup(self, account):
        """Return the :class:`Setup` the PBX has now."""
        raise NotOffered(f"{self.label} does not tell how it is set up.")

    def keep_alive(self, account):
        """Renew what ends by itself, such as a subscription; called by a job in time.

        :return: as of :meth:`connect`; ``None``: nothing ends.
        """

    def release(self, account, former):
        """Give back what was set up before, now that its successor is stored.

        :param dict former: what was remembered before ``account.memory``.
        """

    def disconnect(self, account):
        """Make the PBX forget our address."""

    def fetch_balance(self, account):
        """Return the :class:`Balance`."""
        raise NotOffered(f"{self.label} has no balance.")

    def fetch_offset(self, account):
        """Return the offset of the PBX's clock, as :func:`fixed_zone` reads it."""
        raise NotOffered(f"{self.label} does not tell its offset.")

    def fetch_extensions(self, account):
        """Return the list of :class:`Extension`, in one question."""
        raise NotOffered(f"{self.label} does not list its extensions.")

    def fetch_extension(self, account, number):
        """Return the :class:`Extension`, whether it is online included."""
        raise NotOffered(f"{self.label} does not describe its extensions.")

    def fetch_online(self, account, number):
        """Tell whether a phone is registered at this extension, in one question."""
        raise NotOffered(f"{self.label} does not tell who is online.")

    def fetch_lines(self, account):
        """Return the list of :class:`Line`."""
        raise NotOffered(f"{self.label} does not list its numbers.")

    def dial(self, account, extension, number, line=""):
        """Ring ``extension``, then ``number`` (E.164). Never repeated by itself.

        :param str line: the extension or the PBX's own name of what makes the call, so
            that its number is shown; ``""``: the extension's own.
        :return: the call's id, or ``""`` where the PBX tells it only in events.
        """
        raise NotOffered(f"{self.label} cannot dial.")

    def hang_up(self, account, ref):
        """End the call that the PBX names ``ref``; see ``can_hang_up``."""
        raise NotOffered(f"{self.label} cannot end calls from here.")

    def fetch_history(self, account, start, stop, page=None):
        """Return a :class:`HistoryPage` of the calls that began between two times.

        :param datetime start: with ``stop`` naive UTC, any length.
        :param page: ``HistoryPage.next`` of the page before; ``None``: the first one.
        """
        raise NotOffered(f"{self.label} keeps no history.")

    def fetch_recording(self, account, ref, recording):
        """Return the :class:`RecordingFile` that can be fetched now.

        :param str ref: the call's id; ``recording``: the recording's.
        :raises NotFound: not recorded, not ready yet, or gone.
        """
        raise NotOffered(f"{self.label} keeps no recordings.")


_dialects = {}


def register(dialect):
    """Add ``dialect`` (an instance) to the register, under its ``code``."""
    _dialects[dialect.code] = dialect
    return dialect


def unregister(code):
    """Take a dialect out of the register again."""
    _dialects.pop(code, None)


def _discover():
    for folder in pkgutil.iter_modules(_path):
        if not folder.ispkg or folder.name in _dialects:
            continue
        module = f"{_package}.{folder.name}.dialect"
        if importlib.util.find_spec(module):
            importlib.import_module(module)


def get(code):
    """Return the dialect named ``code``, or ``None``."""
    if code not in _dialects:
        _discover()
    return _dialects.get(code)


def available():
    """Return all dialects, in the order in which a person chooses among them."""
    _discover()
    return sorted(_dialects.values(), key=lambda one: (one.sequence, one.label))


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
