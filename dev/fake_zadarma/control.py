"""The control API, ``/control/…``: JSON in, JSON out; tests, the page and the command
line use it. A mistake gets 4xx and one sentence."""

from datetime import datetime

from flask import Blueprint, current_app, jsonify, request

from fake_pbx import control, faults
from fake_pbx.control import request_body, whole

from . import day, past, settings, wire
from .answers import Refused
from .events import TIME_FORMAT
from .scenarios import PARAMETERS, SCENARIOS

blueprint = Blueprint("control", __name__, url_prefix="/control")

_TEXT = {"type": "string", "maxLength": 200}
PLAY_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scenario"],
    "properties": {
        **dict.fromkeys(PARAMETERS, {"type": ["string", "null"], "maxLength": 200}),
        "scenario": {"type": "string"},
        "extensions": {"type": ["array", "null"], "items": _TEXT, "minItems": 1},
        "duration": {"type": ["integer", "null"], "minimum": 0},
        "speed": {"type": "number", "minimum": 0},
        "wait": {"type": "boolean"},
    },
}
CALL_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": dict.fromkeys(("caller", "line", "extension", "to"), _TEXT),
}


def _pbx():
    return current_app.extensions["pbx"]


blueprint.register_error_handler(control.Refused, control.refusal)


@blueprint.post("/webhook")
def webhook():
    """Set both addresses, as saving them in the cabinet does."""
    url = request_body().get("url")
    if not isinstance(url, str) or not url:
        raise Refused('Send {"url": "https://…"}, the address of the webhook.')
    reason = _pbx().set_url(url)
    if reason:
        raise Refused(reason)
    return {"status": "success", "url": url}


@blueprint.get("/scenarios")
def scenarios():
    return jsonify(
        [
            {"name": name, "direction": kind.direction, "title": kind.title}
            for name, kind in SCENARIOS.items()
        ]
    )


def _plan(body):
    parameters = {
        name: value
        for name, value in body.items()
        if name not in ("scenario", "speed", "wait")
    }
    try:
        return _pbx().plan(body["scenario"], parameters)
    except ValueError as error:
        raise Refused(str(error)) from error


@blueprint.post("/play")
def play():
    """Play a scenario; ``wait`` false: in the background."""
    body = request_body(PLAY_SCHEMA)
    ready = _plan(body)
    if body.get("wait", True):
        entries = _pbx().play(ready, body.get("speed", 0))
        return {"pbx_call_id": ready.pbx_call_id, "events": entries}
    _pbx().play_later(ready, body.get("speed", 0))
    return {"pbx_call_id": ready.pbx_call_id, "events": []}, 202


@blueprint.route("/render", methods=["GET", "POST"])
def render():
    """The signed requests of a scenario, not sent. GET: parameters in the query."""
    body = request_body() if request.method == "POST" else _query()
    control.check(PLAY_SCHEMA, body, "request")
    ready = _plan(body)
    secret = _pbx().account.secret
    return {
        "pbx_call_id": ready.pbx_call_id,
        "events": [
            {**wire.render(step, secret).as_json(), "delay": step.delay}
            for step in ready.steps
        ],
    }


def _query():
    body = dict(request.args)
    if "extensions" in body:
        body["extensions"] = body["extensions"].split(",")
    if body.get("duration", "").isdigit():
        body["duration"] = int(body["duration"])
    return body


@blueprint.post("/day")
def play_day():
    request_body()
    return day.play(_pbx())


@blueprint.post("/past")
def make_past():
    """The calls of the last two weeks: kept as statistics, their webhooks not sent.

    They are given instead, as signed requests with the moments at which they would
    have come: whoever asks knows a way into the inbox of that time.
    """
    request_body()
    pbx = _pbx()
    account = pbx.account
    plans = [
        past.planned(call, account.zone)
        for call in past.calls(datetime.strptime(account.local(), TIME_FORMAT))
    ]
    deliveries = []
    for ready in plans:
        pbx.keep_past(ready)
        for step, moment in past.moments(ready, account.zone):
            sent = wire.render(step, account.secret).as_json()
            deliveries.append({**sent, "at": moment.timestamp()})
    return {"calls": len(plans), "deliveries": deliveries}


# -- steered calls ---------------------------------------------------------------------


@blueprint.get("/calls")
def calls():
    return jsonify(_pbx().calls.all())


@blueprint.post("/calls")
def begin():
    return _pbx().calls.begin(request_body(CALL_SCHEMA)).as_json(), 201


@blueprint.get("/calls/<wanted>")
def one(wanted):
    return _pbx().calls.get(wanted).as_json()


def _text(body, name):
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{name} must be a text.")
    return value


@blueprint.post("/calls/<wanted>/answer")
def answer(wanted):
    extension = _text(request_body(), "extension")
    return _pbx().calls.answer(wanted, extension).as_json()


@blueprint.post("/calls/<wanted>/transfer")
def transfer(wanted):
    return _pbx().calls.transfer(wanted, _text(request_body(), "to")).as_json()


@blueprint.post("/calls/<wanted>/hangup")
def hang_up(wanted):
    disposition = _text(request_body(), "disposition")
    return _pbx().calls.hang_up(wanted, disposition).as_json()


@blueprint.post("/calls/<wanted>/press")
def press(wanted):
    digits = _text(request_body(), "digits") or ""
    return _pbx().calls.press(wanted, digits).as_json()


@blueprint.post("/calls/<wanted>/timeout")
def time_up(wanted):
    request_body()
    return _pbx().calls.time_up(wanted).as_json()


# -- what happened, and what shall happen ----------------------------------------------


@blueprint.get("/log")
def log():
    """Webhooks, newest first; ``kind``: ``webhook``, ``api`` or ``all``."""
    kind = request.args.get("kind", "webhook")
    if kind not in ("webhook", "api", "all"):
        raise Refused("kind is one of: webhook, api, all.")
    journal = _pbx().account.journal
    wanted = None if kind == "all" else kind
    return jsonify(journal.read(wanted, whole("after", 0), whole("limit", 200)))


@blueprint.delete("/log")
def clear_log():
    _pbx().account.journal.clear()
    return {"status": "success"}


@blueprint.get("/state")
def state():
    """All that the page shows, in one answer."""
    pbx = _pbx()
    return {
        "run": pbx.account.run,
        "settings": settings.read(pbx.account),
        "calls": pbx.calls.all(),
        "log": pbx.account.journal.read(after=whole("after", 0), limit=200),
    }


@blueprint.get("/settings")
def read_settings():
    return settings.read(_pbx().account)


@blueprint.post("/settings")
def change_settings():
    settings.change(_pbx().account, request_body())
    return settings.read(_pbx().account)


@blueprint.get("/faults")
def read_faults():
    return {"faults": _pbx().account.faults.as_json()}


@blueprint.post("/faults")
def set_faults():
    """Replace the faults in wait; ``{}`` or an empty list: none."""
    body = request_body(
        control.closed({"faults": {"type": "array", "items": faults.SCHEMA}})
    )
    _pbx().account.faults.set(body.get("faults", []))
    return read_faults()


@blueprint.delete("/rows")
def forget():
    """Forget past calls: statistics, recordings and links."""
    account = _pbx().account
    with account.lock:
        account.rows, account.recordings, account.links = [], {}, {}
    return {"status": "success"}
