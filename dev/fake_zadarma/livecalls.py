"""Calls that a person steers: dial, answer, transfer, hang up, step by step.

Unlike a scenario, such a call does what the reply to its NOTIFY_START says: it rings
where it is sent, comes back when the time is up, asks for keys and says which were
pressed, or does by itself what the reply says for that case.
"""

import itertools
import threading
import time
from datetime import datetime

from . import instructions
from .answers import Refused
from .events import TIME_FORMAT, Inbound, Outbound, bare, plus, record
from .scenario import Scenario, free_start

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

    def __init__(self, number, direction, scenario, events):
        self.id, self.direction = str(number), direction
        self.scenario, self.events = scenario, events
        self.state, self.ringing, self.talks = RINGING, [], []
        self.rung, self.notes = [], {}
        self.lock = threading.RLock()
        self.begun = time.monotonic()
        self.seconds = 0
        # Counts what happens to it: a time that is up is of one of these turns.
        self.turn = 0
        # What happens when the time is up: a function, or ``None``.
        self.time_up = None

    def as_json(self):
        inbound = self.direction == "in"
        events = self.events
        return {
            "id": self.id,
            "pbx_call_id": events.pbx_call_id,
            "direction": self.direction,
            "caller": events.caller_id if inbound else events.internal,
            "line": events.called_did if inbound else events.caller_id,
            "extension": None if inbound else events.internal,
            "to": None if inbound else events.destination,
            "state": self.state,
            "ringing": list(self.ringing),
            "talking": self.talks[-1][0] if self.talks else None,
            "started": events.call_start,
            "seconds": self.seconds or round(time.monotonic() - self.begun),
            "waits": self.time_up is not None,
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
            if wanted in (call.id, call.events.pbx_call_id):
                return call
        raise Refused(f"There is no call {wanted}. GET /control/calls lists them.", 404)

    # -- steps -------------------------------------------------------------------------

    def begin(self, wanted):
        """Start a call: ``caller`` to ``line``, or ``extension`` to ``to``."""
        if "extension" in wanted:
            return self._dial(wanted["extension"], wanted.get("to"), wanted.get("line"))
        line = wanted.get("line") or next(iter(self._account.lines))
        return self._ring(wanted.get("caller", ""), line)

    def _keep(self, direction, scenario, events):
        call = LiveCall(next(self._numbers), direction, scenario, events)
        with self._account.lock:
            self._calls[call.id] = call
            for number in list(self._calls)[:-KEPT]:
                del self._calls[number]
        return call

    def _story(self, direction, **parameters):
        now = datetime.strptime(self._account.local(), TIME_FORMAT)
        start = free_start(now, parameters["caller"])
        scenario = Scenario(zone=self._account.zone, call_start=start, **parameters)
        return scenario.filled(direction)

    def _ring(self, caller, line):
        scenario = self._story("in", caller=caller, line=line)
        events = Inbound(
            scenario.pbx_call_id, scenario.call_start, plus(caller), bare(line)
        )
        call = self._keep("in", scenario, events)
        with call.lock:
            self._obey(call, self._asked(events.start()))
        return call

    def _asked(self, step):
        """Send an event that asks how to go on, and read what is answered."""
        return instructions.read(self._pbx.send(step)["reply"])

    # -- what the reply says -----------------------------------------------------------

    def _obey(self, call, reply):
        """Do what the reply to START or IVR says; nothing: the scenario goes on."""
        call.notes.pop("play", None)
        call.notes.pop("asks", None)
        if reply.caller_name:
            call.notes["caller_name"] = reply.caller_name
        if reply.redirect:
            call.notes.update(
                redirect=reply.redirect, return_timeout=reply.return_timeout
            )
        if reply.hangup:
            call.notes["hung_up"] = True
            self._end(call, "cancel")
        elif reply.redirect == instructions.BLACKLIST:
            self._end(call, "busy")
        elif reply.ask:
            self._ask(call, reply)
        elif reply.redirect:
            self._go(call, reply.redirect, reply.return_timeout)
        else:
            self._go_on(call)

    def _go_on(self, call):
        """The PBX's own scenario, whichever it is: all phones ring."""
        online = [n for n, e in self._account.extensions.items() if e["online"]]
        self._call_extensions(call, online)

    def _go(self, call, target, return_seconds=0):
        """Go to an extension, or to a scenario or menu of the PBX's own."""
        extension = self._account.extensions.get(target)
        if extension is None:
            self._go_on(call)
        elif extension["online"]:
            self._call_extensions(call, [target])
            if return_seconds:
                self._wait(call, return_seconds, self._come_back)
        elif return_seconds:
            self._come_back(call)
        else:
            self._end(call, "cancel")

    def _come_back(self, call):
        """Nobody lifted where it was sent: the scenario goes on."""
        call.notes["came_back"] = True
        self._go_on(call)

    def _ask(self, call, reply):
        self._turn(call)
        call.state, call.ringing = MENU, []
        call.notes.update(menu=reply.ask["name"], asks=reply.ask)
        if reply.play:
            call.notes["play"] = reply.play
        seconds = reply.ask["timeout"] * reply.ask["attempts"]
        self._wait(call, seconds, self._by_default)

    def _by_default(self, call):
        """No key was pressed: what the reply said for that, and then it is told."""
        ask = call.notes.pop("asks")
        call.notes.pop("play", None)
        # The PBX does not wait for what is answered: it is done already.
        default = ask["default"]
        self._pbx.send(call.events.ivr(ask["name"], "", default_behaviour=default))
        if default == instructions.HANGUP:
            self._end(call, "cancel")
        elif default:
            call.notes.update(redirect=default, return_timeout=0)
            self._go(call, default)
        else:
            self._go_on(call)

    def _turn(self, call):
        """Something happens to the call: what it waited for is void."""
        call.turn += 1
        call.time_up = None

    def _wait(self, call, seconds, then):
        """Do ``then(call)`` in so many seconds, unless something happens before."""
        turn, factor = call.turn, self._account.steered["speed"]
        call.time_up = then
        if not factor:
            return

        def up():
            with call.lock:
                if call.turn == turn and call.time_up:
                    self._turn(call)
                    then(call)

        timer = threading.Timer(seconds * factor, up)
        timer.daemon = True
        timer.start()

    def _call_extensions(self, call, extensions):
        self._turn(call)
        call.state, call.ringing = RINGING, list(extensions)
        for extension in extensions:
            if extension not in call.rung:
                call.rung.append(extension)
            self._pbx.send(call.events.internal(extension))

    def _dial(self, extension, to, line):
        if not to:
            raise Refused("Say whom to call: 'to' is a phone number or an extension.")
        inside = to in self._account.extensions
        line = line or next(iter(self._account.lines))
        scenario = self._story("out", caller=to, line=line, extension=extension)
        events = Outbound(
            scenario.pbx_call_id,
            scenario.call_start,
            extension if inside else bare(line),
            extension,
            to if inside else plus(to),
            "" if inside else "normal",
        )
        call = self._keep("out", scenario, events)
        call.ringing = [events.destination]
        self._pbx.send(events.start())
        return call

    def press(self, wanted, digits):
        """The caller presses keys in a menu that our reply has set."""
        call = self.get(wanted)
        if not instructions.KEYS.fullmatch(digits):
            raise Refused("Keys are 0 to 9, * and #.")
        with call.lock:
            if call.state != MENU:
                raise Refused(f"Call {call.id} is not in a menu.", 409)
            self._turn(call)
            ask = call.notes["asks"]
            # It waits for no more keys than it was told.
            pressed = digits[: ask["maxdigits"]]
            call.notes["pressed"] = [*call.notes.get("pressed", []), pressed]
            self._obey(call, self._asked(call.events.ivr(ask["name"], pressed)))
        return call

    def time_up(self, wanted):
        """What the PBX waits for does not come: a key, or that somebody lifts."""
        call = self.get(wanted)
        with call.lock:
            then = call.time_up
            if not then:
                raise Refused(f"Call {call.id} waits for nothing.", 409)
            self._turn(call)
            then(call)
        return call

    def answer(self, wanted, extension=None):
        """Lift: ``extension`` for an inbound call (default: who rings first)."""
        call = self.get(wanted)
        with call.lock:
            if call.state not in (RINGING, TRANSFER) or not call.ringing:
                raise Refused(f"Call {call.id} does not ring; it is {call.state}.", 409)
            lifted = extension or call.ringing[0]
            if call.direction == "out":
                lifted = call.events.internal
                self._pbx.send(call.events.answer())
            elif lifted not in call.ringing:
                ringing = ", ".join(call.ringing)
                raise Refused(f"{lifted} does not ring. Ringing: {ringing}.", 409)
            else:
                self._pbx.send(call.events.answer(lifted))
            self._turn(call)
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
            self._pbx.send(call.events.internal(to, transfer_from=speaking))
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
        events, scenario = call.events, call.scenario
        self._turn(call)
        call.state, call.ringing = ENDED, []
        duration, recording = 0, ""
        if call.talks:
            disposition = "answered"
            duration = max(1, round(now - call.talks[0][1]))
            recording = scenario.recording()
        call.seconds = duration
        if call.direction == "out":
            self._pbx.send(events.end(disposition, duration, recording))
        else:
            first = call.talks[0][0] if call.talks else ""
            last = call.talks[-1][0] if call.talks else ""
            self._pbx.send(events.end(disposition, duration, first, last, recording))
        self._pbx.keep_rows(list(self._rows(call, disposition, now)))
        if recording:
            self._pbx.send(record(events.pbx_call_id, recording))

    def _rows(self, call, disposition, now):
        """One statistics row per leg: who talked, then who only rang."""
        scenario = call.scenario
        if call.direction == "out":
            talk, to = call.seconds, bare(call.events.destination)
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
