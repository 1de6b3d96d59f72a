"""Every kind of call, as the fake PBX tells it, is one call in the log.

What is expected is in expected_calls.py; the times are those at which the inbox
received what a script names.
"""

import itertools
import json
import random
from datetime import timedelta

import expected_times
import log
import pytest
from expected_calls import CALLS, LINE, outbound, shown
from posting import post, session

from lib.rpc import request_json

# How people type the numbers of the table's contacts, all of fictional Manchester.
STYLES = ("+44 161 496 {}", "0161 496 {}", "0044 161 496{}", "(0161) 496-{}")
# Events that are no calls: how many.
OTHERS = {"sms": 1, "number_lookup": 1, "speech_recognition": 1, "unknown_event": 2}
CLICKS = [name for name in CALLS if name.startswith("click_")]
CLICK_OUTCOMES = {
    "busy": ("busy", "busy"),
    "no answer": ("no_answer", "no answer"),
    "cancel": ("cancelled", "cancel"),
    "failed": ("failed", "failed"),
    "offline": ("failed", "failed"),  # our own phone could not be rung
}
ORDERS = 2
CONTACTS = 150  # more than there are plays


class Desk:
    """Where the calls come in: who sits there, and a new caller for each of them."""

    def __init__(self, odoo, pbx, provider):
        self.odoo, self.pbx, self.provider = odoo, pbx, provider
        self.admin = odoo.login("admin")
        users = self.admin.call("res.users", "search_read", [], ["login"])
        self.users = {user["id"]: user["login"] for user in users}
        [country] = self.admin.call("res.country", "search", [("code", "=", "GB")])
        self.places = itertools.count()
        self.callers = []
        for count in map(str, range(1000, 1000 + CONTACTS)):
            phone = STYLES[int(count) % len(STYLES)].format(count)
            self.callers.append((f"Caller {count}", phone, f"+44161496{count}"))
        contacts = [
            {"name": name, "phone": phone, "country_id": country}
            for name, phone, _number in self.callers
        ]
        self.admin.call("res.partner", "create", contacts)

    def prepare(self, scenario, **parameters):
        """Take the next caller; return what the call is played with."""
        self.name, _phone, self.number = self.callers.pop()
        # Each call in a minute of its own: parties and start are what is signed, and a
        # withheld caller is the same party ever again.
        self.start = log.minutes_ago(5 + next(self.places))
        told = {
            "scenario": scenario,
            "caller": self.number,
            "line": LINE,
            "call_start": log.local(self.start, self.provider["tz"]),
        }
        outcome = parameters.get("outcome", "answered")
        self.script = expected_times.script(scenario, outcome)
        self.before = self.odoo.sql("select max(id) from pbx_call")[0][0] or 0
        return told | parameters

    def check(self, expected, fields_of_events):
        """Exactly one call is new, it is the expected one, and nothing waits.

        `fields_of_events`: of the scenario's webhooks, in the order of its script.
        """
        refs = {fields["pbx_call_id"] for fields in fields_of_events}
        [call] = log.calls(self.admin, [("id", ">", self.before)])
        events = log.inbox(self.odoo, self.provider["id"], list(refs))
        # Whatever came twice was told apart, and nothing needed a second attempt.
        distinct = {json.dumps(fields) for fields in fields_of_events}
        assert len(events) == len(distinct)
        assert {(event.state, event.attempts) for event in events} == {("done", 1)}
        assert call["ref"] in refs
        assert shown(call, expected, self.users) == expected
        self.check_party(call)
        times = {name: call[name] for name in ("start", "answer", "stop")}
        times["waits"] = call["wait_seconds"], call["talk_seconds"]
        received = {json.dumps(one.fields): one.received_at for one in events}
        receipts = [received.get(json.dumps(fields)) for fields in fields_of_events]
        assert times == expected_times.times(self.script, receipts, self.start)
        if call["direction"] == "inbound":
            self.check_rings(call, events)

    def check_party(self, call):
        if call["direction"] == "internal":
            assert (call["number"], call["partner_source"]) == ("101", "none")
        elif call["partner_id"]:
            assert (call["number"], call["partner_id"][1]) == (self.number, self.name)
        else:
            assert (call["number"], call["partner_source"]) == (False, "none")

    def check_rings(self, call, events):
        """Each leg began when its extension was first said to ring."""
        for number, leg in call["legs"].items():
            rings = [
                event.received_at
                for event in events
                if event.event == "NOTIFY_INTERNAL"
                and event.fields["internal"] == number
            ]
            assert leg["start"] == log.text(min(rings, default=None))
            assert leg["extension_id"][1].split()[0] == number


