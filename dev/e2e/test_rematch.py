"""Contacts that come after their calls collect them, by the threads that run jobs."""

from concurrent.futures import ThreadPoolExecutor

import log
import psycopg2
import pytest

from lib import postgres

# What a person is promised: "within a minute".
PROMISED_SECONDS = 60
# Contacts of one import, and imports.
IMPORTED, IMPORTS = 600, 2


@pytest.fixture(scope="module")
def britain(admin):
    return admin.call("res.country", "search", [("code", "=", "GB")])[0]


def called(pbx, admin, number):
    """Three calls with a number that nobody has."""
    for scenario in ("answered", "missed", "outbound"):
        played = pbx.play(scenario, caller=number)
        assert {event["status"] for event in played["events"]} == {200}
    found = log.calls(admin, [("number", "=", number)])
    assert len(found) == 3
    assert {call["partner_source"] for call in found} == {"none"}
    return [call["id"] for call in found]


def collected(admin, calls, partner):
    """Wait until all the calls are the contact's; nobody helps."""

    def all_linked():
        found = admin.call("pbx.call", "read", calls, ["partner_id"])
        owners = {call["partner_id"] and call["partner_id"][0] for call in found}
        return owners == {partner}

    log.until(all_linked, PROMISED_SECONDS, "the contact has its earlier calls")
    found = admin.call("pbx.call", "read", calls, ["partner_source"])
    assert {call["partner_source"] for call in found} <= {"number", "tail"}


def test_a_new_contact(pbx, admin, britain):
    calls = called(pbx, admin, "+441914980001")
    values = {"name": "New", "phone": "(0191) 498 0001", "country_id": britain}
    [partner] = admin.call("res.partner", "create", [values])
    collected(admin, calls, partner)
    [values] = admin.call("res.partner", "read", [partner], ["pbx_call_count"])
    assert values["pbx_call_count"] == 3


def test_a_corrected_number(pbx, admin, britain):
    values = {"name": "Mistyped", "phone": "0191 498 0020", "country_id": britain}
    [partner] = admin.call("res.partner", "create", [values])
    calls = called(pbx, admin, "+441914980002")
    admin.call("res.partner", "write", [partner], {"phone": "0191 498 0002"})
    collected(admin, calls, partner)


def test_an_import(odoo, pbx, admin, britain):
    """A large import queues its contacts by one statement; the job does the rest."""
    lines = (0, IMPORTED - 1, IMPORTED * IMPORTS - 1)
    calls = {line: called(pbx, admin, e164(line)) for line in lines}
    log.until(lambda: not queue(odoo), PROMISED_SECONDS, "what was queued before")
    names = ["name", "phone", "country_id/.id"]
    with log.cron_off(odoo, "ir_cron_rematch"):
        before = triggers(odoo)
        for first in range(0, IMPORTED * IMPORTS, IMPORTED):
            rows = [
                [f"Imported {line}", f"+44 1632 9{line:05}", str(britain)]
                for line in range(first, first + IMPORTED)
            ]
            result = admin.call("res.partner", "load", names, rows)
            assert not result["messages"], result["messages"]
            assert len(result["ids"]) == IMPORTED
        assert queue(odoo) == IMPORTED * IMPORTS
        # Rows of one statement have the transaction and the command in common.
        [[statements]] = odoo.sql(
            "select count(distinct (xmin::text, cmin::text)) from pbx_rematch"
        )
        assert statements == IMPORTS
        assert triggers(odoo) - before <= IMPORTS
    admin.call("res.partner", "create", [{"name": "Wakes it", "phone": "0191 4980003"}])
    log.until(lambda: not queue(odoo), PROMISED_SECONDS, "the queue is empty")
    for line, ids in calls.items():
        domain = [("name", "=", f"Imported {line}")]
        [partner] = admin.call("res.partner", "search", domain)
        collected(admin, ids, partner)


def e164(line):
    """The number of a line of the import, as the PBX tells it."""
    return f"+4416329{line:05}"


def queue(odoo):
    return odoo.sql("select count(*) from pbx_rematch")[0][0]


def triggers(odoo):
    """How often the job was asked to run."""
    query = """select count(*) from ir_cron_trigger
                where cron_id = (select res_id from ir_model_data
                                  where module = 'cloud_pbx'
                                    and name = 'ir_cron_rematch')"""
    return odoo.sql(query)[0][0]


def test_a_call_that_is_written_meanwhile(odoo, pbx, admin, britain):
    """The job meets an event of one of the calls: it begins anew, without an error."""
    calls = called(pbx, admin, "+441914981207")
    with log.cron_off(odoo, "ir_cron_rematch"):
        values = {"name": "Met", "phone": "0191 498 1207", "country_id": britain}
        [partner] = admin.call("res.partner", "create", [values])
        connection = psycopg2.connect(
            dbname=odoo.database,
            user=postgres.USER,
            host=str(odoo.instance.cluster.socket),
            port=postgres.PORT,
        )
        try:
            with connection.cursor() as cursor, ThreadPoolExecutor() as pool:
                cursor.execute(
                    "UPDATE pbx_call SET note = 'met' WHERE id = %s", [calls[1]]
                )
                job = pool.submit(log.run_job, admin, "ir_cron_rematch")
                log.until(lambda: waits_for_a_lock(odoo), 30, "the job waits")
                connection.commit()
                job.result(60)
        finally:
            connection.close()
    found = admin.call("pbx.call", "read", calls, ["partner_id", "note"])
    assert {call["partner_id"][0] for call in found} == {partner}
    assert {call["note"] for call in found} == {False, "met"}


def waits_for_a_lock(odoo):
    [[count]] = odoo.sql(
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and query like '%%FOR NO KEY UPDATE%%'"
    )
    return count
