"""The parts of Asterisk's REST interface (ARI) that the addon uses.

Every method asks once and raises a :class:`~..errors.PbxError`; nothing here waits.
Login and password go along as Basic login, and are in no log.
"""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import phonenumbers

from .. import errors, numbers
from ..dialect import GENERAL, Extension, RecordingFile
from ..event import TRUNK
from ..http import session
from ..http.question import Question
from ..http.question import ask as ask_question
from . import files
from .events import role_of

# The channel of a replay: one at a time.
REPLAY_CHANNEL = "cloud-pbx-replay"
REPLAY_ENDPOINT = "Local/replay@cloud-pbx"
REPLAY_SECONDS = 60
# A file in which nothing has been recorded: the head of a WAV file.
EMPTY_WAV_BYTES = 44
# An endpoint of which this is the whole name is an extension.
_EXTENSION = re.compile(r"[0-9]{1,5}")
_LONGEST_DETAIL = 200
# Behind it lies what a recording is called by ARI.
_RECORDING_FOLDER = "/recording/"


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    params: dict = field(default_factory=dict)
    once: bool = False


class NotAllocated(errors.BadParameter):
    """It has no such endpoint or context, or cannot reach it."""


class Conflict(errors.BadParameter):
    """There is a channel of this id already."""

    code = "conflict"


def is_extension(name):
    """Tell whether an endpoint's name is an extension's number."""
    return bool(_EXTENSION.fullmatch(name)) and bool(name.strip("0"))


def dialled_as(number, country, written, prefix=""):
    """Return what the dialplan is given to dial.

    :param str number: E.164; an extension, a short number or a code stays as it is.
    :param str country: two-letter region of the PBX, for national forms.
    :param str written: ``digits``, ``e164`` or ``national``.
    :param str prefix: dialled before it, such as ``9`` for an outside line.
    """
    if not number.startswith("+"):
        is_inside = numbers.is_short(number) or numbers.is_feature_code(number)
        return number if is_inside else prefix + number
    if written == "e164":
        return prefix + number
    if written == "national" and country:
        return prefix + _national(number, country)
    return prefix + number[1:]


