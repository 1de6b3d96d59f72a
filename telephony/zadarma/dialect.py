"""Zadarma as one of the dialects."""
# There is no env here: ``_`` marks a text, and models translate what they show.
# pylint: disable=prefer-env-translation

import re
import secrets
from dataclasses import replace
from urllib.parse import urlencode

from .. import dialect, routing
from ..dialect import (
    GENERAL,
    STATISTICS,
    Delivery,
    Extension,
    FormField,
    Proof,
    RecordingFile,
    Refused,
    Remembered,
    Request,
    Setup,
    _,
)
from ..http import forms
from . import events, replies, signature, statistics
from .client import Client

CHECK_EVENT = "CLOUD_PBX_CHECK"
# An event without an id: two that read alike may be two.
_WITHOUT_ID = ("SMS",)
_ROUTED = ("NOTIFY_START", events.STEP)
# The two legs of a click-to-call, which may begin in one second under two ids.
_LEGS = {"callback_leg1": "own_leg", "callback_leg2": "client_leg"}
# What the API puts before the name of a notification.
_NOTIFY = "notify_"


def _keys(account):
    return account.key, account.secret


class Zadarma(dialect.Dialect):
    """The cloud PBX of Zadarma, https://zadarma.com."""

    code = "zadarma"
    label = "Zadarma"
    sequence = 10
    default_server = "https://api.zadarma.com"
    form = {
        "api_key": FormField(
            label=_("Key"),
            help=_("At Zadarma: Settings ‣ API and integrations, field “Key”."),
            placeholder=_("e.g. 4f9ac67f67961b71ab0c"),
        ),
        "api_secret": FormField(
            label=_("Secret"),
            help=_(
                "On the same page as the key. It signs what is sent in both "
                "directions. New keys cut off everything that uses the old ones."
            ),
            placeholder=_("e.g. 5fa0200ffca68e15de4f"),
        ),
        "tz": FormField(placeholder=_("As set at the PBX")),
        "utc_offset": FormField(),
        "balance": FormField(),
        "balance_threshold": FormField(),
        "statistics_limit": FormField(
            help=_("How often it may be asked for past calls. Zadarma allows three.")
        ),
        "recording_mode": FormField(),
        "line_ids": FormField(),
        "history_ids": FormField(),
    }
    needs = ("api_key", "api_secret")
    # Two or three fields of an event are signed, not all of it.
    proof = Proof.SIGNATURE
    notifications = ("start", "internal", "answer", "end", "out_start", "out_end")
    essential_notifications = {
        "answer": _(
            "The notification of answers is off. Without it nobody knows who speaks, "
            "and the talk is not shown before it ends."
        )
    }
    has_sample = True
    sample_event = CHECK_EVENT
    decisions = frozenset(dialect.DECISIONS)
    target_example = "0-1"
    has_balance = True
    failures = events.FAILURES
    limits = {GENERAL: 100, STATISTICS: 3}
    # “Download the file 40 seconds after the notification.”
    recording_ready_seconds = 40
    # Links are made for half an hour.
    recording_link_seconds = 20 * 60

    def is_target(self, text):
        return bool(replies.TARGET.fullmatch(text or ""))

    def doubt_settings(self, account):
        if account.key and account.key == account.secret:
            return _("Key and Secret are the same: copy each from its own field.")
        # Both are of one shape, so that it does not tell which is which.
        if not all(re.fullmatch(r"[!-~]*", text) for text in _keys(account)):
            return _(
                "Key and Secret have only Latin letters and digits: copy them again."
            )
        return ""

    def swapped(self, account):
        return replace(account, key=account.secret, secret=account.key)

    def handshake(self, request, account):
        return replies.echo(request.query.get("zd_echo"))

    def check(self, request, account):
        fields = events.parse_form(request)
        event = fields["event"]
        given = request.headers.get("signature", "")
        if not account.secret:
            raise Refused(403, "the secret is not entered")
        if not given:
            raise Refused(403, "no signature")
        secrets_ = (account.secret, account.former_secret)
        proven = signature.proven_fields(event, fields, secrets_, given)
        if not proven:
            raise Refused(403, "wrong signature")
        if "result" not in proven and len(fields.get("result", "")) > events.MAX_FIELD:
            raise Refused(400, "a field is too long")
        ref = fields.get("pbx_call_id", "").strip()
        signed, part = self._signed(proven, ref, fields)
        step = events.read_step(fields) if event == events.STEP else None
        return Delivery(
            event_type=event,
            ref=ref,
            payload=fields,
            # Who goes round in our menus may press the same key again.
            repeatable=event not in _WITHOUT_ID
            and not (step and routing.is_step(step.name)),
            asks_routing=event in _ROUTED,
            step=step,
            signed=signed,
            signed_part=part,
            by_former_secret=bool(account.former_secret)
            and not signature.check_event(event, fields, account.secret, given),
        )

    def read(self, delivery, received_at, account):
        return events.read(delivery.payload, received_at, account.zone, account.country)

    def signed_of(self, delivery):
        names = signature.SIGNED_FIELDS.get(delivery.event_type, ())
        return self._signed(names, delivery.ref, delivery.payload)

    @staticmethod
    def _signed(names, ref, fields):
        # The fields are signed as one text: that of a message about no call would do
        # for a call as well.
        text = signature.signed_text(names, fields)
        part = _LEGS.get(fields.get("calltype", "").strip().lower(), "")
        return (text if ref or "result" in names else ""), part

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
                "content-type": forms.URLENCODED,
                "signature": signature.sign_event(CHECK_EVENT, fields, account.secret),
            },
            query={},
            body=urlencode(fields).encode(),
        )

    # The API. Each method asks once, except where it says so.

    def connect(self, account):
        # The PBX fetches the address at once, and refuses one that does not answer.
        Client(account).set_webhook_url(account.webhook_url)
        return Remembered()

    def verify_access(self, account):
        Client(account).balance()

    def switch_notifications(self, account, flags):
        Client(account).set_notifications(
            {_NOTIFY + name: on for name, on in flags.items()}
        )

    def fetch_setup(self, account):
        setup = Client(account).setup()
        flags = {
            name.removeprefix(_NOTIFY): on
            for name, on in setup.notifications.items()
            if name.removeprefix(_NOTIFY) in self.notifications
        }
        return Setup(setup.url, flags)

    def disconnect(self, account):
        Client(account).delete_webhook_url()

    def fetch_balance(self, account):
        return Client(account).balance()

    def fetch_offset(self, account):
        return Client(account).utc_offset()

    def fetch_extensions(self, account):
        listed = Client(account).extension_numbers()
        return [Extension(number=number) for number in listed]

    def fetch_extension(self, account, number):
        """Two questions: the description, and whether a phone is registered."""
        return Client(account).extension(number)

    def fetch_online(self, account, number):
        return Client(account).is_online(number)

    def fetch_lines(self, account):
        return Client(account).lines()

    def dial(self, account, extension, number, line="", ref="", shown=""):
        # The PBX tells no id: the events that follow are recognised by their parties.
        Client(account).callback(extension, number, line)
        return ""

    def fetch_history(self, account, start, stop, page=None):
        return statistics.fetch(Client(account), start, stop, page)

    def fetch_recording(self, account, ref, recording):
        return RecordingFile(Client(account).recording_link(recording, ref))


dialect.register(Zadarma())
