"""Three kinds of PBX in one database, all of them at once: nothing crosses over.

Zadarma's look-alike, Beeline's, and what a real Asterisk posted: the same caller, and
the same internal numbers at two of them.
"""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import log
import pytest
from expected_calls import CALLS as ZADARMA_CALLS
from posting import post, session

from lib import pbx as introduction

RECORDED = Path(__file__).parents[1] / "unit/data/asterisk"
CALLER = "+79000000277"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
XML = {"Content-Type": "application/xml; charset=UTF-8"}
ZADARMA = ("answered", "missed", "ring_group", "outbound", "outbound_busy", "transfer")
BEELINE = ("answered", "missed", "group", "queue", "outbound", "outbound_busy", "click",
           "internal", "transfer", "recorded")  # fmt: skip
ASTERISK = ("answered", "busy", "attended", "answered_withheld")
THREADS = 8


class Three:
    """:var urls: {dialect: address}; ``ids``: {dialect: id of the provider}.
    :var posts: [(dialect, headers, body)], of all calls.
    :var truths: {dialect: what must come of them}.
    """

    def __init__(self, beeline, zadarma, provider):
        self.beeline, self.admin, self.odoo = beeline, beeline.admin, beeline.odoo
        asterisk, url = self.enter_asterisk()
        self.ids = {
            "zadarma": provider["id"],
            "beeline": beeline.id,
            "asterisk": asterisk,
        }
        self.urls = {
            "zadarma": provider["webhook_url"],
            "beeline": beeline.provider["webhook_url"],
            "asterisk": url,
        }
        self.posts, self.truths = [], {name: [] for name in self.ids}
        for place, name in enumerate(ZADARMA):
            start = log.minutes_ago(20 + place)
            told = {"scenario": name, "caller": CALLER, "extension": "101"}
            told["call_start"] = log.local(start, provider["tz"])
            rendered = zadarma.post("/control/render", told)
            self.truths["zadarma"].append((name, rendered["pbx_call_id"]))
            for event in rendered["events"]:
                self.posts.append(("zadarma", event["headers"], event["body"]))
        for place, name in enumerate(BEELINE):
            start = time.time() - 60 * (20 + place)
            truth, bodies = beeline.render(name, caller=CALLER, start=int(start))
            self.truths["beeline"].append(truth)
            self.posts += [("beeline", XML, body) for body in bodies]
        for story in map(recorded, ASTERISK):
            self.truths["asterisk"].append(story["truth"])
            self.posts += [("asterisk", FORM, body) for body in story["posts"]]

    def enter_asterisk(self):
        [country] = self.admin.call("res.country", "search", [("code", "=", "GB")])
        values = {
            "name": "Recorded",
            "dialect": "asterisk",
            "login": "odoo",
            "api_key": "unused",
            "api_secret": recorded(ASTERISK[0])["secret"],
            "country_id": country,
            "external_url": self.odoo.url,
        }
        provider = self.admin.call("pbx.provider", "create", values)
        for name in ("201", "202", "203"):
            extension = {"provider_id": provider, "number": name, "login": name}
            self.admin.call("pbx.extension", "create", extension)
        [told] = self.admin.call("pbx.provider", "read", [provider], ["webhook_url"])
        return provider, told["webhook_url"]

    def calls(self, dialect):
        return log.calls(self.admin, [("provider_id", "=", self.ids[dialect])])

    def counted(self):
        """How many events and calls there are."""
        [row] = self.odoo.sql(
            "select (select count(*) from pbx_event), (select count(*) from pbx_call)"
        )
        return row


def recorded(story):
    return json.loads((RECORDED / f"{story}.json").read_text())


