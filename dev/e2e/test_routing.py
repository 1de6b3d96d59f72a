"""Where calls go: rules in a running Odoo, and exchanges that do what they are told.

The fake PBX obeys the replies to its signed webhooks; a real Asterisk takes customers
to the telephones that Odoo names.
"""

import contextlib
import itertools
import threading
import time
from types import SimpleNamespace

import log
import pytest
from exchange import PATIENCE_SECONDS
from posting import post, render, session

from asterisk.config import LINES
from asterisk.phone import PhoneError
from lib import phones
from lib.rpc import request_json

LINE = "+442079460900"
SOUND = "0123456789abcdef"
ROUTED = [
    *("ref", "state", "outcome", "number", "route_id", "route_code", "route_reason"),
    *("routed_to", "is_blocked", "promise_id", "participant_ids", "user_id"),
]


class Routing:
    """What an administrator sets up, and what the log says of it; forgotten at the end
    of each test."""

    def __init__(self, admin, provider):
        self.admin, self.provider = admin, provider
        self.made = []

    def create(self, model, **values):
        made = self.admin.call(model, "create", values)
        self.made.append((model, made))
        return made

    def rule(self, target="user", **values):
        values.setdefault("name", target.capitalize())
        return self.create(
            "pbx.route", target=target, provider_id=self.provider, **values
        )

    def menu(self, name, *choices, **values):
        """`choices`: ``(digits, values of the target)``."""
        keys = [(0, 0, {"digits": digits, **values}) for digits, values in choices]
        return self.create(
            "pbx.menu",
            name=name,
            provider_id=self.provider,
            sound=SOUND,
            choice_ids=keys,
            **values,
        )

    def forget(self):
        while self.made:
            model, record = self.made.pop()
            self.admin.call(model, "unlink", [record])

    def call_of(self, ref, until=lambda call: True):
        """The call of the log with the PBX's id `ref`, once it is so."""
        domain = [("provider_id", "=", self.provider), ("ref", "=", ref)]

        def find():
            found = self.admin.call("pbx.call", "search_read", domain, ROUTED)
            return found and until(found[0]) and found[0]

        return log.until(find, PATIENCE_SECONDS, f"the call {ref} is as expected")


def is_over(call):
    return call["state"] == "done"


# ------------------------------------------------------------------- the fake PBX


class Office(Routing):
    """:var users: ``{number of an extension: the only user of it}``.
    :var line: the id of the line that is called.
    """

    line: int

    def __init__(self, odoo, pbx, provider):
        super().__init__(odoo.login("admin"), provider["id"])
        self.odoo, self.pbx = odoo, pbx
        self.webhook_url, self.secret = provider["webhook_url"], provider["api_secret"]
        self.users = phones.assign_users(self.admin, self.provider, "agent")
        self.callers = map("+44161496{}".format, itertools.count(2000))

    def begin(self, caller=None, line=LINE):
        """Somebody calls; what the PBX then does."""
        number = next(self.callers) if caller is None else caller
        return self.pbx.post("/control/calls", {"caller": number, "line": line})

    def step(self, call, action, **body):
        return self.pbx.post(f"/control/calls/{call['id']}/{action}", body)

    def reply(self, call, event="NOTIFY_START"):
        """What the PBX was answered, the last time that it told such an event."""
        entries = request_json(f"{self.pbx.url}/control/log?limit=1000")
        return next(
            entry["reply"]
            for entry in entries
            if (entry["event"], entry["pbx_call_id"]) == (event, call["pbx_call_id"])
        )

    def problems(self):
        entries = request_json(f"{self.pbx.url}/control/log?limit=1000")
        return [entry["problems"] for entry in entries if entry.get("problems")]

    def logged(self, call, until=lambda call: True):
        return self.call_of(call["pbx_call_id"], until)


@pytest.fixture(scope="module")
def started_office(own):
    office = Office(*own)
    known = {number: {"online": True} for number in office.users}
    # Time passes when a test says so.
    told = {"extensions": known, "steered": {"speed": 0}}
    office.pbx.post("/control/settings", told)
    # “Connect” brings the lines.
    phones.press_connect(office.admin, office.provider)
    domain = [("provider_id", "=", office.provider), ("number", "=", LINE)]
    [office.line] = office.admin.call("pbx.line", "search", domain)
    yield office


@pytest.fixture
def office(started_office):
    yield started_office
    started_office.forget()
    for call in request_json(f"{started_office.pbx.url}/control/calls"):
        if call["state"] != "ended":
            started_office.step(call, "hangup")
    # What the PBX was told was written as it understands it.
    assert not started_office.problems()


