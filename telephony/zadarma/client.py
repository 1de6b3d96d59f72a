"""The methods of Zadarma's HTTP API that the addon uses, each with one form of answer.

Answers are adapted: flags come as text or booleans, numbers as text or integers,
depending on whom one believes (OpenAPI document or live answers). What fits neither is
a ``BadAnswer``. Every method raises a :class:`~..errors.PbxError`; nothing here waits.
"""

import re
from dataclasses import replace
from functools import partial

from .. import dialect, errors, numbers
from ..dialect import STATISTICS, Balance, Extension, Line, Setup
from ..http.hosts import is_same_server
from . import transport

# For how long a link to a recording is good: the API's own default.
LINK_SECONDS = 1800
MAX_ROWS = 1000


class Client:
    """Speaks for one :class:`~..dialect.Account`, over its ``wire``."""

    def __init__(self, account):
        self.account = account

    def request(self, method, path, read, params=None, **how):
        """Return what ``read`` makes of the answer; see :func:`transport.ask`."""
        return transport.ask(self.account, method, path, read, params, **how)

    # ------------------------------------------------------------------ account

    def balance(self):
        """Return the :class:`Balance`. ``GET /v1/info/balance``, [spec]."""
        return self.request("GET", "/v1/info/balance/", _balance)

    def utc_offset(self):
        """Return the account's offset (``UTC+3``). ``GET /v1/info/timezone``, [spec].

        It has no rule for summer time: it is what holds today.
        """
        return self.request("GET", "/v1/info/timezone/", _offset)

    # --------------------------------------------------------------- extensions

    def extension_numbers(self):
        """Return the extensions' numbers, as text. ``GET /v1/pbx/internal``, [spec]."""
        return self.request("GET", "/v1/pbx/internal/", _extension_numbers)

    def extension(self, number):
        """Return the :class:`Extension`; two questions.

        ``GET /v1/pbx/internal/{number}/info`` [spec], and :meth:`is_online`.
        """
        path, number = _internal(number, "info"), numbers.extension(number)
        described = self.request(
            "GET", path, partial(_extension, number, self.account.country)
        )
        return replace(described, online=self.is_online(number))

    def is_online(self, number):
        """Tell whether a phone is registered; not whether it is free.

        ``GET /v1/pbx/internal/{number}/status`` [spec]: the text ``"true"``.
        """
        path, number = _internal(number, "status"), numbers.extension(number)
        return self.request("GET", path, partial(_online, number))

    def lines(self):
        """Return the list of :class:`Line`. ``GET /v1/direct_numbers``, [spec]."""
        return self.request(
            "GET", "/v1/direct_numbers/", partial(_lines, self.account.country)
        )

    # ----------------------------------------------------------------- webhooks

    def setup(self):
        """Return the :class:`Setup`, its flags named as the API names them.

        ``GET /v1/pbx/callinfo`` [spec]; the flags are texts.
        """
        return self.request("GET", "/v1/pbx/callinfo/", _setup)

    def set_webhook_url(self, url):
        """Set the address. ``POST /v1/pbx/callinfo/url``, [spec].

        The PBX fetches it with ``zd_echo`` before it agrees [seed].

        :raises BadParameter: it could not reach it, or did not get its text back.
        """
        self.request("POST", "/v1/pbx/callinfo/url/", _success, {"url": url})

    def delete_webhook_url(self):
        """Make the PBX forget the address. ``DELETE /v1/pbx/callinfo/url``, [spec]."""
        self.request("DELETE", "/v1/pbx/callinfo/url/", _success)

    def set_notifications(self, flags):
        """Set ``{"notify_start": bool, …}``. ``POST /v1/pbx/callinfo/notifications``.

        The texts true and false [spec]; 1, 0 and JSON's are refused [integrator].
        """
        params = {name: "true" if on else "false" for name, on in flags.items()}
        self.request("POST", "/v1/pbx/callinfo/notifications/", _success, params)

    # ------------------------------------------------------------------ calling

    def callback(self, extension, number, line=""):
        """Ring ``extension`` (short form), then ``number``. Never sent twice.

        ``GET /v1/request/callback`` [spec]. Success only means "accepted": what becomes
        of it follows in events, and the answer holds no id. The full login as ``from``
        succeeds and rings nobody; the ``+`` of ``to`` is kept for rules by direction
        [integrator].

        :param str line: the extension or SIP number whose caller id is shown.
        """
        params = {"from": extension, "to": number, "sip": line or extension}
        self.request("GET", "/v1/request/callback/", _success, params, once=True)

    # ------------------------------------------------------- recordings, history

    def recording_link(self, recording="", call="", lifetime=LINK_SECONDS):
        """Return the address of a recording's file. ``GET /v1/pbx/record/request``.

        By the id of the recording or, where that is unknown, of the call. ``link`` in
        the document, ``links`` was seen for both.

        :param int lifetime: seconds, 180 to 5184000.
        :raises NotFound: not recorded, not ready yet, or gone.
        :raises BadAnswer: the address is not on the API's own host.
        """
        which = {"call_id": recording} if recording else {"pbx_call_id": call}
        read = partial(_link, self.account.server_url)
        params = {**which, "lifetime": lifetime}
        return self.request("GET", "/v1/pbx/record/request/", read, params)

    def statistics(self, start, end, skip=0, limit=MAX_ROWS):
        """Return ``(rows, end)``: one row per leg, oldest first.

        ``GET /v1/statistics/pbx`` [spec], counted as statistics. A period of more than
        a month is cut by the PBX: the end in the answer is the one it took.

        :param str start: with ``end``, in the account's local time.
        """
        params = {"start": start, "end": end, "version": 2}
        return self.request(
            "GET",
            "/v1/statistics/pbx/",
            _statistics,
            {**params, "skip": skip, "limit": limit},
            bucket=STATISTICS,
        )