@pytest.fixture(scope="module")
def three(started_beeline):
    beeline = started_beeline
    beeline.make_quiet()
    odoo, admin = beeline.odoo, beeline.admin
    odoo.sql("delete from pbx_event")
    odoo.sql("delete from pbx_call")
    path = odoo.instance.folder / f"{odoo.database}-zadarma.log"
    python = odoo.instance.tools.venv.python
    zadarma, provider = introduction.introduce(odoo, python, path, admin=admin)
    found = Three(beeline, zadarma, provider)
    random.Random(3).shuffle(found.posts)

    def send(told):
        dialect, headers, body = told
        event = {"headers": headers, "body": body}
        with session() as client:
            return post(found.urls[dialect], event, client).status

    try:
        with ThreadPoolExecutor(THREADS) as pool:
            statuses = list(pool.map(send, found.posts))
        assert set(statuses) == {200}
        log.wait_applied(odoo)
        yield found
    finally:
        zadarma.stop()
    others = [found.ids[name] for name in ("zadarma", "asterisk")]
    admin.call("pbx.provider", "write", others, {"active": False})


def test_beelines_calls_are_those_that_were_told(three):
    calls = {call["ref"]: call for call in three.calls("beeline")}
    truths = three.truths["beeline"]
    assert calls.keys() == {truth["ref"] for truth in truths}
    for truth in truths:
        three.beeline.assert_is(calls[truth["ref"]], truth)


def test_zadarmas_calls_are_those_that_were_told(three):
    calls = {call["ref"]: call for call in three.calls("zadarma")}
    assert calls.keys() == {ref for _name, ref in three.truths["zadarma"]}
    for name, ref in three.truths["zadarma"]:
        call, expected = calls[ref], ZADARMA_CALLS[name]
        for field in ("direction", "state", "outcome"):
            assert (name, call[field]) == (name, expected[field])
        assert call["number"] == CALLER


def test_asterisks_calls_are_those_that_were_told(three):
    told = [
        (call["direction"], call["outcome"], call["number"] or "", set(call["legs"]))
        for call in three.calls("asterisk")
    ]
    expected = [
        (
            truth["direction"],
            truth["outcome"],
            truth["number"],
            {leg["extension"] for leg in truth["legs"]},
        )
        for truth in three.truths["asterisk"]
    ]
    assert sorted(map(repr, told)) == sorted(map(repr, expected))


def test_whoever_sits_at_an_internal_number_sits_at_one_pbx(three):
    """101 is somebody at Zadarma's, and somebody else at Beeline's."""
    rows = three.odoo.sql(
        """select count(*) filter (where e.provider_id != l.provider_id),
                  count(*) filter (where c.provider_id != l.provider_id), count(*)
             from pbx_call_leg l join pbx_call c on c.id = l.call_id
             left join pbx_extension e on e.id = l.extension_id"""
    )
    [(other_extensions, other_calls, legs)] = rows
    assert (other_extensions, other_calls) == (0, 0) and legs > 20
    own = set(three.beeline.provider["users"].values())
    for dialect in ("zadarma", "asterisk"):
        for call in three.calls(dialect):
            assert not own & {*call["participant_ids"], *(call["user_id"] or ())[:1]}
    for call in three.calls("beeline"):
        assert set(call["participant_ids"]) <= own


def test_each_event_is_with_its_own_pbx(three):
    kept = three.odoo.sql(
        "select provider_id, state, count(*) from pbx_event group by 1, 2"
    )
    assert {state for _id, state, _count in kept} <= {"done", "ignored"}
    counts = dict.fromkeys(three.ids, 0)
    for provider, _state, count in kept:
        [dialect] = [name for name, id_ in three.ids.items() if id_ == provider]
        counts[dialect] += count
    # A PBX may say the same twice: that is kept once.
    sent = {(name, body) for name, _headers, body in three.posts}
    assert counts == {n: sum(one[0] == n for one in sent) for n in three.ids}


@pytest.mark.parametrize("to", ("zadarma", "beeline", "asterisk"))
def test_what_is_one_pbxs_is_nothing_at_anothers_address(three, to):
    before = three.counted()
    samples = {name: (headers, body) for name, headers, body in three.posts}
    assert samples.keys() == three.ids.keys()
    for name, (headers, body) in samples.items():
        if name != to:
            event = {"headers": headers, "body": body}
            assert post(three.urls[to], event).status in (400, 403, 415)
            # Nor is a token of one kind an address of another.
            url = three.urls[name].replace(f"/{name}/", f"/{to}/")
            assert post(url, event).status == 404
    assert three.counted() == before
