"""A PBX that does not exist and shares no assumption with the first real one.

It has no secret: a subscription that ends after a day, and whose id stands in every
notice, is the proof. Its extensions are names, each leg is released by itself, times
are exact, history has no ids and only fills what is missing, a file needs a header.
No balance, no zone, no lines, no notifications to switch.

It is registered by who needs it, and has the PBX itself in memory::

    toy = dialect.register(Toy())
    toy.server.people["anna"]["online"] = False
    ...
    dialect.unregister(toy.code)

The unit tests load this file without Odoo, see ``dev/unit/toy_dialect.py``.
"""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ..telephony import dialect, errors, event, numbers

XML = "application/toy+xml"
MAX_BODY_BYTES = 64 * 1024
SUBSCRIPTION = timedelta(hours=24)
ROWS_PER_PAGE = 2
CALL = re.compile(r"[0-9]+/[0-9]{4}")
NAME = re.compile(r"[a-z][a-z0-9._-]{0,39}")

KINDS = {
    "ring": event.RINGING,
    "dial": event.DIALLED,
    "lift": event.ANSWERED,
    "gone": event.RELEASED,
    "tape": event.RECORDED,
}
WAYS = {"in": event.INBOUND, "out": event.OUTBOUND, "inside": event.INTERNAL}
DISPOSITIONS = {
    "talk": event.SPOKEN,
    "engaged": event.BUSY,
    "silence": event.NO_ANSWER,
    "left": event.CANCELLED,
    "melted": event.FAILED,
}


