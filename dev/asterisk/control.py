"""The control API of a real Asterisk, ``/control/…``: JSON in, JSON out.

A mistake gets 4xx and one sentence, as the fake PBX does it.
"""

import re

from flask import Blueprint, Flask, current_app, request
from jsonschema import Draft202012Validator

from fake_pbx.page import add_page

from . import day
from .player import (
    FASTEST,
    LONGEST_RING,
    LONGEST_TALK,
    NUMBER,
    SLOWEST,
    Player,
    WrongWish,
)

blueprint = Blueprint("control", __name__, url_prefix="/control")

FILE_NAME = re.compile(r"[A-Za-z0-9_.]+")
PLAY_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scenario"],
    "properties": {
        "scenario": {"type": "string"},
        "caller": {"type": "string", "pattern": f"^({NUMBER.pattern})$"},
        "extension": {"type": "string"},
        "ring": {"type": "number", "minimum": 0, "maximum": LONGEST_RING},
        "duration": {"type": "number", "minimum": 0, "maximum": LONGEST_TALK},
        "speed": {"type": "number", "minimum": FASTEST, "maximum": SLOWEST},
        "wait": {"type": "boolean"},
    },
}
FILES_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["files"],
    "properties": {
        "files": {
            "type": "object",
            "propertyNames": {"pattern": f"^{FILE_NAME.pattern}$"},
            "additionalProperties": {"type": "string"},
        }
    },
}


def make_app(player: Player) -> Flask:
    """The WSGI application: the control API and its page."""
    app = Flask(__name__, static_url_path="/static")
    app.json.sort_keys = False
    app.extensions["player"] = player
    app.register_blueprint(blueprint)
    add_page(app)

    @app.get("/healthz")
    def health():
        return {"status": "success"}

    return app


def _player() -> Player:
    return current_app.extensions["player"]


def _asked(schema: dict) -> dict:
    body = request.get_json(silent=True)
    if body is None:
        raise WrongWish("Send JSON, with the header Content-Type: application/json.")
    for error in Draft202012Validator(schema).iter_errors(body):
        where = "/".join(map(str, error.absolute_path)) or "request"
        raise WrongWish(f"{where}: {error.message}")
    return body


@blueprint.errorhandler(WrongWish)
def _refused(wish):
    return {"status": "error", "message": str(wish), **wish.more}, wish.status


@blueprint.get("/scenarios")
def scenarios():
    return _player().offered()


@blueprint.post("/play")
def play():
    """Play a scenario; ``wait`` false: in the background."""
    body = _asked(PLAY_SCHEMA)
    player, waits = _player(), body.pop("wait", True)
    played = player.begin(**body)
    if waits:
        player.play(played)
        return played.as_json(), 500 if played.error else 200
    player.play_later(played)
    return played.as_json(), 202


@blueprint.post("/day")
def play_day():
    """A short day of calls: how many they were, and which went wrong."""
    played = day.play(_player())
    wrong = [f"{one.scenario}: {one.error}" for one in played if one.error]
    return {"calls": len(played), "failed": wrong}


@blueprint.get("/state")
def state():
    """All that the page shows, in one answer; calls newest first."""
    player = _player()
    return {
        "phones": player.phones(),
        "played": [one.as_json() for one in reversed(list(player.played))],
    }


@blueprint.get("/server")
def server():
    """What Odoo has to know of this Asterisk."""
    lab = _player().lab
    return {
        "url": lab.ari_url,
        "recordings": str(lab.recordings),
        "phones": lab.names,
    }


@blueprint.post("/files")
def install():
    """Put in the files that connect with Odoo."""
    _player().lab.install(_asked(FILES_SCHEMA)["files"])
    return {"status": "success"}
