"""Asterisk as one of the dialects."""
# There is no env here: ``_`` marks a text, and models translate what they show.
# pylint: disable=prefer-env-translation

import re
import secrets
import time
from urllib.parse import unquote_to_bytes

from .. import dialect, errors
from ..dialect import (
    GENERAL,
    STATISTICS,
    Delivery,
    FormField,
    Proof,
    Refused,
    Request,
    _,
)
from ..http.forms import URLENCODED
from . import ari, events, files, replies, signature
from .ari import Ari

MAX_BODY_BYTES = 64 * 1024
CHECK_EVENT = "ODOO_CHECK"
START, REPLAYED = "start", "replayed"
# Told by the dialplan, at the moment at which they happen.
_FROM_DIALPLAN = (START, REPLAYED)
# A record that is younger was hardly kept for a replay.
LIVE_SECONDS = 10
_LONGEST_EVENT = 64
_MAX_FIELDS = 100


class Asterisk(dialect.Dialect):
    """Asterisk, https://www.asterisk.org, on a server of the company's own."""

    code = "asterisk"
    label = "Asterisk"
    sequence = 20
    default_server = "http://127.0.0.1:8088/ari"
    form = {
        "login": FormField(
            label=_("ARI user"),
            help=_(
                "Choose a name: cloud_pbx_ari.conf, on the page “Asterisk”, makes this "
                "user. Letters, digits, “_” and “-”."
            ),
            placeholder=_("e.g. odoo"),
        ),
        "api_key": FormField(
            label=_("ARI password"),
            help=_(
                "Choose a long one, of letters, digits, “_” and “-”. Whoever has it "
                "can make calls and read the configuration."
            ),
            placeholder=_("A long one, that you choose"),
        ),
        "api_secret": FormField(
            label=_("Secret"),
            help=_(
                "Asterisk signs with it what it posts. Leave it empty: Odoo then makes "
                "one when you save. After a change, copy the files again."
            ),
            placeholder=_("Made when you save"),
        ),
        "history_ids": FormField(),
    }
    needs = ("login", "api_key")
    options = files.OPTIONS
    makes_secret = True
    proof = Proof.SIGNATURE
    reports_legs = True
    has_sample = True
    sample_event = CHECK_EVENT
    decisions = frozenset((dialect.REDIRECT,))
    target_example = "*98"
    extension_identity = "login"
    lists_online = True
    connect_steps = ("keys", "extensions", "events")
    # The whole post is signed.
    history_outranks_events = False
    can_replay = True
    failures = events.FAILURES
    can_hang_up = True
    dials_short_numbers = True
    limits = {GENERAL: 300, STATISTICS: 300}
    # The file is closed when the call is over.
    recording_grows = True
    recording_ready_seconds = 2
    advice = {
        errors.WrongKey.code: _(
            "Asterisk does not accept the ARI user or its password (%(detail)s). Both "
            "stand in cloud_pbx_ari.conf, which ari.conf has to include: copy the file "
            "anew from the page “Asterisk”, then run “core reload”."
        ),
        errors.NoPhone.code: _(
            "Asterisk cannot ring this phone (%(detail)s). It is not registered there, "
            "or the login of the internal number is not the name of its endpoint, or "
            "“Channel technology” on the page “Asterisk” is not that of your phones."
        ),
        errors.Unreachable.code: _(
            "Asterisk cannot be reached (%(detail)s). Is it running, is its HTTP "
            "server enabled, and does it listen at the server address on the page "
            "“Address”?"
        ),
        errors.BadAnswer.code: _(
            "What answered at the server address is not Asterisk's ARI (%(detail)s). "
            "The address ends in /ari, and ari.conf has “enabled = yes”."
        ),
    }
    events_advice = _(
        "Asterisk took the request, but its answer did not reach Odoo within %s "
        "seconds. Either the files of the page “Asterisk” are missing or old there: "
        "copy them anew, include them, and reload. Or Asterisk cannot reach the "
        "webhook address: try it on its server with curl."
    )
    disconnect_advice = _(
        "Asterisk still has the files, and goes on posting until you remove the four "
        "#include lines and run “core reload”: see README on the page “Asterisk”."
    )

    def read_extension(self, text):
        text = (text or "").strip()
        return text if ari.is_extension(text) else ""

    def is_target(self, text):
        return replies.is_target(text or "")

    def doubt_settings(self, account):
        # What cannot be written into the files was refused when it was saved, but for
        # an address that changed since.
        if unfit := files.find_unfit(account):
            return _UNFIT.get(unfit[0], _UNFIT_OTHER)
        return ""

    # --- events

    def check(self, request, account):
        content, proving = _proven(request, account)
        fields = read_fields(content)
        event_type = fields.get("event", "")[:_LONGEST_EVENT]
        ref = fields.get("id", "")
        return Delivery(
            event_type=event_type or "?",
            # No real one is longer, and the database could not look longer ones up.
            ref=ref if len(ref) <= events.MAX_ID else "",
            payload=fields,
            asks_routing=event_type == START,
            by_former_secret=proving != account.secret,
            held_back=_held_back(fields),
            reports=_reports(event_type, fields),
        )

    def read(self, delivery, received_at, account):
        return events.read(delivery.payload, received_at, account)

    def reply(self, delivery, decision):
        if delivery.asks_routing:
            return replies.routing(decision)
        return replies.accepted()

    def sample(self, account):
        moment = f"{time.time():.3f}"
        text = (
            f"event={CHECK_EVENT}&id=&leg=&time={moment}&nonce={secrets.token_hex(8)}"
        )
        return Request(
            method="POST",
            headers={"content-type": URLENCODED},
            query={},
            body=signature.signed(text.encode(), account.secret),
        )

    # --- questions; each method asks once

    def verify_access(self, account):
        Ari(account).version()

    def fetch_extensions(self, account):
        return Ari(account).endpoints()

    def fetch_extension(self, account, number):
        for extension in self.fetch_extensions(account):
            if extension.login == number:
                return extension
        raise errors.NotFound(f"no endpoint {number}")

    def fetch_online(self, account, number):
        online = self.fetch_extension(account, number).online
        if online is None:
            raise errors.BadAnswer("Asterisk does not know whether it is registered")
        return online

    def new_call_ref(self):
        return f"odoo-{secrets.token_urlsafe(16)}"

    def dial(self, account, extension, number, line="", ref="", shown=""):
        dialled = ari.dialled_as(
            number,
            account.country,
            files.option(account, files.DIAL_FORMAT),
            files.option(account, files.DIAL_PREFIX),
        )
        if not re.fullmatch(r"[0-9*#+]+", dialled):
            raise errors.BadParameter("no number that a dialplan could dial")
        channel = ref or self.new_call_ref()
        Ari(account).originate(extension, dialled, channel, shown or extension)
        return channel

    def has_call(self, account, ref):
        return Ari(account).has_channel(ref)

    def hang_up(self, account, ref):
        Ari(account).hang_up(ref)

    def request_replay(self, account):
        Ari(account).replay()

    def is_replaying(self, account):
        return Ari(account).has_channel(ari.REPLAY_CHANNEL)

    def doubt_events(self, account):
        if Ari(account).runs_module("cel_custom.so") is False:
            return _(
                "But Asterisk has not loaded cel_custom.so, so that calls are not "
                "reported: run “module load cel_custom.so”, and see that "
                "cel_custom.conf includes its file below [mappings]."
            )
        return ""

    def fetch_live_legs(self, account):
        return Ari(account).live_channels()

    def fetch_recording(self, account, ref, recording):
        return Ari(account).recording(recording)


