"""Recordings behind links that expire."""

import io
import secrets

from flask import Blueprint, Response, current_app, request, send_file

from fake_pbx.sound import mp3

blueprint = Blueprint("recordings", __name__)


def make_link(account, row, lifetime):
    """Return the path of a fresh link to the recording of a statistics row."""
    started = row["callstart"].replace(" ", "-").replace(":", "")
    stem = f"{account.pbx_id}-{row['call_id']}-{row['sip']}-{started}"
    token = secrets.token_urlsafe(24)
    with account.lock:
        account.links[token] = {"row": row, "till": account.now() + lifetime}
    return f"/v1/pbx/record/download/{token}/{stem}.mp3"


@blueprint.route("/v1/pbx/record/download/<token>/<path:_name>")
def download(token, _name):
    """Whoever has the link can listen: no Authorization, byte ranges, until it ends."""
    account = current_app.extensions["pbx"].account
    with account.lock:
        link = account.links.get(token)
    if not link or link["till"] < account.now():
        refusal = '{"status":"error","message":"Requested file not found"}'
        return Response(refusal, 404, mimetype="application/json")

    row = link["row"]

    def respond():
        return send_file(
            io.BytesIO(mp3(row["call_id"], row["seconds"])),
            mimetype="audio/mpeg",
            conditional=True,
            etag=False,
        )

    return account.faults.answer(request.path, respond)
