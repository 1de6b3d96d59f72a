"""What a PBX that asks is told: the rules, and what is known of the call, decide.

``decide(rules, facts)`` is pure: whoever asks, a PBX or a simulator, collects the
:class:`Facts` and gets an :class:`Outcome`. It never raises on facts that are
incomplete: who is not among them cannot be reached.

Codes and arguments only: the sentences are made where they are read, in the reader's
language. All moments are naive UTC, all numbers of callers E.164.

What the order is
=================

0. The same event once more: the same answer. A PBX that got none asks again.
1. A call of ours, from one of our lines or extensions: the PBX's own scenario.
2. More than ``MAX_ANSWERS`` answers given: the PBX's own scenario.
3. A finished step of a menu (``Facts.step``): what its choice, else its default says.
   The rules are not asked again. Where the last answer was to the same step, and led
   out of it, it is given again.
4. A blocked number: refused, where the PBX can be told so.
5. The rules in the order of ``(sequence, id)``: the first whose conditions hold and
   whose target can be reached.
6. The closed message of the line, while it is closed.
7. The PBX's own scenario.

Where people expect it so
=========================

* In a team a colleague who is there goes before the deputy of one who is away.
* A person with several phones who speaks on one of them is busy, on all of them; a
  phone that he shares with others makes only itself busy.
* A phone that is known to be offline is not chosen while he has another, even if it is
  the one that he dials with.
* A menu may be asked again, since the caller chose it; a call is never *sent* twice to
  the same place.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from .dialect import (
    ASK,
    DECISIONS,
    HANG_UP,
    PLAY,
    REDIRECT,
    REFUSE,
    Ask,
    Decision,
    MenuStep,
)

# --- who calls (Caller.kind); "" where nobody was looked up.
KNOWN, UNKNOWN, WITHHELD = "known", "unknown", "withheld"

# --- conditions (Rule.caller and Rule.moment)
ANY = "any"
ALWAYS, OPEN, CLOSED_MOMENT = "always", "open", "closed"

# --- targets (Target.target)
PROMISE = "promise"
SALESPERSON = "salesperson"
LAST_AGENT = "last_agent"
USER = "user"
TEAM = "team"
EXTENSION = "extension"
PBX = "pbx"
MENU_TARGET = "menu"
PLAY_TARGET = "play"
HANGUP_TARGET = "hangup"
REFUSE_TARGET = "refuse"
SCENARIO_TARGET = "scenario"
TARGETS = (
    *(PROMISE, SALESPERSON, LAST_AGENT, USER, TEAM, EXTENSION, PBX),
    *(MENU_TARGET, PLAY_TARGET, HANGUP_TARGET, REFUSE_TARGET, SCENARIO_TARGET),
)
# Those that cannot be found without looking the caller up.
OF_THE_CALLER = (PROMISE, SALESPERSON, LAST_AGENT)
_PEOPLE = (*OF_THE_CALLER, USER, TEAM)
# What the PBX has to understand for each.
_NEEDS = {
    **dict.fromkeys((*_PEOPLE, EXTENSION, PBX), {REDIRECT}),
    **dict.fromkeys((MENU_TARGET, PLAY_TARGET), {PLAY, ASK}),
    HANGUP_TARGET: {HANG_UP},
    REFUSE_TARGET: {REFUSE},
    SCENARIO_TARGET: set(),
}

# --- codes of steps, and of those who were looked at
CHOSEN = "chosen"
# A condition does not hold.
LINE, CALLER, TAG, COUNTRY, MOMENT = "line", "caller", "tag", "country", "moment"
# It needs to know who calls, and nobody was looked up.
UNASKED = "unasked"
# There is no such person, or several with different reasons (``Step.looks``).
NOBODY = "nobody"
GONE, ABSENT, OFF_HOURS, NO_PHONE = "gone", "absent", "off_hours", "no_phone"
IS_CALLER, OFFLINE, BUSY, WRAPPING = "is_caller", "offline", "busy", "wrapping"
# This very call was sent there before.
SENT = "sent"
# The PBX cannot be told so, or it is not said what to tell it.
UNABLE = "unable"

# --- codes of outcomes (``route_code``)
BLOCKED, ROUTE, CLOSED, MENU = "blocked", "route", "closed", "menu"
SCENARIO_CODE, FAILED = "scenario", "failed"

# --- why an outcome is what it is, where no rule says it (``Outcome.args["why"]``)
OURS = "ours"  # one of our own lines or extensions calls
TOO_MANY = "too_many"  # answers given in this call
NO_CHOICE = "no_choice"  # a menu without a choice of these digits: its default
NOT_REACHED = "not_reached"  # the choice's target cannot be reached: its default
DEFAULTED = "defaulted"  # the PBX has done what the default says
NO_MENU = "no_menu"  # a name that is nobody's, or of a menu or rule that is gone

# After so many answers to one call the PBX goes on alone.
MAX_ANSWERS = 20
# A phone that was offline that long ago may have come back.
OFFLINE_FOR = timedelta(minutes=15)
# What the PBX is to do at the end of a step: one of its own targets, or this.
HANGUP = "hangup"
# Names of steps: of a menu, of what a rule, a line or a choice plays.
_OF_MENU, _OF_RULE, _OF_LINE, _OF_CHOICE = "m", "r", "c", "k"
_STEP_NAME = re.compile(r"([mrck])([1-9][0-9]{0,17})")
# A sound is played to its end, and leads on although no key may ever be told.
_SOUND_SECONDS = 1
_STATUSES = {"online": 0, "unknown": 1}


def is_step(name):
    """Return whether a step of this name is one that decisions ask for."""
    return bool(_STEP_NAME.fullmatch(name))


def is_open(intervals, moment):
    """Return whether ``moment`` lies in one of ``intervals``.

    :param intervals: iterable of ``(start, stop)``, naive UTC, ``start`` within and
        ``stop`` not; ``None`` on either side: without an end there.
    """
    return any(
        (start is None or start <= moment) and (stop is None or moment < stop)
        for start, stop in intervals
    )


# ------------------------------------------------------------- what people set up


@dataclass(frozen=True)
class Target:
    """Where a call is to go: what ``pbx.target`` holds, as plain values.

    :var str label: what it is called in the way through menus: the name of the person,
        team or menu, a number, a target of the PBX.
    :var str pbx_target: in the PBX's own words; for ``play``: what follows, ``""``
        hangs up.
    :var int days: for ``last_agent``: not longer ago.
    :var int ring_seconds: until the PBX goes on with its scenario; 0: never. A PBX that
        cannot be told ignores it.
    """

    target: str
    user_id: int | None = None
    extension_id: int | None = None
    team_id: int | None = None
    menu_id: int | None = None
    pbx_target: str = ""
    sound: str = ""
    days: int = 30
    ring_seconds: int = 0
    label: str = ""


@dataclass(frozen=True)
class Rule:
    """A routing rule that is active and may serve this provider.

    All conditions must hold. An empty set: any.

    :var frozenset line_ids: ids of lines.
    :var str caller: ``any``, ``known``, ``unknown`` or ``withheld``.
    :var frozenset category_ids: one of these tags has the contact or its company.
    :var frozenset countries: two-letter codes, upper case.
    :var str moment: ``always``, ``open`` or ``closed``, by ``calendar_id``, else the
        line's calendar, else the company's. Without any calendar it is always open.
    """

    id: int
    name: str
    target: Target
    sequence: int = 10
    line_ids: frozenset = frozenset()
    caller: str = ANY
    category_ids: frozenset = frozenset()
    countries: frozenset = frozenset()
    moment: str = ALWAYS
    calendar_id: int | None = None


@dataclass(frozen=True)
class Choice:
    """A key, or several, and where it leads; ``id`` of the choice."""

    id: int
    digits: str
    target: Target


@dataclass(frozen=True)
class Menu:
    """A menu; ``timeout`` in seconds, ``digits`` is how many keys at most.

    ``default`` is a target of the PBX, or ``hangup``.
    """

    id: int
    name: str
    sound: str
    timeout: int = 5
    attempts: int = 2
    digits: int = 1
    default: str = HANGUP
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Line:
    """The line that was called; ``closed_target`` ``""`` hangs up after the sound."""

    id: int
    number: str = ""
    name: str = ""
    team_id: int | None = None
    calendar_id: int | None = None
    closed_sound: str = ""
    closed_target: str = ""


# ------------------------------------------------------------- what is known now


@dataclass(frozen=True)
class Phone:
    """An extension of the provider that asks.

    :var str number: what a redirect names.
    :var str status: ``online``, ``offline`` or ``unknown``, as it was at
        ``checked_at``; ``None``: never asked.
    :var str caller_id: E.164, or ``""``.
    :var bool is_busy: a call other than this one, that is not over, talks there, rings
        there or was sent there.
    :var bool is_shared: more than one person has it.
    """

    id: int
    number: str
    status: str = "unknown"
    checked_at: datetime | None = None
    caller_id: str = ""
    is_busy: bool = False
    is_shared: bool = False


@dataclass(frozen=True)
class Person:
    """A user who may be asked to take the call.

    :var bool is_agent: active, of the company, and an agent.
    :var absences: intervals as for :func:`is_open`: time off, out of office.
    :var hours: intervals in which he works; ``None``: nobody says.
    :var tuple phone_ids: his extensions at this provider (``Facts.phones``).
    :var int preferred_phone_id: the one that he chose to dial with.
    :var datetime talked_at: when his last talk ended; ``None``: never, or long ago.
    :var bool is_busy: he speaks on, or is rung at, a phone that is not at this
        provider.
    """

    id: int
    name: str
    is_agent: bool = True
    absences: tuple = ()
    hours: tuple | None = None
    phone_ids: tuple[int, ...] = ()
    preferred_phone_id: int | None = None
    talked_at: datetime | None = None
    is_busy: bool = False
    deputy_id: int | None = None


@dataclass(frozen=True)
class Caller:
    """Who calls, as far as it was looked up.

    :var str number: E.164; ``""``: withheld.
    :var str kind: ``known`` (a contact, a lead, or several match), ``unknown``,
        ``withheld``; ``""``: nobody was looked up (``lookup_on_answer``).
    :var bool is_ours: an extension, or one of our lines; the call is internal.
    :var frozenset category_ids: tags of the contact and of its company.
    :var str country: of the number, two letters, upper case, or ``""``.
    :var str name: what phones are to show.
    :var int salesperson_id: of the one open lead, else of the contact, else of its
        company.
    :var int promise_user_id: the responsible of the number's open promise.
    :var int last_agent_id: who spoke last with the number; and when: ``last_talk_at``.
    """

    number: str = ""
    kind: str = WITHHELD
    is_ours: bool = False
    category_ids: frozenset = frozenset()
    country: str = ""
    name: str = ""
    partner_id: int | None = None
    lead_id: int | None = None
    salesperson_id: int | None = None
    promise_user_id: int | None = None
    last_agent_id: int | None = None
    last_talk_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """All that decides, besides the rules.

    :var datetime moment: the call's, for calendars, hours and absences.
    :var datetime now: for what phones and people do; ``None``: ``moment``. They differ
        where somebody tries what would happen at another time.
    :var calendars: ``{calendar id: intervals}`` around ``moment``; one that is not here
        is closed.
    :var int calendar_id: the company's.
    :var persons: ``{user id: Person}``, deputies too. See :func:`candidates`.
    :var phones: ``{extension id: Phone}``, of the provider.
    :var teams: ``{team id: user ids}``.
    :var menus: ``{menu id: Menu}``, of the provider.
    :var int wrap_up_seconds: so long after a talk a person is left alone; 0: not.
    :var frozenset can: what the PBX can be told (``Dialect.decisions``).
    :var bool is_blocked: the caller's number is.
    :var MenuStep step: the step that the caller finished; ``None``: a new call.
    :var frozenset sent: where this call was sent before: ``Outcome.routed_to`` of the
        earlier answers.
    :var int answers: how many answers this call was given before.
    :var Outcome last: the last of them.
    :var Outcome repeated: what this very event was answered, if it came before.
    :var tuple way: ``Outcome.way`` of the last answer; not needed with ``last``.
    """

    moment: datetime
    caller: Caller = Caller()
    line: Line | None = None
    now: datetime | None = None
    calendars: Mapping = field(default_factory=dict)
    calendar_id: int | None = None
    persons: Mapping = field(default_factory=dict)
    phones: Mapping = field(default_factory=dict)
    teams: Mapping = field(default_factory=dict)
    menus: Mapping = field(default_factory=dict)
    wrap_up_seconds: int = 0
    can: frozenset = frozenset(DECISIONS)
    is_blocked: bool = False
    step: MenuStep | None = None
    sent: frozenset = frozenset()
    answers: int = 0
    last: "Outcome | None" = None
    repeated: "Outcome | None" = None
    way: tuple[str, ...] = ()


# ------------------------------------------------------------- what comes of it


@dataclass(frozen=True)
class Look:
    """One person, or one extension, that was looked at.

    :var str code: why not, or ``chosen``.
    :var str number: the extension, where there is one.
    :var str deputy_of: the name of him in whose place he was asked.
    """

    code: str
    name: str = ""
    user_id: int | None = None
    number: str = ""
    deputy_of: str = ""


@dataclass(frozen=True)
class Step:
    """One rule, and what came of it: there is one for each rule that was looked at.

    :var int rule: its id; ``None``: a menu's choice, or, as ``unable``, the refusal of
        a blocked number or the closed message of the line.
    :var str name: of the rule, as it was.
    :var str code: a condition that does not hold, why nobody is reached, or ``chosen``.
        Where several people were looked at for different reasons, ``nobody``.
    :var str target: ``Target.target``.
    :var str digits: of a menu's choice; ``name`` is then the menu's.
    :var tuple looks: who was looked at, in that order.
    """

    rule: int | None
    name: str
    code: str
    target: str = ""
    digits: str = ""
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the PBX is told, and why.

    :var Decision decision: for ``Dialect.reply``.
    :var int rule: id of the rule that decided, or ``None``.
    :var str code: ``route_code`` of the call: ``blocked``, ``route``, ``closed``,
        ``menu``, ``scenario`` or ``failed``.
    :var dict args: JSON-able, what a sentence about it may name; keys are left out
        where there is nothing: ``rule`` (name), ``target``, ``person``, ``number``
        (extension, or target of the PBX), ``deputy_of``, ``menu``, ``digits``,
        ``line``, ``why``.
    :var tuple steps: :class:`Step`.
    :var tuple way: through the menus: ``("Main", "2", "Sales")``.
    :var MenuStep answers_to: the finished step that this answers.
    """

    decision: Decision = Decision()
    rule: int | None = None
    code: str = SCENARIO_CODE
    args: dict = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    way: tuple[str, ...] = ()
    answers_to: MenuStep | None = None

    @property
    def routed_to(self):
        """What the PBX was told to call: ``101``, ``0-1``; ``""``: nothing."""
        return self.decision.redirect

    def to_json(self):
        """Return it as a JSON-able dict, as an event keeps it; of what is as usual only
        the code is there."""
        return {"code": self.code, **_to_json(self)}

    @classmethod
    def from_json(cls, data):
        """Return what ``to_json`` wrote; names that are unknown are passed over."""
        decision = dict(data.get("decision") or {})
        if decision.get("ask"):
            decision["ask"] = _from_json(Ask, decision["ask"])
        steps = tuple(
            _from_json(
                Step,
                {
                    "rule": None,
                    "name": "",
                    **step,
                    "looks": tuple(
                        _from_json(Look, look) for look in step.get("looks") or ()
                    ),
                },
            )
            for step in data.get("steps") or ()
        )
        answers_to = data.get("answers_to")
        return _from_json(
            cls,
            {
                **data,
                "answers_to": answers_to and _from_json(MenuStep, answers_to),
                "decision": _from_json(Decision, decision),
                "args": dict(data.get("args") or {}),
                "steps": steps,
                "way": tuple(data.get("way") or ()),
            },
        )


