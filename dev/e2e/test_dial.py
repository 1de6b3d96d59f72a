"""Click-to-call on started servers: one dial, whatever happens at the same moment."""

import contextlib
import os
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import log
import pytest
from posting import render, storm

from lib import pbx as introduction
from lib.rpc import OdooError, request_json

CLICKS = 8
NUMBER = "+4420794603{:02}"
STORIES = ("calltype", "swapped", "plain", "two_ids")
AGAIN = """
from odoo.exceptions import ConcurrencyError
from odoo.service.model import retrying
user = env.ref("base.user_admin")
calls = env(user=user.id, context={"allowed_company_ids": user.company_ids.ids})
ids = []
def click():
    ids.append(calls["pbx.call"].dial(NUMBER))
    if len(ids) == 1:
        raise ConcurrencyError("met another transaction")
retrying(click, calls)
print("DIALLED", len(ids), len(set(ids)))
"""


class System:
    """A started Odoo and the PBX that it dials with."""

    def __init__(self, odoo, pbx):
        self.odoo, self.pbx = odoo, pbx
        self.admin = odoo.login("admin")
        # What other tests asked, such as recordings, counts too.
        provider = introduction.find_provider(self.admin)
        self.admin.call("pbx.provider", "write", [provider], {"general_limit": 10000})

    def settle(self, **click):
        self.pbx.post(
            "/control/settings",
            {"click": {"speed": 0.02, "outcome": "answered"} | click},
        )

    def asked(self, number):
        entries = request_json(f"{self.pbx.url}/control/log?kind=api&limit=1000")
        found = [
            entry
            for entry in entries
            if "request/callback" in entry["path"] and entry["params"]["to"] == number
        ]
        assert not any(entry.get("problems") for entry in found), found
        return len(found)

    def recordings(self, call_id):
        [call] = self.admin.call("pbx.call", "read", [call_id], ["recording_ids"])
        return call["recording_ids"]

    def rows(self, number):
        return self.odoo.sql(
            "select id, state, outcome, ref from pbx_call where number = %s", [number]
        )


@pytest.fixture(scope="module")
def prefork(prefork):
    odoo, pbx, _provider = prefork
    return System(odoo, pbx)


@pytest.fixture(scope="module")
def threaded(odoo, pbx, provider):
    return System(odoo, pbx)


def click_together(system, number):
    """Click in many browsers at the same moment; the ids that were returned."""
    logins = [system.odoo.login("admin") for _ in range(CLICKS)]
    start = threading.Barrier(CLICKS)

    def click(login):
        start.wait()
        return login.call("pbx.call", "dial", number)

    with ThreadPoolExecutor(CLICKS) as pool:
        return list(pool.map(click, logins))


@pytest.mark.parametrize("kind", ["threaded", "prefork"])
def test_clicks_of_the_same_moment_are_one_dial(kind, request):
    system, number = request.getfixturevalue(kind), NUMBER.format(1)
    system.settle(story="calltype")
    ids = click_together(system, number)
    assert len(set(ids)) == 1
    log.until(lambda: system.rows(number)[0][1] == "done", 20, "the call ends")
    [[call_id, _state, outcome, _ref]] = system.rows(number)
    assert (call_id, outcome) == (ids[0], "answered")
    assert system.asked(number) == 1


@pytest.mark.parametrize("kind", ["threaded", "prefork"])
def test_every_way_to_tell_a_click_is_one_call(kind, request):
    system = request.getfixturevalue(kind)
    for place, story in enumerate(STORIES):
        number = NUMBER.format(10 + place)
        system.settle(story=story)
        call_id = system.admin.call("pbx.call", "dial", number)
        # Until the last leg and the recording are told.
        log.until(lambda n=number: system.rows(n)[0][1] == "done", 20, story)
        log.until(lambda own=call_id: system.recordings(own), 20, f"{story}: recorded")
        time.sleep(1)  # whatever would come twice
        log.wait_applied(system.odoo)
        [[found, _state, outcome, ref]] = system.rows(number)
        assert (found, outcome, bool(ref)) == (call_id, "answered", True), story
        assert len(system.recordings(call_id)) == 1, story


