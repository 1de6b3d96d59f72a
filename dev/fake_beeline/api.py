"""The REST API, ``/apis/portal/…``: who asks, what, and the answer."""

import hmac
import io
import json
import re
import time
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request, send_file

from fake_pbx.faults import limit_answer
from fake_pbx.sound import mp3

from .abonents import digits
from .account import LONGEST_SECONDS, error_text

blueprint = Blueprint("api", __name__, url_prefix="/apis/portal")
TOKEN_HEADER = "X-MPBX-API-AUTH-TOKEN"
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
RECORDS_LIMIT = 100
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Error(Exception):
    """An error of the API, with its code and Beeline's kind of words."""

    def __init__(self, code, description, status=400):
        super().__init__(description)
        self.code, self.description, self.status = code, description, status


@blueprint.route("/<path:rest>", methods=METHODS)
def api(rest):
    """Answer one request, through a fault if one waits for it, and log it."""
    account = current_app.extensions["pbx"].account
    begun, arrived = time.monotonic(), time.time()

    def respond():
        try:
            return _answer(current_app.extensions["pbx"], rest)
        except Error as error:
            status = 200 if account.errors_with_200 else error.status
            return _json(error_text(error.description, error.code), status)

    path = f"/{rest}"
    answer = account.faults.answer(path, respond, request.method)
    is_text = answer.mimetype in ("application/json", "text/plain", "text/html")
    body = answer.get_data(as_text=True) if is_text and not answer.is_streamed else None
    account.journal.add(
        "api",
        at=account.now_text(),
        time=arrived,
        method=request.method,
        path=path,
        params={**request.args, **(request.get_json(silent=True) or {})},
        authorized=_authorized(account),
        status=answer.status_code,
        reply=_readable(body),
        ms=round((time.monotonic() - begun) * 1000),
    )
    return answer


def _answer(pbx, rest):
    account = pbx.account
    if not _authorized(account):
        status = account.wrong_token_status
        raise Error("AuthenticationFailed", "Неверный ключ доступа", status)
    if not account.allowed():
        return limit_answer("429_retry_after", 1, error_text)
    for method, pattern, answer in ROUTES:
        found = re.fullmatch(pattern, rest)
        if found and method == request.method:
            return answer(pbx, *found.groups())
    raise Error("MethodNotFound", "Метод не найден", 404)


def _authorized(account):
    token = request.headers.get(TOKEN_HEADER, "")
    return hmac.compare_digest(token.encode("utf-8", "replace"), account.token.encode())


# -- people and numbers ----------------------------------------------------------------


def abonents(pbx):
    return _json([one.as_json() for one in pbx.account.abonents.values()])


def abonent(pbx, pattern):
    return _json(_found(pbx, pattern).as_json())


def numbers(pbx):
    return _json(
        [
            {"numberId": f"{place}@ip.beeline.ru", "phone": digits(number)}
            for place, number in enumerate(pbx.account.numbers, 1)
        ]
    )


def _found(pbx, pattern):
    found = pbx.account.abonent(pattern)
    if found is None:
        raise Error("UserNotFound", "Абонент не найден", 404)
    return found


# -- subscriptions ---------------------------------------------------------------------


def subscribe(pbx):
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Error("BadRequest", "Тело запроса не распознано")
    url, kind = body.get("url"), body.get("subscriptionType")
    pattern, seconds = body.get("pattern", ""), body.get("expires")
    if not isinstance(url, str) or not re.match(r"https?://[^/]", url):
        raise Error("BadRequest", "Неверный адрес подписки")
    if kind not in ("BASIC_CALL", "ADVANCED_CALL"):
        raise Error("BadRequest", "Неверный тип подписки")
    if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_SECONDS:
        raise Error("BadRequest", "Неверный срок подписки")
    known = set(map(digits, pbx.account.numbers))
    if pattern and pbx.account.abonent(pattern) is None and pattern not in known:
        raise Error("UserNotFound", "Абонент не найден", 404)
    made = pbx.account.subscribe(url, kind, pattern, seconds)
    if pbx.account.first_event != "none":
        ready = pbx.plan("call_subscription", {})
        if pbx.account.first_event == "before":
            pbx.play(ready)
        else:
            pbx.play_later(ready, 0)
    return _json({"subscriptionId": made.id, "expires": made.seconds_left})


def _subscription(pbx):
    wanted = request.args.get("subscriptionId", "")
    found = [one for one in pbx.account.live() if one.id == wanted]
    if not found:
        raise Error("SubscriptionNotFound", "Подписка не найдена", 404)
    return found[0]