def _to_json(value):
    if is_dataclass(value):
        return {
            name: _to_json(own)
            for name, default in _defaults(type(value)).items()
            # 0 seconds are not the same as none.
            if (own := getattr(value, name)) != default
            or type(own) is not type(default)
        }
    if isinstance(value, tuple):
        return [_to_json(one) for one in value]
    return value


@cache
def _defaults(kind):
    """Return ``{name of a field: its default}``: each call writes many of them."""
    return {
        one.name: {} if one.default is MISSING else one.default for one in fields(kind)
    }


def _from_json(kind, data):
    known = _defaults(kind)
    return kind(**{name: value for name, value in data.items() if name in known})


def failed(why=""):
    """Return the outcome of a decision that failed or came too late."""
    return Outcome(code=FAILED, args={"why": why} if why else {})


@dataclass(frozen=True)
class Candidates:
    """Of whom phones, calls and absences have to be known before ``decide``."""

    user_ids: frozenset
    extension_ids: frozenset


def candidates(rules, facts):
    """Return the :class:`Candidates` of all rules, or of the finished menu's choices.

    Needs ``facts.caller``, ``line``, ``teams``, ``menus`` and ``step``, not persons and
    phones. Deputies are the caller's to add (``Person.deputy_id``), as are the phones
    of all these people.
    """
    users, extensions = set(), set()
    for target in _possible_targets(rules, facts):
        users.update(_users_of(target, facts))
        if target.target == EXTENSION and target.extension_id:
            extensions.add(target.extension_id)
    return Candidates(frozenset(users), frozenset(extensions))


