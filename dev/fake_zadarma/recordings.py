"""Recordings: real MP3 files, as long as the talk was, behind links that expire."""

import io
import secrets
from pathlib import Path

from flask import Blueprint, Response, current_app, request, send_file

blueprint = Blueprint("recordings", __name__)
CHIME = (Path(__file__).parent / "data" / "chime.mp3").read_bytes()
CHIME_SECONDS = 2.16
LONGEST = 3600


def make_link(account, row, lifetime):
    """Return the path of a fresh link to the recording of a statistics row."""
    started = row["callstart"].replace(" ", "-").replace(":", "")
    stem = f"{account.pbx_id}-{row['call_id']}-{row['sip']}-{started}"
    token = secrets.token_urlsafe(24)
    with account.lock:
        account.links[token] = {"row": row, "till": account.now() + lifetime}
    return f"/v1/pbx/record/download/{token}/{stem}.mp3"


def sound(row):
    """Return the bytes of an MP3 that lasts ``seconds``, its title the recording's id.

    The frames of the chime are all of one size, so repeating them is a valid file.
    """
    seconds = min(max(row["seconds"], 1), LONGEST)
    text = b"\x03" + row["call_id"].encode()
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
    size = len(frame)
    synchsafe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    times = max(1, round(seconds / CHIME_SECONDS))
    return b"ID3\x03\0\0" + synchsafe + frame + CHIME * times


@blueprint.route("/v1/pbx/record/download/<token>/<path:_name>")
def download(token, _name):
    """Whoever has the link can listen: no Authorization, byte ranges, until it ends."""
    account = current_app.extensions["pbx"].account
    with account.lock:
        link = account.links.get(token)
    if not link or link["till"] < account.now():
        refusal = '{"status":"error","message":"Requested file not found"}'
        return Response(refusal, 404, mimetype="application/json")

    def respond():
        return send_file(
            io.BytesIO(sound(link["row"])),
            mimetype="audio/mpeg",
            conditional=True,
            etag=False,
        )

    return account.faults.answer(request.path, respond)
