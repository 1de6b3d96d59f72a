"""Snapshots of legs, as Beeline tells them, to neutral events.

Each notification says of one leg, that of one user in one call, all that is known of it
by then. So each gives all that the leg did so far, with the times of the body: which
one came last, or how often, does not matter.
"""

import re
from datetime import UTC, datetime, timedelta

from .. import event as neutral
from ..event import CallEvent, is_possible
from ..failure import Failure
from . import notification, party

# ``remoteParty/callType`` of a colleague, in lower case.
_INSIDE = ("group", "enterprise")
# Personalities, in lower case and without dashes.
ORIGINATOR, TERMINATOR, CLICK = "originator", "terminator", "clicktodial"
# What a type says where the body does not.
_PERSONALITIES = {
    notification.RECEIVED: TERMINATOR,
    notification.ORIGINATING: ORIGINATOR,
    notification.ORIGINATED: ORIGINATOR,
}
LOCAL, REMOTE = "localrelease", "remoterelease"
_BUSY, _UNAVAILABLE, _TIMEOUT = "busy", "temporarily unavailable", "request timeout"
# What the words for a call that failed mean; others are shown as they are. All but the
# first are of BroadWorks' documents.
FAILURES = {
    "forbidden": Failure.NOT_ALLOWED,
    "user not found": Failure.WRONG_NUMBER,
    "translation failure": Failure.WRONG_NUMBER,
    "request failure": Failure.NOT_CONNECTED,
    "server failure": Failure.NOT_CONNECTED,
    "global failure": Failure.NOT_CONNECTED,
}
_EPOCH = datetime(1970, 1, 1)
_NUMBER = re.compile(r"([0-9]{1,15})(?:\.[0-9]{0,15})?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:")
# Milliseconds before this are seconds: it is the year 1973.
_LEAST_MILLISECONDS = 10**11


def read(payload, received_at, account):
    """Return the list of :class:`CallEvent` in a notification.

    :param dict payload: as ``notification.read`` gives it, with the calls of one call.
    :param datetime received_at: naive UTC.
    """
    events = []
    for call in payload.get("calls", ()):
        if notification.is_about_a_leg(call):
            events += _Leg(payload, call, account).events(received_at)
    return events


def read_time(text):
    """Return epoch milliseconds, or ISO 8601, as naive UTC; ``None`` for what is no
    time of a call.

    A number that is far too small for milliseconds is read as seconds. A fraction of
    them is passed over.
    """
    text = str(text or "").strip()
    if number := _NUMBER.fullmatch(text):
        value = int(number[1])
        if value < _LEAST_MILLISECONDS:
            value *= 1000
        since = timedelta(milliseconds=value)
    elif _ISO.match(text):
        since = _since_epoch(text)
    else:
        return None
    try:
        moment = _EPOCH + since
    except OverflowError:
        return None
    return moment if is_possible(moment) else None


def _since_epoch(text):
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return timedelta.max
    return moment - _EPOCH


def recording_name(ref, user_id, extension, account):
    """Return the id under which a leg's recording is kept in the log.

    By the user ID that Beeline lists for an extension: events may name its owner with
    another domain, and rows not at all.

    :return: ``""``: nothing says whose it is.
    """
    if extension in account.extensions.values():
        user_id = party.user_id_of(extension, account)
    return f"{ref}/{user_id}" if ref and user_id else ""