def decide(rules, facts):
    """Return the :class:`Outcome` for a call.

    :param rules: iterable of :class:`Rule` in any order: those of the company that may
        serve this provider, active ones alone.
    :param Facts facts: see there.
    """
    rules = _in_order(rules)
    if facts.repeated:
        return facts.repeated
    if facts.caller.is_ours:
        return _scenario(facts, args={"why": OURS})
    if facts.answers >= MAX_ANSWERS:
        return Outcome(args={"why": TOO_MANY}, way=_way(facts), answers_to=facts.step)
    if before := _answer_to_the_same_step(facts):
        return before
    if facts.step:
        return replace(_after_step(rules, facts), answers_to=facts.step)
    steps = []
    if facts.is_blocked:
        if REFUSE in facts.can:
            return Outcome(Decision(refuse=True), code=BLOCKED)
        steps.append(Step(None, "", UNABLE, REFUSE_TARGET))
    for rule in rules:
        code, reached = _failing_condition(rule, facts), None
        if not code:
            reached = _reach(rule.target, facts, f"{_OF_RULE}{rule.id}")
            code = reached.code
        steps.append(
            Step(
                rule=rule.id,
                name=rule.name,
                code=code,
                target=rule.target.target,
                looks=reached.looks if reached else (),
            )
        )
        if code == CHOSEN:
            return Outcome(
                reached.decision,
                rule=rule.id,
                code=ROUTE,
                args={"rule": rule.name, **reached.args},
                steps=tuple(steps),
                way=reached.way,
            )
    if closed := _closed_message(facts):
        if closed.code == CHOSEN:
            return Outcome(
                closed.decision,
                code=CLOSED,
                args={**_named(facts.line), **closed.args},
                steps=tuple(steps),
            )
        steps.append(Step(None, facts.line.name, closed.code, PLAY_TARGET))
    return _scenario(facts, steps=tuple(steps))