# ---------------------------------------------------------- what the answers hold


def _success(_data):
    """Nothing more is wanted: its effect is there, whatever else it says."""


def _balance(data):
    amount = _text(data, "balance")
    if not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", amount):
        raise errors.BadAnswer("the balance is no number")
    currency = data.get("currency")
    return Balance(amount, currency if isinstance(currency, str) else "")


def _offset(data):
    offset = _text(data, "timezone")
    try:
        dialect.fixed_zone(offset)
    except ValueError as error:
        raise errors.BadAnswer("the time zone is no offset") from error
    return offset


def _extension_numbers(data):
    listed = _list(data, "numbers")
    found = (numbers.extension(_plain(number)) for number in listed)
    return list(dict.fromkeys(number for number in found if number))


def _extension(number, country, info):
    _is_about(info, number)
    caller = numbers.from_pbx(_plain(info.get("caller_id")), country)
    return Extension(
        number=number,
        name=_plain(info.get("name")),
        caller_id="" if numbers.is_extension(caller) else caller,
    )


def _online(number, data):
    _is_about(data, number)
    return _flag(data.get("is_online"))


def _lines(country, data):
    found = {}
    for row in _list(data, "info"):
        if not isinstance(row, dict):
            continue
        number = numbers.from_pbx(_plain(row.get("number")), country)
        if number and not numbers.is_extension(number):
            name = row.get("number_name") or row.get("description")
            found.setdefault(number, Line(number=number, name=_plain(name)))
    return list(found.values())


def _setup(data):
    url, flags = data.get("url"), data.get("notifications")
    if not isinstance(url, str | None) or not isinstance(flags, dict):
        raise errors.BadAnswer("no settings of notifications")
    return Setup(url or "", {name: _flag(value) for name, value in flags.items()})


def _link(server_url, data):
    link, links = data.get("link"), data.get("links", [])
    if not isinstance(link, str | None) or not isinstance(links, list):
        raise errors.BadAnswer("no address of a recording")
    link = link or next(iter(links), "")
    if not link:
        raise errors.NotFound("no link")
    if not isinstance(link, str) or not is_same_server(link, server_url):
        raise errors.BadAnswer("the recording lies on another host")
    return link


def _statistics(data):
    end = data.get("end")
    if not isinstance(end, str | None):
        raise errors.BadAnswer("the period of the statistics is no time")
    return _list(data, "stats"), end


def _plain(value):
    """Return text or number as text; anything else is nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\0", " ").strip()


def _text(data, name):
    text = _plain(data.get(name))
    if not text:
        raise errors.BadAnswer(f"no {name}")
    return text


def _list(data, name):
    found = data.get(name)
    if not isinstance(found, list):
        raise errors.BadAnswer(f"no list of {name}")
    return found


def _flag(value):
    """Read a flag: the text ``"true"``, ``"1"``, or a JSON boolean or number."""
    text = str(value).strip().lower()
    if text not in ("true", "1", "false", "0"):
        raise errors.BadAnswer("neither true nor false")
    return text in ("true", "1")


def _internal(number, what):
    if not numbers.is_extension(number):
        raise errors.BadParameter(f"{number} is no internal number")
    return f"/v1/pbx/internal/{numbers.extension(number)}/{what}/"


def _is_about(data, number):
    if numbers.extension(_plain(data.get("number"))) != number:
        raise errors.BadAnswer("an answer about another internal number")
