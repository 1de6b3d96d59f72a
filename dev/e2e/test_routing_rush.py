"""Callers at the same instant, and a database that is held up meanwhile."""

import json
import time
from typing import NamedTuple

import log
import psycopg2
import pytest
from posting import post, storm

from lib import postgres

# Callers of one instant, and how often; phones that routing may send them to.
CALLERS, TIMES = 6, 8
PHONES = ("100", "101", "102")
# The decision has 800 ms; the event is kept and applied besides.
ANSWERED_SECONDS = 5
HELD_SECONDS = 12


class System(NamedTuple):
    odoo: object
    pbx: object
    provider: dict


@pytest.fixture(scope="module", params=["threaded", "prefork"])
def system(request):
    if request.param == "threaded":
        return System(
            *(request.getfixturevalue(n) for n in ("odoo", "pbx", "provider"))
        )
    return System(*request.getfixturevalue("prefork"))


@pytest.fixture
def rules(system):
    """One rule for each phone, whoever sits there; gone after the test."""
    log.connect_phones(system.odoo, system.pbx, PHONES)
    admin = system.odoo.login("admin")
    [provider] = admin.call(
        "pbx.provider", "read", [system.provider["id"]], ["company_id"]
    )
    phones = admin.call(
        "pbx.extension",
        "search_read",
        [("provider_id", "=", provider["id"]), ("number", "in", PHONES)],
        ["number"],
        order="number",
    )
    assert len(phones) == len(PHONES)
    ids = [
        admin.call(
            "pbx.route",
            "create",
            {
                "name": f"To {phone['number']}",
                "company_id": provider["company_id"][0],
                "provider_id": provider["id"],
                "target": "extension",
                "extension_id": phone["id"],
                "sequence": place,
            },
        )
        for place, phone in enumerate(phones)
    ]
    yield ids
    admin.call("pbx.route", "unlink", ids)


def starts(system, prefix, count):
    """START of so many calls, and the END of each."""
    told = [
        system.pbx.post(
            "/control/render",
            {"scenario": "missed", "caller": f"+4416149{prefix}{number:02}"},
        )
        for number in range(count)
    ]
    return [(one["events"][0], one["events"][-1]) for one in told]


def test_no_two_callers_of_one_instant_are_sent_to_one_phone(system, rules):
    url = system.provider["webhook_url"]
    for round_ in range(TIMES):
        calls = starts(system, f"5{round_:02}", CALLERS)
        # One instant: each thread has a call of its own.
        [answers] = storm(url, [[start for start, _end in calls]], CALLERS)
        assert {answer.status for answer in answers} == {200}
        sent = [json.loads(answer.body).get("redirect") for answer in answers]
        assert sorted(filter(None, sent)) == list(PHONES), "each phone once"
        assert sent.count(None) == CALLERS - len(PHONES)
        for _start, end in calls:
            assert post(url, end).status == 200
        log.wait_applied(system.odoo)


def test_a_held_table_delays_nobody(system, rules):
    """What routing reads is locked: the PBX goes on alone, and the call is logged."""
    url = system.provider["webhook_url"]
    [(start, end)] = starts(system, "490", 1)
    where = {"host": str(system.odoo.instance.cluster.socket), "port": postgres.PORT}
    connection = psycopg2.connect(
        dbname=system.odoo.database, user=postgres.USER, **where
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE pbx_route_sent IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            answer = post(url, start)
            took = time.monotonic() - began
    finally:
        connection.close()
    assert (answer.status, json.loads(answer.body)) == (200, {})
    assert took < ANSWERED_SECONDS < HELD_SECONDS
    assert post(url, end).status == 200
    log.wait_applied(system.odoo)
    found = system.odoo.sql(
        "select route_code, state from pbx_call where ref = %s",
        [start["fields"]["pbx_call_id"]],
    )
    assert found == [("failed", "done")]