class _Leg:
    """One leg, as one notification tells it.

    :var str target: the name of whose leg it is.
    :var bool is_click: our own phone, rung first by a click.
    """

    def __init__(self, payload, call, account):
        self.call, self.account = call, account
        self.ref = notification.ref_of(call)
        self.target = payload.get("targetId") or call.get("addressOfRecord") or ""
        self.extension = party.extension_named(self.target, account)
        said = re.sub(r"[^a-z]", "", call.get("personality", "").lower())
        self.personality = said or _PERSONALITIES.get(payload.get("type"), "")
        self.is_click = self.personality == CLICK
        self.remote = call.get("remoteParty", {})
        self.start, self.answer, self.release = (
            read_time(call.get(name))
            for name in ("startTime", "answerTime", "releaseTime")
        )
        state = call.get("state", "").lower()
        if not state and payload.get("type") == notification.RELEASED:
            state = "released"
        self.is_released = state == "released" or bool(self.release)
        self.direction = self._direction()

    def events(self, received_at):
        """Return what the leg did so far, as a list of :class:`CallEvent`."""
        common = {
            "ref": self.ref,
            "received_at": received_at,
            "direction": self.direction,
            "extension": self.extension,
            "leg": f"{self.target}/{self.call.get('callId', '')}",
            "own_leg": self.is_click,
        }
        values, found = {**common, **self._parties()}, []
        begins = self._beginning()
        if begins and (self.start or not (self.answer or self.is_released)):
            found.append(CallEvent(kind=begins, at=self.start, **values))
        if self.answer:
            found.append(CallEvent(kind=neutral.ANSWERED, at=self.answer, **values))
        if self.is_released:
            how = {"disposition": self._disposition(), "said": self._word()}
            found.append(
                CallEvent(kind=neutral.RELEASED, at=self.release, **how, **values)
            )
        if name := self._recording():
            found.append(CallEvent(kind=neutral.RECORDED, recording=name, **common))
        return found

    def _beginning(self):
        if self.personality in (ORIGINATOR, CLICK):
            return neutral.DIALLED
        return neutral.RINGING if self.personality == TERMINATOR else ""

    # --- which way, and who

    @property
    def _is_inside(self):
        """Whether a colleague is at the other end; ``None``: nothing says so."""
        call_type = self.remote.get("callType", "").lower()
        if call_type:
            return call_type in _INSIDE
        if "userId" in self.remote:
            return True
        number = party.read_number(self.remote.get("address"))
        if not number:
            return None
        return party.ten_digits(number) in self.account.extensions

    @property
    def _calling_party(self):
        """The caller of a call that the call centre hands out, as it is written."""
        return self.call.get("acdCallInfo", {}).get("callingPartyInfo", {})

    def _direction(self):
        if self.is_click:
            return neutral.OUTBOUND
        inside = self._is_inside
        if self.personality == TERMINATOR:
            handed_out = party.read_number(self._calling_party.get("address"))
            if inside is False or handed_out.startswith("+"):
                return neutral.INBOUND
        elif self.personality == ORIGINATOR and inside is False:
            return neutral.OUTBOUND
        return neutral.INTERNAL if inside else ""

    def _parties(self):
        """Return the fields of an event that name who is called by whom."""
        if self.is_click:
            return {}  # the number there is the own one
        if self.direction == neutral.INTERNAL:
            other = self._colleague()
            if self.personality == TERMINATOR:
                return {"caller": other, "called": self.extension}
            return {"caller": self.extension, "called": other}
        written = self._written_number()
        number = party.read_number(written)
        reported = party.reported(number, written)
        if self.personality == ORIGINATOR:
            return {"called": number, "called_reported": reported}
        return {
            "caller": number,
            "caller_reported": reported,
            "called": self._line(),
        }

    def _written_number(self):
        """Return the number of the other party outside, as it is written."""
        if not self._is_inside and (address := self.remote.get("address")):
            return address
        return self._calling_party.get("address", "")

    def _colleague(self):
        """Return the number of the extension at the other end, or what names it."""
        remote = self.remote
        address = party.read_number(remote.get("address"))
        names = (
            party.read_extension(remote.get("userDN")),
            address if not address.startswith("+") else "",
            remote.get("userId"),
            party.ten_digits(address),
            party.ten_digits(party.read_number(remote.get("userDN"))),
        )
        name = next(filter(None, names), "")
        return party.extension_named(name, self.account)

    def _line(self):
        """Return the number of ours that was called."""
        redirections = self.call.get("redirections", ())
        found = [party.read_number(one.get("address")) for one in redirections]
        whole = [number for number in found if number.startswith("+")]
        acd = party.read_number(self.call.get("acdCallInfo", {}).get("acdNumber"))
        return next(iter((*whole[-1:], acd, *found[-1:])), "")

    # --- how it went

    @property
    def _cause(self):
        return self.call.get("internalReleaseCause", "")

    def _word(self):
        """Return Beeline's own word for how the leg ended."""
        return self._cause or self.call.get("releasingParty", "")

    def _disposition(self):
        if self.answer and not self.is_click:
            return neutral.SPOKEN
        cause = self._cause.lower()
        if self.is_click and cause in (_TIMEOUT, _BUSY):
            return neutral.CANCELLED  # our own phone was not lifted
        if cause == _BUSY:
            return neutral.BUSY
        if self.personality == TERMINATOR:
            inside = self.direction == neutral.INTERNAL
            return neutral.NO_ANSWER if inside else neutral.MISSED
        releasing = self.call.get("releasingParty", "").lower()
        if releasing == LOCAL:
            return neutral.CANCELLED
        if cause == _UNAVAILABLE or (releasing == REMOTE and not cause):
            return neutral.NO_ANSWER
        return neutral.FAILED

    def _recording(self):
        """Return the id of the leg's recording, ``""`` if there is none.

        Whether anybody spoke another notification of the leg may have said.
        """
        if not self.call.get("recorded") or self.is_click:
            return ""
        ref = self.call.get("extTrackingId")
        return recording_name(ref, self.target, self.extension, self.account)
