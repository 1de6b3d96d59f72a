"""Zadarma as one of the dialects."""

import secrets
from urllib.parse import urlencode

from .. import dialect
from ..dialect import Delivery, Refused, Request
from . import events, replies, signature

CHECK_EVENT = "CLOUD_PBX_CHECK"
# An event without an id: two that read alike may be two.
_WITHOUT_ID = ("SMS",)
_ROUTED = ("NOTIFY_START", "NOTIFY_IVR")


class Zadarma(dialect.Dialect):
    """The cloud PBX of Zadarma, https://zadarma.com."""

    code = "zadarma"
    label = "Zadarma"
    notifications = ("start", "internal", "answer", "end", "out_start", "out_end")
    can_answer_routing = True
    has_balance = True

    def handshake(self, request, account):
        return replies.echo(request.query.get("zd_echo"))

    def check(self, request, account):
        fields = events.parse_form(request)
        event = fields["event"]
        given = request.headers.get("signature", "")
        if not account.secret:
            raise Refused(403, "the key for the signature is not entered")
        if not given:
            raise Refused(403, "no signature")
        if not signature.check_event(event, fields, account.secret, given):
            raise Refused(403, "wrong signature")
        return Delivery(
            event_type=event,
            ref=fields.get("pbx_call_id", "").strip(),
            payload=fields,
            repeatable=event not in _WITHOUT_ID,
            asks_routing=event in _ROUTED,
        )

    def read(self, delivery, received_at, account):
        return events.read(delivery.payload, received_at, account.zone)

    def reply(self, delivery, decision):
        if delivery.asks_routing:
            return replies.routing(decision)
        return replies.accepted()

    def sample(self, account):
        fields = {
            "event": CHECK_EVENT,
            "caller_id": "0",
            "called_did": "0",
            "call_start": "2000-01-01 00:00:00",
            # Two checks are two events.
            "check": secrets.token_hex(8),
        }
        return Request(
            method="POST",
            headers={
                "content-type": events.FORM,
                "signature": signature.sign_event(CHECK_EVENT, fields, account.secret),
            },
            query={},
            body=urlencode(fields).encode(),
        )


dialect.register(Zadarma())
