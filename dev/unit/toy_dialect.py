"""A PBX that does not exist and is unlike Zadarma in all: an example, and a proof.

It posts XML documents with exact UTC times, seals the raw body with a keyed hash, calls
a call ``7/2026``, never asks for a check of our address, and has its own words.
"""

import hashlib
import hmac
import re
from datetime import datetime
from xml.etree import ElementTree

from telephony import dialect, numbers
from telephony.call import (
    ANSWERED,
    BUSY,
    CANCELLED,
    DIALLED,
    ENDED,
    FAILED,
    INBOUND,
    NO_ANSWER,
    OFFERED,
    OUTBOUND,
    RECORDED,
    RINGING,
    SPOKEN,
    CallEvent,
)
from telephony.dialect import Delivery, Refused, Reply

XML = "application/toy+xml"
SEAL = "x-toy-seal"
MAX_BODY = 64 * 1024
KINDS = {
    "offer": OFFERED,
    "ring": RINGING,
    "dial": DIALLED,
    "lift": ANSWERED,
    "over": ENDED,
    "tape": RECORDED,
}
WAYS = {"in": INBOUND, "out": OUTBOUND}
HOW = {"talk": SPOKEN, "engaged": BUSY, "silence": NO_ANSWER, "left": CANCELLED}
CALL = re.compile(r"[0-9]+/[0-9]{4}")


def seal(body, secret):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _at(text):
    try:
        return datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None


class Toy(dialect.Dialect):
    code = "toy"
    label = "Toy PBX"
    form = {"login": dialect.FormField("Desk code")}
    notifications = ("calls",)
    can_answer_routing = True

    def check(self, request, account):
        if request.content_type != XML:
            raise Refused(415, "not a notice")
        if len(request.body) > MAX_BODY:
            raise Refused(413, "the notice is larger than 64 KiB")
        given = request.headers.get(SEAL, "").encode("utf-8", "surrogatepass")
        own = seal(request.body, account.secret).encode()
        if not account.secret or not hmac.compare_digest(own, given):
            raise Refused(403, "the seal is wrong")
        if b"<!" in request.body:
            raise Refused(400, "entities are not taken")
        try:
            notice = ElementTree.fromstring(request.body)
        except ElementTree.ParseError as error:
            raise Refused(400, "not XML") from error
        if not notice.get("id"):
            raise Refused(400, "a notice without an id")
        call = notice.get("call", "")
        return Delivery(
            event_type=notice.tag,
            ref=call if CALL.fullmatch(call) else "",
            payload=dict(notice.attrib),
            asks_routing=notice.tag == "offer",
        )

    def read(self, delivery, received_at, account):
        told, kind = delivery.payload, KINDS.get(delivery.event_type)
        if kind is None or not delivery.ref:
            return []
        values = {}
        if kind == ENDED:
            seconds = told.get("talk", "")
            values = {
                "talk": int(seconds) if re.fullmatch("[0-9]{1,9}", seconds) else None,
                "disposition": HOW.get(told.get("how"), FAILED),
                "said": told.get("how", ""),
            }
        return [
            CallEvent(
                kind=kind,
                ref=delivery.ref,
                received_at=received_at,
                direction=WAYS.get(told.get("way"), ""),
                caller=numbers.from_pbx(told.get("from")),
                called=numbers.from_pbx(told.get("to")),
                extension=numbers.extension(told.get("desk")),
                at=_at(told.get("at")),
                recording=told.get("tape", ""),
                **values,
            )
        ]

    def reply(self, delivery, decision):
        body = "<ok/>"
        if decision and decision.redirect:
            body = f'<ring desk="{decision.redirect}"/>'
        return Reply(body=body, content_type=XML)

    def dial(self, account, extension, number, line=""):
        return "8/2026"
