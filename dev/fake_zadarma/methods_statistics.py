"""API methods about past calls: one row per leg, oldest first, a month at most."""

from datetime import datetime, timedelta

from .answers import answers, json_number
from .events import TIME_FORMAT, bare
from .methods_account import RATE

LONGEST = timedelta(days=31)
CUT_TO = timedelta(days=30)
ROWS = 1000
SPEC_WORDS = {"failed": "call failed"}


def _period(call):
    """Return (start, end), texts in the account's zone; too long a period is cut."""
    now = datetime.strptime(call.account.local(), TIME_FORMAT)
    first = now.replace(day=1, hour=0, minute=0, second=0)
    start = _time(call.values.get("start"), first)
    end = _time(call.values.get("end"), now)
    if end - start > LONGEST:
        end = start + CUT_TO
    return start.strftime(TIME_FORMAT), end.strftime(TIME_FORMAT)


def _time(text, default):
    try:
        return datetime.strptime(text, TIME_FORMAT) if text else default
    except ValueError:
        # Well-formed, yet no such moment (31 February): as if it had not been given.
        return default


def _rows(call, start, end):
    with call.account.lock:
        rows = list(call.account.rows)
    inside = [row for row in rows if start <= row["callstart"] <= end]
    return sorted(inside, key=lambda row: row["callstart"])


def _page(call, rows):
    skip = call.values.get("skip", 0)
    return rows[skip : skip + call.values.get("limit", ROWS)]


def _digits(text):
    return int(bare(text)) if bare(text).isdigit() else 0


def _spec_row(row):
    """As the document shows it: numbers and booleans."""
    return {
        **row,
        "call_id": json_number(row["call_id"]),
        "sip": _digits(row["sip"]),
        "clid": _digits(row["clid"]["number"]),
        "destination": _digits(row["destination"]),
        "disposition": SPEC_WORDS.get(row["disposition"], row["disposition"]),
    }


def _live_row(row):
    """As it was seen: texts, the destination alone a number."""
    name, number = row["clid"]["name"], row["clid"]["number"]
    outbound = row["pbx_call_id"].startswith("out_")
    return {
        **row,
        "clid": f"{name} ({number})" if outbound else f'"{name}" <{number}>',
        "destination": _digits(row["destination"]),
        "is_recorded": "true" if row["is_recorded"] else "false",
    }


@answers("GET /v1/statistics/pbx")
def pbx_statistics(call):
    start, end = _period(call)
    rows = _rows(call, start, end)
    if "call_type" in call.values:
        prefix = f"{call.values['call_type']}_"
        rows = [row for row in rows if row["pbx_call_id"].startswith(prefix)]
    shown = _spec_row if call.account.mode == "spec" else _live_row
    return {
        "start": start,
        "end": end,
        "version": call.values["version"],
        "stats": [shown(row) for row in _page(call, rows)],
    }


@answers("GET /v1/statistics")
def statistics(call):
    """Costs, by rows whose ids belong to no other method's; outside calls alone."""
    start, end = _period(call)
    rows = [_costs(call, row) for row in _rows(call, start, end)]
    rows = [row for row in rows if row]
    answer = {"start": start, "end": end}
    if call.values.get("cost_only"):
        total = {
            "cost": round(sum(row["billcost"] for row in rows), 4),
            "currency": call.account.currency,
            "seconds": sum(row["billseconds"] for row in rows),
        }
        return {**answer, "stats": [total]}
    return {**answer, "stats": _page(call, rows)}


def _costs(call, row):
    outbound = row["pbx_call_id"].startswith("out_")
    caller = "442079460900" if outbound else bare(row["clid"]["number"])
    if min(len(caller), len(row["destination"])) < 7 or not caller.isdigit():
        return None
    minutes = -(-row["seconds"] // 60)
    live = call.account.mode == "live"
    word = row["disposition"] if live else SPEC_WORDS.get(row["disposition"])
    return {
        "id": row["call_id"].replace(".", "")[-9:],
        "sip": "00001",
        "callstart": row["callstart"],
        "from": caller,
        "to": row["destination"],
        "description": "United Kingdom, London",
        "disposition": word or row["disposition"],
        "billseconds": row["seconds"],
        "cost": float(RATE),
        "billcost": round(minutes * float(RATE), 4),
        "currency": call.account.currency,
        **({"hangupcause": "16"} if live else {}),
    }
