"""What a lead costs that the job makes of a call, over one that is just created."""

from datetime import timedelta

import requests
from measure import in_turn, ratio
from promises import CallEnds

# Whose phone rang: that of somebody who has to call back, and gets the lead; or none.
WHOSE = {"somebody's": True, "nobody's": False}

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
            times = {}
            for whose, rings in WHOSE.items():
                caller.end("lost", rings)
                answer = session.post(f"{server.url}/bench/lead", timeout=60)
                answer.raise_for_status()
                for name, seconds in answer.json().items():
                    times[whose, name] = seconds
            return times

        times = in_turn(one_round, rounds)
    made = admin.call("crm.lead", "search_count", [("phone", "like", "+44 75")])
    assert made >= 2 * rounds, f"{made} leads of {2 * rounds} calls"
    admin.call("res.company", "write", wanted[0], {"pbx_lead_policy": "never"})
    return {
        f"a lead by the job, {whose} / a bare create of the same": (
            ratio(times[whose, "job"], times[whose, "bare"]),
            "<= 1.30",
        )
        for whose in WHOSE
    }
