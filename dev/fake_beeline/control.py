"""The control API, ``/control/…``; tests, the page and the command line use it."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from flask import Blueprint, current_app, jsonify, request

from fake_pbx import control, faults
from fake_pbx.control import Refused, request_body, whole

from . import history, past, settings
from .document import FORMS
from .scenario import moment_text
from .scenarios import PARAMETERS, SCENARIOS

blueprint = Blueprint("control", __name__, url_prefix="/control")
blueprint.register_error_handler(Refused, control.refusal)

# So many calls of the day are told at once.
LINES = 4
_TEXT = {"type": "string", "maxLength": 200}
_MAYBE = {"type": ["string", "null"], "maxLength": 200}
_SECONDS = {"type": ["number", "null"], "minimum": 0}
HOW = {
    "scenario": {"type": "string"},
    "form": {"enum": [None, *FORMS]},
    "speed": {"type": "number", "minimum": 0},
    "wait": {"type": "boolean"},
    # Events in another order, some of them twice: what it is made from.
    "shuffle": {"type": ["integer", "null"]},
    "order": {"type": ["array", "null"], "items": {"type": "integer", "minimum": 0}},
    # Of rendered events alone.
    "subscription": _MAYBE,
    "url": _MAYBE,
}
PLAY_SCHEMA = control.closed(
    {
        **dict.fromkeys(PARAMETERS, _MAYBE),
        **dict.fromkeys(("ring", "duration", "start"), _SECONDS),
        "extensions": {"type": ["array", "null"], "items": _TEXT, "minItems": 1},
        "recorded": {"type": ["boolean", "null"]},
        **HOW,
    },
    required=["scenario"],
)


def _pbx():
    return current_app.extensions["pbx"]


@blueprint.get("/scenarios")
def scenarios():
    return jsonify(
        [
            {"name": name, "direction": kind.direction, "title": kind.title}
            for name, kind in SCENARIOS.items()
        ]
    )


def _plan(body):
    parameters = {name: value for name, value in body.items() if name not in HOW}
    try:
        return _pbx().plan(body["scenario"], parameters, body.get("speed", 0))
    except ValueError as error:
        raise Refused(str(error)) from error


def _order(ready, body):
    """The places of the steps in the order that was asked for, or ``None``."""
    if body.get("shuffle") is not None:
        places = [i for i in range(len(ready.steps)) for _ in range(2)]
        random.Random(body["shuffle"]).shuffle(places)
        return places
    order = body.get("order")
    if order and max(order) >= len(ready.steps):
        raise Refused(f"order: the scenario has {len(ready.steps)} events.")
    return order


@blueprint.post("/play")
def play():
    """Play a scenario; ``wait`` false: in the background."""
    body = request_body(PLAY_SCHEMA)
    ready = _plan(body)
    how = {"form": body.get("form"), "order": _order(ready, body)}
    answer = {"ref": ready.ref, "truth": ready.truth.as_json(ready.start)}
    if body.get("wait", True):
        return {**answer, "events": _pbx().play(ready, body.get("speed", 0), **how)}
    _pbx().play_later(ready, body.get("speed", 0), **how)
    return {**answer, "events": []}, 202


@blueprint.post("/render")
def render():
    """The events of a scenario, not sent: ``body``, ``headers``, ``offset``."""
    body = request_body(PLAY_SCHEMA)
    ready = _plan(body)
    rendered = _pbx().render(
        ready, body.get("subscription") or "", body.get("url") or "", body.get("form")
    )
    return {
        "ref": ready.ref,
        "truth": ready.truth.as_json(ready.start),
        "events": [
            {
                "event": step.event,
                "offset": step.offset,
                "body": body.decode(errors="replace"),
                "headers": {"Content-Type": kind},
            }
            for step, body, kind in rendered
        ],
    }


@blueprint.post("/day")
def play_day():
    """The last hours: calls that began then, told by events now."""
    request_body(control.closed({}))
    with ThreadPoolExecutor(LINES) as lines:
        played = list(lines.map(_pbx().play, past.day(time.time())))
    failed = [
        events for events in played if any(entry["status"] != 200 for entry in events)
    ]
    return {"calls": len(played), "failed": len(failed)}


@blueprint.post("/past")
def make_past():
    """Two weeks of office hours: statistics and recordings, no event is sent."""
    request_body(control.closed({}))
    plans = past.plans(time.time())
    for ready in plans:
        _pbx().account.keep(ready)
    return {"calls": len(plans)}


@blueprint.post("/history")
def make_history():
    """Some hours with 40 rows of statistics and 12 records; events tell a third.

    ``until``: seconds since the epoch at which they end; now, unless given. The truths
    say which calls were ``told``.
    """
    body = request_body(control.closed({"until": {"type": "number"}}))
    pbx, truths = _pbx(), []
    until = body.get("until", time.time())
    for call in history.calls(until, abonents=pbx.account.abonents):
        if call.told:
            pbx.play(call.plan)
        else:
            pbx.account.keep(call.plan)
        ready = call.plan
        truth = ready.truth.as_json(ready.start)
        if not call.told:
            # What the statistics say: of a click the leg to the other party alone.
            truth["start"] = moment_text(min(row["start"] for row in ready.rows))
        truths.append({**truth, "scenario": ready.name, "told": call.told})
    return {"calls": truths}


# -- subscriptions ---------------------------------------------------------------------


@blueprint.get("/subscriptions")
def subscriptions():
    """The live ones, oldest first."""
    return jsonify([one.as_json() for one in _pbx().account.live()])


@blueprint.post("/subscriptions/<subscription_id>/terminate")
def terminate(subscription_id):
    """End one; ``{"tell": false}``: without a word, as the PBX does it mostly."""
    body = request_body(control.closed({"tell": {"type": "boolean"}}))
    if _pbx().terminate(subscription_id, body.get("tell", True)) is None:
        raise Refused("No live subscription has this id.", 404)
    return {"status": "success"}


# -- what happened, and what shall happen ----------------------------------------------


@blueprint.get("/log")
def log():
    """Events, newest first; ``kind``: ``webhook``, ``api`` or ``all``."""
    kind = request.args.get("kind", "webhook")
    if kind not in ("webhook", "api", "all"):
        raise Refused("kind is one of: webhook, api, all.")
    wanted = None if kind == "all" else kind
    journal = _pbx().account.journal
    return jsonify(journal.read(wanted, whole("after", 0), whole("limit", 200)))


@blueprint.delete("/log")
def clear_log():
    _pbx().account.journal.clear()
    return {"status": "success"}


@blueprint.get("/state")
def state():
    """All that the page shows, in one answer."""
    account = _pbx().account
    return {
        "run": account.run,
        "settings": settings.read(account),
        "subscriptions": [one.as_json() for one in account.live()],
        "log": account.journal.read(after=whole("after", 0), limit=200),
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
    """Forget past calls: statistics and recordings."""
    account = _pbx().account
    with account.lock:
        account.rows, account.records = [], []
    return {"status": "success"}
