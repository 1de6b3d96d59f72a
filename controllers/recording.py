import re

from odoo import http
from odoo.http import request

from ..models.recording.pbx_recording import NotPlayable


class Recording(http.Controller):
    """Where a recording is heard: the file in ranges, a redirect, or why not."""

    @http.route(
        "/pbx/recording/<string:recording_id>",
        type="pbx_raw",
        auth="user",
        methods=["GET"],
    )
    def hear(self, recording_id):
        recording = request.env["pbx.recording"]
        if re.fullmatch("[0-9]{1,9}", recording_id):
            recording = recording._find_readable(int(recording_id))
        if not recording:
            raise request.not_found()
        try:
            link = recording._playback_link()
        except NotPlayable as reason:
            return self._not_playable(reason)
        if link:
            return self._redirect(link)
        stream = request.env["ir.binary"]._get_stream_from(
            recording, "audio", recording._file_name(), mimetype=recording.mimetype
        )
        download = request.httprequest.args.get("download")
        return stream.get_response(as_attachment=bool(download))

    @staticmethod
    def _not_playable(reason):
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Cache-Control", "no-store"),
        ]
        if reason.retry_after_seconds:
            headers.append(("Retry-After", str(reason.retry_after_seconds)))
        return request.make_response(reason.text, headers, status=reason.status)

    @staticmethod
    def _redirect(link):
        response = request.redirect(link, code=302, local=False)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
