"""Activities that tags plan, by the threads that run jobs."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import log
import psycopg2
from posting import post

from lib import postgres


def test_a_call_that_is_written_meanwhile(odoo, pbx, provider):
    """The job meets an event of the call: no error, and another run plans it."""
    admin = odoo.login("admin")
    number = f"+44161497{secrets.randbelow(1000) + 5000}"
    [kind] = admin.call("mail.activity.type", "create", [{"name": "Send an offer"}])
    [tag] = admin.call(
        "pbx.call.tag", "create", [{"name": f"Offer {kind}", "activity_type_id": kind}]
    )
    start = log.local(log.minutes_ago(5), provider["tz"])
    wanted = {"scenario": "missed", "caller": number, "call_start": start}
    with log.cron_off(odoo, "ir_cron_tags"):
        for event in pbx.post("/control/render", wanted)["events"]:
            assert post(provider["webhook_url"], event).status == 200
        log.wait_applied(odoo)
        [call] = admin.call("pbx.call", "search", [["number", "=", number]])
        admin.call("pbx.call", "write", [call], {"tag_ids": [[4, tag]]})
        [partner] = admin.call("res.partner", "create", [{"name": "Olga"}])
        admin.call("pbx.call", "write", [call], {"partner_id": partner})
        connection = psycopg2.connect(
            dbname=odoo.database,
            user=postgres.USER,
            host=str(odoo.instance.cluster.socket),
            port=postgres.PORT,
        )
        try:
            with connection.cursor() as cursor, ThreadPoolExecutor() as pool:
                cursor.execute("UPDATE pbx_call SET note = 'met' WHERE id = %s", [call])
                job = pool.submit(log.run_job, admin, "ir_cron_tags")
                try:
                    log.until(lambda: waits_for_a_lock(odoo), 30, "the job waits")
                finally:
                    connection.commit()
                assert job.result(60) is True
        finally:
            connection.close()
        assert not planned(odoo, kind)
        log.run_job(admin, "ir_cron_tags")
    assert planned(odoo, kind) == [("res.partner", partner)]


def planned(odoo, kind):
    return odoo.sql(
        "select res_model, res_id from mail_activity where activity_type_id = %s",
        [kind],
    )


def waits_for_a_lock(odoo):
    [[count]] = odoo.sql(
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and query like '%%UPDATE \"pbx_call\"%%'"
    )
    return count
