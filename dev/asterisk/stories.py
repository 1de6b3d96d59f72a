"""Calls as they happen in an office: a function each, and what the telephones saw.

    from asterisk import stories
    truth = stories.play(lab, "answered", wait=1, talk=2)
    truths = stories.play_all(lab)

Each returns a Truth, made of what the telephones did and when; nothing in it comes
from Asterisk's own reports. Several stories may be played at a time, but for those that
are `alone`.
"""

import inspect
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from .config import ECHO, MOBILE, OUTGOING, PICKUP, VOICEMAIL
from .phone import Call, Phone

ODD_NAME = 'Іван "Ко" O\'Neill, `$(x)` & 50%'


@dataclass
class Leg:
    """A telephone's part: seconds since the epoch; `answer` None: not lifted."""

    extension: str
    start: float
    answer: float | None
    stop: float

    @classmethod
    def of(cls, call: Call) -> "Leg":
        times = call.wait("over").times
        return cls(call.phone.name, times["called"], times.get("lifted"), times["over"])


@dataclass
class Truth:
    """What a call was, seen from the telephones.

    :var extension: whose call it is in the end; "" when nobody's.
    :var number: the other party in E.164, or what was dialled inside.
    :var line: our own number in E.164; "" inside.
    :var talk: seconds in which the customer was connected to somebody of ours, a
        transfer's ringing not among them.
    :var legs: one for each time that a telephone of ours rang or dialled.
    :var shown: what the telephones displayed as the caller's name.
    :var ref: the id that a click gave the call.
    """

    direction: str
    outcome: str
    extension: str
    number: str
    line: str
    start: float
    answer: float | None
    stop: float
    talk: float
    legs: list[Leg] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    ref: str = ""
    recorded: bool = False

    def as_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Story:
    """:var alone: it cannot be played while other calls go on."""

    function: object
    alone: bool = False

    @property
    def title(self) -> str:
        return self.function.__doc__.partition("\n")[0]


STORIES: dict[str, Story] = {}


def story(function=None, *, alone=False):
    """Enter a function among the stories, under its own name."""
    if function is None:
        return lambda one: story(one, alone=alone)
    STORIES[function.__name__] = Story(function, alone)
    return function


def play(lab, name: str, **options) -> Truth:
    return STORIES[name].function(lab, **options)


@dataclass
class Attempt:
    """What came of a story: its truth, or the error that ended it.

    :var began: in seconds since the epoch, as `ended`.
    """

    name: str
    began: float
    ended: float = 0
    truth: Truth | None = None
    error: Exception | None = None


def play_all(lab, names=None, together: int = 8, **options) -> dict[str, Truth]:
    """Play stories, as many at a time as told; {name: truth}.

    Each gets those of `options` that it has.
    """
    attempts = try_all(lab, names, together, **options)
    for error in filter(None, (attempt.error for attempt in attempts)):
        raise error
    return {attempt.name: attempt.truth for attempt in attempts}


def try_all(lab, names=None, together: int = 8, **options) -> list[Attempt]:
    """The same, and a story that cannot be played does not keep others from it.

    Nothing of the failed ones goes on when it returns.
    """

    def try_one(name: str) -> Attempt:
        known = inspect.signature(STORIES[name].function).parameters
        own = {key: value for key, value in options.items() if key in known}
        attempt = Attempt(name, time.time())
        try:
            attempt.truth = play(lab, name, **own)
        except Exception as error:  # whoever asked raises it
            attempt.error = error
        attempt.ended = time.time()
        return attempt

    def settle() -> None:
        if any(attempt.error for attempt in attempts):
            lab.end_calls()

    names = list(names or STORIES)
    alone = [name for name in names if STORIES[name].alone]
    with ThreadPoolExecutor(together) as pool:
        others = [name for name in names if name not in alone]
        attempts = list(pool.map(try_one, others))
    settle()
    for name in alone:
        lab.wait_idle()
        attempts.append(try_one(name))
        settle()
    return sorted(attempts, key=lambda attempt: names.index(attempt.name))


# A customer calls


@story
def answered(lab, caller=None, wait=1.0, talk=2.0, line="phone", name="", dials=None):
    """A customer calls, the first phone lifts and hangs up.

    `dials`: how the carrier writes the customer's number, `name` what else it tells.
    """
    caller = caller or lab.fresh_number()
    written = dials or caller
    [customer, ring] = connect(lab, written, line, wait, name)
    lab.pause(talk)
    ring.hang_up()
    return inbound(customer, caller, [ring], by=ring)


