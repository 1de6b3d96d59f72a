"""From a step of a scenario to the XML document that is posted. Pure.

The names are those of BroadWorks' Xsi-Events, as Beeline sends them; the form
(prefixes, attributes) may be another one: see :class:`Form`.
"""

import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from .legs import CLICK, GROUP

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
XSI = "http://schema.broadsoft.com/xsi"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
CONTENT_TYPE = "application/xml; charset=UTF-8"
USER_ID = "MPBX_E_252000_12000000000_EventSubscription@ip.beeline.ru"
APPLICATION_ID = "12000000000_00112233445566778899aabbccddeeff"


@dataclass(frozen=True)
class Form:
    """How a document is written.

    :var str prefix: of BroadWorks' namespace; ``""``: it is the default one.
    :var str instance: prefix of the ``type`` attribute's namespace.
    :var bool typed: attributes are there at all.
    """

    prefix: str = "xsi"
    instance: str = "xsi1"
    typed: bool = True


FORMS = {
    # The prefix that everybody else gives to the other namespace: a trap.
    "usual": Form(),
    "default_namespace": Form(prefix="", instance="xsi"),
    "other_prefixes": Form(prefix="ns2", instance="ns3"),
    "no_attributes": Form(typed=False),
}


class Writer:
    """Writes elements in a form. An element is a text, built from the inside."""

    def __init__(self, form):
        self.form = form

    def name(self, local):
        return f"{self.form.prefix}:{local}" if self.form.prefix else local

    def element(self, local, *inside, kind="", **attributes):
        """Return an element; ``None`` among ``inside`` is left out.

        :param str kind: its ``type`` attribute.
        """
        shown = dict(attributes) if self.form.typed else {}
        if kind and self.form.typed:
            shown[f"{self.form.instance}:type"] = self.name(kind)
        words = "".join(f" {name}={quoteattr(text)}" for name, text in shown.items())
        content = "".join(part for part in inside if part is not None)
        return f"<{self.name(local)}{words}>{content}</{self.name(local)}>"

    def text(self, local, value, **attributes):
        return self.element(local, escape(str(value)), **attributes)

    def optional(self, local, value):
        return self.text(local, value) if value else None

    def root(self, *inside):
        form = self.form
        own = f"xmlns:{form.prefix}" if form.prefix else "xmlns"
        spaces = f" {own}={quoteattr(XSI)}"
        if form.typed:
            spaces += f" xmlns:{form.instance}={quoteattr(INSTANCE)}"
            kind = self.name("SubscriptionEvent")
            spaces += f" {form.instance}:type={quoteattr(kind)}"
        content = "".join(inside)
        name = self.name("Event")
        return f"{DECLARATION}<{name}{spaces}>{content}</{name}>"


def render(step, start, url, subscription_id, sequence, form=FORMS["usual"]):
    """Return the document of a step as bytes.

    :param float start: beginning of the call, seconds since the epoch.
    :param str subscription_id: ``""``: none is named.
    """
    write = Writer(form)
    target = step.abonent.user_id if step.abonent else USER_ID
    calls = [_call(write, snapshot, start) for snapshot in step.calls]
    inside = calls or [_without_call(write, step.event)]
    document = write.root(
        write.text("eventID", uuid.uuid4()),
        write.text("sequenceNumber", sequence),
        write.text("userId", USER_ID),
        write.text("externalApplicationId", APPLICATION_ID),
        write.optional("subscriptionId", subscription_id) or "",
        write.element("httpContact", write.text("uri", url)),
        write.text("targetId", target),
        write.element("eventData", *inside, kind=step.event),
    )
    return document.encode()


def _without_call(write, event):
    if event == "HookStatusEvent":
        return write.text("hookStatus", "Off-Hook")
    return None


def _milliseconds(start, offset):
    return str(round((start + offset) * 1000))


def _call(write, snapshot, start):
    leg = snapshot.leg
    released = leg.release is not None

    def moment(local, offset):
        if offset is None:
            return None
        return write.text(local, _milliseconds(start, offset))

    return write.element(
        "call",
        write.text("callId", leg.call_id),
        write.text("extTrackingId", leg.ref),
        write.text("personality", leg.personality),
        write.text("state", snapshot.state),
        _remote_party(write, snapshot),
        _redirections(write, leg),
        write.element(
            "endpoint",
            write.text("addressOfRecord", leg.abonent.user_id),
            kind="AccessEndpoint",
        ),
        _call_centre(write, leg),
        moment("startTime", leg.start),
        moment("answerTime", leg.answer),
        moment("releaseTime", leg.release),
        write.optional("releasingParty", leg.ended_by if released else ""),
        _release_cause(write, leg) if released else None,
        write.element("recorded") if leg.recorded and released else None,
    )


def _address(write, number):
    country = {"countryCode": "7"} if number.startswith("+7") else {}
    return write.text("address", f"tel:{number}", **country)


def _remote_party(write, snapshot):
    leg = snapshot.leg
    inside = [write.text("callType", leg.call_type)]
    if leg.other and leg.personality != CLICK:
        extension = leg.other.extension
        own = f"tel:{leg.other.number};ext={extension}"
        inside = [
            write.optional("name", leg.other.name),
            _address(write, extension),
            write.text("userId", leg.other.user_id),
            write.text("userDN", own, countryCode="7") if leg.other.number else None,
            *inside,
        ]
    elif leg.withheld:
        inside = [write.text("privacy", "true"), *inside]
    elif leg.number and snapshot.addressed and not leg.centre:
        inside = [_address(write, leg.number), *inside]
    return write.element("remoteParty", *inside)


def _redirections(write, leg):
    if not leg.redirect:
        return None
    is_line = leg.redirect_type == GROUP
    party = write.element(
        "party",
        write.text("name", "Main line") if is_line else None,
        _address(write, leg.line),
        write.text("callType", leg.redirect_type),
    )
    reason = write.text("reason", leg.redirect)
    return write.element("redirections", write.element("redirection", party, reason))


def _call_centre(write, leg):
    if not leg.centre:
        return None
    caller = write.element("callingPartyInfo", _address(write, leg.number))
    return write.element(
        "acdCallInfo",
        write.text("acdName", leg.centre),
        write.text("acdNumber", f"tel:{leg.line}"),
        write.text("waitTime", leg.waited),
        caller,
    )


def _release_cause(write, leg):
    if not (leg.cause or leg.cdr):
        return None
    return write.element(
        "releaseCause",
        write.optional("internalReleaseCause", leg.cause),
        write.optional("cdrTerminationCause", leg.cdr),
    )