def _answer_to_the_same_step(facts):
    """Return the last answer, if the caller was led out of the step by it.

    Where it asked for the same step again, he may have pressed the same key.
    """
    last = facts.last
    if not facts.step or not last or last.answers_to != facts.step:
        return None
    asked = last.decision.ask
    return None if asked and asked.name == facts.step.name else last


def _way(facts):
    return facts.last.way if facts.last else facts.way


def _in_order(rules):
    return sorted(rules, key=lambda rule: (rule.sequence, rule.id))


def _scenario(facts, **values):
    return Outcome(Decision(caller_name=facts.caller.name), **values)


# ------------------------------------------------------------- do the conditions hold?


def _is_open_by(calendar_id, facts):
    """Whether a calendar is open; without any there are no hours to be closed in."""
    if calendar_id is None:
        return True
    return is_open(facts.calendars.get(calendar_id, ()), facts.moment)


def _calendar_of_line(facts):
    return (facts.line and facts.line.calendar_id) or facts.calendar_id


def _failing_condition(rule, facts):
    """Return the code of the first condition that does not hold, or ``""``.

    Nobody has to be reached for this: persons and phones are not read.
    """
    caller = facts.caller
    kind = caller.kind if caller.number else WITHHELD
    if rule.line_ids and (not facts.line or facts.line.id not in rule.line_ids):
        return LINE
    if rule.caller != ANY and rule.caller != kind:
        # A number that is withheld is known to be so without asking anybody.
        return CALLER if kind or rule.caller == WITHHELD else UNASKED
    if rule.category_ids and not rule.category_ids & caller.category_ids:
        return TAG if kind else UNASKED
    if rule.countries and caller.country not in rule.countries:
        return COUNTRY
    if rule.moment != ALWAYS:
        calendar_id = rule.calendar_id or _calendar_of_line(facts)
        if _is_open_by(calendar_id, facts) != (rule.moment == OPEN):
            return MOMENT
    if rule.target.target in OF_THE_CALLER and not kind:
        return UNASKED
    return ""