@story
def answered_national(lab, **options):
    """The same, and the carrier writes the number as it is dialled in the country."""
    caller = lab.fresh_number()
    return answered(lab, caller, dials=f"0{caller[3:]}", **options)


@story
def answered_odd_name(lab, **options):
    """The same, and the carrier tells a name with quotes, commas and Cyrillic."""
    return answered(lab, name=ODD_NAME, **options)


@story
def answered_withheld(lab, **options):
    """The same, and the customer withholds the number."""
    truth = answered(lab, "anonymous", **options)
    truth.number = ""
    return truth


@story
def missed(lab, caller=None):
    """Nobody lifts, and the PBX gives up soon."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("short"), caller)
    ring = lab.team[0].ring(caller)
    return inbound(customer, caller, [ring], "missed")


@story
def given_up(lab, caller=None, wait=1.5):
    """The customer gives up."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("phone"), caller)
    ring = lab.team[0].ring(caller)
    lab.pause(wait)
    customer.hang_up()
    return inbound(customer, caller, [ring], "missed")


@story
def busy(lab, caller=None, wait=0.3):
    """The phone is busy."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("phone"), caller)
    ring = lab.team[0].ring(caller)
    lab.pause(wait)
    ring.refuse(486)
    return inbound(customer, caller, [ring], "busy")


@story
def group(lab, caller=None, wait=1.0, talk=2.0):
    """All phones ring, the second lifts, the customer hangs up."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("group"), caller)
    rings = [phone.ring(caller) for phone in lab.team]
    lab.pause(wait)
    rings[1].answer()
    customer.wait("lifted")
    lab.pause(talk)
    customer.hang_up()
    return inbound(customer, caller, rings, by=rings[1])


@story
def menu(lab, caller=None, wait=1.0, talk=2.0):
    """The customer presses 1 in a menu after two seconds, and the first phone lifts."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("menu"), caller).wait("lifted")
    lab.pause(2)
    customer.press("1")
    ring = lab.team[0].ring(caller)
    lab.pause(wait)
    ring.answer()
    lab.pause(talk)
    ring.hang_up()
    return inbound(customer, caller, [ring], by=ring)


@story
def menu_only(lab, caller=None, wait=1.5):
    """The customer hears a menu and hangs up."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("menu"), caller).wait("lifted")
    lab.pause(wait)
    customer.hang_up()
    return inbound(customer, caller, [], "missed")


@story
def voicemail(lab, caller=None, talk=2.0):
    """Nobody lifts, and the customer speaks to the voicemail."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("voicemail"), caller).speak()
    ring = lab.team[0].ring(caller)
    customer.wait("lifted")
    lab.pause(talk)
    customer.hang_up()
    return inbound(customer, caller, [ring], "missed")


@story
def queue(lab, caller=None, wait=1.0, talk=2.0, line="queue"):
    """A queue of two: the first phone is busy, the second lifts."""
    caller = caller or lab.fresh_number()
    first, second = lab.team[:2]
    customer = lab.carrier.call(lab.line(line), caller).wait("lifted")
    rings = [first.ring(caller).refuse(486), second.ring(caller)]
    lab.pause(wait)
    rings[1].answer()
    lab.pause(talk)
    customer.hang_up()
    return inbound(customer, caller, rings, by=rings[1])


@story
def queue_local(lab, **options):
    """The same, and the members are Local channels."""
    return queue(lab, line="queue_local", **options)


@story
def queue_rounds(lab, caller=None, talk=2.0):
    """A queue that rings two phones for two seconds each time; the second lifts."""
    caller = caller or lab.fresh_number()
    first, second = lab.team[:2]
    customer = lab.carrier.call(lab.line("queue_rounds"), caller)
    rings = []
    for _round in range(3):
        rings += [first.ring(caller), second.ring(caller)]
    rings[-1].answer()
    lab.pause(talk)
    customer.hang_up()
    return inbound(customer, caller, rings, by=rings[-1])


@story
def queue_given_up(lab, caller=None, wait=2.0):
    """The customer gives up in a queue."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("queue"), caller)
    rings = [phone.ring(caller) for phone in lab.team[:2]]
    lab.pause(wait)
    customer.hang_up()
    return inbound(customer, caller, rings, "missed")