@pytest.fixture(scope="module")
def desk(odoo, pbx, provider):
    return Desk(odoo, pbx, provider)


def test_the_table_has_every_scenario(pbx):
    listed = request_json(f"{pbx.url}/control/scenarios")
    assert {one["name"] for one in listed} == {*CALLS, *OTHERS}
    assert expected_times.SCRIPTS.keys() == CALLS.keys()


def play(desk, expected, told):
    played = desk.pbx.post("/control/play", told)["events"]
    assert {event["status"] for event in played} == {200}
    desk.check(expected, [event["fields"] for event in played])
    return played


@pytest.mark.parametrize("scenario", [name for name in CALLS if name != "withheld"])
def test_a_scenario_is_one_call(desk, scenario):
    told = desk.prepare(scenario)
    [first, *_rest] = play(desk, CALLS[scenario], told)
    if first["event"] == "NOTIFY_START":
        assert first["reply"] == {"caller_name": desk.name}


@pytest.mark.parametrize("caller", ("anonymous", "", "0", "Privé", "unknown"))
def test_a_withheld_caller_is_nobody(desk, caller):
    told = desk.prepare("withheld", caller=caller)
    [first, *_rest] = play(desk, CALLS["withheld"], told)
    assert first["reply"] == {}


@pytest.mark.parametrize("outcome", CLICK_OUTCOMES)
@pytest.mark.parametrize("scenario", CLICKS)
def test_a_click_has_the_outcome_of_its_second_leg(desk, scenario, outcome):
    expected = outbound(*CLICK_OUTCOMES[outcome])
    play(desk, expected, desk.prepare(scenario, outcome=outcome))


@pytest.mark.parametrize("scenario", OTHERS)
def test_what_is_no_call_is_kept_and_makes_none(desk, scenario):
    told = desk.prepare(scenario)
    [[newest]] = desk.odoo.sql("select coalesce(max(id), 0) from pbx_event")
    played = desk.pbx.post("/control/play", told)["events"]
    assert {event["status"] for event in played} == {200}
    assert not log.calls(desk.admin, [("id", ">", desk.before)])
    rows = desk.odoo.sql(
        # One that is signed like an earlier one is held back, and not attempted.
        "select state, attempts + coalesce(awaits_history, false)::int, event_type "
        "from pbx_event where id > %s",
        [newest],
    )
    kept = [("ignored", 1, event["event"]) for event in played]
    assert sorted(rows) == sorted(kept)
    assert len(kept) == OTHERS[scenario]


@pytest.mark.parametrize("seed", range(ORDERS))
@pytest.mark.parametrize("scenario", CALLS)
def test_any_order_and_any_repeat_is_the_same_call(desk, scenario, seed):
    told = desk.prepare(scenario)
    if scenario == "withheld":
        del told["caller"]
    events = desk.pbx.post("/control/render", told)["events"]
    dice = random.Random(f"{scenario}/{seed}")
    order = [event for event in events for _ in range(dice.choice((1, 1, 2)))]
    dice.shuffle(order)
    with session() as client:
        for event in order:
            assert post(desk.provider["webhook_url"], event, client).status == 200
    desk.check(CALLS[scenario], [event["fields"] for event in events])


def test_a_caller_nobody_knows(desk):
    number = "+441614969999"
    told = desk.prepare("answered", caller=number)
    [first, *_rest] = desk.pbx.post("/control/play", told)["events"]
    assert first["reply"] == {}
    [call] = log.calls(desk.admin, [("id", ">", desk.before)])
    assert (call["number"], call["partner_id"]) == (number, False)
    assert call["partner_source"] == "none"


def test_a_call_that_began_before_midnight_of_another_zone(desk):
    told = desk.prepare("missed")
    early = desk.start.replace(hour=23, minute=59, second=59) - timedelta(days=200)
    told["call_start"] = log.local(early, desk.provider["tz"])
    desk.start = early
    play(desk, CALLS["missed"], told)