@pytest.mark.parametrize("story", ["calltype", "two_ids"])
def test_all_that_follows_at_the_same_moment(story, threaded, provider):
    """Each event of a click from a thread of its own: still that one call."""
    start = datetime.now(ZoneInfo(provider["tz"])).strftime("%Y-%m-%d %H:%M:%S")
    numbers = [f"+44207946{50 + (story == 'two_ids')}{n:02}" for n in range(CLICKS)]
    names = ("notify_out_start", "notify_answer", "notify_out_end")
    off = dict.fromkeys(names, "false")
    threaded.pbx.post(
        "/control/settings", {"notifications": off, "click": {"auto": False}}
    )
    try:
        ids = [threaded.admin.call("pbx.call", "dial", number) for number in numbers]
        calls = [
            render(
                f"click_{story}",
                provider["api_secret"],
                caller=number,
                extension="100",
                call_start=start,
                pbx_call_id=f"out_{uuid.uuid4().hex}",
            )
            for number in numbers
        ]
        answers = storm(provider["webhook_url"], calls, len(calls[0]))
    finally:
        on = dict.fromkeys(names, "true")
        threaded.pbx.post(
            "/control/settings", {"notifications": on, "click": {"auto": True}}
        )
    assert {answer.status for told in answers for answer in told} == {200}
    log.wait_applied(threaded.odoo)
    for call_id, number in zip(ids, numbers, strict=True):
        [[found, state, outcome, _ref]] = threaded.rows(number)
        assert (found, state, outcome) == (call_id, "done", "answered"), number


def test_odoo_runs_a_request_again(threaded):
    number = NUMBER.format(20)
    said = threaded.odoo.shell(AGAIN.replace("NUMBER", repr(number)))
    assert "DIALLED 2 1" in said, said
    assert threaded.asked(number) == 1
    assert len(threaded.rows(number)) == 1


def test_a_refusal_stays_in_the_log(threaded):
    number = NUMBER.format(30)
    threaded.pbx.post(
        "/control/faults",
        {
            "faults": [
                {"kind": "429_retry_after", "path": "/v1/request/*", "seconds": 1}
            ]
        },
    )
    with pytest.raises(OdooError, match="Wait"):
        threaded.admin.call("pbx.call", "dial", number)
    [[_id, state, outcome, ref]] = threaded.rows(number)
    assert (state, outcome, ref) == ("done", "failed", None)


def test_killed_between_the_row_and_the_answer(prefork):
    """The row is there, and the browser's second try does not dial again."""
    number = NUMBER.format(40)
    prefork.pbx.post(
        "/control/faults",
        {"faults": [{"kind": "timeout", "path": "/v1/request/*", "seconds": 6}]},
    )
    login, again = prefork.odoo.login("admin"), prefork.odoo.login("admin")

    def click():
        # The connection breaks with its worker.
        with contextlib.suppress(OSError, OdooError, ValueError):
            login.call("pbx.call", "dial", number)

    clicking = threading.Thread(target=click)
    clicking.start()
    log.until(lambda: prefork.rows(number), 20, "the row")
    begun = time.monotonic()
    master = prefork.odoo.process.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    clicking.join()
    [[call_id, state, _outcome, _ref]] = prefork.rows(number)
    assert state == "ringing"

    def once_more():
        try:
            return again.call("pbx.call", "dial", number)
        except OSError:
            return None  # the workers are being replaced

    found = []
    log.until(lambda: found.append(once_more()) or found[-1], 60, "an answer")
    if time.monotonic() - begun > 8:
        pytest.skip("this machine was too slow for the ten seconds")
    assert found[-1] == call_id
    # What was asked before the end is told by its events: the same call.
    log.until(lambda: prefork.rows(number)[0][1] == "done", 20, "the call ends")
    assert len(prefork.rows(number)) == 1
    assert prefork.asked(number) == 1