@story
def forwarded(lab, caller=None, wait=1.0, talk=2.0):
    """The line leads to a mobile, which lifts."""
    caller = caller or lab.fresh_number()
    with lab.calling_inside:
        customer = lab.carrier.call(lab.line("forwarded"), caller)
        mobile = lab.carrier.ring(MOBILE)
    lab.pause(wait)
    mobile.answer()
    lab.pause(talk)
    customer.hang_up()
    truth = inbound(customer, caller, [])
    truth.answer = mobile.times["lifted"]
    truth.talk = truth.stop - truth.answer
    return truth


@story
def recorded(lab, caller=None, wait=0.5, talk=2.0):
    """A call that is recorded, with sound from both sides."""
    caller = caller or lab.fresh_number()
    [customer, ring] = connect(lab, caller, "recorded", wait)
    customer.speak()
    ring.speak()
    lab.pause(talk)
    ring.hang_up()
    truth = inbound(customer, caller, [ring], by=ring)
    truth.recorded = True
    return truth


# Transfers and pickup


@story
def transfer(lab, caller=None, wait=1.0, talk=1.0, second_wait=1.5, second_talk=2.0):
    """The first phone gives the customer to the second without asking."""
    caller = caller or lab.fresh_number()
    [customer, ring] = connect(lab, caller, "phone", wait)
    lab.pause(talk)
    ring.transfer(lab.team[1].name)
    given = time.time()
    again = lab.team[1].ring(caller)
    lab.pause(second_wait)
    again.answer()
    ring.leave()
    lab.pause(second_talk)
    again.hang_up()
    truth = inbound(customer, caller, [ring, again], by=again)
    truth.talk = given - ring.times["lifted"] + truth.stop - again.times["lifted"]
    return truth


@story
def transfer_missed(lab, caller=None, wait=1.0, talk=1.0, second_wait=1.5):
    """The first phone gives the customer to the second, who does not lift."""
    caller = caller or lab.fresh_number()
    [customer, ring] = connect(lab, caller, "phone", wait)
    lab.pause(talk)
    ring.transfer(lab.team[1].name)
    given = time.time()
    again = lab.team[1].ring(caller)
    ring.leave()
    lab.pause(second_wait)
    customer.hang_up()
    truth = inbound(customer, caller, [ring, again], by=ring)
    truth.talk = given - ring.times["lifted"]
    return truth


@story
def attended(lab, caller=None, talk=1.0, consult=1.0, second_talk=2.0, inside=False):
    """The first phone asks the second, and connects it with the customer.

    `inside`: the phone sends the transfer in the call with the second.
    """
    caller = caller or lab.fresh_number()
    [customer, ring] = connect(lab, caller, "phone", 1.0)
    lab.pause(talk)
    [asking, again] = ask(lab)
    lab.pause(0.5)
    again.answer()
    asking.wait("lifted")
    lab.pause(consult)
    [sends, other] = [asking, ring] if inside else [ring, asking]
    sends.transfer_to(other).leave()
    other.hang_up()
    lab.pause(second_talk)
    again.hang_up()
    return inbound(customer, caller, [ring, again], by=again)


@story
def attended_inside(lab, **options):
    """The same, and the transfer is sent in the call with the second phone."""
    return attended(lab, inside=True, **options)


@story
def attended_ringing(lab, caller=None, talk=1.0, second_wait=1.5, second_talk=2.0):
    """The first phone calls the second, and connects while that one still rings."""
    caller = caller or lab.fresh_number()
    [customer, ring] = connect(lab, caller, "phone", 1.0)
    lab.pause(talk)
    [asking, again] = ask(lab)
    asking.wait("rang")
    lab.pause(0.5)
    ring.transfer_to(asking)
    given = time.time()
    # Asterisk says that it is done before the customer has taken this call's place:
    # giving it up until then takes the customer's new call away.
    asking.wait("over")
    ring.leave()
    lab.pause(second_wait)
    again.answer()
    lab.pause(second_talk)
    again.hang_up()
    truth = inbound(customer, caller, [ring, again], by=again)
    truth.talk = given - ring.times["lifted"] + truth.stop - again.times["lifted"]
    return truth


@story(alone=True)
def pickup(lab, caller=None, wait=1.0, talk=2.0):
    """The first phone rings, and the third takes the call with *8."""
    caller = caller or lab.fresh_number()
    customer = lab.carrier.call(lab.line("phone"), caller)
    ring = lab.team[0].ring(caller)
    lab.pause(wait)
    taking = lab.team[2].call(PICKUP).wait("lifted")
    customer.wait("lifted")
    lab.pause(talk)
    taking.hang_up()
    truth = inbound(customer, caller, [ring, taking], by=taking)
    # The third phone hears the customer half a second after its own lifting.
    truth.answer = customer.times["lifted"]
    truth.talk = truth.stop - truth.answer
    return truth


