"""Calls that a person steers: dial, answer, transfer, hang up, step by step.

Unlike a scenario, such a call does what the reply to its NOTIFY_START says.
"""

import itertools
import threading
import time

from .answers import Refused
from .events import Inbound, Outbound, bare, plus, record
from .scenario import Scenario

MENU, RINGING, TALKING, TRANSFER, ENDED = (
    "menu",
    "ringing",
    "talking",
    "transfer",
    "ended",
)
KEPT = 50


class LiveCall:
    """One steered call. ``talks`` lists (extension, second of the answer)."""

    def __init__(self, number, direction, scenario, told):
        self.id, self.direction = str(number), direction
        self.scenario, self.told = scenario, told
        self.state, self.ringing, self.talks = RINGING, [], []
        self.rung, self.notes = [], {}
        self.lock = threading.RLock()
        self.begun = time.monotonic()
        self.seconds = 0

    def as_json(self):
        inbound = self.direction == "in"
        told = self.told
        return {
            "id": self.id,
            "pbx_call_id": told.pbx_call_id,
            "direction": self.direction,
            "caller": told.caller_id if inbound else told.internal,
            "line": told.called_did if inbound else told.caller_id,
            "extension": None if inbound else told.internal,
            "to": None if inbound else told.destination,
            "state": self.state,
            "ringing": list(self.ringing),
            "talking": self.talks[-1][0] if self.talks else None,
            "started": told.call_start,
            "seconds": self.seconds or round(time.monotonic() - self.begun),
            **self.notes,
        }


