"""What a notification holds, as a plain dict: that is what is kept of it.

Source: captured bodies, and BroadWorks' documents of Xsi-Events for names beyond them.
"""

from ..dialect import Refused

ROOT, NAMESPACE = "Event", "http://schema.broadsoft.com/xsi"
MAX_ID, MAX_TEXT = 200, 1000
TERMINATED = "SubscriptionTerminatedEvent"
# A leg that begins, whoever began it.
RECEIVED, ORIGINATING, ORIGINATED, ANSWERED, RELEASED = (
    *("CallReceivedEvent", "CallOriginatingEvent", "CallOriginatedEvent"),
    *("CallAnsweredEvent", "CallReleasedEvent"),
)
# The type of each event about a subscription, which says nothing.
_ENVELOPE = "SubscriptionEvent"
# Texts, a longer one of which is no real one: ids are looked up, the others are shown.
_IDS = frozenset(
    "eventID subscriptionId userId externalApplicationId targetId callId extTrackingId "
    "addressOfRecord".split()
)
_HEAD = (
    *("eventID", "sequenceNumber", "userId", "externalApplicationId"),
    *("subscriptionId", "targetId"),
)
_PARTY = ("name", "address", "callType", "privacy", "userId", "userDN")
_CALL = (
    *("callId", "extTrackingId", "personality", "state"),
    *("startTime", "answerTime", "releaseTime"),
    *("releasingParty", "cdrTerminationCause"),
)
# Of these it says enough that they are there.
_MARKS = ("recorded", "privacy")
_NO = ("false", "0", "no")
PRESENT = "true"


def read(document):
    """Return what a document holds, without our own address and what is empty.

    :param document: the root, as ``xml.parse`` returns it.
    :return: ``{"type", "eventID", "subscriptionId", "targetId", …, "calls": [dict]}``
        with the texts of the document under its own names.
    :raises Refused: 400, a text is too long.
    """
    data, found = document.first("eventData"), read_head(document)
    calls = [] if data is None else [one for one in data.below() if one.name == "call"]
    if calls:
        found["calls"] = [_call(one) for one in calls]
    return found


def read_head(document):
    """Return the same without the calls: what says whose document it is."""
    data = document.first("eventData")
    return {"type": _type(document, data), **_texts(document, _HEAD)}


def is_about_a_leg(call):
    """Tell whether a call of a notification says how a leg of it stands."""
    known = ("state", "startTime", "answerTime", "releaseTime")
    return bool(ref_of(call)) and any(call.get(name) for name in known)


def ref_of(call):
    """Return the id of a call, the same for all its users; ``""`` if it has none."""
    return call.get("extTrackingId") or call.get("callId") or ""


def _type(document, data):
    given = data.type if data is not None else ""
    if not given and document.type != _ENVELOPE:
        given = document.type
    return _fit("type", given)


def _call(element):
    found = _texts(element, _CALL)
    for name in ("remoteParty", "acdCallInfo"):
        if (one := element.first(name)) is not None:
            found[name] = _party(one) if name == "remoteParty" else _acd(one)
    if (redirections := element.first("redirections")) is not None:
        found["redirections"] = [_redirection(one) for one in redirections.children]
    if (endpoint := element.first("endpoint")) is not None:
        found.update(_texts(endpoint, ("addressOfRecord",)))
    if (cause := element.first("releaseCause")) is not None:
        found.update(_texts(cause, ("internalReleaseCause",)))
        found.update(_texts(cause, ("cdrTerminationCause",)))
    found.update(_texts(element, ("recorded",)))
    return {name: value for name, value in found.items() if value}


def _party(element):
    return _texts(element, _PARTY)


def _acd(element):
    found = _texts(element, ("acdName", "acdNumber", "waitTime"))
    if (calling := element.first("callingPartyInfo")) is not None:
        found["callingPartyInfo"] = _texts(calling, ("name", "address", "privacy"))
    return found


def _redirection(element):
    """Return the party that handed a call on, however deep it stands."""
    found = {}
    for one in element.below():
        if one.name in ("name", "address", "callType", "reason") and one.text:
            found[one.name] = _fit(one.name, one.text)
    return found


def _texts(element, names):
    """Return ``{name: text}`` of those children that say something."""
    found = {}
    for name in names:
        if (child := element.first(name)) is None:
            continue
        text = _fit(name, child.text)
        if name in _MARKS and text.lower() not in _NO:
            text = text or PRESENT
        elif name in _MARKS:
            text = ""
        if text:
            found[name] = text
    return found


def _fit(name, text):
    if len(text) > (MAX_ID if name in _IDS else MAX_TEXT):
        raise Refused(400, "a text is too long")
    return text