# ------------------------------------------------------------- can it be reached?


@dataclass(frozen=True)
class _Reached:
    """What came of a target: the decision if ``code`` is ``chosen``, else why not."""

    code: str
    decision: Decision = Decision()
    looks: tuple = ()
    args: dict = field(default_factory=dict)
    way: tuple = ()


def _users_of(target, facts):
    """Return the ids of those whom a target means, in the order of asking them."""
    caller = facts.caller
    if target.target == TEAM:
        team_id = target.team_id or (facts.line and facts.line.team_id)
        return sorted(
            facts.teams.get(team_id, ()), key=lambda user_id: _idleness(user_id, facts)
        )
    if target.target == LAST_AGENT:
        spoken = caller.last_talk_at
        if not spoken or facts.moment - spoken > timedelta(days=target.days):
            return []
    user_id = {
        PROMISE: caller.promise_user_id,
        SALESPERSON: caller.salesperson_id,
        LAST_AGENT: caller.last_agent_id,
        USER: target.user_id,
    }.get(target.target)
    return [user_id] if user_id else []


def _idleness(user_id, facts):
    """Sort key: who has not talked for the longest time comes first."""
    person = facts.persons.get(user_id)
    talked_at = person and person.talked_at
    return (talked_at is not None, talked_at or facts.moment, user_id)


