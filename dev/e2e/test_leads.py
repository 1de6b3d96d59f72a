"""Leads made by calls in started servers: soon, and one of a number at once."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import log
import psycopg2
import pytest
from posting import post, storm

from lib import postgres

THREADS, LOST, PEOPLE = 12, 24, 4
# From the end of the call; promised.
MADE_SECONDS = 15
# A run of the job, beside a call that stays locked all the time.
HELD_SECONDS = 45
RACERS = 4
# Jobs that run at once, as Odoo lets none: each on a connection of its own.
RACE = f"""
import threading
from odoo import api
from odoo.addons.cloud_pbx.models.lead.make import LeadMaker
from odoo.modules.registry import Registry
registry, barrier, errors = Registry(env.cr.dbname), threading.Barrier({RACERS}), []
def race():
    with registry.cursor() as cr:
        maker = LeadMaker(api.Environment(cr, 1, {{}}))
        waiting = maker._waiting()
        barrier.wait(30)
        try:
            for call_id, company_id, number, _total in waiting:
                maker._take_turn(call_id, f"pbx.lead/{{company_id}}/{{number}}")
        except Exception as error:
            errors.append(repr(error))
threads = [threading.Thread(target=race) for _ in range({RACERS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("RACED", errors)
"""


@pytest.fixture(scope="module", params=["threaded", "prefork"])
def system(request):
    if request.param == "prefork":
        return request.getfixturevalue("prefork")
    return tuple(map(request.getfixturevalue, ("odoo", "pbx", "provider")))


@pytest.fixture(scope="module", autouse=True)
def wanted(system):
    odoo, _pbx, provider = system
    admin = odoo.login("admin")
    [values] = admin.call("pbx.provider", "read", [provider["id"]], ["company_id"])
    company = values["company_id"][0]
    admin.call("res.company", "write", [company], {"pbx_lead_policy": "unknown"})
    yield
    admin.call("res.company", "write", [company], {"pbx_lead_policy": "never"})


def rendered(system, scenario, caller, minutes=1.0):
    _odoo, pbx, provider = system
    start = log.local(log.minutes_ago(minutes), provider["tz"])
    told = {"scenario": scenario, "caller": caller, "call_start": start}
    return pbx.post("/control/render", told)


def leads(odoo, pattern):
    """``[(calls that are linked, is the first one's)]`` of the leads of these numbers,
    with the calls that have none at the end."""
    return odoo.sql(
        """select count(*), bool_or(lead.pbx_call_id = call.id), call.lead_id is null
             from pbx_call call left join crm_lead lead on lead.id = call.lead_id
            where call.number like %s group by call.lead_id order by 3""",
        [pattern],
    )


def are_done(odoo, pattern):
    return not odoo.sql(
        """select 1 from pbx_call where number like %s
              and (state != 'done' or lead_after is not null) limit 1""",
        [pattern],
    )


def post_all_but_ends(system, calls):
    """Post the calls up to their ends; return the ends."""
    url = system[2]["webhook_url"]
    for call in calls:
        for event in call["events"][:-1]:
            assert post(url, event).status == 200
    return [call["events"][-1] for call in calls]


def test_soon_after_the_end(system):
    odoo, number = system[0], "+441614970000"
    [end] = post_all_but_ends(system, [rendered(system, "missed", number)])
    began = time.monotonic()
    assert post(system[2]["webhook_url"], end).status == 200
    answered = time.monotonic() - began
    log.until(lambda: leads(odoo, number)[0][1], MADE_SECONDS, "the lead")
    print(f"answered in {answered:.3f} s, lead in {time.monotonic() - began:.3f} s")


def test_many_lost_calls_of_one_number_at_once(system):
    odoo, number = system[0], "+441614971000"
    calls = [
        rendered(system, "missed", number, minutes=20 + place / 4)
        for place in range(LOST)
    ]
    ends = post_all_but_ends(system, calls)
    batches = [ends[begin : begin + THREADS] for begin in range(0, LOST, THREADS)]
    answers = storm(system[2]["webhook_url"], batches, THREADS)
    assert {answer.status for batch in answers for answer in batch} == {200}
    log.wait_applied(odoo)
    log.until(lambda: are_done(odoo, number), MADE_SECONDS, "the lead")
    # The call from which it came is among those that are linked to it.
    assert leads(odoo, number) == [(LOST, True, False)]


def test_jobs_that_run_at_once(system):
    """Each number has one lead, whoever makes it, and no call is left."""
    odoo = system[0]
    numbers = [f"+4416149720{place:02}" for place in range(PEOPLE)]
    with log.cron_off(odoo, "ir_cron_leads"):
        calls = [
            rendered(system, "missed", number, minutes=20 + place)
            for number in numbers
            for place in range(6)
        ]
        for end in post_all_but_ends(system, calls):
            assert post(system[2]["webhook_url"], end).status == 200
        log.wait_applied(odoo)
        assert leads(odoo, "+4416149720%") == [(6 * PEOPLE, None, True)]
        said = odoo.shell(RACE)
    assert re.search(r"RACED \[\]", said), said
    assert "no lead could be made" not in said
    assert leads(odoo, "+4416149720%") == [(6, True, False)] * PEOPLE


def test_what_was_missed_while_the_job_was_off(system):
    """No wake-up came through: a regular run finds the call."""
    odoo, number = system[0], "+441614973000"
    admin = odoo.login("admin")
    with log.cron_off(odoo, "ir_cron_leads"):
        call = rendered(system, "missed", number)
        for event in call["events"]:
            assert post(system[2]["webhook_url"], event).status == 200
    assert leads(odoo, number) == [(1, None, True)]
    log.run_job(admin, "ir_cron_leads")
    assert leads(odoo, number) == [(1, True, False)]


def test_a_call_that_somebody_holds(system):
    """However long: the others have their leads, and its own comes once it is free."""
    odoo, held, free = system[0], "+441614974000", "+441614974001"
    admin = odoo.login("admin")
    with log.cron_off(odoo, "ir_cron_leads"):
        for number, minutes in ((held, 5), (free, 3)):
            for event in rendered(system, "missed", number, minutes)["events"]:
                assert post(system[2]["webhook_url"], event).status == 200
        log.wait_applied(odoo)
        connection = psycopg2.connect(
            dbname=odoo.database,
            user=postgres.USER,
            host=str(odoo.instance.cluster.socket),
            port=postgres.PORT,
        )
        try:
            with connection.cursor() as cursor, ThreadPoolExecutor() as pool:
                cursor.execute(
                    "UPDATE pbx_call SET note = 'held' WHERE number = %s", [held]
                )
                job = pool.submit(log.run_job, admin, "ir_cron_leads")
                try:
                    assert job.result(HELD_SECONDS) is True
                finally:
                    connection.commit()
        finally:
            connection.close()
        assert leads(odoo, free) == [(1, True, False)]
        assert leads(odoo, held) == [(1, None, True)]
        log.run_job(admin, "ir_cron_leads")
        assert leads(odoo, held) == [(1, True, False)]
