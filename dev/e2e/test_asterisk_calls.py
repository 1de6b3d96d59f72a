"""Real calls through a real Asterisk: one call each in the log, right to the second.

What is expected is what the telephones saw; nothing comes from Asterisk's reports.
"""

import json
import random
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from exchange import FIELDS, SECONDS, at, near

from asterisk import stories
from asterisk.config import ECHO, VOICEMAIL
from asterisk.phone import PhoneError
from asterisk.player import parameters

RECORDED = Path(__file__).parents[1] / "unit/data/asterisk"
NAMES = sorted(set(stories.STORIES) - {"killed"})
# What is dialled inside, and what a customer shows who withholds the number.
INSIDE = {"202", ECHO, VOICEMAIL, False}


@dataclass
class Played:
    """:var attempts: {story: the last attempt}.
    :var failed: the attempts that were not played to their end, the first ones too.
    :var given: the numbers of all customers.
    :var logged: the calls of the log when it has all.
    """

    attempts: dict[str, stories.Attempt]
    failed: list[stories.Attempt]
    given: set[str]
    logged: list[dict]

    @property
    def truths(self):
        return [one.truth for one in self.attempts.values() if one.truth]

    def is_left(self, call):
        """Whether a failed attempt may have left it."""
        start = at(call["start"])
        return call["number"] in {*self.given, *INSIDE} and any(
            attempt.began - SECONDS <= start <= attempt.ended for attempt in self.failed
        )


def may_be_repeated(attempt):
    """Whether the telephones failed; what a click asks them for, Odoo asks."""
    clicked = "click" in parameters(attempt.name)
    return isinstance(attempt.error, PhoneError) and not clicked


@pytest.fixture(scope="module")
def played(started_exchange):
    exchange = started_exchange
    exchange.make_quiet()
    agent, last = exchange.odoo.login("agent201"), exchange.last_id()
    lab, given = exchange.lab, len(exchange.lab.given)

    def click(number, _extension, _ref):
        call = agent.call("pbx.call", "dial", number)
        return exchange.admin.call("pbx.call", "read", [call], ["ref"])[0]["ref"]

    attempts = stories.try_all(lab, NAMES, click=click)
    again = [attempt for attempt in attempts if may_be_repeated(attempt)]
    for attempt in again:
        warnings.warn(
            f"story {attempt.name} is played again: {attempt.error}", stacklevel=1
        )
    if again:
        attempts += stories.try_all(lab, [attempt.name for attempt in again], 1)
    last_ones = {attempt.name: attempt for attempt in attempts}
    failed = [attempt for attempt in attempts if attempt.error]
    lab.wait_idle()
    exchange.wait_taken()
    count = sum(1 for attempt in last_ones.values() if attempt.truth)
    logged = exchange.calls_since(last, count)
    return Played(last_ones, failed, set(lab.given[given:]), logged)


def calls_of(logged, truth):
    """Those that may be it: each customer of a story has a number of its own."""
    if truth.direction != "internal" and truth.number:
        return [call for call in logged if call["number"] == truth.number]
    return [
        call
        for call in logged
        if call["direction"] == truth.direction
        and (call["number"] or "") == truth.number
        and near(at(call["start"]), truth.start)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_story(started_exchange, played, name):
    attempt = played.attempts[name]
    if attempt.error:
        raise attempt.error
    truth = attempt.truth
    found = calls_of(played.logged, truth)
    assert len(found) == 1, [(c["direction"], c["outcome"], c["ref"]) for c in found]
    started_exchange.assert_is(found[0], truth)
    if truth.ref:
        assert found[0]["ref"] == truth.ref
    if truth.recorded:
        assert found[0]["recording_ids"]


def test_nothing_but_the_stories_is_in_the_log(played):
    logged, truths = played.logged, played.truths
    known = [call for truth in truths for call in calls_of(logged, truth)]
    others = [call for call in logged if call not in known]
    assert [call for call in others if not played.is_left(call)] == []
    assert len(logged) - len(others) == len(truths)


def test_the_next_transfer_to_a_phone_that_rings_is_another_call(exchange, played):
    """Asterisk names no target of such a one, and always in the same words."""
    [before] = calls_of(played.logged, played.attempts["attended_ringing"].truth)
    truth = stories.play(exchange.lab, "attended_ringing")
    call = exchange.call_of(truth)
    assert call["id"] != before["id"]
    exchange.assert_is(call, truth)


def test_recorded_posts_in_any_order_are_the_same_calls(exchange):
    """The posts of all stories, doubled and shuffled, by one PBX that died since."""
    admin = exchange.admin
    recorded = [json.loads(path.read_text()) for path in RECORDED.glob("*.json")]
    # Odoo was asked for nothing, and nobody told it that Asterisk had died.
    recorded = [
        story
        for story in recorded
        if story["story"] != "killed" and not story.get("truth", {}).get("ref")
    ]
    provider = admin.call(
        "pbx.provider",
        "create",
        {
            "name": "Recorded",
            "dialect": "asterisk",
            "login": "odoo",
            "api_key": "unused",
            "api_secret": recorded[0]["secret"],
            "country_id": admin.call("res.country", "search", [("code", "=", "GB")])[0],
            "external_url": exchange.odoo.url,
        },
    )
    [values] = admin.call("pbx.provider", "read", [provider], ["webhook_url"])
    for name in ("201", "202", "203"):
        extension = {"provider_id": provider, "number": name, "login": name}
        admin.call("pbx.extension", "create", extension)
    posts = [post for story in recorded for post in story["posts"]]
    posts += posts
    random.Random(7).shuffle(posts)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda post: send(values["webhook_url"], post), posts))
    assert set(answers) == {(200, "ok")} | {
        (200, answer) for _status, answer in answers if answer.startswith("{")
    }
    found = admin.call(
        "pbx.call", "search_read", [("provider_id", "=", provider)], FIELDS
    )
    truths = [t for s in recorded for t in s.get("truths") or [s["truth"]]]
    told = [essence(call, call["talk_seconds"]) for call in found]
    expected = [essence(truth, truth["talk"]) for truth in truths]
    missing = [one for one in expected if not any(map(partial(is_same, one), told))]
    extra = [one for one in told if not any(map(partial(is_same, one), expected))]
    refs = [
        call["ref"] for call in found if essence(call, call["talk_seconds"]) in extra
    ]
    assert (missing, extra, refs, len(told)) == ([], [], [], len(expected))
    admin.call("pbx.provider", "write", [provider], {"active": False})


def essence(call, talk):
    return call["direction"], call["outcome"], call["number"] or "", round(talk)


def is_same(one, other):
    return one[:3] == other[:3] and abs(one[3] - other[3]) <= SECONDS


def send(url, body):
    """(status, text) of what the webhook answers to a post."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(url, body.encode(), kind)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return answer.status, answer.read().decode()
