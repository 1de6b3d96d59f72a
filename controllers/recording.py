"""Where a recording is heard."""

from odoo import http
from odoo.http import request

from ..models.recording.pbx_recording_hear import Unheard


class Recording(http.Controller):
    @http.route(
        "/pbx/recording/<int:recording_id>", type="http", auth="user", methods=["GET"]
    )
    def hear(self, recording_id, download=None):
        recording = request.env["pbx.recording"]._for_hearing(recording_id)
        if not recording:
            raise request.not_found()
        try:
            link = recording._hear()
        except Unheard as unheard:
            return self._told(unheard)
        if link:
            return self._elsewhere(link)
        stream = request.env["ir.binary"]._get_stream_from(
            recording, "audio", recording._sound_name(), mimetype=recording.mimetype
        )
        return stream.get_response(as_attachment=bool(download))

    @staticmethod
    def _told(unheard):
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Cache-Control", "no-store"),
        ]
        if unheard.retry_after:
            headers.append(("Retry-After", str(unheard.retry_after)))
        return request.make_response(unheard.text, headers, status=unheard.status)

    @staticmethod
    def _elsewhere(link):
        answer = request.redirect(link, code=302, local=False)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer
