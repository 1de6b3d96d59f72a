"""A SIP telephone whose every step a test decides, and which notes when it happened.

Also the carrier: a telephone with any number of calls, which calls itself as it likes.
No registration, no password, UDP on this machine alone.
"""

import math
import secrets
import socket
import struct
import threading
import time
import urllib.parse

from . import sip
from .sip import HOST, Message

ANSWER_SECONDS = 20  # how long a step waits for the other side
RESEND_SECONDS = 0.5
FRAME_SECONDS, FRAME_BYTES = 0.02, 160
REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
    503: "Service Unavailable",
    603: "Decline",
}


class PhoneError(AssertionError):
    """The other side did not do what the step waits for."""


class Call:
    """One call of a telephone.

    `times` holds, in seconds since the epoch, when it was "called" (INVITE sent or
    received), "rang" (180), "lifted" (200) and "over"; `code` is the final answer.
    """

    def __init__(self, phone: "Phone", call_id: str, outgoing: bool):
        self.phone, self.call_id, self.outgoing = phone, call_id, outgoing
        self.local_tag, self.remote_tag = sip.tag(), ""
        self.local, self.remote = "", ""  # addresses of both parties, without tags
        self.target = ""  # where requests of this call are sent
        self.number, self.name = "", ""  # of the other party, as this phone shows it
        self.dialled = ""  # the number at which this phone was called
        self.times: dict[str, float] = {"called": time.time()}
        self.code = 0
        self.reason = ""  # of a CANCEL or BYE, such as "Call completed elsewhere"
        self.taken = outgoing
        self.transferred = False  # the PBX says that a REFER has succeeded
        self.speaking = False
        self.sequence = secrets.randbelow(1000) + 1
        self.invite: Message | None = None
        self.sound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sound.bind((HOST, 0))
        self.sound_to: int | None = None

    def __repr__(self) -> str:
        return f"<Call of {self.phone.name} with {self.number}: {self.times}>"

    # What a person does

    def answer(self) -> "Call":
        """Lift."""
        with self.phone.changed:
            if "over" in self.times:
                raise PhoneError(f"{self} is over: nothing to lift")
            self._note("lifted")
            self.code = 200
            self._respond(200, sip.sound(self.sound.getsockname()[1]))
        return self

    def refuse(self, code: int = 486) -> "Call":
        """Refuse the ringing call: busy, unless told otherwise."""
        with self.phone.changed:
            self._respond(code)
            self._end(code)
        return self

    def hang_up(self) -> "Call":
        """End a call: give up, refuse or hang up, whatever its state asks for."""
        with self.phone.changed:
            if "over" in self.times:
                return self
            lifted = "lifted" in self.times
            if not lifted and not self.outgoing:
                return self.refuse(603)
            if lifted:
                self._end(self.code)
        if lifted:
            self._ask("BYE")
        else:
            self._cancel()
        return self

    def transfer(self, number: str) -> "Call":
        """Give the other party to `number`, without asking."""
        target = f"sip:{number}@{HOST}:{self.phone.server}"
        return self._refer(f"<{target}>")

    def transfer_to(self, other: "Call") -> "Call":
        """Connect the other party with that of the call `other`, ringing or lifted."""
        _name, _user, uri = sip.party(other.remote)
        number = sip.user(uri)
        tags = f";to-tag={other.remote_tag};from-tag={other.local_tag}"
        replaces = urllib.parse.quote(other.call_id + tags, safe="")
        target = f"sip:{number}@{HOST}:{self.phone.server}?Replaces={replaces}"
        return self._refer(f"<{target}>")

    def press(self, digits: str) -> "Call":
        """Press keys."""
        for digit in digits:
            body = f"Signal={digit}\r\nDuration=100\r\n"
            self._ask("INFO", [("Content-Type", "application/dtmf-relay")], body)
        return self

    def speak(self) -> "Call":
        """Send sound until the call is over: the phone's voice, or a tone."""
        with self.phone.changed:
            begins, self.speaking = not self.speaking, True
        if begins:
            threading.Thread(target=self._send_sound, daemon=True).start()
        return self

    def drop(self) -> "Call":
        """Forget the call: the other side is no longer there."""
        with self.phone.changed:
            if not self.over:
                self._end(self.code)
        return self

    def leave(self, seconds: float = ANSWER_SECONDS) -> "Call":
        """Hang up as a telephone does that has given its party away."""
        with self.phone.changed:
            self.phone.changed.wait_for(lambda: self.transferred or self.over, seconds)
        return self.hang_up()

    def wait(self, state: str, seconds: float = ANSWER_SECONDS) -> "Call":
        """Wait until it "rang", is "lifted" or "over"."""
        with self.phone.changed:
            if not self.phone.changed.wait_for(lambda: state in self.times, seconds):
                raise PhoneError(f"{self} is not {state} within {seconds} s")
        return self

    @property
    def over(self) -> bool:
        return "over" in self.times

    # How it is said

    def _note(self, state: str) -> None:
        self.times.setdefault(state, time.time())
        self.phone.changed.notify_all()
        if state == "lifted" and self.phone.speaks:
            self.speak()

    def _end(self, code: int) -> None:
        self.code = code
        self._note("over")
        self.sound.close()

    def _respond(self, code: int, body: str = "") -> None:
        self.phone.respond(self.invite, code, self.local_tag, body)

    def _refer(self, target: str) -> "Call":
        who = [("Refer-To", target), ("Referred-By", f"<{self.phone.uri()}>")]
        answer = self._ask("REFER", who)
        if answer.code != 202:
            raise PhoneError(f"the transfer is refused: {answer.first}")
        return self

    def _cancel(self) -> None:
        # Of the INVITE itself, thus with its branch and number.
        invite = self.invite
        names = ("Via", "From", "To", "Call-ID", "Max-Forwards")
        headers = [(name, invite.get(name)) for name in names]
        number = invite.get("CSeq").split()[0]
        uri = invite.first.split()[1]
        headers.append(("CSeq", f"{number} CANCEL"))
        request = Message(f"CANCEL {uri} SIP/2.0", headers)
        self.phone.ask(request)
        self.wait("over")

    def _ask(self, method: str, more: list = (), body: str = "") -> Message:
        """Send a request within the call; its final answer."""
        return self.phone.ask(self._request(method, more, body))

    def _request(self, method: str, more: list = (), body: str = "") -> Message:
        if method != "ACK":
            self.sequence += 1
        to = f"{self.remote};tag={self.remote_tag}" if self.remote_tag else self.remote
        headers = [
            ("Via", f"SIP/2.0/UDP {HOST}:{self.phone.port};branch={sip.branch()}"),
            ("Max-Forwards", "70"),
            ("From", f"{self.local};tag={self.local_tag}"),
            ("To", to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.sequence} {method}"),
            ("Contact", f"<{self.phone.uri()}>"),
            *more,
        ]
        return Message(f"{method} {self.target} SIP/2.0", headers, body)

    def _send_sound(self) -> None:
        """Send G.711 µ-law, a frame every 20 ms."""
        number = secrets.randbelow(60000)
        source = secrets.randbits(32)
        frames = self.phone.voice or [tone_frame(index) for index in range(50)]
        began, sent = time.monotonic(), 0
        while not self.over:
            if self.sound_to and "lifted" in self.times:
                stamp = (sent * 160) & 0xFFFFFFFF
                head = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, stamp, source)
                frame = head + frames[sent % len(frames)]
                try:
                    self.sound.sendto(frame, (HOST, self.sound_to))
                except OSError:
                    return  # closed by the end of the call, in the other thread
                number += 1
            sent += 1
            time.sleep(max(0, began + sent * FRAME_SECONDS - time.monotonic()))

    # What the PBX says

    def heard_response(self, message: Message) -> None:
        """An answer to our INVITE."""
        code = message.code
        if tag := sip.parameter(message.get("To"), "tag"):
            self.remote_tag = tag
        if contact := message.get("Contact"):
            self.target = sip.party(contact)[2]
        if port := message.sound_port:
            self.sound_to = port
        if code >= 200:
            self._acknowledge(message)
        if code in (180, 183):
            self._note("rang")
        elif 200 <= code < 300:
            self.code = code
            self._note("lifted")
        elif code >= 300 and not self.over:
            self._end(code)

    def _acknowledge(self, message: Message) -> None:
        request = self._request("ACK")
        number = message.get("CSeq").split()[0]
        via = self.invite.get("Via") if message.code >= 300 else request.get("Via")
        uri = self.invite.first.split()[1] if message.code >= 300 else self.target
        request.first = f"ACK {uri} SIP/2.0"
        changes = {"CSeq": f"{number} ACK", "Via": via, "To": message.get("To")}
        request.headers = [(k, changes.get(k, v)) for k, v in request.headers]
        self.phone.send(request)

    def heard_request(self, message: Message) -> None:
        """A request within this call."""
        method = message.method
        reason = message.get("Reason").partition('text="')[2].rstrip('"')
        if method == "CANCEL":
            self.phone.respond(message, 200, self.local_tag)
            if "lifted" not in self.times and not self.over:
                self.reason = reason
                self._respond(487)
                self._end(487)
        elif method == "BYE":
            self.phone.respond(message, 200, self.local_tag)
            if not self.over:
                self.reason = reason
                self._end(self.code)
        elif method == "NOTIFY":
            self.transferred |= message.body.startswith("SIP/2.0 2")
            self.phone.respond(message, 200, self.local_tag)
            self.phone.changed.notify_all()
        elif method != "ACK":
            if port := message.sound_port:
                self.sound_to = port
            body = ""
            if message.body.startswith("v=") and not self.over:
                body = sip.sound(self.sound.getsockname()[1])
            self.phone.respond(message, 200, self.local_tag, body)