def _reach(target, facts, step_name):
    """Return the :class:`_Reached` of a target.

    :param str step_name: of the step that a sound becomes.
    """
    kind = target.target
    if not _NEEDS.get(kind, {None}) <= facts.can:
        return _Reached(UNABLE)
    if kind in _PEOPLE:
        return _reach_people(target, facts)
    if kind == EXTENSION:
        return _reach_extension(target, facts)
    if kind == PBX:
        return _reach_place(target, facts)
    if kind == MENU_TARGET:
        return _reach_menu(target, facts)
    args = {"target": kind}
    if kind == PLAY_TARGET:
        return _play(target.sound, target.pbx_target, step_name, facts, args)
    if kind == SCENARIO_TARGET:
        return _Reached(CHOSEN, Decision(caller_name=facts.caller.name), args=args)
    ending = Decision(refuse=kind == REFUSE_TARGET, hangup=kind == HANGUP_TARGET)
    return _Reached(CHOSEN, ending, args=args)


def _redirect(number, target, facts):
    return Decision(
        caller_name=facts.caller.name,
        redirect=number,
        return_timeout=target.ring_seconds,
    )


def _reach_people(target, facts):
    looks, deputies, phone = [], {}, None
    for user_id in _users_of(target, facts):
        look, phone = _look_at_person(user_id, facts)
        looks.append(look)
        if phone:
            break
        deputy_id = look.code in (ABSENT, OFF_HOURS) and (
            facts.persons[user_id].deputy_id
        )
        if deputy_id:
            deputies.setdefault(deputy_id, look.name)
    codes = {look.code for look in looks}
    seen = {look.user_id for look in looks}
    for deputy_id, name in deputies.items():
        if phone:
            break
        if deputy_id in seen:
            continue
        look, phone = _look_at_person(deputy_id, facts, deputy_of=name)
        looks.append(look)
    if not phone:
        code = codes.pop() if len(codes) == 1 else NOBODY
        return _Reached(code, looks=tuple(looks))
    last = looks[-1]
    args = {"target": target.target, "person": last.name, "number": phone.number}
    if last.deputy_of:
        args["deputy_of"] = last.deputy_of
    return _Reached(CHOSEN, _redirect(phone.number, target, facts), tuple(looks), args)


def _look_at_person(user_id, facts, deputy_of=""):
    """Return ``(Look, Phone)``, the phone being ``None`` unless the code is ``chosen``.

    The first code that fits counts, in the order in which they stand here.
    """
    person = facts.persons.get(user_id)

    def look(code, phone=None):
        number = phone.number if phone else ""
        name = person.name if person else ""
        return Look(code, name, user_id, number, deputy_of), phone

    if not person or not person.is_agent:
        return look(GONE)
    if is_open(person.absences, facts.moment):
        return look(ABSENT)
    if person.hours is not None and not is_open(person.hours, facts.moment):
        return look(OFF_HOURS)
    phones = own = [
        facts.phones[phone_id]
        for phone_id in person.phone_ids
        if phone_id in facts.phones
    ]
    if not phones:
        return look(NO_PHONE)
    for code, excludes in (
        (IS_CALLER, _is_callers),
        (OFFLINE, _is_offline),
        (SENT, lambda phone, facts: phone.number in facts.sent),
    ):
        phones = [phone for phone in phones if not excludes(phone, facts)]
        if not phones:
            return look(code)
    if person.is_busy or any(phone.is_busy and not phone.is_shared for phone in own):
        return look(BUSY)
    phones = [phone for phone in phones if not phone.is_busy]
    if not phones:
        return look(BUSY)
    if _is_wrapping(person, facts):
        return look(WRAPPING)
    return look(CHOSEN, min(phones, key=lambda phone: _preference(phone, person)))


