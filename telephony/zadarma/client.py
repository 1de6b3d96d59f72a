"""Zadarma's HTTP API, as far as the addon uses it.

Every method raises a :class:`~..errors.PbxError`. Answers are adapted: flags come as
text or booleans, numbers as text or integers, depending on whom one believes (OpenAPI
document or live answers); the methods return one form. Nothing here retries what is not
safe to repeat, and nothing waits: the caller decides when to ask again.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests
import urllib3

from .. import errors, numbers
from . import signature

# Seconds to connect, and between two bytes of the answer.
TIMEOUT = (5, 15)
# Seconds for the whole answer.
PATIENCE = 30
# An answer of a thousand statistics rows has about 300 kB.
MAX_ANSWER = 8 * 1024 * 1024
GENERAL, STATISTICS = "general", "statistics"

# Texts by which an error is known, in lower case; they come with HTTP 400, 401, 429 and
# also with 200.
_TEXTS = (
    ("rate limit", errors.RateLimited),
    ("exceeded", errors.RateLimited),
    ("not enough money", errors.NoMoney),
    ("no money", errors.NoMoney),
    ("ip", errors.AddressNotAllowed),
    ("not found", errors.NotFound),
    ("auth", errors.WrongKey),
)


@dataclass(frozen=True)
class Extension:
    """An internal number as the PBX describes it; unknown details are empty."""

    number: str
    name: str = ""
    caller_id: str = ""
    online: bool | None = None


@dataclass(frozen=True)
class Line:
    """A number under which the PBX is called, E.164."""

    number: str
    name: str = ""


def is_true(value):
    """Read a flag: the text ``"true"``, ``"1"``, or a JSON boolean or number."""
    return str(value).strip().lower() in ("true", "1")


def _is_address_text(text):
    words = text.replace("-", " ").replace(".", " ").split()
    return "ip" in words


class Client:
    """Speaks for one account.

    :param Account account: key, secret and the server's address.
    :param gate: called with ``"general"`` or ``"statistics"`` before each request; it
        raises ``RateLimited`` when the limit that all workers share is used up.
    """

    def __init__(self, account, gate=None, session=None):
        self.account = account
        self.gate = gate or (lambda bucket: None)
        self.session = session or requests.Session()

    # ---------------------------------------------------------------- transport

    def request(self, method, path, params=None, bucket=GENERAL):
        """Return the answer's JSON object.

        :param str path: with version and final slash, as it is signed and requested.
        :param dict params: sent as the query (GET) or the form body (the others); flags
            as the text ``true``/``false``; ``None`` is dropped.
        """
        # Built once: the text that is signed is the text that is sent.
        query = signature.encode_params({**(params or {}), "format": "json"})
        signed = signature.sign_encoded(path, query, self.account.secret)
        headers = {"Authorization": f"{self.account.key}:{signed}"}
        url = self.account.server_url.rstrip("/") + path
        body = None
        if method == "GET":
            url = f"{url}?{query}"
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = query.encode()
        self.gate(bucket)
        try:
            with self.session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = self._read(answer)
                return self._understand(answer, content)
        except requests.exceptions.SSLError as error:
            raise errors.Unreachable("certificate not accepted") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            # The exception's own text holds the address with the query.
            raise errors.Unreachable(type(error).__name__) from error

    @staticmethod
    def _read(answer):
        deadline = time.monotonic() + PATIENCE
        chunks, size = [], 0
        # One piece as it arrives: a slow drip must not hold a worker for ever.
        while chunk := answer.raw.read1(65536, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_ANSWER:
                raise errors.BadAnswer("the answer is too large")
            if time.monotonic() > deadline:
                raise errors.Unreachable("the answer comes too slowly")
        length = answer.headers.get("Content-Length")
        encoded = answer.headers.get("Content-Encoding")
        if length and not encoded and length.isdecimal() and int(length) != size:
            raise errors.Unreachable("the answer was cut off")
        return b"".join(chunks)

    def _understand(self, answer, content):
        try:
            # Ids look like decimal fractions: as floats they would lose digits.
            data = json.loads(content, parse_float=str)
        except ValueError:
            data = None
        message = ""
        if isinstance(data, dict):
            message = str(data.get("message") or data.get("data") or "")[:200]
            if answer.status_code < 400 and data.get("status") != "error":
                return data
        if answer.status_code == 429:
            raise errors.RateLimited(message, self._pause(answer))
        if answer.status_code >= 500:
            raise errors.Unreachable(f"HTTP {answer.status_code}")
        if data is None or not isinstance(data, dict):
            raise errors.BadAnswer(f"HTTP {answer.status_code}, and no JSON object")
        raise self._error(answer, message)

    def _error(self, answer, message):
        text = message.lower()
        for part, kind in _TEXTS:
            if part == "ip" and not _is_address_text(text):
                continue
            if part in text:
                if kind is errors.RateLimited:
                    return kind(message, self._pause(answer))
                return kind(message)
        if answer.status_code in (401, 403):
            return errors.WrongKey(message)
        return errors.BadParameter(message or f"HTTP {answer.status_code}")

    @staticmethod
    def _pause(answer):
        told = answer.headers.get("Retry-After", "")
        return min(max(int(told), 1), 3600) if told.isdecimal() else 60

    # ------------------------------------------------------------------ account

    def balance(self):
        """Return ``(amount as text, currency)``. ``GET /v1/info/balance``."""
        data = self.request("GET", "/v1/info/balance/")
        return str(data.get("balance", "")), str(data.get("currency", ""))

    def utc_offset(self):
        """Return the account's offset (``UTC+3``). ``GET /v1/info/timezone``."""
        return str(self.request("GET", "/v1/info/timezone/").get("timezone", ""))

    # --------------------------------------------------------------- extensions

    def extension_numbers(self):
        """Return ``(account part of the login, [numbers as text])``."""
        data = self.request("GET", "/v1/pbx/internal/")
        listed = data.get("numbers")
        if not isinstance(listed, list):
            raise errors.BadAnswer("no list of internal numbers")
        return str(data.get("pbx_id", "")), [str(number) for number in listed]

    def extension(self, number):
        """Return the :class:`Extension`; ``online`` means registered, not free."""
        info = self.request("GET", f"/v1/pbx/internal/{number}/info/")
        caller = numbers.from_pbx(str(info.get("caller_id") or ""))
        return Extension(
            number=number,
            name=str(info.get("name") or ""),
            caller_id="" if numbers.is_extension(caller) else caller,
            online=self.is_online(number),
        )

    def is_online(self, number):
        """Tell whether a phone is registered at this internal number."""
        data = self.request("GET", f"/v1/pbx/internal/{number}/status/")
        return is_true(data.get("is_online"))

    def lines(self):
        """Return the list of :class:`Line`. ``GET /v1/direct_numbers``."""
        data = self.request("GET", "/v1/direct_numbers/")
        found = []
        for row in data.get("info") or []:
            number = numbers.from_pbx(str(row.get("number") or ""))
            if number:
                name = row.get("number_name") or row.get("description") or ""
                found.append(Line(number=number, name=str(name)))
        return found

    # ----------------------------------------------------------------- webhooks

    def notifications(self):
        """Return ``(address, {"notify_start": bool, …})`` as set at the PBX."""
        data = self.request("GET", "/v1/pbx/callinfo/")
        flags = data.get("notifications") or {}
        return str(data.get("url") or ""), {k: is_true(v) for k, v in flags.items()}

    def set_webhook_url(self, url):
        """Set the address; the PBX tries it with ``zd_echo`` before it agrees."""
        return self.request("POST", "/v1/pbx/callinfo/url/", {"url": url})

    def delete_webhook_url(self):
        """Make the PBX forget the address."""
        return self.request("DELETE", "/v1/pbx/callinfo/url/")

    def set_notifications(self, flags):
        """Set ``{"notify_start": bool, …}``; the API takes the texts true and false."""
        params = {name: "true" if on else "false" for name, on in flags.items()}
        return self.request("POST", "/v1/pbx/callinfo/notifications/", params)

    # ------------------------------------------------------------------ calling

    def callback(self, extension, number, line=""):
        """Ring ``extension`` (short form), then ``number``. Never repeated by itself.

        Success only means "accepted": what becomes of it is told by events.
        """
        params = {"from": extension, "to": number, "sip": line or extension}
        return self.request("GET", "/v1/request/callback/", params)

    # ------------------------------------------------------- recordings, history

    def recording_link(self, recording, lifetime=1800):
        """Return the address of a recording's file, good for ``lifetime`` seconds.

        :raises NotFound: not recorded, not ready yet, or gone.
        :raises BadAnswer: the address is not on the API's own host.
        """
        data = self.request(
            "GET",
            "/v1/pbx/record/request/",
            {"call_id": recording, "lifetime": lifetime},
        )
        links = data.get("links")
        links = links if isinstance(links, list) else []
        link = str(data.get("link") or next(iter(links), ""))
        if not link:
            raise errors.NotFound("no link")
        if urlsplit(link).netloc != urlsplit(self.account.server_url).netloc:
            raise errors.BadAnswer("the recording lies on another host")
        return link

    def statistics(self, start, end, skip=0, limit=1000):
        """Return rows of ``GET /v1/statistics/pbx``: one per leg, oldest first.

        :param datetime start: with ``end`` in the account's local time, at most a month
            apart.
        """
        data = self.request(
            "GET",
            "/v1/statistics/pbx/",
            {
                "start": _local(start),
                "end": _local(end),
                "version": 2,
                "skip": skip,
                "limit": limit,
            },
            bucket=STATISTICS,
        )
        rows = data.get("stats")
        if not isinstance(rows, list):
            raise errors.BadAnswer("no statistics")
        return [row for row in rows if isinstance(row, dict)]


def _local(moment: datetime):
    return moment.strftime("%Y-%m-%d %H:%M:%S")
