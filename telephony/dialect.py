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
# What a PBX that asks can be told besides nothing, which leaves it its own scenario:
# fields of :class:`Decision`. A dialect declares those that it has words for.
REDIRECT, REFUSE, HANG_UP, PLAY, ASK = DECISIONS = (
    *("redirect", "refuse", "hangup", "play", "ask"),
)
# What Connect can do for a PBX, each step with a line of its own in the check list.
CONNECT_STEPS = (
    *("keys", "clock", "address", "notifications"),
    *("extensions", "lines", "events"),
)
# The report (``Delivery.reports``) that ends a replay: how many events it told again.
REPLAY_REPORT = "replayed"
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
    :var bool more: one of several questions was answered: once this is stored, the
        same is called again, with these values as ``Account.memory``.
    """

    values: dict = field(default_factory=dict, repr=False)
    until: datetime | None = None
    more: bool = False


@dataclass(frozen=True)
class RecordingFile:
    """Where the file of a recording is.

    :var str url: whoever has it may listen, unless ``headers`` are needed: never log.
    :var dict headers: to be sent along, to the API's own host alone.
    :var int empty_bytes: a file that is not larger holds no sound yet.
    :var explain: what came instead of sound: called with the HTTP status, the headers
        and the JSON (``None`` for what is none), it returns the ``PbxError`` that they
        mean, or ``None``: what they mean anywhere.
    """

    url: str = field(default="", repr=False)
    headers: dict = field(default_factory=dict, repr=False)
    empty_bytes: int = 0
    explain: object = field(default=None, repr=False, compare=False)


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
    ``connect`` or ``keep_alive`` remembered last. Until ``expecting_until``, naive UTC,
    something is being set up of which nothing could be remembered yet: an event may
    come before the answer does. ``extensions`` is ``{name: number}`` with all names
    that events may call our extensions by; see ``Dialect.names_extensions``.
    ``options`` are the settings that only this dialect has, ``{field name: value}``;
    see ``Dialect.options``.
    ``patience`` is how many seconds an answer may take where somebody waits for it; 0:
    as long as is usual.
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
    expecting_until: datetime | None = field(default=None, compare=False)
    extensions: dict = field(default_factory=dict, repr=False, compare=False)
    options: dict = field(default_factory=dict)
    patience: float = 0
    wire: Wire = field(default_factory=Wire, repr=False, compare=False)


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came; header names in lower case, ``body`` raw bytes.

    ``remote_address`` is the IP address it came from, ``""`` where that is unknown.
    """

    method: str
    headers: dict
    query: dict
    body: bytes = b""
    remote_address: str = ""

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
class MenuStep:
    """A step that the caller finished, of those that :class:`Ask` asked for.

    ``name`` as it was asked; ``digits`` the keys he pressed, ``""`` for none;
    ``defaulted``: the PBX has done by itself what ``Ask.default`` says.
    """

    name: str
    digits: str = ""
    defaulted: bool = False


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
    # The caller finished a step that an earlier decision asked for: the rules are not
    # asked anew.
    step: MenuStep | None = None
    # Only the secret of before the last change proved it.
    by_former_secret: bool = False
    # What the proof covers, where that is not all of the event: whoever has seen it can
    # make up the rest. ``""``: nothing can be made up, or it is about no call.
    signed: str = field(default="", repr=False)
    # Which of several calls that are signed alike this is: ``"own_leg"`` and
    # ``"client_leg"`` of a click that is reported under two ids; ``""``: the only one.
    signed_part: str = ""
    # The PBX held events back before this one: they are asked for.
    held_back: bool = False
    # What it says of the PBX itself, ``{name: JSON-able value}``; the last value of
    # each name is kept. ``REPLAY_REPORT`` is one of the names.
    reports: dict = field(default_factory=dict)
    # What makes the PBX send events has ended: it is renewed at once.
    needs_renewal: bool = False
    # Further deliveries in the same request, about other calls.
    further: tuple = ()

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
class Ask:
    """Wait for keys of the caller.

    :var str name: comes back as ``MenuStep.name``.
    :var int timeout: seconds to wait, each of ``attempts`` times.
    :var int digits: how many keys at most.
    :var str default: what the PBX does if none come: one of its own targets, or
        ``hangup``.
    """

    name: str
    timeout: int = 5
    attempts: int = 1
    digits: int = 1
    default: str = "hangup"