# Somebody of ours calls


@story
def outbound(lab, number=None, wait=1.0, talk=2.0):
    """The first phone dials out, and the customer lifts."""
    number = number or lab.fresh_number()
    [dialling, customer] = dial_out(lab, number, wait)
    customer.answer()
    dialling.wait("lifted")
    lab.pause(talk)
    customer.hang_up()
    return called(dialling, number, "answered", customer)


@story
def outbound_busy(lab, number=None, wait=0.5):
    """The customer is busy."""
    number = number or lab.fresh_number()
    [dialling, customer] = dial_out(lab, number, wait)
    customer.refuse(486)
    return called(dialling, number, "busy", customer)


@story
def outbound_unanswered(lab, number=None, wait=1.5):
    """The customer does not lift: the carrier gives up."""
    number = number or lab.fresh_number()
    [dialling, customer] = dial_out(lab, number, wait)
    customer.refuse(480)
    return called(dialling, number, "no_answer", customer)


@story
def outbound_cancelled(lab, number=None, wait=1.5):
    """The first phone gives up."""
    number = number or lab.fresh_number()
    [dialling, customer] = dial_out(lab, number, wait)
    dialling.hang_up()
    return called(dialling, number, "cancelled", customer)


@story
def outbound_failed(lab, number=None, wait=0.2, code=404):
    """The carrier does not know the number."""
    number = number or lab.fresh_number()
    [dialling, customer] = dial_out(lab, number, wait)
    customer.refuse(code)
    return called(dialling, number, "failed", customer)


@story
def outbound_transfer(lab, number=None, talk=1.0, second_wait=1.0, second_talk=1.5):
    """The first phone dials out, and gives the customer to the second."""
    number = number or lab.fresh_number()
    [dialling, customer] = dial_out(lab, number, 1.0)
    customer.answer()
    dialling.wait("lifted")
    lab.pause(talk)
    with lab.calling_inside:
        dialling.transfer(lab.team[1].name)
        given = time.time()
        again = lab.team[1].ring(number)
    lab.pause(second_wait)
    again.answer()
    dialling.leave()
    lab.pause(second_talk)
    customer.hang_up()
    truth = called(dialling, number, "answered", customer)
    truth.legs.append(Leg.of(again))
    truth.stop = again.times["over"]
    truth.talk = given - customer.times["lifted"] + truth.stop - again.times["lifted"]
    return truth


@story(alone=True)
def internal(lab, wait=1.0, talk=2.0):
    """The first phone calls the second."""
    [dialling, ring] = ask(lab)
    lab.pause(wait)
    ring.answer()
    dialling.wait("lifted")
    lab.pause(talk)
    dialling.hang_up()
    return inside(dialling, ring.phone.name, "answered", ring)


@story(alone=True)
def internal_unanswered(lab, wait=1.5):
    """The first phone calls the second, and gives up."""
    [dialling, ring] = ask(lab)
    lab.pause(wait)
    dialling.hang_up()
    return inside(dialling, ring.phone.name, "cancelled", ring)


@story
def echo(lab, talk=1.5):
    """The first phone listens to itself."""
    dialling = lab.team[0].call(ECHO).wait("lifted")
    lab.pause(talk)
    dialling.hang_up()
    return inside(dialling, ECHO, "answered")


@story
def voicemail_heard(lab, talk=1.5):
    """The first phone listens to its voicemail."""
    dialling = lab.team[0].call(VOICEMAIL).wait("lifted")
    lab.pause(talk)
    dialling.hang_up()
    return inside(dialling, VOICEMAIL, "answered")


# Click-to-call. `click(number, extension, ref)` asks the PBX: Odoo, or the lab itself.


@story
def click(lab, number=None, wait=1.0, talk=2.0, click=None):
    """The first phone lifts, then the customer."""
    [number, ref, own] = clicked(lab, number, click)
    lab.pause(0.5)
    own.answer()
    customer = lab.carrier.ring(number)
    lab.pause(wait)
    customer.answer()
    lab.pause(talk)
    customer.hang_up()
    own.hang_up()
    return called(own, number, "answered", customer, ref)


@story
def click_busy(lab, number=None, wait=0.5, click=None):
    """The first phone lifts, and the customer is busy."""
    [number, ref, own] = clicked(lab, number, click)
    lab.pause(0.5)
    own.answer()
    customer = lab.carrier.ring(number)
    lab.pause(wait)
    customer.refuse(486)
    own.wait("over")
    return called(own, number, "busy", customer, ref)


