from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..models.inbox import webhook
from ..telephony.dialect import Request
from ..telephony.http.forms import MAX_BODY_BYTES


class Webhook(http.Controller):
    """Where a PBX reaches us."""

    @http.route(
        "/pbx/<string:dialect>/<string:token>",
        # The form is the dialect's to read, once it is known whose it is.
        type="pbx_raw",
        auth="none",
        methods=["GET", "POST"],
        csrf=False,
        # Odoo takes routes without a user for readers, and serves them from a replica.
        readonly=False,
        save_session=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def webhook(self, dialect, token):
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
                # Read already, before there was a connection to the database.
                body=web.get_data() if web.method == "POST" else b"",
                remote_address=web.remote_addr or "",
            ),
        )
        headers = [("Content-Type", reply.content_type)]
        return request.make_response(reply.body, headers, status=reply.status)
