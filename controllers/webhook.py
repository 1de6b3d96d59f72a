from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..models.inbox import webhook
from ..telephony.dialect import Request

MAX_BODY_BYTES = 1024 * 1024


class Webhook(http.Controller):
    """Where a PBX reaches us."""

    @http.route(
        "/pbx/<string:dialect>/<string:token>",
        type="http",
        auth="none",
        methods=["GET", "POST"],
        csrf=False,
        # Odoo takes routes without a user for readers, and serves them from a replica.
        readonly=False,
        save_session=False,
        max_content_length=MAX_BODY_BYTES,
        pbx_webhook=True,
    )
    def webhook(self, dialect, token, **_form):
        web = request.httprequest
        reply = webhook.answer(
            # The PBX has no user; the token and the proof let it in.
            request.env(user=SUPERUSER_ID, su=True),
            dialect,
            token,
            Request(
                method=web.method,
                headers={name.lower(): value for name, value in web.headers.items()},
                query=web.args.to_dict(),
                body=web.get_data() if web.method == "POST" else b"",
            ),
        )
        headers = [("Content-Type", reply.content_type)]
        return request.make_response(reply.body, headers, status=reply.status)
