"""What a lead costs that the job makes of a call, over one that is just created."""

from datetime import timedelta

import requests
from measure import in_turn, ratio
from promises import CallEnds

OFF = """
UPDATE ir_cron SET active = FALSE
 WHERE id = (SELECT res_id FROM ir_model_data
              WHERE module = 'cloud_pbx' AND name = 'ir_cron_leads')"""


def job_against_bare(server, sql, provider, rounds):
    """Return ``{title: (figures, aim)}``: of lost callers whom nobody knows.

    The job does not run by itself meanwhile.
    """
    admin = server.login("admin")
    [values] = admin.call("pbx.provider", "read", [provider["id"]], ["company_id"])
    wanted = [values["company_id"][0]], {"pbx_lead_policy": "missed"}
    admin.call("res.company", "write", *wanted)
    sql(OFF, None)
    caller = CallEnds(provider)
    # They wait for a while, before they give up.
    caller.begun -= timedelta(minutes=1)
    with requests.Session() as session:
        session.trust_env = False

        def one_round():
            caller.end("lost")
            answer = session.post(f"{server.url}/bench/lead", timeout=60)
            answer.raise_for_status()
            return answer.json()

        times = in_turn(one_round, rounds)
    made = admin.call("crm.lead", "search_count", [("phone", "like", "+44 75")])
    assert made >= rounds, f"{made} leads of {rounds} calls"
    admin.call("res.company", "write", wanted[0], {"pbx_lead_policy": "never"})
    title = "a lead by the job / a bare create of the same"
    return {title: (ratio(times["job"], times["bare"]), "<= 1.30")}
