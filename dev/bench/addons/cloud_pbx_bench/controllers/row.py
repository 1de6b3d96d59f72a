import json
import uuid

from odoo import SUPERUSER_ID, http
from odoo.http import request


class Row(http.Controller):
    """The floor of any webhook that answers once it has stored: one row, by SQL."""

    @http.route(
        "/bench/row",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
        readonly=False,
        save_session=False,
    )
    def insert(self, **form):
        request.env.cr.execute(
            """INSERT INTO pbx_event (provider_id, event_type, ref, payload, digest,
                                      received_at, state, attempts,
                                      create_uid, write_uid, create_date, write_date)
               VALUES (1, %(event)s, %(ref)s, %(payload)s, %(digest)s,
                       now() AT TIME ZONE 'UTC', 'done', 1, %(user)s, %(user)s,
                       now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')""",
            {
                "event": form.get("event", "BARE"),
                "ref": form.get("pbx_call_id"),
                "payload": json.dumps(form),
                "digest": uuid.uuid4().hex,
                "user": SUPERUSER_ID,
            },
        )
        return request.make_response("{}", [("Content-Type", "application/json")])