def show_subscription(pbx):
    one = _subscription(pbx)
    return _json(
        {
            "subscriptionId": one.id,
            "targetType": "ABONENT" if one.pattern else "GROUP",
            "targetId": one.pattern or "12000000000",
            "subscriptionType": one.kind,
            "expires": one.seconds_left,
            "url": one.url,
        }
    )


def unsubscribe(pbx):
    pbx.account.end(_subscription(pbx).id)
    return Response("", 200)


# -- calls -----------------------------------------------------------------------------


def call(pbx, pattern):
    who = _found(pbx, pattern)
    number = request.args.get("phoneNumber", "")
    if not re.fullmatch(r"[0-9]{3,15}", number):
        raise Error("BadRequest", "Неверный номер телефона")
    number = f"+7{number}" if len(number) == 10 else f"+{number}"
    ref = pbx.click(who, number)
    reply = pbx.account.click_reply
    if reply == "nothing":
        return Response("", 200)
    if reply == "json":
        return _json(ref)
    return Response(ref, 200, mimetype="text/plain")


def statistics(pbx):
    account = pbx.account
    begin, end = _period()
    page = _whole("page", 0)
    size = _whole("pageSize", 100)
    who = request.args.get("userId")
    factor = 1000 if account.statistics_unit == "ms" else 1
    listed = [
        {
            "startDate": round(row["start"] * 1000),
            "abonent": row["abonent"].as_json(),
            "direction": row["direction"],
            "status": _word(account, row),
            **{
                name: row[name]
                for name in ("phone_from", "phone_to")
                if row[name] is not None
            },
            "duration": round(row["seconds"] * factor),
            "department": row["abonent"].department or None,
        }
        for row in sorted(account.rows, key=lambda one: one["start"])
        if begin <= row["start"] < end
    ]
    if who:
        listed = [row for row in listed if row["abonent"]["userId"] == who]
    return _json(listed[page * size : (page + 1) * size])


def _word(account, row):
    if row["direction"] == "OUTBOUND":
        return "PLACED"
    return account.answered_word if row["answered"] else "MISSED"


def records(pbx):
    """At most 100, of which the first is the one with the ``id`` that was given."""
    account = pbx.account
    begin, end = _period()
    first = request.args.get("id", "")
    found = [one for one in account.records if begin <= one["start"] < end]
    found.sort(key=lambda one: int(one["id"]))
    if first:
        found = [one for one in found if int(one["id"]) >= int(first)]
    return _json([_record_json(one) for one in found[:RECORDS_LIMIT]])


def _record_json(record):
    return {
        "id": record["id"],
        "externalId": record["external_id"],
        "callId": record["call_id"],
        "phone": record["phone"],
        "direction": record["direction"],
        "date": round(record["start"] * 1000),
        "duration": round(record["seconds"] * 1000),
        "abonent": record["abonent"].as_json(),
    }


def sound_of_leg(pbx, external_id, user_id):
    account = pbx.account

    def wanted(record):
        return (
            record["external_id"] == external_id and user_id in record["abonent"].names
        )

    return _sound(account.sound_of(wanted))


def sound(pbx, record_id):
    return _sound(pbx.account.sound_of(lambda record: record["id"] == record_id))


def _sound(record):
    if record is None:
        raise Error("RecordNotFound", "Запись разговора не найдена", 404)
    return send_file(
        io.BytesIO(mp3(record["external_id"], record["seconds"])),
        mimetype="audio/mpeg",
        etag=False,
    )


def _period():
    return _moment("dateFrom"), _moment("dateTo")


def _moment(name):
    text = request.args.get(name, "")
    try:
        return datetime.strptime(text, MOMENT).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise Error("BadRequest", f"Неверная дата: {name}") from error


def _whole(name, default):
    text = request.args.get(name, str(default))
    if not text.isdigit():
        raise Error("BadRequest", f"Неверное число: {name}")
    return int(text)


ROUTES = (
    ("GET", "abonents", abonents),
    ("GET", "abonents/([^/]+)", abonent),
    ("GET", "numbers", numbers),
    ("PUT", "subscription", subscribe),
    ("GET", "subscription", show_subscription),
    ("DELETE", "subscription", unsubscribe),
    ("POST", "abonents/([^/]+)/call", call),
    ("GET", "v2/statistics", statistics),
    ("GET", "records", records),
    ("GET", "v2/records/([^/]+)/([^/]+)/download", sound_of_leg),
    ("GET", "v2/records/([^/]+)/download", sound),
)


def _json(body, status=200):
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, mimetype="application/json")


def _readable(body):
    if body is None:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body[:500]