def utc_now():
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def notice(tag, at, subscription, **attributes):
    """Return the body in which the PBX tells something.

    :param str tag: ``ring``, ``dial``, ``lift``, ``gone`` (one leg is over), ``tape``;
        anything else is about no call.
    :param datetime at: naive UTC.
    :param attributes: ``call``, ``way`` (``in``, ``out``, ``inside``), ``from_``,
        ``to``, ``desk``, ``how``, ``tape``.
    """
    values = {"subscription": subscription, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    values.update((name.rstrip("_"), value) for name, value in attributes.items())
    values.setdefault("id", f"n-{tag}-{values['at']}-{values.get('desk', '')}")
    written = " ".join(f"{name}={quoteattr(text)}" for name, text in values.items())
    return f"<{tag} {written}/>".encode()


class Server:
    """The PBX behind the dialect, in memory.

    :var dict people: ``{login: {"number", "name", "online"}}``; a number may be empty.
    :var dict subscriptions: ``{id: address}`` of those that stand.
    :var list history: rows, dicts with ``desk``, ``way``, ``from``, ``to``, ``start``
        (naive UTC), ``talk`` (seconds) and ``how``.
    :var dict recordings: ``{recording: address of its file}``.
    :var list dialled: ``(desk, number, line)`` of each click; ``questions`` the names
        of all that was asked.
    :var failure: an exception that the next questions end with, or ``None``.
    :var failures: ``{question: exception}``: the same for one kind of question.
    :var int halls: so many subscriptions it takes to hear of all calls.
    :var while_subscribing: called before the answer to a subscription is given.
    """

    login = "office"

    def __init__(self):
        self.now = utc_now
        self.people = {
            "anna": {"number": "201", "name": "Anna", "online": True},
            "ben": {"number": "202", "name": "Ben", "online": False},
            "front.desk": {"number": "", "name": "Front desk", "online": True},
        }
        self.subscriptions = {}
        self.history = []
        self.recordings = {}
        self.dialled = []
        self.ended = []
        self.questions = []
        self.failure = None
        self.failures = {}
        self.halls = 1
        self.while_subscribing = lambda name: None
        self._made = 0

    def subscribe(self, address):
        """Return ``(id, end)``; one that stands already stays."""
        self._made += 1
        name = f"sub-{self._made}"
        self.subscriptions[name] = address
        self.while_subscribing(name)
        return name, self.now() + SUBSCRIPTION

    def unsubscribe(self, name):
        self.subscriptions.pop(name, None)

    def dial(self, desk, number, line):
        self.dialled.append((desk, number, line))
        return f"{len(self.dialled)}/2026"

    def hang_up(self, name):
        self.ended.append(name)


def _parties(data):
    """Return the parties of a notice or a row; inside, both are names."""
    if data.get("way") == "inside":
        return data.get("from", ""), data.get("to", "")
    return numbers.from_pbx(data.get("from")), numbers.from_pbx(data.get("to"))


def _ids(memory):
    """Return the ids of the subscriptions that stand."""
    first = memory.get("subscription")
    return [*filter(None, [first]), *memory.get("others", ())]


def _time_of(text):
    try:
        return datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None


class Toy(dialect.Dialect):
    """The toy PBX."""

    code = "toy"
    label = "Toy PBX"
    sequence = 50
    default_server = "https://toy.example"
    form = {
        "login": dialect.FormField(
            label="Office", help="The name of your office at the toy PBX."
        ),
        "history_ids": dialect.FormField(),
    }
    needs = ("login",)
    proof = dialect.Proof.ADDRESS
    has_sample = True
    extension_identity = "login"
    extension_example = "front.desk"
    connect_steps = ("address", "extensions")
    subscribes = True
    history_outranks_events = False
    history_has_ids = False
    dials_short_numbers = True
    can_hang_up = True
    limits = {dialect.GENERAL: 20, dialect.STATISTICS: 5}
    rate_window_seconds = 30
    recording_ready_seconds = 5

    def __init__(self):
        self.server = Server()

    def read_extension(self, text):
        name = (text or "").strip().lower()
        return name if NAME.fullmatch(name) else numbers.extension(text)

    # --- events

    def check(self, request, account):
        if request.content_type != XML:
            raise dialect.Refused(415, "not a notice")
        if len(request.body) > MAX_BODY_BYTES:
            raise dialect.Refused(413, "the notice is larger than 64 KiB")
        if b"<!" in request.body:
            raise dialect.Refused(400, "entities are not taken")
        try:
            root = ElementTree.fromstring(request.body)
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            raise dialect.Refused(400, "not XML") from error
        values = dict(root.attrib)
        given = values.pop("subscription", "")
        memory = account.memory
        known = {*_ids(memory), memory.get("before")} - {None, ""}
        expecting = account.expecting_until and account.expecting_until > utc_now()
        if given not in known and not (given and expecting):
            raise dialect.Refused(403, "an unknown subscription")
        if not values.get("id"):
            raise dialect.Refused(400, "a notice without an id")
        call = values.get("call", "")
        return dialect.Delivery(
            event_type=root.tag,
            ref=call if CALL.fullmatch(call) else "",
            payload=values,
            needs_renewal=root.tag == "closed" and given in _ids(memory),
        )

    def read(self, delivery, received_at, account):
        data, kind = delivery.payload, KINDS.get(delivery.event_type)
        if kind is None or not delivery.ref:
            return []
        caller, called = _parties(data)
        values = {}
        if kind == event.RELEASED:
            values["said"] = data.get("how", "")
            values["disposition"] = DISPOSITIONS.get(values["said"], "")
        return [
            event.CallEvent(
                kind=kind,
                ref=delivery.ref,
                received_at=received_at,
                direction=WAYS.get(data.get("way"), ""),
                caller=caller,
                called=called,
                extension=self.read_extension(data.get("desk")),
                at=_time_of(data.get("at")),
                recording=data.get("tape", ""),
                **values,
            )
        ]

    def sample(self, account):
        name = account.memory.get("subscription")
        if not name:
            raise dialect.NotOffered("Toy PBX has no subscription to try.")
        body = notice("hello", self.server.now(), name)
        return dialect.Request("POST", {"content-type": XML}, {}, body)

    # --- questions

    def _ask(self, account, path, answer, bucket=dialect.GENERAL):
        """Ask the server over the account's wire; return what ``answer`` gives."""
        account.wire.may_ask(bucket)
        self.server.questions.append(path)
        failure = self.server.failures.get(path, self.server.failure)
        if failure is None and account.login != self.server.login:
            failure = errors.WrongKey("no such office")
        account.wire.was_asked(
            dialect.Exchange(
                method="ASK",
                path=path,
                status=500 if failure else 200,
                bucket=bucket,
                error=failure,
            )
        )
        if failure is not None:
            raise failure
        return answer()

    def _person(self, name):
        person = self.server.people.get(name)
        if person is None:
            raise errors.NotFound(f"nobody is called {name}")
        return person

    def connect(self, account):
        return self._ask(account, "subscribe", lambda: self._subscribe(account))

    def keep_alive(self, account):
        return self.connect(account)

    def _subscribe(self, account):
        name, until = self.server.subscribe(account.webhook_url)
        memory = account.memory
        if left := memory.get("left", 0):
            others = [*memory.get("others", ()), name]
            values = {**memory, "others": others, "left": left - 1}
        else:
            # What is on its way still has the id of the one before.
            values = {"subscription": name, "before": memory.get("subscription", "")}
            if self.server.halls > 1:
                values["left"] = self.server.halls - 1
        return dialect.Remembered(values, until, more=bool(values.get("left")))

    def release(self, account, former):
        kept = _ids(account.memory)
        for name in _ids(former):
            if name not in kept:
                self._unsubscribe(account, name)

    def _unsubscribe(self, account, name):
        self._ask(account, "unsubscribe", lambda: self.server.unsubscribe(name))

    def disconnect(self, account):
        for name in _ids(account.memory):
            self._unsubscribe(account, name)

    def has_subscription(self, account):
        name = account.memory.get("subscription")
        return self._ask(account, "has it", lambda: name in self.server.subscriptions)

    def fetch_extensions(self, account):
        people = self._ask(account, "people", lambda: self.server.people)
        return [self._extension(login, person) for login, person in people.items()]

    def fetch_extension(self, account, number):
        person = self._ask(account, "person", lambda: self._person(number))
        return self._extension(number, person)

    @staticmethod
    def _extension(login, person):
        return dialect.Extension(
            number=person["number"] or login,
            name=person["name"],
            login=login,
            online=person["online"],
            detailed=True,
        )

    def fetch_online(self, account, number):
        person = self._ask(account, "online", lambda: self._person(number))
        return person["online"]

    def dial(self, account, extension, number, line="", ref="", shown=""):
        return self._ask(
            account, "dial", lambda: self.server.dial(extension, number, line)
        )

    def hang_up(self, account, ref):
        self._ask(account, "hang up", lambda: self.server.hang_up(ref))

    def fetch_history(self, account, start, stop, page=None):
        first = page or 0
        found = self._ask(
            account,
            "history",
            lambda: sorted(
                (r for r in self.server.history if start <= r["start"] < stop),
                key=lambda row: row["start"],
            ),
            dialect.STATISTICS,
        )
        rows = found[first : first + ROWS_PER_PAGE]
        after = first + len(rows)
        return dialect.HistoryPage(
            events=tuple(self._row(row) for row in rows),
            next=after if after < len(found) else None,
            rows=len(rows),
            until=stop if after == len(found) else rows[-1]["start"],
        )

    def _row(self, row):
        caller, called = _parties(row)
        return event.CallEvent(
            kind=event.LOGGED,
            ref="",
            received_at=self.server.now(),
            direction=WAYS[row["way"]],
            caller=caller,
            called=called,
            extension=row["desk"],
            started=(row["start"],),
            talk=row["talk"],
            disposition=DISPOSITIONS[row["how"]],
            said=row["how"],
        )

    def fetch_recording(self, account, ref, recording):
        def answer():
            if recording not in self.server.recordings:
                raise errors.NotFound("no such tape")
            return self.server.recordings[recording]

        url = self._ask(account, "tape", answer)
        return dialect.RecordingFile(url, {"X-Toy-Office": account.login})