@dataclass(frozen=True)
class Decision:
    """What we tell a PBX that asks how to go on. Empty: the PBX's own scenario.

    One thing at a time: ``redirect``, ``refuse``, ``hangup``, or ``play`` with the
    ``ask`` that leads on from it. ``caller_name`` goes with ``redirect`` and with none.
    """

    # What phones show of the caller.
    caller_name: str = ""
    # An extension, or what the dialect's documents call a target.
    redirect: str = ""
    # Seconds until its scenario goes on; 0: never.
    return_timeout: int | None = None
    # The caller hears that all are busy.
    refuse: bool = False
    hangup: bool = False
    # An id of a sound that the PBX has; what follows is in ``ask``.
    play: str = ""
    ask: Ask | None = None


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
    :var int unreadable: how many of the rows say too little to be of a call.
    """

    events: tuple
    next: object = None
    rows: int = 0
    until: datetime | None = None
    unreadable: int = 0


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
    # Names of the provider's fields that only this dialect has; they are handed over as
    # ``Account.options``.
    options = ()
    # The secret is Odoo's to choose: one is made where none was entered.
    makes_secret = False
    # ``{code of a PbxError: what to do}``, marked texts with ``%(detail)s``, for an
    # administrator; else there are neutral ones.
    advice = {}

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
    # Of ``DECISIONS``, those that it can be told when it asks how to go on with a call.
    # Empty: it does not ask.
    decisions = frozenset()
    # What one of its own targets looks like (``is_target``), for a person who enters
    # one: ``0-1``, ``0-main``.
    target_example = ""
    # Both legs of a click, to our own phone and to the other party, come under one id;
    # else they may be two calls, which are joined.
    click_legs_share_id = False
    # It reports each leg under an id of its own, and the bridges between them.
    reports_legs = False
    # Which field of an extension events and questions name: ``number`` or ``login``.
    extension_identity = "number"
    # ``fetch_extensions`` tells who is online: nobody has to be asked for one by one.
    lists_online = False
    # Events call extensions by several names: ``extension_names`` tells them, and they
    # are in ``Account.extensions``.
    names_extensions = False
    # Each leg is released by itself, and one that begins later opens a call again that
    # was over: of a missed call people are notified when that is unlikely.
    reopens = False
    # What a number of an extension looks like, for a person who enters one.
    extension_example = "100"

    # --- Connect
    # The steps that it takes, of CONNECT_STEPS and in the order in which they are
    # taken; ``events`` where ``can_replay``.
    connect_steps = tuple(step for step in CONNECT_STEPS if step != "events")
    has_balance = False
    # What ``connect`` sets up ends by itself, unless ``keep_alive`` renews it.
    subscribes = False
    # What to do where the step ``events`` brings no event in time: a marked text, with
    # ``%s`` for the seconds.
    events_advice = ""
    # What is left to do at the PBX after Disconnect, a marked text.
    disconnect_advice = ""

    # --- history
    # It is asked for under our own key. Where events are proven in full it only adds.
    history_outranks_events = True
    # Without ids, rows are matched by extension, number and start.
    history_has_ids = True
    # It keeps events that Odoo did not take, and sends them when asked to: see
    # ``request_replay``. Then it has no history to be read.
    can_replay = False

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
    # ``(questions, seconds)``: no more than these in any such span. They wait for their
    # turn, for a moment; ``None``: no such limit.
    burst = None
    # Length of the window; a bit more than the PBX's own, which counts arrivals.
    rate_window_seconds = 62
    # Seconds from the end of a call until its recording may be asked for.
    recording_ready_seconds = 0
    # Whether an event of a recording says that it began: until the call is over it
    # grows, and what was fetched of it would be a part.
    recording_grows = False
    # For how long one link to a recording is given out; 0: the PBX has no links that a
    # browser may follow.
    recording_link_seconds = 0

    def read_extension(self, text):
        """Return the extension's number in what a person or the PBX writes, or ``""``.

        Short numbers, as ``100`` and ``123456-100`` have them, unless overridden.
        """
        return numbers.extension(text)

    @property
    def can_answer_routing(self):
        """Whether the PBX asks how to go on with a call, and heeds the answer."""
        return bool(self.decisions)

    def is_target(self, text):
        """Return whether ``text`` is spelled as one of the PBX's own targets.

        Not whether there is such a one: that no PBX says. ``hangup`` is none.
        """
        return False

    def extension_names(self, number, login, caller_id):
        """Return the names by which events may call an extension; see
        ``names_extensions``.

        :param str caller_id: E.164, or ``""``.
        """
        return {number, login} - {""}

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
        """Ask the least that needs the right keys; raises where they are not.

        :return: the list of :class:`Extension`, if that was asked for; else ``None``.
        """
        return self.fetch_extensions(account)

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

        What fails here is logged: the former one ends by itself.

        :param dict former: what was remembered before ``account.memory``. What is in
            both stays: setting up may have been interrupted, and gone on.
        """

    def has_subscription(self, account):
        """Tell whether what was set up still is; see ``subscribes``."""
        raise NotOffered(f"{self.label} does not tell whether it sends events.")

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

    def new_call_ref(self):
        """Return an id for a call that is about to be dialled, one that nobody can
        guess; ``""``: the PBX names it.
        """
        return ""

    def dial(self, account, extension, number, line="", ref="", shown=""):
        """Ring ``extension``, then ``number`` (E.164). Never repeated by itself.

        :param str line: the extension or the PBX's own name of what makes the call, so
            that its number is shown; ``""``: the extension's own.
        :param str ref: of :meth:`new_call_ref`.
        :param str shown: the number of the extension, whatever it is named by.
        :return: the call's id, or ``""`` where the PBX tells it only in events.
        """
        raise NotOffered(f"{self.label} cannot dial.")

    def has_call(self, account, ref):
        """Tell whether a call of this id goes on, where its ``dial`` had no answer."""
        raise NotOffered(f"{self.label} does not tell which calls go on.")

    def hang_up(self, account, ref):
        """End the call that the PBX names ``ref``; see ``can_hang_up``."""
        raise NotOffered(f"{self.label} cannot end calls from here.")

    def fetch_history(self, account, start, stop, page=None):
        """Return a :class:`HistoryPage` of the calls that began between two times.

        :param datetime start: with ``stop`` naive UTC, any length.
        :param page: ``HistoryPage.next`` of the page before; ``None``: the first one.
        """
        raise NotOffered(f"{self.label} keeps no history.")

    def request_replay(self, account):
        """Have the PBX send what it kept, through the ordinary webhook.

        What comes last is a delivery with a ``REPLAY_REPORT``. Asking while one is
        running is no error.
        """
        raise NotOffered(f"{self.label} keeps no events.")

    def is_replaying(self, account):
        """Tell whether a replay goes on, which ends where Odoo takes an event not."""
        raise NotOffered(f"{self.label} keeps no events.")

    def doubt_events(self, account):
        """Return why events of calls may not come although a replay did, or ``""``.

        :return: a marked text.
        """
        return ""

    def fetch_live_legs(self, account):
        """Return the set of ids of the legs that exist now; see ``reports_legs``."""
        raise NotOffered(f"{self.label} does not list its calls.")

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
