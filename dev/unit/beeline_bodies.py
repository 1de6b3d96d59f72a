"""Notifications as Beeline writes them, and an account that takes them."""

from dataclasses import replace
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from telephony import dialect
from telephony.call import derive
from telephony.dialect import Account, Request
from telephony.facts import CallFacts

BEELINE = dialect.get("beeline")
XSI = "http://schema.broadsoft.com/xsi"
XSI1 = "http://www.w3.org/2001/XMLSchema-instance"
URL = "https://odoo.example.com/pbx/beeline/TEST-TOKEN-7f3a"
KEY = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
CURRENT = "7c0d2e00-2222-4b00-9b00-000000000002"
PREVIOUS = "7c0d2e00-2222-4b00-9b00-000000000001"
A, LINE = "+79000000201", "+79000000100"
CALL = "5b1f0c2e-7a43-4d0e-9f10-3c2b1a000001"
ZERO = datetime(2026, 9, 21, 14, 13, 20)  # 1790000000
# Hours late: exact times do not depend on it.
LATE = ZERO + timedelta(hours=5)
DOMAIN = "ip.beeline.ru"
ANNA, BEN, CARL = (f"90000001{number}@{DOMAIN}" for number in ("01", "02", "03"))
SIP = f"SIP00ABCD0104@{DOMAIN}"
PHONES = {"101": ANNA, "102": BEN, "103": CARL, "104": SIP}


def names():
    found = {}
    for number, login in PHONES.items():
        phone = "" if login == SIP else f"+7{login.partition('@')[0]}"
        for name in BEELINE.extension_names(number, login, phone):
            found[name] = number
    return found


MEMORY = {
    "current": {"": {"id": CURRENT, "until": "2099-01-01T00:00:00", "address": "x"}},
    "previous": [{"id": PREVIOUS, "until": "2098-01-01T00:00:00"}],
}
ACCOUNT = Account(
    key=KEY,
    server_url="https://cloudpbx.beeline.ru/apis/portal",
    webhook_url=URL,
    country="GB",  # of the people; what Beeline writes is of Russia
    memory=MEMORY,
    extensions=names(),
)


def at(seconds):
    return ZERO + timedelta(seconds=seconds)


def ms(seconds):
    return str(1790000000000 + int(seconds * 1000))


class Leg:
    """One leg of one user, of which notifications can be made at any moment.

    Times are seconds from ``ZERO``; ``None``: not yet.
    """

    def __init__(
        self, target=ANNA, personality="Terminator", *, call_type="Network",
        address="tel:" + A, call=CALL, call_id="", line=LINE, start=0, **more
    ):  # fmt: skip
        self.target, self.personality, self.call = target, personality, call
        self.call_id = call_id or f"callhalf-9{abs(hash_of(target, personality))}:0"
        self.call_type, self.address, self.line = call_type, address, line
        self.start, self.more = start, more

    def begun(self, **how):
        kinds = {"Terminator": "CallReceivedEvent"}
        kind = kinds.get(self.personality, "CallOriginatedEvent")
        return self.told(kind, "Alerting", **how)

    def answered(self, answer, **how):
        return self.told("CallAnsweredEvent", "Active", answer=answer, **how)

    def released(self, release, cause="", by="", **how):
        return self.told(
            "CallReleasedEvent", "Released", release=release, cause=cause, by=by, **how
        )

    def told(self, kind, state, **how):
        return Notice(kind, [(self, state, how)], target=self.target)


def hash_of(*words):
    return sum(ord(letter) * (i + 7) for i, letter in enumerate("".join(words)))