_UNFIT = {
    "webhook_url": _(
        "The webhook address holds a character that Asterisk's files cannot have: "
        "enter an external address without quotes, commas, semicolons and blanks."
    ),
}
_UNFIT_OTHER = _(
    "A setting holds a character that Asterisk's files cannot have: save it anew."
)


def _proven(request, account):
    """Return the signed bytes of a post, and which secret proves them.

    :raises Refused: 415, 413, 403.
    """
    if request.content_type != URLENCODED:
        raise Refused(415, "not a form")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "a compressed body")
    if len(request.body) > MAX_BODY_BYTES:
        raise Refused(413, "the body is larger than 64 KiB")
    if not account.secret:
        raise Refused(403, "the secret is not entered")
    content, given = signature.split(request.body)
    if not given:
        raise Refused(403, "no signature at the end")
    known = (account.secret, account.former_secret)
    proving = signature.proving_secret(content, given, known)
    if not proving:
        raise Refused(403, "wrong signature")
    return content, proving


def read_fields(content):
    """Return the fields of a proven post as texts; of repeated ones the first.

    What is no text is replaced: a record that cannot be read must not be refused, it
    would come again and keep the others from coming.
    """
    fields = {}
    for pair in content.split(b"&"):
        name, _equals, value = pair.partition(b"=")
        if name and len(fields) < _MAX_FIELDS:
            fields.setdefault(_text(name), _text(value))
    return fields


def _text(content):
    plain = unquote_to_bytes(content.replace(b"+", b" ")).decode("utf-8", "replace")
    return plain.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _held_back(fields):
    """Tell whether Asterisk held posts back when this was written."""
    return fields.get("down", "") not in ("", "0")


def _reports(event_type, fields):
    """Return what a post says of Asterisk itself; see :class:`~..dialect.Delivery`."""
    found, version = {}, fields.get("v", "")
    seconds_off = _seconds_off(fields.get("time", ""))
    if event_type in _FROM_DIALPLAN:
        found["dialplan_version"] = version
        if seconds_off is not None:
            found["clock"] = _coarse(seconds_off)
    elif (
        version
        and seconds_off is not None
        and abs(seconds_off) <= LIVE_SECONDS
        and not _held_back(fields)
    ):
        # What was kept for a replay tells of the files of then.
        found["log_version"] = version
    if event_type == REPLAYED:
        told = fields.get("told", "")
        found[dialect.REPLAY_REPORT] = (
            int(told) if re.fullmatch("[0-9]{1,9}", told) else 0
        )
    return found


def _seconds_off(text):
    """Return by how many seconds a time differs from ours; ``None``: it is none."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return None
    return float(text) - time.time()


def _coarse(seconds):
    """Return whole minutes, in seconds: a clock that is right is not written anew."""
    return int(seconds / 60) * 60


dialect.register(Asterisk())
