"""The parts of Beeline's API that the addon uses.

No official text of it is public: names are those of clients that ran, and what they do
not tell is read as it comes. Every method asks once and raises a
:class:`~..errors.PbxError`; nothing here waits. The token goes along in a header, to
the server's own host alone.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC
from urllib.parse import quote, urlencode

from .. import errors
from ..dialect import GENERAL, STATISTICS, Extension, Line, RecordingFile
from ..http import session
from ..http.answers import retry_after_seconds
from ..http.question import Question
from ..http.question import ask as ask_question
from . import party

TOKEN_HEADER = "X-MPBX-API-AUTH-TOKEN"
ROWS_PER_PAGE = 100
# What is told of an error of which nothing else is known.
_STATUS_ALONE = "HTTP "
_LONGEST_DETAIL = 300
# A reply of one word is a courtesy, and no id.
_CALL_ID = re.compile(r"(?![A-Za-z]+$)[A-Za-z0-9:._-]{6,200}")
# Parts of ``errorCode``, in lower case, and what they mean; the list of them is not
# public.
_NOT_THERE = ("notfound", "notexist", "doesnotexist")
_NOT_LET_IN = ("unauthorized", "authoriz", "authentic", "token", "accessdenied")
# Statuses of a question that is for later, and no answer to it.
_LATER = (408, 425)
_TOO_MUCH = ("toomany", "ratelimit", "limitexceeded")


@dataclass(frozen=True)
class _Request:
    """:var dict query: behind the path; ``body`` is sent as JSON, unless ``None``."""

    method: str
    path: str
    query: dict = field(default_factory=dict)
    body: dict | None = None
    bucket: str = GENERAL


class Client:
    """Speaks for one :class:`~..dialect.Account`, over its ``wire``."""

    def __init__(self, account):
        self.account = account

    def _ask(self, request, read, otherwise=None):
        """Return what ``read`` makes of the answer.

        :param read: called with its JSON, or its text where it is no JSON; raises
            ``BadAnswer`` where that is not what was asked for.
        :param otherwise: called with the error where Beeline says that there is
            nothing of the kind, or refuses to look; without it that is raised.
        """
        question = Question(
            request.method,
            request.path,
            {**request.query, **(request.body or {})},
            request.bucket,
            # What changes something goes over a connection of its own.
            once=request.method != "GET",
        )

        def send(connection):
            query = urlencode(request.query, quote_via=quote, safe="")
            headers, data = self.headers(), None
            if request.body is not None:
                headers["Content-Type"] = "application/json"
                data = json.dumps(request.body).encode()
            return session.send(
                connection,
                request.method,
                self._url(request.path) + (f"?{query}" if query else ""),
                headers=headers,
                data=data,
                patience=self.account.patience,
            )

        def understood(answer, data):
            try:
                found = understand(answer, data)
            except (errors.NotFound, errors.BadParameter, errors.BadAnswer) as error:
                # Without a word of Beeline's that we know, its status tells.
                says_no = not isinstance(error, errors.BadAnswer) or (
                    400 <= answer.status < 500 and answer.status not in _LATER
                )
                if otherwise is None or not says_no:
                    raise
                return otherwise(error)
            return read(found)

        return ask_question(self.account, question, send, understood)

    def _url(self, path):
        return self.account.server_url.rstrip("/") + path

    def headers(self):
        """Return the headers that let us in.

        :raises WrongKey: the token is empty, or cannot be sent.
        """
        if not re.fullmatch(r"[!-~]+", self.account.key):
            raise errors.WrongKey("the token is empty, or no token at all")
        return {TOKEN_HEADER: self.account.key, "Accept": "application/json"}

    # ------------------------------------------------------------------ the company

    def abonents(self):
        """Return the list of :class:`Extension`. ``GET /abonents``.

        One without a number has ``number`` ``""``.
        """

        def otherwise(error):
            if error.detail.startswith(_STATUS_ALONE):
                # Beeline says what is wrong: this is another server, or another path.
                raise errors.BadAnswer(error.detail)
            raise error

        return self._ask(_Request("GET", "/abonents"), _extensions, otherwise)

    def lines(self):
        """Return the list of :class:`Line`. ``GET /numbers``."""
        return self._ask(_Request("GET", "/numbers"), _lines)

    # --------------------------------------------------------------- subscriptions

    def subscribe(self, pattern, expires, kind):
        """Have events sent to the account's address; return ``(id, expires)``.

        ``PUT /subscription``. Never sent twice.

        :param str pattern: an abonent or a number; ``""``: the whole PBX.
        :param int expires: seconds asked for.
        :return: with what the answer says of the time, as it is written there.
        """
        body = {
            "url": self.account.webhook_url,
            "expires": expires,
            "subscriptionType": kind,
        }
        if pattern:
            body["pattern"] = pattern
        return self._ask(_Request("PUT", "/subscription", body=body), _subscription)

    def has_subscription(self, subscription_id):
        """Tell whether a subscription still is. ``GET /subscription``."""
        query = {"subscriptionId": subscription_id}
        return self._is_there(_Request("GET", "/subscription", query))

    def unsubscribe(self, subscription_id):
        """End a subscription, if it still is. ``DELETE /subscription``."""
        query = {"subscriptionId": subscription_id}
        self._is_there(_Request("DELETE", "/subscription", query))

    def _is_there(self, request):
        # With which error it says that it is gone is not known.
        return self._ask(request, lambda _data: True, lambda _error: False)

    # --------------------------------------------------------------------- calling

    def call(self, user_id, number):
        """Ring an abonent, then a number; return the call's id, or ``""``.

        ``POST /abonents/{user_id}/call``. Never sent twice.

        :param str number: E.164, or a short one.
        """
        path = f"/abonents/{quote(user_id, safe='')}/call"
        query = {"phoneNumber": party.ten_digits(number)}
        return self._ask(_Request("POST", path, query), _call_id)

    # --------------------------------------------------------------------- history

    def statistics(self, start, stop, page):
        """Return a page of rows, one per leg. ``GET /v2/statistics``.

        :param datetime start: with ``stop`` naive UTC.
        """
        query = {
            "dateFrom": _iso(start),
            "dateTo": _iso(stop),
            "page": str(page),
            "pageSize": str(ROWS_PER_PAGE),
        }
        request = _Request("GET", "/v2/statistics", query, bucket=STATISTICS)
        return self._ask(request, _rows)

    def records(self, start, stop, after=""):
        """Return rows of recorded calls, those behind the row ``after``, if given.

        ``GET /records``, as many as Beeline gives at once.
        """
        query = {"dateFrom": _iso(start), "dateTo": _iso(stop)}
        if after:
            query["id"] = after
        return self._ask(_Request("GET", "/records", query, bucket=STATISTICS), _rows)

    def recording(self, name):
        """Return the :class:`RecordingFile`; nothing is asked, but it is counted: who
        fetches it asks.

        ``GET /v2/records/{extTrackingId}/{userId}/download``, or with the id of a row.
        """
        self.account.wire.may_ask(GENERAL)
        parts = [quote(part, safe="") for part in name.rpartition("/")[::2] if part]
        headers = {TOKEN_HEADER: self.headers()[TOKEN_HEADER]}
        url = self._url(f"/v2/records/{'/'.join(parts)}/download")
        return RecordingFile(url=url, headers=headers, explain=explain_no_sound)


# ----------------------------------------------------------- what the answers hold


def understand(answer, data):
    """Return the JSON of a success, or its text where it is no JSON.

    :param answer: a :class:`~..http.session.Answer`; ``data``: its JSON, if it is any.
    :raises PbxError: what went wrong: an ``errorCode`` tells, with whatever status.
    """
    code, detail = _told(answer.status, data)
    if not code and 200 <= answer.status < 300:
        text = answer.content[:1000].decode("utf-8-sig", "replace").strip()
        return text if data is None else data
    raise _error(answer.status, answer.headers, code, detail)


def explain_no_sound(status, headers, data):
    """Return the error that an answer without sound means, ``None``: the usual one.

    A recording that is not ready yet is an error like any other; see
    :class:`~..dialect.RecordingFile`.
    """
    code, detail = _told(status, data)
    if not code and status not in (401, 403):
        return None
    error = _error(status, headers, code, detail)
    is_missing = isinstance(error, errors.BadParameter)
    return errors.NotFound(detail) if is_missing else error


def _told(status, data):
    """Return the code of an error, ``""`` for none, and what to tell of it."""
    code, description = "", ""
    if isinstance(data, dict):
        code = _text(data.get("errorCode"))
        description = _text(data.get("description") or data.get("message"))
    text = " – ".join(part for part in (description, code) if part)
    return code, text[:_LONGEST_DETAIL] or f"{_STATUS_ALONE}{status}"


def _error(status, headers, code, detail):
    code = re.sub(r"[^a-z]", "", code.lower())
    if status in (401, 403) or any(word in code for word in _NOT_LET_IN):
        return errors.WrongKey(detail)
    if status == 429 or any(word in code for word in _TOO_MUCH):
        return errors.RateLimited(detail, retry_after_seconds(headers))
    if any(word in code for word in _NOT_THERE):
        return errors.NotFound(detail)
    if status == 503 and headers.get("Retry-After"):
        return errors.RateLimited(detail, retry_after_seconds(headers))
    if status >= 500:
        return errors.Unreachable(detail)
    if status in (404, 410):
        return errors.NotFound(detail)
    return errors.BadParameter(detail) if code else errors.BadAnswer(detail)


def _extensions(data):
    if not isinstance(data, list):
        raise errors.BadAnswer("no list of abonents")
    found = []
    for row in data:
        row = row if isinstance(row, dict) else {}
        user_id, phone, number = (
            _text(row.get(name)) for name in ("userId", "phone", "extension")
        )
        names = [_text(row.get(name)) for name in ("firstName", "lastName")]
        caller = party.read_number(phone)
        login = user_id or phone or number
        if login:
            found.append(
                Extension(
                    number=number,
                    name=" ".join(name for name in names if name),
                    caller_id=caller if caller.startswith("+") else "",
                    login=login,
                    detailed=True,
                )
            )
    return found


def _lines(data):
    if not isinstance(data, list):
        raise errors.BadAnswer("no list of numbers")
    found = {}
    for row in data:
        row = row if isinstance(row, dict) else {}
        number = party.read_number(_text(row.get("phone")))
        if number.startswith("+"):
            found.setdefault(number, Line(number=number))
    return list(found.values())


def _subscription(data):
    found = data if isinstance(data, dict) else {}
    name = _text(found.get("subscriptionId"))
    if not name:
        raise errors.BadAnswer("no id of a subscription")
    return name, found.get("expires")


def _call_id(data):
    text = _text(data).strip("\"' ")
    return text if _CALL_ID.fullmatch(text) else ""


def _rows(data):
    if not isinstance(data, list):
        raise errors.BadAnswer("no list of calls")
    return [row for row in data if isinstance(row, dict)]


def _text(value):
    """Return text or number as text; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(str(value).replace("\0", " ").split())


def _iso(moment):
    moment = moment.replace(tzinfo=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