class Phone:
    """A telephone with a port of its own; `server` is the port of the PBX."""

    def __init__(self, name: str):
        self.name, self.server = name, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.changed = threading.Condition(threading.RLock())
        self.calls: dict[str, Call] = {}
        self.answers: dict[tuple[str, str], Message] = {}  # by branch and method
        self.said: dict[tuple[str, str, str], Message] = {}  # for repeated requests
        self.speaks = False  # in each call, as soon as it is lifted
        self.voice: list[bytes] = []  # frames of 20 ms, G.711 µ-law; empty: a tone
        self.on_call = None  # function(call) for calls that no test waits for
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def uri(self, name: str | None = None) -> str:
        return f"sip:{name or self.name}@{HOST}:{self.port}"

    def close(self) -> None:
        """Unplug it: nothing is answered any more."""
        with self.changed:
            sock, self.socket = self.socket, None
        for call in self.calls.values():
            call.drop()
        if sock:
            # Wakes the thread that listens.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", (HOST, self.port))
            self.thread.join(2)
            sock.close()

    # What a person does

    def call(self, number: str, caller: str | None = None, name: str = "") -> Call:
        """Dial; returns when the PBX has taken note. `caller`: who we say we are."""
        call = Call(self, f"{secrets.token_hex(12)}@{HOST}", outgoing=True)
        uri = f"sip:{number}@{HOST}:{self.server}"
        call.local = sip.address(name, f"sip:{caller or self.name}@{HOST}")
        call.remote, call.target, call.number = f"<{uri}>", uri, number
        body = sip.sound(call.sound.getsockname()[1])
        kind = [("Content-Type", "application/sdp"), ("Allow", "INVITE,ACK,BYE,CANCEL")]
        call.invite = call._request("INVITE", kind, body)
        with self.changed:
            self.calls[call.call_id] = call
        call.times["called"] = time.time()
        self.ask(call.invite, final=False)
        return call

    def ring(self, party: str | None = None, seconds: float = ANSWER_SECONDS) -> Call:
        """Wait for an incoming call and take it.

        `party`: its number or name, or, at the carrier, the number that it calls.
        """

        wanted = party and plain(party)

        def found():
            for call in self.calls.values():
                parties = map(plain, (call.number, call.name, call.dialled))
                if not call.taken and (wanted is None or wanted in parties):
                    return call
            return None

        with self.changed:
            call = self.changed.wait_for(found, seconds)
            if not call:
                raise PhoneError(f"{self.name} does not ring within {seconds} s")
            call.taken = True
        return call

    def lift_itself(self, wait: float = 2, talk: float = 10) -> None:
        """Lift every call that no test takes, and hang up after a while."""

        def attend(call: Call) -> None:
            time.sleep(wait)
            with self.changed:
                if call.taken or call.over:
                    return
                call.taken = True
                call.answer()
                self.changed.wait_for(lambda: call.over, talk)
            call.hang_up()

        self.on_call = attend

    # How it is said

    def send(self, message: Message) -> None:
        with self.changed:
            if self.socket:
                self.socket.sendto(bytes(message), (HOST, self.server))

    def ask(self, request: Message, final: bool = True) -> Message:
        """Send a request until it is answered; the (first or final) answer."""
        key = (request.branch, request.method)
        lowest = 200 if final else 100
        deadline = time.monotonic() + ANSWER_SECONDS
        with self.changed:
            while time.monotonic() < deadline:
                if key not in self.answers:
                    self.send(request)
                if self.changed.wait_for(
                    lambda: key in self.answers and self.answers[key].code >= lowest,
                    RESEND_SECONDS,
                ):
                    return self.answers[key]
        raise PhoneError(f"{self.name} gets no answer to {request.first}")

    def respond(self, request: Message, code: int, tag: str, body: str = "") -> None:
        names = ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
        headers = [
            (name, value) for name in names for value in request.all(name)
        ]  # every Via, in order
        if tag and not sip.parameter(request.get("To"), "tag"):
            headers = [
                (name, f"{value};tag={tag}" if name == "To" else value)
                for name, value in headers
            ]
        headers.append(("Contact", f"<{self.uri()}>"))
        if body:
            headers.append(("Content-Type", "application/sdp"))
        answer = Message(f"SIP/2.0 {code} {REASONS[code]}", headers, body)
        self.said[request.call_id, request.get("CSeq"), request.branch] = answer
        self.send(answer)

    # What the PBX says

    def _listen(self) -> None:
        sock = self.socket
        while self.socket:
            data = sock.recv(65535)
            if len(data) > 4:  # else a keep-alive
                message = Message.parse(data)
                with self.changed:
                    if message.is_request:
                        self._heard_request(message)
                    else:
                        self._heard_response(message)

    def _heard_response(self, message: Message) -> None:
        self.answers[message.branch, message.method] = message
        call = self.calls.get(message.call_id)
        if call and message.method == "INVITE":
            call.heard_response(message)
        self.changed.notify_all()

    def _heard_request(self, message: Message) -> None:
        if message.method == "ACK":
            return
        said = self.said.get((message.call_id, message.get("CSeq"), message.branch))
        if said:
            self.send(said)
            return
        call = self.calls.get(message.call_id)
        if call:
            call.heard_request(message)
        elif message.method == "INVITE":
            self._heard_call(message)
        else:
            self.respond(message, 200, sip.tag())

    def _heard_call(self, message: Message) -> None:
        call = Call(self, message.call_id, outgoing=False)
        call.invite = message
        call.remote_tag = sip.parameter(message.get("From"), "tag")
        call.name, call.number, uri = sip.party(message.get("From"))
        call.remote = message.get("From").split(";tag=")[0]
        call.local = message.get("To")
        call.dialled = sip.user(message.first.split()[1])
        call.target = sip.party(message.get("Contact"))[2]
        call.sound_to = message.sound_port
        self.calls[call.call_id] = call
        call._respond(180)
        call._note("rang")
        if self.on_call:
            threading.Thread(target=self.on_call, args=(call,), daemon=True).start()


def plain(party: str) -> str:
    """A number's digits, however it is written; a name as it is."""
    return party.lstrip("+0") if party.lstrip("+").isdecimal() else party


def tone_frame(index: int) -> bytes:
    """20 ms of 440 Hz; fifty of them are a second."""
    first = index * 160
    return bytes(
        mu_law(int(8000 * math.sin(2 * math.pi * 440 * (first + n) / 8000)))
        for n in range(160)
    )


def mu_law(sample: int) -> int:
    """One sample as G.711 writes it."""
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + 132
    exponent = value.bit_length() - 8
    mantissa = (value >> (exponent + 3)) & 0x0F
    return ~(sign | (exponent << 4) | mantissa) & 0xFF
