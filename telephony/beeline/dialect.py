"""Beeline's cloud PBX as one of the dialects."""
# There is no env here: ``_`` marks a text, and models translate what they show.
# pylint: disable=prefer-env-translation

import ipaddress
import re
from dataclasses import replace
from datetime import UTC, datetime

from .. import dialect, errors
from ..dialect import GENERAL, STATISTICS, Delivery, FormField, Proof, Refused, _
from . import events, history, notification, party, subscription, xml
from .client import Client

# Names of the provider's fields that only Beeline has.
SUBSCRIPTION_TYPE = "beeline_subscription_type"
EXPIRES = "beeline_expires"
STATISTICS_UNIT = "beeline_statistics_unit"
SOURCES = "beeline_sources"
# Not of Beeline alone: whether what it posts is kept as it came.
KEEP_LOG = "keep_log"
BASIC = "BASIC_CALL"
_LONGEST_TYPE = 64


class Beeline(dialect.Dialect):
    """The cloud PBX of Beeline, Russia."""

    code = "beeline"
    label = "Beeline"
    sequence = 30
    default_server = "https://cloudpbx.beeline.ru/apis/portal"
    form = {
        "api_key": FormField(
            label=_("API token"),
            help=_(
                "In Beeline's cabinet of the cloud PBX: Settings ‣ Integration by API "
                "(“Интеграция по API”). Whoever has it can make calls and hear the "
                "recordings."
            ),
            placeholder=_("e.g. 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
        ),
        "account": FormField(
            label=_("Subscribed to"),
            help=_(
                "Whose calls are sent: abonents (user IDs, 10-digit phones or internal "
                "numbers), separated by commas, with a subscription each. Empty: the "
                "whole PBX."
            ),
            placeholder=_("Empty: the whole PBX"),
        ),
        "line_ids": FormField(),
        "history_ids": FormField(),
    }
    needs = ("api_key",)
    options = (SUBSCRIPTION_TYPE, EXPIRES, STATISTICS_UNIT, SOURCES, KEEP_LOG)
    # Nothing is signed.
    proof = Proof.ADDRESS
    # An abonent has a user ID, a phone and a number: events say the first, and the
    # number is what stays.
    extension_identity = "number"
    names_extensions = True
    click_legs_share_id = True
    reopens = True
    connect_steps = ("keys", "extensions", "lines", "address")
    subscribes = True
    # The times of events are exact; rows of the statistics have no ids.
    history_outranks_events = False
    history_has_ids = False
    # Beeline names no limit: these are ours.
    limits = {GENERAL: 120, STATISTICS: 120}
    burst = (3, 1.0)
    recording_ready_seconds = 30
    # That a leg is recorded is told while it lasts.
    recording_grows = True
    failures = events.FAILURES
    advice = {
        errors.WrongKey.code: _(
            "Beeline does not accept the API token (%(detail)s). Copy it again from "
            "Settings ‣ Integration by API; a new token there ends the old one."
        ),
        errors.BadAnswer.code: _(
            "What answered at the server address is not Beeline's API (%(detail)s). "
            "The usual address is https://cloudpbx.beeline.ru/apis/portal."
        ),
    }

    def extension_names(self, number, login, caller_id):
        return party.names_of(number, login, caller_id)

    def doubt_settings(self, account):
        if not re.fullmatch(r"[!-~]*", account.key):
            return _("The API token has only Latin letters, digits and “-”.")
        return ""

    # --- events

    def check(self, request, account):
        xml.check_envelope(request)
        if not is_allowed(request.remote_address, _option(account, SOURCES)):
            raise Refused(403, "from an address that may not post")
        text = xml.read_text(request)
        document = xml.parse(text, notification.ROOT, notification.NAMESPACE)
        # Nothing else is read before it is known whose document it is.
        given = notification.read_head(document).get("subscriptionId", "")
        now = _utc_now()
        if not given:
            raise Refused(403, "no subscription is named")
        if not subscription.is_known(given, account, now):
            raise Refused(403, "an unknown subscription")
        secrets = _secrets(account)
        found = xml.masked(notification.read(document), secrets)
        if _option(account, KEEP_LOG):
            found["document"] = xml.without_addresses(text, secrets)
        first, *further = _deliveries(found)
        if found.get("type") == notification.TERMINATED:
            ended = subscription.is_current(given, account)
            return replace(first, further=tuple(further), needs_renewal=ended)
        return replace(first, further=tuple(further))

    def read(self, delivery, received_at, account):
        return events.read(delivery.payload, received_at, account)

    # --- subscriptions

    def connect(self, account):
        expires = int(_option(account, EXPIRES) or subscription.DEFAULT_SECONDS)
        kind = _option(account, SUBSCRIPTION_TYPE) or BASIC
        return subscription.step(Client(account), expires, kind)

    def keep_alive(self, account):
        return self.connect(account)

    def release(self, account, former):
        subscription.release(Client(account), former)

    def has_subscription(self, account):
        return subscription.stand(Client(account))

    def disconnect(self, account):
        subscription.end_all(Client(account))

    # --- questions

    def fetch_extensions(self, account):
        return Client(account).abonents()

    def fetch_lines(self, account):
        return Client(account).lines()

    def dial(self, account, extension, number, line="", ref="", shown=""):
        return Client(account).call(party.user_id_of(extension, account), number)

    def fetch_history(self, account, start, stop, page=None):
        unit = _option(account, STATISTICS_UNIT) or history.MILLISECONDS
        return history.fetch(Client(account), start, stop, page, unit)

    def fetch_recording(self, account, ref, recording):
        return Client(account).recording(recording)


def _option(account, name):
    return account.options.get(name) or ""


def _utc_now():
    return datetime.now(UTC).replace(tzinfo=None)


def _secrets(account):
    """Return what must not be in anything that is kept."""
    url = account.webhook_url
    texts = (url, url.rstrip("/").rpartition("/")[2], account.key)
    return [text for text in texts if text]


def _deliveries(found):
    """Return a list of :class:`Delivery`, one for each call of a notification."""
    calls = found.pop("calls", [])
    by_ref = {}
    for call in calls:
        if notification.is_about_a_leg(call):
            by_ref.setdefault(notification.ref_of(call), []).append(call)
    event_type = found.get("type", "")[:_LONGEST_TYPE] or "?"
    if not by_ref:
        payload = {**found, "calls": calls} if calls else found
        return [Delivery(event_type=event_type, ref="", payload=payload)]
    deliveries = []
    for ref, legs in by_ref.items():
        payload = {**found, "calls": legs}
        deliveries.append(Delivery(event_type=event_type, ref=ref, payload=payload))
        # One of them has the whole document.
        found.pop("document", None)
    return deliveries


# -------------------------------------------------------------- who may post at all


def read_sources(text):
    """Return ``(networks, unread)``: who may post, and what of ``text`` is no address.

    :param str text: addresses and networks, with commas or blanks between them.
    """
    networks, unread = [], []
    for part in re.split(r"[\s,;]+", text or ""):
        if not part:
            continue
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            unread.append(part)
    return networks, unread


def is_allowed(address, sources):
    """Tell whether an address may post, by what ``beeline_sources`` holds.

    Where it is not known from where a request came, nobody may who is not named.
    """
    networks, unread = read_sources(sources)
    if not networks and not unread:
        return True
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return False
    given = getattr(given, "ipv4_mapped", None) or given
    return any(given in network for network in networks)


dialect.register(Beeline())