def test_without_rules_the_pbx_goes_its_own_way(office):
    call = office.begin()
    assert office.reply(call) == {}
    assert call["ringing"] == list(office.users)
    found = office.logged(call)
    assert (found["route_code"], found["routed_to"]) == ("scenario", False)


def test_a_call_rings_where_the_rule_says(office):
    route = office.rule(user_id=office.users["102"], ring_seconds=20)
    call = office.begin()
    assert office.reply(call) == {"redirect": "102", "return_timeout": 20}
    assert call["ringing"] == ["102"]
    office.step(call, "answer")
    office.step(call, "hangup")
    found = office.logged(call, is_over)
    assert (found["route_code"], found["routed_to"]) == ("route", "102")
    assert found["route_id"][0] == route
    assert "Agent 102 (102)" in found["route_reason"]
    assert found["participant_ids"] == [office.users["102"]]
    assert (found["outcome"], found["user_id"][0]) == ("answered", office.users["102"])


def test_it_comes_back_where_nobody_lifts(office):
    office.rule(user_id=office.users["102"], ring_seconds=20)
    call = office.begin()
    assert office.step(call, "timeout")["ringing"] == list(office.users)
    office.step(call, "answer", extension="101")
    office.step(call, "hangup")
    found = office.logged(call, is_over)
    # Where it was sent stays what was decided, whoever lifted then.
    assert (found["routed_to"], found["user_id"][0]) == ("102", office.users["101"])


def test_a_number_that_is_blocked_hears_busy_and_is_owed_nothing(office):
    office.rule(user_id=office.users["102"])
    caller = next(office.callers)
    office.create("pbx.blocked", number=caller[:-2] + "*")
    call = office.begin(caller)
    assert office.reply(call) == {"redirect": "blacklist", "return_timeout": 0}
    assert call["state"] == "ended"
    found = office.logged(call, is_over)
    assert found["is_blocked"] and found["route_code"] == "blocked"
    assert (found["outcome"], found["promise_id"]) == ("busy", False)


def test_whoever_was_lost_is_sent_to_who_owes_the_call_back(office):
    caller = next(office.callers)
    contact = {"phone": caller, "user_id": office.users["103"]}
    office.create("res.partner", name="Owed a call", **contact)
    lost = office.begin(caller)
    office.step(lost, "hangup")
    promised = office.logged(lost, lambda call: call["promise_id"])["promise_id"][0]
    [promise] = office.admin.call("pbx.promise", "read", [promised], ["user_id"])
    assert promise["user_id"][0] == office.users["103"]
    office.rule("promise", ring_seconds=15)
    office.rule("salesperson")
    again = office.begin(caller)
    assert again["ringing"] == ["103"] and again["caller_name"] == "Owed a call"
    assert office.reply(again)["return_timeout"] == 15
    office.step(again, "hangup")
    # Lost again: it is owed the same call, and the next one goes there, too.
    lost = office.logged(again, lambda call: call["promise_id"])
    assert lost["promise_id"][0] == promised
    assert office.begin(caller)["ringing"] == ["103"]
    other = office.begin()
    assert other["ringing"] == list(office.users)
    reason = office.logged(other)["route_reason"]
    assert "Promise" in reason and "Salesperson" in reason