def _is_callers(phone, facts):
    """Whether the call comes from this phone, or from what it shows to others."""
    number = facts.caller.number
    return bool(number) and number in (phone.number, phone.caller_id)


def _now(facts):
    return facts.now or facts.moment


def _is_offline(phone, facts):
    return (
        phone.status == "offline"
        and phone.checked_at is not None
        and _now(facts) - phone.checked_at < OFFLINE_FOR
    )


def _is_wrapping(person, facts):
    if not person.talked_at:
        return False
    # The PBX's clock may be a bit ahead of ours.
    since = abs(_now(facts) - person.talked_at)
    return since < timedelta(seconds=facts.wrap_up_seconds)


def _preference(phone, person):
    """Sort key of the phones of a person: the one to ring comes first."""
    number = phone.number
    return (
        phone.id != person.preferred_phone_id,
        _STATUSES.get(phone.status, len(_STATUSES)),
        (0, int(number)) if number.isdecimal() else (1, 0),
        number,
        phone.id,
    )


def _reach_extension(target, facts):
    """Whoever sits there: what its people do is not looked at."""
    phone = facts.phones.get(target.extension_id)
    if not phone:
        return _Reached(GONE)
    code = CHOSEN
    if _is_offline(phone, facts):
        code = OFFLINE
    elif phone.number in facts.sent:
        code = SENT
    elif phone.is_busy:
        code = BUSY
    looks = (Look(code, number=phone.number),)
    if code != CHOSEN:
        return _Reached(code, looks=looks)
    args = {"target": EXTENSION, "number": phone.number}
    return _Reached(CHOSEN, _redirect(phone.number, target, facts), looks, args)


def _reach_place(target, facts):
    """A target in the PBX's own words; whether there is one, nobody but it knows."""
    place = target.pbx_target
    if not place:
        return _Reached(UNABLE)
    if place in facts.sent:
        return _Reached(SENT)
    args = {"target": PBX, "number": place}
    return _Reached(CHOSEN, _redirect(place, target, facts), args=args)


def _reach_menu(target, facts):
    menu = facts.menus.get(target.menu_id)
    if not menu:
        return _Reached(GONE)
    decision = Decision(
        play=menu.sound,
        ask=Ask(
            name=f"{_OF_MENU}{menu.id}",
            timeout=menu.timeout,
            attempts=menu.attempts,
            digits=menu.digits,
            default=menu.default or HANGUP,
        ),
    )
    args = {"target": MENU_TARGET, "menu": menu.name}
    return _Reached(CHOSEN, decision, args=args, way=(menu.name,))


def _play(sound, then, step_name, facts, args):
    """A sound, and what follows it: a target of the PBX, or ``""``: the end."""
    if not sound:
        return _Reached(UNABLE)
    if then and then in facts.sent:
        return _Reached(SENT)
    ask = Ask(
        name=step_name,
        timeout=_SOUND_SECONDS,
        attempts=1,
        digits=1,
        default=then or HANGUP,
    )
    if then and then != HANGUP:
        args = {**args, "number": then}
    return _Reached(CHOSEN, Decision(play=sound, ask=ask), args=args)


def _named(line):
    return {"line": line.name or line.number}


def _closed_message(facts):
    """Return the :class:`_Reached` of the line's closed message; ``None``: it has none,
    or is open."""
    line = facts.line
    if not line or not line.closed_sound:
        return None
    if _is_open_by(_calendar_of_line(facts), facts):
        return None
    if not _NEEDS[PLAY_TARGET] <= facts.can:
        return _Reached(UNABLE)
    name = f"{_OF_LINE}{line.id}"
    return _play(line.closed_sound, line.closed_target, name, facts, {})


# ------------------------------------------------------------- after a step


