"""Beeline with two workers: a call's events at the same moment, and ids that change."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from beeline_fixtures import Beeline
from posting import storm

THREADS = 6
NUMBERS = itertools.count(79000004000)
STORMS = 6
SCENARIOS = ("answered", "missed", "outbound", "internal", "withheld", "held")
PRESSES = 3


@pytest.fixture(scope="module")
def beeline(servers):
    with Beeline.started(servers, workers=2) as beeline:
        yield beeline


def rendered(beeline, scenario):
    """(truth, THREADS events of a call for the same moment), some of them repeats."""
    truth, bodies = beeline.render(scenario, caller=f"+{next(NUMBERS)}")
    headers = {"Content-Type": "application/xml; charset=UTF-8"}
    places = [place % len(bodies) for place in range(THREADS)]
    return truth, [{"headers": headers, "body": bodies[place]} for place in places]


def test_events_at_the_same_moment_are_one_call(beeline):
    # A group's seven events are more than there are threads.
    told = [rendered(beeline, name) for name in ("queue", "click", "transfer")]
    told += [rendered(beeline, "answered") for _ in range(STORMS)]
    url = beeline.provider["webhook_url"]
    answers = storm(url, [events for _truth, events in told], THREADS)
    assert {one.status for call in answers for one in call} == {200}
    calls = beeline.calls_of([truth["ref"] for truth, _events in told])
    for truth, _events in told:
        beeline.assert_is(calls[truth["ref"]], truth)


def test_no_event_is_refused_while_it_is_connected_anew(beeline):
    """Each worker knows at once which subscription stands, and that one is made."""
    done = []

    def press():
        admin = beeline.admin.again()
        for _ in range(PRESSES):
            admin.call("pbx.provider", "action_connect", [beeline.id])
        done.append(True)

    def ring():
        played = []
        while not done:
            for scenario in SCENARIOS:
                caller = {} if scenario == "withheld" else {"caller": next_number()}
                played.append(beeline.pbx.play(scenario, **caller))
        return played

    def next_number():
        return f"+{next(NUMBERS)}"

    with ThreadPoolExecutor(3) as pool:
        pressing = pool.submit(press)
        ringing = [pool.submit(ring) for _ in range(2)]
        pressing.result()
        played = [one for ring in ringing for one in ring.result()]
    statuses = [event["status"] for one in played for event in one["events"]]
    assert len(played) > 20 and set(statuses) == {200}
    # More, where Odoo repeated a press that another transaction had hindered.
    assert len(beeline.puts()) >= PRESSES + 1
    assert beeline.known() == beeline.live() and len(beeline.live()) == 1
    calls = beeline.calls_of([one["ref"] for one in played])
    for one in played:
        beeline.assert_is(calls[one["ref"]], one["truth"])


def test_the_wrong_subscription_is_refused_by_every_worker(beeline):
    _truth, [body, *_rest] = beeline.render("answered", subscription="nobody-s")
    headers = {"Content-Type": "application/xml"}
    url = beeline.provider["webhook_url"]
    answers = {
        requests.post(url, body.encode(), headers=headers, timeout=10).status_code
        for _ in range(20)
    }
    assert answers == {403}
