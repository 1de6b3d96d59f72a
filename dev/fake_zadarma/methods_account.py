"""API methods about the account: balance, time, prices, numbers, click-to-call."""

import secrets
from datetime import datetime
from zoneinfo import ZoneInfo

from .answers import Refused, answers
from .events import TIME_FORMAT, bare

RATE = "0.009"  # per minute, the same everywhere


@answers("GET /v1/info/balance")
def balance(call):
    return {"balance": call.account.balance, "currency": call.account.currency}


@answers("GET /v1/info/timezone")
def timezone(call):
    now = datetime.fromtimestamp(call.account.now(), ZoneInfo(call.account.zone))
    minutes = round(now.utcoffset().total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return {
        "unixtime": int(now.timestamp()),
        "datetime": now.strftime(TIME_FORMAT),
        "timezone": f"UTC{sign}{hours}" + (f":{rest:02}" if rest else ""),
    }


@answers("GET /v1/info/price")
def price(call):
    number = bare(call.values["number"])
    return {
        "info": {
            "prefix": number[:4],
            "description": f"Numbers that begin with {number[:4]}",
            "price": RATE,
            "currency": call.account.currency,
        }
    }


@answers("GET /v1/sip")
def sips(call):
    rows = [
        {"id": number, "display_name": name, "lines": 3}
        for number, name in call.account.sips.items()
    ]
    return {"sips": rows, "left": 3}


@answers("GET /v1/sip/{sip}/status")
def sip_status(call):
    sip = call.arguments["sip"]
    if sip not in call.account.sips:
        raise Refused()
    return {"sip": sip, "is_online": "false"}


def _line(call, number, channels):
    return {
        "number": number,
        "status": "on",
        "country": "United Kingdom",
        "description": "London",
        "number_name": call.account.lines[number] or None,
        "sip": "00001",
        "sip_name": "SIP 1",
        "start_date": "2026-01-01 00:00:00",
        "stop_date": "2027-01-01 00:00:00",
        "monthly_fee": 2,
        "currency": call.account.currency,
        "channels": channels,
        "autorenew": "true",
        "is_on_test": "false",
    }


@answers("GET /v1/direct_numbers")
def direct_numbers(call):
    live = {"receive_sms": "on", "group_id": "0"} if call.account.mode == "live" else {}
    more = {"minutes": 0, "type": "common", **live}
    return {"info": [{**_line(call, n, 2), **more} for n in call.account.lines]}


@answers("GET /v1/direct_numbers/number")
def direct_number(call):
    number = bare(call.values["number"])
    if number not in call.account.lines:
        raise Refused("Check phone's number")
    # Here the channels are a text, in the list a number: so the document has it.
    return {"info": {**_line(call, number, "2"), "receive_sms": None}}


@answers("GET /v1/webrtc/get_key")
def webrtc_key(call):
    short = call.values["sip"].rsplit("-", 1)[-1]
    if short not in call.account.extensions and short not in call.account.sips:
        raise Refused("Sip not found")
    return {"key": secrets.token_hex(16)}


@answers("GET /v1/request/callback")
def callback(call):
    """Accept at once; what becomes of it is told by webhooks alone."""
    account, values = call.account, call.values
    answer = {"from": values["from"], "to": values["to"], "time": int(account.now())}
    # A full login is accepted, and nothing rings.
    if "-" not in values["from"]:
        extension = values.get("sip") or values["from"]
        call.pbx.click(extension, values["to"])
    return answer