@story
def click_silent(lab, number=None, click=None, seconds=2):
    """The first phone is not lifted; the PBX gives up."""
    click = click or (lambda *parts: lab.click(*parts, seconds=seconds))
    [number, ref, own] = clicked(lab, number, click)
    own.wait("over", 60)
    return called(own, number, "cancelled", None, ref)


@story
def click_refused(lab, number=None, click=None):
    """The first phone refuses."""
    [number, ref, own] = clicked(lab, number, click)
    lab.pause(0.5)
    own.refuse(486)
    return called(own, number, "cancelled", None, ref)


# What goes wrong


@story(alone=True)
def killed(lab, caller=None, wait=1.0, talk=2.0):
    """Asterisk is killed while they talk, and started again."""
    caller = caller or lab.fresh_number()
    [customer, ring] = connect(lab, caller, "phone", wait)
    lab.pause(talk)
    lab.kill()
    customer.drop()
    ring.drop()
    lab.start()
    truth = inbound(customer, caller, [ring], by=ring)
    truth.talk = 0  # nobody knows
    return truth


def many(lab, count=20, together=5) -> list[Truth]:
    """Short calls, some at a time: what is kept while Odoo is away."""
    with ThreadPoolExecutor(together) as pool:
        return list(
            pool.map(
                lambda number: answered(lab, number, wait=0.3, talk=1.0),
                [lab.fresh_number() for _ in range(count)],
            )
        )


# Steps that several stories share


def connect(lab, caller: str, line: str, wait: float, name: str = ""):
    """A customer calls and the first phone lifts; both calls."""
    customer = lab.carrier.call(lab.line(line), caller, name)
    ring = lab.team[0].ring(caller)
    lab.pause(wait)
    ring.answer()
    customer.wait("lifted")
    return customer, ring


def ask(lab) -> tuple[Call, Call]:
    """The first phone calls the second; both calls."""
    first, second = lab.team[:2]
    with lab.calling_inside:
        return first.call(second.name), second.ring(first.name)


def dial_out(lab, number: str, wait: float) -> tuple[Call, Call]:
    """The first phone dials out; its call and the customer's, which rings."""
    dialling = lab.team[0].call(number)
    customer = lab.carrier.ring(number)
    lab.pause(wait)
    return dialling, customer


def clicked(lab, number: str | None, click) -> tuple[str, str, Call]:
    """Ask for a call; its number, its id, and the own phone's call, which rings."""
    number = number or lab.fresh_number()
    first: Phone = lab.team[0]
    ref = f"odoo-{secrets.token_hex(8)}"
    ref = (click or lab.click)(number, first.name, ref) or ref
    return number, ref, first.ring(number)


def inbound(customer, number, rings, outcome="answered", by=None) -> Truth:
    """The truth of a customer's call; `by`: the leg that talked last."""
    legs = [Leg.of(ring) for ring in rings]
    times = customer.wait("over").times
    answer = min(leg.answer for leg in legs if leg.answer) if by else None
    return Truth(
        direction="inbound",
        outcome=outcome,
        extension=by.phone.name if by else "",
        number=number,
        line=f"+{customer.number}",
        start=times["called"],
        answer=answer,
        stop=times["over"],
        talk=times["over"] - answer if by else 0,
        legs=legs,
        shown=sorted({ring.name for ring in rings if not ring.outgoing}),
    )


def called(own, number, outcome, customer, ref="") -> Truth:
    """The truth of a call to a customer, by the extension's call `own`."""
    leg = Leg.of(own)
    answer = customer.times.get("lifted") if customer else None
    stop = customer.wait("over").times["over"] if customer else leg.stop
    return Truth(
        direction="outbound",
        outcome=outcome,
        extension=own.phone.name,
        number=number,
        line=f"+{OUTGOING}" if customer else "",
        start=leg.start,
        answer=answer,
        stop=max(stop, leg.stop),
        talk=stop - answer if answer else 0,
        legs=[leg],
        ref=ref,
    )


def inside(dialling, number, outcome, ring=None) -> Truth:
    """The truth of a call that no trunk took part in."""
    leg = Leg.of(dialling)
    answer = ring.times.get("lifted") if ring else None
    return Truth(
        direction="internal",
        outcome=outcome,
        extension=dialling.phone.name,
        number=number,
        line="",
        start=leg.start,
        answer=answer,
        stop=leg.stop,
        talk=leg.stop - answer if answer else 0,
        legs=[leg, *([Leg.of(ring)] if ring else [])],
    )