def _choice_of(choice_id, facts):
    """Return a choice and its menu, ``(Menu, Choice)``; both ``None`` if it is gone."""
    for menu in facts.menus.values():
        for choice in menu.choices:
            if choice.id == choice_id:
                return menu, choice
    return None, None


def _after_step(rules, facts):
    """What a caller who finished a step is told: his choice, or the step's default."""
    found = _STEP_NAME.fullmatch(facts.step.name)
    kind, number = (found[1], int(found[2])) if found else ("", 0)
    if kind == _OF_MENU and number in facts.menus:
        return _after_menu(facts.menus[number], facts)
    if kind == _OF_LINE and facts.line and facts.line.id == number:
        args = _named(facts.line)
        return _end(facts.line.closed_target, facts, args, code=CLOSED)
    if kind == _OF_RULE:
        for rule in rules:
            if rule.id == number and rule.target.target == PLAY_TARGET:
                args = {"rule": rule.name, "target": PLAY_TARGET}
                then = rule.target.pbx_target
                return _end(then, facts, args, code=ROUTE, rule=rule.id)
    if kind == _OF_CHOICE:
        menu, choice = _choice_of(number, facts)
        if choice and choice.target.target == PLAY_TARGET:
            args = {"menu": menu.name, "digits": choice.digits, "target": PLAY_TARGET}
            # Who asks here without having been led here came by that choice all the
            # same.
            way = _way(facts) or (menu.name, choice.digits)
            return _end(choice.target.pbx_target, facts, args, way, code=MENU)
    return Outcome(args={"why": NO_MENU}, way=_way(facts))


def _after_menu(menu, facts):
    step, way = facts.step, _way(facts)
    if not way or way[-1] != menu.name:
        way = (*way, menu.name)
    args = {"menu": menu.name}
    if step.digits:
        args["digits"] = step.digits
    if step.defaulted:
        return _end(menu.default, facts, code=MENU, args=args, way=way)
    if step.digits:
        way = (*way, step.digits)
    for choice in menu.choices:
        if choice.digits == step.digits:
            break
    else:
        args["why"] = NO_CHOICE
        return _end(menu.default, facts, code=MENU, args=args, way=way)
    target = choice.target
    reached = _reach(target, facts, f"{_OF_CHOICE}{choice.id}")
    tried = Step(
        rule=None,
        name=menu.name,
        code=reached.code,
        target=target.target,
        digits=step.digits,
        looks=reached.looks,
    )
    if reached.code != CHOSEN:
        args["why"] = NOT_REACHED
        return _end(menu.default, facts, code=MENU, args=args, steps=(tried,), way=way)
    args = {**args, **reached.args}
    label = target.label or args.get("number", "")
    further = reached.way or ((label,) if label else ())
    return Outcome(
        reached.decision,
        code=MENU,
        args=args,
        steps=(tried,),
        way=(*way, *further),
    )


def _end(place, facts, args=None, way=None, **values):
    """Return the outcome of a step's default: ``place``, or the end of the call.

    It is told as a reply of its own where the PBX has not done it by itself.
    """
    args = dict(args or {})
    place = "" if place == HANGUP else place
    if place:
        args["number"] = place
    if facts.step.defaulted:
        decision, why = Decision(), DEFAULTED
    elif place and place in facts.sent:
        decision, why = Decision(), SENT
    elif place:
        decision, why = Decision(redirect=place, return_timeout=0), ""
    else:
        decision, why = Decision(hangup=True), ""
    if why:
        args.setdefault("why", why)
    way = _way(facts) if way is None else way
    return Outcome(decision, args=args, way=way, **values)


def _possible_targets(rules, facts):
    """Yield the targets that may be tried; whether people can be reached is open."""
    if facts.repeated or _answer_to_the_same_step(facts):
        return
    if facts.caller.is_ours or facts.answers >= MAX_ANSWERS:
        return
    if facts.step:
        found = _STEP_NAME.fullmatch(facts.step.name)
        menu = found and found[1] == _OF_MENU and facts.menus.get(int(found[2]))
        for choice in menu.choices if menu else ():
            if choice.digits == facts.step.digits:
                yield choice.target
        return
    if facts.is_blocked and REFUSE in facts.can:
        return
    for rule in _in_order(rules):
        if _failing_condition(rule, facts):
            continue
        yield rule.target
        kind = rule.target.target
        if kind not in (*_PEOPLE, EXTENSION):
            if _reach(rule.target, facts, "").code == CHOSEN:
                # It decides whatever comes after it.
                return