class LiveCalls:
    """The calls of one pbx. A step that makes no sense now is :class:`Refused`."""

    def __init__(self, pbx):
        self._pbx = pbx
        self._account = pbx.account
        self._calls = {}
        self._numbers = itertools.count(1)

    def all(self):
        return [call.as_json() for call in reversed(list(self._calls.values()))]

    def get(self, wanted):
        """Find a call by its number here or by its ``pbx_call_id``."""
        for call in list(self._calls.values()):
            if wanted in (call.id, call.told.pbx_call_id):
                return call
        raise Refused(f"There is no call {wanted}. GET /control/calls lists them.", 404)

    # -- steps -------------------------------------------------------------------------

    def begin(self, asked):
        """Start a call: ``caller`` to ``line``, or ``extension`` to ``to``."""
        if "extension" in asked:
            return self._dial(asked["extension"], asked.get("to"), asked.get("line"))
        line = asked.get("line") or next(iter(self._account.lines))
        return self._ring(asked.get("caller", ""), line)

    def _keep(self, direction, scenario, told):
        call = LiveCall(next(self._numbers), direction, scenario, told)
        with self._account.lock:
            self._calls[call.id] = call
            for number in list(self._calls)[:-KEPT]:
                del self._calls[number]
        return call

    def _story(self, direction, **parameters):
        start = self._account.local()
        scenario = Scenario(zone=self._account.zone, call_start=start, **parameters)
        return scenario.filled(direction)

    def _ring(self, caller, line):
        scenario = self._story("in", caller=caller, line=line)
        told = Inbound(
            scenario.pbx_call_id, scenario.call_start, plus(caller), bare(line)
        )
        call = self._keep("in", scenario, told)
        with call.lock:
            entry = self._pbx.send(told.start())
            reply = entry["reply"] if isinstance(entry["reply"], dict) else {}
            self._obey(call, reply)
        return call

    def _obey(self, call, reply):
        """Do what the reply to START or IVR says; nothing: every phone rings."""
        for name in ("caller_name", "redirect"):
            if name in reply:
                call.notes[name] = reply[name]
        target = str(reply.get("redirect", ""))
        if reply.get("hangup"):
            self._end(call, "cancel")
        elif target == "blacklist":
            self._end(call, "busy")
        elif "wait_dtmf" in reply:
            call.state = MENU
            call.notes["menu"] = str((reply["wait_dtmf"] or {}).get("name", ""))
        elif target in self._account.extensions:
            self._call_extensions(call, [target])
        else:
            online = [n for n, e in self._account.extensions.items() if e["online"]]
            self._call_extensions(call, online)

    def _call_extensions(self, call, extensions):
        call.state, call.ringing = RINGING, list(extensions)
        for extension in extensions:
            call.rung.append(extension)
            self._pbx.send(call.told.internal(extension))

    def _dial(self, extension, to, line):
        if not to:
            raise Refused("Say whom to call: 'to' is a phone number or an extension.")
        inside = to in self._account.extensions
        line = line or next(iter(self._account.lines))
        scenario = self._story("out", caller=to, line=line, extension=extension)
        told = Outbound(
            scenario.pbx_call_id,
            scenario.call_start,
            extension if inside else bare(line),
            extension,
            to if inside else plus(to),
            "" if inside else "normal",
        )
        call = self._keep("out", scenario, told)
        call.ringing = [told.destination]
        self._pbx.send(told.start())
        return call

    def press(self, wanted, digits):
        """The caller presses keys in a menu that our reply has set."""
        call = self.get(wanted)
        with call.lock:
            if call.state != MENU:
                raise Refused(f"Call {call.id} is not in a menu.", 409)
            entry = self._pbx.send(call.told.ivr(call.notes["menu"], digits))
            self._obey(call, entry["reply"] if isinstance(entry["reply"], dict) else {})
        return call

    def answer(self, wanted, extension=None):
        """Lift: ``extension`` for an inbound call (default: who rings first)."""
        call = self.get(wanted)
        with call.lock:
            if call.state not in (RINGING, TRANSFER) or not call.ringing:
                raise Refused(f"Call {call.id} does not ring; it is {call.state}.", 409)
            lifted = extension or call.ringing[0]
            if call.direction == "out":
                lifted = call.told.internal
                self._pbx.send(call.told.answer())
            elif lifted not in call.ringing:
                ringing = ", ".join(call.ringing)
                raise Refused(f"{lifted} does not ring. Ringing: {ringing}.", 409)
            else:
                self._pbx.send(call.told.answer(lifted))
            call.talks.append((lifted, time.monotonic()))
            call.state, call.ringing = TALKING, []
        return call

    def transfer(self, wanted, to):
        """Hand an inbound call over; ``to`` then rings and has to answer."""
        call = self.get(wanted)
        with call.lock:
            if call.direction == "out" or call.state != TALKING:
                raise Refused(
                    "Only an inbound call that talks can be transferred.", 409
                )
            if to not in self._account.extensions:
                known = ", ".join(self._account.extensions)
                raise Refused(f"There is no extension {to!r}. There are: {known}.")
            speaking = call.talks[-1][0]
            call.rung.append(to)
            call.state, call.ringing = TRANSFER, [to]
            self._pbx.send(call.told.internal(to, transfer_from=speaking))
        return call

    def hang_up(self, wanted, disposition=None):
        """End the call; ``disposition`` of one that nobody answered, or ``cancel``."""
        call = self.get(wanted)
        with call.lock:
            if call.state == ENDED:
                raise Refused(f"Call {call.id} is over already.", 409)
            self._end(call, disposition or "cancel")
        return call

    # -- the end -----------------------------------------------------------------------

    def _end(self, call, disposition):
        now = time.monotonic()
        told, scenario = call.told, call.scenario
        call.state, call.ringing = ENDED, []
        duration, recording = 0, ""
        if call.talks:
            disposition = "answered"
            duration = max(1, round(now - call.talks[0][1]))
            recording = scenario.recording()
        call.seconds = duration
        if call.direction == "out":
            self._pbx.send(told.end(disposition, duration, recording))
        else:
            first = call.talks[0][0] if call.talks else ""
            last = call.talks[-1][0] if call.talks else ""
            self._pbx.send(told.end(disposition, duration, first, last, recording))
        self._pbx.keep_rows(list(self._rows(call, disposition, now)))
        if recording:
            self._pbx.send(record(told.pbx_call_id, recording))

    def _rows(self, call, disposition, now):
        """One statistics row per leg: who talked, then who only rang."""
        scenario = call.scenario
        if call.direction == "out":
            talk, to = call.seconds, bare(call.told.destination)
            yield scenario.row_out(disposition, talk, bool(call.talks), destination=to)
            return
        ends = [moment for _ext, moment in call.talks[1:]]
        ends += [now] if call.talks else []
        spoke = [extension for extension, _moment in call.talks]
        for leg, ((extension, since), until) in enumerate(
            zip(call.talks, ends, strict=True)
        ):
            seconds = max(1, round(until - since))
            yield scenario.row_in(extension, "answered", seconds, leg == 0, leg=leg)
        silent = [extension for extension in call.rung if extension not in spoke]
        word = "cancel" if call.talks else disposition
        for leg, extension in enumerate(silent, len(spoke)):
            yield scenario.row_in(extension, word, leg=leg)
        if not call.rung:
            yield scenario.row_in("0", disposition)