def _national(number, country):
    """Return the digits that a phone in ``country`` dials for a number."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number[1:]
    text = phonenumbers.format_out_of_country_calling_number(parsed, country)
    digits = re.sub(r"[^0-9]", "", text)
    # Where one country has several ways out, none of them is written.
    return digits if not text.startswith("+") else number[1:]


class Ari:
    """Speaks for one :class:`~..dialect.Account`, over its ``wire``."""

    def __init__(self, account):
        self.account = account

    def _option(self, name):
        return files.option(self.account, name)

    def _ask(self, request, read):
        """Return what ``read`` makes of the answer's JSON (``None`` for an empty one).

        ``read`` raises ``BadAnswer`` where that is not what was asked for.
        """
        account = self.account
        question = Question(
            request.method, request.path, request.params, once=request.once
        )

        def send(connection):
            query = f"?{urlencode(request.params, quote_via=quote)}"
            url = account.server_url.rstrip("/") + request.path
            return session.send(
                connection,
                request.method,
                url + (query if request.params else ""),
                headers=self.login(),
                patience=account.patience,
            )

        return ask_question(
            account, question, send, lambda answer, data: read(_result(answer, data))
        )

    def login(self):
        """Return the headers that log us in.

        :raises WrongKey: login or password is empty, or cannot be sent.
        """
        account = self.account
        words = (account.login, account.key)
        if not all(re.fullmatch(r"[!-9;-~]+", word) for word in words):
            raise errors.WrongKey("login or password is empty, or holds odd characters")
        token = base64.b64encode(f"{account.login}:{account.key}".encode()).decode()
        return {"Authorization": f"Basic {token}"}

    # ----------------------------------------------------------------- questions

    def version(self):
        """Return which version it is. ``GET /asterisk/info``."""
        request = _Request("GET", "/asterisk/info", {"only": "system"})
        return self._ask(request, _version)

    def runs_module(self, name):
        """Tell whether a module is loaded and runs; ``None``: it does not say.

        ``GET /asterisk/modules/{name}``. A proxy need not let it pass.
        """
        request = _Request("GET", f"/asterisk/modules/{name}")
        try:
            return self._ask(request, _runs)
        except errors.NotFound as error:
            return False if "module" in (error.detail or "").lower() else None
        except (errors.BadAnswer, errors.BadParameter, errors.Unreachable):
            return None

    def endpoints(self):
        """Return the list of :class:`Extension`: all endpoints but trunks.

        Those whose name is no number have none: a person may enter one.
        """
        account, technology = self.account, self._option(files.TECHNOLOGY)
        found = self._ask(_Request("GET", "/endpoints"), _endpoints)
        return [
            Extension(
                number=name if is_extension(name) else "",
                login=name,
                online={"online": True, "offline": False}.get(state),
                detailed=True,
            )
            for kind, name, state in sorted(found)
            if kind.lower() == technology.lower() and role_of(name, account) != TRUNK
        ]

    def live_channels(self):
        """Return the ids of all channels of calls that are up now. ``GET /channels``.

        Those of a replay are none.
        """
        return self._ask(_Request("GET", "/channels"), _ids)

    def has_channel(self, name):
        """Tell whether there is a channel of this id. ``GET /channels/{id}``."""
        path = f"/channels/{quote(name, safe='')}"
        try:
            return self._ask(_Request("GET", path), lambda _data: True)
        except errors.NotFound:
            return False

    # ------------------------------------------------------------------ commands

    def originate(self, endpoint, number, channel, shown):
        """Ring ``endpoint``, then have the dialplan dial ``number``. Never sent twice.

        ``POST /channels``. The number stands as the name of the caller, so that the
        phone shows whom it will call, and the dialplan sees who is calling.

        :param str number: as the dialplan wants it.
        :param str channel: our own id for it; one that exists was dialled before.
        :param str shown: the number of the extension.
        """
        params = {
            "endpoint": f"{self._option(files.TECHNOLOGY)}/{endpoint}",
            "context": self._option(files.CONTEXT),
            "extension": number,
            "priority": "1",
            "timeout": str(self._option(files.RING_SECONDS)),
            "channelId": channel,
            "callerId": f'"{number}" <{shown}>',
        }
        try:
            self._create(params)
        except NotAllocated as error:
            raise errors.NoPhone(error.detail) from error

    def replay(self):
        """Have it post again what Odoo has not taken. ``POST /channels``."""
        self._create(
            {
                "endpoint": f"{REPLAY_ENDPOINT}/n",
                "context": "cloud-pbx",
                "extension": "idle",
                "priority": "1",
                "timeout": str(REPLAY_SECONDS),
                "channelId": REPLAY_CHANNEL,
            }
        )

    def _create(self, params):
        """Create a channel, unless there is one of this id: then it was asked for."""
        request = _Request("POST", "/channels", params, once=True)
        try:
            self._ask(request, lambda _data: None)
        except Conflict:
            return

    def hang_up(self, channel):
        """End a channel. ``DELETE /channels/{id}``."""
        path = f"/channels/{quote(channel, safe='')}"
        self._ask(_Request("DELETE", path, once=True), lambda _data: None)

    # ---------------------------------------------------------------- recordings

    def recording(self, name):
        """Return the :class:`RecordingFile` of a stored recording; nothing is asked,
        but it is counted: who fetches it asks.

        ``GET /recordings/stored/{name}/file``. The name is that of a file below the
        folder ``recording`` of Asterisk's spool.
        """
        self.account.wire.may_ask(GENERAL)
        folder = self._option(files.RECORDINGS).rstrip("/") + "/"
        # The spool itself may lie in a folder of that name; the usual one does not.
        below = folder.removeprefix(files.DEFAULTS[files.RECORDINGS] + "/")
        if below == folder:
            _spool, found, rest = folder.rpartition(_RECORDING_FOLDER)
            below = rest if found else ""
        path = quote(f"{below}{name}", safe="")
        server = self.account.server_url.rstrip("/")
        return RecordingFile(
            url=f"{server}/recordings/stored/{path}/file",
            headers=self.login(),
            empty_bytes=EMPTY_WAV_BYTES,
        )


# ---------------------------------------------------------- what the answers hold


def _result(answer, data):
    """Return the JSON of a success.

    :raises PbxError: what went wrong.
    """
    if 200 <= answer.status < 300:
        if data is None and answer.content.strip():
            raise errors.BadAnswer("no JSON")
        return data
    message = _message(data) or f"HTTP {answer.status}"
    if answer.status == 401:
        raise errors.WrongKey(message)
    if answer.status >= 500 and "allocation failed" in message.lower():
        raise NotAllocated(message)
    if answer.status >= 500:
        if b"not booted" in answer.content.lower():
            # Nothing is done yet of what it is asked for.
            raise errors.Unreachable("not booted yet", sent=False)
        raise errors.Unreachable(message)
    if not isinstance(data, dict):
        raise errors.BadAnswer(f"HTTP {answer.status}, and no JSON")
    if answer.status == 404:
        raise errors.NotFound(message)
    if answer.status == 409:
        raise Conflict(message)
    raise errors.BadParameter(message)


def _message(data):
    found = ""
    if isinstance(data, dict):
        found = data.get("message") or data.get("error") or ""
    return " ".join(found.split())[:_LONGEST_DETAIL] if isinstance(found, str) else ""


def _version(data):
    system = data.get("system") if isinstance(data, dict) else None
    version = system.get("version") if isinstance(system, dict) else None
    if not isinstance(version, str):
        raise errors.BadAnswer("no version of Asterisk")
    return version


def _runs(data):
    status = data.get("status") if isinstance(data, dict) else None
    return status == "Running" if status else None


def _endpoints(data):
    if not isinstance(data, list):
        raise errors.BadAnswer("no list of endpoints")
    rows = []
    for row in data:
        row = row if isinstance(row, dict) else {}
        kind, name, state = (
            row.get(name) for name in ("technology", "resource", "state")
        )
        if isinstance(kind, str) and isinstance(name, str):
            rows.append((kind, name, state if isinstance(state, str) else ""))
    return rows


def _ids(data):
    if not isinstance(data, list):
        raise errors.BadAnswer("no list of channels")
    rows = [row for row in data if isinstance(row, dict)]
    found = (row.get("id") for row in rows if not _is_replay(row))
    return frozenset(one for one in found if isinstance(one, str))


def _is_replay(row):
    return str(row.get("name", "")).startswith(REPLAY_ENDPOINT)