class Notice:
    """One notification; ``text(…)`` writes it, in one of the ways it may come."""

    def __init__(self, kind, calls=(), target=ANNA, **head):
        self.kind, self.calls, self.target = kind, list(calls), target
        self.head = {
            "eventID": "0f6b1c00-1111-4a00-8a00-000000000001",
            "sequenceNumber": "41",
            "userId": f"MPBX_E_252000_12000000000_EventSubscription@{DOMAIN}",
            "externalApplicationId": "12000000000_00112233445566778899aabbccddeeff",
            "subscriptionId": CURRENT,
            **head,
        }

    def told_again(self, **head):
        other = Notice(self.kind, self.calls, self.target)
        other.head = {**self.head, **head}
        return other

    def text(self, prefix="xsi", type_prefix="xsi1", types=True, uri=URL):
        p = f"{prefix}:" if prefix else ""
        namespace = f"xmlns:{prefix}" if prefix else "xmlns"

        def tag(name, content, kind=""):
            typed = f' {type_prefix}:type="{p}{kind}"' if kind and types else ""
            return f"<{p}{name}{typed}>{content}</{p}{name}>"

        head = "".join(tag(n, escape(t)) for n, t in self.head.items() if t)
        head += tag("httpContact", tag("uri", escape(uri)))
        head += tag("targetId", self.target)
        calls = "".join(self._call(tag, *call) for call in self.calls)
        data = tag("eventData", calls, self.kind)
        declared = f'xmlns:{type_prefix}="{XSI1}"'
        typed = f' {type_prefix}:type="{p}SubscriptionEvent"' if types else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<{p}Event {namespace}="{XSI}" {declared}{typed}>{head}{data}</{p}Event>'
        )

    @staticmethod
    def _call(tag, leg, state, how):
        how = {**leg.more, **how}
        address = how.get("address", leg.address)
        remote = tag("address", address) if address else ""
        remote += "".join(tag(n, how[n]) for n in ("privacy", "userId", "userDN")
                          if n in how)  # fmt: skip
        remote += tag("callType", leg.call_type) if leg.call_type else ""
        content = tag("callId", leg.call_id)
        content += tag("extTrackingId", leg.call) if leg.call else ""
        content += tag("personality", leg.personality) + tag("state", state)
        content += tag("remoteParty", remote)
        if leg.personality == "Terminator" and leg.line:
            party = tag("name", "Main line") + tag("address", f"tel:{leg.line}")
            party = tag("party", party + tag("callType", "Group"))
            moved = tag("redirection", party + tag("reason", "hunt-group"))
            content += tag("redirections", moved)
        content += how.get("acd", "")
        aor = tag("addressOfRecord", leg.target)
        content += tag("endpoint", aor, "AccessEndpoint")
        content += tag("startTime", ms(leg.start)) if leg.start is not None else ""
        for name in ("answer", "release"):
            if how.get(name) is not None:
                content += tag(f"{name}Time", ms(how[name]))
        if how.get("by"):
            content += tag("releasingParty", how["by"])
        if how.get("cause"):
            cause = tag("internalReleaseCause", how["cause"])
            content += tag("releaseCause", cause)
        if how.get("recorded"):
            content += tag("recorded", "")
        return tag("call", content)

    def post(self, **how):
        return post(self.text(**how))


def post(text, kind="application/xml; charset=UTF-8", **more):
    body = text if isinstance(text, bytes) else text.encode()
    return Request("POST", {"content-type": kind}, {}, body, **more)


def events_in(request, account=ACCOUNT, received_at=LATE):
    delivery = BEELINE.check(request, account)
    found = []
    for one in (delivery, *delivery.further):
        found += BEELINE.read(one, received_at, account)
    return found


def events_of(notices, account=ACCOUNT):
    """Return the events of notices, each received a second after the one before."""
    found = []
    for place, notice in enumerate(notices):
        moment = LATE + timedelta(seconds=place)
        found += events_in(notice.post(), account, moment)
    return found


def call_of(*notices, account=ACCOUNT, country="GB"):
    facts = CallFacts(events_of(notices, account))
    assert CallFacts.from_json(facts.to_json()) == facts
    return derive(facts, BEELINE.history_outranks_events, country)


def without_receipts(call):
    return replace(call, last_event_at=None)


def legs_of(call):
    return {
        leg.extension: (leg.start, leg.answer, leg.stop, leg.outcome)
        for leg in call.legs
    }