def test_two_callers_in_one_moment_are_two_phones(office):
    team = office.create("crm.team", name="Moment")
    for number in ("101", "102"):
        user = office.users[number]
        office.create("crm.team.member", crm_team_id=team, user_id=user)
    office.rule("team", team_id=team)
    callers = [next(office.callers) for _ in range(3)]
    barrier, calls = threading.Barrier(len(callers)), []

    def ring(caller):
        barrier.wait()
        calls.append(office.begin(caller))

    threads = [threading.Thread(target=ring, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = sorted(call.get("redirect", "") for call in calls)
    assert sent == ["", "101", "102"]


@contextlib.contextmanager
def closed_line(office):
    """The line has a calendar without hours, and a message."""
    calendar = office.create(
        "resource.calendar", name="Never", attendance_ids=[(5, 0, 0)]
    )
    line = office.line
    values = {"calendar_id": calendar, "closed_sound": SOUND, "closed_target": "0-main"}
    office.admin.call("pbx.line", "write", [line], values)
    yield line
    empty = {"calendar_id": False, "closed_sound": False, "closed_target": False}
    office.admin.call("pbx.line", "write", [line], empty)


def test_a_line_that_is_closed_says_so(office):
    office.rule(user_id=office.users["102"], moment="open")
    with closed_line(office) as line:
        call = office.begin()
        ask = {"timeout": 1, "attempts": 1, "maxdigits": 1, "default": "0-main"}
        assert office.reply(call) == {
            "ivr_play": SOUND,
            "wait_dtmf": {**ask, "name": f"c{line}"},
        }
        assert call["play"] == SOUND
        over = office.step(call, "timeout")
        # By itself; what it was answered to that says no more.
        assert office.reply(call, "NOTIFY_IVR") == {}
        assert (over["redirect"], over["state"]) == ("0-main", "ringing")
        # Who presses a key comes to the same end.
        pressing = office.step(office.begin(), "press", digits="5")
        assert office.reply(pressing, "NOTIFY_IVR") == {
            "redirect": "0-main",
            "return_timeout": 0,
        }
        assert office.logged(call)["route_code"] == "closed"


def test_a_menu_leads_to_people_and_back(office):
    more = office.menu("More", digits=2)
    main = office.menu(
        "Main",
        ("1", {"target": "user", "user_id": office.users["101"], "ring_seconds": 20}),
        ("2", {"target": "menu", "menu_id": more}),
        ("3", {"target": "refuse"}),
        default_target="0-1",
    )
    back = {"parent_id": more, "digits": "*", "target": "menu", "menu_id": main}
    office.create("pbx.menu.choice", **back)
    office.rule("menu", menu_id=main)
    call = office.begin()
    ask = {"timeout": 5, "attempts": 2, "maxdigits": 1, "default": "0-1"}
    assert office.reply(call) == {
        "ivr_play": SOUND,
        "wait_dtmf": {**ask, "name": f"m{main}"},
    }
    assert office.step(call, "press", digits="2")["asks"]["name"] == f"m{more}"
    assert office.step(call, "press", digits="*")["asks"]["name"] == f"m{main}"
    # The same key as before, in the same menu.
    assert office.step(call, "press", digits="2")["asks"]["name"] == f"m{more}"
    office.step(call, "press", digits="*")
    assert office.step(call, "press", digits="1")["ringing"] == ["101"]
    assert office.reply(call, "NOTIFY_IVR") == {"redirect": "101", "return_timeout": 20}
    office.step(call, "answer")
    office.step(call, "hangup")
    found = office.logged(call, is_over)
    assert (found["route_code"], found["routed_to"]) == ("menu", "101")
    assert "Main › 2 › More › * › Main" in found["route_reason"]
    assert found["user_id"][0] == office.users["101"]

    other = office.begin()
    assert office.step(other, "press", digits="9")["redirect"] == "0-1"
    assert office.reply(other, "NOTIFY_IVR") == {"redirect": "0-1", "return_timeout": 0}
    silent = office.step(office.begin(), "timeout")
    assert office.reply(silent, "NOTIFY_IVR") == {}
    assert silent["redirect"] == "0-1"
    refused = office.step(office.begin(), "press", digits="3")
    assert refused["state"] == "ended"


def test_who_goes_round_in_a_menu_is_let_go(office):
    menu = office.menu("Round")
    again = {"parent_id": menu, "digits": "1", "target": "menu", "menu_id": menu}
    office.create("pbx.menu.choice", **again)
    office.rule("menu", menu_id=menu)
    call = office.begin()
    answers = 1
    while call["state"] == "menu" and answers < 30:
        call = office.step(call, "press", digits="1")
        answers += 1
    assert answers == 21 and call["ringing"] == list(office.users)
    assert office.reply(call, "NOTIFY_IVR") == {}


def test_an_event_that_comes_twice_is_answered_alike(office):
    office.rule(user_id=office.users["102"])
    office.rule(user_id=office.users["103"])
    told = {"caller": next(office.callers), "line": LINE}
    [start, *others] = render("missed", office.secret, **told)
    with session() as client:
        answers = {post(office.webhook_url, start, client) for _ in range(3)}
        for event in others:
            post(office.webhook_url, event, client)
    [(status, body)] = answers
    assert status == 200 and '"102"' in body


def test_a_phone_that_is_offline_is_passed_over(office):
    office.pbx.post("/control/settings", {"extensions": {"102": {"online": False}}})
    domain = [("provider_id", "=", office.provider), ("number", "=", "102")]
    found = office.admin.call("pbx.extension", "search", domain)
    now = time.strftime(log.FORMAT, time.gmtime())
    # As the PBX tells when it is asked.
    office.odoo.sql(
        "update pbx_extension set status = 'offline', checked_at = %s where id = %s",
        [now, found[0]],
    )
    try:
        office.rule(user_id=office.users["102"], name="Away")
        office.rule(user_id=office.users["103"], name="There")
        call = office.begin()
        assert call["ringing"] == ["103"], office.logged(call)["route_reason"]
        reason = office.logged(call)["route_reason"]
        assert reason.startswith("There") and "Away" in reason
    finally:
        told = {"extensions": {"102": {"online": True}}}
        office.pbx.post("/control/settings", told)
        office.odoo.sql(
            "update pbx_extension set status = 'online' where id = %s", [found[0]]
        )


# ------------------------------------------------------------------- a real Asterisk


@pytest.fixture
def floor(exchange):
    """The telephones 201 to 203; each has a user, and the line rings 201."""
    routing = Routing(exchange.admin, exchange.provider["id"])
    yield SimpleNamespace(
        routing=routing,
        lab=exchange.lab,
        exchange=exchange,
        users=exchange.provider["users"],
    )
    routing.forget()
    exchange.lab.end_calls()


def customer_calls(floor, number=None, name=""):
    number = number or floor.lab.fresh_number()
    return number, floor.lab.carrier.call(LINES["phone"], number, name)


def routed(floor, number, **values):
    """The call of that customer, once it is over and has these values: channels post
    their events side by side, and the end may come first."""
    domain = [
        ("provider_id", "=", floor.exchange.provider["id"]),
        ("number", "=", number),
    ]

    def find():
        found = floor.exchange.admin.call("pbx.call", "search_read", domain, ROUTED)
        if (
            found
            and is_over(found[0])
            and all(found[0][name] == value for name, value in values.items())
        ):
            return found[0]
        return None

    return log.until(find, PATIENCE_SECONDS, f"the call is over, {values}")


def rings_at(floor, number, *names):
    """The one of these telephones that rings, and its call."""

    def find():
        for name in names:
            with contextlib.suppress(PhoneError):
                return name, floor.lab.phones[name].ring(number, seconds=0.1)
        return None

    return log.until(find, PATIENCE_SECONDS, f"one of {names} rings")


def test_asterisk_takes_a_customer_to_another_telephone(floor):
    users = floor.users
    number = floor.lab.fresh_number()
    contact = {"name": "Taken elsewhere", "phone": number, "user_id": users["202"]}
    floor.routing.create("res.partner", **contact)
    floor.routing.rule("salesperson", ring_seconds=20)
    _number, customer = customer_calls(floor, number)
    ring = floor.lab.phones["202"].ring(number)
    assert ring.name == "Taken elsewhere"
    ring.answer()
    customer.wait("lifted").hang_up()
    found = routed(floor, number, outcome="answered")
    assert (found["route_code"], found["routed_to"]) == ("route", "202")
    assert found["user_id"][0] == users["202"]
    # The line's own telephone never rang.
    assert found["participant_ids"] == [users["202"]]


def test_asterisk_goes_on_where_nothing_can_be_said(floor):
    number = floor.lab.fresh_number()
    # It has no word for busy, and none for a menu.
    floor.routing.create("pbx.blocked", number=number)
    floor.routing.rule("refuse", name="Busy")
    _number, customer = customer_calls(floor, number)
    floor.lab.phones["201"].ring(number).answer()
    customer.wait("lifted").hang_up()
    found = routed(floor, number, outcome="answered")
    assert (found["route_code"], found["routed_to"]) == ("scenario", False)
    assert "Busy" in found["route_reason"]
    assert found["user_id"][0] == floor.users["201"]


def test_customers_at_asterisk_are_shared_out(floor):
    team = floor.routing.create("crm.team", name="Floor")
    for number in ("202", "203"):
        user = floor.users[number]
        floor.routing.create("crm.team.member", crm_team_id=team, user_id=user)
    floor.routing.rule("team", team_id=team)
    first, one = customer_calls(floor)
    # Whoever has been idle for longer.
    taken, ring = rings_at(floor, first, "202", "203")
    ring.answer()
    one.wait("lifted")
    second, two = customer_calls(floor)
    [other] = {"202", "203"} - {taken}
    floor.lab.phones[other].ring(second).answer()
    two.wait("lifted")
    # Both talk: the line's own telephone.
    third, three = customer_calls(floor)
    floor.lab.phones["201"].ring(third)
    for customer in (three, two, one):
        customer.hang_up()
    assert routed(floor, first)["routed_to"] == taken
    assert routed(floor, second)["routed_to"] == other
    assert routed(floor, third)["route_code"] == "scenario"


def test_asterisk_passes_a_telephone_over_that_is_unplugged(floor):
    floor.lab.plug("202", False)
    try:
        # “Connect” asks which telephones are there.
        provider = floor.exchange.provider["id"]
        floor.exchange.admin.call("pbx.provider", "action_connect", [provider])
        floor.routing.rule(user_id=floor.users["202"], name="Unplugged")
        floor.routing.rule(user_id=floor.users["203"], name="Plugged")
        number, customer = customer_calls(floor)
        floor.lab.phones["203"].ring(number).answer()
        customer.wait("lifted").hang_up()
        found = routed(floor, number)
        assert found["routed_to"] == "203"
        assert "Unplugged" in found["route_reason"]
    finally:
        floor.lab.plug("202")
